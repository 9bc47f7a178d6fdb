"""Floors under marking what is no customer's voice.

Own rows: the test half was written before the word list was read; both halves and the words are by
one author, who added words remembering the rows, so that figure is no held-out one. `noise_real.csv` holds labels of real rows read by
one person: "tune" showed what was missing, "judge" judges, and rows that carry one text lie in one
half. In real rows a hashtag's whole text stands for the brand that a hijack would name.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections import Counter
from hashlib import blake2b
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.corpora import digest_of
from classify.evaluation import read_csv
from classify.matching import BrandMatcher
from classify.noise import Marking, mark_many
from config.schema import Brand
from storage.records import BrandHit, BrandId, Noise

HERE = Path(__file__).parent
DATA = Path(os.environ.get("GROUNDSWELL_DATA", HERE.parents[2] / "shared" / "data"))
FLOORS = json.loads((HERE / "floors.json").read_text("utf-8"))["noise"]
BRAND = BrandId("b")
HALVES = ("test", "train")
_TAG = re.compile(r"#([^#\n]{1,40})#")
_MATCHER = BrandMatcher(
    [Brand.model_validate({"id": i, "name": n}) for i, n in (("lanhe", "澜禾"), ("hemu", "禾沐"))]
)


def own(name: str) -> list[tuple[str, Marking]]:
    rows = read_csv(HERE / name, ("text", "label"))
    texts = [f"\n{row['text']}" for row in rows]
    found = [_MATCHER.match("", row["text"], "", "") for row in rows]
    return [(r["label"], m) for r, m in zip(rows, mark_many(texts, found), strict=True)]


def tagged(text: str) -> dict[BrandId, tuple[BrandHit, ...]]:
    """Take every hashtag for a brand that is named there."""
    hits = tuple(
        BrandHit(brand_id=BRAND, alias=m[1], field="text", start=m.start(1), end=m.end(1))
        for m in _TAG.finditer(text)
    )
    return {BRAND: hits} if hits else {}


def texts_of(file: str) -> list[str]:
    path = DATA / f"{file}.csv"
    if not path.exists():
        pytest.skip(f"the real rows of {path.name} are not in {DATA} (set GROUNDSWELL_DATA)")
    csv.field_size_limit(10**8)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return [row["text"] for row in csv.DictReader(stream)]


def check(text: str) -> str:
    return blake2b(text.encode(), digest_size=4).hexdigest()


def judged(said: list[tuple[str, Marking]]) -> tuple[float, float]:
    """Return precision and recall of being noise of any kind."""
    right = sum(1 for label, marking in said if label and marking.noise)
    return (
        right / sum(1 for _, marking in said if marking.noise),
        right / sum(1 for label, _ in said if label),
    )


def test_the_own_test_half_stays_above_its_floors() -> None:
    assert digest_of(HERE / "noise_test.csv") == FLOORS["own"]["sha256"]

    precision, recall = judged(own("noise_test.csv"))

    assert precision >= FLOORS["own"]["precision_floor"]
    assert recall >= FLOORS["own"]["recall_floor"]


def test_the_halves_hold_every_kind_and_share_no_text() -> None:
    test, train = (read_csv(HERE / f"noise_{half}.csv", ("text", "label")) for half in HALVES)
    kinds = Counter(row["label"] for row in [*test, *train])

    assert set(kinds) == {kind.value for kind in Noise}
    assert min(kinds.values()) >= 25
    assert not {row["text"] for row in test} & {row["text"] for row in train}


@pytest.mark.quality
def test_real_rows_that_were_not_tuned_on_stay_above_their_floors() -> None:
    labels = read_csv(HERE / "noise_real.csv", ("file", "row", "check", "label", "half"))
    held = [row for row in labels if row["half"] == "judge"]
    files = {file: texts_of(file) for file in {row["file"] for row in held}}
    texts = [files[row["file"]][int(row["row"])] for row in held]
    assert [row["check"] for row in held] == [check(text) for text in texts]

    marks = mark_many([f"\n{text}" for text in texts], [tagged(text) for text in texts])
    said = [(row["label"], mark) for row, mark in zip(held, marks, strict=True)]
    for name, rows in (("real", said), ("real_without_hijack", _no_hijack(said))):
        precision, recall = judged(rows)
        assert precision >= FLOORS[name]["precision_floor"], name
        assert recall >= FLOORS[name]["recall_floor"], name


def _no_hijack(said: list[tuple[str, Marking]]) -> list[tuple[str, Marking]]:
    return [one for one in said if one[0] != Noise.HIJACK]


@pytest.mark.quality
def test_complaints_are_hardly_ever_marked() -> None:
    texts = [text for file in FLOORS["complaints"]["files"] for text in texts_of(file)]

    marked = [one for one in mark_many(texts, [{}] * len(texts)) if one.noise]

    assert len(marked) / len(texts) <= FLOORS["complaints"]["ceiling"]


@given(st.text() | st.text(alphabet="#澜禾出抽奖\n\u200b\u202e\ud800转发 ", max_size=60))
def test_any_text_gets_one_marking_whose_words_say_why(text: str) -> None:
    [marking] = mark_many([f"\n{text}"], [tagged(text)])

    assert bool(marking.noise) == bool(marking.words)
    assert [marking] == mark_many([f"\n{text}"], [tagged(text)])
