"""The text of a feed goes in, as much of it comes out as a parser may spend its time on.

feedparser needs some 5 microseconds for every tag and reference where a feed is not well-formed, so
ten megabytes of ampersands would take it half a minute.
"""

from __future__ import annotations

import re

MAX_ENTRIES = 2000  # a day of the busiest feed seen holds some hundreds
_MAX_CHARS = 4_000_000  # of all entries; full texts of 100 articles come to a tenth
_MAX_MARKS = 150_000  # tags and references of all entries: under a second of feedparser's time
_MAX_ENTRY_CHARS = 1_000_000  # pictures written into the text make the longest entries seen
_MAX_ENTRY_MARKS = 40_000
_MAX_HEAD_CHARS = 200_000
_ENTRY = re.compile(r"<(?:\w{1,20}:)?(?:item|entry)[\s>]", re.IGNORECASE)
_ENTRY_END = re.compile(r"</(?:\w{1,20}:)?(item|entry)\s{0,20}>", re.IGNORECASE)


def within_limits(text: str, problems: list[str]) -> str:
    """Return a feed, from its root element on, without what goes beyond the limits.

    Entries that are too long by themselves are left out, those behind the last allowed one as
    well; `problems` says so. Errors: ValueError when nothing that can be read would be left.
    """
    first = _ENTRY.search(text)
    head = text[: first.start()] if first else text
    if len(head) > _MAX_HEAD_CHARS or not _fits(head):
        raise ValueError(f"订阅源在第一个条目之前就有 {len(head)} 个字符，拒绝解析")
    if first is None:
        return text
    kept, rest, left_out = _sorted_out(text, first.start())
    if left_out:
        problems.append(f"{left_out} entries are too long to be read, left out")
    if not kept and (left_out or not _fits(rest)):
        raise ValueError(f"订阅源的条目超过 {_MAX_ENTRY_CHARS} 个字符或标记过多，拒绝解析")
    if _ENTRY_END.search(rest) or not _fits(rest):
        problems.append(f"feed is very long, read its first {len(kept)} entries")
        rest = _closing(head, kept[-1])
    return "".join((head, *kept, rest))


def _sorted_out(text: str, at: int) -> tuple[list[str], str, int]:
    """Return the entries to read, what stands behind them, and how many are left out."""
    kept: list[str] = []
    chars = marks = left_out = 0
    for found in _ENTRY_END.finditer(text, at):
        entry = text[at : found.end()]
        if not _fits(entry):
            left_out += 1
        else:
            chars += len(entry)
            marks += _marks(entry)
            if len(kept) == MAX_ENTRIES or chars > _MAX_CHARS or marks > _MAX_MARKS:
                break
            kept.append(entry)
        at = found.end()
    return kept, text[at:], left_out


def _fits(entry: str) -> bool:
    return len(entry) <= _MAX_ENTRY_CHARS and _marks(entry) <= _MAX_ENTRY_MARKS


def _marks(text: str) -> int:
    return text.count("&") + text.count("<")


def _closing(head: str, last: str) -> str:
    if last.rstrip(" >").lower().endswith("entry"):
        return "</feed>"
    return "</rdf:RDF>" if head[:8].lower() == "<rdf:rdf" else "</channel></rss>"
