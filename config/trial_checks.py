"""Checks of trials: who reads them, what they cover, and that no two cover the same.

In: the raw entries of a project. Out: problems.
"""

from __future__ import annotations

from collections.abc import Iterator

from config.checks import Entries, place_of, references
from config.entries import Entry
from config.trial_schema import SCOPES
from config.wording import did_you_mean
from config.yaml_lines import Problem

_KINDS = {"brand": "brand", "person": "owner"}


def check_trials(entries: Entries) -> Iterator[Problem]:
    """Yield every problem of the trials."""
    trials = entries.of("trial")
    covered: dict[tuple[str, str], Entry] = {}
    for trial in trials:
        yield from references(trial, ("reviewer",), "owner", entries)
        for scope, kind in _KINDS.items():
            yield from references(trial, (scope,), kind, entries)
        yield from _routes(trial, entries)
        yield from _reviewer(trial, entries)
        for scope in SCOPES:
            for place, word in trial.words(scope):
                before = covered.setdefault((scope, word), trial)
                if before is not trial:
                    text = f'{scope} "{word}" is on trial already, in {place_of(before, "id")}'
                    yield trial.problem(text, *place)


def _routes(trial: Entry, entries: Entries) -> Iterator[Problem]:
    known = {*entries.ids("route"), "fallback"}
    for place, word in trial.words("route"):
        if word not in known and "route" not in entries.unread:
            yield trial.problem(f'there is no route "{word}"{did_you_mean(word, known)}', *place)


def _reviewer(trial: Entry, entries: Entries) -> Iterator[Problem]:
    reviewer = trial.text("reviewer")
    for other in entries.of("trial"):
        if reviewer and reviewer in {word for _, word in other.words("person")}:
            text = (
                f'owner "{reviewer}" is on trial himself, in {place_of(other, "person")}: '
                "name a reviewer who is told for real"
            )
            yield trial.problem(text, "reviewer")
            break
    for owner in entries.of("owner"):
        if owner.id == reviewer and not list(owner.words("channels")):
            text = f'owner "{reviewer}" has no channel, so nobody would read this trial'
            yield trial.problem(text, "reviewer")
