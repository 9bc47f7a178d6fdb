from __future__ import annotations

from classify.focus import LIMIT, focus, marked
from classify.text import BRAND_MARK, OTHER_MARK
from storage.records import BrandHit, BrandId


def hit(start: int, end: int, field: str = "text") -> BrandHit:
    return BrandHit(brand_id=BrandId("b"), alias="", field=field, start=start, end=end)


def test_names_become_marks_wherever_characters_stretch() -> None:
    text = "😡云雀比青瓷差"

    result = marked("", text, [hit(1, 3)], [hit(4, 6)])

    assert result == f"[怒]{BRAND_MARK}比{OTHER_MARK}差"


def test_marks_that_a_text_brings_along_are_dropped() -> None:
    assert marked("", f"{BRAND_MARK}骗人", [], []) == "骗人"


def test_a_title_that_opens_the_text_is_not_counted_twice() -> None:
    assert marked("云雀漏水", "云雀漏水 三天没人管", [], []) == "云雀漏水 三天没人管"
    assert marked("求助", "云雀漏水", [], []) == "求助\n云雀漏水"


def test_overlapping_or_outlying_hits_do_no_harm() -> None:
    assert marked("", "云雀好", [hit(0, 2), hit(1, 3), hit(2, 99)], []) == f"{BRAND_MARK}好"


def test_the_window_ends_with_a_clause() -> None:
    text = "甲" * 50 + ",质量" + "很" * 33 + BRAND_MARK + "乙" * 38 + "尾巴,丙" + "丁" * 50

    result = focus(text)

    assert result.startswith("质量")
    assert result.endswith("尾巴,")


def test_a_long_text_without_a_name_keeps_both_ends() -> None:
    result = focus("头" + "中" * 9000 + "尾")

    assert len(result) == LIMIT + 1
    assert result[0] == "头"
    assert result[-1] == "尾"
