"""How launches stand, worded for the digest of those who answer for them (服务代表).

In: the facts of a day. Out: digest items with the page of each launch. A launch that has ended is
told once, with what goes back to normal.
"""

from __future__ import annotations

from storage.records import DigestFacts, DigestItem, LaunchBrief, Level, OwnerId

TITLE, ENGLISH = "上市产品", "Launches"


def launch_items(
    facts: DigestFacts, owner_id: OwnerId, *, sees_all: bool
) -> tuple[DigestItem, ...]:
    """Return a line per launch that a person answers for; leads see all of them."""
    return tuple(
        _item(one, facts) for one in facts.launches if sees_all or owner_id in one.representatives
    )


def _item(one: LaunchBrief, facts: DigestFacts) -> DigestItem:
    title = f"{one.name} 上市第 {one.day_no} 天（共 {one.of_days} 天）"
    if one.is_over:
        title = f"{one.name} 上市期已于 {one.ends.isoformat()} 结束"
    parts = ["门槛已恢复平常，上市页保留"] if one.is_over else []
    least = "至少 " if facts.gaps else ""
    parts.append(f"{least}{one.mentions} 条提及，{least}{one.people} 人投诉")
    if one.symptoms:
        parts.append("、".join(f"{symptom} {people} 人" for symptom, people in one.symptoms))
    if one.per_thousand is None:
        parts.append("无销量，不算比例")
    else:
        parts.append(f"上市以来每千台 {one.per_thousand:.2g} 人")
    if one.incidents:
        parts.append(f"未结事件 {one.incidents} 起")
    if one.missing and not one.is_over:
        parts.append(f"还缺：{'、'.join(one.missing)}")
    return DigestItem(
        incident_id=None,
        code="",
        level=Level.NONE,
        title=title,
        text=" · ".join(parts),
        path=f"/launches/{one.launch_id}",
    )
