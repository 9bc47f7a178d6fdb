"""The cluster desk: what people say of clusters, wherever they say it.

Every edit goes through here. In one transaction it is carried out, the proposal that it answers is
settled, the clusters are graded again, their incidents brought along and an audit line written.
Running clusterers notice it by the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.messages import Links
from config.schema import Project
from groundswell.acting import act_on
from groundswell.hot import HotLists
from groundswell.passes import PassLog, Sight
from groundswell.regrouping import follow
from storage.cluster_checks import ClusterEdit
from storage.records import ClusterEvent, ClusterId, Incident
from storage.store import Store, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """What came of an edit. `clusters`: those it changed, first the one to look at next.

    `events` are the rows of the journal, any of whose numbers takes the edit back; `incidents`
    those that changed with it.
    """

    clusters: tuple[ClusterId, ...]
    events: tuple[ClusterEvent, ...]
    incidents: tuple[Incident, ...] = ()


@dataclass(frozen=True, slots=True)
class ClusterDesk:
    """Takes people's edits; `woken` is called after a commit that may have left messages or work.

    Errors: EditRefusedError (a GroundswellError) with what to do instead; nothing is changed then.
    """

    store: Store
    project: Project
    hot: HotLists
    links: Links
    woken: Callable[[], None] = lambda: None

    def merge(
        self, survivor_id: str, other_id: str, actor: str, now: datetime, note: str = ""
    ) -> Edited:
        """Make two clusters one. The older id survives, whichever is named first."""
        return self._edit(
            lambda tx: tx.merge_clusters(survivor_id, other_id, actor, now, note), actor, now
        )

    def split(
        self,
        cluster_id: str,
        mention_ids: Sequence[int],
        actor: str,
        now: datetime,
        note: str = "",
    ) -> Edited:
        """Take these mentions, each with its copies, out into a cluster of their own."""
        return self._edit(
            lambda tx: tx.split_cluster(cluster_id, mention_ids, actor, now, note), actor, now
        )

    def move(
        self,
        mention_ids: Sequence[int],
        cluster_id: str,
        actor: str,
        now: datetime,
        note: str = "",
    ) -> Edited:
        """Put these mentions, each with its copies, into another cluster."""
        return self._edit(
            lambda tx: tx.move_mentions(mention_ids, cluster_id, actor, now, note), actor, now
        )

    def rename(self, cluster_id: str, label: str, actor: str, now: datetime) -> Edited:
        """Name a cluster; "" gives the naming back to the program."""
        return self._edit(lambda tx: tx.rename_cluster(cluster_id, label, actor, now), actor, now)

    def pin(self, cluster_id: str, actor: str, now: datetime) -> Edited:
        """Keep a cluster as it is: no automatic pass merges, splits or retires it."""
        return self._edit(lambda tx: tx.pin_cluster(cluster_id, actor, now), actor, now)

    def unpin(self, cluster_id: str, actor: str, now: datetime) -> Edited:
        """Let the automatic passes at a cluster again."""
        return self._edit(
            lambda tx: tx.pin_cluster(cluster_id, actor, now, pinned=False), actor, now
        )

    def apart(
        self, first_id: str, second_id: str, actor: str, now: datetime, note: str = ""
    ) -> Edited:
        """Say that two clusters are never to be merged."""
        return self._edit(
            lambda tx: tx.set_apart(first_id, second_id, actor, now, note), actor, now
        )

    def together(self, first_id: str, second_id: str, actor: str, now: datetime) -> Edited:
        """Take that back; nothing is merged by it."""
        return self._edit(lambda tx: tx.bring_together(first_id, second_id, actor, now), actor, now)

    def undo(self, event_no: int | Sequence[int], actor: str, now: datetime) -> Edited:
        """Take back what a row of the journal says, whoever wrote it; see storage.cluster_undo.

        Several rows, such as those of one move, are taken back in their order, all or none.
        """
        numbers = [event_no] if isinstance(event_no, int) else list(event_no)

        def undo(tx: Transaction) -> ClusterEdit:
            done = [tx.undo_cluster_event(number, actor, now) for number in numbers]
            clusters = dict.fromkeys(one for edit in done for one in edit.clusters)
            events = tuple(event for edit in done for event in edit.events)
            return ClusterEdit(clusters=tuple(clusters), events=events)

        return self._edit(undo, actor, now)

    def _edit(
        self, carry_out: Callable[[Transaction], ClusterEdit], actor: str, now: datetime
    ) -> Edited:
        with self.store.transaction() as tx:
            done = carry_out(tx)
            for event in done.events:
                _settle_proposal(tx, event)
            tx.lock_passes()
            sight = Sight()
            regrouped = follow(tx, done.events, self.project, self.links, now)
            graded = act_on(
                tx,
                dict.fromkeys(regrouped.clusters, ()),
                now,
                project=self.project,
                hot_lists=self.hot,
                links=self.links,
                before=regrouped.before,
                sight=sight,
            )
            events = [done.events[-1].event_no, len(done.events)] if done.events else []
            PassLog(self.project).note(tx, "edit", now, sight, events=events)
            changed = {
                change.incident.incident_id: change.incident
                for change in (*regrouped.changes, *graded)
            }
            for event in done.events:
                tx.audit(actor, f"cluster_{event.kind}", event.cluster_id, now, told(event))
        self.woken()
        return Edited(
            clusters=done.clusters,
            events=done.events,
            incidents=tuple(changed.values()),
        )


def _settle_proposal(tx: Transaction, event: ClusterEvent) -> None:
    """Take a merge, or a word that two are not one, for the answer to the proposal of that pair."""
    if event.kind in {"merge", "apart"} and event.other_id is not None:
        accepted = event.kind == "merge"
        tx.decide_proposal(event.cluster_id, event.other_id, accepted, event.actor, event.at)


def told(event: ClusterEvent) -> str:
    """Say in one line what a row of the journal changed, as the audit log keeps it."""
    parts = [f"#{event.event_no}"]
    parts += [] if event.other_id is None else [event.other_id]
    parts += [] if event.mention_id is None else [f"mention {event.mention_id}"]
    parts += [] if event.undoes is None else [f"undoes #{event.undoes}"]
    if event.kind == "rename":
        return "　".join([*parts, f"{event.was or '—'} → {event.note or '—'}"])
    return "　".join([*parts, *([event.note] if event.note else [])])
