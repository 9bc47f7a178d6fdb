from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.grading import HOLD, RULE_VERSION, grade, settle
from alerts.surge import detect
from config.schema import Levels, SurgeRules
from storage.records import Grade, Level
from tests.alerts.streams import burst, everyday, evidence_of, hours_ago
from tests.make import NOW, make_evidence, make_grade, make_surge

LEVELS = Levels()
BRAND = everyday(1.0, 40)  # 24 mentions a day over all clusters
QUIET = make_surge(kind="none", setting="", observed=1, p_value=0.3, reason="not_unusual")
PAGE = make_surge()
WATCH = make_surge(setting="watch", p_value=2e-6, reason="spike_watch")


def judged(posts, brand=BRAND, **fields) -> Grade:
    evidence = evidence_of(posts, brand, **fields)
    return grade(evidence, detect(evidence, SurgeRules(), NOW), LEVELS, NOW)


def people(count, **fields):
    """Evidence of so many fresh authors, with any facts."""
    authors = tuple((NOW - timedelta(minutes=10 * i), f"用户{i}") for i in range(count))
    return make_evidence(live_authors=authors, watch_authors=authors, **fields)


def points(found: Grade) -> dict[str, float]:
    return {reason.code: reason.points for reason in found.reasons}


# --- whole cases -------------------------------------------------------------------------------


def test_everyday_complaints_stay_at_none():
    found = judged(hours_ago(3, 10, 30, 50), platforms=("tousu", "weibo"))

    assert found.level is Level.NONE
    assert found.quiet_if == ""


def test_everyday_money_matters_and_threats_to_complain_stay_at_none():
    facts = (("money", 3), ("regulator", 4), ("lawyer", 1), ("child", 1))

    assert judged(hours_ago(3, 10, 30, 50, 60), severity=facts).level is Level.NONE


def test_one_unverified_injury_is_blue_not_orange():
    found = judged(hours_ago(3, 30), severity=(("injury", 1),))

    assert found.level is Level.BLUE
    assert "一人之言" in found.reasons[0].text


def test_a_batch_crisis_is_yellow():
    found = judged(burst(25, 3))

    assert found.level is Level.YELLOW
    assert found.reasons[0].code == "spike_page"


def test_a_batch_crisis_with_fires_and_injuries_is_orange():
    found = judged(burst(25, 2.5), severity=(("fire", 4), ("injury", 3), ("child", 2)))

    assert found.level is Level.ORANGE


def test_a_batch_crisis_of_a_brand_seen_since_this_morning_is_yellow():
    assert judged(burst(25, 3), everyday(1.0, 1), brand_clusters=6).level is Level.YELLOW


@pytest.mark.parametrize("seed", range(6))
def test_a_month_of_everyday_noise_never_reaches_orange(seed):
    """Forty mentions a day in eight clusters, each graded every six hours of the last day."""
    brand = everyday(40 / 24, 45, seed=seed)
    levels = []
    for number in range(8):
        posts = brand[number::8]
        others = [at for at in brand if at not in set(posts)]
        for back in (0, 6, 12, 18):
            now = NOW - timedelta(hours=back)
            seen = [at for at in posts if at <= now]
            rest = [at for at in others if at <= now]
            evidence = evidence_of(seen, rest, now=now, brand_clusters=8)
            surge = detect(evidence, SurgeRules(), now)
            levels.append(grade(evidence, surge, LEVELS, now).level)

    assert max(levels) <= Level.BLUE


# --- the score ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("p", "ratio", "expected"),
    [(1e-3, 20.0, 0.0), (1e-12, 20.0, 30.0), (1e-40, 10.0, 30.0), (10**-7.5, 10.0, 15.0)],
)
def test_speed_runs_from_three_to_twelve_decimal_places(p, ratio, expected):
    found = grade(people(12), replace(PAGE, p_value=p, ratio=ratio), LEVELS, NOW)

    assert points(found)["spike_page"] == pytest.approx(expected, abs=0.05)


def test_a_small_multiple_of_the_usual_gives_little_speed():
    found = grade(people(12), replace(PAGE, p_value=1e-20, ratio=3.0), LEVELS, NOW)

    assert points(found)["spike_page"] == pytest.approx(30 * 0.4771, abs=0.1)


@pytest.mark.parametrize(
    ("views", "expected"),
    [(500, 0.0), (5_000, 10.0), (100_000, 17.5), (1_000_000, 25.0), (9_000_000, 25.0)],
)
def test_views_count_on_a_log_scale(views, expected):
    found = grade(people(1, views=views), QUIET, LEVELS, NOW)

    assert sum(p for code, p in points(found).items() if "views" in code) == expected


def test_unknown_reach_is_said_to_be_unknown_and_never_nought():
    found = grade(people(1), QUIET, LEVELS, NOW)
    reason = next(reason for reason in found.reasons if reason.code == "reach_unknown")

    assert "未知" in reason.text
    assert reason.value is None
    assert not any("阅读量 0" in reason.text for reason in found.reasons)


