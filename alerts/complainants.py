"""People, not only clusters: how far the service has come with each complainant of an incident.

In: a command with the complainants it names. Out: one event, whatever number it moves, and the rows
that it leaves. The events are the truth: `people_after` folds them, the table is a cache of it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from alerts.acts import known_owner, progress, wait_for_progress
from alerts.command import Command, IllegalMove
from alerts.complainant_counts import Answered as Answered  # noqa: PLC0414
from alerts.complainant_counts import Counts as Counts  # noqa: PLC0414
from alerts.complainant_counts import counts_from as counts_from  # noqa: PLC0414
from alerts.complainant_counts import counts_of as counts_of  # noqa: PLC0414
from alerts.complainant_counts import counts_words as counts_words  # noqa: PLC0414
from alerts.complainant_counts import first_answers as first_answers  # noqa: PLC0414
from alerts.draft import Draft
from alerts.routing import name_of
from storage.records import (
    Complainant,
    Contact,
    Incident,
    IncidentEvent,
    IncidentId,
    Json,
    OwnerId,
)

CHANNELS = ("电话", "私信", "工单", "邮件", "上门", "其他")
TICKET = "ticket:"  # ids of complainants that are known by their ticket alone
MOST = 20_000  # complainants in one command; ten thousand in one incident are supported
_RANK = {
    Contact.WAITING: 0,
    Contact.UNREACHABLE: 0,
    Contact.CONTACTED: 1,
    Contact.OFFERED: 2,
    Contact.SOLVED: 3,
    Contact.REFUSED: 3,
}
_NEEDS_EVIDENCE = frozenset({Contact.OFFERED, Contact.SOLVED, Contact.REFUSED, Contact.UNREACHABLE})
_NAMED = 5  # people named in a refusal
_TEXT = 2000  # characters of an evidence
# A customer may have called before he posted; what is further back is a slip of the pen.
_BEFORE_POST = timedelta(days=30)
_DETAILS = ("platform", "author", "ticket", "url")


# --- folding ----------------------------------------------------------------------------------


def fold_people(events: Iterable[IncidentEvent]) -> dict[str, Complainant]:
    """Return what an incident's log says of each complainant that it names, by id."""
    people: dict[str, Complainant] = {}
    for event in events:
        people |= people_after(people, event)
    return people


def people_after(people: Mapping[str, Complainant], event: IncidentEvent) -> dict[str, Complainant]:
    """Return those whom one more event names, as it leaves them."""
    common: Json = event.data.get("move", {})
    after: dict[str, Complainant] = {}
    for entry in event.data.get("people", ()):
        name = str(entry["id"])
        known = people.get(name) or Complainant(incident_id=event.incident_id, complainant_id=name)
        after[name] = _after(known, {**common, **entry}, event)
    return after


def _after(one: Complainant, said: Json, event: IncidentEvent) -> Complainant:
    if "was" in said:
        one = _as_it_was(one, said["was"])
    values: dict[str, Any] = {name: said[name] for name in _DETAILS if name in said}
    values["seq"] = event.seq
    if "posted_at" in said:
        values["posted_at"] = _instant(said["posted_at"])
    if "assigned_to" in said:
        values["assigned_to"] = OwnerId(said["assigned_to"])
    if "state" in said:
        state, at = Contact(said["state"]), _instant(said.get("at")) or event.at
        values |= {"state": state, "at": at, "by": event.actor, "text": said.get("text", "")}
        if channel := said.get("channel"):
            values["channel"] = channel
        if state is not Contact.WAITING:
            values["responded_at"] = min(one.responded_at or at, at)
    return replace(one, **values)


def _instant(value: object) -> datetime | None:
    return None if value is None else datetime.fromisoformat(str(value))


def _entry(one: Complainant, **more: Any) -> Json:
    """Return how an event names a complainant: whole, for the fold sees nothing but events."""
    known: dict[str, Any] = {name: getattr(one, name) for name in _DETAILS}
    known["posted_at"] = one.posted_at.isoformat() if one.posted_at else None
    if not one.seq and (one.state is not Contact.WAITING or one.at or one.assigned_to):
        known["was"] = _was(one)  # the log of an incident merged into this one says it
    return {"id": one.complainant_id, **known, **more}


