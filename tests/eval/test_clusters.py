"""Quality floors of gathering, over the labelled dev sets where they are present.

Floors lie a little under what is measured (docs/adr/0023-features-and-labels.md); they only go down
with an ADR. The generated set needs no data and always runs.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from classify.cluster_rules import Kind
from classify.duplicates import SketchIndex
from classify.evaluation import read_csv
from classify.evaluation_clusters import evaluate_clusters
from classify.fingerprint import fingerprint, sketch
from tests.eval.complaints import complaints

DATA = Path(
    os.environ.get("GROUNDSWELL_DATA", Path(__file__).parents[2].parent / "shared" / "data")
)
Row = Mapping[str, str]


def rows_of(name: str, limit: int | None = None) -> Sequence[Row]:
    path = DATA / f"{name}.csv"
    if not path.is_file():
        pytest.skip(f"no labelled data: {name}.csv is not in {DATA} (set GROUNDSWELL_DATA)")
    return read_csv(path, ["text", "label"])[:limit]


def assert_floors(figures: Mapping[str, float], floors: Mapping[str, float]) -> None:
    print(dict(figures))
    low = {key: figures[key] for key, floor in floors.items() if figures[key] < floor}
    assert not low, f"under the floor: {low}, expected at least {dict(floors)}"


def test_generated_complaints_gather_by_firm_and_trouble() -> None:
    floors = {"bcubed_precision": 0.97, "bcubed_f1": 0.54, "v_measure": 0.86}
    for seed in range(3):
        assert_floors(evaluate_clusters(complaints(seed)), floors)


def test_shared_words_of_complaining_do_not_gather_different_troubles() -> None:
    """A file without an entity column: 60 issues of six firms in one shard."""
    rows = [{k: v for k, v in row.items() if k != "entity"} for row in complaints(0)]

    assert_floors(evaluate_clusters(rows), {"v_measure": 0.70})


@pytest.mark.quality
@pytest.mark.parametrize("kind", ["auto", "complaint"])
def test_citizens_complaints_gather_by_concrete_issue(kind: Kind) -> None:
    floors = {"bcubed_f1": 0.958, "best_match_f1": 0.928, "ari": 0.75, "v_measure": 0.99}

    assert_floors(evaluate_clusters(rows_of("complaints_same_issue_dev"), kind=kind), floors)


@pytest.mark.quality
def test_weibo_headlines_gather_by_incident() -> None:
    figures = evaluate_clusters(rows_of("weibo_incident_headlines_dev"))

    assert_floors(figures, {"bcubed_f1": 0.51, "best_match_f1": 0.535})


@pytest.mark.quality
@pytest.mark.parametrize(("name", "floor"), [("mstream_news", 0.885), ("mstream_tweets", 0.87)])
def test_english_short_texts_gather_as_well(name: str, floor: float) -> None:
    """The first 6,000 rows; bench/bench_clusters.py measures the whole sets."""
    assert_floors(evaluate_clusters(rows_of(name, 6000)), {"v_measure": floor})


@pytest.mark.quality
def test_edited_copies_are_found_and_look_alikes_are_not() -> None:
    rows = rows_of("neardup_weibo_dev")
    index = SketchIndex()
    copied: list[int | None] = []
    for number, row in enumerate(rows):
        key, text = fingerprint(row["text"]), sketch(row["text"])
        copied.append(index.find(key, text))
        if copied[-1] is None:
            index.add(number, key, text)
    found: dict[str, list[bool]] = defaultdict(list)
    right = []
    for row, original in zip(rows, copied, strict=True):
        is_right = original is not None and rows[original]["label"] == row["label"]
        if row["typ"] not in {"base", "hard"}:
            found[row["typ"]].append(is_right)
        if original is not None:
            right.append(is_right)
    recalls = {kind: sum(hits) / len(hits) for kind, hits in found.items()}
    every = [hit for hits in found.values() for hit in hits]
    print("recall by edit", recalls)

    assert sum(every) / len(every) >= 0.96
    assert sum(right) / len(right) >= 0.995
    assert min(recalls.values()) >= 0.85
    hard = [o for r, o in zip(rows, copied, strict=True) if r["typ"] == "hard" and o is not None]
    assert len(hard) <= 4
