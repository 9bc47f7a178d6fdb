"""Streams with known events, and how soon the shipped detector finds them.

Rates, burstiness, backgrounds and events after alerting.md 3.3. Only the streams are made up: the
baseline, the window test and the ramp are the functions that `surge.detect` runs, over many streams
at once. In: a seed and a number of streams. Out: the scoreboard of `groundswell eval surges`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from math import sqrt
from typing import Any

import numpy as np

from alerts import baseline
from alerts.baseline import HISTORY_HOURS, RAMP_LAG, WINDOWS, Baseline, Bools, Floats
from alerts.surge import DAY_WINDOW, daily_counts, exceeds, ramp_path
from config.schema import SurgeRules

RATES = (0.05, 0.3, 2.0, 10.0)  # posts an hour
PHIS = (1.0, 2.0)  # Poisson and bursty
EVENTS = ("spike", "step", "viral", "ramp")
SETTINGS = ("page", "watch")

_BIN = 6  # bins an hour
_DAY = 24 * _BIN
_DAYS = 30
_WARM = HISTORY_HOURS  # hours before the first judged day
_BRAND_RATE, _BRAND_CLUSTERS = 13.0, 20  # the mean of the mix 60/25/12/3 % is 0.65 an hour
_ONSET_DAY = 10
_GRACE = 6  # an alarm counts up to so many hours after the event
_COOL = 24 * _BIN
_MIN_AUTHORS = 5  # decisions.md 29: smaller events cannot be told from chance
_HOURS = {"spike": 3, "step": 24, "viral": 36, "ramp": 360}


@dataclass(frozen=True, slots=True)
class Background:
    """How far the profile the detector learns is off, and how far the level wanders in a week."""

    name: str
    shift_h: int
    wander: float


BACKGROUNDS = (
    Background("clean", 0, 0.0),
    Background("mild", 1, 0.10),
    Background("hard", 3, 0.20),
)


@dataclass(frozen=True, slots=True)
class Streams:
    """A batch of streams.

    Shapes: `hourly` (S, hours), `bins` and `means` (S, bins), `brand` (hours,). `bins` begin a day
    before the first judged one; `means` are what the bins were drawn from.
    """

    rates: Floats
    phi: float
    hourly: Floats
    bins: Floats
    means: Floats
    brand: Floats


@dataclass(frozen=True, slots=True)
class Fires:
    """What the detector said at each bin of the judged days, (S, bins) per setting."""

    fired: dict[str, Bools]
    daily: Floats


@dataclass(frozen=True, slots=True)
class Event:
    """Extra posts of one kind: `first` and `last` are bins of the judged days, (S,)."""

    kind: str
    extra: Floats
    first: baseline.Ints
    last: baseline.Ints


def evaluate_surges(
    seed: int = 1,
    streams: int = 20,
    *,
    rules: SurgeRules | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Score the detector on `streams` streams for each rate, burstiness and background.

    Units: delays in hours from the onset, `posts_seen` counts posts from the onset to the alarm.
    Only events with at least five distinct authors inside them count; `left_out` is the share that
    had fewer. The figures directly under a band are those of the page setting on clean backgrounds,
    both kinds of burstiness and all four events pooled; `cells` has every combination.
    """
    rules = rules or SurgeRules()
    cells = []
    for number, (phi, background) in enumerate(product(PHIS, BACKGROUNDS)):
        progress(f"surges phi={phi:g} background={background.name}")
        chance = np.random.default_rng([seed, number])
        cells += _cells(chance, phi, background, streams, rules)
    bands = {f"{rate:g}": _band(rate, cells) for rate in RATES}
    return {
        "seed": seed,
        "streams": streams,
        "days": _DAYS,
        "min_authors": _MIN_AUTHORS,
        "bands": bands,
        "means": _means(cells),
    }


# --- making streams ------------------------------------------------------------------------------


