"""Hour rows are the truth that detection counts from: they must equal a recount, whatever happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.instants import hour_of
from storage.records import ClusterId, MentionId, Polarity
from storage.store import Store
from tests.make import (
    BRAND,
    NOW,
    SHARD,
    make_assignment,
    make_cluster,
    make_raw,
    make_shard_changes,
    make_verdict,
)

CLUSTERS = [ClusterId(f"yunque-{letter * 8}") for letter in "abcd"]

_posts = st.fixed_dictionaries(
    {
        "cluster": st.integers(0, 3),
        "hours_ago": st.sampled_from([0, 0, 1, 2, 30, 900]),
        "author": st.sampled_from(["", "", "甲", "乙", "丙"]),
        "copies": st.booleans(),
        "unsure": st.booleans(),
        "history": st.booleans(),
        "severity": st.sampled_from([(), ("injury",), ("injury", "child")]),
        "channel": st.sampled_from(["public", "public", "internal"]),
    }
)
_acts = st.lists(
    st.one_of(
        st.tuples(st.just("gather"), st.lists(_posts, min_size=1, max_size=6)),
        st.tuples(st.just("merge"), st.integers(0, 3), st.integers(0, 3)),
        st.tuples(st.just("retract"), st.integers(1, 20), st.booleans()),
        st.tuples(st.just("publish"), st.integers(1, 20)),
        st.tuples(st.just("move"), st.integers(1, 20), st.integers(0, 3)),
    ),
    min_size=1,
    max_size=7,
)


class Teller:
    """Drives a store through acts, and remembers which clusters are aliases."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.seq = 0
        self.taken = 0
        self.alias: dict[ClusterId, ClusterId] = {}

    def live(self, n: int) -> ClusterId:
        cluster = CLUSTERS[n]
        while cluster in self.alias:
            cluster = self.alias[cluster]
        return cluster

    def numbers(self) -> Iterator[int]:
        while True:
            self.seq += 1
            yield self.seq

    def gather(self, posts: list[dict]) -> None:
        with self.store.transaction() as tx:
            for post in posts:
                self.taken += 1
                at = NOW - timedelta(hours=post["hours_ago"], minutes=self.taken % 50)
                raw = make_raw(
                    self.taken, author=post["author"], published_at=at,
                    history=post["history"], channel=post["channel"],
                )  # fmt: skip
                [(_, mention_id)] = tx.keep([raw], NOW)
                polarity = Polarity.UNSURE if post["unsure"] else Polarity.NEGATIVE
                verdict = make_verdict(mention_id, polarity=polarity, severity=post["severity"])
                tx.save_verdicts([mention_id], [verdict], NOW)
            items = tx.pending_verdicts(SHARD, 100)
            assignments = []
            last_in: dict[ClusterId, MentionId] = {}
            for (mention, _), post, seq in zip(items, posts, self.numbers(), strict=False):
                cluster = self.live(post["cluster"])
                original = last_in.get(cluster) if post["copies"] else None
                assignments.append(
                    make_assignment(
                        mention.mention_id, cluster_id=cluster, seq=seq, duplicate_of=original
                    )
                )
                last_in.setdefault(cluster, mention.mention_id)
            clusters = tuple(make_cluster(self.live(n)) for n in range(4))
            tx.save_gathering(
                make_shard_changes(assignments=tuple(assignments), clusters=clusters), items
            )

    def merge(self, left: int, right: int) -> None:
        loser, survivor = self.live(left), self.live(right)
        if loser == survivor:
            return
        self.alias[loser] = survivor
        with self.store.transaction() as tx:
            alias = make_cluster(loser, state="alias", alias_of=survivor)
            clusters = (make_cluster(survivor), alias)
            tx.save_gathering(make_shard_changes(clusters=clusters), [])

    def retract(self, mention_id: int, back: bool) -> None:
        with self.store.transaction() as tx:
            if tx.queries.mention(mention_id) is None:
                return
            verdicts = [make_verdict(mention_id, severity=("fire",))] if back else []
            tx.save_verdicts([MentionId(mention_id)], verdicts, NOW)
            items = tx.pending_verdicts(SHARD, 10)
            assignments = tuple(
                make_assignment(mention.mention_id, cluster_id=self.live(0), seq=seq)
                for (mention, _), seq in zip(items, self.numbers(), strict=False)
            )
            clusters = (make_cluster(self.live(0)),)
            tx.save_gathering(make_shard_changes(assignments=assignments, clusters=clusters), items)

    def publish(self, n: int) -> None:
        """See in public what may have been known from inside only."""
        if n <= self.taken:
            with self.store.transaction() as tx:
                found = tx.queries.mention(n)
                seen = make_raw(n, text=found.text, title=found.title, tier="trade")
                tx.keep([replace(seen, platform="luntan")], NOW)

    def move(self, mention_id: int, to: int) -> None:
        with self.store.transaction() as tx:
            if not tx.queries.mention_cluster(mention_id):
                return
            self.seq += 1
            moved = make_assignment(mention_id, cluster_id=self.live(to), seq=self.seq)
            clusters = (make_cluster(self.live(to)),)
            tx.save_gathering(make_shard_changes(assignments=(moved,), clusters=clusters), [])


