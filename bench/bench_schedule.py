"""What adapting the interval costs and brings: polls and delay over a day, for several rhythms.

The same days of arrivals are polled at a fixed interval, by Media Cloud's rule as published, and by
ours. Delay is from an item's publication to the poll that lists it. python -m bench schedule
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from statistics import median

from config.schema import SourceConfig
from crawlers.frontier import PollResult
from crawlers.schedule import adapted_interval, next_poll_at
from storage.records import FetchEvent, SourceHealth, SourceId, SourceState

START = datetime(2026, 11, 16, tzinfo=UTC)  # a Monday
DAYS = 6
SHOWN = 20
SOURCE = SourceConfig.model_validate(
    {"id": "one", "name": "一", "kind": "feed", "start": "https://a.test/f",
     "schedule": {"every": "15m", "min": "1m", "max": "1d"}}
)  # fmt: skip
EVERY_S = SOURCE.schedule.every.total_seconds()


def _rate(name: str, hours: float) -> float:
    """Return items per hour at an hour since the start, for one rhythm."""
    of_day = hours % 24
    awake = max(0.0, math.sin((of_day - 6) / 18 * math.pi)) if of_day >= 6 else 0.0
    match name:
        case "门户 60/h，夜间少":
            return 4 + 76 * awake
        case "论坛 4/h，夜间静":
            return 0.2 + 5 * awake
        case "小站 3/天":
            return 0.19 * awake + 0.01
        case "政务 工作日 5/天":
            return 0.6 * (9 <= of_day < 18 and (hours // 24) % 7 < 5)
        case "平时少，一次爆发":
            return 0.3 + 180 * (80 <= hours < 86)
    raise ValueError(f"rhythm {name!r}: expected one of {', '.join(RHYTHMS)}")


RHYTHMS = (
    "门户 60/h，夜间少",
    "论坛 4/h，夜间静",
    "小站 3/天",
    "政务 工作日 5/天",
    "平时少，一次爆发",
)


def arrivals(name: str) -> list[datetime]:
    """Return when items appear, by thinning a Poisson process; the same each time."""
    chance = random.Random(name)
    most, at, found = 200.0, 0.0, []
    while at < 24 * DAYS:
        at += chance.expovariate(most)
        if chance.random() < _rate(name, at) / most:
            found.append(START + timedelta(hours=at))
    return found


Pace = Callable[[SourceState, PollResult], float]


def fixed(state: SourceState, poll: PollResult) -> float:
    """Poll at the configured interval whatever comes."""
    del state, poll
    return EVERY_S


def published_rule(state: SourceState, poll: PollResult) -> float:
    """Media Cloud's rule: more than 67 % known is longer, less than 33 % is shorter."""
    before = state.interval_s or EVERY_S
    known = 1 - poll.fresh / max(poll.items, 1)
    wanted = before * (1.25 if known > 0.67 else 0.5 if known < 0.33 else 1.0)
    return min(max(wanted, 60.0), 4 * EVERY_S)


def ours(state: SourceState, poll: PollResult) -> float:
    """Our rule."""
    return adapted_interval(state, poll, SOURCE)


def simulate(found: list[datetime], pace: Pace) -> tuple[int, list[float], int]:
    """Poll for some days; return polls, delays in minutes, and items that were never listed."""
    state = SourceState(
        source_id=SourceId("one"), health=SourceHealth.OK, last_ok_at=START, interval_s=EVERY_S
    )
    now, polls, listed, delays, missed = START, 0, 0, list[float](), 0
    while now < START + timedelta(days=DAYS):
        there = _count(found, now)
        fresh = there - listed
        seen = min(fresh, SHOWN)
        missed += fresh - seen
        delays += [(now - at) / timedelta(minutes=1) for at in found[there - seen : there]]
        items = min(SHOWN, there)
        event = FetchEvent(source_id=state.source_id, at=now, url="u", outcome="ok")
        result = PollResult(
            state=state, event=event, items=items, fresh=seen,
            gap=fresh >= SHOWN and listed > 0,
        )  # fmt: skip
        polls, listed = polls + 1, there
        interval = pace(state, result)
        state = SourceState(
            source_id=state.source_id, health=state.health, last_ok_at=now, polls=polls,
            interval_s=interval,
        )  # fmt: skip
        now = next_poll_at(state, SOURCE, now)
    return polls, delays, missed


def _count(found: list[datetime], now: datetime) -> int:
    from bisect import bisect_right

    return bisect_right(found, now)


def rows() -> Iterator[str]:
    """Give a line per rhythm and rule."""
    for name in RHYTHMS:
        found = arrivals(name)
        for label, pace in (("固定 15m", fixed), ("67/33 原样", published_rule), ("本程序", ours)):
            polls, delays, missed = simulate(found, pace)
            delays.sort()
            late = delays[int(0.9 * len(delays))] if delays else 0.0
            yield (
                f"{name:14} {label:10} polls/day {polls / DAYS:6.1f}  delay min: median "
                f"{median(delays) if delays else 0:5.1f}, p90 {late:5.1f}  missed {missed}"
            )


def main() -> None:
    """Print the table."""
    print(f"{DAYS} days, page of {SHOWN} items, every 15m, min 1m")
    for line in rows():
        print(line)


if __name__ == "__main__":
    main()
