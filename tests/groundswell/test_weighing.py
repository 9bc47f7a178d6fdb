import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.analyst import Analyst
from config.load import example_dir, load
from groundswell import wiring
from groundswell.explain import text_as_mention
from groundswell.weighing import log_odds, neutral, weigh
from storage.records import Term
from tests.make import NOW, make_verdict


@pytest.fixture(scope="module")
def analyst() -> Analyst:
    return wiring.make_analyst(load(example_dir()))


@pytest.mark.parametrize(
    "text",
    [
        "澜禾养生壶用了两天底座就冒烟，客服一直推脱，没有人受伤",
        "澜禾的壶真好看，颜色也正，煮水还安静，推荐给爸妈",
        "有人用过澜禾吗",
        "澜禾" + "，物流倒是快，就是盖子扣不紧，一倒水就漏，联系客服说是正常现象" * 8,
    ],
)
def test_the_lines_add_up_to_the_probability_that_is_shown(analyst: Analyst, text: str):
    [[verdict]] = analyst.judge_many([text_as_mention(text, NOW)])

    lines = weigh(verdict)

    # lines too small to print are left out, two of them at most
    assert sum(one.weight for one in lines) == pytest.approx(log_odds(verdict.negative), abs=0.01)
    words = [one.weight for one in lines if one.kind == "word"]
    assert words == sorted(words, reverse=True)


def test_a_persons_word_is_no_sum():
    assert weigh(make_verdict(negative=1.0)) == []
    assert weigh(make_verdict(negative=0.0)) == []


@given(
    negative=st.floats(0.001, 0.999),
    bias=st.floats(-4, 4),
    shift=st.floats(-3, 3),
    weights=st.lists(st.floats(-3, 3), max_size=8),
)
def test_any_verdict_adds_up(negative: float, bias: float, shift: float, weights: list[float]):
    terms = tuple(Term(text=f"词{n}", weight=weight) for n, weight in enumerate(weights))
    verdict = make_verdict(negative=negative, bias=bias, shift=shift, terms=terms)

    total = sum(one.weight for one in weigh(verdict))

    assert total == pytest.approx(log_odds(negative), abs=0.02)


def test_the_three_probabilities_are_never_below_nought():
    assert neutral(make_verdict(negative=0.7, positive=0.3000001)) == 0.0
    assert neutral(make_verdict(negative=0.2, positive=0.3)) == pytest.approx(0.5)
