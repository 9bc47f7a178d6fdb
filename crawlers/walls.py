"""Pages that came instead of the content: log in, prove to be human, blocked, closed, gone.

In: the text of a page in which nothing was found that the source should show. Out: a cause and a
sentence, or None for a real page, be it about passwords and captchas. Pure. Nothing here helps to
get past a wall: it is named, and we go away.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from crawlers.wall_words import (
    ASKS,
    CLOSED,
    CONTENT,
    GONE,
    HUMAN_TITLE,
    JSON_ASKS,
    LOGIN_TITLE,
    MARKS,
    OTHER_TITLE,
)
from storage.records import FetchCause

_MAX_CHARS = 400_000  # of a page that are looked at; walls are front pages, not archives
# Visible characters. Measured on the pages of tests/crawlers/wall_pages.py: walls show 15 to 500
# (a login page with its agreements), real pages from 60 (a short post) to thousands.
_FEW = 700
_SOME = 2500
_BRIEF = 350  # a wall without a telling title or a form says what it wants, and no more
_HARDLY_ANY = 60

_SITE = re.compile(r"\s*[-_|—–·:：]")
_MANY_MARKS = 2
_LIST = 5
_MANY_LINKS = 12  # with a text of a headline's length: a list, whatever else it says
_PASSWORD = re.compile(r"""type\s*=\s*["']?password""", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{0,300})", re.IGNORECASE)
_LINK = re.compile(r"<a\s[^>]{0,500}>([^<]{8,120})</a", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,3000}>")
_SAID = re.compile(
    r'"(?:msg|message|error|errmsg|err_msg|errormsg|error_msg|error_description|info|tip|tips|'
    r'detail|description|reason)"\s*:\s*"([^"\\]{0,300}(?:\\.[^"\\]{0,300}){0,40})"',
    re.IGNORECASE,
)
_TEXTS = {
    FetchCause.CAPTCHA: "网站要求人机验证，本程序不绕过验证，请改用其他信源或授权接口",
    FetchCause.LOGIN: "网站返回了登录页，本程序不绕过登录，请改用其他信源或授权接口",
    FetchCause.BLOCKED: "网站的防护拦截了访问，请降低频率，或改用其他信源与授权接口",
    FetchCause.SERVER: "网站返回了维护或出错的页面",
    FetchCause.GONE: "网站说页面不存在或已删除，请核对地址是否已变更",
}


@dataclass(frozen=True, slots=True)
class Look:
    """What a page shows: its title, its visible text, and how much of it looks like content."""

    title: str
    text: str
    marks: int  # kinds of words that stand around posts
    repeats: int  # how often the most frequent kind stands there: a list
    headlines: int  # links with a text of a headline's length
    has_password: bool


def recognise(source_text: str) -> tuple[FetchCause, str] | None:
    """Return which wall a page is and a sentence about it; None for a real page, or an unknown one.

    Shape: the decoded text of a page, or of a JSON answer. Costs about a millisecond.
    """
    head = source_text[:_MAX_CHARS]
    if head.lstrip()[:1] in {"{", "["}:
        return _of_json(head)
    look = look_at(head)
    cause = _cause_of(head, look)
    return None if cause is None else (cause, _TEXTS[cause])


def _cause_of(source_text: str, look: Look) -> FetchCause | None:
    """Judge from the surest sign to the weakest; content on the page outweighs all but marks."""
    shown = len(look.text)
    is_content = look.marks >= _MANY_MARKS or look.repeats >= _LIST or look.headlines >= _MANY_LINKS
    if shown <= _SOME and not (is_content and shown > _FEW):
        marked = _first(MARKS, source_text)
        if marked is not None:
            return marked
    named = _named(look.title)
    is_formal = named is not None or look.has_password
    is_long = shown > (_FEW if is_formal else _BRIEF)
    is_post = is_content or (look.marks > 0 and not is_formal)  # even one date makes it a post
    if is_long or look.headlines >= _MANY_LINKS or (is_post and not named):
        return None
    text = f"{look.title}\n{look.text}"
    asked = _asked(text, look) or (FetchCause.LOGIN if look.has_password else None)
    said = asked or _first(((FetchCause.GONE, GONE), (FetchCause.SERVER, CLOSED)), text)
    return said or (named if shown < _HARDLY_ANY else None)


def _named(title: str) -> FetchCause | None:
    """Return what a title says that no article bears; what follows a dash is the site's name."""
    name = _SITE.split(title, maxsplit=1)[0].strip()
    titles = (
        (FetchCause.LOGIN, LOGIN_TITLE),
        (FetchCause.CAPTCHA, HUMAN_TITLE),
        (FetchCause.BLOCKED, OTHER_TITLE),
    )
    return _first(titles, name)


def _first(rules: Sequence[tuple[FetchCause, re.Pattern[str]]], text: str) -> FetchCause | None:
    return next((cause for cause, pattern in rules if pattern.search(text)), None)


def _asked(text: str, look: Look) -> FetchCause | None:
    """Return what a page asks of its reader; a log-in form that asks for a code is a log-in."""
    found = [cause for cause, pattern in ASKS if pattern.search(text)]
    if FetchCause.LOGIN in found and look.has_password:
        return FetchCause.LOGIN
    return found[0] if found else None


def _of_json(text: str) -> tuple[FetchCause, str] | None:
    """Judge what an interface answers instead of data: only what it says, never its data."""
    said = [_unescaped(match[1]) for match in _SAID.finditer(text[:4000])]
    for cause, pattern in JSON_ASKS:
        for sentence in said:
            if len(sentence) <= 120 and pattern.search(sentence):
                return cause, f"接口没有给出数据，而是说：{sentence}"
    return None


def _unescaped(text: str) -> str:
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text)


def look_at(source_text: str) -> Look:
    """Return what a person would see of a page, roughly: no scripts, no styles, no tags."""
    found = _TITLE.search(source_text)
    title = html.unescape(found[1]).strip() if found else ""
    body = _without(_without(_without(source_text, "script"), "style"), "title")
    text = " ".join(html.unescape(_TAG.sub("\n", body)).split(" "))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    shown = "\n".join(line for line in lines if line)
    return Look(
        title=title,
        text=shown,
        marks=sum(pattern.search(shown) is not None for pattern in CONTENT),
        repeats=max(len(pattern.findall(shown)) for pattern in CONTENT),
        headlines=sum(len(match[1].strip()) >= 8 for match in _LINK.finditer(body)),
        has_password=_PASSWORD.search(body) is not None,
    )


def _without(text: str, tag: str) -> str:
    """Cut out elements of one kind; linear however many are left open."""
    kept, at, lower = [], 0, text.lower()
    while (start := lower.find(f"<{tag}", at)) >= 0:
        kept.append(text[at:start])
        end = lower.find(f"</{tag}", start)
        if end < 0:
            return "".join(kept)
        at = end + len(tag) + 2
    kept.append(text[at:])
    return "".join(kept)
