"""What is to be written waits here for others, so that one transaction serves many.

A group is written as soon as the one before it is: alone nobody waits, under load groups grow by
themselves. Who adds a result waits until it is written, so a crawler never runs ahead of the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Generic, ParamSpec, TypeVar

from crawlers.frontier import DetailResult, Frontier, PollResult
from storage.records import DetailLink

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")
Answer = TypeVar("Answer")

# Rows of one commit: from here on larger groups save little (collect.md 4.2: 353 commits/s of one
# row, 8,810 rows/s at 50, 22,000 at 500), and a lost one is fetched again.
MAX_GROUP = 50


class GroupCommit(Generic[Item, Answer]):
    """Hands what is added to `write` in groups of at most 50, one group at a time, in order.

    `write` gets the items and returns as many answers. A group that cannot be written is tried item
    by item, so that one bad item takes none of its neighbours along.
    """

    def __init__(self, write: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]]) -> None:
        self._write = write
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def add(self, item: Item) -> Answer:
        """Add an item; return its answer once it is written. Errors: what `write` raised for it.

        Who is cancelled while waiting leaves the item in its group: it is written all the same.
        """
        written: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, written))
        if self._writer is None:
            self._writer = asyncio.create_task(self._run(), name="group commit")
        return await asyncio.shield(written)

    async def drain(self) -> None:
        """Wait until all that was added is written."""
        while self._writer is not None:
            await asyncio.wait({self._writer})

    async def _run(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:MAX_GROUP], self._waiting[MAX_GROUP:]
                await self._write_group(group)
        finally:
            self._writer = None

    async def _write_group(self, group: Sequence[tuple[Item, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._write([item for item, _ in group])
        except Exception as error:  # noqa: BLE001 - handed to those who wait for it
            if len(group) > 1:
                for one in group:
                    await self._write_group([one])
            else:
                _fail(group[0][1], error)
            return
        for (_, written), answer in zip(group, answers, strict=True):
            if not written.done():
                written.set_result(answer)


def _fail(written: asyncio.Future[Answer], error: Exception) -> None:
    if not written.done():
        written.set_exception(error)
        written.exception()  # who waited may be gone: then nobody retrieves it


class Committer:
    """The frontier as a loop uses it: called in a thread of its own, polls and pages in groups."""

    def __init__(self, frontier: Frontier, worker: Executor) -> None:
        self.frontier = frontier
        self._worker = worker
        self._polls: GroupCommit[PollResult, int] = GroupCommit(self._write_polls)
        self._details: GroupCommit[tuple[DetailLink, DetailResult], None] = GroupCommit(
            self._write_details
        )

    async def ask(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the frontier in its thread. A commit under way is finished even when cancelled."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._worker, partial(call, *args, **kwargs))

    async def poll(self, result: PollResult) -> int:
        """Write a poll; return how many mentions and links were new."""
        return await self._polls.add(result)

    async def detail(self, link: DetailLink, result: DetailResult) -> None:
        """Write a detail page and the end of its link."""
        await self._details.add((link, result))

    async def drain(self) -> None:
        """Wait until all that was handed over is written."""
        await self._polls.drain()
        await self._details.drain()

    async def _write_polls(self, group: Sequence[PollResult]) -> Sequence[int]:
        return await self.ask(self.frontier.commit_polls, group)

    async def _write_details(
        self, group: Sequence[tuple[DetailLink, DetailResult]]
    ) -> Sequence[None]:
        await self.ask(self.frontier.commit_details, group)
        return [None] * len(group)
