"""A mention's whole journey, on one screen.

    RawMention ─keep─► Mention ─understand─► Verdicts ─gather─► Cluster ─act─► Incident, Intents
    due timers ─remind─► Intents        handled, confirmed … ─Desk─► Incident

Every step reads its work from the store and writes its result in the transaction it is given, so
that a step killed at any point and run again changes nothing twice. Each item that leaves the
journey is counted once, with its outcome, in that same transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from alerts.incidents import on_grade
from alerts.messages import Links
from alerts.regrouping import Origin
from alerts.silences import current
from alerts.timers import on_timers
from classify.analyst import Analyst
from classify.clustering import Shard
from config.schema import Project
from groundswell.batches import BatchView
from groundswell.customer_book import CustomerBook, raise_tier
from groundswell.first_answers import take_back, unanswered_of, wrote_again
from groundswell.gate import with_trials
from groundswell.hot import HotLists, HotView
from groundswell.judging import closed_before, judge, standing_of, taken_codes
from groundswell.keeping import Keeper
from groundswell.knowledge import LessonBook
from groundswell.lookback import look_back
from groundswell.passes import PassLog, Sight
from groundswell.pulses import PulseView
from groundswell.regrouping import follow
from groundswell.responses import Linker
from storage.records import (
    Change,
    ClusterId,
    Evidence,
    Grade,
    Incident,
    IncidentId,
    Level,
    Mention,
    MentionId,
    Outcome,
    Polarity,
    RawMention,
    ShardId,
    SourceId,
    Verdict,
)
from storage.store import Transaction

SAMPLES = 3  # original links that a message shows (alerting.md: "three original links")
BATCH = (
    100  # rows a stage takes at a time: bounds memory and the length of a write (decisions.md 15)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """What the steps need besides the transaction: the rules, the models and the clock's word."""

    project: Project
    analyst: Analyst
    keeper: Keeper
    linker: Linker
    hot: HotLists
    links: Links
    log: PassLog

    def keep(
        self, tx: Transaction, raws: Sequence[RawMention], now: datetime, reread: bool = False
    ) -> Counter[Outcome]:
        """Give raw mentions an identity and store those that are new or changed.

        `reread`: the pages of known mentions were read again for their counters.
        """
        return Counter(outcome for outcome, _ in self.keep_each(tx, raws, now, reread=reread))

    def keep_each(
        self, tx: Transaction, raws: Sequence[RawMention], now: datetime, *, reread: bool = False
    ) -> list[tuple[Outcome, MentionId | None]]:
        """Do what `keep` does, and answer per raw mention, in order; None: no mention was made."""
        answers = self.keeper.keep(tx, raws, now, reread=reread)
        left = ((raw.source_id, outcome) for raw, (outcome, _) in zip(raws, answers, strict=True))
        _count(tx, "keep", Counter(left), now)
        return answers

    def understand(
        self, tx: Transaction, now: datetime, *, limit: int = BATCH
    ) -> tuple[int, set[ShardId]]:
        """Match brands and score what nobody has read yet.

        Returns how many mentions that was, and the shards that lost a mention because it was
        edited and judged anew: what is in memory of those is out of date.
        """
        mentions = tx.pending_mentions(limit)
        judged = self.analyst.judge_many(mentions)
        verdicts = [verdict for of_one in judged for verdict in of_one]
        changed = tx.save_verdicts([mention.mention_id for mention in mentions], verdicts, now)
        left = (
            (mention.source_id, outcome)
            for mention, of_one in zip(mentions, judged, strict=True)
            if (outcome := _leaves_as(of_one)) is not None
        )
        _count(tx, "understand", Counter(left), now)
        if changed:
            self._round(tx, "understand", dict.fromkeys(changed, ()), now, clusters=changed)
        found = (tx.queries.cluster(cluster_id) for cluster_id in changed)
        return len(mentions), {cluster.shard_id for cluster in found if cluster is not None}

    def gather(
        self,
        tx: Transaction,
        shard_id: ShardId,
        shard: Shard,
        now: datetime,
        *,
        limit: int = BATCH,
    ) -> int:
        """Put negative and unsure mentions of one brand into clusters, and act on those at once."""
        items = tx.pending_verdicts(shard_id, limit)
        changes = shard.gather(items, now, tx.recall(shard_id))
        tx.save_gathering(changes, items)
        gathered = ((mention.source_id, Outcome.GATHERED) for mention, _ in items)
        _count(tx, "gather", Counter(gathered), now)
        fresh: dict[ClusterId, list[Mention]] = {}
        merged = {one.cluster_id for one in changes.clusters if one.state == "alias"}
        for assignment, (mention, _) in zip(changes.assignments, items, strict=True):
            home = assignment.cluster_id
            today = tx.queries.cluster(home) if home in merged else None
            fresh.setdefault(today.cluster_id if today else home, []).append(mention)
        live = {one: new for one, new in fresh.items() if not all(m.history for m in new)}
        tx.lock_passes()
        regrouped = follow(tx, changes.events, self.project, self.links, now)
        unchanged: dict[ClusterId, list[Mention]] = {one: [] for one in regrouped.clusters}
        self._round(
            tx,
            "gather",
            unchanged | live,
            now,
            before=regrouped.before,
            shard_id=shard_id,
            seqs=[one.seq for one in changes.assignments],
            events=[tx.journal_end(), len(changes.events)] if changes.events else [],
            # who was moved within the batch is graded where he was put first
            homes=_homes(fresh) if changes.moves else {},
        )
        look_back(tx, fresh, self.project, now)
        return len(items)

    def act(
        self,
        tx: Transaction,
        fresh: Mapping[ClusterId, Sequence[Mention]],
        now: datetime,
        *,
        before: Mapping[ClusterId, Level] | None = None,
    ) -> list[Change]:
        """Grade clusters as they stand now; raise, grow or reopen their incidents.

        `fresh` are the clusters to look at, each with the mentions that it has just got; `before`
        the levels that the undoing of a merge goes back to.
        """
        return self._act(tx, fresh, now, before, Sight())

    def regrade(
        self, tx: Transaction, clusters: Sequence[ClusterId], now: datetime, *, is_part: bool
    ) -> list[Change]:
        """Grade these clusters anew; `is_part` of those whose turn it is, else all of them."""
        named = list(clusters) if is_part else []
        return self._round(tx, "regrade", dict.fromkeys(clusters, ()), now, clusters=named)

    def _round(
        self,
        tx: Transaction,
        kind: str,
        fresh: Mapping[ClusterId, Sequence[Mention]],
        now: datetime,
        *,
        before: Mapping[ClusterId, Level] | None = None,
        **told: Any,
    ) -> list[Change]:
        """Grade, and note the round so that it can be rehearsed."""
        sight = Sight()
        tx.lock_passes()
        changes = self._act(tx, fresh, now, before, sight)
        self.log.note(tx, kind, now, sight, **told)
        return changes

    def _act(
        self,
        tx: Transaction,
        fresh: Mapping[ClusterId, Sequence[Mention]],
        now: datetime,
        before: Mapping[ClusterId, Level] | None,
        sight: Sight,
    ) -> list[Change]:
        return act_on(
            tx,
            fresh,
            now,
            project=self.project,
            hot_lists=self.hot,
            links=self.links,
            before=before or {},
            sight=sight,
        )

    def remind(self, tx: Transaction, now: datetime) -> list[Change]:
        """Carry out the timers that are due: escalate, take an acknowledge back, ask again.

        Of at most a batch of incidents, the gravest first; each is carried out as a whole.
        """
        return self.remind_of(tx, tx.incidents_due(now, BATCH), now)

    def remind_of(
        self,
        tx: Transaction,
        incident_ids: Sequence[IncidentId],
        now: datetime,
        *,
        is_backlog: bool = False,
    ) -> list[Change]:
        """Carry out what is due of these incidents.

        In a backlog messages carry the figures as last noted, but those of red: to read them anew,
        and originals to show, takes most of the time, and people would wait for it.
        """
        tx.lock_passes()
        sight = Sight()
        changes = remind_on(
            tx,
            incident_ids,
            now,
            project=self.project,
            hot_lists=self.hot,
            links=self.links,
            is_backlog=is_backlog,
            sight=sight,
        )
        if incident_ids:
            named = list(incident_ids)
            self.log.note(tx, "remind", now, sight, incidents=named, backlog=is_backlog)
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
    """Do what `Journey.remind_of` does; it needs no model, so a rehearsal can do it, too."""
    changes = []
    sight = sight or Sight()
    live = with_trials(project, tx.queries, now) if incident_ids else project
    look = hot_lists.look(tx.queries, now) if incident_ids else HotView()
    lessons = LessonBook(tx.queries, project, links)
    batches = BatchView(project, tx.queries, now)
    silences = current(tx.active_silences(now), project, now) if incident_ids else ()
    for incident, timers in tx.due_of(incident_ids, now):
        evidence: Evidence | None = None
        samples: Sequence[tuple[Mention, Verdict]] = ()
        lesson = ""
        if not is_backlog or silences or incident.level >= Level.RED:
            seen = batches.see(hot_lists.see(tx.evidence(incident.cluster_id, now), look))
            evidence = replace(seen, growth=tx.queries.growth(incident.cluster_id, now))
            samples = tx.queries.cluster_mentions(incident.cluster_id, SAMPLES)
            lesson = lessons.standing(incident)
        unanswered = unanswered_of(tx.queries, incident, timers)
        sight.waits(incident, unanswered)
        change = on_timers(
            incident,
            timers,
            live,
            now,
            evidence=evidence,
            samples=samples,
            links=links,
            silences=silences,
            lesson=lesson,
            unanswered=unanswered,
        )
        if tx.save_change(change):
            changes.append(change)
        else:
            tx.end_timers(timers)  # the act is in the journal: it was carried out before
    return changes


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
    """Do what `Journey.act` does; it needs no model, so a correction's desk can do it, too.

    `sight` takes in what it went by, for whoever notes this round.
    """
    changes = []
    sight = sight or Sight()
    project = with_trials(project, tx.queries, now) if fresh else project
    hot = hot_lists.look(tx.queries, now) if fresh else HotView()
    lessons = LessonBook(tx.queries, project, links)
    batches = BatchView(project, tx.queries, now)
    pulses = PulseView(project, tx.queries, now)
    silences = current(tx.active_silences(now), project, now) if fresh else ()
    book = CustomerBook.of(project, tx.queries) if fresh else None
    for cluster_id in sorted(fresh):
        evidence = batches.see(hot_lists.see(tx.evidence(cluster_id, now), hot))
        sight.see(evidence)
        evidence = pulses.see(evidence)
        brand = project.brand(evidence.cluster.brand_id)
        if brand is None or brand.competitor:
            continue  # heard for comparison, or no longer watched: nobody is called
        incident = tx.incident_of(cluster_id)
        if incident is not None and not evidence.mentions:
            sight.emptied(tx, evidence)
        judged = _judged(tx, cluster_id, evidence, incident, now, project=project, pulses=pulses)
        if judged is None:
            continue
        graded, origin = judged
        if incident is None or not incident.at_work or graded.level > incident.level:
            # somebody is told: only then, for it reads the hours of a week
            evidence = replace(evidence, growth=tx.queries.growth(cluster_id, now))
        samples = tx.queries.cluster_mentions(cluster_id, SAMPLES)
        last = None if incident or origin else closed_before(tx, evidence, project, now)
        lesson = lessons.of_news(incident, evidence, graded.level, last)
        sight.shown(incident, evidence, [mention.mention_id for mention, _ in samples])
        again = wrote_again(tx.queries, incident, fresh[cluster_id])
        change = on_grade(
            incident,
            evidence,
            graded,
            project,
            now,
            fresh=fresh[cluster_id],
            samples=samples,
            links=links,
            origin=Origin(incident=origin[0], is_now=origin[1]) if origin else None,
            relapse_of=last,
            taken=taken_codes(tx, cluster_id, incident),
            standing=standing_of(tx, incident, evidence, graded, project, now),
            before=before.get(cluster_id),
            silences=silences,
            lesson=lesson,
            again=bool(again),
        )
        saved = change if change is not None and tx.save_change(change) else None
        standing = incident if saved is None else saved.incident
        back = take_back(tx, incident, saved, again, project=project, now=now)
        standing = standing if back is None else back.incident
        tiered = None
        if book is not None and standing is not None:  # of a new incident everybody is looked at
            known = fresh[cluster_id] if incident is not None else ()
            tiered = raise_tier(tx, book, standing, now, fresh=known)
        changes += [one for one in (saved, back, tiered) if one is not None]
    sight.end(pulses, hot if fresh else None)
    return changes