def recounted(store: Store) -> dict[str, dict]:
    """Count everything again from the members and what is known of their mentions."""
    with store.read() as queries:
        members = queries.table_rows("mention_cluster")
        mentions = {row["mention_pk"]: row for row in queries.table_rows("mention")}
        verdicts = {
            (row["mention_pk"], row["brand_id"]): row
            for row in queries.table_rows("verdict")
            if row["is_current"]
        }
    authors: dict[tuple, Counter] = {}
    texts, platforms, facts = Counter(), Counter(), {}
    brand: dict = {}
    for row in members:
        hour, watch = hour_of(row["published_at"]), not row["history"]
        live = watch and row["is_sure"]
        key = (row["cluster_id"], hour, row["author_key"])
        authors.setdefault(key, Counter()).update(
            n=1, n_live=live, n_watch=watch, n_negative=row["is_sure"]
        )
        authors[key]["n_public"] += mentions[row["mention_pk"]]["channel"] != "internal"
        texts[row["cluster_id"], hour, row["text_key"]] += 1
        seen = brand.setdefault(
            hour, {"mentions": 0, "authors": set(), "texts": set(), "live": set(), "watch": set()}
        )
        seen["mentions"] += 1
        seen["authors"].add(row["author_key"])
        seen["texts"].add(row["text_key"])
        seen["live"] |= {row["author_key"]} if live else set()
        seen["watch"] |= {row["author_key"]} if watch else set()
        mention = mentions[row["mention_pk"]]
        verdict = verdicts[row["mention_pk"], row["brand_id"]]
        stated = [("region", mention["region"], ""), ("issue", verdict["issue_class"], "")]
        stated += [("product", value, "") for value in verdict["detail"]["products"]]
        stated += [("symptom", value, "") for value in verdict["detail"]["symptoms"]]
        stated += [
            (kind, value, "")
            for kind in ("also", "sub")
            for value in verdict["detail"].get(kind, ())
        ]
        stated += [
            ("severity", value, row["author_key"]) for value in verdict["detail"]["severity"]
        ]
        if mention["channel"] != "internal":
            stated.append(("platform", mention["platform"], ""))
            platforms[row["cluster_id"], hour, mention["platform"]] += 1
            stated += [("tier", mention["tier"], "")] if mention["tier"] else []
        for kind, value, author in stated:
            if not value:
                continue
            facts.setdefault((row["cluster_id"], kind, value, author), Counter()).update(
                n=1, n_watch=watch
            )
    sizes = {
        hour: tuple(n if isinstance(n, int) else len(n) for n in seen.values())
        for hour, seen in brand.items()
    }
    return {
        "totals": totals_of(members, mentions),
        "authors": authors,
        "texts": texts,
        "platforms": platforms,
        "facts": facts,
        "brand": sizes,
    }


