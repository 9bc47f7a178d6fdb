"""How each source's scores are put right: when that is estimated anew, and what becomes of it.

In: the stored mentions of a source, never their labels. Out: versions of an adaptation in the
database, and the newest of each source at work. An estimate that hardly differs from the one at
work makes no new version, so that verdicts of a quiet month name one version.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from classify.adapting import MINIMUM_TEXTS, Adaptation
from classify.adapting_words import Words
from classify.analyst import Analyst
from classify.fits import Fits
from config.schema import Project
from groundswell.thresholds import bands
from storage.queries import Queries
from storage.records import SourceAdaptation, SourceId
from storage.store import Store

log = logging.getLogger(__name__)

WINDOW = timedelta(days=30)
LEARNED_FROM = 5_000  # mentions at most: the last ones
STEPS = (MINIMUM_TEXTS, 200, 1_000)  # mentions at which a source is looked at without delay
MOVES = 0.1  # log-odds on average: less is no new version (at most 2.5 points of probability)
KEPT = timedelta(days=180)  # versions that were replaced: replays of older verdicts are refused
AT_ONCE = 3  # sources estimated in one go (about a second each); the rest come with the next
_NIGHT_H = 3  # local hour at which a day of sources ends
_RECENT = timedelta(minutes=10)  # looked back for sources that spoke, above the mesh of upkeep


def why(
    current: SourceAdaptation | None, judged: int, model: str, zone: ZoneInfo, now: datetime
) -> str:
    """Return why a source is to be estimated: first, model, more or night; "" for not now. Pure.

    `judged`: its mentions within the window, counted up to the last of STEPS.
    """
    if judged < MINIMUM_TEXTS:
        return ""
    if current is None:
        return "first"
    if current.model_version != model:
        return "model"
    if any(current.n < step <= judged for step in STEPS):
        return "more"
    return "night" if night(current.at, zone) < night(now, zone) else ""


def night(moment: datetime, zone: ZoneInfo) -> date:
    """Return the local day that a moment counts to, from _NIGHT_H to _NIGHT_H."""
    return (moment.astimezone(zone) - timedelta(hours=_NIGHT_H)).date()


def stored(
    source_id: SourceId, version: int, model: str, at: datetime, found: Adaptation
) -> SourceAdaptation:
    """Return what is written down of an adaptation."""
    return SourceAdaptation(
        source_id=source_id,
        version=version,
        model_version=model,
        at=at,
        n=found.n,
        share=round(found.share, 6),
        shift=round(found.shift, 6),
        delta=found.words.pack() if found.words else None,
    )


def adaptation_of(saved: SourceAdaptation) -> Adaptation:
    """Return what was written down, ready to score with: the same as when it was estimated."""
    return Adaptation(
        share=saved.share,
        shift=saved.shift,
        words=Words.unpack(saved.delta) if saved.delta else None,
        n=saved.n,
        version=saved.version,
    )


def take_stock(fits: Fits, project: Project, queries: Queries, now: datetime) -> None:
    """Put what the database knows to work: adaptations and bands."""
    for saved in queries.adaptations():
        fits.put(saved.source_id, adaptation_of(saved))
    fits.put_bands(bands(project, queries, now))


class Adapting:
    """Looks after the fits of one program. Remembers what it has looked at already."""

    def __init__(self, store: Store, project: Project, fits: Fits) -> None:
        self._store = store
        self._project = project
        self._fits = fits
        self._looked_at: datetime | None = None
        self._known: dict[SourceId, SourceAdaptation] = {}
        self._waiting: set[SourceId] = set()
        self._silent: dict[SourceId, date] = {}  # nights on which too little was left to learn from

    def renew(self, analyst: Analyst, now: datetime) -> int:
        """Estimate what is due, at most AT_ONCE sources; return how many new versions that made.

        Call it each minute and after many mentions were judged; cheap when nothing is due.
        """
        zone = self._project.settings.zone
        first = self._looked_at is None
        is_new_night = first or night(self._looked_at or now, zone) < night(now, zone)
        with self._store.read() as queries:
            if first:
                self._known = {one.source_id: one for one in queries.adaptations()}
            since = now - WINDOW if is_new_night else (self._looked_at or now) - _RECENT
            self._waiting.update(queries.judged_sources(since))
            due = self._due(queries, analyst.model_version, now)
            if is_new_night:
                self._fits.put_bands(bands(self._project, queries, now))
        self._looked_at = now
        made = sum(self._estimate(analyst, source_id, reason, now) for source_id, reason in due)
        if is_new_night:
            with self._store.transaction() as tx:
                tx.drop_adaptations(now - KEPT)
        return made

    def _due(self, queries: Queries, model: str, now: datetime) -> list[tuple[SourceId, str]]:
        """Return up to AT_ONCE sources that are due, and why; forget those that are not."""
        due = []
        for source_id in sorted(self._waiting):
            judged = queries.count_judged(source_id, now - WINDOW, STEPS[-1])
            zone = self._project.settings.zone
            reason = why(self._known.get(source_id), judged, model, zone, now)
            if reason and self._silent.get(source_id) != night(now, zone):
                due.append((source_id, reason))
            if len(due) == AT_ONCE:
                break
            self._waiting.discard(source_id)
        return due

    def _estimate(self, analyst: Analyst, source_id: SourceId, reason: str, now: datetime) -> bool:
        """Estimate one source; return whether that made a new version."""
        model = analyst.model_version
        current = self._known.get(source_id)
        with self._store.read() as queries:
            mentions = queries.judged_mentions(source_id, now - WINDOW, LEARNED_FROM)
            version = queries.last_adaptation_version(source_id) + 1
        known = adaptation_of(current) if current and current.model_version == model else None
        found, moved = analyst.learn(mentions, known)
        self._waiting.discard(source_id)
        if found.n < MINIMUM_TEXTS:  # the brands that were watched then are not watched any more
            self._silent[source_id] = night(now, self._project.settings.zone)
            return False
        if current is not None and known is not None and moved < MOVES:
            with self._store.transaction() as tx:
                tx.confirm_adaptation(source_id, now, found.n)
            self._known[source_id] = replace(current, at=now, n=max(found.n, len(mentions)))
            return False
        saved = stored(source_id, version, model, now, found)
        with self._store.transaction() as tx:
            tx.save_adaptation(saved)
        # Mentions of brands that are watched no more count as looked at.
        self._known[source_id] = replace(saved, n=max(found.n, len(mentions)))
        self._fits.put(source_id, adaptation_of(saved))
        log.info(
            "adaptation source=%s version=%d why=%s n=%d share=%.2f shift=%+.2f moved=%.2f",
            *(source_id, version, reason, found.n, found.share, found.shift, moved),
        )
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceScores:
    """What `source list` says of a source's scores; `version` 0: nothing is put right yet.

    `judged` and `unsure_share` count the verdicts of the last 30 days; `learned_from`, `share` and
    `shift` are those of the adaptation at work, `words`: whether its own words count.
    """

    judged: int
    unsure_share: float | None
    version: int = 0
    estimated_at: datetime | None = None
    learned_from: int = 0
    share: float | None = None
    shift: float = 0.0
    words: bool = False


def described(
    found: Iterable[SourceAdaptation], unsure: Mapping[SourceId, tuple[int, int]]
) -> dict[SourceId, SourceScores]:
    """Return what there is to say of each source's scores."""
    known = {one.source_id: one for one in found}
    return {
        source_id: _scores(known.get(source_id), *unsure.get(source_id, (0, 0)))
        for source_id in sorted({*known, *unsure})
    }


def _scores(saved: SourceAdaptation | None, judged: int, unsure: int) -> SourceScores:
    unsure_share = round(unsure / judged, 4) if judged else None
    if saved is None:
        return SourceScores(judged=judged, unsure_share=unsure_share)
    return SourceScores(
        judged=judged,
        unsure_share=unsure_share,
        version=saved.version,
        estimated_at=saved.at,
        learned_from=saved.n,
        share=round(saved.share, 4),
        shift=round(saved.shift, 4),
        words=saved.delta is not None,
    )