def test_known_nought_views_are_known():
    found = grade(people(1, views=0, reposts=0), QUIET, LEVELS, NOW)
    codes = {reason.code for reason in found.reasons}

    assert "reach_unknown" not in codes
    assert {"reach_views", "reach_reposts"} <= codes


def test_three_platforms_give_a_fifth_of_reach():
    found = grade(people(2, platforms=("a", "b", "c")), QUIET, LEVELS, NOW)

    assert points(found)["reach_platforms"] == 5.0


def test_the_gravest_fact_alone_gives_harm():
    found = grade(people(9, severity=(("money", 9), ("injury", 2))), QUIET, LEVELS, NOW)

    assert points(found)["trigger_injury"] == 22.5
    assert points(found)["harm_money"] == 0


def test_facts_of_long_ago_count_at_most_todays_authors():
    old = people(1, severity=(("injury", 40),))

    assert grade(old, QUIET, LEVELS, NOW).level is Level.BLUE


def test_waiting_is_full_after_six_times_the_time_to_acknowledge():
    soon = grade(people(9), PAGE, LEVELS, NOW, NOW - timedelta(minutes=90))
    late = grade(people(9), PAGE, LEVELS, NOW, NOW - timedelta(hours=5))

    assert points(soon)["unhandled"] == 5.0
    assert points(late)["unhandled"] == 10.0
    assert "unhandled" not in points(grade(people(9), PAGE, LEVELS, NOW))


def test_the_score_is_the_sum_of_the_points_that_are_shown():
    evidence = people(
        25,
        severity=(("fire", 5), ("money", 2)),
        views=12_000,
        reposts=300,
        platforms=("a", "b", "c"),
        tiers=("large_account",),
    )
    found = grade(evidence, PAGE, LEVELS, NOW, NOW - timedelta(hours=2))

    assert found.score == pytest.approx(sum(reason.points for reason in found.reasons), abs=0.01)
    assert len({reason.code for reason in found.reasons}) == len(found.reasons)
    assert found.rule_version == RULE_VERSION


# --- what sets a level by itself -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("authors", "facts", "surge", "level"),
    [
        (1, (("injury", 1),), QUIET, Level.BLUE),
        (2, (("injury", 2),), QUIET, Level.YELLOW),
        (3, (("injury", 3),), QUIET, Level.ORANGE),
        (6, (("fire", 2),), WATCH, Level.ORANGE),
        (6, (("fire", 1),), WATCH, Level.BLUE),
        (9, (("injury", 1),), PAGE, Level.ORANGE),
        (40, (("injury", 29),), PAGE, Level.ORANGE),
        (40, (("injury", 30),), PAGE, Level.RED),
        (40, (("injury", 30),), QUIET, Level.ORANGE),
        (40, (("fire", 40),), PAGE, Level.ORANGE),
        (1, (("death", 1),), QUIET, Level.ORANGE),
        (2, (("death", 2),), QUIET, Level.RED),
        (6, (("death", 1),), WATCH, Level.RED),
        (5, (("child", 5),), QUIET, Level.NONE),
    ],
)
def test_harm_needs_more_than_one_voice(authors, facts, surge, level):
    assert grade(people(authors, severity=facts), surge, LEVELS, NOW).level is level


@pytest.mark.parametrize(
    ("fields", "surge", "level"),
    [
        ({"views": 4_999}, QUIET, Level.NONE),
        ({"views": 5_000}, QUIET, Level.YELLOW),
        ({"reposts": 500}, QUIET, Level.YELLOW),
        ({"views": 100_000}, QUIET, Level.ORANGE),
        ({"views": 1_000_000}, QUIET, Level.RED),
        ({"tiers": ("large_account",)}, QUIET, Level.NONE),
        ({"tiers": ("trade",)}, QUIET, Level.ORANGE),
        ({"tiers": ("provincial",)}, QUIET, Level.ORANGE),
        ({"tiers": ("", "central")}, QUIET, Level.RED),
        ({"platforms": ("a", "b")}, QUIET, Level.NONE),
        ({"platforms": ("a", "b")}, WATCH, Level.YELLOW),
        ({"platforms": ("a",)}, WATCH, Level.BLUE),
        ({"platforms": ("a",)}, PAGE, Level.YELLOW),
    ],
)
def test_marks_of_the_level_table(fields, surge, level):
    assert grade(people(5, **fields), surge, LEVELS, NOW).level is level


def test_history_alone_is_never_raised():
    evidence = make_evidence(
        live_authors=(),
        watch_authors=(),
        views=2_000_000,
        tiers=("central",),
        severity=(("death", 5),),
    )
    found = grade(evidence, QUIET, LEVELS, NOW)

    assert found.level is Level.NONE
    assert found.reasons[-1].code == "only_history"


