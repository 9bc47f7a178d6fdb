"""The program that is killed while it trains or promotes: `python -m tests.crash.learning URL POINT`.

It dies by SIGKILL when it comes to the point: `fitting`, `writing` (half the files are there),
`written` (named, not noted), `noted`, `promoting` (just before the commit) or `promoted`.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import Connection

from groundswell.models import Registry, models_dir
from groundswell.promotion import promote
from groundswell.training import Order, train
from storage.store import Store
from tests.groundswell.test_pipeline import NOW, project


class Death:
    """Dies at the point it was given."""

    def __init__(self, point: str) -> None:
        self._point = point

    def at(self, point: str) -> None:
        if point == self._point:
            os.kill(os.getpid(), signal.SIGKILL)


class MortalRegistry(Registry):
    """The registry, dying between two files or just after a version was named."""

    death: Death

    def put(self, kind: str, version: str, write: Callable[[Path], None]) -> str:
        def half(folder: Path) -> None:
            write(folder)
            (folder / f"{kind}.npz").unlink()
            self.death.at("writing")
            write(folder)

        digest = super().put(kind, version, half)
        self.death.at("written")
        return digest


class MortalStore(Store):
    """The store, dying just before the commit that puts a version to work."""

    death: Death
    is_promoting = False

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with super().write() as connection:
            yield connection
            if self.is_promoting:
                self.death.at("promoting")


def main(url: str, point: str) -> None:
    death = Death(point)
    store = MortalStore(url)
    store.death = death
    registry = MortalRegistry(models_dir(store.file))
    object.__setattr__(registry, "death", death)

    def told(_share: float | None, text: str) -> None:
        if text.startswith("trying"):
            death.at("fitting")

    made = train(store, project(), registry, Order(), now=NOW, progress=told)
    death.at("noted")
    store.is_promoting = True
    promote(
        store,
        project(),
        registry,
        kind="negative",
        version=made.version,
        actor="gao",
        now=NOW,
        force=True,
        reason="a test",
    )
    death.at("promoted")
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
