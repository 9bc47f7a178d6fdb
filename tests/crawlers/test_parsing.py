from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crawlers.parsing import ParseDiedError, ParsingPool

PARENT = """
import asyncio, os, sys, time
from crawlers.parsing import ParsingPool

async def work():
    child = ParsingPool()
    print(await child.call(os.getpid), flush=True)
    time.sleep(60)

if __name__ == "__main__":
    asyncio.run(work())
"""


@pytest.fixture
def child(run):
    made = ParsingPool(1, deadline_s=1.0)
    yield made
    run(made.close())


def test_calls_are_answered_by_another_process(run, child):
    first, second = run(child.call(os.getpid)), run(child.call(os.getpid))

    assert first == second != os.getpid()


def test_what_a_function_raises_is_raised_here_with_its_place(run, child):
    with pytest.raises(ValueError, match="invalid literal") as caught:
        run(child.call(int, "x"))

    assert "parsing.py" in caught.value.__notes__[0]


def test_child_that_takes_too_long_is_replaced(run, child):
    before = run(child.call(os.getpid))
    with pytest.raises(ParseDiedError, match="longer than 1 s"):
        run(child.call(time.sleep, 30))

    assert run(child.call(os.getpid)) != before


def test_child_that_takes_too_much_memory_is_replaced(run, child):
    with pytest.raises(ParseDiedError, match="1024 MiB"):
        run(child.call(bytearray, 2 * 1024**3))

    assert run(child.call(len, "ab")) == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="hangs on a pipe with a name")
def test_children_work_side_by_side_and_a_hanging_one_holds_up_nobody(run, tmp_path):
    pool, pipe = ParsingPool(2), tmp_path / "pipe"
    os.mkfifo(pipe)

    async def work():
        hanging = asyncio.create_task(pool.call(Path.read_text, pipe, "utf-8"))
        await asyncio.sleep(0)
        answers = [await pool.call(len, "ab") for _ in range(20)]
        was_hanging = not hanging.done()
        await asyncio.to_thread(pipe.write_text, "done", "utf-8")
        return answers, was_hanging, await hanging

    answers, was_hanging, said = run(work())
    run(pool.close())

    assert answers == [2] * 20
    assert (was_hanging, said) == (True, "done")


def test_child_that_crashes_is_replaced(run, child):
    with pytest.raises(ParseDiedError, match="crashed"):
        run(child.call(os._exit, 11))

    assert run(child.call(len, "ab")) == 2


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads Linux's process table")
def test_child_ends_when_its_parent_is_killed(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    folders = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": folders},
    )
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()

    ends_at = time.monotonic() + 10
    while time.monotonic() < ends_at and is_alive(pid):
        time.sleep(0.05)

    assert not is_alive(pid)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with Path(f"/proc/{pid}/stat").open(encoding="utf-8") as stat:
        return stat.read().split()[2] != "Z"
