import asyncio
import logging

from groundswell.scheduler import _guarded


async def _stopped_while_it_runs():
    begun = asyncio.Event()

    async def tick():
        begun.set()
        await asyncio.sleep(60)

    running = asyncio.ensure_future(_guarded("remind", tick))
    await begun.wait()
    running.cancel()
    await running  # as the clock's executor does, which logs what comes out of it


def test_a_tick_that_is_under_way_at_the_stop_ends_without_a_traceback(caplog):
    with caplog.at_level(logging.INFO, logger="groundswell.scheduler"):
        asyncio.run(_stopped_while_it_runs())

    assert [record.levelname for record in caplog.records] == ["INFO"]
