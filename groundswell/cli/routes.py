"""groundswell routes: who hears of what and when, and what is wrong with it."""

from __future__ import annotations

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
    from collections.abc import Iterable
    from datetime import datetime

    from alerts.routing import RouteStep, Traits
    from config.schema import Project
    from groundswell.ladder import Rung
    from storage.records import Incident, Level

_NOW = "when, in the project's time zone (default: now)"


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(
        help="Who hears of what. 路由。" + example("groundswell routes explain --brand lanhe")
    )
    app.command(
        "explain",
        help="Each route and why it does or does not match, the people, the ladder on the clock. "
        "什么事找谁、几点找到谁。"
        + example(
            "groundswell routes explain --brand lanhe --issue 安全与人身 --at '2026-11-23 03:00'",
            "groundswell routes explain --incident 舆-7F3K",
        ),
    )(explain)
    app.command(
        "lint",
        help="Routes nobody reaches, people nobody tells, rosters with gaps. 检查路由和值班。"
        + example("groundswell routes lint"),
    )(lint)
    app.command(
        "misroutes",
        help="Routes that reached the wrong person first, and the line to change. 找错人的。"
        + example("groundswell routes misroutes", "groundswell routes misroutes --days 60"),
    )(misroutes)
    return app


def misroutes(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=366, help="incidents of so many days")] = 28,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the misroutes of the last weeks."""
    from dataclasses import asdict
    from datetime import UTC, datetime

    from groundswell.misroutes import lines, survey
    from groundswell.wiring import opened, project_dir

    choices = chosen(context, config, database, as_json)
    with opened(choices.config, choices.database) as (project, store), store.read() as queries:
        found = survey(queries, datetime.now(UTC), days)
    said = list(lines(project, found, project_dir(choices.config)))
    nothing = [f"最近 {days} 天没有先到了别人那里的事件 (no misroutes)"]
    show(choices, {"misroutes": [asdict(one) for one in found]}, said or nothing)


def explain(
    context: typer.Context,
    brand: Annotated[str, typer.Option(help="brand id")] = "",
    product: Annotated[list[str] | None, typer.Option(help="product id or name")] = None,
    issue: Annotated[
        list[str] | None, typer.Option(help="issue class; the first is the main one")
    ] = None,
    region: Annotated[list[str] | None, typer.Option(help="region")] = None,
    platform: Annotated[list[str] | None, typer.Option(help="platform")] = None,
    level: Annotated[str, typer.Option(help="blue, yellow, orange or red")] = "orange",
    at: Annotated[str, typer.Option(help=_NOW)] = "",
    incident: Annotated[str, typer.Option(help="code or id: what it is about")] = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say who would be told of something, and when each of them would be."""
    from alerts.routing import route_traits
    from groundswell.wiring import load_project

    choices = chosen(context, config=config, database=database, as_json=as_json)
    if incident:
        project, found, traits = _of_incident(choices.config, choices.database, incident, at)
    else:
        project, _ = load_project(choices.config)
        found = None
        [main, *further] = issue or ["其他"]
        traits = route_traits(
            project,
            brand_id=_brand(project, brand),
            issue_class=main,
            further=further,
            products=product or (),
            regions=region or (),
            platforms=platform or (),
        )
    document, lines = _told(project, traits, found, _level(level, found), at)
    show(choices, document, lines)


def _brand(project: Project, brand: str) -> str:
    from config.errors import ConfigError

    if project.brand(brand) is None:
        known = ", ".join(one.id for one in project.brands)
        raise ConfigError(f'--brand: there is no brand "{brand}"; known: {known}')
    return brand


def _level(name: str, incident: Incident | None) -> Level:
    from config.errors import ConfigError
    from storage.records import Level

    if incident is not None:
        return max(incident.level, Level.BLUE)
    known = [level.name.lower() for level in Level if level > Level.NONE]
    if name not in known:
        raise ConfigError(f"--level {name!r}: expected one of {', '.join(known)}")
    return Level[name.upper()]


