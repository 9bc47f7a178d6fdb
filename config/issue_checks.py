"""Checks of the project's own issue classes, and of what routes call an issue.

In: the raw entries of a project. Out: problems.
"""

from __future__ import annotations

from collections.abc import Iterator

from config.checks import Entries, place_of
from config.entries import Entry
from config.values import ISSUE_CLASSES, SUB_CLASSES
from config.wording import did_you_mean
from config.yaml_lines import Problem


def check_issues(entries: Entries) -> Iterator[Problem]:
    """Yield what is wrong with own classes and with the issues that routes name."""
    rules = entries.of("issue")
    own = {rule.text("name"): rule for rule in reversed(rules)}
    for rule in rules:
        yield from _name(rule, own)
        yield from _under(rule, own)
        yield from _words(rule)
    known = [*ISSUE_CLASSES, *SUB_CLASSES, *(name for name in own if name)]
    for route in entries.of("route"):
        for place, word in route.words("issue"):
            if word not in known and "issue" not in entries.unread:
                meant = did_you_mean(word, known) or f": known are {', '.join(known)}"
                yield route.problem(f'there is no issue "{word}"{meant}', *place)
    for settings in entries.of("settings"):
        for place, word in settings.words("confirm", "rumour_classes"):
            if word not in known and "issue" not in entries.unread:
                meant = did_you_mean(word, known)
                yield settings.problem(f'there is no issue "{word}"{meant}', *place)


def _name(rule: Entry, own: dict[str, Entry]) -> Iterator[Problem]:
    name = rule.text("name")
    if rule.get("name") == "" or name != name.strip():
        yield rule.problem("expected a name without spaces round it", "name")
    elif name in ISSUE_CLASSES or name in SUB_CLASSES:
        kind = "class" if name in ISSUE_CLASSES else "sub-class"
        yield rule.problem(f'"{name}" is a {kind} that is always there: take another name', "name")
    elif name and own[name] is not rule:
        text = f'"{name}" is already in {place_of(own[name], "name")}: put all words there'
        yield rule.problem(text, "name")


def _under(rule: Entry, own: dict[str, Entry]) -> Iterator[Problem]:
    parent = rule.text("under")
    classes = [*ISSUE_CLASSES, *(name for name, one in own.items() if name and one is not rule)]
    if not parent:
        return
    if parent not in classes:
        yield rule.problem(f'there is no class "{parent}"{did_you_mean(parent, classes)}', "under")
    elif parent in own and own[parent].text("under"):
        text = f'"{parent}" is itself under "{own[parent].text("under")}": name that class'
        yield rule.problem(text, "under")


def _words(rule: Entry) -> Iterator[Problem]:
    if rule.get("words") in ([], ""):
        yield rule.problem("expected at least one word, or nothing is ever found by it", "words")
    for path in ("words", "not"):
        for place, word in rule.words(path):
            halves = [half.strip() for half in word.split("..")]
            if rule.get("words") != "" and not word.strip():
                yield rule.problem("an empty word would match everything: remove it", *place)
            elif not all(halves) or len(halves) > 2:
                text = f'expected a word, or two joined by ".." as in "等..件", got {word!r}'
                yield rule.problem(text, *place)
    refused = {word for _, word in rule.words("not")}
    for place, word in rule.words("words"):
        if word.strip() and word in refused:
            yield rule.problem(f'"{word}" is also in not, so it could never match', *place)
