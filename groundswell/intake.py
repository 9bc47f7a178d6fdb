"""Taking a file in: kept, carried through, counted; or replayed in its own time for a look."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from config.errors import ConfigError
from groundswell import wiring
from groundswell.clock import RealClock
from groundswell.columns import Proposal, Wishes
from groundswell.columns_names import preset_named
from groundswell.doors import KeepEach, checked_name
from groundswell.importing import Opened, Reading, Rejected, opened, table
from groundswell.importing_values import CHANNELS
from groundswell.scheduler import ENGINE_LEASE
from groundswell.vault import CLOSED
from groundswell.wiring import Application
from storage.records import ColumnMapping, Outcome, RawMention
from storage.store import Store

if TYPE_CHECKING:
    from rich.progress import Progress

_BATCH = 500  # rows a transaction: bulk inserts stop gaining beyond (platform.md 4)
_LEASE_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to import and how. What is None is taken from the mapping of the columns, if it says.

    `mapping` names a saved mapping or a layout, `save_as` saves the one that is used.
    """

    path: Path
    source: str | None = None
    history: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)
    tz: str | None = None
    channel: str | None = None
    sheet: str = ""
    mapping: str = ""
    save_as: str = ""

    def reading(self, now: datetime, proposal: Proposal | None = None) -> Reading:
        """Return how the file is read at this instant."""
        tz = self.tz or (proposal and proposal.tz) or "Asia/Shanghai"
        channel = self.channel or (proposal and proposal.channel) or "public"
        if channel not in CHANNELS:
            raise ConfigError(f"--channel {channel!r}: expected {' or '.join(CHANNELS)}")
        try:
            zone = ZoneInfo(tz)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ConfigError(f"--tz {tz!r}: expected a zone such as Asia/Shanghai") from error
        return Reading(
            now=now,
            zone=zone,
            source=self.source or (proposal and proposal.source) or self.path.stem,
            columns=self.columns,
            history=self.history,
            channel=channel,
        )

    def wishes(self, saved: Sequence[ColumnMapping] = (), *, vault: bool = False) -> Wishes:
        """Return what was said about the columns; `vault`: contacts of customers are kept."""
        return Wishes(
            sheet=self.sheet,
            columns=self.columns,
            mapping=self.mapping,
            saved=saved,
            vault=vault,
        )

    def mapping_of(self, proposal: Proposal, now: datetime, by: str) -> ColumnMapping:
        """Return what is saved of how a table was read."""
        reading = self.reading(now, proposal)
        return ColumnMapping(
            name=checked_name(self.save_as),
            headers=proposal.headers,
            columns=dict(proposal.mapping),
            source=self.source or proposal.source,
            tz=str(reading.zone),
            channel=reading.channel,
            saved_at=now,
            saved_by=by,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of the rows. `waiting` says that a running main job carries them on."""

    rows: int
    outcomes: dict[str, int]
    rejected: int
    rejected_file: str
    waiting: bool
    incidents: tuple[str, ...] = ()
    would_have_been: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    read_as: tuple[str, ...] = ()
    contacts: str = ""

    def lines(self) -> list[str]:
        """Word the report for people."""
        counts = "，".join(f"{name} {n}" for name, n in sorted(self.outcomes.items()))
        lines = [f"读法 read as: {'，'.join(self.read_as)}"] if self.read_as else []
        lines += [f"{self.rows} 行 rows：{counts or '—'}，rejected {self.rejected}"]
        if self.rejected:
            lines.append(
                f"无法读取的行连同原因写入 rejected rows with reasons: {self.rejected_file}"
            )
        if self.contacts:
            lines.append(self.contacts)
        if self.waiting:
            lines.append("主任务正在运行，由它继续处理 (the running main job carries them on)")
        lines += [f"事件 incident: {line}" for line in self.incidents]
        if self.would_have_been:
            lines.append(
                "历史数据不发通知；若当时在监测，会出现 (history pages nobody; would have been):"
            )
            lines += [f"  {line}" for line in self.would_have_been]
        lines += list(self.messages)
        return lines


def take_in(request: Request, config: str | None, database: str | None, bars: Progress) -> Report:
    """Import a file into the project's database.

    Beside a running main job only the intake is written (decisions.md 16); else the rows are
    carried all the way, and messages wait in the outbox for the next run.
    """
    holder = f"import:{socket.gethostname()}:{os.getpid()}"
    with wiring.opened(config, database) as (project, store):
        application = wiring.wire(project, store, RealClock())
        alone = store.take_lease(ENGINE_LEASE, holder, _LEASE_S)
        try:
            return _take_in(request, application, bars, alone=alone)
        finally:
            if alone:
                store.drop_lease(ENGINE_LEASE, holder)


def _take_in(request: Request, application: Application, bars: Progress, *, alone: bool) -> Report:
    now = application.clock.now()
    store = application.store
    rejected = Rejects(request.path)
    task = bars.add_task("import", total=None)
    with store.read() as queries:
        saved = queries.mappings()

    def after(found: Opened) -> None:
        if alone:
            application.stages.drain()
        bars.update(task, completed=found.position.done, total=found.position.total or None)

    with (
        rejected,
        opened(
            request.path,
            partial(request.reading, now),
            request.wishes(saved, vault=application.journey.keeper.vault is not None),
        ) as found,
    ):
        if found.proposal is not None and request.save_as:
            save_mapping(store, request.mapping_of(found.proposal, now, "command line"))
        outcomes = keep_all(found, store, application.journey.keep_each, now, rejected, after=after)
        read_as = _read_as(found.proposal, request.reading(now, found.proposal))
    with store.read() as queries:
        begun = [i for i in queries.incidents() if i.updated_at >= now]
        would_have_been = [text for _, text, at in queries.would_have_been() if at >= now]
    return Report(
        rows=sum(outcomes.values()) + rejected.count,
        outcomes=dict(outcomes),
        rejected=rejected.count,
        rejected_file=str(rejected.path),
        waiting=not alone,
        incidents=tuple(f"【{i.level.zh}】{i.code} {i.title}" for i in begun),
        would_have_been=tuple(would_have_been),
        read_as=read_as,
        contacts=_contacts(found, kept=application.journey.keeper.vault is not None),
    )


def _contacts(found: Opened, *, kept: bool) -> str:
    """Say what became of the customers' contacts, "" when the file names none."""
    named, columns = found.position.contacts, found.proposal.personal if found.proposal else ()
    if kept:
        return f"{named} 行的客户联系方式已加密保存 (rows with a contact, sealed)" if named else ""
    if not named and not columns:
        return ""
    what = f"列 {'、'.join(columns)}" if columns else f"{named} 行"
    return f"{what}：{CLOSED}"


def keep_all(
    found: Opened,
    store: Store,
    keep: KeepEach,
    now: datetime,
    rejected: TakesRejected,
    *,
    batch: int = _BATCH,
    after: Callable[[Opened], None] = lambda _: None,
) -> Counter[str]:
    """Keep every good row, `batch` rows a transaction; `after` is called when one is committed.

    Returns how many rows had which outcome.
    """
    outcomes: Counter[str] = Counter()
    for raws in _batches(found.rows, rejected, batch):
        with store.transaction() as tx:
            outcomes.update(str(outcome) for outcome, _ in keep(tx, raws, now))
        found.position.contacts += sum(bool(raw.contact) for raw in raws)
        after(found)
    return outcomes


def save_mapping(store: Store, mapping: ColumnMapping) -> None:
    """Save how the columns of an export are read, under its name."""
    with store.transaction() as tx:
        tx.save_mapping(mapping)
        tx.audit(
            mapping.saved_by,
            "column_mapping",
            mapping.name,
            mapping.saved_at or datetime.now(UTC),
            "",
        )


def look(request: Request, config: str | None, database: str | None) -> Proposal:
    """Return how a table would be read; saves it when the request names a mapping to save.

    Errors: ConfigError when the file is no table, or the mapping to save would hold no text.
    """
    now = datetime.now(UTC)
    with wiring.opened(config, database) as (project, store):
        with store.read() as queries:
            saved = queries.mappings()
        wishes = request.wishes(saved, vault=project.settings.vault.key is not None)
        with table(request.path, wishes) as (proposal, _, _):
            if request.save_as and not proposal.readable:
                raise ConfigError(
                    f"saving the mapping {request.save_as!r}: no column holds the text; say which "
                    "with --map text=COLUMN"
                )
            if request.save_as:
                save_mapping(store, request.mapping_of(proposal, now, "command line"))
            return proposal


def _read_as(proposal: Proposal | None, reading: Reading) -> tuple[str, ...]:
    if proposal is None:
        return ()
    kind = (f"“{proposal.known_as}”",) if proposal.known_as else ()
    sheet = (f"工作表 {proposal.sheet}",) if len(proposal.sheets) > 1 else ()
    inside = ("内部渠道 internal",) if reading.channel == "internal" else ()
    fields = tuple(f"{theirs}→{ours}" for theirs, ours in proposal.mapping.items())
    return (*kind, *sheet, *inside, *fields)


def replay(
    request: Request, config: str | None, bars: Progress, database: str | None = None
) -> Report:
    """Run a file through in its own time, in a scratch database, and word what would be sent."""
    from groundswell.replay import replay_mentions

    project, _ = wiring.load_project(config)
    rejected = Rejects(request.path)
    rows: list[RawMention] = []
    now = datetime.now(UTC)
    saved: Sequence[ColumnMapping] = ()
    if request.mapping and preset_named(request.mapping) is None:
        with wiring.opened(config, database) as (_, kept), kept.read() as queries:
            saved = queries.mappings()
    with (
        rejected,
        opened(request.path, partial(request.reading, now), request.wishes(saved)) as found,
    ):
        for raws in _batches(found.rows, rejected, _BATCH):
            rows += [raw for raw in raws if raw.published_at is not None]
    with tempfile.TemporaryDirectory(prefix="groundswell-replay-") as scratch:
        store = wiring.open_store(f"sqlite:///{Path(scratch) / 'replay.db'}")
        try:
            task = bars.add_task("replay", total=len(rows))
            result = replay_mentions(project, store, rows, advance=lambda n: bars.advance(task, n))
        finally:
            store.close()
    return Report(
        rows=len(rows) + rejected.count,
        outcomes={str(Outcome.KEPT): result.mentions},
        rejected=rejected.count,
        rejected_file=str(rejected.path),
        waiting=False,
        incidents=tuple(f"【{i.level.zh}】{i.code} {i.title}" for i in result.incidents),
        messages=tuple(
            f"{intent.created_at.astimezone():%m-%d %H:%M} → {intent.recipient_id} {intent.subject}"
            for intent in result.messages
        ),
    )


class TakesRejected(Protocol):
    """Where rows go that could not be read."""

    def add(self, rejected: Rejected) -> None:
        """Set one row aside."""
        ...


class Rejects:
    """Writes rejected rows beside the file; the file appears only when there is one."""

    def __init__(self, source: Path) -> None:
        self.path = source.with_name(source.name + ".rejected.jsonl")
        self.count = 0
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        """Begin anew."""
        self.path.unlink(missing_ok=True)  # of an earlier run; this run writes its own
        return self

    def __exit__(self, *_: object) -> None:
        """End the file, if there is one."""
        if self._file is not None:
            self._file.close()

    def add(self, rejected: Rejected) -> None:
        """Write one row with its reason."""
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8")
        row = {"row": rejected.number, "reason": rejected.reason, "data": dict(rejected.row)}
        self._file.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")
        self.count += 1


def _batches(
    rows: Iterator[RawMention | Rejected], rejected: TakesRejected, size: int
) -> Iterator[Sequence[RawMention]]:
    """Collect good rows into batches and set broken ones aside."""
    batch: list[RawMention] = []
    for row in rows:
        if isinstance(row, Rejected):
            rejected.add(row)
            continue
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
