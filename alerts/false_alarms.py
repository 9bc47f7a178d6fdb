"""Why an alarm was a false one: a short fixed list, so that the reasons can be counted.

The free text beside it says what a code cannot; a code without one is refused.
"""

from __future__ import annotations

from enum import StrEnum

from alerts.command import IllegalMove


class FalseAlarm(StrEnum):
    """The reasons, in the order in which people are offered them."""

    NOT_OURS = "not_ours"
    NOT_NEGATIVE = "not_negative"
    DUPLICATE = "duplicate"
    MARKETING = "marketing"
    SENSITIVITY = "sensitivity"
    TEST = "test"
    OTHER = "other"

    @property
    def zh(self) -> str:
        """The Chinese name."""
        return {
            "not_ours": "与本品牌无关",
            "not_negative": "内容不是投诉",
            "duplicate": "与已知事件重复",
            "marketing": "广告营销或水军",
            "sensitivity": "规则太灵敏",
            "test": "测试内容",
            "other": "其他",
        }[self.value]


def false_alarm_named(text: str) -> FalseAlarm:
    """Return a reason by its code or its Chinese name; "" is OTHER. IllegalMove names them all."""
    wanted = text.strip()
    if not wanted:
        return FalseAlarm.OTHER
    for reason in FalseAlarm:
        if wanted in {reason.value, reason.zh}:
            return reason
    known = "、".join(f"{reason.value}（{reason.zh}）" for reason in FalseAlarm)
    raise IllegalMove(f"没有误报原因 {wanted[:40]!r}，可选：{known} (no such reason code)")
