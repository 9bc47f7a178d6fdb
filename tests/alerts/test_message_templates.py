"""Texts that people may edit, every channel's bytes and dialect, and messages that move (P18)."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.card import card_values
from alerts.dialects import to_plain
from alerts.messages import LOCK_SCREEN, Address, Occasion, Scene, reword
from config.channel_schema import TextLimits, text_limits
from config.templates import BLOCKS, FIELDS, defaults, mistakes
from storage.records import Level
from tests.alerts.test_message_texts import (
    CASES,
    CHANNELS,
    GRADE,
    LINKS,
    OWNERS,
    PROJECT,
    RICH,
    incident,
    project,
    render,
    task,
    told,
)
from tests.make import NOW


@pytest.mark.parametrize("name", [*defaults()])
def test_every_shipped_text_passes_its_own_check(name: str) -> None:
    assert list(mistakes(name, defaults()[name])) == []


def test_every_occasion_has_a_text() -> None:
    assert {occasion.value for occasion in Occasion} <= set(defaults())


def test_every_field_is_filled_and_explained() -> None:
    owner, channel = PROJECT.owner("lin"), PROJECT.channel("bot")
    assert owner is not None
    assert channel is not None
    address = Address(recipient=owner, channel=channel, at=NOW)
    scene = Scene(project=PROJECT, links=LINKS, evidence=RICH, samples=told())
    page = (Path(__file__).parents[2] / "docs" / "messages.zh-CN.md").read_text(encoding="utf-8")

    assert set(card_values(incident(), Occasion.NOTICE, scene, address)) == set(FIELDS)
    assert [name for name in (*FIELDS, *BLOCKS) if f"{{{name}}}" not in page] == []


_ANY = st.text(max_size=90)
EXAMPLES = int(os.environ.get("GROUNDSWELL_EXAMPLES", "60"))  # more by hand


@given(
    title=_ANY,
    said=st.lists(st.tuples(_ANY, _ANY), max_size=3),
    why=_ANY,
    occasion=st.sampled_from(list(Occasion)),
    channel=st.sampled_from([name for name in CHANNELS if name not in {"sms", "call"}]),
    level=st.sampled_from([Level.BLUE, Level.YELLOW, Level.ORANGE, Level.RED]),
    times=st.sampled_from([1, 300]),
)
@settings(max_examples=EXAMPLES, deadline=None)
def test_code_and_page_are_kept_within_the_bytes_of_every_channel(
    title: str,
    said: list[tuple[str, str]],
    why: str,
    occasion: Occasion,
    channel: str,
    level: Level,
    times: int,
) -> None:
    about = incident(title=title, level=level, grade=replace(GRADE, quiet_if=title * times))
    message = render(channel, occasion, about, says=said, why=why * times)
    found = PROJECT.channel(channel)
    assert found is not None

    assert len(message.body.encode()) <= text_limits(found, occasion.urgency(level)).bytes
    assert f"{about.code}·1·{level.zh}" in message.body
    assert f"/incidents/{about.incident_id}" in message.body
    assert len(message.subject) <= LOCK_SCREEN
    assert message.body.split("\n", maxsplit=1)[0].rstrip() == message.subject.rstrip()
    assert len(message.words["text"]) <= 60
    for action in message.actions:
        has_buttons = channel in {"feishu", "lark", "ding", "slack"}
        assert has_buttons or action.url in message.body


def test_any_dialect_reads_the_same_as_plain_text() -> None:
    plain = to_plain(CASES["notice_no_links"].body).split("\n")
    for channel in ("feishu", "ding", "slack"):
        lines = to_plain(render(channel, Occasion.NOTICE, incident()).body).split("\n")

        assert [line for line in lines if "/incidents/" not in line] == [
            line for line in plain if not line.startswith("请登录控制台")
        ]
        assert "查看事件：https://desk.yunque.example/incidents/yunque-kwxibmtm" in lines


def test_a_projects_own_text_takes_the_place_of_the_shipped_one() -> None:
    own = project(
        templates={
            "task": "【{level}】{title}·{ask}\n{card}\n任务：{task}",
            "notice": "【{level}】{ask}·{title}·{ratio}\n{name}你好，{people}人在说。\n{card}",
            "card": "编号：{code}\n操作：{links}\n没有{growth}的时候不出现",
        }
    )
    message = render("hook", Occasion.NOTICE, incident(), within=own)

    assert message.body.split("\n")[:5] == [
        "【橙】请林晓12:15前确认·云雀净水器Q3·滤芯渗水·平常8.9倍",
        "林晓你好，32人在说。",
        "编号：舆-W932·1·橙",
        "操作",
        "查看事件：https://desk.yunque.example/incidents/yunque-kwxibmtm",
    ]
    assert "不出现" not in message.body
    given = render("hook", Occasion.TASK, incident(tasks=(task(),)), within=own)
    assert given.body.split("\n")[-1] == (
        "任务：排查整改：联系三家经销商，停售第三批次滤芯（18:00前；由陈立安排）"
    )


def test_the_clock_on_the_card_is_the_readers() -> None:
    owners = [{**OWNERS[0], "timezone": "America/New_York"}, *OWNERS[1:]]
    message = render("hook", Occasion.NOTICE, incident(), within=project(owners=owners))

    assert "请林晓00:15前确认" in message.subject


def test_a_message_that_moves_to_another_channel_keeps_its_buttons_as_links() -> None:
    card = render("feishu", Occasion.NOTICE, incident())
    letter = reword(card.body, card.actions, "feishu_md", TextLimits(32768, "html"))
    lines = letter.split("\n")

    assert lines[:2] == [card.subject, "编号：舆-W932·1·橙"]
    for action in card.actions:
        assert lines.count(f"{action.label}：{action.url}") == 1
    assert "**" not in letter
    assert (
        len(reword(card.body, card.actions, "feishu_md", TextLimits(900, "plain")).encode()) <= 900
    )
    plain = render("hook", Occasion.NOTICE, incident())
    again = reword(plain.body, plain.actions, "plain", TextLimits(9000, "slack_mrkdwn"))
    assert "desk.yunque.example/t/" not in again
    assert reword(plain.body, plain.actions, "plain", TextLimits(9, "plain")) == plain.body
