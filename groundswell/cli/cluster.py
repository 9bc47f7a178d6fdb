"""groundswell cluster: what gathers, why it is one, and what people say of it."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli.output import (
    Choices,
    ConfigOption,
    DatabaseOption,
    JsonOption,
    chosen,
    example,
    show,
    table,
)

if TYPE_CHECKING:
    from datetime import datetime

    from groundswell.cluster_desk import ClusterDesk, Edited
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
OtherArgument = Annotated[str, typer.Argument(help="the other cluster")]
MentionsArgument = Annotated[
    list[int], typer.Argument(min=1, max=2**63 - 1, help="ids of mentions; copies come along")
]
NoteOption = Annotated[str, typer.Option(help="why, for those who read the journal")]
ActorOption = Annotated[str, typer.Option("--by", help="who says it (default: your login name)")]


def register(app: typer.Typer) -> None:
    """Add the commands to the noun `cluster`."""
    for name, command, text, shown in _COMMANDS:
        app.command(name, help=text + example(f"groundswell cluster {shown}"))(command)


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
    from groundswell.clock import RealClock
    from storage.records import BrandId

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with _reading(choices) as queries:
        found = queries.growing(
            RealClock().now(),
            brand_id=BrandId(brand) if brand else None,
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
    doubling = "" if growth.doubling_h is None else f"，{growth.doubling_h:.1f} h 翻一倍 doubling"
    yield (
        f"增长 growth  24 h 内 {growth.authors_24h} 人，此前 24 h {growth.authors_before_24h} 人"
        f"{doubling}"
    )
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


# --- edits ----------------------------------------------------------------------------------------


def merge(
    context: typer.Context,
    cluster: ClusterArgument,
    other: OtherArgument,
    note: NoteOption = "",
    by: ActorOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make two clusters one; the older id survives."""
    choices = chosen(context, config=config, database=database, as_json=as_json)
    with _desk(choices, by) as (desk, actor, find):
        done = desk.merge(find(cluster), find(other), actor, _now(), note)
    _report(choices, done)


