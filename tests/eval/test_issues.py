"""Floors under issue classes, sub-classes and grave facts, on own rows and on real ones.

Real rows are read from `$GROUNDSWELL_DATA`; nothing of them stands here but labels.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from classify.corpora import digest_of
from classify.evaluation import evaluate_issues, read_csv
from classify.issue_rows import RealRow, names_of, read_real
from classify.issue_training import main
from classify.issues import IssueClassifier
from classify.metrics import set_figures
from classify.severity import severity
from classify.sub_classes import sub_classes
from config.errors import ConfigError
from config.schema import ISSUE_CLASSES

HERE = Path(__file__).parent
FLOORS = json.loads((HERE / "floors.json").read_text("utf-8"))
DATA = Path(os.environ.get("GROUNDSWELL_DATA") or HERE.parents[2] / "shared" / "data")
FEW = 5  # rows of a class below which its F1 says nothing


def real_rows() -> list[RealRow]:
    """Return the rows that two readers labelled; skips where their texts are absent."""
    names = {row["file"] for row in read_csv(HERE / "real_rows.csv", ("file",))}
    if absent := [name for name in sorted(names) if not (DATA / f"{name}.csv").is_file()]:
        pytest.skip(f"no real data: {absent[0]}.csv is absent; name its folder in GROUNDSWELL_DATA")
    return read_real(HERE / "real_rows.csv", DATA, "class_a", "also_a")


@pytest.fixture(scope="module")
def classifier() -> IssueClassifier:
    return IssueClassifier.load()


@pytest.mark.quality
@pytest.mark.parametrize("name", ["issues_test.csv", "issues_test2.csv"])
def test_issue_classes_stay_above_their_floor(classifier: IssueClassifier, name: str) -> None:
    floor = FLOORS["issues"][name]
    assert digest_of(HERE / name) == floor["sha256"]

    figures = evaluate_issues(read_csv(HERE / name, ("text", "label")), classifier)

    assert figures["n"] == floor["n"]
    assert figures["macro_f1"] >= floor["floor"], figures


@pytest.mark.quality
def test_issue_classes_of_real_rows_stay_above_their_floor(classifier: IssueClassifier) -> None:
    rows = [row for row in real_rows() if row.cells["class_a"] == row.cells["class_b"]]
    floor = FLOORS["real"]["issues"]

    figures = evaluate_issues(
        [{"text": row.text, "label": row.label, "also": ",".join(row.also)} for row in rows],
        classifier,
    )

    counted = [one["f1"] for one in figures["per_class"].values() if one["n"] >= FEW]
    assert figures["n"] == floor["n"]
    assert sum(counted) / len(counted) >= floor["floor"], figures
    assert figures["accuracy"] >= floor["floor_accuracy"]
    assert figures["sets"]["f1"] >= floor["floor_sets"]


@pytest.mark.quality
def test_sub_classes_stay_above_their_floor() -> None:
    rows = read_csv(HERE / "sub_classes.csv", ("text", "sub"))
    floor = FLOORS["sub_classes"]
    assert digest_of(HERE / "sub_classes.csv") == floor["sha256"]

    figures = set_figures(
        [set(names_of(row["sub"])) for row in rows],
        [set(sub_classes(row["text"])) for row in rows],
    )

    assert figures["recall"] >= floor["recall"], figures
    assert figures["precision"] >= floor["precision"], figures


@pytest.mark.quality
@pytest.mark.parametrize("half", ["dev", "held"])
def test_grave_facts_stay_above_their_floor(half: str) -> None:
    rows = [row for row in read_csv(HERE / "severity.csv", ("text",)) if row["half"] == half]
    floor = FLOORS["severity"][half]

    figures = _severity([(row["text"], row["facts"]) for row in rows])

    assert len(rows) == floor["n"]
    assert figures["recall"] >= floor["recall"], figures
    assert figures["precision"] >= floor["precision"], figures


@pytest.mark.quality
def test_grave_facts_of_real_rows_stay_above_their_floor() -> None:
    agreed = [
        (row.text[:900], row.cells["severity_a"])  # as much as the readers saw
        for row in real_rows()
        if set(names_of(row.cells["severity_a"])) == set(names_of(row.cells["severity_b"]))
    ]
    floor = FLOORS["real"]["severity"]

    figures = _severity(agreed)

    assert len(agreed) == floor["n"]
    assert figures["recall"] >= floor["recall"], figures
    assert figures["precision"] >= floor["precision"], figures


def _severity(rows: list[tuple[str, str]]) -> dict[str, Any]:
    return set_figures(
        [set(names_of(facts)) for _, facts in rows], [set(severity(text)) for text, _ in rows]
    )


def test_train_and_test_rows_are_disjoint_and_cover_every_class() -> None:
    parts = {
        part: read_csv(HERE / f"issues_{part}.csv", ("text", "label"))
        for part in ("train", "train2", "test", "test2")
    }
    trained = {row["text"] for part in ("train", "train2") for row in parts[part]}
    judging = {row["text"] for part in ("test", "test2") for row in parts[part]}

    assert not trained & judging
    assert all({row["label"] for row in rows} == set(ISSUE_CLASSES) for rows in parts.values())


def test_no_judged_real_row_is_trained_on() -> None:
    trained, judged = (
        {(row["file"], row["row"]) for row in read_csv(HERE / name, ("file", "row", "check"))}
        for name in ("issues_real_train.csv", "real_rows.csv")
    )

    assert not trained & judged
    assert len(judged) == 550


def test_the_shipped_issue_model_names_the_rows_it_was_fitted_on() -> None:
    card = json.loads((HERE.parents[1] / "classify/models/issues.json").read_text("utf-8"))
    names = ("issues_train.csv", "issues_train2.csv", "issues_real_train.csv")

    assert card["sha256"] == "+".join(digest_of(HERE / name) for name in names)


def test_a_model_of_own_rows_alone_is_fitted_and_loads(tmp_path: Path) -> None:
    rows = [str(HERE / name) for name in ("issues_train.csv", "issues_train2.csv")]

    assert main(["--rows", *rows, "--out", str(tmp_path)]) == 0

    rebuilt = IssueClassifier.load(tmp_path)
    [issues] = rebuilt.judge_many(["快递丢件，物流一直没更新"])
    assert (issues.issue_class, issues.also) == ("物流配送", ())


def test_real_rows_train_only_from_the_folder_that_was_labelled(tmp_path: Path) -> None:
    real = tmp_path / "real.csv"
    real.write_text("file,row,check,label,also\nstream,1,00000000,其他,\n", "utf-8")
    (tmp_path / "stream.csv").write_text("text\n一\n二\n", "utf-8")

    with pytest.raises(ConfigError, match="--data must be the folder that was labelled"):
        read_real(real, tmp_path)


def test_rows_that_lack_a_class_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n漏水,产品质量\n", "utf-8")

    with pytest.raises(ConfigError, match="exactly our issue classes"):
        main(["--rows", str(path), "--out", str(tmp_path)])
