"""Has a source changed what it brings? Samples of its days in, a judgement per source out.

Each night a sample of the day is scored as it stands, adapted to nothing: how the scores spread,
how many words the model has no weight for, how many texts fall into the unsure band. A lasting
change against the source's own four weeks before is told to whoever looks after it, once.
"""

from __future__ import annotations

import logging
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from alerts.source_notices import SourceNotice
from alerts.trial import redirect_all
from classify.sentiment import ScoreItem, Scorer, probability
from config.schema import Project, SourceConfig
from groundswell.gate import with_trials
from groundswell.models import Live
from groundswell.upkeep import Upkeep
from storage.queries import Queries
from storage.records import DriftDay, Mention, SourceId
from storage.store import Store

log = logging.getLogger(__name__)

EDGES = (-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0)  # of the bins, raw log-odds
BEFORE_DAYS = 28  # four of each weekday
NOW_DAYS = (3, 7)  # the present: so many days at least, and at most until there are NOW_N texts
NIGHTS = 2  # a change counts when it lasts: a scandal of a day or two is news, not drift
_KEPT_DAYS = BEFORE_DAYS + NOW_DAYS[1] + NIGHTS
SAMPLE = 200  # texts of a source and day: ± 7 points for a share; scored in some 30 ms
_TEXTS_AT_ONCE = 2000  # measured in one go; the stages wait meanwhile
_LOOKING = 100  # texts that could be scored while some sources' day is read and written
_NIGHT = time(3)  # local; a day is measured when it is over and late texts are in

# Below .1 nothing has moved, above .25 a model is no longer used on what it was made for: the
# custom of credit scoring (Siddiqi 2006, Credit Risk Scorecards).
PSI_MOVED, PSI_CHANGED = 0.1, 0.25
# Small samples alone give a PSI of about (bins - 1) (1/n + 1/m): .11 for 100 against 700 (Yurdakul
# 2018). So fewer are not judged, and a source must leave the range of its own past, too.
NOW_N, BEFORE_N, BEFORE_SEEN = 100, 300, 14  # texts, texts, days
_BEYOND = 1.5  # times the largest PSI among its own past days
_SPREAD = 4.0  # standard deviations of its own past days, for a share
UNKNOWN_CHANGED, UNSURE_CHANGED = 0.05, 0.15  # least change of a share that is worth a word

