"""How many units of each product were sold on each day: what complaints are held against.

In: Sales, a day whole. Out: the same, and sums up to a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import upsert
from storage.records import BrandId, Sale

_sale = tables.sale


class Sales:
    """Transaction part: sales as imported."""

    connection: Connection

    def save_sales(self, sales: Sequence[Sale]) -> None:
        """Write days of sales; a day of a product that is there already is replaced."""
        rows = [
            {
                "brand_id": one.brand_id,
                "product": one.product,
                "day": one.day.isoformat(),
                "units": one.units,
            }
            for one in sales
        ]
        upsert(self.connection, _sale, rows)


class SalesQueries:
    """Queries part: what was sold."""

    connection: Connection

    def sold(self, brand_id: BrandId, product: str, until: date) -> int | None:
        """Return the units sold by the end of a day, returns taken off; None when none are known.

        None is "nobody imported any", never nought.
        """
        found = self.connection.execute(
            sa.select(sa.func.sum(_sale.c.units), sa.func.count()).where(
                _sale.c.brand_id == brand_id,
                _sale.c.product == product,
                _sale.c.day <= until.isoformat(),
            )
        ).one()
        return int(found[0]) if found[1] else None
