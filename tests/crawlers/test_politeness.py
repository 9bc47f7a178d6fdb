"""Hosts that want to be left alone are, whichever source asks; servers that lie are found out."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from crawlers.frontier import DETAIL_LEASE_S
from storage.records import DetailLink, FetchCause, SourceHealth, SourceId
from tests.crawlers.conftest import NOW, feed, listing
from tests.crawlers.test_runner import ITEMS
from tests.site.pages import Item, detail_page, list_page, rss
from tests.site.server import Reply, Site

XML = {"Content-Type": "application/rss+xml"}


def test_retry_after_makes_all_sources_of_the_host_wait_across_a_restart(
    collect, site, frontier, clock
):
    site.set("/one.xml", b"", {"Retry-After": "600"}, status=429)
    site.set("/two.xml", rss(site.url, ITEMS))
    sources = [feed(site, "/one.xml", id="one"), feed(site, "/two.xml", id="two")]

    collect(*sources)
    assert frontier.states["one"].cause is FetchCause.BLOCKED
    assert not site.hits_of("/two.xml")
    assert "two" not in frontier.states  # it waits, which is no failure

    site.set("/one.xml", rss(site.url, ITEMS))
    clock.pass_time(minutes=5)
    assert collect(*sources) == 0

    clock.pass_time(minutes=7)
    assert collect(*sources) == 2
    assert frontier.states["two"].failures == 0
    assert frontier.states["one"].health is SourceHealth.OK


def test_retry_after_on_a_detail_page_lets_the_other_pages_wait(collect, site, frontier, clock):
    site.set("/list?p=1", list_page(ITEMS))
    for item in ITEMS:
        site.set(item.path, detail_page(item))
    site.set(ITEMS[0].path, b"", {"Retry-After": "120"}, status=503)
    source = listing(site)

    collect(source)
    asked = [hit.path for hit in site.hits if hit.path.startswith("/a/")]
    assert asked == ["/a/1"]

    site.set(ITEMS[0].path, detail_page(ITEMS[0]))
    clock.pass_time(seconds=DETAIL_LEASE_S + 15)
    collect(source)
    assert len(frontier.kept) == 5
    # who was not asked because of the first one has lost no attempt
    assert sorted(link.attempts for link in frontier.links.values()) == [1, 1, 1, 1, 2]


def test_pages_of_a_server_that_is_away_for_long_are_not_given_up(collect, site, frontier, clock):
    with Site() as away:
        site.set(
            "/list?p=1", list_page(ITEMS[:2]).replace(b'href="', b'href="' + away.url.encode())
        )
        authority = away.authority
    source = listing(site)
    for _ in range(9):
        collect(source, allow=[authority])
        clock.pass_time(hours=2)

    assert not frontier.ended
    with Site(port=int(authority.rpartition(":")[2])) as back:
        for item in ITEMS[:2]:
            back.set(item.path, detail_page(item))
        collect(source, allow=[authority])
    assert len(frontier.kept) == 2


def test_a_closed_port_is_tried_once_for_all_its_sources_and_again_after_ten_minutes(
    collect, frontier, clock
):
    with Site() as gone:
        authority, url = gone.authority, gone.url
    sources = [feed(gone, id=f"s{n}", start=f"{url}/{n}.xml") for n in range(3)]

    collect(*sources, allow=[authority])
    assert [event.source_id for event in frontier.events] == ["s0"]

    clock.pass_time(minutes=9)
    assert collect(*sources, allow=[authority]) == 0
    clock.pass_time(minutes=3)
    collect(*sources, allow=[authority])
    assert len(frontier.events) == 2
    assert frontier.host_states[authority].failures == 2


def test_a_person_may_ask_a_host_that_wants_to_be_left_alone(with_collector, site, frontier):
    site.set("/feed.xml", b"", {"Retry-After": "3600"}, status=429)

    async def work(collector):
        await collector.poll_due()
        site.set("/feed.xml", rss(site.url, ITEMS))
        assert await collector.poll_due() == 0
        return await collector.poll(SourceId("one"))

    state = with_collector(work, feed(site), allow=[site.authority])

    assert state.health is SourceHealth.OK
    assert frontier.host_states[site.authority].not_before is None


def test_crawl_delay_slows_the_host_down(collect, site, frontier):
    site.set("/robots.txt", "User-agent: *\nCrawl-delay: 0.5\n", {"Content-Type": "text/plain"})
    for name in "abc":
        site.set(f"/{name}.xml", rss(site.url, ITEMS))

    collect(*(feed(site, f"/{name}.xml", id=name) for name in "abc"))

    times = sorted(hit.at for hit in site.hits if hit.path.endswith(".xml"))
    assert len(times) == 3
    # Ten per cent of jitter; the server of these tests may note an arrival late.
    assert min(later - earlier for earlier, later in pairwise(times)) >= 0.5 * 0.9 - 0.2
    assert frontier.host_states[site.authority].crawl_delay_s == 0.5


def poll_often(with_collector, site, clock, times, change=lambda number: None):
    """Poll a feed by one collector again and again, half an hour apart."""

    async def work(collector):
        for number in range(times):
            change(number)
            await collector.poll_due()
            clock.pass_time(minutes=30)

    source = feed(site, schedule={"adaptive": False})
    with_collector(work, source, allow=[site.authority])


# --- servers that lie ------------------------------------------------------------------------


def lying_site(site, *, keeps_etag):
    """Serve a feed that changes with every request and yet answers 304 to whoever asks."""
    asked = []

    def answer(hit):
        asked.append(hit)
        if "if-none-match" in hit.headers:
            return Reply(status=304)
        item = Item(path=f"/a/{len(asked)}", title=f"澜禾第{len(asked)}条", text="又漏水了")
        etag = '"v1"' if keeps_etag else f'"v{len(asked)}"'
        return Reply(body=rss(site.url, [item, *ITEMS]), headers={**XML, "ETag": etag})

    site.answer("/feed.xml", answer)


@pytest.mark.parametrize("keeps_etag", [True, False])
def test_a_server_that_answers_304_for_ever_is_believed_for_twelve_polls_only(
    with_collector, site, frontier, clock, keeps_etag
):
    lying_site(site, keeps_etag=keeps_etag)
    poll_often(with_collector, site, clock, 15)

    statuses = [hit.status for hit in site.hits_of("/feed.xml")]
    proof = [] if keeps_etag else [304]  # asked once more with what it had given
    assert statuses == [200] + [304] * 11 + [200, *proof, 200, 200]
    assert frontier.states["one"].validators_lie
    assert frontier.states["one"].health is SourceHealth.OK


def test_an_honest_server_is_never_called_a_liar(with_collector, site, frontier, clock):
    def change(number):
        newest = Item(path=f"/b/{number}", title=f"第{number}条", text="新的")
        site.set("/feed.xml", rss(site.url, [newest, *ITEMS]), XML, etag=True)

    poll_often(with_collector, site, clock, 26, change)

    assert not frontier.states["one"].validators_lie
    assert {event.outcome for event in frontier.events} == {"ok"}


def test_a_page_without_validators_that_has_not_changed_is_not_parsed_again(
    with_collector, site, frontier, clock
):
    site.set("/feed.xml", rss(site.url, ITEMS), XML)
    poll_often(with_collector, site, clock, 14)

    outcomes = [event.outcome for event in frontier.events]
    assert outcomes == ["ok"] + ["unchanged"] * 13


# --- gaps and the night ----------------------------------------------------------------------


def posts(first, last):
    return [
        Item(path=f"/p/{n}", title=f"第{n}帖", text=f"澜禾第{n}天的使用记录", published=NOW)
        for n in range(last, first - 1, -1)
    ]


def test_a_list_in_which_everything_is_new_is_a_gap_and_said_so(collect, site, frontier, clock):
    source = feed(site, schedule={"adaptive": False})
    for items, is_gap in ((posts(1, 5), False), (posts(4, 8), False), (posts(20, 24), True)):
        site.set("/feed.xml", rss(site.url, items))
        collect(source)
        assert frontier.polls[-1].gap is is_gap
        assert ("遗漏" in frontier.events[-1].text) is is_gap
        clock.pass_time(minutes=30)

    assert frontier.states["one"].last_gap_at == NOW + timedelta(minutes=60)


def test_a_source_read_for_the_first_time_or_with_two_items_shows_no_gap(
    collect, site, frontier, clock
):
    source = feed(site, schedule={"adaptive": False})
    for first in (1, 3, 5):
        site.set("/feed.xml", rss(site.url, posts(first, first + 1)))
        collect(source)
        clock.pass_time(minutes=30)

    assert not any(poll.gap for poll in frontier.polls)


def test_older_pages_are_walked_once_a_night_whatever_is_known(collect, site, frontier, clock):
    for page in range(1, 31):
        site.set(f"/list?p={page}", list_page(posts(1000 - page * 3, 1002 - page * 3)))
    fields = {"url": "css:a::attr(href)", "title": "css:a::text"}
    rules = {
        "detail": None,
        "list": {"item": "css:ul.list > li", "fields": fields},
        "pages": {"max": 2, "backfill": 28, "stop_when_seen": 2},
        "schedule": {"adaptive": False},
    }
    source = listing(site, **rules)
    collect(source)
    assert len(frontier.kept) == 6

    clock.pass_time(hours=18)  # half past four in the morning in Shanghai
    collect(source)
    walked = [event for event in frontier.events if "夜间补读" in event.text]
    assert len(frontier.kept) == 28 * 3
    assert [event.items for event in walked] == [75, 9]
    assert len(site.hits_of("/list?p=28")) == 1
    assert not site.hits_of("/list?p=29")

    clock.pass_time(hours=1)
    collect(source)
    assert len(site.hits_of("/list?p=28")) == 1
    clock.pass_time(days=1)
    collect(source)
    collect(source)
    assert len(site.hits_of("/list?p=28")) == 2
    assert frontier.states["one"].last_backfill_at == clock.at


def test_a_search_that_finds_nothing_for_any_word_any_more_breaks_its_contract(
    collect, site, frontier, clock
):
    starts = [f"{site.url}/s?q={word}" for word in ("lanhe", "k2")]
    source = feed(site, kind="search", start=starts, schedule={"adaptive": False})
    for first, second, outcome in (
        ([], [], "ok"),  # never found anything: a quiet brand
        (posts(1, 3), [], "ok"),
        ([], posts(4, 6), "ok"),  # one word may well find nothing
        ([], [], FetchCause.LAYOUT.value),
    ):
        # each page says when it was made, as such pages do
        site.set("/s?q=lanhe", rss(f"{site.url}/{clock.now():%H%M}", first))
        site.set("/s?q=k2", rss(f"{site.url}/{clock.now():%H%M}", second))
        collect(source)
        assert frontier.events[-1].outcome == outcome
        clock.pass_time(minutes=30)

    assert "所有关键词" in frontier.states["one"].cause_text


# --- links of all kinds ----------------------------------------------------------------------


def figures_link(site, path, **given):
    return DetailLink(
        url_hash=f"figures{path}",
        source_id=SourceId("one"),
        url=site.url + path,
        kind="figures",
        **given,
    )


def test_a_link_is_fetched_when_it_is_due_and_a_deleted_page_is_noticed(
    collect, site, frontier, clock
):
    site.set("/list?p=1", list_page(ITEMS[:1]))
    site.set(ITEMS[0].path, detail_page(ITEMS[0]))
    site.set("/gone", b"", status=404)
    source = listing(site)
    collect(source)
    link = figures_link(site, "/gone", due_at=NOW + timedelta(hours=2))
    frontier.links[link.url_hash] = link

    clock.pass_time(hours=1)
    collect(source)
    assert not site.hits_of("/gone")
    clock.pass_time(hours=1)
    collect(source)

    assert len(site.hits_of("/gone")) == 1
    assert (frontier.details[-1].gone, frontier.details[-1].state) == (True, "done")
    assert frontier.states["one"].health is SourceHealth.OK
