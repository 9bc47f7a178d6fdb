"""One real fetch of a source, and what is written down of it: the file's `verified`, the waiting.

In: sources and the network. Out: a Trial each. A file is changed in one line only; everything else
of it, comments included, stays as its author wrote it.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from config.entries import read_entries, read_file
from config.errors import ConfigError, GroundswellError
from config.load import example_dir, template_dir
from config.schema import Settings, SourceConfig
from config.yaml_lines import Document, read_document
from crawlers import changeover
from crawlers.canonical import slot_key
from crawlers.downloader import Downloader
from crawlers.readers import first_page, starts
from crawlers.trial import Trial, try_live
from storage.records import SourceId, SourceState

if TYPE_CHECKING:
    from storage.store import Store

_AT_ONCE = 8  # sources; hosts are spared by the downloader whatever stands here
_VERIFIED = re.compile(r"(verified\s*:\s*)(\"[^\"]*\"|'[^']*'|[^\s#]+)?")


async def _probe_all(
    sources: Sequence[SourceConfig],
    settings: Settings,
    now: Callable[[], datetime],
    probed: Callable[[Trial], None],
) -> list[Trial]:
    downloader = Downloader(settings)
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(source: SourceConfig) -> Trial:
        async with turns:
            try:
                trial = await try_live(source, downloader, now=now())
            except ConfigError as error:  # a secret that is not set here
                trial = Trial(
                    source_id=source.id,
                    name=source.name,
                    kind=source.kind,
                    url="",
                    robots="not asked",
                    problems=(str(error),),
                    exit_code=2,
                )
        probed(trial)
        return trial

    await downloader.start()
    try:
        return list(await asyncio.gather(*map(one, sources)))
    finally:
        await downloader.stop()


def probe_all(
    sources: Sequence[SourceConfig],
    settings: Settings,
    now: Callable[[], datetime],
    probed: Callable[[Trial], None] = lambda _: None,
) -> list[Trial]:
    """Try each source once, live, and return the trials in order; `probed` hears of each.

    Runs its own event loop, so once per process. A secret that is not set fails that source only.
    """
    return asyncio.run(_probe_all(sources, settings, now, probed))


# --- what is remembered ----------------------------------------------------------------------


def hasten(store: Store, source: SourceConfig, now: datetime) -> bool:
    """Make a source that was polled before due at once, its hosts open; False when it never was."""
    from storage.sources import find_hosts

    hosts = {slot_key(first_page(source, start)) for start in starts(source)}
    with store.transaction() as tx:
        state = tx.queries.source(SourceId(source.id))
        if state is None:
            return False
        tx.save_source(replace(state, next_poll_at=now))
        closed = [host for host in find_hosts(tx.connection, hosts) if host.not_before is not None]
        tx.save_hosts([replace(host, not_before=None, failures=0) for host in closed])
    return True


def accept(store: Store, source: SourceConfig) -> SourceState:
    """Let the configured rules of a source take over now, and forget what was usual before.

    Errors: GroundswellError when the source was never polled: then there is nothing to accept.
    """
    with store.transaction() as tx:
        state = tx.queries.source(SourceId(source.id))
        if state is None:
            raise GroundswellError(
                f"accepting {source.id!r}: it was never polled, its rules are in charge already"
            )
        after = changeover.accept(state, source)
        tx.save_source(after)
    return after


# --- the file --------------------------------------------------------------------------------


def source_file(directory: Path, source_id: str) -> Path | None:
    """Return the file of a source of a project, None when it has no file of its own."""
    for entry in read_entries(directory, os.environ).entries:
        if entry.kind == "source" and entry.id == source_id:
            return _path(directory, entry.document)
    return None


def _path(directory: Path, document: Document) -> Path:
    named = Path(document.file)
    return named if named.is_file() else directory / document.file


def stamp(path: Path, day: date, environ: Mapping[str, str] | None = None) -> str:
    """Write `verified: DAY` into a source's file; return why it was not written, "" when it was.

    One line changes. The file is written as a whole or not at all, and only when it still says the
    same in everything else.
    """
    environ = os.environ if environ is None else environ
    shipped = (example_dir().resolve(), template_dir().resolve())
    if any(path.resolve().is_relative_to(place) for place in shipped):
        return "随程序附带的文件，不改"
    document, problems = read_file(path, str(path), environ)
    if document is None or problems:
        return "文件读不出"
    try:
        before = path.read_bytes()
        text = before.decode("utf-8")
        after = _stamped(text, document, day).encode()
        if after == before:
            return ""
        written, _ = read_document(str(path), after, environ)
        if written is None or _without(written) != _without(document):
            return "写法特殊，请手工改 verified"
        draft = path.with_name(f".{path.name}.new")
        draft.write_bytes(after)
        draft.chmod(path.stat().st_mode & 0o777)
        os.replace(draft, path)  # noqa: PTH105 - atomic on every platform
    except (OSError, UnicodeDecodeError) as error:
        return f"写不进文件：{error}"
    return ""


def _stamped(text: str, document: Document, day: date) -> str:
    lines = text.splitlines(keepends=True)
    ending = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    at = document.lines.get(("verified",))
    if at is not None:
        lines[at - 1] = _VERIFIED.sub(rf"\g<1>{day.isoformat()}", lines[at - 1], count=1)
        return "".join(lines)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += ending
    return "".join([*lines, f"verified: {day.isoformat()}{ending}"])


def _without(document: Document) -> object:
    value = document.value
    if not isinstance(value, dict):
        return value
    return {name: item for name, item in value.items() if name != "verified"}
