"""Looking for a card or a reply by what it says: every word must stand in it."""

from __future__ import annotations

from collections.abc import Iterable

from storage.records import ApprovedReply, Card


def holding(cards: Iterable[Card], wanted: str) -> list[Card]:
    """Return the cards that hold every word of `wanted`; all of them for an empty one."""
    return [
        one
        for one in cards
        if _holds(
            wanted,
            one.title, one.cause, one.fix, one.reply, one.code, one.product, one.issue_class,
            *one.words,
        )
    ]  # fmt: skip


def replies_holding(replies: Iterable[ApprovedReply], wanted: str) -> list[ApprovedReply]:
    """Return the replies that hold every word of `wanted`; all of them for an empty one."""
    return [one for one in replies if _holds(wanted, one.question, one.answer, one.product)]


def _holds(wanted: str, *texts: str) -> bool:
    whole = "\n".join(texts).casefold()
    return all(word in whole for word in wanted.casefold().split())
