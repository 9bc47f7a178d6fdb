"""What a database of clusters must hold at any time, looked over and put right.

In: a store. Out: Faults: caches that differ from a recount of the members, sizes, aliases that do
not lead straight to a live cluster, copies without their original, gaps in the journal. SQL
membership is the truth: what is counted from it is rebuilt, mentions that stand nowhere are
gathered again, and a gap in the journal is only told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.checking_counts import differing, rebuild
from storage.columns import insert_new
from storage.hours import recount_brand_hours, refresh_brand_hours
from storage.membership import absorb, drop_members, recount_clusters
from storage.rows import Row, mappings
from storage.store import Store

AT_ONCE = 100  # clusters in one transaction: others wait for a second at most
_HOURS_AT_ONCE = 500
Advance = Callable[[int, int], None]

_cluster = tables.cluster
_assigned = tables.mention_cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong. `where`: a cluster, a brand, or "" for the whole database.

    `kind`: "counts", "size", "face", "state", "alias_steps", "alias_lost", "alias_ring",
    "alias_members", "orphaned_copies", "no_cluster", "no_verdict", "brand_hours" or "journal_gap".
    """

    kind: str
    where: str
    seen: str
    repaired: bool = False


def check_clusters(
    store: Store,
    now: datetime,
    *,
    repair: bool = False,
    advance: Advance = lambda _, __: None,
    is_readable: Callable[[bytes], bool] = lambda _: True,
) -> list[Fault]:
    """Look every cluster over, in batches; `advance` gets how many of how many are done.

    `is_readable` says whether the clusterer can read a cluster's state.
    With `repair` each batch is put right in its own transaction; nobody may gather meanwhile.
    """
    faults: list[Fault] = []
    with store.look() as connection:
        ids = _ids(connection)
        brands = list(connection.scalars(sa.select(_assigned.c.brand_id).distinct()))
        brands += connection.scalars(sa.select(tables.brand_hour.c.brand_id).distinct())
        faults += _journal(connection)
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        with store.write() if repair else store.look() as connection:
            faults += _look_over(connection, some, now, repair)
            faults += _states(connection, some, is_readable, repair)
        advance(min(start + AT_ONCE, len(ids)), len(ids))
    for brand_id in sorted(set(brands)):
        with store.write() if repair else store.look() as connection:
            faults += _brand(connection, brand_id, repair)
    return faults


def _ids(connection: Connection) -> list[str]:
    """Return every cluster that any table names, those without a row of their own included."""
    named = (
        _cluster,
        _assigned,
        tables.cluster_hour_author,
        tables.cluster_hour_text,
        tables.cluster_hour_platform,
        tables.cluster_hour,
        tables.cluster_total,
        tables.cluster_fact,
    )
    found = sa.union(*(sa.select(table.c.cluster_id) for table in named))
    return sorted(connection.scalars(found))


def _look_over(
    connection: Connection, ids: Sequence[str], now: datetime, repair: bool
) -> Iterator[Fault]:
    # in this order: each repair leaves to the next what it needs
    yield from _aliases(connection, ids, repair)
    yield from _members(connection, ids, now, repair)
    wrong = differing(connection, ids)
    if repair and wrong:
        rebuild(connection, sorted(wrong))
    for cluster_id, names in sorted(wrong.items()):
        said = "、".join(f"{name} {n} 行" for name, n in sorted(names.items()))
        yield Fault(kind="counts", where=cluster_id, seen=said, repaired=repair)
    yield from _sizes(connection, ids, repair)


