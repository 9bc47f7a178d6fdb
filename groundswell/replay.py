"""Runs mentions through the unmodified pipeline in their own time; messages are not sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from config.schema import Project
from groundswell import wiring
from storage.records import Incident, Intent, RawMention
from storage.store import Store

STEP = timedelta(minutes=10)  # the slide of the detection windows (alerting.md 3.2)


@dataclass(slots=True)
class SteppedClock:
    """A clock that stands where it was put."""

    at: datetime

    def now(self) -> datetime:
        """Return the instant it stands at."""
        return self.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What came of a replay."""

    mentions: int
    incidents: tuple[Incident, ...]
    messages: tuple[Intent, ...]


def replay_mentions(
    project: Project,
    store: Store,
    raws: Sequence[RawMention],
    *,
    history_until: datetime | None = None,
    quiet_after: timedelta = timedelta(hours=6),
    advance: Callable[[int], None] = lambda _: None,
) -> Replayed:
    """Feed raw mentions at the time they were published, stepping the clock by ten minutes.

    What was published before `history_until` is taken in first and pages nobody, as a new source's
    first poll would be. The clock runs `quiet_after` beyond the last mention, so that timers fall.
    """
    rows = sorted(raws, key=lambda raw: (_published(raw), raw.native_id, raw.text))
    if not rows:
        return Replayed(mentions=0, incidents=(), messages=())
    start = history_until or _published(rows[0])
    clock = SteppedClock(start)
    application = wiring.wire(project, store, clock)
    past = [row for row in rows if _published(row) < start]
    _take(application, [replace(row, history=True) for row in past], clock.at)
    advance(len(past))
    position = len(past)
    end = _published(rows[-1]) + quiet_after
    while clock.at < end:
        clock.at += STEP
        due = position
        while due < len(rows) and _published(rows[due]) <= clock.at:
            due += 1
        _take(application, rows[position:due], clock.at)
        advance(due - position)
        position = due
        application.stages.regrade()
        application.stages.remind()
    with store.read() as queries:
        return Replayed(
            mentions=len(rows),
            incidents=tuple(queries.incidents()),
            messages=tuple(queries.intents(None, 10_000)),
        )


def _take(application: wiring.Application, rows: Sequence[RawMention], now: datetime) -> None:
    for start in range(0, len(rows), 500):
        batch = [replace(row, observed_at=now) for row in rows[start : start + 500]]
        with application.store.transaction() as tx:
            application.journey.keep(tx, batch, now)
    application.stages.drain()


def _published(raw: RawMention) -> datetime:
    return raw.published_at or raw.observed_at
