"""What a task must show when it is done: a command in, the evidence or a refusal out.

The program records what people published or lawfully reported; it publishes, deletes and reports
nothing itself (docs/tasks.zh-CN.md says why).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from alerts.command import Command, IllegalMove
from storage.records import Incident, Task, TaskKind

GROUNDS = {
    "defamation": "侵害名誉",
    "privacy": "泄露隐私或个人信息",
    "false_information": "不实信息",
    "intellectual_property": "侵犯商标或著作权",
    "unlawful": "其他违法内容",
}
"""On what a report to a platform may rest: 民法典 1024-1039 and 1194-1197, 网络安全法, 个保法."""

# Asking for this is against 《网络信息内容生态治理规定》 art. 22 and 24, art. 7 of the two highest
# courts' interpretation of 2013 (法释〔2013〕21号) and the platforms' rules; no task of the program
# does. Short phrases that mean nothing else; "核实水军线索" stays possible.
_NEVER = (
    "批量举报", "集中举报", "集体举报", "组织举报", "刷举报", "轮番举报", "有偿删帖", "花钱删帖",
    "付费删帖", "雇水军", "请水军", "找水军", "买水军", "控评", "沉帖", "压帖", "刷好评",
)  # fmt: skip
_FIX = re.compile(
    r"(原因|cause)\s*[:：]\s*(?P<cause>.*?)\s*(措施|measure)\s*[:：]\s*(?P<measure>.*)",
    re.DOTALL | re.IGNORECASE,
)
_TRAILING = "；;，,。.、 \n\t"
_LONGEST = 2000  # characters of an address, as of any text of a command

NEEDED = {
    TaskKind.GUIDE: "答复的网址",
    TaskKind.FIX: "原因和措施，写成“原因：…；措施：…”",
    TaskKind.SOLVE: "解决了多少位投诉人",
    TaskKind.CLARIFY: "官方说明的网址",
    TaskKind.CONTAIN: "平台、投诉依据和受理编号，或者网址",
}
_ENGLISH = {
    TaskKind.GUIDE: "the address of the answer: url",
    TaskKind.FIX: "cause and measure",
    TaskKind.SOLVE: "how many complainants were helped: counts.solved",
    TaskKind.CLARIFY: "the address of the official statement: url",
    TaskKind.CONTAIN: "the platform, the legal ground and its receipt, or an address: url",
}


def evidence_of(task: Task, command: Command, incident: Incident) -> dict[str, Any]:
    """Return what the event of a finished task says, so that no task is done without evidence.

    Errors: IllegalMove names what is missing, in both languages.
    """
    url = _address(command.url)
    said: dict[str, Any] = {"text": command.text.strip(), "url": url}
    if task.units is not None:
        if not task.units.verdict:
            raise IllegalMove(
                f"任务 {task.task_id} 还缺结论：先登记是不是批次问题（verdict） "
                f"(task {task.task_id} lacks the verdict batch or no_batch)"
            )
        return said
    match task.kind:
        case TaskKind.GUIDE | TaskKind.CLARIFY if not url:
            raise _missing(task)
        case TaskKind.FIX:
            _cause_and_measure(task, command.text)
        case TaskKind.SOLVE:
            said["solved"] = _solved(task, command)
        case TaskKind.CONTAIN:
            said |= _report(task, command, url, incident)
        case _:
            pass
    return said


def has_evidence(task: Task) -> bool:
    """Say whether a finished task shows what its kind must show."""
    if task.units is not None:
        return bool(task.units.verdict)
    match task.kind:
        case TaskKind.FIX:
            return _FIX.search(task.note) is not None
        case TaskKind.SOLVE:
            return task.solved > 0
        case TaskKind.CONTAIN:
            return bool(task.url or task.receipt)
        case _:
            return bool(task.url)


def cause_words(cause: str, measure: str) -> str:
    """Return cause and measure as one text, as `task_done` of a 排查整改 wants it."""
    return f"原因：{cause.strip()}；措施：{measure.strip()}"


def refuse_unlawful(title: str) -> None:
    """Refuse a task that asks for mass reports, bought deletions or bought voices."""
    flat = re.sub(r"\s+", "", title)
    found = next((phrase for phrase in _NEVER if phrase in flat), "")
    if found:
        raise IllegalMove(
            f"没有“{found}”这样的任务：一条内容只依法投诉一次，回应用官方账号公开发布 "
            "(there is no task for mass reports, deletions or bought voices)"
        )


def _address(text: str) -> str:
    """Return a web address, "" for none. IllegalMove for anything else."""
    url = text.strip()
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        good = (
            parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"\s", url)
        )
    except ValueError:
        good = False
    if not good or len(url) > _LONGEST:
        raise IllegalMove(
            f"看不懂网址 {url[:40]!r}，写成 https://… 这样 "
            f"(expected a web address, got {url[:40]!r})"
        )
    return url


def _cause_and_measure(task: Task, text: str) -> None:
    found = _FIX.search(text)
    parts = found.groupdict() if found else {}
    if not all(parts.get(name, "").strip(_TRAILING) for name in ("cause", "measure")):
        raise _missing(task)


def _solved(task: Task, command: Command) -> int:
    solved = command.counts.get("solved", 0)
    if solved < 1:
        raise _missing(task)
    return solved


def _report(task: Task, command: Command, url: str, incident: Incident) -> dict[str, Any]:
    receipt, platform = command.receipt.strip(), command.channel.strip()
    if not receipt:
        if not url:
            raise _missing(task)
    else:
        if not platform:
            raise IllegalMove(
                "登记受理编号要写明是哪个平台 (a receipt needs its platform: channel)"
            )
        if command.how not in GROUNDS:
            known = "、".join(f"{name} {zh}" for name, zh in GROUNDS.items())
            raise IllegalMove(
                f"没有投诉依据 {command.how!r}，可选：{known} (no legal ground {command.how!r})"
            )
    _once(_done_reports(incident), url, f"{platform} {receipt}".strip() if receipt else "")
    if not receipt:
        return {}
    return {
        "receipt": f"{platform} {receipt}",
        "platform": platform,
        "ground": command.how,
        "text": f"{platform}受理编号 {receipt}，依据：{GROUNDS[command.how]}。"
        f"{command.text.strip()}",
    }


def _done_reports(incident: Incident) -> list[Task]:
    return [one for one in incident.tasks if one.kind is TaskKind.CONTAIN and one.state == "done"]


def _once(done: Iterable[Task], url: str, receipt: str) -> None:
    """Refuse a second report of the same post: one post is reported once."""
    for one in done:
        if (url and one.url == url) or (receipt and one.receipt == receipt):
            raise IllegalMove(
                f"这条已在任务 {one.task_id} 里登记过：一条内容只投诉一次 "
                f"(already reported in task {one.task_id})"
            )


def _missing(task: Task) -> IllegalMove:
    return IllegalMove(
        f"任务 {task.task_id}（{task.kind.value}）还缺依据：{NEEDED[task.kind]} "
        f"(task {task.task_id} lacks {_ENGLISH[task.kind]})"
    )