def totals_of(members: list[dict], mentions: dict) -> dict[str, dict]:
    found: dict[str, dict] = {}
    for row in members:
        found.setdefault(row["cluster_id"], []).append(row)
    totals = {}
    for cluster_id, rows in found.items():
        seen = [(row, mentions[row["mention_pk"]]) for row in rows]
        public = [(row, mention) for row, mention in seen if mention["channel"] != "internal"]
        figures = {}
        for name in ("reposts", "views"):
            known = [mention[name] for _, mention in public if mention[name] is not None]
            figures |= {name: sum(known), f"n_{name}": len(known)}
        totals[cluster_id] = {
            "n": len(rows),
            "n_negative": sum(row["is_sure"] for row in rows),
            "authors": len({row["author_key"] for row in rows}),
            "public_authors": len({row["author_key"] for row, _ in public}),
            "texts": len({row["text_key"] for row in rows}),
            **figures,
        }
    return totals


def stored(store: Store) -> dict[str, dict]:
    with store.read() as queries:
        return {
            "totals": {
                r["cluster_id"]: {name: n for name, n in r.items() if name != "cluster_id"}
                for r in queries.table_rows("cluster_total")
            },
            "authors": {
                (r["cluster_id"], r["hour"], r["author_key"]): Counter(
                    {name: r[name] for name in ("n", "n_live", "n_watch", "n_negative", "n_public")}
                )
                for r in queries.table_rows("cluster_hour_author")
            },
            "texts": {
                (r["cluster_id"], r["hour"], r["text_key"]): r["n"]
                for r in queries.table_rows("cluster_hour_text")
            },
            "platforms": {
                (r["cluster_id"], r["hour"], r["platform"]): r["n"]
                for r in queries.table_rows("cluster_hour_platform")
            },
            "facts": {
                (r["cluster_id"], r["kind"], r["value"], r["author_key"]): Counter(
                    n=r["n"], n_watch=r["n_watch"]
                )
                for r in queries.table_rows("cluster_fact")
            },
            "brand": {
                r["hour"]: (r["mentions"], r["authors"], r["texts"], r["live"], r["watch"])
                for r in queries.table_rows("brand_hour")
                if r["brand_id"] == BRAND
            },
        }


@pytest.fixture
def emptied(store):
    """A function that empties the store between examples."""
    import sqlalchemy as sa

    from storage.tables import metadata

    def empty() -> Store:
        with store.write() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(sa.delete(table))
        return store

    return empty


def test_hour_rows_equal_a_recount_after_any_acts(emptied):
    @settings(
        max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(_acts)
    def check(acts):
        teller = Teller(emptied())
        for name, *arguments in acts:
            getattr(teller, name)(*arguments)
        assert stored(teller.store) == recounted(teller.store)

    check()


def test_a_copy_of_an_unknown_author_is_the_same_author_and_text(store):
    teller = Teller(store)
    post = {"cluster": 0, "hours_ago": 0, "author": "", "copies": True, "unsure": False,
            "history": False, "severity": (), "channel": "public"}  # fmt: skip
    teller.gather([post] * 3)

    with store.read() as queries:
        [hour] = queries.cluster_hours(CLUSTERS[0], NOW - timedelta(days=1))
    assert (hour.mentions, hour.authors, hour.texts) == (3, 1, 1)


def test_posts_of_unknown_authors_are_authors_of_their_own(store):
    teller = Teller(store)
    post = {"cluster": 0, "hours_ago": 0, "author": "", "copies": False, "unsure": False,
            "history": False, "severity": (), "channel": "public"}  # fmt: skip
    teller.gather([post] * 3)

    with store.read() as queries:
        [hour] = queries.cluster_hours(CLUSTERS[0], NOW - timedelta(days=1))
    assert (hour.mentions, hour.authors, hour.texts) == (3, 3, 3)
