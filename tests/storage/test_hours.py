"""Hour rows are the truth that detection counts from: they must equal a recount, whatever happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.errors import GroundswellError
from storage import migrate
from storage.instants import hour_of
from storage.records import (
    ClusterEvent,
    ClusterId,
    Correction,
    HourCount,
    MentionId,
    Move,
    Polarity,
)
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

SAID = [
    ("polarity", "negative"),
    ("polarity", "not_negative"),
    ("noise", "advert"),
    ("severity", "injury=yes"),
    ("brand", ""),
]

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
        "reposts": st.sampled_from([None, 0, 7]),
    }
)
_acts = st.lists(
    st.one_of(
        st.tuples(st.just("gather"), st.lists(_posts, min_size=1, max_size=6)),
        st.tuples(st.just("merge"), st.integers(0, 3), st.integers(0, 3)),
        st.tuples(st.just("retract"), st.integers(1, 20), st.booleans()),
        st.tuples(st.just("publish"), st.integers(1, 20)),
        st.tuples(st.just("move"), st.integers(1, 20), st.integers(0, 3)),
        st.tuples(st.just("split"), st.lists(st.integers(1, 20), max_size=4), st.integers(0, 3)),
        st.tuples(st.just("correct"), st.integers(1, 20), st.sampled_from(SAID)),
        st.tuples(
            st.just("edit"),
            st.sampled_from(["merge", "split", "move", "undo"]),
            st.integers(0, 3),
            st.integers(0, 3),
            st.lists(st.integers(1, 20), min_size=1, max_size=3),
        ),
        st.tuples(st.just("revise"), st.integers(1, 20)),
        st.tuples(st.just("read_again"), st.integers(1, 20)),
    ),
    min_size=1,
    max_size=7,
)


class Teller:
    """Drives a store through acts."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.seq = 0
        self.taken = 0

    def live(self, n: int) -> ClusterId:
        with self.store.read() as queries:
            found = queries.cluster(CLUSTERS[n])
        return CLUSTERS[n] if found is None else found.cluster_id

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
                    history=post["history"], channel=post["channel"], reposts=post.get("reposts"),
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

    def read_again(self, n: int) -> None:
        """Read a mention's counters again, which have risen."""
        if n <= self.taken:
            with self.store.transaction() as tx:
                found = tx.queries.mention(n)
                seen = make_raw(n, text=found.text, title=found.title, channel=found.channel)
                tx.keep([replace(seen, reposts=(found.reposts or 0) + 5, views=100)], NOW)

    def revise(self, n: int) -> None:
        """Its author writes on: it is judged anew and not gathered yet."""
        if n <= self.taken:
            with self.store.transaction() as tx:
                found = tx.queries.mention(n)
                text = found.text + "（补充：到现在也没人联系我）"
                tx.keep([make_raw(n, text=text, title=found.title, channel=found.channel)], NOW)
                tx.save_verdicts([MentionId(n)], [make_verdict(n)], NOW)

    def correct(self, n: int, said: tuple[str, str]) -> None:
        kind, value = said
        if n <= self.taken:
            word = Correction(
                correction_no=0, door="console", mention_id=MentionId(n), brand_id=BRAND, kind=kind, value=value, was="",
                actor="wang", at=NOW,
            )  # fmt: skip
            with self.store.transaction() as tx:
                tx.correct([word], NOW)

    def split(self, mention_ids: list[int], to: int) -> None:
        """Carry members over without gathering them again, as the clusterer does."""
        part = self.live(to)
        with self.store.transaction() as tx:
            members = sorted({n for n in mention_ids if tx.queries.mention_cluster(n)})
            moves = tuple(Move(mention_id=MentionId(n), cluster_id=part) for n in members)
            events = [
                ClusterEvent(cluster_id=one, kind="split", at=NOW, other_id=part)
                for one in dict.fromkeys(tx.queries.mention_cluster(n)[0] for n in members)
            ]
            changes = make_shard_changes(
                moves=moves, clusters=(make_cluster(part),), events=tuple(events)
            )
            tx.save_gathering(changes, [])

    def edit(self, kind: str, left: int, right: int, mention_ids: list[int]) -> None:
        """Let a person change clusters; what they are refused changes nothing."""
        one, other = self.live(left), self.live(right)
        with suppress(GroundswellError), self.store.transaction() as tx:
            if kind == "merge":
                tx.merge_clusters(one, other, "wang", NOW)
            elif kind == "split":
                tx.split_cluster(one, mention_ids, "wang", NOW)
            elif kind == "move":
                tx.move_mentions(mention_ids, other, "wang", NOW)
            else:
                newest = len(tx.queries.table_rows("cluster_event"))
                tx.undo_cluster_event(newest - left, "wang", NOW)

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
        "hours": hours_of(members, mentions),
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


