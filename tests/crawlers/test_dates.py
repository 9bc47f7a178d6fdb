from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.dates import parse_date
from tests.crawlers.date_phrases import FRESH, HELD_OUT, LISTED
from tests.crawlers.date_phrases import TRAPS as MORE_TRAPS

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 18, 10, 30, tzinfo=SHANGHAI)  # a Wednesday

READ = [
    ("今天 09:12", "2026-11-18 09:12"),
    ("今日09:12", "2026-11-18 09:12"),
    ("昨晚8点", "2026-11-17 20:00"),
    ("昨天晚上八点半", "2026-11-17 20:30"),
    ("昨天 23:01", "2026-11-17 23:01"),
    ("昨天", "2026-11-17 00:00"),
    ("前天 下午3点", "2026-11-16 15:00"),
    ("大前天 08:00", "2026-11-15 08:00"),
    ("今早7点半", "2026-11-18 07:30"),
    ("刚刚", "2026-11-18 10:30"),
    ("3分钟前", "2026-11-18 10:27"),
    ("3 分鐘前", "2026-11-18 10:27"),
    ("30秒前", "2026-11-18 10:29:30"),
    ("几分钟前", "2026-11-18 10:27"),
    ("半小时前", "2026-11-18 10:00"),
    ("2小时前 来自手机客户端", "2026-11-18 08:30"),
    ("十二小时前", "2026-11-17 22:30"),
    ("两天前", "2026-11-16 10:30"),
    ("发表于 3 天前", "2026-11-15 10:30"),
    ("1周前", "2026-11-11 10:30"),
    ("11月3日", "2026-11-03 00:00"),
    ("11月3日 15:20", "2026-11-03 15:20"),
    ("12月25日", "2025-12-25 00:00"),
    ("2月29日", "2024-02-29 00:00"),
    ("11-03 12:00", "2026-11-03 12:00"),
    ("11/03 08:00", "2026-11-03 08:00"),
    ("周五下午3点", "2026-11-13 15:00"),
    ("星期三 09:00", "2026-11-18 09:00"),
    ("上周五", "2026-11-13 00:00"),
    ("上周三 18:00", "2026-11-11 18:00"),
    ("09:12", "2026-11-18 09:12"),
    ("23:12", "2026-11-17 23:12"),
    ("发布时间：2026-11-17 08:15", "2026-11-17 08:15"),
    ("发布时间:2026年11月17日 8时15分", "2026-11-17 08:15"),
    ("投诉时间：2026.11.03 09:05:11 来源：某论坛", "2026-11-03 09:05:11"),
    ("更新于2026-11-01", "2026-11-01 00:00"),
    ("2026年11月3日凌晨2点10分", "2026-11-03 02:10"),
    ("2026年11月3日（星期二）下午3:20", "2026-11-03 15:20"),
    ("2026年11月3日中午12点", "2026-11-03 12:00"),
    ("2026年11月3日晚上12点", "2026-11-04 00:00"),
    ("２０２６－１１－０３　０９：００", "2026-11-03 09:00"),
    ("2026/1/2", "2026-01-02 00:00"),
    ("20261103", "2026-11-03 00:00"),
    ("20261103T0915", "2026-11-03 09:15"),
    ("民國115年11月3日", "2026-11-03 00:00"),
    ("2026-11-17T08:15:00+08:00", "2026-11-17 08:15"),
    ("2026-11-17T00:15:00Z", "2026-11-17 08:15"),
    ("2026-11-17T08:15:00.123", "2026-11-17 08:15:00.123"),
    ("Tue, 17 Nov 2026 00:15:00 GMT", "2026-11-17 08:15"),
    ("Tue, 17 Nov 2026 08:15:00 +0800", "2026-11-17 08:15"),
    ("1763433000", "2025-11-18 10:30"),
    ("1763433000000", "2025-11-18 10:30"),
    ("Nov 3, 2026", "2026-11-03 00:00"),
    ("November 3, 2026 3:15 PM", "2026-11-03 15:15"),
    ("3 hours ago", "2026-11-18 07:30"),
]
TRAPS = [
    "",
    "   ",
    "3天无理由退货",
    "7天前下单的",
    "2023款",
    "12345",
    "400-820-8820",
    "1.5",
    "12.03 版本",
    "版本 2026.1.2.3",
    "今日头条",
    "明天发货",
    "周末愉快",
    "2026-13-40",
    "2026年2月30日",
    "25:61",
    "May I help you 3",
    "第3页",
    "阅读 1103",
    "¥2026.11",
]


@pytest.mark.parametrize(("text", "expected"), [*READ, *LISTED, *HELD_OUT, *FRESH])
def test_phrase_is_read(text, expected):
    found = parse_date(text, NOW, SHANGHAI)

    assert found == datetime.fromisoformat(expected).replace(tzinfo=SHANGHAI)
    assert found.tzinfo is UTC


@pytest.mark.parametrize("text", [*TRAPS, *MORE_TRAPS])
def test_what_only_looks_like_a_date_is_none(text):
    assert parse_date(text, NOW, SHANGHAI) is None


def test_naive_times_are_in_the_zone_that_is_given():
    found = parse_date("2026-11-03 09:00", NOW, ZoneInfo("Europe/Berlin"))

    assert found == datetime(2026, 11, 3, 8, 0, tzinfo=UTC)


@given(st.text(max_size=80))
def test_any_text_gives_an_instant_in_utc_or_none(text):
    found = parse_date(text, NOW, SHANGHAI)

    assert found is None or found.tzinfo is UTC


@given(
    st.text(
        alphabet="今昨前天晚早上下午0123456789年月日点时分秒:：-/. 周星期一二三五半刚钟小个十几民國T",
        max_size=24,
    )
)
def test_any_text_of_date_characters_gives_an_instant_or_none(text):
    found = parse_date(text, NOW, SHANGHAI)

    assert found is None or found.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+14:00",  # before time begins, in UTC
        "0001-01-01T00:00:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:30:00-14:00",
        "Mon, 01 Jan 0001 00:00:00 +1400",
        "1 Jan 0001",
        "Dec 31 9999 11:30 PM EST",
        "1 Jan 1600 at 99:99",
    ],
)
def test_what_no_calendar_holds_is_no_date_and_no_crash(text):
    found = parse_date(text, NOW, SHANGHAI)
    assert found is None or 1900 < found.year <= 9999
