"""Floor under the issue classes, on rows written for the project (no phrase was fitted to them)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from classify.corpora import digest_of
from classify.evaluation import evaluate_issues, read_csv
from classify.issue_training import main
from classify.issues import IssueClassifier
from config.errors import ConfigError
from config.schema import ISSUE_CLASSES

HERE = Path(__file__).parent
FLOORS = json.loads((HERE / "floors.json").read_text("utf-8"))["issues"]


@pytest.mark.quality
def test_issue_classes_stay_above_their_floor() -> None:
    assert digest_of(HERE / "issues_test.csv") == FLOORS["sha256"]

    figures = evaluate_issues(
        read_csv(HERE / "issues_test.csv", ("text", "label")), IssueClassifier.load()
    )

    assert figures["n"] == FLOORS["n"]
    assert figures["macro_f1"] >= FLOORS["floor"], figures


def test_train_and_test_rows_are_disjoint_and_cover_every_class() -> None:
    train, test = (
        read_csv(HERE / f"issues_{part}.csv", ("text", "label")) for part in ("train", "test")
    )

    assert not {row["text"] for row in train} & {row["text"] for row in test}
    assert {row["label"] for row in train} == {row["label"] for row in test} == set(ISSUE_CLASSES)


def test_the_shipped_issue_model_is_rebuilt_from_its_rows(tmp_path: Path) -> None:
    assert main(["--rows", str(HERE / "issues_train.csv"), "--out", str(tmp_path)]) == 0

    rows = read_csv(HERE / "issues_test.csv", ("text", "label"))
    texts = [row["text"] for row in rows]
    rebuilt, shipped = IssueClassifier.load(tmp_path), IssueClassifier.load()
    assert rebuilt.classify_many(texts) == shipped.classify_many(texts)


def test_rows_that_lack_a_class_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n漏水,产品质量\n", "utf-8")

    with pytest.raises(ConfigError, match="exactly our issue classes"):
        main(["--rows", str(path), "--out", str(tmp_path)])
