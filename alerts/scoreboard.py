"""The scoreboard of `groundswell eval surges`: how often, how soon, and how often for nothing.

In: a seed, a number of streams, the rules. Out: figures per rate, burstiness, background, setting
and kind of event, each beside the figure of alerting.md 3.3. How to read it: docs/adr/0029.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import exp, sqrt
from typing import Any

import numpy as np

from alerts.baseline import Bools, Floats
from alerts.simulation import (
    BACKGROUNDS,
    BIN,
    DAY,
    DAYS,
    EVENTS,
    LEAD,
    ONSET_DAY,
    PHIS,
    RATES,
    SETTINGS,
    SLOW_BURSTS,
    Background,
    Event,
    Streams,
    make_event,
    make_streams,
    run,
    with_event,
)
from config.schema import SurgeRules

GRACE = 6  # an alarm counts up to so many hours after the event
COOL = 24 * BIN
MIN_AUTHORS = 5  # decisions.md 29: smaller events cannot be told from chance
AT_ONCE = 50  # streams of each rate that share one brand: also what is held in memory at a time

# alerting.md 3.3, averages over the rates: false alarms a cluster-month, then the share of events
# found. The page marks no watch figures on other than clean backgrounds.
_KINDS = ("spike", "step", "viral", "ramp")
MARKS: dict[tuple[str, str, float], tuple[float, tuple[float, ...]]] = {
    ("page", "clean", 1.0): (0.000, (0.94, 1.0, 1.0, 1.0)),
    ("page", "clean", 2.0): (0.018, (0.75, 0.92, 1.0, 1.0)),  # the spike after issue 6, was 0.64
    ("page", "mild", 1.0): (0.025, (0.92, 1.0, 1.0, 1.0)),
    ("page", "mild", 2.0): (0.125, (0.60, 0.92, 1.0, 1.0)),
    ("page", "hard", 1.0): (0.35, (0.89, 0.98, 1.0, 1.0)),
    ("page", "hard", 2.0): (0.43, (0.62, 0.86, 1.0, 0.99)),
    ("watch", "clean", 1.0): (0.010, (0.95, 1.0, 1.0, 1.0)),
    ("watch", "clean", 2.0): (0.052, (0.74, 0.97, 1.0, 1.0)),
    ("watch", "mild", 1.0): (0.058, ()),
    ("watch", "mild", 2.0): (0.12, ()),
    ("watch", "hard", 1.0): (0.62, ()),
    ("watch", "hard", 2.0): (0.52, ()),
}
WORLDS = (*product(PHIS, BACKGROUNDS), (PHIS[-1], SLOW_BURSTS))  # phi and background
CLUSTERS, EVENTS_A_MONTH = 200, 6.0  # the load at which precision is stated (alerting.md 3.4)
_FALSE_WEIGHT = 0.11  # of a false alarm against a missed event, NAB's standard profile
_Z = 1.96


@dataclass(slots=True)
class Tally:
    """Events of one kind: how many were drawn and counted, and of those found when, after what."""

    drawn: int = 0
    counted: int = 0
    delays: list[float] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    early: float = 0.0  # sum of NAB's reward over the events found

    def add(self, other: Tally) -> None:
        """Count another tally in."""
        self.drawn += other.drawn
        self.counted += other.counted
        self.delays += other.delays
        self.seen += other.seen
        self.early += other.early


@dataclass(slots=True)
class Cell:
    """One combination of rate, burstiness, background and setting."""

    rate: float
    phi: float
    background: str
    setting: str
    streams: int = 0
    false_alarms: int = 0
    events: dict[str, Tally] = field(default_factory=lambda: {kind: Tally() for kind in EVENTS})

    @property
    def false_rate(self) -> float:
        """False alarms per cluster and month of 30 days."""
        return self.false_alarms / max(1, self.streams)


def evaluate_surges(
    seed: int = 1,
    streams: int = 20,
    *,
    rules: SurgeRules | None = None,
    worlds: Sequence[tuple[float, Background]] = WORLDS,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Score the detector on `streams` streams for each rate, burstiness and background.

    Units: delays in hours from the onset, `posts_seen` counts posts from the onset to the alarm.
    Only events with at least five distinct authors inside them count; `left_out` is the share that
    had fewer. The figures directly under a band are those of the page setting on clean backgrounds,
    all burstiness and all four events pooled; `cells` has every combination, `means` the
    averages over the rates that alerting.md 3.3 states, each with its mark and whether it passes:
    its 95 % interval is not on the wrong side of the mark. `slow_bursts` has no mark: a background
    whose bursts last an hour.
    """
    rules = rules or SurgeRules()
    cells: list[Cell] = []
    for number, (phi, background) in enumerate(worlds):
        progress(f"surges phi={phi:g} background={background.name}")
        mine = {
            (rate, setting): Cell(rate, phi, background.name, setting)
            for rate, setting in product(RATES, SETTINGS)
        }
        for part, first in enumerate(range(0, streams, AT_ONCE)):
            chance = np.random.default_rng([seed, number, part])
            _score_part(mine, chance, phi, background, min(AT_ONCE, streams - first), rules)
        cells += mine.values()
    marked = [cell for cell in cells if cell.background != SLOW_BURSTS.name]
    slow = [cell for cell in cells if cell.background == SLOW_BURSTS.name]
    keys = {(cell.setting, cell.background, cell.phi) for cell in cells}
    return {
        "seed": seed,
        "streams": streams,
        "days": DAYS,
        "min_authors": MIN_AUTHORS,
        "bands": {f"{rate:g}": _band(rate, marked) for rate in RATES},
        "means": [_mean(key, marked) for key in MARKS if key in keys],
        "slow_bursts": [_mean(key, slow) for key in sorted(keys) if key[1] == SLOW_BURSTS.name],
    }


