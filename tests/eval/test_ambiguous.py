"""Floor under deciding what an ambiguous name means, on sentences written for the project.

The half "held" was written before any list of words. Both halves and the lists are by one author,
so the figure is an upper estimate; `ambiguous_real.csv` holds labels of real rows besides.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from classify.corpora import digest_of
from classify.evaluation import read_csv
from classify.matching import BrandMatcher
from classify.matching_context import shipped_names
from config.schema import Brand

HERE = Path(__file__).parent
FLOORS = json.loads((HERE / "floors.json").read_text("utf-8"))["ambiguous"]
ROWS = read_csv(HERE / "ambiguous.csv", ("text", "name", "is_brand", "half"))


@cache
def matcher_of(name: str) -> BrandMatcher:
    """Watch one ambiguous name with no words but the shipped ones."""
    rules = {"id": "b", "name": name, "ambiguous": [{"name": name}]}
    return BrandMatcher([Brand.model_validate(rules)])


def is_brand(name: str, text: str) -> bool:
    return bool(matcher_of(name).match("", text, "", ""))


def test_the_held_half_stays_above_its_floor() -> None:
    assert digest_of(HERE / "ambiguous.csv") == FLOORS["sha256"]
    held = [row for row in ROWS if row["half"] == "held"]

    wrong = [r for r in held if is_brand(r["name"], r["text"]) != (r["is_brand"] == "1")]

    assert len(held) == FLOORS["n"]
    assert 1 - len(wrong) / len(held) >= FLOORS["floor"], wrong


def test_the_rows_cover_many_names_and_both_meanings() -> None:
    names = {row["name"] for row in ROWS}

    assert len(ROWS) >= 200
    assert len(names) >= 15
    assert names <= shipped_names()
    for name in names:
        assert {row["is_brand"] for row in ROWS if row["name"] == name} == {"0", "1"}
    assert all(row["name"] in row["text"] for row in ROWS)
    assert len({row["text"] for row in ROWS}) == len(ROWS)


def test_every_answer_has_a_named_reason() -> None:
    for row in ROWS:
        for place in matcher_of(row["name"]).judge("", row["text"], "", ""):
            assert place.reason.zh
            assert str(place.reason)
            assert place.reason.word or place.reason.code in {"default", "undecided"}


@pytest.mark.parametrize("name", sorted(shipped_names()))
def test_every_shipped_name_has_words_of_both_meanings(name: str) -> None:
    matcher = matcher_of(name)

    assert matcher.match("", name, "", "") == {}  # alone it says nothing
