"""Sitemaps through the shipped collector: pages, indexes, gzip, news maps, hostile files."""

from __future__ import annotations

import gzip
import zlib
from datetime import timedelta

import pytest

from storage.records import FetchCause, SourceHealth
from tests.crawlers.conftest import NOW, make_source
from tests.site.pages import Item, detail_page

XML = {"Content-Type": "application/xml"}
GZIP = {"Content-Type": "application/octet-stream"}
SPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
NEWS = 'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
IMAGE = 'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'
STORY = "澜禾电饭煲多次跳闸，消费者向当地市场监管部门反映，企业称已成立专班核实情况。" * 4


def urlset(site, *pages):
    rows = "".join(f"<url><loc>{site.url}{path}</loc>{more}</url>" for path, more in pages)
    return f'<?xml version="1.0"?><urlset {SPACE} {NEWS} {IMAGE}>{rows}</urlset>'


def index(site, *files):
    rows = "".join(f"<sitemap><loc>{site.url}{path}</loc>{more}</sitemap>" for path, more in files)
    return f"<sitemapindex {SPACE}>{rows}</sitemapindex>"


def dated(**span):
    return f"<lastmod>{(NOW - timedelta(**span)).isoformat()}</lastmod>"


def serve(site, *paths):
    for path in paths:
        site.set(path, detail_page(Item(path=path, title=f"标题{path}", text=STORY)))


def source(site, path="/sitemap.xml", **given):
    return make_source(**{"kind": "sitemap", "start": site.url + path, **given})


def asked(site):
    return [hit.path for hit in site.hits if hit.path != "/robots.txt"]


def test_fresh_pages_of_a_map_are_read(collect, site, frontier):
    site.set(
        "/sitemap.xml",
        urlset(
            site,
            ("/a/1", dated(hours=2)),
            ("/a/2", dated(days=9)),
            ("/a/3", ""),
            ("/about", dated(hours=1)),
            (
                "/a/4?x=1&amp;y=2",
                dated(hours=1) + "<image:image><image:loc>http://i</image:loc></image:image>",
            ),
        ),
        XML,
    )
    serve(site, "/a/1", "/a/3", "/a/4")

    collect(source(site, sitemap={"include": ["re2:/a/"], "exclude": "re2:about$"}))

    assert asked(site) == ["/sitemap.xml", "/a/4?x=1&y=2", "/a/1", "/a/3"]
    assert len(frontier.kept) == 3
    assert STORY[:20] in frontier.mentions[f"{site.url}/a/1"].text
    assert frontier.polls[-1].items == 5


def test_map_with_nothing_new_is_a_good_one(collect, site, frontier):
    site.set("/sitemap.xml", urlset(site, ("/a/1", dated(days=30))), XML)

    collect(source(site))

    assert frontier.states["one"].health is SourceHealth.OK
    assert asked(site) == ["/sitemap.xml"]


def test_news_map_gives_title_and_date(collect, site, frontier):
    news = (
        "<news:news><news:publication><news:name>报</news:name></news:publication>"
        "<news:publication_date>2026-11-18T09:00:00+08:00</news:publication_date>"
        "<news:title>澜禾回应跳闸</news:title></news:news>"
    )
    site.set("/sitemap.xml", urlset(site, ("/a/1", news)), XML)
    serve(site, "/a/1")

    collect(source(site))

    raw = frontier.mentions[f"{site.url}/a/1"]
    assert raw.title == "澜禾回应跳闸"
    assert raw.published_at == NOW - timedelta(hours=1, minutes=30)


