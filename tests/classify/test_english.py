from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classify.english import SCORER, is_english
from classify.evaluation import evaluate_negative
from classify.matching import BrandMatcher
from classify.sentiment import TERMS, Score, ScoreItem, Scorer
from config.schema import Brand
from storage.records import BrandId

LANHE, HEMU = BrandId("lanhe"), BrandId("hemu")
BAD = "My Lanhe kettle leaks, the base smells burnt and support never answered."
GOOD = "Love the Lanhe kettle, it is quiet and very easy to clean!"
PLAIN = "Lanhe opens its new store on Monday."


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer.load()


def towards(text: str, brand: BrandId = LANHE, **more: float) -> ScoreItem:
    brands = [Brand(id=LANHE, name="Lanhe", aliases=["澜禾"]), Brand(id=HEMU, name="Hemu")]
    found = BrandMatcher(brands).match("", text, "", "")
    others = tuple(hit for one, hits in found.items() if one != brand for hit in hits)
    return ScoreItem(text=text, hits=found.get(brand, ()), others=others, **more)


def negative(scorer: Scorer, text: str, brand: BrandId = LANHE) -> float:
    return scorer.score_many([towards(text, brand)])[0].negative


def log_odds(score: Score) -> float:
    return math.log(score.negative / (1 - score.negative))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BAD, True),
        ("澜禾 kettle leaks again, what a mess, avoid it", True),
        ("NOT HAPPY WITH THIS 😡😡😡😡😡😡😡😡😡😡", True),
        ("这个 kettle 真的 leak 得厉害, so bad, 澜禾客服也不理人", False),
        ("OK 👍👍👍", False),
        ("Lanhe L300", False),
        ("эта вещь сломалась very bad thing", False),
        ("12 345 6789 ...", False),
        ("", False),
    ],
)
def test_four_letters_of_five_decide_the_language(text: str, expected: bool) -> None:
    assert is_english("", text) is expected


def test_blame_praise_and_news_stand_in_order(scorer: Scorer) -> None:
    bad, good, plain = scorer.score_many([towards(text) for text in (BAD, GOOD, PLAIN)])

    assert bad.negative > 0.8 > 0.5 > plain.negative > good.negative
    assert good.positive > 0.8 > 0.5 > plain.positive > bad.positive
    assert {bad.scorer, good.scorer, plain.scorer} == {SCORER}
    assert scorer.score_many([towards("澜禾的壶漏水")])[0].scorer == ""


def test_each_brand_gets_what_is_said_of_it(scorer: Scorer) -> None:
    apart = "Lanhe arrived broken and the seller was rude, but Hemu is excellent."
    compared = "The Hemu is much better than the Lanhe."

    assert negative(scorer, apart) > 0.8
    assert negative(scorer, apart, HEMU) < 0.1
    assert negative(scorer, compared) > 0.5 > negative(scorer, compared, HEMU)


def test_rules_of_negation_denial_and_phrases_hold(scorer: Scorer) -> None:
    assert negative(scorer, "The Lanhe is not good.") > negative(scorer, "The Lanhe is good.")
    assert negative(scorer, "Lanhe denies reports of a fire and injured workers.") < 0.5
    assert negative(scorer, "My Lanhe does not work.") > 0.5
    assert negative(scorer, "My Lanhe doesn’t work.") > 0.5
    assert negative(scorer, "Two years of Lanhe and not a single problem.") < 0.2


def test_words_and_bias_add_up_and_few_are_shown(scorer: Scorer) -> None:
    long = f"{BAD} {GOOD} Lanhe is awful, terrible, nasty, ugly, horrible, bad and sad."
    items = [towards(text, rating=stars) for text in (BAD, GOOD, PLAIN, long) for stars in (1, 4)]

    fast = scorer.log_odds_many(items)
    for item, expected in zip(items, fast, strict=True):
        score = scorer.explain(item)
        said = sum(term.weight for term in score.terms) + score.bias + score.shift
        assert said == pytest.approx(expected, abs=1e-4)
        assert said == pytest.approx(log_odds(score), abs=0.01)
    shown = scorer.score_many([towards(long)])[0]
    assert len(shown.terms) == TERMS
    assert [abs(term.weight) for term in shown.terms] == sorted(
        (abs(term.weight) for term in shown.terms), reverse=True
    )


def test_company_changes_no_score(scorer: Scorer) -> None:
    items = [towards(text) for text in (BAD, "澜禾的壶太差了，漏水，客服不理人", GOOD, "", PLAIN)]

    together = scorer.score_many(items * 40)[: len(items)]

    assert together == [scorer.score_many([item])[0] for item in items]


def test_an_english_source_is_evaluated_and_fitted_like_any_other(scorer: Scorer) -> None:
    rows = [
        {"text": f"{text} Note {number}.", "label": label, "entity": "Lanhe"}
        for number in range(80)
        for text, label in ((BAD, "neg"), (GOOD, "pos"), (PLAIN, "neu"))
    ]

    figures = evaluate_negative(rows, scorer)

    assert figures["auc"] == figures["auc_unadapted"] == 1.0
    items = [towards(row["text"]) for row in rows]
    adaptation, fitted = scorer.adapter.adapt(scorer.log_odds_many(items), scorer.cells_many(items))
    adapted = ScoreItem(text=BAD, hits=towards(BAD).hits, adaptation=adaptation)
    [score] = scorer.score_many([adapted])
    assert score.shift == pytest.approx(adaptation.constant, abs=1e-6)
    assert np.isfinite(fitted).all()
    [unknown], [all_words] = scorer.unknown_words([adapted])
    assert (unknown, all_words) == (0, 0)


ODD = st.text(st.characters(), max_size=80)
ENGLISH = st.lists(
    st.sampled_from(
        [
            "Lanhe",
            "Hemu",
            "but",
            "not",
            "bad",
            "GREAT!",
            "than",
            "leaks",
            "no",
            "so",
            "least",
            "if",
            "?",
            ":(",
            "😡",
        ]
    )
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(ODD, ENGLISH, ODD)
def test_any_english_text_gets_a_sum(
    scorer: Scorer, before: str, words: list[str], after: str
) -> None:
    text = " ".join((before, "the Lanhe kettle is here", *words, after))
    score = scorer.explain(towards(text))

    assert 0 < score.negative < 1
    assert score.negative + score.positive <= 1
    said = sum(term.weight for term in score.terms) + score.bias
    assert said == pytest.approx(log_odds(score), abs=0.01)


@pytest.mark.parametrize(
    "unit", ["very bad Lanhe ", "bad. ", "abc\u202e ", "Lanhe\ud800 leaks but ", "a b c d "]
)
def test_a_megabyte_is_answered(scorer: Scorer, unit: str) -> None:
    text = unit * (1_000_000 // len(unit))

    assert 0 < scorer.score_many([ScoreItem(text=text)])[0].negative < 1


def test_vader_is_loaded_by_the_first_english_text_only() -> None:
    code = (
        "import sys; from classify.sentiment import *; scorer = Scorer.load();"
        "scorer.score_many([ScoreItem(text='很差 OK')]);"
        "assert not any('vader' in name for name in sys.modules);"
        "scorer.score_many([ScoreItem(text='this is very bad')]);"
        "assert any('vader' in name for name in sys.modules);"
        "assert 'requests' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
