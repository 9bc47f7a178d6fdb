"""Which platforms are seen, which are not, and what could be done about it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from starlette.requests import Request
from starlette.responses import Response

from groundswell.console.base import Console
from groundswell.console.words import Word
from groundswell.coverage import Sight, survey

# The second word is the shape that the health of a source is drawn with.
SIGHTS: Mapping[Sight, Word] = {
    Sight.SEEN: Word("看得到", "ok"),
    Sight.PARTIAL: Word("看不全", "degraded"),
    Sight.ILL: Word("有故障", "quarantined"),
    Sight.STALE: Word("久未更新", "degraded"),
    Sight.WAITING: Word("等第一次", "new"),
    Sight.UNSEEN: Word("没有看到", "new"),
}
_TROUBLED = (Sight.PARTIAL, Sight.ILL, Sight.STALE)


def page(console: Console, request: Request) -> Response:
    """Show a line per platform, by group."""
    with console.store.read() as queries:
        coverage = survey(queries, console.project, console.clock.now())
    groups = [(name, list(lines)) for name, lines in groupby(coverage.lines, lambda one: one.group)]
    return console.page(
        request,
        "coverage.html",
        coverage=coverage,
        groups=groups,
        sights=SIGHTS,
        seen=coverage.count(Sight.SEEN),
        troubled=coverage.count(*_TROUBLED),
        unseen=coverage.count(Sight.UNSEEN, Sight.WAITING),
    )
