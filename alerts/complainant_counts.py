"""How many complainants stand where, and how fast first answers came.

In: complainants, or counts by state. Out: figures that always sum, and what a digest says of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from storage.records import Complainant, Contact


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many complainants stand where; the six states always sum to `total`.

    `unknown` are those whose time of posting nobody knows: they are in their states, too.
    """

    total: int = 0
    waiting: int = 0
    contacted: int = 0
    offered: int = 0
    solved: int = 0
    refused: int = 0
    unreachable: int = 0
    unknown: int = 0

    @property
    def reached(self) -> int:
        """How many somebody has spoken to, wherever they stand now."""
        return self.contacted + self.offered + self.solved + self.refused

    @property
    def reachable(self) -> int:
        """How many are not known to be out of reach."""
        return self.total - self.unreachable

    def __add__(self, other: Counts) -> Counts:
        """Return both together."""
        names = self.__slots__
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in names})


def counts_of(complainants: Iterable[Complainant]) -> Counts:
    """Count complainants by state."""
    states: dict[Contact, int] = {}
    unknown = 0
    for one in complainants:
        states[one.state] = states.get(one.state, 0) + 1
        unknown += one.posted_at is None
    return counts_from(states, unknown)


def counts_from(states: Mapping[Contact, int], unknown: int = 0) -> Counts:
    """Return the counts of these states."""
    return Counts(
        total=sum(states.values()),
        unknown=unknown,
        **{state.value: states.get(state, 0) for state in Contact},
    )


def counts_words(counts: Counts) -> str:
    """Say how many complain, and how far the service has come with them."""
    said = [
        f"{counts.total} 位投诉人",
        f"{counts.reached} 已联系",
        f"{counts.solved} 已解决",
        f"{counts.refused} 不接受" if counts.refused else "",
        f"{counts.unreachable} 联系不上" if counts.unreachable else "",
    ]
    return "，".join(one for one in said if one)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """How fast complainants got a first answer. Seconds of the wall clock from their posts.

    `share` is None while nobody was due; the unknown are neither in time nor late.
    """

    answered: int
    waiting: int
    unknown: int
    median_s: float | None
    p90_s: float | None
    in_time: int
    late: int

    @property
    def share(self) -> float | None:
        """The share of those who were answered in time, of all whose time was up."""
        due = self.in_time + self.late
        return self.in_time / due if due else None


class Timed(Protocol):
    """Somebody with the time of his post and of the first answer to it."""

    @property
    def posted_at(self) -> datetime | None:
        """When he posted; None: unknown."""

    @property
    def first_response_at(self) -> datetime | None:
        """When he first got an answer; None: not yet."""


def first_answers(
    complainants: Iterable[Timed], is_late: Mapping[str, bool] | None = None
) -> Answered:
    """Sum up first answers; `is_late` says of each id whether its limit passed unanswered."""
    waited: list[float] = []
    waiting = unknown = 0
    for one in complainants:
        at = one.first_response_at
        if one.posted_at is None:
            unknown += 1
        elif at is None:
            waiting += 1
        else:
            waited.append(max(0.0, (at - one.posted_at).total_seconds()))
    waited.sort()
    late = sum((is_late or {}).values())
    return Answered(
        answered=len(waited),
        waiting=waiting,
        unknown=unknown,
        median_s=quantile(waited, 0.5),
        p90_s=quantile(waited, 0.9),
        in_time=len(is_late or {}) - late,
        late=late,
    )


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """Return the value that `share` of sorted values do not exceed; None of none."""
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]
