"""Which hours of which source were seen: what the digest admits and what detection leaves out.

In: per source and hour how many polls answered, failed, may have missed items, and how many parts
of nightly walks were read. Out: hours seen, seen late, or lost. One rule for all who ask.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from config.schema import Project, SourceConfig
from storage import tables
from storage.columns import upsert
from storage.instants import hour_of
from storage.records import BrandId, Completeness, FetchEvent, SourceCover, SourceId

HOUR = timedelta(hours=1)
_ANSWERED = {"ok", "unchanged"}
_FIGURES = ("answered", "failed", "gaps", "backfills")
_LOOK_BACK = timedelta(days=40)  # for the answer before a range; longer than any interval
_UNKNOWN = timedelta(days=1)  # the pause that is allowed while no source has an interval yet
_CALM_TIMES = 4  # how far a calm source may stretch its interval (crawlers.schedule)

_hour = tables.source_hour
_state = tables.source_state

Sight = Literal["seen", "late", "lost"]


@dataclass(frozen=True, slots=True)
class HourPolls:
    """What the polls of one hour came to."""

    answered: int = 0
    failed: int = 0
    gaps: int = 0
    backfills: int = 0


def judge_hours(
    hours: Sequence[datetime],
    polls: Mapping[datetime, HourPolls],
    now: datetime,
    patience: timedelta,
    there_since: datetime | None = None,
) -> dict[datetime, Sight]:
    """Say of each hour whether it was seen in time, seen late, or lost.

    Shape: starts of hours in order; `polls` may reach beyond them on both sides. Left out are hours
    that have not ended, and those before the first poll (`there_since`, else the first of `polls`):
    the source was not there yet.
    Seen: a poll answered in it, or none was due (`patience` is the longest planned pause). Late:
    the next poll that answered still knew an item, so nothing between them was missed, or a nightly
    walk went over it since. Lost: the next answer knew nothing of what it saw, or none came yet.
    """
    answered = sorted(hour for hour, polled in polls.items() if polled.answered)
    walked = max((hour for hour, polled in polls.items() if polled.backfills), default=None)
    first = hour_of(there_since) if there_since else min(polls, default=None)
    judged: dict[datetime, Sight] = {}
    for hour in hours:
        if first is None or hour < first or hour + HOUR > now:
            continue
        polled = polls.get(hour, HourPolls())
        if polled.answered:
            judged[hour] = "seen"
            continue
        place = bisect_left(answered, hour)
        before = answered[place - 1] if place else None
        after = answered[place] if place < len(answered) else None
        pause = (after or hour_of(now)) - (before or first) - HOUR
        is_planned = not polled.failed and before is not None and pause <= patience
        missed = after is None or polls[after].gaps > 0
        if is_planned and not (after is not None and missed):
            judged[hour] = "seen"
        elif not missed or (after is not None and walked is not None and walked >= after):
            judged[hour] = "late"
        else:
            judged[hour] = "lost"
    return judged


def count_polls(connection: Connection, events: Iterable[FetchEvent]) -> None:
    """Add polls and walks to the hours of their sources; detail pages say nothing of a list."""
    hours: dict[tuple[str, datetime], dict[str, Any]] = {}
    for event in events:
        if event.kind == "detail":
            continue
        hour = hour_of(event.at)
        key = {"source_id": event.source_id, "hour": hour}
        row = hours.setdefault((event.source_id, hour), {**key, **dict.fromkeys(_FIGURES, 0)})
        is_answer = event.outcome in _ANSWERED
        if event.kind == "backfill":
            row["backfills"] += is_answer
        else:
            row["answered" if is_answer else "failed"] += 1
            row["gaps"] += event.gap
    upsert(connection, _hour, list(hours.values()), add=_FIGURES)


def read_completeness(
    connection: Connection, project: Project, since: datetime, until: datetime, now: datetime
) -> Completeness:
    """Return per enabled source which hours from `since` up to `until` were late or lost.

    A source serves `brands`, else the brands of its keywords, else all of them. Sources that were
    never polled are not in it (they were not there in those hours).
    """
    hours = hours_between(since, min(until, now))
    sources = [source for source in project.sources if source.enabled]
    polls = _read_polls(connection, [source.id for source in sources], since, now)
    states = {
        row["source_id"]: row
        for row in connection.execute(
            sa.select(
                _state.c.source_id,
                _state.c.cause,
                _state.c.cause_text,
                _state.c.last_ok_at,
                _state.c.interval_s,
                _state.c.first_polled_at,
            )
        ).mappings()
    }
    brands = tuple(BrandId(brand.id) for brand in project.brands)
    covers = []
    for source in sources:
        state = states.get(source.id)
        if state is None:
            continue
        patience = _patience(source, timedelta(seconds=state["interval_s"]))
        there_since = state["first_polled_at"]
        asked = polls.get(source.id, {})
        sights = judge_hours(hours, asked, now, patience, there_since)
        lost = tuple(hour for hour, sight in sights.items() if sight == "lost")
        covers.append(
            SourceCover(
                source_id=SourceId(source.id),
                name=source.name,
                brands=serves(source, brands),
                cause=state["cause_text"] or state["cause"] or _past_cause(lost, asked),
                hours=tuple(sights),
                late=tuple(hour for hour, sight in sights.items() if sight == "late"),
                lost=lost,
                last_ok_at=state["last_ok_at"],
            )
        )
    return Completeness(since=since, until=until, brands=brands, sources=tuple(covers))


def blind_hours(
    connection: Connection,
    since: datetime,
    now: datetime,
    sources: Sequence[SourceId] | None = None,
) -> tuple[datetime, ...]:
    """Return the hours in which no source saw in time what was written: late ones and lost ones.

    `sources` are those that count, None all of them.
    """
    sums = [sa.func.sum(_hour.c[name]).label(name) for name in _FIGURES]
    counted = (
        sa.select(_hour.c.hour, *sums)
        .where(_hour.c.hour >= hour_of(since) - HOUR, _hour.c.hour <= now)
        .group_by(_hour.c.hour)
    )
    interval = sa.select(sa.func.min(_state.c.interval_s)).where(_state.c.interval_s > 0)
    if sources is not None:
        counted = counted.where(_hour.c.source_id.in_(sources))
        interval = interval.where(_state.c.source_id.in_(sources))
    rows = connection.execute(counted)
    polls = {row[0]: HourPolls(*(int(n) for n in row[1:])) for row in rows}
    shortest = connection.scalar(interval)
    patience = timedelta(seconds=1.1 * shortest) if shortest else _UNKNOWN
    sights = judge_hours(hours_between(since, now), polls, now, patience)
    return tuple(hour for hour, sight in sights.items() if sight != "seen")


def hours_between(since: datetime, until: datetime) -> list[datetime]:
    """Return the starts of the hours that overlap a range."""
    first = hour_of(since)
    count = max(0, -((first - until) // HOUR))
    return [first + n * HOUR for n in range(count)]


def _read_polls(
    connection: Connection, ids: Sequence[str], since: datetime, now: datetime
) -> dict[str, dict[datetime, HourPolls]]:
    """Return the hours of sources from the last answer before `since` on."""
    first = hour_of(since)
    last_before = (
        sa.select(_hour.c.source_id, sa.func.max(_hour.c.hour))
        .where(_hour.c.hour < first, _hour.c.hour >= first - _LOOK_BACK)
        .where(_hour.c.answered > 0, _hour.c.source_id.in_(ids))
        .group_by(_hour.c.source_id)
    )
    found: dict[str, dict[datetime, HourPolls]] = {}
    for source_id, hour in connection.execute(last_before):
        found[source_id] = {hour: HourPolls(answered=1)}
    columns = (_hour.c[name] for name in _FIGURES)
    rows = connection.execute(
        sa.select(_hour.c.source_id, _hour.c.hour, *columns).where(
            _hour.c.hour >= first, _hour.c.hour <= now, _hour.c.source_id.in_(ids)
        )
    )
    for source_id, hour, *figures in rows:
        found.setdefault(source_id, {})[hour] = HourPolls(*figures)
    return found


def _patience(source: SourceConfig, interval: timedelta) -> timedelta:
    """Return the longest pause between two polls that is as planned."""
    rules = source.schedule
    longest = min(rules.max, _CALM_TIMES * rules.every) if rules.adaptive else rules.every
    quiet = timedelta()
    if rules.quiet_hours is not None:
        begins, ends = (
            _minutes(clock) for clock in (rules.quiet_hours.from_, rules.quiet_hours.to)
        )
        quiet = timedelta(minutes=(ends - begins) % 1440)
    return 1.1 * max(longest, interval) + quiet


def _past_cause(lost: Sequence[datetime], asked: Mapping[datetime, HourPolls]) -> str:
    """Name why hours were lost when all is well again: "past", or "not_running" (of ours)."""
    was_asked = any(asked[hour].failed for hour in lost if hour in asked)
    return "past" if was_asked or not lost else "not_running"


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


def serves(source: SourceConfig, brands: tuple[BrandId, ...]) -> tuple[BrandId, ...]:
    """Return which of the brands a source feeds: those it names, else all."""
    named = source.brands or (source.keywords.brands if source.keywords else ())
    return tuple(brand for brand in brands if brand in named) if named else brands
