from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from config.schema import SourceConfig
from crawlers.pages import parse_detail, parse_list
from storage.records import DetailLink, FetchCause, SourceId
from tests.crawlers.conftest import NOW
from tests.site.pages import Item, detail_page, list_page

BASE = "https://tousu.example.cn"
URL = f"{BASE}/list?p=1"
RULES = {
    "id": "one",
    "name": "一",
    "kind": "list_detail",
    "start": URL,
    "platform": "投诉网",
    "list": {
        "item": "css:ul.list > li",
        "fields": {
            "url": "css:a::attr(href)",
            "title": "css:a::text",
            "published": "css:.time::text",
        },
    },
    "detail": {
        "fields": {
            "title": "css:h1::text",
            "text": "css:.content",
            "author": {"sel": "css:.author::text", "re": "作者[:：]\\s*(.+)", "optional": True},
        }
    },
    "url": {"id_from": "re2:/complaint/(\\d+)"},
}
SOURCE = SourceConfig.model_validate(RULES)
ITEM = Item(
    path="/complaint/17741?share_token=9",
    title="净水机漏水",
    text="装上第三天就漏水\n地板都泡坏了",
    author="清扬",
    published=datetime(2026, 11, 18, 9, 12),  # noqa: DTZ001 - as the page writes it, in Shanghai
)


def source_with(**given):
    return SourceConfig.model_validate({**RULES, **given})


def listed(body, source=SOURCE, **given):
    return parse_list(body, URL, "", source, NOW, **given)


def detail(body, source=SOURCE, **given):
    link = DetailLink(
        url_hash="x",
        source_id=SourceId("one"),
        url=BASE + ITEM.path,
        listed=given.pop("listed", {}),
    )
    return parse_detail(body, link.url, "", source, link, now=NOW, **given)


def test_list_gives_links_with_what_it_already_says():
    link = listed(list_page([ITEM]), history=True).links[0]

    assert link.url == BASE + ITEM.path
    assert link.listed == {"title": "净水机漏水", "published_at": "2026-11-18T01:12:00+00:00"}
    assert (link.source_id, link.found_at, link.history) == ("one", NOW, True)


def test_detail_takes_from_the_list_what_it_does_not_say():
    page = detail_page(ITEM).replace(b'class="date"', b'class="other"')

    raw = detail(page, listed={"published_at": "2026-11-18T01:12:00+00:00"}).raws[0]

    assert (raw.title, raw.text, raw.author) == (ITEM.title, ITEM.text, "清扬")
    assert raw.published_at == datetime(2026, 11, 18, 1, 12, tzinfo=UTC)
    assert (raw.native_id, raw.platform) == ("17741", "投诉网")
    assert raw.canonical_url == f"{BASE}/complaint/17741"


def test_relative_date_of_a_list_is_read_when_it_is_listed():
    html = list_page([ITEM]).decode().replace("2026-11-18 09:12", "3分钟前")

    link = listed(html.encode()).links[0]

    assert link.listed["published_at"] == (NOW - timedelta(minutes=3)).isoformat()


def test_dividers_and_repeated_items_are_left_out():
    page = list_page([ITEM, ITEM]).replace(b"</ul>", b"<li>advertisement</li></ul>")

    found = listed(page)

    assert (len(found.links), found.items, found.unreadable) == (1, 3, 1)


def test_base_element_is_honoured():
    page = list_page([ITEM]).replace(
        b"<title>", b'<base href="https://other.example.cn/x/"><title>'
    )

    assert listed(page).links[0].url.startswith("https://other.example.cn/complaint/")


@pytest.mark.parametrize("link", ["javascript:void(0)", "mailto:a@b.cn", "http://[", "", "#"])
def test_item_without_a_web_address_gives_no_link(link):
    page = list_page([ITEM]).decode().replace(ITEM.path, link)

    found = listed(page.encode())

    # "#" is this very page: nothing but the list itself
    assert [item.url for item in found.links if item.url.partition("#")[0] != URL] == []


