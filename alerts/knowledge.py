"""What is learnt from an incident that closes: cause, fix and the reply that worked, as a card.

In: the incident as it closed, what was answered and what came of it. Out: a Card. Pure; people may
put right afterwards whatever the card says.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.effect import Effect
from storage.records import Card, Incident, IncidentEvent, IncidentId, PublicResponse, TaskKind

_DRAFT = "drafted"  # the event that holds a reply somebody wrote


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An answer in public, its words as far as they are known, and what came after it."""

    response: PublicResponse
    text: str
    effect: Effect


def card_id(incident_id: IncidentId, epoch: int) -> str:
    """Return the id of the card of one epoch of an incident: closing it twice makes one card."""
    digest = hashlib.sha256(f"card|{incident_id}|{epoch}".encode()).digest()
    return "k-" + b32encode(digest).decode()[:12].lower()


def card_of(
    incident: Incident,
    *,
    product: str,
    words: Sequence[str],
    given: Sequence[Given],
    events: Iterable[IncidentEvent],
    now: datetime,
    by: str,
) -> Card:
    """Return the card of an incident that has just closed.

    Cause: what the tasks 排查整改 found, else what was noted when it was handled. Fix: what was
    noted when it was handled, with what the tasks 解决问题 came to. Reply: see `reply_of`.
    """
    found = _results(incident, TaskKind.FIX)
    solved = _results(incident, TaskKind.SOLVE)
    reply, url = reply_of(incident, given, events)
    return Card(
        card_id=card_id(incident.incident_id, incident.epoch),
        incident_id=incident.incident_id,
        epoch=incident.epoch,
        code=incident.code,
        brand_id=incident.brand_id,
        product=product,
        issue_class=incident.issue_class,
        fingerprint=incident.fingerprint,
        title=incident.title,
        cause="；".join(found) or incident.handled_note,
        fix="；".join(dict.fromkeys(filter(None, (incident.handled_note, *solved)))),
        reply=reply,
        reply_url=url,
        closed_how=incident.closed_how,
        words=tuple(dict.fromkeys(words)),
        created_at=now,
        by=by,
    )


def reply_of(
    incident: Incident, given: Sequence[Given], events: Iterable[IncidentEvent]
) -> tuple[str, str]:
    """Return the reply that worked and where it stands; ("", "") when nothing was answered.

    The last answer after which new people became fewer; else the last answer whose words are
    known; else the last draft of this epoch; else what the tasks 澄清回应 came to.
    """
    ordered = sorted(given, key=lambda one: one.response.at)
    worked = [one for one in ordered if one.effect.verdict == "fell"]
    for chosen in (worked[::-1], ordered[::-1]):
        best = next((one for one in chosen if one.text), None) or next(iter(chosen), None)
        if best is not None and (best.text or best.response.url):
            return best.text, best.response.url
    drafts = [
        str(event.data.get("text", ""))
        for event in events
        if event.kind == _DRAFT and event.epoch == incident.epoch
    ]
    said = [*_results(incident, TaskKind.CLARIFY), *filter(None, drafts)]
    return (said[-1], "") if said else ("", "")


def lesson_line(card: Card, url: str) -> str:
    """Return the one line that a message carries of the nearest card."""
    done = card.fix or card.cause
    told = f"以前的「{card.title}」（{card.code}）：{done}" if done else f"以前的「{card.title}」"
    reply = f"；当时的回应：{card.reply}" if card.reply else ""
    return f"{_short(told)}{_short(reply)}" + (f"。卡片 {url}" if url else "。")


_LINE = 90  # characters of each half; a line of a message is read on a phone


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _LINE else f"{flat[: _LINE - 1]}…"


def _results(incident: Incident, kind: TaskKind) -> list[str]:
    """Return what the tasks of a kind came to."""
    done = (task for task in incident.tasks if task.kind is kind and task.state == "done")
    return [task.note for task in done if task.note]
