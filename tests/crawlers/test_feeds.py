from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.schema import SourceConfig
from crawlers.feeds import MAX_ENTRIES, parse_feed
from storage.records import FetchCause
from tests.crawlers.conftest import NOW
from tests.site.pages import Item, atom, rss

BASE = "https://news.example.cn"
URL = f"{BASE}/feed.xml"
SOURCE = SourceConfig.model_validate({"id": "one", "name": "一", "kind": "feed", "start": URL})
ITEM = Item(
    path="/a/1",
    title="烤箱 <新款> & 门",
    text="玻璃门炸了，幸好孩子不在旁边 <真事> & 有照片",
    author="小满",
    published=NOW - timedelta(hours=3),
)


def read(body, source=SOURCE, **given):
    return parse_feed(body, URL, given.pop("charset", ""), source, NOW, **given)


def rss_with(inner: str, head: str = '<?xml version="1.0"?>') -> bytes:
    return f"{head}<rss version='2.0'><channel><title>t</title>{inner}</channel></rss>".encode()


@pytest.mark.parametrize("make", [rss, atom])
@pytest.mark.parametrize("count", [1, 3])
def test_titles_texts_authors_and_dates_are_read(make, count):
    items = [replace(ITEM, path=f"/a/{number}") for number in range(count)]

    found = read(make(BASE, items))

    assert [(raw.title, raw.text, raw.author, raw.published_at) for raw in found.raws] == [
        (ITEM.title, ITEM.text, "小满", ITEM.published)
    ] * count
    assert [raw.url for raw in found.raws] == [f"{BASE}/a/{number}" for number in range(count)]
    assert (found.failure, found.unmet, found.problems) == (None, (), ())


def test_json_feed_is_read():
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "items": [
            {
                "id": "1",
                "url": "/a/1",
                "title": "A & B",
                "content_html": "<p>一</p><p>二</p>",
                "authors": [{"name": "小满"}],
                "date_published": "2026-11-18T08:00:00+08:00",
            },
            {"id": "2", "url": f"{BASE}/a/2", "content_text": "1 < 2"},
        ],
    }

    first, second = read(json.dumps(feed).encode()).raws

    assert (first.title, first.text, first.author) == ("A & B", "一\n二", "小满")
    assert first.url == f"{BASE}/a/1"
    assert first.published_at == datetime(2026, 11, 18, tzinfo=UTC)
    assert second.text == "1 < 2"


@pytest.mark.parametrize("encoding", ["gb2312", "gbk", "gb18030", "big5", "utf-16"])
def test_feed_in_another_charset_is_read(encoding):
    text = "洗衣機漏水" if encoding == "big5" else "洗衣机漏水"

    found = read(rss(BASE, [replace(ITEM, title=text, text=text)], encoding=encoding))

    assert [(raw.title, raw.text) for raw in found.raws] == [(text, text)]


def test_gbk_that_claims_to_be_utf8_is_read():
    body = rss(BASE, [ITEM]).decode().encode("gbk")

    assert read(body, charset="utf-8").raws[0].title == ITEM.title


def test_one_broken_byte_does_not_break_the_feed():
    body = rss(BASE, [ITEM]).replace("幸好".encode(), "幸".encode() + b"\xff" + "好".encode())

    assert read(body).raws[0].text == ITEM.text.replace("幸好", "幸\ufffd好")


@pytest.mark.parametrize(
    ("inner", "title"),
    [
        ("<item><title>A & B</title><link>/1</link></item>", "A & B"),
        ("<item><title>A &amp; B</title><link>/1</link></item>", "A & B"),
        ("<item><title>A&nbsp;B &hellip;</title><link>/1</link></item>", "A B …"),
        ("<item><title>A &#x42; &#0;</title><link>/1</link></item>", "A B"),
        ("<item><title><![CDATA[A & <b>B</b>]]></title><link>/1</link></item>", "A & B"),
        ("<item><title>A\x08\x0bB</title><link>/1?a=1&b=2</link></item>", "AB"),
        ("<item><title>A &unknown; B</title><link>/1</link></item>", "A &unknown; B"),
    ],
)
def test_ill_formed_text_is_mended(inner, title):
    found = read(rss_with(inner))

    assert [raw.title or raw.text for raw in found.raws] == [title]
    assert found.raws[0].url.startswith(f"{BASE}/1")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Wed, 18 Nov 2026 08:00:00 +0800", datetime(2026, 11, 18, tzinfo=UTC)),
        ("2026-11-18 08:00:00", datetime(2026, 11, 18, tzinfo=UTC)),
        ("2小时前", NOW - timedelta(hours=2)),
        ("昨天 10:30", NOW - timedelta(days=1)),
        ("Wed, 18 Nov 2026 00:00:00 GMT", datetime(2026, 11, 18, tzinfo=UTC)),
    ],
)
def test_dates_without_a_zone_are_the_sources_own(written, expected):
    inner = f"<item><title>t</title><link>/1</link><pubDate>{written}</pubDate></item>"

    assert read(rss_with(inner)).raws[0].published_at == expected


