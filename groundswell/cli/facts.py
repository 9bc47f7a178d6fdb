"""groundswell facts: which batches stand out, and the counts that say so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli.output import (
    ConfigOption,
    DatabaseOption,
    JsonOption,
    chosen,
    example,
    show,
    table,
)

if TYPE_CHECKING:
    from groundswell.batches import BrandFacts


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command(
        help="Batch-defect signals and the counts behind them. 批次信号与交叉表。"
        + example("groundswell facts", "groundswell facts --brand lanhe --days 60 --json")
    )(facts)


def facts(
    context: typer.Context,
    brand: Annotated[str | None, typer.Option(help="only this brand")] = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="how far back to count")] = 30,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the signals and the cross table of every brand."""
    from datetime import UTC, datetime

    from config.errors import ConfigError
    from groundswell import wiring
    from groundswell.batches import survey_facts

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with (
        wiring.opened(choices.config, choices.database) as (project, store),
        store.read() as queries,
    ):
        if brand is not None and project.brand(brand) is None:
            known = ", ".join(one.id for one in project.brands)
            raise ConfigError(f'there is no brand "{brand}"; known: {known}')
        found = survey_facts(queries, project, datetime.now(UTC), days, brand)
    show(choices, list(found), _lines(found, days))


def _lines(found: tuple[BrandFacts, ...], days: int) -> Iterator[str]:
    from alerts.batches import GROUP_NAMES
    from groundswell.signal_record import record_line

    for one in found:
        yield f"{one.name}（近 {days} 天，{one.authors} 位投诉者）"
        if not one.signals:
            yield "  没有突出的批次 no signal"
        for signal in one.signals:
            yield f"  {signal.sentence}"
        for verdicts in one.record:
            yield f"  复核 verdicts  {record_line(verdicts, GROUP_NAMES[verdicts.kind])}"
        if one.rows:
            header = ("product", "kind", "group", "symptom", "authors", "of group", "expected")
            yield from table(
                header,
                [
                    (
                        row.product,
                        row.kind,
                        row.value,
                        row.symptom,
                        str(row.both),
                        str(row.group),
                        f"{row.expected:.1f}",
                    )
                    for row in one.rows
                ],
            )
