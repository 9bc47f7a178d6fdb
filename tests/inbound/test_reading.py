"""What people type at night, and what it may be taken for."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundswell.inbound.reading import Said, length_of, own_words, read

EXAMPLES = int(os.environ.get("READING_EXAMPLES", "150"))


def said(word: str, code: str = "", epoch: int | None = None, remark: str = "") -> Said:
    return Said(word=word, code=code, epoch=epoch, remark=remark)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("舆-7F3K·2·黄 确认", said("ack", "舆-7F3K", 2)),
        ("舆-7f3k·2·黄确认", said("ack", "舆-7F3K", 2)),
        ("确认 舆—7F3K・2・黄", said("ack", "舆-7F3K", 2)),
        ("舆７Ｆ３Ｋ　２　黄　１", said("ack", "舆-7F3K", 2)),
        ("舆 7F3K 收到！", said("ack", "舆-7F3K")),
        ("【舆-7F3K·1·橙】已确认", said("ack", "舆-7F3K", 1)),
        ("舆-7F3K 1", said("ack", "舆-7F3K")),
        ("舆-7FOK 确认", said("ack", "舆-7F0K")),  # a zero, misread
        ("7F3K 确认", said("ack", "舆-7F3K")),
        ("@舆情助手 舆-7F3K 确认", said("ack", "舆-7F3K")),
        ("@_user_1 1", said("ack")),
        ("1", said("ack")),
        ("确认收到，我来处理", said("ack", remark="我来处理")),
        ("OK.", said("ack")),
        ("误报 不是我们的产品", said("dismiss", remark="不是我们的产品")),
        ("处理完毕，没有再漏水", said("handled", remark="没有再漏水")),
        ("误报：旧闻，去年处理过", said("dismiss", remark="旧闻,去年处理过")),
        ("转派给周岚", said("assign", remark="周岚")),
        ("静默 1小时", said("silence", remark="1小时")),
        ("进展 已联系客户", said("note", remark="已联系客户")),
        ("处理完毕 已上门换新", said("handled", remark="已上门换新")),
        ("处理完毕", said("handled")),
        ("验证码：123456", said("verify", remark="123456")),
        ("123456", said("verify", remark="123456")),
    ],
)
def test_common_answers(text: str, expected: Said) -> None:
    assert read(text)[0] == expected


@pytest.mark.parametrize(
    "text",
    [
        *("确认不了", "不确认", "没收到", "收到了吗？", "收到 但不归我管", "确认 是不是发错人了?"),
        *("1小时后看", "10", "知道了", "好", "", "？", "已经不是误报了", "I cannot confirm"),
        *("误报？不是吧", "误报的可能不大", "已解决不了", "已处理不了，要支援", "处理完毕没有"),
        *("误报吗？", "处理完了吗？", "确认\n不是我负责的", "ok, but not mine"),
    ],
)
def test_what_sounds_doubtful_stops_no_calls(text: str) -> None:
    assert {one.word for one in read(text)} <= {"", "unclear"}


def test_a_number_glued_to_the_code_may_be_its_epoch() -> None:
    assert read("舆7F3K2收到") == (
        said("ack", "舆-7F3K2"),
        said("ack", "舆-7F3K", 2),
    )


@pytest.mark.parametrize(
    "below",
    [
        "> 舆-AAAA·1·橙 确认",
        "在 2026年11月20日 周五，听潮 <alert@lanhe.example> 写道：\n误报",
        "On Fri, Nov 20, 2026 at 03:00 听潮 wrote:\n误报",
        "-----原始邮件-----\n误报",
        "------------------ 原始邮件 ------------------\n误报",
        "发件人：听潮\n误报",
        "发自我的 iPhone",
        "-- \n林晓 13800001111",
        "________________________________\nFrom: alert",
    ],
)
def test_what_is_quoted_or_signed_is_not_read(below: str) -> None:
    assert read(f"确认\r\n\r\n{below}") == (said("ack"),)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("1小时", timedelta(hours=1)),
        ("一个半小时", timedelta(minutes=90)),
        ("半小时", timedelta(minutes=30)),
        ("90 分钟", timedelta(minutes=90)),
        ("2h", timedelta(hours=2)),
        ("两天", timedelta(days=2)),
        ("0分钟", None),
        ("很久", None),
        ("", None),
    ],
)
def test_lengths_of_time(text: str, length: timedelta | None) -> None:
    assert length_of(text) == length


@given(st.text(max_size=200))
@settings(max_examples=EXAMPLES)
def test_any_text_is_read_without_harm(text: str) -> None:
    found = read(text)

    assert found
    assert all(len(one.remark) <= 500 for one in found)
    own = own_words(text)
    if any(mark in own for mark in "不没吗?"):
        assert "ack" not in {one.word for one in found if any(m in one.remark for m in "不没吗?")}
