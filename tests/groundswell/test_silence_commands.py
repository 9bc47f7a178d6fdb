"""groundswell silence on the command line, for the example project."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from config.load import example_dir
from groundswell.cli.app import build


@pytest.fixture
def run(tmp_path: Path, sqlite_url: str):
    home = shutil.copytree(example_dir(), tmp_path / "home")

    def command(*arguments: str):
        return CliRunner().invoke(
            build(), ["--config", str(home), "--database", sqlite_url, *arguments]
        )

    return command


def test_silence_begins_is_listed_and_ends(run) -> None:
    begun = run(
        *("silence", "add", "--brand", "lanhe", "--hours", "4"),
        *("--reason", "系统升级，已公告", "--by", "linxiao", "--json"),
    )
    assert begun.exit_code == 0, begun.output
    silence = json.loads(begun.output)["silence"]
    assert (silence["brand"], silence["up_to"], silence["by"]) == (["lanhe"], "yellow", "linxiao")

    listed = run("silence", "list")
    assert silence["silence_id"] in listed.output
    assert "系统升级，已公告" in listed.output
    ended = run("silence", "end", silence["silence_id"])
    assert ended.exit_code == 0
    assert "没有静默" in run("silence", "list").output
    assert "(ended)" in run("silence", "list", "--all").output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--hours", "4", "--until", "2099-01-01 00:00"), "either --hours or --until"),
        ((), "either --hours or --until"),
        (("--until", "tomorrow"), "expected a time such as"),
        (("--hours", "4", "--up-to", "red"), "red is never held"),
        (("--hours", "4", "--brand", "lanhee"), 'did you mean "lanhe"'),
        (("--hours", "4", "--brand", "nowhere"), "known: hemu, lanhe"),
    ],
)
def test_what_cannot_be_is_refused(run, arguments: tuple[str, ...], said: str) -> None:
    refused = run("silence", "add", "--reason", "已公告", *arguments)

    assert refused.exit_code != 0
    assert said in str(refused.exception)
