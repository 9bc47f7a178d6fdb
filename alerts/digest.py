"""The daily digest in words: facts of one day in, a digest for one person out, as HTML or text.

What was not seen is said before what was: with a blind source nothing is ever called nought.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from alerts import digest_launches as launches
from alerts import digest_seats as seats
from alerts import digest_tasks as tasks
from alerts.batches import group_words, signal_words
from alerts.complainants import Counts, counts_from, counts_words
from alerts.completeness import completeness_line
from alerts.confirming import closed_by, closed_words
from alerts.digest_ledger import ENGLISH as LEDGER_ENGLISH
from alerts.digest_ledger import TITLE as LEDGER
from alerts.digest_ledger import budget_lines, ledger_items
from alerts.digest_lines import OPEN_STATES, Desk, lines_of, section_of
from alerts.digest_topics import ENGLISH, TITLE, topic_items
from alerts.events import during_words
from config.schema import Owner
from storage.records import (
    Digest,
    DigestFacts,
    DigestItem,
    Incident,
    IncidentEvent,
    IncidentId,
    IncidentState,
    Level,
    OwnerId,
)

if TYPE_CHECKING:
    from jinja2 import Template

MAX_ITEMS = 12  # per section; a digest is read standing up, the console has the rest
_LOOKS_AFTER = frozenset({"engineer", "admin"})
_NAMED = 3  # sources in one line
_A_DAY = timedelta(hours=36)  # a longer digest says since when; days with 25 hours are ordinary
_SEES_ALL = frozenset({"lead", "executive", "admin"})

# In reading order: what waits for somebody comes first.
SECTIONS = {
    "超时未确认": "Overdue",
    "超过时限": "Past the service limit",
    "升级中": "Rising",
    "复发": "Returned",
    "新增": "New",
    "待客户确认": "Awaiting customer",
    "已解决": "Closed",
    "其他": "Other",
}
_URGENT = (
    "超时未确认",
    "超过时限",
    "升级中",
    "复发",
    "新增",
)  # the headline is for a phone's lock screen

_COLOURS = {
    Level.NONE: "#6b7280",
    Level.BLUE: "#2563a8",
    Level.YELLOW: "#a16207",
    Level.ORANGE: "#c2410c",
    Level.RED: "#b91c1c",
}


# --- composing -----------------------------------------------------------------------------------


def compose(facts: DigestFacts, owner: Owner, owners: Sequence[Owner], now: datetime) -> Digest:
    """Word one day for one person: every incident in exactly one section, their own first.

    Leads, executives and admins see all incidents; others those they own or were told of.
    """
    names = {person.id: person.name for person in owners}
    events: dict[IncidentId, list[IncidentEvent]] = defaultdict(list)
    for event in facts.events:
        events[event.incident_id].append(event)
    desk = Desk(facts, owner, names, events, now)
    groups: dict[str, list[Incident]] = {name: [] for name in SECTIONS}
    mine = [incident for incident in facts.incidents if _concerns(incident, owner)]
    for incident in mine:
        groups[section_of(incident, desk)].append(incident)
    sections = [
        (name, _items(incidents, name, desk)) for name, incidents in groups.items() if incidents
    ]
    ended = [incident for incident in facts.late_tasks if _concerns(incident, owner)]
    if late := tasks.task_items(desk, [*mine, *ended]):
        sections.insert(int(bool(groups["超时未确认"])), (tasks.TITLE, tuple(late[:MAX_ITEMS])))
    if offers := seats.seat_items(desk, mine):
        sections.append((seats.TITLE, tuple(offers[:MAX_ITEMS])))
    topics = topic_items(facts)
    if topics:
        sections.append((TITLE, topics))
    if facts.signals:
        sections.append(("批次信号", _signals(facts)))
    sees_all = owner.role in _SEES_ALL
    if begun := launches.launch_items(facts, OwnerId(owner.id), sees_all=sees_all):
        sections.append((launches.TITLE, begun))
    if week := ledger_items(facts, sees_all=sees_all):
        sections.append((LEDGER, week))
    past = _would_have_been(facts)
    if past:
        sections.append(("历史导入", past))
    return Digest(
        day=facts.day,
        owner_id=OwnerId(owner.id),
        headline=_headline(groups, desk),
        sections=tuple(sections),
        completeness=completeness_line(facts),
        numbers=(
            *_numbers(groups, facts),
            *tasks.verdict_lines(facts),
            *budget_lines(facts, OwnerId(owner.id), sees_all=sees_all),
            *_for_engineers(facts, owner),
        ),
        note=during_words(facts.calendar, facts.day),
    )


def _concerns(incident: Incident, owner: Owner) -> bool:
    people = {incident.owner_id, *incident.policy.also, *incident.told}
    return owner.role in _SEES_ALL or owner.id in people


def _items(incidents: list[Incident], section: str, desk: Desk) -> tuple[DigestItem, ...]:
    mine_first = sorted(
        incidents,
        key=lambda item: (
            item.owner_id != desk.owner.id,
            -item.level,
            item.opened_at,
            item.incident_id,
        ),
    )
    items = [
        DigestItem(
            incident_id=incident.incident_id,
            code=incident.code,
            level=incident.level,
            title=incident.title,
            text=" · ".join(lines_of(incident, section, desk)),
            owner_id=incident.owner_id,
        )
        for incident in mine_first[:MAX_ITEMS]
    ]
    rest = len(mine_first) - len(items)
    if rest:
        items.append(_note(f"另有 {rest} 起未列出", "请在控制台查看全部"))
    return tuple(items)


def _note(title: str, text: str) -> DigestItem:
    return DigestItem(incident_id=None, code="", level=Level.NONE, title=title, text=text)


def _signals(facts: DigestFacts) -> tuple[DigestItem, ...]:
    """Say which batches (versions, regions, products) stand out since this day."""
    items = [
        _note(f"{group_words(one)}：{one.symptom}", signal_words(one))
        for one in facts.signals[:MAX_ITEMS]
    ]
    rest = len(facts.signals) - len(items)
    if rest:
        items.append(_note(f"另有 {rest} 个未列出", "groundswell facts 列出全部"))
    return tuple(items)


def _would_have_been(facts: DigestFacts) -> tuple[DigestItem, ...]:
    items = [
        _note(text, "来自历史内容，当时会触发预警；没有发送任何消息")
        for text in facts.would_have_been[:MAX_ITEMS]
    ]
    rest = len(facts.would_have_been) - len(items)
    if rest > 0:
        items.append(_note(f"另有 {rest} 起未列出", "请在控制台查看全部"))
    return tuple(items)


# --- summing up ----------------------------------------------------------------------------------


def _headline(groups: dict[str, list[Incident]], desk: Desk) -> str:
    facts = desk.facts
    day = f"{facts.day.month}月{facts.day.day}日日报"
    if facts.until - facts.since > _A_DAY:
        day += f"（{desk.clock(facts.since)} 以来）"
    told = [f"{name} {len(groups[name])} 起" for name in _URGENT if groups[name]]
    if not told:
        calm = [item for name in ("待客户确认", "其他") for item in groups[name]]
        still_open = sum(item.state in OPEN_STATES for item in calm)
        told = [f"没有新的事件，未结 {still_open} 起"] if still_open else []
        if groups["已解决"]:
            told.append(f"已解决 {len(groups['已解决'])} 起")
    whose = "" if desk.owner.role in _SEES_ALL else "与您有关的"
    nothing = f"没有看到{whose}事件" if facts.gaps else f"没有{whose}事件"
    open_levels = [
        item.level for group in groups.values() for item in group if item.state in OPEN_STATES
    ]
    text = "，".join(told) or nothing
    if open_levels and max(open_levels) > Level.NONE:
        text += f"，最高{max(open_levels).zh}级"
    if facts.gaps:
        text += f"（{len(facts.gaps)} 个信源未覆盖，以下不完整）"
    return f"{day}：{text}"


def _numbers(groups: dict[str, list[Incident]], facts: DigestFacts) -> tuple[tuple[str, str], ...]:
    still_open = sum(item.state in OPEN_STATES for items in groups.values() for item in items)
    numbers = [
        ("未结事件", f"{still_open} 起"),
        ("新收提及", _seen(facts.mentions, facts)),
        ("其中负面", _seen(facts.negative, facts)),
        ("正面", _seen(facts.positive, facts)),
        ("存疑", _seen(facts.unsure, facts)),
    ]
    # whoever spoke in what was a false alarm complained of nothing of ours
    heard = (item for items in groups.values() for item in items)
    shown = [item for item in heard if item.state is not IncidentState.DISMISSED]
    summed = sum((counts_from(facts.people.get(item.incident_id, {})) for item in shown), Counts())
    if summed.total:
        numbers.append(("投诉人合计", counts_words(summed)))
    if said := closed_words(closed_by(groups["已解决"])):
        numbers.append(("结案依据", said))
    if facts.noise:
        numbers.append(("广告、招聘、抽奖等未计入", f"{facts.noise:,} 条"))
    held = sum(event.kind == "held" and "occasion" in event.data for event in facts.events)
    if held:
        numbers.append(("静默期间未发的通知", f"{held} 次"))
    if facts.undelivered:
        numbers.append(("未送达消息", f"{facts.undelivered} 条"))
    return tuple(numbers)


def _for_engineers(facts: DigestFacts, owner: Owner) -> tuple[tuple[str, str], ...]:
    """Say to engineers which sources no longer bring what the model knows."""
    if owner.role not in _LOOKS_AFTER or not facts.drifted:
        return ()
    named = "、".join(facts.drifted[:_NAMED])
    rest = len(facts.drifted) - _NAMED
    return (("文字变了的信源", named + (f" 等 {rest + _NAMED} 个" if rest > 0 else "")),)


def _seen(count: int, facts: DigestFacts) -> str:
    """Word a count of what was collected; with a blind source it is a lower bound at best."""
    if not facts.gaps and facts.sources:
        return f"{count:,} 条"
    return f"至少 {count:,} 条" if count else "未知"


# --- writing it out ----------------------------------------------------------------------------


def to_html(digest: Digest, base_url: str) -> str:
    """Return a page that mail programs show as browsers do: tables and inline styles only.

    Everything that came from the web is escaped. Without `base_url` nothing is linked.
    """
    return _template().render(
        digest=digest,
        base_url=base_url.rstrip("/"),
        english=SECTIONS
        | {tasks.TITLE: tasks.ENGLISH, TITLE: ENGLISH, "批次信号": "Batch signals"}
        | {seats.TITLE: seats.ENGLISH}
        | {launches.TITLE: launches.ENGLISH, LEDGER: LEDGER_ENGLISH},
        colours={level.value: colour for level, colour in _COLOURS.items()},
        is_complete=digest.completeness.startswith("全部"),
    )


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("alerts", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("digest.html")


def to_text(digest: Digest, limit_bytes: int, base_url: str = "") -> str:
    """Return the digest as plain text of at most `limit_bytes` UTF-8 bytes.

    Whole lines are left out from the end and counted; the headline is cut at a character's border
    when it alone is too long. The link, the last line, is kept whenever it fits.
    """
    link = f"{base_url.rstrip('/')}/digest" if base_url else ""
    lines = [f"{name}：{value}" for name, value in digest.numbers]
    if digest.note:
        lines.insert(0, f"{digest.note}。")
    lines.append(digest.completeness)
    for name, items in digest.sections:
        lines += ["", f"■ {name}"]
        for item in items:
            mark = f"【{item.level.zh}】" if item.level.zh else ""
            code = f"（{item.code}）" if item.code else ""
            if item.path:  # on one line, so that no claim is cut from its link
                where = f" {base_url.rstrip('/')}{item.path}" if base_url else ""
                lines.append(f"{item.title}　{item.text}{where}")
            else:
                lines += [f"{mark}{item.title}{code}", f"　{item.text}"]
    whole = "\n".join([digest.headline, *lines, *([link] if link else [])])
    if _size(whole) <= limit_bytes:
        return whole
    return _cut(digest.headline, lines, link, limit_bytes)


def _cut(headline: str, lines: list[str], link: str, limit_bytes: int) -> str:
    end = "\n…（未完，详见控制台）" + (f"\n{link}" if link else "")
    if _size(end) >= limit_bytes:
        return _clip(headline, limit_bytes)
    text = _clip(headline, limit_bytes - _size(end))
    for line in lines:
        longer = f"{text}\n{line}"
        if _size(longer) + _size(end) > limit_bytes:
            break
        text = longer
    return text.rstrip() + end


def _size(text: str) -> int:
    return len(text.encode())


def _clip(text: str, limit_bytes: int) -> str:
    return text.encode()[: max(0, limit_bytes)].decode(errors="ignore")
