"""groundswell label: what people say of verdicts, and what they are asked."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli.output import (
    Choices,
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
    from groundswell.label_desk import LabelDesk
    from groundswell.label_stats import Figures, Share
    from groundswell.label_values import Speaker
    from storage.records import Correction

_EXPORTED = 1_000_000  # corrections; more than people make in years
_LEGEND = (
    "precision：模型判负面的里面，人也说负面的；missed：模型没判负面、人说是负面的；"
    "by lot：只算抽查的，没有偏差。方括号是 95 % 区间。"
)
_SHOWN = 44  # characters of a text in a list
_SAID_AT_ONCE = 200  # corrections of a file in one transaction

ActorOption = Annotated[str, typer.Option("--by", help="who says it (default: your login name)")]


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(
        help="Correct verdicts; they hold at once and train the next model. 复核与纠正。"
        + example("groundswell label queue"),
        no_args_is_help=True,
    )
    for command, text, shown in _COMMANDS:
        name = shown.split()[1]
        app.command(name, help=text + example(f"groundswell {shown}"))(command)
    return app


def add(
    context: typer.Context,
    mention: Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="the mention's id")],
    brand: Annotated[str, typer.Option(help="brand id; not needed where there is one")] = "",
    polarity: Annotated[str, typer.Option(help="negative, not_negative, positive")] = "",
    issue: Annotated[str, typer.Option(help="class, or class/sub-class")] = "",
    noise: Annotated[str, typer.Option(help="advert, lottery …, or none")] = "",
    about: Annotated[str, typer.Option(help="brand it is about instead, or none")] = "",
    severity: Annotated[str, typer.Option(help="fact=yes or fact=no, such as fire=no")] = "",
    note: Annotated[str, typer.Option(help="why")] = "",
    actor: ActorOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Correct one verdict. A value of "withdrawn" takes what was said of that kind back."""
    from config.errors import GroundswellError
    from groundswell.label_values import make, named_brand, read_value, with_brand
    from storage.records import BrandId, MentionId

    given = {"polarity": polarity, "issue": issue, "noise": noise, "brand": about,
             "severity": severity}  # fmt: skip
    choices = chosen(context, config=config, database=database, as_json=as_json)
    with _desk(choices) as desk:
        with desk.store.read() as queries:
            verdicts = queries.verdicts(mention)
        try:
            brand_id = named_brand(brand, verdicts, desk.project)
            values = {
                kind: read_value(desk.project, kind, text, brand_id)
                for kind, text in given.items()
                if text
            }
        except ValueError as error:
            raise typer.BadParameter(f"mention {mention}: {error}") from error
        if not values:
            raise typer.BadParameter("nothing said: give --polarity, --issue, --noise, --about …")
        done = desk.say(
            make(
                MentionId(mention),
                BrandId(brand_id),
                with_brand(values, brand_id, verdicts),
                _speaker(desk, actor, "cli"),
                note=note,
            )
        )
        if not done.corrections:
            raise GroundswellError("nothing was stored")
    show(
        choices, done, [*map(_line, done.corrections), *_follows(len(done.clusters), done.waiting)]
    )


def undo(
    context: typer.Context,
    actor: ActorOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take back the last answer of the last 24 hours."""
    choices = chosen(context, config=config, database=database, as_json=as_json)
    with _desk(choices) as desk:
        done = desk.undo(_speaker(desk, actor, "cli").actor, "cli")
    taken = done.corrections if done else ()
    lines = [*map(_line, taken)] or ["没有可以撤销的 (nothing said within 24 hours)"]
    show(choices, {"corrections": taken}, lines)


def list_(
    context: typer.Context,
    brand: Annotated[str | None, typer.Option(help="only this brand")] = None,
    kind: Annotated[
        str | None, typer.Option(help="polarity, issue, brand, noise, severity")
    ] = None,
    n: Annotated[int, typer.Option("--n", help="how many")] = 50,
    conflicts: Annotated[bool, typer.Option(help="only where people differ")] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List corrections."""
    from groundswell import wiring

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with wiring.opened(choices.config, choices.database) as (_, store), store.read() as queries:
        if conflicts:
            differing = queries.label_conflicts(kind)
            found = [
                word for one in differing for word in one.words if brand in {None, word.brand_id}
            ]
        else:
            found = queries.corrections(limit=n, brand_id=brand, kind=kind)
    lines = [*map(_line, found)] or ["还没有人纠正过 (no corrections)"]
    show(choices, {"corrections": found}, lines)


def queue(
    context: typer.Context,
    n: Annotated[int, typer.Option("--n", help="how many to show", min=1)] = 20,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is still asked today; its order stands until midnight."""
    from groundswell.labelling import REASONS

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with _desk(choices) as desk:
        waiting = desk.queue()
        with desk.store.read() as queries:
            texts = queries.review_texts([one.mention_id for one in waiting[:n]])
    items = [
        {"item": one, "text": texts[one.mention_id].text, "title": texts[one.mention_id].title}
        for one in waiting[:n]
        if one.mention_id in texts
    ]
    rows = [
        (
            one.mention_id,
            one.brand_id,
            "、".join(REASONS.get(reason, reason) for reason in one.reasons),
            _short(texts[one.mention_id].title or texts[one.mention_id].text),
        )
        for one in waiting[:n]
        if one.mention_id in texts
    ]
    lines = table(("mention", "brand", "why", "text"), rows) if rows else ["今天没有要复核的了"]
    show(choices, {"items": items, "left": len(waiting)}, lines)


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV or .xlsx: mention, url or text, and labels")],
    dry_run: Annotated[bool, typer.Option(help="check it, store nothing")] = False,
    actor: ActorOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import labels. Nothing is stored while a row is wrong; a second time adds nothing."""
    from classify.privacy import mask
    from groundswell.label_files import read_labels

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with _desk(choices) as desk:
        speaker = _speaker(desk, actor, "csv")
        with desk.store.read() as queries:
            read = read_labels(file, queries, desk.project, speaker, mask)
        stored = 0
        if not read.problems and not dry_run:
            for start in range(0, len(read.corrections), _SAID_AT_ONCE):
                done = desk.say(read.corrections[start : start + _SAID_AT_ONCE])
                stored += len(done.corrections)
    document = {"rows": read.rows, "corrections": len(read.corrections), "stored": stored,
                "problems": read.problems}  # fmt: skip
    told = "检查过，没有写入 (dry run)" if dry_run else f"写入 {stored} 条"
    summary = f"{read.rows} 行，{len(read.corrections)} 条新的纠正，{told}"
    show(choices, document, [*read.problems, summary] if not read.problems else read.problems)
    if read.problems:
        say(f"{len(read.problems)} 行有问题，什么都没有写入 (nothing was stored)")
        raise typer.Exit(1)


def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="where to")],
    with_text: Annotated[bool, typer.Option(help="the texts of the mentions too")] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write every correction, oldest first."""
    from groundswell import wiring
    from groundswell.label_files import write_labels

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with wiring.opened(choices.config, choices.database) as (_, store), store.read() as queries:
        found = queries.corrections(limit=_EXPORTED)[::-1]
        mentions = queries.review_texts([one.mention_id for one in found])
        n = write_labels(file, found, mentions, texts=with_text)
    show(choices, {"rows": n, "file": file}, [f"{n} 条 → {file}"])


def stats(
    context: typer.Context,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show precision per source and brand, where people differ, and whom one could leave out."""
    from groundswell import wiring
    from groundswell.label_stats import figures, suggestions

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with wiring.opened(choices.config, choices.database) as (_, store), store.read() as queries:
        judged = queries.judged()
        conflicts = len(queries.label_conflicts())
    found, advice = figures(judged), suggestions(judged)
    head = ("source", "brand", "labels", "precision", "by lot", "missed", "by lot")
    lines = [
        *table(head, map(_figures_row, found)),
        _LEGEND,
        *(
            [f"有 {conflicts} 处几个人说法不一：groundswell label list --conflicts"]
            * bool(conflicts)
        ),
        *(one.text for one in advice),
    ]
    documents = [_figures_document(one) for one in found]
    show(choices, {"figures": documents, "conflicts": conflicts, "suggestions": advice}, lines)


