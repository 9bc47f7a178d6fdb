"""The other doors: keys for pushing and reporting, saved column mappings, pictures of mentions.

In: AccessToken (a digest, never the key itself), ColumnMapping, Attachment. Out: the same, read
back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import insert_new, insert_one, upsert
from storage.identity import item_key
from storage.records import (
    AccessToken,
    Attachment,
    ColumnMapping,
    Mention,
    MentionId,
    RawMention,
)
from storage.rows import Row, columns_of, mappings, mention_of

_token = tables.access_token
_mapping = tables.column_mapping
_attachment = tables.attachment


class Doors:
    """Transaction part: access tokens, column mappings, attachments."""

    connection: Connection

    def add_token(self, token: AccessToken) -> bool:
        """Store a new token; False when one of its kind and name is in use.

        The place of a revoked one may be taken again: its digest goes, so the old key stays dead.
        """
        self.connection.execute(
            sa.delete(_token).where(
                _token.c.kind == token.kind,
                _token.c.name == token.name,
                _token.c.revoked_at.is_not(None),
            )
        )
        return insert_one(self.connection, _token, columns_of(token, _token))

    def revoke_token(self, kind: str, name: str, now: datetime) -> bool:
        """End a token; False when there is none in use of this kind and name."""
        ended = (
            sa.update(_token)
            .where(_token.c.kind == kind, _token.c.name == name, _token.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )
        return self.connection.execute(ended).rowcount == 1

    def use_token(self, token_hash: str, now: datetime) -> AccessToken | None:
        """Count one use of a token; None when it is unknown, revoked or over: then do nothing.

        Called in the transaction of what it is used for, so that a token that was revoked in
        between brings nothing in.
        """
        found = find_token(self.connection, token_hash, now)
        if found is None:
            return None
        used = (
            sa.update(_token)
            .where(_token.c.token_hash == token_hash)
            .values(last_used_at=now, uses=_token.c.uses + 1)
        )
        self.connection.execute(used)
        return replace(found, last_used_at=now, uses=found.uses + 1)

    def save_mapping(self, mapping: ColumnMapping) -> None:
        """Write a column mapping whole, in place of one of the same name."""
        upsert(self.connection, _mapping, [columns_of(mapping, _mapping)])

    def drop_mapping(self, name: str) -> bool:
        """Forget a column mapping; False when there is none of that name."""
        gone = sa.delete(_mapping).where(_mapping.c.name == name)
        return self.connection.execute(gone).rowcount == 1

    def add_attachments(self, attachments: list[Attachment]) -> None:
        """Store pictures of mentions; what is there under the same number stays."""
        rows = [
            {**columns_of(one, _attachment), "mention_pk": one.mention_id} for one in attachments
        ]
        insert_new(self.connection, _attachment, rows)


class DoorQueries:
    """Part of the queries: what the other doors read."""

    connection: Connection

    def token(self, token_hash: str, now: datetime) -> AccessToken | None:
        """Return a token that may be used at this instant."""
        return find_token(self.connection, token_hash, now)

    def tokens(self, kind: str) -> list[AccessToken]:
        """Return all tokens of a kind, by name, the revoked ones last."""
        query = (
            sa.select(_token)
            .where(_token.c.kind == kind)
            .order_by(_token.c.revoked_at.is_not(None), _token.c.name)
        )
        return [AccessToken(**row) for row in mappings(self.connection.execute(query))]

    def mapping(self, name: str) -> ColumnMapping | None:
        """Return a saved column mapping."""
        query = sa.select(_mapping).where(_mapping.c.name == name)
        row = self.connection.execute(query).mappings().one_or_none()
        return None if row is None else _mapping_of(row)

    def mappings(self) -> list[ColumnMapping]:
        """Return all saved column mappings, the newest first."""
        query = sa.select(_mapping).order_by(_mapping.c.saved_at.desc(), _mapping.c.name)
        return [_mapping_of(row) for row in mappings(self.connection.execute(query))]

    def attachments(self, mention_id: MentionId) -> list[tuple[int, str, int]]:
        """Return the pictures of a mention as (number, media type, size in bytes), in order."""
        size = sa.func.length(_attachment.c.body)
        query = (
            sa.select(_attachment.c.n, _attachment.c.media_type, size)
            .where(_attachment.c.mention_pk == mention_id)
            .order_by(_attachment.c.n)
        )
        return [(row[0], row[1], row[2]) for row in self.connection.execute(query)]

    def attachment(self, mention_id: MentionId, n: int) -> Attachment | None:
        """Return one picture of a mention with its bytes."""
        query = sa.select(_attachment).where(
            _attachment.c.mention_pk == mention_id, _attachment.c.n == n
        )
        row = self.connection.execute(query).mappings().one_or_none()
        if row is None:
            return None
        values: dict[str, Any] = {name: row[name] for name in row if name != "mention_pk"}
        return Attachment(mention_id=mention_id, **values)

    def mention_like(self, raw: RawMention) -> Mention | None:
        """Return the mention that a raw mention would be, by its identity."""
        key, mention = tables.mention_key, tables.mention
        query = (
            sa.select(mention)
            .join(
                key,
                sa.and_(key.c.month == mention.c.month, key.c.mention_pk == mention.c.mention_pk),
            )
            .where(key.c.item_key == item_key(raw))
        )
        row = self.connection.execute(query).mappings().one_or_none()
        return None if row is None else mention_of(row)

    def is_waiting(self, mention_id: MentionId) -> bool:
        """Say whether nobody has judged a mention yet."""
        queue = tables.mention_queue
        query = sa.select(queue.c.mention_pk).where(queue.c.mention_pk == mention_id)
        return self.connection.scalar(query) is not None


def find_token(connection: Connection, token_hash: str, now: datetime) -> AccessToken | None:
    """Return a token that may be used at this instant."""
    over = sa.and_(_token.c.expires_at.is_not(None), _token.c.expires_at <= now)
    query = sa.select(_token).where(
        _token.c.token_hash == token_hash, _token.c.revoked_at.is_(None), sa.not_(over)
    )
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else AccessToken(**row)


def _mapping_of(row: Row) -> ColumnMapping:
    return ColumnMapping(**{**row, "headers": tuple(row["headers"])})
