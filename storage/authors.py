"""Who speaks: when an author was first seen, and how many of a cluster's voices are new or copied.

In: mentions as they are taken in; a cluster. Out: Voices, the evidence of a water army or of its
absence. An author is known by platform and name; one without a name is nobody to remember.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import insert_new
from storage.records import Voices

_WEEK = timedelta(days=7)  # what is looked at; who wrote nothing before it is new to us
_BURST = timedelta(minutes=10)
_MOST_COPIES = 5000  # of one text, that are looked at for bursts

_seen = tables.author_seen


def see_authors(connection: Connection, said: Iterable[tuple[str, datetime]]) -> None:
    """Remember when authors first spoke: (author key, published at) each; "" is left out."""
    found: dict[str, datetime] = {}
    for author, at in said:
        if author:
            found[author] = min(at, found.get(author, at))
    rows = [{"author_key": author, "first_at": first} for author, first in sorted(found.items())]
    if not rows:
        return
    insert_new(connection, _seen, rows)
    # Posts do not arrive in the order they were written: an import brings older ones.
    first = sa.bindparam("p_first", type_=_seen.c.first_at.type)
    earlier = sa.and_(_seen.c.author_key == sa.bindparam("p_key"), _seen.c.first_at > first)
    moved = [{"p_key": row["author_key"], "p_first": row["first_at"]} for row in rows]
    connection.execute(sa.update(_seen).where(earlier).values(first_at=first), moved)


def read_voices(connection: Connection, cluster_id: str, now: datetime) -> Voices:
    """Count the voices of a cluster in the 7 days before `now`."""
    member = tables.mention_cluster
    of_cluster = sa.and_(
        member.c.cluster_id == cluster_id,
        member.c.published_at > now - _WEEK,
        member.c.published_at <= now,
    )
    new = sa.case((_seen.c.first_at > now - _WEEK, member.c.author_key))
    row = connection.execute(
        sa.select(
            sa.func.count().label("mentions"),
            sa.func.count(sa.distinct(member.c.author_key)).label("authors"),
            sa.func.count(sa.distinct(member.c.text_key)).label("texts"),
            sa.func.count(sa.distinct(new)).label("new_authors"),
        )
        .select_from(member)
        .outerjoin(_seen, _seen.c.author_key == member.c.author_key)
        .where(of_cluster)
    )
    counts = row.mappings().one()
    copies = _most_copied(connection, of_cluster) if counts["mentions"] else []
    return Voices(
        **counts,
        top_text=len(copies),
        wave_authors=len({author for _, author in copies}),
        burst=_burst([at for at, _ in copies]),
    )


def _most_copied(
    connection: Connection, of_cluster: sa.ColumnElement[bool]
) -> list[tuple[datetime, str]]:
    """Return when and by whom the most copied text was said, oldest first."""
    member = tables.mention_cluster
    times = sa.func.count()
    text_key = connection.scalar(
        sa.select(member.c.text_key)
        .where(of_cluster)
        .group_by(member.c.text_key)
        .order_by(times.desc(), member.c.text_key)
        .limit(1)
    )
    rows = connection.execute(
        sa.select(member.c.published_at, member.c.author_key)
        .where(of_cluster, member.c.text_key == text_key)
        .order_by(member.c.published_at, member.c.mention_pk)
        .limit(_MOST_COPIES)
    )
    return [(row[0], row[1]) for row in rows]


def _burst(instants: Sequence[datetime]) -> int:
    """Return the most of sorted instants that lie within _BURST."""
    most = first = 0
    for last, at in enumerate(instants):
        while at - instants[first] > _BURST:
            first += 1
        most = max(most, last - first + 1)
    return most
