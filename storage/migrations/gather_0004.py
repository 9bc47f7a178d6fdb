"""Revision 0004's new figures of clusters, counted from the members that are stored.

The tables are described here as they are in that revision: what the program knows of them later
must not change what an old database is brought to.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage.columns import Instant, Words, hour_start, upsert_from

_CLUSTERS_AT_ONCE = 500  # members of so many are grouped in one statement

_meta = sa.MetaData()
_member = sa.Table(
    "mention_cluster",
    _meta,
    *(sa.Column(name, Words) for name in ("cluster_id", "author_key")),
    *(sa.Column(name, sa.BigInteger) for name in ("mention_pk", "text_key")),
    sa.Column("published_at", Instant),
    *(sa.Column(name, sa.Boolean) for name in ("is_sure", "history")),
)
_mention = sa.Table(
    "mention",
    _meta,
    *(sa.Column(name, Words) for name in ("channel", "platform")),
    *(sa.Column(name, sa.BigInteger) for name in ("mention_pk", "reposts", "views")),
)
_author = sa.Table(
    "cluster_hour_author",
    _meta,
    sa.Column("cluster_id", Words, primary_key=True),
    sa.Column("hour", Instant, primary_key=True),
    sa.Column("author_key", Words, primary_key=True),
    *(sa.Column(n, sa.Integer) for n in ("n", "n_live", "n_watch", "n_negative", "n_public")),
)
_platform = sa.Table(
    "cluster_hour_platform",
    _meta,
    sa.Column("cluster_id", Words, primary_key=True),
    sa.Column("hour", Instant, primary_key=True),
    sa.Column("platform", Words, primary_key=True),
    sa.Column("n", sa.Integer),
)
_hour = sa.Table(
    "cluster_hour",
    _meta,
    sa.Column("cluster_id", Words, primary_key=True),
    sa.Column("hour", Instant, primary_key=True),
    *(sa.Column(n, sa.Integer) for n in ("mentions", "authors", "texts", "live", "watch")),
    *(sa.Column(n, sa.Integer) for n in ("negative", "platforms")),
)
_total = sa.Table(
    "cluster_total",
    _meta,
    sa.Column("cluster_id", Words, primary_key=True),
    *(sa.Column(n, sa.Integer) for n in ("n", "n_negative", "authors", "public_authors", "texts")),
    *(sa.Column(n, sa.BigInteger) for n in ("reposts", "n_reposts", "views", "n_views")),
)
_IS_PUBLIC = _mention.c.channel != "internal"


def count_members(connection: Connection) -> None:
    """Fill in who is negative and public, the platforms and the totals of every cluster."""
    last = ""
    while True:
        of_next = sa.select(_member.c.cluster_id).where(_member.c.cluster_id > last).distinct()
        some = list(
            connection.scalars(of_next.order_by(_member.c.cluster_id).limit(_CLUSTERS_AT_ONCE))
        )
        if not some:
            return
        last = some[-1]
        _count(connection, sa.and_(_member.c.cluster_id >= some[0], _member.c.cluster_id <= last))


def _count(connection: Connection, these: sa.ColumnElement[bool]) -> None:
    hour, joined = hour_start(_member.c.published_at), _joined()
    negative = sa.func.sum(sa.case((_member.c.is_sure, 1), else_=0))
    who = (_member.c.cluster_id, hour, _member.c.author_key)
    public = sa.func.sum(sa.case((_IS_PUBLIC, 1), else_=0))
    authors = sa.select(*who, *[sa.literal(0)] * 3, negative, public).select_from(joined)
    counted = ("n", "n_live", "n_watch", "n_negative", "n_public")
    _fill(connection, _author, authors.where(these).group_by(*who), counted)
    where = (_member.c.cluster_id, hour, _mention.c.platform)
    platforms = (
        sa.select(*where, sa.func.count())
        .select_from(joined)
        .where(these, _IS_PUBLIC, _mention.c.platform != "")
        .group_by(*where)
    )
    _fill(connection, _platform, platforms, ("n",))
    _count_hours(connection, these)
    _count_totals(connection, these)


def _count_hours(connection: Connection, these: sa.ColumnElement[bool]) -> None:
    hour = hour_start(_member.c.published_at)
    watch = sa.not_(_member.c.history)
    live = sa.and_(watch, _member.c.is_sure)
    author = _member.c.author_key
    shown = sa.and_(_IS_PUBLIC, _mention.c.platform != "")
    hours = (
        sa.select(
            _member.c.cluster_id,
            hour,
            sa.func.count(),
            sa.func.count(sa.distinct(author)),
            sa.func.count(sa.distinct(_member.c.text_key)),
            sa.func.count(sa.distinct(sa.case((live, author)))),
            sa.func.count(sa.distinct(sa.case((watch, author)))),
            sa.func.sum(sa.case((_member.c.is_sure, 1), else_=0)),
            sa.func.count(sa.distinct(sa.case((shown, _mention.c.platform)))),
        )
        .select_from(_joined())
        .where(these)
        .group_by(_member.c.cluster_id, hour)
    )
    _fill(connection, _hour, hours, [c.name for c in _hour.c if not c.primary_key])


def _count_totals(connection: Connection, these: sa.ColumnElement[bool]) -> None:
    figures = []
    for figure in (_mention.c.reposts, _mention.c.views):
        shown = sa.case((_IS_PUBLIC, figure))
        figures += [sa.func.coalesce(sa.func.sum(shown), 0), sa.func.count(shown)]
    totals = (
        sa.select(
            _member.c.cluster_id,
            sa.func.count(),
            sa.func.sum(sa.case((_member.c.is_sure, 1), else_=0)),
            sa.func.count(sa.distinct(_member.c.author_key)),
            sa.func.count(sa.distinct(sa.case((_IS_PUBLIC, _member.c.author_key)))),
            sa.func.count(sa.distinct(_member.c.text_key)),
            *figures,
        )
        .select_from(_joined())
        .where(these)
        .group_by(_member.c.cluster_id)
    )
    _fill(connection, _total, totals, [c.name for c in _total.c if not c.primary_key])


def _joined() -> sa.Join:
    return _member.join(_mention, _mention.c.mention_pk == _member.c.mention_pk)


def _fill(
    connection: Connection,
    table: sa.Table,
    select: sa.Select[object],
    add: tuple[str, ...] | list[str],
) -> None:
    upsert_from(connection, table, [column.name for column in table.c], select, add=add)
