from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.adapting import Adapter, fit_adapter
from classify.metrics import calibration_error


def source(share: float, apart: float, middle: float, n: int = 2000, seed: int = 0) -> tuple:
    """Scores of a made-up source: two bells `apart`, their middle off by `middle`."""
    chance = np.random.default_rng(seed)
    labels = chance.random(n) < share
    return chance.normal(np.where(labels, apart, -apart) / 2 + middle, 1.0), labels


def test_a_source_like_those_it_was_fitted_on_is_put_right() -> None:
    chatty = [source(0.15, 2.0, 1.5, seed=seed) for seed in range(4)]
    reviews = [source(0.5, 7.0, -1.0, seed=seed) for seed in range(4)]
    adapter = fit_adapter(chatty + reviews)

    log_odds, labels = source(0.15, 2.0, 1.5, seed=99)
    before = calibration_error(1 / (1 + np.exp(-log_odds)), labels)
    shifted = log_odds + adapter.estimate(log_odds).shift
    after = calibration_error(1 / (1 + np.exp(-shifted)), labels)

    assert before is not None
    assert after is not None
    assert after < before / 2


def test_few_texts_shift_nothing() -> None:
    adapter = Adapter(intercept=-1.0)

    assert adapter.estimate(np.zeros(49)).shift == 0
    assert adapter.estimate(np.zeros(0)).share == 0.5
    assert adapter.estimate(np.zeros(50)).shift == -1.0


@given(st.lists(st.floats(-1e6, 1e6), min_size=50, max_size=60))
def test_no_estimate_runs_away(log_odds: list[float]) -> None:
    adaptation = Adapter(3.0, 9.0, -9.0).estimate(np.array(log_odds))

    assert -2.5 <= adaptation.shift <= 0.5
    assert 0 <= adaptation.share <= 1


def test_without_labelled_sources_nothing_is_shifted() -> None:
    assert fit_adapter([]) == Adapter()
    assert fit_adapter([(np.zeros(100), np.ones(100, dtype=bool))]) == Adapter()


def test_a_saved_adapter_comes_back() -> None:
    saved = {"intercept": 0.5, "spread": 1.0, "mean": -0.25}

    assert Adapter.of(saved) == Adapter(0.5, 1.0, -0.25)
    with pytest.raises(KeyError):
        Adapter.of({})
