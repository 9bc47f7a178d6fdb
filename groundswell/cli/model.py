"""groundswell model: weights that learn from people's corrections, their gate, and their drift."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundswell.cli.model_lines import (
    drift_lines,
    figure_lines,
    list_lines,
    promoted_lines,
    ruling_lines,
    trained_lines,
)
from groundswell.cli.output import (
    ConfigOption,
    DatabaseOption,
    JsonOption,
    chosen,
    example,
    progress,
    say,
    show,
)

if TYPE_CHECKING:
    from groundswell.training import Progress

KindOption = Annotated[str | None, typer.Option("--kind", help="negative or issues")]
VersionArgument = Annotated[
    str | None, typer.Argument(help="a version; without one, that at work; shipped: ours")
]
ReasonOption = Annotated[str, typer.Option("--reason", help="why; kept in the log")]
_ACTOR = "command line"


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(
        help="Weights: train, judge, put to work, take back. 模型：训练、把关、上线、回滚。"
        + example("groundswell model list"),
        no_args_is_help=True,
    )
    app.command("train", help=_TRAIN)(train)
    app.command("list", help=_LIST)(list_)
    app.command("eval", help=_EVAL)(evaluate)
    app.command("promote", help=_PROMOTE)(promote)
    app.command("rollback", help=_ROLLBACK)(rollback)
    app.command("card", help=_CARD)(card)
    app.command("drift", help=_DRIFT)(drift)
    return app


_TRAIN = (
    "Learn from people's corrections, or rebuild from labelled sets, and say what the gate thinks;"
    " nothing is put to work. 训练并把关，不上线。"
    + example("groundswell model train", "groundswell model train --data sets/ --licence-clear")
)
_LIST = "List the versions, which is at work, and what happened to them. 列出各版本。" + example(
    "groundswell model list"
)
_EVAL = (
    "Compare a version with the one at work on held-out labels, or measure it on a file of"
    " text,label[,entity]. 评测一个版本。" + example("groundswell model eval shipped")
)
_PROMOTE = (
    "Put a version to work if the gate lets it; open incidents and the last 7 days are judged"
    " again. 上线一个版本。" + example("groundswell model promote negative-20261122-030000")
)
_ROLLBACK = "Take the newest promotion back. 回滚到上一个版本。" + example(
    'groundswell model rollback --reason "广告帖误判变多"'
)
_CARD = "Print the card of a version: what it learned from and how good it is. 模型卡。" + example(
    "groundswell model card"
)
_DRIFT = (
    "Show how the texts of each source have changed against its previous 28 days. 信源文字的变化。"
    + example("groundswell model drift")
)


def train(
    context: typer.Context,
    kind: Annotated[str, typer.Option("--kind", help="negative or issues")] = "negative",
    data: Annotated[
        Path | None, typer.Option("--data", help="folder of labelled sets to start from")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="write the files here, register nothing")
    ] = None,
    licence_clear: Annotated[
        bool, typer.Option("--licence-clear", help="only sets whose terms are stated")
    ] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train one version."""
    from datetime import UTC, datetime

    from config.errors import ConfigError
    from groundswell import wiring
    from groundswell.models import Live
    from groundswell.training import Order
    from groundswell.training import train as train_version

    choices = chosen(context, config=config, database=database, as_json=as_json)
    if licence_clear and data is None:
        raise ConfigError("--licence-clear chooses among labelled sets: expected --data DIR, too")
    order = Order(kind=kind, data=data, out=out, licence_clear=licence_clear, actor=_ACTOR)
    with wiring.opened(choices.config, choices.database) as (project, store), _bar() as told:
        registry = Live.of(store).registry
        now = datetime.now(UTC)
        made = train_version(store, project, registry, order, now=now, progress=told)
    show(choices, made, trained_lines(made, is_registered=out is None))


@contextmanager
def _bar() -> Iterator[Progress]:
    with progress() as bars:
        task = bars.add_task("", total=None)

        def told(share: float | None, text: str) -> None:
            total = None if share is None else 1.0
            bars.update(task, description=text, completed=share or 0.0, total=total)

        yield told