def _aliases(connection: Connection, ids: Sequence[str], repair: bool) -> Iterator[Fault]:
    of_alias = sa.or_(_cluster.c.alias_of.is_not(None), _cluster.c.state == "alias")
    query = (
        sa.select(_cluster.c.cluster_id, _cluster.c.alias_of)
        .where(_cluster.c.cluster_id.in_(ids), of_alias)
        .order_by(_cluster.c.cluster_id)
    )
    for cluster_id, target in connection.execute(query).all():
        end, steps = _follow(connection, cluster_id)
        if end is None:
            kind = "alias_ring" if steps else "alias_lost"
            yield Fault(kind=kind, where=cluster_id, seen=f"alias_of {target or '∅'}")
            continue
        if steps > 1:
            if repair:
                is_it = _cluster.c.cluster_id == cluster_id
                connection.execute(sa.update(_cluster).where(is_it).values(alias_of=end))
            seen = f"{steps} 步才到 {end} (one step expected)"
            yield Fault(kind="alias_steps", where=cluster_id, seen=seen, repaired=repair)
        of_it = sa.select(sa.func.count()).where(_assigned.c.cluster_id == cluster_id)
        members = connection.scalar(of_it) or 0
        if members:
            if repair:
                absorb(connection, cluster_id, end)
                recount_clusters(connection, [end], anew=True)
            seen = f"{members} 条提及还在这里，应在 {end}"
            yield Fault(kind="alias_members", where=cluster_id, seen=seen, repaired=repair)


def _follow(connection: Connection, cluster_id: str) -> tuple[str | None, int]:
    """Return where an alias ends and in how many steps; (None, 0) for nowhere, (None, 1) a ring."""
    seen, at = [cluster_id], cluster_id
    while True:
        query = sa.select(_cluster.c.alias_of, _cluster.c.state).where(_cluster.c.cluster_id == at)
        row = connection.execute(query).one_or_none()
        if row is None or (row[0] is None and row[1] == "alias"):
            return None, 0
        if row[0] is None:
            return at, len(seen) - 1
        if row[0] in seen:
            return None, 1
        at = row[0]
        seen.append(at)


def _members(
    connection: Connection, ids: Sequence[str], now: datetime, repair: bool
) -> Iterator[Fault]:
    original, verdict = _assigned.alias("original"), tables.verdict
    is_original = sa.and_(
        original.c.mention_pk == _assigned.c.duplicate_of,
        original.c.brand_id == _assigned.c.brand_id,
        original.c.cluster_id == _assigned.c.cluster_id,
    )
    is_orphan = sa.and_(
        _assigned.c.duplicate_of.is_not(None), sa.not_(sa.exists().where(is_original))
    )
    is_known = sa.exists().where(_cluster.c.cluster_id == _assigned.c.cluster_id)
    is_judged = sa.exists().where(
        verdict.c.mention_pk == _assigned.c.mention_pk,
        verdict.c.brand_id == _assigned.c.brand_id,
        verdict.c.is_current,
    )
    for kind, is_wrong, queue in (
        ("no_verdict", sa.not_(is_judged), tables.mention_queue),
        ("no_cluster", sa.not_(is_known), tables.gather_queue),
        ("orphaned_copies", is_orphan, tables.gather_queue),
    ):
        query = sa.select(_assigned).where(_assigned.c.cluster_id.in_(ids), is_wrong)
        by_cluster: dict[str, list[Row]] = {}
        for row in mappings(connection.execute(query.order_by(_assigned.c.seq))):
            by_cluster.setdefault(row["cluster_id"], []).append(row)
        for cluster_id, rows in sorted(by_cluster.items()):
            if repair:
                _send_back(connection, rows, queue, now)
            seen = f"{len(rows)} 条提及 (mention {rows[0]['mention_pk']} …)"
            yield Fault(kind=kind, where=cluster_id, seen=seen, repaired=repair)


def _send_back(connection: Connection, rows: Sequence[Row], queue: sa.Table, now: datetime) -> None:
    """Take members out, with a row in the journal each, and let them come through again."""
    drop_members(connection, rows, "system", now)
    recount_clusters(connection, sorted({row["cluster_id"] for row in rows}), anew=True)
    names = [column.name for column in queue.c]
    insert_new(connection, queue, [{name: row[name] for name in names} for row in rows])