def test_selector_that_finds_nothing_means_a_new_layout():
    found = listed("<html><body><table><tr><td>新版</td></tr></table></body></html>".encode())

    assert found.failure.cause is FetchCause.LAYOUT
    assert "css:ul.list > li" in found.failure.text


def test_captcha_page_is_named_but_the_word_in_a_complaint_is_not():
    wall = "<html><body>访问过于频繁，请完成安全验证</body></html>".encode()
    story = list_page([Item(path="/complaint/1", title="注册时收不到验证码", text="")])

    assert listed(wall).failure.cause is FetchCause.CAPTCHA
    assert listed(story).failure is None


def test_mostly_missing_field_breaks_the_contract():
    source = source_with(expect={"min_items": 5, "required": ["url", "published"]})
    page = list_page([Item(path=f"/complaint/{n}", title="t", text="") for n in range(4)])

    assert listed(page, source).unmet == (
        "只找到 4 条，预期至少 5 条",
        "字段 published 只在 0/4 条中找到",
    )


def test_next_page_is_absolute_and_never_the_same():
    source = source_with(pages={"max": 3, "next": "css:a.next"})
    again = "/list?p=1"

    assert listed(list_page([ITEM], next_path="/list?p=2"), source).next_url == f"{BASE}/list?p=2"
    assert listed(list_page([ITEM], next_path=again), source).next_url == ""


def test_detail_without_its_text_is_a_failure_and_not_an_empty_mention():
    page = detail_page(ITEM).replace(b'class="content"', b'class="article"')

    found = detail(page)

    assert (found.raws, found.failure.cause) == ((), FetchCause.LAYOUT)


def test_optional_field_may_be_missing_and_a_required_one_is_said():
    page = detail_page(ITEM).replace("作者：".encode(), b"").replace(b"<h1>", b"<h2>")

    found = detail(page, listed={"title": "来自列表的标题"})

    assert found.raws[0].title == "来自列表的标题"
    assert found.raws[0].author == ""
    assert found.problems == ()


def test_content_auto_needs_no_selectors():
    story = "装上第三天就漏水，地板都泡坏了，客服让等通知。" * 8
    item = Item(path="/complaint/2", title="净水机漏水没人管", text=story)

    found = detail(detail_page(item), source_with(detail={"content": "auto"}))

    assert found.raws[0].text == story
    assert found.raws[0].title == "净水机漏水没人管"


def test_counts_and_ratings_are_numbers():
    rules = {
        **RULES["list"]["fields"],
        "likes": "css:.likes::text",
        "rating": "css:.star::attr(data-score)",
        "region": "css:.where::text",
    }
    source = source_with(detail=None, list={"item": "css:ul.list > li", "fields": rules})
    extra = (
        '<span class="likes">1.2万</span><i class="star" data-score="2.5"></i>'
        '<b class="where">浙江</b></li>'
    )
    page = list_page([ITEM]).decode().replace("</li>", extra)

    raw = listed(page.encode(), source).raws[0]

    assert (raw.likes, raw.rating, raw.region, raw.views) == (12000, 2.5, "浙江", None)


@pytest.mark.parametrize(
    ("lang", "title", "expected"),
    [
        ("auto", "电饭煲 trips the fuse", "zh"),
        ("auto", "rice cooker broke", "en"),
        ("zh", "abc", "zh"),
    ],
)
def test_language_is_the_sources_or_seen_in_the_text(lang, title, expected):
    source = source_with(lang=lang, detail=None)

    assert (
        listed(list_page([Item(path="/1", title=title, text="")]), source).raws[0].lang == expected
    )


@pytest.mark.parametrize("body", [b"", b"\x00", b"\xff\xfe\x00", b"<", b"<ul class=list>"])
def test_any_bytes_are_read_or_named(body):
    assert listed(body).failure is not None
    assert detail(body).failure is not None
