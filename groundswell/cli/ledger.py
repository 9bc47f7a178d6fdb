"""groundswell ledger: what became of the alarms, and what the rules cost people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli.output import (
    ConfigOption,
    DatabaseOption,
    JsonOption,
    chosen,
    example,
    say,
    show,
    table,
)

if TYPE_CHECKING:
    from alerts.ledger import Precision
    from config.schema import Project
    from groundswell.ledger import Ledger
    from groundswell.suggesting import Suggestion


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "ledger",
        help="What became of the alarms: precision by rule, source and person, false alarms with "
        "their reasons, answers, budgets. 误报台账。"
        + example("groundswell ledger --days 28", "groundswell ledger --suggest"),
    )(ledger_)


def ledger_(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=366, help="how many days back")] = 28,
    suggest: Annotated[
        bool, typer.Option("--suggest", help="make this week's suggestion now; up to a minute")
    ] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the ledger."""
    from groundswell import wiring
    from groundswell.clock import RealClock
    from groundswell.ledger import ledger_of
    from groundswell.suggesting import Advisor, last_suggestion

    choices = chosen(context, config=config, database=database, as_json=as_json)
    now = RealClock().now()
    with wiring.opened(choices.config, choices.database) as (project, store):
        if suggest:
            say("重演存下的内容 rehearsing …")
            Advisor(store=store, project=project).make(now)
        with store.read() as queries:
            found = ledger_of(queries, project, now, days)
            suggestion = last_suggestion(queries)
    lines = lines_of(found, project, suggestion)
    show(choices, {"ledger": found, "suggestion": suggestion}, lines)


def lines_of(ledger: Ledger, project: Project, suggestion: Suggestion | None) -> Iterator[str]:
    """Yield the ledger for people."""
    from alerts.false_alarms import FalseAlarm
    from alerts.ledger import rule_words

    names = {one.id: one.name for one in project.owners}
    names |= {one.id: one.name for one in project.sources}
    names |= {one.id: one.name for one in project.brands}
    whole = ledger.whole
    yield (
        f"近 {ledger.days} 天 {len(ledger.alarms)} 次预警：真 true {whole.true}，"
        f"误报 false {whole.false}，未定 undecided {whole.undecided}；准确率 {_share(whole)}"
    )
    for code, n in ledger.reasons:
        yield f"  {FalseAlarm(code).zh} {n}"
    for zh, rows, name in (
        ("规则 rule", ledger.rules, rule_words),
        ("信源 source", ledger.sources, lambda one: names.get(one, one)),
        ("人 person", ledger.people, lambda one: names.get(one, one)),
    ):
        yield ""
        header = (zh, "准确率 precision", "真", "误报", "未定")
        cells = [(name(one.name), _share(one), one.true, one.false, one.undecided) for one in rows]
        yield from table(header, cells)
    yield from _answers(ledger, names)
    yield from _budgets(ledger)
    if suggestion is not None:
        yield from ("", "本周建议 suggestion", *(f"  {line}" for line in suggestion.lines))
        if suggestion.command:
            yield f"  {suggestion.command}"


def _answers(ledger: Ledger, names: Mapping[str, str]) -> Iterator[str]:
    if not ledger.answers:
        return
    yield ""
    yield from table(
        ("首次公开回应 first answer", "级别", "事件", "中位数", "九成以内", "尚无回应"),
        [
            (
                names.get(one.brand_id, one.brand_id),
                one.level.zh,
                one.incidents,
                _span(one.median),
                _span(one.p90),
                f"{one.unanswered:.0%}",
            )
            for one in ledger.answers
        ],
    )


def _budgets(ledger: Ledger) -> Iterator[str]:
    from alerts.ledger import rule_words

    for one in ledger.budgets:
        over = "（已用完 over budget）" if one.is_over else ""
        by = "、".join(f"{rule_words(rule)} {n}" for rule, n in one.rules[:3])
        used = f"今天 {one.today}/{one.budget}{over}，近 7 天 {one.week}"
        yield f"预算 budget  {one.name}  {used}  {by}"


def _share(one: Precision) -> str:
    if one.value is None or one.low is None or one.high is None:
        return "未定"
    return f"{one.value:.0%}（{one.low:.0%}–{one.high:.0%}，n={one.n}）"


def _span(span: object) -> str:
    from datetime import timedelta

    from alerts.messages import duration_words

    return duration_words(span) if isinstance(span, timedelta) else "—"
