"""Hours of a cluster as drawings: a tiny one for a line of a list, layers for the cluster's page.

In: counts per UTC hour. Out: inline SVG with its own words, so that nothing is said by shape alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from markupsafe import Markup

from storage.instants import hour_of
from storage.records import HourCount

_HOUR = timedelta(hours=1)
_BARS = {24: 24, 72: 24, 168: 28}  # window in hours: bars of it, each of whole hours
_TINY = 22  # height of a tiny drawing
_WIDE, _HIGH = 6, 150  # of one hour, and of the drawing, in its own units


class Layers(NamedTuple):
    """The drawing of a cluster's page: its SVG, the most of one hour, what stands below."""

    drawing: Markup
    most: int
    ticks: list[str]


def tiny_hours(hours: Sequence[tuple[datetime, int]], now: datetime, window_h: int) -> Markup:
    """Return mentions over a window of 24, 72 or 168 hours as small bars, "" when there are none.

    Units: `hours` are (UTC hour, mentions).
    """
    bars = _BARS[window_h]
    width = window_h // bars
    end = hour_of(now) + _HOUR
    start = end - window_h * _HOUR
    counts = [0] * bars
    for hour, n in hours:
        if start <= hour < end:
            counts[int((hour - start) / _HOUR) // width] += n
    most = max(counts)
    if not most:
        return Markup("")
    shape = Markup('<rect x="{}" y="{}" width="3" height="{}"/>')
    drawn = [
        shape.format(4 * place, _TINY - high, high)
        for place, n in enumerate(counts)
        if (high := max(1, round(n / most * _TINY)) if n else 0)
    ]
    unit = "每小时" if width == 1 else f"每 {width} 小时"
    span = f"过去 {window_h} 小时" if window_h <= 72 else f"过去 {window_h // 24} 天"
    label = f"{span}{unit}的提及：共 {sum(counts):,} 条，最多 {most:,} 条，最近 {counts[-1]:,} 条"
    frame = Markup(
        '<svg class="tiny" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        '<path class="ground" d="M0 {}h{}"/>{}</svg>'
    )
    ground = (_TINY - 0.5, 4 * bars)
    return frame.format(4 * bars, _TINY, label, *ground, Markup("").join(drawn))


def hour_layers(
    hours: Sequence[HourCount],
    now: datetime,
    zone: ZoneInfo,
    span_h: int = 72,
    *,
    events: Sequence[tuple[str, datetime, datetime]] = (),
) -> Layers | None:
    """Return mentions, authors and texts of the last hours in three layers, None without any.

    `events` are shaded behind them: name, first instant, instant after the last.
    """
    end = hour_of(now) + _HOUR
    start = end - span_h * _HOUR
    shown = [one for one in hours if start <= one.hour < end]
    if not shown:
        return None
    most = max(one.mentions for one in shown)
    layers = [
        _layer("mentions", [(_place(one, start), one.mentions) for one in shown], most, 0.5, 5),
        _layer("authors", [(_place(one, start), one.authors) for one in shown], most, 1.5, 3),
        _ticks([(_place(one, start), one.texts) for one in shown], most),
        _layer("texts-alone", [(_place(one, start), one.texts) for one in shown], most, 1.5, 3),
    ]
    peak = max(shown, key=lambda one: one.mentions)
    label = (
        f"过去 {span_h} 小时每小时的提及、作者和不同说法：最多的一小时是 "
        f"{peak.hour.astimezone(zone):%m-%d %H} 时，{peak.mentions:,} 条、{peak.authors:,} 人、"
        f"{peak.texts:,} 种说法；每小时的数字见下表"
    )
    frame = Markup(
        '<svg class="hours" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img"'
        ' aria-label="{}">{}{}</svg>'
    )
    lines = Markup('<path class="grid" d="M0 .5H{w}M0 {half}H{w}M0 {base}H{w}"/>').format(
        w=span_h * _WIDE, half=_HIGH / 2, base=_HIGH - 0.5
    )
    titles = Markup("").join(_title(one, start, zone) for one in shown)
    bands = Markup("").join(_band(one, start, end) for one in events)
    drawn = Markup("").join(layers) + titles
    drawing = frame.format(span_h * _WIDE, _HIGH, label, bands + lines, drawn)
    marks = [start + span_h / 3 * n * _HOUR for n in range(3)]
    ticks = [f"{mark.astimezone(zone):%m-%d %H}时" for mark in marks]
    return Layers(drawing, most, [*ticks, "现在"])


def _place(one: HourCount, start: datetime) -> int:
    return int((one.hour - start) / _HOUR)


def _layer(
    name: str, counts: Sequence[tuple[int, int]], most: int, left: float, width: float
) -> Markup:
    shape = Markup('<rect x="{}" y="{:.1f}" width="{}" height="{:.1f}"/>')
    bars = [
        shape.format(place * _WIDE + left, _HIGH - high, width, high)
        for place, n in counts
        if (high := n / most * (_HIGH - 4))
    ]
    return Markup('<g class="{}">{}</g>').format(name, Markup("").join(bars))


def _band(event: tuple[str, datetime, datetime], start: datetime, end: datetime) -> Markup:
    """Return the shade of an event behind the bars."""
    name, first, after = event
    low, high = max(first, start), min(after, end)
    if low >= high:
        return Markup("")
    shape = Markup(
        '<rect class="event-band" x="{:.1f}" y="0" width="{:.1f}" height="{}">'
        "<title>{}</title></rect>"
    )
    left, right = ((at - start) / _HOUR * _WIDE for at in (low, high))
    return shape.format(left, right - left, _HIGH, name)


def _ticks(counts: Sequence[tuple[int, int]], most: int) -> Markup:
    """Return a mark at each height: a third bar would hide the other two."""
    shape = Markup('<rect x="{}" y="{:.1f}" width="{}" height="3"/>')
    marks = [
        shape.format(place * _WIDE, _HIGH - n / most * (_HIGH - 4), _WIDE)
        for place, n in counts
        if n
    ]
    return Markup('<g class="texts">{}</g>').format(Markup("").join(marks))


def _title(one: HourCount, start: datetime, zone: ZoneInfo) -> Markup:
    """Return an invisible column over one hour that tells its numbers under the pointer."""
    told = (
        f"{one.hour.astimezone(zone):%m-%d %H:00}　{one.mentions:,} 条，{one.authors:,} 人，"
        f"{one.texts:,} 种说法"
    )
    shape = Markup(
        '<rect class="over" x="{}" y="0" width="{}" height="{}"><title>{}</title></rect>'
    )
    return shape.format(_place(one, start) * _WIDE, _WIDE, _HIGH, told)
