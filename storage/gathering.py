"""Where verdicts wait for the clusterer, and what it decided.

In: ShardChanges of one batch. Out: rows of cluster, mention_cluster, cluster_event, df_snapshot and
the hour tables, all in the caller's transaction; and ShardState to go on from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from config.errors import StoreError
from storage import tables
from storage.cluster_journal import write_journal
from storage.columns import upsert
from storage.hours import (
    Counts,
    Member,
    member_of,
    refresh_brand_hours,
    stored_members,
)
from storage.membership import absorb, put_members, remember_moved, texts_of
from storage.passes import note_members
from storage.recall import ShardRecall, members_to_rebuild, read_apart
from storage.records import (
    Assignment,
    ClusterEvent,
    ClusterId,
    Mention,
    ShardChanges,
    ShardId,
    ShardSnapshot,
    ShardState,
    Verdict,
)
from storage.rows import (
    Row,
    assignment_of,
    cluster_of,
    columns_of,
    mappings,
    mention_of,
    verdict_of,
)
from storage.understanding import brand_of

_assigned = tables.mention_cluster
_cluster = tables.cluster
_queue = tables.gather_queue
_mention = tables.mention
_verdict = tables.verdict

# A cluster lives 60 days after its last mention (cluster.md 3.6) by the shard's own clock.
_LIVE_WINDOW = timedelta(days=62)
_AT_ONCE = 500  # values in one IN list


class Gathering:
    """Transaction part: from waiting verdicts to clusters."""

    connection: Connection

    def pending_shards(self) -> list[ShardId]:
        """Return the shards in which something waits."""
        query = sa.select(_queue.c.shard_id).distinct().order_by(_queue.c.shard_id)
        return [ShardId(shard_id) for shard_id in self.connection.scalars(query)]

    def pending_verdicts(self, shard_id: ShardId, limit: int) -> list[tuple[Mention, Verdict]]:
        """Return what waits in a shard, in the order the mentions were taken in."""
        query = (
            sa.select(_mention, *(column.label(f"v_{column.name}") for column in _verdict.c))
            .select_from(_queue)
            .join(_mention, _mention.c.mention_pk == _queue.c.mention_pk)
            .join(
                _verdict,
                sa.and_(
                    _verdict.c.mention_pk == _queue.c.mention_pk,
                    _verdict.c.brand_id == brand_of(shard_id),
                    _verdict.c.is_current,
                ),
            )
            .where(_queue.c.shard_id == shard_id)
            .order_by(_queue.c.mention_pk)
            .limit(limit)
        )
        rows = mappings(self.connection.execute(query))
        names = [column.name for column in _verdict.c]
        return [
            (mention_of(row), verdict_of({name: row[f"v_{name}"] for name in names}))
            for row in rows
        ]

    def load_shard(self, shard_id: ShardId, now: datetime) -> ShardState:
        """Return all that a shard needs to go on: live clusters, snapshot, the live window.

        `recent` is in order of `seq`: what was gathered in the last 62 days of the shard's own
        clock (the newest arrival in it, not `now`: a brand may be silent for months), and what
        came after the snapshot. Mentions of clusters that are cold are among it.
        """
        del now
        clusters = self.connection.execute(
            sa.select(_cluster)
            .where(_cluster.c.shard_id == shard_id, _cluster.c.state == "live")
            .order_by(_cluster.c.cluster_id)
        )
        table = tables.df_snapshot
        found = self.connection.execute(sa.select(table).where(table.c.shard_id == shard_id))
        row = found.mappings().one_or_none()
        snapshot = None if row is None else ShardSnapshot(**row)
        live = tuple(cluster_of(row) for row in mappings(clusters))
        stale = [one.cluster_id for one in live if not one.blob]
        return ShardState(
            shard_id=shard_id,
            brand_id=brand_of(shard_id),
            clusters=live,
            snapshot=snapshot,
            recent=self._recent(shard_id, snapshot),
            members=members_to_rebuild(self.connection, stale),
            apart=read_apart(self.connection, brand_of(shard_id)),
        )

    def recall(self, shard_id: ShardId) -> ShardRecall:
        """Return what the shard may ask of the past in this transaction."""
        return ShardRecall(self.connection, shard_id)

    def save_gathering(
        self, changes: ShardChanges, items: Sequence[tuple[Mention, Verdict]]
    ) -> None:
        """Write what one batch changed; `items` leave the queue, assigned or not.

        An assignment of a mention that has one already moves it. Members of a cluster that became
        an alias go to the survivor, where `home_id` remembers the cluster they joined. A cluster
        without a label keeps the stored name: a shard holds no names of single mentions.
        """
        named = [columns_of(one, _cluster) for one in changes.clusters if one.label]
        unnamed = [columns_of(one, _cluster) for one in changes.clusters if not one.label]
        upsert(self.connection, _cluster, named)
        upsert(self.connection, _cluster, unnamed, keep=("label", "keywords"))
        by_id = {int(mention.mention_id): (mention, verdict) for mention, verdict in items}
        counts = Counts()
        self._assign(changes, by_id, counts)
        counts.write(self.connection)
        refresh_brand_hours(self.connection, counts.hours)
        merged = _aliases(changes)
        for loser, survivor in sorted(merged.items()):
            absorb(self.connection, loser, survivor, fresh=merged)
        self._move_members(changes, write_journal(self.connection, changes.events))
        self._write_cold(changes)
        if changes.snapshot is not None:
            upsert(
                self.connection,
                tables.df_snapshot,
                [columns_of(changes.snapshot, tables.df_snapshot)],
            )
        self.connection.execute(
            sa.delete(_queue).where(
                _queue.c.shard_id == changes.shard_id, _queue.c.mention_pk.in_(sorted(by_id))
            )
        )

    def _assign(
        self,
        changes: ShardChanges,
        items: Mapping[int, tuple[Mention, Verdict]],
        counts: Counts,
    ) -> None:
        brand_id = brand_of(changes.shard_id)
        ids = [assignment.mention_id for assignment in changes.assignments]
        if not ids:
            return
        of_brand = _assigned.c.brand_id == brand_id
        held = sa.and_(of_brand, _assigned.c.mention_pk.in_(ids))
        stored = {row["mention_pk"]: row for row in stored_members(self.connection, held)}
        originals = self._originals(changes.assignments, brand_id)
        gathered_at = self._last_gathered_at(changes.shard_id)
        new = []
        for assignment in changes.assignments:
            if assignment.mention_id in stored:
                self._move(assignment, stored[assignment.mention_id], counts)
                continue
            if assignment.mention_id not in items:
                raise StoreError(
                    f"gathering shard {changes.shard_id!r}: mention {assignment.mention_id} is "
                    "neither in this batch nor in a cluster"
                )
            mention, verdict = items[assignment.mention_id]
            original = originals.get(assignment.duplicate_of)
            member = member_of(assignment, mention, verdict, original)
            counts.add(member)
            arrived_at = min(mention.published_at, mention.observed_at)
            gathered_at = max(gathered_at or arrived_at, arrived_at)
            row = _assigned_row(changes.shard_id, assignment, member, gathered_at)
            originals[assignment.mention_id] = row
            new.append(row)
        if new:
            self.connection.execute(sa.insert(_assigned), new)

    def _move(self, assignment: Assignment, row: Mapping[str, Any], counts: Counts) -> None:
        note_members(self.connection, [row])
        counts.move(row["member"], assignment.cluster_id)
        self.connection.execute(
            sa.update(_assigned)
            .where(
                _assigned.c.mention_pk == assignment.mention_id,
                _assigned.c.brand_id == row["brand_id"],
            )
            .values(
                cluster_id=assignment.cluster_id,
                home_id=None,
                seq=assignment.seq,
                score=assignment.score,
                sketch=assignment.sketch,
                duplicate_of=assignment.duplicate_of,
            )
        )

    def _move_members(self, changes: ShardChanges, numbers: Sequence[int]) -> None:
        """Carry out splits: each member named changes its cluster, and its copies with it."""
        if not changes.moves:
            return
        survivors = _aliases(changes)
        named = {int(move.mention_id): move.cluster_id for move in changes.moves}
        targets: dict[int, ClusterId] = {}
        homes: dict[int, str | None] = {}
        moved: dict[int, list[Row]] = {}
        rows_by = _movers(changes.events, numbers)
        for root, rows in texts_of(self.connection, changes.shard_id, named).items():
            target = next(named[pk] for row in rows if (pk := row["mention_pk"]) in named)
            number = rows_by.get(target, rows_by.get(root))
            if number is None:
                raise StoreError(
                    f"gathering shard {changes.shard_id!r}: mention {root} changes to cluster "
                    f"{target!r} without a row in the journal that says so"
                )
            members = [row["mention_pk"] for row in rows]
            targets |= dict.fromkeys(members, survivors.get(target, target))
            homes |= dict.fromkeys(members, target if target in survivors else None)
            moved.setdefault(number, []).extend(rows)
        put_members(self.connection, brand_of(changes.shard_id), targets, homes=homes)
        remember_moved(self.connection, moved)

    def _write_cold(self, changes: ShardChanges) -> None:
        """File clusters that went cold under their features; take out those that live again."""
        table = tables.cold_feature
        touched = [one.cluster_id for one in changes.clusters]
        for start in range(0, len(touched), _AT_ONCE):
            some = touched[start : start + _AT_ONCE]
            self.connection.execute(sa.delete(table).where(table.c.cluster_id.in_(some)))
        rows = [
            {"shard_id": changes.shard_id, "feature": feature, "cluster_id": cluster_id}
            for cluster_id, features in sorted(changes.cold.items())
            for feature in sorted(set(features))
        ]
        if rows:
            self.connection.execute(sa.insert(table), rows)

    def _originals(
        self, assignments: Sequence[Assignment], brand_id: str
    ) -> dict[int | None, Mapping[Any, Any]]:
        """Return the rows that duplicates of this batch point at."""
        ids = {item.duplicate_of for item in assignments if item.duplicate_of is not None}
        if not ids:
            return {}
        query = sa.select(_assigned).where(
            _assigned.c.mention_pk.in_(sorted(ids)), _assigned.c.brand_id == brand_id
        )
        return {row["mention_pk"]: row for row in mappings(self.connection.execute(query))}

    def _last_gathered_at(self, shard_id: ShardId) -> datetime | None:
        query = (
            sa.select(_assigned.c.gathered_at)
            .where(_assigned.c.shard_id == shard_id)
            .order_by(_assigned.c.seq.desc())
            .limit(1)
        )
        last: datetime | None = self.connection.scalar(query)
        return last

    def _recent(
        self, shard_id: ShardId, snapshot: ShardSnapshot | None
    ) -> tuple[tuple[Mention, Assignment], ...]:
        of_shard = _assigned.c.shard_id == shard_id
        last = self._last_gathered_at(shard_id)
        if last is None:
            return ()
        # gathered_at never falls as seq rises: the newest row outside the window bounds it
        outside = self.connection.scalar(
            sa.select(_assigned.c.seq)
            .where(of_shard, _assigned.c.gathered_at < last - _LIVE_WINDOW)
            .order_by(_assigned.c.seq.desc())
            .limit(1)
        )
        first = min(outside or 0, snapshot.seq if snapshot else 0)
        query = (
            sa.select(
                _mention, *(c for c in _assigned.c if c.name not in {"mention_pk", "published_at"})
            )
            .join(_assigned, _assigned.c.mention_pk == _mention.c.mention_pk)
            .where(of_shard, _assigned.c.seq > first)
            .order_by(_assigned.c.seq)
        )
        rows = mappings(self.connection.execute(query))
        return tuple((mention_of(row), assignment_of(row)) for row in rows)


def _movers(events: Sequence[ClusterEvent], numbers: Sequence[int]) -> dict[str | int, int]:
    """Return the numbers of the rows that explain moves: by new part, or by mention moved."""
    found: dict[str | int, int] = {}
    for event, number in zip(events, numbers, strict=True):
        if event.kind == "split" and event.other_id is not None:
            found[event.other_id] = number
        elif event.kind == "move" and event.mention_id is not None:
            found[int(event.mention_id)] = number
    return found


def _aliases(changes: ShardChanges) -> dict[ClusterId, ClusterId]:
    """Return what became an alias in a batch, each with the cluster that lives at its end."""
    aliases = {c.cluster_id: c.alias_of for c in changes.clusters if c.alias_of is not None}
    found = {}
    for loser, target in aliases.items():
        seen = {loser}
        survivor = target
        while survivor in aliases and survivor not in seen:
            seen.add(survivor)
            survivor = aliases[survivor]
        if survivor in seen:
            raise StoreError(f"merging clusters: {loser!r} is an alias of itself")
        found[loser] = survivor
    return found


def _assigned_row(
    shard_id: ShardId, assignment: Assignment, member: Member, gathered_at: datetime
) -> dict[str, Any]:
    return {
        "mention_pk": assignment.mention_id,
        "brand_id": member.brand_id,
        "shard_id": shard_id,
        "cluster_id": assignment.cluster_id,
        "home_id": None,
        "seq": assignment.seq,
        "score": assignment.score,
        "fingerprint": assignment.fingerprint,
        "text_key": member.text_key,
        "sketch": assignment.sketch,
        "duplicate_of": assignment.duplicate_of,
        "author_key": member.author_key,
        "published_at": member.published_at,
        "gathered_at": gathered_at,
        "is_sure": member.is_sure,
        "history": member.history,
        "placed_by": "",
    }
