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
    sa.Column("is_sure", sa.Boolean),
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
_total = sa.Table(
    "cluster_total",
    _meta,
    sa.Column("cluster_id", Words, primary_key=True),
    *(sa.Column(n, sa.Integer) for n in ("n", "n_negative", "authors", "public_authors", "texts")),
    *(sa.Column(n, sa.BigInteger) for n in ("reposts", "n_reposts", "views", "n_views")),
)


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
    hour = hour_start(_member.c.published_at)
    is_public = _mention.c.channel != "internal"
    joined = _member.join(_mention, _mention.c.mention_pk == _member.c.mention_pk)
    negative = sa.func.sum(sa.case((_member.c.is_sure, 1), else_=0))
    who = (_member.c.cluster_id, hour, _member.c.author_key)
    zero = [sa.literal(0)] * 3
    authors = (
        sa.select(*who, *zero, negative, sa.func.sum(sa.case((is_public, 1), else_=0)))
        .select_from(joined)
        .where(these)
        .group_by(*who)
    )
    counted = ("n", "n_live", "n_watch", "n_negative", "n_public")
    _fill(connection, _author, authors, counted)
    where = (_member.c.cluster_id, hour, _mention.c.platform)
    platforms = (
        sa.select(*where, sa.func.count())
        .select_from(joined)
        .where(these, is_public, _mention.c.platform != "")
        .group_by(*where)
    )
    _fill(connection, _platform, platforms, ("n",))
    figures = []
    for figure in (_mention.c.reposts, _mention.c.views):
        shown = sa.case((is_public, figure))
        figures += [sa.func.coalesce(sa.func.sum(shown), 0), sa.func.count(shown)]
    totals = (
        sa.select(
            _member.c.cluster_id,
            sa.func.count(),
            negative,
            sa.func.count(sa.distinct(_member.c.author_key)),
            sa.func.count(sa.distinct(sa.case((is_public, _member.c.author_key)))),
            sa.func.count(sa.distinct(_member.c.text_key)),
            *figures,
        )
        .select_from(joined)
        .where(these)
        .group_by(_member.c.cluster_id)
    )
    names = [column.name for column in _total.c if not column.primary_key]
    _fill(connection, _total, totals, names)


def _fill(
    connection: Connection,
    table: sa.Table,
    select: sa.Select[object],
    add: tuple[str, ...] | list[str],
) -> None:
    upsert_from(connection, table, [column.name for column in table.c], select, add=add)
