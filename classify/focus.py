"""A mention and the places where a brand is named in, the words that are about that brand out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from classify.text import BRAND_MARK, OTHER_MARK, rewrite, tidy
from storage.records import BrandHit

WINDOW = 40  # characters on each side of a name; measured in design: .870 against .766 without
LIMIT = 2000  # characters of a text without a name that are looked at; the rest is cut from inside
_HITS = 12  # places looked at; an article that names the brand more often is cut there
_RAW_LIMIT = 60_000  # characters of the original that are rewritten at all
_CLAUSE_END = re.compile(r"[,;:。!?\n…~]")


def marked(title: str, text: str, hits: Sequence[BrandHit], others: Sequence[BrandHit] = ()) -> str:
    """Return title and text normalised, each named place replaced by one mark.

    A title that the text begins with is left out.
    """
    body = text[:_RAW_LIMIT]
    parts = []
    if title and not body.startswith(title):
        parts.append(_mark_field("title", title[:_RAW_LIMIT], hits, others))
    parts.append(_mark_field("text", body, hits, others))
    return tidy("\n".join(parts))


def focus(marked_text: str) -> str:
    """Cut a marked text down to what stands near the brand's mark, clause-aware.

    Without a mark the whole text is meant; a long one keeps its beginning and its end.
    """
    places = [index for index, sign in enumerate(marked_text) if sign == BRAND_MARK][:_HITS]
    if not places:
        return _shortened(marked_text)
    windows: list[tuple[int, int]] = []
    for place in places:
        start = _clause_start(marked_text, max(0, place - WINDOW))
        end = _clause_end(marked_text, min(len(marked_text), place + 1 + WINDOW))
        if windows and start <= windows[-1][1]:
            windows[-1] = (windows[-1][0], end)
        else:
            windows.append((start, end))
    return "\n".join(marked_text[start:end] for start, end in windows)


def _mark_field(
    field: str, original: str, hits: Sequence[BrandHit], others: Sequence[BrandHit]
) -> str:
    places = [(hit.start, hit.end, BRAND_MARK) for hit in hits if hit.field == field]
    places += [(hit.start, hit.end, OTHER_MARK) for hit in others if hit.field == field]
    pieces: list[str] = []
    done = 0
    for start, end, mark in sorted(places):
        if start < done or end > len(original):
            continue
        pieces += (rewrite(original[done:start]), mark)
        done = end
    pieces.append(rewrite(original[done:]))
    return "".join(pieces)


def _shortened(text: str) -> str:
    if len(text) <= LIMIT:
        return text
    # Complaints say what happened first and what is wanted last; a quarter goes to the end.
    return f"{text[: LIMIT * 3 // 4]}\n{text[-LIMIT // 4 :]}"


def _clause_start(text: str, index: int) -> int:
    """Move forward out of a clause that the window cut, if a new one begins soon."""
    if index == 0:
        return 0
    match = _CLAUSE_END.search(text, index, index + WINDOW // 4)
    return match.end() if match else index


def _clause_end(text: str, index: int) -> int:
    """Let the last clause finish, if it does soon."""
    match = _CLAUSE_END.search(text, index, index + WINDOW // 4)
    return match.end() if match else index
