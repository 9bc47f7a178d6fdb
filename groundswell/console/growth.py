"""The counters of one mention as they were read again, as small drawings that people can compare.

In: Figures, oldest first. Out: one line per counter that was ever known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from storage.records import Figure

_WIDTH, _HEIGHT, _EDGE = 240, 44, 3
_NAMES = (("reposts", "转发"), ("comments", "评论"), ("likes", "点赞"), ("views", "阅读"))


class Growth(NamedTuple):
    """One counter: what it is called, its first and last known values, its line."""

    name: str
    first: int
    last: int
    line: Markup


def growth(figures: Sequence[Figure]) -> list[Growth]:
    """Return the counters that are known at two instants or more, each with its line."""
    found = []
    for field, name in _NAMES:
        known = [
            (one.at.timestamp(), value)
            for one in figures
            if (value := getattr(one, field)) is not None
        ]
        if len(known) > 1:
            found.append(Growth(name, known[0][1], known[-1][1], _line(name, known)))
    return found


def counters(record: object) -> list[tuple[str, int]]:
    """Return the counters of a mention that are known, by name."""
    return [
        (name, value) for field, name in _NAMES if (value := getattr(record, field)) is not None
    ]


def _line(name: str, known: Sequence[tuple[float, int]]) -> Markup:
    start, end = known[0][0], known[-1][0]
    low = min(value for _, value in known)
    high = max(value for _, value in known)
    points = " ".join(
        f"{_EDGE + (at - start) / (end - start or 1) * (_WIDTH - 2 * _EDGE):.1f},"
        f"{_HEIGHT - _EDGE - (value - low) / (high - low or 1) * (_HEIGHT - 2 * _EDGE):.1f}"
        for at, value in known
    )
    label = f"{name}从 {known[0][1]:,} 到 {known[-1][1]:,}"
    frame = Markup(
        '<svg class="growth" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img"'
        ' aria-label="{}">{}</svg>'
    )
    drawn = Markup('<polyline points="{}"/>').format(points)
    return frame.format(_WIDTH, _HEIGHT, label, drawn)
