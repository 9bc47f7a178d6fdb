"""Whether a page that was read is what this source usually shows, or what is left of it.

In: a poll and the last 30 good ones (`SourceState.history`). Out: a named failure with what is
missing, or none; warnings; the entry that this poll adds. Pure. A source that merely has little to
say shows fewer new items of the usual make: nothing here may take that for a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from config.schema import SourceConfig
from crawlers.causes import Failure
from crawlers.frontier import PollResult
from crawlers.quality import rates, shapes
from crawlers.rhythm import allowed_silence, instant
from storage.records import FetchCause, Json, SourceState

RUNS = 30  # good polls that make up what is usual (collect.md 3.5)
_ENOUGH = 5  # before so many there is no "usual", only the written contract
_SOME = 3  # items below which a share says nothing
_MANY = 5
_LOST = 0.4  # of its usual share: a field that falls below has lost its selector, not its luck
# Of many items that always had it, a third without it is no luck either.
_PLENTY, _ALWAYS, _LOST_SOME = 10, 0.9, 0.7
_SHRUNK = 0.3  # of the fewest items ever listed
_WORN = 0.2  # share of the first selector below which it counts as dying
_OLD = timedelta(days=30)
_RECENT_H = 72.0

Runs = tuple[Json, ...]


def broken(
    state: SourceState, poll: PollResult, source: SourceConfig, now: datetime
) -> Failure | None:
    """Return what is wrong with a poll that was answered; `state` is the one before it.

    Shape: the written contract first (`poll.unmet`), then the make of the items against the last
    30 good polls. None for a poll in which nothing was read (unchanged) or nothing is amiss.
    """
    if poll.unmet:
        return Failure(cause=FetchCause.LAYOUT, text="；".join(poll.unmet))
    if not poll.items:
        return None
    runs = state.history if len(state.history) >= _ENOUGH else ()
    now_rates = rates(poll.quality)
    text = _garbled(runs, now_rates, poll)
    if text:
        return Failure(cause=FetchCause.UNREADABLE, text=text)
    found = [
        *_lost_fields(runs, poll),
        *_alike(runs, now_rates, poll),
        *_dates(runs, now_rates, poll),
        *_titles(runs, now_rates, poll),
        *_addresses(state, runs, poll),
        *_shrunk(state, runs, poll, ZoneInfo(source.tz)),
        *_all_old(state, runs, poll, now),
    ]
    return Failure(cause=FetchCause.LAYOUT, text="；".join(found[:3])) if found else None


def stale(state: SourceState, source: SourceConfig, now: datetime) -> Failure | None:
    """Return what is wrong with a source that answers well but shows nothing new; else None.

    `state` is the one after the poll. `max_silence: auto` allows four times the longest silence
    of the last two months, and nothing before two weeks are known.
    """
    limit = source.expect.max_silence
    if limit == "auto":
        allowed, last = allowed_silence(state.learned), instant(state.learned, "new_at")
    else:
        allowed, last = limit, state.last_item_at or state.first_polled_at
    if allowed is not None and last is not None and now - last > allowed:
        kind = "按它的规律" if limit == "auto" else "预期"
        text = f"已有 {_span(now - last)}没有新内容，{kind}不超过 {_span(allowed)}"
        return Failure(cause=FetchCause.EMPTY, text=text)
    newest, oldest = instant(state.learned, "newest_at"), source.expect.max_age
    if oldest is not None and newest is not None and now - newest > oldest:
        text = f"最新一条已是 {_span(now - newest)}前的，预期不超过 {_span(oldest)}"
        return Failure(cause=FetchCause.EMPTY, text=text)
    return None


def warnings(state: SourceState, poll: PollResult) -> tuple[str, ...]:
    """Name the fields whose first selector has stopped to hit while a later one still does."""
    runs = state.history
    if len(runs) < _ENOUGH:
        return ()
    found = []
    for name, share in rates(poll.quality).items():
        kind, _, field = name.partition(":")
        usual = _usual(runs, _rate(name))
        if kind == "rung" and usual is not None and usual >= 0.8 and share <= _WORN:
            found.append(f"字段 {field} 的首选选择器已失效，正靠后备选择器读取")
    return tuple(found)


def entry(poll: PollResult, state: SourceState, now: datetime) -> Json:
    """Return what a good poll adds to the history; shares are rounded to thousandths."""
    newest = newest_of(poll)
    made: dict[str, Any] = {
        "at": now.isoformat(timespec="seconds"),
        "items": poll.items,
        "new": poll.fresh,
        "fill": {name: round(n / poll.items, 3) for name, n in poll.filled.items()},
        "rate": rates(poll.quality),
    }
    if newest is not None:
        made["age_h"] = round((now - newest) / timedelta(hours=1), 1)
    known = _known_shapes(state, poll)
    if known is not None:
        made["known"] = round(known, 3)
    said = warnings(state, poll)
    return made | ({"warn": list(said)} if said else {})


def newest_of(poll: PollResult) -> datetime | None:
    """Return the date of the newest item of a poll, None when no item has one."""
    dates = [raw.published_at for raw in poll.raws if raw.published_at is not None]
    for link in poll.links:
        written = link.listed.get("published_at")
        if written:
            dates.append(datetime.fromisoformat(str(written)))
    if poll.cursor is not None and poll.cursor.newest_at is not None:
        dates.append(poll.cursor.newest_at)
    return max(dates, default=None)


# --- one rule each: what is said when it is broken -------------------------------------------


def _lost_fields(runs: Runs, poll: PollResult) -> Iterable[str]:
    """Name fields that most items had, and that hardly any has now."""
    if poll.items < _SOME:
        return
    for name, n in poll.filled.items():
        usual, share = _usual(runs, _fill(name)), n / poll.items
        limit = _LOST_SOME if poll.items >= _PLENTY and (usual or 0) >= _ALWAYS else _LOST
        if usual is not None and usual >= 0.5 and share < limit * usual:
            yield f"字段 {name} 平时 {usual:.0%} 的条目都有，现在只有 {share:.0%}"


def _alike(runs: Runs, now: Mapping[str, float], poll: PollResult) -> Iterable[str]:
    """Notice titles or links that are all the same: the frame of the page is read."""
    for name, what in (("same_title", "标题"), ("same_link", "链接")):
        usual = _usual(runs, _rate(name))
        limit = 1.0 if usual is None else 0.9
        is_usual = usual is not None and usual > 0.5
        if poll.items >= _MANY and now.get(name, 0.0) >= limit and not is_usual:
            yield f"{poll.items} 条的{what}都一样"


def _dates(runs: Runs, now: Mapping[str, float], poll: PollResult) -> Iterable[str]:
    """Notice dates that can no longer be read, or that all lie ahead."""
    given, read = poll.quality.get("dates_given", 0), now.get("dates", 1.0)
    usual = _usual(runs, _rate("dates"))
    if given >= _SOME and (read < 0.5 * usual if usual is not None else read == 0):
        yield f"{given} 个日期只读懂 {poll.quality.get('dates_read', 0)} 个，格式可能变了"
    ahead = _usual(runs, _rate("ahead"))
    if ahead is not None and given >= _SOME and now.get("ahead", 0) > 0.5 and ahead < 0.1:
        yield "多数日期在未来，日期字段可能读错了位置"


def _titles(runs: Runs, now: Mapping[str, float], poll: PollResult) -> Iterable[str]:
    """Notice titles of quite another length than ever: another part of the page is read."""
    lengths = [run["rate"]["title_chars"] for run in runs if "title_chars" in run["rate"]]
    mean = now.get("title_chars", 0.0)
    if len(lengths) < _ENOUGH or poll.items < _MANY or not mean or median(lengths) < 6:
        return
    if mean < 0.6 * min(lengths) or mean > 2 * max(lengths):
        usual = median(lengths)
        yield f"标题平均 {mean:.0f} 字，平时约 {usual:.0f} 字，可能读错了位置"


def _addresses(state: SourceState, runs: Runs, poll: PollResult) -> Iterable[str]:
    """Notice addresses of a kind never listed: of authors or sections instead of items."""
    usual = _usual(runs, lambda run: run.get("known"))
    known = _known_shapes(state, poll)
    if usual is None or known is None or poll.items < _SOME:
        return
    if usual >= 0.8 and known <= 0.1 and poll.fresh >= 0.9 * poll.items:
        yield "所有链接都是从未见过的形式，链接可能读错了位置，或网站换了网址"


def _shrunk(state: SourceState, runs: Runs, poll: PollResult, zone: ZoneInfo) -> Iterable[str]:
    """Notice far fewer items than ever listed.

    A list that starts anew each day is forgiven: its items are of a day of which none was seen.
    """
    if not runs or poll.cursor is None:
        return
    fewest = min(run["items"] for run in runs)
    if fewest < _MANY or poll.items >= _SHRUNK * fewest:
        return
    newest, seen = newest_of(poll), instant(state.learned, "newest_at")
    is_new_day = newest is not None and (
        seen is None or newest.astimezone(zone).date() > seen.astimezone(zone).date()
    )
    if not (is_new_day and poll.fresh >= poll.items):
        yield f"只列出 {poll.items} 条，最近 {len(runs)} 次最少也有 {fewest} 条"


def _all_old(state: SourceState, runs: Runs, poll: PollResult, now: datetime) -> Iterable[str]:
    """Notice a newest date of a month ago or more where it used to be days.

    New items so old, or a page whose newest date was later before: these are not their dates. A
    quiet page keeps the newest date that it had.
    """
    usual, newest = _usual(runs, lambda run: run.get("age_h")), newest_of(poll)
    if usual is None or newest is None or usual > _RECENT_H or poll.items < _SOME:
        return
    seen = instant(state.learned, "newest_at")
    went_back = poll.items >= _MANY and seen is not None and seen - newest > _OLD
    if now - newest > _OLD and (poll.fresh >= _SOME or went_back):
        yield f"最新的日期竟在 {_span(now - newest)}前，日期可能读错了位置"


def _garbled(runs: Runs, now: Mapping[str, float], poll: PollResult) -> str:
    """Notice text in the wrong charset: by its look, else by what is usual here."""
    garbled, usual = now.get("garbled", 0.0), _usual(runs, _rate("garbled"))
    if poll.items >= _SOME and garbled >= 0.3 and (usual is None or usual < 0.1):
        return f"{garbled:.0%} 的条目是乱码，编码可能识别错了（可用 fetch.charset 指定）"
    if poll.quality.get("letters", 0) < 50 or poll.items < _SOME:
        return ""
    for name, what in (("cjk", "汉字"), ("common", "常用字")):
        before = _usual(runs, _rate(name))
        share = now.get(name, 0.0)
        if before is not None and before >= 0.4 and share < _LOST * before:
            return f"{what}只占 {share:.0%}，平时 {before:.0%}，编码可能识别错了"
    return ""


# --- what is usual ---------------------------------------------------------------------------


def _fill(name: str) -> Callable[[Json], float | None]:
    return lambda run: run["fill"].get(name)


def _rate(name: str) -> Callable[[Json], float | None]:
    return lambda run: run["rate"].get(name)


def _usual(runs: Runs, read: Callable[[Json], float | None]) -> float | None:
    """Return the median of a figure over the runs that have it, None when too few have."""
    found = [value for run in runs if (value := read(run)) is not None]
    return median(found) if len(found) >= _ENOUGH else None


def _known_shapes(state: SourceState, poll: PollResult) -> float | None:
    """Return the share of addresses of a known kind, None when there is nothing to compare."""
    now, before = shapes(poll.quality), set(state.learned.get("shapes", ()))
    if not now or not before:
        return None
    return sum(n for shape, n in now.items() if shape in before) / sum(now.values())


def learned_shapes(learned: Json, poll: PollResult, limit: int = 20) -> list[str]:
    """Return the kinds of addresses seen so far, the latest first."""
    now = shapes(poll.quality)
    older = [shape for shape in learned.get("shapes", ()) if shape not in now]
    return [*sorted(now, key=lambda shape: -now[shape]), *older][:limit]


def _span(length: timedelta) -> str:
    hours = length / timedelta(hours=1)
    return f"{hours:.0f} 小时" if hours < 72 else f"{hours / 24:.0f} 天"
