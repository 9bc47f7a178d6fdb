"""Whether the pages behind a list can still be read, and still say what they used to say. Pure.

In: a source's state and what came of its detail pages in one pass. Out: the state after it. What is
usual is kept in `SourceState.learned`: {"pages": the marks of the last good pages, "misses": pages
in a row that could not be read, "lost": what the last pages lack, "details": passes since then}.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from crawlers.causes import Failure
from crawlers.frontier import DetailResult
from crawlers.health import after_details
from storage.records import FetchCause, RawMention, SourceState

_KEPT = 40
_ENOUGH = 8  # good pages before anything is usual
_GIVE_UP_AFTER = 3  # pages in a row that could not be read
# A run of pages without a field counts when chance alone would bring it once in 100,000 pages.
_CHANCE = 1e-5
_LONGEST_RUN = 8
_SAME = 4  # pages in a row with the very same text
_FLAGS = {"t": "标题", "a": "作者", "d": "日期"}


def judge_details(state: SourceState, results: Sequence[DetailResult]) -> SourceState:
    """Return the state after a pass over detail pages; the same object when nothing was asked.

    Ill is a source of whose pages the last three could not be read, or all of the last ones lack a
    field that they used to have, or all say the same. It is well again with the first page that is
    as it should be.
    """
    learned = dict(state.learned)
    failure = None
    for result in results:
        if result.event is None:
            continue
        failure = _taken(learned, result)
    after = replace(state, learned=learned)
    if failure is not None:
        return after_details(after, failure)
    is_well = not learned.get("misses") and not learned.get("lost")
    return after_details(after, None) if is_well else after


def _taken(learned: dict[str, Any], result: DetailResult) -> Failure | None:
    """Take one page into what is learned; return what is wrong by now."""
    if result.failure is not None:
        if result.failure.cause is FetchCause.NETWORK:
            return None
        learned["misses"] = int(learned.get("misses", 0)) + 1
        is_over = result.failure.final or learned["misses"] >= _GIVE_UP_AFTER
        return result.failure if is_over else None
    learned.pop("misses", None)
    if not result.raws:
        return None
    pages: list[str] = [*learned.get("pages", ()), _mark(result.raws[0])]
    lost = _lost(pages)
    if lost and not learned.get("lost"):
        learned["lost"] = lost
        learned["alike"] = pages[-1].partition(":")[2]
        pages = pages[: -_run_of(pages, lost)]  # what is usual stays what it was
    elif learned.get("lost"):
        lost = learned["lost"]
        if _lacks(pages[-1], lost, learned["alike"]):
            pages = pages[:-1]
        else:
            lost = ""
            del learned["lost"], learned["alike"]
    learned["pages"] = pages[-_KEPT:]
    if not lost:
        return None
    what = "正文都一样" if lost == "same" else f"都没有{_FLAGS[lost]}"
    return Failure(
        cause=FetchCause.LAYOUT, text=f"最近几个页面{what}，以前不是这样，页面可能已改版"
    )


def _mark(raw: RawMention) -> str:
    """Return which fields a page had, and what tells its text from others."""
    has = {"t": raw.title, "a": raw.author, "d": raw.published_at}
    digest = blake2b(raw.text.encode(), digest_size=4).hexdigest()
    return "".join(flag for flag, value in has.items() if value) + ":" + digest


def _lost(pages: Sequence[str]) -> str:
    """Return what the last pages all lack though it is usual: a flag, "same", or "" for nothing."""
    for flag in _FLAGS:
        run = _run_of(pages, flag)
        before = pages[: len(pages) - run]
        if not run or len(before) < _ENOUGH:
            continue
        had = sum(flag in mark.partition(":")[0] for mark in before)
        share = (had + 1) / (len(before) + 2)  # Laplace's rule: never quite certain
        needed = math.log(_CHANCE) / math.log(1 - share)
        if share >= 0.5 and run >= min(_LONGEST_RUN, math.ceil(needed)):
            return flag
    run = _run_of(pages, "same")
    return "same" if run >= _SAME and len(pages) - run >= _ENOUGH else ""


def _run_of(pages: Sequence[str], lost: str) -> int:
    """Return how many of the last pages lack something, or have one text in common."""
    if not pages:
        return 0
    run = 0
    for mark in reversed(pages):
        is_so = mark.partition(":")[2] == pages[-1].partition(":")[2]
        if lost != "same":
            is_so = lost not in mark.partition(":")[0]
        if not is_so:
            break
        run += 1
    return run


def _lacks(mark: str, lost: str, alike: str) -> bool:
    """Return whether a page still shows what made the source ill."""
    flags, _, digest = mark.partition(":")
    return digest == alike if lost == "same" else lost not in flags
