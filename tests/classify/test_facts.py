from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.facts import DERIVED, STATED, FactFinder
from classify.facts_amounts import number
from classify.facts_codes import month_of
from classify.facts_places import places, within
from classify.symptoms import symptoms
from classify.text import rewrite
from storage.records import BrandId, Fact
from tests.eval.fact_rows import BRAND

SAID_AT = datetime(2026, 4, 15, tzinfo=UTC)
FINDER = FactFinder([BRAND])


def find(
    title: str,
    text: str,
    products: tuple[str, ...] = ("hu",),
    *,
    said_at: datetime | None = SAID_AT,
    region: str = "",
) -> tuple[Fact, ...]:
    brand_id = BrandId("lanhe")
    return FINDER.find(title, text, brand_id, (), products, said_at=said_at, region=region)


def test_every_kind_is_found_with_its_place_in_the_original() -> None:
    title = "【投诉】澜禾养生壶Ｋ２ Pro漏水"
    text = "😡批号２６０３Ｂ２，固件V2.3.1，花了１，２９９元，訂單號：20260315887，深圳南山區，澜禾乐购店推了"
    found = find(title, text)

    stated = {fact.kind: ({"title": title, "text": text}[fact.field])[fact.start : fact.end]
              for fact in found if fact.kind in STATED}  # fmt: skip
    assert stated == {
        "product": "澜禾养生壶",
        "model": "Ｋ２ Pro",
        "symptom": "漏水",
        "batch": "２６０３Ｂ２",
        "order": "20260315887",
        "version": "2.3.1",
        "amount": "１，２９９元",
        "place": "深圳南山區",
        "shop": "澜禾乐购店",
    }
    values = {fact.kind: fact.value for fact in found if fact.kind not in ("place", "region")}
    assert values["batch"] == "2603B2"
    assert values["month"] == "2026-03"
    assert values["order"] == "2026****"
    assert values["amount"] == "1299"
    assert values["model"] == "K2 PRO"


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ("澜禾养生壶k2-pro", "澜禾 养生壶 K2 Pro", "model"),
        ("批号：l2603-07", "LOT NO. L260307", "batch"),
        ("2026年3月批次", "今年三月份生产的", "batch"),
        ("固件2.3.1", "升级到 V2.3.1 之后", "version"),
        ("广东省深圳市", "广东深圳", "place"),
        ("三千八百块", "￥3,800.00", "amount"),
    ],
)
def test_equal_facts_compare_equal(one: str, other: str, kind: str) -> None:
    first, second = ({f.value for f in find("", text) if f.kind == kind} for text in (one, other))

    assert first == second != set()


def test_a_month_without_its_year_is_the_last_one() -> None:
    def batch(said_at: datetime | None) -> list[str]:
        return [f.value for f in find("", "3月份那批都漏水", said_at=said_at) if f.kind == "batch"]

    assert batch(datetime(2026, 4, 1, tzinfo=UTC)) == ["2026-03"]
    assert batch(datetime(2026, 2, 1, tzinfo=UTC)) == ["2025-03"]
    assert batch(None) == []


@pytest.mark.parametrize(
    ("batch", "month"),
    [
        ("20260312A", "2026-03"),
        ("2603B2", "2026-03"),
        ("L2603", "2026-03"),
        ("2026-03-12", "2026-03"),
        ("2612A1", ""),  # not made yet
        ("0803A1", ""),  # eighteen years old
        ("2613A1", ""),
        ("KQ7731", ""),
    ],
)
def test_lot_codes_tell_their_month_where_they_can(batch: str, month: str) -> None:
    assert month_of(batch, SAID_AT) == month


def test_a_place_lies_in_its_city_and_province() -> None:
    assert within("深圳南山") == ("深圳", "广东")
    assert within("北京海淀") == ("北京",)
    assert within("A市") == ()
    regions = {f.value for f in find("", "人在昆山", region="广东省") if f.kind == "region"}
    assert regions == {"苏州昆山", "苏州", "江苏", "广东"}


