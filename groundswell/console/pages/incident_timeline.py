"""What happened to an incident: events, messages, answers in public and deletions in one list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.false_alarms import name_of as false_alarm_name
from alerts.markup import shorten
from groundswell.console import words
from groundswell.console.base import Console
from groundswell.responses import Answers
from storage.queries import Queries
from storage.records import (
    ChannelId,
    Delivery,
    Incident,
    IncidentEvent,
    Intent,
    Mention,
    Receipt,
    TriangleRole,
)

_GONE_TITLE = 40  # characters of a deleted post in the timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of an incident's timeline: an event, or a message with its attempts."""

    at: datetime
    title: str
    who: str
    text: str = ""
    kind: str = "event"
    state: str = ""
    channel: str = ""
    attempts: Sequence[Delivery] = ()
    receipts: Sequence[Receipt] = ()


def timeline(
    console: Console,
    queries: Queries,
    incident: Incident,
    answers: Answers,
    changed: Sequence[Mention],
) -> list[Entry]:
    """Return events, messages, answers in public and deletions as one list, newest first."""
    named = incident.incident_id
    receipts = queries.receipts_of(named)
    entries = [_event_entry(console, event) for event in queries.incident_events(named)]
    entries += [
        _message_entry(console, intent, attempts, receipts)
        for intent, attempts in queries.incident_intents(named)
    ]
    entries += [
        Entry(at=one.at, title="公开回应", who=one.actor, text=one.note, kind="response")
        for one in answers.responses
        if one.mention_id is not None  # what a person entered stands there as his note
    ]
    entries += [
        Entry(
            at=mention.gone_at,
            title="原文已删除",
            who=mention.author or "匿名",
            text=shorten(mention.title or mention.text, _GONE_TITLE),
            kind="gone",
        )
        for mention in changed
        if mention.gone_at is not None
    ]
    return sorted(entries, key=lambda entry: entry.at)[::-1]


def _event_entry(console: Console, event: IncidentEvent) -> Entry:
    text = str(event.data.get("text", ""))
    if event.kind == "assigned":
        text = f"给 {console.person(str(event.data.get('owner_id', '')))}　{text}".strip()
    if event.kind == "dismissed":
        text = f"{false_alarm_name(event.data.get('how'))}　{text}".strip()
    if event.kind.startswith("handover_"):
        text = f"{_role_words(console, event)}　{text}".strip()
    return Entry(
        at=event.at,
        title=words.EVENTS.get(event.kind, event.kind),
        who=console.person(event.actor),
        text=text,
    )


def _role_words(console: Console, event: IncidentEvent) -> str:
    """Say which role a handover is about, and who was asked."""
    offered = event.data.get("offered") or {}
    role = TriangleRole(offered.get("role") or event.data["role"]).zh
    receiver = offered.get("receiver", "")
    return f"{role}，请 {console.person(receiver)} 接任" if receiver else role


def _message_entry(
    console: Console,
    intent: Intent,
    attempts: Sequence[Delivery],
    receipts: Mapping[tuple[ChannelId, str], Sequence[Receipt]],
) -> Entry:
    named = [(intent.channel_id, attempt.provider_message_id) for attempt in attempts]
    return Entry(
        at=intent.created_at,
        title=words.MESSAGES.get(intent.kind, intent.kind),
        who=console.person(intent.recipient_id),
        text=intent.subject,
        kind="message",
        state=intent.status.value,
        channel=intent.channel_id,
        attempts=attempts,
        receipts=[one for name in dict.fromkeys(named) for one in receipts.get(name, ())],
    )
