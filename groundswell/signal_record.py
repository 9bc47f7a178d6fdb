"""How often a batch signal was a batch: verdicts of people in, precision by kind of signal out.

A signal counts once, with the last word on it; one whose parts are still being looked at, or never
came, is undecided and in no share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from groundswell.label_stats import Share
from storage.queries import Queries
from storage.records import BrandId, IncidentEvent, SignalVerdicts

_KIND = 2  # its place in a signal's key: brand, product, kind, value, symptom


def signal_record(queries: Queries, brand_id: BrandId | None = None) -> tuple[SignalVerdicts, ...]:
    """Return the verdicts by kind of signal, of one brand or of all; nothing before the first."""
    words = last_words(queries.signal_events())
    counted = Counter(
        (_part(key, _KIND), verdict)
        for key, verdict in words.items()
        if brand_id is None or _part(key, 0) == brand_id
    )
    kinds = sorted({kind for kind, _ in counted})
    return tuple(
        SignalVerdicts(
            kind=kind,
            true=counted[kind, "batch"],
            false=counted[kind, "no_batch"],
            undecided=counted[kind, ""],
        )
        for kind in kinds
    )


def last_words(events: Iterable[IncidentEvent]) -> dict[str, str]:
    """Return the last verdict on each signal by its key, "" where there is none yet."""
    found: dict[str, str] = {}
    for event in events:
        if event.kind == "recall_set":
            found.setdefault(str(event.data["task"]["units"]["signal"]), "")
        else:
            found[str(event.data["signal"])] = str(event.data["verdict"])
    return found


def precision(verdicts: SignalVerdicts) -> Share:
    """Return of how many decided signals people found the batch to blame, with its interval."""
    return Share(hits=verdicts.true, n=verdicts.true + verdicts.false)


def record_line(verdicts: SignalVerdicts, name: str) -> str:
    """Say it in one line: 批次：是批次 3，不是 1，未定 2；准确率 75%（30%–95%）."""
    counts = f"{name}：是批次问题 {verdicts.true}，不是 {verdicts.false}，未定 {verdicts.undecided}"
    share = precision(verdicts)
    if share.share is None:
        return f"{counts}；准确率未知"
    low, high = share.interval
    return f"{counts}；准确率 {share.share:.0%}（{low:.0%}–{high:.0%}）"


def _part(key: str, place: int) -> str:
    return key.split("|")[place]
