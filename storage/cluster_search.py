"""Finding clusters by what people type."""

from __future__ import annotations

import sqlalchemy as sa

from storage import tables

_cluster = tables.cluster
_BETWEEN = frozenset('[]",\\')  # what stands between words in the stored document, and in none


def cluster_says(words: str) -> sa.ColumnElement[bool]:
    """Return the condition that a cluster's label or keywords hold words, or its id begins so."""
    part = words.strip().lower()
    found = [
        sa.func.lower(_cluster.c.label).contains(part, autoescape=True),
        _cluster.c.cluster_id.startswith(part, autoescape=True),
    ]
    if not _BETWEEN & set(part):
        keywords = sa.func.lower(sa.cast(_cluster.c.keywords, sa.Text))
        found.append(keywords.contains(part, autoescape=True))
    return sa.or_(*found)
