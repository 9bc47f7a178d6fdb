"""A product's launch (上市) as one form: who answers for it, what is said, what must be ready.

In: plain values of one file in `launches/`. Out: a frozen model, and brands that know the product.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import date, timedelta

from pydantic import Field

from config.brand_schema import Brand, ProductLine
from config.values import Identifier, Model, PossibleDay, Words

# A launch is watched for three to six months: shorter, and the first failures of a part that wears
# have not come; longer, and it is an ordinary product (上市爬坡期, as after-sales service has it).
FEWEST_MONTHS, MOST_MONTHS = 3, 6


class Faq(Model):
    """A question that will come and the answer that may be given (口径)."""

    question: str = Field(min_length=1, max_length=500)
    answer: str = Field(min_length=1, max_length=2000)
    approved_by: str = ""  # who approved it; "" is a draft, which nobody is shown as an answer
    approved_on: PossibleDay | None = None


class Readiness(Model):
    """培训到人、备件到店: how far one place (a region, a store, all of them) has come, who says so.

    Units: persons and parts; 0 planned says that none are needed there.
    """

    place: str = Field(default="全部", min_length=1, max_length=60)
    trained: int = Field(default=0, ge=0, le=1_000_000)
    to_train: int = Field(default=0, ge=0, le=1_000_000)
    parts: int = Field(default=0, ge=0, le=10_000_000)
    parts_wanted: int = Field(default=0, ge=0, le=10_000_000)
    by: str = ""
    as_of: PossibleDay | None = None


class LaunchPlan(Model):
    """One launch. `product` is the id of a product of the brand, or of a new one with a `name`.

    `ends` is the last day of the launch; without it the project's `launch.months` say it.
    `aliases` and `words` are added to those of the product; `examples` are sentences in which
    customers name it. `representatives` (服务代表) hear of its incidents before the general route.
    `sister`: the product whose rate is taken for usual while this one has no history.
    """

    id: Identifier
    brand: Identifier
    product: Identifier
    name: str = ""
    aliases: Words = ()
    words: Words = ()
    examples: Words = ()
    launched: PossibleDay
    ends: date | None = None
    representatives: Words = ()
    sister: str = ""
    faq: tuple[Faq, ...] = ()
    readiness: tuple[Readiness, ...] = ()
    note: str = ""

    def last_day(self, months: int) -> date:
        """Return the last day of the launch; `months` are the project's where none is written."""
        return self.ends or months_after(self.launched, months) - timedelta(days=1)

    def holds(self, day: date, months: int) -> bool:
        """Say whether a day lies within the launch."""
        return self.launched <= day <= self.last_day(months)


def months_after(day: date, months: int) -> date:
    """Return the same day so many months later, the month's last day where it has no such day."""
    year, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + year, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def range_of_ends(launched: date) -> tuple[date, date]:
    """Return the first and the last day on which a launch may end."""
    short, long = (months_after(launched, months) for months in (FEWEST_MONTHS, MOST_MONTHS))
    return short - timedelta(days=1), long - timedelta(days=1)


def with_launches(brands: Sequence[Brand], plans: Sequence[LaunchPlan]) -> tuple[Brand, ...]:
    """Return the brands with what launches say of their products: names, words, the day."""
    return tuple(
        _with_plans(brand, [plan for plan in plans if plan.brand == brand.id]) for brand in brands
    )


def _with_plans(brand: Brand, plans: Sequence[LaunchPlan]) -> Brand:
    if not plans:
        return brand
    lines = {line.id: line for line in brand.products}
    for plan in plans:
        known = lines.get(plan.product) or ProductLine(id=plan.product, name=plan.name)
        lines[plan.product] = known.model_copy(
            update={
                "aliases": tuple(dict.fromkeys((*known.aliases, *plan.aliases))),
                "words": tuple(dict.fromkeys((*known.words, *plan.words))),
                "launched": plan.launched,
            }
        )
    return brand.model_copy(update={"products": tuple(lines.values())})
