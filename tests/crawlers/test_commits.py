from __future__ import annotations

import asyncio

import pytest

from crawlers.commits import MAX_GROUP, GroupCommit


def test_who_comes_alone_does_not_wait_for_others(run):
    groups = []

    async def write(items):
        groups.append(list(items))
        return [item * 2 for item in items]

    async def work():
        commit = GroupCommit(write)
        return [await commit.add(1), await commit.add(2)]

    assert run(work()) == [2, 4]
    assert groups == [[1], [2]]


def test_what_comes_while_a_group_is_written_is_the_next_group_of_fifty_at_most(run):
    groups, free = [], []

    async def write(items):
        groups.append(list(items))
        await free[0].wait()
        return items

    async def work():
        free.append(asyncio.Event())
        commit = GroupCommit(write)
        adding = [asyncio.create_task(commit.add(0))]
        await asyncio.sleep(0.01)
        adding += [asyncio.create_task(commit.add(n)) for n in range(1, 120)]
        await asyncio.sleep(0.01)
        assert not any(task.done() for task in adding)  # who adds waits until it is written
        free[0].set()
        return await asyncio.gather(*adding)

    assert run(work()) == list(range(120))
    assert [len(group) for group in groups] == [1, MAX_GROUP, MAX_GROUP, 19]
    assert [item for group in groups for item in group] == list(range(120))


def test_one_bad_item_takes_none_of_its_neighbours_along(run):
    written = []

    async def write(items):
        if 3 in items:
            raise ValueError("no")
        written.extend(items)
        return items

    async def work():
        commit = GroupCommit(write)
        return await asyncio.gather(*(commit.add(n) for n in range(5)), return_exceptions=True)

    answers = run(work())

    assert sorted(written) == [0, 1, 2, 4]
    assert isinstance(answers.pop(3), ValueError)
    assert answers == [0, 1, 2, 4]


def test_what_was_handed_over_is_written_even_when_nobody_waits_any_more(run):
    written = []

    async def write(items):
        await asyncio.sleep(0.02)
        written.extend(items)
        return items

    async def work():
        commit = GroupCommit(write)
        task = asyncio.create_task(commit.add("page"))
        await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await commit.drain()

    run(work())

    assert written == ["page"]
