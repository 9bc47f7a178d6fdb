"""groundswell cluster picture and calibrate: see a run of clusters, learn its thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli.output import (
    ConfigOption,
    DatabaseOption,
    JsonOption,
    chosen,
    example,
    progress,
    say,
    show,
    table,
    write_picture,
)

if TYPE_CHECKING:
    from classify.cluster_calibration import Advice, Sample
    from classify.cluster_rules import Rules
    from config.schema import Project
    from storage.records import BrandId

_PICTURE = (
    "Draw the clusters of the last days: who grew, who merged, what was split or opened again. "
    "画出最近几天的聚类：谁在变大、谁并进谁、哪里拆分、哪里重开。"
    + example("groundswell cluster picture --brand lanhe --days 30 --svg lanhe.svg")
)
_CALIBRATE = (
    "Learn from which likeness on mentions go together, from a labelled file (columns text,label"
    "[,title][,time][,entity]) or from what people corrected; nothing changes without --write. "
    "校准：从带标注的文件、或从人工合并拆分里学出合适的门槛；不加 --write 什么也不改。"
    + example(
        "groundswell cluster calibrate --data rows.csv",
        "groundswell cluster calibrate --corrections --brand lanhe --write",
    )
)
_REASONS = {
    "too_few": "样本太少，保持不变 too few issues to say, kept",
    "no_gain": "没有可靠的改进，保持不变 no sure gain, kept",
    "raise": "调高 raise",
    "lower": "调低 lower",
}
_NAMES = {
    "complaint": "投诉归入 complaint",
    "complaint_merge": "投诉合并 complaint_merge",
    "post": "帖子归入 post",
    "post_merge": "帖子合并 post_merge",
}
BrandOption = Annotated[str | None, typer.Option(help="only this brand's clusters")]


def commands() -> typer.Typer:
    """Return the noun `cluster` with these commands alone."""
    app = typer.Typer(
        help="Clusters: see and tune them. 聚类：看图与校准。"
        + example("groundswell cluster picture --svg clusters.svg")
    )
    add_to(app)
    return app


def add_to(app: typer.Typer) -> None:
    """Add these commands to the noun `cluster`."""
    app.command("picture", help=_PICTURE)(picture)
    app.command("calibrate", help=_CALIBRATE)(calibrate)


def picture(
    context: typer.Context,
    svg: Annotated[Path, typer.Option("--svg", metavar="F.svg", help="file to write")],
    brand: BrandOption = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="days back from now")] = 30,
    largest: Annotated[int, typer.Option(min=1, max=60, help="clusters in the picture")] = 24,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw stored clusters over time."""
    from datetime import UTC

    from classify.cluster_plot import picture as drawn
    from groundswell import wiring
    from groundswell.cluster_tuning import stored_story

    choices = chosen(context, config=config, database=database, as_json=as_json)
    now = datetime.now(UTC)
    with wiring.opened(choices.config, choices.database) as (project, store), progress() as bars:
        brand_id = brand_id_of(project, brand)
        task = bars.add_task("读取 reading", total=None)
        with store.read() as queries:
            story = stored_story(
                queries, brand_id, now - timedelta(days=days), now, partial(bars.advance, task)
            )
    name = next((one.name for one in project.brands if one.id == brand), "全部品牌 all brands")
    write_picture(svg, drawn(story, f"{name} · {days} 天 days", largest))
    mentions = sum(story.size_of(one) for one in story.arrivals)
    document = {
        "svg": str(svg),
        "brand": brand,
        "days": days,
        "mentions": mentions,
        "live": story.live[-1],
        "singles": story.singles[-1],
        "merges": sum(story.merges),
    }
    shown = (
        f"{days} 天 days: 提及 mentions {mentions:,} · 聚类 live {story.live[-1]:,} · "
        f"单条 singles {story.singles[-1]:,} · 合并 merges {sum(story.merges):,}"
    )
    show(choices, document, [shown])


