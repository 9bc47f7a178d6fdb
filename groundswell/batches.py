"""Which batches of a brand's products stand out: counted in the store, judged, named for people.

In: queries and an instant. Out: signals, and Evidence that knows of those of its own products and
symptoms.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from alerts.batches import MIN_AUTHORS, signals, telling
from config.schema import Brand, Project
from storage.queries import Queries
from storage.records import BatchSignal, BrandId, Evidence, FactCount, MentionId

WINDOW_DAYS = 30  # long enough for a batch to be sold and fail, short enough to be news
_SHOWN = 4  # signals on one cluster: a card has room for one, a page for these
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


def product_name(brand: Brand | None, product_id: str) -> str:
    """Return how people call a product; its id when the brand no longer has it."""
    products = brand.products if brand else ()
    return next((one.name for one in products if one.id == product_id), product_id)
