"""The health of a source as a pure state machine: new → ok ⇄ degraded → quarantined → probed.

No state is an end: a quarantined source is probed for ever, and two good polls bring it back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from config.schema import SourceConfig
from crawlers.causes import Failure
from crawlers.changeover import kept_rules
from crawlers.expectations import RUNS, broken, entry, learned_shapes, newest_of, stale
from crawlers.frontier import PollResult
from crawlers.rhythm import observed
from crawlers.schedule import adapted_interval, config_digest, next_poll_at
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
        interval_s=adapted_interval(state, poll, source),
        hint_s=poll.hint_s or state.hint_s,
    )
    failure = poll.failure or broken(state, poll, source, now)
    if failure is None:
        after, wait_s = _after_good(after, poll, source, now), None
    else:
        after, wait_s = _after_bad(after, failure), failure.retry_after_s
    return replace(after, next_poll_at=next_poll_at(after, source, now, retry_after_s=wait_s))


def judged(poll: PollResult, source: SourceConfig, now: datetime) -> PollResult:
    """Return a poll with its verdict: `state` after it, and an event and page that say the same.

    `poll.state` is the state before. A page that answered but is not what this source usually shows
    counts as unmet, is kept as the bad page, and moves no cursor.
    """
    before = poll.state
    failure = None if poll.failure or poll.unmet else broken(before, poll, source, now)
    if failure is not None:
        event = replace(poll.event, outcome=failure.cause.value, text=failure.text)
        page = replace(poll.page, kind="bad") if poll.page else None
        poll = replace(poll, event=event, page=page, failure=failure, cursor=None)
    return replace(poll, state=next_state(before, poll, source, now))


def _after_good(
    state: SourceState, poll: PollResult, source: SourceConfig, now: datetime
) -> SourceState:
    before = state
    state = replace(
        state,
        failures=0,
        good_polls=state.good_polls + 1,
        cause=FetchCause.NONE,
        cause_text="",
        last_ok_at=now,
        health=SourceHealth.OK,
        trial=state.trial if "digest" in state.trial else kept_rules(source),
    )
    state = _after_items(state, poll, now)
    if before.health is SourceHealth.QUARANTINED:
        return replace(
            state, health=SourceHealth.DEGRADED, cause_text="刚刚恢复，再成功一次即视为正常"
        )
    if state.learned.get("details"):  # the list is fine, but what it leads to is not yet
        return replace(
            state, health=before.health, cause=before.cause, cause_text=before.cause_text
        )
    silent = stale(state, source, now)
    if silent is not None:
        return replace(
            state, health=SourceHealth.DEGRADED, cause=silent.cause, cause_text=silent.text
        )
    return replace(state, cause_text=_worn(state))


def _after_items(state: SourceState, poll: PollResult, now: datetime) -> SourceState:
    """Remember what a good poll listed: cursor, what is usual, how often something new comes."""
    if poll.items:
        made = entry(poll, state, now)
        state = replace(state, history=(*state.history, made)[-RUNS:])
    learned = observed(state.learned, poll.fresh, newest_of(poll), now)
    if poll.quality:
        learned = {**learned, "shapes": learned_shapes(learned, poll)}
    state = replace(state, learned=learned, last_gap_at=now if poll.gap else state.last_gap_at)
    cursor = poll.cursor
    if cursor is None:
        return state
    if any(key not in state.seen for key in cursor.keys):
        newest = max(filter(None, (cursor.newest_at, state.last_item_at)), default=now)
        state = replace(state, last_item_at=newest)
    listed = set(cursor.keys)
    older = [key for key in state.seen if key not in listed]
    # A search for many words lists more than that; its other words must not push out these.
    most = max(MAX_SEEN, 2 * len(cursor.keys), len(state.seen))
    return replace(
        state,
        cursors={**state.cursors, **cursor.validators},
        seen=(*cursor.keys, *older)[:most],
    )


def _worn(state: SourceState) -> str:
    """Return the warnings of the last two reads alike: a hint while all is well, "" for none."""
    lately = [set(run.get("warn", ())) for run in state.history[-2:]]
    both = set.intersection(*lately) if len(lately) == 2 else set()
    return "；".join(sorted(both))


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
        state,
        failures=failures,
        good_polls=0,
        health=health,
        cause=failure.cause,
        cause_text=failure.text,
    )


def after_details(state: SourceState, failure: Failure | None) -> SourceState:
    """Return the state after a pass over details; `failure` when not one of them could be read.

    A source stays ill, however good its list, until a detail page can be read again (None).
    """
    if failure is None:
        if not state.learned.get("details"):
            return state
        learned = {name: value for name, value in state.learned.items() if name != "details"}
        return replace(state, learned=learned)
    passes = int(state.learned.get("details", 0)) + 1
    health = state.health
    if failure.final or (passes >= QUARANTINED_AFTER and failure.cause is not FetchCause.NETWORK):
        health = SourceHealth.QUARANTINED
    elif health is not SourceHealth.QUARANTINED:
        health = SourceHealth.DEGRADED
    return replace(
        state,
        health=health,
        good_polls=0,
        cause=failure.cause,
        cause_text=f"详情页：{failure.text}",
        learned={**state.learned, "details": passes},
    )
