"""A story of clusters in, a picture of it out: plain SVG, no library, legible on dark and light.

Above, a row for each of the largest clusters with the clusters that went into it or came out of it:
bars by arrivals, joins where clusters met or parted. Below, how many lived, how many were still
alone, and the merges.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

from classify.cluster_story import Join, Story
from storage.records import ClusterId

LARGEST = 24  # clusters shown: more rows than fit a screen are not read
MOST = 60  # clusters that a picture may be asked for
_MOST_ROWS = 120  # with their branches: a full picture stays under 300 kB
_LEFT, _WIDTH, _RIGHT = 230, 864, 70  # pixels: of the labels, of the time, of the sizes
_HEAD, _ROW, _BRANCH = 78, 26, 17  # pixels: above all rows, of a cluster, of its branch
_PANEL, _FOOT = 150, 34
_LABEL, _BRANCH_LABEL = 16, 14  # characters, of Chinese width
_SHADES = (1, 2, 5, 13, 34)  # arrivals a bin from which the next colour is used
_STYLE = """
svg{--paper:#fff;--ink:#1d232b;--faint:#68717d;--line:#e2e6eb;--join:#5b6673;
--h1:#9dc3ee;--h2:#5b9be0;--h3:#e9b44c;--h4:#e2762f;--h5:#c4302b;--live:#1a56b0;--alone:#7d8894}
@media (prefers-color-scheme:dark){svg{--paper:#14181d;--ink:#e8ecf1;--faint:#9aa5b1;--line:#2c333c;
--join:#a9b4c0;--h1:#34587f;--h2:#4d8fd6;--h3:#d9a441;--h4:#e8833f;--h5:#ff6b62;--live:#6aa9ff;
--alone:#8f9aa6}}
text{fill:var(--ink);font:12px system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",
sans-serif}
.s{fill:var(--faint);font-size:11px}.t{font-size:15px;font-weight:600}.e{text-anchor:end}
.m{text-anchor:middle}.g{stroke:var(--line);fill:none}.b{stroke:var(--line);stroke-width:2}
.j{stroke:var(--join);fill:none;stroke-width:1.3}.d{stroke-dasharray:3 3}
.o{fill:var(--paper);stroke:var(--join);stroke-width:1.5}
.h1{fill:var(--h1);stroke:var(--h1)}.h2{fill:var(--h2);stroke:var(--h2)}
.h3{fill:var(--h3);stroke:var(--h3)}.h4{fill:var(--h4);stroke:var(--h4)}
.h5{fill:var(--h5);stroke:var(--h5)}.w{stroke-width:8}
.l{stroke:var(--live);fill:none;stroke-width:1.8}.a{stroke:var(--alone);fill:none;stroke-width:1.5}
.lt{fill:var(--live)}.at{fill:var(--alone)}.mt{fill:var(--h4)}
"""
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class _Lane:
    """Where a cluster's row lies."""

    cluster_id: ClusterId
    middle: float
    height: float
    is_branch: bool


def picture(story: Story, title: str, largest: int = LARGEST) -> str:
    """Draw a finished story as one SVG document of less than 300 kB.

    `largest`: clusters that get a row, at most 60. Texts of the web are escaped and cut.
    """
    lanes, foot = _lanes(story, min(largest, MOST))
    totals, reach = _totals(story, lanes), _reach(story)
    panel = foot + 34
    height = panel + _PANEL + _FOOT
    width = _LEFT + _WIDTH + _RIGHT
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:g}"'
            f' width="{width}" height="{height:g}" role="img" aria-label="{_safe(title)}">'
        ),
        f"<title>{_safe(title)}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect width="{width}" height="{height:g}" style="fill:var(--paper)"/>',
        f'<text class="t" x="16" y="26">{_safe(title)}</text>',
        *_legend(),
        *_time_axis(story, foot, panel + _PANEL),
        *(line for lane in lanes for line in _lane(story, lane, totals[lane.cluster_id], reach)),
        *_joins(story, lanes),
        *_below(story, panel),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _safe(text: str) -> str:
    """Escape a text for SVG; characters that XML forbids or that turn writing round are dropped."""
    plain = text.encode("utf-8", "replace").decode()
    return escape(" ".join(_UNWRITABLE.sub("", plain).split()))


def _cut(text: str, characters: int) -> str:
    """Cut to a width in Chinese characters; a Latin one is half as wide."""
    room, kept = float(characters), ""
    for character in " ".join(text.split()):
        room -= 1.0 if ord(character) > 0x2E7F else 0.55
        if room < 0:
            return kept + "…"
        kept += character
    return kept


# --- rows ---------------------------------------------------------------------------------------


def _lanes(story: Story, largest: int) -> tuple[list[_Lane], float]:
    y = float(_HEAD)
    lanes = []
    for root, branches in story.groups(largest):
        lanes.append(_Lane(root, y + _ROW / 2, _ROW, is_branch=False))
        y += _ROW
        for one in branches if len(lanes) < _MOST_ROWS - largest else ():
            lanes.append(_Lane(one, y + _BRANCH / 2, _BRANCH, is_branch=True))
            y += _BRANCH
    return lanes, y + 6


def _totals(story: Story, lanes: Sequence[_Lane]) -> dict[ClusterId, int]:
    """Return the number beside each row: with what went into it, a branch by itself."""
    whole: Counter[ClusterId] = Counter()
    for one in story.arrivals:
        whole[story.home_of(one)] += story.size_of(one)
    return {
        lane.cluster_id: story.size_of(lane.cluster_id)
        if lane.is_branch
        else whole[lane.cluster_id]
        for lane in lanes
    }


def _reach(story: Story) -> dict[ClusterId, int]:
    """Return the bin of the last join of each cluster: its row goes on until there."""
    found: dict[ClusterId, int] = {}
    for join in story.joins:
        for one in (join.cluster_id, join.other_id):
            found[one] = max(found.get(one, 0), story.bin_of(join.at))
    return found


def _x(story: Story, at: datetime) -> float:
    share = (at - story.since) / (story.until - story.since)
    return _LEFT + _WIDTH * min(1.0, max(0.0, share))


def _lane(story: Story, lane: _Lane, total: int, reach: Mapping[ClusterId, int]) -> Iterator[str]:
    counts: Mapping[int, int] = story.arrivals.get(lane.cluster_id, {})
    label = story.labels.get(lane.cluster_id) or lane.cluster_id
    y = lane.middle + 4
    x, characters, css = (32, _BRANCH_LABEL, "s") if lane.is_branch else (16, _LABEL, "n")
    yield f"<g><title>{_safe(f'{label} · {lane.cluster_id} · {total}')}</title>"
    mark = "└ " if lane.is_branch else ""
    yield f'<text class="{css}" x="{x}" y="{y:g}">{mark}{_safe(_cut(label, characters))}</text>'
    step = _WIDTH / story.bins
    if counts:
        last = max(*counts, reach.get(lane.cluster_id, 0))
        begin, end = _LEFT + min(counts) * step, _LEFT + (last + 1) * step
        yield f'<path class="b" d="M{begin:.1f} {lane.middle:g}H{end:.1f}"/>'
    for shade, path in _bars(counts, lane, step):
        yield f'<path class="w h{shade}" d="{path}"/>'
    yield f'<text class="{css} e" x="{_LEFT + _WIDTH + _RIGHT - 12}" y="{y:g}">{total}</text></g>'


def _bars(counts: Mapping[int, int], lane: _Lane, step: float) -> Iterator[tuple[int, str]]:
    """Yield a path for each colour; a bar's height grows with the root of its arrivals."""
    room = lane.height - 6
    paths: dict[int, list[str]] = {}
    for number, count in sorted(counts.items()):
        shade = sum(count >= least for least in _SHADES)
        tall = min(room, 3 + (room - 3) * math.sqrt(count / _SHADES[-1]))
        x, y = _LEFT + (number + 0.5) * step, lane.middle - tall / 2
        paths.setdefault(shade, []).append(f"M{x:.1f} {y:.1f}v{tall:.1f}")
    for shade in sorted(paths):
        yield shade, "".join(paths[shade])


def _joins(story: Story, lanes: Sequence[_Lane]) -> Iterator[str]:
    """Draw merges and splits between rows, what is too small for a row as a tick, reopens."""
    rows = {lane.cluster_id: lane for lane in lanes}
    drawn: set[tuple[str, int, ClusterId]] = set()
    for join in story.joins:
        lane = rows.get(story.home_of(join.cluster_id)) or rows.get(join.cluster_id)
        other = rows.get(join.other_id)
        place = (join.kind, story.bin_of(join.at), lane.cluster_id if lane else ClusterId(""))
        if lane is None or (place in drawn and (other is None or other is lane)):
            continue
        drawn.add(place)
        yield _join(join, rows.get(join.cluster_id, lane), other, _x(story, join.at))


def _join(join: Join, lane: _Lane, other: _Lane | None, x: float) -> str:
    if join.kind == "reopen":
        return f'<circle class="o" cx="{x:.1f}" cy="{lane.middle:g}" r="4"/>'
    if other is None or other is lane:
        top = lane.middle - lane.height / 2 + 1
        turn = "l-3 -4h6z" if join.kind == "merge" else "l-3 4h6z"
        base = top + 4 if join.kind == "merge" else top
        return f'<path class="mt" d="M{x:.1f} {base:.1f}{turn}"/>'
    begin, end = (other, lane) if join.kind == "merge" else (lane, other)
    bend = 14 if x < _LEFT + _WIDTH - 16 else -14
    dashed = " d" if join.kind == "split" else ""
    y, z = begin.middle, end.middle
    return (
        f'<path class="j{dashed}" d="M{x:.1f} {y:g}C{x + bend:.1f} {y:g} {x + bend:.1f} {z:g}'
        f' {x:.1f} {z:g}"/><circle class="o" cx="{x:.1f}" cy="{z:g}" r="3"/>'
    )


# --- axis and what lies below -------------------------------------------------------------------


def _legend() -> Iterator[str]:
    x, y = 16.0, 48
    yield f'<text class="s" x="{x:g}" y="{y}">每格新增 arrivals a bin</text>'
    x += 140
    for shade, least in enumerate(_SHADES, 1):
        yield f'<rect class="h{shade}" x="{x:g}" y="{y - 9}" width="12" height="10"/>'
        yield f'<text class="s" x="{x + 16:g}" y="{y}">≥{least}</text>'
        x += 50
    y -= 4
    yield f'<path class="j" d="M{x:g} {y}h22"/><circle class="o" cx="{x + 22:g}" cy="{y}" r="3"/>'
    yield f'<text class="s" x="{x + 30:g}" y="{y + 4}">合并 merge</text>'
    x += 112
    yield f'<path class="j d" d="M{x:g} {y}h22"/><circle class="o" cx="{x + 22:g}" cy="{y}" r="3"/>'
    yield f'<text class="s" x="{x + 30:g}" y="{y + 4}">拆分 split</text>'
    x += 104
    yield f'<path class="mt" d="M{x:g} {y + 3}l-3 -4h6z"/>'
    yield f'<text class="s" x="{x + 8:g}" y="{y + 4}">并入散条 a single taken in</text>'
    x += 172
    yield f'<circle class="o" cx="{x:g}" cy="{y}" r="4"/>'
    yield f'<text class="s" x="{x + 8:g}" y="{y + 4}">重开 reopened</text>'
    yield f'<text class="s e" x="{_LEFT + _WIDTH + _RIGHT - 12}" y="{y + 4}">条数 size</text>'


_STEPS = (
    *(timedelta(seconds=n) for n in (1, 5, 15, 30)),
    *(timedelta(minutes=n) for n in (1, 5, 15, 30)),
    *(timedelta(hours=n) for n in (1, 3, 6, 12)),
    *(timedelta(days=n) for n in (1, 2, 7, 14, 30, 61, 122, 183, 365, 730, 3650)),
)
_TICKS = 9  # dates that fit side by side


def _time_axis(story: Story, foot: float, bottom: float) -> Iterator[str]:
    span = story.until - story.since
    step = next((one for one in _STEPS if span / one <= _TICKS), _STEPS[-1] * 4)
    form = "%m-%d" if step >= timedelta(days=1) else "%m-%d %H:%M"
    form = "%Y-%m-%d" if span > timedelta(days=300) else form
    form = "%H:%M:%S" if step < timedelta(minutes=1) else form
    zero = datetime(1990, 1, 1, tzinfo=story.since.tzinfo)
    at = zero + step * math.ceil((story.since - zero) / step)
    while at <= story.until:
        x = _x(story, at)
        yield f'<path class="g" d="M{x:.1f} {_HEAD - 4}V{bottom:g}"/>'
        yield f'<text class="s m" x="{x:.1f}" y="{_HEAD - 8}">{at:{form}}</text>'
        at += step
    yield f'<path class="g" d="M{_LEFT} {foot:g}h{_WIDTH}"/>'


def _below(story: Story, top: float) -> Iterator[str]:
    """Draw live clusters, those of one mention, and merges a bin."""
    bottom = top + _PANEL
    most, merged = max(*story.live, *story.singles, 1), max(*story.merges, 1)
    step = _WIDTH / story.bins
    bars = "".join(
        f"M{_LEFT + n * step:.1f} {bottom:g}v-{0.4 * _PANEL * count / merged:.1f}h{step - 1:.1f}"
        f"V{bottom:g}z"
        for n, count in enumerate(story.merges)
        if count
    )
    if bars:
        yield f'<path class="mt" d="{bars}"/>'
    for share in (0.5, 1.0):
        y = bottom - share * _PANEL
        yield f'<path class="g" d="M{_LEFT} {y:g}h{_WIDTH}"/>'
        yield f'<text class="s e" x="{_LEFT - 8}" y="{y + 4:g}">{most * share:,.0f}</text>'
    yield f'<path class="g" d="M{_LEFT} {bottom:g}h{_WIDTH}"/>'
    for css, counts in (("l", story.live), ("a", story.singles)):
        points = " ".join(
            f"{_LEFT + (n + 0.5) * step:.1f},{bottom - _PANEL * count / most:.1f}"
            for n, count in enumerate(counts)
        )
        yield f'<polyline class="{css}" points="{points}"/>'
    x, last = 16, story.live[-1]
    yield f'<text class="lt" x="{x}" y="{top + 26:g}">聚类 live clusters {last:,}</text>'
    yield f'<text class="at" x="{x}" y="{top + 48:g}">单条 singles {story.singles[-1]:,}</text>'
    merges = f"合并 merges {sum(story.merges):,}"
    yield f'<text class="mt" x="{x}" y="{top + 70:g}">{merges}</text>'
    if bars:
        yield f'<text class="s" x="{x}" y="{top + 88:g}">每格最多 most a bin {merged}</text>'
