"""Articles that a page carries as data: JSON-LD, and the state that an application starts from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from crawlers.plain import tidy

_ARTICLE = re.compile(r"Article|Posting|Report|Review|WebPage$|QAPage|Question|Answer")
_TITLES = ("headline", "title", "name", "subject", "articleTitle", "widgetTitle", "msg_title")
_BODIES = re.compile(
    r"^(?:article_?body|(?:article_?|widget_?|rich_?|news_?|doc_?|note_?|post_?|main_?)?(?:content|text)s?"
    r"(?:_?html|_?raw|_?md|_?list)?|body|desc|html|data|detail|long_?text(?:_?content)?|markdown)$",
    re.IGNORECASE,
)
_TIMES = re.compile(
    r"^(?:date_?published|(?:news_?|article_?|first_?)?(?:publish(?:ed)?|pub|release|create(?:d)?|post)_?"
    r"(?:time|date|at|on)?|p_?time|c_?time|news_?time|time|date|created)$",
    re.IGNORECASE,
)
# The start of a state: __NEXT_DATA__ is a script of its own, the others are assigned.
_ASSIGNED = re.compile(
    r"(?:^|[;\s{}])(?:window\.|var\s+|let\s+|const\s+)?[\w$.]{2,40}\s*=\s*(?=[{\[])"
)
_UNDEFINED = re.compile(r"(?<=[:,\[])\s*(?:undefined|NaN|!0|!1|void 0)(?=\s*[,}\]])")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_MIN_HAN = 40  # fewer characters are a summary or a label
_MAX_SCRIPT = 3_000_000
_MAX_OBJECTS = 20_000
_MAX_STATES = 12


@dataclass(frozen=True, slots=True)
class Carried:
    """An article found in data: texts as they were there, "" for what was not."""

    title: str = ""
    text: str = ""
    author: str = ""
    published: str = ""


def read_linked(scripts: list[str]) -> Carried:
    """Read the article out of JSON-LD blocks; the dates of a site or of its lists do not count."""
    found = Carried()
    for script in scripts:
        for item in _objects(_loads(script)):
            if not _ARTICLE.search(str(item.get("@type") or "")):
                continue
            text = _plain(item.get("articleBody") or item.get("text") or "")
            found = Carried(
                title=found.title or _plain(item.get("headline") or item.get("name") or ""),
                text=max(found.text, text, key=len),
                author=found.author or _author(item.get("author")),
                published=found.published
                or _moment(item.get("datePublished") or item.get("dateCreated")),
            )
    return found


def read_state(scripts: list[str], page_title: str, *, fitting: bool = False) -> Carried:
    """Read the article out of an application's state: the richest text beside a fitting title.

    With `fitting`, only an object counts whose title is part of the page's.
    """
    best, best_score = Carried(), 0.0
    for script in scripts:
        if len(script) > _MAX_SCRIPT or not _HAN.search(script):
            continue
        for state in _states(script):
            for title, item in _titled(state):
                text = max(_bodies(item), key=len, default="")
                score = float(len(_HAN.findall(text)))
                if len(title) >= 4 and title in page_title:
                    score *= 3
                elif fitting:
                    continue
                if score > best_score and score >= _MIN_HAN:
                    published = next(filter(None, map(_moment, _times(item))), "")
                    best = Carried(title, text, _author(item.get("author")), published)
                    best_score = score
    return best


def _states(script: str) -> Iterator[Any]:
    """Yield the JSON values that a script consists of or assigns."""
    if script.lstrip()[:1] in {"{", "["}:
        yield _loads(script)
        return
    decoder = json.JSONDecoder(strict=False)
    at = 0
    for _ in range(_MAX_STATES):
        found = _ASSIGNED.search(script, at)
        if found is None:
            return
        cleaned = _UNDEFINED.sub("null", script[found.end() :])
        try:
            state, length = decoder.raw_decode(cleaned)
        except (ValueError, RecursionError):
            at = found.end()
            continue
        yield state
        at = found.end() + length if len(cleaned) == len(script) - found.end() else found.end()


def _loads(text: str) -> Any:
    try:
        return json.loads(text.strip().rstrip(";"), strict=False)
    except (ValueError, RecursionError):
        return None


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object within a value, outer ones first."""
    todo, count = [value], 0
    while todo and count < _MAX_OBJECTS:
        count += 1
        item = todo.pop(0) if count < 100 else todo.pop()
        if isinstance(item, dict):
            yield item
            todo.extend(item.values())
        elif isinstance(item, list):
            todo.extend(item)


def _titled(state: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield objects that have a title, with it."""
    for item in _objects(state):
        for name in _TITLES:
            title = item.get(name)
            if isinstance(title, str) and title.strip():
                yield tidy(title), item
                break


def _bodies(item: dict[str, Any], depth: int = 0) -> Iterator[str]:
    """Yield the texts under an object that are named like a body; lists of parts are joined."""
    for name, value in item.items():
        if not _BODIES.match(name):
            continue
        if isinstance(value, str):
            yield _plain(value)
        elif isinstance(value, list):
            parts = [part if isinstance(part, str) else _part(part, depth) for part in value]
            yield "\n".join(filter(None, map(_plain, parts)))
    if depth < 2:
        for name, value in item.items():
            if isinstance(value, dict) and (_BODIES.match(name) or name.endswith(("Data", "data"))):
                yield from _bodies(value, depth + 1)


def _part(part: Any, depth: int) -> str:
    if not isinstance(part, dict) or depth >= 2:
        return ""
    return max(_bodies(part, depth + 1), key=len, default="")


def _times(item: dict[str, Any]) -> Iterator[Any]:
    """Yield values named like the moment of publishing, the most exact names first."""
    named = [name for name in item if _TIMES.match(name)]
    named.sort(key=lambda name: ("ub" not in name.lower(), "reate" not in name.lower()))
    return (item[name] for name in named)


def _moment(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return ""
    text = str(value).strip()
    if re.fullmatch(r"1\d{9}(?:\d{3})?", text) or re.search(r"\d{4}\D\d|\d{1,2}[-月]\d", text):
        return text[:40]
    return ""


def _author(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, dict):
        value = value.get("name") or value.get("nickname") or ""
    return tidy(value)[:80] if isinstance(value, str) else ""


def _plain(value: Any) -> str:
    """Return the text of a value that may be markup."""
    if not isinstance(value, str):
        return ""
    if not re.search(r"<\w|</\w|&\w+;", value):
        return tidy(value)
    from crawlers.article_lines import parse, read_lines

    root = parse(f"<div>{value}</div>")
    return "" if root is None else "\n".join(line.text for line in read_lines(root).lines)
