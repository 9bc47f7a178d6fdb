"""Forum threads through the shipped collector: floors, pages, visits while somebody writes."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from config.keywords import expanded
from storage.records import DetailLink, FetchCause, SourceId
from tests.crawlers.conftest import NOW, make_source
from tests.crawlers.test_kinds import LANHE
from tests.site.forum import Post, board, thread

HTML = {"Content-Type": "text/html"}
TITLE = "澜禾电饭煲跳闸，有人遇到吗"


def post(number, *, hours=1.0, text=""):
    at = NOW - timedelta(hours=hours)
    said = text or f"第{number}楼：我家的也跳闸"
    return Post(author=f"用户{number}", text=said, at=at, pid=8800 + number)


def source(site, **given):
    rules = {
        "kind": "forum_thread",
        "platform": "电器论坛",
        "start": site.url + "/board",
        "list": {
            "item": "css:tbody[id^=normalthread]",
            "fields": {
                "url": "css:a.xst::attr(href)",
                "title": "css:a.xst::text",
                "published": "css:td.by em::text",
            },
        },
        "thread": {
            "post": "css:#postlist > div[id^=post_]",
            "fields": {
                "title": "css:#thread_subject::text",
                "author": "css:a.xw1::text",
                "published": "css:em[id^=authorposton]::text",
                "text": "css:.t_f",
                "url": "css:a.floor::attr(href)",
            },
            "next": "css:a.nxt::attr(href)",
            "revisit": "2h",
            "watch": "3d",
        },
    }
    return make_source(**{**rules, **given})


def asked(site):
    return [hit.path for hit in site.hits if hit.path != "/robots.txt"]


def serve(site, *posts, path="/t-1-1.html", next_path=""):
    site.set(path, thread(TITLE, posts, next_path=next_path), HTML)


def serve_board(site, last=NOW):
    site.set("/board", board([("/t-1-1.html", TITLE, last)]), HTML)


def test_every_floor_of_a_thread_is_a_mention_over_its_pages(collect, site, frontier):
    serve_board(site)
    serve(site, post(1, hours=5), post(2, hours=4), next_path="/t-1-2.html")
    serve(site, post(3, hours=3), path="/t-1-2.html")

    collect(source(site))

    first, *replies = frontier.kept
    thread_url = f"{site.url}/t-1-1.html"
    assert asked(site) == ["/board", "/t-1-1.html", "/t-1-2.html"]
    assert (first.title, first.url, first.canonical_url) == (TITLE, thread_url, thread_url)
    assert (first.author, first.parent_url) == ("用户1", "")
    assert first.published_at == NOW - timedelta(hours=5)
    assert [raw.text for raw in replies] == ["第2楼：我家的也跳闸", "第3楼：我家的也跳闸"]
    assert {raw.title for raw in replies} == {""}
    assert {raw.parent_url for raw in replies} == {thread_url}
    assert replies[1].native_id == f"{thread_url}#pid8803"
    assert replies[1].url == f"{site.url}/t-1-2.html#pid8803"


def test_only_the_last_page_is_visited_again_and_only_new_floors_are_new(
    collect, site, frontier, clock
):
    serve_board(site)
    serve(site, post(1), post(2), next_path="/t-1-2.html")
    serve(site, post(3), path="/t-1-2.html")
    rules = source(site)
    collect(rules)
    serve(site, post(3), post(4), path="/t-1-2.html", next_path="/t-1-3.html")
    serve(site, post(5), path="/t-1-3.html")

    clock.pass_time(hours=1)
    collect(rules)
    early = asked(site)
    clock.pass_time(hours=1.1)
    collect(rules)
    late = asked(site)[len(early) :]
    clock.pass_time(hours=2.1)
    collect(rules)

    assert early.count("/t-1-2.html") == 1  # not due yet
    assert [path for path in late if path != "/board"] == ["/t-1-2.html", "/t-1-3.html"]
    assert len(frontier.kept) == 5
    assert asked(site)[-1] == "/t-1-3.html"
    assert asked(site).count("/t-1-1.html") == 1


def test_quiet_thread_is_left_alone_until_it_wakes_up(collect, site, frontier, clock):
    serve_board(site, NOW - timedelta(days=4))
    serve(site, post(1, hours=97))
    rules = source(site)
    collect(rules)
    clock.pass_time(days=1)
    collect(rules)
    assert asked(site).count("/t-1-1.html") == 1

    serve_board(site, NOW + timedelta(hours=20))
    serve(site, post(1, hours=97), post(2, hours=-20))
    clock.pass_time(hours=1)
    collect(rules)

    assert asked(site).count("/t-1-1.html") == 2
    assert len(frontier.kept) == 2


def test_floors_without_an_anchor_are_told_apart_by_what_they_say(collect, site, frontier, clock):
    serve_board(site)
    rules = source(site)
    floors = [Post(author=f"用户{n}", text=f"我也是{n}", at=NOW) for n in range(4)]
    serve(site, *floors)
    collect(rules)
    clock.pass_time(hours=3)
    serve(site, *[Post(author=p.author, text=p.text, at=NOW - timedelta(hours=2)) for p in floors])

    collect(rules)

    # the time that the page shows moves ("3 分钟前"), the floor is the same
    assert len(frontier.kept) == 4


def test_one_thread_may_be_named_itself(collect, site, frontier, clock):
    serve(site, post(1), post(2), next_path="/t-1-2.html")
    serve(site, post(3), path="/t-1-2.html")
    rules = source(site, start=site.url + "/t-1-1.html", list=None)

    collect(rules)
    clock.pass_time(hours=2.5)
    serve(site, post(3), post(4), path="/t-1-2.html")
    collect(rules)

    assert [raw.text[:3] for raw in frontier.kept] == ["第1楼", "第2楼", "第3楼", "第4楼"]
    assert frontier.kept[0].title == TITLE
    assert len({raw.parent_url for raw in frontier.kept[1:]}) == 1


def test_pages_of_one_thread_may_be_counted(collect, site, frontier, clock):
    serve(site, post(1), post(2), path="/t-1-1")
    serve(site, post(1), post(2), path="/t-1-2")  # beyond the end: the last page once more
    start = site.url + "/t-1-{page}"
    rules = source(site, start=start, list=None)
    rules = rules.model_copy(update={"thread": rules.thread.model_copy(update={"next": None})})
    collect(rules)
    assert asked(site) == ["/t-1-1", "/t-1-2"]

    serve(site, post(1), post(2), post(3), path="/t-1-1")
    serve(site, post(4), path="/t-1-2")
    serve(site, post(4), path="/t-1-3")
    clock.pass_time(hours=2.5)
    collect(rules)

    assert len(frontier.kept) == 4


def test_floors_may_be_json(collect, site, frontier):
    floors = [{"id": n, "by": f"用户{n}", "say": f"<b>第{n}楼</b>跳闸"} for n in (1, 2)]
    site.set("/t", json.dumps({"subject": TITLE, "floors": floors}))
    rules = source(
        site,
        start=site.url + "/t",
        list=None,
        thread={
            "post": "jmes:floors",
            "fields": {
                "native_id": "jmes:id",
                "title": "jmes:subject",
                "author": "jmes:by",
                "text": "jmes:say",
            },
        },
    )

    collect(rules)

    assert [(raw.title, raw.text) for raw in frontier.kept] == [
        (TITLE, "第1楼跳闸"),
        ("", "第2楼跳闸"),
    ]


def test_replies_of_a_thread_about_the_brand_stay_with_filter(collect, site, frontier):
    site.set(
        "/board",
        board([("/t-1-1.html", TITLE, NOW), ("/t-2-1.html", "周末去哪里玩", NOW)]),
        HTML,
    )
    serve(site, post(1, text="求助"), post(2, text="我也是"), next_path="/t-1-2.html")
    serve(site, post(3, text="同求"), path="/t-1-2.html")
    site.set(
        "/t-2-1.html",
        thread("周末去哪里玩", [post(7, text="爬山"), post(8, text="澜禾漏电了，没心情")]),
        HTML,
    )

    collect(expanded(source(site, keywords={"mode": "filter"}), [LANHE]))

    assert [raw.text for raw in frontier.kept] == ["求助", "我也是", "澜禾漏电了，没心情", "同求"]
    assert sum(result.out_of_scope for result in frontier.details) == 1


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (thread(TITLE, []), FetchCause.LAYOUT),
        ("<html>请先登录后查看</html>".encode("gbk"), FetchCause.LOGIN),
        (b"", FetchCause.EMPTY),
        (b"<div>" * 100_000, FetchCause.LAYOUT),
    ],
)
def test_thread_without_floors_is_named(collect, site, frontier, body, cause):
    serve_board(site)
    site.set("/t-1-1.html", body, HTML)

    collect(source(site))

    assert frontier.details[-1].failure.cause is cause
    assert frontier.kept == []


def test_thread_that_leads_in_a_circle_ends(collect, site, frontier):
    serve_board(site)
    serve(site, post(1), next_path="/t-1-2.html")
    serve(site, post(2), path="/t-1-2.html", next_path="/t-1-1.html")
    rules = source(site)

    collect(rules)

    assert len(frontier.kept) == 2
    assert asked(site).count("/t-1-1.html") <= 2


def test_floors_that_come_later_are_news_even_in_a_new_source(collect, site, frontier, clock):
    serve_board(site)
    serve(site, post(1, hours=30))
    rules = source(site)
    collect(rules)
    clock.pass_time(hours=2.1)
    serve(site, post(1, hours=30), post(2, hours=-1), next_path="/t-1-2.html")
    serve(site, post(3, hours=-2), path="/t-1-2.html")

    collect(rules)

    assert [raw.history for raw in frontier.kept] == [True, False, False]


def again(raw):
    """What is planned to read a known mention's page again (groundswell.rereading)."""
    known = {"title": raw.title, "author": raw.author, "native_id": raw.native_id}
    return DetailLink(
        url_hash="figures",
        source_id=SourceId("one"),
        url=raw.url,
        listed={name: value for name, value in {**known, "thread": raw.url}.items() if value},
        found_at=NOW,
        kind="figures",
    )


