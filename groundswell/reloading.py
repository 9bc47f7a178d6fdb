"""Taking over changed project files while the main job runs, by a clean stop and a fresh start.

In: the project folder. Out: whether the job ended because its files were changed for good ones. A
new process is the one way in which every part sees the same configuration, and a stop loses
nothing (decisions.md 13): what was begun stands in the database.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from config.errors import ConfigError
from config.load import load

log = logging.getLogger(__name__)

_LOOK_S = 2.0  # the files are looked at so often; two looks alike and the change is complete
_KINDS = ("*.yaml", "*.yml", "spiders/*.py")
_OTHERS = frozenset({"var", "fixtures", "schemas"})  # folders of a project that configure nothing

Files = Mapping[str, tuple[int, int]]


class Watch:
    """Watches a project folder in a thread of its own, from `start` to `close`.

    Made before the configuration is loaded, so that no change falls in between. `changed` says
    whether the files have become another good configuration, for which `stop` is called once. One
    with mistakes is named in the log, and the job goes on with what it has.
    """

    def __init__(self, directory: Path, look_s: float = _LOOK_S) -> None:
        self._directory = directory
        self._look_s = look_s
        self._loaded = files_of(directory)
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self.changed = False

    def start(self, stop: Callable[[], None]) -> None:
        """Begin to look; `stop` is called from another thread."""
        self._thread = threading.Thread(
            target=self._watch, args=(stop,), name="config", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self, stop: Callable[[], None]) -> None:
        before = refused = self._loaded
        while not self._ended.wait(self._look_s):
            found = files_of(self._directory)
            is_settled, before = found == before, found
            if not is_settled or found in (self._loaded, refused):
                continue
            if _is_good(self._directory):
                log.info("config changed=%s: starting again with it", _named(self._loaded, found))
                self.changed = True
                stop()
                return
            refused = found


def files_of(directory: Path) -> Files:
    """Return what tells one state of a project's files from another: their times and sizes."""
    found = {}
    for kind in _KINDS:
        for path in directory.rglob(kind):
            name = path.relative_to(directory)
            if name.parts[0] in _OTHERS:
                continue
            try:
                known = path.stat()
            except OSError:
                continue  # an editor replaces files: the next look sees the new one
            found[str(name)] = (known.st_mtime_ns, known.st_size)
    return found


def start_again() -> None:
    """Replace this process by a fresh one of the same command; its number stays the same."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - our own command


def _is_good(directory: Path) -> bool:
    try:
        load(directory)
    except ConfigError as error:
        shown = "; ".join(error.problems)
        log.warning("config outcome=refused, going on with what was loaded: %s", shown)
        return False
    return True


def _named(before: Files, after: Files) -> str:
    return ",".join(sorted({name for name, _ in {*before.items()} ^ {*after.items()}}))
