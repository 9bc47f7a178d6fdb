"""Time as something that is passed in: the real clock, or one that runs faster for the demo.

Leases use the database's own clock and never this one (decisions.md 3).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Something that knows what time it is."""

    def now(self) -> datetime:
        """Return the present instant, aware UTC; it never runs back."""
        ...


class RealClock:
    """The wall clock."""

    rate = 1.0

    def now(self) -> datetime:
        """Return the wall clock's instant."""
        return datetime.now(UTC)


class ScaledClock:
    """A clock that starts at `origin` and runs `rate` times as fast as real time."""

    def __init__(self, origin: datetime, rate: float) -> None:
        self.origin = origin
        self.rate = rate
        self._started = time.monotonic()

    def now(self) -> datetime:
        """Return origin + rate × elapsed real (monotonic) time."""
        return self.origin + timedelta(seconds=(time.monotonic() - self._started) * self.rate)
