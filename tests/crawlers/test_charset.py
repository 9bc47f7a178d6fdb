from __future__ import annotations

import random

import opencc
import pytest

from crawlers.charset import declared_charset, decode

SUBJECTS = [
    "这台扫地机器人",
    "新买的电饭煲",
    "网上订的沙发",
    "刚提的电动车",
    "给孩子报的网课",
    "楼下的快递柜",
    "预订的酒店",
    "手机套餐",
]
EVENTS = [
    "用了不到一个星期就坏了",
    "充电的时候冒烟",
    "怎么都开不了机",
    "显示的价格和付款的不一样",
    "送来的时候外壳已经裂开",
    "里面缺了两个零件",
    "晚上声音大得睡不着",
    "跟页面上说的完全不同",
]
REPLIES = [
    "客服一直说已经登记请耐心等待",
    "商家要求我自己承担运费",
    "打了五个电话都没有人接",
    "维修点说要等配件至少半个月",
    "平台介入之后又说不归他们管",
    "退款申请被拒绝了三次",
    "最后只肯赔一张优惠券",
    "到现在也没有给出任何说法",
]
ENDS = [
    "，希望有关部门能够重视。",
    "，请大家买之前多看看评价！",
    "，我会继续投诉下去。",
    "，这就是所谓的售后服务吗？",
]


def snippets(count: int, seed: int) -> list[str]:
    chance = random.Random(seed)
    return [
        chance.choice(SUBJECTS)
        + chance.choice(EVENTS)
        + "，"
        + chance.choice(REPLIES)
        + chance.choice(ENDS)
        + str(chance.randint(1, 999))
        for _ in range(count)
    ]


SIMPLIFIED = snippets(120, seed=7)
TO_TAIWAN = opencc.OpenCC("s2twp")
TRADITIONAL = [TO_TAIWAN.convert(text) for text in snippets(120, seed=11)]


@pytest.mark.parametrize(
    ("texts", "charset", "read_as"),
    [
        (SIMPLIFIED, "utf-8", "utf-8"),
        (SIMPLIFIED, "gb18030", "gb18030"),
        (SIMPLIFIED, "gbk", "gb18030"),
        (TRADITIONAL, "big5hkscs", "big5hkscs"),
        (TRADITIONAL, "gb18030", "gb18030"),
        (TRADITIONAL, "utf-8", "utf-8"),
    ],
)
def test_undeclared_chinese_is_read_right(texts, charset, read_as):
    wrong = [text for text in texts if decode(text.encode(charset)).text != text]
    charsets = {decode(text.encode(charset)).charset for text in texts}

    assert wrong == []
    assert charsets == {read_as}


def test_undeclared_headlines_of_fourteen_characters_are_read_right():
    right = sum(decode(text[:14].encode("gbk")).text == text[:14] for text in SIMPLIFIED)
    right += sum(decode(text[:14].encode("big5hkscs")).text == text[:14] for text in TRADITIONAL)

    assert right >= 0.98 * (len(SIMPLIFIED) + len(TRADITIONAL))


def test_valid_utf8_wins_over_any_declaration():
    text = SIMPLIFIED[0]

    decoded = decode(text.encode(), "gbk", "gb2312")

    assert (decoded.text, decoded.why) == (text, "valid utf-8")


@pytest.mark.parametrize(
    "claim", ["utf-8", "iso-8859-1", "latin1", "us-ascii", "x-unknown", "utf-16"]
)
def test_gbk_under_a_false_name_is_read_right(claim):
    for text in SIMPLIFIED[:40]:
        assert decode(text.encode("gbk"), claim, claim).text == text


def test_gb2312_is_widened_to_what_people_really_send():
    text = "镕基路的㙓号店退款，喆先生"

    assert decode(text.encode("gb18030"), "gb2312").text == text


def test_http_header_is_believed_before_the_page():
    text = TRADITIONAL[0]

    decoded = decode(text.encode("big5hkscs"), "big5", "gbk")

    assert (decoded.text, decoded.why) == (text, "http header")


def test_one_broken_byte_costs_one_character():
    body = ("好" * 200).encode()
    broken = body[:300] + b"\xff" + body[300:]

    decoded = decode(broken)

    assert decoded.text == "好" * 100 + "\ufffd" + "好" * 100
    assert decoded.charset == "utf-8"


def test_latin_text_stays_latin():
    assert decode("déjà vu à Genève".encode("latin-1"), "iso-8859-1").text == "déjà vu à Genève"


@pytest.mark.parametrize(
    ("text", "charset"), [("退款", "utf-8-sig"), ("退款", "utf-16"), ("退款", "utf-32")]
)
def test_byte_order_mark_is_believed_first(text, charset):
    assert decode(text.encode(charset), "gbk").text == text


def test_configured_charset_overrules_everything():
    text = SIMPLIFIED[0]

    assert decode(text.encode("gbk"), "utf-8", "big5", fixed="gbk").text == text


@pytest.mark.parametrize(
    ("head", "charset"),
    [
        (b'<?xml version="1.0" encoding="GBK"?><rss>', "GBK"),
        (b"<html><head><meta charset=gb2312>", "gb2312"),
        (b'<meta http-equiv="Content-Type" content="text/html; charset=big5">', "big5"),
        (b"<html><body>charset=gbk</body>", ""),
        (b"<p>" * 2000 + b"<meta charset=gbk>", ""),
    ],
)
def test_declaration_is_found_in_the_head_only(head, charset):
    assert declared_charset(head) == charset


@pytest.mark.parametrize("body", [b"", b"\x00", b"\xff" * 50, b"\x81", bytes(range(256)) * 20])
def test_any_bytes_give_some_text(body):
    for http in ("", "gbk", "rot13", "idna", "\udcff"):
        assert isinstance(decode(body, http).text, str)
