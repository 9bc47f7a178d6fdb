"""The library's files against answers in the published formats that they rely on, written here."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from config import library
from config.keywords import expanded
from config.load import load_source
from config.schema import Brand
from crawlers.readers import first_page, read_link, read_page, starts
from storage.records import DetailLink
from tests.crawlers.conftest import NOW
from tests.site.pages import Item, rss

LANHE = Brand.model_validate({"id": "lanhe", "name": "澜禾", "aliases": ["Lanhe"]})


def _source(entry_id):
    entry = library.entry(entry_id)
    environ = {place.name: place.example for place in entry.places}
    return expanded(load_source(entry.path, environ=environ), [LANHE])


def _read(entry_id, body, url=None, charset="utf-8"):
    source = _source(entry_id)
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    start = starts(source)[0]
    parsed = read_page(raw, url or first_page(source, start), charset, source, NOW)
    assert parsed.failure is None, parsed.failure
    assert not parsed.unmet, parsed.unmet
    return source, parsed


def test_v2ex():
    topic = {
        "id": 1200345,
        "title": "澜禾养生壶换了两次还是漏水",
        "url": "https://www.v2ex.com/t/1200345",
        "content": "第一次换货等了九天。",
        "created": int(NOW.timestamp()) - 600,
        "replies": 17,
        "member": {"id": 9, "username": "qiuyu"},
        "node": {"name": "life", "title": "生活"},
    }
    _, parsed = _read("v2ex-topics", [{**topic, "id": n} for n in range(1, 6)])

    first = parsed.raws[0]
    assert (first.title, first.author, first.comments) == (topic["title"], "qiuyu", 17)
    assert first.published_at == datetime.fromtimestamp(topic["created"], UTC)
    assert first.native_id == "1"


def test_discourse_search():
    post = {
        "id": 88,
        "username": "akiu",
        "created_at": "2026-11-17T09:30:00.000Z",
        "blurb": "澜禾 的炸锅门把手松了",
        "like_count": 3,
        "post_number": 4,
        "topic_id": 501,
    }
    _, parsed = _read("discourse-search", {"posts": [post], "topics": []})

    raw = parsed.raws[0]
    assert raw.url == "https://community.example.com/t/501/4"
    assert (raw.text, raw.likes) == (post["blurb"], 3)


def test_mastodon():
    status = {
        "uri": "https://m.example/users/a/statuses/1",
        "url": "https://m.example/@a/1",
        "content": "<p>澜禾的壶盖<br>又裂了</p>",
        "created_at": "2026-11-18T01:00:00.000Z",
        "account": {"acct": "a@m.example"},
        "reblogs_count": 2,
        "replies_count": 0,
        "favourites_count": 5,
    }
    source, parsed = _read("mastodon-tag", [status])

    raw = parsed.raws[0]
    assert "又裂了" in raw.text
    assert "<p>" not in raw.text
    assert (raw.reposts, raw.comments, raw.likes) == (2, 0, 5)
    assert source.start[0].startswith("https://mastodon.social/api/v1/timelines/tag/%E6%BE%9C")


def test_gdelt():
    article = {
        "url": "https://news.example.cn/a/1.html",
        "title": "澜禾回应养生壶冒烟",
        "seendate": "20261118T013000Z",
        "domain": "news.example.cn",
        "language": "Chinese",
    }
    source, parsed = _read("gdelt-news", {"articles": [article]})

    assert parsed.raws[0].published_at == datetime(2026, 11, 18, 1, 30, tzinfo=UTC)
    assert len(source.start) == 2


def test_nothing_found_is_no_failure():
    for entry_id, body in (("gdelt-news", {}), ("cpsc-api", []), ("mastodon-tag", [])):
        _, parsed = _read(entry_id, body)
        assert parsed.raws == ()


def test_cpsc():
    recall = {
        "RecallID": 10012,
        "RecallNumber": "27012",
        "RecallDate": "2026-11-12T00:00:00",
        "Title": "Lanhe Recalls Electric Kettles Due to Burn Hazard",
        "Description": "This recall involves K2 kettles.",
        "URL": "https://www.cpsc.gov/Recalls/2027/lanhe-kettles",
    }
    _, parsed = _read("cpsc-api", [recall])

    raw = parsed.raws[0]
    assert (raw.native_id, raw.title) == ("27012", recall["Title"])
    assert raw.published_at == datetime(2026, 11, 12, 5, tzinfo=UTC)


def test_nhtsa():
    recall = {
        "NHTSACampaignNumber": "26V123000",
        "Component": "ELECTRICAL SYSTEM",
        "Summary": "The pump may stop.",
        "Consequence": None,
    }
    _, parsed = _read("nhtsa-recalls", {"Count": 1, "results": [recall]})

    raw = parsed.raws[0]
    assert raw.url.endswith("nhtsaId=26V123000")
    assert raw.text.strip() == "The pump may stop."


# The rows and posts of Discuz! X's own template, as its source writes them.
ROW = """<tbody id="normalthread_{n}"><tr><td class="icn"></td><th class="common">
<em>[<a href="forum.php?mod=forumdisplay&amp;fid=2&amp;typeid=5">售后</a>]</em>
<a href="forum.php?mod=viewthread&amp;tid={n}&amp;extra=page%3D1" onclick="atarget(this)" class="s xst">{title}</a></th>
<td class="by"><cite><a href="home.php?mod=space&amp;uid=7" c="1">阿秋</a></cite><em><span>2026-11-17</span></em></td>
<td class="num"><a href="forum.php?mod=viewthread&amp;tid={n}" class="xi2">12</a><em>345</em></td></tr></tbody>"""
LIST = (
    '<div id="threadlist"><table summary="forum_2"><tbody id="stickthread_1"><tr><th>'
    '<a class="s xst" href="forum.php?mod=viewthread&amp;tid=1">版规</a></th></tr></tbody>{rows}</table></div>'
)
POST = """<div id="post_{pid}"><table id="pid{pid}" class="plhin"><tr><td class="pls"><div class="pls favatar">
<div class="pi"><div class="authi"><a href="home.php?mod=space&amp;uid=7" target="_blank" class="xw1">{author}</a></div></div></div></td>
<td class="plc"><div class="pi"><div class="pti"><div class="authi"><img class="authicn vm" id="authicon{pid}">
<em id="authorposton{pid}">发表于 <span title="2026-11-17 20:1{k}:05">昨天&nbsp;20:1{k}</span></em></div></div></div>
<div class="pct"><div class="t_fsz"><table><tr><td class="t_f" id="postmessage_{pid}">{text}</td></tr></table></div></div></td></tr></table></div>"""
THREAD = (
    '<span id="thread_subject">{title}</span><div id="postlist" class="pl bm"><table></table>{posts}'
    '<div id="postlistreply" class="pl"></div></div><div class="pgs"><div class="pg"><strong>1</strong>'
    '<a href="forum.php?mod=viewthread&amp;tid=31&amp;extra=page%3D1&amp;page=2" class="nxt">下一页</a></div></div>'
)


def _list_page():
    rows = "".join(ROW.format(n=30 + n, title=f"澜禾壶盖问题{n}") for n in range(1, 7))
    return f"<html><body>{LIST.format(rows=rows)}</body></html>".encode("gbk")


@pytest.mark.parametrize("entry_id", ["discuz-thread", "discuz-topics"])
def test_discuz_lists(entry_id):
    _, parsed = _read(entry_id, _list_page(), charset="gbk")

    assert len(parsed.links) == 6
    assert "tid=31" in parsed.links[0].url
    assert parsed.links[0].listed["title"] == "澜禾壶盖问题1"


def test_discuz_threads_post_by_post():
    source = _source("discuz-thread")
    said = ("用了三天壶盖就合不上", "同款，客服不理人", "已经打12315了")
    posts = "".join(
        POST.format(pid=900 + k, k=k, author=f"用户{k}", text=text) for k, text in enumerate(said)
    )
    body = f"<html><body>{THREAD.format(title='壶盖', posts=posts)}</body></html>".encode("gbk")
    url = "https://bbs.example.com/forum.php?mod=viewthread&tid=31&extra=page%3D1"
    link = DetailLink(
        url_hash="h", source_id="discuz-thread", url=url, kind="thread", listed={"title": "壶盖"}
    )
    found = read_link(body, url, "gbk", source, link, now=NOW)

    assert found.failure is None
    assert [raw.text for raw in found.raws] == list(said)
    assert [raw.author for raw in found.raws] == ["用户0", "用户1", "用户2"]
    assert found.raws[1].published_at == datetime(2026, 11, 17, 12, 11, 5, tzinfo=UTC)
    assert any("page=2" in link.url for link in found.links)


def test_recall_notices_are_known_by_the_shape_of_their_addresses():
    page = """<html><body><ul class="whatever"><li><a href="./202611/t20261117_120001.html"
    title="某某汽车有限公司召回部分电动汽车">某某汽车有限公司召回部分…</a></li>
    <li><a href="/qczh/qczhgg1/202611/t20261116_120000.html">又一家召回</a></li>
    <li><a href="/qczh/qczhgg1/202611/t20261115_119999.html">第三家召回</a></li>
    <li><a href="/about.html">关于我们</a></li></ul></body></html>"""
    _, parsed = _read("dpac-auto-recall", page.encode())

    assert [link.url.rpartition("/")[2] for link in parsed.links] == [
        "t20261117_120001.html",
        "t20261116_120000.html",
        "t20261115_119999.html",
    ]
    assert parsed.links[0].listed["title"] == "某某汽车有限公司召回部分电动汽车"


def test_news_of_the_regulator():
    rows = "".join(f'<a href="/xw/zj/art/2026/art_{n:032x}.html">通报{n}</a>' for n in range(4))
    _, parsed = _read("samr-news", f"<html><body>{rows}</body></html>".encode())

    assert len(parsed.links) == 4


@pytest.mark.parametrize(
    "entry_id", ["rsshub-weibo-hot", "rsshub-baidu-hot", "rsshub-bilibili-hot", "rsshub-zhihu-hot"]
)
def test_hot_lists_give_ranked_entries(entry_id):
    items = [Item(path=f"/s?q={n}", title=f"热词{n}", text="") for n in range(1, 8)]
    _, parsed = _read(entry_id, rss("https://s.example.com", items))

    assert [(entry.rank, entry.title) for entry in parsed.hot][:2] == [(1, "热词1"), (2, "热词2")]
    assert parsed.raws == ()


def test_every_feed_and_search_of_the_library_reads_rss():
    items = [
        Item(path=f"/n/{n}", title=f"澜禾新闻{n}", text="正文", published=NOW) for n in range(6)
    ]
    body = rss("https://news.example.cn", items)
    read = 0
    for entry in library.entries():
        if entry.kind in {"feed", "search"} and entry.role != "hot_search":
            _, parsed = _read(entry.id, body)
            assert len(parsed.raws) + len(parsed.links) == 6, entry.id
            read += 1
    assert read > 50


def test_app_reviews():
    entry = {
        "id": {"label": "1001"},
        "title": {"label": "更新后闪退"},
        "content": {"label": "澜禾应用一打开就退出。"},
        "author": {"name": {"label": "阿秋"}},
        "im:rating": {"label": "1"},
        "updated": {"label": "2026-11-17T10:00:00-07:00"},
        "link": {"attributes": {"href": "https://itunes.apple.com/cn/review?id=1234567890"}},
    }
    _, parsed = _read("app-reviews", {"feed": {"entry": [entry]}})

    raw = parsed.raws[0]
    assert (raw.native_id, raw.rating, raw.author) == ("1001", 1.0, "阿秋")


def test_sitemaps_open_fresh_pages_only():
    page = """<?xml version="1.0" encoding="UTF-8"?>
    <urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
    <url><loc>https://news.example.com/a/1</loc><lastmod>2026-11-17</lastmod></url>
    <url><loc>https://news.example.com/a/2</loc><lastmod>2026-10-01</lastmod></url></urlset>"""
    _, parsed = _read("site-sitemap", page.encode())

    assert [link.url for link in parsed.links] == ["https://news.example.com/a/1"]
