from __future__ import annotations

import pytest

from classify.analyst import Analyst, polarity
from classify.issues import IssueClassifier
from classify.matching import BrandMatcher
from classify.sentiment import Scorer
from config.schema import Brand, Settings
from storage.records import BrandId, MentionId, Polarity
from tests.make import make_mention

LINES = [{"id": "jingshui", "name": "净水器"}]


@pytest.fixture(scope="module")
def analyst() -> Analyst:
    brands = [
        Brand.model_validate({"id": "yunque", "name": "云雀", "products": LINES}),
        Brand(id="qingci", name="青瓷"),
    ]
    return Analyst(BrandMatcher(brands), Scorer.load(), IssueClassifier.load(), Settings())


def test_one_verdict_per_brand_in_the_order_of_the_mentions(analyst: Analyst) -> None:
    mentions = [
        make_mention(mention_id=MentionId(1), title="", text="今天下雨"),
        make_mention(
            mention_id=MentionId(2),
            title="云雀净水器漏水，烫伤孩子",
            text="客服推脱不管，太差了。" + "这里说别的事情。" * 12 + "青瓷的杯子很好看，推荐。",
        ),
        make_mention(mention_id=MentionId(3), title="", text="青瓷好用，推荐"),
    ]

    nobody, both, one = analyst.judge_many(mentions)

    assert nobody == ()
    assert {verdict.brand_id for verdict in both} == {BrandId("yunque"), BrandId("qingci")}
    by_brand = {verdict.brand_id: verdict for verdict in both}
    yunque = by_brand[BrandId("yunque")]
    assert yunque.polarity is Polarity.NEGATIVE
    assert yunque.products == ("jingshui",)
    assert set(yunque.severity) >= {"injury", "child"}
    assert yunque.mention_id == MentionId(2)
    assert yunque.terms
    assert by_brand[BrandId("qingci")].negative < yunque.negative
    assert [verdict.polarity for verdict in one] == [Polarity.NOT_NEGATIVE]


def test_the_same_mentions_give_the_same_verdicts(analyst: Analyst) -> None:
    mentions = [make_mention(mention_id=MentionId(n), text=f"云雀第{n}次漏水") for n in range(5)]

    assert analyst.judge_many(mentions) == [
        verdicts for mention in mentions for verdicts in analyst.judge_many([mention])
    ]
    assert analyst.judge_many([]) == []


@pytest.mark.parametrize(
    ("negative", "expected"),
    [
        (0.65, Polarity.NEGATIVE),
        (0.649, Polarity.UNSURE),
        (0.35, Polarity.UNSURE),
        (0.349, Polarity.NOT_NEGATIVE),
    ],
)
def test_the_band_decides_the_polarity(negative: float, expected: Polarity) -> None:
    assert polarity(negative, (0.35, 0.65)) is expected
