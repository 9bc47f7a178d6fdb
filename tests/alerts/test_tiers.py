"""Customer tiers: the highest counts, with its reason, and the stricter promise from then on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from alerts.incidents import Command, absorb, on_command, on_grade
from alerts.service_clock import service_clock
from alerts.tiers import Known, highest, on_tier, rises, tier_named
from config.schema import Project
from storage.records import Change, Incident, Level
from tests.alerts.people import SETTINGS, PlainLinks, make_project
from tests.make import NOW, make_evidence, make_grade

LINKS = PlainLinks()
HOUR = timedelta(hours=1)


def limits(react: str, solve: str) -> dict[str, Any]:
    levels = ("blue", "yellow", "orange", "red")
    return {"react": dict.fromkeys(levels, react), "solve": dict.fromkeys(levels, solve)}


def project() -> Project:
    return make_project(
        routes=[{**route, "service": "plain"} for route in SETTINGS["routes"]],
        services=[
            {"id": "plain", **limits("4h", "48h")},
            {"id": "gold", **limits("1h", "72h")},
        ],
        tiers=[
            {"id": "normal", "name": "普通", "default": True},
            {"id": "vip", "name": "VIP", "service": "plain"},
            {"id": "svip", "name": "SVIP", "service": "gold"},
        ],
    )


def raised(config: Project) -> Incident:
    live = tuple((NOW - timedelta(minutes=n), f"tousu:人{n}") for n in range(12, 0, -1))
    evidence = make_evidence(authors=12, live_authors=live, watch_authors=live)
    change = on_grade(None, evidence, make_grade(), config, NOW, links=LINKS)
    assert change is not None
    return change.incident


def tiered(incident: Incident, tier: str, config: Project, hours: float = 2) -> Change:
    change = on_tier(incident, tier, "1 位 SVIP（名单）", config, NOW + hours * HOUR)
    assert change is not None
    return change


def test_highest_tier_names_how_many_and_by_which_list() -> None:
    known = [
        Known(person="微博:小满", tier="vip", why="老客户"),
        Known(person="微博:小满", tier="svip", why="客户名单 2026-11"),
        Known(person="customer:1", tier="svip", why="接待登记"),
        Known(person="customer:1", tier="svip", why="客户名单 2026-11"),
        Known(person="x", tier="gone", why="旧名单"),
    ]

    assert highest(project(), known) == ("svip", "2 位 SVIP（客户名单 2026-11、接待登记）")
    assert highest(project(), known[-1:]) == ("", "")
    assert (tier_named(project(), " svip "), tier_named(project(), "钻石")) == ("svip", "")


def test_stricter_promise_holds_and_what_was_used_stays_used() -> None:
    config = project()
    incident = raised(config)
    change = tiered(incident, "svip", config)

    clock = service_clock(change.incident, NOW + 2 * HOUR)
    assert clock is not None
    assert (clock.react_limit_s, clock.solve_limit_s) == (3600, 48 * 3600)  # each the shorter one
    assert clock.react_left_s == -3600  # two hours of one are used
    assert clock.solve_left_s == 46 * 3600
    assert [event.kind for event in change.events] == ["tiered"]
    assert change.incident.tier_why == "1 位 SVIP（名单）"
    assert change.intents == ()  # nobody is told of a tier by itself
    assert {timer.kind for timer in change.timers} >= {"react_warn", "solve_warn"}


def test_tier_rises_only_and_only_while_it_lives() -> None:
    config = project()
    incident = tiered(raised(config), "svip", config).incident

    assert on_tier(incident, "vip", "", config, NOW + 3 * HOUR) is None
    assert on_tier(incident, "svip", "", config, NOW + 3 * HOUR) is None
    dismissed = Command(name="dismiss", actor="lin", text="广告")
    ended = on_command(raised(config), dismissed, config, NOW + HOUR, links=LINKS).incident
    assert not rises(config, ended, "svip")


@pytest.mark.parametrize("level", [Level.RED, Level.ORANGE])
def test_promise_of_the_tier_outlives_levels_and_reopening(level: Level) -> None:
    config = project()
    incident = tiered(raised(config), "svip", config).incident
    for n, (name, fields) in enumerate(
        (("grade", {"level": level}), ("handled", {}), ("reject", {})), start=3
    ):
        command = Command(name=name, actor="lin", text="客户来电", **fields)
        if name == "handled":
            ack = Command(name="ack", actor="lin")
            incident = on_command(incident, ack, config, NOW + n * HOUR, links=LINKS).incident
        grade = make_grade(level=level)
        change = on_command(incident, command, config, NOW + n * HOUR, links=LINKS, grade=grade)
        incident = change.incident

    assert incident.tier == "svip"
    service = incident.policy.service
    assert service is not None
    assert (service.react_s, service.solve_s) == (3600, 48 * 3600)


def test_an_incident_takes_over_the_customers_of_what_is_merged_into_it() -> None:
    config = project()
    into, merged = raised(config), tiered(raised(config), "svip", config).incident

    change = absorb(into, merged, "lin", config, NOW + 3 * HOUR)

    assert (change.incident.tier, change.incident.tier_why) == ("svip", "1 位 SVIP（名单）")
    clock = service_clock(change.incident, NOW + 3 * HOUR)
    assert clock is not None
    assert clock.react_limit_s == 3600
    again = absorb(merged, into, "lin", config, NOW + 3 * HOUR).incident
    assert (again.tier, again.policy) == (merged.tier, merged.policy)