def split(
    context: typer.Context,
    cluster: ClusterArgument,
    mentions: MentionsArgument,
    note: NoteOption = "",
    by: ActorOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take mentions out into a cluster of their own."""
    choices = chosen(context, config=config, database=database, as_json=as_json)
    with _desk(choices, by) as (desk, actor, find):
        done = desk.split(find(cluster), mentions, actor, _now(), note)
    _report(choices, done)


def move(
    context: typer.Context,
    mentions: MentionsArgument,
    to: Annotated[str, typer.Option(help="the cluster they belong to")],
    note: NoteOption = "",
    by: ActorOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put mentions into another cluster."""
    choices = chosen(context, config=config, database=database, as_json=as_json)
    with _desk(choices, by) as (desk, actor, find):
        done = desk.move(mentions, find(to), actor, _now(), note)
    _report(choices, done)


def rename(
    context: typer.Context,
    cluster: ClusterArgument,
    label: Annotated[str, typer.Argument(help='the name; "" gives it back to the program')],
    by: ActorOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Name a cluster; the program does not rename it any more."""
    choices = chosen(context, config=config, database=database, as_json=as_json)
    with _desk(choices, by) as (desk, actor, find):
        done = desk.rename(find(cluster), label, actor, _now())
    _report(choices, done)


def pin(
    context: typer.Context,
    cluster: ClusterArgument,
    by: ActorOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep a cluster as it is: no automatic merge, split or retirement."""
    choices = chosen(context, config=config, database=database, as_json=as_json)
    with _desk(choices, by) as (desk, actor, find):
        done = desk.pin(find(cluster), actor, _now())
    _report(choices, done)


def unpin(
    context: typer.Context,
    cluster: ClusterArgument,
    by: ActorOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let the automatic passes at a pinned cluster again."""
    choices = chosen(context, config=config, database=database, as_json=as_json)
    with _desk(choices, by) as (desk, actor, find):
        done = desk.unpin(find(cluster), actor, _now())
    _report(choices, done)


def apart(
    context: typer.Context,
    cluster: ClusterArgument,
    other: OtherArgument,
    note: NoteOption = "",
    by: ActorOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that two clusters are not the same: they are never merged by themselves."""
    choices = chosen(context, config=config, database=database, as_json=as_json)
    with _desk(choices, by) as (desk, actor, find):
        done = desk.apart(find(cluster), find(other), actor, _now(), note)
    _report(choices, done)


def together(
    context: typer.Context,
    cluster: ClusterArgument,
    other: OtherArgument,
    by: ActorOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take "apart" back; nothing is merged by it."""
    choices = chosen(context, config=config, database=database, as_json=as_json)
    with _desk(choices, by) as (desk, actor, find):
        done = desk.together(find(cluster), find(other), actor, _now())
    _report(choices, done)


def undo(
    context: typer.Context,
    rows: Annotated[
        list[int], typer.Argument(min=1, max=2**63 - 1, help="numbers of the journal's rows")
    ],
    by: ActorOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take rows of the journal back, whoever wrote them: all or none."""
    choices = chosen(context, config=config, database=database, as_json=as_json)
    with _desk(choices, by) as (desk, actor, _):
        done = desk.undo(rows, actor, _now())
    _report(choices, done)


def _report(choices: Choices, done: Edited) -> None:
    lines = [journal_line(event) for event in done.events]
    lines += [f"事件 incident  {one.code} → {one.state}  {one.title}" for one in done.incidents]
    if all(event.kind != "undo" for event in done.events):
        numbers = " ".join(str(event.event_no) for event in done.events)
        lines.append(f"撤销 to take it back: groundswell cluster undo {numbers}")
    show(choices, done, lines)


def _now() -> datetime:
    from groundswell.clock import RealClock

    return RealClock().now()


@contextmanager
def _reading(choices: Choices) -> Iterator[Queries]:
    from groundswell import wiring

    opened = wiring.opened(choices.config, choices.database)
    with opened as (_, store), store.read() as queries:
        yield queries


@contextmanager
def _desk(choices: Choices, by: str) -> Iterator[tuple[ClusterDesk, str, Callable[[str], str]]]:
    """Give the desk, who acts, and what finds a cluster by what was typed."""
    from groundswell import wiring
    from groundswell.cluster_desk import ClusterDesk
    from groundswell.hot import HotLists

    with wiring.opened(choices.config, choices.database) as (project, store):
        links = wiring.make_links(project, store)

        def find(name: str) -> str:
            with store.read() as queries:
                return queries.named_cluster(name).cluster_id

        desk = ClusterDesk(store, project, HotLists(project), links)
        yield desk, by or getpass.getuser(), find


_COMMANDS: tuple[tuple[str, Callable[..., None], str, str], ...] = (
    ("list", list_, "Clusters, growing first. 正在聚集的投诉。", "list --hours 72"),
    ("show", show_, "One cluster: name, face, growth, members, kin. 聚类详情。",
     "show lanhe-dd6equsm"),
    ("journal", journal_, "What became of a cluster, row by row. 聚类日志。",
     "journal lanhe-dd6equsm"),
    ("merge", merge, "Two clusters are one; the older id survives. 合并。",
     'merge lanhe-dd6equsm lanhe-rzo3rdhs --note "同一批次"'),
    ("split", split, "These mentions are another matter. 拆分。",
     "split lanhe-dd6equsm 12 15 31"),
    ("move", move, "These mentions belong to another cluster. 移动提及。",
     "move 12 15 --to lanhe-rzo3rdhs"),
    ("rename", rename, "Name a cluster; it keeps that name. 改名。",
     "rename lanhe-dd6equsm 充电器接口发热"),
    ("pin", pin, "Keep a cluster as it is. 固定。", "pin lanhe-dd6equsm"),
    ("unpin", unpin, "Let the program at it again. 取消固定。", "unpin lanhe-dd6equsm"),
    ("apart", apart, "Two clusters are not the same; never merge them. 标为不合并。",
     "apart lanhe-dd6equsm lanhe-rzo3rdhs"),
    ("together", together, "Take “apart” back. 取消不合并。",
     "together lanhe-dd6equsm lanhe-rzo3rdhs"),
    ("undo", undo, "Take rows of the journal back. 撤销改动。", "undo 17"),
)  # fmt: skip
