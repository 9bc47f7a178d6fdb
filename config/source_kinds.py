"""Checks of a source by its kind: how it is asked, how far it is followed, how its pages are read.

In: a source's raw entry. Out: problems. Selectors and patterns are compiled as the crawler will, so
a typing error shows here and not in tonight's crawl.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from pydantic import TypeAdapter, ValidationError

from config.entries import Entry
from config.selectors import check_pattern, check_pattern_rule, check_selector
from config.values import Duration
from config.wording import did_you_mean
from config.yaml_lines import Problem, Where

PLACEHOLDER = re.compile(r"\{[^{}]*\}")
HTML = ("css", "xpath", "meta", "jsonld", "re2", "const")
JSON = ("jmes", "const")
FIELDS = (
    "url",
    "native_id",
    "title",
    "text",
    "author",
    "published",
    "region",
    "reposts",
    "comments",
    "likes",
    "views",
    "rating",
)
HOT_FIELDS = ("rank", "heat")  # of a hot-search list only
_COUNTED = ("{page}", "{offset}")
_PLACEHOLDERS = {
    "feed": _COUNTED,
    "list_detail": (*_COUNTED, "{cursor}"),
    "json_api": (*_COUNTED, "{cursor}"),
    "search": (*_COUNTED, "{cursor}"),
    "forum_thread": (*_COUNTED, "{cursor}"),
    "app_reviews": ("{page}",),
}
# What an item is selected with, per kind.
_ITEM_PREFIXES = {
    "list_detail": ("css", "xpath"),
    "json_api": ("jmes",),
    "search": ("css", "xpath", "jmes"),
    "forum_thread": ("css", "xpath", "jmes"),
}
_RENDERED = {"list_detail", "search", "forum_thread", "spider"}
_HOT_KINDS = {"feed", "list_detail", "json_api"}
_DURATION: TypeAdapter[timedelta] = TypeAdapter(Duration)


def check_kind(source: Entry) -> Iterator[Problem]:
    """Yield the problems of one source that depend on its kind."""
    yield from _placeholders(source)
    yield from _keywords(source)
    yield from _way_on(source)
    yield from _lists(source)
    yield from _detail(source)
    yield from _thread(source)
    yield from check_pattern_rule(source, ("sitemap", "include"))
    yield from check_pattern_rule(source, ("sitemap", "exclude"))
    yield from _role(source)
    yield from _rendering(source)
    yield from _required(source)


# --- addresses -------------------------------------------------------------------------------


def _placeholders(source: Entry) -> Iterator[Problem]:
    allowed = [*_PLACEHOLDERS.get(source.text("kind"), ())]
    if source.text("kind") == "forum_thread" and source.get("list") is None:
        allowed = ["{page}"]  # of the one thread that is read
    if source.get("keywords") is not None:
        allowed.append("{keyword}")
    for place, url in source.words("start"):
        for name in PLACEHOLDER.findall(url):
            if name == "{keyword}" and "{keyword}" not in allowed:
                text = 'has {keyword}, but the source has no "keywords" section'
                yield source.problem(text, *place)
            elif name not in allowed:
                known = " or ".join(allowed) or "none"
                text = f"unknown placeholder {name}, expected {known}{did_you_mean(name, allowed)}"
                yield source.problem(text, *place)
        if "{" in url.split("://", 1)[-1].split("/", 1)[0]:
            yield source.problem("a placeholder stands in the host: put it behind it", *place)


def _keywords(source: Entry) -> Iterator[Problem]:
    filled = [place for place, url in source.words("start") if "{keyword}" in url]
    if source.get("keywords") is None:
        if source.text("kind") == "search" and not filled:
            yield source.problem('kind "search" needs "keywords" and {keyword} in "start"')
        return
    if source.text("keywords", "mode") == "filter":
        for place in filled:
            yield source.problem("has {keyword}, which keywords.mode: filter leaves empty", *place)
        if source.text("kind") == "search":
            yield source.problem('kind "search" searches: use kind feed to filter', "keywords")
    elif not filled:
        text = 'is never used: put {keyword} into "start", or write mode: filter'
        yield source.problem(text, "keywords")
    for place, word in source.words("keywords", "words"):
        if not word.strip():
            yield source.problem("an empty word would search for everything: remove it", *place)


def _way_on(source: Entry) -> Iterator[Problem]:
    """Yield what contradicts itself in how pages follow each other."""
    if not source.keys("pages"):
        return
    kind = source.text("kind")
    if kind in {"sitemap", "app_reviews"} or (kind == "forum_thread" and not source.get("list")):
        where = {"app_reviews": "app.pages", "sitemap": "sitemap.max_files"}
        instead = where.get(kind, "thread.max_pages")
        yield source.problem(f"is not used by this kind: write {instead}", "pages")
        return
    urls = [url for _, url in source.words("start")]
    has_next = source.get("pages", "next") is not None
    is_counted = any(name in url for url in urls for name in _COUNTED)
    has_cursor = any("{cursor}" in url for url in urls)
    if has_cursor and not has_next:
        text = '"start" has {cursor}: say where the cursor stands, as next: jmes:...'
        yield source.problem(text, "pages")
    if has_next and (is_counted or _reads_feed(source)):
        why = "a feed has no such place" if _reads_feed(source) else '"start" counts its pages'
        yield source.problem(f"is never used: {why}", "pages", "next")
    if source.get("pages", "step") is not None and not any("{offset}" in url for url in urls):
        yield source.problem('is never used: there is no {offset} in "start"', "pages", "step")
    if kind == "spider" or is_counted or has_next or has_cursor or not urls:
        return
    for name in ("max", "backfill"):
        asked = source.get("pages", name)
        if isinstance(asked, int) and asked > (1 if name == "max" else 0):
            text = f'asks for {asked} pages, but "start" has no {{page}} and there is no "next"'
            yield source.problem(text, "pages", name)


def _reads_feed(source: Entry) -> bool:
    kind = source.text("kind")
    return kind == "feed" or (kind == "search" and source.get("list") is None)


# --- pages -----------------------------------------------------------------------------------


def _is_json(source: Entry, *path: str) -> bool:
    """Return whether a selector at one of these places reads JSON."""
    return any(word.startswith("jmes:") for _, word in source.words(*path))


def _lists(source: Entry) -> Iterator[Problem]:
    prefixes = _ITEM_PREFIXES.get(source.text("kind"))
    if prefixes is None or not isinstance(source.get("list"), dict):
        return
    as_json = _is_json(source, "list", "item") or prefixes == ("jmes",)
    item = source.text("list", "item")
    if item:
        yield from check_selector(source, ("list", "item"), item, prefixes)
    following = source.text("pages", "next")
    if following:
        fits = ("jmes",) if as_json else ("css", "xpath")
        yield from check_selector(source, ("pages", "next"), following, fits)
    for name in source.keys("list", "fields"):
        yield from _field(source, ("list", "fields", name), name, JSON if as_json else HTML)
    yield from _enough(source)


def _enough(source: Entry) -> Iterator[Problem]:
    """Yield what an item lacks to be a mention, or a link to one."""
    names = source.keys("list", "fields")
    if source.get("list", "fields") is None:
        return
    if source.text("role") == "hot_search":
        if "title" not in names:
            yield source.problem('key "title" is missing: a line is its words', "list", "fields")
        return
    leads_on = source.get("detail") is not None or source.get("thread") is not None
    has_own = "native_id" in names and not leads_on
    if "url" not in names and not has_own:
        yield source.problem('key "url" is missing: an item needs its link', "list", "fields")
    readers = {*names, *source.keys("detail", "fields"), *source.keys("thread", "fields")}
    if not readers & {"text", "title"} and source.text("detail", "content") != "auto":
        yield source.problem('no field reads "title" or "text", so there would be nothing to say')


def _detail(source: Entry) -> Iterator[Problem]:
    fields = source.keys("detail", "fields")
    as_json = any(
        _is_json(source, "detail", "fields", name)
        or _is_json(source, "detail", "fields", name, "sel")
        for name in fields
    )
    if as_json and source.text("detail", "content") == "auto":
        text = "reads the main text of an HTML page, but fields read JSON (jmes:)"
        yield source.problem(text, "detail", "content")
    prefixes = JSON if as_json else HTML
    for name in fields:
        yield from _field(source, ("detail", "fields", name), name, prefixes, whole=not as_json)
    if source.text("detail", "comments", "item"):
        place = ("detail", "comments", "item")
        fits = ("jmes",) if as_json else ("css", "xpath")
        yield from check_selector(source, place, source.text(*place), fits)
    names = source.keys("detail", "comments", "fields")
    for name in names:
        yield from _field(source, ("detail", "comments", "fields", name), name, prefixes)
    if source.get("detail", "comments", "fields") is not None and "text" not in names:
        text = 'key "text" is missing: a comment is its text'
        yield source.problem(text, "detail", "comments", "fields")


def _thread(source: Entry) -> Iterator[Problem]:
    if not isinstance(source.get("thread"), dict):
        return
    as_json = _is_json(source, "thread", "post")
    post = source.text("thread", "post")
    if post:
        prefixes = _ITEM_PREFIXES["forum_thread"]
        yield from check_selector(source, ("thread", "post"), post, prefixes)
    following = source.text("thread", "next")
    if following:
        fits = ("jmes",) if as_json else ("css", "xpath")
        yield from check_selector(source, ("thread", "next"), following, fits)
    names = source.keys("thread", "fields")
    for name in names:
        yield from _field(source, ("thread", "fields", name), name, JSON if as_json else HTML)
    if source.get("thread", "fields") is not None and "text" not in names:
        yield source.problem('key "text" is missing: a post is its text', "thread", "fields")
    revisit, watch = (_duration(source, name) for name in ("revisit", "watch"))
    if revisit is not None and watch is not None and revisit > watch:
        text = "is longer than thread.watch, so no thread would be visited again"
        yield source.problem(text, "thread", "revisit")


def _duration(source: Entry, name: str) -> timedelta | None:
    defaults = {"revisit": "2h", "watch": "3d"}
    try:
        return _DURATION.validate_python(source.get("thread", name) or defaults[name])
    except ValidationError:
        return None


def _field(
    source: Entry, place: Where, name: str, prefixes: tuple[str, ...], *, whole: bool = False
) -> Iterator[Problem]:
    """Yield the problems of one field; `whole` says that it is read from a whole page."""
    is_hot = source.text("role") == "hot_search"
    known = (*FIELDS, *HOT_FIELDS) if is_hot else FIELDS
    if name in HOT_FIELDS and not is_hot:
        yield source.problem(f'field "{name}" is read with role: hot_search only', *place)
    elif name not in known:
        yield source.problem(f'unknown field "{name}"{did_you_mean(name, known)}', *place)
    rule = source.get(*place)
    path = (*place, "sel") if isinstance(rule, dict) else place
    if source.get(*path) == []:
        yield source.problem("expected at least one selector, got none", *path)
    for where, selector in source.words(*path):
        if selector != "auto":
            yield from check_selector(source, where, selector, prefixes)
        elif not whole:
            yield source.problem('"auto" reads a whole page: use it under detail only', *where)
    pattern = source.text(*place, "re")
    if pattern:
        yield from check_pattern(source, (*place, "re"), pattern)


# --- roles, rendering, expectations ----------------------------------------------------------


def _role(source: Entry) -> Iterator[Problem]:
    role, kind = source.text("role"), source.text("kind")
    if role == "hot_search":
        if kind not in _HOT_KINDS:
            text = f'kind "{kind}" has no ranked lines: use {", ".join(sorted(_HOT_KINDS))}'
            yield source.problem(text, "role")
        if source.get("detail") is not None:
            text = "is never read: a hot-search list is read by its lines"
            yield source.problem(text, "detail")
        if source.get("keywords") is not None:
            text = "would hide that a brand is not on the list: remove it"
            yield source.problem(text, "keywords")
    if role == "official" and kind == "app_reviews":
        yield source.problem("reviews are what customers say: remove role: official", "role")


def _rendering(source: Entry) -> Iterator[Problem]:
    is_rendered = source.text("fetch", "render") == "browser"
    kind = source.text("kind")
    if is_rendered and (kind not in _RENDERED or _reads_feed(source)):
        text = f'a browser shows pages, and kind "{kind}" reads none: remove render'
        yield source.problem(text, "fetch", "render")
    waits_for = source.text("fetch", "wait_for")
    if waits_for:
        if not is_rendered:
            text = "is never used: only render: browser waits"
            yield source.problem(text, "fetch", "wait_for")
        yield from check_selector(source, ("fetch", "wait_for"), waits_for, ("css",))


def _required(source: Entry) -> Iterator[Problem]:
    for place, word in source.words("expect", "required"):
        if word not in FIELDS and word not in HOT_FIELDS:
            yield source.problem(f'unknown field "{word}"{did_you_mean(word, FIELDS)}', *place)
