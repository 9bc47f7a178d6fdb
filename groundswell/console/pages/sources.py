"""The health of the sources: which are well, which are not, and why."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from config.schema import SourceConfig
from groundswell.console.base import Console
from storage.records import FetchEvent, SourceHealth, SourceId, SourceState

_POLLS_SHOWN = 30
_ORDER = {
    SourceHealth.QUARANTINED: 0,
    SourceHealth.DEGRADED: 1,
    SourceHealth.NEW: 2,
    SourceHealth.OK: 3,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One source: its configuration (None when it was taken out), state and last polls."""

    config: SourceConfig | None
    state: SourceState
    events: list[FetchEvent]

    @property
    def name(self) -> str:
        """What people call it."""
        return self.config.name if self.config else self.state.source_id


def list_page(console: Console, request: Request) -> Response:
    """Show every source, the ill ones first."""
    with console.store.read() as queries:
        states = {state.source_id: state for state in queries.sources()}
        for source in console.project.sources:
            states.setdefault(SourceId(source.id), SourceState(source_id=SourceId(source.id)))
        rows = [
            Row(
                config=console.project.source(source_id),
                state=state,
                events=queries.fetch_events(source_id, _POLLS_SHOWN),
            )
            for source_id, state in states.items()
        ]
    rows.sort(key=lambda row: (row.config is None, _ORDER[row.state.health], row.name))
    template = "source_rows.html" if request.headers.get("hx-request") else "sources.html"
    return console.page(request, template, rows=rows)


def source_page(console: Console, request: Request) -> Response:
    """Show the last polls of one source."""
    source_id = SourceId(str(request.path_params["source"]))
    config = console.project.source(source_id)
    with console.store.read() as queries:
        known = {state.source_id: state for state in queries.sources()}
        state = known.get(source_id) or (SourceState(source_id=source_id) if config else None)
        if state is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "没有这个信源")
        events = queries.fetch_events(source_id, _POLLS_SHOWN)
    row = Row(config=config, state=state, events=events)
    return console.page(request, "source.html", row=row)
