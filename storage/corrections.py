"""People's corrections: kept for ever, and at once what the verdicts say.

In: what a person said of a mention. Out: rows of `correction` (append-only), the verdict that holds
now (model_version "person"; the model's own row stays beside it), the mention in or out of its
cluster with the counts that follow, and the clusters that must be graded again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from config.errors import StoreError
from storage import tables
from storage.columns import insert_new
from storage.corrected import (
    Said,
    corrected,
    is_outdated,
    is_withdrawn,
    slot_of,
    standing,
    word_of,
)
from storage.counters import lock_counter, share_counter, take_numbers
from storage.facts import write_facts
from storage.hours import Counts, refresh_brand_hours, stored_members
from storage.membership import drop_members, recount_clusters
from storage.passes import note_members
from storage.records import (
    PERSON,
    BrandId,
    ClusterId,
    Correction,
    Mention,
    ShardId,
    Verdict,
)
from storage.rows import columns_of, mappings, mention_of, verdict_of, verdict_row

_correction = tables.correction
_verdict = tables.verdict
_assigned = tables.mention_cluster
_waiting = tables.gather_queue


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """What came of corrections: as stored, the clusters to grade, how many mentions wait."""

    corrections: tuple[Correction, ...]
    clusters: tuple[ClusterId, ...]
    waiting: int


class Corrections:
    """Transaction part: what people say of verdicts."""

    connection: Connection

    def correct(self, said: Sequence[Correction], now: datetime) -> Corrected:
        """Store corrections and make them hold at once; their numbers and `was` are filled in.

        A later one of the same brand, kind and fact replaces an earlier one. A mention leaves its
        cluster when it no longer belongs there (with a row in the journal), waits to be gathered
        when it does now, and stays with its counts put right otherwise.
        Errors: StoreError when a mention is unknown; nothing is stored then.
        """
        # those who judge and gather share this counter, and wait for people, or people for them
        lock_counter(self.connection, "correction")
        ids = sorted({int(one.mention_id) for one in said})
        mentions = read_mentions(self.connection, ids)
        missing = sorted(set(ids) - set(mentions))
        if missing:
            raise StoreError(f"storing corrections: there is no mention {missing[0]}")
        stored = self._append(said, mentions)
        moved = self._settle(mentions, said[0].actor if said else "system", now)
        self._answered(stored)
        return replace(moved, corrections=stored)

    def shards_left_since(self, event_no: int) -> tuple[int, frozenset[ShardId]]:
        """Return the newest number of the journal, and the shards whose clusters people changed.

        Nobody corrects anything from here to the end of this transaction.
        """
        share_counter(self.connection, "correction")
        event, cluster = tables.cluster_event, tables.cluster
        newer = event.c.event_no > event_no
        newest: int | None = self.connection.scalar(sa.select(sa.func.max(event.c.event_no)))
        by_people = sa.and_(newer, event.c.actor != "system")
        query = (
            sa.select(cluster.c.shard_id)
            .join(event, event.c.cluster_id == cluster.c.cluster_id)
            .where(by_people)
            .distinct()
        )
        return newest or 0, frozenset(ShardId(one) for one in self.connection.scalars(query))

    def _append(
        self, said: Sequence[Correction], mentions: Mapping[int, Mention]
    ) -> tuple[Correction, ...]:
        before = current_verdicts(self.connection, sorted(mentions))
        numbers = take_numbers(self.connection, "correction", len(said))
        stored = []
        for one, number in zip(said, numbers, strict=True):
            verdict = before.get((int(one.mention_id), one.brand_id))
            numbered = replace(
                one,
                correction_no=number,
                was=word_of(verdict, one.kind, slot_of(one)[2]),
                revision=mentions[int(one.mention_id)].revision,
            )
            stored.append(numbered)
        if stored:
            rows = [{"mention_pk": one.mention_id} | columns_of(one, _correction) for one in stored]
            self.connection.execute(sa.insert(_correction), rows)
        return tuple(stored)

    def _settle(self, mentions: Mapping[int, Mention], actor: str, now: datetime) -> Corrected:
        """Bring verdicts, members and queue of these mentions to what holds now."""
        ids = sorted(mentions)
        held = _held(self.connection, mentions, _bases(self.connection, ids))
        is_one = _assigned.c.mention_pk.in_(ids)
        members = list(stored_members(self.connection, is_one))
        note_members(self.connection, members)
        counts = Counts()
        for row in members:
            counts.add(row["member"], -1)
        _write(self.connection, held, now)
        write_facts(self.connection, ids, [verdict for one in held for verdict in one.verdicts])
        wanted = {
            (int(verdict.mention_id), str(verdict.brand_id)): verdict
            for one in held
            for verdict in one.verdicts
            if verdict.is_gathered
        }
        gone = [row for row in members if (row["mention_pk"], row["brand_id"]) not in wanted]
        stay = [row for row in members if (row["mention_pk"], row["brand_id"]) in wanted]
        drop_members(self.connection, gone, actor, now)
        for row in stay:
            verdict = wanted.pop((row["mention_pk"], row["brand_id"]))
            self._keep_member(row, is_sure=verdict.polarity.value == "negative")
        for row in stored_members(self.connection, is_one):
            counts.add(row["member"])
        counts.write(self.connection)
        refresh_brand_hours(self.connection, counts.hours)
        recount_clusters(self.connection, sorted({row["cluster_id"] for row in gone}), anew=True)
        self.connection.execute(sa.delete(_waiting).where(_waiting.c.mention_pk.in_(ids)))
        queue = [
            {"shard_id": f"{verdict.brand_id}/{verdict.lang}", "mention_pk": mention_id}
            for (mention_id, _), verdict in sorted(wanted.items())
        ]
        insert_new(self.connection, _waiting, queue)
        touched = sorted({ClusterId(row["cluster_id"]) for row in members})
        return Corrected(corrections=(), clusters=tuple(touched), waiting=len(queue))

    def _keep_member(self, row: Mapping[Any, Any], *, is_sure: bool) -> None:
        if row["is_sure"] == is_sure:
            return
        self.connection.execute(
            sa.update(_assigned)
            .where(
                _assigned.c.mention_pk == row["mention_pk"],
                _assigned.c.brand_id == row["brand_id"],
            )
            .values(is_sure=is_sure)
        )

    def _answered(self, stored: Sequence[Correction]) -> None:
        """Tick what was answered off the review queue; what was taken back is asked again."""
        item = tables.review_item
        for one in stored:
            of_it = sa.and_(item.c.mention_pk == one.mention_id, item.c.brand_id == one.brand_id)
            state = "open" if is_withdrawn(one) else "answered"
            self.connection.execute(
                sa.update(item).where(of_it).values(state=state, actor=one.actor)
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What holds of one mention: what the model said, what is current, what people refused."""

    mention_id: int
    bases: tuple[Verdict, ...]
    verdicts: tuple[Verdict, ...]

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of `verdict` that people's word makes; refused ones are not current."""
        said = [one for one in self.verdicts if one.model_version == PERSON]
        kept = {one.brand_id for one in self.verdicts}
        refused = [
            replace(one, model_version=PERSON, base_version=one.model_version, corrected=("brand",))
            for one in self.bases
            if one.brand_id not in kept
        ]
        return [
            *(verdict_row(one) for one in said),
            *(verdict_row(one) | {"is_current": False} for one in refused),
        ]


