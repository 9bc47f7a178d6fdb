"""A changed source runs beside its old rules and takes over only when it reads no worse."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.schema import SourceConfig
from crawlers import changeover
from crawlers.causes import Failure
from crawlers.frontier import Cursor, PollResult
from crawlers.health import next_state
from crawlers.schedule import config_digest
from storage.records import FetchCause, FetchEvent, SourceHealth, SourceId, SourceState
from tests.crawlers.conftest import NOW, make_source


def rules(**given: Any) -> SourceConfig:
    fields = {"url": "css:a::attr(href)", "title": "css:a::text", "published": "css:i::text"}
    base = {
        "kind": "list_detail",
        "start": "https://a.cn/list",
        "list": {"item": "css:li", "fields": fields},
        "secrets": {"cookie": "env:SITE_COOKIE"},
    }
    return make_source(**{**base, **given})


OLD = rules()
NEW = rules(
    list={"item": "css:li.item", "fields": {"url": "css:a::attr(href)", "title": "css:b::text"}}
)
WALL = Failure(cause=FetchCause.CAPTCHA, text="要求人机验证", final=True)
DOWN = Failure(cause=FetchCause.SERVER, text="网站服务器出错（500）")
OURS = Failure(cause=FetchCause.NETWORK, text="域名解析失败")


def polled(items: int = 20, failure: Failure | None = None, **filled: int) -> PollResult:
    outcome = failure.cause.value if failure else "ok"
    event = FetchEvent(source_id=SourceId("one"), at=NOW, url="u", outcome=outcome)
    return PollResult(
        state=SourceState(source_id=SourceId("one")),
        event=event,
        items=items,
        fresh=1,
        failure=failure,
        filled={"url": items, "title": items, "published": items, **filled},
        cursor=None if failure else Cursor(keys=("k",)),
    )


def healthy(source: SourceConfig = OLD) -> SourceState:
    state = SourceState(source_id=SourceId("one"))
    for n in range(6):
        state = next_state(state, polled(), source, NOW + timedelta(hours=n))
    return state


def rounds(state: SourceState, *pairs: tuple[PollResult, PollResult]) -> SourceState:
    for old, new in pairs:
        state = changeover.judge(state, old, new, NEW, NOW)
    return state


def test_a_healthy_source_polls_on_with_its_old_rules_while_the_new_ones_are_tried() -> None:
    state = changeover.begin(healthy(), NEW, NOW)

    assert changeover.trying(state, NEW)
    assert changeover.in_charge(state, NEW) == OLD
    assert (state.health, state.next_poll_at) == (SourceHealth.OK, None)


def test_equal_rules_take_over_after_three_polls() -> None:
    state = changeover.begin(healthy(), NEW, NOW)
    state = rounds(state, *[(polled(), polled())] * 2)
    assert changeover.in_charge(state, NEW) == OLD

    state = rounds(state, (polled(), polled()))

    assert not changeover.trying(state, NEW)
    assert changeover.in_charge(state, NEW) == NEW
    assert (state.config_digest, state.history, state.cursors) == (config_digest(NEW), (), {})
    assert state.seen == ("k",)
    assert changeover.begin(state, NEW, NOW) == state


@pytest.mark.parametrize(
    ("worse", "why"),
    [
        (polled(items=9), "新配置只读到 9 条，旧配置 20 条"),
        (polled(items=0), "新配置只读到 0 条，旧配置 20 条"),
        (polled(title=10), "字段 title 旧配置读到 100%，新配置只有 50%"),
        (polled(published=0), "字段 published 旧配置读到 100%，新配置只有 0%"),
        (polled(failure=DOWN), "新配置未能读取：网站服务器出错（500）"),
    ],
)
def test_worse_rules_go_back_with_a_reason_and_are_not_tried_again(
    worse: PollResult, why: str
) -> None:
    state = changeover.begin(healthy(), NEW, NOW)
    state = rounds(state, (polled(), worse), (polled(), worse))

    assert changeover.reverted(state) == why
    assert not changeover.trying(state, NEW)
    assert changeover.in_charge(state, NEW) == OLD
    assert changeover.begin(state, NEW, NOW) == state


def test_one_bad_round_is_a_hiccup() -> None:
    state = changeover.begin(healthy(), NEW, NOW)
    bad, good = (polled(), polled(failure=DOWN)), (polled(), polled())
    state = rounds(state, bad, good, good)
    assert changeover.trying(state, NEW)

    assert changeover.in_charge(rounds(state, good), NEW) == NEW
    assert changeover.reverted(rounds(state, bad))


def test_a_wall_that_only_the_new_rules_meet_sends_them_back_at_once() -> None:
    state = changeover.begin(healthy(), NEW, NOW)

    assert changeover.reverted(rounds(state, (polled(), polled(failure=WALL))))


def test_rules_that_read_what_the_old_ones_cannot_take_over_at_once() -> None:
    state = changeover.begin(healthy(), NEW, NOW)

    assert changeover.in_charge(rounds(state, (polled(failure=DOWN), polled())), NEW) == NEW


def test_rounds_in_which_nobody_could_read_count_for_nothing() -> None:
    state = changeover.begin(healthy(), NEW, NOW)
    both_down = (polled(failure=DOWN), polled(failure=DOWN))
    ours = (polled(), polled(failure=OURS))

    assert rounds(state, *[both_down, ours] * 5) == state


def test_an_unchanged_old_page_is_compared_with_what_is_usual() -> None:
    unchanged = replace(
        polled(items=0), event=replace(polled().event, outcome="unchanged"), filled={}
    )
    state = changeover.begin(healthy(), NEW, NOW)

    assert changeover.in_charge(rounds(state, *[(unchanged, polled())] * 3), NEW) == NEW
    assert changeover.reverted(rounds(state, *[(unchanged, polled(items=3))] * 2))


def test_editing_again_begins_anew_and_editing_back_ends_it() -> None:
    state = changeover.begin(healthy(), NEW, NOW)
    state = rounds(state, *[(polled(), polled(items=2))] * 2)
    again = rules(
        list={"item": "css:article", "fields": {"url": "css:a::attr(href)", "title": "css:h2"}}
    )

    tried = changeover.begin(state, again, NOW)
    back = changeover.begin(state, OLD, NOW)

    assert changeover.trying(tried, again)
    assert changeover.in_charge(tried, again) == OLD
    assert changeover.reverted(back) == ""
    assert changeover.in_charge(back, OLD) == OLD
    assert not changeover.trying(back, OLD)


def test_an_ill_source_takes_what_was_edited_at_once() -> None:
    ill = replace(healthy(), health=SourceHealth.DEGRADED, failures=3)

    state = changeover.begin(ill, NEW, NOW)

    assert changeover.in_charge(state, NEW) == NEW
    assert (state.health, state.failures, state.next_poll_at) == (SourceHealth.NEW, 0, None)


@pytest.mark.parametrize(
    "given",
    [{"name": "新名"}, {"maintainer": "gao"}, {"schedule": {"every": "30m"}}, {"brands": ["lanhe"]},
     {"expect": {"min_items": 3}}, {"terms": "已核对"}],
)  # fmt: skip
def test_a_change_that_reads_the_same_is_adopted_without_a_trial(given: dict[str, Any]) -> None:
    before, changed = healthy(), rules(**given)

    state = changeover.begin(before, changed, NOW)

    assert not changeover.trying(state, changed)
    assert changeover.in_charge(state, changed) == changed
    assert (state.history, state.cursors, state.health) == (
        before.history, before.cursors, SourceHealth.OK,
    )  # fmt: skip


def test_a_person_may_insist() -> None:
    state = changeover.begin(healthy(), NEW, NOW)
    sent_back = rounds(state, *[(polled(), polled(items=2))] * 2)

    state = changeover.accept(sent_back, NEW)

    assert changeover.in_charge(state, NEW) == NEW
    assert changeover.reverted(state) == ""
    assert changeover.begin(state, NEW, NOW) == state


def test_what_is_kept_holds_no_secret_and_comes_back_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SITE_COOKIE", "s3cret-value")
    kept = changeover.kept_rules(OLD)

    assert "s3cret-value" not in str(kept)
    assert kept["kept"]["secrets"] == {"cookie": "env:SITE_COOKIE"}
    assert SourceConfig.model_validate(kept["kept"]) == OLD


def test_rules_kept_by_an_older_program_are_the_same_rules() -> None:
    state = healthy()
    older = dict(state.trial["kept"])
    del older["verified"]  # a key that the older program did not know
    state = replace(state, trial={"kept": older}, config_digest="of an older program")

    after = changeover.begin(state, OLD, NOW)

    assert not changeover.trying(after, OLD)
    assert (after.health, after.history) == (SourceHealth.OK, state.history)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=12))
def test_a_trial_always_ends_one_way_or_the_other(story: list[tuple[bool, bool]]) -> None:
    state = changeover.begin(healthy(), NEW, NOW)
    told = 0
    for old_ok, new_ok in story:
        if not changeover.trying(state, NEW):
            break
        old = polled() if old_ok else polled(failure=DOWN)
        new = polled() if new_ok else polled(failure=DOWN)
        state = changeover.judge(state, old, new, NEW, NOW)
        told += old_ok or new_ok

    assert changeover.in_charge(state, NEW) in (OLD, NEW)
    assert told < 4 or not changeover.trying(state, NEW)
