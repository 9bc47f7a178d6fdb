"""The rows that facts are judged on: one brand of many products, and what each text states.

A row of `facts.csv` names its half ("held" was written before the finder, "dev" after it), title,
text, and every fact that a reader finds in it, as "kind=value" joined by "; ". Families of trouble
about the service (服务:…) are not labelled. All were said on SAID_AT.
"""

from __future__ import annotations

import csv
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from classify.facts import STATED, FactFinder
from classify.matching import BrandMatcher
from config.schema import Brand, ProductLine
from storage.records import BrandId

ROWS = Path(__file__).parent / "facts.csv"
SAID_AT = datetime(2026, 4, 15, tzinfo=UTC)
_PRODUCTS = {
    "hu": ("澜禾养生壶", ("养生壶",)),
    "guo": ("澜禾电饭煲", ("电饭煲",)),
    "zha": ("澜禾空气炸锅", ("空气炸锅", "炸锅")),
    "po": ("澜禾破壁机", ("破壁机",)),
    "xi": ("澜禾洗衣机", ("洗衣机",)),
    "jing": ("澜禾净水器", ("净水器",)),
    "men": ("澜禾门锁", ("门锁",)),
    "sao": ("澜禾扫地机", ("扫地机",)),
    "che": ("澜禾汽车", ("L7", "L9")),
    "shou": ("禾机手机", ("禾机", "X20")),
    "bing": ("澜禾冷饮", ("酸奶", "冰激凌")),
}
BRAND = Brand(
    id="lanhe",
    name="澜禾",
    aliases=("禾机",),
    products=tuple(
        ProductLine(id=product, name=name, words=words)
        for product, (name, words) in _PRODUCTS.items()
    ),
)

Facts = set[tuple[str, str]]


def read(half: str) -> list[tuple[str, str, Facts]]:
    """Return title, text and facts of the rows of one half."""
    with ROWS.open(encoding="utf-8", newline="") as handle:
        return [
            (row["title"], row["text"], {_pair(one) for one in row["facts"].split("; ") if one})
            for row in csv.DictReader(handle)
            if row["half"] == half
        ]


def _pair(stated: str) -> tuple[str, str]:
    kind, _, value = stated.partition("=")
    return kind, value


def find(title: str, text: str) -> Facts:
    """Return what the program finds, as a verdict on the brand would hold it."""
    brand_id = BrandId(BRAND.id)
    matcher, finder = BrandMatcher([BRAND]), FactFinder([BRAND])
    hits = matcher.match(title, text, "", "").get(brand_id, ())
    named = matcher.products_named(brand_id, title, text)
    products = dict.fromkeys([*(hit.product for hit in hits if hit.product), *named])
    found = finder.find(title, text, brand_id, hits, products, said_at=SAID_AT)
    return {
        (fact.kind, fact.value)
        for fact in found
        if fact.kind in STATED and not fact.value.startswith("服务:")
    }


def judge(half: str) -> dict[str, dict[str, float]]:
    """Return n, precision, recall and F1 per kind."""
    right, extra, missed = Counter[str](), Counter[str](), Counter[str]()
    for title, text, gold in read(half):
        found = find(title, text)
        right.update(kind for kind, _ in found & gold)
        extra.update(kind for kind, _ in found - gold)
        missed.update(kind for kind, _ in gold - found)
    figures = {}
    for kind in STATED:
        n = right[kind] + missed[kind]
        precision = right[kind] / max(1, right[kind] + extra[kind])
        recall = right[kind] / max(1, n)
        f1 = 2 * right[kind] / max(1, 2 * right[kind] + extra[kind] + missed[kind])
        figures[kind] = {"n": n, "precision": precision, "recall": recall, "f1": f1}
    return figures