def list_(
    context: typer.Context,
    kind: KindOption = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List versions and their history."""
    from groundswell import wiring
    from groundswell.models import KINDS, Live, live_of
    from groundswell.promotion import history, kind_of

    choices = chosen(context, config=config, database=database, as_json=as_json)
    kinds = KINDS if kind is None else (kind_of("", kind),)
    with wiring.opened(choices.config, choices.database) as (_, store):
        events = history(store, kind)
        models = Live.of(store)
        there = {one: models.registry.versions(one) for one in kinds}
        working = {one: models.version(one) for one in kinds}
    asked = {one: live_of(e for e in events if e.kind == one) for one in kinds}
    document = {
        one: {
            "at_work": working[one],
            "promoted": asked[one],
            "versions": there[one],
            "events": [event for event in events if event.kind == one],
        }
        for one in kinds
    }
    show(choices, document, list_lines(document))


def evaluate(
    context: typer.Context,
    version: VersionArgument = None,
    kind: KindOption = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="CSV file text,label[,entity], UTF-8")
    ] = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a version."""
    from groundswell import wiring
    from groundswell.models import Live
    from groundswell.promotion import kind_of, ruling_on

    choices = chosen(context, config=config, database=database, as_json=as_json)
    of_kind = kind_of(version or "", kind)
    with wiring.opened(choices.config, choices.database) as (project, store):
        models = Live.of(store)
        named = version or models.version(of_kind)
        if data is None:
            ruling = ruling_on(store, project, models.registry, of_kind, named)
            show(
                choices,
                ruling,
                [f"{named} 对比在用的 {models.version(of_kind)}", *ruling_lines(ruling)],
            )
            return
        figures = _figures(data, models, store, of_kind, named)
    show(choices, figures, figure_lines(figures))


def _figures(data: Path, models: Any, store: Any, kind: str, version: str) -> dict[str, Any]:
    from classify.evaluation import evaluate_issues, evaluate_negative, read_csv
    from classify.issues import IssueClassifier
    from classify.sentiment import Scorer
    from groundswell.promotion import folder_of

    rows = read_csv(data, ["text", "label"])
    folder = folder_of(store, models.registry, kind, version)
    if kind == "negative":
        return {"version": version, **evaluate_negative(rows, Scorer.load(folder))}
    return {"version": version, **evaluate_issues(rows, IssueClassifier.load(folder))}


def promote(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="a version of `model list`, or shipped")],
    kind: KindOption = None,
    force: Annotated[bool, typer.Option("--force", help="overrule the gate")] = False,
    reason: ReasonOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a version to work; a running program takes it over within a second or two."""
    from datetime import UTC, datetime

    from groundswell import wiring
    from groundswell.models import Live
    from groundswell.promotion import RefusedError, kind_of
    from groundswell.promotion import promote as put_to_work

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with wiring.opened(choices.config, choices.database) as (project, store):
        try:
            done = put_to_work(
                store,
                project,
                Live.of(store).registry,
                kind=kind_of(version, kind),
                version=version,
                actor=_ACTOR,
                now=datetime.now(UTC),
                reason=reason,
                force=force,
            )
        except RefusedError as refused:
            for line in ruling_lines(refused.ruling):
                say(line)
            raise
    show(choices, done, promoted_lines(done))


def rollback(
    context: typer.Context,
    kind: Annotated[str, typer.Option("--kind", help="negative or issues")] = "negative",
    reason: ReasonOption = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take the newest promotion of a kind back."""
    from datetime import UTC, datetime

    from groundswell import wiring
    from groundswell.promotion import kind_of, roll_back

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with wiring.opened(choices.config, choices.database) as (_, store):
        done = roll_back(
            store, kind=kind_of("", kind), actor=_ACTOR, now=datetime.now(UTC), reason=reason
        )
    show(choices, done, promoted_lines(done))


def card(
    context: typer.Context,
    version: VersionArgument = None,
    kind: KindOption = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a card."""
    from groundswell import wiring
    from groundswell.models import Live, card_of, card_text
    from groundswell.promotion import folder_of, kind_of

    choices = chosen(context, config=config, database=database, as_json=as_json)
    of_kind = kind_of(version or "", kind)
    with wiring.opened(choices.config, choices.database) as (_, store):
        models = Live.of(store)
        named = version or models.version(of_kind)
        folder = folder_of(store, models.registry, of_kind, named)
    show(choices, card_of(folder, of_kind), [card_text(folder, of_kind)])


def drift(
    context: typer.Context,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the drift of every source as the last nightly check saw it."""
    from datetime import UTC, datetime

    from groundswell import wiring
    from groundswell.drift import drift_of

    choices = chosen(context, config=config, database=database, as_json=as_json)
    opened = wiring.opened(choices.config, choices.database)
    with opened as (project, store), store.read() as queries:
        found = drift_of(queries, project, datetime.now(UTC))
    show(choices, list(found.values()), drift_lines(list(found.values())))
