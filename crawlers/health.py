"""The health of a source as a pure state machine: new → ok ⇄ degraded → quarantined → probed.

No state is an end: a quarantined source is probed for ever, and two good polls bring it back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from config.schema import SourceConfig
from crawlers.causes import Failure
from crawlers.frontier import PollResult
from crawlers.schedule import config_digest, next_poll_at
from storage.records import FetchCause, SourceHealth, SourceState

DEGRADED_AFTER = 2  # failures in a row: one alone is a hiccup
QUARANTINED_AFTER = 5
MAX_SEEN = 300  # hashes kept: more than the items of any list that is followed page by page


def next_state(
    state: SourceState, poll: PollResult, source: SourceConfig, now: datetime
) -> SourceState:
    """Return the state after a poll; `state` is the one before it.

    Validators and seen items move only with a good poll, so that a page we could not read well is
    read again. A wall, robots.txt or a refused address quarantines at once: more of the same would
    be rude. Trouble of our own network never quarantines.
    """
    after = replace(
        state,
        config_digest=config_digest(source),
        polls=state.polls + 1,
        first_polled_at=state.first_polled_at or now,
        last_poll_at=now,
    )
    failure = poll.failure or _broken_contract(poll)
    if failure is None:
        after = _after_good(after, poll, now)
        after = _after_silence(after, source, now)
    else:
        after = _after_bad(after, failure)
    wait_s = failure.retry_after_s if failure else None
    return replace(after, next_poll_at=next_poll_at(after, source, now, retry_after_s=wait_s))


def reset_if_edited(state: SourceState, source: SourceConfig) -> SourceState:
    """Forget counters and validators of a source whose rules were edited; it is due at once."""
    if state.config_digest in {"", config_digest(source)}:
        return state
    return replace(
        state,
        health=SourceHealth.NEW,
        cause=FetchCause.NONE,
        cause_text="",
        failures=0,
        next_poll_at=None,
        cursors={},
        validators_lie=False,
    )


def _broken_contract(poll: PollResult) -> Failure | None:
    if not poll.unmet:
        return None
    return Failure(cause=FetchCause.LAYOUT, text="；".join(poll.unmet))


def _after_good(state: SourceState, poll: PollResult, now: datetime) -> SourceState:
    state = replace(state, failures=0, cause=FetchCause.NONE, cause_text="", last_ok_at=now)
    if state.health is SourceHealth.QUARANTINED:
        state = replace(
            state, health=SourceHealth.DEGRADED, cause_text="刚刚恢复，再成功一次即视为正常"
        )
    else:
        state = replace(state, health=SourceHealth.OK)
    cursor = poll.cursor
    if cursor is None:
        return state
    if any(key not in state.seen for key in cursor.keys):
        newest = max(filter(None, (cursor.newest_at, state.last_item_at)), default=now)
        state = replace(state, last_item_at=newest)
    older = [key for key in state.seen if key not in cursor.keys]
    return replace(
        state,
        cursors={**state.cursors, **cursor.validators},
        seen=(*cursor.keys, *older)[:MAX_SEEN],
    )


def _after_bad(state: SourceState, failure: Failure) -> SourceState:
    failures = state.failures + 1
    health = state.health
    if health is not SourceHealth.QUARANTINED:
        is_ours = failure.cause is FetchCause.NETWORK
        if failure.final or (failures >= QUARANTINED_AFTER and not is_ours):
            health = SourceHealth.QUARANTINED
        elif failures >= DEGRADED_AFTER or health is SourceHealth.NEW:
            health = SourceHealth.DEGRADED
    return replace(
        state, failures=failures, health=health, cause=failure.cause, cause_text=failure.text
    )


def _after_silence(state: SourceState, source: SourceConfig, now: datetime) -> SourceState:
    """Degrade a source that answers well but has shown nothing new for longer than it may."""
    limit = source.expect.max_silence
    last = state.last_item_at or state.first_polled_at
    if not isinstance(limit, timedelta) or last is None or now - last <= limit:
        return state
    hours = (now - last).total_seconds() / 3600
    limit_hours = limit.total_seconds() / 3600
    return replace(
        state,
        health=SourceHealth.DEGRADED,
        cause=FetchCause.EMPTY,
        cause_text=f"已有 {hours:.0f} 小时没有新内容，预期不超过 {limit_hours:g} 小时",
    )


def after_details(state: SourceState, failure: Failure) -> SourceState:
    """Return the state after a pass in which the list was read but not one of its details."""
    health = state.health
    if failure.final:
        health = SourceHealth.QUARANTINED
    elif health is not SourceHealth.QUARANTINED:
        health = SourceHealth.DEGRADED
    return replace(state, health=health, cause=failure.cause, cause_text=f"详情页：{failure.text}")
