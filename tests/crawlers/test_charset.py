from __future__ import annotations

import random

import opencc
import pytest

from crawlers.charset import declared_charset, decode
from tests.eval.extract import stories

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


TOPICS = "".join(
    part for story in (*stories.DEV, *stories.HELD) for part in (story.title, *story.paragraphs)
)
HONG_KONG = "嘅咗喺啲唔冇嚟噉佢睇攞諗揾嗰"  # some of them only the Hong Kong supplement has
MARKUP = (
    '<html><head><title>x</title><style>.a{{color:red}}</style></head><body><div id="c">{}</div>'
    + '<p class="k"><a href="/x.html?id=1"><img src="/i/1.gif" width="1"></a></p>' * 60
)


def windows(size: int, seed: int, count: int = 200) -> list[str]:
    chance = random.Random(seed)
    return [
        TOPICS[at : at + size]
        for at in (chance.randrange(len(TOPICS) - size) for _ in range(count))
    ]


def in_hong_kong(text: str) -> str:
    chance = random.Random(text)
    return "".join(sign if chance.random() > 0.15 else chance.choice(HONG_KONG) for sign in text)


PLAIN = windows(40, seed=5)
TAIWAN = [TO_TAIWAN.convert(text)[:40] for text in PLAIN]
CANTONESE = [in_hong_kong(opencc.OpenCC("s2hk").convert(text)) for text in PLAIN]


@pytest.mark.parametrize("wrap", ["{}", MARKUP])
@pytest.mark.parametrize(
    ("texts", "charset", "claim"),
    [
        (PLAIN, "utf-8", ""),
        (PLAIN, "gb18030", ""),
        (TAIWAN, "big5hkscs", ""),
        (TAIWAN, "utf-8", ""),
        (TAIWAN, "gb18030", ""),
        (CANTONESE, "big5hkscs", ""),
        (PLAIN, "gb18030", "iso-8859-1"),
        (PLAIN, "gb18030", "utf-8"),
        (PLAIN, "gb18030", "big5"),
        (TAIWAN, "big5hkscs", "gb2312"),
        (TAIWAN, "big5hkscs", "utf-8"),
        (TAIWAN, "gb18030", "gb2312"),
        (TAIWAN, "gb18030", "big5"),
        (PLAIN, "utf-8", "gbk"),
    ],
)
def test_forty_characters_are_read_right_whatever_is_declared(texts, charset, claim, wrap):
    pages = [wrap.format(text) for text in texts]
    pages = [page for page in pages if page == page.encode(charset, "ignore").decode(charset)]
    right = sum(decode(page.encode(charset), claim, claim).text == page for page in pages)

    assert len(pages) >= 150
    assert right >= 0.995 * len(pages)


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