@contextmanager
def _desk(choices: Choices) -> Iterator[LabelDesk]:
    from groundswell import wiring
    from groundswell.clock import RealClock
    from groundswell.label_desk import LabelDesk

    with wiring.opened(choices.config, choices.database) as (project, store):
        links = wiring.make_links(project, store)
        yield LabelDesk(store=store, project=project, clock=RealClock(), links=links)


def _speaker(desk: LabelDesk, actor: str, door: str) -> Speaker:
    from groundswell.label_values import Speaker

    return Speaker(actor=actor or getpass.getuser(), door=door, at=desk.clock.now())


def _line(one: Correction) -> str:
    note = f"　{one.note}" if one.note else ""
    at = f"{one.at.astimezone():%m-%d %H:%M}"
    return (
        f"{one.correction_no:>5}  {at}  提及 {one.mention_id}  {one.brand_id}  {one.kind}: "
        f"{one.was or '—'} → {one.value or '—'}  {one.actor}{note}"
    )


def _follows(clusters: int, waiting: int) -> list[str]:
    told = []
    if clusters:
        told.append(f"重新统计并评级 {clusters} 个聚类 (clusters counted and graded again)")
    if waiting:
        told.append(f"{waiting} 条等待聚类：正在运行的 run 会接着做 (waiting to be gathered)")
    return told


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"


def _figures_row(one: Figures) -> tuple[str, ...]:
    shares = (one.precision, one.precision_by_lot, one.missed, one.missed_by_lot)
    return (
        one.source_id or "全部",
        one.brand_id or "全部",
        str(one.labels),
        *(_share_text(share) for share in shares),
    )


def _share_text(one: Share) -> str:
    if one.share is None:
        return "—"
    low, high = one.interval
    return f"{one.share:.0%} [{low:.0%}–{high:.0%}] n={one.n}"


def _figures_document(one: Figures) -> dict[str, object]:
    shares = ("precision", "precision_by_lot", "missed", "missed_by_lot")
    found: dict[str, Share] = {name: getattr(one, name) for name in shares}
    return {
        "source_id": one.source_id,
        "brand_id": one.brand_id,
        "labels": one.labels,
        **{
            name: {"share": share.share, "n": share.n, "hits": share.hits,
                   "interval": share.interval}
            for name, share in found.items()
        },
    }  # fmt: skip


_COMMANDS = (
    (
        add,
        "Say what a verdict should be; it holds at once. 纠正一条判定。",
        "label add 1024 --polarity not_negative --note 反话看错了",
    ),
    (undo, "Take back what you said last. 撤销自己上一次的纠正。", "label undo"),
    (list_, "What people said, newest first. 纠正记录。", "label list --brand lanhe"),
    (queue, "What is most worth a look today. 今天最值得复核的。", "label queue --n 20"),
    (
        import_,
        "Read labels from a table; all mistakes at once. 导入标注。",
        "label import labels.csv --dry-run",
    ),
    (export, "Write labels as CSV; no cell is a formula. 导出标注。", "label export labels.csv"),
    (stats, "How right the model is, as people see it. 模型准不准。", "label stats"),
)
