"""One round of the engine: what is asked of clusters and of due timers, and what comes of it.

In: a transaction, an instant, the rules, and which clusters or incidents to look at. Out: Changes,
saved. It needs no model, so that a correction's desk and a rehearsal carry out the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property

from alerts.incidents import on_grade
from alerts.messages import Links
from alerts.regrouping import Origin
from alerts.silences import current
from alerts.timers import on_timers
from config.schema import Project
from groundswell.batches import BatchView
from groundswell.customer_book import CustomerBook, raise_tier
from groundswell.first_answers import take_back, unanswered_of, wrote_again
from groundswell.gate import with_trials
from groundswell.hot import HotLists, HotView
from groundswell.judging import closed_before, judge, standing_of, taken_codes
from groundswell.knowledge import LessonBook
from groundswell.passes import Sight
from groundswell.pulses import PulseView
from storage.records import (
    Change,
    ClusterId,
    Evidence,
    Grade,
    Incident,
    IncidentId,
    Level,
    Mention,
    Timer,
    Verdict,
)
from storage.store import Transaction

SAMPLES = 3  # original links that a message shows (alerting.md: "three original links")


def act_on(
    tx: Transaction,
    fresh: Mapping[ClusterId, Sequence[Mention]],
    now: datetime,
    *,
    project: Project,
    hot_lists: HotLists,
    links: Links,
    before: Mapping[ClusterId, Level],
    sight: Sight | None = None,
) -> list[Change]:
    """Grade clusters as they stand now; raise, grow or reopen their incidents.

    `fresh` are the clusters to look at, each with the mentions that it has just got; `before` the
    levels that the undoing of a merge goes back to. `sight` takes in what it went by, for whoever
    notes this round.
    """
    if not fresh:
        return []
    here = _Round(tx, now, project=project, hot_lists=hot_lists, links=links, sight=sight)
    changes = [
        change
        for cluster_id in sorted(fresh)
        for change in here.act(cluster_id, fresh[cluster_id], before.get(cluster_id))
    ]
    here.sight.end(here.pulses, here.hot)
    return changes


def remind_on(
    tx: Transaction,
    incident_ids: Sequence[IncidentId],
    now: datetime,
    *,
    project: Project,
    hot_lists: HotLists,
    links: Links,
    is_backlog: bool = False,
    sight: Sight | None = None,
) -> list[Change]:
    """Carry out what is due of these incidents.

    In a backlog messages carry the figures as last noted, but those of red: to read them anew, and
    originals to show, takes most of the time, and people would wait for it.
    """
    if not incident_ids:
        return []
    here = _Round(tx, now, project=project, hot_lists=hot_lists, links=links, sight=sight)
    changes = []
    for incident, timers in tx.due_of(incident_ids, now):
        change = here.remind(incident, timers, is_backlog=is_backlog)
        if tx.save_change(change):
            changes.append(change)
        else:
            tx.end_timers(timers)  # the act is in the journal: it was carried out before
    return changes


class _Round:
    """What one transaction looks at, at one instant: each thing is read once."""

    def __init__(
        self,
        tx: Transaction,
        now: datetime,
        *,
        project: Project,
        hot_lists: HotLists,
        links: Links,
        sight: Sight | None,
    ) -> None:
        self._tx, self._now, self._links, self._lists = tx, now, links, hot_lists
        self._project = with_trials(project, tx.queries, now)
        self._lessons = LessonBook(tx.queries, project, links)
        self._batches = BatchView(project, tx.queries, now)
        self._silences = current(tx.active_silences(now), project, now)
        self.sight = sight or Sight()
        self.hot: HotView = hot_lists.look(tx.queries, now)
        self.pulses = PulseView(project, tx.queries, now)

    @cached_property
    def _book(self) -> CustomerBook | None:
        return CustomerBook.of(self._project, self._tx.queries)

    def act(
        self, cluster_id: ClusterId, fresh: Sequence[Mention], before: Level | None
    ) -> list[Change]:
        """Grade one cluster, and carry out what its grade means."""
        tx, now = self._tx, self._now
        evidence = self._batches.see(self._lists.see(tx.evidence(cluster_id, now), self.hot))
        self.sight.see(evidence)
        evidence = self.pulses.see(evidence)
        brand = self._project.brand(evidence.cluster.brand_id)
        if brand is None or brand.competitor:
            return []  # heard for comparison, or no longer watched: nobody is called
        incident = tx.incident_of(cluster_id)
        if incident is not None and not evidence.mentions:
            self.sight.emptied(tx, evidence)
        judged = self._judged(cluster_id, evidence, incident)
        if judged is None:
            return []
        graded, origin = judged
        again = wrote_again(tx.queries, incident, fresh)
        change = self._graded(
            incident, evidence, graded, origin, fresh=fresh, before=before, again=bool(again)
        )
        saved = change if change is not None and tx.save_change(change) else None
        standing = incident if saved is None else saved.incident
        back = take_back(tx, incident, saved, again, project=self._project, now=now)
        standing = standing if back is None else back.incident
        tiered = None
        if self._book is not None and standing is not None:
            known = fresh if incident is not None else ()  # of a new one everybody is looked at
            tiered = raise_tier(tx, self._book, standing, now, fresh=known)
        return [one for one in (saved, back, tiered) if one is not None]

    def remind(self, incident: Incident, timers: Sequence[Timer], *, is_backlog: bool) -> Change:
        """Carry out the due timers of one incident."""
        tx, now = self._tx, self._now
        evidence: Evidence | None = None
        samples: Sequence[tuple[Mention, Verdict]] = ()
        lesson = ""
        if not is_backlog or self._silences or incident.level >= Level.RED:
            seen = self._lists.see(tx.evidence(incident.cluster_id, now), self.hot)
            growth = tx.queries.growth(incident.cluster_id, now)
            evidence = replace(self._batches.see(seen), growth=growth)
            samples = tx.queries.cluster_mentions(incident.cluster_id, SAMPLES)
            lesson = self._lessons.standing(incident)
        unanswered = unanswered_of(tx.queries, incident, timers)
        self.sight.waits(incident, unanswered)
        return on_timers(
            incident,
            timers,
            self._project,
            now,
            evidence=evidence,
            samples=samples,
            links=self._links,
            silences=self._silences,
            lesson=lesson,
            unanswered=unanswered,
        )

    def _judged(
        self, cluster_id: ClusterId, evidence: Evidence, incident: Incident | None
    ) -> tuple[Grade, tuple[Incident, bool] | None] | None:
        """Grade a cluster, by what it came out of where it has no incident; None: nothing."""
        project, now, pulses = self._project, self._now, self.pulses
        graded = judge(evidence, incident, incident, project, now, pulses)
        if incident is not None:
            return graded, None
        if graded.level is Level.NONE and evidence.cluster.parent_id is None:
            return None  # most clusters: no look at the journal
        origin = self._tx.origin_of(cluster_id, now)
        if origin is not None:  # what it came out of tells since when this is no normal time
            graded = judge(evidence, origin[0], None, project, now, pulses)
        return None if graded.level is Level.NONE else (graded, origin)

    def _graded(
        self,
        incident: Incident | None,
        evidence: Evidence,
        graded: Grade,
        origin: tuple[Incident, bool] | None,
        *,
        fresh: Sequence[Mention],
        before: Level | None,
        again: bool,
    ) -> Change | None:
        """Decide what a grade means, with all that a message about it would show."""
        tx, project, now = self._tx, self._project, self._now
        cluster_id = evidence.cluster.cluster_id
        if incident is None or not incident.at_work or graded.level > incident.level:
            # somebody is told: only then, for it reads the hours of a week
            evidence = replace(evidence, growth=tx.queries.growth(cluster_id, now))
        samples = tx.queries.cluster_mentions(cluster_id, SAMPLES)
        last = None if incident or origin else closed_before(tx, evidence, project, now)
        lesson = self._lessons.of_news(incident, evidence, graded.level, last)
        self.sight.shown(incident, evidence, [mention.mention_id for mention, _ in samples])
        return on_grade(
            incident,
            evidence,
            graded,
            project,
            now,
            fresh=fresh,
            samples=samples,
            links=self._links,
            origin=Origin(incident=origin[0], is_now=origin[1]) if origin else None,
            relapse_of=last,
            taken=taken_codes(tx, cluster_id, incident),
            standing=standing_of(tx, incident, evidence, graded, project, now),
            before=before,
            silences=self._silences,
            lesson=lesson,
            again=again,
        )
