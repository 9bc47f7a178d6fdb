"""What all processes share of one channel: one row, read and written in the act that uses it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import bucket, tables
from storage.columns import insert_new, read_clock, upsert
from storage.records import Budget, ChannelId, ChannelState, Delivery, Wait
from storage.rows import columns_of, mappings

_state = tables.channel_state


class ChannelStates:
    """Transaction part: the states of channels."""

    connection: Connection

    def channel_state(self, channel_id: ChannelId) -> ChannelState | None:
        """Return what is known of a channel; None when it was never used."""
        return read_states(self.connection, [channel_id]).get(channel_id)


class ChannelStateQueries:
    """Part of the queries: the states of channels."""

    connection: Connection

    def channel_states(self) -> dict[ChannelId, ChannelState]:
        """Return the states of all channels that were ever used."""
        return read_states(self.connection, None)


def read_states(
    connection: Connection, channel_ids: Collection[ChannelId] | None
) -> dict[ChannelId, ChannelState]:
    """Return the states of these channels, of all when None."""
    query = sa.select(_state)
    if channel_ids is not None:
        query = query.where(_state.c.channel_id.in_(channel_ids))
    found = (ChannelState(**row) for row in mappings(connection.execute(query)))
    return {state.channel_id: state for state in found}


def take_token(
    connection: Connection,
    channel_id: ChannelId,
    budget: Budget,
    *,
    grave: bool,
    at: datetime | None = None,
    elapsed_at_most_s: float | None = None,
) -> Wait | None:
    """Take a token of a channel, or say how long to wait.

    By the database's clock unless `at` says otherwise. The row is locked until the act's end.
    """
    at = at or read_clock(connection)
    state = _locked(connection, channel_id, budget, at)
    later, wait = bucket.spend(state, budget, at, grave=grave, elapsed_at_most_s=elapsed_at_most_s)
    if later != state:
        _write(connection, later)
    return wait


def note_outcome(
    connection: Connection, channel_id: ChannelId, delivery: Delivery, at: datetime | None = None
) -> None:
    """Keep what an attempt says about its channel: that it works, must rest, or fails again."""
    if delivery.outcome is None:
        return
    at = at or read_clock(connection)
    state = _locked(connection, channel_id, Budget(), at)
    _write(
        connection,
        bucket.after(
            state,
            delivery.outcome,
            at,
            retry_after_s=delivery.retry_after_s,
            text=delivery.text,
        ),
    )


def _locked(
    connection: Connection, channel_id: ChannelId, budget: Budget, at: datetime
) -> ChannelState:
    query = sa.select(_state).where(_state.c.channel_id == channel_id).with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        made = columns_of(bucket.fresh(channel_id, budget, at), _state)
        insert_new(connection, _state, [made])
        row = connection.execute(query).mappings().one()
    return ChannelState(**row)


def _write(connection: Connection, state: ChannelState) -> None:
    upsert(connection, _state, [columns_of(state, _state)])
