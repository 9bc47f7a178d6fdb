"""The crawl that is killed: the shipped collector on a real store, until nothing is left to fetch.

`python -m tests.crash.crawling PROJECT DATABASE`
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from config.load import load
from crawlers.runner import Collector
from groundswell import wiring
from groundswell.collecting import StoreFrontier
from groundswell.replay import SteppedClock
from storage.store import Store

AT = datetime(2026, 11, 18, 2, 30, tzinfo=UTC)


async def crawl(project_dir: str, database: str) -> None:
    project = load(Path(project_dir))
    store = Store(database)
    clock = SteppedClock(AT)
    with store.transaction() as tx:
        tx.free_links()  # as the main job does when it takes its lease
    journey = wiring.make_journey(project, store, wiring.make_links(project, store))
    frontier = StoreFrontier(store=store, journey=journey, clock=clock)
    collector = Collector(project.sources, project.settings, frontier, clock)
    await collector.start()
    try:
        while await collector.poll_due():
            pass
    finally:
        await collector.stop()
        store.close()


if __name__ == "__main__":
    asyncio.run(crawl(sys.argv[1], sys.argv[2]))
