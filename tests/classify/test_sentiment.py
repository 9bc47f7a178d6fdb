from __future__ import annotations

import hashlib
import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classify.matching import BrandMatcher
from classify.sentiment import MODELS, TERMS, ScoreItem, Scorer
from config.errors import ModelError
from config.schema import Brand
from storage.records import BrandHit, BrandId

GOOD = "云杉的吹风机很好用，风力大还静音，推荐给大家，会回购"
BAD = "云杉的吹风机太差了，用了两次就冒烟，客服不理人，要求退款"
FIXED = (
    GOOD,
    BAD,
    "",
    "今天下午三点在城南开会",
    "雲杉嘅服務真係好差，唔會再嚟😡",
    "虽然物流慢了点，但是东西没得说",
    "除了好看一无是处",
    "请问这款和上一款有什么区别？",
    "公司因涉嫌虚假宣传被立案调查",
    "OK 👍👍👍",
)


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer.load()


def towards(text: str, name: str) -> ScoreItem:
    hits = BrandMatcher([Brand(id="b", name=name)]).match("", text, "", "").get(BrandId("b"), ())
    return ScoreItem(text=text, hits=hits)


def test_blame_scores_above_praise(scorer: Scorer) -> None:
    good, bad = scorer.score_many([ScoreItem(text=GOOD), ScoreItem(text=BAD)])

    assert good.negative < 0.2
    assert good.positive > 0.6 > 0.2 > bad.positive
    assert bad.negative > 0.8


def test_the_words_near_the_brand_decide(scorer: Scorer) -> None:
    filler = "另外说说别的：" + "小区门口新开了一家面馆，早上去排队的人不少，" * 3
    text = f"云杉的扫地机太差了，坏了三次没人管，垃圾。{filler}青瓷的水杯很好看，质量很好，推荐。"

    spruce, celadon = scorer.score_many([towards(text, "云杉"), towards(text, "青瓷")])

    assert spruce.negative > 0.7
    assert celadon.negative < 0.3


def test_words_and_bias_add_up_to_the_log_odds(scorer: Scorer) -> None:
    for text in FIXED:
        score = scorer.explain(ScoreItem(text=text, rating=2))
        log_odds = sum(term.weight for term in score.terms) + score.bias

        assert 1 / (1 + math.exp(-log_odds)) == pytest.approx(score.negative, abs=1e-5)


def test_a_verdict_carries_the_strongest_words_only(scorer: Scorer) -> None:
    score = scorer.score_many([ScoreItem(text=BAD)])[0]

    assert len(score.terms) == TERMS
    assert [abs(term.weight) for term in score.terms] == sorted(
        (abs(term.weight) for term in score.terms), reverse=True
    )


def test_stars_are_evidence_and_shown(scorer: Scorer) -> None:
    item = {"text": "买来送人的"}
    one, none, five = scorer.score_many(
        [
            ScoreItem(**item, rating=1),
            ScoreItem(**item),
            ScoreItem(**item, rating=5),
        ]
    )

    assert one.negative > none.negative > five.negative
    assert one.terms[0].text == "1星"
    assert scorer.score_many([ScoreItem(**item, rating=80)])[0].negative == none.negative


def test_a_name_inside_a_longer_name_is_hardly_blamed(scorer: Scorer) -> None:
    free, nested = scorer.score_many([ScoreItem(text=BAD), ScoreItem(text=BAD, is_nested=True)])

    assert nested.negative < free.negative
    assert nested.terms[0].text == "只在更长的名称里出现"


def test_company_and_order_change_no_score(scorer: Scorer) -> None:
    items = [ScoreItem(text=text) for text in FIXED]
    together = [score.negative for score in scorer.score_many(items * 300)][: len(items)]
    alone = [scorer.score_many([item])[0].negative for item in items]

    assert together == pytest.approx(alone, abs=1e-12)
    assert scorer.score_many([]) == []


def test_scores_are_the_same_on_every_machine(scorer: Scorer) -> None:
    rounded = [
        f"{score.negative:.4f}"
        for score in scorer.score_many([ScoreItem(text=text) for text in FIXED])
    ]
    digest = hashlib.blake2b(" ".join(rounded).encode(), digest_size=8).hexdigest()
    pinned = json.loads((Path(__file__).parents[1] / "eval" / "floors.json").read_text("utf-8"))

    assert digest == pinned["scores"]["digest"], rounded


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(st.characters(), max_size=300))
def test_any_text_gets_a_probability(scorer: Scorer, text: str) -> None:
    score = scorer.score_many([ScoreItem(text=text, title=text[:9])])[0]

    assert 0 < score.negative < 1


@pytest.mark.parametrize("unit", ["很差", "a", "😡", "\u202e", "\ud800", "。", "云杉漏水"])
def test_a_megabyte_is_answered(scorer: Scorer, unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    hit = BrandHit(brand_id=BrandId("b"), alias="云杉", field="text", start=0, end=2)

    for item in (ScoreItem(text=text), ScoreItem(text=text, hits=(hit,))):
        assert 0 < scorer.score_many([item])[0].negative < 1


def test_loading_and_scoring_need_no_scikit_learn() -> None:
    code = (
        "import sys; from classify.sentiment import *;"
        "Scorer.load().score_many([ScoreItem(text='好')]);"
        "assert not {'sklearn', 'scipy'} & set(sys.modules), sorted(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_a_model_for_other_words_is_refused(tmp_path: Path) -> None:
    shutil.copy(MODELS / "negative.npz", tmp_path)
    card = json.loads((MODELS / "negative.json").read_text("utf-8"))
    for key in ("tokeniser", "lexicon"):
        changed = {**card, key: "0" * 16}
        (tmp_path / "negative.json").write_text(json.dumps(changed), "utf-8")
        with pytest.raises(ModelError, match="train again"):
            Scorer.load(tmp_path)


def test_a_missing_or_broken_model_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"classify\.training"):
        Scorer.load(tmp_path)
    shutil.copy(MODELS / "negative.json", tmp_path)
    whole = (MODELS / "negative.npz").read_bytes()
    for broken in (b"", b"not an archive", whole[:100_000]):
        (tmp_path / "negative.npz").write_bytes(broken)
        with pytest.raises(ModelError, match=r"classify\.training"):
            Scorer.load(tmp_path)


def test_every_word_of_an_adapted_score_is_accounted_for(scorer: Scorer) -> None:
    texts = [f"{GOOD if number % 3 else BAD}，{number}号柜" for number in range(240)]
    items = [ScoreItem(text=text) for text in texts]
    plain = scorer.log_odds_many(items)
    adaptation, _ = scorer.adapter.adapt(plain, scorer.cells_many(items))
    assert adaptation.words is not None
    new = [ScoreItem(text=f"{BAD}，王师傅来过", rating=4, adaptation=adaptation), *items[:3]]

    scores = [scorer.explain(item) for item in new]
    fitted = adaptation.fit(scorer.log_odds_many(new), scorer.cells_many(new))

    for item, score, log_odds in zip(new, scores, fitted, strict=True):
        said = sum(term.weight for term in score.terms) + score.bias + score.shift
        assert said == pytest.approx(math.log(score.negative / (1 - score.negative)), abs=1e-3)
        assert (score.shift != 0) == (item.adaptation is not None)
        if item.adaptation is not None:
            assert said == pytest.approx(log_odds, abs=1e-4)
        assert score.negative + score.positive <= 1
    assert scorer.score_many(new)[0].negative == scores[0].negative
    assert scores[1:] == [scorer.explain(item) for item in items[:3]]
