"""What people say of clusters: these are one, these are two, this belongs there, it is called so.

In: ids that people named and who they are. Out: members, hour tables, cluster rows and journal in
one transaction, so that the stored members are the truth and shards in memory are loaded again.
Taking back is storage.cluster_undo.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from unicodedata import category

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.cluster_checks import (
    ClusterEdit,
    EditRefusedError,
    cluster_of_today,
    filled,
    named_actor,
    of_one_shard,
    older_first,
    pairs_apart,
)
from storage.cluster_journal import write_journal
from storage.columns import insert_new
from storage.counters import lock_counter
from storage.membership import absorb, put_members, remember_moved, renew_clusters, texts_of
from storage.records import Cluster, ClusterEvent, ClusterId, MentionId
from storage.rows import Row, columns_of, mappings

_cluster = tables.cluster
_assigned = tables.mention_cluster
_apart = tables.cluster_apart
_event = tables.cluster_event

LABEL_LIMIT = 60  # characters of a name: the longest that a line of a list shows whole
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}
_JOINER = "\u200d"  # holds emoji together
_SHOWN = 24  # characters of a text that stands in for a name until the program finds one


class ClusterEdits:
    """Transaction part: people's word on clusters. Every refusal is an EditRefusedError."""

    connection: Connection

    def merge_clusters(
        self, first_id: str, second_id: str, actor: str, now: datetime, note: str = ""
    ) -> ClusterEdit:
        """Make two clusters one; the older id survives and the other redirects to it for ever."""
        one, other = self._pair(first_id, second_id, actor)
        if one.cluster_id == other.cluster_id:
            raise EditRefusedError(
                f"{first_id} 和 {second_id} 已经是同一个聚类 {one.cluster_id} (already one cluster)"
            )
        for cluster in (one, other):
            filled(self.connection, cluster)
        if pair_of(one, other) in pairs_apart(self.connection, one.brand_id):
            raise EditRefusedError(
                f"有人说过 {one.cluster_id} 和 {other.cluster_id} 不是一回事；要合并，先取消："
                f"groundswell cluster together {one.cluster_id} {other.cluster_id} "
                "(kept apart by a person; take that back first)"
            )
        survivor, loser = older_first(self.connection, one, other)
        absorb(self.connection, loser.cluster_id, survivor.cluster_id, placed_by=actor)
        self._leave_index([loser.cluster_id])
        renew_clusters(self.connection, [survivor.cluster_id])
        event = ClusterEvent(
            cluster_id=survivor.cluster_id,
            kind="merge",
            at=now,
            actor=actor,
            other_id=loser.cluster_id,
            note=note,
        )
        return self._done([event], survivor.cluster_id, loser.cluster_id)

    def split_cluster(
        self,
        cluster_id: str,
        mention_ids: Sequence[int],
        actor: str,
        now: datetime,
        note: str = "",
    ) -> ClusterEdit:
        """Take texts out of a cluster into a new one; the copies of a text go where it goes."""
        self._begin(actor)
        cluster = filled(self.connection, cluster_of_today(self.connection, cluster_id))
        texts = self._members(cluster, mention_ids)
        rows = [row for members in texts.values() for row in members]
        if len(rows) == self._count(cluster):
            raise EditRefusedError(
                f"选中的是聚类 {cluster.cluster_id} 的全部提及，拆开后原聚类就空了；"
                "少选一些，或者给它改名 (a split must leave something behind)"
            )
        number = lock_counter(self.connection, "cluster_event") + 1
        part = Cluster(
            cluster_id=self._new_id(cluster, number),
            shard_id=cluster.shard_id,
            brand_id=cluster.brand_id,
            parent_id=cluster.cluster_id,
            **self._face(texts),
        )
        self.connection.execute(sa.insert(_cluster), [columns_of(part, _cluster)])
        event = ClusterEvent(
            cluster_id=cluster.cluster_id,
            kind="split",
            at=now,
            actor=actor,
            other_id=part.cluster_id,
            note=note,
        )
        self._put(rows, part.cluster_id, actor)
        done = self._done([event], cluster.cluster_id, part.cluster_id)
        remember_moved(self.connection, {done.events[0].event_no: rows})
        renew_clusters(self.connection, done.clusters)
        return done

    def move_mentions(
        self,
        mention_ids: Sequence[int],
        cluster_id: str,
        actor: str,
        now: datetime,
        note: str = "",
    ) -> ClusterEdit:
        """Put texts into another cluster of their brand and language, one journal row a text."""
        self._begin(actor)
        target = cluster_of_today(self.connection, cluster_id)
        texts = texts_of(self.connection, target.shard_id, mention_ids)
        self._all_there(texts, mention_ids, target)
        there = [root for root, rows in texts.items() if rows[0]["cluster_id"] == target.cluster_id]
        if there:
            raise EditRefusedError(
                f"提及 {there[0]} 已经在聚类 {target.cluster_id} 里 (it is there already)"
            )
        self._put([row for rows in texts.values() for row in rows], target.cluster_id, actor)
        sources = sorted({ClusterId(rows[0]["cluster_id"]) for rows in texts.values()})
        events = [
            ClusterEvent(
                cluster_id=target.cluster_id,
                kind="move",
                at=now,
                actor=actor,
                other_id=ClusterId(rows[0]["cluster_id"]),
                mention_id=MentionId(root),
                note=note,
            )
            for root, rows in texts.items()
        ]
        done = self._done(events, target.cluster_id, *sources)
        numbered = zip(done.events, texts.values(), strict=True)
        remember_moved(self.connection, {event.event_no: rows for event, rows in numbered})
        renew_clusters(self.connection, done.clusters)
        return done

    def rename_cluster(self, cluster_id: str, label: str, actor: str, now: datetime) -> ClusterEdit:
        """Name a cluster; "" gives the naming back to the program."""
        self._begin(actor)
        cluster = cluster_of_today(self.connection, cluster_id)
        name = _readable(label)
        if label.strip() and not name:
            raise EditRefusedError("名称里没有看得见的字 (the name shows nothing)")
        if len(name) > LABEL_LIMIT:
            raise EditRefusedError(
                f"名称有 {len(name)} 个字，最多 {LABEL_LIMIT} 个 (the name is too long)"
            )
        if not name and not cluster.named_by:
            raise EditRefusedError(
                f"聚类 {cluster.cluster_id} 的名称本来就是程序取的；请写一个名称 "
                "(the program names it already; give a name)"
            )
        if name == cluster.label and cluster.named_by:
            raise EditRefusedError(f"聚类 {cluster.cluster_id} 已经叫“{name}” (it is called so)")
        event = ClusterEvent(
            cluster_id=cluster.cluster_id,
            kind="rename",
            at=now,
            actor=actor,
            note=name,
            was=cluster.label,
        )
        if name:
            self._set(cluster, label=name, named_by=actor)
        else:
            own = self._programs_name(cluster)
            blob = b"" if cluster.state == "live" else cluster.blob
            self._set(cluster, label=own, named_by="", blob=blob)
        return self._done([event], cluster.cluster_id)

    def pin_cluster(
        self, cluster_id: str, actor: str, now: datetime, *, pinned: bool = True
    ) -> ClusterEdit:
        """Keep the automatic passes away from a cluster, or let them at it again."""
        self._begin(actor)
        cluster = cluster_of_today(self.connection, cluster_id)
        if cluster.pinned == pinned:
            said = "已经固定 (pinned already)" if pinned else "没有固定 (not pinned)"
            raise EditRefusedError(f"聚类 {cluster.cluster_id} {said}")
        self._set(cluster, pinned=pinned)
        kind = "pin" if pinned else "unpin"
        event = ClusterEvent(cluster_id=cluster.cluster_id, kind=kind, at=now, actor=actor)
        return self._done([event], cluster.cluster_id)

    def set_apart(
        self, first_id: str, second_id: str, actor: str, now: datetime, note: str = ""
    ) -> ClusterEdit:
        """Say that two clusters are not the same: the automatic passes never merge them."""
        one, other = self._pair(first_id, second_id, actor)
        if one.cluster_id == other.cluster_id:
            raise EditRefusedError(
                f"{first_id} 和 {second_id} 现在是同一个聚类 {one.cluster_id}；先拆开或撤销合并 "
                "(they are one cluster; undo the merge or split it)"
            )
        if pair_of(one, other) in pairs_apart(self.connection, one.brand_id):
            raise EditRefusedError(
                f"{one.cluster_id} 和 {other.cluster_id} 已经标为不合并 (kept apart already)"
            )
        self._keep_apart(one, other, actor, now)
        event = ClusterEvent(
            cluster_id=one.cluster_id,
            kind="apart",
            at=now,
            actor=actor,
            other_id=other.cluster_id,
            note=note,
        )
        return self._done([event], one.cluster_id, other.cluster_id)

    def bring_together(
        self, first_id: str, second_id: str, actor: str, now: datetime
    ) -> ClusterEdit:
        """Take back that two clusters are kept apart; nothing is merged by it."""
        one, other = self._pair(first_id, second_id, actor)
        self._let_together(one, other)
        event = ClusterEvent(
            cluster_id=one.cluster_id,
            kind="together",
            at=now,
            actor=actor,
            other_id=other.cluster_id,
        )
        return self._done([event], one.cluster_id, other.cluster_id)

    def names_given(self, cluster_id: ClusterId) -> list[ClusterEvent]:
        """Return the rows by which people named a cluster and that stand, oldest first."""
        undone = _event.alias()
        was_undone = sa.select(undone.c.event_no).where(undone.c.undoes == _event.c.event_no)
        query = (
            sa.select(_event)
            .where(
                _event.c.cluster_id == cluster_id,
                _event.c.kind == "rename",
                sa.not_(was_undone.exists()),
            )
            .order_by(_event.c.event_no)
        )
        return [ClusterEvent(**row) for row in mappings(self.connection.execute(query))]

    def _programs_name(self, cluster: Cluster) -> str:
        """Return how the program last named a cluster that a person named since."""
        name = cluster.label
        for event in reversed(self.names_given(cluster.cluster_id)):
            if not event.note:
                break
            name = event.was
        return name

    # --- shared with what takes edits back -------------------------------------------------------

    def _begin(self, actor: str) -> None:
        """Let those who gather wait for people, or people for them (see storage.corrections)."""
        named_actor(actor)
        lock_counter(self.connection, "correction")

    def _pair(self, first_id: str, second_id: str, actor: str) -> tuple[Cluster, Cluster]:
        self._begin(actor)
        one = cluster_of_today(self.connection, first_id)
        other = cluster_of_today(self.connection, second_id)
        of_one_shard(one, other)
        return one, other

    def _keep_apart(self, one: Cluster, other: Cluster, actor: str, now: datetime) -> None:
        first, second = pair_of(one, other)
        row = {"first_id": first, "second_id": second, "brand_id": one.brand_id}
        insert_new(self.connection, _apart, [row | {"actor": actor, "at": now}])

    def _let_together(self, one: Cluster, other: Cluster) -> None:
        said = pairs_apart(self.connection, one.brand_id).get(pair_of(one, other))
        if not said:
            raise EditRefusedError(
                f"{one.cluster_id} 和 {other.cluster_id} 没有标为不合并 (they are not kept apart)"
            )
        for first, second in said:
            is_it = sa.and_(_apart.c.first_id == first, _apart.c.second_id == second)
            self.connection.execute(sa.delete(_apart).where(is_it))

    def _put(self, rows: Sequence[Row], target: ClusterId, actor: str) -> None:
        brand_id = rows[0]["brand_id"]
        targets = dict.fromkeys((row["mention_pk"] for row in rows), target)
        put_members(self.connection, brand_id, targets, placed_by=actor)

    def _set(self, cluster: Cluster, **values: object) -> None:
        is_it = _cluster.c.cluster_id == cluster.cluster_id
        self.connection.execute(sa.update(_cluster).where(is_it).values(**values))

    def _leave_index(self, cluster_ids: Sequence[str]) -> None:
        """Let newcomers no longer find a cluster among the cold ones."""
        cold = tables.cold_feature
        self.connection.execute(sa.delete(cold).where(cold.c.cluster_id.in_(list(cluster_ids))))

    def _done(self, events: Sequence[ClusterEvent], *clusters: ClusterId) -> ClusterEdit:
        numbers = write_journal(self.connection, events)
        numbered = zip(events, numbers, strict=True)
        return ClusterEdit(
            clusters=clusters,
            events=tuple(replace(event, event_no=number) for event, number in numbered),
        )

    # --- members ---------------------------------------------------------------------------------

    def _members(self, cluster: Cluster, mention_ids: Sequence[int]) -> dict[int, list[Row]]:
        texts = texts_of(self.connection, cluster.shard_id, mention_ids)
        self._all_there(texts, mention_ids, cluster)
        for root, rows in texts.items():
            if rows[0]["cluster_id"] != cluster.cluster_id:
                raise EditRefusedError(
                    f"提及 {root} 不在聚类 {cluster.cluster_id} 里，而在 {rows[0]['cluster_id']} "
                    "(the mention is in another cluster)"
                )
        return texts

    def _count(self, cluster: Cluster) -> int:
        is_member = _assigned.c.cluster_id == cluster.cluster_id
        query = sa.select(sa.func.count()).select_from(_assigned).where(is_member)
        found: int = self.connection.scalar(query) or 0
        return found

    def _all_there(
        self, texts: dict[int, list[Row]], mention_ids: Sequence[int], cluster: Cluster
    ) -> None:
        if not mention_ids:
            raise EditRefusedError("没有选中任何提及 (select at least one mention)")
        known = {row["mention_pk"] for rows in texts.values() for row in rows}
        missing = sorted(set(mention_ids) - known)
        if missing:
            raise EditRefusedError(
                f"提及 {missing[0]} 不在 {cluster.shard_id} 的任何聚类里；只能移动同品牌、同语言、"
                "已经聚类的提及 (no clustered mention of this brand and language)"
            )

    def _new_id(self, cluster: Cluster, number: int) -> ClusterId:
        """Name a part: the same edit of the same journal gives the same id."""
        digest = hashlib.blake2b(f"{cluster.cluster_id}|split|{number}".encode(), digest_size=20)
        letters = b32encode(digest.digest()).decode().lower()
        for size in range(8, len(letters) + 1, 4):  # as long as the clusterer's own ids
            found = ClusterId(f"{cluster.brand_id}-{letters[:size]}")
            query = sa.select(_cluster.c.cluster_id).where(_cluster.c.cluster_id == found)
            if self.connection.scalar(query) is None:
                return found
        raise EditRefusedError(f"聚类 {cluster.cluster_id} 拆不出新的编号 (no free id; try again)")

    def _face(self, texts: dict[int, list[Row]]) -> dict[str, Any]:
        """Show a new cluster by its oldest text until the program names it."""
        first = min((rows[0] for rows in texts.values()), key=lambda row: row["published_at"])
        mention = tables.mention
        query = sa.select(mention.c.title, mention.c.text).where(
            mention.c.mention_pk == first["mention_pk"]
        )
        title, text = self.connection.execute(query).one()
        said = _readable(title) or _readable(text)
        label = said if len(said) <= _SHOWN else f"{said[: _SHOWN - 1]}…"
        return {"label": label, "representative_id": MentionId(first["mention_pk"])}


def _readable(text: str) -> str:
    """Return a name on one line, without controls, direction marks and what cannot be shown."""
    kept = (one for one in " ".join(text.split()) if category(one) not in _HIDDEN or one == _JOINER)
    return " ".join("".join(kept).split()).strip(_JOINER)


def pair_of(one: Cluster, other: Cluster) -> tuple[ClusterId, ClusterId]:
    """Return the ids of two clusters, the smaller one first."""
    first, second = sorted((one.cluster_id, other.cluster_id))
    return first, second
