from __future__ import annotations

from datetime import timedelta

from storage.records import FetchCause, HostState, SourceHealth, SourceId, SourceState
from storage.sources import find_hosts, read_marks, waiting_sources
from tests.make import NOW, SOURCE, make_fetch_event, make_link, make_source_state


def test_a_source_nobody_polled_has_a_fresh_state(store):
    with store.transaction() as tx:
        assert tx.source_state(SOURCE) == SourceState(source_id=SOURCE)
    with store.read() as queries:
        assert queries.source(SOURCE) is None


def test_the_state_of_a_source_comes_back_whole(store):
    state = make_source_state(
        health=SourceHealth.DEGRADED,
        cause=FetchCause.LAYOUT,
        cause_text="列表里没有标题",
        failures=2,
        polls=9,
        items=40,
        first_polled_at=NOW - timedelta(days=3),
        last_poll_at=NOW,
        cursors={"https://a.example/": ['"abc"', "", "x"]},
        seen=("a1", "b2"),
    )
    with store.transaction() as tx:
        tx.save_source(make_source_state())
        tx.save_source(state)

    with store.read() as queries:
        assert queries.sources() == [state]
        assert queries.source(SOURCE) == state


def test_the_last_thirty_polls_of_each_source_are_kept(store):
    other = make_fetch_event("other", items=1)
    with store.transaction() as tx:
        tx.add_fetch_event(other)
        for n in range(35):
            tx.add_fetch_event(make_fetch_event(items=n))

    with store.read() as queries:
        assert [event.items for event in queries.fetch_events(SOURCE)] == list(range(34, 4, -1))
        assert queries.fetch_events(SourceId("other")) == [other]


def test_the_last_page_of_each_kind_is_kept_as_it_came(store):
    body = b"\xff\x00\xb4\xf3"
    with store.transaction() as tx:
        tx.save_page(SOURCE, "bad", "https://tousu.example/old", b"old", NOW - timedelta(days=1))
        tx.save_page(SOURCE, "bad", "https://tousu.example/list", body, NOW)

    with store.read() as queries:
        assert queries.page(SOURCE, "bad") == ("https://tousu.example/list", body, NOW)
        assert queries.page(SOURCE, "good") is None
    with store.transaction() as tx:
        assert tx.drop_pages(NOW) == 0
        assert tx.drop_pages(NOW + timedelta(seconds=1)) == 1


def _claim(store, limit=10, lease_s=60.0, at=NOW):
    with store.transaction() as tx:
        return [link.url_hash for link in tx.claim_links(SOURCE, limit, at, lease_s)]


def test_links_are_claimed_in_the_order_they_were_found_and_once(store):
    links = [make_link(n) for n in (3, 1, 2)]
    with store.transaction() as tx:
        assert tx.add_links(links, NOW) == 3
        assert tx.add_links([make_link(1), make_link(4)], NOW) == 1

    assert _claim(store, limit=2) == [links[0].url_hash, links[1].url_hash]
    assert _claim(store) == [links[2].url_hash, make_link(4).url_hash]
    assert _claim(store) == []


def test_a_claimed_link_comes_back_with_what_the_list_said(store):
    with store.transaction() as tx:
        tx.add_links([make_link(1, history=True, found_at=None)], NOW)
        [link] = tx.claim_links(SOURCE, 1, NOW, 60)

    assert (link.listed, link.history, link.attempts) == ({"title": "净水器漏水 1"}, True, 1)
    assert link.found_at == NOW


def test_a_link_whose_lease_ran_out_is_claimed_again(store):
    with store.transaction() as tx:
        tx.add_links([make_link(1)], NOW)
    _claim(store, lease_s=-1.0)

    with store.transaction() as tx:
        [link] = tx.claim_links(SOURCE, 1, NOW, 60)
    assert link.attempts == 2


def test_a_finished_link_is_remembered_and_a_retried_one_is_open_again(store):
    with store.transaction() as tx:
        tx.add_links([make_link(1), make_link(2), make_link(3)], NOW)
    _claim(store)
    with store.transaction() as tx:
        tx.finish_link(make_link(1).url_hash, "done")
        tx.finish_link(make_link(2).url_hash, "dead", "404")
        tx.finish_link(make_link(3).url_hash, "retry", "503")
        assert tx.add_links([make_link(1), make_link(2)], NOW) == 0

    assert _claim(store) == [make_link(3).url_hash]


