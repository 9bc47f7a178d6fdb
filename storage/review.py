"""The review queue of a day, and what may be asked: current verdicts nobody has looked at.

In: instants and days. Out: candidates without their texts, the stored order of a day, and what the
model said beside what people said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import insert_new
from storage.corrected import Said, is_outdated, standing
from storage.corrections import correction_of, read_mentions, read_words
from storage.evidence import find_cluster
from storage.incidents import OPEN_STATES
from storage.records import (
    BrandId,
    ClusterId,
    Correction,
    Mention,
    MentionId,
    Noise,
    Polarity,
    ReviewItem,
    SourceId,
    Verdict,
)
from storage.rows import columns_of, mappings

_item = tables.review_item
_mention = tables.mention
_verdict = tables.verdict
_correction = tables.correction
_MOST = 50_000  # verdicts of a week that are weighed; the newest, where a brand has more
_AT_ONCE = 500  # ids in one IN


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A verdict that people may be asked about. `reach`: reposts, comments and likes together."""

    mention_id: MentionId
    brand_id: BrandId
    source_id: SourceId
    issue_class: str
    negative: float
    polarity: Polarity
    noise: Noise = Noise.NONE
    reach: int = 0
    at_work: bool = False  # in an incident that is open
    outdated: bool = False  # a person judged an earlier text of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a model said of a mention and a brand, and what people hold, by kind."""

    mention: Mention
    brand_id: BrandId
    base: Verdict | None  # None: only a person saw this brand
    said: Mapping[str, Correction]  # by kind; facts of severity are not among them

    @property
    def asked(self) -> str:
        """Why the queue asked, "" when a person came by themselves."""
        return next((one.asked for one in self.said.values() if one.asked), "")


class Review:
    """Transaction part: the stored order of a day."""

    connection: Connection

    def save_review(self, items: Sequence[ReviewItem]) -> None:
        """Add what is asked on a day; places that are taken stay as they are."""
        rows = [
            columns_of(one, _item) | {"mention_pk": one.mention_id, "reasons": list(one.reasons)}
            for one in items
        ]
        insert_new(self.connection, _item, rows)

    def skip_review(self, day: str, mention_id: int, brand_id: str, actor: str) -> None:
        """Pass a mention over for this day."""
        is_it = sa.and_(
            _item.c.day == day,
            _item.c.mention_pk == mention_id,
            _item.c.brand_id == brand_id,
            _item.c.state == "open",
        )
        self.connection.execute(sa.update(_item).where(is_it).values(state="skipped", actor=actor))


