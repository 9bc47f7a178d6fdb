"""One loop in a thread for the whole session: a Twisted reactor cannot be replaced."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from config.schema import Settings, SourceConfig
from crawlers.parsing import ParsingPool
from crawlers.runner import Collector
from tests.crawlers.memory import MemoryFrontier, SetClock
from tests.site.server import Site

T = TypeVar("T")
NOW = datetime(2026, 11, 18, 2, 30, tzinfo=UTC)  # 10:30 on a Wednesday in Shanghai
Run = Callable[[Coroutine[Any, Any, T]], T]


@pytest.fixture(scope="session")
def run() -> Iterator[Callable[[Coroutine[Any, Any, Any]], Any]]:
    """Run a coroutine on the session's crawler loop."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run_there(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(timeout=60)

    yield run_there
    run_there(loop.shutdown_default_executor())
    loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=5)
    loop.close()


@pytest.fixture(scope="session")
def parsing(run: Callable[[Coroutine[Any, Any, Any]], Any]) -> Iterator[ParsingPool]:
    """One child for all tests: starting it takes most of a second."""
    child = ParsingPool(1)
    yield child
    run(child.close())


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as served:
        yield served


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOW)


@pytest.fixture
def frontier() -> MemoryFrontier:
    return MemoryFrontier()


@pytest.fixture
def collect(
    run: Callable[[Coroutine[Any, Any, Any]], Any],
    site: Site,
    frontier: MemoryFrontier,
    clock: SetClock,
    parsing: ParsingPool,
) -> Callable[..., int]:
    """Start the shipped collector, poll what is due, stop it; the frontier remembers."""

    def collect_once(*sources: SourceConfig, allow: Sequence[str] = (), **options: Any) -> int:
        settings = Settings(allow_private=(site.authority, *allow))

        async def work() -> int:
            collector = Collector(sources, settings, frontier, clock, parsing=parsing, **options)
            await collector.start()
            try:
                return await collector.poll_due()
            finally:
                await collector.stop()

        return run(work())

    return collect_once


@pytest.fixture
def with_collector(
    run: Callable[[Coroutine[Any, Any, Any]], Any],
    frontier: MemoryFrontier,
    clock: SetClock,
    parsing: ParsingPool,
) -> Callable[..., Any]:
    """Run a coroutine with one collector that lives as long as it does."""

    def with_one(
        work: Callable[[Collector], Coroutine[Any, Any, T]],
        *sources: SourceConfig,
        allow: Sequence[str] = (),
        **options: Any,
    ) -> T:
        settings = Settings(allow_private=tuple(allow))

        async def live() -> T:
            collector = Collector(sources, settings, frontier, clock, parsing=parsing, **options)
            await collector.start()
            try:
                return await work(collector)
            finally:
                await collector.stop()

        return run(live())

    return with_one


def feed(site: Site, path: str = "/feed.xml", **given: Any) -> SourceConfig:
    """A feed source that is polite to nobody: the server is ours."""
    return make_source(**{"kind": "feed", "start": site.url + path, **given})


def listing(site: Site, path: str = "/list?p={page}", **given: Any) -> SourceConfig:
    """A list source with detail pages as tests/site/pages.py writes them."""
    rules: dict[str, Any] = {
        "kind": "list_detail",
        "start": site.url + path,
        "list": {
            "item": "css:ul.list > li",
            "fields": {"url": "css:a::attr(href)", "title": "css:a::text"},
        },
        "detail": {
            "fields": {
                "title": ["css:h1::text"],
                "text": ["css:.content"],
                "author": {"sel": "css:.author::text", "re": "作者[:：]\\s*(.+)"},
                "published": "css:.date::text",
            }
        },
    }
    return make_source(**{**rules, **given})


def make_source(**given: Any) -> SourceConfig:
    rules = {"id": "one", "name": "信源", "fetch": {}, **given}
    rules["fetch"] = {"rate": "1/0.01s", "timeout": "5s", **rules["fetch"]}
    return SourceConfig.model_validate(rules)
