"""GET /api/v1/rehearsals/last: what the last rehearsal of rules gave; behind a key that reads."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from groundswell.console.api import ProblemError
from groundswell.console.base import Console


def read_last(console: Console, request: Request) -> dict[str, Any]:
    """Answer one call."""
    del request
    with console.store.read() as queries:
        found = queries.rehearsals(1)
    if not found:
        detail = "nothing was rehearsed yet; see: groundswell rules rehearse"
        raise ProblemError(404, "no rehearsal", detail)
    [(rehearsal_id, at, by, said)] = found
    return {"id": rehearsal_id, "at": at.isoformat(), "by": by, **said}
