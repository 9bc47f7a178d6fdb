"""What the outbox and the one who empties it hand to each other: budgets, backlogs, plans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from storage.records.acting import ChannelState
from storage.records.ids import ChannelId, IncidentId, IntentId, OwnerId
from storage.records.incidents import Intent, Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much one channel may send; None: nobody counts. Figures are ours, not the provider's.

    In `quiet_minutes` of each hour the provider is crowded: what is below orange waits them out.
    """

    per_minute: int | None = None
    per_second: float | None = None
    quiet_minutes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """That a message may not go now. Reasons: "circuit", "blocked", "pace", "tokens"."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One message that a summary stands for, as far as the summary says it."""

    level: Level
    subject: str
    incident_id: IncidentId | None
    code: str  # of the incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A message that is due, with the status it had before, and its incident's human code."""

    intent: Intent
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """That somebody was sent something, or is being sent it. Copies on two devices share `key`."""

    recipient_id: OwnerId
    channel_id: ChannelId
    at: datetime
    level: Level
    kind: str
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """All that deciding who is sent what now may know, at one moment of the database.

    `due` begins with the gravest. `summaries` were never tried and may still grow; `members` says
    what each stands for so far. `told` are the last 15 minutes. `heard` counts what people with a
    budget were sent on their own day so far. `read_at` is the database's clock.
    """

    due: tuple[Waiting, ...]
    summaries: tuple[Intent, ...] = ()
    members: Mapping[IntentId, tuple[Member, ...]] = field(default_factory=dict)
    told: tuple[Told, ...] = ()
    states: Mapping[ChannelId, ChannelState] = field(default_factory=dict)
    heard: Mapping[OwnerId, int] = field(default_factory=dict)
    read_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One message in place of several: `members` are cancelled in the act that writes it.

    `reason` is why: "coalesced", or "over_budget" of its reader.
    """

    intent: Intent
    members: tuple[IntentId, ...]
    is_new: bool
    reason: str = "coalesced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which messages are taken now, which wait until when, and which are told together."""

    take: tuple[IntentId, ...] = ()
    put_off: Mapping[IntentId, datetime] = field(default_factory=dict)
    summaries: tuple[Summary, ...] = ()
