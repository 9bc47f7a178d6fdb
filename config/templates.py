"""Texts of messages as people may edit them: a template's text in, checked lines of fields out.

A template is plain text with named fields in braces. There is no code in it, no format, no access
to anything: a field is one of `FIELDS`, or the project does not start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from config.checks import Entries
from config.wording import did_you_mean
from config.yaml_lines import Problem

CARD, SMS = "card", "sms"

# What may stand in braces, and what people read about it. All are filled by alerts/card.py.
FIELDS: Mapping[str, str] = {
    "level": "等级，一个字（蓝 黄 橙 红）",
    "title": "品牌型号·问题",
    "people": "不同的人数",
    "ratio": "平常几倍",
    "ask": "请谁几点前做什么",
    "code": "编号·第几次·等级",
    "why": "为什么通知这个人（路由、步骤、值班）",
    "late": "比计划晚了多久",
    "task": "任务的内容和期限",
    "task_kind": "任务的种类",
    "relapse": "同样的问题上一次的起因和处理",
    "lesson": "橙、红级和复发：以前相近的事件怎么处理的，附卡片链接",
    "confirmed": "结案的确认依据",
    "closed_how": "凭什么结案（客户侧确认、按比例、回访、澄清）",
    "answered": "结案时：首条投诉多久得到公开回应",
    "handled": "处理情况",
    "handled_ago": "处理完多久了",
    "grade": "等级和依据",
    "figures": "看到多少、平常多少、多少就预警",
    "spread": "不同作者、说法、平台、转发、阅读、热搜",
    "growth": "一天来的增长",
    "voices": "是各说各的，还是很像的账号",
    "batch": "批次信号",
    "keywords": "高频词",
    "terms": "推高判断的词",
    "service": "响应和解决的时限还剩多少",
    "tier": "客户等级，几位，依据哪份名单",
    "quiet": "怎样才不会通知",
    "rule": "评级规则的版本",
    "name": "收信人的名字",
    "three": "三位负责人，此刻谁代班，是否已锁定",
    "speaker": "由哪个部门对外说",
}
BLOCKS: Mapping[str, str] = {
    "links": "打开事件和各个按钮的链接",
    "sources": "三条原文",
    "card": "共用的正文",
}
LOCK_SCREEN = 40  # characters of the first line that a locked phone shows
_LONGEST = 4000  # characters of a template; the longest shipped one has 300
_FIELD = re.compile(r"\{([a-z_]*)\}")
_BRACES = re.compile(r"[{}]")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a template: its label ("" for none), its text, the fields that it needs.

    `block` names what stands there instead of a text: "links", "sources" or "card".
    """

    label: str
    text: str
    fields: tuple[str, ...]
    block: str = ""


@cache
def parse_template(text: str) -> tuple[Line, ...]:
    """Return the lines of a checked template, empty ones left out."""
    return tuple(_line(line) for line in text.splitlines() if line.strip())


@cache
def defaults() -> Mapping[str, str]:
    """Return the texts that ship with the program, by occasion."""
    import yaml

    body = (files("config") / "messages.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(body)["templates"])


def template_of(templates: Mapping[str, str], name: str) -> tuple[Line, ...]:
    """Return the lines for an occasion: the project's own text, else the shipped one."""
    texts = defaults()
    lines = parse_template(templates.get(name) or texts[name])
    card = parse_template(templates.get(CARD) or texts[CARD])
    return tuple(one for line in lines for one in (card if line.block == CARD else (line,)))


def check_templates(entries: Entries) -> Iterator[Problem]:
    """Yield every mistake in the texts of a project, with the line that its text begins on."""
    for entry in entries.of("templates"):
        for name in entry.keys():  # noqa: SIM118 - an entry is no dict
            if name not in defaults():
                guess = did_you_mean(name, defaults())
                yield entry.problem(f'there is no message "{name}"{guess}', name)
                continue
            if not isinstance(entry.get(name), str):
                continue  # the schema says so
            for problem in mistakes(name, entry.text(name)):
                yield entry.problem(problem, name)


def mistakes(name: str, text: str) -> Iterator[str]:
    """Yield what is wrong with one template; nothing when it can be used."""
    if not text.strip():
        yield "expected a text; leave the key out to keep the shipped one"
        return
    if len(text) > _LONGEST:
        yield f"expected at most {_LONGEST} characters, got {len(text)}"
        return
    known = {**FIELDS, **BLOCKS}
    for number, line in enumerate(text.splitlines(), 1):
        for field in _FIELD.findall(line):
            if field not in known:
                guess = did_you_mean(field, known)
                yield f'line {number} of the text: there is no field "{{{field}}}"{guess}'
        if _BRACES.search(_FIELD.sub("", line)):
            yield f"line {number} of the text: a brace stands alone; fields look like {{title}}"
        found = _line(line)
        blocks = [field for field in _FIELD.findall(line) if field in BLOCKS]
        if blocks and not found.block:
            yield f"line {number} of the text: {{{blocks[0]}}} stands alone in its line"
    yield from _lacking(name, text)


def _lacking(name: str, text: str) -> Iterator[str]:
    """Yield what people could not act without."""
    fields = set(_FIELD.findall(text))
    lines = parse_template(text)
    if name == SMS and len(lines) != 1:
        yield f"expected one line, got {len(lines)}"
    if name != CARD:
        shipped = parse_template(defaults()[name])[0].fields
        for needed in ("level", "title"):
            if needed in shipped and needed not in lines[0].fields:
                yield f"expected {{{needed}}} in the first line: it is what a locked phone shows"
    if name == CARD and CARD in fields:
        yield "{card} cannot stand in the card itself"
    if name != CARD and CARD in fields:
        return
    for needed in ("code",) if name == SMS else ("code", "links"):
        if needed not in fields:
            yield f"expected {{{needed}}} in it: people act by it (the card has it)"


def _line(line: str) -> Line:
    text = line.strip()
    head, colon, rest = text.partition("：")
    label = head if colon and len(head) <= 12 and not _BRACES.search(head) else ""
    said = rest.strip() if label else text
    fields = tuple(_FIELD.findall(text))
    block = next((name for name in BLOCKS if said == f"{{{name}}}"), "")
    return Line(label=label, text=said, fields=fields, block=block)


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put values into a text; "" when one of its fields has none."""
    names = _FIELD.findall(text)
    if any(not values.get(name) for name in names):
        return ""
    return _FIELD.sub(lambda found: values[found.group(1)], text)
