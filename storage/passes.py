"""Rounds of grading, and what members were before somebody changed them: what can be rehearsed.

In: a Pass per transaction in which clusters were graded or a person acted, and, before members
change or leave, their rows. Out: the same in the order in which it happened. Members that a gather
added need no row: their own numbers say when they came.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.codec import encode
from storage.counters import lock_counter, take_numbers
from storage.records import Json, Pass
from storage.rows import Row, columns_of, mappings

_pass = tables.grading_pass
_was = tables.member_was
_saved = tables.rehearsal
_fact = tables.mention_fact
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)

_PLAIN = ("cluster_id", "shard_id", "seq", "author_key", "text_key", "is_sure", "history")
_OF_MEMBER = ("is_public", "reposts", "views")
# What a change of counters may touch; everything else of a member stays then.
SPREAD = (*_OF_MEMBER, "facts")

Content = dict[str, Any]  # one member as it was; see content_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What members of one brand were before one change.

    `members`: by mention, all of it or what differs. `loser`: the cluster that was merged away
    just then, with `moved` (its members) and `aliases` (what had been merged into it);
    `aliased`: what clusters pointed at before.
    """

    pass_no: int
    brand_id: str = ""
    members: Mapping[int, Content]
    loser: str = ""
    moved: tuple[int, ...] = ()
    aliased: Mapping[str, str | None]


