"""How often a source brings something new: learned from its own arrivals, for months.

In: the arrivals of new items as polls see them. Out: how long it may stay silent. Pure; kept as
JSON in `SourceState.learned`: {"days": [[day, longest silence that ended on it in s]], "new_at",
"newest_at"}.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from storage.records import Json

_DAYS = 60  # kept: two months see public holidays coming and going
# Two weekends at least, and ten silences: the longest of ten is seldom far below what is usual.
_SPAN = timedelta(days=14)
_SILENCES = 10
# A gap four times the longest known: with arrivals at random (the longest of ten gaps is near
# three means) that is twelve means, one gap in 160,000; a weekend of 64 h allows for 10 days off.
_TIMES = 4
_SHORTEST = timedelta(days=1)


def observed(learned: Json, fresh: int, newest_at: datetime | None, now: datetime) -> Json:
    """Return what is known after a good poll with `fresh` new items.

    The first poll begins the record: what had piled up before says nothing about rhythm.
    """
    after = dict(learned)
    newest = max(filter(None, (newest_at, instant(learned, "newest_at"))), default=None)
    if newest is not None:
        after["newest_at"] = newest.isoformat()
    last = instant(learned, "new_at")
    if last is None:
        return after | {"new_at": now.isoformat(), "days": []}
    if not fresh:
        return after
    today = now.astimezone(UTC).date().isoformat()
    silence = max(0, round((now - last).total_seconds()))
    days = dict(learned.get("days", ()))
    days[today] = max(silence, days.get(today, 0))
    kept = sorted(days.items())[-_DAYS:]
    return after | {"new_at": now.isoformat(), "days": [list(day) for day in kept]}


def allowed_silence(learned: Json) -> timedelta | None:
    """Return how long a source may bring nothing new, None while too little is known of it."""
    days = learned.get("days", ())
    if len(days) < _SILENCES:
        return None
    first, last = (datetime.fromisoformat(days[place][0]) for place in (0, -1))
    if last - first < _SPAN:
        return None
    longest = max(seconds for _, seconds in days)
    return max(_SHORTEST, timedelta(seconds=_TIMES * longest))


def instant(learned: Json, name: str) -> datetime | None:
    """Return a remembered instant, None when there is none."""
    written = learned.get(name)
    return datetime.fromisoformat(str(written)) if written else None