def _was(one: Complainant) -> Json:
    """Return how somebody stood before this log first names him."""
    return {
        "state": one.state.value,
        "at": one.at.isoformat() if one.at else None,
        "by": one.by,
        "channel": one.channel,
        "text": one.text,
        "responded_at": one.responded_at.isoformat() if one.responded_at else None,
        "assigned_to": one.assigned_to,
    }


def _as_it_was(one: Complainant, was: Json) -> Complainant:
    return replace(
        one,
        state=Contact(was["state"]),
        at=_instant(was["at"]),
        by=was["by"],
        channel=was["channel"],
        text=was["text"],
        responded_at=_instant(was["responded_at"]),
        assigned_to=OwnerId(was["assigned_to"]),
    )


# --- the rules --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One step with one complainant: where to, how it happened, when, and what shows it."""

    to: Contact
    channel: str = ""
    text: str = ""
    at: datetime | None = None  # None: now

    def as_data(self, now: datetime) -> dict[str, Any]:
        """Return it as an event holds it."""
        return {
            "state": self.to.value,
            "channel": self.channel,
            "text": self.text,
            "at": (self.at or now).isoformat(),
        }


def refusal(one: Complainant, move: Move, now: datetime) -> str:
    """Say why a move is not possible; "" when it is. Neutral words, no name in them."""
    if reason := _missing(one, move):
        return reason
    at = move.at or now
    if at > now:
        return "联系时间在将来，请填写实际发生的时间 (the time lies ahead)"
    if one.posted_at is not None and at < one.posted_at - _BEFORE_POST:
        return "联系时间比投诉早一个月以上，请核对 (a month before the post)"
    if move.to is Contact.UNREACHABLE and one.state not in {
        Contact.WAITING,
        Contact.CONTACTED,
        Contact.UNREACHABLE,
    }:
        return f"“{one.state.zh}”之后不能记为“联系不上” (was reached before)"
    return ""


def _missing(one: Complainant, move: Move) -> str:
    unknown = [name for name in channels_in(move.channel) if name not in CHANNELS]
    if unknown:
        return f"没有渠道 {unknown[0][:20]!r}，可选：{'、'.join(CHANNELS)} (no such channel)"
    if move.to is Contact.CONTACTED and not move.channel:
        return f"“已联系”要写明渠道：{'、'.join(CHANNELS)} (say by which channel)"
    if move.to is Contact.UNREACHABLE and not move.channel:
        return "“联系不上”要写明试过哪些渠道，如 电话、私信 (say which channels were tried)"
    if move.to in _NEEDS_EVIDENCE and not move.text:
        return f"“{move.to.zh}”要写明依据 (needs an evidence)"
    if is_back(one.state, move.to) and not move.text:
        return f"从“{one.state.zh}”回到“{move.to.zh}”要写明理由 (going back needs a reason)"
    return ""


def is_back(before: Contact, to: Contact) -> bool:
    """Say whether a move takes back what was said before: it needs a reason."""
    if before is Contact.UNREACHABLE:
        return to is Contact.WAITING
    ends = {Contact.SOLVED, Contact.REFUSED}
    return _RANK[to] < _RANK[before] or (before in ends and to in ends and to is not before)


def changes(one: Complainant, move: Move) -> bool:
    """Say whether a move says anything that is not known; minutes are what people and files say."""
    same_at = move.at is None or _minute(move.at) == _minute(one.at)
    same_channel = not move.channel or move.channel == one.channel
    same_text = not move.text or move.text == one.text
    return move.to is not one.state or not (same_at and same_channel and same_text)


def _minute(at: datetime | None) -> int | None:
    return None if at is None else math.floor(at.timestamp() / 60)


def channels_in(text: str) -> list[str]:
    """Return the channels of a text such as "电话、私信"."""
    for sign in (",", "，", "/", " ", ";", "；", "+"):
        text = text.replace(sign, "、")
    return [one for one in text.split("、") if one]


