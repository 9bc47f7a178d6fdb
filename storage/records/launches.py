"""What is counted of a product in its launch, and what it borrows from a sister."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from storage.records.ids import OwnerId


@dataclass(frozen=True, slots=True, kw_only=True)
class Borrowed:
    """The usual rate that a new product takes over from a sister (姊妹产品).

    Units: `rate` in distinct authors an hour per cluster, over `clusters` of the sister; `weight`
    in (0, 1] is the sister's share of the prior, the rest is the brand's own mean.
    """

    product: str
    name: str
    rate: float
    weight: float
    clusters: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductDay:
    """What was said about a product on one local day; noise is left out."""

    day: date
    mentions: int = 0
    negative: int = 0
    unsure: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductComplaints:
    """Who complains of a product over a range: each person once, in all and by symptom.

    Copies count as the text that they copy.
    """

    people: int = 0
    symptoms: tuple[tuple[str, int], ...] = ()  # family, people; most first


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchBrief:
    """One launch as a digest tells it to those who answer for it. Counts are of the digest's range.

    `per_thousand` is of the launch so far, None without sales; `missing` are titles of the
    checklist.
    """

    launch_id: str
    name: str
    day_no: int
    of_days: int
    ends: date
    is_over: bool
    representatives: tuple[OwnerId, ...]
    mentions: int
    people: int
    symptoms: tuple[tuple[str, int], ...]
    per_thousand: float | None
    incidents: int
    missing: tuple[str, ...]
