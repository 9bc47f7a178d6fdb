"""groundswell source probe, accept: one real fetch, and taking changed rules at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
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
    show,
    table,
)

if TYPE_CHECKING:
    from config.schema import Project, SourceConfig
    from crawlers.trial import Trial


def register(app: typer.Typer) -> None:
    """Add these commands to the noun."""
    app.command(
        "probe",
        help="Fetch once for real; on success write `verified: DAY` into the source's file and "
        "make it due at once. 实测一次，成功则写入核实日期。\n\n"
        "Exit: as source try; with --all 0 when every source succeeded, else 1."
        + example("groundswell source probe jing-tousu", "groundswell source probe --all"),
    )(probe)
    app.command(
        "accept",
        help="Take the changed rules of a source at once, or a page that changed for good. "
        "立即采用新配置。" + example("groundswell source accept jing-tousu"),
    )(accept)


def probe(
    context: typer.Context,
    source: Annotated[str | None, typer.Argument(help="a source's id, or a YAML file")] = None,
    everything: Annotated[bool, typer.Option("--all", help="every source that is on")] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Probe one source or all of them."""
    from config.errors import ConfigError
    from groundswell import sourcing
    from groundswell.places import database_there, load_project
    from groundswell.sourcing_probe import probe_all

    if everything == (source is not None):
        raise ConfigError("source probe takes a source's id, or --all")
    choices = chosen(context, config=config, database=database, as_json=as_json)
    project, directory = load_project(choices.config)
    chosen_ones = (
        [one for one in project.sources if one.enabled]
        if source is None
        else [sourcing.find_source(project, source)]
    )
    filled = [sourcing.filled_in(one, project.brands) for one in chosen_ones]
    with progress() as bars:
        bar = bars.add_task("实测 probing", total=len(filled))
        trials = probe_all(
            filled, project.settings, lambda: datetime.now(UTC), lambda _: bars.advance(bar)
        )
    there = database_there(project, directory, choices.database)
    notes = [
        _write_down(one, source, directory, there) if trial.exit_code == 0 else ""
        for one, trial in zip(filled, trials, strict=True)
    ]
    document = {
        "probes": trials,
        "notes": dict(zip([t.source_id for t in trials], notes, strict=True)),
    }
    show(choices, document, _lines(project, filled, trials, notes, alone=source is not None))
    if source is not None:
        raise typer.Exit(trials[0].exit_code)
    raise typer.Exit(int(any(trial.exit_code for trial in trials)))


def _write_down(
    source: SourceConfig, named: str | None, directory: Path, database: str | None
) -> str:
    """Stamp the file and make the source due; return what of it was not possible."""
    from config.errors import StoreError
    from groundswell.sourcing_probe import hasten, source_file, stamp

    is_file = named is not None and named.endswith((".yaml", ".yml"))
    path = Path(str(named)) if is_file else source_file(directory, source.id)
    day = datetime.now().astimezone().date()
    note = stamp(path, day) if path is not None else "没有找到信源文件"
    if database is not None and not is_file:
        from storage.store import Store

        try:
            store = Store(database)
            try:
                hasten(store, source, datetime.now(UTC))
            finally:
                store.close()
        except StoreError as error:
            note = "；".join(filter(None, (note, f"数据库未更新：{error}")))
    return note


def _lines(
    project: Project,
    sources: Sequence[SourceConfig],
    trials: Sequence[Trial],
    notes: Sequence[str],
    *,
    alone: bool,
) -> Iterator[str]:
    from zoneinfo import ZoneInfo

    from groundswell.console.words import CAUSES
    from groundswell.sourcing import Memory, complete
    from groundswell.sourcing_lines import clean, cut, trial_lines

    if alone:
        now = datetime.now(UTC)
        memory = Memory(said="未查")
        trial = complete(trials[0], sources[0], project.brands, memory, now)
        yield from trial_lines(trial, ZoneInfo(sources[0].tz))
        if not trial.exit_code:
            yield ""
            yield f"核实日期未写入：{notes[0]}" if notes[0] else "已写入核实日期 verified"
        return
    rows = []
    for trial, note in zip(trials, notes, strict=True):
        verdict = CAUSES.get(trial.cause, trial.cause) or ("未满足" if trial.unmet else "正常")
        if trial.exit_code == 2 and not trial.cause:
            verdict = "配置问题"
        said = note or trial.cause_text or "；".join((*trial.unmet, *trial.problems[:1]))
        rows.append(
            (trial.source_id, verdict, trial.items, f"{trial.duration_ms} ms", cut(clean(said), 36))
        )
    yield from table(("id", "结果", "条目", "耗时", "说明"), rows)
    good = sum(trial.exit_code == 0 for trial in trials)
    yield f"{len(trials)} 个信源，成功 {good}，失败 {len(trials) - good}"


def accept(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="a source's id")],
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let the rules in the file take over, whatever their trial says."""
    from groundswell import sourcing, wiring
    from groundswell.sourcing_probe import accept as take

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with wiring.opened(choices.config, choices.database) as (project, store):
        configured = sourcing.filled_in(sourcing.find_source(project, source), project.brands)
        state = take(store, configured)
    line = f"{configured.id}：已采用配置文件里的规则，下次抓取起生效 accepted"
    show(choices, {"state": state}, [line])
