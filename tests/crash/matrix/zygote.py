"""A process that has imported everything and holds nothing open; its forks live and die.

`python -m tests.crash.matrix.zygote`: one JSON line in, one out. `warm` lives an order here, `start`
forks a process that lives one and answers its pid, `wait` answers how it ended.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from tests.crash.matrix import planted
from tests.crash.matrix.live import Order, live


def warm(order: Order) -> int:
    """Live an order in this very process: models, word lists and statements are there for forks."""
    code = asyncio.run(live(order))
    gc.collect()
    gc.freeze()
    return code


def start(order: Order) -> int:
    """Fork a process that lives an order, and return its pid."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    gc.disable()  # it lives for half a second
    try:
        out = os.open(Path(order.folder) / "stderr", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for number in (1, 2):
            os.dup2(out, number)
        status = asyncio.run(live(order))
    except BaseException:  # noqa: BLE001 - the edge of a process
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def wait(pid: int, timeout_s: float) -> int | None:
    """Return a process's exit code, negative for a signal; None when it had to be ended."""
    give_up_at = time.monotonic() + timeout_s
    pause_s = 0.001
    while time.monotonic() < give_up_at:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.3, 0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def main() -> None:
    """Serve until stdin ends."""
    assert planted
    answer: dict[str, Any] = {"ready": os.getpid()}
    while True:
        print(json.dumps(answer), flush=True)
        line = sys.stdin.readline()
        if not line:
            return
        asked: dict[str, Any] = json.loads(line)
        match asked["do"]:
            case "warm":
                answer = {"code": warm(Order(**asked["order"]))}
            case "start":
                answer = {"pid": start(Order(**asked["order"]))}
            case _:
                answer = {"code": wait(asked["pid"], asked["timeout_s"])}


if __name__ == "__main__":
    main()
