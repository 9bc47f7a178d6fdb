from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.issue_rules import OwnIssues
from classify.issues import IssueClassifier, Issues
from classify.patterns import patterns
from classify.severity import FACTS
from classify.sub_classes import sub_classes
from config.schema import ISSUE_CLASSES, SUB_CLASSES, IssueRule

CHARGING = IssueRule(
    name="充电慢", under="功能与体验", words=("充电慢", "充..一晚上"), **{"not": ("不慢",)}
)
TRADE_IN = IssueRule(name="以旧换新", words=("以旧换新",))


@pytest.fixture(scope="module")
def classifier() -> IssueClassifier:
    return IssueClassifier.load()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("缺配件，等了两个月没消息", ("等备件",)),
        ("没等多久备件就到了", ()),
        ("保修期内非说人为，让我自费一千二修", ("维修费用", "拒绝保修")),
        ("修了四次还是漏", ("反复维修",)),
        ("一次就修好了", ()),
        ("打了两天客服电话没人接", ("客服不回应",)),
        ("客服秒回，很耐心", ()),
        ("約好週六上門，等到天黑沒人來", ("预约爽约",)),
        ("", ()),
    ],
)
def test_sub_classes_are_known_by_what_is_said(text: str, expected: tuple[str, ...]) -> None:
    assert sub_classes(text) == expected


def test_a_sub_class_brings_its_class_along(classifier: IssueClassifier) -> None:
    [issues] = classifier.judge_many(["变速箱顿挫，4s店说缺配件，让我等通知"])

    assert "等备件" in issues.sub_classes
    assert "售后维修" in (issues.issue_class, *issues.also)


def test_own_classes_are_found_beside_the_model(classifier: IssueClassifier) -> None:
    own = OwnIssues([CHARGING, TRADE_IN])
    texts = ["这车充电慢得离谱", "充电不慢", "想问问以旧换新", "充了整整一晚上才一半"]

    slow, refuted, trade, gap = classifier.judge_many(texts, own)

    assert slow.sub_classes == ("充电慢",)
    assert "功能与体验" in (slow.issue_class, *slow.also)
    assert refuted.sub_classes == ()
    assert "以旧换新" in (trade.issue_class, *trade.also)
    assert gap.sub_classes == ("充电慢",)


def test_order_is_kept_and_nothing_is_about_nothing(classifier: IssueClassifier) -> None:
    texts = ["申请退款被拒", "", "虚假宣传，实物不符"]

    judged = classifier.judge_many(texts)

    assert judged[1] == Issues("其他")
    assert [one.issue_class for one in judged] == classifier.classify_many(texts)
    assert classifier.judge_many([]) == []


@given(st.text(st.characters(), max_size=100))
def test_any_text_gets_known_names_each_once(classifier: IssueClassifier, text: str) -> None:
    [issues] = classifier.judge_many([text])
    classes = [issues.issue_class, *issues.also]

    assert set(classes) <= set(ISSUE_CLASSES)
    assert len(classes) == len(set(classes))
    assert set(issues.sub_classes) <= set(SUB_CLASSES)


@pytest.mark.parametrize("name", ["severity", "sub_classes"])
@given(
    text=st.text(
        st.sampled_from("修了三次还是没好打电话没人接等配件起火烧伤孩子报警,。!?;"), max_size=60
    )
)
def test_what_re2_leaves_out_would_not_have_matched(name: str, text: str) -> None:
    found = patterns(name)
    everywhere = {
        place.name
        for sentence in found.sentences(text)
        for place in found.places(range(len(found.names)), sentence)
    }

    assert {place.name for _, places in found.find(text) for place in places} == everywhere


def test_the_lists_name_what_the_program_knows() -> None:
    assert set(patterns("severity").names) == set(FACTS)
    assert set(patterns("sub_classes").names) == set(SUB_CLASSES)