def _held(
    connection: Connection, mentions: Mapping[int, Mention], bases: Mapping[int, Sequence[Verdict]]
) -> list[_Held]:
    said = standing_of(connection, mentions)
    held = []
    for mention_id, mention in sorted(mentions.items()):
        own = tuple(bases.get(mention_id, ()))
        verdicts = corrected(mention, own, said.get(mention_id, {}))
        held.append(
            _Held(
                mention_id=mention_id,
                bases=own,
                verdicts=tuple(verdict for _, verdict in sorted(verdicts.items())),
            )
        )
    return held


def _write(connection: Connection, held: Sequence[_Held], now: datetime) -> None:
    ids = [one.mention_id for one in held]
    of_these = _verdict.c.mention_pk.in_(ids)
    connection.execute(sa.delete(_verdict).where(of_these, _verdict.c.model_version == PERSON))
    connection.execute(
        sa.update(_verdict).where(of_these, _verdict.c.is_current).values(is_current=False)
    )
    _write_people(connection, held, now)
    for one in held:
        for verdict in one.verdicts:
            if verdict.model_version != PERSON:
                connection.execute(
                    sa.update(_verdict)
                    .where(
                        _verdict.c.mention_pk == one.mention_id,
                        _verdict.c.brand_id == verdict.brand_id,
                        _verdict.c.model_version == verdict.model_version,
                    )
                    .values(is_current=True)
                )


def _write_people(connection: Connection, held: Sequence[_Held], now: datetime) -> None:
    rows = [row | {"at": now} for one in held for row in one.rows()]
    if rows:
        connection.execute(sa.insert(_verdict), rows)


