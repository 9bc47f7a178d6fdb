"""Trials and comparisons as lines for a terminal of 80 columns, where Chinese counts double.

What came from the web is shown without control characters: a page cannot move the cursor.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from crawlers.comparison import Comparison
from crawlers.trial import Trial, TrialField, TrialItem
from groundswell.console.words import CAUSES, HEALTH
from groundswell.sourcing import slipped
from storage.records import SourceHealth

WIDTH = 80
_LABEL = 10  # columns of the label before a value
_HOW = 28  # columns of the selector
_VALUE = WIDTH - 4 - _LABEL - 1 - _HOW - 1
_RAW_DATE = 17
_LONGEST = WIDTH - _LABEL - 4  # of a latin word, an address for one: what a line holds
_CAUSE_ROBOTS = {
    "allowed": "允许",
    "denied": "不允许",
    "ignored": "按配置未理会（fetch.robots: ignore）",
    "not asked": "未查",
}


def width(text: str) -> int:
    """Return how many columns a text takes on a terminal."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def cut(text: str, columns: int) -> str:
    """Return a text cut to so many columns, with … when something is left out."""
    if width(text) <= columns:
        return text
    kept, used = "", 1  # the … takes one
    for character in text:
        used += width(character)
        if used > columns:
            break
        kept += character
    return kept + "…"


def pad(text: str, columns: int) -> str:
    """Return a text of exactly so many columns."""
    text = cut(text, columns)
    return text + " " * (columns - width(text))


def wrapped(label: str, text: str, columns: int = WIDTH) -> Iterator[str]:
    """Yield a label and a text in as many lines as it needs.

    Chinese has no spaces, so a line breaks anywhere but within a short latin word.
    """
    indent = 2 + _LABEL + 1
    line, used = "", 0
    head = f"  {pad(label, _LABEL)} "
    for piece in _pieces(clean(text)):
        if used + width(piece) > columns - indent and line:
            yield (head + line).rstrip()
            head, line, used = " " * indent, "", 0
            piece = piece.lstrip()  # noqa: PLW2901 - a new line begins without a space
        line += piece
        used += width(piece)
    yield (head + line).rstrip()


def _pieces(text: str) -> Iterator[str]:
    """Yield single wide characters and runs of latin ones, no run wider than a line."""
    run = ""
    for character in text:
        if width(character) == 1 and character != " " and len(run) < _LONGEST:
            run += character
            continue
        if run:
            yield run
            run = ""
        if width(character) == 1 and character != " ":
            run = character
        else:
            yield character
    if run:
        yield run


def clean(text: str) -> str:
    """Return a text on one line without anything a terminal would act on."""
    return "".join(c if c.isprintable() else "�" for c in " ".join(text.split()))


# --- a trial ---------------------------------------------------------------------------------


def trial_lines(trial: Trial, zone: ZoneInfo) -> Iterator[str]:
    """Yield a trial for people: what came, how it was read, what is missing, what to do."""
    yield cut(f"{trial.source_id}  {clean(trial.name)}  {trial.kind}", WIDTH)
    yield from wrapped("结论", _verdict(trial))
    if trial.advice:
        yield from wrapped("怎么办", trial.advice)
    yield from _answer(trial)
    yield from _contents(trial, zone)
    for text in trial.unmet:
        yield from wrapped("未满足", text)
    for text in trial.problems:
        yield from wrapped("问题", text)
    for title, items in (("条目", trial.shown), ("详情", trial.details)):
        for number, item in enumerate(items, start=1):
            yield ""
            yield from _item_lines(f"{title} {number}", item, zone, dated=trial.kind != "sitemap")


def _verdict(trial: Trial) -> str:
    if trial.cause:
        return f"{CAUSES.get(trial.cause, trial.cause)}（{trial.cause}）：{trial.cause_text}"
    if trial.unmet:
        return "预期未满足（expectations unmet）"
    late = slipped(trial)
    return f"正常，但靠备用选择器：{'、'.join(late)}" if late else "正常（ok）"


def _answer(trial: Trial) -> Iterator[str]:
    yield from wrapped("地址", trial.url)
    if trial.starts > 1:
        yield from wrapped("", f"共 {trial.starts} 个起始地址，这里试第一个；--url 试别的")
    for hop in trial.redirects:
        yield from wrapped("经过", hop)
    yield from wrapped("robots", _CAUSE_ROBOTS.get(trial.robots, trial.robots))
    if trial.http_status is not None:
        yield from wrapped("应答", f"HTTP {trial.http_status}，{trial.duration_ms} ms")
    charset = f"{trial.charset or '?'}（{trial.charset_why}）" if trial.charset else "未判断"
    yield from wrapped("内容", f"{trial.size_bytes:,} 字节，编码 {charset}")


