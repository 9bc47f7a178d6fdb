"""Checks of addresses, names and secrets: what can be known before anything is fetched.

In: raw entries. Out: problems. What depends on the kind of a source is in config.source_kinds.
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
from config.selectors import check_pattern_rule
from config.source_kinds import PLACEHOLDER, check_kind
from config.wording import did_you_mean
from config.yaml_lines import Problem, Where

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
        for path in (("url",), ("provider", "url"), ("replies", "url")):
            yield from _address(channel, path, channel.text(*path), allowed)
            yield from _literal_secrets(channel, path, _HOOK_PARAMS)
    for source in entries.of("source"):
        yield from check_source(source, allowed)
        yield from _names(source, entries)


def check_source(source: Entry, allowed: Collection[str] | None) -> Iterator[Problem]:
    """Yield the problems of one source; addresses are not judged when `allowed` is None."""
    yield from _start(source, allowed)
    yield from _headers(source)
    yield from _charsets(source)
    yield from _secrets(source)
    yield from check_pattern_rule(source, ("url", "id_from"), groups=1)
    yield from check_kind(source)


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
            if name.casefold() in params and PLACEHOLDER.fullmatch(value) is None:
                text = f'secret written literally in the URL ("{name}="): '
                yield entry.problem(text + _where_instead(entry), *place)


def _where_instead(entry: Entry) -> str:
    if entry.text("kind") in {"wecom_bot", "feishu_bot", "dingtalk_bot"}:
        return "take it out and write key: env:NAME"
    if entry.kind == "source":
        return 'take it out; what stands under "secrets" is sent as a header'
    return "take it out and write secret: env:NAME"


# --- sources ---------------------------------------------------------------------------------


def _start(source: Entry, allowed: Collection[str] | None) -> Iterator[Problem]:
    if source.get("start") in ([], "") and source.text("kind") != "app_reviews":
        yield source.problem("expected at least one URL, got none", "start")
    for place, url in source.words("start"):
        yield from _address(source, place, PLACEHOLDER.sub("1", url), allowed)
    yield from _literal_secrets(source, ("start",), _TOKEN_PARAMS)


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


def _charsets(source: Entry) -> Iterator[Problem]:
    for place, other in ((("fetch", "charset"), "auto or "), (("keywords", "charset"), "")):
        charset = source.text(*place)
        if charset == "" or (charset == "auto" and other) or _is_text_charset(charset):
            continue
        names = (*(("auto",) if other else ()), "utf-8", "gbk", "gb18030", "gb2312", "big5")
        near = did_you_mean(charset, names)
        text = f"expected {other}a charset such as gbk, got {charset!r}{near}"
        yield source.problem(text, *place)


def _is_text_charset(charset: str) -> bool:
    try:
        return bool(codecs.lookup(charset)._is_text_encoding)  # noqa: SLF001 - as str.encode asks it
    except (LookupError, ValueError):
        return False


def _secrets(source: Entry) -> Iterator[Problem]:
    names = source.keys("secrets")
    for name in source.keys("secrets_expire"):
        if name not in names:
            text = f'there is no secret "{name}" under "secrets"{did_you_mean(name, names)}'
            yield source.problem(text, "secrets_expire", name)


def _names(source: Entry, entries: Entries) -> Iterator[Problem]:
    """Yield brands and people that a source names and that the project does not have."""
    places: tuple[tuple[Where, str], ...] = (
        (("brands",), "brand"),
        (("keywords", "brands"), "brand"),
        (("maintainer",), "owner"),
    )
    for path, kind in places:
        known = entries.ids(kind)
        for place, word in source.words(*path):
            if word not in known and kind not in entries.unread:
                text = f'there is no {kind} "{word}"{did_you_mean(word, known)}'
                yield source.problem(text, *place)