def _sizes(connection: Connection, ids: Sequence[str], repair: bool) -> Iterator[Fault]:
    is_text = sa.func.sum(sa.case((_assigned.c.duplicate_of.is_(None), 1), else_=0))
    counted = connection.execute(
        sa.select(_assigned.c.cluster_id, is_text, sa.func.count())
        .where(_assigned.c.cluster_id.in_(ids))
        .group_by(_assigned.c.cluster_id)
    )
    sizes = {row[0]: (int(row[1]), row[2] - int(row[1])) for row in counted}
    is_member = sa.exists().where(
        _assigned.c.cluster_id == _cluster.c.cluster_id,
        _assigned.c.mention_pk == _cluster.c.representative_id,
    )
    has_face = sa.or_(_cluster.c.representative_id.is_(None), is_member)
    names = ("cluster_id", "size", "n_duplicates", "representative_id")
    query = sa.select(*(_cluster.c[name] for name in names), has_face.label("has_face")).where(
        _cluster.c.cluster_id.in_(ids), _cluster.c.state != "alias"
    )
    for row in mappings(connection.execute(query)):
        known, true = (row["size"], row["n_duplicates"]), sizes.get(row["cluster_id"], (0, 0))
        faults = []
        if known != true:
            seen = f"{known[0]} 条 + {known[1]} 份重复，应为 {true[0]} + {true[1]}"
            faults.append(Fault(kind="size", where=row["cluster_id"], seen=seen))
        if not row["has_face"]:
            seen = f"代表 {row['representative_id']} 不在其中"
            faults.append(Fault(kind="face", where=row["cluster_id"], seen=seen))
        if repair and faults:
            recount_clusters(connection, [row["cluster_id"]], anew=True)
        yield from (replace(fault, repaired=repair) for fault in faults)


def _states(
    connection: Connection, ids: Sequence[str], is_readable: Callable[[bytes], bool], repair: bool
) -> Iterator[Fault]:
    """Look for states that would keep a whole shard from being loaded; members make them anew."""
    query = sa.select(_cluster.c.cluster_id, _cluster.c.blob).where(
        _cluster.c.cluster_id.in_(ids), _cluster.c.state != "alias", _cluster.c.blob != b""
    )
    for cluster_id, blob in connection.execute(query).all():
        if is_readable(blob):
            continue
        if repair:
            is_it = _cluster.c.cluster_id == cluster_id
            connection.execute(sa.update(_cluster).where(is_it).values(blob=b""))
            recount_clusters(connection, [cluster_id], anew=True)
        seen = f"{len(blob)} 字节读不出来 (unreadable)"
        yield Fault(kind="state", where=cluster_id, seen=seen, repaired=repair)


def _brand(connection: Connection, brand_id: str, repair: bool) -> Iterator[Fault]:
    cache = tables.brand_hour
    of_brand = sa.select(cache).where(cache.c.brand_id == brand_id)
    stored = {row["hour"]: dict(row) for row in mappings(connection.execute(of_brand))}
    true = {row["hour"]: row for row in recount_brand_hours(connection, brand_id)}
    wrong = sorted(hour for hour in {*stored, *true} if stored.get(hour) != true.get(hour))
    if wrong:
        if repair:
            for start in range(0, len(wrong), _HOURS_AT_ONCE):
                some = wrong[start : start + _HOURS_AT_ONCE]
                refresh_brand_hours(connection, [(brand_id, hour) for hour in some])
        seen = f"{len(wrong)} 个小时，从 {wrong[0]:%Y-%m-%d %H:00} 起 (UTC)"
        yield Fault(kind="brand_hours", where=brand_id, seen=seen, repaired=repair)


def _journal(connection: Connection) -> Iterator[Fault]:
    """Numbers have no gaps: a row that is missing was taken out of an append-only journal."""
    number = tables.cluster_event.c.event_no
    counts = sa.select(sa.func.count(), sa.func.coalesce(sa.func.max(number), 0))
    n, newest = connection.execute(counts).one()
    counter = tables.counter
    given = connection.scalar(sa.select(counter.c.value).where(counter.c.name == "cluster_event"))
    if n == newest == (given or 0):
        return
    before = tables.cluster_event.alias("before")
    has_before = sa.exists().where(before.c.event_no == number - 1)
    after_gap = sa.select(sa.func.min(number)).where(number > 1, sa.not_(has_before))
    first = connection.scalar(after_gap)
    place = f"，第一处在 {first} 之前" if first else ""
    seen = f"{n} 行，编号到 {max(newest, given or 0)}{place} (rows are missing)"
    yield Fault(kind="journal_gap", where="", seen=seen)