class ReviewQueries:
    """Queries part: the review queue and what may be asked."""

    connection: Connection

    def review_items(self, day: str) -> list[ReviewItem]:
        """Return what is asked on a day, in its order."""
        query = sa.select(_item).where(_item.c.day == day).order_by(_item.c.place)
        return [
            ReviewItem(
                day=row["day"],
                place=row["place"],
                mention_id=MentionId(row["mention_pk"]),
                brand_id=BrandId(row["brand_id"]),
                reasons=tuple(row["reasons"]),
                state=row["state"],
                actor=row["actor"],
            )
            for row in mappings(self.connection.execute(query))
        ]

    def review_candidates(self, since: datetime) -> list[Candidate]:
        """Return verdicts on what was taken in since then that nobody has spoken about.

        Those whose text was edited after somebody spoke are among them, whenever they came.
        """
        said = self._spoken_of()
        outdated = {key for key, is_old in said.items() if is_old}
        at_work = self._at_work()
        names = ("source_id", "reposts", "comments", "likes")
        columns = ("mention_pk", "brand_id", "negative", "polarity", "noise", "issue_class")
        cluster = tables.mention_cluster
        query = (
            sa.select(
                *(_verdict.c[name] for name in columns),
                *(_mention.c[name] for name in names),
                cluster.c.cluster_id,
            )
            .join(_mention, _mention.c.mention_pk == _verdict.c.mention_pk)
            .outerjoin(
                cluster,
                sa.and_(
                    cluster.c.mention_pk == _verdict.c.mention_pk,
                    cluster.c.brand_id == _verdict.c.brand_id,
                ),
            )
            .where(_verdict.c.is_current)
            .where(
                sa.or_(
                    _mention.c.observed_at >= since,
                    _mention.c.mention_pk.in_(sorted({key[0] for key in outdated})),
                )
            )
            .order_by(_mention.c.observed_at.desc(), _verdict.c.mention_pk, _verdict.c.brand_id)
            .limit(_MOST)
        )
        found = []
        for row in mappings(self.connection.execute(query)):
            key = (row["mention_pk"], row["brand_id"])
            if key in said and key not in outdated:
                continue
            found.append(
                Candidate(
                    mention_id=MentionId(row["mention_pk"]),
                    brand_id=BrandId(row["brand_id"]),
                    source_id=SourceId(row["source_id"]),
                    issue_class=row["issue_class"],
                    negative=row["negative"],
                    polarity=Polarity(row["polarity"]),
                    noise=Noise(row["noise"]),
                    reach=sum(row[name] or 0 for name in ("reposts", "comments", "likes")),
                    at_work=row["cluster_id"] in at_work,
                    outdated=key in outdated,
                )
            )
        return found

    def review_texts(self, mention_ids: Sequence[int]) -> dict[int, Mention]:
        """Return mentions by id, a few hundred at a time."""
        ids = sorted(set(mention_ids))
        found: dict[int, Mention] = {}
        for start in range(0, len(ids), _AT_ONCE):
            found |= read_mentions(self.connection, ids[start : start + _AT_ONCE])
        return found

    def judged(self) -> list[Judged]:
        """Return every mention and brand that people spoke about, of texts that stand as judged."""
        ids = list(self.connection.scalars(sa.select(_correction.c.mention_pk).distinct()))
        found: list[Judged] = []
        for start in range(0, len(ids), _AT_ONCE):
            words = read_words(self.connection, sorted(ids)[start : start + _AT_ONCE])
            for mention, bases, said in words:
                found += _judged(mention, bases, said)
        return found

    def _spoken_of(self) -> dict[tuple[int, str], bool]:
        """Say of each mention and brand that people spoke about whether all of it is outdated."""
        query = (
            sa.select(_correction, _mention.c.revision.label("newest"))
            .join(_mention, _mention.c.mention_pk == _correction.c.mention_pk)
            .order_by(_correction.c.correction_no)
        )
        by_mention: dict[int, tuple[int, list[Correction]]] = {}
        for row in mappings(self.connection.execute(query)):
            by_mention.setdefault(row["mention_pk"], (row["newest"], []))[1].append(
                correction_of(row)
            )
        spoken: dict[tuple[int, str], bool] = {}
        for mention_id, (newest, said) in by_mention.items():
            for one in standing(said).values():
                key = (mention_id, str(one.brand_id))
                spoken[key] = spoken.get(key, True) and is_outdated(one, newest)
        return spoken

    def _at_work(self) -> set[str]:
        """Return the clusters of open incidents."""
        incident = tables.incident
        is_open = incident.c.state.in_(sorted(OPEN_STATES))
        ids = self.connection.scalars(sa.select(incident.c.cluster_id).where(is_open))
        found = (find_cluster(self.connection, ClusterId(one)) for one in ids)
        return {cluster.cluster_id for cluster in found if cluster is not None}


def _judged(mention: Mention, bases: Sequence[Verdict], said: Said) -> list[Judged]:
    by_brand: dict[BrandId, dict[str, Correction]] = {}
    for (brand_id, kind, _), one in said.items():
        if kind != "severity":
            by_brand.setdefault(BrandId(brand_id), {})[kind] = one
    base_of = {base.brand_id: base for base in bases}
    return [
        Judged(mention=mention, brand_id=brand_id, base=base_of.get(brand_id), said=words)
        for brand_id, words in sorted(by_brand.items())
    ]
