"""Who is on duty now and in the coming days, by roster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from alerts.duty import Slot, gaps, timetable
from alerts.functions import filled
from alerts.presence import name_of
from alerts.routing import passed_words
from config.schema import Duty, Project
from config.workdays import unknown_year
from groundswell.console.base import Console

_DAYS = 14
_BY: Mapping[str, str] = {
    "shift": "班次",
    "rotation": "轮值",
    "gap": "没有排班",
    "away": "排了班的人都不在",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """One roster as the page shows it."""

    duty: Duty
    slots: Sequence[Slot]
    gaps: int  # spans of the coming four weeks in which nobody has the duty


def page(console: Console, request: Request) -> Response:
    """Show each roster: who has the duty now, who comes next, where nobody is."""
    project, now = console.project, console.clock.now()
    rosters = [
        Roster(
            duty=one,
            slots=list(timetable(one, project, now, now + timedelta(days=_DAYS))),
            gaps=len(gaps(one, project, now)),
        )
        for one in project.duties
    ]
    return console.page(
        request,
        "duty.html",
        rosters=rosters,
        warning=unknown_year(project.settings.calendar, _today(project, now)),
        days=_DAYS,
        names=lambda slot: _names(project, slot),
        why=lambda slot: _why(project, slot),
        functions=filled(project, now),
        fallback=[name_of(project, owner_id) for owner_id in project.fallback],
    )


def _today(project: Project, now: datetime) -> date:
    return now.astimezone(project.settings.zone).date()


def _names(project: Project, slot: Slot) -> str:
    return "、".join(name_of(project, owner_id) for owner_id in slot.turn.owner_ids)


def _why(project: Project, slot: Slot) -> str:
    """Say by what somebody has the duty, and who was passed over."""
    return "；".join(
        [_BY.get(slot.turn.by, slot.turn.by), *passed_words(project, slot.turn.passed)]
    )
