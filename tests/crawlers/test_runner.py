from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from config.errors import GroundswellError
from config.schema import Settings
from crawlers.downloader import secrets_for
from crawlers.runner import Collector
from storage.records import FetchCause, HostState, SourceHealth, SourceId, SourceState
from tests.crawlers.conftest import NOW, feed, listing
from tests.site.pages import Item, atom, detail_page, list_page, rss

ITEMS = [
    Item(
        path=f"/a/{number}",
        title=f"晨光电饭煲第{number}次跳闸",
        text=f"用了{number}天就跳闸，客服说等通知，一直没有人联系我。",
        author=f"用户{number}",
        published=NOW - timedelta(hours=number),
    )
    for number in range(1, 6)
]


def serve_list(site, items, path="/list?p=1", **given):
    site.set(path, list_page(items, **given))
    for item in items:
        site.set(item.path, detail_page(item))


def test_feed_items_become_mentions(collect, site, frontier):
    site.set("/feed.xml", rss(site.url, ITEMS), {"Content-Type": "application/rss+xml"})

    polled = collect(feed(site, platform="论坛", tier="trade"))

    first = frontier.mentions[f"{site.url}/a/1"]
    assert polled == 1
    assert len(frontier.kept) == 5
    assert first.title == "晨光电饭煲第1次跳闸"
    assert first.text == "用了1天就跳闸，客服说等通知，一直没有人联系我。"
    assert first.published_at == NOW - timedelta(hours=1)
    assert (first.author, first.platform, first.tier) == ("用户1", "论坛", "trade")


def test_atom_and_rss_of_the_same_items_give_the_same_mentions(collect, site, frontier):
    site.set("/feed.xml", rss(site.url, ITEMS))
    site.set("/atom.xml", atom(site.url, ITEMS))
    collect(feed(site))
    first = {key: (raw.title, raw.text, raw.published_at) for key, raw in frontier.mentions.items()}

    collect(feed(site, "/atom.xml", id="two"))

    second = {
        key: (raw.title, raw.text, raw.published_at) for key, raw in frontier.mentions.items()
    }
    assert first == second


def test_list_and_details_give_the_same_mentions_as_the_feed(collect, site, frontier):
    site.set("/feed.xml", rss(site.url, ITEMS))
    serve_list(site, ITEMS)
    collect(feed(site))
    collect(listing(site, id="two", pages={"max": 1}))

    assert len(frontier.kept) == 5
    assert frontier.mentions[f"{site.url}/a/2"].text == ITEMS[1].text
    assert frontier.mentions[f"{site.url}/a/2"].author == "用户2"


def test_second_run_fetches_nothing_again(collect, site, frontier, clock):
    serve_list(site, ITEMS)
    source = listing(site, pages={"max": 3})
    site.set("/list?p=2", list_page([]))
    collect(source)
    hits = len(site.hits)
    clock.pass_time(minutes=20)

    collect(source)

    assert [hit.path for hit in site.hits[hits:]] == ["/robots.txt", "/list?p=1"]
    assert frontier.events[-1].outcome == "unchanged"


def test_known_items_stop_the_pages(collect, site, frontier, clock):
    pages = [ITEMS[:2], ITEMS[2:4], ITEMS[4:]]
    for number, items in enumerate(pages, start=1):
        serve_list(site, items, f"/list?p={number}")
    source = listing(site, pages={"max": 9, "stop_when_seen": 2})
    collect(source)
    assert len(frontier.kept) == 5
    newer = Item(path="/a/9", title="新投诉", text="今天又跳闸了", published=NOW)
    serve_list(site, [newer, *ITEMS[:2]])
    hits = len(site.hits)
    clock.pass_time(minutes=20)

    collect(source)

    assert "新投诉" in {raw.title for raw in frontier.kept}
    assert "/list?p=2" not in [hit.path for hit in site.hits[hits:]]


