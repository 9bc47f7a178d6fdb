"""What a digest says of what it did not see."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from alerts.completeness import completeness_line
from storage.records import DigestFacts, SourceGap, SourceId
from tests.make import NOW

FACTS = DigestFacts(day=date(2026, 3, 10), since=NOW, until=NOW, sources=5)


def gap(name: str, hours: float, late: float = 0.0, cause: str = "layout changed") -> SourceGap:
    return SourceGap(
        source_id=SourceId(name), name=name, cause=cause, blind_hours=hours, late_hours=late
    )


def test_all_is_well() -> None:
    assert completeness_line(FACTS) == "全部 5 个信源正常"


def test_lost_hours_are_told_with_name_and_cause_and_per_brand() -> None:
    facts = replace(
        FACTS,
        gaps=(gap("家电吧", 4), gap("投诉网", 3, cause="not_running")),
        shares=(("澜禾", 0.9199), ("禾沐", 1.0)),
    )

    assert completeness_line(facts) == (
        "未覆盖：2 个信源，共 7 小时（家电吧 4 小时，页面改版；投诉网 3 小时，本程序当时没有运行）；"
        "各品牌已覆盖时段：澜禾 91%、禾沐 100%"
    )


def test_what_was_caught_up_is_late_and_not_lost() -> None:
    facts = replace(FACTS, late=(gap("家电吧", 0, late=3),))

    assert completeness_line(facts) == "全部 5 个信源正常；1 个信源曾中断 3 小时，事后已补齐"


def test_platforms_never_connected_are_named() -> None:
    facts = replace(FACTS, missing=("小红书", "抖音"))
    many = replace(FACTS, missing=tuple(f"平台{n}" for n in range(12)))

    assert completeness_line(facts).endswith("；从未接入 2 个平台：小红书、抖音")
    assert completeness_line(many).endswith("平台7等")
    assert completeness_line(replace(facts, sources=0)).startswith("没有启用任何信源，无从判断；")
