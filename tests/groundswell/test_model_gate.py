"""The gate lets through what is better by more than chance, and says why it does not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.model_gate import Answers, Limits, bootstrap, macro_f1, rule


def answers(n: int, gain: float, noise: float = 0.2, wrong: int = 0, seed: int = 1) -> Answers:
    """n rows of two kinds; the new model's loss is lower by `gain`, `wrong` more rows are wrong."""
    chance = np.random.default_rng(seed)
    truth = ["negative" if index % 2 else "not_negative" for index in range(n)]
    old_loss = np.full(n, 0.5)
    flipped = {"negative": "not_negative", "not_negative": "negative"}
    return Answers(
        truth=truth,
        old=truth,
        new=[flipped[one] if index < wrong else one for index, one in enumerate(truth)],
        old_loss=old_loss,
        new_loss=old_loss - gain + chance.normal(0, noise, n),
        groups=np.arange(n) // 2,
    )


SAME = answers(200, 0.0, 0.0)


@pytest.mark.parametrize(
    ("own", "shipped", "reason"),
    [
        (answers(100, 0.1), SAME, "better"),
        (answers(29, 0.4), SAME, "too_few_labels"),
        (answers(100, 0.0, 0.0), SAME, "not_better"),
        (answers(40, 0.02, 0.3), SAME, "not_better"),
        (answers(100, -0.1), SAME, "not_better"),
        (answers(100, 0.2, wrong=6), SAME, "fewer_right"),
        (answers(100, 0.2, wrong=1), SAME, "better"),
        (answers(100, 0.2), answers(200, 0.0, wrong=5), "worse_on_shipped"),
        (answers(100, 0.2), answers(200, 0.0, wrong=1), "better"),
    ],
)
def test_each_reason(own: Answers, shipped: Answers, reason: str) -> None:
    ruling = rule(own, shipped)

    assert (ruling.reason, ruling.promotes) == (reason, reason == "better")
    assert ruling == rule(own, shipped)  # the same draws every time


def test_labels_that_all_say_the_same_are_too_few() -> None:
    own = answers(100, 0.2)
    alike = Answers(
        truth=["negative"] * 96 + ["not_negative"] * 4,
        old=own.old,
        new=own.new,
        old_loss=own.old_loss,
        new_loss=own.new_loss,
        groups=own.groups,
    )

    assert rule(alike, SAME).reason == "too_few_labels"
    assert rule(alike, SAME, Limits(labels_each=4)).reason != "too_few_labels"


def test_weights_that_are_no_better_pass_one_time_in_twenty_at_most() -> None:
    passed = sum(rule(answers(80, 0.0, 0.3, seed=seed), SAME).promotes for seed in range(200))

    assert passed <= 18  # 5 % of 200 and two standard deviations, odd shapes of small samples too


def test_copies_of_one_text_count_once() -> None:
    gains = np.concatenate((np.full(50, 0.4), np.full(5, -0.3)))
    alone = bootstrap(gains, np.arange(55), 500, 1)
    copied = bootstrap(gains, np.concatenate((np.zeros(50), np.arange(1, 6))).astype(int), 500, 1)

    assert alone[1] > 0 > copied[1]
    assert alone[0] == copied[0]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), max_size=40))
def test_macro_f1_is_a_share(pairs: list[tuple[str, str]]) -> None:
    truth, said = [one for one, _ in pairs], [other for _, other in pairs]

    assert 0 <= macro_f1(truth, said) <= 1
    assert macro_f1(truth, truth) == (1.0 if truth else 0.0)
