"""groundswell eval: honest figures on any labelled file of the stated columns."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from groundswell.cli.evaluate_surges import DatedColumns, board, read_dated
from groundswell.cli.output import JsonOption, chosen, example, progress, show, write_picture


class Kind(StrEnum):
    """The form of the texts; auto tells by itself and is what ships."""

    AUTO = "auto"
    COMPLAINT = "complaint"
    POST = "post"


DataOption = Annotated[Path, typer.Option("--data", help="CSV file, UTF-8 with header")]


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(
        help="Measure the parts on labelled data. 用带标注的数据评测各环节。"
        + example("groundswell eval surges --seed 7 --streams 20")
    )
    app.command("negative", help=_NEGATIVE)(negative)
    app.command("issues", help=_ISSUES)(issues)
    app.command("clusters", help=_CLUSTERS)(clusters)
    app.command("duplicates", help=_DUPLICATES)(duplicates)
    app.command("surges", help=_SURGES)(surges)
    app.command("extract", help=_EXTRACT)(extract)
    return app


_NEGATIVE = (
    "Columns text,label[,entity]; label 1 = negative (towards the entity when given). "
    "The file is taken as one unlabelled source: labels are read after scoring."
    + example("groundswell eval negative --data rows.csv --json")
)
_ISSUES = (
    "Columns text,label[,also][,sub] with our issue classes; also and sub list several with"
    " commas: figures over sets are printed where the column is there."
    + example("groundswell eval issues --data rows.csv")
)
_CLUSTERS = (
    "Columns text,label[,title][,time][,entity]; rows in arrival order, one pass, defaults as "
    "shipped. --picture draws the run. 按到达顺序聚类一遍，和标注比较；--picture 画出全过程。"
    + example(
        "groundswell eval clusters --data rows.csv --kind auto",
        "groundswell eval clusters --data rows.csv --picture run.svg",
    )
)
_DUPLICATES = "Columns text,text2,label; label 1 = the same text up to edits." + example(
    "groundswell eval duplicates --data pairs.csv"
)
_SURGES = (
    "Simulated streams with known events through the shipped detector, each figure beside the mark "
    "of the design; 1,000 streams take a quarter of an hour. With --data the dated posts of a CSV "
    "file: what fires by itself, and how soon a real burst that is put in is found. "
    "激增检测：模拟或真实时间序列，误报、检出与延迟。"
    + example(
        "groundswell eval surges --seed 7 --streams 20",
        "groundswell eval surges --data posts.csv --time published_at --group brand",
    )
)
_EXTRACT = "A folder of NAME.html with NAME.json (title, text, published_at)." + example(
    "groundswell eval extract --data pages/"
)


def negative(context: typer.Context, data: DataOption, as_json: JsonOption = False) -> None:
    """Measure the negative score."""
    from classify.evaluation import evaluate_negative, read_csv
    from classify.sentiment import Scorer

    rows = read_csv(data, ["text", "label"])
    _report(context, as_json, evaluate_negative(rows, Scorer.load()))


def issues(context: typer.Context, data: DataOption, as_json: JsonOption = False) -> None:
    """Measure the issue classes."""
    from classify.evaluation import evaluate_issues, read_csv
    from classify.issues import IssueClassifier

    rows = read_csv(data, ["text", "label"])
    _report(context, as_json, evaluate_issues(rows, IssueClassifier.load()))


def clusters(
    context: typer.Context,
    data: DataOption,
    kind: Annotated[Kind, typer.Option(help="what form the texts have")] = Kind.AUTO,
    picture: Annotated[
        Path | None, typer.Option(metavar="F.svg", help="draw the run: clusters over time")
    ] = None,
    largest: Annotated[int, typer.Option(min=1, max=60, help="clusters in the picture")] = 24,
    as_json: JsonOption = False,
) -> None:
    """Measure the clusters."""
    from classify.cluster_plot import picture as drawn
    from classify.cluster_story import Story
    from classify.evaluation import read_csv
    from classify.evaluation_clusters import evaluate_clusters

    rows = read_csv(data, ["text", "label"])

    def draw(story: Story) -> None:
        assert picture is not None
        write_picture(picture, drawn(story, f"{data.name} · {len(rows):,} 条 mentions", largest))

    with progress() as bars:
        task = bars.add_task("聚类 gathering", total=len(rows))
        figures = evaluate_clusters(
            rows,
            kind=kind.value,
            advance=partial(bars.advance, task),
            pictured=draw if picture else None,
        )
    _report(context, as_json, figures)


def duplicates(context: typer.Context, data: DataOption, as_json: JsonOption = False) -> None:
    """Measure the near-duplicate gate."""
    from classify.evaluation import read_csv
    from classify.evaluation_clusters import evaluate_duplicates

    rows = read_csv(data, ["text", "text2", "label"])
    with progress() as bars:
        task = bars.add_task("比对 comparing", total=len(rows))
        figures = evaluate_duplicates(rows, advance=partial(bars.advance, task))
    _report(context, as_json, figures)


def surges(
    context: typer.Context,
    seed: Annotated[int, typer.Option(help="seed of the simulated streams, or of the bursts")] = 7,
    streams: Annotated[int, typer.Option(min=1, help="streams per rate and event")] = 20,
    data: Annotated[
        Path | None, typer.Option("--data", help="CSV of real posts instead, UTF-8 with header")
    ] = None,
    time: Annotated[str, typer.Option(help="its column of times")] = "time",
    group: Annotated[str, typer.Option(help="its column of brands or issues; none: one")] = "",
    bursts_from: Annotated[
        Path | None, typer.Option(help="CSV of the same columns whose bursts are put in")
    ] = None,
    bursts: Annotated[int, typer.Option(min=0, help="how many bursts are put in")] = 100,
    tz: Annotated[str, typer.Option(help="zone of times without one")] = "Asia/Shanghai",
    as_json: JsonOption = False,
) -> None:
    """Measure surge detection."""
    if data is None:
        from alerts.scoreboard import evaluate_surges

        with progress() as bars:
            bars.add_task("模拟 simulating", total=None)
            figures = evaluate_surges(seed=seed, streams=streams)
        show(chosen(context, as_json=as_json), figures, board(figures))
        return
    from alerts.surge_replay import evaluate_streams

    columns = DatedColumns(time, group, tz)
    found = evaluate_streams(
        read_dated(data, columns),
        burst_posts=read_dated(bursts_from, columns) if bursts_from else (),
        seed=seed,
        bursts=bursts,
    )
    _report(context, as_json, found)


def extract(
    context: typer.Context,
    data: Annotated[Path, typer.Option("--data", help="folder of pages and truth")],
    as_json: JsonOption = False,
) -> None:
    """Measure extraction without selectors."""
    from crawlers.evaluation import evaluate_extract

    rows = chosen(context, as_json=as_json).as_json
    _report(context, as_json, evaluate_extract(data, with_pages=rows))


def _report(context: typer.Context, as_json: bool, figures: Mapping[str, object]) -> None:
    show(chosen(context, as_json=as_json), figures, _lines(figures, ""))


def _lines(figures: Mapping[str, object], indent: str) -> list[str]:
    lines = []
    for name, value in figures.items():
        if isinstance(value, dict):
            lines.append(f"{indent}{name}:")
            lines += _lines(value, indent + "  ")
        else:
            lines.append(f"{indent}{name:<28} {_figure(value)}")
    return lines


def _figure(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
