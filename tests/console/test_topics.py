"""The week's topics on their page, in the API and in the digest's links."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import html

from groundswell.digests import Digests
from groundswell.doors import PUSH, READ, make_key
from groundswell.links import SignedLinks
from storage.store import Store
from tests.console.test_markup import PAYLOADS, assert_harmless
from tests.console.week import WEEK, bring_week, cluster_id
from tests.console.world import Stage, World, build


@pytest.fixture
def world(sqlite_url: str, stage: Stage) -> Iterator[World]:
    """On SQLite: what differs between the databases is in tests/groundswell/test_topics.py."""
    store = Store(sqlite_url)
    world = build(store, stage)
    yield world
    world.close()
    store.close()


def page(world: World, query: str = ""):
    reply = world.client("linxiao").get(f"/topics{query}")
    assert reply.status_code == 200
    return html.fromstring(reply.text)


def key(world: World, kind: str = READ) -> dict[str, str]:
    made = make_key(world.store, kind, kind, by="test", now=world.clock.now())
    return {"Authorization": f"Bearer {made}"}


def test_the_page_shows_topics_with_bars_clusters_and_mentions(world: World) -> None:
    bring_week(world.store, world.clock.now())

    tree = page(world)
    [first, *_] = tree.cssselect(".topic")
    assert first.get("id") == cluster_id("leak")
    assert first.cssselect(".title")[0].text_content() == "净水器接口处漏水"
    links = [one.get("href") for one in first.cssselect("a")]
    assert f"/clusters/{cluster_id('seep')}" in links
    assert any(one.startswith("/mentions/") for one in links)
    assert first.cssselect("svg")[0].get("aria-label") == "这一周 12 人，前一周 2 人"
    rest = tree.cssselect(".topic-rest")[0].text_content()
    assert "产品质量 1 条、退款退货 1 条" in rest


def test_weeks_are_walked_and_nonsense_shows_this_week(world: World) -> None:
    bring_week(world.store, world.clock.now())
    today = world.clock.now().date()

    before = page(world, f"?day={today - timedelta(days=7)}&brand=lanhe")
    assert "比前一周" not in before.text_content()
    nav = [one.get("href") for one in before.cssselect("nav.days a")]
    assert nav == [
        f"/topics?day={today - timedelta(days=14)}&brand=lanhe",
        f"/topics?day={today}&brand=lanhe",
    ]
    now = page(world).text_content()
    for odd in ("?day=9999-12-31", "?day=0001-01-01", "?day=x&brand=nobody"):
        assert page(world, odd).text_content() == now


def test_what_people_wrote_is_text_on_the_page(world: World) -> None:
    told = tuple(
        replace(WEEK[0], name=f"evil{n:03d}", label=payload, words=(payload,), now=2)
        for n, payload in enumerate(PAYLOADS)
    )
    bring_week(world.store, world.clock.now(), told)

    assert_harmless(world.client("linxiao").get("/topics").text)


def test_programs_read_topics_with_a_key_that_reads(world: World) -> None:
    bring_week(world.store, world.clock.now())
    client = world.client()

    reply = client.get("/api/v1/topics?brand=lanhe", headers=key(world))
    assert reply.status_code == 200
    [brand] = reply.json()["brands"]
    assert brand["topics"][0]["label"] == "净水器接口处漏水"
    assert brand["topics"][0]["samples"][0]["url"] == "http://site.example/tousu/leak-0"
    assert client.get("/api/v1/topics").status_code == 401
    assert client.get("/api/v1/topics", headers=key(world, PUSH)).status_code == 401
    assert "readTopics" in client.get("/api/v1/openapi.json").text


def test_a_call_that_asks_for_no_week_is_told_what_to_send(world: World) -> None:
    client, reads = world.client(), key(world)

    for query in ("day=tomorrow", "day=2999-01-01", "days=0", "days=93", "days=x", "brand=nobody"):
        reply = client.get(f"/api/v1/topics?{query}", headers=reads)
        assert (reply.status_code, reply.json()["title"]) == (400, "no such topics"), query
    assert "known: hemu, lanhe" in reply.json()["detail"]


def test_every_link_of_the_digests_section_leads_somewhere(world: World) -> None:
    bring_week(world.store, world.clock.now())
    world.clock.advance(days=3)
    now = world.clock.now()
    digests = Digests(
        store=world.store, project=world.project, links=SignedLinks(world.url, "a key")
    )
    owner = world.project.owners[0]
    monday = now.astimezone(owner.zone).date()
    digest = digests.compose(owner, monday, now=now)

    items = dict(digest.sections)["本周大家在抱怨什么"]
    client = world.client("linxiao")
    assert monday.weekday() == 0
    assert len(items) == 4  # three topics, what stands alone
    for item in items:
        path, _, fragment = item.path.partition("#")
        tree = html.fromstring(client.get(path).raise_for_status().text)
        assert not fragment or tree.get_element_by_id(fragment) is not None
        assert f"{world.url}{item.path}" in digests.text(digest)
