"""Pages behind a list that can no longer be read, or say less than they used to, are noticed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from crawlers.causes import Failure
from crawlers.detail_health import judge_details
from crawlers.frontier import DetailResult, PollResult
from crawlers.health import next_state
from storage.records import (
    FetchCause,
    FetchEvent,
    RawMention,
    SourceHealth,
    SourceId,
    SourceState,
)
from tests.crawlers.conftest import NOW, make_source

ONE = SourceId("one")
SOURCE = make_source(kind="feed", start="https://a.cn/feed")
EVENT = FetchEvent(source_id=ONE, at=NOW, url="https://a.cn/1", outcome="ok", kind="detail")
LOST = Failure(cause=FetchCause.LAYOUT, text="详情页中没有找到正文，页面可能已改版")
WALL = Failure(cause=FetchCause.LOGIN, text="网站返回了登录页", final=True)
OURS = Failure(cause=FetchCause.NETWORK, text="域名解析失败")


def read(n: int, **given: object) -> DetailResult:
    fields = {"title": f"第{n}帖", "author": "阿岚", "published_at": NOW, "text": f"第{n}次漏水"}
    raw = RawMention(source_id=ONE, observed_at=NOW, **(fields | given))  # type: ignore[arg-type]
    return DetailResult(event=EVENT, state="done", raws=(raw,))


def failed(failure: Failure) -> DetailResult:
    return DetailResult(event=EVENT, state="retry", failure=failure)


def good(state: SourceState | None = None) -> SourceState:
    before = state or SourceState(source_id=ONE)
    result = PollResult(state=before, event=replace(EVENT, kind="poll"))
    return next_state(before, result, SOURCE, NOW)


def known(count: int = 12) -> SourceState:
    return judge_details(good(), [read(n) for n in range(count)])


def test_good_pages_change_nothing_but_what_is_usual() -> None:
    state = known()

    assert (state.health, state.cause_text) == (SourceHealth.OK, "")
    assert len(state.learned["pages"]) == 12


def test_three_pages_in_a_row_over_passes_make_ill() -> None:
    state = known()
    for _ in range(2):
        state = judge_details(state, [failed(LOST)])
        assert state.health is SourceHealth.OK

    state = judge_details(state, [failed(LOST)])

    assert (state.health, state.cause) == (SourceHealth.DEGRADED, FetchCause.LAYOUT)
    assert state.cause_text.startswith("详情页：")


def test_single_bad_pages_among_good_ones_do_not() -> None:
    mixed = [read(1), failed(LOST), failed(LOST), read(2)] * 5

    assert judge_details(known(), mixed).health is SourceHealth.OK


def test_a_wall_quarantines_and_trouble_of_ours_does_nothing() -> None:
    assert judge_details(known(), [failed(WALL)]).health is SourceHealth.QUARANTINED
    assert judge_details(known(), [failed(OURS)] * 9).health is SourceHealth.OK


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"author": ""}, "都没有作者"),
        ({"published_at": None}, "都没有日期"),
        ({"title": ""}, "都没有标题"),
        ({"text": "请下载客户端查看"}, "正文都一样"),
    ],
)
def test_pages_that_say_less_than_they_used_to_are_noticed(
    given: dict[str, object], text: str
) -> None:
    state = known(20)
    for n in range(8):
        state = judge_details(state, [read(100 + n, **given)])

    assert state.health is not SourceHealth.OK
    assert text in state.cause_text
    assert judge_details(known(20), [read(100, **given)]).health is SourceHealth.OK


def test_a_good_list_does_not_hide_ill_details_and_one_good_page_ends_it() -> None:
    ill = judge_details(known(), [failed(LOST)] * 3)
    listed = good(ill)
    well = good(judge_details(listed, [read(50)]))

    assert (listed.health, listed.cause) == (SourceHealth.DEGRADED, FetchCause.LAYOUT)
    assert (well.health, well.cause_text) == (SourceHealth.OK, "")


def test_fields_that_come_and_go_never_alarm() -> None:
    state = good()
    for n in range(200):
        given = {"author": ""} if n % 3 else {}
        state = judge_details(state, [read(n, **given)])

        assert state.health is SourceHealth.OK
    assert len(state.learned["pages"]) <= 40


def test_lost_fields_end_with_the_first_page_that_has_them() -> None:
    state = judge_details(known(20), [read(n, author="") for n in range(8)])
    assert state.learned["lost"] == "a"

    state = good(judge_details(state, [read(99)]))

    assert state.health is SourceHealth.OK
    assert "lost" not in state.learned
    assert state.next_poll_at is not None
    assert state.next_poll_at > NOW + timedelta(minutes=5)
