"""What delivery leaves behind: silences, channel states, receipts, replies, addresses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.records.ids import ChannelId, IncidentId, OwnerId


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Notices about what matches are held from `starts_at` to `ends_at`, up to `up_to`.

    Empty conditions match everything. `ended_at`: somebody ended it early.
    """

    silence_id: str
    starts_at: datetime
    ends_at: datetime
    up_to: str  # a level's name; red is never held
    by: str
    reason: str
    created_at: datetime
    incident_id: IncidentId | None = None
    brand: tuple[str, ...] = ()
    product: tuple[str, ...] = ()
    issue: tuple[str, ...] = ()
    region: tuple[str, ...] = ()
    platform: tuple[str, ...] = ()
    ended_at: datetime | None = None
    ended_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState:
    """What all processes know of one channel: its tokens, whether it rests and why.

    Instants are the database's: providers count in real time, whatever our clock is set to.
    `mild_tokens` bounds what is below orange; the rest of `tokens` is kept for orange and red.
    """

    channel_id: ChannelId
    tokens: float
    mild_tokens: float
    refilled_at: datetime  # when a token was last taken
    blocked_until: datetime | None = None
    failures: int = 0  # attempts in a row that failed; the circuit opens on them
    reason: str = ""
    last_ok_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a provider said later of a message it had taken: delivered, answered, refused."""

    channel_id: ChannelId
    provider_message_id: str
    at: datetime
    state: str  # "delivered", "answered", "failed"
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a person sent back on a channel, once per provider message."""

    channel_id: ChannelId
    message_id: str
    at: datetime
    sender: str  # as the provider names it, masked where it is a number
    owner_id: OwnerId | None
    text: str
    outcome: str  # named: "done", "unknown_sender", "no_code", "refused" ...
    incident_id: IncidentId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedAddress:
    """That a message on this channel reaches this person: proved by a code he gave back.

    `address` is a digest: an address that is changed in the configuration is not verified.
    """

    owner_id: OwnerId
    channel_id: ChannelId
    address: str
    code_hash: str
    asked_at: datetime
    verified_at: datetime | None = None
    how: str = ""
