"""A clock that stands where a test puts it."""

from __future__ import annotations

from datetime import datetime, timedelta


class HandClock:
    """`now` is what was set; `advance` moves it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, **units: float) -> None:
        self.at += timedelta(**units)