def calibrate(
    context: typer.Context,
    data: Annotated[
        Path | None, typer.Option("--data", help="labelled CSV file, UTF-8 with header")
    ] = None,
    corrections: Annotated[
        bool, typer.Option("--corrections", help="learn from what people corrected")
    ] = False,
    brand: BrandOption = None,
    most: Annotated[int, typer.Option(min=50, help="newest rows taken (of a shard)")] = 6000,
    write: Annotated[
        bool, typer.Option("--write", help="put what pays into the configuration file")
    ] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Learn thresholds and say whether a change pays."""
    from classify.cluster_calibration import SETTINGS, runs_of
    from classify.cluster_calibration import calibrate as learn
    from groundswell.cluster_settings import lines_of, write_scores
    from groundswell.cluster_tuning import scores_of
    from groundswell.places import load_project

    if (data is None) == (not corrections):
        raise typer.BadParameter("give one of --data F.csv and --corrections")
    choices = chosen(context, config=config, database=database, as_json=as_json)
    project, directory = load_project(choices.config)
    brand_id = brand_id_of(project, brand)
    samples = _samples(data, choices.config, choices.database, brand_id, most)
    with progress() as bars:
        task = bars.add_task("试门槛 trying", total=runs_of(SETTINGS))
        advance = partial(bars.advance, task)
        advices = learn(samples, _rules(project, brand), advance=advance)
    scores = scores_of(advices)
    written = write_scores(directory, brand, scores) if write and scores else None
    document = {
        "rows": len(samples),
        "judged": sum(one.is_judged for one in samples),
        "settings": advices,
        "yaml": "\n".join(lines_of(scores)) if scores else "",
        "written": str(written.path) if written else None,
    }
    show(choices, document, _lines(advices, samples, scores, brand))
    if written is not None:
        say(f"已写入 wrote {written.path}:{written.line}")


def brand_id_of(project: Project, brand: str | None) -> BrandId | None:
    """Return the id of a brand that was typed. Errors: ConfigError naming those there are."""
    from config.errors import ConfigError
    from storage.records import BrandId

    if brand is not None and project.brand(brand) is None:
        there = ", ".join(one.id for one in project.brands)
        raise ConfigError(f'there is no brand "{brand}"; there are: {there}')
    return None if brand is None else BrandId(brand)


def _rules(project: Project, brand: str | None) -> Rules:
    from classify.cluster_rules import Rules

    found = project.brand(brand) if brand is not None else None
    return Rules.of(project.settings.clusters, found.clusters if found else None)


def _samples(
    data: Path | None,
    config: str | None,
    database: str | None,
    brand_id: BrandId | None,
    most: int,
) -> list[Sample]:
    from classify.evaluation import read_csv
    from groundswell import wiring
    from groundswell.cluster_tuning import samples_of_corrections, samples_of_rows

    if data is not None:
        return samples_of_rows(read_csv(data, ["text", "label"]), most)
    with wiring.opened(config, database) as (_, store), store.read() as queries:
        return samples_of_corrections(queries, brand_id, most)


def _lines(
    advices: Sequence[Advice],
    samples: Sequence[Sample],
    scores: dict[str, float],
    brand: str | None,
) -> Iterator[str]:
    judged = sum(one.is_judged for one in samples)
    yield f"样本 rows {len(samples):,} · 有定论 judged {judged:,}"
    for advice in advices:
        yield ""
        yield from _advised(advice)
    yield ""
    if not scores:
        yield "现在的门槛不用改 the present thresholds stay"
        return
    from groundswell.cluster_settings import lines_of

    where = f"brands/{brand}.yaml" if brand else "project.yaml, settings:"
    yield f"写进 {where}（--write 代写 writes it）"
    yield from lines_of(scores, "" if brand else "  ")


def _advised(advice: Advice) -> Iterable[str]:
    yield (
        f"{_NAMES[advice.setting]}: {advice.present:g} → {advice.advised:g} · "
        f"{_REASONS[advice.reason]} · 多条问题 issues {advice.issues} + {advice.later_issues}"
    )
    if not advice.tried:
        return
    yield from table(
        ("值 value", "BCubed", "90 %", "匹配 match", "ARI", "后段 later", "匹配 match", "ARI", ""),
        (
            (
                f"{one.value:g}",
                f"{one.bcubed_f1:.3f}",
                f"{one.bcubed_low:.3f}–{one.bcubed_high:.3f}",
                f"{one.best_match_f1:.3f}",
                f"{one.ari:.3f}",
                f"{one.later_bcubed_f1:.3f}",
                f"{one.later_best_match_f1:.3f}",
                f"{one.later_ari:.3f}",
                _mark(advice, one.value),
            )
            for one in advice.tried
        ),
    )
    yield (
        f"后段 gain later {advice.gain:+.4f}，全部 over all rows 90 % "
        f"{advice.gain_low:+.4f} … {advice.gain_high:+.4f}"
    )


def _mark(advice: Advice, value: float) -> str:
    marks = {
        advice.best: "前段最好 best earlier",
        advice.advised: "建议 advised",
        advice.present: "现在 present",
    }
    return marks.get(value, "")
