from __future__ import annotations

import pytest

from classify.severity import FACTS, products, severity
from storage.records import BrandHit, BrandId

STATED = [
    ("充电的时候突然起火，阳台烧没了", {"fire"}),
    ("我妈手上烫伤了一大片，在医院住院", {"injury"}),
    ("差点着火，幸好我在家", {"fire"}),
    ("孩子喝完上吐下泻", {"food", "child"}),
    ("已经向市场监管局投诉，也找了律师", {"regulator", "lawyer"}),
    ("电视台记者来拍过了，还是没人管", {"media"}),
    ("业主维权，售楼处门口拉了横幅", {"gathering"}),
    ("会员信息全被泄露，天天接推销", {"data_leak"}),
    ("老板卷款跑路，我损失了三万块", {"money"}),
    ("工人从架子上掉下来，抢救无效", {"death"}),
    ("刹车失灵撞伤了路人", {"injury"}),
    ("冒烟了！插座都化了", {"fire"}),
    # that nobody was hurt takes back no fire
    ("充电起火了，烧了半个车棚，没有人受伤，消防来了", {"fire"}),
    ("小区电动车起火，暂无人员伤亡", {"fire"}),
    ("车着火了，人没事，万幸", {"fire"}),
    # an owner who warns others tells what happened; an office that reminds the public does not
    ("提醒大家查一下电池，我家楼下那辆昨晚冒烟了", {"fire"}),
    ("雞蛋糕裏吃出蟑螂", {"food"}),
    ("被电了一下，手麻了半天", {"injury"}),
]
NOT_STATED = [
    "没有人受伤，大家放心",
    "用着不错，电池也没鼓包",
    "电池没有鼓包",
    "消防提醒广大市民：电池充电要防火",
    "这次事故未造成人员伤亡，也没有起火",
    "万一着火了谁负责",
    "会不会爆炸啊，有点怕",
    "请小心烫伤",
    "气死我了，客服笑死人",
    "店里生意火爆，排队两小时",
    "带漏电保护，用着放心",
    "给孩子买的，穿着正合适",
    "拍照曝光过度，颜色发白",
    "手机卡死了，重启才好",
    "敏感肌也不过敏",
    "官方否认发生爆炸",
    "如果受伤了能不能赔",
    "今天天气不错",
    "",
]


@pytest.mark.parametrize(("text", "facts"), STATED)
def test_a_stated_fact_is_found(text: str, facts: set[str]) -> None:
    assert set(severity(text)) >= facts


@pytest.mark.parametrize("text", NOT_STATED)
def test_what_is_denied_supposed_or_figurative_is_no_fact(text: str) -> None:
    assert severity(text) == ()


def test_a_child_counts_only_where_harm_is_done() -> None:
    assert "child" not in severity("孩子很喜欢")
    assert "child" in severity("孩子被烫伤了")


def test_facts_come_in_one_order() -> None:
    found = severity("律师说孩子烫伤和着火都要赔，记者也来了")

    assert list(found) == [fact for fact in FACTS if fact in found]


def test_products_are_named_once() -> None:
    def hit(product: str) -> BrandHit:
        return BrandHit(
            brand_id=BrandId("b"), alias="", field="text", start=0, end=1, product=product
        )

    assert products([hit("x5"), hit(""), hit("p7"), hit("x5")]) == ("x5", "p7")


def test_a_death_that_nearly_happened_is_a_danger_and_no_death() -> None:
    assert severity("锅盖弹起来差点出人命") == ("injury",)
    assert "death" in severity("锅盖弹起来，老人不幸身亡")
