"""Evidence made of instants: each post has its own author unless told otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from storage.records import Evidence, HourCount
from tests.make import NOW, make_evidence


def hours_ago(*hours: float, now: datetime = NOW) -> list[datetime]:
    return [now - timedelta(hours=hour) for hour in hours]


def burst(count: int, hours: float, *, ended: float = 0.0, now: datetime = NOW) -> list[datetime]:
    """So many posts evenly over the `hours` that ended `ended` hours ago."""
    return [now - timedelta(hours=ended + hours * (i + 0.5) / count) for i in range(count)]


def everyday(rate: float, days: int, *, now: datetime = NOW, seed: int = 7) -> list[datetime]:
    """A brand's Poisson noise of `rate` posts an hour, up to two hours ago."""
    chance = np.random.default_rng(seed)
    start = now - timedelta(days=days)
    count = chance.poisson(rate * (days * 24 - 2))
    return [
        start + timedelta(hours=float(h)) for h in sorted(chance.uniform(0, days * 24 - 2, count))
    ]


def by_hour(posts: Iterable[datetime], **unlike: Iterable[datetime]) -> tuple[HourCount, ...]:
    """Count posts per hour; `live`/`watch` name the posts those counters hold when not all."""
    counted = Counter(at.replace(minute=0, second=0, microsecond=0) for at in posts)
    other = {
        name: Counter(at.replace(minute=0, second=0, microsecond=0) for at in kept)
        for name, kept in unlike.items()
    }
    return tuple(
        HourCount(
            hour=hour,
            mentions=n,
            authors=n,
            texts=n,
            live=other.get("live", counted)[hour],
            watch=other.get("watch", counted)[hour],
        )
        for hour, n in sorted(counted.items())
    )


def evidence_of(
    posts: list[datetime],
    brand: list[datetime] | None = None,
    *,
    live: list[datetime] | None = None,
    watch: list[datetime] | None = None,
    now: datetime = NOW,
    **fields: Any,
) -> Evidence:
    """Evidence of a cluster of `posts` among the `brand`'s others; all sure unless told."""
    live = posts if live is None else live
    watch = live if watch is None else watch
    whole = sorted(posts + (brand or []))
    return make_evidence(
        hours=by_hour(posts, live=live, watch=watch),
        brand_hours=by_hour(whole),
        **{
            "brand_first_at": whole[0] if whole else None,
            "first_at": min(posts, default=None),
            "last_at": max(posts, default=None),
            "live_authors": _authors(live, now),
            "watch_authors": _authors(watch, now),
            "mentions": len(posts),
            "authors": len(posts),
            "texts": len(posts),
            "brand_clusters": 12,
            **fields,
        },
    )


def _authors(posts: list[datetime], now: datetime) -> tuple[tuple[datetime, str], ...]:
    recent = sorted(at for at in posts if at > now - timedelta(days=7))
    return tuple((at, f"作者{at.timestamp():.3f}/{i}") for i, at in enumerate(recent))