def test_known_post_is_read_again_as_the_same_mention_and_nothing_else(collect, site, frontier):
    serve_board(site)
    serve(site, post(1), post(2), next_path="/t-1-2.html")
    serve(site, post(3), path="/t-1-2.html")
    rules = source(site)
    collect(rules)
    known = list(frontier.kept)
    assert len(known) == 3

    for raw in known:
        frontier.links["figures"] = again(raw)
        frontier.ended.pop("figures", None)
        frontier.leases.pop("figures", None)
        collect(rules)
        found = frontier.details[-1]

        assert [(one.native_id, one.canonical_url, one.text) for one in found.raws] == [
            (raw.native_id, raw.canonical_url, raw.text)
        ]
        assert (found.links, found.again_at) == ((), None)

    assert len(frontier.kept) == 3


def test_posts_of_a_named_thread_are_counted_one_by_one(collect, site, frontier, clock):
    serve(site, *[post(number) for number in range(1, 6)])
    rules = source(site, start=site.url + "/t-1-1.html", list=None)
    collect(rules)
    clock.pass_time(minutes=20)
    serve(site, *[post(number) for number in range(1, 8)])

    collect(rules)

    assert [(poll.items, poll.fresh, poll.gap) for poll in frontier.polls] == [
        (5, 5, False),
        (7, 2, False),
    ]
