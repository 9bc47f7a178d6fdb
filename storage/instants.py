"""Instants cut to what tables are keyed by: the UTC hour and the UTC month."""

from __future__ import annotations

from datetime import UTC, datetime


def hour_of(instant: datetime) -> datetime:
    """Return the start of the UTC hour that holds the instant."""
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def month_of(instant: datetime) -> int:
    """Return the UTC month as a number such as 202603."""
    utc = instant.astimezone(UTC)
    return utc.year * 100 + utc.month
