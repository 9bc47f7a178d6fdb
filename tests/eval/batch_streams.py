"""Months of complaints with and without a bad batch, for judging how often a signal is right.

Everything is invented and seeded: products, symptoms, batches, and who says what.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence

from storage.records import FactCount
from tests.make import NOW, ago

Complaint = tuple[str, Sequence[tuple[str, str]], Sequence[str]]  # product, groups, symptoms


def count(complaints: Iterable[Complaint]) -> list[FactCount]:
    """Count complaints, each by another author, with all margins: what the store's query does."""
    authors: dict[tuple[str, str, str, str], set[int]] = defaultdict(set)
    for author, (product, groups, symptoms) in enumerate(complaints):
        of_product = [("", ""), *groups, *((kind, "") for kind, _ in groups)]
        for named, kinds in ((product, of_product), ("", [("", "")])):
            for kind, value in kinds:
                for symptom in (*symptoms, ""):
                    authors[named, kind, value, symptom].add(author)
    return [
        FactCount(
            product=product,
            kind=kind,
            value=value,
            symptom=symptom,
            authors=len(who),
            first_at=ago(days=9),
            last_at=NOW,
        )
        for (product, kind, value, symptom), who in authors.items()
    ]


def complain(n: int, symptom: str, product: str = "hu", **groups: str) -> list[Complaint]:
    return [(product, tuple(groups.items()), (symptom,) if symptom else ())] * n


def quiet_month(rng: random.Random, n: int, selective: float = 1.0) -> list[Complaint]:
    """Tell a month of n complaints in which no batch is worse than another."""
    symptoms = [f"症状{one}" for one in range(12)]
    shares = [[rng.gammavariate(0.6, 1) + 0.02 for _ in symptoms] for _ in range(5)]
    told: list[Complaint] = []
    for _ in range(n):
        product = int(5 * rng.random() ** 1.5)
        told_of = rng.choices(symptoms, shares[product]) if rng.random() < 0.75 else []
        states = 0.3 * (selective if "症状0" in told_of else 1.0)
        groups = []
        if rng.random() < states:
            groups.append(("batch", f"{product}-{int(8 * rng.random() ** 1.3)}"))
        if rng.random() < 0.5:
            groups.append(("region", f"省{int(20 * rng.random() ** 2)}"))
        told.append((f"p{product}", tuple(groups), tuple(told_of)))
    return told
