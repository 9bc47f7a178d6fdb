"""What hours say of growth: pure functions over who wrote when.

In: hours with the authors who wrote in them. Out: distinct authors per window, the doubling time.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from storage.instants import hour_of

HOUR = timedelta(hours=1)
DAY = timedelta(hours=24)
# Doubling from 2 people to 4 happens to every second complaint; from 5 distinct authors on we call
# something an event at all (decisions.md 29), and that is the half of ten.
MIN_AUTHORS = 10
# What took longer than a week to double does not grow in the sense of a crisis; the longest window
# of detection is as long (alerting.md 3.2).
LONGEST = timedelta(days=7)


def windows(now: datetime) -> tuple[datetime, datetime, datetime]:
    """Return where the 24 hours before the last 24 begin, where those begin, and where they end.

    Whole UTC hours, that of `now` being the last: the newer window is up to an hour short, so
    growth is rather said too late than too early.
    """
    end = hour_of(now) + HOUR
    return end - 2 * DAY, end - DAY, end


def authors_of(hours: Iterable[tuple[datetime, str]], since: datetime, until: datetime) -> int:
    """Count the distinct authors of (hour, author) within [since, until)."""
    return len({author for hour, author in hours if since <= hour < until})


def doubling_hours(newcomers: Iterable[datetime], authors: int, now: datetime) -> float | None:
    """Return within how many hours the distinct authors became twice as many.

    `newcomers`: the hour in which each author first wrote, of all who first did so within LONGEST
    before `now` (others are ignored); `authors`: how many there are by now in all. The time is the
    age of the first post of the author in the middle: half of all came since then, so the number
    was half of what it is. That is the doubling time of an exponential curve where there is one
    (N/2 = N·2^(-t/T) at t = T), needs no fit and is not moved by what one person posts.

    None: fewer than MIN_AUTHORS, nobody new within 24 hours, or the half is older than LONGEST.
    """
    end = hour_of(now) + HOUR
    seen = sorted(hour for hour in newcomers if end - LONGEST <= hour < end)
    half = (authors + 1) // 2
    if authors < MIN_AUTHORS or len(seen) < half or seen[-1] < end - DAY:
        return None
    # the middle of the hour in which the half was reached, to now
    middle = seen[len(seen) - half] + HOUR / 2
    return max((now - middle) / HOUR, 0.5)