def test_next_link_is_followed_when_there_is_no_placeholder(collect, site, frontier):
    serve_list(site, ITEMS[:2], "/list", next_path="/list/more")
    serve_list(site, ITEMS[2:], "/list/more")

    collect(listing(site, "/list", pages={"max": 5, "next": "css:a.next::attr(href)"}))

    assert len(frontier.kept) == 5


def test_list_without_details_is_complete_by_itself(collect, site, frontier):
    site.set("/list?p=1", list_page(ITEMS))
    fields = {
        "url": "css:a::attr(href)",
        "title": "css:a::text",
        "author": "css:.author::text",
        "published": {"sel": "css:.time::text", "tz": "UTC"},
    }

    collect(listing(site, detail=None, list={"item": "css:ul.list > li", "fields": fields}))

    raw = frontier.mentions[f"{site.url}/a/3"]
    assert len(frontier.kept) == 5
    assert (raw.text, raw.author) == (ITEMS[2].title, "用户3")
    assert raw.published_at == ITEMS[2].published
    assert not site.hits_of("/a/3")


def test_undeclared_gbk_list_and_details_are_read(collect, site, frontier):
    html = {"Content-Type": "text/html"}
    site.set("/list?p=1", list_page(ITEMS, encoding="gbk", declare=False), html)
    for item in ITEMS:
        site.set(item.path, detail_page(item, encoding="gbk", declare=False), html)

    collect(listing(site))

    assert {raw.text for raw in frontier.kept} == {item.text for item in ITEMS}


def test_everything_of_the_first_successful_poll_is_history(collect, site, frontier, clock):
    site.set("/list?p=1", b"", status=500)
    source = listing(site)
    collect(source)
    serve_list(site, ITEMS[1:])
    clock.pass_time(hours=1)
    collect(source)
    newer = Item(path="/a/9", title="新投诉", text="今天又跳闸了", published=NOW)
    serve_list(site, [newer, *ITEMS[1:]])
    clock.pass_time(hours=1)

    collect(source)

    assert {raw.title: raw.history for raw in frontier.kept} == {
        "新投诉": False,
        **{item.title: True for item in ITEMS[1:]},
    }


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (404, FetchCause.GONE),
        (410, FetchCause.GONE),
        (401, FetchCause.LOGIN),
        (403, FetchCause.BLOCKED),
        (429, FetchCause.BLOCKED),
        (503, FetchCause.SERVER),
    ],
)
def test_status_is_named_and_said_in_a_sentence(collect, site, frontier, status, cause):
    site.set("/feed.xml", b"no", status=status)

    collect(feed(site))

    state = frontier.states["one"]
    assert state.cause is cause
    assert str(status) in state.cause_text
    assert state.last_ok_at is None


def test_retry_after_is_obeyed(collect, site, frontier):
    site.set("/feed.xml", b"", {"Retry-After": "7200"}, 429)

    collect(feed(site))

    assert frontier.states["one"].next_poll_at == NOW + timedelta(hours=2)


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"", FetchCause.EMPTY),
        (b"   \n", FetchCause.EMPTY),
        ("<!doctype html><html><body>新版首页</body></html>".encode(), FetchCause.UNREADABLE),
        ("<html><body>请完成滑动验证后继续访问</body></html>".encode(), FetchCause.CAPTCHA),
        (b"<rss><channel><title>broken", FetchCause.UNREADABLE),
        (b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "b">]><rss></rss>', FetchCause.UNREADABLE),
        (rss("http://x.cn", []), FetchCause.EMPTY),
        (b"\x00\x01\x02\xff\xfe", FetchCause.UNREADABLE),
    ],
)
def test_body_that_is_no_feed_is_named(collect, site, frontier, body, cause):
    site.set("/feed.xml", body)

    collect(feed(site))

    assert (frontier.states["one"].cause, frontier.kept) == (cause, [])


