"""Previews of messages: every occasion on every kind of channel, and the texts as a file to edit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from alerts.messages import LOCK_SCREEN, Occasion
from config.errors import GroundswellError
from config.load import example_dir, load
from config.templates import defaults
from groundswell.cli.app import build
from groundswell.message_preview import channels_of, made_up, occasions_of, previews
from tests.make import NOW

PROJECT = load(example_dir(), environ={})
KINDS = (
    "email",
    "webhook",
    "wecom_bot",
    "wecom_app",
    "feishu_bot",
    "feishu_app",
    "dingtalk_bot",
    "slack",
    "sms",
    "voice",
    "apprise",
)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(build(), ["messages", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_every_occasion_can_be_seen_on_every_kind_of_channel(kind: str) -> None:
    found = list(
        previews(PROJECT, made_up(PROJECT, NOW), Occasion, channels_of(PROJECT, kind)[:1], NOW)
    )

    assert len(found) == len(Occasion)
    for one in found:
        assert len(one.message.subject) <= LOCK_SCREEN
        assert len(one.message.body.encode()) <= one.bytes_limit
        assert "舆-7F3K" in one.message.body


def test_what_is_not_there_is_named_with_what_is_near() -> None:
    with pytest.raises(GroundswellError, match='did you mean "escalation"'):
        occasions_of("escalatoin")
    with pytest.raises(GroundswellError, match='did you mean "feishu_bot"'):
        channels_of(PROJECT, "feishu_bott")


def test_a_preview_says_bytes_and_buttons() -> None:
    [one] = json.loads(run("preview", "--channel", "slack", "--json"))["messages"]

    assert (one["occasion"], one["dialect"], one["bytes_limit"]) == ("notice", "slack_mrkdwn", 9000)
    assert [action["name"] for action in one["actions"]] == [
        "ack",
        "not_mine",
        "dismiss",
        "assign",
        "silence",
    ]
    assert "== notice · preview (sms, plain)" in run("preview", "--channel", "sms")


def test_the_texts_can_be_saved_edited_and_seen(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(example_dir(), project)
    shipped = run("texts", "--config", str(project))
    assert yaml.safe_load(shipped)["templates"] == {
        name: f"{text.strip()}\n" for name, text in defaults().items()
    }
    own = shipped.replace("【{level}】{title}·{people}人·是{ratio}·{ask}", "{level}！{title}", 1)
    (project / "messages.yaml").write_text(own, encoding="utf-8")

    seen = run("preview", "--channel", "webhook", "--config", str(project))

    assert "\n橙！" in seen
