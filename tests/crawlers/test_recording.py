"""Pages recorded, scrubbed, read again and compared."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.source_schema import SourceConfig
from crawlers.downloader import Fetched
from crawlers.recording import (
    CONTRACT,
    REMOVED,
    differences,
    link_of_said,
    link_said,
    reading,
    record,
    scrub,
)
from crawlers.trial import Taken, link_of, saved_page
from tests.site.pages import Item, detail_page, list_page, rss

NOW = datetime(2026, 11, 18, 2, 30, tzinfo=UTC)
ITEMS = [
    Item(
        path=f"/a/{n}",
        title=f"澜禾破壁机第{n}次漏底",
        text=f"第{n}次漏了，{n}楼都听见。",
        published=NOW,
    )
    for n in range(1, 6)
]


def source(**given) -> SourceConfig:
    rules = {
        "id": "bbs",
        "name": "论坛",
        "kind": "list_detail",
        "start": "https://bbs.example.cn/list?p={page}",
        "list": {
            "item": "css:ul.list > li",
            "fields": {"url": "css:a::attr(href)", "title": "css:a::text"},
        },
        "detail": {"fields": {"title": "css:h1::text", "text": "css:.content"}},
    }
    return SourceConfig.model_validate({**rules, **given})


def page(body: bytes | str, url: str = "https://bbs.example.cn/list?p=1") -> Taken:
    raw = body.encode() if isinstance(body, str) else body
    return Taken(fetched=Fetched(url=url, status=200, body=raw))


def scrubbed(text: str, *secrets: str) -> str:
    clean, _ = scrub(page(text), secrets, source())
    return clean.fetched.body.decode()


@pytest.mark.parametrize(
    ("written", "gone"),
    [
        ("客服邮箱 zhang.san@example-shop.cn 请联系", "zhang.san@"),
        ("请拨打13912345678转售后", "13912345678"),
        ("电话 139-1234-5678", "1234-5678"),
        ("+86 13912345678", "13912345678"),
        ('<input type="hidden" name="csrf_token" value="a1b2c3d4e5">', "a1b2c3d4e5"),
        ('<meta name="csrf-token" content="a1b2c3d4e5">', "a1b2c3d4e5"),
        ('<script>var access_token = "9f8e7d6c5b4a";</script>', "9f8e7d6c5b4a"),
        ('{"sessionId":"9f8e7d6c5b4a0000"}', "9f8e7d6c5b4a0000"),
        ('<a href="/go?token=9f8e7d6c5b4a&amp;id=3">去</a>', "9f8e7d6c5b4a"),
        ('document.cookie = "uid=77; path=/"', "uid=77"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefgh", "eyJzdWIi"),
        ("Authorization: Bearer abcdef.12345678", "abcdef.12345678"),
    ],
)
def test_what_is_nobodys_business_is_taken_out(written, gone):
    assert gone not in scrubbed(written)


@pytest.mark.parametrize(
    "kept",
    [
        "澜禾养生壶 K2 编号 20261122001 的批次",
        '<a href="/thread/13912345678.html">标题</a>',
        '<img src="logo@2x.png">',
        "他说 token 是什么意思",
        "时间戳 1763781234567 毫秒",
        "密码 password: 请联系客服",
    ],
)
def test_ordinary_text_is_left_alone(kept):
    assert scrubbed(kept) == kept


def test_equal_numbers_stay_equal_and_belong_to_nobody():
    text = scrubbed("甲 13912345678，乙 13812345678，又是甲 13912345678")

    first, second, third = text.replace("，", " ").split()[1::2]
    assert first == third != second
    assert first.startswith("100")


def test_secrets_of_the_source_are_found_wherever_they_stand():
    taken = page("你好，k3y-of-ours！", "https://bbs.example.cn/api?x=k3y-of-ours")

    clean, counts = scrub(taken, ["k3y-of-ours"], source())

    assert "k3y-of-ours" not in clean.fetched.body.decode() + clean.fetched.url
    assert counts["secrets"] == 1


@pytest.mark.parametrize("charset", ["gbk", "gb18030", "big5", "utf-8"])
def test_charsets_survive_scrubbing(charset):
    text = (
        "漏水了打電話 13912345678 給客服"
        if charset == "big5"
        else "漏水了打电话 13912345678 给客服镕"
    )
    body = f'<html><meta charset="{charset}"><body>{text * 4}</body></html>'.encode(charset)

    clean, _ = scrub(page(body), (), source())

    after = clean.fetched.body.decode(charset)
    assert "13912345678" not in after
    assert text.split("1391", maxsplit=1)[0] in after


def test_a_good_page_is_expected_to_be_read_as_it_is():
    fixture = record(source(), "list", page(list_page(ITEMS)), NOW)

    assert fixture.expected["items"] == 5
    assert fixture.expected["links"][0]["url"] == "https://bbs.example.cn/a/1"
    assert json.loads(json.dumps(fixture.expected)) == fixture.expected
    assert differences(fixture.expected, reading(source(), fixture.page, fixture.now)) == []


def test_a_bad_page_is_expected_to_be_read_one_day():
    fixture = record(source(), "bad", page("<html><body><p>改版了</p></body></html>"), NOW)
    as_is = record(
        source(), "bad", page("<html><body><p>改版了</p></body></html>"), NOW, as_is=True
    )

    assert fixture.expected == CONTRACT
    found = differences(fixture.expected, reading(source(), fixture.page, NOW))
    assert found[:2] == [
        "failure：期望 空，得到 “layout changed”",
        "unmet：期望 0 个，得到 1 个",
    ]
    assert as_is.expected["failure"] == "layout changed"


def test_the_clock_is_frozen_with_the_page():
    feed = source(kind="feed", list=None, detail=None, start="https://bbs.example.cn/feed")
    body = rss("https://bbs.example.cn", ITEMS[:1])

    fixture = record(feed, "feed", page(body), NOW)

    assert fixture.expected["mentions"][0]["published_at"] == NOW.isoformat()
    assert "observed_at" not in fixture.expected["mentions"][0]


def test_a_link_comes_back_as_it_was():
    first = page(list_page(ITEMS))
    link = link_of(source(), first, NOW)
    assert link is not None

    assert link_of_said(link_said(link), source(), NOW) == link


def test_a_detail_page_is_recorded_with_what_the_list_said():
    link = link_of(source(), page(list_page(ITEMS)), NOW)
    taken = Taken(
        fetched=Fetched(url="https://bbs.example.cn/a/1", status=200, body=detail_page(ITEMS[0])),
        link=link,
    )

    fixture = record(source(), "detail", taken, NOW)

    assert fixture.expected["mentions"][0]["text"] == ITEMS[0].text


def test_differences_name_place_and_both_values():
    expected = {"mentions": [{"title": "甲"}, {"title": "乙", "author": "老王"}], "items": 2}
    found = {"mentions": [{"title": "甲乙"}, {"title": "乙"}, {"title": "丙"}], "items": 3, "x": 1}

    assert differences(expected, found) == [
        "mentions：期望 2 个，得到 3 个",
        "mentions[1].title：期望 “甲”，得到 “甲乙”",
        "mentions[2].author：期望 “老王”，得到 没有",
        "mentions[3]：多了 “丙”",
        "items：期望 2，得到 3",
    ]


def test_long_texts_are_shown_where_they_begin_to_differ():
    [line] = differences({"text": "前" * 500 + "甲"}, {"text": "前" * 500 + "乙"})

    assert "甲”" in line
    assert "乙”" in line
    assert len(line) < 160


def test_scrubbing_takes_linear_time_on_hostile_pages():
    hostile = "token" * 40_000 + "<input " * 20_000 + "a@" * 50_000 + "eyJ" * 30_000

    assert len(scrubbed(hostile)) > 0


def test_removed_is_what_stands_there_instead():
    assert REMOVED in scrubbed('<meta name="csrf-token" content="a1b2c3d4e5">')


def test_a_saved_page_behind_the_list_is_told_by_its_address():
    body = detail_page(ITEMS[0])

    taken = saved_page(source(), body, "https://bbs.example.cn/a/1", NOW)

    assert taken.link is not None
    assert taken.link.kind == "detail"


@given(
    st.binary(max_size=400)
    | st.text(max_size=200).map(lambda text: text.encode("gb18030", "ignore"))
)
def test_any_bytes_are_scrubbed_once_and_for_all(body):
    once, _ = scrub(page(body), (), source())
    twice, counts = scrub(once, (), source())

    assert twice.fetched.body == once.fetched.body
    assert not {"emails", "phones"} & set(counts) or "example.com" in once.fetched.body.decode(
        "latin-1"
    )


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        ),
    )
)
def test_a_reading_never_differs_from_itself(value):
    assert differences({"x": value}, {"x": value}) == []
