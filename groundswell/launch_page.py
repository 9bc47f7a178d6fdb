"""One launch as it stands today: the day it is in, what is said, who complains of what, how often.

In: queries, a plan, an instant. Out: what the page, the command and the digest tell. What is not
known (no sales, an unseen hour, a sister without a day of launch) is said, never counted as nought.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from alerts.routing import reachable
from config.schema import LaunchPlan, Project
from groundswell.launch_check import check_launch, missing_of
from groundswell.launch_sync import product_name
from storage.incidents import OPEN_STATES
from storage.queries import Queries
from storage.records import (
    BrandId,
    Incident,
    IncidentState,
    LaunchBrief,
    OwnerId,
    ProductComplaints,
    ProductDay,
)

_SYMPTOMS = 20  # families that are listed; a product has some dozens at most
_NAMED = 3  # in a line of a digest
_CLOSED_FOR = timedelta(days=1)  # so long a digest tells that a launch has ended
_TAIL = 0.025  # on each side of a 95 % interval
NO_SALES = "无销量，不算比例"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """People per 1,000 sold, with the exact 95 % interval of a Poisson count (Garwood 1936)."""

    people: int
    sold: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SymptomRow:
    """A family of trouble: people, how many per 1,000 sold, and the same of the sister.

    None: not known. `symptom` "" is everybody who complains, whatever of.
    """

    symptom: str
    people: int
    rate: Rate | None
    sister_people: int | None
    sister_rate: Rate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchDay:
    """A launch on one day. `day_no` counts from 1 on the day of launch; 0 or less: before it."""

    plan: LaunchPlan
    product: str
    brand: str
    today: date
    ends: date
    day_no: int
    of_days: int
    days: tuple[ProductDay, ...]  # every day so far, oldest first
    sold: int | None
    rows: tuple[SymptomRow, ...]  # the first counts everybody
    sister: str  # its name, "" without one
    sister_why_not: str  # why there is no comparison, "" when there is one
    incidents: tuple[Incident, ...]
    seen: float | None  # share of the brand's source hours since the launch that were seen
    factor: float
    min_authors: int

    @property
    def is_over(self) -> bool:
        """Whether the launch has ended; its page stays."""
        return self.today > self.ends

    @property
    def is_to_come(self) -> bool:
        """Whether the day of launch lies ahead."""
        return self.today < self.plan.launched


def per_thousand(people: int, sold: int | None) -> Rate | None:
    """Return people per 1,000 sold; None where nothing is known to be sold."""
    if not sold or sold < 0:
        return None
    from scipy.special import gammaincinv  # costs 50 ms of start-up

    low = float(gammaincinv(people, _TAIL)) if people else 0.0
    high = float(gammaincinv(people + 1, 1 - _TAIL))
    scale = 1000 / sold
    return Rate(people=people, sold=sold, value=people * scale, low=low * scale, high=high * scale)


def survey_launch(queries: Queries, project: Project, plan: LaunchPlan, now: datetime) -> LaunchDay:
    """Return a launch as it stands at `now`, from its first day to its last at most."""
    zone, rules = project.settings.zone, project.settings.launch
    today, ends = now.astimezone(zone).date(), plan.last_day(rules.months)
    last = min(today, ends)
    since, until = _range(project, plan.launched, last, now)
    brand_id, day_no = BrandId(plan.brand), (last - plan.launched).days + 1
    has_begun = today >= plan.launched
    told = queries.product_complaints(brand_id, plan.product, since, until)
    sold = queries.sold(brand_id, plan.product, last)
    sister, why_not, beside = _sister(queries, project, plan, now, day_no)
    seen = queries.completeness(project, since, until, now) if has_begun else None
    found = queries.product_days(brand_id, plan.product, since, until, zone) if has_begun else ()
    brand = project.brand(plan.brand)
    return LaunchDay(
        plan=plan,
        product=product_name(project, plan),
        brand=brand.name if brand else plan.brand,
        today=today,
        ends=ends,
        day_no=day_no,
        of_days=(ends - plan.launched).days + 1,
        days=_every_day(found, plan.launched, last),
        sold=sold,
        rows=_rows(told, sold, beside),
        sister=sister,
        sister_why_not=why_not,
        incidents=_incidents(queries, project, plan),
        seen=None if seen is None else seen.of_brand(brand_id),
        factor=rules.factor,
        min_authors=rules.min_authors,
    )


def briefs(
    queries: Queries, project: Project, since: datetime, until: datetime
) -> tuple[LaunchBrief, ...]:
    """Return what digests tell representatives of launches that run, or ended in this range."""
    found = []
    for plan in project.launches:
        zone, ends = project.settings.zone, plan.last_day(project.settings.launch.months)
        today = until.astimezone(zone).date()
        if not plan.launched <= today <= ends + _CLOSED_FOR:
            continue
        day = survey_launch(queries, project, plan, until)
        told = queries.product_days(BrandId(plan.brand), plan.product, since, until, zone)
        people = queries.product_complaints(BrandId(plan.brand), plan.product, since, until)
        whole = day.rows[0]
        found.append(
            LaunchBrief(
                launch_id=plan.id,
                name=f"{day.brand} {day.product}",
                day_no=day.day_no,
                of_days=day.of_days,
                ends=ends,
                is_over=day.is_over,
                representatives=_people(project, plan, until),
                mentions=sum(one.mentions for one in told),
                people=people.people,
                symptoms=people.symptoms[:_NAMED],
                per_thousand=whole.rate.value if whole.rate else None,
                incidents=len(day.incidents),
                missing=tuple(
                    one.title for one in missing_of(check_launch(queries, project, plan, until))
                ),
            )
        )
    return tuple(found)


def _people(project: Project, plan: LaunchPlan, now: datetime) -> tuple[OwnerId, ...]:
    """Return who answers for a launch: those named, and whoever stands in for them now."""
    named = tuple(OwnerId(one) for one in plan.representatives if project.owner(one))
    return tuple(dict.fromkeys((*named, *reachable(project, plan.representatives, now))))


def _range(project: Project, first: date, last: date, now: datetime) -> tuple[datetime, datetime]:
    """Return the instants between which days of the project's zone lie, `now` at most."""
    zone = project.settings.zone
    begins = datetime.combine(first, time(), zone).astimezone(now.tzinfo)
    ends = datetime.combine(last + timedelta(days=1), time(), zone).astimezone(now.tzinfo)
    return begins, max(begins, min(ends, now))


