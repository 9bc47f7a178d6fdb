"""Raw mentions to mentions: each item once, whoever found it, with what it said before.

In: RawMention (masked already). Out: rows of mention_key, mention, sighting, revision, figure, and
the queue of what is to be understood.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.authors import see_authors
from storage.columns import insert_new, storable, upsert
from storage.counters import lock_counter, move_counter
from storage.hours import spread_anew
from storage.identity import author_key, item_key, text_hash, url_key
from storage.instants import hour_of, month_of
from storage.records import ItemKey, MentionId, Outcome, RawMention, SourceId
from storage.rows import mappings

_mention = tables.mention
_sighting = tables.sighting

_MAX_RAWS = 500  # bounds memory and the time a write holds the database
_SPREAD = ("reposts", "comments", "likes", "views")  # only ever seen to grow; the highest counts
_PLACE = ("channel", "platform", "tier")
_COPIED = (
    *("source_id", "platform", "author", "lang", "region", "channel", "tier", "url"),
    *("history", "parent_url"),
)


@dataclass(slots=True)
class _Item:
    """One item while a call looks at it: what stands in the database, or will."""

    mention_id: int
    month: int
    title: str
    text: str
    revision: int
    figures: dict[str, Any]
    said: dict[str, int]  # source -> hash of what it last said
    place: dict[str, str]  # channel, platform and tier
    gone_at: datetime | None = None
    row: dict[str, Any] | None = None  # set for an item that is new
    replaced: list[dict[str, Any]] = field(default_factory=list)
    has_changed: bool = False  # figures, place or gone_at
    curve: list[dict[str, Any]] = field(default_factory=list)  # rows of figure
    sightings: dict[str, dict[str, Any]] = field(default_factory=dict)


class Intake:
    """Transaction part: intake of mentions and the counts of what left the journey."""

    connection: Connection

    def keep(
        self, raws: Sequence[RawMention], now: datetime, *, reread: bool = False
    ) -> list[tuple[Outcome, MentionId]]:
        """Store what is new or changed; answer per raw, in order.

        A source that repeats what it said before is a DUPLICATE, and so is a second source that
        shows less of the item than is known. Other texts are a REVISED mention, understood again.
        Figures of spread are raised silently; with `reread` they also become a point of the
        mention's curve, and a mention that was thought gone is there again.
        """
        answers: list[tuple[Outcome, MentionId]] = []
        for start in range(0, len(raws), _MAX_RAWS):
            answers += self._keep_some(raws[start : start + _MAX_RAWS], now, reread=reread)
        return answers

    def mark_gone(self, url: str, now: datetime, *, item_key: str = "") -> MentionId | None:
        """Note that a mention's page was found deleted; return the mention, None when unknown.

        `item_key` names the mention when the caller knows it (a link's `listed` does), else the
        canonical `url`. Nothing of it is dropped or recounted; the first instant stays.
        """
        key, wanted = tables.mention_key, item_key or url_key(url)
        query = sa.select(key.c.mention_pk, key.c.month).where(key.c.item_key == wanted)
        row = self._run(query).mappings().one_or_none()
        if row is None:
            return None
        is_it = sa.and_(
            _mention.c.month == row["month"], _mention.c.mention_pk == row["mention_pk"]
        )
        fresh = sa.update(_mention).where(is_it, _mention.c.gone_at.is_(None))
        self.connection.execute(fresh.values(gone_at=now))
        return MentionId(row["mention_pk"])

    def count(self, outcomes: Mapping[tuple[str, SourceId, str], int], now: datetime) -> None:
        """Add to the counts of (stage, source, outcome) in the UTC hour of `now`."""
        hour = hour_of(now)
        rows = [
            {"hour": hour, "stage": stage, "source_id": source, "outcome": outcome, "n": n}
            for (stage, source, outcome), n in sorted(outcomes.items())
            if n
        ]
        upsert(self.connection, tables.outcome_count, rows, add=["n"])

    def _keep_some(
        self, raws: Sequence[RawMention], now: datetime, *, reread: bool
    ) -> list[tuple[Outcome, MentionId]]:
        # the counter first: it makes two writers of the same item wait for each other
        last = lock_counter(self.connection, "mention")
        keys = [item_key(raw) for raw in raws]
        items = self._known(set(keys))
        answers = []
        for key, raw in zip(keys, raws, strict=True):
            title, text = storable(raw.title), storable(raw.text)
            if key not in items:
                last += 1
                items[key] = _new_item(last, key, raw, title, text)
                outcome = Outcome.KEPT
            else:
                if reread:
                    _read_again(items[key], raw, now)
                outcome = _compare(items[key], raw, title, text, now)
            answers.append((outcome, MentionId(items[key].mention_id)))
            _sight(items[key], raw, text_hash(title, text), now)
        self._write(items)
        move_counter(self.connection, "mention", last)
        return answers

    def _known(self, keys: set[ItemKey]) -> dict[ItemKey, _Item]:
        key = tables.mention_key
        columns = [_mention.c[name] for name in (*_COMPARED, "mention_pk", "month", "item_key")]
        query = (
            sa.select(*columns)
            .join(
                key,
                sa.and_(key.c.month == _mention.c.month, key.c.mention_pk == _mention.c.mention_pk),
            )
            .where(key.c.item_key.in_(sorted(keys)))
        )
        found = {row["item_key"]: _stored_item(row) for row in mappings(self._run(query))}
        by_id = {item.mention_id: item for item in found.values()}
        if by_id:
            seen = sa.select(_sighting).where(_sighting.c.mention_pk.in_(sorted(by_id)))
            for row in mappings(self._run(seen)):
                by_id[row["mention_pk"]].said[row["source_id"]] = row["text_hash"]
        return found

    def _write(self, items: Mapping[ItemKey, _Item]) -> None:
        run = self.connection.execute
        new = [item.row for item in items.values() if item.row is not None]
        if new:
            names = ("item_key", "mention_pk", "month")
            run(sa.insert(tables.mention_key), [{n: row[n] for n in names} for row in new])
            run(sa.insert(_mention), new)
            see_authors(
                self.connection,
                [(author_key(row["platform"], row["author"]), row["published_at"]) for row in new],
            )
        replaced = [row for item in items.values() for row in item.replaced]
        if replaced:
            run(sa.insert(tables.revision), replaced)
        changed = [
            _change_of(item)
            for item in items.values()
            if item.row is None and (item.replaced or item.has_changed)
        ]
        if changed:
            with spread_anew(self.connection, [one["key_pk"] for one in changed]):
                run(_UPDATE, changed)
        insert_new(self.connection, tables.figure, [row for i in items.values() for row in i.curve])
        sightings = [row for item in items.values() for row in item.sightings.values()]
        upsert(self.connection, _sighting, sightings)
        waiting = [i.mention_id for i in items.values() if i.row is not None or i.replaced]
        queue = [{"mention_pk": mention_id} for mention_id in waiting]
        insert_new(self.connection, tables.mention_queue, queue)

    def _run(self, query: sa.Select[Any]) -> sa.CursorResult[Any]:
        return self.connection.execute(query)


_COMPARED = (
    *("title", "text", "revision", "gone_at"),
    *_PLACE,
    *(*_SPREAD, "rating"),
)
_UPDATED = _COMPARED
_UPDATE = (
    sa.update(_mention)
    .where(
        _mention.c.month == sa.bindparam("key_month"),
        _mention.c.mention_pk == sa.bindparam("key_pk"),
    )
    .values({name: sa.bindparam(f"new_{name}") for name in _UPDATED})
)


def _new_item(mention_id: int, key: ItemKey, raw: RawMention, title: str, text: str) -> _Item:
    published = raw.published_at or raw.observed_at
    figures = {name: getattr(raw, name) for name in (*_SPREAD, "rating")}
    item = _Item(
        mention_id=mention_id,
        month=month_of(published),
        title=title,
        text=text,
        revision=0,
        figures=figures,
        said={},
        place={name: getattr(raw, name) for name in _PLACE},
    )
    item.row = {
        "mention_pk": mention_id,
        "month": item.month,
        "item_key": key,
        "title": title,
        "text": text,
        "published_at": published,
        "observed_at": raw.observed_at,
        "revision": 0,
        "gone_at": None,
        **{name: getattr(raw, name) for name in _COPIED},
        **figures,
    }
    return item


def _stored_item(row: sa.RowMapping) -> _Item:
    return _Item(
        mention_id=row["mention_pk"],
        month=row["month"],
        title=row["title"],
        text=row["text"],
        revision=row["revision"],
        figures={name: row[name] for name in (*_SPREAD, "rating")},
        said={},
        place={name: row[name] for name in _PLACE},
        gone_at=row["gone_at"],
    )


def _compare(item: _Item, raw: RawMention, title: str, text: str, now: datetime) -> Outcome:
    """Take what is new of an item seen before; say whether it changed."""
    _raise_figures(item, raw)
    if item.place["channel"] == "internal" and raw.channel != "internal":
        _publish(item, raw)
    if not _is_news(item, raw, title, text):
        return Outcome.DUPLICATE
    item.replaced.append(
        {
            "mention_pk": item.mention_id,
            "revision": item.revision,
            "title": item.title,
            "text": item.text,
            "replaced_at": now,
        }
    )
    item.title, item.text, item.revision = title, text, item.revision + 1
    if item.row is not None:
        item.row |= {"title": title, "text": text, "revision": item.revision}
    return Outcome.REVISED


def _publish(item: _Item, raw: RawMention) -> None:
    """Take an item that customer service knew of as what it is: said in public."""
    item.place = {name: getattr(raw, name) for name in _PLACE}
    item.has_changed = True
    if item.row is not None:
        item.row |= item.place


def _is_news(item: _Item, raw: RawMention, title: str, text: str) -> bool:
    if (title, text) == (item.title, item.text):
        return False
    said = item.said.get(raw.source_id)
    if said is not None:
        return said != text_hash(title, text)
    # A feed's summary of a page that is known whole says nothing new, and what shares little with
    # what is known does not complete it: else anybody who names a URL could rewrite its mention.
    whole, known = title + text, item.title + item.text
    return len(whole) >= len(known) and _holds_most(whole, known)


def _holds_most(text: str, part: str) -> bool:
    """Say whether half of the runs of four characters of `part` stand in `text`."""
    runs = {part[at : at + 4] for at in range(max(len(part) - 3, 1))}
    return 2 * sum(run in text for run in runs) >= len(runs)


def _raise_figures(item: _Item, raw: RawMention) -> None:
    figures = dict(item.figures)
    for name in _SPREAD:
        new, old = getattr(raw, name), figures[name]
        if new is not None and (old is None or new > old):
            figures[name] = new
    if raw.rating is not None:
        figures["rating"] = raw.rating
    if figures != item.figures:
        item.figures = figures
        item.has_changed = True
        if item.row is not None:
            item.row |= figures


def _read_again(item: _Item, raw: RawMention, now: datetime) -> None:
    """Take a mention that was read again: what its counters are now, and that it is there."""
    read = {name: getattr(raw, name) for name in _SPREAD}
    if any(value is not None for value in read.values()):
        item.curve.append({"mention_pk": item.mention_id, "at": now} | read)
    if item.gone_at is not None:
        item.gone_at, item.has_changed = None, True


def _sight(item: _Item, raw: RawMention, said: int, now: datetime) -> None:
    if item.said.get(raw.source_id) == said:
        return
    item.said[raw.source_id] = said
    item.sightings[raw.source_id] = {
        "mention_pk": item.mention_id,
        "source_id": raw.source_id,
        "text_hash": said,
        "at": now,
    }


def _change_of(item: _Item) -> dict[str, Any]:
    values: dict[str, Any] = {"key_month": item.month, "key_pk": item.mention_id}
    values |= {"new_title": item.title, "new_text": item.text, "new_revision": item.revision}
    values |= {"new_gone_at": item.gone_at}
    values |= {f"new_{name}": value for name, value in item.place.items()}
    return values | {f"new_{name}": value for name, value in item.figures.items()}


def revisions(connection: Connection, mention_id: int) -> Iterator[tuple[int, str, str, datetime]]:
    """Give the replaced texts of a mention: revision, title, text, when it was replaced."""
    table = tables.revision
    query = (
        sa.select(table.c.revision, table.c.title, table.c.text, table.c.replaced_at)
        .where(table.c.mention_pk == mention_id)
        .order_by(table.c.revision)
    )
    for row in connection.execute(query):
        yield row[0], row[1], row[2], row[3]