def make_streams(
    chance: np.random.Generator, phi: float, background: Background, streams: int
) -> Streams:
    """Draw `streams` streams of each rate, with 49 days before the first judged one."""
    hours = np.arange(_WARM + 24 * _DAYS)
    season = _season(hours)
    rates = np.repeat(np.array(RATES), streams)
    level = np.ones((rates.size, hours.size))
    if background.wander:
        steps = chance.normal(0.0, background.wander / sqrt(baseline.WEEK), level.shape)
        walk = np.cumsum(steps, axis=-1)
        level = np.exp(walk - walk[:, _WARM, None])
    means = rates[:, None] * season * level
    first = _WARM - 24
    bin_means = np.repeat(means[:, first:] / _BIN, _BIN, axis=-1)
    bins = _draw(chance, bin_means, phi)
    hourly = _draw(chance, means, phi)
    hourly[:, first:] = bins.reshape(rates.size, -1, _BIN).sum(-1)
    brand = _draw(chance, _BRAND_RATE * _season(hours - background.shift_h), phi)
    return Streams(rates, phi, hourly, bins, bin_means, brand)


def make_event(chance: np.random.Generator, streams: Streams, kind: str) -> Event:
    """Draw the extra posts of one event per stream, beginning at any time of the eleventh day.

    spike: ten times the usual on top for 3 h; step: five times as much for 24 h; viral: half a post
    an hour on top, doubling every 4 h for 36 h; ramp: the rate doubles every 5 days for 15 days.
    """
    length = _HOURS[kind] * _BIN
    first = _ONSET_DAY * _DAY + chance.integers(0, _DAY, streams.rates.size)
    place = np.arange(streams.bins.shape[-1] - _DAY)
    since = place - first[:, None]
    inside = (since >= 0) & (since < length)
    hours = np.where(inside, since, 0) / _BIN
    usual = streams.means[:, _DAY:]
    match kind:
        case "spike":
            extra = 10.0 * usual
        case "step":
            extra = 4.0 * usual
        case "viral":
            extra = 0.5 * 2.0 ** (hours / 4.0) / _BIN
        case _:
            extra = usual * (2.0 ** (hours / 120.0) - 1.0)
    drawn = _draw(chance, np.where(inside, extra, 0.0), streams.phi)
    return Event(kind, drawn, first, first + length - 1)


def with_event(streams: Streams, event: Event) -> Streams:
    """Add the posts of an event to its streams."""
    bins = streams.bins.copy()
    bins[:, _DAY:] += event.extra
    hourly = streams.hourly.copy()
    hourly[:, _WARM - 24 :] = bins.reshape(bins.shape[0], -1, _BIN).sum(-1)
    return Streams(streams.rates, streams.phi, hourly, bins, streams.means, streams.brand)


