"""What the engineer is told of a source: facts of one notice in, a message for one channel out.

The first line fits a phone's lock screen (40 characters); then what happened, what to do about it,
the command to begin with and the source's page. Names and causes come from the web or from files:
made harmless wherever they are shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.causes import CAUSES
from alerts.letter import to_html
from alerts.markup import plain, shorten
from storage.records import FetchCause, Level

FIRST_CHARS = 40  # what a lock screen shows of a message
_MAX_LISTED = 12
_HEADS: Mapping[str, str] = {
    "broken": "【信源异常】",
    "quarantined": "【信源停抓】",
    "reminder": "【信源仍异常】",
    "recovered": "【信源已恢复】",
    "reverted": "【改动已退回】",
    "expiring": "【凭据将到期】",
    "expired": "【凭据已过期】",
    "worn": "【信源提示】",
    "drifted": "【信源文字变了】",
}
_TAILS: Mapping[str, str] = {"worn": "：首选选择器失效", "drifted": "：与前四周不同"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNotice:
    """One thing to say of one source. `kind` is a key of the heads above.

    `at` is the instant of the transition it tells of, `since` when the trouble began. `fact` is
    what a machine said, `advice` what to do; `step` counts reminders.
    """

    kind: str
    source_id: str
    name: str
    at: datetime
    since: datetime | None = None
    cause: FetchCause = FetchCause.NONE
    fact: str = ""
    advice: str = ""
    step: int = 0
    last_ok_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message for one person and channel."""

    subject: str
    body: str
    html: str


def render(
    notices: Sequence[SourceNotice], *, base_url: str, zone: ZoneInfo, limit_bytes: int
) -> Letter:
    """Word one notice, or several of one kind that came at the same time as one message.

    Units: `limit_bytes` of UTF-8 for the body; whole lines are left out from the end, never the
    first one. Errors: ValueError without a notice.
    """
    if not notices:
        raise ValueError("wording notices of sources: got none, expected at least one")
    if len(notices) == 1:
        return _letter(notices[0], base_url, zone, limit_bytes)
    return _joint_letter(notices, base_url, limit_bytes)


def first_line(notice: SourceNotice) -> str:
    """Return what a lock screen shows: at most 40 characters, the trouble never cut off."""
    head, tail = _HEADS[notice.kind], _tail(notice)
    room = FIRST_CHARS - len(head) - len(tail)
    return f"{head}{shorten(plain(notice.name) or notice.source_id, max(4, room))}{tail}"


def _tail(notice: SourceNotice) -> str:
    cause = CAUSES[notice.cause]
    match notice.kind:
        case "broken" | "quarantined":
            return f"：{cause}"
        case "reminder":
            return f"：{cause}，第 {notice.step + 1} 天"
        case "reverted":
            return "：新配置不如旧配置"
        case "expiring" | "expired":
            return f"：{shorten(plain(notice.fact), 16)}"
        case _:
            return _TAILS.get(notice.kind, "")


def _letter(notice: SourceNotice, base_url: str, zone: ZoneInfo, limit_bytes: int) -> Letter:
    first = first_line(notice)
    facts = _facts(notice, zone)
    links = [("信源页", f"{base_url}/sources/{notice.source_id}")] if base_url else []
    lines = [first, *(f"{label}：{text}" for label, text in facts)]
    lines += [f"{name}：{url}" for name, url in links]
    return Letter(
        subject=first,
        body=_fit(lines, limit_bytes),
        html=to_html(Level.NONE, first, notice.source_id, links=links, facts=facts, sources=()),
    )


