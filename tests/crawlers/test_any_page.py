"""Whatever a server sends, for every kind of source: an answer with a reason, never an exception."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.load import load_source
from crawlers.readers import first_page, has_links, next_page, read_link, read_page, starts
from storage.records import DetailLink, SourceId
from tests.crawlers.conftest import NOW
from tests.crawlers.test_kinds import answer
from tests.crawlers.test_reviews import atom, page, review
from tests.site.forum import Post, board, thread
from tests.site.pages import Item, list_page, rss
from tests.site.pages import atom as atom_feed

KINDS = Path(__file__).parents[1] / "config" / "kinds"
SOURCES = [load_source(path, environ={}) for path in sorted(KINDS.glob("*.yaml"))]
ITEMS = [Item(path="/a/1", title="澜禾跳闸", text="正文", author="小满", published=NOW)]
POSTS = [Post(author="用户", text="我的也跳闸", at=NOW, pid=8)]
URL = "https://a.example.cn/x?p=1"
GOOD = [
    rss(URL, ITEMS),
    atom_feed(URL, ITEMS),
    list_page(ITEMS, next_path="/next"),
    answer(1, 2, next="abc").encode(),
    page(review(1)).encode(),
    atom(1).encode(),
    board([("/t-1.html", "标题", NOW)]),
    thread("标题", POSTS, next_path="/t-2.html"),
    b"<urlset><url><loc>https://a.example.cn/2026/1</loc><lastmod>2026-11-18</lastmod></url></urlset>",
    b"<sitemapindex><sitemap><loc>https://a.example.cn/1.xml</loc></sitemap></sitemapindex>",
    json.dumps({"data": {"list": [None, 3, "x", [], {"id": {}, "title": ["a", {}]}]}}).encode(),
]
_PIECES = [
    *(
        b"\x00",
        b"\xff\xfe",
        b"<",
        b"&",
        b"]]>",
        b"<![CDATA[",
        b"{",
        b'"',
        b"\\ud800",
        b"\xed\xa0\x80",
    ),
    *(b"<!DOCTYPE x [", b"&#xD800;", b"http://[::1", b"javascript:x", b"9" * 30, b"-1", b"\r\n"),
    *(b"//", b"#", b"2026-13-45", b"9999-12-31T23:59:59+14:00", b"0001-01-01T00:00:00+14:00"),
]


@st.composite
def bodies(draw):
    """A good page of some kind with bytes cut out, put in or replaced; or any bytes at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    body = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(body)))
        gone = draw(st.integers(0, 30))
        put = draw(st.sampled_from(_PIECES))
        body = body[:at] + put + body[at + gone :]
    return body


@settings(max_examples=200, deadline=None)
@given(
    source=st.sampled_from(SOURCES),
    body=bodies(),
    charset=st.sampled_from(["", "gbk", "utf-8", "nonsense"]),
)
def test_any_page_of_any_kind_is_read_or_named(source, body, charset):
    start = starts(source)[0]

    parsed = read_page(body, first_page(source, start), charset, source, NOW, trace=True)

    assert parsed.items >= len(parsed.raws)
    assert all(raw.text for raw in parsed.raws)
    assert all(link.url.startswith(("http://", "https://")) for link in parsed.links)
    assert {link.url_hash for link in parsed.links} <= set(parsed.keys)
    assert (re.match(r"https?://|$", next_page(source, start, parsed, 1))) is not None
    # what goes to the store must be text that a database takes
    json.dumps([raw.text + raw.title + raw.author + raw.native_id for raw in parsed.raws])
    "".join(raw.native_id + raw.canonical_url for raw in parsed.raws).encode(errors="replace")


@settings(max_examples=150, deadline=None)
@given(
    source=st.sampled_from([source for source in SOURCES if has_links(source)]),
    body=bodies(),
    kind=st.sampled_from(["detail", "thread", "sitemap"]),
)
def test_any_page_behind_a_link_is_read_or_named(source, body, kind):
    if (kind == "thread") != (source.kind == "forum_thread"):
        kind = "thread" if source.kind == "forum_thread" else "detail"
    link = DetailLink(url_hash="x", source_id=SourceId(source.id), url=URL, kind=kind)

    parsed = read_link(body, URL, "", source, link, now=NOW, trace=True)

    assert all(raw.text for raw in parsed.raws)
    assert all(found.url.startswith(("http://", "https://")) for found in parsed.links)
    assert parsed.failure is None or parsed.failure.text


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.id)
def test_empty_page_is_a_named_failure_of_every_kind(source):
    parsed = read_page(b"", URL, "", source, NOW)

    assert parsed.failure is not None
    assert parsed.failure.text