def _judged(
    tx: Transaction,
    cluster_id: ClusterId,
    evidence: Evidence,
    incident: Incident | None,
    now: datetime,
    *,
    project: Project,
    pulses: PulseView,
) -> tuple[Grade, tuple[Incident, bool] | None] | None:
    """Grade a cluster, by what it came out of where it has no incident; None: nothing to raise."""
    graded = judge(evidence, incident, incident, project, now, pulses)
    if incident is not None:
        return graded, None
    if graded.level is Level.NONE and evidence.cluster.parent_id is None:
        return None  # most clusters: no look at the journal
    origin = tx.origin_of(cluster_id, now)
    if origin is not None:  # what it came out of tells since when this is no normal time
        graded = judge(evidence, origin[0], None, project, now, pulses)
    return None if graded.level is Level.NONE else (graded, origin)


def _homes(fresh: Mapping[ClusterId, Sequence[Mention]]) -> dict[str, ClusterId]:
    return {str(mention.mention_id): home for home, new in fresh.items() for mention in new}


def _leaves_as(verdicts: Sequence[Verdict]) -> Outcome | None:
    """Say why a mention goes no further, or None when at least one brand must see it."""
    if not verdicts:
        return Outcome.NO_BRAND
    if all(verdict.polarity is Polarity.NOT_NEGATIVE for verdict in verdicts):
        return Outcome.NOT_NEGATIVE
    if not any(verdict.is_gathered for verdict in verdicts):
        return Outcome.NOISE
    return None


def _count(
    tx: Transaction, stage: str, outcomes: Counter[tuple[SourceId, Outcome]], now: datetime
) -> None:
    """Count what left, per source and outcome."""
    tx.count(
        {(stage, source, str(outcome)): n for (source, outcome), n in outcomes.items() if n}, now
    )
