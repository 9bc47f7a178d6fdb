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


def reason_in(text: str) -> FalseAlarm:
    """Return the reason that a free text begins with, as people write it in a chat; else OTHER."""
    said = text.strip()
    return next(
        (one for one in FalseAlarm if said.startswith((one.zh, one.value))), FalseAlarm.OTHER
    )


def name_of(code: object) -> str:
    """Return the Chinese name of a stored code; "" for none, or one that nobody knows."""
    return next((reason.zh for reason in FalseAlarm if reason.value == code), "")
