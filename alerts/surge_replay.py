"""Surge detection on real streams: what fires by itself, and how soon a real burst is found.

In: instants of posts by group (a brand, an issue). Out: figures. Each group is one cluster, all
groups together its brand; `surge.detect` is asked at every post, as the product does. Bursts are
real ones: the fullest day of a group, put into another group's stream (shift and recombine, after
Enki et al. 2016, PLoS ONE 0160759).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from alerts.baseline import HISTORY_HOURS, PULSE_HOURS, PULSE_LAG_HOURS, SLOTS, Floats
from alerts.scoreboard import GRACE, MIN_AUTHORS, Tally, figures
from alerts.surge import AUTHOR_DAYS, detect
from config.errors import GroundswellError
from config.schema import SurgeRules
from storage.records import BrandId, Cluster, ClusterId, Evidence, HourCount, Pulse, ShardId

BURST_HOURS = 24
MIN_POSTS = 20  # a group with fewer tells of no month
WARM_DAYS = 28  # nothing is judged before a baseline can be full
MONTH_DAYS = 30.0

Streams = Mapping[str, Floats]  # hours since 1970 of the posts of each group, ascending


@dataclass(slots=True)
class _Score:
    """What one setting said on all streams."""

    alarms: int = 0
    events: Tally = field(default_factory=Tally)


def evaluate_streams(
    posts: Iterable[tuple[str, datetime]],
    *,
    burst_posts: Iterable[tuple[str, datetime]] = (),
    seed: int = 1,
    bursts: int = 100,
    rules: SurgeRules | None = None,
) -> dict[str, Any]:
    """Score the detector on dated posts of groups, each post by an author of his own.

    Posts whose times are all midnight are spread over their days. `false_alarms_per_cluster_month`
    counts every alarm of the streams as they are: those of waves they really held, too, so it is an
    upper bound. `bursts` are drawn, each put into a stream at a random time after 28 days; they are
    the groups' own, or those of `burst_posts`.
    Errors: GroundswellError when no group has 20 posts over more than 28 days.
    """
    chance = np.random.default_rng(seed)
    every, spread = _streams(posts, chance)
    brand = np.sort(np.concatenate(list(every.values()))) if every else np.empty(0)
    kept = {
        name: times
        for name, times in every.items()
        if times.size >= MIN_POSTS and brand[-1] - brand[0] > 24 * WARM_DAYS
    }
    if not kept:
        raise GroundswellError(
            f"replaying streams: no group has {MIN_POSTS} dated posts in a file of more than "
            f"{WARM_DAYS} days; name other columns"
        )
    rules = rules or SurgeRules()
    score = {name: _Score() for name in ("page", "watch")}
    for times in kept.values():
        _count_alarms(score, times, brand, rules)
    elsewhere, _ = _streams(burst_posts, chance)
    shapes = _shapes(elsewhere or kept)
    for _ in range(bursts if shapes else 0):
        _inject(score, kept, brand, shapes, chance, rules)
    months = len(kept) * (brand[-1] - brand[0] - 24 * WARM_DAYS) / (24 * MONTH_DAYS)
    return {
        "posts": int(brand.size),
        "groups": len(every),
        "groups_judged": len(kept),
        "spread_over_days": spread,
        "cluster_months": round(float(months), 1),
        "bursts_known": len(shapes),
        **{
            name: {
                "alarms": one.alarms,
                "false_alarms_per_cluster_month": round(one.alarms / months, 4),
                **figures(one.events, one.alarms / months),
            }
            for name, one in score.items()
        },
    }


def _streams(
    posts: Iterable[tuple[str, datetime]], chance: np.random.Generator
) -> tuple[dict[str, Floats], bool]:
    found: dict[str, list[float]] = {}
    midnight = True
    for group, at in posts:
        midnight = midnight and not (at.hour or at.minute or at.second)
        found.setdefault(group, []).append(at.timestamp() / 3600)
    streams = {}
    for group, hours in sorted(found.items()):
        times = np.array(hours)
        streams[group] = np.sort(times + chance.uniform(0, 24, times.size) if midnight else times)
    return streams, midnight


def _shapes(streams: Streams) -> list[tuple[str, Floats]]:
    """Return the fullest day of each group that holds enough people, as hours from its start."""
    shapes = []
    for name, times in streams.items():
        held = np.searchsorted(times, times + BURST_HOURS, side="left") - np.arange(times.size)
        first = int(np.argmax(held))
        if held[first] >= MIN_AUTHORS:
            shapes.append((name, times[first : first + int(held[first])] - times[first]))
    return shapes


def _count_alarms(
    score: Mapping[str, _Score], times: Floats, brand: Floats, rules: SurgeRules
) -> None:
    """Ask at every post; a day without any lies between two alarms."""
    last = dict.fromkeys(score, -1e9)
    for now in times[times > brand[0] + 24 * WARM_DAYS]:
        fired = _fired(times, brand, float(now), rules)
        for name in fired:
            if now - last[name] >= BURST_HOURS:
                score[name].alarms += 1
            last[name] = float(now)


def _inject(  # noqa: PLR0917 - what is scored, then what is drawn from
    score: Mapping[str, _Score],
    streams: Streams,
    brand: Floats,
    shapes: Sequence[tuple[str, Floats]],
    chance: np.random.Generator,
    rules: SurgeRules,
) -> None:
    """Put one group's burst into another's stream and ask at every post of it."""
    origin, shape = shapes[int(chance.integers(len(shapes)))]
    homes = [name for name in streams if name != origin] or list(streams)
    home = streams[homes[int(chance.integers(len(homes)))]]
    onset = float(chance.uniform(brand[0] + 24 * WARM_DAYS, brand[-1] - BURST_HOURS))
    burst = onset + shape
    times, whole = np.sort(np.append(home, burst)), np.sort(np.append(brand, burst))
    end = float(burst[-1]) + GRACE
    asked = times[(times >= onset) & (times <= end)]
    found: dict[str, float] = {}
    for now in asked:
        for name in _fired(times, whole, float(now), rules):
            found.setdefault(name, float(now))
        if len(found) == len(score):
            break
    for name, one in score.items():
        one.events.drawn += 1
        one.events.counted += 1
        if name in found:
            at = found[name]
            one.events.delays.append(at - onset)
            one.events.seen.append(int(np.count_nonzero((times >= onset) & (times <= at))))
            one.events.early += 1.0 - (at - onset) / (end - onset)


def _fired(times: Floats, brand: Floats, now: float, rules: SurgeRules) -> tuple[str, ...]:
    """Return the settings that fire at this instant; page fires watch with it."""
    surge = detect(_evidence(times, brand, now), rules, _instant(now))
    return {"page": ("page", "watch"), "watch": ("watch",)}.get(surge.setting, ())


def _evidence(times: Floats, brand: Floats, now: float) -> Evidence:
    """Return what the store would say of a cluster of these posts at that time."""
    recent = times[(times > now - 24 * AUTHOR_DAYS) & (times <= now)]
    authors = tuple((_instant(at), f"{number}") for number, at in enumerate(recent.tolist()))
    last = int(now) - PULSE_LAG_HOURS
    slots = np.floor(brand * SLOTS).astype(np.int64) - (last - PULSE_HOURS) * SLOTS
    slots = slots[(slots >= 0) & (slots < PULSE_HOURS * SLOTS)]
    return Evidence(
        cluster=Cluster(
            cluster_id=ClusterId("replayed"), shard_id=ShardId(""), brand_id=BrandId("replayed")
        ),
        hours=_hours(times, now),
        brand_hours=_hours(brand, now),
        brand_clusters=max(1, round(brand.size / max(1, times.size))),  # rate of one like it
        brand_first_at=_instant(float(brand[0])),
        first_at=_instant(float(brand[0])),
        live_authors=authors,
        watch_authors=authors,
        pulse=Pulse(slots=tuple(np.bincount(slots, minlength=PULSE_HOURS * SLOTS).tolist())),
    )


def _hours(times: Floats, now: float) -> tuple[HourCount, ...]:
    known = times[(times > now - HISTORY_HOURS) & (times <= now)]
    counted = Counter(np.floor(known).astype(np.int64).tolist())
    return tuple(
        HourCount(hour=_instant(hour), mentions=n, authors=n, texts=n, live=n, watch=n)
        for hour, n in sorted(counted.items())
    )


def _instant(hours: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
