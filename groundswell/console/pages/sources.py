"""The health of the sources: which are well, which are not, why, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from config.schema import SourceConfig
from crawlers.readers import starts
from groundswell.console.base import Console
from groundswell.console.pages.source_try import may_try
from groundswell.drift import WORDS, Drift, drift_of
from groundswell.sourcing_advice import advice_for
from storage.records import FetchEvent, SourceHealth, SourceId, SourceState

_POLLS_SHOWN = 30
_SEEN_OVER = timedelta(days=1)
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
    drift: Drift | None = None  # how its texts stand against its own past, once measured

    @property
    def name(self) -> str:
        """What people call it."""
        return self.config.name if self.config else self.state.source_id

    @property
    def drift_text(self) -> str:
        """How its texts stand against its own four weeks before, "" when that is not known."""
        if self.drift is None or self.drift.state == "few":
            return ""
        return "：".join(filter(None, (WORDS[self.drift.state], "；".join(self.drift.reasons))))

    @property
    def advice(self) -> str:
        """What to do about its trouble, "" when it has none."""
        return advice_for(self.state.cause.value)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that it is fetched from."""
        found = () if self.config is None else starts(self.config)
        return tuple(dict.fromkeys(filter(None, (_host(start) for start in found))))

    @property
    def interval(self) -> str:
        """How often it is polled now, and within which bounds."""
        if self.config is None:
            return ""
        rules = self.config.schedule
        now = timedelta(seconds=self.state.interval_s) if self.state.interval_s else rules.every
        bounds = f"（自适应，{span(rules.min)} 到 {span(rules.max)}）" if rules.adaptive else ""
        return f"每 {span(now)}{bounds}"


def span(length: timedelta) -> str:
    """Write a length of time in its largest whole unit."""
    seconds = round(length.total_seconds())
    for unit, size in (("天", 86400), ("小时", 3600), ("分钟", 60)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds} 秒"


def _host(start: str) -> str:
    try:
        return urlsplit(start).netloc
    except ValueError:
        return ""


def list_page(console: Console, request: Request) -> Response:
    """Show every source, the ill ones first."""
    now = console.clock.now()
    with console.store.read() as queries:
        drifts = drift_of(queries, console.project, now)
        states = {state.source_id: state for state in queries.sources()}
        for source in console.project.sources:
            states.setdefault(SourceId(source.id), SourceState(source_id=SourceId(source.id)))
        rows = [
            Row(
                config=console.project.source(source_id),
                state=state,
                events=queries.fetch_events(source_id, _POLLS_SHOWN),
                drift=drifts.get(source_id),
            )
            for source_id, state in states.items()
        ]
    rows.sort(key=lambda row: (row.config is None, _ORDER[row.state.health], row.name))
    template = "source_rows.html" if request.headers.get("hx-request") else "sources.html"
    return console.page(request, template, rows=rows)


def source_page(console: Console, request: Request) -> Response:
    """Show one source: how it is, what to do, its last polls and pages."""
    source_id = SourceId(str(request.path_params["source"]))
    config = console.project.source(source_id)
    now = console.clock.now()
    with console.store.read() as queries:
        state = queries.source(source_id) or (SourceState(source_id=source_id) if config else None)
        if state is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "没有这个信源")
        events = queries.fetch_events(source_id, _POLLS_SHOWN)
        drift = drift_of(queries, console.project, now).get(source_id)
        whole = queries.completeness(console.project, now - _SEEN_OVER, now, now)
        kept = {kind: queries.page(source_id, kind) for kind in ("good", "bad")}
    cover = next((one for one in whole.sources if one.source_id == source_id), None)
    return console.page(
        request,
        "source.html",
        row=Row(config=config, state=state, events=events, drift=drift),
        cover=cover,
        kept={kind: page[2] for kind, page in kept.items() if page is not None},
        may_try=may_try(request),
        can_try=may_try(request) and config is not None and console.bench is not None,
    )
