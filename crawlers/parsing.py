"""A child in which pages are parsed: off the event loop, with a deadline, and expendable.

lxml and feedparser run C code and quadratic loops on what strangers wrote. In a child of its own a
page that hangs or crashes them costs that page, not the program.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
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
_JOIN_S = 2.0


class ParseDiedError(GroundswellError):
    """A page could not be parsed: the parser took too long or crashed on it."""


class ParsingChild:
    """Calls pure module-level functions in a spawned child, one at a time.

    Arguments and results are pickled. The child starts with the first call (a second or so for its
    imports), ends when its parent does, even by SIGKILL, and is replaced when it had to be killed.
    """

    def __init__(self, deadline_s: float = DEADLINE_S) -> None:
        self._deadline_s = deadline_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="parsing")
        self._child: SpawnProcess | None = None
        self._line: Connection | None = None

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function in the child. Errors: ParseDiedError; what the function raised."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: self._ask(function, args, kwargs))

    async def close(self) -> None:
        """End the child."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._end)
        self._thread.shutdown(wait=False)

    def _ask(self, function: Callable[..., T], args: Any, kwargs: Any) -> T:
        line = self._line or self._begin()
        try:
            line.send((function, args, kwargs))
            if not line.poll(self._deadline_s):
                self._end()
                raise ParseDiedError(f"page took longer than {self._deadline_s:g} s to parse")
            answer, error, trace = line.recv()
        except (EOFError, OSError) as lost:
            self._end()
            raise ParseDiedError("the parser crashed on this page") from lost
        if error is not None:
            error.add_note(trace)
            raise error
        result: T = answer
        return result

    def _begin(self) -> Connection:
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._child = context.Process(target=_serve, args=(theirs,), daemon=True, name="parsing")
        self._child.start()
        theirs.close()  # so that the child's death ends our recv
        return self._line

    def _end(self) -> None:
        if self._line is not None:
            self._line.close()  # an idle child takes this for goodbye
        if self._child is not None:
            self._child.join(0.2)
            if self._child.is_alive():
                self._child.kill()
            self._child.join(_JOIN_S)
            self._child.close()
        self._line = self._child = None


def _serve(line: Connection) -> None:
    """Answer calls until the parent hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to act on
    while True:
        try:
            function, args, kwargs = line.recv()
        except (EOFError, OSError):
            return
        try:
            answer: tuple[Any, Exception | None, str] = (function(*args, **kwargs), None, "")
        except Exception as error:  # noqa: BLE001 - handed to the parent with its traceback
            answer = (None, error, traceback.format_exc())
        line.send(answer)