def _facts(notice: SourceNotice, zone: ZoneInfo) -> list[tuple[str, str]]:
    facts = [("信源", f"{plain(notice.name)}（{notice.source_id}）")]
    if notice.fact:
        facts.append(("情况", shorten(plain(notice.fact), 200)))
    if notice.kind in {"broken", "quarantined", "reminder"}:
        facts.append(("上次成功", _clock(notice.last_ok_at, zone)))
        if notice.last_ok_at is not None:
            facts.append(("没有看到", f"至今 {_span(notice.at - notice.last_ok_at)}"))
    if notice.kind == "recovered" and notice.since is not None:
        facts.append(
            ("中断", f"{_clock(notice.since, zone)} 起，共 {_span(notice.at - notice.since)}")
        )
    if notice.advice:
        facts.append(("怎么办", notice.advice))
    command = _command(notice)
    return facts + ([("命令", command)] if command else [])


def _command(notice: SourceNotice) -> str:
    match notice.kind:
        case "recovered":
            return ""
        case "drifted":
            return "groundswell model drift"
        case "reverted":
            return f"groundswell source accept {notice.source_id}（确认要用新配置时）"
        case _:
            return f"groundswell source try {notice.source_id}"


def _joint_letter(notices: Sequence[SourceNotice], base_url: str, limit_bytes: int) -> Letter:
    """Word many sources at once: what they have in common first."""
    kind, count = notices[0].kind, len(notices)
    causes = {notice.cause for notice in notices}
    alike = f"，{CAUSES[next(iter(causes))]}" if len(causes) == 1 and kind not in _NO_CAUSE else ""
    first = f"{_HEADS[kind]}{count} 个信源同时{_VERBS.get(kind, '有变化')}{alike}"[:FIRST_CHARS]
    facts = [
        (
            plain(notice.name) or notice.source_id,
            "；".join(filter(None, [CAUSES[notice.cause] if notice.cause else "", _short(notice)])),
        )
        for notice in notices[:_MAX_LISTED]
    ]
    if count > _MAX_LISTED:
        facts.append(("其余", f"还有 {count - _MAX_LISTED} 个，见信源页"))
    if kind != "recovered":
        advice = notices[0].advice if kind == "drifted" else _together(causes)
        facts += [("怎么办", advice), ("命令", _command(notices[0]))]
    links = [("信源页", f"{base_url}/sources")] if base_url else []
    lines = [first, *(f"{label}：{text}" if text else label for label, text in facts)]
    lines += [f"{name}：{url}" for name, url in links]
    code = f"{notices[0].source_id} 等 {count} 个"
    return Letter(
        subject=first,
        body=_fit(lines, limit_bytes),
        html=to_html(Level.NONE, first, code, links=links, facts=facts, sources=()),
    )


_NO_CAUSE = frozenset({"recovered", "drifted"})  # what is told of them has none
_VERBS: Mapping[str, str] = {
    "drifted": "文字变了",
    "broken": "异常",
    "quarantined": "停抓",
    "reminder": "仍异常",
    "recovered": "恢复",
}


def _short(notice: SourceNotice) -> str:
    return "" if notice.kind == "recovered" else shorten(plain(notice.fact), 60)


def _together(causes: set[FetchCause]) -> str:
    if causes == {FetchCause.NETWORK}:
        return "像是本机网络的问题：检查 DNS、代理和防火墙；恢复后会自动继续，不需要逐个处理。"
    return "这么多同时出问题，先查本机网络和公共上游（如 RSSHub），再逐个看。"


def _fit(lines: Sequence[str], limit_bytes: int) -> str:
    kept = lines[0]
    for line in lines[1:]:
        longer = f"{kept}\n{line}"
        if len(longer.encode()) > limit_bytes:
            break
        kept = longer
    return kept


def _clock(instant: datetime | None, zone: ZoneInfo) -> str:
    if instant is None:
        return "从未"
    local = instant.astimezone(zone)
    return f"{local.month}月{local.day}日 {local:%H:%M}"


def _span(length: timedelta) -> str:
    minutes = max(0, int(length.total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} 分钟"
    return f"{minutes // 60} 小时" if minutes < 72 * 60 else f"{minutes // 1440} 天"