def test_a_link_is_claimed_when_it_is_due(store):
    later = NOW + timedelta(hours=1)
    with store.transaction() as tx:
        tx.add_links([make_link(1, kind="thread", due_at=later, page=2)], NOW)
        assert waiting_sources(tx.connection, NOW) == []
        assert waiting_sources(tx.connection, later) == [SOURCE]

    assert _claim(store) == []
    with store.transaction() as tx:
        [link] = tx.claim_links(SOURCE, 1, later, 60)
        assert waiting_sources(tx.connection, later) == []
    assert (link.kind, link.page, link.due_at) == ("thread", 2, later)


def test_a_link_that_went_well_may_be_visited_again_with_its_attempts_counted_anew(store):
    later = NOW + timedelta(hours=1)
    with store.transaction() as tx:
        tx.add_links([make_link(1), make_link(2)], NOW)
    _claim(store)
    with store.transaction() as tx:
        tx.finish_link(make_link(1).url_hash, "done", again_at=later)
        tx.finish_link(make_link(2).url_hash, "retry", "HTTP 503", again_at=later)

    assert _claim(store) == []
    with store.transaction() as tx:
        links = tx.claim_links(SOURCE, 9, later, 60)
    assert [link.attempts for link in links] == [1, 2]


def test_a_claim_that_led_to_no_request_is_no_attempt(store):
    with store.transaction() as tx:
        tx.add_links([make_link(1)], NOW)
        tx.claim_links(SOURCE, 1, NOW, 60)
        tx.finish_link(make_link(1).url_hash, "retry", "HTTP 429", again_at=NOW, asked=False)
        [link] = tx.claim_links(SOURCE, 1, NOW, 60)

    assert link.attempts == 1


def test_a_link_that_came_to_its_end_is_opened_again_by_a_plan(store):
    with store.transaction() as tx:
        tx.add_links([make_link(1), make_link(2)], NOW)
    _claim(store)
    with store.transaction() as tx:
        tx.finish_link(make_link(1).url_hash, "done")
        again = [make_link(n, kind="figures", due_at=NOW) for n in (1, 2, 3)]
        tx.plan_links(again, NOW)

    # the second one is being fetched: it is left to whoever holds it
    assert _claim(store) == [make_link(1).url_hash, make_link(3).url_hash]


def test_what_is_remembered_of_hosts_comes_back_whole(store):
    waiting = HostState(
        host="bbs.lanhe.example",
        not_before=NOW + timedelta(minutes=10),
        reason="network here",
        latency_ms=120.5,
        last_status=200,
        failures=2,
        crawl_delay_s=5.0,
        updated_at=NOW,
    )
    with store.transaction() as tx:
        tx.save_hosts([HostState(host="bbs.lanhe.example"), waiting, HostState(host="b.example")])
        tx.save_hosts([])

    names = ["bbs.lanhe.example", *(f"h{n}.example" for n in range(1200))]
    with store.look() as connection:
        assert find_hosts(connection, names) == [waiting]
        assert find_hosts(connection, []) == []


def test_polls_add_up_mentions_and_leave_alone_what_the_maintainer_was_told(store):
    state = make_source_state(items=7, notice={"health": "degraded"})
    with store.transaction() as tx:
        tx.save_source(state)
        tx.add_items(SOURCE, 2, NOW)
        tx.save_polled([(make_source_state(items=0, polls=4), 3)])
        tx.save_polled([(make_source_state("another"), 5)])

    with store.read() as queries:
        first, second = queries.source(SOURCE), queries.source(SourceId("another"))
    assert (first.items, first.polls, first.notice) == (12, 4, {"health": "degraded"})
    assert second.items == 5


def test_marks_tell_when_each_source_is_due_and_by_which_rules(store):
    with store.transaction() as tx:
        tx.save_source(make_source_state(next_poll_at=NOW, config_digest="ab"))
        tx.save_source(make_source_state("another", config_digest=""))

    with store.look() as connection:
        assert read_marks(connection) == {SOURCE: (NOW, "ab"), SourceId("another"): (None, "")}
