"""Trying sources from the console: live as configured, or edited rules on a page that is at hand.

Rules that were typed into a form are never fetched with: they could name any secret of this machine
and any address. They are read, like the page, in a child with a deadline, and nothing is kept.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from config.errors import ConfigError, GroundswellError
from config.load import load_source
from config.schema import Brand, Project, SourceConfig
from crawlers.comparison import ROWS, Comparison, compare
from crawlers.parsing import ParseDiedError
from crawlers.readers import starts
from crawlers.trial import Call, Trial, read_pages, saved_page
from groundswell import sourcing
from storage.store import Store

MAX_RULES = 32 * 1024  # characters; the longest source of ours has 2,000
MAX_PAGE = 2 * 1024 * 1024  # as much as is kept of a raw page
_NAME = "rules.yaml"  # what problems of typed rules are reported under

Live = Callable[[SourceConfig, str | None], Awaitable[Trial]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a trial from the console came to: a trial, or what is wrong with the rules.

    With edited rules `compared` holds them against the configured ones on the same page.
    """

    trial: Trial | None = None
    compared: Comparison | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbench:
    """Tries one source at a time. `live` is None where nothing is collected beside the console."""

    project: Project
    store: Store
    call: Call
    live: Live | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def fetch(self, source: SourceConfig, url: str, now: datetime) -> Bench:
        """Try a configured source live, on its first page or on another address of its own host.

        Errors: GroundswellError when that is not possible here, or somebody else tries just now.
        """
        if self.live is None:
            raise GroundswellError("这个控制台没有在采集，不能现场抓取；请在命令行用 source try")
        filled = self._filled(source)
        if url and not _is_its_own(filled, url):
            # its secrets go to that host only
            raise GroundswellError(f"{url[:200]!r} 不在这个信源的网站上，不从这里抓取")
        async with self._turn():
            trial = await self.live(filled, url or None)
        return Bench(trial=await self._complete(trial, filled, now))

    async def read(
        self, source: SourceConfig, rules: str, page: bytes, url: str, now: datetime
    ) -> Bench:
        """Read a page by the configured rules, or by `rules` when they are not empty."""
        if len(rules) > MAX_RULES or len(page) > MAX_PAGE:
            raise GroundswellError(
                f"规则最多 {MAX_RULES // 1024} KB，页面最多 {MAX_PAGE // 1024 // 1024} MB"
            )
        brands = self.project.brands
        async with self._turn():
            try:
                bench: Bench = await self.call(
                    try_text, self._filled(source), rules, page, url=url, brands=brands, now=now
                )
            except ParseDiedError as error:
                return Bench(problems=(f"页面无法解析，已放弃（{error}）",))
        if bench.trial is None:
            return bench
        trial = await self._complete(bench.trial, source, now)
        return Bench(trial=trial, compared=bench.compared)

    async def _complete(self, trial: Trial, source: SourceConfig, now: datetime) -> Trial:
        def work() -> Trial:
            memory = sourcing.remember(self.store, source, trial)
            return sourcing.complete(trial, source, self.project.brands, memory, now)

        return await asyncio.to_thread(work)

    def _filled(self, source: SourceConfig) -> SourceConfig:
        return sourcing.filled_in(source, self.project.brands)

    def _turn(self) -> asyncio.Lock:
        if self.turn.locked():
            raise GroundswellError("另一次试抓还没有结束，请稍后再试")
        return self.turn


def written_rules(source: SourceConfig) -> str:
    """Write a source's rules as YAML to be edited; what is as by default is left out."""
    import yaml

    said: Mapping[str, Any] = source.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    text: str = yaml.safe_dump(_short(said), allow_unicode=True, sort_keys=False, width=100)
    return text


def _short(value: Any) -> Any:
    """Write rules as people do: one selector without a list, a field that is only its selectors."""
    if isinstance(value, list):
        short = [_short(item) for item in value]
        return short[0] if len(short) == 1 and isinstance(short[0], str) else short
    if not isinstance(value, dict):
        return value
    if set(value) == {"sel"}:
        return _short(value["sel"])
    return {name: _short(item) for name, item in value.items()}


def try_text(
    source: SourceConfig,
    rules: str,
    page: bytes,
    *,
    url: str,
    brands: Sequence[Brand],
    now: datetime,
) -> Bench:
    """Read a page by typed rules (or the source's own when there are none). Runs in the child."""
    tried = source
    if rules.strip():
        try:
            tried = sourcing.filled_in(rules_of(rules), brands)
        except ConfigError as error:
            return Bench(problems=tuple(error.problems))
    at = url or None
    trial = read_pages(tried, (saved_page(tried, page, at, now),), now)
    if tried == source:
        return Bench(trial=trial)
    old, new = (
        read_pages(one, (saved_page(one, page, at, now),), now, rows=ROWS)
        for one in (source, tried)
    )
    return Bench(trial=trial, compared=compare(old, new))


def rules_of(text: str) -> SourceConfig:
    """Read rules that were typed in. Errors: ConfigError with every problem and its line.

    No variable of this machine is filled in, and no code is named: neither is the writer's to read.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / _NAME
        path.write_text(text, encoding="utf-8")
        try:
            source = load_source(path, environ={})
        except ConfigError as error:
            prefix = f"{folder}/"
            raise ConfigError(*(said.replace(prefix, "") for said in error.problems)) from None
    if source.kind == "spider":
        raise ConfigError(
            f"{_NAME}:1: kind spider 要运行代码，不能在网页上试，请用 source try FILE"
        )
    return source


def _is_its_own(source: SourceConfig, url: str) -> bool:
    try:
        asked = urlsplit(url)
        hosts = {urlsplit(start).netloc for start in starts(source)}
    except ValueError:
        return False
    return asked.scheme in {"http", "https"} and asked.netloc in hosts
