from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from classify.metrics import average_precision, calibration_error, class_figures, f1, roc_auc

scored = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.9, 1.0]), st.booleans()),
    min_size=2,
    max_size=40,
).filter(lambda rows: len({label for _, label in rows}) == 2)


@given(scored)
def test_figures_equal_those_of_the_reference(rows: list[tuple[float, bool]]) -> None:
    scores = np.array([score for score, _ in rows])
    labels = np.array([label for _, label in rows])

    assert roc_auc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))
    assert average_precision(scores, labels) == pytest.approx(
        average_precision_score(labels, scores)
    )
    assert f1(scores >= 0.5, labels) == pytest.approx(
        f1_score(labels, scores >= 0.5, zero_division=0)
    )


def test_one_class_has_no_auc() -> None:
    assert roc_auc(np.array([0.2, 0.9]), np.array([True, True])) is None
    assert average_precision(np.array([0.2]), np.array([False])) is None


def test_calibration_error_is_the_gap_between_said_and_true() -> None:
    said = np.array([0.9] * 10 + [0.1] * 10)
    labels = np.array([True] * 9 + [False] + [True] * 3 + [False] * 7)

    assert calibration_error(said, labels) == pytest.approx(0.1)
    assert calibration_error(np.zeros(0), np.zeros(0, dtype=bool)) is None


def test_class_figures_leave_out_classes_that_do_not_occur() -> None:
    figures = class_figures(["甲", "甲", "乙"], ["甲", "乙", "乙"], ["甲", "乙", "丙"])

    assert figures["accuracy"] == pytest.approx(0.6667, abs=1e-3)
    assert figures["per_class"].keys() == {"甲", "乙"}
    assert figures["per_class"]["甲"] == {"n": 2, "precision": 1.0, "recall": 0.5, "f1": 0.6667}
