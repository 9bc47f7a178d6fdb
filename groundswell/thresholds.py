"""From which probability a mention of a brand is unsure, and from which negative.

In: what the brand's file says and, for an alert budget, the scores of the last days. Out: a band
per brand. Pure but for `bands`, which reads the scores.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from config.schema import Brand, BrandThresholds, ErrorCost, Project
from storage.queries import Queries
from storage.records import BrandId

Band = tuple[float, float]

LOOKED_BACK = timedelta(days=14)
_DAY = timedelta(days=1)
_DECIMALS = 6


def band(rules: BrandThresholds, default: Band, at_budget: float | None = None) -> Band:
    """Return (unsure, negative) of a brand; `unsure` never lies above `negative`.

    `at_budget`: the score of rank budget × days, None where there are fewer mentions than that.
    """
    negative = rules.negative
    if rules.cost is not None:
        negative = at_cost(rules.cost)
    unsure = default[0] if rules.unsure is None else rules.unsure
    if rules.alert_budget is not None:
        # Fewer than the budget even at the unsure edge: more would be called than is known of.
        return unsure, max(unsure, at_budget or 0.0)
    if negative is None:
        return unsure, max(unsure, default[1])
    return min(unsure, negative), negative


def at_cost(cost: ErrorCost) -> float:
    """Return the probability from which calling a mention negative costs less than leaving it.

    Source: Elkan 2001, The foundations of cost-sensitive learning, section 1.
    """
    return round(cost.false / (cost.false + cost.missed), _DECIMALS)


def rank_of_budget(budget: int, first_at: datetime, now: datetime) -> int:
    """Return how many mentions `budget` a day makes over the days that a brand was spoken of."""
    days = min(max(now - first_at, _DAY), LOOKED_BACK) / _DAY
    return max(1, round(budget * days))


def bands(project: Project, queries: Queries, now: datetime) -> dict[BrandId, Band]:
    """Return the band of every brand that states thresholds of its own."""
    return {
        BrandId(brand.id): band(
            brand.thresholds, project.settings.unsure_band, _at_budget(brand, queries, now)
        )
        for brand in _stating(project.brands)
    }


def _stating(brands: Iterable[Brand]) -> list[Brand]:
    return [brand for brand in brands if brand.thresholds != BrandThresholds()]


def _at_budget(brand: Brand, queries: Queries, now: datetime) -> float | None:
    budget = brand.thresholds.alert_budget
    if budget is None:
        return None
    since = now - LOOKED_BACK
    first_at = queries.first_spoken_of(BrandId(brand.id), since)
    if first_at is None:
        return None
    rank = rank_of_budget(budget, max(first_at, since), now)
    return queries.score_at_rank(BrandId(brand.id), since, rank)