def test_one_broken_source_does_not_touch_the_others(collect, site, frontier):
    site.redirect("/loop", "/loop")
    site.set("/html", "<html>首页</html>")
    site.set("/feed.xml", rss(site.url, ITEMS))

    collect(feed(site, "/loop", id="loop"), feed(site, "/html", id="html"), feed(site))

    assert frontier.states["loop"].cause is FetchCause.GONE
    assert "循环" in frontier.states["loop"].cause_text
    assert frontier.states["html"].cause is FetchCause.UNREADABLE
    assert frontier.states["one"].health is SourceHealth.OK
    assert len(frontier.kept) == 5


def test_frontier_that_breaks_costs_one_pass_and_loses_nothing(
    collect, site, frontier, clock, caplog
):
    site.set("/feed.xml", rss(site.url, ITEMS))
    frontier.broken = True
    collect(feed(site))
    assert "the database is gone" in caplog.text
    frontier.broken = False
    clock.pass_time(minutes=2)

    collect(feed(site))

    assert len(frontier.kept) == 5


def test_failed_detail_is_retried_and_dies_with_its_reason(collect, site, frontier, clock):
    serve_list(site, ITEMS)
    site.set("/a/3", b"", status=500)
    source = listing(site, schedule={"every": "15m"})
    for _ in range(8):
        collect(source)
        clock.pass_time(minutes=20)

    ended = {frontier.links[key].url: end for key, end in frontier.ended.items()}
    assert ended[f"{site.url}/a/3"] == ("dead", "网站服务器出错（500）")
    assert len(site.hits_of("/a/3")) == 6
    assert len(frontier.kept) == 4


def test_deleted_detail_is_dead_at_once(collect, site, frontier):
    serve_list(site, ITEMS)
    site.set("/a/3", b"", status=404)

    collect(listing(site))

    assert [end for end in frontier.ended.values() if end[0] == "dead"] == [
        ("dead", "页面不存在（404），请核对地址是否已变更")
    ]


def test_details_left_by_a_killed_process_are_fetched_after_a_restart(
    collect, site, frontier, clock
):
    serve_list(site, ITEMS)
    source = listing(site)
    collect(source)
    # As after a kill: two pages were fetched but not committed, their lease still runs.
    for key in list(frontier.links)[:2]:
        del frontier.ended[key]
        frontier.mentions.pop(frontier.links[key].url)
    collect(source)
    assert len(frontier.kept) == 3
    clock.pass_time(minutes=3)

    collect(source)

    assert len(frontier.kept) == 5
    assert len(site.hits_of("/list?p=1")) == 1


def test_list_that_is_fine_with_unreadable_details_degrades_the_source(collect, site, frontier):
    site.set("/list?p=1", list_page(ITEMS))
    for item in ITEMS:
        site.set(item.path, "<html><body><div>新版页面</div></body></html>")

    collect(listing(site))

    state = frontier.states["one"]
    assert (state.health, state.cause) == (SourceHealth.DEGRADED, FetchCause.LAYOUT)
    assert state.cause_text.startswith("详情页")


def test_missing_fields_break_the_contract_but_keep_the_mentions(collect, site, frontier):
    untitled = [Item(path=item.path, title="", text=item.text) for item in ITEMS]
    site.set("/feed.xml", rss(site.url, untitled))

    collect(feed(site))

    state = frontier.states["one"]
    assert len(frontier.kept) == 5
    assert (state.cause, state.cause_text) == (
        FetchCause.LAYOUT,
        "字段 title 只在 0/5 条中找到",
    )


def test_unchanged_feed_is_asked_for_with_its_etag(collect, site, frontier, clock):
    site.set("/feed.xml", rss(site.url, ITEMS), {"Content-Type": "text/xml"}, etag=True)
    source = feed(site)
    statuses = []
    for _ in range(13):
        collect(source)
        statuses.append(site.hits[-1].status)
        clock.pass_time(hours=2)

    # The first poll and every twelfth ask without validators.
    assert statuses == [200] + [304] * 11 + [200]
    assert frontier.states["one"].health is SourceHealth.OK


