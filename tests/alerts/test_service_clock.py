"""Service clocks on incidents: what runs when, what is said of it, and what is frozen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.incidents import Command, fold, on_command, on_grade
from alerts.service_clock import service_clock
from alerts.timers import on_timers
from config.schema import Project
from storage.records import Change, Incident, IncidentEvent, Level, Timer
from tests.alerts.people import SETTINGS, PlainLinks, make_project
from tests.make import NOW, make_evidence, make_grade

LINKS = PlainLinks()
MINUTE = timedelta(minutes=1)
TIER = {
    "id": "gold",
    "react": {"blue": "24h", "yellow": "2h", "orange": "20m", "red": "10m"},
    "solve": {"blue": "7d", "yellow": "72h", "orange": "10h", "red": "5h"},
}


def project(**tier: Any) -> Project:
    routes = [{**route, "service": "gold"} for route in SETTINGS["routes"]]
    return make_project(routes=routes, services=[{**TIER, **tier}])


class Desk:
    """One incident with its timers, as a store would keep them."""

    def __init__(self, config: Project, now: datetime = NOW, level: Level = Level.ORANGE) -> None:
        self.config, self.now = config, now
        self.events: list[IncidentEvent] = []
        self.timers: dict[tuple[int, str, int], Timer] = {}
        self.told: list[tuple[datetime, str, str, str]] = []
        live = tuple((now - n * MINUTE, f"tousu:人{n}") for n in range(12, 0, -1))
        self.evidence = make_evidence(authors=12, live_authors=live, watch_authors=live)
        self.take(on_grade(None, self.evidence, make_grade(level=level), config, now, links=LINKS))

    def take(self, change: Change | None) -> Incident:
        assert change is not None
        for key, timer in self.timers.items():
            if timer.status == "pending" and timer.kind in change.cancel_timers:
                self.timers[key] = replace(timer, status="cancelled")
        self.timers |= {(one.epoch, one.kind, one.step): one for one in change.timers}
        self.events += change.events
        self.told += [
            (self.now, one.recipient_id, one.kind, one.channel_id) for one in change.intents
        ]
        self.incident = change.incident
        assert fold(self.events) == self.incident
        return self.incident

    def act(self, name: str, **fields: Any) -> Incident:
        command = Command(**({"name": name, "actor": "lin", "text": "已联系用户"} | fields))
        return self.take(on_command(self.incident, command, self.config, self.now, links=LINKS))

    def until(self, at: datetime, tick: timedelta = MINUTE) -> None:
        while self.now < at:
            self.now = min(at, self.now + tick)
            due = [
                one
                for one in self.timers.values()
                if one.status == "pending" and one.due_at <= self.now
            ]
            if due:
                self.take(on_timers(self.incident, due, self.config, self.now, links=LINKS))

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


def test_owner_is_warned_at_thirty_percent_and_a_breach_is_said_once() -> None:
    desk = Desk(project())
    desk.until(NOW + 13.9 * MINUTE)
    assert "service_warned" not in desk.kinds()

    desk.until(NOW + 14 * MINUTE)
    warned = desk.events[-1]
    assert (warned.kind, warned.data["clock"], warned.data["left_s"]) == (
        "service_warned",
        "react",
        360,
    )
    assert desk.told[-1][1:3] == ("lin", "service")

    desk.until(NOW + 40 * MINUTE)
    [over] = [event for event in desk.events if event.kind == "service_over"]
    assert (over.at, over.data["clock"], over.data["limit_s"]) == (NOW + 20 * MINUTE, "react", 1200)
    assert over.data["told"][0] == "lin"
    assert len(over.data["told"]) == 2  # and the next of the ladder


def test_reaction_stops_with_the_acknowledge_and_the_solution_runs_on() -> None:
    desk = Desk(project())
    desk.until(NOW + 5 * MINUTE)
    desk.act("ack")
    clock = service_clock(desk.incident, NOW + 35 * MINUTE)

    assert clock is not None
    assert (clock.react_left_s, clock.react_due_at) == (15 * 60, None)
    assert clock.solve_left_s == 10 * 3600 - 35 * 60
    assert clock.solve_due_at == NOW + timedelta(hours=10)


def test_waiting_for_the_customer_costs_nothing_and_a_rejection_goes_on_with_what_was_used() -> (
    None
):
    desk = Desk(project())
    desk.act("ack")
    desk.until(NOW + timedelta(minutes=30))
    desk.act("handled")
    paused = service_clock(desk.incident, NOW + timedelta(days=2))
    assert paused is not None
    assert (paused.paused, paused.solve_left_s) == ("handled", 9.5 * 3600)

    desk.until(NOW + timedelta(days=2), tick=timedelta(hours=1))
    desk.act("reject")
    again = service_clock(desk.incident, desk.now + timedelta(minutes=10))
    assert again is not None
    assert again.solve_left_s == 9.5 * 3600 - 600
    assert again.react_left_s == 1200 - 600  # somebody has to react anew
    assert not [kind for kind in desk.kinds() if kind == "service_over"]


def test_office_hours_stop_the_clock_over_night_and_holidays() -> None:
    evening = datetime(2026, 9, 30, 9, 30, tzinfo=UTC)  # 17:30 in Shanghai; then 1 to 7 October off
    desk = Desk(
        project(hours="5x8", react={"blue": "24h", "yellow": "1h", "orange": "1h", "red": "10m"}),
        evening,
    )

    clock = service_clock(desk.incident, evening)
    assert clock is not None
    assert clock.react_due_at == datetime(2026, 10, 8, 1, 30, tzinfo=UTC)  # 09:30


def test_changed_tier_does_not_alter_what_was_promised() -> None:
    """P20: the policy of an incident is frozen with its service."""
    desk = Desk(project())
    desk.config = make_project()  # the tier is gone from the files
    desk.until(NOW + 14 * MINUTE)

    assert desk.events[-1].kind == "service_warned"
    clock = service_clock(desk.incident, NOW)
    assert clock is not None
    assert clock.react_limit_s == 1200


def test_higher_level_has_its_own_limits_and_keeps_what_was_used() -> None:
    desk = Desk(project())
    desk.until(NOW + 4 * MINUTE)
    desk.take(
        on_grade(
            desk.incident,
            desk.evidence,
            make_grade(level=Level.RED),
            desk.config,
            desk.now,
            links=LINKS,
        )
    )

    clock = service_clock(desk.incident, desk.now)
    assert clock is not None
    assert (clock.react_limit_s, clock.react_left_s) == (600, 360)
    desk.until(NOW + 7 * MINUTE)
    assert "service_warned" in desk.kinds()


def test_after_an_outage_one_person_gets_one_message_of_one_incident() -> None:
    """Steps, a service limit and its breach were all due while the program was down."""
    desk = Desk(project())
    desk.told.clear()
    desk.until(NOW + timedelta(hours=24), tick=timedelta(hours=24))

    told = [(owner, channel) for _, owner, _, channel in desk.told]
    assert len(told) == len(set(told))
    assert {"escalated", "service_over"} <= set(desk.kinds())
    assert [event.data["clock"] for event in desk.events if event.kind == "service_over"] == [
        "react",
        "solve",
    ]


def test_holder_is_reminded_once_before_his_acknowledge_ends() -> None:
    desk = Desk(make_project())
    desk.act("ack")
    desk.told.clear()
    desk.until(NOW + 59 * MINUTE)
    assert [(at, owner, kind) for at, owner, kind, _ in desk.told] == [
        (NOW + 48 * MINUTE, "lin", "service")
    ]

    desk.act("note")
    desk.until(NOW + 100 * MINUTE)
    assert desk.kinds().count("lease_reminded") == 1
    desk.until(NOW + 130 * MINUTE)
    assert desk.kinds().count("lease_reminded") == 2


@pytest.mark.parametrize(
    ("level", "channels"),
    [
        (Level.YELLOW, {"lin": ["bot"]}),
        (Level.ORANGE, {"lin": ["bot", "mail"]}),
        (Level.RED, {"lin": ["bot", "mail"]}),
    ],
)
def test_grave_levels_go_out_on_more_channels(level: Level, channels: dict[str, list[str]]) -> None:
    desk = Desk(make_project(), level=level)

    found = [channel for _, owner, _, channel in desk.told if owner == "lin"]
    assert found == channels["lin"]


def test_without_a_tier_there_is_no_service_clock() -> None:
    desk = Desk(make_project())

    assert service_clock(desk.incident, NOW) is None
    assert {timer.kind for timer in desk.timers.values()} == {"step"}
