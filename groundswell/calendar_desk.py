"""The calendar as people keep it: events listed, added, imported and removed, wherever it was done.

An event explains what is seen; nothing that is graded, told or timed depends on one.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from alerts.events import events_between
from classify.privacy import mask
from config.calendar_schema import EVENT_KINDS, FIRST_DAY, LAST_DAY, LONGEST_DAYS
from config.errors import ConfigError, GroundswellError
from config.schema import Project
from config.wording import did_you_mean
from groundswell.calendar_files import Row, read_events
from groundswell.clock import Clock
from storage.records import BrandId, CalendarEvent
from storage.store import Store, Transaction

NAME_LIMIT, NOTE_LIMIT = 100, 300  # characters: a line of a page each
_BAD_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class EventWish:
    """What somebody wants to see in the calendar. `brand` is an id or a name, "" all brands."""

    name: str
    starts: date
    ends: date | None = None
    kind: str = ""
    brand: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedEvents:
    """What became of a file: how many events were new, known, and which rows are wrong."""

    rows: int
    new: int
    known: int
    bad_rows: int
    bad: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDesk:
    """Keeps the calendar. Methods block: call them from a thread."""

    store: Store
    project: Project
    clock: Clock

    def today(self) -> date:
        """Return the day in the project's time zone."""
        return self.clock.now().astimezone(self.project.settings.zone).date()

    def listed(
        self, since: date | None = None, until: date | None = None, brand_id: str = ""
    ) -> tuple[CalendarEvent, ...]:
        """Return the events that touch these days, by default from today on for a year."""
        first = since or self.today()
        last = until or first + timedelta(days=365)
        with self.store.read() as queries:
            stored = queries.calendar_events(first, last)
        return events_between(self.project, stored, first, last, brand_id)

    def add(self, wish: EventWish, by: str) -> CalendarEvent:
        """Put an event into the calendar; asked for twice it is one.

        Errors: GroundswellError that names what is wrong with it.
        """
        now = self.clock.now()
        event = self._event(wish, by, now)
        with self.store.transaction() as tx:
            if tx.put_events([event]):
                tx.audit(by, "calendar_added", event.event_id, now, event.name)
        return event

    def bring(self, path: Path, by: str) -> ImportedEvents:
        """Import a CSV, XLSX or ICS file. What is in the calendar already stays one event.

        Errors: ConfigError when the file cannot be read at all, or holds no good event.
        """
        now, today = self.clock.now(), self.today()
        rows = read_events(path, self.project.settings.zone, today)
        bad = [row.problem for row in rows if row.problem]
        events: dict[str, CalendarEvent] = {}
        for row in rows:
            if row.problem:
                continue
            try:
                event = self._event(_wish(row), by, now, key=row.key)
            except GroundswellError as error:
                bad.append(f"{row.place}：{error}")
            else:
                events[event.event_id] = event
        if not events:
            said = "；".join(bad[:3])
            raise ConfigError(
                f"importing a calendar {path.name!r}: no event in it{': ' if said else ''}{said}"
            )
        with self.store.transaction() as tx:
            fresh = self._not_there(tx, list(events.values()))
            new = tx.put_events(fresh)
            tx.audit(by, "calendar_imported", path.name[:NAME_LIMIT], now, f"new={new}")
        return ImportedEvents(
            rows=len(rows),
            new=new,
            known=len(events) - new,
            bad_rows=len(bad),
            bad=tuple(bad[:_BAD_SHOWN]),
        )

    def remove(self, event_id: str, by: str) -> None:
        """Take an event out of the calendar.

        Errors: GroundswellError when there is none of this id that people added.
        """
        now = self.clock.now()
        with self.store.transaction() as tx:
            if not tx.remove_event(event_id):
                raise GroundswellError(self._not_ours(event_id))
            tx.audit(by, "calendar_removed", event_id, now, "")

    def _not_ours(self, event_id: str) -> str:
        own = {one.event_id for one in self.project.calendar.yearly}
        if event_id.rpartition("-")[0] in own or event_id in own:
            plain = event_id if event_id in own else event_id.rpartition("-")[0]
            return (
                f"{event_id!r} 是自带的事件，用配置去掉：calendar.without: [{plain}] "
                "(built-in: leave it out in the configuration)"
            )
        return (
            f"日历里没有可以删除的事件 {event_id!r}；用 groundswell calendar list 查编号 "
            f"(no event {event_id!r} that was added)"
        )

    def _not_there(self, tx: Transaction, events: Sequence[CalendarEvent]) -> list[CalendarEvent]:
        """Leave out what the program or the files say already, as a file exported before does."""
        first = min(one.starts for one in events)
        last = max(one.ends for one in events)
        stored = tx.queries.calendar_events(first, last)
        ids = {one.event_id for one in stored}
        there = {_said(one) for one in events_between(self.project, stored, first, last)}
        return [one for one in events if one.event_id in ids or _said(one) not in there]

    def _event(self, wish: EventWish, by: str, now: datetime, *, key: str = "") -> CalendarEvent:
        name = mask(" ".join(wish.name.split()))
        if not name or len(name) > NAME_LIMIT or not name.isprintable():
            raise GroundswellError(f"名称要有 1 到 {NAME_LIMIT} 个字 (expected a name)")
        kind = wish.kind.strip() or "其他"
        if kind not in EVENT_KINDS:
            raise GroundswellError(
                f"没有类型 {kind[:20]!r}，可选：{'、'.join(EVENT_KINDS)} (no such kind)"
            )
        ends = wish.ends or wish.starts
        if not FIRST_DAY <= wish.starts <= ends <= LAST_DAY:
            raise GroundswellError(f"从 {wish.starts} 到 {ends}：结束不能早于开始 (ends too early)")
        if (ends - wish.starts).days >= LONGEST_DAYS:
            raise GroundswellError(f"最长 {LONGEST_DAYS} 天 (too long)")
        event = CalendarEvent(
            event_id="",
            name=name,
            kind=kind,
            starts=wish.starts,
            ends=ends,
            brand_id=self._brand(wish.brand),
            note=mask(" ".join(wish.note.split()))[:NOTE_LIMIT],
            added_by=by,
            added_at=now,
        )
        return replace(event, event_id=_id_of(event, key))

    def _brand(self, said: str) -> BrandId:
        word = said.strip()
        if not word:
            return BrandId("")
        for brand in self.project.brands:
            if word in {brand.id, brand.name}:
                return BrandId(brand.id)
        known = [brand.name for brand in self.project.brands]
        raise GroundswellError(
            f"没有品牌 {word[:40]!r}{did_you_mean(word, known)}，现有：{'、'.join(known) or '-'}"
        )


def _wish(row: Row) -> EventWish:
    assert row.starts is not None  # else the row has a problem
    return EventWish(
        name=row.name,
        starts=row.starts,
        ends=row.ends,
        kind=row.kind,
        brand=row.brand,
        note=row.note,
    )


def _id_of(event: CalendarEvent, key: str) -> str:
    """Return an id that the same event always has; `key` is what a file knows it by."""
    said = key or f"{event.name}|{event.starts}|{event.brand_id}"
    digest = hashlib.blake2b(said.encode(errors="replace"), digest_size=5).digest()
    return f"e-{b32encode(digest).decode().lower()}"


def _said(event: CalendarEvent) -> tuple[str, date, date, str]:
    return event.name, event.starts, event.ends, event.brand_id
