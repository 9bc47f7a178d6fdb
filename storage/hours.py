"""The hour tables: who said what about a cluster, counted per hour so that distinct counts add up.

In: members of clusters that come or go. Out: rows of cluster_hour_author, cluster_hour_text,
cluster_hour_platform, cluster_fact and cluster_total, which equal a recount of all members at any
time, and the cache brand_hour.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.cluster_totals import (
    COLUMNS,
    Totals,
    distinct_changes,
    shared_counts,
    total_rows,
)
from storage.columns import Instant, hour_start, upsert, upsert_from
from storage.counters import lock_counter
from storage.hour_figures import refresh_hours
from storage.instants import hour_of
from storage.passes import note_differences
from storage.records import Assignment, ClusterId, Mention, Polarity, Verdict
from storage.rows import Row, columns_of, mappings

_author = tables.cluster_hour_author
_text = tables.cluster_hour_text
_platform = tables.cluster_hour_platform
_fact = tables.cluster_fact
_total = tables.cluster_total
_row = tables.mention_cluster
_HOUR = timedelta(hours=1)
_SPREAD = ("platform", "tier")
_FIGURES = ("reposts", "views")
AUTHOR_COUNTS = ("n", "n_live", "n_watch", "n_negative", "n_public")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """What a mention adds to the counts of its cluster. `facts` are (kind, value).

    `reposts` and `views` are None where they are unknown, or the mention is not public.
    """

    cluster_id: str
    brand_id: str
    author_key: str
    text_key: int
    published_at: datetime
    is_sure: bool
    history: bool
    facts: tuple[tuple[str, str], ...]
    is_public: bool
    reposts: int | None
    views: int | None


def member_of(
    assignment: Assignment, mention: Mention, verdict: Verdict, original: Row | None
) -> Member:
    """Make the member that an assignment brings. `original` is the row of what it duplicates.

    A missing author is an author of its own, except in a near-duplicate: then all copies are one
    (decisions.md 4). Near-duplicates are one text.
    """
    root = assignment.duplicate_of or assignment.mention_id
    return Member(
        cluster_id=assignment.cluster_id,
        brand_id=verdict.brand_id,
        author_key=mention.author_key or f"~{root}",
        text_key=assignment.fingerprint if original is None else original["text_key"],
        published_at=mention.published_at,
        is_sure=verdict.polarity is Polarity.NEGATIVE,
        history=mention.history,
        **_spread_of(columns_of(mention, tables.mention)),
        facts=_facts(
            {
                "channel": mention.channel,
                "platform": mention.platform,
                "tier": mention.tier,
                "region": mention.region,
                "issue_class": verdict.issue_class,
            },
            {
                "products": verdict.products,
                "severity": verdict.severity,
                "symptoms": verdict.symptoms,
                "also": verdict.also,
                "sub": verdict.sub_classes,
            },
        ),
    )


def stored_members(connection: Connection, where: sa.ColumnElement[bool]) -> Iterator[Row]:
    """Give the members that match, each a row of mention_cluster with "member" beside it."""
    mention, verdict = tables.mention, tables.verdict
    query = (
        sa.select(
            _row,
            *(mention.c[name] for name in ("channel", "platform", "tier", "region", *_FIGURES)),
            verdict.c.issue_class,
            verdict.c.detail,
            verdict.c.negative,
        )
        .join(mention, mention.c.mention_pk == _row.c.mention_pk)
        .join(
            verdict,
            sa.and_(
                verdict.c.mention_pk == _row.c.mention_pk,
                verdict.c.brand_id == _row.c.brand_id,
                verdict.c.is_current,
            ),
        )
        .where(where)
        .order_by(_row.c.seq)
    )
    for row in mappings(connection.execute(query)):
        member = Member(
            facts=_facts(row, row["detail"]),
            **_spread_of(row),
            **{
                name: row[name]
                for name in (
                    "cluster_id",
                    "brand_id",
                    "author_key",
                    "text_key",
                    "published_at",
                    "is_sure",
                    "history",
                )
            },
        )
        yield {**row, "member": member}


@contextmanager
def spread_anew(connection: Connection, mention_ids: Sequence[int]) -> Iterator[None]:
    """Count the spread of members anew whose rows of `mention` are changed in the block.

    Figures rise as pages are read again, and what was known from inside only may become public.
    """
    ids = sorted(mention_ids)
    is_one = _row.c.mention_pk.in_(ids)
    if not ids or connection.scalar(sa.select(_row.c.mention_pk).where(is_one).limit(1)) is None:
        yield
        return
    lock_counter(connection, "correction")  # who gathers shares it: no member moves meanwhile
    counts = Counts()
    before = list(stored_members(connection, is_one))
    for row in before:
        counts.add_spread(row["member"], -1)
    yield
    after = {
        (row["mention_pk"], row["brand_id"]): row for row in stored_members(connection, is_one)
    }
    for row in after.values():
        counts.add_spread(row["member"])
    note_differences(connection, before, after)
    counts.write(connection)


def _spread_of(mention: Row) -> dict[str, Any]:
    is_public = mention["channel"] != "internal"
    return {
        "is_public": is_public,
        **{name: mention[name] if is_public else None for name in _FIGURES},
    }


def _facts(mention: Row, verdict: Row) -> tuple[tuple[str, str], ...]:
    facts = [("region", mention["region"]), ("issue", mention["issue_class"])]
    if mention["channel"] != "internal":  # what a customer service ticket says is not spread
        facts += [(kind, mention[kind]) for kind in _SPREAD]
    facts += [("product", value) for value in verdict["products"]]
    facts += [("severity", value) for value in verdict["severity"]]
    facts += [("symptom", value) for value in verdict["symptoms"]]
    # verdicts of earlier versions know neither
    facts += [(kind, value) for kind in ("also", "sub") for value in verdict.get(kind, ())]
    return tuple((kind, value) for kind, value in facts if value)


@dataclass(slots=True)
class Counts:
    """Differences to the hour tables, gathered in memory and written at once."""

    authors: Counter[tuple[str, datetime, str, str]] = field(default_factory=Counter)
    texts: Counter[tuple[str, datetime, int]] = field(default_factory=Counter)
    platforms: Counter[tuple[str, datetime, str]] = field(default_factory=Counter)
    facts: Counter[tuple[str, str, str, str, str]] = field(default_factory=Counter)
    totals: Totals = field(default_factory=Counter)
    hours: set[tuple[str, datetime]] = field(default_factory=set)

    def add(self, member: Member, times: int = 1) -> None:
        """Count a member in, or out with `times=-1`."""
        hour = hour_of(member.published_at)
        self.hours.add((member.brand_id, hour))
        watch = not member.history
        weights = {
            "n": 1,
            "n_watch": int(watch),
            "n_live": int(watch and member.is_sure),
            "n_negative": int(member.is_sure),
        }
        for column, weight in weights.items():
            self.authors[(member.cluster_id, hour, member.author_key, column)] += weight * times
        self.texts[(member.cluster_id, hour, member.text_key)] += times
        self.totals[member.cluster_id, "n"] += times
        self.totals[member.cluster_id, "n_negative"] += member.is_sure * times
        self._add_facts(member, [one for one in member.facts if one[0] not in _SPREAD], times)
        self.add_spread(member, times)

    def add_spread(self, member: Member, times: int = 1) -> None:
        """Count in, or out, what is known of a member in public, and nothing else of it."""
        if not member.is_public:
            return
        hour = hour_of(member.published_at)
        self._add_facts(member, [one for one in member.facts if one[0] in _SPREAD], times)
        self.authors[(member.cluster_id, hour, member.author_key, "n_public")] += times
        for name in _FIGURES:
            figure = getattr(member, name)
            self.totals[member.cluster_id, name] += (figure or 0) * times
            self.totals[member.cluster_id, f"n_{name}"] += (figure is not None) * times

    def _add_facts(self, member: Member, facts: Iterable[tuple[str, str]], times: int) -> None:
        watch = not member.history
        for kind, value in facts:
            author = member.author_key if kind == "severity" else ""
            self.facts[(member.cluster_id, kind, value, author, "n")] += times
            if kind == "platform":
                hour = hour_of(member.published_at)
                self.platforms[(member.cluster_id, hour, value)] += times
            self.facts[(member.cluster_id, kind, value, author, "n_watch")] += watch * times

    def move(self, member: Member, cluster_id: ClusterId) -> None:
        """Count a member out of its cluster and into another."""
        self.add(member, -1)
        self.add(replace(member, cluster_id=cluster_id))

    def write(self, connection: Connection) -> None:
        """Apply the differences; rows that fall to nothing go.

        The cache of the brand is not among them: see refresh_brand_hours.
        """
        self.totals.update(distinct_changes(connection, self.authors, self.texts))
        authors: dict[tuple[Any, ...], dict[str, Any]] = {}
        for (cluster_id, hour, author, column), n in self.authors.items():
            row = authors.setdefault(
                (cluster_id, hour, author),
                {"cluster_id": cluster_id, "hour": hour, "author_key": author}
                | dict.fromkeys(AUTHOR_COUNTS, 0),
            )
            row[column] = n
        facts: dict[tuple[Any, ...], dict[str, Any]] = {}
        for (cluster_id, kind, value, author, column), n in self.facts.items():
            row = facts.setdefault(
                (cluster_id, kind, value, author),
                {"cluster_id": cluster_id, "kind": kind, "value": value, "author_key": author},
            )
            row[column] = n
        texts = [
            {"cluster_id": cluster_id, "hour": hour, "text_key": key, "n": n}
            for (cluster_id, hour, key), n in self.texts.items()
        ]
        platforms = [
            {"cluster_id": cluster_id, "hour": hour, "platform": value, "n": n}
            for (cluster_id, hour, value), n in self.platforms.items()
        ]
        _apply(connection, _author, list(authors.values()), AUTHOR_COUNTS)
        _apply(connection, _text, texts, ("n",))
        _apply(connection, _platform, platforms, ("n",))
        _apply(connection, _fact, list(facts.values()), ("n", "n_watch"))
        _apply(connection, _total, total_rows(self.totals), COLUMNS)
        refresh_hours(connection, self._touched())

    def _touched(self) -> set[tuple[str, datetime]]:
        """Return the clusters and hours that changed."""
        changed = {(one, hour) for (one, hour, _, _), n in self.authors.items() if n}
        changed |= {(one, hour) for (one, hour, _), n in self.texts.items() if n}
        return changed | {(one, hour) for (one, hour, _), n in self.platforms.items() if n}


def _apply(
    connection: Connection, table: sa.Table, rows: Sequence[dict[str, Any]], add: Sequence[str]
) -> None:
    key = [column.name for column in table.primary_key]
    # one order of keys for all writers, so that two of them cannot wait for each other in a ring
    changed = sorted(
        (row for row in rows if any(row[name] for name in add)),
        key=lambda row: tuple(row[name] for name in key),
    )
    upsert(connection, table, changed, add=add)
    less = [{f"key_{name}": row[name] for name in key} for row in changed if row["n"] < 0]
    if less:
        matches = (table.c[name] == sa.bindparam(f"key_{name}") for name in key)
        connection.execute(sa.delete(table).where(table.c.n <= 0, *matches), less)


def merge_hours(connection: Connection, loser: str, survivor: str) -> None:
    """Add a cluster's rows to those of another and delete them."""
    shared = shared_counts(connection, loser, survivor)
    cache = tables.cluster_hour
    of_loser = cache.c.cluster_id == loser
    hours = list(connection.scalars(sa.select(cache.c.hour).where(of_loser)))
    for table, add in ((_author, AUTHOR_COUNTS), (_text, ("n",)), (_platform, ("n",))):
        _merge(connection, table, loser, survivor, add)
    _merge(connection, _fact, loser, survivor, ("n", "n_watch"))
    _merge(connection, _total, loser, survivor, COLUMNS)
    _apply(connection, _total, total_rows(shared), COLUMNS)
    refresh_hours(connection, [(one, hour) for hour in hours for one in (loser, survivor)])