@pytest.mark.parametrize(
    "text",
    ["今天水压低", "南京西路的店", "三明治", "上海大众", "宁德时代电池", "阿里巴巴", "长沙发"],
)
def test_what_only_looks_like_a_place_is_none(text: str) -> None:
    assert places(rewrite(text)) == []


def test_the_list_of_places_is_whole() -> None:
    from classify.lexicon import sections

    known = sections("places")
    provinces = [name for name in known if name != "*"]
    assert len(provinces) == 34
    prefectures = [w for name in provinces for w in known[name] if name not in "北京天津上海重庆"]
    assert len(prefectures) >= 333
    for name in provinces:
        assert [one.value for one in places(name)] == [name]


@pytest.mark.parametrize(
    ("words", "n"),
    [("两千八", 2800), ("三万五", 35_000), ("一千零五", 1005), ("十五", 15), ("十二万", 120_000)],
)
def test_chinese_numerals(words: str, n: int) -> None:
    assert number(words) == n


@pytest.mark.parametrize(
    "text",
    ["不漏水了", "没有漏水", "没再漏水", "从来没漏水", "会不会漏水", "担心漏水", "不会漏水的",
     "没有任何异味", "防漏水设计", "漏水？没有的事", "希望别漏水"],
)  # fmt: skip
def test_a_denied_symptom_is_none(text: str) -> None:
    assert symptoms(text) == ()


@pytest.mark.parametrize(
    "text",
    ["没几天就漏水", "不知道为什么漏水", "不但漏水", "不是漏水就是掉线", "不漏水才怪", "哪有不漏水的",
     "漏水不存在质量问题", "怎么会漏水呢"],
)  # fmt: skip
def test_a_symptom_that_only_stands_behind_a_no_is_stated(text: str) -> None:
    assert "漏水漏液" in symptoms(text)


def test_nothing_is_found_where_nothing_is() -> None:
    assert find("", "") == ()
    assert find("", "今天天气不错，去公园走了走", ()) == ()
    assert FINDER.find("", "批号KQ7731", BrandId("nobody"), (), ())[0].value == "KQ7731"


@given(st.text(max_size=200))
def test_any_text_gets_an_honest_answer(text: str) -> None:
    for fact in find("", text):
        assert fact.kind in (*STATED, *DERIVED)
        assert 0 <= fact.start < fact.end <= len(text)
        assert fact.value


@given(
    st.lists(
        st.sampled_from(
            ["批号", "2603B2", "澜禾", "养生壶", "K2", "漏水", "不", "没", "深圳", "南山区", "3月", "那批",
             "固件", "2.3.1", "1299", "元", "万", "店", "4S店", "订单号", "￥", "，", "。", "\ud800", "\u200b",
             "😡", "一二三", "块", "SN", "路", "市", " "]
        ),
        max_size=40,
    )
)  # fmt: skip
def test_facts_stand_where_they_say_and_are_the_same_again(parts: list[str]) -> None:
    text = "".join(parts)
    found = find("", text)

    assert found == find("", text)
    assert all(0 <= fact.start < fact.end <= len(text) for fact in found)


def test_a_megabyte_is_read_and_bounded() -> None:
    found = find("", "批号2603B2漏水，深圳澜禾某某店，花了99元。" * 40_000)

    assert len(found) < 1000


@pytest.mark.parametrize(
    "text", ["电池鼓包了", "充电时电池鼓起来了", "电芯已经膨胀", "手机后盖鼓起来了"]
)
def test_a_swollen_battery_is_a_trouble_of_its_own(text: str) -> None:
    """It makes a batch dangerous, a short range does not: told together neither stands out."""
    assert symptoms(text) == ("鼓包",)


@pytest.mark.parametrize("text", ["电池没鼓包", "电池没有鼓包", "会不会鼓包"])
def test_a_battery_that_did_not_swell_is_none(text: str) -> None:
    assert symptoms(text) == ()