WORDS = {"few": "数据太少", "calm": "平稳", "moved": "略有变化", "changed": "变了"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How a source's texts stand against its own past. Pairs are (before, now).

    `state`: "few" (not enough to tell), "calm", "moved" or "changed"; `reasons` in words.
    """

    source_id: SourceId
    state: str = "few"
    reasons: tuple[str, ...] = ()
    psi: float | None = None
    psi_own: float | None = None  # the largest among its own past
    unknown: tuple[float, float] | None = None
    unsure: tuple[float, float] | None = None
    n: int = 0
    n_before: int = 0
    since: str = ""  # when it was told, ISO 8601


# --- judging, pure -------------------------------------------------------------------------------


def judge(source_id: SourceId, days: Sequence[DriftDay]) -> Drift:
    """Judge a source by its days, oldest first, one model's; a change counts that lasts NIGHTS.

    All those nights are held against the same past, which ends before the first of them: else the
    first changed day would be part of what the second is compared with.
    """
    length = _present(days)
    past = days[: max(0, len(days) - length - NIGHTS + 1)][-BEFORE_DAYS:]
    ends = [len(days) - back for back in range(NIGHTS)]
    views = [_view(source_id, days[max(0, end - length) : end], past) for end in ends]
    latest = views[0]
    if latest.state == "changed" and any(view.state != "changed" for view in views[1:]):
        return replace(latest, state="moved")
    return latest


def _view(source_id: SourceId, now: Sequence[DriftDay], before: Sequence[DriftDay]) -> Drift:
    """Judge some days against those before."""
    n, n_before = sum(day.n for day in now), sum(day.n for day in before)
    known = Drift(source_id=source_id, n=n, n_before=n_before)
    seen = sum(day.n > 0 for day in before)
    if n < NOW_N / 2 or n_before < BEFORE_N or seen < BEFORE_SEEN:
        return known
    blocks = list(_blocks(before, len(now)))
    own = max((psi(_counts(block), _counts(rest)) for block, rest in blocks), default=0.0)
    found = psi(_counts(now), _counts(before))
    shares = {
        name: (_share(before, name), _share(now, name), _wobble(blocks, name))
        for name in ("unknown_share", "unsure_share")
    }
    unknown, unsure = shares["unknown_share"], shares["unsure_share"]
    tests = (
        (
            found > PSI_CHANGED and found > _BEYOND * own,
            f"分数分布变了：PSI {found:.2f}（以往各日最大 {own:.2f}）",
        ),
        (
            _has_left(unknown, UNKNOWN_CHANGED),
            f"模型不认识的词从 {unknown[0]:.0%} 变为 {unknown[1]:.0%}",
        ),
        (_has_left(unsure, UNSURE_CHANGED), f"存疑从 {unsure[0]:.0%} 变为 {unsure[1]:.0%}"),
    )
    reasons = tuple(text for holds, text in tests if holds)
    is_moved = found > PSI_MOVED and found > own
    return replace(
        known,
        state="changed" if reasons else "moved" if is_moved else "calm",
        reasons=reasons,
        psi=round(found, 4),
        psi_own=round(own, 4),
        unknown=(round(unknown[0], 4), round(unknown[1], 4)),
        unsure=(round(unsure[0], 4), round(unsure[1], 4)),
    )


def psi(now: Sequence[int], before: Sequence[int]) -> float:
    """Return the population stability index of two histograms, half a text added to each bin."""
    size, size_before = sum(now) + 0.5 * len(now), sum(before) + 0.5 * len(before)
    pairs = (((a + 0.5) / size, (b + 0.5) / size_before) for a, b in zip(now, before, strict=True))
    return sum((share - was) * math.log(share / was) for share, was in pairs)


def _present(days: Sequence[DriftDay]) -> int:
    """Return how many of the last days are the present: as few as hold NOW_N texts."""
    least, most = NOW_DAYS
    total = 0
    for length, day in enumerate(reversed(days[-most:]), start=1):
        total += day.n
        if total >= NOW_N and length >= least:
            return length
    return min(most, len(days))


def _blocks(
    before: Sequence[DriftDay], length: int
) -> Iterator[tuple[Sequence[DriftDay], Sequence[DriftDay]]]:
    """Give the stretches of the past that are as long as the present, each with the rest."""
    for end in range(len(before), length - 1, -1):
        block = before[end - length : end]
        if sum(day.n for day in block) >= NOW_N / 2:
            yield block, [*before[: end - length], *before[end:]]


def _counts(days: Sequence[DriftDay]) -> list[int]:
    return [sum(counts) for counts in zip(*(day.histogram for day in days), strict=True)] or [0] * (
        len(EDGES) + 1
    )


def _share(days: Sequence[DriftDay], name: str) -> float:
    total = sum(day.n for day in days)
    return sum(getattr(day, name) * day.n for day in days) / total if total else 0.0


def _wobble(blocks: Sequence[tuple[Sequence[DriftDay], Sequence[DriftDay]]], name: str) -> float:
    """Return the standard deviation of a share over the past, 0 where that cannot be told."""
    shares = [_share(block, name) for block, _ in blocks]
    return statistics.stdev(shares) if len(shares) > 1 else 0.0


def _has_left(share: tuple[float, float, float], least: float) -> bool:
    before, now, wobble = share
    return abs(now - before) > max(least, _SPREAD * wobble)


# --- measuring -----------------------------------------------------------------------------------


def measure(
    scorer: Scorer,
    mentions: Sequence[Mention],
    *,
    source_id: SourceId,
    day: datetime,
    band: tuple[float, float],
) -> DriftDay:
    """Measure a sample of one day of a source."""
    items = [ScoreItem(title=one.title, text=one.text, rating=one.rating) for one in mentions]
    log_odds = scorer.log_odds_many(items)
    chances = probability(log_odds)
    unknown, words = scorer.unknown_words(items)
    return DriftDay(
        source_id=source_id,
        day=day,
        model_version=scorer.version,
        n=len(items),
        histogram=tuple(
            np.bincount(np.digitize(log_odds, EDGES), minlength=len(EDGES) + 1).tolist()
        ),
        unsure_share=_ratio(float(((chances >= band[0]) & (chances < band[1])).sum()), len(items)),
        unknown_share=_ratio(float(unknown.sum()), int(words.sum())),
    )


def _ratio(part: float, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def past_days(now: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return the first instants of the days that a check looks at, oldest first, the last ended.

    Days end at midnight of the project's zone and count when the night is half over.
    """
    local = now.astimezone(zone)
    last = local.date() - timedelta(days=1 if local.time() >= _NIGHT else 2)
    return [_midnight(last - timedelta(days=back), zone) for back in reversed(range(_KEPT_DAYS))]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def drift_of(
    queries: Queries, project: Project, now: datetime, model_version: str | None = None
) -> dict[SourceId, Drift]:
    """Return how every source that was measured stands (None: with the newest model).

    A change that was told stays one, with what was said of it, until `is_over`.
    """
    told = {state.source_id: state.notice.get("drift") for state in queries.sources()}
    found = _judged(queries, project, now, model_version)
    return {
        source_id: drift
        if not (mark := told.get(source_id))
        else replace(drift, state="changed", reasons=tuple(mark["reasons"]), since=mark["at"])
        for source_id, drift in found.items()
    }


def is_over(drift: Drift, told_at: datetime, now: datetime) -> bool:
    """Return whether a source that changed has got a past like its present again.

    Half of the past is new by then; before, the old and the new in it make anything look usual.
    """
    return drift.state == "calm" and now - told_at >= timedelta(days=BEFORE_DAYS / 2)


def _judged(
    queries: Queries, project: Project, now: datetime, model_version: str | None
) -> dict[SourceId, Drift]:
    days = past_days(now, project.settings.zone)
    of_source: dict[SourceId, list[DriftDay]] = {}
    for day in queries.drift_days(days[0], model_version):
        of_source.setdefault(day.source_id, []).append(day)
    return {
        SourceId(source.id): judge(SourceId(source.id), of_source[SourceId(source.id)])
        for source in project.sources
        if SourceId(source.id) in of_source
    }


# --- each night ----------------------------------------------------------------------------------


class DriftCheck:
    """Measures the days that are over, judges when all are measured, tells once of a change."""

    def __init__(self, store: Store, project: Project, models: Live, upkeep: Upkeep) -> None:
        self._store = store
        self._project = project
        self._models = models
        self._upkeep = upkeep
        self._done: tuple[datetime, str] | None = None  # the last day judged, by which model

    def tick(self, now: datetime) -> int:
        """Do a part of what is to be done; return messages written. Cheap when all is done."""
        days = past_days(now, self._project.settings.zone)
        scorer = self._models.scorer
        if self._done == (days[-1], scorer.version):
            return 0
        if self._measure(days, scorer):
            return 0  # the next tick goes on
        self._done = (days[-1], scorer.version)
        return self._tell(scorer.version, now)

    def _measure(self, days: Sequence[datetime], scorer: Scorer) -> bool:
        """Measure what is missing, newest day first, a bounded part; whether there may be more."""
        sources = [SourceId(one.id) for one in self._project.sources if one.enabled]
        with self._store.read() as queries:
            known = {
                (day.source_id, day.day) for day in queries.drift_days(days[0], scorer.version)
            }
        texts, step = 0, _TEXTS_AT_ONCE // SAMPLE
        for day in reversed(days):
            lacking = [one for one in sources if (one, day) not in known]
            for start in range(0, len(lacking), step):
                if texts >= _TEXTS_AT_ONCE:
                    return True
                some = lacking[start : start + step]
                texts += _LOOKING + self._measure_day(some, day, scorer)
        return False

    def _measure_day(self, sources: Sequence[SourceId], day: datetime, scorer: Scorer) -> int:
        zone = self._project.settings.zone
        until = _midnight(day.astimezone(zone).date() + timedelta(days=1), zone)
        with self._store.read() as queries:
            sample = queries.drift_sample(sources, day, until, SAMPLE)
        band = self._project.settings.unsure_band
        measured = [
            measure(scorer, sample.get(one, ()), source_id=one, day=day, band=band)
            for one in sources
        ]
        with self._store.transaction() as tx:
            tx.save_drift_days(measured)
        return sum(one.n for one in measured)

    def _tell(self, version: str, now: datetime) -> int:
        """Tell of sources that have changed since they were last calm; forget those that are."""
        with self._store.transaction() as tx:
            found = _judged(tx.queries, self._project, now, version)
            marks = {state.source_id: dict(state.notice) for state in tx.queries.sources()}
            fresh = []
            for source_id, drift in found.items():
                mark = marks.get(source_id, {})
                told = mark.pop("drift", None)
                if told is None and drift.state == "changed":
                    fresh.append(drift)
                    said = {"at": now.isoformat(), "reasons": list(drift.reasons)}
                    tx.save_notice(source_id, mark | {"drift": said})
                elif told and is_over(drift, datetime.fromisoformat(told["at"]), now):
                    tx.save_notice(source_id, mark)
            tx.drop_drift_days(now - timedelta(days=2 * _KEPT_DAYS))
            notices = [notice_of(one, self._project, now) for one in fresh]
            project = with_trials(self._project, tx.queries, now)
            intents = redirect_all(self._upkeep.intents(notices, now), None, project)
            written = tx.add_intents(intents)
        for drift in fresh:
            log.info(
                "source notice=drifted source=%s %s", drift.source_id, "; ".join(drift.reasons)
            )
        return written


def notice_of(drift: Drift, project: Project, now: datetime) -> SourceNotice:
    """Word a change for whoever looks after the source."""
    source: SourceConfig | None = project.source(drift.source_id)
    return SourceNotice(
        kind="drifted",
        source_id=drift.source_id,
        name=source.name if source else drift.source_id,
        at=now,
        since=now,
        fact="；".join(drift.reasons),
        advice=(
            "先看它最近收到了什么：是换了栏目，还是页面改了？文字确实变了，就在“复核”里标注它的"
            "一百条，再 groundswell model train。"
        ),
    )