def hours_of(members: list[dict], mentions: dict) -> dict[tuple, tuple]:
    found: dict[tuple, list] = {}
    for row in members:
        found.setdefault((row["cluster_id"], hour_of(row["published_at"])), []).append(row)
    return {
        key: (
            len(rows),
            len({row["author_key"] for row in rows}),
            len({row["text_key"] for row in rows}),
            len({row["author_key"] for row in rows if row["is_sure"] and not row["history"]}),
            len({row["author_key"] for row in rows if not row["history"]}),
            sum(row["is_sure"] for row in rows),
            len(
                {
                    mentions[row["mention_pk"]]["platform"]
                    for row in rows
                    if mentions[row["mention_pk"]]["channel"] != "internal"
                }
            ),
        )
        for key, rows in found.items()
    }


def stored(store: Store) -> dict[str, dict]:
    with store.read() as queries:
        return {
            "hours": {
                (r["cluster_id"], r["hour"]): tuple(r.values())[2:]
                for r in queries.table_rows("cluster_hour")
            },
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


def growths(store: Store) -> dict[str, dict]:
    """Count every cluster's growth from its members."""
    with store.read() as queries:
        members = queries.table_rows("mention_cluster")
        mentions = {row["mention_pk"]: row for row in queries.table_rows("mention")}
    hours = hours_of(members, mentions)
    day, end = timedelta(days=1), hour_of(NOW) + timedelta(hours=1)
    found = {}
    for cluster_id in {row["cluster_id"] for row in members}:
        rows = [row for row in members if row["cluster_id"] == cluster_id]
        texts = {row["text_key"] for row in rows}
        recent = [row for row in rows if end - day <= row["published_at"] < end]
        before = [row for row in rows if end - 2 * day <= row["published_at"] < end - day]
        public = [
            one for row in rows if (one := mentions[row["mention_pk"]])["channel"] == "public"
        ]
        found[cluster_id] = {
            "hours": tuple(
                HourCount(hour=hour, mentions=counts[0], authors=counts[1], texts=counts[2],
                          live=counts[3], watch=counts[4], negative=counts[5], platforms=counts[6])
                for (one, hour), counts in sorted(hours.items())
                if one == cluster_id and end - 3 * day <= hour < end
            ),
            "first_at": min(row["published_at"] for row in rows),
            "last_at": max(row["published_at"] for row in rows),
            "mentions": len(rows),
            "authors": len({row["author_key"] for row in rows}),
            "texts": len(texts),
            "copies": len(rows) - len(texts),
            "negative": sum(row["is_sure"] for row in rows),
            "platforms": len({mention["platform"] for mention in public}),
            "authors_24h": len({row["author_key"] for row in recent}),
            "authors_before_24h": len({row["author_key"] for row in before}),
        }  # fmt: skip
    return found


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
        with teller.store.read() as queries:
            for cluster_id, found in growths(teller.store).items():
                growth = queries.growth(cluster_id, NOW)
                assert {name: getattr(growth, name) for name in found} == found

    check()


def test_a_copy_of_an_unknown_author_is_the_same_author_and_text(store):
    teller = Teller(store)
    post = {"cluster": 0, "hours_ago": 0, "author": "", "copies": True, "unsure": False,
            "history": False, "severity": (), "channel": "public", "reposts": None}  # fmt: skip
    teller.gather([post] * 3)

    with store.read() as queries:
        [hour] = queries.cluster_hours(CLUSTERS[0], NOW - timedelta(days=1))
    assert (hour.mentions, hour.authors, hour.texts) == (3, 1, 1)


def test_posts_of_unknown_authors_are_authors_of_their_own(store):
    teller = Teller(store)
    post = {"cluster": 0, "hours_ago": 0, "author": "", "copies": False, "unsure": False,
            "history": False, "severity": (), "channel": "public", "reposts": None}  # fmt: skip
    teller.gather([post] * 3)

    with store.read() as queries:
        [hour] = queries.cluster_hours(CLUSTERS[0], NOW - timedelta(days=1))
    assert (hour.mentions, hour.authors, hour.texts) == (3, 3, 3)


def test_an_older_database_is_counted_when_it_is_upgraded(database_url):
    post = {"cluster": 0, "hours_ago": 1, "author": "甲", "copies": False, "unsure": False,
            "history": False, "severity": (), "channel": "public", "reposts": 7}  # fmt: skip
    unlike = [{"copies": True}, {"author": ""}, {"unsure": True}, {"history": True},
              {"channel": "internal"}, {"hours_ago": 30, "cluster": 1}]  # fmt: skip
    store = Store(database_url)
    Teller(store).gather([post, *(post | other for other in unlike)])
    kept = stored(store)
    store.close()
    migrate.downgrade(database_url, "0003")
    migrate.upgrade(database_url)

    store = Store(database_url)
    assert stored(store) == kept == recounted(store)
    store.close()
