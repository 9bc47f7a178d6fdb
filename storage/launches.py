"""What people say of one product: by local day, by symptom, and how often in one of its clusters.

In: a product and a range of publishing times. Out: counts for its launch page and its baseline.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.records import BrandId, ClusterId, Polarity, ProductComplaints, ProductDay
from storage.sentiment import is_voice

_assigned = tables.mention_cluster
_cluster = tables.cluster
_fact = tables.cluster_fact
_hour = tables.cluster_hour
_mention = tables.mention
_stated = tables.mention_fact
_verdict = tables.verdict
_SKEW = timedelta(hours=2)  # a post may be stamped by a clock that runs ahead of its reading
_HOUR_S = 3600.0
_AT_ONCE = 10_000  # ids in one statement; the databases take 32,000 and more


class LaunchQueries:
    """Queries part: one product."""

    connection: Connection

    def product_days(
        self, brand_id: BrandId, product: str, since: datetime, until: datetime, zone: ZoneInfo
    ) -> tuple[ProductDay, ...]:
        """Count the mentions that name a product by local day, published in [since, until).

        Days on which nobody named it are left out.
        """
        # the detail is JSON text with sorted keys; what merely looks alike is told apart below
        named = sa.cast(_verdict.c.detail, sa.Text).like(f'%"products":[%"{_plain(product)}"%')
        rows = self.connection.execute(
            sa.select(_mention.c.published_at, _verdict.c.polarity, _verdict.c.detail)
            .select_from(_mention)
            .join(_verdict, _verdict.c.mention_pk == _mention.c.mention_pk)
            .where(
                _verdict.c.is_current,
                _verdict.c.brand_id == brand_id,
                is_voice(_verdict),
                named,
                _mention.c.observed_at >= since - _SKEW,  # this column has the index
                _mention.c.published_at >= since,
                _mention.c.published_at < until,
            )
        )
        counted: dict[date, Counter[str]] = defaultdict(Counter)
        for at, polarity, detail in rows:
            if product in detail["products"]:
                counted[at.astimezone(zone).date()].update(("mentions", polarity))
        return tuple(
            ProductDay(
                day=day,
                mentions=n["mentions"],
                negative=n[Polarity.NEGATIVE.value],
                unsure=n[Polarity.UNSURE.value],
            )
            for day, n in sorted(counted.items())
        )

    def product_complaints(
        self, brand_id: BrandId, product: str, since: datetime, until: datetime
    ) -> ProductComplaints:
        """Count who complained of a product in [since, until), each person once per symptom."""
        about, stated = _stated.alias("about"), _stated.alias("stated")
        symptom = sa.and_(
            stated.c.brand_id == about.c.brand_id,
            stated.c.mention_pk == about.c.mention_pk,
            stated.c.kind == "symptom",
        )
        rows = self.connection.execute(
            sa.select(_assigned.c.author_key, stated.c.value)
            .select_from(about)
            .join(
                _assigned,
                sa.and_(
                    _assigned.c.mention_pk == about.c.mention_pk,
                    _assigned.c.brand_id == about.c.brand_id,
                ),
            )
            .outerjoin(stated, symptom)
            .where(
                about.c.brand_id == brand_id,
                about.c.kind == "product",
                about.c.value == product,
                about.c.published_at >= since,
                about.c.published_at < until,
                _assigned.c.duplicate_of.is_(None),
            )
            .distinct()
        ).all()
        by_symptom: Counter[str] = Counter(value for _, value in rows if value is not None)
        return ProductComplaints(
            people=len({author for author, _ in rows}),
            symptoms=tuple(sorted(by_symptom.items(), key=lambda one: (-one[1], one[0]))),
        )

    def product_clusters(
        self, brand_id: BrandId, product: str, *, live: bool = False
    ) -> list[ClusterId]:
        """Return the clusters of a brand that are most of all about a product.

        `live`: only those that are in memory, as a brand's own rate counts them.
        """
        n = sa.func.sum(_fact.c.n)
        state = _cluster.c.state == "live" if live else sa.true()
        rows = self.connection.execute(
            sa.select(_fact.c.cluster_id, _fact.c.value, n)
            .join(_cluster, _cluster.c.cluster_id == _fact.c.cluster_id)
            .where(
                _fact.c.kind == "product",
                _cluster.c.brand_id == brand_id,
                _cluster.c.alias_of.is_(None),
                state,
            )
            .group_by(_fact.c.cluster_id, _fact.c.value)
            .order_by(_fact.c.cluster_id, n.desc(), _fact.c.value)
        )
        most: dict[str, str] = {}
        for cluster_id, value, _ in rows:
            most.setdefault(cluster_id, value)
        return [ClusterId(one) for one, value in most.items() if value == product]

    def product_rate(
        self, brand_id: BrandId, product: str, since: datetime, until: datetime
    ) -> tuple[int, float, int]:
        """Return the authors, hours and live clusters of a product within [since, until).

        Authors are counted per hour and cluster as baselines count them; hours are those that the
        clusters existed, summed over them. Clusters that began later are left out.
        """
        ids = self.product_clusters(brand_id, product, live=True)
        total, lived = 0, []
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            began = self.connection.scalars(
                sa.select(_cluster.c.first_at).where(
                    _cluster.c.cluster_id.in_(some), _cluster.c.first_at < until
                )
            )
            lived += [(until - max(since, at)).total_seconds() / _HOUR_S for at in began]
            authors = self.connection.scalar(
                sa.select(sa.func.sum(_hour.c.authors)).where(
                    _hour.c.cluster_id.in_(some), _hour.c.hour >= since, _hour.c.hour < until
                )
            )
            total += int(authors or 0)
        return total, sum(lived), len(lived)


def _plain(word: str) -> str:
    """Return a word in which LIKE finds nothing but itself or more, never less."""
    return word.replace("\\", "_").replace('"', "_")
