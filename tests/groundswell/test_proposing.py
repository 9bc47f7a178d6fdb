"""Proposals found in a real store, on command and at night."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from config.errors import ConfigError
from config.load import example_dir, load
from config.schema import Project
from groundswell.cli.app import build
from groundswell.proposing import Proposer
from storage.store import Store
from tests.console.week import bring_week, cluster_id

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    opened = Store(sqlite_url)
    yield opened
    opened.close()


def project(way: str = "words") -> Project:
    example = load(example_dir(), environ={})
    clusters = example.settings.clusters.model_copy(update={"propose": way})
    return example.model_copy(
        update={"settings": example.settings.model_copy(update={"clusters": clusters})}
    )


def test_clusters_alike_are_proposed_once_a_night_until_a_person_decides(store: Store) -> None:
    bring_week(store, NOW)
    proposer = Proposer(store, project())

    assert proposer.tick(NOW) == 1
    assert proposer.tick(NOW) == 0
    with store.read() as queries:
        [one] = queries.proposals()
    assert {one.first_id, one.second_id} == {cluster_id("leak"), cluster_id("seep")}
    assert "同一产品" in one.why
    with store.transaction() as tx:
        assert tx.decide_proposal(one.first_id, one.second_id, False, "linxiao", NOW)
    assert proposer.tick(NOW + timedelta(days=1)) == 0
    with store.read() as queries:
        assert queries.proposals() == []


def test_nothing_is_proposed_unless_the_project_wants_it(store: Store) -> None:
    bring_week(store, NOW)

    assert Proposer(store, load(example_dir(), environ={})).tick(NOW) == 0
    with store.read() as queries:
        assert queries.proposals() == []
        assert queries.meta("proposed_on") is None


def test_an_unknown_brand_is_named_with_those_there_are(store: Store) -> None:
    with pytest.raises(ConfigError, match="known: hemu, lanhe"):
        Proposer(store, project()).find(NOW, "words", "qinghe")


def run(url: str, *arguments: str) -> str:
    result = CliRunner().invoke(build(), ["--database", url, *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_commands_print_topics_and_pairs(store: Store, sqlite_url: str) -> None:
    now = datetime.now(UTC)
    bring_week(store, now)

    table = run(sqlite_url, "topics", "--brand", "lanhe", "--days", "8")
    assert "净水器接口处漏水" in table
    assert "单独的 alone: 退款退货 1 条" in table
    [brand] = json.loads(run(sqlite_url, "--json", "topics", "--brand", "lanhe"))
    assert brand["topics"][0]["clusters"] == [cluster_id("leak"), cluster_id("seep")]

    shown = json.loads(run(sqlite_url, "--json", "cluster", "propose", "--dry-run"))
    assert [one["state"] for one in shown] == ["open"]
    with store.read() as queries:
        assert queries.proposals() == []
    assert "净水器底座漏水泡坏地板" in run(sqlite_url, "cluster", "propose", "--by", "words")
    with store.read() as queries:
        assert len(queries.proposals()) == 1


def test_a_day_that_is_none_is_refused(sqlite_url: str) -> None:
    for day in ("gestern", "0001-01-01"):
        result = CliRunner().invoke(build(), ["--database", sqlite_url, "topics", "--day", day])
        assert isinstance(result.exception, ConfigError)
        assert "expected a day such as 2026-11-22" in str(result.exception)
