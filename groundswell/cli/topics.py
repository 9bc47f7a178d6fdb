"""groundswell topics: what people were unhappy about in a week; cluster propose: likely pairs."""

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
    say,
    show,
    table,
)

if TYPE_CHECKING:
    from storage.records import BrandTopics, ClusterId, MergeProposal, Topic

_DIRECTIONS = {"new": "新 new", "up": "升 up", "down": "降 down", "steady": "平 steady"}
_SHOWN = 20  # topics of a brand in the table; --json and the console have all


class By(StrEnum):
    """What says that two clusters are alike."""

    WORDS = "words"
    MEANINGS = "meanings"


def register(app: typer.Typer) -> None:
    """Add `topics` to the command line."""
    app.command(
        help="What people were unhappy about, coarser than clusters. 本周大家在抱怨什么。"
        + example("groundswell topics", "groundswell topics --brand lanhe --days 7 --json")
    )(topics)


def register_proposing(app: typer.Typer) -> None:
    """Add `propose` to the commands about clusters."""
    app.command(
        help="Find clusters that may be one, for people to decide. 找出可能是同一件事的聚类。\n\n"
        "Nothing is merged. What people refused is never proposed again. --by meanings needs the "
        "extra: pip install 'groundswell[meanings]'."
        + example("groundswell cluster propose", "groundswell cluster propose --dry-run --json")
    )(propose)


def topics(
    context: typer.Context,
    brand: Annotated[str | None, typer.Option(help="only this brand")] = None,
    days: Annotated[int, typer.Option(min=1, max=92, help="local days, the last one included")] = 7,
    day: Annotated[
        str | None, typer.Option(help="the last day, e.g. 2026-11-22 (default: today)")
    ] = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the topics of every brand."""
    from datetime import UTC, date, datetime

    from config.errors import ConfigError
    from groundswell import wiring
    from groundswell.topics import survey_topics

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with (
        wiring.opened(choices.config, choices.database) as (project, store),
        store.read() as queries,
    ):
        try:
            now = datetime.now(UTC)
            today = now.astimezone(project.settings.zone).date()
            last = date.fromisoformat(day) if day else today
            found = survey_topics(queries, project, last, days, brand, now=now)
        except (ValueError, OverflowError) as error:
            raise ConfigError(f"--day {day!r}: expected a day such as 2026-11-22") from error
    show(choices, list(found), _lines(found, f"{last}，{days} 天"))


def _lines(found: tuple[BrandTopics, ...], range_: str) -> Iterator[str]:
    for one in found:
        competitor = "（竞品）" if one.competitor else ""
        yield f"{one.name}{competitor}（截至 {range_}，{one.authors} 人 {one.mentions} 条）"
        if one.topics:
            header = ("class", "topic", "authors", "before", "", "mentions", "copies", "clusters")
            yield from table(header, [_row(topic) for topic in one.topics[:_SHOWN]])
        if len(one.topics) > _SHOWN:
            yield f"另有 {len(one.topics) - _SHOWN} 个话题 more: --json"
        for rest in one.rest:
            yield f"单独的 alone: {rest.issue_class} {rest.mentions} 条"
        if not one.mentions:
            yield "没有收到抱怨 nothing"


def _row(topic: Topic) -> tuple[str, ...]:
    named = f"{topic.issue_class}·{topic.sub_class}" if topic.sub_class else topic.issue_class
    return (
        named,
        topic.label,
        str(topic.authors),
        str(topic.authors_before),
        _DIRECTIONS[topic.direction] + (" ?" if topic.is_doubtful else ""),
        str(topic.mentions),
        f"{topic.copies_share:.0%}",
        str(len(topic.clusters)),
    )


def propose(
    context: typer.Context,
    brand: Annotated[str | None, typer.Option(help="only this brand")] = None,
    by: Annotated[
        By | None, typer.Option(help="who speaks (default: clusters.propose, else words)")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show them, keep nothing")] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find proposals and keep them."""
    from datetime import UTC, datetime

    from groundswell import wiring
    from groundswell.proposing import Proposer

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with wiring.opened(choices.config, choices.database) as (project, store):
        wanted = project.settings.clusters.propose
        way: By = by or (By.MEANINGS if wanted == "meanings" else By.WORDS)
        proposer = Proposer(store, project)
        found = proposer.find(datetime.now(UTC), way.value, brand)
        new = 0 if dry_run else proposer.keep(found)
        with store.read() as queries:
            labels = {
                one: (cluster.label if (cluster := queries.cluster(one)) else "")
                for pair in found
                for one in (pair.first_id, pair.second_id)
            }
    if not choices.as_json:
        say(f"找到 {len(found)} 对，新的 {new} 对（按 {way.value}）found, new")
    show(choices, found, _pairs(found, labels))


def _pairs(found: list[MergeProposal], labels: dict[ClusterId, str]) -> Iterator[str]:
    for one in found:
        yield f"{one.score:.2f}  {one.first_id} {labels[one.first_id]}"
        yield f"      {one.second_id} {labels[one.second_id]}"
        yield f"      {one.why}"
