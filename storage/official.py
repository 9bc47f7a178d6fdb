"""The brand's own words and whom they answer: official posts, public responses.

In: OfficialPost and PublicResponse. Out: the same, and the complaints that a post may answer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import upsert
from storage.counters import take_numbers
from storage.evidence import find_cluster
from storage.records import (
    BrandId,
    ClusterId,
    IncidentId,
    ItemKey,
    Mention,
    MentionId,
    OfficialPost,
    PublicResponse,
)
from storage.rows import Row, columns_of, mappings, mention_of, official_post_of

_post = tables.official_post
_response = tables.public_response
_mention = tables.mention
_assigned = tables.mention_cluster


class Official:
    """Transaction part: what the brand said, and what that answered."""

    connection: Connection

    def save_official(self, posts: Sequence[OfficialPost]) -> list[bool]:
        """Store official posts, an edited one over its old text; say per post if it is new."""
        keys = sorted({post.item_key for post in posts})
        known = set(
            self.connection.scalars(sa.select(_post.c.item_key).where(_post.c.item_key.in_(keys)))
        )
        rows = {post.item_key: columns_of(post, _post) for post in posts}
        upsert(self.connection, _post, list(rows.values()), keep=["observed_at"])
        new = []
        for post in posts:
            new.append(post.item_key not in known)
            known.add(post.item_key)
        return new

    def mentions_by_key(self, keys: Collection[str]) -> dict[str, Mention]:
        """Return the mentions that have these identities, by identity."""
        table = tables.mention_key
        query = (
            sa.select(_mention)
            .join(
                table,
                sa.and_(
                    table.c.month == _mention.c.month, table.c.mention_pk == _mention.c.mention_pk
                ),
            )
            .where(table.c.item_key.in_(sorted(keys)))
        )
        return {
            row["item_key"]: mention_of(row) for row in mappings(self.connection.execute(query))
        }

    def complaints_by(
        self,
        brand_id: BrandId,
        platform: str,
        authors: Collection[str],
        since: datetime,
        until: datetime,
    ) -> list[tuple[Mention, ClusterId]]:
        """Return the complaints of these authors published within [since, until], oldest first."""
        query = (
            sa.select(_mention, _assigned.c.cluster_id)
            .join(_assigned, _assigned.c.mention_pk == _mention.c.mention_pk)
            .where(
                _assigned.c.brand_id == brand_id,
                _assigned.c.published_at.between(since, until),
                _mention.c.platform == platform,
                _mention.c.author.in_(sorted(authors)),
            )
            .order_by(_assigned.c.published_at, _mention.c.mention_pk)
        )
        rows = mappings(self.connection.execute(query))
        return [(mention_of(row), ClusterId(row["cluster_id"])) for row in rows]

    def is_about(self, mention_id: MentionId, brand_id: BrandId) -> bool:
        """Say whether a mention was judged to be about a brand."""
        verdict = tables.verdict
        query = sa.select(sa.literal(1)).where(
            verdict.c.mention_pk == mention_id,
            verdict.c.brand_id == brand_id,
            verdict.c.is_current,
        )
        return self.connection.scalar(query.limit(1)) is not None

    def add_response(self, response: PublicResponse) -> bool:
        """Store that the brand answered; False when the same answer to the same is known.

        The same: one official post for one mention or incident, or one address that a person
        entered. Two posts may share an address (replies on one page of a thread).
        """
        [number] = take_numbers(self.connection, "public_response", 1)
        row = columns_of(response, _response) | {"mention_pk": response.mention_id}
        same = [
            _is(_response.c.mention_pk, response.mention_id),
            _is(_response.c.incident_id, response.incident_id),
        ]
        said = sa.and_(_response.c.url == response.url, _response.c.url != "")
        if response.official_key is not None:
            said = sa.or_(
                _response.c.official_key == response.official_key,
                sa.and_(said, _response.c.official_key.is_(None)),
            )
        known = sa.select(sa.literal(1)).where(*same, said).limit(1)
        if self.connection.scalar(known) is not None:
            return False
        self.connection.execute(sa.insert(_response), [row | {"response_no": number}])
        return True


class OfficialQueries:
    """Queries part: what the brand said and what it answered."""

    connection: Connection

    def official_post(self, key: str) -> OfficialPost | None:
        """Return an official post by its identity."""
        query = sa.select(_post).where(_post.c.item_key == key)
        row = self.connection.execute(query).mappings().one_or_none()
        return None if row is None else official_post_of(row)

    def official_posts(
        self, brand_id: BrandId, since: datetime, until: datetime, limit: int = 200
    ) -> list[OfficialPost]:
        """Return what a brand said within [since, until], newest first."""
        query = (
            sa.select(_post)
            .where(_post.c.brand_id == brand_id, _post.c.published_at.between(since, until))
            .order_by(_post.c.published_at.desc(), _post.c.item_key)
            .limit(limit)
        )
        return [official_post_of(row) for row in mappings(self.connection.execute(query))]

    def responses(self, incident_id: IncidentId, cluster_id: ClusterId) -> list[PublicResponse]:
        """Return the public answers to an incident or to any mention in it, oldest first."""
        cluster = find_cluster(self.connection, cluster_id)
        mine = _response.c.incident_id == incident_id
        if cluster is not None:
            members = sa.select(_assigned.c.mention_pk).where(
                _assigned.c.cluster_id == cluster.cluster_id
            )
            mine = sa.or_(mine, _response.c.mention_pk.in_(members))
        return self._responses(mine)

    def mention_responses(self, mention_id: MentionId) -> list[PublicResponse]:
        """Return the public answers to one mention, oldest first."""
        return self._responses(_response.c.mention_pk == mention_id)

    def _responses(self, where: sa.ColumnElement[bool]) -> list[PublicResponse]:
        query = sa.select(_response).where(where).order_by(_response.c.at, _response.c.response_no)
        return [_response_of(row) for row in mappings(self.connection.execute(query))]


def _response_of(row: Row) -> PublicResponse:
    official, mention, incident = row["official_key"], row["mention_pk"], row["incident_id"]
    return PublicResponse(
        at=row["at"],
        url=row["url"],
        actor=row["actor"],
        note=row["note"],
        mention_id=None if mention is None else MentionId(mention),
        incident_id=None if incident is None else IncidentId(incident),
        official_key=None if official is None else ItemKey(official),
    )


def _is(column: sa.ColumnElement[Any], value: object) -> sa.ColumnElement[bool]:
    return column.is_(None) if value is None else column == value