def _of_incident(
    config: str | None, database: str | None, name: str, at: str
) -> tuple[Project, Incident, Traits]:
    """Return what routes ask about an incident that is there, by its posts as they are now."""
    from datetime import UTC, datetime

    from alerts.routing import route_traits
    from alerts.subject import further_of
    from config.errors import GroundswellError
    from groundswell import wiring
    from groundswell.cli.times import moment

    with wiring.opened(config, database) as (project, store), store.read() as queries:
        found = queries.incident(name)
        if found is None:
            raise GroundswellError(f"no incident {name!r}; see: groundswell incidents list")
        now = moment(at, project.settings.zone) or datetime.now(UTC)
        evidence = queries.evidence(found.cluster_id, now)
    traits = route_traits(
        project,
        brand_id=found.brand_id,
        issue_class=found.issue_class,
        further=further_of(evidence),
        products=evidence.products,
        regions=evidence.regions,
        platforms=evidence.platforms,
    )
    return project, found, traits


def _told(
    project: Project, traits: Traits, incident: Incident | None, level: Level, at: str
) -> tuple[dict[str, object], list[str]]:
    from datetime import UTC, datetime

    from alerts.routing import choose, explain_route, matching
    from groundswell.cli.times import moment
    from groundswell.ladder import climb, frozen

    zone = project.settings.zone
    now = (moment(at, zone) or datetime.now(UTC)).astimezone(zone)
    choice = choose(project, matching(project, traits, now), now)
    steps = explain_route(project, traits, now)
    rungs = climb(project, choice, level, now)
    document: dict[str, object] = {
        "at": now,
        "level": level,
        "route": choice.route_id,
        "code": choice.code,
        "owner": choice.owner_id,
        "held": choice.held,
        "steps": steps,
        "ladder": rungs,
    }
    lines = [*_words(steps), *_functions(project, traits, level, now)]
    lines += [f"{level.zh}色事件，{now:%m-%d %H:%M} 发生，一直没有人确认："]
    lines += _table(project, rungs, now)
    if incident is not None:
        kept = frozen(project, incident)
        document |= {"incident": incident.code, "frozen": kept}
        lines.append(f"{incident.code} 立案时定下的升级顺序（之后改配置不影响它）：")
        lines += _table(project, kept, incident.opened_at.astimezone(zone))
    return document, lines


def _words(steps: Iterable[RouteStep]) -> list[str]:
    return [step.text for step in steps]


def _functions(project: Project, traits: Traits, level: Level, now: datetime) -> Iterable[str]:
    """Say who would speak in public, and who the three would be."""
    from alerts.functions import speaker_of
    from alerts.presence import name_of
    from alerts.routing import answering
    from alerts.triangle import would_be
    from storage.records import Level

    speaker = speaker_of(project, traits.issue_class)
    if project.function(speaker):
        yield f"对外口径：由{answering(project, speaker, now, traits.regions)}负责"
    if level >= Level.ORANGE and project.functions:
        for role, _, owner_id in would_be(project, now, traits.regions):
            yield f"{role.zh}：{name_of(project, owner_id) if owner_id else '由事件的负责人兼任'}"


def _table(project: Project, rungs: Iterable[Rung], start: datetime) -> Iterable[str]:
    from alerts.routing import name_of

    rows = []
    for rung in rungs:
        local = rung.at.astimezone(start.tzinfo)
        done = "✓" if rung.reached else ""
        told = "、".join(name_of(project, one) for one in rung.told) or "-"
        rows.append((f"{local:%m-%d %H:%M}", f"第 {rung.step} 步{done}", told, rung.text))
    return table(("when 时间", "step", "told 通知", "by 依据"), rows)


def lint(
    context: typer.Context,
    at: Annotated[str, typer.Option(help=_NOW)] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what is wrong, and end with 1 when something is; four weeks are looked over."""
    from datetime import UTC, datetime

    from alerts.route_lint import lint_routes, stand_in_notes
    from groundswell.cli.times import moment
    from groundswell.wiring import load_project

    choices = chosen(context, config=config, as_json=as_json)
    project, _ = load_project(choices.config)
    now = moment(at, project.settings.zone) or datetime.now(UTC)
    found = lint_routes(project, now)
    notes = stand_in_notes(project, now)
    lines = [f"{one.code}: {one.text}" for one in found] or ["没有问题 (all is well)"]
    lines += [f"说明 note: {note}" for note in notes]
    show(choices, {"ok": not found, "findings": found, "notes": notes}, lines)
    if found:
        raise typer.Exit(1)