# --- scoring -------------------------------------------------------------------------------------


def alarms(fired: Bools, daily: Floats) -> int:
    """Count the alarms of one stream: a day without any between two, unless the count doubled."""
    count, last_alarm, last_fire, size = 0, -COOL, -COOL, 0.0
    for place in np.flatnonzero(fired):
        doubled = place - last_alarm >= COOL and daily[place] >= 2 * size
        if place - last_fire >= COOL or doubled:
            count, last_alarm, size = count + 1, int(place), float(daily[place])
        last_fire = int(place)
    return count


def _score_part(  # noqa: PLR0917 - where it is counted, then what is drawn
    cells: dict[tuple[float, str], Cell],
    chance: np.random.Generator,
    phi: float,
    background: Background,
    streams: int,
    rules: SurgeRules,
) -> None:
    """Draw streams of one brand and every kind of event, run the detector, count what it says."""
    quiet = make_streams(chance, phi, background, streams)
    silent = run(quiet, rules)
    for (rate, setting), cell in cells.items():
        rows = _rows(rate, streams)
        fired = silent.fired[setting]
        cell.streams += streams
        cell.false_alarms += sum(alarms(fired[row], silent.daily[row]) for row in rows)
    for kind in EVENTS:
        event = make_event(chance, quiet, kind)
        loud = with_event(quiet, event)
        last = int(event.last.max()) + GRACE * BIN
        fires = run(loud, rules, range(ONSET_DAY, min(DAYS, last // DAY + 1)))
        for (rate, setting), cell in cells.items():
            cell.events[kind].add(_tally(_rows(rate, streams), event, loud, fires.fired[setting]))


def _rows(rate: float, streams: int) -> range:
    first = RATES.index(rate) * streams
    return range(first, first + streams)


def _tally(rows: Iterable[int], event: Event, streams: Streams, fired: Bools) -> Tally:
    posts = streams.bins[:, LEAD:]
    tally = Tally()
    for row in rows:
        first, last = int(event.first[row]), int(event.last[row])
        tally.drawn += 1
        if posts[row, first : last + 1].sum() < MIN_AUTHORS:
            continue
        tally.counted += 1
        hits = np.flatnonzero(fired[row, first : last + 1 + GRACE * BIN])
        if hits.size:
            hit = int(hits[0])
            tally.delays.append((hit + 1) / BIN)
            tally.seen.append(int(posts[row, first : first + hit + 1].sum()))
            tally.early += _reward(hit / (last - first + 1 + GRACE * BIN))
    return tally


def _reward(share: float) -> float:
    """Return NAB's reward of an alarm so far into its event: 0.99 at once, 0 at the very end."""
    return 2.0 / (1.0 + exp(5.0 * (share - 1.0))) - 1.0


# --- the figures ---------------------------------------------------------------------------------


def _band(rate: float, cells: list[Cell]) -> dict[str, Any]:
    mine = [cell for cell in cells if cell.rate == rate]
    headline = [cell for cell in mine if cell.setting == "page" and cell.background == "clean"]
    false = float(np.mean([cell.false_rate for cell in headline]))
    pooled = Tally()
    for cell in headline:
        for tally in cell.events.values():
            pooled.add(tally)
    return {
        "false_alarms_per_cluster_month": round(false, 4),
        **figures(pooled, false),
        "cells": [_cell(cell) for cell in mine],
    }


def _cell(cell: Cell) -> dict[str, Any]:
    low, high = _rate_interval(cell.false_alarms, cell.streams)
    return {
        "phi": cell.phi,
        "background": cell.background,
        "setting": cell.setting,
        "false_alarms_per_cluster_month": round(cell.false_rate, 4),
        "false_alarms_low": low,
        "false_alarms_high": high,
        **{kind: figures(tally, cell.false_rate) for kind, tally in cell.events.items()},
    }


def figures(tally: Tally, false: float) -> dict[str, Any]:
    """Return what a tally says, `false` being the false alarms a cluster-month beside it."""
    found = len(tally.delays)
    pod = found / tally.counted if tally.counted else None
    low, high = _share_interval(found, tally.counted)
    return {
        "events": tally.counted,
        "left_out": round(1 - tally.counted / tally.drawn, 4) if tally.drawn else None,
        "pod": None if pod is None else round(pod, 4),
        "pod_low": low,
        "pod_high": high,
        "delay_h_median": round(float(np.median(tally.delays)), 2) if found else None,
        "delay_h_p90": round(float(np.quantile(tally.delays, 0.9)), 2) if found else None,
        "posts_seen_median": float(np.median(tally.seen)) if found else None,
        "precision": None if pod is None else _precision(pod, false),
        "nab_score": _nab(tally, false),
    }


def _precision(pod: float, false: float) -> float | None:
    """Return the share of true alarms at 200 clusters and 6 such events a month."""
    right, wrong = EVENTS_A_MONTH * pod, CLUSTERS * false
    return round(right / (right + wrong), 4) if right + wrong else None


def _nab(tally: Tally, false: float) -> float | None:
    """Return a score after NAB (arXiv 1510.03336): 0 for silence, 100 for all found at once.

    Found events give 0 to 1 by how early, missed ones take 1, each false alarm takes 0.11, at 200
    clusters and 6 events a month.
    """
    if not tally.counted:
        return None
    missed = tally.counted - len(tally.delays)
    false_per_event = CLUSTERS * false / EVENTS_A_MONTH
    raw = (tally.early - missed) / tally.counted - _FALSE_WEIGHT * false_per_event
    return round(50.0 * (raw + 1.0), 1)


def _share_interval(hits: int, counted: int) -> tuple[float | None, float | None]:
    """Return Wilson's 95 % interval of a share."""
    if not counted:
        return None, None
    centre = (hits + _Z * _Z / 2) / (counted + _Z * _Z)
    half = _Z * sqrt(hits * (counted - hits) / counted + _Z * _Z / 4) / (counted + _Z * _Z)
    return round(max(0.0, centre - half), 4), round(min(1.0, centre + half), 4)


def _rate_interval(count: int, streams: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a Poisson rate per stream (Garwood 1936)."""
    from scipy.stats import chi2  # costs 300 ms of start-up

    low = chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    return round(float(low) / streams, 4), round(
        float(chi2.ppf(0.975, 2 * count + 2)) / 2 / streams, 4
    )


def _mean(key: tuple[str, str, float], cells: list[Cell]) -> dict[str, Any]:
    """Average over the rates, as the table of alerting.md 3.3 does."""
    setting, background, phi = key
    mine = [cell for cell in cells if (cell.setting, cell.background, cell.phi) == key]
    mark_false, marks = MARKS.get(key, (None, ()))
    false = float(np.mean([cell.false_rate for cell in mine]))
    low, high = _rate_interval(
        sum(cell.false_alarms for cell in mine), sum(cell.streams for cell in mine)
    )
    row: dict[str, Any] = {
        "setting": setting,
        "background": background,
        "phi": phi,
        "false_alarms_per_cluster_month": round(false, 4),
        "false_alarms_low": low,
        "false_alarms_high": high,
        "false_alarms_mark": mark_false,
        "false_alarms_pass": None if mark_false is None else low <= mark_false,
    }
    for number, kind in enumerate(_KINDS):
        mark = marks[number] if marks else None
        row[kind] = _mean_of_rates([cell.events[kind] for cell in mine], false, mark)
    return row


def _mean_of_rates(tallies: list[Tally], false: float, mark: float | None) -> dict[str, Any]:
    """Average shares over the rates; the interval adds up Wilson's half-widths in squares."""
    known = [tally for tally in tallies if tally.counted]
    pods = [len(tally.delays) / tally.counted for tally in known]
    medians = [float(np.median(tally.delays)) for tally in known if tally.delays]
    p90 = [float(np.quantile(tally.delays, 0.9)) for tally in known if tally.delays]
    seen = [float(np.median(tally.seen)) for tally in known if tally.seen]
    up = down = 0.0
    for tally, pod in zip(known, pods, strict=True):
        low, high = _share_interval(len(tally.delays), tally.counted)
        down += (pod - (low or 0.0)) ** 2
        up += ((high or 0.0) - pod) ** 2
    mean = float(np.mean(pods)) if pods else 0.0
    high_mean = min(1.0, mean + sqrt(up) / max(1, len(known)))
    drawn, counted = sum(t.drawn for t in tallies), sum(t.counted for t in tallies)
    early = Tally(drawn, counted, [d for t in known for d in t.delays], [], 0.0)
    early.early = sum(tally.early for tally in known)
    return {
        "events": counted,
        "left_out": round(1 - counted / drawn, 4) if drawn else None,
        "pod": round(mean, 4),
        "pod_low": round(max(0.0, mean - sqrt(down) / max(1, len(known))), 4),
        "pod_high": round(high_mean, 4),
        "mark": mark,
        "pass": None if mark is None else high_mean >= mark,
        "delay_h_median": round(float(np.mean(medians)), 2) if medians else None,
        "delay_h_p90": round(float(np.mean(p90)), 2) if p90 else None,
        "posts_seen_median": round(float(np.mean(seen)), 1) if seen else None,
        "precision": _precision(mean, false),
        "nab_score": _nab(early, false),
    }
