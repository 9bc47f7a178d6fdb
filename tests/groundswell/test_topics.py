"""The week's topics out of a real store, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from config.errors import ConfigError
from config.load import example_dir, load
from config.schema import Project
from groundswell.topics import TopicMemory, survey_topics
from storage.records import BrandTopics, ClusterId
from storage.store import Store
from tests.console.week import WEEK, bring_week, cluster_id

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # noon in Shanghai
DAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def project() -> Project:
    return load(example_dir(), environ={})


def lanhe(store: Store, project: Project, day: date = DAY) -> BrandTopics:
    with store.read() as queries:
        return survey_topics(queries, project, day, brand="lanhe")[0]


def test_the_week_of_the_store_is_told_in_topics_with_exact_counts(
    store: Store, project: Project
) -> None:
    bring_week(store, NOW)

    found = lanhe(store, project)
    leak, rude, late = found.topics
    assert leak.clusters == (cluster_id("leak"), cluster_id("seep"))
    # one of the four who tell of the base told of the joint too
    assert (leak.authors, leak.mentions, leak.authors_before) == (12, 13, 2)
    assert (leak.texts, leak.negative, leak.direction) == (10, 13, "up")
    assert (rude.label, rude.direction) == ("客服互相推诿没人管", "steady")
    assert (late.issue_class, late.direction) == ("售后维修", "new")
    assert [(one.issue_class, one.mentions) for one in found.rest] == [
        ("产品质量", 1),
        ("退款退货", 1),
    ]
    assert (found.authors, found.mentions, found.mentions_before) == (22, 23, 9)
    assert leak.samples[0].text == "澜禾净水器接口处漏水"
    assert leak.samples[0].url == "http://site.example/tousu/leak-0"
    assert leak.samples[0].cluster_id == cluster_id("leak")


def test_what_topics_were_told_is_remembered_once_a_day_and_names_them_later(
    store: Store, project: Project
) -> None:
    tomorrow = NOW + timedelta(days=1)
    bring_week(store, NOW)
    memory = TopicMemory(store=store, project=project)

    assert memory.tick(tomorrow) is True
    assert memory.tick(tomorrow + timedelta(hours=3)) is False
    with store.read() as queries:
        known = queries.known_topics(lanhe(store, project).brand_id)
    assert known[cluster_id("seep")] == known[cluster_id("leak")] == cluster_id("leak")

    # the first cluster is renamed away: the topic keeps the name it had
    with store.transaction() as tx:
        tx.save_topics(
            lanhe(store, project).brand_id,
            dict.fromkeys(known, ClusterId("lanhe-earlier1"))
            | {cluster_id("rude"): known[cluster_id("rude")]},
            tomorrow,
        )
    assert lanhe(store, project).topics[0].topic_id == "lanhe-earlier1"

    with store.transaction() as tx:  # two months later nothing of it is left
        tx.save_topics(lanhe(store, project).brand_id, {}, tomorrow + timedelta(days=63))
        assert tx.queries.known_topics(lanhe(store, project).brand_id) == {}


def test_a_day_that_is_not_over_is_compared_with_the_same_part_of_the_week_before(
    sqlite_url: str, project: Project
) -> None:
    store = Store(sqlite_url)
    try:
        bring_week(
            store, NOW, (replace(WEEK[2], now=2, before=3),)
        )  # on the 12th at nine, eight and seven
        with store.read() as queries:
            at_half_past_eight = survey_topics(
                queries,
                project,
                DAY - timedelta(days=1),
                brand="lanhe",
                now=NOW - timedelta(days=1, hours=3.5),
            )
            whole = survey_topics(queries, project, DAY - timedelta(days=1), brand="lanhe")
        assert at_half_past_eight[0].until == NOW - timedelta(days=1, hours=3.5)
        assert [one.mentions_before for one in (*at_half_past_eight, *whole)] == [2, 3]
    finally:
        store.close()


def test_an_empty_week_and_an_unknown_brand(sqlite_url: str, project: Project) -> None:
    store = Store(sqlite_url)
    try:
        bring_week(store, NOW, WEEK[:1])
        early = lanhe(store, project, date(2026, 6, 1))
        assert (early.topics, early.rest, early.mentions) == ((), (), 0)
        with store.read() as queries, pytest.raises(ConfigError, match="known: hemu, lanhe"):
            survey_topics(queries, project, DAY, brand="qinghe")
    finally:
        store.close()


def test_a_verdict_without_a_class_is_of_the_last_one(sqlite_url: str, project: Project) -> None:
    store = Store(sqlite_url)
    try:
        bring_week(store, NOW, (replace(WEEK[0], issue=""),))
        assert [one.issue_class for one in lanhe(store, project).topics] == ["其他"]
    finally:
        store.close()
