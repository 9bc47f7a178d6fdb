"""What is read of people's corrections: their list, and labels to learn from.

In: a kind. Out: what people hold to be true, each with the text they judged; the newest word of a
mention, brand and kind counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from config.errors import StoreError
from storage import tables
from storage.corrected import KINDS, kept_words, standing
from storage.corrections import correction_of, corrections_on, read_mentions
from storage.records import Correction, Mention, MentionId, TrainingLabel
from storage.rows import mappings

_correction = tables.correction


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelConflict:
    """People who say different things of the same: the newest word of each, oldest first."""

    mention_id: MentionId
    words: tuple[Correction, ...]


class LabelQueries:
    """Queries part: corrections."""

    connection: Connection

    def corrections(
        self,
        *,
        limit: int = 200,
        since: datetime | None = None,
        actor: str | None = None,
        brand_id: str | None = None,
        kind: str | None = None,
    ) -> list[Correction]:
        """Return corrections, newest first."""
        query = sa.select(_correction).order_by(_correction.c.correction_no.desc()).limit(limit)
        if since is not None:
            query = query.where(_correction.c.at >= since)
        wanted = {"actor": actor, "brand_id": brand_id, "kind": kind}
        for name, value in wanted.items():
            if value is not None:
                query = query.where(_correction.c[name] == value)
        return [correction_of(row) for row in mappings(self.connection.execute(query))]

    def correction(self, correction_no: int) -> Correction | None:
        """Return one correction by its number."""
        query = sa.select(_correction).where(_correction.c.correction_no == correction_no)
        row = self.connection.execute(query).mappings().one_or_none()
        return None if row is None else correction_of(row)

    def mention_corrections(self, mention_id: int) -> list[Correction]:
        """Return everything that people said of one mention, oldest first."""
        return corrections_on(self.connection, [mention_id]).get(mention_id, [])

    def training_labels(self, kind: str) -> list[TrainingLabel]:
        """Return what people hold to be true of a kind, oldest first.

        `kind`: "polarity", "issue", "brand", "noise" or "severity". `mention` has the text they
        judged, also when it was edited since. What people said of a brand that the mention is not
        about, in their own words, teaches nothing about that brand and is left out.
        """
        found = []
        for mention_id, said in _by_mention(self._said(kind)):
            held = standing(said)
            refused = {
                one.brand_id
                for one in held.values()
                if kind != "brand" and one.kind == "brand" and one.value != one.brand_id
            }
            found += [
                (mention_id, one)
                for one in held.values()
                if one.kind == kind and one.brand_id not in refused
            ]
        texts = self._judged_texts([one for _, one in found])
        found.sort(key=lambda pair: pair[1].correction_no)
        return [
            TrainingLabel(
                mention=texts[one.correction_no],
                brand_id=one.brand_id,
                value=one.value,
                at=one.at,
                actor=one.actor,
            )
            for _, one in found
        ]

    def label_conflicts(self, kind: str | None = None) -> list[LabelConflict]:
        """Return where people's newest words differ, by mention; all kinds when None."""
        conflicts = []
        for mention_id, said in _by_mention(self._said(kind)):
            for words in kept_words(said).values():
                newest = {one.actor: one for one in words if kind in {None, one.kind}}
                if len({one.value for one in newest.values()}) > 1:
                    ordered = sorted(newest.values(), key=lambda one: one.correction_no)
                    conflicts.append(
                        LabelConflict(mention_id=MentionId(mention_id), words=tuple(ordered))
                    )
        return conflicts

    def mention_texts(self) -> Iterator[tuple[int, str, str]]:
        """Give id, address and text of every mention; one pass over all of them."""
        table = tables.mention
        query = sa.select(table.c.mention_pk, table.c.url, table.c.text)
        for row in self.connection.execute(query.execution_options(yield_per=1000)):
            yield row[0], row[1], row[2]

    def _said(self, kind: str | None) -> Sequence[Correction]:
        """Return all corrections of a kind, and of brands, in the order of mention and number."""
        if kind is not None and kind not in KINDS:
            raise StoreError(f"reading labels of kind {kind!r}: expected one of {', '.join(KINDS)}")
        query = sa.select(_correction)
        if kind is not None:
            query = query.where(_correction.c.kind.in_({kind, "brand"}))
        query = query.order_by(_correction.c.mention_pk, _correction.c.correction_no)
        return [correction_of(row) for row in mappings(self.connection.execute(query))]

    def _judged_texts(self, said: Sequence[Correction]) -> dict[int, Mention]:
        """Return by number of correction the mention with the text that was judged."""
        ids = sorted({int(one.mention_id) for one in said})
        mentions: dict[int, Mention] = {}
        before: dict[tuple[int, int], Any] = {}
        old = tables.revision
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            mentions |= read_mentions(self.connection, some)
            query = sa.select(old).where(old.c.mention_pk.in_(some))
            rows = mappings(self.connection.execute(query))
            before |= {(row["mention_pk"], row["revision"]): row for row in rows}
        texts = {}
        for one in said:
            mention = mentions[int(one.mention_id)]
            old_text = before.get((int(one.mention_id), one.revision))
            if old_text is not None:
                mention = replace(
                    mention,
                    title=old_text["title"],
                    text=old_text["text"],
                    revision=one.revision,
                )
            texts[one.correction_no] = mention
        return texts


_AT_ONCE = 500  # ids in one IN: SQLite binds 32,766 at most, and a plan stays readable


def _by_mention(said: Sequence[Correction]) -> Iterator[tuple[int, list[Correction]]]:
    found: dict[int, list[Correction]] = {}
    for one in said:
        found.setdefault(int(one.mention_id), []).append(one)
    yield from found.items()
