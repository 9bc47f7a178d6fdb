"""Functions in the place of people: who fills them, what stands in, who speaks in public."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.duty import turn_of
from alerts.fallback import fallback_intent
from alerts.functions import filled_lines, first_holder, function_name, holder, speaker_of
from alerts.incidents import Command, on_command, on_grade
from alerts.messages import Address, Occasion, Scene, render_notice
from alerts.presence import is_away
from alerts.route_lint import lint_routes, stand_in_notes
from alerts.routing import (
    explain_route,
    fallback_line,
    find_route,
    last_resort,
    reachable,
    route_traits,
    standing,
)
from alerts.timers import on_timers
from config.schema import Project
from storage.records import Level
from tests.alerts.people import SETTINGS, PlainLinks, make_project, owners
from tests.make import NOW, make_evidence, make_grade

EXAMPLES = int(os.environ.get("GROUNDSWELL_EXAMPLES", "40"))
AWAY = {"away": [["2026-03-09", "2026-03-11"]]}
FUNCTIONS = [
    {"id": "service", "team": ["lin"], "lead": "chen"},
    {"id": "sales", "team": ["chen"]},
    {"id": "pr", "stand_in": ["sales"]},
    {"id": "dealer", "regions": {"广东": ["wu"], "江苏": ["zhao"]}, "stand_in": ["service"]},
    {"id": "legal"},
]


def company(**changes: Any) -> Project:
    return make_project(functions=FUNCTIONS, **changes)


def raised(project: Project, level: Level = Level.YELLOW, **seen: Any):
    live = tuple((NOW - timedelta(minutes=n), f"tousu:{n}") for n in range(12, 0, -1))
    evidence = make_evidence(authors=12, live_authors=live, watch_authors=live, **seen)
    change = on_grade(None, evidence, make_grade(level), project, NOW, links=PlainLinks())
    assert change is not None
    return change


def test_a_company_without_pr_is_spoken_for_by_sales() -> None:
    """没有公关部的企业,可能要由销售部来暂时承担."""
    route = {"id": "rumour", "brand": ["yunque"], "owner": "pr", "chain": ["service"]}
    project = company(routes=[route])
    change = raised(project)

    assert change.incident.owner_id == "chen"
    assert change.incident.policy.reason == "按路由 rumour，公关没有人，由销售代行，此刻 陈立负责"
    assert turn_of(project, "pr", NOW).via == "sales"
    assert "公关（没有人，由销售代行，此刻 陈立）" in stand_in_notes(project, NOW)
    [said, *_] = explain_route(
        project, route_traits(project, brand_id="yunque", issue_class="舆论与传闻"), NOW
    )
    assert "公关没有人，由销售代行" in said.text
    assert change.intents[0].recipient_id == "chen"


def test_a_function_falls_to_its_lead_and_then_to_what_stands_in() -> None:
    assert holder(company(), "service", NOW) == "lin"
    assert holder(company(owners=owners(lin=AWAY)), "service", NOW) == "chen"
    project = company(owners=owners(lin=AWAY, chen=AWAY | {"stand_in": ["sun"]}))
    assert holder(project, "service", NOW) == "sun"
    assert turn_of(project, "service", NOW).by == "function"  # a person of it is stood in for
    assert [one.owner_id for one in turn_of(project, "service", NOW).passed] == ["lin", "chen"]


def test_a_dealer_is_that_of_the_incidents_region() -> None:
    project = company()
    assert holder(project, "dealer", NOW, region="广东") == "wu"
    assert holder(project, "dealer", NOW, regions=("四川", "江苏", "广东")) == "zhao"
    assert holder(project, "dealer", NOW, region="四川") == "lin"  # service stands in
    assert first_holder(project, ("dealer", "service"), NOW) == ("service", "lin")
    assert first_holder(project, ("dealer", "service"), NOW, regions=("广东",)) == ("dealer", "wu")
    route = {"id": "all", "brand": ["yunque"], "owner": "dealer", "chain": ["service"]}
    routed = company(routes=[route])
    chosen = find_route(
        routed, brand_id="yunque", issue_class="物流配送", regions=("江苏",), now=NOW
    )
    assert (chosen.owner_id, chosen.named) == ("zhao", "dealer")
    assert raised(routed, regions=("广东",)).incident.owner_id == "wu"


def test_a_step_asks_who_fills_the_function_when_it_fires() -> None:
    route = {"id": "all", "brand": ["yunque"], "owner": "lin", "chain": ["dealer"]}
    change = raised(company(routes=[route]), regions=("广东",))
    [step] = [timer for timer in change.timers if timer.kind == "step"]
    later = company(routes=[route], owners=owners(wu=AWAY | {"stand_in": ["zhao"]}))
    evidence = make_evidence(regions=("广东",))
    fired = on_timers(change.incident, [step], later, step.due_at, evidence=evidence)

    assert [intent.recipient_id for intent in fired.intents] == ["zhao"]
    assert "你代表大区经销商。" in fired.intents[0].body


def test_what_nobody_fills_falls_to_the_fallback_and_lint_says_so() -> None:
    project = company(routes=[{"id": "all", "brand": ["yunque"], "owner": "legal"}])
    change = raised(project)

    assert holder(project, "legal", NOW) == ""
    assert (change.incident.owner_id, change.incident.policy.held) == ("sun", True)
    assert "应由法务负责，但法务此刻没有人，也没有人代行" in change.incident.policy.reason
    found = {one.code: one.text for one in lint_routes(project, NOW)}
    assert found["function_empty"].startswith("部门 法务（legal）没有人，也没有代行的部门")
    assert "解决方案责任人应由品质研发担任，此刻没有人，由事件的负责人兼任" in "".join(
        stand_in_notes(project, NOW)
    )
    assert holder(project, "quality", NOW) == ""  # a function that the project does not list
    assert function_name(project, "quality") == "品质研发"


def test_a_fallback_may_name_functions_and_is_walked_once() -> None:
    project = company(fallback=["pr", "sun"])
    assert fallback_line(project) == ("chen", "sun")
    assert last_resort(project, (), NOW) == ("chen", "sun")
    [intent, *_] = raised(project).intents
    line = [intent.recipient_id]
    while (found := fallback_intent(intent, project, NOW)) is not None:
        intent = found
        line.append(intent.recipient_id)
    assert line == ["lin", "lin", "chen", "sun", "sun"]


def test_statements_about_quality_are_sales_own_unless_it_is_said_otherwise() -> None:
    project = company()
    assert speaker_of(project, "产品质量") == "sales"
    assert speaker_of(project, "舆论与传闻") == "pr"
    rules = {"speakers": {"product_quality": "service", "classes": ["产品质量", "安全与人身"]}}
    other = company(settings=rules)
    assert speaker_of(other, "安全与人身") == "service"
    assert speaker_of(other, "功能与体验") == "pr"
    said = raised(project, issue_classes=(("产品质量", 12),)).intents[0].body
    assert "由销售（此刻 陈立）负责。" in said
    rumour = raised(project, issue_classes=(("舆论与传闻", 12),)).intents[0].body
    assert "由公关（没有人，由销售代行，此刻 陈立）负责。" in rumour


def test_who_stands_in_is_shown() -> None:
    assert filled_lines(company(), NOW) == [
        "service  服务（此刻 林晓）",
        "sales  销售（此刻 陈立）",
        "pr  公关（没有人，由销售代行，此刻 陈立）",
        (
            "dealer  大区经销商（此刻没有人，由服务代行，此刻 林晓）；"
            "广东 大区经销商（此刻 吴桐）；江苏 大区经销商（此刻 赵敏）"
        ),
        "legal  法务（没有人，也没有人代行，跳过）",
    ]
    assert standing(company(), ("pr",), NOW) == {"chen": "公关没有人，由销售代行，轮到你。"}


PEOPLE = tuple(one["id"] for one in SETTINGS["owners"])
NAMES = ("pr", "service", "sales", "dealer", "quality")
REGIONS = ("广东", "江苏", "四川")
DAY = date(2026, 3, 10)


@st.composite
def companies(draw: st.DrawFn) -> Project:
    """Companies with random leave, stand-ins, rosters and functions, rings among them."""
    some = st.lists(st.sampled_from(PEOPLE), max_size=3, unique=True)
    people = {}
    for one in PEOPLE:
        first = DAY + timedelta(days=draw(st.integers(-3, 3)))
        last = first + timedelta(days=draw(st.integers(0, 4)))
        away = [[first.isoformat(), last.isoformat()]] if draw(st.booleans()) else []
        people[one] = {"away": away, "stand_in": [x for x in draw(some) if x != one]}
    turns = draw(st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=3))
    duty = {"id": "night", "name": "夜班", "shifts": [{"owners": turns}]}
    named = st.lists(st.sampled_from((*PEOPLE, "night")), max_size=2, unique=True)
    stands = st.lists(st.sampled_from((*NAMES, *PEOPLE)), max_size=3, unique=True)
    functions = [
        {
            "id": name,
            "team": draw(named),
            "regions": {region: draw(named) for region in REGIONS[:2] if draw(st.booleans())},
            "stand_in": [x for x in draw(stands) if x != name],
        }
        for name in NAMES
    ]
    # rings are refused by `check`; whoever builds a project without it must not loop
    return make_project(owners=owners(**people), duties=[duty], functions=functions)


@given(
    project=companies(),
    named=st.lists(st.sampled_from((*NAMES, *PEOPLE, "night")), min_size=1, max_size=4),
    regions=st.lists(st.sampled_from(REGIONS), max_size=2, unique=True),
    hours=st.integers(-72, 72),
)
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_person_on_leave_is_never_asked(
    project: Project, named: list[str], regions: list[str], hours: int
) -> None:
    now = datetime(2026, 3, 10, 4, tzinfo=UTC) + timedelta(hours=hours)
    told = reachable(project, named, now, regions=regions)
    asked = [*told, *filter(None, (holder(project, one, now, regions=regions) for one in NAMES))]
    for one in asked:
        owner = project.owner(one)
        assert owner is not None
        assert not is_away(owner, now)
    assert len(set(told)) == len(told)
    # and whoever could be asked is: a function is empty only when all of its people are away
    for name in NAMES:
        if not holder(project, name, now, regions=regions):
            function = project.function(name)
            assert function is not None
            line = [one for one in function.line(tuple(regions)) if project.owner(one)]
            assert all(is_away(owner, now) for owner in map(project.owner, line) if owner)


@pytest.mark.parametrize("occasion", [Occasion.NOTICE, Occasion.ASSIGNED])
def test_without_functions_no_line_speaks_of_them(occasion: Occasion) -> None:
    project = make_project()
    change = raised(project, Level.ORANGE)
    acted = on_command(
        change.incident, Command(name="assign", actor="lin", owner_id="chen"), project, NOW
    )
    owner, channel = project.owner("lin"), project.channel("bot")
    assert owner is not None
    assert channel is not None
    scene = Scene(project=project, links=PlainLinks())
    address = Address(recipient=owner, channel=channel, at=NOW)
    body = render_notice(acted.incident, occasion, scene, address).body
    assert "三位负责人" not in body
    assert "对外口径" not in body
    assert [seat.owner_id for seat in acted.incident.triangle] == ["lin"] * 3