def _merge(
    connection: Connection, table: sa.Table, loser: str, survivor: str, add: Sequence[str]
) -> None:
    names = [column.name for column in table.c]
    values = [
        sa.literal(survivor).label(name) if name == "cluster_id" else table.c[name]
        for name in names
    ]
    moved = sa.select(*values).where(table.c.cluster_id == loser)
    upsert_from(connection, table, names, moved, add=add)
    connection.execute(sa.delete(table).where(table.c.cluster_id == loser))


def refresh_brand_hours(connection: Connection, hours: Iterable[tuple[str, datetime]]) -> None:
    """Recount the cache of what a whole brand saw in these hours, from the members as they are."""
    by_brand: dict[str, list[datetime]] = {}
    for brand_id, hour in sorted(hours):
        by_brand.setdefault(brand_id, []).append(hour)
    cache = tables.brand_hour
    for brand_id, touched in by_brand.items():
        rows = recount_brand_hours(connection, brand_id, touched)
        upsert(connection, cache, rows)
        gone = sorted(set(touched) - {row["hour"] for row in rows})
        if gone:
            connection.execute(
                sa.delete(cache).where(cache.c.brand_id == brand_id, cache.c.hour.in_(gone))
            )


def recount_brand_hours(
    connection: Connection, brand_id: str, hours: Sequence[datetime] | None = None
) -> list[dict[str, Any]]:
    """Count what a brand saw in these hours (all when None), as rows of the cache."""
    at, author = _row.c.published_at, _row.c.author_key
    hour = hour_start(at)
    watch = sa.not_(_row.c.history)
    live = sa.and_(watch, _row.c.is_sure)
    query = (
        sa.select(
            sa.type_coerce(hour, Instant).label("hour"),
            sa.func.count().label("mentions"),
            sa.func.count(sa.distinct(author)).label("authors"),
            sa.func.count(sa.distinct(_row.c.text_key)).label("texts"),
            sa.func.count(sa.distinct(sa.case((live, author)))).label("live"),
            sa.func.count(sa.distinct(sa.case((watch, author)))).label("watch"),
        )
        .where(_row.c.brand_id == brand_id)
        .group_by(hour)
        .order_by(hour)
    )
    if hours is not None:
        spans = (sa.and_(at >= start, at < end) for start, end in _spans(hours))
        query = query.where(sa.or_(*spans))
    return [{"brand_id": brand_id, **row} for row in mappings(connection.execute(query))]


def _spans(hours: Sequence[datetime]) -> list[tuple[datetime, datetime]]:
    """Join hours that follow each other, given in order."""
    spans: list[tuple[datetime, datetime]] = []
    for hour in hours:
        end = hour + _HOUR
        if spans and spans[-1][1] == hour:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((hour, end))
    return spans
