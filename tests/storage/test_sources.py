from __future__ import annotations

from datetime import timedelta

from storage.records import FetchCause, SourceHealth, SourceId, SourceState
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
