"""Kinds whose pages are links of the frontier, on the real store of both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from config.keywords import expanded
from config.schema import Brand, Project, Settings
from crawlers.runner import Collector
from groundswell import wiring
from groundswell.collecting import StoreFrontier
from storage import tables
from tests.crawlers.conftest import NOW, feed
from tests.crawlers.test_kinds import LANHE
from tests.crawlers.test_sitemaps import dated, index, urlset
from tests.crawlers.test_sitemaps import serve as serve_pages
from tests.crawlers.test_sitemaps import source as sitemap
from tests.crawlers.test_threads import post, serve, serve_board
from tests.crawlers.test_threads import source as forum
from tests.site.pages import Item, rss


@pytest.fixture
def collect(run, site, clock, parsing, store):
    """Poll what is due with the shipped collector and what it commits to."""
    project = Project(brands=(LANHE, Brand.model_validate({"id": "hemu", "name": "禾沐"})))
    journey = wiring.make_journey(project, store, wiring.make_links(project, store))
    frontier = StoreFrontier(store=store, journey=journey, clock=clock)
    settings = Settings(allow_private=(site.authority,))

    def collect_once(source):
        async def work():
            collector = Collector([source], settings, frontier, clock, parsing=parsing)
            await collector.start()
            try:
                return await collector.poll_due()
            finally:
                await collector.stop()

        return run(work())

    return collect_once


def mentions(store):
    columns = [tables.mention.c[name] for name in ("title", "text", "parent_url")]
    with store.look() as connection:
        return sorted(tuple(row) for row in connection.execute(sa.select(*columns)))


def outcomes(store):
    counted = tables.outcome_count
    query = sa.select(counted.c.outcome, sa.func.sum(counted.c.n)).group_by(counted.c.outcome)
    with store.look() as connection:
        return {outcome: int(n) for outcome, n in connection.execute(query)}


def asked(site):
    return [hit.path for hit in site.hits if hit.path not in {"/robots.txt", "/board"}]


def test_thread_is_remembered_from_visit_to_visit(collect, site, store, clock):
    serve_board(site)
    serve(site, post(1, hours=5), post(2, hours=4), next_path="/t-1-2.html")
    serve(site, post(3, hours=3), path="/t-1-2.html")
    rules = forum(site)
    collect(rules)
    serve(site, post(3, hours=3), post(4, hours=-1), path="/t-1-2.html")
    clock.pass_time(hours=2.1)

    collect(rules)
    collect(rules)

    found = mentions(store)
    assert asked(site) == ["/t-1-1.html", "/t-1-2.html", "/t-1-2.html"]
    assert [text[:3] for _, text, _ in found] == ["第2楼", "第3楼", "第4楼", "第1楼"]
    assert [parent for *_, parent in found] == [f"{site.url}/t-1-1.html"] * 3 + [""]


def test_files_of_a_map_are_remembered(collect, site, store, clock):
    site.set("/sitemap.xml", index(site, ("/1.xml", dated(hours=1)), ("/2.xml", "")))
    site.set("/1.xml", urlset(site, ("/a/1", "")))
    site.set("/2.xml", urlset(site, ("/a/2", "")))
    serve_pages(site, "/a/1", "/a/2")
    rules = sitemap(site)
    collect(rules)
    clock.pass_time(minutes=20)

    collect(rules)

    assert asked(site) == [
        "/sitemap.xml",
        "/1.xml",
        "/2.xml",
        "/a/1",
        "/a/2",
        "/sitemap.xml",
        "/2.xml",
    ]
    assert len(mentions(store)) == 2


def test_what_names_no_brand_is_counted(collect, site, store):
    items = [
        Item(
            path="/1", title="澜禾电饭煲跳闸", text="客服不理人", published=NOW - timedelta(hours=1)
        ),
        Item(path="/2", title="天气预报", text="明天有雨", published=NOW - timedelta(hours=1)),
    ]
    site.set("/feed.xml", rss(site.url, items))
    source = feed(site, keywords={"mode": "filter"})

    collect(expanded(source, [LANHE]))

    assert [title for title, *_ in mentions(store)] == ["澜禾电饭煲跳闸"]
    assert outcomes(store) == {"kept": 1, "out_of_scope": 1}
