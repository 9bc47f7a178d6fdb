"""Corrected classes move the issue weights, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from classify.issues import IssueClassifier
from classify.refit_issues import refit_issues
from config.errors import ModelError

NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
# In this trade "缩水" is what a broker's price does, not what cloth does.
WHERE = ("华东", "华南", "西北", "城北", "郊区", "新城", "老城", "江边")
LESSONS = [
    (f"{place}这边报价又{word}，{odd}户都在问", "价格与收费", f"甲{place}{odd}")
    for place in WHERE
    for word, odd in (("缩水了一截", "三"), ("缩水两成", "十来"), ("缩水不少", "二十"))
] + [
    (f"{place}的样板间周{day}开放，可以带家里人看", "其他", f"乙{place}{day}")
    for place in WHERE
    for day in "一三五"
]


def test_corrected_classes_are_learned_and_the_rest_stays(tmp_path: Path) -> None:
    made = refit_issues(None, tmp_path, LESSONS, version="issues-x", now=NOW)

    before, after = IssueClassifier.load(), IssueClassifier.load(tmp_path)
    asked = ["滨海这边报价又缩水三成，户主都在问", "买的六罐奶粉有两罐封口是瘪的", ""]
    assert made.loss_after < made.loss_before
    assert after.classify_many(asked)[0] == "价格与收费"
    assert after.classify_many(asked[1:]) == before.classify_many(asked[1:])
    assert after.judge_many(asked)[1] == before.judge_many(asked)[1]


def test_the_same_corrections_make_the_same_weights(tmp_path: Path) -> None:
    for name in ("one", "two"):
        refit_issues(None, tmp_path / name, LESSONS, version="issues-x", now=NOW)

    one, two = (np.load(tmp_path / name / "issues.npz") for name in ("one", "two"))
    assert all((one[key] == two[key]).all() for key in one.files)


def test_one_class_alone_teaches_nothing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="two classes"):
        refit_issues(None, tmp_path, LESSONS[:10], version="issues-x", now=NOW)
