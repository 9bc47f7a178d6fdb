"""The line that a locked phone shows: a template's first line and its values in, 40 characters out.

What gives way when it is too long, in this order: the title down to 16 characters, then, from the
right, every part without the level, the title or what is asked, then the rest of the title.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alerts.markup import shorten
from config.templates import LOCK_SCREEN, Line, fill

_BETWEEN = "·"
SHORT = 60  # characters of a text message: with the signature it stays within one part of 70
_STAYS = frozenset({"level", "title", "ask", "code"})
_TITLE_LEAST = 16  # characters: 云雀净水器Q3·第三批次滤芯渗水 has sixteen
_PART_LONGEST = 18  # characters of a part that may give way


def first_line(line: Line, values: Mapping[str, str]) -> str:
    """Return the first line of a message, at most 40 characters whatever the values are."""
    return fit_line(line, values, LOCK_SCREEN, _BETWEEN)


def short_text(line: Line, values: Mapping[str, str]) -> str:
    """Return the sentence of a text message or a call, at most 60 characters."""
    return fit_line(line, values, SHORT, "，")


def fit_line(line: Line, values: Mapping[str, str], limit: int, between: str) -> str:
    """Fill one line whose parts stand between `between`, within `limit` characters."""
    tag, text = _tag(line.text)
    tag = shorten(fill(tag, values), limit // 2)
    title = values.get("title", "")
    marked = {**values, "title": _MARK if title else ""}
    kept = [(part, fill(part, marked)) for part in text.split(between)]
    kept = [
        (part, said if _stays(part) else shorten(said, _PART_LONGEST))
        for part, said in kept
        if said
    ]
    while _length(tag, kept) + min(len(title), _TITLE_LEAST) > limit and _drop_one(kept):
        pass
    room = limit - _length(tag, kept)
    joined = between.join(said for _, said in kept)
    return shorten(tag + joined.replace(_MARK, shorten_title(title, room), 1), limit)


def shorten_title(title: str, room: int) -> str:
    """Cut a title to `room` characters so that both the product and the trouble can be seen."""
    if len(title) <= room:
        return title
    subject, between, trouble = title.partition(_BETWEEN)
    if not between or room < _TITLE_LEAST // 2:
        return shorten(title, room)
    share = max((room - 1) // 2, room - 1 - len(trouble))
    subject = shorten(subject, share)
    return subject + between + shorten(trouble, room - 1 - len(subject))


_MARK = "\ue000"  # where the title will stand; texts from the web hold no private characters


def _tag(text: str) -> tuple[str, str]:
    """Part a line into what stands in 【】 before it, and the rest."""
    head, closing, rest = text.partition("】")
    return (head + closing, rest) if closing and head.startswith("【") else ("", text)


def _length(tag: str, kept: Sequence[tuple[str, str]]) -> int:
    """Return how many characters everything but the title takes."""
    said = sum(len(said) - said.count(_MARK) for _, said in kept)
    return len(tag) + said + max(0, len(kept) - 1)


def _drop_one(kept: list[tuple[str, str]]) -> bool:
    """Take out the last part that may give way; say whether there was one."""
    for place in range(len(kept) - 1, -1, -1):
        if not _stays(kept[place][0]):
            del kept[place]
            return True
    return False


def _stays(part: str) -> bool:
    return any(f"{{{name}}}" in part for name in _STAYS)