class Passes:
    """Transaction part: rounds as they happen."""

    connection: Connection

    def lock_passes(self) -> None:
        """Hold the order of rounds until this transaction ends: before incidents are written.

        Always before them: two who take both in another order would wait for each other.
        """
        lock_counter(self.connection, "pass")

    def note_pass(self, one: Pass) -> Pass:
        """Write a round down behind all that were committed before; return it with its number."""
        [number] = take_numbers(self.connection, "pass", 1)
        numbered = replace(one, pass_no=number)
        row = columns_of(numbered, _pass) | {"data": encode(numbered.data)}
        self.connection.execute(sa.insert(_pass), [row])
        return numbered

    def journal_end(self) -> int:
        """Return the newest number of the journal of clusters."""
        return lock_counter(self.connection, "cluster_event")

    def pending(self) -> Json:
        """Return what waits now: timers, and the last numbers of both logs."""
        timer = tables.timer
        names = ("incident_id", "epoch", "kind", "step", "due_at")
        query = (
            sa.select(*(timer.c[name] for name in names))
            .where(timer.c.status == "pending")
            .order_by(timer.c.incident_id, timer.c.epoch, timer.c.kind, timer.c.step)
        )
        return {
            "timers": [
                [*own, (due_at - _EPOCH) // _US] for *own, due_at in self.connection.execute(query)
            ],
            "event_no": lock_counter(self.connection, "incident_event"),
            "journal": self.journal_end(),
        }

    def drop_passes(self, before: datetime) -> int:
        """Delete rounds, and what changed between them, that are older; return how many rounds."""
        query = sa.select(sa.func.min(_pass.c.pass_no)).where(_pass.c.at >= before)
        first = self.connection.scalar(query)
        if first is None:
            return 0
        self.connection.execute(sa.delete(_was).where(_was.c.pass_no < first))
        gone = self.connection.execute(sa.delete(_pass).where(_pass.c.pass_no < first))
        return gone.rowcount

    def save_rehearsal(self, rehearsal_id: str, at: datetime, by: str, document: Json) -> None:
        """Keep the result of a rehearsal."""
        row = {"rehearsal_id": rehearsal_id, "at": at, "by": by, "document": dict(document)}
        self.connection.execute(sa.insert(_saved), [row])

    def drop_rehearsals(self, keep: int) -> None:
        """Delete all results but the newest."""
        newest = sa.select(_saved.c.rehearsal_id).order_by(_saved.c.at.desc()).limit(keep)
        held = list(self.connection.scalars(newest))
        self.connection.execute(sa.delete(_saved).where(_saved.c.rehearsal_id.not_in(held)))


class PassQueries:
    """Queries part: rounds as they were."""

    connection: Connection

    def passes(self, since: int) -> list[Pass]:
        """Return the rounds from a number on, in their order."""
        query = sa.select(_pass).where(_pass.c.pass_no >= since).order_by(_pass.c.pass_no)
        return [Pass(**row) for row in mappings(self.connection.execute(query))]

    def members_before(self, since: int) -> list[Before]:
        """Return what members were before each change from a number on, in their order."""
        query = sa.select(_was).where(_was.c.pass_no >= since).order_by(_was.c.pass_no)
        return [before_of(row) for row in mappings(self.connection.execute(query))]

    def checkpoint(self, at: datetime) -> Pass | None:
        """Return the last checkpoint up to an instant, else the first after it; None without."""
        of_kind = sa.select(_pass).where(_pass.c.kind == "checkpoint").limit(1)
        for query in (
            of_kind.where(_pass.c.at <= at).order_by(_pass.c.pass_no.desc()),
            of_kind.where(_pass.c.at > at).order_by(_pass.c.pass_no),
        ):
            rows = mappings(self.connection.execute(query))
            if rows:
                return Pass(**rows[0])
        return None

    def checkpointed_since(self, at: datetime) -> bool:
        """Say whether a checkpoint was written from an instant on."""
        query = sa.select(_pass.c.pass_no).where(_pass.c.kind == "checkpoint", _pass.c.at >= at)
        return self.connection.scalar(query.limit(1)) is not None

    def rehearsals(self, limit: int = 20) -> list[tuple[str, datetime, str, Json]]:
        """Return saved results, the newest first: id, when, by whom, the document."""
        query = sa.select(_saved).order_by(_saved.c.at.desc(), _saved.c.rehearsal_id).limit(limit)
        return [
            (row["rehearsal_id"], row["at"], row["by"], row["document"])
            for row in mappings(self.connection.execute(query))
        ]


# --- what members were ---------------------------------------------------------------------------


def content_of(row: Row, facts: Iterable[Sequence[str]] = ()) -> Content:
    """Return a member as JSON can hold it, from a row of `hours.stored_members`.

    `facts`: what its mention states for batches, (kind, value) each.
    """
    member = row["member"]
    return {
        **{name: row[name] for name in _PLAIN},
        **{name: getattr(member, name) for name in _OF_MEMBER},
        "published_at": (row["published_at"] - _EPOCH) // _US,
        "duplicate_of": row["duplicate_of"],
        "negative": row["negative"],
        "facts": [list(one) for one in member.facts],
        "batch": [list(one) for one in facts],
    }


def note_members(connection: Connection, rows: Sequence[Row]) -> None:
    """Remember whole members, rows of `hours.stored_members`, before they change or leave."""
    by_brand: dict[str, list[Row]] = {}
    for row in rows:
        by_brand.setdefault(row["brand_id"], []).append(row)
    for brand_id, members in sorted(by_brand.items()):
        facts = _facts_of(connection, brand_id, [row["mention_pk"] for row in members])
        contents = {
            str(row["mention_pk"]): content_of(row, facts.get(row["mention_pk"], ()))
            for row in members
        }
        _note(connection, {"brand": brand_id, "members": contents})


def note_differences(
    connection: Connection, before: Iterable[Row], after: Mapping[tuple[int, str], Row]
) -> None:
    """Remember what of the public life of members differs: counters, and where they were said."""
    by_brand: dict[str, dict[str, Content]] = {}
    for row in before:
        then = content_of(row)
        now = content_of(after[row["mention_pk"], row["brand_id"]])
        less = {name: then[name] for name in SPREAD if then[name] != now[name]}
        if less:
            by_brand.setdefault(row["brand_id"], {})[str(row["mention_pk"])] = less
    for brand_id, members in sorted(by_brand.items()):
        _note(connection, {"brand": brand_id, "members": members})


def note_absorbed(
    connection: Connection,
    brand_id: str,
    loser: str,
    mention_ids: Iterable[int],
    aliases: Iterable[str],
) -> None:
    """Remember who was in a cluster that is about to be merged into another."""
    aliased = {loser: None} | dict.fromkeys(aliases, loser)
    moved = {"loser": loser, "moved": sorted(mention_ids)}
    _note(connection, {"brand": brand_id, **moved, "aliased": aliased})


def note_aliases(connection: Connection, aliased: Mapping[str, str | None]) -> None:
    """Remember what clusters pointed at before they stand by themselves again."""
    if aliased:
        _note(connection, {"aliased": dict(aliased)})


def _note(connection: Connection, data: Json) -> None:
    [number] = take_numbers(connection, "pass", 1)
    connection.execute(sa.insert(_was), [{"pass_no": number, "data": data}])


def before_of(row: Row) -> Before:
    """Read a row of `member_was`."""
    data = row["data"]
    return Before(
        pass_no=row["pass_no"],
        brand_id=data.get("brand", ""),
        members={int(one): content for one, content in data.get("members", {}).items()},
        loser=data.get("loser", ""),
        moved=tuple(data.get("moved", ())),
        aliased=data.get("aliased", {}),
    )


def instant_of(microseconds: int) -> datetime:
    """Return the instant that a content holds."""
    return _EPOCH + timedelta(microseconds=microseconds)


def _facts_of(
    connection: Connection, brand_id: str, mention_ids: Sequence[int]
) -> dict[int, list[tuple[str, str]]]:
    found: dict[int, list[tuple[str, str]]] = {}
    for start in range(0, len(mention_ids), 500):  # values in one IN list
        query = (
            sa.select(_fact.c.mention_pk, _fact.c.kind, _fact.c.value)
            .where(
                _fact.c.brand_id == brand_id,
                _fact.c.mention_pk.in_(list(mention_ids[start : start + 500])),
            )
            .order_by(_fact.c.mention_pk, _fact.c.kind, _fact.c.value)
        )
        for mention_pk, kind, value in connection.execute(query):
            found.setdefault(mention_pk, []).append((kind, value))
    return found
