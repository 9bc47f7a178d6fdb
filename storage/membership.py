"""Mentions change clusters: what is counted of them follows, and so do the clusters' own rows.

In: rows of mention_cluster that move or go. Out: they are where they belong, with the hour tables
equal to a recount. Journal rows of moves are the caller's; those of mentions that leave are here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.cluster_journal import write_journal
from storage.hours import Counts, merge_hours, stored_members
from storage.passes import note_absorbed, note_aliases, note_members
from storage.records import ClusterEvent, ClusterId, MentionId
from storage.rows import Row, mappings

_assigned = tables.mention_cluster
_cluster = tables.cluster
_moved = tables.cluster_moved

_Value = TypeVar("_Value", int, str)

AT_ONCE = 500  # values in one IN list


def chunks(values: Iterable[_Value]) -> Iterator[list[_Value]]:
    """Cut values into lists that one statement takes."""
    known = list(values)
    for start in range(0, len(known), AT_ONCE):
        yield known[start : start + AT_ONCE]


def drop_members(connection: Connection, rows: Sequence[Row], actor: str, now: datetime) -> None:
    """Take members out of their clusters, with a row in the journal (decisions.md 22).

    Copies that are left behind without their original become one text again: see `_inherit`.
    """
    if not rows:
        return
    for row in rows:
        connection.execute(
            sa.delete(_assigned).where(
                _assigned.c.mention_pk == row["mention_pk"],
                _assigned.c.brand_id == row["brand_id"],
            )
        )
    _inherit(connection, rows)
    write_journal(
        connection,
        [
            ClusterEvent(
                cluster_id=ClusterId(row["cluster_id"]),
                kind="retract",
                at=now,
                actor=actor,
                mention_id=MentionId(row["mention_pk"]),
            )
            for row in rows
        ],
    )


def _inherit(connection: Connection, gone: Sequence[Row]) -> None:
    """Make the oldest copy of each original that is gone the original of the others.

    It takes over the sketch, by which further copies of the text are recognised.
    """
    originals = {(row["mention_pk"], row["brand_id"]): row for row in gone}
    left: dict[tuple[int, str], list[Row]] = {}
    for some in chunks(sorted({row["cluster_id"] for row in gone})):
        query = (
            sa.select(_assigned.c.mention_pk, _assigned.c.brand_id, _assigned.c.duplicate_of)
            .where(_assigned.c.cluster_id.in_(some), _assigned.c.duplicate_of.is_not(None))
            .order_by(_assigned.c.published_at, _assigned.c.seq)
        )
        for row in mappings(connection.execute(query)):
            key = (row["duplicate_of"], row["brand_id"])
            if key in originals:
                left.setdefault(key, []).append(row)
    _note_before(connection, left)
    for key, (heir, *others) in left.items():
        update = sa.update(_assigned).where(_assigned.c.brand_id == key[1])
        is_heir = _assigned.c.mention_pk == heir["mention_pk"]
        sketch = originals[key]["sketch"]
        connection.execute(update.where(is_heir).values(duplicate_of=None, sketch=sketch))
        for some in chunks(row["mention_pk"] for row in others):
            connection.execute(
                update.where(_assigned.c.mention_pk.in_(some)).values(
                    duplicate_of=heir["mention_pk"]
                )
            )


def _note_before(connection: Connection, left: Mapping[tuple[int, str], Sequence[Row]]) -> None:
    """Remember the copies that become one text again as they were."""
    for (_, brand_id), rows in sorted(left.items()):
        for some in chunks(row["mention_pk"] for row in rows):
            is_one = sa.and_(_assigned.c.mention_pk.in_(some), _assigned.c.brand_id == brand_id)
            note_members(connection, list(stored_members(connection, is_one)))


def texts_of(
    connection: Connection, shard_id: str, mention_ids: Iterable[int]
) -> dict[int, list[Row]]:
    """Return, by original, the members of a shard that are the texts of these mentions.

    A text is an original and its copies, which always stand in one cluster; asked for a copy, the
    whole text is given. The original comes first. Mentions that are no members are left out.
    """
    of_shard = _assigned.c.shard_id == shard_id
    columns = [_assigned.c[name] for name in ("mention_pk", "cluster_id", "duplicate_of")]
    asked: list[Row] = []
    for some in chunks(sorted(set(mention_ids))):
        query = sa.select(*columns).where(of_shard, _assigned.c.mention_pk.in_(some))
        asked += mappings(connection.execute(query))
    roots = sorted({row["duplicate_of"] or row["mention_pk"] for row in asked})
    clusters = sorted({row["cluster_id"] for row in asked})
    found: dict[int, list[Row]] = {}
    for some in chunks(roots):
        is_of = sa.or_(_assigned.c.mention_pk.in_(some), _assigned.c.duplicate_of.in_(some))
        for place in chunks(clusters):
            query = (
                sa.select(_assigned)
                .where(of_shard, _assigned.c.cluster_id.in_(place), is_of)
                .order_by(_assigned.c.seq)
            )
            for row in mappings(connection.execute(query)):
                found.setdefault(row["duplicate_of"] or row["mention_pk"], []).append(row)
    for rows in found.values():
        rows.sort(key=lambda row: (row["duplicate_of"] is not None, row["seq"]))
    return found


def put_members(
    connection: Connection,
    brand_id: str,
    targets: Mapping[int, str],
    *,
    homes: Mapping[int, str | None] | None = None,
    placed_by: str | None = None,
) -> None:
    """Put members into other clusters: their rows and the hour tables, nothing else.

    `homes`: what they had joined before a merge, nothing for those not named. `placed_by`: the
    person who does it; None leaves who placed them as it is.
    """
    counts = Counts()
    of_brand = _assigned.c.brand_id == brand_id
    for some in chunks(sorted(targets)):
        members = sa.and_(of_brand, _assigned.c.mention_pk.in_(some))
        rows_before = list(stored_members(connection, members))
        note_members(connection, rows_before)
        for row in rows_before:
            counts.move(row["member"], ClusterId(targets[row["mention_pk"]]))
    counts.write(connection)
    values: dict[str, Any] = {
        "cluster_id": sa.bindparam("to_id"),
        "home_id": sa.bindparam("joined_id"),
    }
    if placed_by is not None:
        values["placed_by"] = sa.bindparam("by")
    rows = [
        {
            "pk": mention_pk,
            "to_id": target,
            "joined_id": (homes or {}).get(mention_pk),
            **({} if placed_by is None else {"by": placed_by}),
        }
        for mention_pk, target in sorted(targets.items())
    ]
    if rows:
        is_it = _assigned.c.mention_pk == sa.bindparam("pk")
        connection.execute(sa.update(_assigned).where(of_brand, is_it).values(values), rows)


def remember_moved(connection: Connection, moved: Mapping[int, Sequence[Row]]) -> None:
    """Note, by number of the journal row, which members it moved and where they had been at home.

    The rows are those of mention_cluster before the move.
    """
    rows = [
        {"event_no": event_no, "mention_pk": row["mention_pk"], "home_id": row["home_id"]}
        for event_no, members in sorted(moved.items())
        for row in members
    ]
    if rows:
        connection.execute(sa.insert(_moved), rows)


def absorb(
    connection: Connection,
    loser: str,
    survivor: str,
    *,
    placed_by: str | None = None,
    fresh: Collection[str] = (),
) -> None:
    """Give all members of a cluster to another, which its aliases point at from now on.

    `fresh`: clusters that become aliases in this very act; no alias before it.

    Set-based, whatever their number. `home_id` remembers the cluster that a member had joined. The
    row of the loser becomes an alias; that of the survivor is the caller's.
    """
    values: dict[str, Any] = {
        "home_id": sa.func.coalesce(_assigned.c.home_id, _assigned.c.cluster_id),
        "cluster_id": survivor,
    }
    if placed_by is not None:
        values["placed_by"] = placed_by
    of_loser = sa.select(_assigned.c.mention_pk).where(_assigned.c.cluster_id == loser)
    aliases = sa.select(_cluster.c.cluster_id).where(_cluster.c.alias_of == loser)
    older = [one for one in connection.scalars(aliases) if one not in fresh]
    brand_id = connection.scalar(
        sa.select(_cluster.c.brand_id).where(_cluster.c.cluster_id == loser)
    )
    note_absorbed(connection, brand_id or "", loser, connection.scalars(of_loser), older)
    connection.execute(sa.update(_assigned).where(_assigned.c.cluster_id == loser).values(values))
    merge_hours(connection, loser, survivor)
    # aliases of the loser point at the survivor at once: a redirect is always one step
    connection.execute(
        sa.update(_cluster)
        .where(sa.or_(_cluster.c.cluster_id == loser, _cluster.c.alias_of == loser))
        .values(alias_of=survivor, state="alias", blob=b"")
    )


def renew_clusters(connection: Connection, cluster_ids: Iterable[str]) -> None:
    """Bring the rows of clusters to the members that they have now; no alias is given here.

    Those with members are live, and their shard makes them anew when it is loaded again; empty
    ones are cold and are found by nothing.
    """
    named = sorted(set(cluster_ids))
    recount_clusters(connection, named)
    for some in chunks(named):
        was = sa.select(_cluster.c.cluster_id, _cluster.c.alias_of).where(
            _cluster.c.cluster_id.in_(some), _cluster.c.alias_of.is_not(None)
        )
        note_aliases(connection, {row[0]: row[1] for row in connection.execute(was)})
    cold = tables.cold_feature
    for some in chunks(named):
        is_member = sa.select(_assigned.c.mention_pk).where(
            _assigned.c.cluster_id == _cluster.c.cluster_id
        )
        connection.execute(
            sa.update(_cluster)
            .where(_cluster.c.cluster_id.in_(some))
            .values(
                state=sa.case((is_member.exists(), "live"), else_="cold"), alias_of=None, blob=b""
            )
        )
        connection.execute(sa.delete(cold).where(cold.c.cluster_id.in_(some)))


def recount_clusters(
    connection: Connection, cluster_ids: Sequence[str], *, anew: bool = False
) -> None:
    """Count the members of clusters that lost or got some; a face that left is nobody's face.

    `anew`: what left does not come back, so a live one is made anew from the rest when its shard is
    loaded again, and an empty one is cold. Without it (mentions that are judged again mostly come
    back) a cluster stays findable by what it was.
    """
    is_text = sa.case((_assigned.c.duplicate_of.is_(None), 1), else_=0)
    found: dict[str, Row] = {}
    for some in chunks(cluster_ids):
        counted = connection.execute(
            sa.select(
                _assigned.c.cluster_id,
                sa.func.sum(is_text).label("texts"),
                sa.func.count().label("every"),
                sa.func.min(_assigned.c.published_at).label("first_at"),
                sa.func.max(_assigned.c.published_at).label("last_at"),
            )
            .where(_assigned.c.cluster_id.in_(some))
            .group_by(_assigned.c.cluster_id)
        )
        found |= {row["cluster_id"]: row for row in mappings(counted)}
    for cluster_id in cluster_ids:
        is_it = _cluster.c.cluster_id == cluster_id
        row = found.get(cluster_id)
        texts, every = (0, 0) if row is None else (int(row["texts"]), int(row["every"]))
        spans = {} if row is None else {"first_at": row["first_at"], "last_at": row["last_at"]}
        connection.execute(
            sa.update(_cluster).where(is_it).values(size=texts, n_duplicates=every - texts, **spans)
        )
        is_live = sa.and_(is_it, _cluster.c.state == "live")
        if anew:
            state = "live" if every else "cold"
            connection.execute(sa.update(_cluster).where(is_live).values(blob=b"", state=state))
        elif not every:  # what is to be made anew from its members needs some
            is_stale = sa.and_(is_live, _cluster.c.blob == b"")
            connection.execute(sa.update(_cluster).where(is_stale).values(state="cold"))
        is_member = sa.select(_assigned.c.mention_pk).where(
            _assigned.c.cluster_id == cluster_id,
            _assigned.c.mention_pk == _cluster.c.representative_id,
        )
        connection.execute(
            sa.update(_cluster)
            .where(is_it, sa.not_(is_member.exists()))
            .values(representative_id=None)
        )
