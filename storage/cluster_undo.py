"""Taking edits of clusters back, people's and the program's: a row of the journal in, its reverse.

Members go back to where they were; what came afterwards stays. A row is taken back once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage import tables
from storage.cluster_checks import (
    ClusterEdit,
    EditRefusedError,
    cluster_of_today,
    of_one_shard,
    pairs_apart,
)
from storage.cluster_edits import ClusterEdits, pair_of
from storage.hours import Counts, stored_members
from storage.membership import absorb, chunks, put_members, renew_clusters, texts_of
from storage.passes import note_aliases, note_members
from storage.records import Cluster, ClusterEvent, ClusterId
from storage.rows import cluster_of, mappings

_assigned = tables.mention_cluster
_cluster = tables.cluster
_event = tables.cluster_event
_moved = tables.cluster_moved

_FINAL = {
    "open": "开出一个聚类的记录不能撤销；可以把它合并到别处 (merge it instead)",
    "cold": "程序让聚类转冷的记录不用撤销，有新提及它会自己醒来 (it wakes by itself)",
    "reopen": "程序唤醒聚类的记录不能撤销 (a reopening is not taken back)",
    "retract": "提及离开聚类是因为判断变了；请在复核页改判断 (correct the verdict instead)",
    "undo": "撤销本身不能再撤销；请把原来的改动再做一次 (do the edit again instead)",
}


class ClusterUndo(ClusterEdits):
    """Transaction part: people's edits of clusters, and taking any row of the journal back."""

    def undo_cluster_event(self, event_no: int, actor: str, now: datetime) -> ClusterEdit:
        """Take one row of the journal back.

        Of a merge, what the absorbed cluster had brought goes back to it, whoever merged, and the
        two are kept apart; of a split, the part goes back; of all else, the reverse.
        Errors: EditRefusedError when there is no such row, it was taken back already, its kind
        cannot be, or later edits stand in the way.
        """
        self._begin(actor)
        event = self._row(event_no)
        by = self.connection.scalar(sa.select(_event.c.event_no).where(_event.c.undoes == event_no))
        if by is not None:
            raise EditRefusedError(f"第 {event_no} 条已经被第 {by} 条撤销过 (undone already)")
        match event.kind:
            case "merge":
                return self._unmerge(event, actor, now)
            case "split":
                return self._unsplit(event, actor, now)
            case "move":
                return self._unmove(event, actor, now)
            case "rename":
                return self._unrename(event, actor, now)
            case "pin" | "unpin":
                return self._unpin(event, actor, now)
            case "apart" | "together":
                return self._unapart(event, actor, now)
            case _:
                raise EditRefusedError(f"第 {event_no} 条：{_FINAL[event.kind]}")

    # --- merges ----------------------------------------------------------------------------------

    def _unmerge(self, event: ClusterEvent, actor: str, now: datetime) -> ClusterEdit:
        back = self._cluster(event.other_id)
        if back.alias_of is None:
            raise EditRefusedError(
                f"聚类 {back.cluster_id} 现在自己存在，没有可以撤销的合并 (it is no alias today)"
            )
        survivor = cluster_of_today(self.connection, back.cluster_id)
        brought = self._brought(survivor, back)
        self._give_back(survivor, back, brought, actor)
        for some in chunks(sorted(brought)):
            inner = _cluster.c.cluster_id.in_(some)
            note_aliases(self.connection, dict.fromkeys(some, survivor.cluster_id))
            self.connection.execute(
                sa.update(_cluster).where(inner).values(alias_of=back.cluster_id)
            )
        renew_clusters(self.connection, [back.cluster_id, survivor.cluster_id])
        self._keep_apart(back, survivor, actor, now)
        events = [
            _reverse(event, actor, now, survivor.cluster_id, back.cluster_id),
            ClusterEvent(
                cluster_id=back.cluster_id,
                kind="apart",
                at=now,
                actor=actor,
                other_id=survivor.cluster_id,
            ),
        ]
        return self._done(events, back.cluster_id, survivor.cluster_id)

    def _brought(self, survivor: Cluster, back: Cluster) -> set[str]:
        """Return the cluster to revive and all that had been merged into it before.

        Each alias went where its last row that stands says: a merge, or the undoing of a split.
        """
        undone, was = _event.alias(), _event.alias()
        stands = sa.not_(
            sa.select(undone.c.event_no).where(undone.c.undoes == _event.c.event_no).exists()
        )
        of_split = sa.and_(
            _event.c.kind == "undo",
            sa.select(was.c.event_no)
            .where(was.c.event_no == _event.c.undoes, was.c.kind == "split")
            .exists(),
        )
        is_alias = sa.select(_cluster.c.cluster_id).where(
            _cluster.c.alias_of == survivor.cluster_id
        )
        query = (
            sa.select(_event.c.other_id, _event.c.cluster_id)
            .where(
                _event.c.other_id.in_(is_alias),
                sa.or_(sa.and_(_event.c.kind == "merge", stands), of_split),
            )
            .order_by(_event.c.event_no)
        )
        went: dict[str, str] = {row[0]: row[1] for row in self.connection.execute(query)}
        inside: dict[str, list[str]] = {}
        for alias, into in went.items():
            inside.setdefault(into, []).append(alias)
        found: set[str] = {back.cluster_id}
        waiting = [back.cluster_id, *inside.get(back.cluster_id, ())]
        while waiting:
            name = waiting.pop()
            found.add(ClusterId(name))
            waiting += [one for one in inside.get(name, ()) if one not in found]
        return found

    def _give_back(self, survivor: Cluster, back: Cluster, brought: set[str], actor: str) -> None:
        """Return what these had brought, each copy with its original, to the revived cluster."""
        mine = _assigned.c.cluster_id == survivor.cluster_id
        for some in chunks(sorted(brought)):
            had = _assigned.c.home_id.in_(some)
            originals = sa.select(_assigned.c.mention_pk).where(
                mine, had, _assigned.c.duplicate_of.is_(None)
            )
            # a copy stands where its original stands, wherever it was heard first
            is_copy_here = sa.and_(
                _assigned.c.duplicate_of.is_not(None),
                _assigned.c.duplicate_of.in_(originals),
            )
            is_text = sa.and_(had, _assigned.c.duplicate_of.is_(None))
            goes = sa.and_(mine, sa.or_(is_text, is_copy_here))
            counts = Counts()
            going = list(stored_members(self.connection, goes))
            note_members(self.connection, going)
            for row in going:
                counts.move(row["member"], back.cluster_id)
            counts.write(self.connection)
            deeper = sa.and_(
                _assigned.c.home_id.in_(sorted(brought)), _assigned.c.home_id != back.cluster_id
            )
            self.connection.execute(
                sa.update(_assigned)
                .where(goes)
                .values(
                    cluster_id=back.cluster_id,
                    home_id=sa.case((deeper, _assigned.c.home_id), else_=None),
                    placed_by=actor,
                )
            )

    # --- splits and moves ------------------------------------------------------------------------

    def _unsplit(self, event: ClusterEvent, actor: str, now: datetime) -> ClusterEdit:
        part = self._cluster(event.other_id)
        source = cluster_of_today(self.connection, event.cluster_id)
        if part.alias_of is not None or part.cluster_id == source.cluster_id:
            raise EditRefusedError(
                f"拆出的聚类 {part.cluster_id} 已经并入 {part.alias_of or source.cluster_id}，"
                "没有单独的部分可以退回；先撤销那次合并 (undo the later merge first)"
            )
        if pair_of(part, source) in pairs_apart(self.connection, source.brand_id):
            raise EditRefusedError(
                f"有人说过 {part.cluster_id} 和 {source.cluster_id} 不是一回事；先取消："
                f"groundswell cluster together {part.cluster_id} {source.cluster_id} "
                "(kept apart by a person; take that back first)"
            )
        absorb(self.connection, part.cluster_id, source.cluster_id, placed_by=actor)
        self._leave_index([part.cluster_id])
        self._restore_homes(event, part, source)
        renew_clusters(self.connection, [source.cluster_id])
        row = _reverse(event, actor, now, source.cluster_id, part.cluster_id)
        return self._done([row], source.cluster_id, part.cluster_id)

    def _restore_homes(self, event: ClusterEvent, part: Cluster, source: Cluster) -> None:
        """Let those that the split took be at home again where they were before it."""
        was = (
            sa.select(_moved.c.home_id)
            .join(_cluster, _cluster.c.cluster_id == _moved.c.home_id)
            .where(
                _moved.c.event_no == event.event_no,
                _moved.c.mention_pk == _assigned.c.mention_pk,
                _cluster.c.alias_of == source.cluster_id,
            )
            .scalar_subquery()
        )
        taken = sa.select(_moved.c.mention_pk).where(_moved.c.event_no == event.event_no)
        self.connection.execute(
            sa.update(_assigned)
            .where(
                _assigned.c.cluster_id == source.cluster_id,
                _assigned.c.home_id == part.cluster_id,
                _assigned.c.mention_pk.in_(taken),
            )
            .values(home_id=was)
        )

    def _unmove(self, event: ClusterEvent, actor: str, now: datetime) -> ClusterEdit:
        assert event.mention_id is not None
        target = cluster_of_today(self.connection, event.cluster_id)
        source = cluster_of_today(self.connection, str(event.other_id))
        if target.cluster_id == source.cluster_id:
            raise EditRefusedError(
                f"两边现在是同一个聚类 {target.cluster_id}，不用移回 (both are one cluster today)"
            )
        texts = texts_of(self.connection, target.shard_id, [event.mention_id])
        rows = [row for members in texts.values() for row in members]
        if not rows:
            raise EditRefusedError(
                f"提及 {event.mention_id} 已经不在任何聚类里 (the mention left all clusters)"
            )
        if rows[0]["cluster_id"] != target.cluster_id:
            raise EditRefusedError(
                f"提及 {event.mention_id} 后来又到了聚类 {rows[0]['cluster_id']}；先撤销后来的改动 "
                "(it went on since; undo the later edit first)"
            )
        joined = event.other_id if event.other_id != source.cluster_id else None
        before = self._homes(event, source)
        put_members(
            self.connection,
            target.brand_id,
            {row["mention_pk"]: source.cluster_id for row in rows},
            homes={row["mention_pk"]: before.get(row["mention_pk"], joined) for row in rows},
            placed_by=actor,
        )
        renew_clusters(self.connection, [source.cluster_id, target.cluster_id])
        row = _reverse(event, actor, now, target.cluster_id, source.cluster_id)
        return self._done([row], source.cluster_id, target.cluster_id)

    def _homes(self, event: ClusterEvent, source: Cluster) -> dict[int, str]:
        query = (
            sa.select(_moved.c.mention_pk, _moved.c.home_id)
            .join(_cluster, _cluster.c.cluster_id == _moved.c.home_id)
            .where(_moved.c.event_no == event.event_no, _cluster.c.alias_of == source.cluster_id)
        )
        return {row[0]: row[1] for row in self.connection.execute(query)}

    # --- words and marks -------------------------------------------------------------------------

    def _unrename(self, event: ClusterEvent, actor: str, now: datetime) -> ClusterEdit:
        cluster = self._itself(event)
        names = self.names_given(cluster.cluster_id)
        if names[-1].event_no != event.event_no:
            raise EditRefusedError(
                f"聚类 {cluster.cluster_id} 后来又改过名（第 {names[-1].event_no} 条），"
                "先撤销那一条 (renamed since; undo that first)"
            )
        by = names[-2].actor if len(names) > 1 and names[-2].note else ""
        self._set(cluster, label=event.was, named_by=by)
        return self._done([_reverse(event, actor, now)], cluster.cluster_id)

    def _unpin(self, event: ClusterEvent, actor: str, now: datetime) -> ClusterEdit:
        cluster = self._itself(event)
        pinned = event.kind == "unpin"
        if cluster.pinned == pinned:
            raise EditRefusedError(f"聚类 {cluster.cluster_id} 现在已经是那样了 (it is so already)")
        self._set(cluster, pinned=pinned)
        return self._done([_reverse(event, actor, now)], cluster.cluster_id)

    def _unapart(self, event: ClusterEvent, actor: str, now: datetime) -> ClusterEdit:
        one = cluster_of_today(self.connection, event.cluster_id)
        other = cluster_of_today(self.connection, str(event.other_id))
        of_one_shard(one, other)
        if event.kind == "apart":
            self._let_together(one, other)
        elif one.cluster_id == other.cluster_id:
            raise EditRefusedError(
                f"两边现在是同一个聚类 {one.cluster_id}；先拆开或撤销合并 (they are one cluster)"
            )
        else:
            self._keep_apart(one, other, actor, now)
        row = _reverse(event, actor, now, one.cluster_id, other.cluster_id)
        return self._done([row], one.cluster_id, other.cluster_id)

    # --- rows ------------------------------------------------------------------------------------

    def _row(self, event_no: int) -> ClusterEvent:
        rows = self._rows(_event.c.event_no == event_no)
        if not rows:
            raise EditRefusedError(
                f"聚类日志里没有第 {event_no} 条；用 groundswell cluster journal 查看 "
                "(no such row; see: groundswell cluster journal)"
            )
        return rows[0]

    def _rows(self, *where: sa.ColumnElement[bool]) -> Sequence[ClusterEvent]:
        query = sa.select(_event).where(*where).order_by(_event.c.event_no)
        return [ClusterEvent(**row) for row in mappings(self.connection.execute(query))]

    def _cluster(self, cluster_id: ClusterId | None) -> Cluster:
        """Return a row of `cluster` as it is, an alias as an alias."""
        query = sa.select(_cluster).where(_cluster.c.cluster_id == cluster_id)
        row = self.connection.execute(query).mappings().one_or_none()
        if row is None:
            raise EditRefusedError(f"没有聚类 {cluster_id!r} (no such cluster)")
        return cluster_of(row)

    def _itself(self, event: ClusterEvent) -> Cluster:
        """Return the cluster that a row names, which must still stand on its own."""
        cluster = self._cluster(event.cluster_id)
        if cluster.alias_of is not None:
            raise EditRefusedError(
                f"聚类 {cluster.cluster_id} 已经并入 {cluster.alias_of}；先撤销那次合并 "
                "(it was merged since; undo that first)"
            )
        return cluster


def _reverse(
    event: ClusterEvent,
    actor: str,
    now: datetime,
    cluster_id: ClusterId | None = None,
    other_id: ClusterId | None = None,
    **values: Any,
) -> ClusterEvent:
    """Return the row that takes a row back; it names the clusters of today."""
    return ClusterEvent(
        cluster_id=cluster_id or event.cluster_id,
        kind="undo",
        at=now,
        actor=actor,
        other_id=other_id or event.other_id,
        mention_id=event.mention_id,
        undoes=event.event_no,
        **values,
    )
