"""Rows to records and back, for the tables whose columns are the record's fields.

In: rows of a SELECT (any mapping by column name) or records. Out: the other of the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from enum import Enum
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from storage import codec, tables
from storage.identity import author_key
from storage.records import (
    Account,
    Action,
    Assignment,
    BrandHit,
    BrandId,
    Cluster,
    Delivery,
    DeliveryClass,
    DetailLink,
    Fact,
    FetchCause,
    FetchEvent,
    HotEntry,
    Incident,
    IncidentEvent,
    Intent,
    IntentStatus,
    Level,
    Mention,
    Noise,
    OfficialPost,
    Polarity,
    Session,
    SourceHealth,
    SourceState,
    Term,
    Timer,
    Verdict,
)

Row = Mapping[Any, Any]


def mappings(result: sa.CursorResult[*tuple[Any, ...]]) -> Sequence[sa.RowMapping]:
    """Return all rows of a result, by column name."""
    return result.mappings().all()


def columns_of(record: Any, table: sa.Table) -> dict[str, Any]:
    """Return the values of a record's fields that are columns of the table, enums by value."""
    return {
        item.name: _plain(getattr(record, item.name))
        for item in fields(record)
        if item.name in table.c
    }


def mention_of(row: Row) -> Mention:
    """Read a row of `mention`."""
    values = _pick(row, Mention, without=("mention_id", "author_key"))
    return Mention(
        mention_id=row["mention_pk"],
        author_key=author_key(row["platform"], row["author"]),
        **values,
    )


def verdict_of(row: Row) -> Verdict:
    """Read a row of `verdict`."""
    detail = row["detail"]
    brand_id = BrandId(row["brand_id"])
    return Verdict(
        mention_id=row["mention_pk"],
        brand_id=brand_id,
        model_version=row["model_version"],
        negative=row["negative"],
        polarity=Polarity(row["polarity"]),
        issue_class=row["issue_class"],
        lang=row["lang"],
        terms=tuple(Term(text=text, weight=weight) for text, weight in detail["terms"]),
        hits=tuple(
            BrandHit(brand_id=brand_id, alias=alias, field=name, start=start, end=end, product=of)
            for alias, name, start, end, of in detail["hits"]
        ),
        severity=tuple(detail["severity"]),
        products=tuple(detail["products"]),
        symptoms=tuple(detail["symptoms"]),
        positive=row["positive"],
        noise=Noise(row["noise"]),
        **_found_since_3(detail),
    )


