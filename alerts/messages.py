"""The words that people get: an incident and what is known of it in, subject, body and HTML out.

Texts are Chinese, calm and factual. Figures that are not known are called unknown, never zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from alerts import hot
from alerts.batches import signal_words
from alerts.growth import growth_words
from alerts.letter import to_html
from alerts.markup import cut_bytes, fit, plain, safe_url, shorten
from alerts.occasions import Occasion as Occasion  # noqa: PLC0414 - everybody asks here for it
from alerts.voices import judge_voices
from config.schema import Channel, Owner, Project
from storage.records import (
    Evidence,
    Grade,
    Incident,
    IncidentState,
    Level,
    Mention,
    OwnerId,
    Verdict,
)

LOCK_SCREEN = 40  # characters of the first line that a locked phone shows
# WeCom group bot: content of a markdown message 4096, of a text message 2048 UTF-8 bytes
# (developer.work.weixin.qq.com/document/path/91770). Mails and webhooks get a sane bound.
MARKDOWN_BYTES = 4096
TEXT_BYTES = 2048
LETTER_BYTES = 32768

_LEVEL_WORDS = {
    Level.NONE: "未定级",
    Level.BLUE: "蓝（一般）",
    Level.YELLOW: "黄（较大）",
    Level.ORANGE: "橙（重大）",
    Level.RED: "红（特别重大）",
}
# Words that push a score by the company they keep, and would only puzzle on a card.
_SMALL_WORDS = (
    "我们 你们 他们 她们 它们 自己 大家 别人 这个 那个 这样 那样 这么 那么 这种 那种 "
    "这里 那里 什么 怎么 为什么 多少 哪里 没有 不是 就是 还是 只是 可是 但是 而且 因为 "
    "所以 如果 已经 现在 之后 以后 以前 时候 一个 一下 一点 一些 一直 一样 知道 觉得 "
    "感觉 说是 可以 可能 应该 需要 不会 不能 不要 今天 昨天 明天 东西 事情 问题 真的 "
    "非常 然后 结果 居然 竟然"
)
_ACK = "确认收到"
_DISMISS = "标记误报"
_ORDER: tuple[Level, ...] = (Level.BLUE, Level.YELLOW, Level.ORANGE, Level.RED)


class Links(Protocol):
    """Where a message leads; an empty string leaves the link out."""

    def incident(self, incident: Incident) -> str:
        """Return the address of an incident's page."""
        ...

    def action(self, incident: Incident, action: str, owner_id: OwnerId) -> str:
        """Return a signed address on which this person can do `action` ("ack", "dismiss")."""
        ...


class NoLinks:
    """Links of an installation without a console: none."""

    def incident(self, incident: Incident) -> str:
        """Return no address."""
        del incident
        return ""

    def action(self, incident: Incident, action: str, owner_id: OwnerId) -> str:
        """Return no address."""
        del incident, action, owner_id
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a message may show besides the incident.

    Without evidence it shows the incident's own figures as last noted.
    """

    project: Project
    links: Links
    evidence: Evidence | None = None
    samples: Sequence[tuple[Mention, Verdict]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Whom a message goes to and by when he is asked to act. `why` is the sentence about him."""

    recipient: Owner
    channel: Channel
    at: datetime  # when it may reach him
    ask_by: datetime | None = None
    why: str = ""
    late: timedelta | None = None  # how much later than planned, after an outage


class Rendered(NamedTuple):
    """One message, rendered once: a re-send is the same byte for byte."""

    subject: str
    body: str
    html: str