def contact_named(text: str) -> Contact:
    """Return a state by its Chinese or English name. IllegalMove names them all."""
    for state in Contact:
        if text.strip() in {state.zh, state.value}:
            return state
    known = "、".join(f"{state.zh}（{state.value}）" for state in Contact)
    raise IllegalMove(f"没有状态 {text[:40]!r}，可选：{known} (no state {text[:40]!r})")


# --- commands ---------------------------------------------------------------------------------


def contact(draft: Draft, command: Command, key: str) -> None:
    """Move some complainants in one event; all of them or none."""
    people = _people(draft, command)
    move = Move(
        to=contact_named(command.how),
        channel="、".join(channels_in(command.channel)),
        text=command.text.strip()[:_TEXT],
        at=command.at,
    )
    refused = [(one, why) for one in people if (why := refusal(one, move, draft.now))]
    if refused:
        raise IllegalMove(_refused_words(refused, len(people)))
    moved = [one for one in people if changes(one, move)]
    if not moved:
        return  # pressed twice
    data = move.as_data(draft.now)
    if not move.channel:  # the last one stays
        del data["channel"]
    _record(draft, "contacted", moved, key=key, move=data, text=command.text)


def give(draft: Draft, command: Command, key: str) -> None:
    """Give some complainants to one colleague."""
    people = _people(draft, command)
    owner_id = known_owner(draft.scene.project, command.owner_id)
    moved = [one for one in people if one.assigned_to != owner_id]
    if not moved:
        return
    said = f"{len(moved)} 位交给{name_of(draft.scene.project, owner_id)}"
    text = f"{said}：{command.text.strip()}" if command.text.strip() else said
    _record(draft, "given", moved, key=key, move={"assigned_to": owner_id}, text=text)


def add_people(draft: Draft, command: Command, key: str) -> None:
    """Add complainants whom no post shows: a ticket's number, or platform:name, a line each."""
    lines = dict.fromkeys(" ".join(line.split()) for line in command.who)
    wanted = [line for line in lines if line]
    if not wanted:
        raise IllegalMove(
            "请写明要登记谁：一行一个工单号，或“平台:昵称” (name tickets or platform:author)"
        )
    if len(wanted) > MOST:
        raise IllegalMove(f"一次最多登记 {MOST:,} 位 (at most {MOST} at a time)")
    known = {one.complainant_id for one in draft.complainants.values()}
    known |= {one.ticket for one in draft.complainants.values() if one.ticket}
    new = [
        one
        for line in wanted
        if (one := newcomer(draft.incident, line)).complainant_id not in known
        and (not one.ticket or one.ticket not in known)
    ]
    if new:
        text = command.text.strip() or f"补登 {len(new)} 位"
        _record(draft, "people_added", new, key=key, move={}, text=text)


def newcomer(incident: Incident, line: str) -> Complainant:
    """Return somebody whom a line names: "平台:昵称", or a ticket's number."""
    line = line.strip()[:200]
    for prefix in ("工单：", "工单:", TICKET):
        if line.lower().startswith(prefix):
            line = line[len(prefix) :].strip()
            return _by_ticket(incident.incident_id, line)
    platform, sign, author = line.replace("：", ":", 1).partition(":")
    if not sign or not author.strip():
        return _by_ticket(incident.incident_id, line)
    platform, author = platform.strip(), author.strip()
    return Complainant(
        incident_id=incident.incident_id,
        complainant_id=f"{platform}:{author}",
        platform=platform,
        author=author,
        is_here=False,
    )


def _by_ticket(incident_id: IncidentId, ticket: str) -> Complainant:
    return Complainant(
        incident_id=incident_id, complainant_id=f"{TICKET}{ticket}", ticket=ticket, is_here=False
    )


