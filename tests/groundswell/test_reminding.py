"""Timers on a real store: all that is due in one tick, the gravest first, one that breaks aside."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from alerts.incidents import Command
from groundswell import wiring
from groundswell.desk import Desk
from groundswell.pipeline import Journey
from groundswell.silence_desk import SilenceDesk, Wish
from groundswell.stages import Stages
from storage.records import Change, Incident, IncidentId, Level
from storage.store import Store, Transaction
from tests.alerts.people import PlainLinks, make_project
from tests.alerts.raising import raise_incidents
from tests.make import NOW

PROJECT = make_project()
LINKS = PlainLinks()
HOUR = timedelta(hours=1)


class At:
    """A clock that is set by hand."""

    def __init__(self, now: datetime = NOW) -> None:
        self.at = now

    def now(self) -> datetime:
        return self.at


def stages_of(store: Store, clock: At, journey: Journey | None = None) -> Stages:
    made = journey or wiring.make_journey(PROJECT, store, LINKS)
    return Stages(store, made, clock, wiring.restorer(PROJECT))


def desk_of(store: Store, clock: At) -> SilenceDesk:
    return SilenceDesk(store=store, project=PROJECT, clock=clock, links=LINKS)


def test_one_tick_carries_out_all_that_is_due_and_the_gravest_first(sqlite_url: str) -> None:
    store, clock = Store(sqlite_url), At()
    try:
        raise_incidents(store, PROJECT, [Level.YELLOW] * 120 + [Level.RED], NOW)
        clock.at = NOW + 24 * HOUR
        changes = stages_of(store, clock).remind(budget_s=60)
        with store.read() as queries:
            assert queries.incidents_due(clock.at) == []
    finally:
        store.close()

    assert len(changes) == 121
    assert changes[0].incident.level is Level.RED
    for change in changes:  # goal 6: one message per incident and person, on each of his channels
        told = [(one.recipient_id, one.channel_id) for one in change.intents]
        assert len(told) == len(set(told))


def test_what_the_budget_leaves_is_carried_out_at_the_next_call(sqlite_url: str) -> None:
    store, clock = Store(sqlite_url), At()
    try:
        raise_incidents(store, PROJECT, [Level.YELLOW] * 60, NOW)
        clock.at = NOW + HOUR
        stages = stages_of(store, clock)
        rounds = []
        while changes := stages.remind(budget_s=0.0):
            rounds.append(len(changes))
    finally:
        store.close()

    assert rounds == [25, 25, 10]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Brittle(Journey):
    """A journey that one incident breaks."""

    poison: IncidentId

    def remind_of(
        self,
        tx: Transaction,
        incident_ids: Sequence[IncidentId],
        now: datetime,
        *,
        is_backlog: bool = False,
    ) -> list[Change]:
        if self.poison in incident_ids:
            raise RuntimeError("this one cannot be worded")
        return Journey.remind_of(self, tx, incident_ids, now, is_backlog=is_backlog)


def test_incident_that_breaks_holds_up_no_other(
    sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    store, clock = Store(sqlite_url), At()
    caplog.set_level(logging.CRITICAL)
    try:
        [bad, *_] = raise_incidents(store, PROJECT, [Level.RED, Level.YELLOW, Level.YELLOW], NOW)
        plain = wiring.make_journey(PROJECT, store, LINKS)
        values = {item.name: getattr(plain, item.name) for item in dataclasses.fields(plain)}
        brittle = _Brittle(**values, poison=bad.incident_id)
        clock.at = NOW + HOUR
        changes = stages_of(store, clock, brittle).remind()
        again = stages_of(store, clock, plain).remind()
        clock.at += timedelta(minutes=5)
        [healed] = stages_of(store, clock, plain).remind()
    finally:
        store.close()

    assert len(changes) == 2
    assert again == []  # put off, not lost
    assert healed.incident.incident_id == bad.incident_id


def test_silence_holds_what_is_open_and_ends_with_one_message(store: Store) -> None:
    clock = At()
    [yellow, red] = raise_incidents(store, PROJECT, [Level.YELLOW, Level.RED], NOW)
    desk = desk_of(store, clock)
    wish = Wish(ends_at=NOW + 4 * HOUR, reason="系统升级，已公告", brand=("yunque",))
    silence, held = desk.add(wish, "lin")
    clock.at = NOW + HOUR  # the ladder of the yellow one would have moved by now
    changes = stages_of(store, clock).remind()

    assert [one.code for one in held] == [yellow.code]
    assert {change.incident.code for change in changes} == {red.code}
    with store.read() as queries:
        unsent = [one.status for one, _ in queries.incident_intents(yellow.incident_id)]
    assert {str(status) for status in unsent} == {"cancelled"}

    heard = desk.end(silence.silence_id, "lin")
    assert [one.code for one in heard] == [yellow.code]
    with store.read() as queries:
        messages = [one for one, _ in queries.incident_intents(yellow.incident_id)]
        [line] = queries.silences(NOW)
    said = [one for one in messages if str(one.status) == "pending"]
    assert {one.recipient_id for one in said} == {"lin", "zhao"}
    assert (line.ended_by, line.ended_at) == ("lin", clock.at)


def test_silence_that_runs_out_is_one_catch_up_per_person(store: Store) -> None:
    clock = At()
    [incident] = raise_incidents(store, PROJECT, [Level.YELLOW], NOW)
    desk_of(store, clock).add(Wish(ends_at=NOW + 4 * HOUR, reason="已公告"), "lin")
    clock.at = NOW + 4 * HOUR
    stages = stages_of(store, clock)
    [over] = stages.remind()

    assert [event.kind for event in over.events] == ["unmuted"]
    assert sorted(one.recipient_id for one in over.intents) == ["lin", "zhao"]
    assert stages.remind() == []
    Desk(store=store, project=PROJECT, clock=clock, links=LINKS).act(
        incident.code, Command(name="ack", actor="lin")
    )


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (Wish(ends_at=NOW + HOUR, reason=" "), "reason"),
        (Wish(ends_at=NOW, reason="已公告"), "end after"),
        (Wish(ends_at=NOW + HOUR, reason="已公告", up_to="red"), "red is never held"),
        (Wish(ends_at=NOW + HOUR, reason="已公告", brand=("yunqe",)), 'did you mean "yunque"'),
        (Wish(ends_at=NOW + HOUR, reason="已公告", incident="舆-0000"), "no incident"),
    ],
)
def test_silence_that_cannot_be_is_refused_with_the_way_out(
    sqlite_url: str, wish: Wish, said: str
) -> None:
    store = Store(sqlite_url)
    try:
        with pytest.raises(Exception, match=said):
            desk_of(store, At()).add(wish, "lin")
        with pytest.raises(Exception, match="no silence"):
            desk_of(store, At()).end("s-none", "lin")
    finally:
        store.close()


def test_incident_of_its_own_silence_is_the_only_one(sqlite_url: str) -> None:
    store = Store(sqlite_url)
    try:
        raised: list[Incident] = raise_incidents(store, PROJECT, [Level.YELLOW] * 3, NOW)
        wish = Wish(ends_at=NOW + HOUR, reason="已联系", incident=raised[1].code)
        _, held = desk_of(store, At()).add(wish, "lin")
    finally:
        store.close()

    assert [one.code for one in held] == [raised[1].code]
