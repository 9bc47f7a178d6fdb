"""Misroutes of the last weeks with the lines of the files to change.

In: the database and the project's directory. Out: lines for people, each route with what happened
and what to write instead.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from alerts.misroutes import Misroute, misroutes_of
from alerts.presence import name_of
from config.entries import read_entries
from config.schema import Project
from storage.queries import Queries

DAYS = 28


def survey(queries: Queries, now: datetime, days: int = DAYS) -> list[Misroute]:
    """Return the misroutes of incidents that were raised in these days, the worst first."""
    since = now - timedelta(days=days)
    return misroutes_of(
        (incident, events)
        for incident, events in queries.alarms_since(since)
        if incident.opened_at >= since
    )


def lines(project: Project, found: Sequence[Misroute], directory: Path | None) -> Iterator[str]:
    """Yield what people read: the route, n of n, to whom they went, and the line to change."""
    places = _places(directory) if directory is not None else {}
    for one in found:
        to = "、".join(f"{name_of(project, who)} {n}" for who, n in one.to.items()) or "还没有人接"
        how = f"不归我管 {one.not_mine}，转派 {one.assigned}"
        yield (
            f"路由 {one.route_id}：{one.n} 个里有 {one.wrong} 个先到了别人那里（{how}），"
            f"去了：{to}；{'、'.join(one.incidents[:5])}"
        )
        route = next((each for each in project.routes if each.id == one.route_id), None)
        if not one.proposed:
            continue
        if route is None:
            yield f"  建议：在 routes 里加一条，owner: {one.proposed}（现在没有路由接这类事件）"
            continue
        if one.proposed == route.owner:
            continue
        place = places.get(one.route_id, "routes.yaml")
        yield f"  建议 {place}：owner: {route.owner} → owner: {one.proposed}"
        if route.owner not in route.chain:
            yield f"  原来的 {route.owner} 可放进 also 或 chain；只有一部分不对，就加一条更窄的路由"


def digest_lines(project: Project, found: Sequence[Misroute]) -> tuple[str, ...]:
    """Return the same in short, for the weekly part of a digest."""
    return tuple(
        f"路由 {one.route_id}：{one.wrong}/{one.n} 个先到了别人那里，多由"
        f"{name_of(project, next(iter(one.to), one.route_id))}接手"
        for one in found
        if one.wrong >= 2
    )


def weekly(queries: Queries, project: Project, since: datetime, day: date) -> tuple[str, ...]:
    """Return what the first digest of a week tells those who lead; () in every other one.

    `since` is where the digest of the local day `day` begins to look.
    """
    monday = day - timedelta(days=day.weekday())
    local = since.astimezone(project.settings.zone)
    if local.date() >= monday:
        return ()
    return digest_lines(project, survey(queries, since + timedelta(days=1)))


def _places(directory: Path) -> dict[str, str]:
    return {
        entry.id: f"{entry.document.file}:{entry.line('owner')}"
        for entry in read_entries(directory, os.environ).entries
        if entry.kind == "route"
    }
