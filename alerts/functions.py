"""Who fills a function at an instant, and what stands in for it: names of functions in, people out.

A function (公关, 服务, 销售 …) may stand wherever a route names a person: `alerts.routing` finds
who answers for it. What else asks for one: the three owners, tasks, and who speaks in public.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from alerts.duty import turn_of
from alerts.routing import answering
from config.function_schema import FUNCTIONS
from config.schema import Project
from storage.records import NO_OWNER, OwnerId


def function_name(project: Project, function_id: str) -> str:
    """Return what a function is called, also a known one that the project does not fill."""
    function = project.function(function_id)
    return function.title if function else FUNCTIONS.get(function_id, function_id)


def holder(
    project: Project,
    function_id: str,
    now: datetime,
    *,
    region: str = "",
    regions: Iterable[str] = (),
) -> OwnerId:
    """Return who answers for a function at this instant; "" when nobody does.

    `region`, and then `regions`, are the incident's: the team of the first that has one comes
    before all others. A function that the project does not list has nobody.
    """
    if project.function(function_id) is None:
        return NO_OWNER
    named = (region, *regions) if region else tuple(regions)
    found = turn_of(project, function_id, now, named).owner_ids
    return next(iter(found), NO_OWNER)


def first_holder(
    project: Project, function_ids: Iterable[str], now: datetime, *, regions: Iterable[str] = ()
) -> tuple[str, OwnerId]:
    """Return the first of these functions that has somebody, and who; ("", "") when none has.

    One that is filled beats one that something only stands in for.
    """
    named, regions = tuple(function_ids), tuple(regions)
    standing_in = ("", NO_OWNER)
    for one in named:
        function = project.function(one)
        if function is None:
            continue
        turn = turn_of(project, one, now, regions)
        if turn.owner_ids and turn.by == "function":
            return one, turn.owner_ids[0]
        if turn.owner_ids and not standing_in[1]:
            standing_in = (one, turn.owner_ids[0])
    return standing_in


def speaker_of(project: Project, issue_class: str) -> str:
    """Return the id of the function that speaks in public about a class of trouble.

    Statements about the quality of products are sales', all others 公关's, unless
    `settings.speakers` says otherwise.
    """
    rules = project.settings.speakers
    return rules.product_quality if issue_class in rules.classes else rules.otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """Who fills a function at an instant, in all regions that have somebody of their own.

    `by` as in `alerts.duty.Turn`; `via` is the id by which: of the team, or what stands in.
    """

    function_id: str
    owner_id: OwnerId
    by: str
    via: str
    text: str
    regions: Mapping[str, str]  # region -> the same in words


def filled(project: Project, now: datetime) -> list[Filled]:
    """Say of every function who fills it now, in the order of the files."""
    found = []
    for one in project.functions:
        turn = turn_of(project, one.id, now)
        regions = {
            region: answering(project, one.id, now, (region,)) for region in sorted(one.regions)
        }
        found.append(
            Filled(
                function_id=one.id,
                owner_id=next(iter(turn.owner_ids), NO_OWNER),
                by=turn.by,
                via=turn.via,
                text=answering(project, one.id, now),
                regions=regions,
            )
        )
    return found


def filled_lines(project: Project, now: datetime) -> list[str]:
    """Return `filled` in lines for people."""
    lines = []
    for one in filled(project, now):
        regions = "".join(f"；{region} {text}" for region, text in one.regions.items())
        lines.append(f"{one.function_id}  {one.text}{regions}")
    return lines