def _found_since_3(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Read what verdicts of revision 0003 on hold; earlier ones, and empty ones, lack the keys."""
    return {
        "also": tuple(detail.get("also", ())),
        "sub_classes": tuple(detail.get("sub", ())),
        "facts": tuple(
            Fact(kind=kind, value=value, field=name, start=start, end=end)
            for kind, value, name, start, end in detail.get("facts", ())
        ),
        "bias": detail.get("bias", 0.0),
        "shift": detail.get("shift", 0.0),
        "adaptation": detail.get("adaptation", 0),
        "corrected": tuple(detail.get("corrected", ())),
        "base_version": detail.get("base", ""),
    }


def verdict_row(verdict: Verdict) -> dict[str, Any]:
    """Write a row of `verdict`, without `at`; names are left out of the detail to keep it small."""
    return {
        "mention_pk": verdict.mention_id,
        "brand_id": verdict.brand_id,
        "model_version": verdict.model_version,
        "is_current": True,
        "negative": verdict.negative,
        "polarity": verdict.polarity.value,
        "issue_class": verdict.issue_class,
        "lang": verdict.lang,
        "detail": {
            "terms": [[term.text, term.weight] for term in verdict.terms],
            "hits": [[h.alias, h.field, h.start, h.end, h.product] for h in verdict.hits],
            "severity": verdict.severity,
            "products": verdict.products,
            "symptoms": verdict.symptoms,
            **{name: value for name, value in _since_3(verdict).items() if value},
        },
        "positive": verdict.positive,
        "noise": verdict.noise.value,
    }


def _since_3(verdict: Verdict) -> dict[str, Any]:
    return {
        "also": verdict.also,
        "sub": verdict.sub_classes,
        "facts": [[f.kind, f.value, f.field, f.start, f.end] for f in verdict.facts],
        "bias": verdict.bias,
        "shift": verdict.shift,
        "adaptation": verdict.adaptation,
        "corrected": verdict.corrected,
        "base": verdict.base_version,
    }


def assignment_of(row: Row) -> Assignment:
    """Read a row of `mention_cluster`."""
    values = _pick(row, Assignment, without=("mention_id",))
    return Assignment(mention_id=row["mention_pk"], **values)


def cluster_of(row: Row) -> Cluster:
    """Read a row of `cluster`."""
    return Cluster(**_pick(row, Cluster) | {"keywords": tuple(row["keywords"])})


def source_state_of(row: Row) -> SourceState:
    """Read a row of `source_state`."""
    read = {
        "health": SourceHealth(row["health"]),
        "cause": FetchCause(row["cause"]),
        "seen": tuple(row["seen"]),
        "history": tuple(row["history"]),
    }
    return SourceState(**_pick(row, SourceState) | read)


def fetch_event_of(row: Row) -> FetchEvent:
    """Read a row of `fetch_event`."""
    return FetchEvent(**_pick(row, FetchEvent, without=("kind", "gap")))


def link_of(row: Row) -> DetailLink:
    """Read a row of `detail_link`."""
    return DetailLink(**_pick(row, DetailLink))


def hot_entry_of(row: Row) -> HotEntry:
    """Read a row of `hot_entry`."""
    return HotEntry(**_pick(row, HotEntry))


def official_post_of(row: Row) -> OfficialPost:
    """Read a row of `official_post`."""
    return OfficialPost(**_pick(row, OfficialPost))


def incident_of(row: Row) -> Incident:
    """Read a row of `incident`."""
    return codec.decode(Incident, row["document"])


def incident_row(incident: Incident) -> dict[str, Any]:
    """Write a row of `incident`: the record whole, and in columns what is searched for."""
    return columns_of(incident, tables.incident) | {"document": codec.encode(incident)}


def incident_event_of(row: Row) -> IncidentEvent:
    """Read a row of `incident_event`."""
    return IncidentEvent(**_pick(row, IncidentEvent))


def timer_of(row: Row) -> Timer:
    """Read a row of `timer`."""
    return Timer(**_pick(row, Timer))


def intent_of(row: Row) -> Intent:
    """Read a row of `intent`."""
    read = {
        "level": Level(row["level"]),
        "status": IntentStatus(row["status"]),
        "actions": tuple(Action(**action) for action in row["actions"]),
    }
    return Intent(**_pick(row, Intent) | read)


def intent_row(intent: Intent) -> dict[str, Any]:
    """Write a row of `intent`, less its number and lease."""
    actions = [asdict(action) for action in intent.actions]
    return columns_of(intent, tables.intent) | {"actions": actions, "words": dict(intent.words)}


def delivery_of(row: Row) -> Delivery:
    """Read a row of `delivery`."""
    outcome = row["outcome"]
    read = {"outcome": None if outcome is None else DeliveryClass(outcome)}
    return Delivery(**_pick(row, Delivery) | read)


def account_of(row: Row) -> Account:
    """Read a row of `account`."""
    return Account(**_pick(row, Account))


def session_of(row: Row) -> Session:
    """Read a row of `session`."""
    return Session(**_pick(row, Session))


def _pick(row: Row, kind: type, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    return {name: row[name] for name in _fields(kind) if name not in without}


@lru_cache(maxsize=64)
def _fields(kind: type) -> tuple[str, ...]:
    return tuple(item.name for item in fields(kind))


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value
