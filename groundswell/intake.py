"""Taking a file in: kept, carried through, counted; or replayed in its own time for a look."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from config.errors import ConfigError
from groundswell import wiring
from groundswell.clock import RealClock
from groundswell.importing import Reading, Rejected, read_mentions
from groundswell.scheduler import ENGINE_LEASE
from groundswell.wiring import Application
from storage.records import Outcome, RawMention

if TYPE_CHECKING:
    from rich.progress import Progress

_BATCH = 500  # rows a transaction: bulk inserts stop gaining beyond (platform.md 4)
_LEASE_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to import and how."""

    path: Path
    source: str
    history: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)
    tz: str = "Asia/Shanghai"

    def reading(self, now: datetime) -> Reading:
        """Return how the file is read at this instant."""
        try:
            zone = ZoneInfo(self.tz)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ConfigError(f"--tz {self.tz!r}: expected a zone such as Asia/Shanghai") from error
        return Reading(
            now=now,
            zone=zone,
            source=self.source,
            columns=self.columns,
            history=self.history,
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

    def lines(self) -> list[str]:
        """Word the report for people."""
        counts = "，".join(f"{name} {n}" for name, n in sorted(self.outcomes.items()))
        lines = [f"{self.rows} 行 rows：{counts or '—'}，rejected {self.rejected}"]
        if self.rejected:
            lines.append(
                f"无法读取的行连同原因写入 rejected rows with reasons: {self.rejected_file}"
            )
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
    outcomes: Counter[str] = Counter()
    rejected = _Rejects(request.path)
    task = bars.add_task(
        "import", total=request.path.stat().st_size if request.path.is_file() else None
    )
    with rejected:
        for batch in _batches(read_mentions(request.path, request.reading(now)), rejected):
            with application.store.transaction() as tx:
                kept = application.journey.keep(tx, batch, now)
            outcomes.update({str(outcome): n for outcome, n in kept.items()})
            if alone:
                application.stages.drain()
            bars.advance(task, sum(len(raw.text.encode()) for raw in batch))
    with application.store.read() as queries:
        opened = [i for i in queries.incidents() if i.updated_at >= now]
        would_have_been = [text for _, text, at in queries.would_have_been() if at >= now]
    return Report(
        rows=sum(outcomes.values()) + rejected.count,
        outcomes=dict(outcomes),
        rejected=rejected.count,
        rejected_file=str(rejected.path),
        waiting=not alone,
        incidents=tuple(f"【{i.level.zh}】{i.code} {i.title}" for i in opened),
        would_have_been=tuple(would_have_been),
    )


def replay(request: Request, config: str | None, bars: Progress) -> Report:
    """Run a file through in its own time, in a scratch database, and word what would be sent."""
    from groundswell.replay import replay_mentions

    project, _ = wiring.load_project(config)
    rejected = _Rejects(request.path)
    rows: list[RawMention] = []
    with rejected:
        for batch in _batches(
            read_mentions(request.path, request.reading(datetime.now(UTC))), rejected
        ):
            rows += [raw for raw in batch if raw.published_at is not None]
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


class _Rejects:
    """Writes rejected rows beside the file; the file appears only when there is one."""

    def __init__(self, source: Path) -> None:
        self.path = source.with_name(source.name + ".rejected.jsonl")
        self.count = 0
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        self.path.unlink(missing_ok=True)  # of an earlier run; this run writes its own
        return self

    def __exit__(self, *_: object) -> None:
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
    rows: Iterator[RawMention | Rejected], rejected: _Rejects
) -> Iterator[Sequence[RawMention]]:
    """Collect good rows into batches and set broken ones aside."""
    batch: list[RawMention] = []
    for row in rows:
        if isinstance(row, Rejected):
            rejected.add(row)
            continue
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
