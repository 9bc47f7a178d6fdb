"""The ledger: what became of the alarms, which rules erred, who is over his budget, answers."""

from __future__ import annotations

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from alerts.batches import GROUP_NAMES
from alerts.false_alarms import FalseAlarm
from alerts.ledger import rule_words
from alerts.messages import duration_words
from groundswell.console.base import Console
from groundswell.ledger import DAYS, ledger_of
from groundswell.misroutes import lines as misroute_lines
from groundswell.misroutes import survey as survey_misroutes
from groundswell.signal_record import record_line, signal_record
from groundswell.suggesting import last_suggestion

_CHOICES = (7, DAYS, 90)
_ROWS = 50  # of each table; the command line lists all
_DISMISSALS = 100


def page(console: Console, request: Request) -> Response:
    """Show the ledger of the last days."""
    asked = request.query_params.get("days", "")
    days = int(asked) if asked in {str(one) for one in _CHOICES} else DAYS
    with console.store.read() as queries:
        found = ledger_of(queries, console.project, console.clock.now(), days)
        suggestion = last_suggestion(queries)
        verdicts = signal_record(queries)
        misrouted = survey_misroutes(queries, console.clock.now(), days)
    project = console.project
    brands = {brand.id: brand.name for brand in project.brands}
    sources = {source.id: source.name for source in project.sources}
    tables = (
        ("rules", "按规则", "By rule", [(rule_words(one.name), one) for one in found.rules]),
        (
            "sources",
            "按信源",
            "By source",
            [(sources.get(o.name, o.name), o) for o in found.sources],
        ),
        ("people", "按人", "By person", [(console.person(one.name), one) for one in found.people]),
    )
    return console.page(
        request,
        "ledger.html",
        ledger=found,
        days=days,
        choices=_CHOICES,
        tables=[(key, zh, en, rows[:_ROWS], len(rows) - _ROWS) for key, zh, en, rows in tables],
        dismissals=found.dismissals[:_DISMISSALS],
        more_dismissals=max(0, len(found.dismissals) - _DISMISSALS),
        reasons=[(FalseAlarm(code).zh, n) for code, n in found.reasons],
        brands=brands,
        waited=_waited,
        rule_words=rule_words,
        suggestion=suggestion,
        verdicts=[record_line(one, GROUP_NAMES[one.kind]) for one in verdicts],
        misroutes=list(misroute_lines(console.project, misrouted, None)),
    )


def _waited(span: timedelta | None) -> str:
    return "—" if span is None else duration_words(span)
