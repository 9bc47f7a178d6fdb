"""groundswell cluster: people's word on what gathers; cluster_read shows it."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli.cluster_read import ClusterArgument, journal_, journal_line, list_, show_
from groundswell.cli.output import (
    Choices,
    ConfigOption,
    DatabaseOption,
    JsonOption,
    chosen,
    example,
    show,
)

if TYPE_CHECKING:
    from datetime import datetime

    from groundswell.cluster_desk import ClusterDesk, Edited

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
