"""The words for growth; messages and pages say it alike.

In: Growth. Out: how many people today and the day before, how soon they double, what is copied.
"""

from __future__ import annotations

import math

from storage.records import Growth, GrowthLine

_MOST_TIMES = 100  # beyond it a ratio only says that the usual is close to nothing
_DAYS_FROM = 48  # hours; from here on people count in days


def growth_words(growth: Growth | None) -> str:
    """Say in one line how a cluster grows; "" when nothing was said in two days.

    "过去 24 小时 37 人（前一日 9 人），约 6 小时翻一倍；312 条里 41 % 是转发"
    """
    if growth is None or not (growth.authors_24h or growth.authors_before_24h):
        return ""
    line = f"过去 24 小时 {growth.authors_24h:,} 人（前一日 {growth.authors_before_24h:,} 人）"
    doubling = doubling_words(growth)
    if doubling:
        line += f"，{doubling}"
    copied = round(growth.copy_share * 100)
    return f"{line}；{growth.mentions:,} 条里 {copied} % 是转发" if copied else line


def doubling_words(growth: Growth | GrowthLine) -> str:
    """Say in which time the people became twice as many.

    "" when nobody can say, or fewer wrote than the day before: what fades does not double.
    """
    hours = growth.doubling_h
    if hours is None or growth.authors_24h < growth.authors_before_24h:
        return ""
    if hours < 1:
        return "不到 1 小时翻一倍"
    if hours < _DAYS_FROM:
        return f"约 {hours:.0f} 小时翻一倍"
    return f"约 {hours / 24:.0f} 天翻一倍"


def times_words(ratio: float) -> str:
    """Say how many times the usual something is; figures that measure nothing are capped."""
    if not math.isfinite(ratio) or ratio >= _MOST_TIMES:
        return f"{_MOST_TIMES} 倍以上"
    return f"{ratio:.1f} 倍" if ratio < 10 else f"{ratio:.0f} 倍"
