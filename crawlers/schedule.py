"""When a source is due: a decision on its remembered state, its rules and the time. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from zoneinfo import ZoneInfo

from config.schema import SourceConfig
from crawlers.frontier import PollResult
from storage.records import FetchCause, SourceHealth, SourceState

_JITTER = 0.1  # so that sources configured alike do not all come at once
_MAX_DOUBLINGS = 10
_CALM_TIMES = 4  # how much calmer than configured a source that brings nothing may get
# More than two items of three known: nothing is missed at this pace. Fewer than one of three: the
# page turns over too fast (Media Cloud's 67/33 rule, collect.md 3.3).
_MANY_KNOWN = 0.67
_FEW_KNOWN = 0.33
_LONGER = 1.25  # per poll that brought nothing; four calm hours at 15 min reach the ceiling
_SHORTER = 0.5
_DAY = timedelta(days=1)


def is_due(state: SourceState, source: SourceConfig, now: datetime) -> bool:
    """Return whether a source should be polled now. A source never polled is due.

    Nothing is due in the source's quiet hours.
    """
    is_time = state.next_poll_at is None or state.next_poll_at <= now
    return source.enabled and is_time and quiet_until(source, now) is None


def next_poll_at(
    state: SourceState,
    source: SourceConfig,
    now: datetime,
    *,
    retry_after_s: float | None = None,
) -> datetime:
    """Return when to come back, given the state after a poll.

    In good health after the adapted interval. After one failure sooner (it may have been a hiccup),
    then twice as long each time up to `max`; a quarantined source is probed at `max`, for ever.
    Trouble of our own network doubles nothing. A Retry-After is obeyed, and so are quiet hours.
    All of it varied by ten per cent.
    """
    rules = source.schedule
    if state.health is SourceHealth.QUARANTINED:
        wait = rules.max
    elif state.cause is FetchCause.NETWORK:
        wait = rules.every
    elif state.failures == 0:
        wait = timedelta(seconds=state.interval_s) if state.interval_s else rules.every
    elif state.failures == 1:
        wait = rules.every / 4
    else:
        wait = rules.every * 2 ** min(state.failures - 2, _MAX_DOUBLINGS)
    wait = min(max(wait * _spread(state), rules.min), rules.max)
    at = now + max(wait, timedelta(seconds=retry_after_s or 0))
    wakes_at = quiet_until(source, at)
    # Not everybody at the very minute at which the quiet hours end.
    return at if wakes_at is None else wakes_at + rules.min * (_spread(state) - 1 + _JITTER)


def adapted_interval(state: SourceState, poll: PollResult, source: SourceConfig) -> float:
    """Return the interval in seconds after a poll; `state` is the one before it.

    Shape: a poll that brought nothing new stretches the interval by a quarter, up to four times
    `every`; one with news brings a calm source back to `every` at once; one whose items are mostly
    unknown halves it, and one in which every item was unknown (some may be missed) goes to the
    floor. The floor is `min`, or what the source itself asks for, but never above `every`.
    Units: seconds, within [min, max]. A failed poll changes nothing.
    Source: the 33/67 rule of Media Cloud's rss-fetcher, changed where it delays news: measured in
    bench/bench_schedule.py, decided in docs/adr.
    """
    rules = source.schedule
    every = rules.every.total_seconds()
    if not rules.adaptive:
        return every
    before = state.interval_s or every
    if poll.failure is not None or poll.unmet or state.last_ok_at is None:
        return before  # what has piled up before the first poll says nothing about the pace
    hint = poll.hint_s or state.hint_s
    floor = max(rules.min.total_seconds(), min(hint, every))
    ceiling = max(floor, min(rules.max.total_seconds(), _CALM_TIMES * every))
    if poll.gap:
        wanted = floor
    elif poll.fresh == 0:
        wanted = before * _LONGER
    else:
        known = 1 - poll.fresh / max(poll.items, poll.fresh)
        wanted = _with_news(known, before, every)
    return min(max(wanted, floor), ceiling)


def _with_news(known: float, before: float, every: float) -> float:
    """Return the interval wanted after a poll that brought something; `known` in [0, 1)."""
    if known < _FEW_KNOWN:
        return min(before, every) * _SHORTER
    if known > _MANY_KNOWN and before < every:
        return min(before * _LONGER, every)
    return min(before, every)


def backfill_due(state: SourceState, source: SourceConfig, now: datetime) -> bool:
    """Return whether the pages behind the first ones should be walked now: once a night.

    A night on which the program was down is made up for when it is back. A source is first walked
    in the night after its first poll, and only in good or fair health.
    """
    if not source.pages.backfill or not source.enabled:
        return False
    if state.health in {SourceHealth.QUARANTINED, SourceHealth.NEW} or state.failures:
        return False
    last = state.last_backfill_at or state.first_polled_at
    return last is not None and last < _last_at(source.schedule.backfill_at, source, now)


def quiet_until(source: SourceConfig, now: datetime) -> datetime | None:
    """Return when the quiet hours around `now` end, None outside them (and without any).

    Read in the source's zone; a window from 23:00 to 07:00 runs over midnight. An empty window
    (from = to) is none.
    """
    hours = source.schedule.quiet_hours
    if hours is None or hours.from_ == hours.to:
        return None
    zone = ZoneInfo(source.tz)
    today = now.astimezone(zone).date()
    for day in (today - _DAY, today):
        begins = _local(day, hours.from_, zone)
        ends = _local(day + _DAY if hours.to <= hours.from_ else day, hours.to, zone)
        if begins <= now < ends:
            return ends
    return None


def config_digest(source: SourceConfig) -> str:
    """Return a short digest of a source's rules; a change of it means that somebody edited them."""
    written = source.model_dump_json(by_alias=True)
    return blake2b(written.encode(), digest_size=8).hexdigest()


def _last_at(clock: str, source: SourceConfig, now: datetime) -> datetime:
    """Return the last instant up to now at which a clock in the source's zone showed a time."""
    zone = ZoneInfo(source.tz)
    today = now.astimezone(zone).date()
    at = _local(today, clock, zone)
    return at if at <= now else _local(today - _DAY, clock, zone)


def _local(day: date, clock: str, zone: ZoneInfo) -> datetime:
    """Return an instant in UTC; 24:00 is the next midnight."""
    if clock == "24:00":
        day, clock = day + _DAY, "00:00"
    return datetime.combine(day, time.fromisoformat(clock), zone).astimezone(UTC)


def _spread(state: SourceState) -> float:
    """Return a factor of 1 ± 10 % that is fixed for one poll of one source."""
    seed = f"{state.source_id}/{state.polls}".encode()
    number = int.from_bytes(blake2b(seed, digest_size=4).digest(), "big") / 2**32
    return 1 - _JITTER + 2 * _JITTER * number
