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
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.messages import Links
from classify.analyst import Analyst
from classify.clustering import Shard
from config.schema import Project
from groundswell.acting import act_on, remind_on
from groundswell.hot import HotLists
from groundswell.keeping import Keeper
from groundswell.lookback import look_back
from groundswell.passes import PassLog, Sight
from groundswell.regrouping import follow
from groundswell.responses import Linker
from storage.records import (
    Change,
    ClusterId,
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
