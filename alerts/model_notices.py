"""What the engineer is told of weights that cannot be used: facts in, a message out."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from alerts.letter import to_html
from alerts.markup import plain, shorten
from alerts.source_notices import FIRST_CHARS, Letter
from storage.records import Level

_KINDS = {"negative": "负面", "issues": "类别"}
_ADVICE = (
    "从备份里把这个版本的文件夹放回原处，程序会自己换回来；或者换回能用的版本："
    "groundswell model rollback。"
)


def damaged(
    *, kind: str, version: str, text: str, at: datetime, zone: ZoneInfo, limit_bytes: int
) -> Letter:
    """Word that a promoted version cannot be used and the shipped one is at work instead.

    Units: `limit_bytes` of UTF-8 for the body; whole lines are left out from the end, never the
    first one.
    """
    name = _KINDS.get(kind, kind)
    first = f"【模型不可用】{name}模型的文件缺失或损坏，暂用随程序的版本"[:FIRST_CHARS]
    local = at.astimezone(zone)
    facts = [
        ("版本", version),
        ("发现", f"{local.month}月{local.day}日 {local:%H:%M}"),
        ("情况", shorten(plain(text), 300)),
        ("影响", "判断照常进行，用的是随程序发布的权重；你们的纠正暂时不起作用"),
        ("怎么办", _ADVICE),
        ("命令", "groundswell model list"),
    ]
    body = first
    for label, said in facts:
        longer = f"{body}\n{label}：{said}"
        if len(longer.encode()) > limit_bytes:
            break
        body = longer
    html = to_html(Level.NONE, first, version, links=(), facts=facts, sources=())
    return Letter(subject=first, body=body, html=html)
