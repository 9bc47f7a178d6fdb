"""What collecting costs: the guards against bare Scrapy, unchanged feeds, many sources.

    python -m bench.bench_collect [--pages 600] [--sources 200]

Prints one table. Everything runs on loopback against a small server in a process of its own; CPU
time is of the collecting process alone, children included, so that other load blurs it less. The
two fetchers take turns, and the best of three rounds counts for each.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HOSTS = 8
ROUNDS = 3
CONCURRENT = 64
NOW = datetime(2026, 11, 18, 2, 30, tzinfo=UTC)


# --- the server ----------------------------------------------------------------------------------


def serve(line: Any) -> None:
    """Answer every path at any address of this machine; a matching If-None-Match gets 304."""
    asyncio.run(_serve(line))


async def _serve(line: Any) -> None:
    page, feed = _page(), _feed()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                asked = await reader.readuntil(b"\r\n\r\n")
                body, kind = (
                    (feed, b"application/rss+xml") if b"/feed" in asked else (page, b"text/html")
                )
                if asked.startswith(b"GET /robots.txt"):
                    body, kind = b"User-agent: *\nDisallow: /private\n", b"text/plain"
                if b'"v1"' in asked:
                    writer.write(b'HTTP/1.1 304 Not Modified\r\nETag: "v1"\r\n\r\n')
                else:
                    writer.write(
                        b'HTTP/1.1 200 OK\r\nETag: "v1"\r\nContent-Type: %s; charset=utf-8\r\n'
                        b"Content-Length: %d\r\n\r\n%s" % (kind, len(body), body)
                    )
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "0.0.0.0", 0, backlog=512)
    line.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _page() -> bytes:
    text = "用了三天净水器就漏水，客服让我自己换滤芯，地板泡坏了也没有人管。" * 8
    return f"<html><head><title>投诉</title></head><body><p>{text}</p></body></html>".encode()


def _feed() -> bytes:
    items = "".join(
        f"<item><title>澜禾净水器第{n}单漏水</title><link>http://bbs.lanhe.example/{n}</link>"
        f"<guid>{n}</guid><pubDate>Wed, 18 Nov 2026 0{n % 9}:00:00 GMT</pubDate>"
        f"<description>装上第{n}天接头就渗水，打电话客服让等通知。</description></item>"
        for n in range(20)
    )
    head = '<?xml version="1.0"?><rss version="2.0"><channel><title>投诉</title>'
    return f"{head}{items}</channel></rss>".encode()


# --- measuring -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cost:
    """CPU seconds of this process and of its children, wall seconds."""

    own: float
    children: float
    wall: float


class Meter:
    """Measures between `start` and `stop`; children count once they have ended."""

    def __init__(self) -> None:
        self._own, self._wall = time.process_time(), time.perf_counter()
        self._children = _children()

    def stop(self) -> Cost:
        return Cost(
            time.process_time() - self._own,
            _children() - self._children,
            time.perf_counter() - self._wall,
        )


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def in_process(what: str, *args: object) -> list[float]:
    """Run one measurement in a process of its own; return the numbers that it prints last."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.bench_collect", "--only", what, *map(str, args)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    return [float(word) for word in done.stdout.split()[-3:]]


# --- the guards against bare Scrapy --------------------------------------------------------------


def bare(port: int, pages: int) -> Cost:
    """Fetch pages with Scrapy as it comes, robots.txt obeyed as ours is, no log."""
    from scrapy import Request, Spider

    class Bare(Spider):
        name = "bare"

        async def start(self) -> Any:
            for n in range(pages):
                yield Request(f"http://127.0.0.{n % HOSTS + 1}:{port}/page/{n}", dont_filter=True)

        def parse(self, response: Any) -> None:
            assert response.body

    return _crawl(Bare)


def _crawl(spider: Any) -> Cost:
    from scrapy.crawler import AsyncCrawlerProcess

    process = AsyncCrawlerProcess(
        {
            "LOG_ENABLED": False,
            "TELNETCONSOLE_ENABLED": False,
            "REMOTE_CONTROL_ENABLED": False,
            "CONCURRENT_REQUESTS": CONCURRENT,
            "CONCURRENT_REQUESTS_PER_DOMAIN": CONCURRENT // HOSTS,
            "ROBOTSTXT_OBEY": True,
        }
    )
    meter = Meter()
    process.crawl(spider)
    process.start()
    return meter.stop()


def plain(port: int, pages: int) -> Cost:
    """Fetch the same pages through Scrapy's downloader alone, without anything of ours."""
    from scrapy import Request, Spider

    class Plain(Spider):
        name = "plain"

        async def start(self) -> Any:
            turns = asyncio.Semaphore(CONCURRENT)

            async def fetch(n: int) -> None:
                async with turns:
                    url = f"http://127.0.0.{n % HOSTS + 1}:{port}/page/{n}"
                    page = await self.crawler.engine.download_async(Request(url, dont_filter=True))
                    assert page.body

            await asyncio.gather(*(fetch(n) for n in range(pages)))
            for nothing in ():
                yield nothing

    return _crawl(Plain)


