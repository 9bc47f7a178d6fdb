"""GET /api/v1/incidents/{id}/complainants: who complains, and how far the service has come.

They are moved by the commands contact, give and complainants of the same incident.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from starlette.requests import Request

from alerts.complainants import counts_words
from groundswell.cli.output import plain
from groundswell.closings import closings
from groundswell.complainants import answered, counts
from groundswell.console.api import ProblemError
from groundswell.console.base import Console
from groundswell.console.openapi_complainants import MOST
from storage.records import Contact


def read_complainants(console: Console, request: Request) -> dict[str, Any]:
    """List the complainants of an incident in the order to call them, with all counts."""
    state = request.query_params.get("state", "")
    known = {one.value: one for one in Contact}
    if state and state not in known:
        raise ProblemError(400, "no such state", f"state: one of {', '.join(known)}")
    limit, skip = _number(request, "limit", 100, 1, MOST), _number(request, "skip", 0, 0, 10**6)
    name = str(request.path_params["incident"])
    with console.store.read() as queries:
        incident = queries.incident(name)
        if incident is None:
            raise ProblemError(
                404,
                "no such incident",
                f"there is no incident {name[:80]!r}; see GET /api/v1/incidents",
            )
        counted = counts(queries, incident)
        states = [known[state]] if state else []
        page = queries.complainants(incident.incident_id, states, limit=limit, offset=skip)
        times = queries.first_responses(incident.incident_id)
    speed = answered(times, incident, console.clock.now())
    return {
        "incident": incident.code,
        "counts": plain(counted),
        "words": counts_words(counted),
        "first_response": {**plain(speed), "share_in_time": speed.share},
        "complainants": plain(page),
    }


def read_closings(console: Console, request: Request) -> dict[str, Any]:
    """Count closed incidents of the last days by the word they rest on; never summed."""
    days, now = _number(request, "days", 30, 1, 3650), console.clock.now()
    with console.store.read() as queries:
        found = closings(queries, now - timedelta(days=days), now)
    speed = found.first_answers
    return {
        "since": plain(found.since),
        "until": plain(found.until),
        "closed_by": plain(dict(found.by_kind)),
        "first_response": {**plain(speed), "share_in_time": speed.share},
    }


def _number(request: Request, name: str, default: int, least: int, most: int) -> int:
    said = request.query_params.get(name, str(default))
    if not (said.isascii() and said.isdigit()) or not least <= int(said[:9]) <= most:
        raise ProblemError(400, "bad number", f"{name}: send a number from {least} to {most}")
    return int(said[:9])
