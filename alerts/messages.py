"""The words that people get: an incident and what is known of it in, subject, body and HTML out.

Texts are Chinese, calm and factual, and may be edited (config/templates.py): here they are filled,
written in the channel's dialect and made to fit. What each field says is decided in `alerts.card`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from alerts.card import card_values, sources_of, template_name
from alerts.dialects import Style, labelled, originals, style_of, to_plain
from alerts.letter import to_html
from alerts.lock_line import first_line, short_text
from alerts.markup import fit, fit_lines, plain
from alerts.moments import clock_words as clock_words  # noqa: PLC0414 - callers find it here
from alerts.moments import duration_words as duration_words  # noqa: PLC0414 - callers find it here
from alerts.occasions import Occasion as Occasion  # noqa: PLC0414 - callers find it here
from alerts.routing import reachable
from alerts.scene import Address as Address  # noqa: PLC0414 - callers find it here
from alerts.scene import Links as Links  # noqa: PLC0414 - callers find it here
from alerts.scene import NoLinks as NoLinks  # noqa: PLC0414 - callers find it here
from alerts.scene import Scene as Scene  # noqa: PLC0414 - callers find it here
from config.channel_schema import Dialect, TextLimits, text_limits
from config.people_schema import WAKING_KINDS
from config.templates import LOCK_SCREEN as LOCK_SCREEN  # noqa: PLC0414 - callers find it here
from config.templates import SMS, Line, fill, template_of
from storage.records import Action, Incident, IncidentState, Level, OwnerId, TriangleRole

# The buttons of a message in their order (the command each one stands for, and its label).
ACTIONS: Mapping[str, str] = {
    "ack": "确认收到",
    "not_mine": "不归我管",
    "dismiss": "标记误报",
    "assign": "转派他人",
    "silence": "暂时静默",
}
# Those of who is asked to take a role over: the command and the role, and its label.
SEAT_ACTIONS: Mapping[str, str] = {
    f"{name}-{role.value}": f"{label}{role.zh}"
    for role in TriangleRole
    for name, label in (("accept", "接任"), ("decline", "不接"))
}
_OPEN = "查看事件"
_WITHOUT_LINKS = "请登录控制台，按编号查看和确认。"


class Rendered(NamedTuple):
    """One message, rendered once: a re-send is the same byte for byte.

    `words` are for texts that a provider holds (SMS, voice): level, title, people, ratio, by, code,
    name and text, which is a whole sentence of at most 60 characters.
    """

    subject: str
    body: str
    html: str
    actions: tuple[Action, ...] = ()
    words: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class _Letter:
    """All that a message says, before it is written in any dialect."""

    first: str
    lines: Sequence[Line]
    values: Mapping[str, str]
    links: Sequence[tuple[str, str]]  # name and address of pages
    actions: Sequence[Action]
    sources: Sequence[tuple[str, str]]  # title and address of originals


def render_notice(
    incident: Incident,
    occasion: Occasion,
    scene: Scene,
    address: Address,
    *,
    has_page: bool = True,
) -> Rendered:
    """Write one message to one person for one channel; `has_page`: with HTML for a mail.

    Units: the subject, which is also the body's first line, has at most 40 characters; the body
    keeps within the channel's bytes, cut from its end; code and links are never cut.
    """
    templates = scene.project.templates
    values = card_values(incident, occasion, scene, address)
    head, *lines = template_of(templates, template_name(incident, occasion))
    page = scene.links.incident(incident)
    letter = _Letter(
        first=first_line(head, values),
        lines=lines,
        values=values,
        links=[(_OPEN, page)] if page else [],
        actions=_actions(incident, occasion, scene, address),
        sources=sources_of(scene.samples),
    )
    short = short_text(template_of(templates, SMS)[0], values)
    limits = text_limits(address.channel, occasion.urgency(incident.level))
    return Rendered(
        subject=letter.first,
        body=short if address.channel.kind in WAKING_KINDS else _body(letter, limits),
        html=_page(letter, incident.level) if has_page else "",
        actions=tuple(letter.actions),
        words=_words(values, incident, address) | {"text": short},
    )


def reword(body: str, actions: Sequence[Action], before: Dialect, limits: TextLimits) -> str:
    """Return a body for another channel of the same person: markup of its own would be noise there.

    Buttons that the first channel had become links where the next one has none.
    """
    if before == limits.dialect:
        return body
    lines = to_plain(body).split("\n")
    if style_of(limits.dialect).has_buttons:
        labels = tuple(f"{action.label}：" for action in actions)
        return "\n".join(line for line in lines if not (labels and line.startswith(labels)))
    missing = [f"{action.label}：{action.url}" for action in actions if action.url not in body]
    return fit([*lines[:2], *missing], lines[2:], limits.bytes)


def hand_over(body: str, name: str, limit: int) -> str:
    """Return a message for another person than it was written for, as plain text.

    The signed links act in the first person's name, so they are taken out.
    """
    lines = to_plain(body).split("\n")
    own = tuple(f"{label}：" for label in (*ACTIONS.values(), *SEAT_ACTIONS.values()))
    kept = [line for line in lines[1:] if not line.startswith(own)]
    head = [lines[0], *kept[:1], f"原定通知{plain(name)}，未能送达，转由你接手。"]
    return fit(head, kept[1:], limit)


def _body(letter: _Letter, limits: TextLimits) -> str:
    style = style_of(limits.dialect)
    written = [(letter.first, True)]
    for line in letter.lines:
        text = "" if line.block else fill(line.text, letter.values)
        if line.block == "links":
            written += _link_lines(style, line.label, letter.links, letter.actions)
        elif line.block == "sources":
            shown = originals(style, line.label, letter.sources)
            if line.label:  # never a heading with nothing under it
                shown[:2] = [style.end.join(shown[:2])] if shown else []
            written += [(source, False) for source in shown]
        elif text:
            written.append((labelled(style, line.label, text), "code" in line.fields))
    if not letter.links and not letter.actions:
        written.append((_WITHOUT_LINKS, False))
    return fit_lines(_within(written, limits.bytes, style), limits.bytes, style.end)


def _page(letter: _Letter, level: Level) -> str:
    """Return the HTML of a mail; the code stands above its table."""
    values = letter.values
    filled = [(line.label, fill(line.text, values)) for line in letter.lines if not line.block]
    actions = [(action.label, action.url) for action in letter.actions]
    return to_html(
        level,
        letter.first,
        values["code"],
        links=[*letter.links, *actions],
        facts=[(label, text) for label, text in filled if text and text != values["code"]],
        sources=letter.sources,
    )


def _link_lines(
    style: Style, label: str, links: Sequence[tuple[str, str]], actions: Sequence[Action]
) -> list[tuple[str, bool]]:
    """Return the links, one a line; buttons take the place of those that act."""
    shown = [*links]
    if not style.has_buttons:
        shown += [(action.label, action.url) for action in actions]
    lines = [(style.link(name, url), True) for name, url in shown]
    return [(label, True), *lines] if label and lines else lines


def _within(
    written: Sequence[tuple[str, bool]], limit: int, style: Style
) -> list[tuple[str, bool]]:
    """Give up the last links when what must stay is too long by itself; the page's stays."""
    lines = list(written)
    links = [item for item in lines if item[1] and "://" in item[0]]
    over = sum(len(f"{line}{style.end}".encode()) for line, stays in lines if stays) - limit
    while over > 0 and len(links) > 1:
        line = links.pop()
        lines.remove(line)
        over -= len(f"{line[0]}{style.end}".encode())
    return lines


