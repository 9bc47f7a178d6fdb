"""How fast a channel may be used: a token bucket, a rest, a circuit, as arithmetic on instants.

In: a channel's state and the database's time. Out: the state after it, and how long to wait.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from storage.records import Budget, ChannelId, ChannelState, DeliveryClass, Wait

# So many attempts in a row that came to nothing open the circuit; then one probe at a time.
OPENS_AFTER = 5
_PROBE_S = 60.0  # the lease of an intent: by then the probe has its answer, or died
_FIRST_REST_S = 30.0
_LONGEST_REST_S = 300.0  # alerting.md 2.4: the longest back-off
_THROTTLED_S = 60.0  # when the provider does not say how long
_MOST_REST_S = 3600.0  # the longest Retry-After that is believed; more is a clock set back

_LEAST_S = 0.001  # less may be no time at all once it is added to an instant, and then due at once
_BURST = 1 / 3  # of the minute's budget may leave at once
MILD = 2 / 3  # alerting.md 2.4: orange and red have a third of their own
_UNDER = 1 - 1e-9  # rounding must not make the last token of a window a moment early
SUSTAINED = 1 - _BURST  # of the minute's budget: what flows in, on and on


def fresh(channel_id: ChannelId, budget: Budget, at: datetime) -> ChannelState:
    """Return the state of a channel that was never used."""
    tokens, mild = capacity(_grave_budget(budget)), capacity(_mild_budget(budget))
    before = at - timedelta(minutes=1)
    return ChannelState(channel_id=channel_id, tokens=tokens, mild_tokens=mild, refilled_at=before)


def spend(
    state: ChannelState,
    budget: Budget,
    at: datetime,
    *,
    grave: bool,
    elapsed_at_most_s: float | None = None,
) -> tuple[ChannelState, Wait | None]:
    """Take a token, or say how long to wait; the state is to be stored in both cases.

    No more than `per_minute` leave in any 60 s. A clock that is set back stops nothing for longer
    than a minute; one that is set forward fills the bucket at most, and not even that where the
    caller knows by a steady clock how long ago a token was taken (`elapsed_at_most_s`).
    """
    state = _sane(state, at)
    if state.blocked_until is not None and state.blocked_until > at:
        reason = "circuit" if is_open(state) else "blocked"
        return state, Wait(seconds=(state.blocked_until - at).total_seconds(), reason=reason)
    tokens, mild = room(state, budget, at, elapsed_at_most_s=elapsed_at_most_s)
    gap = 1 / budget.per_second if budget.per_second else 0.0
    elapsed = (at - state.refilled_at).total_seconds()
    if elapsed < gap:
        return state, Wait(seconds=max(gap - elapsed, _LEAST_S), reason="pace")
    if budget.per_minute is not None:
        lacking = (1 - tokens) / _rate(_grave_budget(budget))
        if not grave:
            lacking = max(lacking, (1 - mild) / _rate(_mild_budget(budget)))
        if lacking > 0:
            return state, Wait(seconds=max(lacking, _LEAST_S), reason="tokens")
    spent = replace(
        state, tokens=tokens - 1, mild_tokens=mild if grave else mild - 1, refilled_at=at
    )
    if is_open(state):  # half open: this one is the probe, the others wait for its answer
        spent = replace(spent, blocked_until=at + timedelta(seconds=_PROBE_S))
    return spent, None


def room(
    state: ChannelState,
    budget: Budget,
    at: datetime,
    *,
    elapsed_at_most_s: float | None = None,
) -> tuple[float, float]:
    """Return how many messages may leave at once: of all levels, and of those below orange.

    What orange and red have used of the common part is not lent again to the others.
    """
    elapsed = max(0.0, (at - state.refilled_at).total_seconds())
    if elapsed_at_most_s is not None:
        elapsed = min(elapsed, elapsed_at_most_s)
    grave, mild = _grave_budget(budget), _mild_budget(budget)
    tokens = min(capacity(grave), state.tokens + elapsed * _rate(grave))
    return tokens, min(capacity(mild), state.mild_tokens + elapsed * _rate(mild))


def is_open(state: ChannelState) -> bool:
    """Say whether the channel failed so often in a row that it is only probed."""
    return state.failures >= OPENS_AFTER


def after(
    state: ChannelState,
    outcome: DeliveryClass,
    at: datetime,
    *,
    retry_after_s: float | None = None,
    text: str = "",
) -> ChannelState:
    """Return the state after an attempt's outcome.

    A refusal for good concerns one message or the configuration: another message may still pass,
    so it neither opens nor closes the circuit.
    """
    match outcome:
        case DeliveryClass.OK:
            return replace(state, blocked_until=None, failures=0, reason="", last_ok_at=at)
        case DeliveryClass.THROTTLED:
            seconds = _THROTTLED_S if retry_after_s is None else retry_after_s
            rest = timedelta(seconds=min(max(seconds, 1.0), _MOST_REST_S))
            return replace(state, blocked_until=_later(state, at + rest), reason=text)
        case DeliveryClass.PERMANENT:
            # it did answer: a probe has its answer, too, and the next one may go
            probed = is_open(state)
            return replace(
                state, blocked_until=None if probed else state.blocked_until, reason=text
            )
        case _:
            failures = state.failures + 1
            until = state.blocked_until
            if failures >= OPENS_AFTER:
                power = min(failures - OPENS_AFTER, 10)
                rest_s = min(_FIRST_REST_S * 2.0**power, _LONGEST_REST_S)
                until = at + timedelta(seconds=rest_s)
            return replace(state, failures=failures, blocked_until=until, reason=text)


def _later(state: ChannelState, until: datetime) -> datetime:
    return until if state.blocked_until is None else max(state.blocked_until, until)


def _sane(state: ChannelState, at: datetime) -> ChannelState:
    """Return the state as a clock that was set back lets it be read."""
    if state.refilled_at > at:
        state = replace(state, refilled_at=at)
    until = state.blocked_until
    if until is not None and (until - at).total_seconds() > _MOST_REST_S:
        state = replace(state, blocked_until=at + timedelta(seconds=_THROTTLED_S))
    return state


def _grave_budget(budget: Budget) -> int:
    return budget.per_minute or 0


def _mild_budget(budget: Budget) -> int:
    return max(1, int((budget.per_minute or 0) * MILD)) if budget.per_minute else 0


def capacity(per_minute: int) -> float:
    """Return how many messages may leave at once."""
    return max(1.0, per_minute * _BURST)


def _rate(per_minute: int) -> float:
    """Return tokens a second so that fewer than `per_minute` + 1 leave in any 60 s.

    The first of a window leaves at most capacity - 1 behind, so n of them need
    n < capacity + 60 rate.
    """
    return (per_minute + 1 - capacity(per_minute)) / 60 * _UNDER
