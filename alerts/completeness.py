"""The line of a digest that says what was not seen, before anybody reads what was.

In: the facts of a day. Out: one Chinese sentence. With a blind source nothing is called nought.
"""

from __future__ import annotations

from collections.abc import Sequence

from alerts.causes import CAUSES
from alerts.digest_lines import short
from storage.records import DigestFacts, FetchCause, SourceGap

_MAX_GAPS = 5
_MAX_PLATFORMS = 8
# What storage.completeness says when the source answers again and its state has no cause.
_PAST = {"past": "当时没有应答，现已恢复", "not_running": "本程序当时没有运行"}


def completeness_line(facts: DigestFacts) -> str:
    """Say which sources missed how many hours and why, and which platforms were never connected.

    It begins with "全部" only when every source saw every hour in the end.
    """
    if not facts.sources:
        return "；".join(["没有启用任何信源，无从判断", *_missing(facts.missing)])
    parts = [_lost(facts.gaps)] if facts.gaps else [f"全部 {facts.sources} 个信源正常"]
    if facts.gaps and len(facts.shares) > 1:
        told = "、".join(f"{name} {_percent(share)}" for name, share in facts.shares)
        parts.append(f"各品牌已覆盖时段：{told}")
    caught_up = [gap for gap in (*facts.late, *facts.gaps) if gap.late_hours]
    if caught_up:
        hours = sum(gap.late_hours for gap in caught_up)
        parts.append(f"{len(caught_up)} 个信源曾中断 {hours:g} 小时，事后已补齐")
    return "；".join([*parts, *_missing(facts.missing)])


def _lost(gaps: Sequence[SourceGap]) -> str:
    hours = sum(gap.blind_hours for gap in gaps)
    worst = sorted(gaps, key=lambda gap: (-gap.blind_hours, gap.source_id))
    told = [f"{gap.name} {gap.blind_hours:g} 小时，{_cause(gap)}" for gap in worst[:_MAX_GAPS]]
    rest = "；等" if len(worst) > _MAX_GAPS else ""
    return f"未覆盖：{len(gaps)} 个信源，共 {hours:g} 小时（{'；'.join(told)}{rest}）"


def _missing(platforms: Sequence[str]) -> list[str]:
    if not platforms:
        return []
    rest = "等" if len(platforms) > _MAX_PLATFORMS else ""
    return [f"从未接入 {len(platforms)} 个平台：{'、'.join(platforms[:_MAX_PLATFORMS])}{rest}"]


def _percent(share: float) -> str:
    """Return a share in whole per cent, rounded down: 100 % is said of nothing less."""
    return f"{int(share * 100)}%"


def _cause(gap: SourceGap) -> str:
    if gap.cause in _PAST:
        return _PAST[gap.cause]
    try:
        return CAUSES[FetchCause(gap.cause)]
    except ValueError:
        return short(gap.cause)
