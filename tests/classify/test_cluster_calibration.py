"""From which likeness on mentions go together, learned from issues that are known."""

from __future__ import annotations

import pytest

from classify.cluster_agreement import agreement, interval, resampled, shares_of
from classify.cluster_calibration import Sample, calibrate, decide, drawn_back
from classify.cluster_rules import Rules
from classify.evaluation_clusters import mentions_of, verdict_of
from storage.records import ShardId
from tests.eval.complaints import complaints


def samples(seed: int, issues: int, largest: int) -> list[Sample]:
    rows = complaints(seed, issues, largest)
    return [
        Sample(ShardId(f"{row['entity']}/zh"), mention, verdict_of(mention), row["label"])
        for row, mention in zip(rows, mentions_of(rows), strict=True)
    ]


def test_a_threshold_that_joins_too_little_is_lowered() -> None:
    passes: list[None] = []
    known = samples(1, issues=45, largest=5)

    (advice,) = calibrate(
        known, Rules(complaint_score=0.6), ["complaint"], lambda: passes.append(None)
    )

    assert advice.reason == "lower"
    assert advice.pays
    assert advice.best < advice.advised < advice.present  # drawn back: the issues are few
    assert advice.gain > 0
    assert advice.gain_low > 0
    assert len(passes) == len(advice.tried)
    assert all(one.bcubed_low <= one.bcubed_f1 <= one.bcubed_high for one in advice.tried)


def test_a_handful_of_issues_says_nothing() -> None:
    (complaint, post) = calibrate(samples(1, issues=6, largest=3), Rules(), ["complaint", "post"])

    assert (complaint.reason, complaint.advised, complaint.tried) == ("too_few", 0.32, ())
    assert post.issues == 0


@pytest.mark.parametrize(
    ("present", "advised", "gain", "low", "reason"),
    [
        (0.32, 0.32, 0.0, 0.0, "no_gain"),
        (0.32, 0.33, 0.02, 0.01, "no_gain"),  # too small a step to touch a file for
        (0.32, 0.36, 0.02, 0.01, "raise"),
        (0.32, 0.28, 0.02, 0.01, "lower"),
        (0.32, 0.28, 0.02, -0.001, "no_gain"),  # may be chance
        (0.32, 0.28, -0.001, 0.01, "no_gain"),  # did not prove itself later
    ],
)
def test_a_change_must_pay(
    present: float, advised: float, gain: float, low: float, reason: str
) -> None:
    assert decide(present, advised, gain, low) == reason


def test_few_issues_move_a_threshold_little() -> None:
    assert drawn_back(0.30, 0.40, 20) == 0.35
    assert drawn_back(0.30, 0.40, 2) == 0.31
    assert drawn_back(0.30, 0.40, 10_000) == 0.40


def test_shares_of_true_clusters_add_up_to_the_figures() -> None:
    found = ["a", "a", "b", "b", "c", "d", "d"]
    truth = ["x", "x", "x", "y", "y", "z", "w"]
    whole = agreement(found, truth)

    bcubed, matched, worth = shares_of(found, truth).figures()

    assert bcubed == pytest.approx(whole.bcubed_f1)
    assert matched == pytest.approx(whole.best_match_f1)
    assert worth == pytest.approx((bcubed + matched) / 2)


def test_only_judged_issues_count_but_strangers_among_them_cost() -> None:
    alone = shares_of(["a", "a", "b"], ["x", "x", "y"], {"x"}).figures()[0]
    joined = shares_of(["a", "a", "a"], ["x", "x", "y"], {"x"}).figures()[0]

    assert alone == 1.0
    assert joined < 1.0


def test_the_same_rows_give_the_same_interval() -> None:
    shares = shares_of(list("aabbcd"), list("xxyyzw"))

    assert interval(shares.drawn(resampled(4))[:, 0]) == interval(shares.drawn(resampled(4))[:, 0])
