"""GET /api/v1/topics: what people complained about, for other programs; behind a key that reads."""

from __future__ import annotations

from datetime import date
from typing import Any

from starlette.requests import Request

from config.errors import ConfigError
from groundswell.cli.output import plain
from groundswell.console.api import ProblemError
from groundswell.console.base import Console
from groundswell.topics import DAYS, survey_topics

_MOST_DAYS = 92
_FIRST = date(2000, 1, 1)


def read_topics(console: Console, request: Request) -> dict[str, Any]:
    """Answer one call."""
    asked = request.query_params
    now = console.clock.now()
    today = now.astimezone(console.project.settings.zone).date()
    try:
        day = date.fromisoformat(asked.get("day") or today.isoformat())
        days = int((asked.get("days") or str(DAYS))[:9])
    except ValueError as error:
        raise _bad("send day as 2026-11-22 and days as a number") from error
    if not _FIRST <= day <= today or not 1 <= days <= _MOST_DAYS:
        raise _bad(f"send a day from {_FIRST} to {today} and 1 to {_MOST_DAYS} days")
    try:
        with console.store.read() as queries:
            brand = asked.get("brand")
            found = survey_topics(queries, console.project, day, days, brand, now=now)
    except ConfigError as error:
        raise _bad(str(error)) from error
    return {"day": day.isoformat(), "days": days, "brands": plain(list(found))}


def _bad(detail: str) -> ProblemError:
    return ProblemError(400, "no such topics", detail)
