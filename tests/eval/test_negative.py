"""Floors under the shipped weights, on rows that never trained them (see MODEL_CARD.md).

Floors are figures measured once, less their 95 % interval; they go down only by hand.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classify.corpora import CORPORA, Corpus, check_of, digest_of, read_rows
from classify.evaluation import read_csv
from classify.grouping import is_held_out, near_duplicate_groups
from classify.metrics import roc_auc
from classify.sentiment import Scorer
from classify.text import rewrite, tidy

DATA = Path(os.environ.get("GROUNDSWELL_DATA", Path(__file__).parents[3] / "shared" / "data"))
FLOORS: dict[str, Any] = json.loads(Path(__file__).with_name("floors.json").read_text("utf-8"))
ROWS = 3000  # of a dev set, that CI scores

pytestmark = pytest.mark.quality


def labelled(name: str) -> Corpus:
    corpus = next(one for one in CORPORA if one.file == name)
    if not corpus.path(DATA).exists():
        pytest.skip(f"the labelled set {name} is not in {DATA} (set GROUNDSWELL_DATA)")
    return corpus


@pytest.mark.parametrize("name", sorted(FLOORS["negative"]))
def test_auc_on_rows_the_weights_never_saw_stays_above_its_floor(name: str) -> None:
    corpus = labelled(name)
    pinned = FLOORS["negative"][name]
    assert digest_of(corpus.path(DATA)) == pinned["sha256"], "another edition of the set: re-pin"

    rows = read_rows(corpus, DATA)
    if corpus.train:
        texts = [tidy(rewrite(row.item.text[:400])) for row in rows]
        groups = near_duplicate_groups(texts)
        rows = [
            row for row, first in zip(rows, groups, strict=True) if is_held_out(texts[int(first)])
        ]
    else:  # rows that we labelled anew teach
        ours = read_csv(labelled("relabelled.csv").path(DATA), ("check",))
        taught = {cells["check"] for cells in ours}
        rows = [row for row in rows if check_of(row.item.text) not in taught]
    rows = rows[:ROWS]
    scores = Scorer.load().log_odds_many([row.item for row in rows])

    assert len(rows) == pinned["n"]
    auc = roc_auc(scores, np.array([row.negative for row in rows]))
    assert auc is not None
    assert auc >= pinned["floor"], f"{name}: AUC {auc:.4f}"


def test_the_shipped_card_states_a_leave_one_domain_out_table_above_its_floor() -> None:
    left_out, floors = Scorer.load().card["left_out"], FLOORS["left_out"]
    mean = {
        key: sum(row[key] for row in left_out) / len(left_out) for key in ("auc", "macro_f1", "ece")
    }

    assert len(left_out) == floors["n"]
    assert mean["auc"] >= floors["mean_auc"]
    assert mean["macro_f1"] >= floors["mean_macro_f1"]
    assert mean["ece"] <= floors["mean_ece"]


def test_floors_name_the_weights_they_were_measured_on() -> None:
    weights = Path(__file__).parents[2] / "classify" / "models" / "negative.npz"

    assert hashlib.sha256(weights.read_bytes()).hexdigest()[:16] == FLOORS["weights"]
