"""groundswell sentiment: how much more praise than complaint, and what that rests on."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
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
    from groundswell.sentiment import BrandSentiment, Net, Sentiment


class By(StrEnum):
    """What a line stands for."""

    BRAND = "brand"
    DAY = "day"
    SOURCE = "source"


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command(
        help="Net sentiment per brand, with n, the unsure share and a 95 % interval. 净情感。"
        + example("groundswell sentiment", "groundswell sentiment --by source --days 7 --json")
    )(sentiment)


def sentiment(
    context: typer.Context,
    brand: Annotated[str | None, typer.Option(help="only this brand")] = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="local days, today included")] = 30,
    by: Annotated[By, typer.Option(help="what a line stands for")] = By.BRAND,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the figures."""
    from dataclasses import replace
    from datetime import UTC, datetime

    from config.errors import ConfigError
    from groundswell import wiring
    from groundswell.sentiment import survey_sentiment

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with (
        wiring.opened(choices.config, choices.database) as (project, store),
        store.read() as queries,
    ):
        if brand is not None and project.brand(brand) is None:
            known = ", ".join(one.id for one in project.brands)
            raise ConfigError(f'there is no brand "{brand}"; known: {known}')
        found = survey_sentiment(queries, project, datetime.now(UTC), days)
    kept = tuple(one for one in found.brands if brand in (None, one.brand_id))
    found = replace(found, brands=kept)
    show(choices, found, _lines(found, by))


def _lines(found: Sentiment, by: By) -> Iterator[str]:
    header = ("brand", by.value, "net", "95 %", "n", "positive", "negative", "unsure")
    rows = [(one, net) for one in found.brands for net in _chosen(one, by)]
    yield from table(header, [_row(one, net) for one, net in rows])
    for source in found.left_out:
        yield f"不计 left out: {source.name}（{source.n} 条）— {source.reason}"
    if found.noise:
        yield f"不计 left out: 广告、招聘、抽奖等 {found.noise} 条"


def _chosen(one: BrandSentiment, by: By) -> tuple[Net, ...]:
    match by:
        case By.DAY:
            return one.days
        case By.SOURCE:
            return one.sources
    return (one.whole,)


def _row(one: BrandSentiment, net: Net) -> tuple[str, ...]:
    few = net.net is None or net.low is None or net.high is None
    return (
        one.name + ("（竞品）" if one.competitor else ""),
        "-" if net.key == one.brand_id else net.key,
        "太少" if few else f"{net.net:+.2f}",
        "-" if few else f"{net.low:+.2f} … {net.high:+.2f}",
        str(net.n),
        str(net.positive),
        str(net.negative),
        f"{net.unsure_share:.0%}",
    )
