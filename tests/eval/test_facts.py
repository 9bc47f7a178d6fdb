"""Floors under the facts, per kind, on rows that were written before the finder was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from classify.corpora import digest_of
from classify.facts import STATED
from tests.eval.fact_rows import ROWS, judge, read

FLOORS = json.loads((Path(__file__).parent / "floors.json").read_text("utf-8"))["facts"]


@pytest.mark.quality
def test_facts_stay_above_their_floors() -> None:
    assert digest_of(ROWS) == FLOORS["sha256"]

    found = judge("held")

    assert {kind: one["n"] for kind, one in found.items()} == {
        kind: FLOORS["held"][kind]["n"] for kind in STATED
    }
    below = {
        kind: round(one["f1"], 3)
        for kind, one in found.items()
        if one["f1"] < FLOORS["held"][kind]["floor"]
    }
    assert not below, found


def test_rows_are_many_and_no_text_stands_in_both_halves() -> None:
    dev, held = ({f"{title}{text}" for title, text, _ in read(half)} for half in ("dev", "held"))

    assert len(dev) + len(held) >= 250
    assert not dev & held
