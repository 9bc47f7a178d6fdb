"""Checks of who speaks: the media table, official accounts and the sources that read them.

In: the raw entries of a project. Out: problems.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from config.checks import Entries, place_of
from config.entries import Entry, positions
from config.media import TIERS, author_name, bare_host, host_of
from config.official import bare_address
from config.yaml_lines import Problem, Where

_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?=.{{4,253}}$){_LABEL}(\.{_LABEL})+")


def check_voices(entries: Entries) -> Iterator[Problem]:
    """Yield what is wrong with media outlets, official accounts and official sources."""
    yield from _outlets(entries.of("outlet"))
    yield from _accounts(entries)
    for source in entries.of("source"):
        yield from _official_source(source, entries)


def _outlets(outlets: Sequence[Entry]) -> Iterator[Problem]:
    taken: dict[tuple[str, str], tuple[Entry, Where]] = {}
    for outlet in outlets:
        if not outlet.text("name").strip() and outlet.get("name") == "":
            yield outlet.problem("expected a name, got an empty one", "name")
        if outlet.get("tier") == "":
            said = ", ".join(tier for tier in TIERS if tier)
            yield outlet.problem(f"an outlet without a tier changes nothing: one of {said}", "tier")
        words = [*outlet.words("hosts"), *outlet.words("authors")]
        if not words and not (outlet.get("hosts") or outlet.get("authors")):
            yield outlet.problem('names neither "hosts" nor "authors", so nobody is meant by it')
        for place, word in words:
            kind = str(place[0])
            trouble = _bad_host(word) if kind == "hosts" else _bad_author(word)
            if trouble:
                yield outlet.problem(trouble, *place)
                continue
            key = (kind, bare_host(word) if kind == "hosts" else author_name(word))
            first, where = taken.setdefault(key, (outlet, place))
            if (first, where) != (outlet, place):
                text = f'"{word}" is already in {place_of(first, *where)}: who is it, then?'
                yield outlet.problem(text, *place)


def _bad_host(word: str) -> str:
    try:
        host = bare_host(word)
    except ValueError:
        host = ""
    if _HOST.fullmatch(host):
        return ""
    meant = host_of(word if "://" in word else f"//{word}".replace("*.", ""))
    hint = f'; write "{meant}"' if _HOST.fullmatch(meant) else ""
    return f'expected a host name such as "news.example.cn", got {word!r}{hint}'


def _bad_author(word: str) -> str:
    platform, colon, name = word.partition(":")
    if author_name(word) and (not colon or (platform.strip() and author_name(name))):
        return ""
    return f'expected a name, or "platform:name", got {word!r}'


def _accounts(entries: Entries) -> Iterator[Problem]:
    taken: dict[tuple[str, ...], tuple[Entry, Where]] = {}
    for brand in entries.of("brand"):
        for index in positions(brand, "official"):
            place: Where = ("official", index)
            platform = brand.text(*place, "platform").strip()
            author, url = brand.text(*place, "author"), brand.text(*place, "url")
            if brand.get(*place, "platform") == "":
                said = "expected the platform as its sources name it, got an empty one"
                yield brand.problem(said, *place, "platform")
            if url:
                yield from _account_address(brand, (*place, "url"), url, entries)
            keys: list[tuple[str, ...]] = []
            if author:
                keys.append(("author", platform, author_name(author)))
            if url:
                keys.append(("url", bare_address(url)))
            for key in keys:
                first, where = taken.setdefault(key, (brand, place))
                if (first, where) != (brand, place):
                    text = f"this account is already in {place_of(first, *where)}"
                    yield brand.problem(text, *place)


def _account_address(brand: Entry, place: Where, url: str, entries: Entries) -> Iterator[Problem]:
    if "://" in url:
        bare = url.partition("://")[2]
        yield brand.problem(f'write it without the scheme: "{bare}"', *place)
        return
    address = bare_address(url)
    host, _, path = address.partition("/")
    if not _HOST.fullmatch(host.partition(":")[0]):
        said = f'expected the start of its addresses, such as "w.example/u/12", got {url!r}'
        yield brand.problem(said, *place)
    elif not path:
        for source in entries.of("source"):
            starts = (bare_address(word).partition("/")[0] for _, word in source.words("start"))
            if source.text("role") != "official" and host in starts:
                text = f'would take every post of source "{source.id}" for the brand\'s own'
                yield brand.problem(f"{text}: add the account's path", *place)
                return


def _official_source(source: Entry, entries: Entries) -> Iterator[Problem]:
    if source.text("role") != "official":
        return
    named = [word for _, word in source.words("brands")]
    own = [brand.id for brand in entries.of("brand") if brand.get("competitor") is not True]
    if len(named) > 1:
        text = f"an official account speaks for one brand, got {', '.join(named)}"
        yield source.problem(f"{text}: write a source for each", "brands")
    elif not named and len(own) > 1:
        text = f"whose official account is it? name one brand of {', '.join(own)}"
        yield source.problem(text, "brands")