def test_edited_source_is_due_at_once_and_read_beside_its_old_rules(collect, site, frontier):
    site.set("/feed.xml", rss(site.url, ITEMS), etag=True)
    collect(feed(site))

    assert collect(feed(site)) == 0
    assert collect(feed(site, url={"drop_params": ["from"]})) == 1
    assert [hit.status for hit in site.hits_of("/feed.xml")] == [200, 304, 200]


def test_secret_headers_are_sent_and_stay_at_their_host(collect, site, frontier, monkeypatch):
    from tests.site.server import Site

    monkeypatch.setenv("FORUM_TOKEN", "abc")
    with Site("127.0.0.2") as other:
        site.set("/feed.xml", rss(site.url, ITEMS))
        other.set("/feed.xml", rss(site.url, ITEMS))
        site.redirect("/away", other.url + "/feed.xml")
        secrets = {"x-token": "env:FORUM_TOKEN"}
        collect(
            feed(site, secrets=secrets),
            feed(site, "/away", id="two", secrets=secrets),
            allow=[other.authority],
        )

        assert site.hits_of("/feed.xml")[0].headers["x-token"] == "abc"
        assert "x-token" not in other.hits_of("/feed.xml")[0].headers


def test_secrets_do_not_follow_a_link_to_another_host(site, monkeypatch):
    monkeypatch.setenv("FORUM_TOKEN", "abc")
    source = feed(site, "/feed.xml", secrets={"cookie": "env:FORUM_TOKEN"})

    assert secrets_for(site.url + "/t/1", source) == {"cookie": "abc"}
    assert secrets_for("http://evil.example/t/1", source) == {}
    assert secrets_for(f"http://{site.authority}@evil.example/", source) == {}
    assert secrets_for("http://[broken", source) == {}
    safe = source.model_copy(update={"start": ("https://bbs.example/list",)})
    assert secrets_for("https://bbs.example:443/t/1", safe) == {"cookie": "abc"}
    assert secrets_for("http://bbs.example/t/1", safe) == {}  # for all to read on the way
    assert secrets_for("https://bbs.example.evil.example/", safe) == {}


def test_a_list_that_links_elsewhere_takes_no_cookie_along(collect, site, monkeypatch):
    from tests.site.server import Site

    monkeypatch.setenv("FORUM_TOKEN", "abc")
    with Site("127.0.0.2") as other:
        page = list_page(ITEMS[:2]).replace(b'href="/', f'href="{other.url}/'.encode())
        site.set("/list", page)
        for item in ITEMS[:2]:
            other.set(item.path, detail_page(item))
        source = listing(site, "/list", secrets={"cookie": "env:FORUM_TOKEN"})
        collect(source, allow=[other.authority])

        assert site.hits_of("/list")[0].headers["cookie"] == "abc"
        assert other.hits
        assert all("cookie" not in hit.headers for hit in other.hits)


def test_several_start_addresses_are_one_source(collect, site, frontier, clock):
    site.set("/one.xml", rss(site.url, ITEMS[:3]))
    site.set("/two.xml", rss(site.url, ITEMS[2:]))
    source = feed(site, start=[f"{site.url}/one.xml", f"{site.url}/two.xml"])

    collect(source)
    assert len(frontier.kept) == 5
    assert frontier.events[-1].items == 6

    site.set("/one.xml", b"", status=500)
    clock.pass_time(hours=1)
    collect(source)
    assert frontier.states["one"].cause is FetchCause.SERVER


