"""How whole brands speak, read once per transaction and only where a surge may depend on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.baseline import (
    BASELINE_HOURS,
    FIT_LAG,
    HISTORY_HOURS,
    PULSE_HOURS,
    PULSE_LAG_HOURS,
)
from alerts.brand_surge import pulse_of
from alerts.events import events_between
from alerts.grid import BrandFits
from alerts.launch import borrow, plan_of
from config.launch_schema import LaunchPlan
from config.schema import Project
from storage.brand_talk import less
from storage.completeness import serves
from storage.queries import Queries
from storage.records import (
    BRAND_PREFIX,
    Borrowed,
    BrandId,
    CalendarEvent,
    ClusterId,
    Evidence,
    HourCount,
    Pulse,
    SourceId,
)

_BACK = timedelta(hours=HISTORY_HOURS)
_SLOTS_FOR = timedelta(hours=PULSE_HOURS)
_SLOTS_AGO = timedelta(hours=PULSE_LAG_HOURS)
_LOUD_FOR = timedelta(hours=24)
# As a brand's own rate is read, and on nothing that may be a burst of the last two days.
_LENT_FOR, _LENT_AGO = timedelta(hours=BASELINE_HOURS), timedelta(hours=FIT_LAG)


def brand_clusters(project: Project) -> list[ClusterId]:
    """Return the ids under which the talk about each of our brands is graded as a whole."""
    return [ClusterId(f"{BRAND_PREFIX}{one.id}") for one in project.brands if not one.competitor]


class PulseView:
    """Brands as they speak at one instant.

    Lives as long as one transaction.
    """

    def __init__(self, project: Project, queries: Queries, now: datetime) -> None:
        self._project = project
        self._queries = queries
        self._now = now
        self._slots: dict[BrandId, tuple[int, ...]] = {}
        self._blind: dict[BrandId, tuple[datetime, ...] | None] = {}
        self._events: list[CalendarEvent] | None = None
        self._lent: dict[str, Borrowed | None] = {}
        self.fits = BrandFits()  # of the brands whose clusters are judged
        self.rates: dict[str, tuple[int, float, int]] = {}  # of sisters, as they were read

    def see(self, evidence: Evidence) -> Evidence:
        """Tell the evidence on a cluster how bursty its brand is, and when nobody could see it.

        A cluster in which fewer people speak than can fire is not looked at.
        """
        if len(evidence.watch_authors) < self._fewest():
            return evidence
        brand_id = evidence.cluster.brand_id
        pulse = Pulse(slots=self._slots_of(brand_id))
        evidence = replace(evidence, pulse=pulse, borrowed=self._borrowed(evidence))
        blind = self._blind_of(brand_id)
        return evidence if blind is None else replace(evidence, blind_hours=blind)

    @property
    def blind_by_brand(self) -> dict[str, tuple[datetime, ...]]:
        """The hours that nobody saw, of the brands that were asked for and have own sources."""
        return {one: hours for one, hours in self._blind.items() if hours is not None}

    def lifted(self, evidence: Evidence, at: datetime) -> Evidence:
        """Tell the evidence how the rest of its brand stood when its own surge did, at `at`."""
        cluster = evidence.cluster
        loudest = self._queries.loudest_clusters(
            cluster.brand_id, at - _LOUD_FOR, at, cluster.cluster_id
        )
        aside = [self._queries.cluster_hours_of(one, at - _BACK, at) for one in loudest]
        others = less(evidence.brand_hours, [evidence.hours, *aside])
        slots = evidence.pulse.slots if evidence.pulse else ()
        return replace(evidence, pulse=pulse_of(evidence, others, self._competitors(at), at, slots))

    def wave(self, evidence: Evidence, at: datetime) -> Evidence:
        """Tell the evidence on a whole brand which competitors rose with it by `at`."""
        slots = evidence.pulse.slots if evidence.pulse else ()
        found = pulse_of(evidence, evidence.hours, self._competitors(at), at, slots)
        # what rose is the brand itself: no excuse, only the name of it
        return replace(evidence, pulse=replace(found, lift=1.0))

    def _borrowed(self, evidence: Evidence) -> Borrowed | None:
        """Return the rate that a product in its launch borrows from its sister."""
        plan = plan_of(self._project, evidence, self._now)
        if plan is None or not plan.sister:
            return None
        if plan.id not in self._lent:
            self._lent[plan.id] = self._lend(plan)
        return self._lent[plan.id]

    def _lend(self, plan: LaunchPlan) -> Borrowed | None:
        brand = self._project.brand_of_product(plan.sister)
        if brand is None:
            return None
        until = self._now - _LENT_AGO
        authors, hours, clusters = self._queries.product_rate(
            BrandId(brand.id), plan.sister, until - _LENT_FOR, until
        )
        self.rates[f"{brand.id} {plan.sister}"] = (authors, hours, clusters)
        return borrow(
            self._project, plan, self._now, authors=authors, hours=hours, clusters=clusters
        )

    def events(self, brand_id: BrandId, since: datetime) -> tuple[CalendarEvent, ...]:
        """Return the events of a brand's calendar that touch the days from `since` up to now."""
        zone = self._project.settings.zone
        first, last = (at.astimezone(zone).date() for at in (since, self._now))
        if self._events is None:  # a handful of rows; asked for where something surges
            self._events = self._queries.calendar_events(until=last)
        return events_between(self._project, self._events, first, last, brand_id)

    def _competitors(self, at: datetime) -> Iterator[tuple[str, tuple[HourCount, ...]]]:
        for brand in self._project.brands:
            if brand.competitor:
                hours = self._queries.brand_hours(BrandId(brand.id), at - _BACK, at)
                yield brand.name, hours

    def _fewest(self) -> int:
        settings = self._project.settings
        return min(settings.surge.min_authors, settings.launch.min_authors)

    def _slots_of(self, brand_id: BrandId) -> tuple[int, ...]:
        if brand_id not in self._slots:
            until = self._now - _SLOTS_AGO
            self._slots[brand_id] = self._queries.brand_slots(brand_id, until - _SLOTS_FOR, until)
        return self._slots[brand_id]

    def _blind_of(self, brand_id: BrandId) -> tuple[datetime, ...] | None:
        """Return the hours in which no source of this brand answered; None: all sources are its."""
        if brand_id not in self._blind:
            sources = [one for one in self._project.sources if one.enabled]
            brands = tuple(BrandId(one.id) for one in self._project.brands)
            own = [SourceId(one.id) for one in sources if brand_id in serves(one, brands)]
            is_part = 0 < len(own) < len(sources)
            self._blind[brand_id] = self._queries.blind_hours(own, self._now) if is_part else None
        return self._blind[brand_id]
