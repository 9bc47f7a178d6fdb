"""Who hears of what and who is on duty, on the command line, for the example project."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from alerts.incidents import on_grade
from config.load import example_dir, load
from groundswell.cli.app import build
from storage.records import Level
from storage.store import Store
from tests.make import NOW, make_cluster, make_evidence, make_grade, make_shard_changes

Run = Callable[..., Result]

NIGHT = "2026-11-23 03:00"  # Monday; chenmo has the week that ends at 08:30


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The example project, to be changed."""
    return Path(shutil.copytree(example_dir(), tmp_path / "home"))


@pytest.fixture
def run(home: Path) -> Run:
    def command(*arguments: str) -> Result:
        return CliRunner().invoke(build(), ["--config", str(home), *arguments])

    return command


def change(home: Path, name: str, old: str, new: str) -> None:
    text = (home / name).read_text(encoding="utf-8")
    assert old in text
    (home / name).write_text(text.replace(old, new, 1), encoding="utf-8")


def test_explain_puts_the_ladder_on_the_clock(run: Run) -> None:
    found = run(
        *("routes", "explain", "--brand", "lanhe", "--issue", "物流配送"),
        *("--region", "上海", "--at", NIGHT, "--level", "yellow"),
    )

    assert found.exit_code == 0, found.output
    lines = found.output.splitlines()
    assert "路由 lanhe-south-delivery 不匹配：要求地区为 广东、广西、海南，实际为 上海" in lines
    assert "按路由 lanhe-all，由林晓负责" in lines
    assert any(line.startswith("11-23 03:30  第 1 步") for line in lines)


def test_explain_resolves_a_roster_at_the_time_of_each_step(run: Run) -> None:
    asked = ("routes", "explain", "--brand", "lanhe", "--issue", "安全与人身", "--json", "--at")
    night = json.loads(run(*asked, NIGHT).stdout)
    noon = json.loads(run(*asked, "2026-11-23 12:00").stdout)

    assert (night["route"], night["owner"], night["held"]) == ("lanhe-safety", "linxiao", False)
    assert [rung["told"] for rung in night["ladder"][:3]] == [
        ["linxiao", "zhengwen", "chenmo"],
        ["chenmo"],
        ["xunuo"],
    ]
    assert noon["ladder"][1]["named"] == ["lead-duty"]
    assert noon["ladder"][1]["told"] == ["zhoulan"]


def test_explain_of_an_incident_shows_the_ladder_it_was_given(run: Run, sqlite_url: str) -> None:
    project = load(example_dir(), environ={})
    cluster = make_cluster("lanhe-aaaaaaaa", brand_id="lanhe", shard_id="lanhe/zh")
    evidence = make_evidence(cluster=cluster)
    change = on_grade(None, evidence, make_grade(level=Level.ORANGE), project, NOW)
    assert change is not None
    store = Store(sqlite_url)
    with store.transaction() as tx:
        tx.save_gathering(make_shard_changes(shard_id="lanhe/zh", clusters=(cluster,)), [])
        tx.save_change(change)
    store.close()
    code = change.incident.code
    asked = ("--database", sqlite_url, "routes", "explain", "--incident", code)
    document = json.loads(run(*asked, "--json").stdout)

    assert document["incident"] == code
    assert [rung["named"] for rung in document["frozen"][:2]] == [["zhoulan"], ["xunuo"]]
    assert f"{code} 立案时定下的升级顺序" in run(*asked).output


def test_explain_names_the_brands_it_knows(run: Run) -> None:
    found = run("routes", "explain", "--brand", "lanhee")

    assert found.exit_code != 0
    assert 'there is no brand "lanhee"; known: hemu, lanhe' in str(found.exception)


def test_a_time_that_is_none_is_refused(run: Run) -> None:
    found = run("duty", "who", "--at", "tonight")

    assert "expected a time such as" in str(found.exception)


def test_lint_ends_with_one_while_something_is_wrong(run: Run, home: Path) -> None:
    change(home, "duties.yaml", "starts: 2026-01-05", "starts: 2099-01-05")
    found = run("routes", "lint", "--at", NIGHT, "--json")
    gap = [one for one in json.loads(found.stdout)["findings"] if one["code"] == "gap"]

    assert found.exit_code == 1
    assert [one["where"] for one in gap] == ["lead-duty"]
    assert "由兜底名单先接住" in gap[0]["text"]


def test_duty_list_shows_leave_and_who_stands_in(run: Run, home: Path) -> None:
    change(home, "owners.yaml", "    stand_in: [zhoulan]\n", "")
    change(
        home,
        "owners.yaml",
        "    channels: [bot-zhoulan]\n",
        "    channels: [bot-zhoulan]\n    away: [[2026-11-24, 2026-11-24]]\n",
    )
    found = run("duty", "list", "lead-duty", "--days", "2", "--at", "2026-11-23 12:00")
    rows = [line.split() for line in found.output.splitlines()[2:]]

    assert found.exit_code == 0, found.output
    assert [(row[2], row[5]) for row in rows] == [
        *[("12:00", "周岚"), ("18:30", "周岚"), ("00:00", "陈默"), ("08:30", "陈默")],
        *[("18:30", "陈默"), ("00:00", "周岚"), ("08:30", "周岚")],
    ]
    assert rows[2][-1] == "周岚休假中"


def test_duty_who_says_until_when(run: Run) -> None:
    document = json.loads(run("duty", "who", "--at", NIGHT, "--json").stdout)
    [slot] = document["duties"].values()

    assert slot["turn"]["owner_ids"] == ["chenmo"]
    assert slot["ends"] == "2026-11-23T00:30:00+00:00"  # 08:30 in Shanghai
    assert "陈默" in run("duty", "who", "--at", NIGHT).output


def test_unknown_rosters_are_named(run: Run) -> None:
    assert 'no duty "night"; known: lead-duty' in str(run("duty", "list", "night").exception)


def test_who_is_told_on_a_channel_that_needs_a_number_must_have_one(run: Run, home: Path) -> None:
    call = (
        "  - {id: call, kind: voice, provider: aliyun, key_id: env:K, secret: env:S,"
        " template: TTS_1, params: {text: text}}\n"
    )
    path = home / "channels.yaml"
    path.write_text(path.read_text(encoding="utf-8") + call, encoding="utf-8")
    change(home, "owners.yaml", "channels: [bot-zhoulan]\n", "channels: [bot-zhoulan, call]\n")
    found = run("check")

    assert found.exit_code == 2
    assert 'owner "zhoulan": channels[2]: channel "call" needs a number' in found.output
    assert 'owner "chenmo": stands in duty "lead-duty", but nothing wakes them' in found.output