def test_page_that_fails_in_the_middle_of_a_list_does_not_move_the_cursor(
    collect, site, frontier, clock
):
    serve_list(site, ITEMS[:2], "/list?p=1")
    site.set("/list?p=2", b"", status=502)
    source = listing(site, pages={"max": 3})
    collect(source)
    assert (len(frontier.kept), frontier.states["one"].seen) == (2, ())
    serve_list(site, ITEMS[2:], "/list?p=2")
    site.set("/list?p=3", list_page([]))
    clock.pass_time(hours=1)

    collect(source)

    assert len(frontier.kept) == 5
    assert frontier.states["one"].health is SourceHealth.OK


def test_list_that_repeats_its_last_page_is_not_followed_for_ever(collect, site):
    site.set("/list", list_page([]))
    serve_list(site, ITEMS, "/list")

    collect(listing(site, "/list?p={page}", pages={"max": 50}))

    assert len([hit for hit in site.hits if hit.path.startswith("/list")]) == 2


def test_feed_with_content_auto_takes_the_text_from_the_page(collect, site, frontier):
    story = "电饭煲用了三天就开始跳闸，每次都要去楼下合闸，客服让我自己换插座。" * 5
    item = Item(path="/a/1", title="晨光电饭煲跳闸", text=story, author="小满", published=NOW)
    site.set(
        "/feed.xml",
        rss(site.url, [Item(path="/a/1", title=item.title, text="摘要", author="小满")]),
    )
    site.set("/a/1", detail_page(item))

    collect(feed(site, detail={"content": "auto"}))

    raw = frontier.kept[0]
    assert (raw.title, raw.author) == ("晨光电饭煲跳闸", "小满")
    assert story in raw.text


def test_polling_an_unknown_source_says_so(run, site, frontier, clock, parsing):
    collector = Collector([], Settings(), frontier, clock, parsing=parsing)

    with pytest.raises(GroundswellError, match='no source "two"'):
        run(collector.poll("two"))


LOOPS = """
import asyncio, sys
from config.errors import GroundswellError
from config.schema import Settings
from crawlers.downloader import Downloader

assert not {"scrapy", "twisted", "feedparser", "lxml", "trafilatura"} & set(sys.modules)

async def work():
    downloader = Downloader(Settings())
    await downloader.start()
    from twisted.internet import reactor
    assert reactor._asyncioEventloop is asyncio.get_running_loop()
    await downloader.stop()
    await downloader.start()  # the same loop may be joined again
    await downloader.stop()

asyncio.run(work())
try:
    asyncio.run(work())
except GroundswellError as error:
    print(error)
"""


def test_one_process_joins_one_loop_and_a_second_one_is_refused_clearly():
    folders = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", LOOPS],
        env={**os.environ, "PYTHONPATH": folders},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert ended.returncode == 0, ended.stderr
    assert "one event loop" in ended.stdout


def test_a_source_that_somebody_makes_due_is_polled_soon(with_collector, site, frontier, clock):
    site.set("/feed.xml", rss(site.url, ITEMS))

    async def work(collector):
        await collector.poll_due()
        frontier.states["one"] = replace(frontier.states["one"], next_poll_at=clock.now())
        clock.pass_time(seconds=20)
        return await collector.poll_due()

    assert with_collector(work, feed(site), allow=[site.authority]) == 1


def test_a_source_that_somebody_makes_due_finds_its_host_open(
    with_collector, site, frontier, clock
):
    site.set("/feed.xml", rss(site.url, ITEMS))
    later = clock.now() + timedelta(days=1)
    frontier.host_states[site.authority] = HostState(host=site.authority, not_before=later)

    async def work(collector):
        before = await collector.poll_due()
        frontier.states["one"] = SourceState(source_id=SourceId("one"), next_poll_at=clock.now())
        frontier.host_states[site.authority] = HostState(host=site.authority)
        clock.pass_time(seconds=20)
        return before, await collector.poll_due()

    assert with_collector(work, feed(site), allow=[site.authority]) == (0, 1)


def test_disabled_source_is_left_alone(collect, site):
    assert collect(feed(site, enabled=False)) == 0
    assert site.hits == []