def test_files_of_an_index_are_opened_newest_first_and_by_their_date(
    collect, site, frontier, clock
):
    site.set(
        "/sitemap.xml",
        index(
            site,
            ("/old.xml", dated(days=40)),
            ("/1.xml.gz", dated(hours=5)),
            ("/2.xml", dated(hours=1)),
            ("/3.xml", dated(hours=9)),
        ),
        XML,
    )
    site.set("/1.xml.gz", gzip.compress(urlset(site, ("/a/1", "")).encode()), GZIP)
    site.set("/2.xml", urlset(site, ("/a/2", "")), XML)
    serve(site, "/a/1", "/a/2", "/a/5")
    rules = source(site, sitemap={"max_files": 2})

    collect(rules)

    assert asked(site)[:3] == ["/sitemap.xml", "/2.xml", "/1.xml.gz"]
    assert sorted(frontier.mentions) == [f"{site.url}/a/1", f"{site.url}/a/2"]

    # the newest file grows, and the index says so
    site.set("/2.xml", urlset(site, ("/a/2", ""), ("/a/5", "")), XML)
    site.set("/sitemap.xml", index(site, ("/2.xml", dated(hours=0))), XML)
    before = len(asked(site))
    clock.pass_time(minutes=20)

    collect(rules)

    assert asked(site)[before:] == ["/sitemap.xml", "/2.xml", "/a/5"]


def test_file_that_the_index_does_not_date_is_read_again(collect, site, frontier, clock):
    site.set("/sitemap.xml", index(site, ("/all.xml", "")), XML)
    site.set("/all.xml", urlset(site, ("/a/1", "")), XML)
    serve(site, "/a/1", "/a/2")
    rules = source(site)
    collect(rules)
    site.set("/all.xml", urlset(site, ("/a/1", ""), ("/a/2", "")), XML)
    clock.pass_time(minutes=20)

    collect(rules)

    assert asked(site) == ["/sitemap.xml", "/all.xml", "/a/1", "/sitemap.xml", "/all.xml", "/a/2"]


def test_plain_list_of_addresses_is_a_map_too(collect, site, frontier):
    site.set("/sitemap.txt", f"{site.url}/a/1\n{site.url}/a/2\n", {"Content-Type": "text/plain"})
    serve(site, "/a/1", "/a/2")

    collect(source(site, "/sitemap.txt"))

    assert len(frontier.kept) == 2


def bomb():
    return gzip.compress(b"<urlset>" + b"<url><loc>http://a/</loc></url>" * 1_000_000, mtime=0)


@pytest.mark.parametrize(
    ("body", "cause", "said"),
    [
        (b"", FetchCause.EMPTY, "空的"),
        (gzip.compress(b"<urlset>", mtime=0)[:9], FetchCause.EMPTY, "空的"),
        (b"\x1f\x8bnot gzip at all", FetchCause.EMPTY, "无法解压"),
        (b"<html><body>404</body></html>", FetchCause.UNREADABLE, "不是网站地图"),
        (
            "<html><head><title>安全验证</title></head><body>请输入验证码后继续访问</body></html>".encode(),
            FetchCause.CAPTCHA,
            "人机验证",
        ),
        (b"<rss version='2.0'><channel></channel></rss>", FetchCause.UNREADABLE, "kind: feed"),
        (
            b'<!DOCTYPE x [<!ENTITY a "aa">]><urlset><url><loc>&a;</loc></url></urlset>',
            FetchCause.UNREADABLE,
            "实体",
        ),
        (b"<urlset>" + b"<a>" * 50_000, FetchCause.UNREADABLE, "嵌套"),
    ],
)
def test_what_is_no_map_is_named(collect, site, frontier, body, cause, said):
    site.set("/sitemap.xml", body, XML)

    collect(source(site))

    event = frontier.events[-1]
    assert (event.outcome, said in event.text) == (cause.value, True), event.text


def test_gzip_bomb_is_read_to_its_limit_only(collect, site, frontier):
    site.set("/sitemap.xml.gz", bomb(), GZIP)

    collect(source(site, "/sitemap.xml.gz", fetch={"max_bytes": "1MiB"}))

    problems = frontier.polls[-1].problems
    assert any("unpacks to more than 1048576 bytes" in problem for problem in problems)
    assert len(zlib.decompress(bomb(), wbits=31)) > 20 * 1024 * 1024


def test_addresses_that_are_none_give_no_links(collect, site, frontier):
    page = f"<urlset><url><loc>javascript:alert(1)</loc></url><url><loc>file:///etc/passwd</loc></url><url><loc/></url><url><loc>{site.url}/a/1</loc></url></urlset>"
    site.set("/sitemap.xml", page, XML)
    serve(site, "/a/1")

    collect(source(site))

    assert list(frontier.mentions) == [f"{site.url}/a/1"]