def take_in(
    draft: Draft,
    key: str,
    moves: Sequence[tuple[Complainant, Move | None, OwnerId]],
    text: str,
) -> None:
    """Write down what a file says of many complainants, as one event.

    Each with his move, None to leave his state, and to whom he is given, "" to leave it.
    """
    entries = []
    for one, move, owner_id in moves:
        said = move.as_data(draft.now) if move is not None else {}
        if not said.get("channel"):
            said.pop("channel", None)
        if owner_id:
            said["assigned_to"] = owner_id
        entries.append(_entry(one, **said))
    people = [one for one, _, _ in moves]
    _write(draft, "people_imported", people, entries, key=key, text=text)


def solve_all(
    draft: Draft, kind: str, people: Sequence[Complainant], text: str, **values: Any
) -> None:
    """Record an event by which these people, if any, become solved with its evidence."""
    move = Move(to=Contact.SOLVED, text=text).as_data(draft.now)
    del move["channel"]
    entries = [_entry(one) for one in people]
    move = move if people else {}
    _write(draft, kind, people, entries, move=move, text=text, values=values)


def complained_again(draft: Draft, people: Sequence[Complainant], at: datetime) -> None:
    """Take back that these are solved: they wrote again, the last of them at `at`."""
    move = {"state": Contact.WAITING.value, "at": at.isoformat(), "text": "又发了新的内容"}
    names = "|".join(sorted(one.complainant_id for one in people))
    digest = hashlib.blake2b(names.encode(), digest_size=8).hexdigest()
    key = f"again:{draft.incident.incident_id}:{at.isoformat()}:{digest}"
    entries = [_entry(one) for one in people]
    text = f"{len(people)} 位已解决的投诉人又发了新的内容"
    _write(draft, "complained_again", people, entries, key=key, move=move, text=text)


def _record(
    draft: Draft, kind: str, people: Sequence[Complainant], *, key: str, move: Json, text: str
) -> None:
    entries = [_entry(one) for one in people]
    _write(draft, kind, people, entries, key=key, move=move, text=text, values=progress(draft))
    wait_for_progress(draft)


def _write(
    draft: Draft,
    kind: str,
    people: Sequence[Complainant],
    entries: Sequence[Json],
    *,
    key: str = "",
    move: Json | None = None,
    text: str = "",
    values: Json | None = None,
) -> None:
    """Record one event about these people, and fold it into their rows."""
    said: dict[str, Any] = {"people": list(entries)} if entries else {}
    if move:
        said["move"] = dict(move)
    draft.record(kind, key=key, text=text.strip(), **said, **(values or {}))
    # what the clusters of today say stays on the record, the rest is the fold's
    draft.move(people_after({one.complainant_id: one for one in people}, draft.last_event))


def _people(draft: Draft, command: Command) -> list[Complainant]:
    """Return those whom a command names. IllegalMove when it names nobody, or somebody unknown."""
    if not command.who:
        raise IllegalMove("请选择投诉人 (name the complainants by their ids)")
    if len(command.who) > MOST:
        raise IllegalMove(f"一次最多 {MOST:,} 位 (at most {MOST} at a time)")
    by_ticket = {one.ticket: one for one in draft.complainants.values() if one.ticket}
    found, unknown = [], []
    for name in dict.fromkeys(command.who):
        one = draft.complainants.get(name) or by_ticket.get(name.removeprefix(TICKET))
        if one is None:
            unknown.append(name)
        else:
            found.append(one)
    if unknown:
        some = "、".join(name[:40] for name in unknown[:_NAMED])
        raise IllegalMove(
            f"事件 {draft.incident.code} 没有这些投诉人：{some}"
            f"{f' 等 {len(unknown)} 位' if len(unknown) > _NAMED else ''} (no such complainants)"
        )
    return found


def _refused_words(refused: Sequence[tuple[Complainant, str]], total: int) -> str:
    some = "；".join(f"{shown(one)}：{why}" for one, why in refused[:_NAMED])
    return f"{total} 位中有 {len(refused)} 位不能这样登记，什么都没有改。{some}"


def shown(one: Complainant) -> str:
    """Return how a complainant is named to people."""
    if one.author:
        return f"{one.author}（{one.platform}）" if one.platform else one.author
    if one.ticket:
        return f"工单 {one.ticket}"
    return f"匿名（{one.platform}）" if one.platform else "匿名"
