"""Floors under English on rows that were written after the words were chosen and never tuned.

Only the four constants of calibration have seen the held rows: they cannot move AUC.
"""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import pytest

from classify.english import SCORER
from classify.evaluation import evaluate_negative
from classify.sentiment import Scorer

ROWS = Path(__file__).with_name("english.csv")
FLOORS = json.loads(Path(__file__).with_name("floors.json").read_text("utf-8"))["english"]


@pytest.mark.parametrize("half", ["held", "dev"])
def test_english_stays_above_its_floors(half: str) -> None:
    pinned = FLOORS[half]
    assert FLOORS["sha256"] == hashlib.sha256(ROWS.read_bytes()).hexdigest()[:16]
    assert FLOORS["scorer"] == SCORER
    with ROWS.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["half"] == half]

    figures = evaluate_negative(rows, Scorer.load())

    assert figures["n"] == pinned["n"]
    for figure in ("auc", "macro_f1", "auc_positive"):
        assert (
            figures[f"{figure}_unadapted" if figure != "auc_positive" else figure]
            >= (pinned[f"{figure}_floor"])
        ), figures