def _every_day(found: Sequence[ProductDay], first: date, last: date) -> tuple[ProductDay, ...]:
    known = {one.day: one for one in found}
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return tuple(known.get(day) or ProductDay(day=day) for day in days)


@dataclass(frozen=True, slots=True)
class _Beside:
    told: ProductComplaints
    sold: int | None


def _sister(
    queries: Queries, project: Project, plan: LaunchPlan, now: datetime, day_no: int
) -> tuple[str, str, _Beside | None]:
    """Return a sister's name, why she cannot be compared, and what was said at this age."""
    brand = project.brand_of_product(plan.sister) if plan.sister else None
    line = next((one for one in brand.products if one.id == plan.sister), None) if brand else None
    if brand is None or line is None:
        return "", "没有写姊妹产品", None
    if line.launched is None:
        return line.name, f"{line.name} 没有写上市日，不知道它同龄时是哪几天", None
    if day_no < 1:
        return line.name, "还没有上市", None
    last = line.launched + timedelta(days=day_no - 1)
    since, until = _range(project, line.launched, last, now)
    told = queries.product_complaints(BrandId(brand.id), plan.sister, since, until)
    return line.name, "", _Beside(told, queries.sold(BrandId(brand.id), plan.sister, last))


def _rows(
    told: ProductComplaints, sold: int | None, beside: _Beside | None
) -> tuple[SymptomRow, ...]:
    known: Mapping[str, int] = dict(beside.told.symptoms) if beside else {}
    counted = [("", told.people), *told.symptoms[:_SYMPTOMS]]
    rows = []
    for symptom, people in counted:
        other = None
        if beside is not None:
            other = known.get(symptom, 0) if symptom else beside.told.people
        rows.append(
            SymptomRow(
                symptom=symptom,
                people=people,
                rate=per_thousand(people, sold),
                sister_people=other,
                sister_rate=None
                if beside is None or other is None
                else per_thousand(other, beside.sold),
            )
        )
    return tuple(rows)


def _incidents(queries: Queries, project: Project, plan: LaunchPlan) -> tuple[Incident, ...]:
    """Return the open incidents about the product, the gravest first."""
    states = {IncidentState(one) for one in OPEN_STATES}
    names = {plan.product, product_name(project, plan)}
    clusters = set(queries.product_clusters(BrandId(plan.brand), plan.product))
    return tuple(
        one
        for one in queries.incidents(states)
        if one.brand_id == plan.brand and (one.cluster_id in clusters or _product_of(one) in names)
    )


def _product_of(incident: Incident) -> str:
    return incident.fingerprint.split("|")[1] if incident.fingerprint.count("|") > 1 else ""
