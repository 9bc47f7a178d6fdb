"""groundswell cluster list, show, journal: what gathers, and why it is one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli.cluster_tune import brand_id_of
from groundswell.cli.output import (
    Choices,
    ConfigOption,
    DatabaseOption,
    JsonOption,
    chosen,
    show,
    table,
)

if TYPE_CHECKING:
    from storage.queries import Queries
    from storage.records import (
        Cluster,
        ClusterEvent,
        ClusterId,
        Growth,
        GrowthLine,
        Mention,
        Verdict,
    )

_MEMBERS = 10  # of a cluster that are shown unless asked for more
_TEXT = 40  # characters of a text in a line

ClusterArgument = Annotated[str, typer.Argument(help="id, former id, or beginning of one")]


def list_(
    context: typer.Context,
    brand: Annotated[str | None, typer.Option(help="only this brand")] = None,
    hours: Annotated[int, typer.Option(min=1, max=8760, help="wrote within so many hours")] = 24,
    n: Annotated[int, typer.Option("--n", min=1, max=1000, help="how many")] = 20,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List clusters, growing first."""
    from groundswell import wiring
    from groundswell.clock import RealClock

    choices = chosen(context, config=config, database=database, as_json=as_json)
    opened = wiring.opened(choices.config, choices.database)
    with opened as (project, store), store.read() as queries:
        found = queries.growing(
            RealClock().now(),
            brand_id=brand_id_of(project, brand),
            window_h=hours,
            limit=n,
        )
    header = ("cluster", "24h", "before", "authors", "mentions", "copies", "incident", "label")
    lines = table(header, map(_list_line, found)) if found else [_none(hours)]
    show(choices, {"clusters": found}, lines)


def _none(hours: int) -> str:
    return f"最近 {hours} 小时没有聚类有新的提及；用 --hours 看更久 (nothing gathered; try --hours)"


def _list_line(line: GrowthLine) -> Sequence[object]:
    return (
        line.cluster.cluster_id,
        line.authors_24h,
        line.authors_before_24h,
        line.authors,
        line.mentions,
        line.copies,
        line.incident_code or "—",
        line.cluster.label,
    )


def show_(
    context: typer.Context,
    cluster: ClusterArgument,
    n: Annotated[int, typer.Option("--n", min=1, max=1000, help="members shown")] = _MEMBERS,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one cluster: name, face, growth, members, kin, journal."""
    from groundswell.clock import RealClock

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with _reading(choices) as queries:
        found = queries.named_cluster(cluster)
        growth = queries.growth(found.cluster_id, RealClock().now())
        members = queries.cluster_mentions(found.cluster_id, n)
        aliases = [one.cluster_id for one in queries.cluster_aliases(found.cluster_id)]
        apart = [one.cluster_id for one in queries.clusters_apart(found)]
        journal = queries.cluster_story(found)
    parts = _parts(journal, (found.cluster_id, *aliases))
    document = {
        "cluster": found,
        "growth": growth,
        "members": [{"mention": mention, "verdict": verdict} for mention, verdict in members],
        "aliases": aliases,
        "parts": parts,
        "apart": apart,
        "journal": journal,
    }
    kin = [
        ("来自 came from", [found.parent_id] if found.parent_id else []),
        ("拆出 parts", parts),
        ("曾用编号 former ids", aliases),
        ("不合并 kept apart", apart),
    ]
    lines = [
        *_head(found, growth),
        *(f"{name}  {'、'.join(ids)}" for name, ids in kin if ids),
        *_member_lines(found, members),
        *map(journal_line, journal),
    ]
    show(choices, document, lines)


def _head(cluster: Cluster, growth: Growth) -> Iterator[str]:
    from alerts.growth import growth_words

    by = f"（{cluster.named_by} 命名 named by a person）" if cluster.named_by else ""
    yield f"{cluster.cluster_id}  {cluster.label or '—'}{by}"
    marks = [cluster.state, cluster.shard_id, *(["已固定 pinned"] if cluster.pinned else [])]
    yield f"状态 state  {'  '.join(marks)}"
    if cluster.keywords:
        yield f"关键词 keywords  {'、'.join(cluster.keywords)}"
    yield (
        f"规模 size  {growth.mentions} 条提及 mentions，{growth.authors} 人 authors，"
        f"{growth.texts} 种说法 texts，{growth.copies} 条转发 copies"
    )
    if grows := growth_words(growth):
        yield f"增长 growth  {grows}"
    if growth.first_at and growth.last_at:
        first, last = growth.first_at.astimezone(), growth.last_at.astimezone()
        yield f"时间 time  {first:%Y-%m-%d %H:%M} – {last:%Y-%m-%d %H:%M}"


def _member_lines(cluster: Cluster, members: Sequence[tuple[Mention, Verdict]]) -> Iterator[str]:
    for mention, _ in members:
        is_face = mention.mention_id == cluster.representative_id
        said = " ".join((mention.title or mention.text).split())[:_TEXT]
        mark = "代表 face" if is_face else "提及 mention"
        at = mention.published_at.astimezone()
        yield f"{mark}  {mention.mention_id}  {at:%m-%d %H:%M}  {mention.platform}  {said}"


def journal_(
    context: typer.Context,
    cluster: ClusterArgument,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show all rows of the journal that name a cluster, or what was merged into it."""
    choices = chosen(context, config=config, database=database, as_json=as_json)
    with _reading(choices) as queries:
        found = queries.named_cluster(cluster)
        events = queries.cluster_story(found)
    show(choices, {"cluster": found.cluster_id, "journal": events}, map(journal_line, events))


def _parts(journal: Sequence[ClusterEvent], family: Sequence[ClusterId]) -> list[ClusterId]:
    """Return what was split off these clusters and not taken back."""
    undone = {event.undoes for event in journal}
    return [
        event.other_id
        for event in journal
        if event.kind == "split"
        and event.cluster_id in family
        and event.other_id is not None
        and event.event_no not in undone
    ]


def journal_line(event: ClusterEvent) -> str:
    """Say in one line what a row of the journal tells."""
    from groundswell.cluster_desk import told

    at = event.at.astimezone()
    return f"{at:%m-%d %H:%M}  {event.kind}  {event.cluster_id}  {event.actor}  {told(event)}"


@contextmanager
def _reading(choices: Choices) -> Iterator[Queries]:
    from groundswell import wiring

    opened = wiring.opened(choices.config, choices.database)
    with opened as (_, store), store.read() as queries:
        yield queries
