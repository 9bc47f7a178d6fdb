from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.adapting import Adapter, Line
from classify.adapting_fit import (
    LabelledSource,
    fit_adapter,
    fit_line,
    plain_points,
    right_shift,
    worded_points,
)
from classify.adapting_words import Cells, Words, learn
from classify.metrics import calibration_error, roc_auc

NO_CELLS = Cells(np.zeros(0, np.int64), np.zeros(0, np.int64), 0)


def source(share: float, apart: float, middle: float, seed: int = 0) -> LabelledSource:
    """Make up a source: two bells `apart`, off by `middle`; 60 words lean, 200 say nothing."""
    chance = np.random.default_rng(seed)
    labels = chance.random(1500) < share
    log_odds = chance.normal(np.where(labels, apart, -apart) / 2 + middle, 1.0)
    lean = np.concatenate((np.full(30, 3.0), np.full(30, 1 / 3), np.ones(200)))
    often = 0.014 * np.where(labels[:, None], lean, 1 / lean)
    row, bucket = np.nonzero(chance.random((1500, 260)) < often)
    return LabelledSource(log_odds, labels, Cells(row, bucket * 3001, 1500))


def sigmoid(log_odds: np.ndarray) -> np.ndarray:
    said: np.ndarray = 1 / (1 + np.exp(-log_odds))
    return said


def test_a_source_like_those_it_was_fitted_on_is_put_right() -> None:
    chatty = [source(0.25, 2.0, 0.5, seed=seed) for seed in range(3)]
    reviews = [source(0.5, 7.0, -1.0, seed=seed) for seed in range(3)]
    plain = [plain_points(one) for one in chatty + reviews]
    line = fit_line(plain)
    adapter = fit_adapter(plain, [worded_points(one, line) for one in chatty + reviews])

    new = source(0.25, 2.0, 0.5, seed=99)
    before = calibration_error(sigmoid(new.log_odds), new.labels)
    shift_alone = new.log_odds + adapter.estimate(new.log_odds).shift
    adaptation, fitted = adapter.adapt(new.log_odds, new.cells)

    assert before is not None
    assert (calibration_error(sigmoid(shift_alone), new.labels) or 0) < before - 0.02
    assert (calibration_error(sigmoid(fitted), new.labels) or 0) < before - 0.02
    assert 0.15 < adaptation.share < 0.5
    assert adaptation.words is not None


def test_words_that_keep_bad_company_are_held_against_a_text() -> None:
    new = source(0.4, 2.0, 0.0, seed=5)
    learned = learn(new.cells, new.log_odds, 0.0)

    assert learned is not None
    words, added = learned
    before, after = (roc_auc(scores, new.labels) for scores in (new.log_odds, new.log_odds + added))
    assert before is not None
    assert after is not None
    assert after > before + 0.02
    leaning = words.weights[:30].mean(), words.weights[30:60].mean()
    assert leaning[0] > 0.5 * words.weights.std() > 0 > leaning[1]
    assert abs(added.mean()) < 1e-6


def test_a_text_is_not_corrected_by_its_own_opinion() -> None:
    new = source(0.4, 2.0, 0.0, seed=5)
    swayed = new.log_odds.copy()
    swayed[7] = 9.0  # a text of words that no other text holds learns nothing from itself
    own = np.concatenate((new.cells.bucket[new.cells.row != 7], [999_001, 999_002]))
    row = np.concatenate((new.cells.row[new.cells.row != 7], [7, 7]))
    order = np.argsort(row, kind="stable")
    cells = Cells(row[order], own[order], 1500)

    calm, loud = learn(cells, new.log_odds, 0.0), learn(cells, swayed, 0.0)

    assert calm is not None
    assert loud is not None
    assert loud[1][7] == pytest.approx(calm[1][7], abs=0.02)