def render_notice(
    incident: Incident, occasion: Occasion, scene: Scene, address: Address
) -> Rendered:
    """Write one message to one person for one channel.

    Units: the subject, which is also the body's first line, has at most 40 characters; the body
    keeps within the channel's bytes, cut from its end; code and links are never cut.
    """
    first = _first_line(incident, occasion, scene, address)
    links = _links(incident, scene, address)
    code = f"{incident.code}·{incident.epoch}·{incident.level.zh}"
    facts = _facts(incident, occasion, scene, address)
    sources = _sources(scene.samples)
    urgency = occasion.urgency(incident.level)
    markdown = is_markdown(address.channel, urgency)
    head = [first, f"编号：{code}"]
    head += [f"[{name}]({url})" if markdown else f"{name}：{url}" for name, url in links]
    rest = [
        f"**{name}**：{plain(text)}" if markdown else f"{name}：{plain(text)}"
        for name, text in facts
    ]
    if sources:
        rest.append("**原文**" if markdown else "原文：")
        rest += [_source_line(i, title, url, markdown) for i, (title, url) in enumerate(sources, 1)]
    if links == []:
        rest.append("请登录控制台，按编号查看和确认。")
    return Rendered(
        subject=first,
        body=fit(head, rest, body_bytes(address.channel, urgency)),
        html=to_html(incident.level, first, code, links=links, facts=facts, sources=sources),
    )


def is_markdown(channel: Channel, level: Level) -> bool:
    """Say whether the body for this channel is markdown.

    A WeCom bot can call everybody (@所有人) only in a text message, so grave levels are text.
    """
    return (
        channel.kind == "wecom_bot"
        and level < _ORDER[("blue", "yellow", "orange", "red").index(channel.mention_all_from)]
    )


def body_bytes(channel: Channel, level: Level) -> int:
    """Return how many UTF-8 bytes a body may have on this channel."""
    if channel.kind != "wecom_bot":
        return LETTER_BYTES
    return MARKDOWN_BYTES if is_markdown(channel, level) else TEXT_BYTES


def hand_over(body: str, name: str, limit: int) -> str:
    """Return a message for another person than it was written for.

    The signed links act in the first person's name, so they are taken out.
    """
    lines = body.split("\n")
    kept = [
        line
        for line in lines[1:]
        if not line.startswith((f"{_ACK}：", f"{_DISMISS}：", f"[{_ACK}](", f"[{_DISMISS}]("))
    ]
    head = [lines[0], *kept[:1], f"原定通知{plain(name)}，未能送达，转由你接手。"]
    return fit(head, kept[1:], limit)


def mark_repeat(body: str, limit: int) -> str:
    """Return a message marked as sent again because the first answer was lost."""
    return cut_bytes(f"【重发】{body}", limit)


def clock_words(instant: datetime, seen: datetime, zone: ZoneInfo) -> str:
    """Return an instant as people at `seen` would say it: 10:30, 明日10:30 or 3月5日10:30."""
    local = instant.astimezone(zone)
    days = (local.date() - seen.astimezone(zone).date()).days
    day = {0: "", 1: "明日"}.get(days, f"{local.month}月{local.day}日")
    return f"{day}{local:%H:%M}"


