"""A rehearsal of the configuration at work gives what really happened, on both databases."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.incidents import Command
from alerts.messages import NoLinks
from bench.bench_rehearse import START, fill
from bench.bench_rehearse import project as four_brands
from config.errors import ConfigError, GroundswellError
from config.schema import Project
from groundswell.cluster_desk import ClusterDesk
from groundswell.desk import Desk
from groundswell.hot import HotLists
from groundswell.label_desk import LabelDesk
from groundswell.passes import PassLog
from groundswell.pipeline import Journey
from groundswell.rehearsal import Rehearsal, rehearse
from groundswell.rehearsal_diff import differences
from groundswell.rehearsal_trial import with_values
from groundswell.silence_desk import SilenceDesk, Wish
from groundswell.stages import Stages
from storage import migrate, tables
from storage.records import (
    Cluster,
    ClusterEvent,
    ClusterId,
    Correction,
    Level,
    Mention,
    MentionId,
    Move,
    Polarity,
    ShardChanges,
    Verdict,
)
from storage.store import Store
from tests.alerts.people import make_project
from tests.make import BRAND, NOW, SHARD, make_assignment, make_cluster, make_raw, make_verdict

STORY = tuple[int, int]
WHO = "lin"
LETTERS = "abcdef"


@dataclass
class At:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


@dataclass
class Gatherer:
    """Stands for the clusterer: it puts mentions where it is told to."""

    seq: int = 0
    homes: dict[int, str] = field(default_factory=dict)  # mention -> letter
    copies: dict[int, int] = field(default_factory=dict)
    opened: set[str] = field(default_factory=set)
    today: dict[str, Cluster] = field(default_factory=dict)  # where letters are by now
    also: dict[str, Any] = field(default_factory=dict)  # what else this batch changes

    def id(self, letter: str) -> ClusterId:
        return ClusterId(f"{BRAND}-{letter * 8}")

    def gather(
        self, items: Sequence[tuple[Mention, Verdict]], now: datetime, recall: object
    ) -> ShardChanges:
        assignments, events = [], []
        clusters: dict[ClusterId, Cluster] = {}
        for mention, _ in items:
            letter = self.homes[int(mention.mention_id)]
            row = self.today.get(letter)
            cluster = row.cluster_id if row else self.id(letter)
            self.seq += 1
            if letter not in self.opened:
                self.opened.add(letter)
                events.append(ClusterEvent(cluster_id=cluster, kind="open", at=now))
                row = make_cluster(
                    cluster, representative_id=mention.mention_id, last_at=mention.published_at
                )
            assert row is not None, "opened above"
            last_at = max(row.last_at or mention.published_at, mention.published_at)
            self.today[letter] = clusters[cluster] = replace(row, last_at=last_at, blob=b"state")
            root = self.copies.get(int(mention.mention_id))
            assignments.append(
                make_assignment(
                    mention.mention_id,
                    cluster_id=cluster,
                    seq=self.seq,
                    duplicate_of=root,
                    fingerprint=1000 + (root or int(mention.mention_id)),
                )
            )
        also, self.also = self.also, {}
        return ShardChanges(
            shard_id=SHARD,
            assignments=tuple(assignments),
            clusters=(*clusters.values(), *also.get("clusters", ())),
            events=(*events, *also.get("events", ())),
            moves=also.get("moves", ()),
        )


class Town:
    """A store on which all sorts of things happen, as `random` says."""

    def __init__(self, store: Store, project: Project, seed: int) -> None:
        self.store, self.project, self.clock = store, project, At()
        self.chance = random.Random(seed)
        self.links = NoLinks()
        self.hot = HotLists(project)
        self.gatherer = Gatherer()
        self.journey = Journey(
            project=project,
            analyst=self,
            keeper=None,
            linker=None,
            hot=self.hot,
            links=self.links,
            log=PassLog(project),
        )  # type: ignore[arg-type]
        self.stages = Stages(store, self.journey, self.clock, lambda state: None)  # type: ignore[arg-type,return-value]
        parts = {"store": store, "project": project, "links": self.links}
        self.desk = Desk(**parts, clock=self.clock)
        self.labels = LabelDesk(**parts, clock=self.clock)
        self.silences = SilenceDesk(**parts, clock=self.clock)
        self.clusters = ClusterDesk(**parts, hot=self.hot)
        self.taken = 0
        self.events: list[int] = []
        self.stages.regrade()  # the first checkpoint

    def live(self, steps: int) -> None:
        acts = [
            *[self.people_write] * 6,
            *[self.grade_again] * 4,
            *[self.tick] * 3,
            *[self.command] * 5,
            self.correct,
            self.judge_anew,
            self.edit,
            self.merge_by_itself,
            self.split_by_itself,
            self.silence,
            self.counters,
        ]
        for _ in range(steps):
            self.clock.at += timedelta(minutes=self.chance.choice((1, 3, 10, 45, 200)))
            with contextlib.suppress(GroundswellError):  # a refusal is an answer, too
                self.chance.choice(acts)()
        self.grade_again()

    def people_write(self) -> None:
        chance, now = self.chance, self.clock.at
        letter = chance.choice(LETTERS)
        with self.store.transaction() as tx:
            for _ in range(chance.choice((1, 1, 2, 6))):
                self.taken += 1
                age = timedelta(minutes=chance.choice((0, 5, 30, 300, 3000)))
                raw = make_raw(
                    self.taken,
                    published_at=now - age,
                    observed_at=now,
                    author=f"用户{chance.randrange(40)}" if chance.random() < 0.9 else "",
                    views=chance.choice((None, None, 100, 7000)),
                    platform=chance.choice(("tousu", "luntan")),
                    tier=chance.choice(("", "", "", "trade")),
                    history=chance.random() < 0.1,
                    channel=chance.choice(("public", "public", "internal")),
                )
                [(_, pk)] = tx.keep([raw], now)
                self.judge(tx, pk, now)
                self.gatherer.homes[pk] = letter
                same = [one for one, home in self.gatherer.homes.items() if home == letter]
                roots = [one for one in same if one not in self.gatherer.copies and one != pk]
                if roots and chance.random() < 0.2:
                    self.gatherer.copies[pk] = chance.choice(roots)
        self.gather()

    def judge(self, tx: Any, pk: MentionId, now: datetime) -> None:
        tx.save_verdicts([pk], [self.verdict(pk)], now)

    def judge_many(self, mentions: Sequence[Mention]) -> list[list[Verdict]]:
        """Stand for the analyst, who thinks otherwise the next time."""
        return [[self.verdict(one.mention_id)] for one in mentions]

    def judge_anew(self) -> None:
        if self.taken:
            some = self.chance.sample(range(1, self.taken + 1), min(3, self.taken))
            with self.store.transaction() as tx:
                tx.judge_again([MentionId(one) for one in some])
                self.journey.understand(tx, self.clock.at)
            if self.chance.random() < 0.7:  # else they wait, as between two stages
                self.gather()

    def verdict(self, pk: MentionId) -> Verdict:
        return make_verdict(
            pk,
            polarity=self.chance.choice((Polarity.NEGATIVE, Polarity.NEGATIVE, Polarity.UNSURE)),
            severity=self.chance.choice(((), (), (), ("injury",), ("money", "regulator"))),
            symptoms=self.chance.choice(((), ("漏:漏水",))),
            products=self.chance.choice(((), ("q3",))),
        )

    def gather(self) -> None:
        now = self.clock.at
        with self.store.transaction() as tx:
            members = {row[0] for row in tx.queries.talkers(list(self.ids()))}
            found = {one: tx.queries.cluster(self.gatherer.id(one)) for one in LETTERS}
            self.gatherer.today = {one: own for one, own in found.items() if own}
            copies = self.gatherer.copies
            for one in [one for one, root in copies.items() if MentionId(root) not in members]:
                del copies[one]
            self.journey.gather(tx, SHARD, self.gatherer, now)  # type: ignore[arg-type]

    def ids(self) -> list[ClusterId]:
        return [self.gatherer.id(letter) for letter in sorted(self.gatherer.opened)]

    def grade_again(self) -> None:
        self.stages.regrade()

    def tick(self) -> None:
        self.stages.remind()

    def command(self) -> None:
        with self.store.read() as queries:
            known = sorted(queries.incidents(), key=lambda one: one.incident_id)
        if not known:
            return
        chosen = self.chance.choice(known)
        names = ["ack", "note", "handled", "confirm", "dismiss", "reopen", "reject", "escalate"]
        names += ["assign", "grade", "shelve", "silence", "task", "merge"]
        name = self.chance.choice(names)
        command = Command(
            name=name,
            actor=self.chance.choice(("lin", "zhao")),
            text="按流程处理",
            owner_id="chen",
            level=self.chance.choice((None, Level.ORANGE, Level.YELLOW)),
            until=self.clock.at + timedelta(hours=self.chance.choice((2, 60))),
            how="other" if name == "dismiss" else "",
        )
        into = self.chance.choice(known).incident_id if name == "merge" else ""
        self.desk.act(chosen.incident_id, command, into=into)

    def correct(self) -> None:
        if self.taken:
            value = self.chance.choice(("not_negative", "negative"))
            said = Correction(
                correction_no=0,
                mention_id=MentionId(self.chance.randrange(self.taken) + 1),
                brand_id=BRAND,
                kind="polarity",
                value=value,
                was="",
                actor=WHO,
                door="console",
                at=self.clock.at,
            )
            self.labels.say([said])
            self.gather()

    def edit(self) -> None:
        ids = self.ids()
        if len(ids) < 2:
            return
        one, other = self.chance.sample(ids, 2)
        with self.store.read() as queries:
            members = [int(row[0]) for row in queries.talkers([one])]
        some = members[: self.chance.randrange(1, 4)]
        now, kind = self.clock.at, self.chance.choice(("merge", "split", "move", "undo"))
        if kind == "merge":
            done = self.clusters.merge(one, other, WHO, now)
        elif kind == "split" and some:
            done = self.clusters.split(one, some, WHO, now)
        elif kind == "move" and some:
            done = self.clusters.move(some, other, WHO, now)
        elif self.events:
            done = self.clusters.undo(self.chance.choice(self.events), WHO, now)
        else:
            return
        self.events += [event.event_no for event in done.events]

    def row(self, cluster_id: ClusterId) -> Cluster | None:
        with self.store.read() as queries:
            found = queries.cluster(cluster_id)
        return found if found is not None and found.cluster_id == cluster_id else None

    def merge_by_itself(self) -> None:
        rows = [one for one in map(self.row, self.ids()) if one is not None]
        if len(rows) < 2:
            return
        survivor, loser = sorted(self.chance.sample(rows, 2), key=lambda one: one.cluster_id)
        alias = replace(loser, state="alias", alias_of=survivor.cluster_id, blob=b"")
        event = ClusterEvent(
            cluster_id=survivor.cluster_id,
            kind="merge",
            at=self.clock.at,
            other_id=loser.cluster_id,
        )
        self.gatherer.also = {"clusters": (replace(survivor, blob=b"s"), alias), "events": (event,)}
        self.gather()

    def split_by_itself(self) -> None:
        rows = [one for one in map(self.row, self.ids()) if one is not None]
        if not rows:
            return
        source = self.chance.choice(rows)
        with self.store.read() as queries:
            members = [int(row[0]) for row in queries.talkers([source.cluster_id])]
        if len(members) < 3:
            return
        part = make_cluster(
            f"{BRAND}-{'p' * 7}{chr(97 + len(self.gatherer.opened) % 26)}{self.taken}",
            parent_id=source.cluster_id,
            last_at=self.clock.at,
        )
        event = ClusterEvent(
            cluster_id=source.cluster_id, kind="split", at=self.clock.at, other_id=part.cluster_id
        )
        moves = tuple(
            Move(mention_id=MentionId(one), cluster_id=part.cluster_id) for one in members[:2]
        )
        self.gatherer.also = {"clusters": (part,), "events": (event,), "moves": moves}
        self.gather()

    def silence(self) -> None:
        with self.store.read() as queries:
            known = queries.silences(self.clock.at)
        if known and self.chance.random() < 0.5:
            self.silences.end(self.chance.choice(known).silence_id, WHO)
            return
        wish = Wish(
            ends_at=self.clock.at + timedelta(hours=3),
            reason="演练",
            up_to="orange",
            brand=(BRAND,),
        )
        self.silences.add(wish, WHO)

    def counters(self) -> None:
        if self.taken:
            n = self.chance.randrange(self.taken) + 1
            raw = make_raw(n, views=self.chance.choice((9_000, 120_000)), observed_at=self.clock.at)
            with self.store.transaction() as tx:
                tx.keep([raw], self.clock.at, reread=True)

    def rehearsed(self, other: Project | None = None, **changes: Any) -> Rehearsal:
        until = self.clock.at + timedelta(seconds=1)
        return rehearse(
            self.project, self.store, other or self.project, since=NOW, until=until, **changes
        )


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rehearsal") / "empty.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


def loose() -> Project:
    """Rules under which a handful of people raises something."""
    return make_project(
        settings={"surge": {"min_authors": 2, "watch_alpha": 0.01, "page_alpha": 0.001}}
    )


@settings(
    max_examples=int(os.environ.get("GROUNDSWELL_EXAMPLES", "1")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32))
def test_what_really_happened_happens_again(seed: int, empty: Path) -> None:
    copy = empty.with_name("town.db")
    shutil.copy(empty, copy)
    store = Store(f"sqlite:///{copy}")
    try:
        town = Town(store, loose(), seed)
        town.live(20)
        found = town.rehearsed(thorough=True)
        quick = town.rehearsed()

        assert replace(quick, rounds=0, took_s=0) == replace(found, rounds=0, took_s=0)
        assert found.is_same
        assert found.unlike == ()
        assert found.missed == found.new == ()
        assert [pair for pair in found.kept if pair.delay_s or pair.has_moved] == []
        assert found.people_after == found.people_before
    finally:
        store.close()
        copy.unlink()


def test_a_rehearsal_reads_what_either_database_kept(store: Store) -> None:
    town = Town(store, loose(), seed=7)
    town.live(10)

    found = town.rehearsed(thorough=True)

    assert found.unlike == ()
    assert found.people_after == found.people_before
    assert found.exact_since == NOW


def test_stricter_rules_raise_less_and_say_what_differs(sqlite_url: str) -> None:
    store = Store(sqlite_url)
    try:
        town = Town(store, loose(), seed=3)
        town.live(20)
        strict = with_values(
            town.project,
            ["settings.surge.min_authors=500", "brands.yunque.thresholds.negative=0.99"],
        )
        found = town.rehearsed(strict)

        assert not found.is_same
        assert sum(found.alerts_after.values()) < sum(found.alerts_before.values())
        assert found.new == ()
        assert any(line.startswith("settings.surge.min_authors") for line in found.differences)

        with store.transaction() as tx:
            tx.connection.execute(sa.delete(tables.grading_pass))
            tx.connection.execute(sa.delete(tables.member_was))
        until = town.clock.at + timedelta(seconds=1)
        since = NOW - timedelta(days=4)  # members come when they were written at the latest
        older = rehearse(town.project, store, town.project, since=since, until=until)

        assert older.exact_since is None
        assert older.kept
        assert older.unlike == ()
    finally:
        store.close()


def test_brands_judged_apart_come_to_what_they_come_to_together(empty: Path) -> None:
    copy = empty.with_name("brands.db")
    shutil.copy(empty, copy)
    store = Store(f"sqlite:///{copy}")
    try:
        fill(store, 240, days=1)
        own = four_brands()
        other = with_values(own, ["levels.yellow.score=20"])
        asked: dict[str, Any] = {"since": START, "until": START + timedelta(days=1)}
        apart = rehearse(own, store, other, **asked, share_from=1)
        together = rehearse(own, store, other, **asked)

        assert replace(apart, took_s=0) == replace(together, took_s=0)
        assert len({one.brand_id for one in together.new}) > 1
        assert together.mentions > 200
    finally:
        store.close()
        copy.unlink()


def test_values_to_try_are_checked_all_at_once() -> None:
    with pytest.raises(ConfigError) as refused:
        with_values(loose(), ["levels.yelow.score=4", "levels.yellow.score=x", "nothing"])

    for part in ("did you mean", "got 'x'", "expected PATH=VALUE"):
        assert part in str(refused.value)
    for value in ("2026-13-45", "[" * 1500):  # no date, deeper than YAML is read
        with pytest.raises(ConfigError, match="no YAML value"):
            with_values(loose(), [f"levels.yellow.score={value}"])


def test_a_difference_names_no_address_and_no_key() -> None:
    mine = loose()
    values = ["owners.lin.email=neu@yunque.example", "channels.mail.sender=neu@yunque.example"]

    assert differences(mine, with_values(mine, values)) == (
        "owners.lin.email：不同",
        "channels.mail.sender：不同",
    )