def test_unsure_mentions_alone_stay_blue():
    evidence = replace(people(30, views=2_000_000), live_authors=())
    found = grade(evidence, WATCH, LEVELS, NOW)

    assert found.level is Level.BLUE
    assert found.reasons[-1].code == "only_unsure"


def test_thresholds_come_from_the_configuration():
    strict = LEVELS.model_copy(update={"yellow": LEVELS.yellow.model_copy(update={"score": 21.0})})
    evidence = people(9, severity=(("food", 2),))

    assert grade(evidence, QUIET, LEVELS, NOW).level is Level.BLUE
    assert grade(evidence, QUIET, strict, NOW).level is Level.YELLOW


def test_quiet_if_names_what_would_have_kept_it_down():
    found = grade(people(9, severity=(("injury", 2),)), PAGE, LEVELS, NOW)

    assert found.quiet_if == "如果没有 2 位作者提到有人受伤或身体不适，就不会到橙级"

    surged = grade(people(9), PAGE, LEVELS, NOW)
    assert surged.quiet_if == "如果 6 小时内少于 8 位不同的人，就不会到黄级"


@given(
    authors=st.integers(0, 60),
    facts=st.lists(
        st.tuples(
            st.sampled_from(["death", "injury", "fire", "child", "strange"]), st.integers(0, 80)
        )
    ),
    views=st.none() | st.integers(0, 10**9),
    reposts=st.none() | st.integers(0, 10**7),
    p=st.floats(0, 1),
    ratio=st.floats(0, 1e6),
    fired=st.sampled_from(["", "watch", "page"]),
)
def test_any_evidence_is_graded_within_bounds(authors, facts, views, reposts, p, ratio, fired):
    surge = make_surge(kind="spike" if fired else "none", setting=fired, p_value=p, ratio=ratio)
    evidence = people(authors, severity=tuple(dict(facts).items()), views=views, reposts=reposts)
    found = grade(evidence, surge, LEVELS, NOW)

    assert 0 <= found.score <= 100
    assert all(reason.text and reason.points >= 0 for reason in found.reasons)
    assert bool(found.quiet_if) == (found.level > Level.NONE)
    assert found.level == Level.NONE or authors


# --- settling --------------------------------------------------------------------------------------


def at(level, *, hours=0.0, score=None, surge=QUIET):
    values = {} if score is None else {"score": score}
    return make_grade(level, at=NOW + timedelta(hours=hours), surge=surge, **values)


def test_a_level_rises_at_once():
    settled = settle(at(Level.BLUE), at(Level.RED, hours=0.1), LEVELS)

    assert (settled.grade.level, settled.reason) == (Level.RED, "up")


def test_a_level_falls_only_after_six_hours_below():
    held = at(Level.YELLOW)
    first = settle(held, at(Level.NONE, hours=1, score=5.0), LEVELS)
    later = settle(
        first.grade, at(Level.NONE, hours=6.9, score=5.0), LEVELS, below_since=first.below_since
    )
    last = settle(
        later.grade, at(Level.NONE, hours=7, score=5.0), LEVELS, below_since=later.below_since
    )

    assert (first.grade.level, first.reason) == (Level.YELLOW, "waiting")
    assert first.grade.reasons[0].code == "held"
    assert later.grade.level is Level.YELLOW
    assert (last.grade.level, last.reason, last.below_since) == (Level.NONE, "down", None)


@pytest.mark.parametrize("level", [Level.ORANGE, Level.RED])
def test_orange_and_red_fall_only_by_a_person(level):
    settled = settle(
        at(level), at(Level.BLUE, hours=100, score=21.0), LEVELS, below_since=NOW - HOLD
    )

    assert (settled.grade.level, settled.reason) == (level, "needs_human")


def test_near_the_threshold_the_clock_does_not_run():
    near_score = settle(at(Level.YELLOW), at(Level.BLUE, hours=9, score=28.0), LEVELS)
    busy = replace(QUIET, observed=7, threshold=9.0)
    near_count = settle(
        at(Level.YELLOW),
        at(Level.BLUE, hours=9, score=20.0, surge=busy),
        LEVELS,
        below_since=NOW,
    )

    assert (near_score.grade.level, near_score.reason) == (Level.YELLOW, "near")
    assert (near_count.grade.level, near_count.below_since) == (Level.YELLOW, None)


def test_the_first_grade_is_kept_as_it_is():
    new = at(Level.BLUE)

    assert settle(None, new, LEVELS).grade is new


def test_flapping_around_a_threshold_for_a_day_changes_the_level_once():
    held, below, changes = at(Level.BLUE), None, 0
    for tick in range(144):
        level, score = (Level.YELLOW, 41.0) if tick % 2 else (Level.BLUE, 38.0)
        settled = settle(held, at(level, hours=tick / 6, score=score), LEVELS, below_since=below)
        changes += settled.grade.level != held.level
        held, below = settled.grade, settled.below_since

    assert changes == 1
