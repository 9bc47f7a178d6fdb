"""Hot-search lists and the grade: on it, not on it, and not known, which are three things."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import hot
from alerts.grading import grade
from alerts.incidents import on_grade
from config.schema import Levels
from storage.records import HotStanding, Level
from tests.alerts.people import make_project
from tests.make import NOW, make_evidence, make_grade, make_incident, make_surge

LEVELS = Levels()
QUIET = make_surge(kind="none", setting="", observed=1, p_value=0.3, reason="not_unusual")
WATCH = make_surge(setting="watch", p_value=2e-6, reason="spike_watch")


def standing(rank: int | None = 31, **fields) -> HotStanding:
    values = {
        "platform": "热搜台",
        "title": "云雀净水器漏水",
        "rank": rank,
        "best_rank": rank,
        "last_at": NOW - timedelta(minutes=10),
        "is_current": True,
        "is_about": True,
    }
    return HotStanding(**(values | fields))


def seen(found: HotStanding | None, **fields):
    return make_evidence(hot=found, hot_blind="", **fields)


def codes(graded) -> dict[str, str]:
    return {reason.code: reason.text for reason in graded.reasons}


@pytest.mark.parametrize(
    ("rank", "level"),
    [(1, Level.RED), (10, Level.RED), (11, Level.ORANGE), (50, Level.ORANGE), (None, Level.ORANGE)],
)
def test_a_place_on_the_list_sets_the_level_by_itself(rank, level):
    graded = grade(seen(standing(rank)), QUIET, LEVELS, NOW)

    assert graded.level is level
    assert "云雀净水器漏水" in codes(graded)["trigger_hot"]
    assert "热搜" in graded.quiet_if


def test_a_title_that_names_only_the_brand_counts_while_the_cluster_is_unusual():
    only_brand = standing(3, title="云雀 代言人官宣", is_about=False)

    calm = grade(seen(only_brand), QUIET, LEVELS, NOW)
    assert calm.level is Level.NONE
    assert "不计分" in codes(calm)["reach_hot"]
    assert grade(seen(only_brand), WATCH, LEVELS, NOW).level is Level.RED


def test_what_was_on_the_list_is_said_and_weighs_a_little():
    past = standing(None, best_rank=6, is_current=False)
    graded = grade(seen(past), QUIET, LEVELS, NOW)

    assert graded.level < Level.ORANGE
    assert codes(graded)["reach_hot_past"] == "24 小时内曾上热搜台热搜“云雀净水器漏水”，最高第 6 位"
    assert {r.code: r.points for r in graded.reasons}["reach_hot_past"] == 10.0


@pytest.mark.parametrize("platform", ["热搜", "微博热搜", "微博"])
def test_a_list_is_named_once(platform):
    said = hot.words(seen(standing(2, platform=platform)))

    assert said.count("热搜") == 1
    assert said.startswith(platform.removesuffix("热搜"))


@pytest.mark.parametrize("blind", ["not_connected", "no_answer"])
def test_a_list_that_was_not_read_is_unknown_and_not_nought(blind):
    unread = make_evidence(hot_blind=blind)
    graded = grade(unread, QUIET, LEVELS, NOW)

    assert codes(graded)["reach_hot_unknown"].startswith("热搜未知")
    assert not unread.hot_known
    assert "未知" in hot.words(unread)


def test_a_list_that_was_read_and_does_not_name_it_is_a_known_no():
    graded = grade(seen(None), QUIET, LEVELS, NOW)

    assert not [code for code in codes(graded) if "hot" in code]
    assert hot.words(seen(None)) == "未上热搜"


def test_nobody_is_called_for_a_place_on_a_list_without_a_fresh_complaint():
    stale = seen(standing(1), live_authors=())

    assert grade(stale, QUIET, LEVELS, NOW).level <= Level.BLUE


def test_the_furthest_reaching_figure_alone_gives_points():
    graded = grade(seen(standing(5), views=6_000, reposts=700), QUIET, LEVELS, NOW)
    points = {reason.code: reason.points for reason in graded.reasons}

    assert points["trigger_hot"] == 25.0
    assert (points["trigger_views"], points["trigger_reposts"]) == (0.0, 0.0)


def test_coming_on_the_list_at_a_level_that_is_held_anyway_is_noted_quietly():
    evidence = seen(standing(31))
    graded = grade(evidence, QUIET, LEVELS, NOW)
    incident = make_incident(
        level=Level.ORANGE, grade=make_grade(), authors=1, platforms=("tousu",)
    )
    project = make_project()

    change = on_grade(incident, evidence, graded, project, NOW)
    assert change is not None
    assert [event.kind for event in change.events] == ["grown"]
    assert not change.intents
    again = on_grade(change.incident, evidence, graded, project, NOW)
    assert again is None or "grown" not in [event.kind for event in again.events]


@given(
    rank=st.none() | st.integers(1, 60),
    is_current=st.booleans(),
    is_about=st.booleans(),
    views=st.none() | st.integers(0, 10_000_000),
)
def test_a_place_on_a_list_never_lowers_a_grade(rank, is_current, is_about, views):
    found = standing(rank, is_current=is_current, is_about=is_about)
    without = grade(seen(None, views=views), QUIET, LEVELS, NOW)
    with_it = grade(seen(found, views=views), QUIET, LEVELS, NOW)

    assert with_it.level >= without.level
    assert with_it.score >= without.score
    assert hot.words(seen(found))
