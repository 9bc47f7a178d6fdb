from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.issues import IssueClassifier
from config.schema import ISSUE_CLASSES


@pytest.fixture(scope="module")
def classifier() -> IssueClassifier:
    return IssueClassifier.load()


@pytest.mark.parametrize(
    ("text", "issue"),
    [
        ("用了三天就漏水，质量太差", "产品质量"),
        ("充电时起火，人被烧伤", "安全与人身"),
        ("修了三次没修好，一直等备件", "售后维修"),
        ("客服态度恶劣，挂我电话", "服务态度"),
        ("快递丢件，物流一直没更新", "物流配送"),
        ("自动续费乱扣费", "价格与收费"),
        ("申请退款被拒，押金也不退", "退款退货"),
        ("虚假宣传，实物不符", "虚假宣传"),
        ("个人信息被泄露，骚扰电话不断", "隐私与数据"),
        ("更新后闪退，蓝牙连不上", "功能与体验"),
        ("经销商不交车，门店说没货", "渠道与门店"),
        ("网传高管被查，公司辟谣", "舆论与传闻"),
        ("周末去爬山", "其他"),
        ("", "其他"),
        ("客服電話一直打不通", "服务态度"),
    ],
)
def test_each_class_is_known_by_its_words(
    classifier: IssueClassifier, text: str, issue: str
) -> None:
    assert classifier.classify_many([text]) == [issue]


def test_order_is_kept(classifier: IssueClassifier) -> None:
    texts = ["申请退款被拒", "", "虚假宣传"]

    assert classifier.classify_many(texts) == [
        classifier.classify_many([text])[0] for text in texts
    ]
    assert classifier.classify_many([]) == []


@given(st.text(st.characters(), max_size=100))
def test_any_text_gets_one_of_our_classes(classifier: IssueClassifier, text: str) -> None:
    assert classifier.classify_many([text])[0] in ISSUE_CLASSES