def guarded(port: int, pages: int) -> Cost:
    """Fetch the same pages through the shipped downloader with everything that it checks."""
    from config.schema import Settings
    from crawlers.downloader import Downloader

    hosts = [f"127.0.0.{n + 1}:{port}" for n in range(HOSTS)]
    sources = [_source(f"h{n}", f"http://{host}/page/0") for n, host in enumerate(hosts)]

    async def work() -> Cost:
        downloader = Downloader(Settings(allow_private=tuple(hosts)))
        meter = Meter()
        await downloader.start()
        turns = asyncio.Semaphore(CONCURRENT)

        async def fetch(n: int) -> None:
            async with turns:
                url = f"http://{hosts[n % HOSTS]}/page/{n}"
                page = await downloader.fetch(url, sources[n % HOSTS], NOW)
                assert page.failure is None, page.failure

        await asyncio.gather(*(fetch(n) for n in range(pages)))
        await downloader.stop()
        return meter.stop()

    return asyncio.run(work())


def _source(name: str, start: str, **given: Any) -> Any:
    from config.schema import SourceConfig

    rules = {"rate": 0.0, "concurrency": CONCURRENT // HOSTS}
    return SourceConfig.model_validate(
        {"id": name, "name": name, "kind": "feed", "start": start, "fetch": rules, **given}
    )


# --- polls with the store ------------------------------------------------------------------------


def polls(port: int, sources: int, rounds: int) -> Cost:
    """Poll unchanged feeds through the shipped collector into SQLite, a host for each."""
    from config.schema import Settings
    from crawlers.runner import Collector
    from groundswell import wiring
    from groundswell.collecting import StoreFrontier
    from groundswell.replay import SteppedClock
    from storage.store import Store

    schedule = {"every": "15m", "max": "15m", "adaptive": False}
    hosts = [f"127.{n // 250 + 1}.{n % 250 + 1}.1:{port}" for n in range(sources)]
    configured = [
        _source(f"s{n}", f"http://{host}/feed.xml", schedule=schedule)
        for n, host in enumerate(hosts)
    ]
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        store = wiring.open_store(url)
        project, _ = wiring.load_project(None)
        journey = wiring.make_journey(project, store, wiring.make_links(project, store))
        clock = SteppedClock(NOW)
        frontier = StoreFrontier(store=store, journey=journey, clock=clock)

        async def work() -> Cost:
            settings = Settings(allow_private=tuple(hosts))
            collector = Collector(configured, settings, frontier, clock)
            await collector.start()
            assert await collector.poll_due() == sources  # the first poll reads them
            meter = Meter()
            for _ in range(rounds):
                clock.at += timedelta(minutes=20)
                assert await collector.poll_due() == sources
            cost = meter.stop()
            await collector.stop()
            return cost

        cost = asyncio.run(work())
        with store.read() as queries:
            assert {event.outcome for event in queries.fetch_events(configured[0].id)} <= {
                "ok",
                "unchanged",
            }
            assert all(state.polls == rounds + 1 for state in queries.sources())
        store.close()
        assert isinstance(store, Store)
    return cost


# --- the table -----------------------------------------------------------------------------------


def table(port: int, pages: int, sources: int) -> None:
    print(f"{pages} pages of {len(_page()):,} bytes from {HOSTS} hosts, {CONCURRENT} at once")
    costs: dict[str, list[float]] = {"bare": [], "plain": [], "guarded": []}
    for _ in range(ROUNDS):  # in turns, so that other load meets both
        for name, found in costs.items():
            small, large = (in_process(name, port, n)[0] for n in (pages // 6, pages))
            found.append((large - small) / (pages - pages // 6) * 1000)
    bare_ms, plain_ms, guarded_ms = (min(found) for found in costs.values())
    print("| fetching, CPU per page | ms | pages/s of a core |")
    print("|---|---|---|")
    print(f"| bare Scrapy | {bare_ms:.2f} | {1000 / bare_ms:,.0f} |")
    print(f"| Scrapy's downloader alone | {plain_ms:.2f} | {1000 / plain_ms:,.0f} |")
    print(f"| all guards | {guarded_ms:.2f} | {1000 / guarded_ms:,.0f} |")
    print(f"throughput with all guards: {bare_ms / guarded_ms:.0%} of bare Scrapy (goal 85 %),")
    print(f"{plain_ms / guarded_ms:.0%} of its downloader without scheduler, scraper and spider")
    print()
    print("| unchanged feeds (304), database included | CPU ms per poll | polls/s of a core |")
    print("|---|---|---|")
    per_poll = {}
    for n in (sources // 4, sources, sources * 4):
        runs = [in_process("polls", port, n, 5) for _ in range(ROUNDS - 1)]
        per_poll[n] = min(own for own, _, _ in runs) / (n * 5) * 1000
        print(f"| {n} sources | {per_poll[n]:.2f} | {1000 / per_poll[n]:,.0f} |")
    growth = per_poll[sources * 4] / per_poll[sources // 4]
    print(f"goals: 100 polls/s of a core, at most 15 ms a source; growth over x16: {growth:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=600)
    parser.add_argument("--sources", type=int, default=200)
    parser.add_argument("--only", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        name, *numbers = given.only
        kinds: dict[str, Callable[..., Cost]] = {
            "bare": bare,
            "plain": plain,
            "guarded": guarded,
            "polls": polls,
        }
        cost = kinds[name](*map(int, numbers))
        print(cost.own, cost.children, cost.wall)
        return
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    try:
        table(ours.recv(), given.pages, given.sources)
    finally:
        server.kill()
        server.join()


if __name__ == "__main__":
    main()
