"""Checks of channels: what a kind needs beside its keys, and whom one without receipt may carry.

In: the raw entries of a project. Out: problems.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import jmespath
from jmespath.exceptions import JMESPathError

from config.checks import Entries
from config.entries import Entry, positions
from config.provider_schema import MESSAGE_WORDS, PLACEHOLDERS
from config.wording import did_you_mean
from config.yaml_lines import Problem, Where

_BRACES = re.compile(r"\{([a-z_]+)\}")
# What the shipped providers cannot do without (config/providers/*.yaml).
_NEEDED = {
    ("sms", "aliyun"): ("key_id", "secret", "signature"),
    ("sms", "tencent"): ("key_id", "secret", "signature", "app"),
    ("voice", "aliyun"): ("key_id", "secret"),
    ("voice", "tencent"): ("key_id", "secret", "app"),
}
# Addresses whose end is the secret, and the key that holds it.
_SECRET_PATHS = {
    "feishu_bot": (re.compile(r"/hook/[^/?]+"), "key"),
    "slack": (re.compile(r"/services/[^?]+"), "hook"),
}
_PATHS: tuple[Where, ...] = (
    ("code",),
    ("words",),
    ("message_id",),
    ("receipts", "each"),
    ("receipts", "id"),
    ("receipts", "state"),
    ("receipts", "text"),
    ("replies", "each"),
    ("replies", "id"),
    ("replies", "sender"),
    ("replies", "text"),
)


def check_channels(entries: Entries) -> Iterator[Problem]:
    """Yield what is wrong with channels, and with those who have none that can be trusted."""
    for channel in entries.of("channel"):
        yield from _secret_path(channel)
        match channel.text("kind"):
            case "slack":
                yield from _slack(channel)
            case "sms" | "voice":
                yield from _templated(channel)
    yield from _unproved(entries)


def _secret_path(channel: Entry) -> Iterator[Problem]:
    pattern, name = _SECRET_PATHS.get(channel.text("kind"), (None, ""))
    if pattern is not None and pattern.search(channel.text("url")):
        text = "secret written literally in the URL: leave it out (the provider's own address is "
        yield channel.problem(f"{text}known) and write {name}: env:NAME", "url")


def _slack(channel: Entry) -> Iterator[Problem]:
    named = [name for name in ("hook", "token") if channel.get(name)]
    if len(named) != 1:
        got = "both" if named else "neither"
        yield channel.problem(f'expected one of "hook" (a webhook) and "token" (a bot), got {got}')


def _templated(channel: Entry) -> Iterator[Problem]:
    for name in channel.keys("params"):
        word = channel.text("params", name)
        if word and word not in MESSAGE_WORDS:
            said = f"expected one of {', '.join(MESSAGE_WORDS)}, got {word!r}"
            text = said + did_you_mean(word, MESSAGE_WORDS)
            yield channel.problem(text, "params", name)
    provider = channel.text("provider")
    for name in _NEEDED.get((channel.text("kind"), provider), ()):
        if not channel.get(name):
            yield channel.problem(f'provider "{provider}" needs {name}')
    if isinstance(channel.get("provider"), dict):
        yield from _described(channel)


def _described(channel: Entry) -> Iterator[Problem]:
    """Yield what is wrong with a provider that the project describes."""
    for place, text in _texts(channel, ("provider",)):
        for name in _BRACES.findall(text):
            if name not in PLACEHOLDERS:
                guess = did_you_mean(name, PLACEHOLDERS)
                yield channel.problem(f"there is nothing called {{{name}}}{guess}", *place)
            elif name in {"key_id", "secret"} and not channel.get(name):
                yield channel.problem(f'asks for {{{name}}}: add "{name}" to the channel', *place)
    for path in _PATHS:
        written = channel.text("provider", *path)
        if written:
            try:
                jmespath.compile(written)
            except JMESPathError:
                text = f"expected a JMESPath such as Response.Code, got {written!r}"
                yield channel.problem(text, "provider", *path)
    if channel.get("receipts") and not channel.get("provider", "receipts"):
        yield channel.problem('has an address for receipts, but "provider" describes none')
    if channel.get("replies") and not channel.get("provider", "replies"):
        yield channel.problem('has an address for replies, but "provider" describes none')


def _texts(entry: Entry, path: Where) -> Iterator[tuple[Where, str]]:
    """Yield the texts of a request's parts: headers, query, json and form."""
    for part in ("headers", "query", "json", "form"):
        yield from _below(entry, (*path, part))


def _below(entry: Entry, path: Where) -> Iterator[tuple[Where, str]]:
    found = entry.get(*path)
    if isinstance(found, str):
        yield path, found
    elif isinstance(found, dict):
        for name in found:
            yield from _below(entry, (*path, name))
    elif isinstance(found, list):
        for index in range(len(found)):
            yield from _below(entry, (*path, index))


def _unproved(entries: Entries) -> Iterator[Problem]:
    """Yield people who are told of yellow and above and have nothing but Apprise."""
    unproved = {entry.id for entry in entries.of("channel") if entry.text("kind") == "apprise"}
    told = _told(entries)
    for owner in entries.of("owner"):
        named = [word for _, word in owner.words("channels")]
        if owner.id in told and named and set(named) <= unproved:
            text = (
                f'is told by "{named[0]}" only, which cannot say whether anything arrives: '
                "add a channel of another kind before it"
            )
            yield owner.problem(text, "channels")


def _told(entries: Entries) -> Collection[str]:
    """Return the people and rosters whom routes, rosters or the fallback name."""
    found: set[str] = set()
    for route in entries.of("route"):
        for path in ("owner", "also", "chain"):
            found |= {word for _, word in route.words(path)}
    for fallback in entries.of("fallback"):
        found |= {word for _, word in fallback.words()}
    for duty in entries.of("duty"):
        found |= {word for _, word in duty.words("rotation", "owners")}
        for index in positions(duty, "shifts"):
            found |= {word for _, word in duty.words("shifts", index, "owners")}
    return found
