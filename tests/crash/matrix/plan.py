"""What the matrix is made of: points of death, faults of the provider, and single trials."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Story = Literal["ladder", "desk", "digest", "merge", "migration", "reload"]
DATABASES = ("sqlite", "postgres")


class Point(StrEnum):
    """Where a process dies (alerting.md 2.5)."""

    IN_TX = "in tx"  # all of a change is written and nothing committed
    COMMITTED = "after commit"
    CLAIMED = "after claim"
    BEFORE_SEND = "before send"  # the attempt stands in the database, no byte is out
    BYTES_OUT = "bytes out"  # the provider has the request, nobody has its answer
    ANSWERED = "answer, no commit"
    FINISHED = "outcome stored"
    DIGEST = "mid-digest"
    MERGE = "mid-merge"
    MIGRATION = "mid-migration"
    RELOAD = "mid-config-reload"


class Fault(StrEnum):
    """What a provider does wrong, now and then (alerting.md 2.5)."""

    ERROR = "500"
    ERRCODE = "errcode at 200"
    THROTTLED = "429"
    RESET_BEFORE = "reset before accept"
    RESET_AFTER = "reset after accept"
    HANG = "hang"
    SLOW = "slow body"
    HTML = "HTML at 200"
    MOVED = "302"


PASSES = ("1st", "2nd", "last")

STORIES: dict[Point, Story] = {
    Point.DIGEST: "digest",
    Point.MERGE: "merge",
    Point.MIGRATION: "migration",
    Point.RELOAD: "reload",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One death: where, at which pass, under which fault, on which database.

    `seed` decides which requests fail and how. `twin`: a second engine runs on the same database
    all along, and goes on while the first is dead.
    """

    point: Point
    nth: str
    fault: Fault
    database: str
    seed: int
    twin: bool = False

    @property
    def story(self) -> Story:
        """What happens in the trial; most points lie on the way of two stories."""
        return STORIES.get(self.point) or ("desk" if self.seed % 2 else "ladder")


def trials(
    count: int, seed: int = 0, databases: Sequence[str] = DATABASES, *, points: Sequence[str] = ()
) -> Iterator[Trial]:
    """Yield trials that cover every point, pass, fault and database before any comes again.

    A short row covers each point and each fault many times, for the order runs through them
    diagonally. Every third trial has a twin.
    """
    chosen = [point for point in Point if not points or point.name.lower() in points]
    cells = list(itertools.product(chosen, PASSES, Fault, databases))
    # a step prime to the number of cells visits all of them, far apart from each other
    step = next(
        n for n in range(len(cells) * 5 // 13 | 1, 2 * len(cells) + 3) if _prime_to(n, len(cells))
    )
    for number in range(count):
        point, nth, fault, database = cells[number * step % len(cells)]
        yield Trial(
            point=point,
            nth=nth,
            fault=fault,
            database=database,
            seed=seed * 1_000_003 + number,
            twin=number % 3 == 2 and point not in STORIES,
        )


def _prime_to(n: int, other: int) -> bool:
    while other:
        n, other = other, n % other
    return n == 1
