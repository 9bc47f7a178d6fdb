"""Which batches of a brand's products stand out: counted in the store, judged, named for people.

In: queries and an instant. Out: signals, and Evidence that knows of those of its own products and
symptoms.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from alerts.batches import KINDS, MIN_AUTHORS, Cell, cells, signal_words, signals, telling
from config.schema import Brand, Project
from groundswell.signal_record import signal_record
from storage.queries import Queries
from storage.records import (
    BatchSignal,
    BrandId,
    Evidence,
    FactCount,
    MentionId,
    SignalVerdicts,
)

WINDOW_DAYS = 30  # long enough for a batch to be sold and fail, short enough to be news
_SHOWN = 4  # signals on one cluster: a card has room for one, a page for these
_MOST = 100  # signals of one brand that a digest looks through
_PRINTED = 40  # cells that the command prints
_ROWS = 14  # groups in a page's table
_SAMPLES = 12  # mentions listed under a signal


class BatchView:
    """The signals of all brands at one instant; each brand is counted once, when it is asked for.

    Lives as long as one transaction.
    """

    def __init__(
        self, project: Project, queries: Queries, now: datetime, days: int = WINDOW_DAYS
    ) -> None:
        self._project = project
        self._queries = queries
        self._now = now
        self._since = now - timedelta(days=days)
        self._found: dict[BrandId, tuple[BatchSignal, ...]] = {}

    def counts(self, brand_id: BrandId) -> tuple[FactCount, ...]:
        """Return the counts that signals are made from."""
        return self._queries.fact_counts(brand_id, self._since, self._now)

    def of(self, brand_id: BrandId) -> tuple[BatchSignal, ...]:
        """Return a brand's signals, strongest first."""
        known = self._found.get(brand_id)
        if known is None:
            found = signals(self.counts(brand_id), brand_id)
            brand = self._project.brand(brand_id)
            known = tuple(replace(one, name=product_name(brand, one.product)) for one in found)
            self._found[brand_id] = known
        return known

    def see(self, evidence: Evidence) -> Evidence:
        """Tell the evidence on a cluster which batches of its own product and trouble stand out.

        A cluster in which fewer people speak than make a signal is not looked at: counting costs.
        """
        products = set(evidence.products)
        told = {symptom for symptom, _ in evidence.symptoms}
        if not products or not told or len(evidence.watch_authors) < MIN_AUTHORS:
            return evidence
        own = [
            one
            for one in self.of(evidence.cluster.brand_id)
            if one.product in products and one.symptom in told
        ]
        return replace(evidence, batches=telling(own, _SHOWN)) if own else evidence

    def mentions(self, signal: BatchSignal, limit: int = _SAMPLES) -> tuple[MentionId, ...]:
        """Return the newest mentions behind a signal."""
        wanted = [("product", signal.product), ("symptom", signal.symptom)]
        if signal.kind != "product":
            wanted.append((signal.kind, signal.value))
        return self._queries.fact_mentions(signal.brand_id, wanted, self._since, self._now, limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One group of a product: how many complain, and how many of them of the symptom."""

    kind: str
    value: str
    both: int
    group: int
    expected: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What a page shows: signals with their mentions, and the table product × group."""

    days: int
    signals: tuple[tuple[BatchSignal, str, tuple[MentionId, ...]], ...]  # with the sentence
    product: str
    symptom: str
    rows: tuple[Row, ...]
    all: int
    symptom_all: int


def batch_block(
    queries: Queries, project: Project, evidence: Evidence, now: datetime
) -> Block | None:
    """Return what the page of an incident says of batches; None where no batch stands out."""
    view = BatchView(project, queries, now)
    found = view.see(evidence).batches
    if not found:
        return None
    first = found[0]
    return Block(
        days=WINDOW_DAYS,
        signals=tuple((one, signal_words(one), view.mentions(one)) for one in found),
        product=first.name,
        **cross_table(view.counts(first.brand_id), first.product, first.symptom),
    )


def cross_table(
    counts: Iterable[FactCount], product: str, symptom: str, limit: int = _ROWS
) -> dict[str, Any]:
    """Return the groups of one product beside one symptom, those with most of it first."""
    own = [one for one in cells(counts) if one.product == product and one.symptom == symptom]
    groups = sorted(
        (one for one in own if one.kind != "product"),
        key=lambda one: (-one.both, one.expected, KINDS.index(one.kind), one.value),
    )
    whole = next((one for one in own if one.kind == "product"), None)
    return {
        "symptom": symptom,
        "rows": tuple(
            Row(kind=g.kind, value=g.value, both=g.both, group=g.group, expected=g.expected)
            for g in groups[:limit]
        ),
        "all": whole.group if whole else 0,
        "symptom_all": whole.both if whole else 0,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A signal with its sentence and the mentions behind it."""

    sentence: str
    signal: BatchSignal
    mentions: tuple[MentionId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandFacts:
    """What `groundswell facts` prints of one brand: signals, and the fullest cells of the table."""

    brand_id: BrandId
    name: str
    authors: int  # who complain of one of its products
    signals: tuple[Told, ...]
    rows: tuple[Cell, ...]
    record: tuple[SignalVerdicts, ...] = ()  # what people found out about its signals


def survey_facts(
    queries: Queries, project: Project, now: datetime, days: int, brand_id: str | None = None
) -> tuple[BrandFacts, ...]:
    """Return signals and counts of all watched brands, competitors too, or of one."""
    view = BatchView(project, queries, now, days)
    found = []
    for brand in project.brands:
        if brand_id not in {None, brand.id}:
            continue
        own = BrandId(brand.id)
        counts = view.counts(own)
        whole = next((one.authors for one in counts if not one.product and not one.symptom), 0)
        rows = sorted(
            (one for one in cells(counts) if one.both > 1),
            key=lambda one: (-one.both, one.expected, one.product, one.kind, one.value),
        )
        told = tuple(
            Told(sentence=signal_words(one), signal=one, mentions=view.mentions(one))
            for one in view.of(own)
        )
        found.append(
            BrandFacts(
                brand_id=own,
                name=brand.name,
                authors=whole,
                signals=told,
                rows=tuple(rows[:_PRINTED]),
                record=signal_record(queries, own),
            )
        )
    return tuple(found)


def new_signals(
    queries: Queries, project: Project, since: datetime, until: datetime
) -> tuple[BatchSignal, ...]:
    """Return what stands out at `until` and did not at `since`: of each product and symptom one."""
    now, before = BatchView(project, queries, until), BatchView(project, queries, since)
    found: list[BatchSignal] = []
    for brand in project.brands:
        if brand.competitor:
            continue
        brand_id = BrandId(brand.id)
        current = telling(now.of(brand_id), _MOST)
        known = {_key(one) for one in before.of(brand_id)} if current else set()
        found += [one for one in current if _key(one) not in known]
    return tuple(found)


def _key(signal: BatchSignal) -> tuple[str, str, str, str]:
    return signal.product, signal.kind, signal.value, signal.symptom


def product_name(brand: Brand | None, product_id: str) -> str:
    """Return how people call a product; its id when the brand no longer has it."""
    products = brand.products if brand else ()
    return next((one.name for one in products if one.id == product_id), product_id)
