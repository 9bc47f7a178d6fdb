from __future__ import annotations

import json

import pytest

from config.schema import Settings
from crawlers.downloader import Downloader
from crawlers.trial import fetch_pages, read_pages, saved_page, try_live
from tests.crawlers.conftest import NOW, feed, listing
from tests.crawlers.test_runner import ITEMS
from tests.site.pages import Item, detail_page, list_page, rss


def try_source(source, settings, *, now, url=None, page=None, rows=5):
    """Try as the command does: on a saved page, else live on its first page or on `url`."""
    if page is not None:
        return read_pages(source, (saved_page(source, page, url, now),), now, rows=rows)
    return read_pages(source, fetch_pages(source, settings, now=now, url=url), now, rows=rows)


@pytest.fixture
def try_it(run, site):
    """Try a source live through a downloader of its own."""

    def attempt(source, **given):
        async def work():
            downloader = Downloader(Settings(allow_private=(site.authority,)))
            await downloader.start()
            try:
                return await try_live(source, downloader, now=NOW, **given)
            finally:
                await downloader.stop()

        return run(work())

    return attempt


def test_live_list_shows_items_and_its_first_detail(try_it, site):
    site.set("/list?p=1", list_page(ITEMS))
    for item in ITEMS:
        site.set(item.path, detail_page(item))

    trial = try_it(listing(site), rows=2)

    fields = {entry.name: entry for entry in trial.details[0].fields}
    assert (trial.exit_code, trial.robots, trial.http_status) == (0, "allowed", 200)
    assert (trial.items, len(trial.shown)) == (5, 2)
    assert fields["text"].value == ITEMS[0].text
    assert (fields["author"].rung, fields["author"].selector) == (0, "css:.author::text")
    assert trial.charset_why == "valid utf-8"
    assert [hit.path for hit in site.hits] == ["/robots.txt", "/list?p=1", "/a/1"]


def test_saved_page_needs_no_network(site):
    source = listing(site)

    first = try_source(source, Settings(), now=NOW, page=list_page(ITEMS, encoding="gbk"))
    detail = try_source(
        source, Settings(), now=NOW, page=detail_page(ITEMS[0]), url=site.url + "/a/1"
    )

    assert (first.exit_code, first.robots, first.items) == (0, "not asked", 5)
    assert first.charset == "gb18030"
    assert detail.details[0].published_at.startswith("2026-11-1")
    assert site.hits == []


@pytest.mark.parametrize(
    ("reply", "exit_code", "cause"),
    [
        ({"body": rss("http://x.cn", ITEMS)}, 0, ""),
        ({"body": "<html>首页</html>"}, 1, "unreadable"),
        ({"body": rss("http://x.cn", [])}, 3, "empty"),
        ({"body": b"", "status": 403}, 4, "blocked"),
        ({"body": b"", "status": 401}, 4, "login needed"),
        ({"body": b"", "status": 404}, 1, "gone"),
        ({"body": b"", "status": 500}, 1, "server error"),
        ({"body": b"", "delay_s": 1.5}, 5, "slow"),
    ],
)
def test_exit_code_says_what_kind_of_trouble_it_is(try_it, site, reply, exit_code, cause):
    site.set("/feed.xml", **reply)

    trial = try_it(feed(site, fetch={"timeout": "1s"}))

    assert (trial.exit_code, trial.cause) == (exit_code, cause)


def test_refused_address_is_a_matter_of_configuration(try_it, site):
    trial = try_it(feed(site, start="http://127.0.0.1:9/feed.xml"))

    assert (trial.exit_code, trial.cause) == (2, "address refused")


def test_robots_verdict_is_shown(try_it, site):
    site.set("/robots.txt", "User-agent: *\nDisallow: /\n", {"Content-Type": "text/plain"})
    site.set("/feed.xml", rss(site.url, ITEMS))

    denied = try_it(feed(site))
    ignored = try_it(feed(site, fetch={"robots": "ignore"}))

    assert (denied.robots, denied.exit_code) == ("denied", 4)
    assert (ignored.robots, ignored.exit_code) == ("ignored", 0)


def test_unmet_expectations_are_listed(site):
    source = feed(site, expect={"min_items": 9, "required": ["url", "title"]})

    trial = try_source(source, Settings(), now=NOW, page=rss(site.url, ITEMS))

    assert trial.exit_code == 3
    assert trial.unmet == ("只找到 5 条，预期至少 9 条",)


def test_trial_can_be_written_as_json(site):
    trial = try_source(feed(site), Settings(), now=NOW, page=rss(site.url, ITEMS))

    written = json.loads(json.dumps(trial.to_json()))
    assert written["items"] == 5
    assert written["shown"][0]["published_at"] == "2026-11-18T01:30:00+00:00"
    assert written["shown"][0]["fields"][0]["value"].startswith("晨光电饭煲")


def test_whole_texts_are_kept(site):
    item = Item(path="/a/9", title="长文", text="很长的话。" * 400, published=NOW)

    trial = try_source(feed(site), Settings(), now=NOW, page=rss(site.url, [item]))

    assert trial.shown[0].value("text") == item.text


def test_detail_keeps_what_the_list_said(try_it, site):
    site.set("/list?p=1", list_page(ITEMS[:1]))
    site.set("/a/1", "<html><body><h1>标题</h1><div class=content>正文</div></body></html>")

    trial = try_it(listing(site, expect={"required": ["title", "published"]}))

    assert trial.unmet == ("详情页缺少字段 published",)
    assert trial.exit_code == 3


def test_failing_detail_is_named_as_such(try_it, site):
    site.set("/list?p=1", list_page(ITEMS))
    site.set("/a/1", "<html><body><p>什么也没有</p></body></html>")

    trial = try_it(listing(site))

    assert (trial.cause, trial.exit_code) == ("layout changed", 3)
    assert trial.cause_text.startswith("详情页：")
    assert trial.items == 5