def duration_words(span: timedelta) -> str:
    """Return a length of time in days, hours and minutes, the two largest that are not zero."""
    minutes = max(0, round(span.total_seconds() / 60))
    parts = [
        (minutes // 1440, "天"),
        (minutes // 60 % 24, "小时"),
        (minutes % 60, "分钟"),
    ]
    return " ".join(f"{n} {unit}" for n, unit in parts if n)[:24] or "不到 1 分钟"


def _first_line(incident: Incident, occasion: Occasion, scene: Scene, address: Address) -> str:
    tag = {
        Occasion.LEVEL_UP: f"升{incident.level.zh}",
        Occasion.REOPENED: f"{incident.level.zh}·重开",
        Occasion.REJECTED: f"{incident.level.zh}·重开",
        Occasion.CONFIRM: "待客户确认",
        Occasion.CLOSING: "结案",
    }.get(occasion, incident.level.zh)
    people = scene.evidence.authors if scene.evidence else incident.authors
    middle = {
        Occasion.ESCALATION: ["尚无人确认"],
        Occasion.LEASE: ["确认后未见进展"],
        Occasion.UNMUTED: ["静默已结束"],
        Occasion.ASSIGNED: ["转给你"],
        Occasion.REJECTED: ["尚未解决"],
        Occasion.CONFIRM: [_handled_words(incident, address.at)],
        Occasion.CLOSING: ["客户侧已确认"],
    }.get(occasion, [f"{people}人" if people else "", _ratio_words(incident.grade)])
    parts = [part for part in middle if part]
    name = plain(_asked(incident, occasion, scene.project, address.recipient))
    if address.ask_by is not None:
        zone = address.recipient.zone
        parts.append(f"请{name}{clock_words(address.ask_by, address.at, zone)}前确认")
    elif occasion is Occasion.CONFIRM:
        parts.append(f"请{name}跟进")
    elif incident.state is IncidentState.OPEN:
        parts.append(f"请{name}尽快确认")
    return lock_line(f"【{tag}】", plain(incident.title), parts)


def _asked(incident: Incident, occasion: Occasion, project: Project, recipient: Owner) -> str:
    """Return who is asked to act: those told beside the owner are told, not asked."""
    if occasion in {Occasion.NOTICE, Occasion.LEVEL_UP, Occasion.REOPENED, Occasion.REJECTED}:
        return _person(project, incident.owner_id) or recipient.name
    return recipient.name


def lock_line(tag: str, title: str, parts: Sequence[str]) -> str:
    """Join a line of at most 40 characters: the title gives way first, then the first parts."""
    kept = [shorten(part, 18) for part in parts]
    while kept and LOCK_SCREEN - len(tag) - sum(len(part) + 1 for part in kept) < min(
        len(title), 8
    ):
        kept.pop(0)
    room = LOCK_SCREEN - len(tag) - sum(len(part) + 1 for part in kept)
    return tag + "·".join([shorten(title, room), *kept])


def _ratio_words(grade: Grade | None) -> str:
    surge = grade.surge if grade else None
    if surge is None or surge.kind == "none" or surge.expected <= 0 or surge.ratio < 1.5:
        return ""
    if not math.isfinite(surge.ratio) or surge.ratio >= 100:
        return "平常百倍以上"
    return (
        f"平常{surge.ratio:.0f}倍"
        if surge.ratio >= 10
        else f"平常{surge.ratio:.1f}倍".replace(".0", "")
    )


def _handled_words(incident: Incident, at: datetime) -> str:
    if incident.handled_at is None:
        return "已处理"
    days = (at - incident.handled_at).days
    return f"已处理{days}天" if days else "刚处理完"


def _links(incident: Incident, scene: Scene, address: Address) -> list[tuple[str, str]]:
    pairs = [("查看事件", scene.links.incident(incident))]
    if incident.state is IncidentState.OPEN:
        owner_id = OwnerId(address.recipient.id)
        pairs.append((_ACK, scene.links.action(incident, "ack", owner_id)))
        pairs.append((_DISMISS, scene.links.action(incident, "dismiss", owner_id)))
    return [(name, url) for name, url in pairs if url]


def _facts(
    incident: Incident, occasion: Occasion, scene: Scene, address: Address
) -> list[tuple[str, str]]:
    """Return label and text of every line of the card, most needed first."""
    lines = [("为什么通知你", address.why or f"{incident.policy.reason}。")]
    if address.late is not None:
        lines.append(("延迟", f"本条比计划晚 {duration_words(address.late)}，期间系统未能运行。"))
    if occasion is Occasion.CLOSING:
        closer = _person(scene.project, incident.closed_by)
        lines.append(("客户确认", f"{incident.closed_evidence}（由{closer}登记）"))
    if incident.handled_note:
        handler = _person(scene.project, incident.handled_by)
        lines.append(("处理情况", f"{incident.handled_note}（{handler}）"))
    lines += _grade_facts(incident.grade, incident.level)
    lines += _spread_facts(incident, scene, address.at)
    if incident.grade and incident.grade.quiet_if and occasion is not Occasion.CLOSING:
        lines.append(("怎样才不会通知", incident.grade.quiet_if))
    return [(label, text) for label, text in lines if text.strip()]


def _person(project: Project, actor: str) -> str:
    owner = project.owner(actor)
    return owner.name if owner else actor


def _grade_facts(grade: Grade | None, level: Level) -> list[tuple[str, str]]:
    if grade is None:
        return [("等级", f"{_LEVEL_WORDS[level]}。")]
    triggers = [reason for reason in grade.reasons if reason.code.startswith("trigger_")]
    scored = sorted(
        (r for r in grade.reasons if r.points > 0 and r.code != grade.surge.reason),
        key=lambda reason: -reason.points,
    )
    # a trigger that also scored stands in both
    named = dict.fromkeys(reason.text.rstrip("。；") for reason in [*triggers, *scored])
    grounds = "；".join([*named][:4])
    text = f"{_LEVEL_WORDS[level]}，{grade.score:.0f} 分"
    lines = [("等级", f"{text}：{grounds}。" if grounds else f"{text}。")]
    surge = grade.surge
    if surge.window_hours:
        usual = "几乎没有" if surge.expected < 0.05 else f"约 {surge.expected:.1f} 位"
        lines.append(
            (
                "数量",
                f"近 {surge.window_hours} 小时 {surge.observed} 位作者，平常{usual}"
                + (
                    f"，达到 {math.ceil(surge.threshold)} 位即预警。"
                    if math.isfinite(surge.threshold) and surge.threshold > 0
                    else "。"
                ),
            )
        )
    return lines


def _spread_facts(incident: Incident, scene: Scene, at: datetime) -> list[tuple[str, str]]:
    evidence = scene.evidence
    people = evidence.authors if evidence else incident.authors
    platforms = evidence.platforms if evidence else incident.platforms
    named = "、".join(platforms[:5])
    spread = f"{people} 位不同作者{_inside(evidence)}；" if people else "作者数未知；"
    spread += f"{len(platforms)} 个平台（{named}）；" if platforms else "平台未知；"
    spread += f"转发 {_count_words(evidence.reposts if evidence else None)}"
    spread += f"，阅读 {_count_words(evidence.views if evidence else None)}"
    spread += f"；{hot.words(evidence)}。" if evidence else "；热搜未知。"
    lines = [("传播", spread)]
    grown = growth_words(evidence.growth) if evidence else ""
    if grown:
        lines.append(("增长", f"{grown}。"))
    judged = judge_voices(evidence, at) if evidence else None
    if judged is not None and judged.reason in {"copied", "wave"}:
        lines.append(("谁在说", f"{judged.text}。"))
    if evidence and evidence.batches:
        lines.append(("批次", f"{signal_words(evidence.batches[0])}。"))
    if evidence and evidence.cluster.keywords:
        lines.append(("高频词", "、".join(evidence.cluster.keywords[:6])))
    pushed = _pushing_words(scene.samples)
    if pushed:
        lines.append(("推高判断的词", "、".join(pushed)))
    return lines


def _inside(evidence: Evidence | None) -> str:
    """Say how many people are known from customer service only: they are no public spread."""
    public = evidence.public_authors if evidence else None
    if evidence is None or public is None or public >= evidence.authors:
        return ""
    return f"（其中 {evidence.authors - public} 位只来自内部渠道）"


def _count_words(count: int | None) -> str:
    return "未知" if count is None else f"{count} 次"


def _pushing_words(samples: Sequence[tuple[Mention, Verdict]]) -> list[str]:
    """Return the words that pushed the samples' scores most and say something by themselves."""
    weights: dict[str, float] = {}
    for _, verdict in samples:
        for term in verdict.terms:
            if term.weight > 0 and _speaks(term.text):
                weights[term.text] = max(term.weight, weights.get(term.text, 0.0))
    return sorted(weights, key=lambda word: (-weights[word], word))[:5]


def _speaks(word: str) -> bool:
    """Say whether a word tells a reader anything: no single characters, figures or small words."""
    bare = word.strip()
    says_little = bare.isdigit() or f" {bare} " in f" {_SMALL_WORDS} "
    return len(bare) > 1 and bare.isprintable() and not says_little


def _sources(samples: Sequence[tuple[Mention, Verdict]]) -> list[tuple[str, str]]:
    return [(mention.title or mention.text, mention.url) for mention, _ in samples[:3]]


def _source_line(number: int, title: str, url: str, markdown: bool) -> str:
    shown, address = shorten(plain(title), 40), safe_url(url)
    if not address:
        return f"{number}. {shown}（无可用链接）"
    return f"{number}. [{shown}]({address})" if markdown else f"{number}. {shown} {address}"