def _contents(trial: Trial, zone: ZoneInfo) -> Iterator[str]:
    left_out = f"，未收 {trial.unreadable} 条" if trial.unreadable else ""
    links = f"，链接 {trial.links} 个" if trial.links else ""
    yield from wrapped("条目", f"{trial.items} 条{left_out}{links}")
    if trial.next_url or trial.next_cursor:
        yield from wrapped("下一页", trial.next_url or f"游标 {trial.next_cursor}")
    yield from wrapped("新旧", _novelty(trial))
    if trial.next_poll_at:
        hint = f"；对方建议至少隔 {trial.hint_s / 60:g} 分钟" if trial.hint_s else ""
        state = f"；目前{HEALTH[SourceHealth(trial.health)].zh}" if trial.health else ""
        at = datetime.fromisoformat(trial.next_poll_at).astimezone(zone)
        yield from wrapped("下次", f"若此刻正式抓取，下次约 {at:%m-%d %H:%M}{hint}{state}")


def _novelty(trial: Trial) -> str:
    asked = [item.known for item in (*trial.shown, *trial.details) if item.known is not None]
    if not asked:
        return trial.memory if trial.memory != "not asked" else "未查"
    return (
        f"列出的 {len(asked)} 条中，新的 {asked.count(False)} 条，库里已有 {asked.count(True)} 条"
    )


def _item_lines(title: str, item: TrialItem, zone: ZoneInfo, *, dated: bool) -> Iterator[str]:
    """Yield one item; `dated` says that its "published" is one (a sitemap tells changes only)."""
    state = {True: "  已有", False: "  新", None: ""}[item.known]
    number = f"  编号 {item.native_id}" if item.native_id else ""
    yield cut(clean(f"{title}{state}{number}"), WIDTH)
    for entry in item.fields:
        how, value = _how(entry), clean(entry.value)
        if dated and entry.name == "published" and entry.value:
            value = f"{cut(value, _RAW_DATE)} → {_parsed(item.published_at, zone)}"
        line = f"    {pad(entry.name, _LABEL)} {pad(how, _HOW)} {cut(value, _VALUE)}"
        yield line.rstrip()
    if item.canonical_url:
        yield cut(f"    {pad('规范链接', _LABEL)} {clean(item.canonical_url)}", WIDTH)
    for hit in item.hits:
        text = f"…{clean(hit.before)}【{clean(hit.word)}】{clean(hit.after)}…"
        yield cut(f"    {pad('品牌', _LABEL)} {clean(hit.brand)}：{text}", WIDTH)


def _parsed(published_at: str, zone: ZoneInfo) -> str:
    if not published_at:
        return "读不出"
    return f"{datetime.fromisoformat(published_at).astimezone(zone):%Y-%m-%d %H:%M}"


def _how(entry: TrialField) -> str:
    if entry.rung < 0:
        return "没有命中"
    selector = clean(entry.selector)
    return f"备用 {entry.rung + 1} {selector}" if entry.rung else selector


# --- a comparison ----------------------------------------------------------------------------

_KINDS = {"lost": "消失", "gained": "新增", "changed": "改变"}
_CHANGES_SHOWN = 30
_NAMES_SHOWN = 10


def comparison_lines(compared: Comparison) -> Iterator[str]:
    """Yield for people what a new version of a source reads otherwise."""
    verdict = "；".join(compared.worse) if compared.worse else "没有变差"
    yield compared.source_id
    yield from wrapped("结论", f"新版变差：{verdict}" if compared.worse else verdict)
    yield from wrapped("条目", f"{compared.old_items} → {compared.new_items}")
    for label, names in (("少了", compared.lost), ("多了", compared.gained)):
        for name in names[:_NAMES_SHOWN]:
            yield from wrapped(label, name)
        if len(names) > _NAMES_SHOWN:
            yield from wrapped("", f"……共 {len(names)} 条")
    if compared.counts:
        yield ""
        yield f"  {pad('字段', _LABEL)}   消失   新增   改变   相同"
    for name, count in compared.counts.items():
        cells = (f"{count[kind]:>6}" for kind in ("lost", "gained", "changed", "same"))
        yield f"  {pad(name, _LABEL)} {' '.join(cells)}"
    for change in compared.changes[:_CHANGES_SHOWN]:
        yield ""
        head = f"  {_KINDS[change.kind]} {pad(change.field, _LABEL)} {clean(change.item)}"
        yield cut(head, WIDTH)
        if change.old:
            yield cut(f"    旧 {clean(change.old)}", WIDTH)
        if change.new:
            yield cut(f"    新 {clean(change.new)}", WIDTH)
    if len(compared.changes) > _CHANGES_SHOWN:
        yield f"  ……另有 {len(compared.changes) - _CHANGES_SHOWN} 处，--json 看全部"