def with_corrections(
    connection: Connection, ids: Sequence[int], verdicts: Sequence[Verdict], now: datetime
) -> tuple[list[dict[str, Any]], list[Verdict]]:
    """Return the rows to write for mentions that were judged anew, and the verdicts that hold.

    A person's word outlives another judgement, not another text. The rows of what people said
    before must be gone already.
    """
    rows = [verdict_row(one) | {"at": now} for one in verdicts]
    is_said = sa.select(_correction.c.mention_pk).where(_correction.c.mention_pk.in_(ids))
    spoken = sorted(set(connection.scalars(is_said)))
    if not spoken:
        return rows, list(verdicts)
    mentions = read_mentions(connection, spoken)
    bases: dict[int, list[Verdict]] = {}
    for verdict in verdicts:
        bases.setdefault(int(verdict.mention_id), []).append(verdict)
    held = _held(connection, mentions, bases)
    kept = [one for one in verdicts if int(one.mention_id) not in mentions]
    now_held = [verdict for one in held for verdict in one.verdicts]
    current = {
        (int(one.mention_id), one.brand_id)
        for one in (*kept, *now_held)
        if one.model_version != PERSON
    }
    rows = [row | {"is_current": (row["mention_pk"], row["brand_id"]) in current} for row in rows]
    rows += [row | {"at": now} for one in held for row in one.rows()]
    return rows, kept + now_held


def read_mentions(connection: Connection, ids: Sequence[int]) -> dict[int, Mention]:
    """Return mentions by id; unknown ones are missing."""
    query = sa.select(tables.mention).where(tables.mention.c.mention_pk.in_(list(ids)))
    return {row["mention_pk"]: mention_of(row) for row in mappings(connection.execute(query))}


def read_words(
    connection: Connection, ids: Sequence[int]
) -> list[tuple[Mention, Sequence[Verdict], Said]]:
    """Return mentions with what the model says of them and what people hold."""
    mentions = read_mentions(connection, ids)
    bases, said = _bases(connection, ids), standing_of(connection, mentions)
    return [
        (mention, bases.get(mention_id, ()), said.get(mention_id, {}))
        for mention_id, mention in sorted(mentions.items())
    ]


def standing_of(connection: Connection, mentions: Mapping[int, Mention]) -> dict[int, Said]:
    """Return what stands and is said of the text as it is, by mention and slot."""
    return {
        mention_id: {
            slot: one
            for slot, one in standing(said).items()
            if not is_outdated(one, mentions[mention_id].revision)
        }
        for mention_id, said in corrections_on(connection, sorted(mentions)).items()
    }


def corrections_on(connection: Connection, ids: Sequence[int]) -> dict[int, list[Correction]]:
    """Return every correction of these mentions, oldest first."""
    query = (
        sa.select(_correction)
        .where(_correction.c.mention_pk.in_(list(ids)))
        .order_by(_correction.c.correction_no)
    )
    found: dict[int, list[Correction]] = {}
    for row in mappings(connection.execute(query)):
        found.setdefault(row["mention_pk"], []).append(correction_of(row))
    return found


def correction_of(row: Mapping[Any, Any]) -> Correction:
    """Read a row of `correction`."""
    names = (name for name in Correction.__dataclass_fields__ if name != "mention_id")
    return Correction(mention_id=row["mention_pk"], **{name: row[name] for name in names})


def current_verdicts(
    connection: Connection, ids: Sequence[int]
) -> dict[tuple[int, BrandId], Verdict]:
    """Return the verdicts that hold, by mention and brand."""
    query = sa.select(_verdict).where(_verdict.c.mention_pk.in_(list(ids)), _verdict.c.is_current)
    rows = mappings(connection.execute(query))
    return {(row["mention_pk"], BrandId(row["brand_id"])): verdict_of(row) for row in rows}


def _bases(connection: Connection, ids: Sequence[int]) -> dict[int, list[Verdict]]:
    """Return what the model last said of each mention, one verdict per brand.

    Where people spoke before, their row names the version; else it is the current one.
    """
    query = sa.select(_verdict).where(_verdict.c.mention_pk.in_(list(ids)))
    rows = mappings(connection.execute(query.order_by(_verdict.c.brand_id)))
    by_key = {(row["mention_pk"], row["brand_id"], row["model_version"]): row for row in rows}
    bases: dict[int, list[Verdict]] = {}
    for (mention_id, brand_id, version), row in by_key.items():
        if version == PERSON:
            said_of = verdict_of(row).base_version
            base = by_key.get((mention_id, brand_id, said_of))
        else:
            has_word = (mention_id, brand_id, PERSON) in by_key
            base = row if row["is_current"] and not has_word else None
        if base is not None:
            bases.setdefault(mention_id, []).append(verdict_of(base))
    return bases