def _actions(
    incident: Incident, occasion: Occasion, scene: Scene, address: Address
) -> tuple[Action, ...]:
    """Return the buttons of what this person may do; red is never held, so it has no silence."""
    links = scene.links
    if occasion is Occasion.HANDOVER and (asked := _seat_actions(incident, scene, address)):
        return asked
    offered = {
        IncidentState.OPEN: ("ack", "not_mine", "dismiss", "assign", "silence"),
        IncidentState.ACKNOWLEDGED: ("assign", "silence"),
    }.get(incident.state, ())
    owner_id = address.signed_for or OwnerId(address.recipient.id)
    pairs = [
        (name, links.action(incident, name, owner_id))
        for name in offered
        if name != "silence" or incident.level < Level.RED
    ]
    return tuple(Action(name=name, label=ACTIONS[name], url=url) for name, url in pairs if url)


def _seat_actions(incident: Incident, scene: Scene, address: Address) -> tuple[Action, ...]:
    """Return the buttons of a handover: to take each role that this person is asked to take."""
    owner_id = address.signed_for or OwnerId(address.recipient.id)
    names = (
        f"{name}-{seat.role.value}"
        for seat in incident.triangle
        if owner_id in {seat.offered_to, *reachable(scene.project, (seat.offered_to,), address.at)}
        for name in ("accept", "decline")
    )
    pairs = ((name, scene.links.action(incident, name, owner_id)) for name in names)
    return tuple(Action(name=name, label=SEAT_ACTIONS[name], url=url) for name, url in pairs if url)


def _words(values: Mapping[str, str], incident: Incident, address: Address) -> dict[str, str]:
    zone = address.recipient.zone
    by = clock_words(address.ask_by, address.at, zone) if address.ask_by is not None else "尽快"
    return {
        "level": values["level"],
        "title": values["title"],
        "people": values["people"] or "未知",
        "ratio": values["ratio"] or "未知",
        "by": by,
        "code": incident.code,
        "name": values["name"],
    }
