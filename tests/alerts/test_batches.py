"""Ratios against formulas written down another way, and what is a signal and what is none."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence

import pytest

from alerts.batches import (
    FEW_CELLS,
    FIXED,
    Prior,
    cells,
    fit_prior,
    group_words,
    prr,
    raising,
    ror,
    shrink,
    signal_words,
    signals,
    telling,
)
from alerts.grading import grade
from config.schema import Levels
from storage.records import BatchSignal, Grade, Level
from tests.eval.batch_streams import Complaint, complain, count, quiet_month
from tests.make import BRAND, NOW, ago, make_evidence, make_surge

BAD_BATCH = [
    *complain(7, "漏水漏液", batch="2603A"),
    *complain(2, "异响抖动", batch="2603A"),
    *complain(2, "漏水漏液", batch="2601B"),
    *(one for what in ("异响抖动", "变形松动") for one in complain(14, what, batch="2601B")),
    *complain(1, "漏水漏液"),
    *(one for what in ("异响抖动", "变形松动") for one in complain(14, what)),
    *complain(1, "生锈"),
]


# --- ratios --------------------------------------------------------------------------------------


def test_prr_and_its_interval_equal_the_published_formula() -> None:
    # Evans 2001: rifabutin and uveitis, 41 of 55 reports against 754 of 591,958 of all others
    found = prr(41, 55, 754, 591_958)

    assert found.value == pytest.approx((41 / 55) / (754 / 591_958))
    assert found.value == pytest.approx(585, rel=0.01)
    spread = math.sqrt(1 / 41 - 1 / 55 + 1 / 754 - 1 / 591_958)
    assert math.log(found.high / found.value) == pytest.approx(1.959964 * spread)
    assert math.log(found.value / found.low) == pytest.approx(1.959964 * spread)


def test_ror_and_its_interval_equal_the_odds_ratio_of_a_library() -> None:
    from scipy.stats.contingency import odds_ratio

    found = ror(7, 9, 3, 60)

    table = [[7, 2], [3, 57]]
    assert found.value == pytest.approx(odds_ratio(table, kind="sample").statistic)
    interval = odds_ratio(table, kind="sample").confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


@pytest.mark.parametrize("four", [(3, 3, 0, 20), (0, 5, 4, 9), (5, 5, 9, 9), (0, 0, 0, 0)])
def test_an_empty_cell_gives_a_finite_ratio(four: tuple[int, int, int, int]) -> None:
    for found in (prr(*four), ror(*four)):
        assert 0 < found.low <= found.value <= found.high < math.inf


@pytest.mark.parametrize(("n", "expected"), [(0, 0.3), (1, 0.02), (3, 0.5), (7, 1.1), (40, 35.0)])
@pytest.mark.parametrize("prior", [FIXED, Prior(1.5, 0.4, 3.0, 3.2, 0.08)])
def test_the_shrunken_ratio_equals_numerical_integration(
    n: int, expected: float, prior: Prior
) -> None:
    """Prior times Poisson, integrated over a fine grid of log-ratios: no closed form in sight."""
    import numpy as np
    from scipy import stats

    log_ratio = np.linspace(-60, 12, 400_001)
    ratio = np.exp(log_ratio)
    density = prior.weight * stats.gamma.pdf(ratio, prior.alpha1, scale=1 / prior.beta1)
    density += (1 - prior.weight) * stats.gamma.pdf(ratio, prior.alpha2, scale=1 / prior.beta2)
    posterior = density * ratio * stats.poisson.pmf(n, ratio * expected)
    posterior /= posterior.sum()

    found = shrink(n, expected, prior)

    assert math.log(found.ebgm) == pytest.approx(float((posterior * log_ratio).sum()), abs=2e-3)
    at = np.interp([0.05, 0.95], posterior.cumsum(), ratio)
    assert (found.eb05, found.eb95) == pytest.approx(tuple(at), rel=2e-3, abs=1e-9)


def test_shrinking_pulls_small_counts_and_leaves_large_ones() -> None:
    small, large = shrink(1, 0.1, FIXED), shrink(100, 10.0, FIXED)

    assert small.ebgm < 5 < large.ebgm < 10.5
    assert small.eb05 < 1 < large.eb05


# --- the prior -----------------------------------------------------------------------------------


def test_few_cells_keep_the_fixed_prior() -> None:
    assert fit_prior([(1, 1.0)] * (FEW_CELLS - 1)) == FIXED


def test_the_fitted_prior_is_likelier_than_the_fixed_one_and_always_the_same() -> None:
    import numpy as np
    from scipy import stats

    rng = np.random.default_rng(7)
    expected = rng.uniform(0.2, 6, 500)
    usual = rng.gamma(8.0, 1 / 8.0, 500)
    ratio = np.where(rng.random(500) < 0.05, rng.gamma(6.0, 1.0, 500), usual)
    observed = rng.poisson(expected * ratio)
    table = [(int(n), float(e)) for n, e in zip(observed, expected, strict=True)]

    def loss(prior: Prior) -> float:
        part = [
            weight * stats.nbinom.pmf(observed, alpha, beta / (beta + expected))
            for weight, alpha, beta in (
                (prior.weight, prior.alpha1, prior.beta1),
                (1 - prior.weight, prior.alpha2, prior.beta2),
            )
        ]
        return -float(np.log(part[0] + part[1]).sum())

    found = fit_prior(table)

    assert loss(found) < loss(FIXED) - 50
    assert loss(found) < loss(Prior(6.0, 1.0, 8.0, 8.0, 0.05)) + 2  # as good as the truth
    assert fit_prior(reversed(table)) == found


# --- tables and signals --------------------------------------------------------------------------


def test_a_bad_batch_is_a_signal_with_its_table() -> None:
    [found] = [one for one in signals(count(BAD_BATCH), BRAND) if one.value == "2603A"]

    assert (found.product, found.kind, found.symptom) == ("hu", "batch", "漏水漏液")
    assert (found.both, found.group, found.symptom_all, found.all) == (7, 9, 10, 69)
    assert found.prr == pytest.approx((7 / 9) / (3 / 60))
    assert 2 <= found.eb05 < found.ebgm < found.eb95
    assert found.ebgm < found.prr  # shrunken
    assert (found.first_at, found.last_at) == (ago(days=9), NOW)


def test_the_sentence_gives_the_evidence() -> None:
    found = next(one for one in signals(count(BAD_BATCH), BRAND) if one.value == "2603A")

    assert signal_words(found).startswith(
        "「hu」2603A 批次：漏水漏液 7 起 / 该组 9 起，同款其余 3/60，EBGM "
    )
    assert group_words(found) == "「hu」2603A 批次"


@pytest.mark.parametrize(
    "complaints",
    [
        [],
        complain(50, "漏水漏液", batch="2603A"),  # nothing to compare with
        [*complain(2, "漏水漏液", batch="2603A"), *complain(60, "异响抖动", batch="2601B")],
        [*complain(9, "漏水漏液", batch="2603A"), *complain(40, "漏水漏液", batch="2601B")],
        complain(60, "", batch="2603A"),
    ],
    ids=["nothing", "one batch only", "two authors", "every batch alike", "no symptom"],
)
def test_what_is_no_signal(complaints: list[Complaint]) -> None:
    assert [one for one in signals(count(complaints), BRAND) if one.kind == "batch"] == []


def test_those_who_state_a_batch_are_compared_with_one_another() -> None:
    """Whoever saw smoke reads the label; among those who do, smoke is usual."""
    readers = [one for n in range(8) for one in complain(3, "冒烟起火", batch=f"260{n}A")]
    silent = complain(90, "异响抖动")

    assert not [one for one in signals(count([*readers, *silent]), BRAND) if one.kind == "batch"]


def test_a_product_is_compared_with_the_other_products() -> None:
    complaints = [
        *complain(8, "漏水漏液"),
        *complain(4, "异响抖动"),
        *complain(40, "异响抖动", product="guo"),
    ]
    found = signals(count(complaints), BRAND)

    assert {one.kind for one in found} == {"product"}
    assert ("hu", "漏水漏液") in {(one.value, one.symptom) for one in found}
    assert raising(found, authors=9) is None  # by its nature, perhaps: nobody is called


def test_only_enough_fresh_people_let_a_signal_raise() -> None:
    found = signals(count(BAD_BATCH), BRAND)

    assert raising(found, authors=2) is None
    raised = raising(found, authors=3)
    assert raised is not None
    assert raised.kind == "batch"


def test_cells_hold_what_nobody_told_as_nought() -> None:
    table = {(one.value, one.symptom): one for one in cells(count(BAD_BATCH))}

    assert table["2601B", "生锈"].both == 0
    assert table["2601B", "生锈"].expected > 0


def test_each_trouble_of_a_product_is_told_once_per_kind() -> None:
    found = signals(
        count(
            [
                *complain(8, "漏水漏液", batch="2603A", month="2026-03", region="广东"),
                *complain(50, "异响抖动", batch="2601B", month="2026-01", region="浙江"),
            ]
        ),
        BRAND,
    )
    shown = telling(found, 9)

    assert {one.kind for one in shown} == {"batch", "month", "region"}
    assert len(telling(found, 2)) == 2
    assert [one.eb05 for one in shown] == sorted((one.eb05 for one in shown), reverse=True)


# --- grading -------------------------------------------------------------------------------------


def graded(people: int, batches: Sequence[BatchSignal], **facts: object) -> Grade:
    authors = tuple((ago(hours=n), f"用户{n}") for n in range(people))
    evidence = make_evidence(
        live_authors=authors, watch_authors=authors, batches=tuple(batches), **facts
    )
    quiet = make_surge(kind="none", setting="", observed=1, p_value=0.3, reason="not_unusual")
    return grade(evidence, quiet, Levels(), NOW)


def batch_signals() -> tuple[BatchSignal, ...]:
    return signals(count(BAD_BATCH), BRAND)


def test_a_batch_that_stands_out_is_yellow_and_says_so() -> None:
    found = graded(4, batch_signals())

    assert found.level is Level.YELLOW
    [reason] = [one for one in found.reasons if one.code == "trigger_batch"]
    assert "2603A 批次：漏水漏液 7 起" in reason.text
    assert reason.points == 15
    assert "2603A 批次的“漏水漏液”不比同款其余更多" in found.quiet_if


def test_without_the_batch_it_stays_quiet() -> None:
    assert graded(4, ()).level is Level.NONE


def test_two_people_do_not_make_a_batch_page() -> None:
    found = graded(2, batch_signals())

    assert found.level is Level.NONE
    assert not [one for one in found.reasons if "batch" in one.code]


def test_a_batch_fills_harm_and_never_doubles_it() -> None:
    burnt = graded(6, batch_signals(), severity=(("injury", 4),))

    points = {one.code: one.points for one in burnt.reasons}
    assert points["trigger_injury"] == 22.5
    assert points["trigger_batch"] == 0
    assert burnt.level is Level.ORANGE


# --- how often it cries wolf, and what it sees --------------------------------------------------
# Full sizes: bench/bench_batches.py; figures in docs/adr/0021.


def within_products(found: Iterable[BatchSignal]) -> list[BatchSignal]:
    return [one for one in found if one.kind != "product"]


@pytest.mark.parametrize("selective", [1.0, 3.0], ids=["anybody", "the hurt read labels"])
def test_quiet_months_rarely_raise_a_signal(selective: float) -> None:
    alarms = 0
    for seed in range(20):
        rng = random.Random(f"quiet/{selective}/{seed}")
        alarms += bool(within_products(signals(count(quiet_month(rng, 400, selective)), BRAND)))

    assert alarms <= 2  # of 20 months; measured over 300: 1 %


def test_ten_complaints_of_a_bad_batch_are_seen() -> None:
    seen = 0
    for seed in range(12):
        rng = random.Random(f"bad/{seed}")
        bad = complain(10, "冒烟起火", product="p1", batch="1-7")
        found = signals(count([*quiet_month(rng, 400), *bad]), BRAND)
        seen += any(one.kind == "batch" and one.value == "1-7" for one in found)

    assert seen >= 10
