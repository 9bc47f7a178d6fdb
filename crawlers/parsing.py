"""Children in which pages are parsed: off the event loop, with limits, and expendable.

lxml and feedparser run C code and quadratic loops on what strangers wrote. In a child of its own a
page that hangs, crashes or swallows memory costs that page, not the program.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import queue
import signal
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, ParamSpec, TypeVar

from config.errors import GroundswellError

P = ParamSpec("P")
T = TypeVar("T")

# The slowest good page measured took 2 s on a busy machine; a page that needs 30 is hostile.
DEADLINE_S = 30.0
# Of the processor, where the system can count it: what other work takes away is not the page's.
CPU_S = 10
# On top of what a child holds after its imports (Linux). The largest page allowed by default has
# 10 MiB; its tree takes some 30 times that.
MEMORY_BYTES = 1024**3
_MAX_CHILDREN = 2  # parsing is a third of the work; more children only take memory (180 MB each)
_READY_S = 60.0  # a child that has not loaded its libraries by then never will
_JOIN_S = 2.0
_OUT_OF_MEMORY = 70  # exit code of a child whose page wanted too much


class ParseDiedError(GroundswellError):
    """A page could not be parsed: the parser took too long, too much memory, or crashed on it."""


class ParserAbsentError(GroundswellError):
    """No parser could be started: our own trouble, and no page's."""


class ParsingPool:
    """Calls pure module-level functions in spawned children, one at a time in each.

    Arguments and results are pickled. A child starts when a call finds no other idle (a second or
    so for its imports, which the deadline does not count), ends when its parent does, even by
    SIGKILL, and is replaced when it had to be killed. `children` None: as many as there are
    processors, two at most.
    """

    def __init__(self, children: int | None = None, *, deadline_s: float = DEADLINE_S) -> None:
        n = children or min(_MAX_CHILDREN, os.cpu_count() or 1)
        self._threads = ThreadPoolExecutor(n, thread_name_prefix="parsing")
        self._children = [_Child(deadline_s) for _ in range(n)]
        # The last one used is taken first: a quiet program needs one child only.
        self._idle: queue.LifoQueue[_Child] = queue.LifoQueue()
        for child in self._children:
            self._idle.put(child)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function in a child.

        Errors: ParseDiedError; ParserAbsentError; what the function raised.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._ask, function, args, kwargs)

    async def close(self) -> None:
        """End the children; calls under way come to an end with them."""
        for child in self._children:
            child.kill()
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        for child in self._children:
            await asyncio.to_thread(child.end)

    def _ask(self, function: Callable[..., T], args: Any, kwargs: Any) -> T:
        child = self._idle.get()  # there are as many threads as children: one is idle
        try:
            return child.ask(function, args, kwargs)
        finally:
            self._idle.put(child)


class _Child:
    """One child and the line to it; used by one thread at a time."""

    def __init__(self, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        self._process: SpawnProcess | None = None
        self._line: Connection | None = None

    def ask(self, function: Callable[..., T], args: Any, kwargs: Any) -> T:
        """Send one call and wait for its answer."""
        line = self._line or self._begin()
        try:
            line.send((function, args, kwargs))
            if not line.poll(self._deadline_s):
                self.end()
                raise ParseDiedError(f"page took longer than {self._deadline_s:g} s to parse")
            answer, error, trace = line.recv()
        except (EOFError, OSError) as lost:
            raise ParseDiedError(self._why_lost()) from lost
        if error is not None:
            error.add_note(trace)
            raise error
        result: T = answer
        return result

    def kill(self) -> None:
        """Kill the child, from any thread; who waits for its answer hears of its death."""
        process = self._process
        if process is not None:
            with contextlib.suppress(ValueError):  # just replaced by another
                process.kill()

    def end(self) -> None:
        """End the child; the next call begins another."""
        if self._line is not None:
            self._line.close()  # an idle child takes this for goodbye
        if self._process is not None:
            self._process.join(0.2)
            if self._process.is_alive():
                self._process.kill()
            self._process.join(_JOIN_S)
            self._process.close()
        self._line = self._process = None

    def _begin(self) -> Connection:
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True, name="parsing")
        self._process.start()
        theirs.close()  # so that the child's death ends our recv
        try:
            is_ready = self._line.poll(_READY_S) and self._line.recv() == "ready"
        except (EOFError, OSError):
            is_ready = False
        if not is_ready:
            self.end()
            raise ParserAbsentError(
                "starting a parser: the new process ended or said nothing for "
                f"{_READY_S:g} s; look for its traceback above, or free some memory"
            )
        return self._line

    def _why_lost(self) -> str:
        process = self._process
        assert process is not None
        process.join(_JOIN_S)
        code = process.exitcode
        self.end()
        if code == _OUT_OF_MEMORY:
            return f"page wanted more than {MEMORY_BYTES // 1024**2} MiB to parse"
        if code == -getattr(signal, "SIGXCPU", 0):
            return f"page took more than {CPU_S} s of the processor to parse"
        return "the parser crashed on this page"


def _serve(line: Connection) -> None:
    """Answer calls until the parent hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to act on
    import crawlers.readers  # noqa: F401 - what most calls need, before the clock runs

    _bound_memory()
    line.send("ready")
    while True:
        try:
            function, args, kwargs = line.recv()
        except (EOFError, OSError):
            return
        _bound_cpu()
        try:
            answer: tuple[Any, Exception | None, str] = (function(*args, **kwargs), None, "")
        except MemoryError:
            os._exit(_OUT_OF_MEMORY)  # what is left of the heap is not worth keeping
        except Exception as error:  # noqa: BLE001 - handed to the parent with its traceback
            answer = (None, error, traceback.format_exc())
        line.send(answer)


def _bound_memory() -> None:
    """Let this process grow by MEMORY_BYTES at most, where the system can say how large it is."""
    try:
        import resource
        from pathlib import Path

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (ImportError, OSError, ValueError):
        return
    limit = pages * resource.getpagesize() + MEMORY_BYTES
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _bound_cpu() -> None:
    """Give the next call CPU_S seconds of the processor; the system ends who takes more."""
    try:
        import resource
    except ImportError:
        return
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    limit = int(time.process_time()) + CPU_S + 1  # whole seconds
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, hard))
