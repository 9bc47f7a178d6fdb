"""Pages from templates: times in the reader's zone, ages in words, the words that counted marked.

Everything a crawled page controls is text here; templates escape it, and the only markup made in
code is made from escaped pieces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from alerts.growth import doubling_words
from alerts.markup import safe_url
from groundswell.console import words
from groundswell.sourcing_advice import change_of
from groundswell.weighing import neutral, weigh
from storage.records import FetchEvent, HourCount, Mention, Verdict

_EXCERPT = 220  # characters of a mention on the incident page; the mention page shows all
_SPARK_BARS, _SPARK_HEIGHT = 30, 24
_TERMS_SHOWN = 12
# Parameters of an address whose values may open something: `${NAME}` in a start address ends there.
_KEY = re.compile(
    r"([?&;][^=&#?;]{0,40}(?:key|token|secret|pass|pwd|sign|auth|code|session|sid|ticket)"
    r"[^=&#?;]{0,40}=)[^&#;]+",
    re.IGNORECASE,
)


class Span(NamedTuple):
    """A stretch of a text to be marked. `kind` is "brand" or "term"."""

    start: int
    end: int
    kind: str


@cache
def environment() -> Environment:
    """Return the console's template environment; compiling it once is enough for any console."""
    pages = Environment(
        loader=PackageLoader("groundswell.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["local"] = local
    pages.filters["day_time"] = day_time
    pages.filters["instant"] = instant
    pages.filters["ago"] = ago
    pages.filters["href"] = safe_url
    pages.filters["keyless"] = keyless
    pages.globals["words"] = words
    pages.globals["excerpt"] = excerpt
    pages.globals["marked"] = marked
    pages.globals["title_of"] = title_of
    pages.globals["sparkline"] = sparkline
    pages.globals["doubling"] = doubling_words
    pages.globals["change_of"] = change_of
    pages.globals["weigh"] = weigh
    pages.globals["neutral"] = neutral
    return pages


def local(at: datetime | None, zone: ZoneInfo) -> str:
    """Write an instant in full in the reader's zone, — when there is none."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}" if at else "—"


def day_time(at: datetime | None, zone: ZoneInfo) -> str:
    """Write an instant as month, day and minute, — when there is none."""
    return f"{at.astimezone(zone):%m-%d %H:%M}" if at else "—"


def instant(written: str, zone: ZoneInfo) -> str:
    """Write an instant that is given as ISO 8601 as year, month, day and minute, "" for none."""
    return f"{datetime.fromisoformat(written).astimezone(zone):%Y-%m-%d %H:%M}" if written else ""


def keyless(url: str) -> str:
    """Write an address for everybody's eyes: the values of what look like keys are left out."""
    return _KEY.sub(r"\1…", url)


def ago(at: datetime | None, now: datetime) -> str:
    """Write how long ago something was (or how soon it will be) in the largest unit that fits."""
    if at is None:
        return "从未"
    seconds = int((now - at).total_seconds())
    text = _span(abs(seconds))
    if not text:
        return "刚刚"
    return f"{text}前" if seconds > 0 else f"{text}后"


def _span(seconds: int) -> str:
    for unit, size in (("天", 86400), ("小时", 3600), ("分钟", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return ""


# --- marking the words that counted -----------------------------------------------------------


def marked(text: str, field: str, verdicts: Iterable[Verdict]) -> Markup:
    """Return a whole text as HTML with brand names and pushing words marked."""
    return _mark(text, _spans(text, field, verdicts), 0, len(text))


def title_of(mention: Mention) -> str:
    """Return a mention's title, "" when it is only the beginning of its text."""
    said = mention.title.rstrip("…. ")
    return "" if mention.text.startswith(said) else mention.title


def excerpt(mention: Mention, verdict: Verdict) -> Markup:
    """Return the stretch of a mention's text around the first thing that counted, marked."""
    text = mention.text
    spans = _spans(text, "text", [verdict])
    first = spans[0].start if spans else 0
    start = max(0, min(first - 40, len(text) - _EXCERPT))
    end = min(len(text), start + _EXCERPT)
    body = _mark(text, spans, start, end)
    before, after = "…" if start else "", "…" if end < len(text) else ""
    return Markup("{}{}{}").format(before, body, after)


def _spans(text: str, field: str, verdicts: Iterable[Verdict]) -> list[Span]:
    """Return the stretches to mark, in order, none overlapping; brand names win."""
    found: list[Span] = []
    for verdict in verdicts:
        found += (
            Span(hit.start, hit.end, "brand")
            for hit in verdict.hits
            if hit.field == field and 0 <= hit.start < hit.end <= len(text)
        )
        pushing = sorted((t for t in verdict.terms if t.weight > 0), key=lambda t: -t.weight)
        for term in pushing[:_TERMS_SHOWN]:
            word = term.text.strip()
            if len(word) > 1:  # single characters stand everywhere; the mention page lists them
                found += (
                    Span(match.start(), match.end(), "term")
                    for match in re.finditer(re.escape(word), text)
                )
    found.sort(key=lambda span: (span.start, span.kind, -span.end))
    kept: list[Span] = []
    for span in found:
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept


def _mark(text: str, spans: Sequence[Span], start: int, end: int) -> Markup:
    pieces: list[Markup] = []
    at = start
    for span in spans:
        if span.start < at or span.end > end:
            continue
        pieces.append(escape(text[at : span.start]))
        pieces.append(
            Markup('<mark class="{}">{}</mark>').format(span.kind, text[span.start : span.end])
        )
        at = span.end
    pieces.append(escape(text[at:end]))
    return Markup("").join(pieces)


# --- figures ----------------------------------------------------------------------------------


def curve(hours: Sequence[HourCount], now: datetime) -> dict[str, list[int]]:
    """Return hourly mentions and authors as aligned lists, empty hours as zeros, up to now.

    Units: `hours` in Unix seconds.
    """
    if not hours:
        return {"hours": [], "mentions": [], "authors": []}
    by_hour = {int(count.hour.timestamp()): count for count in hours}
    first = min(by_hour) - 3600
    last = max(*by_hour, int(now.timestamp()) // 3600 * 3600)
    every = range(first, last + 1, 3600)
    return {
        "hours": list(every),
        "mentions": [by_hour[hour].mentions if hour in by_hour else 0 for hour in every],
        "authors": [by_hour[hour].authors if hour in by_hour else 0 for hour in every],
    }


def sparkline(events: Sequence[FetchEvent]) -> Markup:
    """Return the yield of a source's last polls, oldest first, as a small drawing.

    A poll that failed is a gap with a cross below, so that it is never taken for a quiet one.
    """
    polls = sorted(events, key=lambda event: event.at)[-_SPARK_BARS:]
    if not polls:
        return Markup("")
    most = max(1, *(event.new_items for event in polls))
    bars: list[Markup] = []
    for place, event in enumerate(polls):
        x = (_SPARK_BARS - len(polls) + place) * 4
        if event.outcome in {"ok", "unchanged"}:
            height = max(1, round(event.new_items / most * (_SPARK_HEIGHT - 2)))
            bar = Markup('<rect x="{}" y="{}" width="3" height="{}"/>')
            bars.append(bar.format(x, _SPARK_HEIGHT - height, height))
        else:
            cross = Markup('<path class="failed" d="M{} {}l3 3m0-3l-3 3"/>')
            bars.append(cross.format(x, _SPARK_HEIGHT - 5))
    failed = sum(event.outcome not in {"ok", "unchanged"} for event in polls)
    label = f"最近 {len(polls)} 次抓取：新增 {sum(e.new_items for e in polls)} 条，失败 {failed} 次"
    frame = Markup('<svg class="spark" viewBox="0 0 120 {}" role="img" aria-label="{}">{}</svg>')
    return frame.format(_SPARK_HEIGHT, label, Markup("").join(bars))