def test_future_date_is_clamped_and_said():
    inner = "<item><title>预告</title><link>/1</link><pubDate>2027-01-01 00:00</pubDate></item>"

    found = read(rss_with(inner))

    assert found.raws[0].published_at == NOW
    assert "future" in found.problems[0]


def test_unreadable_date_is_left_out_and_said():
    inner = "<item><title>预告</title><link>/1</link><pubDate>改天</pubDate></item>"

    found = read(rss_with(inner))

    assert found.raws[0].published_at is None
    assert "改天" in found.problems[0]


def test_entry_with_nothing_to_say_is_counted_and_the_rest_kept():
    inner = "<item><link>/1</link></item><item><title>有话</title><link>/2</link></item>"

    found = read(rss_with(inner))

    assert (len(found.raws), found.unreadable) == (1, 1)


def test_link_that_is_no_web_address_is_left_out():
    inner = "<item><title>有话</title><link>javascript:alert(1)</link><guid>g1</guid></item>"

    raw = read(rss_with(inner)).raws[0]

    assert (raw.url, raw.canonical_url, raw.native_id) == ("", "", "one/g1")


def test_entries_that_share_one_link_are_told_apart_by_their_guid():
    inner = "".join(
        f"<item><title>第{n}条</title><link>{BASE}/</link><guid>g{n}</guid></item>" for n in (1, 2)
    )

    found = read(rss_with(inner))

    assert [raw.native_id for raw in found.raws] == ["one/g1", "one/g2"]
    assert len(set(found.keys)) == 2


def test_feed_with_detail_rules_gives_links_with_what_the_feed_says():
    source = SOURCE.model_copy(
        update={
            "detail": SourceConfig.model_fields["detail"].annotation.__args__[0](content="auto")
        }
    )

    found = read(rss(BASE, [ITEM]), source, history=True)

    assert found.raws == ()
    assert (found.links[0].url, found.links[0].history) == (f"{BASE}/a/1", True)
    assert found.links[0].listed["title"] == ITEM.title
    assert found.links[0].listed["published_at"] == ITEM.published.isoformat()


BILLION_LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">'
    + "".join(f'<!ENTITY lol{n} "{f"&lol{n - 1};" * 10}">' for n in range(1, 10))
    + "]><rss><channel><item><title>&lol9;</title></item></channel></rss>"
)


@pytest.mark.parametrize(
    "body",
    [
        BILLION_LAUGHS.encode(),
        b"<rss><channel>" + b"<a>" * 100_000,
        b"<rss><channel><item><title>" + b"<![CDATA[" * 100_000,
        b"<rss><channel>" + b"<!--" * 200_000,
        b"<!--" + b"--><!--" * 200_000,
        b"<rss>" + b"&" * 200_000,
        b"<rss><channel>" + b"<item " * 100_000,
        b"{" * 500_000,
        b'{"version": "https://jsonfeed.org/version/1", "items": ' + b"[" * 100_000,
    ],
)
def test_hostile_feed_is_refused_or_read_within_two_seconds(body):
    started = time.process_time()

    found = read(body)

    assert time.process_time() - started < 2
    assert found.raws == ()
    assert found.failure or found.unmet


def test_endless_feed_is_cut():
    entry = "<item><title>跳闸</title><link>/{0}</link></item>"
    body = rss_with("".join(entry.format(n) for n in range(MAX_ENTRIES + 500)))

    found = read(body)

    assert len(found.raws) == MAX_ENTRIES
    assert "very long" in found.problems[0]


def test_empty_feed_is_fine_where_nothing_is_expected():
    source = SOURCE.model_copy(update={"expect": SOURCE.expect.model_copy(update={"min_items": 0})})

    found = read(rss(BASE, []), source)

    assert (found.failure, found.unmet) == (None, ())


def test_half_a_feed_gives_its_whole_entries_and_says_so():
    body = rss(BASE, [replace(ITEM, path=f"/a/{n}") for n in range(5)])

    found = read(body[: len(body) * 2 // 3])

    assert 2 <= len(found.raws) <= 4
    assert "not well-formed" in found.problems[0]


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"", FetchCause.EMPTY),
        (b"<html><title>404</title></html>", FetchCause.UNREADABLE),
        (b"<!DOCTYPE html><html><body>x <feed></body></html>", FetchCause.UNREADABLE),
        (b'{"error": 1}', FetchCause.UNREADABLE),
        (b"%PDF-1.4", FetchCause.UNREADABLE),
        ("<html>请先登录后查看</html>".encode(), FetchCause.LOGIN),
    ],
)
def test_what_is_no_feed_is_named(body, cause):
    assert read(body).failure.cause is cause


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_named(body):
    found = read(b"<rss><channel>" + body)

    assert found.failure is not None or found.items >= 0
