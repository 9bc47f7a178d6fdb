"""What change of one threshold would have avoided most false alarms without missing a true one.

In: alarms with their verdict, and the settings as they are. Out: candidates, best first. Each is a
first look at stored figures; groundswell.suggesting has the best of them rehearsed before anybody
is told, and nobody's settings are ever changed by the program.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from alerts.ledger import Alarm
from config.level_schema import Levels, SurgeRules
from config.schema import Project
from config.values import LevelName
from storage.records import Level

FEWEST = 3  # false alarms that one change must avoid: less may be chance
_MOST = 1.5  # times the present value at most: a larger step is a decision, no tuning
_LEVELS: tuple[tuple[LevelName, Level], ...] = (
    ("blue", Level.BLUE),
    ("yellow", Level.YELLOW),
    ("orange", Level.ORANGE),
    ("red", Level.RED),
)
_CROWD = ("spike_watch", "spike_page")  # what is raised by so many people at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One setting with another value. `avoided` and `kept` count false and true alarms.

    `kept` true alarms came by the same ground alone, the lowest of them with the figure `lowest`.
    """

    setting: str  # as `--set` names it, e.g. "levels.yellow.score"
    old: float
    new: float
    avoided: int
    kept: int
    lowest: float | None
    what: str  # in words


@dataclass(frozen=True, slots=True, kw_only=True)
class _Threshold:
    setting: str
    old: float
    most: float
    what: str
    figure: Callable[[Alarm], float | None]  # what it saw; None: it did not decide alone


def candidates(alarms: Sequence[Alarm], project: Project) -> list[Candidate]:
    """Return the changes that avoid at least `FEWEST` false alarms and lose no true one."""
    found = [
        one
        for threshold in _thresholds(project)
        if (one := _candidate(threshold, alarms)) is not None
    ]
    return sorted(found, key=lambda one: (-one.avoided, one.new / one.old, one.setting))


def _candidate(threshold: _Threshold, alarms: Sequence[Alarm]) -> Candidate | None:
    """Return the smallest value that avoids all false alarms that it can, None for too few.

    Undecided alarms may be true: they bound it just as true ones do.
    """
    seen = [(alarm, threshold.figure(alarm)) for alarm in alarms]
    known = [(alarm, figure) for alarm, figure in seen if figure is not None]
    holds = [figure for alarm, figure in known if alarm.verdict != "false"]
    true = [figure for alarm, figure in known if alarm.verdict == "true"]
    limit = min([*holds, threshold.most])
    false = [figure for alarm, figure in known if alarm.verdict == "false"]
    avoidable = [figure for figure in false if math.floor(figure) + 1 <= limit]
    if len(avoidable) < FEWEST:
        return None
    new = float(math.floor(max(avoidable)) + 1)
    if new <= threshold.old:
        return None
    return Candidate(
        setting=threshold.setting,
        old=threshold.old,
        new=new,
        avoided=sum(figure < new for figure in false),
        kept=len(true),
        lowest=min(true, default=None),
        what=threshold.what,
    )


def _thresholds(project: Project) -> Iterator[_Threshold]:
    yield from _scores(project.levels)
    yield from _people(project.settings.surge)


def _scores(levels: Levels) -> Iterator[_Threshold]:
    lines = [levels.named(name).score for name, _ in _LEVELS]
    for place, (name, level) in enumerate(_LEVELS):
        above = lines[place + 1] if place + 1 < len(lines) else 100.0
        yield _Threshold(
            setting=f"levels.{name}.score",
            old=lines[place],
            most=min(lines[place] * _MOST, above - 1),
            what=f"{level.zh}级的综合分线",
            figure=partial(_score, level),
        )


def _score(level: Level, alarm: Alarm) -> float | None:
    return alarm.score if alarm.level is level and alarm.rules == ("score",) else None


def _people(rules: SurgeRules) -> Iterator[_Threshold]:
    yield _Threshold(
        setting="settings.surge.min_authors",
        old=float(rules.min_authors),
        most=rules.min_authors * _MOST,
        what="算作突增最少要有的人数",
        figure=_crowd,
    )


def _crowd(alarm: Alarm) -> float | None:
    """Return how many people a surge had that alone decided; ramps come one by one."""
    if not alarm.rules or not set(alarm.rules) <= set(_CROWD):
        return None
    return min((alarm.values[rule] for rule in alarm.rules if rule in alarm.values), default=None)


def changed(project: Project, candidate: Candidate) -> Project:
    """Return the project with the setting of a candidate changed, checked as a file would be."""
    *path, name = candidate.setting.split(".")
    if path[0] == "levels":
        values = project.levels.model_dump()
        values[path[1]][name] = candidate.new
        return project.model_copy(update={"levels": Levels.model_validate(values)})
    values = project.settings.surge.model_dump() | {name: int(candidate.new)}
    surge = SurgeRules.model_validate(values)
    settings = project.settings.model_copy(update={"surge": surge})
    return project.model_copy(update={"settings": settings})
