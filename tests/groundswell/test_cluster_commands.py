"""groundswell cluster, run as people run it: look, edit, take back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from groundswell.cli.app import build
from storage.store import Store
from tests.storage.cluster_drive import Shard

Run = Callable[..., Result]


@pytest.fixture
def shard(sqlite_url: str):
    store = Store(sqlite_url)
    shard = Shard(store)
    shard.open("a", 3)
    shard.open("b", 2)
    yield shard
    store.close()


@pytest.fixture
def run(sqlite_url: str, shard: Shard) -> Run:
    def command(*arguments: str) -> Result:
        options = ["--database", sqlite_url, "cluster"]
        return CliRunner().invoke(build(), [*options, *arguments], catch_exceptions=True)

    return command


def done(result: Result) -> Any:
    assert result.exit_code == 0, result.output + repr(result.exception)
    return json.loads(result.stdout)


def test_an_edit_is_shown_in_the_journal_and_taken_back(run: Run, shard: Shard) -> None:
    a, b = shard.id("a"), shard.id("b")

    merged = run("merge", b, "yunque-a", "--by", "linxiao", "--note", "同一批")

    assert merged.exit_code == 0
    assert "groundswell cluster undo 3" in merged.stdout
    found = done(run("show", "yunque-b", "--json"))  # a beginning of a former id
    assert (found["cluster"]["cluster_id"], found["aliases"]) == (a, [b])
    assert found["growth"]["mentions"] == len(found["members"]) == 5
    shown = run("show", b).stdout
    assert f"曾用编号 former ids  {b}" in shown
    assert "第三批次滤芯漏水" in shown
    rows = done(run("journal", b, "--json"))["journal"]
    assert [(row["kind"], row["actor"]) for row in rows][-1] == ("merge", "linxiao")

    assert done(run("undo", "3", "--json"))["clusters"] == [b, a]
    assert "不合并 kept apart" in run("show", a).stdout
    refused = run("merge", a, b)
    assert refused.exit_code != 0
    assert "groundswell cluster together" in str(refused.exception)


def test_parts_names_and_marks(run: Run, shard: Shard) -> None:
    a, b = shard.id("a"), shard.id("b")
    one, two, _ = sorted(shard.members()[a])

    part = done(run("split", a, str(one), "--json"))["clusters"][1]
    run("move", str(two), "--to", b)
    for act in (("rename", part, "接口发热"), ("pin", part), ("apart", a, b)):
        assert run(*act).exit_code == 0

    assert len(shard.members()[b]) == 3
    shown = run("show", part).stdout
    assert "接口发热" in shown
    assert "已固定 pinned" in shown
    assert f"拆出 parts  {part}" in run("show", a).stdout
    shard.join(b, published_at=datetime.now(UTC))
    header, line = run("list", "--hours", "1").stdout.splitlines()
    assert header.split()[:2] == ["cluster", "24h"]
    assert line.split()[:2] == [b, "1"]


def test_who_is_unclear_is_asked_again(run: Run) -> None:
    several = run("show", "yunque-")
    assert "不止一个" in str(several.exception)
    assert "groundswell cluster list" in str(run("show", "yunque-zzz").exception)
    assert run("undo", "0").exit_code == 2


def test_a_brand_that_is_not_configured_is_named_with_those_there_are(run: Run) -> None:
    refused = run("list", "--brand", "nobody")

    assert refused.exit_code
    assert 'there is no brand "nobody"; there are: ' in str(refused.exception)
