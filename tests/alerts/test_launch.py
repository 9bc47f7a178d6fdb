"""Launch watch (上市爬坡期): each of its options changes a grade, and its end is explained."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from alerts.grading import grade
from alerts.launch import borrow, fewest_authors, launch_of, months_after, plan_of
from alerts.launch_routes import route_named
from alerts.routing import find_route
from config.schema import Project
from groundswell.judging import judge
from storage.records import Borrowed, Evidence, Level
from tests.alerts.people import SETTINGS, make_project
from tests.make import NOW, ago, make_evidence, make_surge


def company(launched: str | None = "2026-01-20", **launch: Any) -> Project:
    brand = SETTINGS["brands"][0]
    line = brand["products"][0] | ({"launched": launched} if launched else {})
    brands = [brand | {"products": [line]}, SETTINGS["brands"][1]]
    return make_project(brands=brands, settings={"launch": launch})


def about_q3(authors: int = 4, **fields: Any) -> Evidence:
    live = tuple((NOW - timedelta(minutes=9 * i), f"tousu:人{i}") for i in reversed(range(authors)))
    values: dict[str, Any] = {"authors": authors, "live_authors": live, "watch_authors": live}
    return make_evidence(**(values | {"products": ("q3",)} | fields))


def score(project: Project) -> tuple[float, list[str]]:
    evidence = about_q3(severity=(("injury", 2),))
    judged = grade(
        evidence,
        make_surge(kind="none", observed=2, threshold=9.0, ratio=0.0, reason="not_unusual"),
        project.levels,
        NOW,
        launch=launch_of(project, evidence, NOW),
    )
    return judged.score, [reason.code for reason in judged.reasons]


def test_points_count_more_while_a_product_is_new() -> None:
    usual, codes = score(company(None))
    watched, named = score(company(factor=2.0))

    assert watched == pytest.approx(2 * usual)
    assert "launch_watch" not in codes
    assert "launch_watch" in named


def test_factor_of_one_changes_no_score_and_is_named_all_the_same() -> None:
    watched, named = score(company(factor=1.0))

    assert watched == score(company(None))[0]
    assert "launch_watch" in named


def test_fewer_people_are_enough_for_a_surge() -> None:
    # one of very many quiet clusters: three people are unlikely by chance
    few = about_q3(3, brand_first_at=ago(days=30), brand_clusters=5000)

    strict = judge(few, None, None, company(min_authors=3, alpha_factor=1), NOW).surge
    usual = judge(few, None, None, company(min_authors=5, alpha_factor=1), NOW).surge

    assert (strict.kind, strict.threshold) == ("spike", 3.0)
    assert (usual.kind, usual.reason) == ("none", "below_min_authors")
    assert fewest_authors(company(min_authors=3)) == 3
    assert fewest_authors(company(None, min_authors=3)) == 5


def test_what_is_likelier_by_chance_counts_as_unusual() -> None:
    five = about_q3(5, brand_first_at=ago(days=30), brand_clusters=40)

    strict = judge(five, None, None, company(min_authors=5, alpha_factor=10), NOW).surge
    usual = judge(five, None, None, company(min_authors=5, alpha_factor=1), NOW).surge

    assert (strict.kind, usual.kind) == ("spike", "none")
    assert strict.threshold < usual.threshold


@pytest.mark.parametrize(
    ("day", "months", "is_watched"),
    [
        ("2026-01-20T00:00+08:00", 3, True),  # the day of launch, by the project's clock
        ("2026-01-19T23:59+08:00", 3, False),
        ("2026-04-19T23:59+08:00", 3, True),
        ("2026-04-20T00:00+08:00", 3, False),
        ("2026-04-20T00:00+08:00", 4, True),
    ],
)
def test_watch_runs_from_the_launch_for_so_many_months(
    day: str, months: int, is_watched: bool
) -> None:
    found = launch_of(company(months=months), about_q3(), datetime.fromisoformat(day))

    assert (found is not None) == is_watched


def test_reason_says_when_the_watch_ends() -> None:
    found = launch_of(company(months=6, factor=1.25), about_q3(), NOW)

    assert found is not None
    reason = found.reason(40.0)
    assert (reason.code, reason.points) == ("launch_watch", 10.0)
    assert "云雀净水器Q3 2026-01-20 上市，2026-07-20 起恢复平常" in reason.text


def test_other_products_and_brands_are_judged_as_ever() -> None:
    assert launch_of(company(), about_q3(products=()), NOW) is None
    assert launch_of(company(), about_q3(products=("q9",)), NOW) is None


def test_month_ends_are_met() -> None:
    assert months_after(date(2025, 8, 31), 6) == date(2026, 2, 28)
    assert months_after(date(2025, 11, 30), 3) == date(2026, 2, 28)
    assert months_after(date(2026, 12, 1), 1) == date(2027, 1, 1)


def test_each_ground_carries_the_level_it_asks_for() -> None:
    judged = grade(
        about_q3(severity=(("injury", 3),), views=6_000),
        make_surge(kind="none", observed=4, threshold=9.0, ratio=0.0, reason="not_unusual"),
        company().levels,
        NOW,
    )
    levels = {reason.code: reason.level for reason in judged.reasons if reason.level}

    assert levels["trigger_injury"] is Level.ORANGE
    assert levels["trigger_views"] is Level.YELLOW


# --- a launch that was planned ------------------------------------------------------------------


def planned(launch: dict[str, Any] | None = None, **changes: Any) -> Project:
    """The product under a plan: from 20 January to 30 April, lin and the roster's zhao for it."""
    brand = SETTINGS["brands"][0]
    sister = {"id": "q2", "name": "云雀净水器Q2"}
    lines = [brand["products"][0] | {"launched": "2026-01-20"}, sister]
    plan = {
        "id": "q3",
        "brand": "yunque",
        "product": "q3",
        "launched": "2026-01-20",
        "ends": "2026-04-30",
        "representatives": ["zhao", "wu"],
        "sister": "q2",
    }
    kept = {key: one for key, one in (plan | changes).items() if one is not None}
    brands = [brand | {"products": lines}, SETTINGS["brands"][1]]
    return make_project(brands=brands, settings={"launch": launch or {}}, launches=[kept])


