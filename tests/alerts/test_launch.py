"""Launch watch (上市爬坡期): each of its options changes a grade, and its end is explained."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from alerts.grading import grade
from alerts.launch import fewest_authors, launch_of, months_after
from config.schema import Project
from groundswell.judging import judge
from storage.records import Evidence, Level
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
