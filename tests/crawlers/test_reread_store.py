"""Pages read again by the shipped collector: counters, edits, deletions; and the two other roles."""

from __future__ import annotations

from datetime import timedelta

import pytest

from config.schema import Brand, OfficialAccount, Project, Settings, SourceConfig
from crawlers.runner import Collector
from groundswell import wiring
from groundswell.collecting import StoreFrontier
from groundswell.rereading import plan_due
from storage.records import BrandId, MentionId
from tests.crawlers.conftest import NOW
from tests.make import (
    make_assignment,
    make_change,
    make_cluster,
    make_incident,
    make_shard_changes,
    make_verdict,
)

BRAND = Brand(
    id="yunque",
    name="云雀",
    official=(OfficialAccount(platform="投诉平台", author="云雀客服"),),
)
COMPLAINT = "云雀净水器滤芯漏水，厨房都湿了，客服一直推脱，要求退款。"


def _board(site, **fields):
    values = {
        "id": "tousu",
        "name": "投诉",
        "kind": "list_detail",
        "platform": "投诉平台",
        "start": f"{site.url}/list",
        "list": {
            "item": "css:li",
            "fields": {"url": "css:a::attr(href)", "title": "css:a::text"},
        },
        "detail": {
            "fields": {
                "text": "css:.text",
                "author": {"sel": "css:.who::text", "optional": True},
                "reposts": {"sel": "css:.reposts::text", "optional": True},
                "views": {"sel": "css:.views::text", "optional": True},
            }
        },
        "url": {"id_from": "re2:/post/(\\d+)"},
        "fetch": {"rate": "1/0.01s"},
        "schedule": {"every": "15m"},
    }
    return SourceConfig.model_validate(values | fields)


@pytest.fixture
def world(run, site, clock, parsing, store):
    """Polls, and what plans re-reading, on one store."""
    sources = (
        _board(site),
        SourceConfig.model_validate(
            {
                "id": "resou", "name": "热搜", "kind": "list_detail", "role": "hot_search",
                "platform": "热搜台", "start": f"{site.url}/top",
                "list": {"item": "css:li", "fields": {"title": "css:a::text", "url": "css:a::attr(href)"}},
                "fetch": {"rate": "1/0.01s"},
            }
        ),
    )  # fmt: skip
    project = Project(brands=(BRAND,), sources=sources)
    journey = wiring.make_journey(project, store, wiring.make_links(project, store))
    frontier = StoreFrontier(store=store, journey=journey, clock=clock)
    settings = Settings(allow_private=(site.authority,))

    def collect(source_id="tousu"):
        async def work():
            source = project.source(source_id)
            collector = Collector([source], settings, frontier, clock, parsing=parsing)
            await collector.start()
            try:
                return await collector.poll_due()
            finally:
                await collector.stop()

        return run(work())

    def plan():
        with store.transaction() as tx:
            return plan_due(tx, project, clock.now())

    return collect, plan


def _serve(site, text=COMPLAINT, who="小鱼儿", reposts="12", views="", number=1, status=200):
    site.set("/robots.txt", b"", status=404)
    site.set("/list", f'<ul><li><a href="/post/{number}?from=list">漏水没人管</a></li></ul>')
    page = f'<p class="text">{text}</p><i class="who">{who}</i><b class="reposts">{reposts}</b>'
    site.set(f"/post/{number}", page + f'<b class="views">{views}</b>', status=status)


def _incident(store):
    """What the mention, once understood and gathered, would have raised."""
    with store.transaction() as tx:
        tx.save_verdicts([MentionId(1)], [make_verdict(1)], NOW)
        items = tx.pending_verdicts("yunque/zh", 10)
        changes = make_shard_changes(
            assignments=(make_assignment(1),), clusters=(make_cluster(representative_id=1),)
        )
        tx.save_gathering(changes, items)
        tx.save_change(make_change(make_incident(opened_at=NOW, updated_at=NOW)))


def _rows(store, table):
    with store.read() as queries:
        return queries.table_rows(table)


def test_counters_are_read_again_by_the_same_rules_and_nothing_is_doubled(
    world, site, store, clock
):
    collect, plan = world
    _serve(site)
    collect()
    _incident(store)
    assert _rows(store, "mention")[0]["reposts"] == 12

    _serve(site, reposts="1.2万", views="30万+")
    clock.pass_time(minutes=16)
    assert plan() == 1
    collect()
    _serve(site, reposts="2.5万", views="31万")
    clock.pass_time(minutes=20)
    assert plan() == 1
    collect()

    [mention] = _rows(store, "mention")
    assert (mention["reposts"], mention["views"], mention["revision"]) == (25_000, 310_000, 0)
    assert [row["reposts"] for row in _rows(store, "figure")] == [12_000, 25_000]
    assert plan() == 0


def test_an_edit_is_noticed_and_a_deleted_page_is_news(world, site, store, clock):
    collect, plan = world
    _serve(site)
    collect()
    _incident(store)

    _serve(site, text="已经退款了，撤销这条。")
    clock.pass_time(minutes=16)
    plan()
    collect()
    site.set("/post/1", "not here", status=404)
    clock.pass_time(minutes=20)
    plan()
    collect()

    [mention] = _rows(store, "mention")
    assert (mention["text"], mention["revision"]) == ("已经退款了，撤销这条。", 1)
    assert mention["gone_at"] == clock.now()
    assert [row["text"] for row in _rows(store, "revision")] == [COMPLAINT]
    assert len(_rows(store, "mention_cluster")) == 1

    _serve(site, text="抱歉，该投诉已被用户删除")
    clock.pass_time(minutes=40)
    plan()
    collect()
    [mention] = _rows(store, "mention")
    assert (mention["revision"], mention["gone_at"] is None) == (1, False)

    _serve(site, text="已经退款了，撤销这条。")
    clock.pass_time(hours=2)
    plan()
    collect()
    assert _rows(store, "mention")[0]["gone_at"] is None


def test_lines_of_a_hot_list_become_no_mentions(world, site, store, clock):
    collect, _ = world
    site.set("/robots.txt", b"", status=404)
    lines = "".join(f'<li><a href="/s?q={n}">{n}</a></li>' for n in ("早高峰", "云雀净水器漏水"))
    site.set("/top", f"<ul>{lines}</ul>")
    collect("resou")
    clock.pass_time(minutes=20)
    site.set("/top", '<ul><li><a href="/s?q=2">云雀净水器漏水</a></li></ul>')
    collect("resou")

    assert _rows(store, "mention") == []
    with store.read() as queries:
        found = queries.hot_entries(["resou"], NOW - timedelta(hours=1))
    assert [(one.title, one.rank, one.best_rank) for one in found] == [
        ("云雀净水器漏水", 1, 1),
        ("早高峰", 1, 1),
    ]


def test_the_brand_s_own_posts_become_no_mentions(world, site, store):
    collect, _ = world
    _serve(site, text="您好，我们已经联系用户处理。", who="云雀客服")
    collect()

    assert _rows(store, "mention") == []
    with store.read() as queries:
        [post] = queries.official_posts(BrandId("yunque"), NOW - timedelta(days=1), NOW)
    assert post.author == "云雀客服"
