"""Pages are read again often at first, then less, for two weeks, while an incident is open."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.schema import Project, SourceConfig
from groundswell.rereading import (
    PER_INCIDENT,
    STEPS,
    link_hash,
    plan,
    plan_due,
    readable_again,
    step_of,
)
from storage.records import IncidentState, Outcome
from tests.make import NOW, make_change, make_incident, make_mention, make_raw, make_verdict
from tests.storage.drive import gather

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def _source(source_id="tousu", **fields):
    values = {
        "id": source_id,
        "name": "投诉",
        "kind": "list_detail",
        "start": "https://tousu.example/list",
        "list": {"item": "css:li", "fields": {"url": "css:a::attr(href)"}},
        "detail": {"fields": {"text": "css:p"}},
    }
    return SourceConfig(**{k: v for k, v in (values | fields).items() if v is not None})


PROJECT = Project(sources=(_source(),))


@pytest.mark.parametrize(
    ("age", "step"),
    [
        (14 * MINUTE, None),
        (15 * MINUTE, 0),
        (31 * MINUTE, 1),
        (HOUR, 2),
        (5 * HOUR, 4),
        (23 * HOUR, 6),
        (DAY, 7),
        (13.9 * DAY, 19),
        (14.9 * DAY, 20),
        (15 * DAY, None),
    ],
)
def test_the_steps_double_for_a_day_and_then_come_daily(age, step):
    assert step_of(age) == step


def test_a_mention_is_read_21_times_at_most():
    assert len(STEPS) == 21
    assert list(STEPS) == sorted(set(STEPS))


@given(st.lists(st.integers(1, 400), min_size=1, max_size=60))
def test_every_step_is_planned_at_most_once_however_the_program_runs(pauses):
    mention, planned, now, count = make_mention(), {}, NOW, 0
    for pause in pauses:
        now += pause * MINUTE
        for link in plan([(mention, NOW)], planned, now):
            planned[link.url_hash] = link.until
            count += 1
            assert link.due_at == now < link.until
        assert plan([(mention, NOW)], planned, now) == []
    step = step_of(now - NOW)
    assert count <= (len(STEPS) if step is None else step + 1)


def test_a_link_says_what_the_page_may_not():
    mention = make_mention(item_key="id:tousu:8812", author="", title="漏水")
    [link] = plan([(mention, NOW)], {}, NOW + HOUR)

    assert (link.kind, link.url, link.page) == ("figures", mention.url, 1)
    assert link.listed == {
        "item_key": "id:tousu:8812",
        "native_id": "8812",
        "title": "漏水",
        "published_at": mention.published_at.isoformat(),
        "thread": mention.url,
    }
    long = make_mention(2, item_key="id:tousu:sha256/abcdef")
    assert "native_id" not in plan([(long, NOW)], {}, NOW + HOUR)[0].listed
    by_url = make_mention(3, item_key="url:https://tousu.example/post/3")
    assert "native_id" not in plan([(by_url, NOW)], {}, NOW + HOUR)[0].listed


def test_only_sources_whose_pages_can_be_read_alone_are_read_again():
    feed = {"kind": "feed", "list": None, "detail": None}
    sources = (
        _source(),
        _source("rss", **feed),
        _source("off", enabled=False),
        _source("own", role="official"),
        _source("map", kind="sitemap", list=None, detail=None),
    )
    assert readable_again(Project(sources=sources)) == {"tousu", "map"}


def _incident(store, raws, **fields):
    with store.transaction() as tx:
        ids = [mention_id for _, mention_id in tx.keep(raws, NOW)]
        tx.save_change(make_change(make_incident(**fields)))
        tx.save_verdicts(ids, [make_verdict(n) for n in ids], NOW)
    gather(store, dict.fromkeys(ids, "yunque-aaaaaaaa"))


def _due(store, at, project=PROJECT):
    with store.transaction() as tx:
        return plan_due(tx, project, at)


def _claim(store, at):
    with store.transaction() as tx:
        return tx.claim_links("tousu", 100, at, 60)


def test_the_mentions_that_spread_most_are_read_again_while_the_incident_is_open(store):
    _incident(store, [make_raw(n, reposts=n) for n in range(1, PER_INCIDENT + 4)])

    assert _due(store, NOW + 10 * MINUTE) == 0
    assert _due(store, NOW + 16 * MINUTE) == PER_INCIDENT
    assert _due(store, NOW + 17 * MINUTE) == 0
    links = _claim(store, NOW + 17 * MINUTE)
    assert len(links) == PER_INCIDENT
    assert {link.kind for link in links} == {"figures"}
    with store.transaction() as tx:
        for link in links:
            tx.finish_link(link.url_hash, "done")

    assert _claim(store, NOW + 29 * MINUTE) == []
    assert _due(store, NOW + 31 * MINUTE) == PER_INCIDENT  # the same rows, open again
    assert len(_claim(store, NOW + 31 * MINUTE)) == PER_INCIDENT
    with store.read() as queries:
        assert queries.counts()["detail_link"] == PER_INCIDENT


def test_links_that_nobody_fetched_do_not_pile_up(store):
    _incident(store, [make_raw(1)])
    for hours in (1, 2, 4, 8, 30):
        assert _due(store, NOW + hours * HOUR) == 1

    assert len(_claim(store, NOW + 31 * HOUR)) == 1


@pytest.mark.parametrize("state", [IncidentState.CLOSED, IncidentState.DISMISSED])
def test_nothing_is_read_again_once_the_incident_has_ended(store, state):
    _incident(store, [make_raw(1)], state=state)

    assert _due(store, NOW + HOUR) == 0


def test_nothing_is_read_again_after_two_weeks(store):
    _incident(store, [make_raw(1)])

    assert _due(store, NOW + 14 * DAY) == 1
    assert _due(store, NOW + 15 * DAY) == 0


def test_figures_that_were_read_again_are_what_the_next_grade_sees(store):
    _incident(store, [make_raw(1, reposts=2)])
    with store.transaction() as tx:
        again = make_raw(1, reposts=800)
        assert tx.keep([again], NOW + HOUR, reread=True)[0][0] is Outcome.DUPLICATE

    with store.read() as queries:
        evidence = queries.evidence("yunque-aaaaaaaa", NOW + HOUR)
    assert evidence.reposts == 800
    assert link_hash(make_mention(1)) == link_hash(make_mention(1, title="改过"))