@pytest.mark.parametrize("texts", [0, 1, 49, 199])
def test_too_few_texts_teach_no_words(texts: int) -> None:
    part = source(0.4, 2.0, 0.0).part(np.arange(texts))

    assert learn(part.cells, part.log_odds, 0.0) is None
    adaptation, fitted = Adapter(Line(-0.5), Line(-0.6)).adapt(part.log_odds, part.cells)
    assert adaptation.words is None
    assert adaptation.n == texts
    assert adaptation.shift == (-0.5 if texts >= 50 else 0.0)
    assert np.array_equal(fitted, part.log_odds + adaptation.shift)


def test_a_source_that_says_nothing_teaches_no_words() -> None:
    new = source(0.4, 2.0, 0.0)
    none = Cells(NO_CELLS.row, NO_CELLS.bucket, 1500)
    everywhere = Cells(np.arange(1500), np.full(1500, 5), 1500)

    assert learn(new.cells, np.zeros(1500), 0.0) is None
    assert learn(none, new.log_odds, 0.0) is None
    assert learn(everywhere, new.log_odds, 0.0) is None


@given(st.integers(200, 260), st.integers(1, 4), st.integers(1, 40), st.integers(0, 9))
def test_odd_sources_are_answered_with_numbers(
    texts: int, kinds: int, vocabulary: int, seed: int
) -> None:
    chance = np.random.default_rng(seed)
    log_odds = chance.choice(chance.normal(0, 20, kinds), texts)  # many texts exactly alike
    pairs = np.unique(chance.integers(0, (texts, vocabulary), (texts * 3, 2)), axis=0)
    cells = Cells(pairs[:, 0], pairs[:, 1], texts)

    adaptation, fitted = Adapter().adapt(log_odds, cells)

    assert np.isfinite(fitted).all()
    assert np.isfinite(adaptation.fit(log_odds, cells)).all()


def test_packed_words_come_back_the_same() -> None:
    new = source(0.4, 2.0, 0.0)
    adaptation, _ = Adapter().adapt(new.log_odds, new.cells)
    assert adaptation.words is not None

    again = Words.unpack(adaptation.words.pack())

    assert np.array_equal(again.buckets, adaptation.words.buckets)
    assert np.array_equal(again.weights, adaptation.words.weights)
    same = dataclasses.replace(adaptation, words=again)
    assert np.array_equal(
        same.fit(new.log_odds, new.cells), adaptation.fit(new.log_odds, new.cells)
    )


@pytest.mark.parametrize("packed", [b"", b"x" * 40, b"\x01" + b"\0" * 12])
def test_bytes_of_another_kind_are_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match="words of a source"):
        Words.unpack(packed)


@given(st.lists(st.floats(-1e6, 1e6), min_size=50, max_size=60))
def test_no_estimate_runs_away(log_odds: list[float]) -> None:
    adaptation = Adapter(Line(3.0, 9.0, -9.0, 5.0)).estimate(np.array(log_odds))

    assert -0.75 <= adaptation.shift <= 0.25
    assert 0 <= adaptation.share <= 1


def test_without_labelled_sources_nothing_is_shifted() -> None:
    one_class = LabelledSource(
        np.zeros(100), np.ones(100, dtype=bool), Cells(NO_CELLS.row, NO_CELLS.bucket, 100)
    )

    assert plain_points(one_class).shape == (0, 5)
    assert worded_points(one_class, Line()).shape == (0, 5)
    assert fit_adapter([], []) == Adapter()
    assert fit_adapter([plain_points(one_class)], []) == Adapter()


def test_the_right_shift_allows_for_scores_that_separate_badly() -> None:
    clear, blurred = source(0.1, 4.0, 0.0), source(0.1, 0.5, 0.0)

    assert -1.5 < right_shift(clear.log_odds, clear.labels) < -0.2
    assert right_shift(blurred.log_odds, blurred.labels) == pytest.approx(np.log(1 / 9), abs=0.3)
    assert -4 <= right_shift(np.arange(60) / 10, np.arange(60) > 29) <= 3  # perfectly apart


def test_a_saved_adapter_comes_back() -> None:
    adapter = Adapter(Line(0.5, 1.0, -0.25, 2.0), Line(-1.0))

    assert Adapter.of(dataclasses.asdict(adapter)) == adapter
    with pytest.raises(KeyError):
        Adapter.of({})