@pytest.mark.parametrize(
    ("day", "ends", "is_watched"),
    [
        ("2026-04-30T23:59+08:00", "2026-04-30", True),
        ("2026-05-01T00:00+08:00", "2026-04-30", False),
        ("2026-05-01T00:00+08:00", None, True),  # by the settings: six months
        ("2026-07-20T00:00+08:00", None, False),
    ],
)
def test_a_plan_ends_by_itself(day: str, ends: str | None, is_watched: bool) -> None:
    project, now = planned(ends=ends), datetime.fromisoformat(day)

    assert (launch_of(project, about_q3(), now) is not None) == is_watched
    assert (plan_of(project, about_q3(), now) is not None) == is_watched
    assert (route_id(project, now) == "launch-q3") == is_watched


def route_id(project: Project, now: datetime = NOW, issue: str = "售后维修", **traits: Any) -> str:
    values: dict[str, Any] = {"products": ("q3",)} | traits
    return find_route(project, brand_id="yunque", issue_class=issue, now=now, **values).route_id


def test_representatives_come_before_the_general_route() -> None:
    project = planned()
    general = find_route(make_project(), brand_id="yunque", issue_class="售后维修", now=NOW)
    choice = find_route(
        project, brand_id="yunque", issue_class="售后维修", products=("Q3", "q2"), now=NOW
    )

    assert general.route is not None
    assert choice.route is not None
    assert (choice.owner_id, choice.route_id) == ("zhao", "launch-q3")
    assert choice.reason == "按上市 q3 的服务代表，由赵敏负责"
    people = (general.route.owner, *general.route.chain)
    assert choice.chain == ("wu", *(one for one in people if one not in {"zhao", "wu"}))
    assert (choice.route.also, choice.route.service) == (general.route.also, general.route.service)


def test_what_a_route_names_an_issue_or_product_for_stays_there() -> None:
    project = planned()
    named = [route for route in project.routes if route.issue and "yunque" in route.brand]

    assert named
    assert route_id(project, issue=named[0].issue[0]) == named[0].id
    assert route_id(project, products=("q2", "q3")) != "launch-q3"  # most is about another
    assert route_id(project, products=()) != "launch-q3"
    assert route_id(planned(representatives=None)) != "launch-q3"


def test_a_launch_route_is_found_again_until_it_is_over() -> None:
    project = planned()
    found = route_named(project, "launch-q3", NOW)
    over = route_named(project, "launch-q3", NOW + timedelta(days=90))

    assert found is not None
    assert found.owner == "zhao"
    assert over is not None
    assert over.id in {route.id for route in project.routes}
    assert route_named(project, over.id, NOW) == over
    assert route_named(make_project(), "launch-q3", NOW) is None


def lent(project: Project, now: datetime = NOW) -> Borrowed:
    plan = plan_of(project, about_q3(), now)
    assert plan is not None
    found = borrow(project, plan, now, authors=6720, hours=672.0, clusters=2)
    assert found is not None
    return found


def test_own_days_fade_the_sister() -> None:
    first = lent(planned(), datetime.fromisoformat("2026-01-20T12:00+08:00"))
    half = lent(planned(), datetime.fromisoformat("2026-02-17T12:00+08:00"))
    quick = lent(planned({"sister_days": 7}), datetime.fromisoformat("2026-02-17T12:00+08:00"))

    assert (first.weight, half.weight, quick.weight) == (1.0, 0.5, 0.2)
    assert first.rate == pytest.approx((6720 + 0.05 * 72) / (672 + 72))


def test_a_loud_sister_keeps_a_usual_crowd_quiet_and_is_named() -> None:
    """Seven in an hour are a surge for a product nobody knows, none where the sister has ten."""
    project = planned({"alpha_factor": 1})
    crowd = about_q3(7, brand_first_at=ago(days=30), brand_clusters=40)

    alone = judge(crowd, None, None, project, NOW)
    beside = judge(replace(crowd, borrowed=lent(project)), None, None, project, NOW)

    assert (alone.surge.kind, beside.surge.kind) == ("spike", "none")
    assert "launch_baseline" not in {one.code for one in alone.reasons}
    [reason] = [one for one in beside.reasons if one.code == "launch_baseline"]
    assert "baseline of 云雀净水器Q2" in reason.text
    assert reason.points == 0