def _season(hours: baseline.Ints) -> Floats:
    """Return a lifelike week, mean 1: quiet nights, two peaks a day, less on two days of seven."""
    clock = 2 * np.pi * (hours % 24) / 24
    day = 1.0 - 0.55 * np.cos(clock) - 0.2 * np.cos(2 * clock)
    week = np.where(hours // 24 % 7 >= 5, 0.8, 1.08)
    return np.asarray(day * week)


def _draw(chance: np.random.Generator, means: Floats, phi: float) -> Floats:
    """Draw counts of variance phi times the mean (negative binomial, Poisson for phi = 1)."""
    if phi == 1.0:
        return chance.poisson(means).astype(np.float64)
    size = np.maximum(means / (phi - 1.0), 1e-12)
    drawn: Floats = chance.negative_binomial(size, 1.0 / phi).astype(np.float64)
    return drawn


# --- running the detector ------------------------------------------------------------------------


def run(streams: Streams, rules: SurgeRules, days: range = range(_DAYS)) -> Fires:
    """Run window tests every ten minutes and the ramp every six hours over the given days."""
    shape = (streams.rates.size, _DAYS * _DAY)
    fired = {setting: np.zeros(shape, dtype=np.bool_) for setting in SETTINGS}
    sums = np.cumsum(np.pad(streams.bins, ((0, 0), (1, 0))), axis=-1)
    daily = sums[:, _DAY + 1 :] - sums[:, 1:-_DAY]
    sum_at_start: Floats = np.zeros(streams.rates.size)
    ends = HISTORY_HOURS - 24 + (np.arange(_DAY) + 1) / _BIN
    for day in days:
        base, hourly = _fit(streams, day)
        bins = slice(day * _DAY, (day + 1) * _DAY)
        for window, width in enumerate(WINDOWS):
            usual = baseline.expect(base, ends, window)
            upto = _DAY * (day + 1) + np.arange(_DAY) + 1
            seen = sums[:, upto] - sums[:, upto - width * _BIN]
            for setting, (alpha, ratio, _) in _settings(rules).items():
                fired[setting][:, bins] |= exceeds(
                    seen,
                    usual.mean,
                    usual.variance,
                    alpha=alpha,
                    ratio=ratio,
                    authors=rules.min_authors,
                )
        path = _ramp(base, hourly, rules, sum_at_start)
        sum_at_start = path[:, -1]
        for setting, (_, _, level) in _settings(rules).items():
            fired[setting][:, bins] |= np.repeat(path >= level, _DAY // 4, axis=-1)
    return Fires(fired, daily)


def _settings(rules: SurgeRules) -> dict[str, tuple[float, float, float]]:
    return {
        "page": (rules.page_alpha, rules.page_ratio, rules.ramp_page),
        "watch": (rules.watch_alpha, rules.watch_ratio, rules.ramp_watch),
    }


def _fit(streams: Streams, day: int) -> tuple[Baseline, Floats]:
    """Fit as `detect` does at any time of this day: on the 49 days that end with it."""
    grid = slice(24 * (day + 1), 24 * (day + 1) + HISTORY_HOURS)
    hourly = streams.hourly[:, grid]
    brand = streams.brand[None, grid]
    base = baseline.fit(
        hourly,
        brand,
        np.arange(grid.start, grid.stop),
        cluster_watched=np.ones((1, HISTORY_HOURS)),
        brand_watched=np.ones_like(brand),
        brand_clusters=_BRAND_CLUSTERS,
        upto=HISTORY_HOURS - 2 * 24,
    )
    return base, hourly


def _ramp(base: Baseline, hourly: Floats, rules: SurgeRules, start: Floats) -> Floats:
    ends = HISTORY_HOURS - 24 + np.arange(0.0, 24.0, baseline.RAMP_STEP)
    usual = baseline.expect(base, ends, DAY_WINDOW, lag=RAMP_LAG)
    seen = daily_counts(hourly, ends)
    return ramp_path(seen, usual.mean, usual.variance, cap=rules.ramp_page, start=start)


# --- scoring -------------------------------------------------------------------------------------


def alarms(fired: Bools, daily: Floats) -> int:
    """Count the alarms of one stream: a day without any between two, unless the count doubled."""
    count, last_alarm, last_fire, size = 0, -_COOL, -_COOL, 0.0
    for place in np.flatnonzero(fired):
        doubled = place - last_alarm >= _COOL and daily[place] >= 2 * size
        if place - last_fire >= _COOL or doubled:
            count, last_alarm, size = count + 1, int(place), float(daily[place])
        last_fire = int(place)
    return count


def _cells(
    chance: np.random.Generator,
    phi: float,
    background: Background,
    streams: int,
    rules: SurgeRules,
) -> list[dict[str, Any]]:
    quiet = make_streams(chance, phi, background, streams)
    silent = run(quiet, rules)
    found = {}
    for kind in EVENTS:
        event = make_event(chance, quiet, kind)
        loud = with_event(quiet, event)
        last = int(event.last.max()) + _GRACE * _BIN
        fires = run(loud, rules, range(_ONSET_DAY, min(_DAYS, last // _DAY + 1)))
        found[kind] = (event, loud, fires)
    cells = []
    for number, rate in enumerate(RATES):
        rows = range(number * streams, (number + 1) * streams)
        for setting in SETTINGS:
            false = sum(alarms(silent.fired[setting][row], silent.daily[row]) for row in rows)
            events = {
                kind: _score(rows, event, loud, fires.fired[setting])
                for kind, (event, loud, fires) in found.items()
            }
            cells.append(
                {
                    "rate": rate,
                    "phi": phi,
                    "background": background.name,
                    "setting": setting,
                    "false_alarms": false,
                    "false_alarms_per_cluster_month": false / streams,
                    "events": events,
                }
            )
    return cells


def _score(rows: range, event: Event, streams: Streams, fired: Bools) -> dict[str, Any]:
    """Return counted events, detections, delays (h) and posts seen of some rows."""
    posts = streams.bins[:, _DAY:]
    counted, delays, seen = 0, [], []
    for row in rows:
        first, last = int(event.first[row]), int(event.last[row])
        if posts[row, first : last + 1].sum() < _MIN_AUTHORS:
            continue
        counted += 1
        hits = np.flatnonzero(fired[row, first : last + 1 + _GRACE * _BIN])
        if hits.size:
            delays.append((int(hits[0]) + 1) / _BIN)
            seen.append(int(posts[row, first : first + int(hits[0]) + 1].sum()))
    return {"counted": counted, "drawn": len(rows), "delays": delays, "seen": seen}


def _summary(events: list[dict[str, Any]]) -> dict[str, Any]:
    counted = sum(event["counted"] for event in events)
    drawn = sum(event["drawn"] for event in events)
    delays = [delay for event in events for delay in event["delays"]]
    seen = [posts for event in events for posts in event["seen"]]
    low, high = _interval(len(delays), counted)
    return {
        "events": counted,
        "left_out": round(1 - counted / drawn, 4) if drawn else None,
        "pod": round(len(delays) / counted, 4) if counted else None,
        "pod_low": low,
        "pod_high": high,
        "delay_h_median": round(float(np.median(delays)), 2) if delays else None,
        "delay_h_p90": round(float(np.quantile(delays, 0.9)), 2) if delays else None,
        "posts_seen_median": float(np.median(seen)) if seen else None,
    }


def _interval(hits: int, counted: int) -> tuple[float | None, float | None]:
    """Return Wilson's 95 % interval of a share."""
    if not counted:
        return None, None
    z = 1.96
    centre = (hits + z * z / 2) / (counted + z * z)
    half = z * sqrt(hits * (counted - hits) / counted + z * z / 4) / (counted + z * z)
    return round(max(0.0, centre - half), 4), round(min(1.0, centre + half), 4)


def _band(rate: float, cells: list[dict[str, Any]]) -> dict[str, Any]:
    mine = [cell for cell in cells if cell["rate"] == rate]
    headline = [
        cell for cell in mine if cell["setting"] == "page" and cell["background"] == "clean"
    ]
    false = float(np.mean([cell["false_alarms_per_cluster_month"] for cell in headline]))
    pooled = _summary([event for cell in headline for event in cell["events"].values()])
    return {
        "false_alarms_per_cluster_month": round(false, 4),
        **pooled,
        "cells": [
            {
                **{key: cell[key] for key in ("phi", "background", "setting")},
                "false_alarms_per_cluster_month": round(cell["false_alarms_per_cluster_month"], 4),
                **{kind: _summary([event]) for kind, event in cell["events"].items()},
            }
            for cell in mine
        ],
    }


def _means(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Average over the rates, as the table of alerting.md 3.3 does."""
    rows = []
    for setting, background, phi in product(SETTINGS, BACKGROUNDS, PHIS):
        key = {"setting": setting, "background": background.name, "phi": phi}
        mine = [cell for cell in cells if all(cell[name] == key[name] for name in key)]
        row: dict[str, Any] = dict(key)
        row["false_alarms_per_cluster_month"] = round(
            float(np.mean([cell["false_alarms_per_cluster_month"] for cell in mine])), 4
        )
        for kind in EVENTS:
            pods = [_summary([cell["events"][kind]])["pod"] for cell in mine]
            known = [pod for pod in pods if pod is not None]
            pooled = _summary([cell["events"][kind] for cell in mine])
            row[kind] = {**pooled, "pod_mean_of_rates": round(float(np.mean(known)), 4)}
        rows.append(row)
    return rows
