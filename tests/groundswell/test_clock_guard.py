"""Clocks that are put right: nothing is lost, nothing is skipped, nobody is called twice (P11)."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from alerts.incidents import Command, fold
from groundswell import wiring
from groundswell.clock_guard import ClockGuard, Reading, jump_between, read_clocks
from groundswell.desk import Desk
from groundswell.stages import Stages
from storage.records import Level, Silence
from storage.store import Store
from tests.alerts.people import PlainLinks, make_project
from tests.alerts.raising import raise_incidents
from tests.make import NOW

DAY = timedelta(days=1)
JUMPS = (1, -1, 45, -45, 3600, -3600, 400 * 86400, -400 * 86400)
PROJECT = make_project()


class Clocks:
    """A wall that may jump, and a clock that only runs forward."""

    def __init__(self) -> None:
        self.steady_s, self.wall, self.boot = 1000.0, NOW, "boot-1"

    def now(self) -> datetime:
        return self.wall

    def read(self) -> Reading:
        return Reading(wall=self.wall, steady_s=self.steady_s, boot=self.boot)

    def pass_by(self, seconds: float) -> None:
        self.steady_s += seconds
        self.wall += timedelta(seconds=seconds)


def stages_of(store: Store, clocks: Clocks) -> Stages:
    """As after a restart: nothing is in memory."""
    journey = wiring.make_journey(PROJECT, store, PlainLinks(), fits=None)
    guard = ClockGuard(store, PROJECT, clocks.read)
    return Stages(store, journey, clocks, wiring.restorer(PROJECT), guard=guard)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ladder_goes_on_step_by_step_whatever_the_wall_shows(sqlite_url: str, seed: int) -> None:
    store, clocks, chance = Store(sqlite_url), Clocks(), random.Random(seed)
    try:
        raised = raise_incidents(store, PROJECT, [Level.ORANGE, Level.RED], NOW)
        stages = stages_of(store, clocks)
        stages.remind()
        reached: dict[str, list[tuple[int, float]]] = defaultdict(list)
        while clocks.steady_s < 1000 + 6 * 3600:
            clocks.pass_by(chance.choice((20, 60, 110)))
            if chance.random() < 0.1:
                clocks.wall += timedelta(seconds=chance.choice(JUMPS))
            if chance.random() < 0.02:
                stages = stages_of(store, clocks)
            for change in stages.remind():
                if change.events and change.incident.step:
                    reached[change.incident.code].append((change.incident.step, clocks.steady_s))
        with store.read() as queries:
            events = {one.code: queries.incident_events(one.incident_id) for one in raised}
    finally:
        store.close()
    for incident in raised:
        steps = reached[incident.code]
        policy = incident.policy.steps
        assert [step for step, _ in steps] == list(range(1, len(policy) + 1)), incident.code
        waited = [later - before for (_, before), (_, later) in pairwise(steps)]
        planned = [b.after_s - a.after_s for a, b in pairwise(policy)]
        for real, wait in zip(waited, planned, strict=True):
            assert wait / 2 <= real <= wait + 110 + 90  # a tick, and jumps too small to see
        assert fold(events[incident.code]).step == len(policy)


def test_silence_and_lease_keep_what_was_left_of_them(store: Store) -> None:
    clocks = Clocks()
    levels = [Level.ORANGE, Level.ORANGE, Level.YELLOW]
    [incident, other, third] = raise_incidents(store, PROJECT, levels, NOW)
    stages = stages_of(store, clocks)
    stages.remind()
    desk = Desk(store=store, project=PROJECT, clock=clocks, links=PlainLinks())
    desk.act(incident.code, Command(name="ack", actor="lin"))
    desk.act(other.code, Command(name="silence", actor="lin", until=NOW + DAY))
    with store.transaction() as tx:
        tx.add_silence(
            Silence(
                silence_id="s-1",
                starts_at=NOW - DAY,
                ends_at=NOW + DAY,
                up_to="yellow",
                by="lin",
                reason="例行维护",
                created_at=NOW,
            )
        )
    back = -400 * DAY
    clocks.wall += back
    stages.remind()

    with store.transaction() as tx:
        [held, muted] = (tx.incident(one.code) for one in (incident, other))
        [silence] = tx.active_silences(clocks.now())
    assert held is not None
    assert muted is not None
    assert held.lease_until == NOW + back + timedelta(hours=1)
    assert muted.muted_until == NOW + back + DAY
    assert silence.ends_at == NOW + back + DAY
    with store.read() as queries:
        assert queries.audits(3)[0]["action"] == "clock_jump"
        assert fold(queries.incident_events(held.incident_id)) == held
        waiting = [one for one, _ in queries.incident_intents(third.incident_id)]
    assert waiting
    assert all(one.due_at <= clocks.now() for one in waiting)  # none is stuck in the future
    clocks.pass_by(86400)
    kinds = {event.kind for change in stages.remind() for event in change.events}
    assert {"unmuted", "lease_expired"} <= kinds


def test_outage_is_no_jump(sqlite_url: str) -> None:
    store, clocks = Store(sqlite_url), Clocks()
    try:
        [incident] = raise_incidents(store, PROJECT, [Level.ORANGE], NOW)
        stages_of(store, clocks).remind()
        clocks.pass_by(86400)  # the machine ran, the program did not
        [change] = stages_of(store, clocks).remind()
    finally:
        store.close()

    assert change.incident.code == incident.code
    assert change.incident.step == len(incident.policy.steps)
    told = [(one.recipient_id, one.channel_id) for one in change.intents]
    assert len(told) == len(set(told)), "one message per incident, person and channel"


@pytest.mark.parametrize(
    ("wall", "steady", "boot", "jump"),
    [
        (60, 60, "a", 0),
        (60, 31, "a", 0),  # 29 s: not seen
        (60, 29, "a", 31),
        (0, 60, "a", -60),
        (86400, 86400, "a", 0),  # an outage on the same boot
        (86400, 5, "b", 0),  # after a boot nobody can tell: an outage
        (-3600, 5, "b", -3600),  # but nothing happened in the future
        (-3600, 5, "", -3600),
        (86400, 5, "", 0),
    ],
)
def test_jump_is_told_from_an_outage(wall: int, steady: int, boot: str, jump: int) -> None:
    before = Reading(wall=NOW, steady_s=1000.0, boot="a" if boot else "")
    after = Reading(wall=NOW + timedelta(seconds=wall), steady_s=1000.0 + steady, boot=boot)

    assert jump_between(before, after) == timedelta(seconds=jump)


def test_this_machine_has_both_clocks() -> None:
    first, second = read_clocks(), read_clocks()

    assert first.boot == second.boot
    assert jump_between(first, second) == timedelta()
