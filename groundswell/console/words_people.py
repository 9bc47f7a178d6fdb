"""The console's words for complainants, and for the words on which incidents are closed."""

from __future__ import annotations

from collections.abc import Mapping

from storage.records import ConfirmKind

EVENTS: Mapping[str, str] = {
    "contacted": "投诉人进展",
    "given": "投诉人分派",
    "people_added": "补登投诉人",
    "people_imported": "导入投诉人",
    "complained_again": "已解决的投诉人又发了新的内容",
    "first_warned": "首次响应时限将到",
    "first_over": "首次响应已过时限",
}
CLOSED_HOW: Mapping[str, str] = {kind.value: kind.zh for kind in ConfirmKind}
# What a person chooses on the form, and what it asks for.
CONFIRM_WAYS: tuple[tuple[str, str], ...] = (
    ("customer", "投诉人都确认了"),
    ("share", "可联系的人里已有足够比例解决"),
    ("survey", "回访调查认可"),
    ("clarification", "传闻：澄清发布后平息"),
)
