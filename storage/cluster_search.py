"""Finding clusters by what people type."""

from __future__ import annotations

import sqlalchemy as sa

from storage import tables

_cluster = tables.cluster


def cluster_says(words: str) -> sa.ColumnElement[bool]:
    """Return the condition that a cluster's label or keywords hold words, or its id begins so."""
    part = words.strip().lower()
    return sa.or_(
        sa.func.lower(_cluster.c.label).contains(part, autoescape=True),
        # the stored document: a quotation mark in the words finds nothing, and harms nothing
        sa.func.lower(sa.cast(_cluster.c.keywords, sa.Text)).contains(part, autoescape=True),
        _cluster.c.cluster_id.startswith(part, autoescape=True),
    )
