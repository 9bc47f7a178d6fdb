"""The ledger in digests: the week's suggestion for those who lead, and whose budget was used up."""

from __future__ import annotations

from storage.records import DigestFacts, DigestItem, Level, OwnerId

TITLE, ENGLISH = "误报与阈值", "False alarms"
_PAGE = "/ledger"


def ledger_items(facts: DigestFacts, *, sees_all: bool) -> tuple[DigestItem, ...]:
    """Return the lines of the week, once a week and for those who see everything."""
    if not sees_all:
        return ()
    return tuple(
        DigestItem(
            incident_id=None,
            code="",
            level=Level.NONE,
            title=line,
            text="",
            path=_PAGE if place == 0 else "",
        )
        for place, line in enumerate(facts.advice)
    )


def budget_lines(
    facts: DigestFacts, owner_id: OwnerId, *, sees_all: bool
) -> tuple[tuple[str, str], ...]:
    """Return who was over his budget the day before: one's own, or everybody's."""
    told = [line for whose, line in facts.budgets if sees_all or whose == owner_id]
    return (("通知预算用完", "；".join(told)),) if told else ()
