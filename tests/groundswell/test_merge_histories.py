"""P17 of alerting.md 2.5: whatever is merged and split, no incident is lost and no post has two."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.incidents import Command, fold
from alerts.messages import NoLinks
from config.errors import GroundswellError
from groundswell.acting import act_on
from groundswell.cluster_desk import ClusterDesk
from groundswell.desk import Desk
from groundswell.hot import HotLists
from groundswell.replay import SteppedClock
from storage import migrate
from storage.incident_checks import check_incidents
from storage.records import ClusterId, Incident, IncidentState
from storage.store import Store
from tests.groundswell.test_pipeline import project
from tests.make import NOW
from tests.storage.cluster_drive import Shard

LETTERS = "abcd"
EDITS = ("take", "join", "part", "move", "undo")
ACTS = ("ack", "handled", "confirm", "reject", "dismiss", "reopen", "split", "merge", "shelve")
STEPS = st.lists(
    st.tuples(
        st.sampled_from([*EDITS, *EDITS, *ACTS]),
        st.integers(0, 5),
        st.integers(0, 5),
    ),
    min_size=8,
    max_size=12,
)


@dataclass
class World:
    """A shard of four clusters with an incident each, two desks, and a clock."""

    store: Store
    shard: Shard
    now: datetime = NOW
    undoable: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.project = project()
        parts = self.store, self.project, HotLists(self.project), NoLinks()
        self.clusters = ClusterDesk(*parts)
        for letter in LETTERS:
            self.shard.open(letter, 12)
            self.grade(self.shard.id(letter))

    def grade(self, *clusters: ClusterId) -> None:
        hot = HotLists(self.project)
        with self.store.transaction() as tx:
            act_on(
                tx,
                dict.fromkeys(clusters, ()),
                self.now,
                project=self.project,
                hot_lists=hot,
                links=NoLinks(),
                before={},
            )

    def incidents(self) -> list[Incident]:
        with self.store.read() as queries:
            found = queries.incidents(order="newest")
        return sorted(found, key=lambda one: one.incident_id)

    def members(self, cluster_id: ClusterId) -> list[int]:
        return sorted(self.shard.members().get(cluster_id, ()))

    def step(self, name: str, one: int, two: int) -> None:
        """Do one thing; a refusal is an answer, too."""
        self.now += timedelta(minutes=5)
        first, second = (self.shard.id(LETTERS[n % 4]) for n in (one, one + 1 + two % 3))
        mine = self.members(first)
        edits: dict[str, Callable[[], object]] = {
            "take": lambda: self.grade(first),
            "join": lambda: self.clusters.merge(first, second, "zhoulan", self.now),
            "part": lambda: self.clusters.split(first, mine[: 1 + one], "zhoulan", self.now),
            "move": lambda: self.clusters.move(mine[: 4 * two], second, "zhoulan", self.now),
            "undo": lambda: self.clusters.undo(
                self.undoable[one % len(self.undoable)], "zhoulan", self.now
            ),
        }
        try:
            if name in ACTS:
                self.act(name, one, two)
            elif name != "undo" or self.undoable:
                done = edits[name]()
                self.undoable += [event.event_no for event in getattr(done, "events", ())]
        except GroundswellError:
            pass

    def act(self, name: str, one: int, two: int) -> None:
        incidents = self.incidents()
        clock = SteppedClock(self.now)
        desk = Desk(store=self.store, project=self.project, clock=clock, links=NoLinks())
        command = Command(
            name=name, actor="linxiao", text="按流程处理", until=self.now + timedelta(days=2)
        )
        into = incidents[two % len(incidents)].incident_id if name == "merge" else ""
        desk.act(incidents[one % len(incidents)].incident_id, command, into=into)

    def check(self, known: set[str]) -> set[str]:
        assert check_incidents(self.store, fold) == []
        found = {one.incident_id: one for one in self.incidents()}
        assert known <= set(found), "an incident is lost"
        with self.store.transaction() as tx:
            for cluster_id in self.shard.members():
                incident = tx.incident_of(ClusterId(cluster_id))
                if incident is not None:
                    assert incident.state is not IncidentState.MERGED, "a post leads nowhere"
        return set(found)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("merge") / "empty.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


def test_what_absorbed_another_is_not_reopened_beside_its_successor(empty: Path) -> None:
    copy = empty.with_name("beside.db")
    shutil.copy(empty, copy)
    store = Store(f"sqlite:///{copy}")
    try:
        world = World(store, Shard(store))
        names = [one.incident_id for one in world.incidents()]
        world.act("merge", 0, 1)
        for name in ("ack", "handled", "confirm"):
            world.act(name, 1, 0)
        merged = world.incidents()[0]
        world.now += timedelta(days=31)
        world.shard.join(merged.cluster_id, 12, published_at=world.now, observed_at=world.now)
        world.grade(merged.cluster_id)
        assert len(world.incidents()) == len(names) + 1
        closed = [one.incident_id for one in world.incidents()].index(names[1])

        with pytest.raises(GroundswellError, match="同一个聚类"):
            world.act("reopen", closed, 0)
    finally:
        store.close()
        copy.unlink()


@settings(
    max_examples=int(os.environ.get("GROUNDSWELL_EXAMPLES", "2")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_no_incident_is_lost_and_no_post_has_two(
    steps: list[tuple[str, int, int]], empty: Path
) -> None:
    copy = empty.with_name("one.db")
    shutil.copy(empty, copy)
    store = Store(f"sqlite:///{copy}")
    try:
        world = World(store, Shard(store))
        known = world.check(set())
        assert len(known) == len(LETTERS)
        for step in steps:
            world.step(*step)
            known = world.check(known)
    finally:
        store.close()
        copy.unlink()
