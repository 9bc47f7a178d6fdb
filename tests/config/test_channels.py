"""Channels as they are written, and what follows from them: limits, addresses, secrets."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from config.channel_schema import Channel, address_of, e164, secrets_of, text_limits
from config.load import copy_template, load, template_dir
from config.providers import address, rules_of
from config.schema import Owner, SmsChannel, VoiceChannel
from storage.records import Level

KINDS = {
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
}
_EXAMPLE = re.compile(r"^  # ((?:- id:|  \S).*)$")


def test_every_commented_example_of_the_template_is_a_channel(tmp_path: Path) -> None:
    copy_template(tmp_path / "project")
    file = tmp_path / "project" / "channels.yaml"
    lines = file.read_text(encoding="utf-8").splitlines()
    written = [_EXAMPLE.sub(r"  \1", line) for line in lines]
    file.write_text("\n".join(written), encoding="utf-8")
    owners = file.with_name("owners.yaml")
    woken = 'channels: [mail]\n    wake_by: [sms]\n    mobile: "13800138000"'
    text = owners.read_text(encoding="utf-8").replace("channels: [mail]", woken)
    owners.write_text(text, encoding="utf-8")  # where something rings, who is on duty is woken
    project = load(tmp_path / "project", environ={})

    assert {channel.kind for channel in project.channels} == KINDS
    assert all(secrets_of(channel) for channel in project.channels)
    for channel in project.channels:
        limits = [text_limits(channel, level) for level in Level]
        assert min(limit.bytes for limit in limits) >= 210
    reached = {channel.kind: address(channel) for channel in project.channels}
    assert reached["slack"] == "https://hooks.slack.com/services"
    assert reached["sms"] == "https://dysmsapi.aliyuncs.com/"
    assert reached["voice"] == "https://vms.tencentcloudapi.com/"
    assert (reached["email"], reached["apprise"]) == ("", "")


def test_the_template_itself_has_one_channel(tmp_path: Path) -> None:
    shutil.copytree(template_dir(), tmp_path / "project")

    assert [one.id for one in load(tmp_path / "project", environ={}).channels] == ["mail"]


def channel(**fields: Any) -> Channel:
    made: Channel = TypeAdapter(Channel).validate_python({"id": "it"} | fields)
    return made


OWNER = Owner(
    id="lin",
    name="林晓",
    channels=("it",),
    email=" lin@lanhe.example ",
    mobile="138 0013-8000",
    addresses={"it": "LinXiao"},
)


@pytest.mark.parametrize(
    ("fields", "found", "nowhere"),
    [
        ({"kind": "email", "host": "h", "sender": "a@x.cn"}, "lin@lanhe.example", ""),
        ({"kind": "webhook", "url": "https://x.example"}, "it", "it"),
        ({"kind": "wecom_bot", "key": "env:K"}, "it", "it"),
        ({"kind": "wecom_app", "corp_id": "w", "agent_id": 1, "secret": "env:K"}, "LinXiao", ""),
        ({"kind": "feishu_app", "app_id": "c", "secret": "env:K"}, "LinXiao", ""),
        ({"kind": "slack", "hook": "env:K"}, "it", "it"),
        ({"kind": "slack", "token": "env:K"}, "LinXiao", ""),
        ({"kind": "slack", "token": "env:K", "room": "C1"}, "LinXiao", "C1"),
        ({"kind": "sms", "provider": "aliyun", "template": "1"}, "+8613800138000", ""),
        ({"kind": "voice", "provider": "tencent", "template": "1"}, "+8613800138000", ""),
        ({"kind": "apprise", "address": "env:K"}, "it", "it"),
    ],
)
def test_who_a_person_is_on_a_channel(fields: dict[str, Any], found: str, nowhere: str) -> None:
    stranger = Owner(id="x", name="某人", channels=("it",))

    assert address_of(OWNER, channel(**fields)) == found
    assert address_of(stranger, channel(**fields)) == nowhere


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("13800138000", "+8613800138000"),
        ("+8613800138000", "+8613800138000"),
        ("+65 8123 4567", "+6581234567"),
        ("12800138000", ""),
        ("0571-88888888", ""),
        ("+0123456789", ""),
        ("138００138000", ""),
        (None, ""),
    ],
)
def test_numbers_are_read_as_people_write_them(written: str | None, number: str) -> None:
    assert e164(written) == number


@pytest.mark.parametrize("kind", ["sms", "voice"])
@pytest.mark.parametrize("provider", ["aliyun", "tencent"])
def test_shipped_providers_are_whole(kind: str, provider: str) -> None:
    made = channel(kind=kind, provider=provider, template="1")
    assert isinstance(made, SmsChannel | VoiceChannel)
    rules = rules_of(made)
    elsewhere = rules_of(made.model_copy(update={"url": "https://proxy.example/"}))

    assert rules.url.startswith("https://")
    assert rules.receipts is not None
    assert elsewhere.url == "https://proxy.example/"
    assert elsewhere.ok == rules.ok
