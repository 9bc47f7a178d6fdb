"""Checks of addresses, selectors and secrets: what can be known before anything is fetched.

In: raw entries. Out: problems. Selectors and patterns are compiled as the crawler will, so a typing
error shows here and not in tonight's crawl.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection, Iterator
from urllib.parse import parse_qsl, urlsplit

from config.checks import Entries
from config.entries import Entry
from config.errors import FetchError
from config.net import check_allowance, check_url
from config.wording import did_you_mean
from config.yaml_lines import Problem, Where

PREFIXES = ("css", "xpath", "meta", "jsonld", "re2", "const")
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

_PAGE = "{page}"
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_TOKEN_PARAMS = {"token", "access_token", "accesstoken", "secret", "api_key", "apikey", "password"}
_TOKEN_PARAMS |= {"passwd", "pwd", "sign", "signature", "auth", "session", "sessionid"}
_HOOK_PARAMS = _TOKEN_PARAMS | {"key"}  # a search page may call its words "key", a webhook does not
_SECRET_HEADERS = re.compile(
    r"(?i)cookie|set-cookie|(proxy-)?authorization|.*(token|api-?key|secret|password|session).*"
)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2


def check_outside(entries: Entries) -> Iterator[Problem]:
    """Yield the problems of everything that reaches out: sources, channels, allowances."""
    allowed: set[str] = set()
    for settings in entries.of("settings"):
        for place, word in settings.words("allow_private"):
            trouble = check_allowance(word)
            if trouble:
                yield settings.problem(trouble, *place)
            else:
                allowed.add(word)
        yield from _literal_secrets(settings, ("console", "base_url"), _HOOK_PARAMS)
    for channel in entries.of("channel"):
        if "url" in channel.keys():  # noqa: SIM118 - an Entry is no mapping
            yield from _address(channel, ("url",), channel.text("url"), allowed)
            yield from _literal_secrets(channel, ("url",), _HOOK_PARAMS)
    for source in entries.of("source"):
        yield from check_source(source, allowed)


def check_source(source: Entry, allowed: Collection[str] | None) -> Iterator[Problem]:
    """Yield the problems of one source; addresses are not judged when `allowed` is None."""
    yield from _start(source, allowed)
    yield from _headers(source)
    yield from _charset(source)
    if source.text("kind") == "list_detail":
        yield from _selectors(source)
    yield from _pattern_rule(source, ("url", "id_from"))
    yield from _required(source)


def _address(
    entry: Entry, place: Where, url: str, allowed: Collection[str] | None
) -> Iterator[Problem]:
    if not url or allowed is None:
        return
    try:
        check_url(url, allowed)
    except FetchError as error:
        yield entry.problem(str(error), *place)


def _literal_secrets(entry: Entry, path: Where, params: Collection[str]) -> Iterator[Problem]:
    for place, url in entry.words(*path):
        try:
            query = parse_qsl(urlsplit(url).query)
        except ValueError:
            continue
        for name, value in query:
            if name.casefold() in params and _PLACEHOLDER.fullmatch(value) is None:
                text = f'secret written literally in the URL ("{name}="): '
                yield entry.problem(text + _where_instead(entry), *place)


def _where_instead(entry: Entry) -> str:
    if entry.text("kind") == "wecom_bot":
        return "take it out and write key: env:NAME"
    if entry.kind == "source":
        return 'take it out; what stands under "secrets" is sent as a header'
    return "take it out and write secret: env:NAME"


# --- sources ---------------------------------------------------------------------------------


def _start(source: Entry, allowed: Collection[str] | None) -> Iterator[Problem]:
    urls = list(source.words("start"))
    if source.get("start") in ([], ""):
        yield source.problem("expected at least one URL, got none", "start")
    for place, url in urls:
        yield from _address(source, place, url.replace(_PAGE, "1"), allowed)
        for name in _PLACEHOLDER.findall(url):
            if name != _PAGE:
                yield source.problem(f"unknown placeholder {name}, expected {_PAGE}", *place)
    yield from _literal_secrets(source, ("start",), _TOKEN_PARAMS)
    pages = source.get("pages", "max")
    follows = source.get("pages", "next") is not None or any(_PAGE in url for _, url in urls)
    if isinstance(pages, int) and 1 < pages <= 100 and urls and not follows:
        text = f'asks for {pages} pages, but "start" has no {_PAGE} and there is no "next"'
        yield source.problem(text, "pages", "max")


def _headers(source: Entry) -> Iterator[Problem]:
    for name in source.keys("fetch", "headers"):
        place: Where = ("fetch", "headers", name)
        value = source.text(*place)
        if _HEADER_NAME.fullmatch(name) is None:
            yield source.problem("is not the name of an HTTP header", *place)
        elif _SECRET_HEADERS.fullmatch(name):
            text = "secret written literally: take it out and write it under"
            yield source.problem(f'{text} "secrets" as {name.casefold()}: env:NAME', *place)
        if any(letter in value for letter in "\r\n"):
            yield source.problem("a header's value has one line only", *place)


def _charset(source: Entry) -> Iterator[Problem]:
    charset = source.text("fetch", "charset")
    if charset in {"", "auto"}:
        return
    try:
        is_text = codecs.lookup(charset)._is_text_encoding  # noqa: SLF001 - as str.encode asks it
    except (LookupError, ValueError):
        is_text = False
    if not is_text:
        near = did_you_mean(charset, ("auto", "utf-8", "gbk", "gb18030", "gb2312", "big5"))
        text = f"expected auto or a charset such as gbk, got {charset!r}{near}"
        yield source.problem(text, "fetch", "charset")


def _selectors(source: Entry) -> Iterator[Problem]:
    if source.text("list", "item"):
        place: Where = ("list", "item")
        yield from _selector(source, place, source.text(*place), ("css", "xpath"))
    if source.text("pages", "next"):
        place = ("pages", "next")
        yield from _selector(source, place, source.text(*place), ("css", "xpath"))
    for section in ("list", "detail"):
        for name in source.keys(section, "fields"):
            yield from _field(source, (section, "fields", name), name)
    if source.get("list", "fields") is not None and "url" not in source.keys("list", "fields"):
        yield source.problem('key "url" is missing: an item needs its link', "list", "fields")
    readers = [*source.keys("list", "fields"), *source.keys("detail", "fields")]
    if (
        source.get("list") is not None
        and "text" not in readers
        and "title" not in readers
        and source.text("detail", "content") != "auto"
    ):
        yield source.problem('no field reads "title" or "text", so there would be nothing to say')


def _field(source: Entry, place: Where, name: str) -> Iterator[Problem]:
    if name not in FIELDS:
        yield source.problem(f'unknown field "{name}"{did_you_mean(name, FIELDS)}', *place)
    rule = source.get(*place)
    path = (*place, "sel") if isinstance(rule, dict) else place
    if source.get(*path) == []:
        yield source.problem("expected at least one selector, got none", *path)
    for where, selector in source.words(*path):
        if selector != "auto":
            yield from _selector(source, where, selector, PREFIXES)
        elif place[0] == "list":
            yield source.problem('"auto" reads a whole page: use it under detail only', *where)
    pattern = source.text(*place, "re")
    if pattern:
        yield from _pattern(source, (*place, "re"), pattern)


def _selector(
    source: Entry, place: Where, selector: str, prefixes: Collection[str]
) -> Iterator[Problem]:
    prefix, separator, rest = selector.partition(":")
    if not separator or prefix not in prefixes:
        near = did_you_mean(prefix, prefixes) if separator else ""
        known = ", ".join(f"{name}:" for name in prefixes)
        yield source.problem(
            f"expected a selector with {known}, got {selector[:60]!r}{near}", *place
        )
        return
    if not rest.strip():
        yield source.problem(f'nothing stands behind "{prefix}:"', *place)
        return
    trouble = ""
    if prefix == "css":
        trouble = _css_trouble(rest)
    elif prefix == "xpath":
        trouble = _xpath_trouble(rest)
    elif prefix == "re2":
        yield from _pattern(source, place, rest)
    if trouble:
        yield source.problem(trouble, *place)


def _css_trouble(selector: str) -> str:
    from cssselect import SelectorError, parse

    try:
        parsed = parse(selector)
    except (SelectorError, ValueError, RecursionError) as error:
        return f"{selector[:60]!r} is not a CSS selector: {error}"
    for item in parsed:
        ending = item.pseudo_element
        name = ending if isinstance(ending, str) or ending is None else ending.name
        if name not in {None, "text", "attr"}:
            near = did_you_mean(str(name), ("text", "attr"))
            return f'unknown ending "::{name}", expected ::text or ::attr(name){near}'
    return ""


def _xpath_trouble(expression: str) -> str:
    from lxml.etree import XPath, XPathSyntaxError

    if re.search(r"\b(document|doc|unparsed-text)\s*\(", expression):
        return f"{expression[:60]!r} calls a function that opens other documents: remove it"
    try:
        XPath(expression)
    except (XPathSyntaxError, ValueError) as error:
        return f"{expression[:60]!r} is not an XPath expression: {error}"
    return ""


def _pattern_rule(source: Entry, place: Where) -> Iterator[Problem]:
    written = source.text(*place)
    if not written:
        return
    if not written.startswith("re2:"):
        yield source.problem(f"expected re2:PATTERN, got {written[:60]!r}", *place)
        return
    yield from _pattern(source, place, written.removeprefix("re2:"), groups=1)


def _pattern(source: Entry, place: Where, pattern: str, groups: int = 0) -> Iterator[Problem]:
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options=options)
    except (re2.error, UnicodeError) as error:
        said = error.args[0] if error.args else error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        yield source.problem(f"{pattern[:60]!r} is not an RE2 pattern: {text}", *place)
        return
    if compiled.groups < groups:
        yield source.problem(f"{pattern[:60]!r} has no group (…) around the id", *place)


def _required(source: Entry) -> Iterator[Problem]:
    for place, word in source.words("expect", "required"):
        if word not in FIELDS:
            yield source.problem(f'unknown field "{word}"{did_you_mean(word, FIELDS)}', *place)
