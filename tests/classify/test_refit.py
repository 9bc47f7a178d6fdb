"""Corrections move weights when they say something, and hardly when they do not."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from classify.refit import Example, groups_of, offset_of, refit_negative
from classify.sentiment import ScoreItem, Scorer
from config.errors import ModelError
from tests.groundswell.lessons import said

NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)


def examples(n: int, *, right: bool = True) -> list[Example]:
    """n texts of one trade; without `right` the answers are drawn by lot."""
    chance = random.Random(4)
    return [
        Example(
            item=ScoreItem(text=said(index, is_bad=index % 2 == 0)),
            negative=index % 2 == 0 if right else chance.random() < 0.5,
            author=f"壶友{index}",
        )
        for index in range(n)
    ]


def test_what_is_said_by_lot_moves_nothing(tmp_path: Path) -> None:
    made = refit_negative(None, tmp_path, examples(60, right=False), version="negative-x", now=NOW)

    items = [one.item for one in examples(40)]
    moved = Scorer.load(tmp_path).log_odds_many(items) - Scorer.load().log_odds_many(items)
    assert made.loss_after >= made.loss_before - 0.01
    assert np.abs(moved).max() < 0.25


def test_the_same_corrections_make_the_same_weights(tmp_path: Path) -> None:
    for name in ("one", "two"):
        refit_negative(None, tmp_path / name, examples(40), version="negative-x", now=NOW)

    for file in ("negative.npz", "negative.json"):
        with_dates = [(tmp_path / name / file).read_bytes() for name in ("one", "two")]
        if file.endswith("json"):
            assert with_dates[0] == with_dates[1]
    one, two = (np.load(tmp_path / name / "negative.npz") for name in ("one", "two"))
    assert all((one[key] == two[key]).all() for key in one.files)


def test_words_learned_are_shown_as_reasons(tmp_path: Path) -> None:
    refit_negative(None, tmp_path, examples(120), version="negative-x", now=NOW)

    text = "周末我的云雀养生壶又唱歌了，记录一下"
    before = Scorer.load().explain(ScoreItem(text=text))
    after = Scorer.load(tmp_path).explain(ScoreItem(text=text))
    weights = [
        sum(term.weight for term in score.terms if "唱" in term.text or "歌" in term.text)
        for score in (before, after)
    ]
    assert weights[1] > weights[0] + 0.3
    total = sum(term.weight for term in after.terms) + after.bias
    assert np.isclose(1 / (1 + np.exp(-total)), after.negative, atol=1e-4)


def test_one_sided_corrections_are_refused(tmp_path: Path) -> None:
    alike = [one for one in examples(40) if one.negative]

    with pytest.raises(ModelError, match="some that say not negative"):
        refit_negative(None, tmp_path, alike, version="negative-x", now=NOW)
    assert not list(tmp_path.iterdir())


def test_near_duplicates_and_one_authors_texts_are_one_group() -> None:
    long = "云雀养生壶用了三天底座就开始嗡嗡响，客服让寄回去，运费自己出，一个星期没有答复"
    texts = [long, f"转：{long}", said(1, is_bad=True), said(2, is_bad=False), said(3, is_bad=True)]

    groups = groups_of(texts, ["a", "b", "c", "d", "a"])

    assert groups[0] == groups[1] == groups[4]
    assert len(set(groups.tolist())) == 3


def test_the_offset_fits_the_share_of_labels() -> None:
    log_odds = np.linspace(-3, 3, 50)
    labels = np.arange(50) >= 40

    offset = offset_of(log_odds, labels)

    assert np.isclose((1 / (1 + np.exp(-(log_odds + offset)))).mean(), 0.2, atol=1e-3)
    assert offset_of(log_odds, np.zeros(50, dtype=bool)) <= -5.9
