"""Reads a project directory into a checked `Project`, or says everything that is wrong with it.

In: a directory of YAML files and the environment. Out: frozen models, or one ConfigError whose
problems read `file:line: what, value, expected`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import Field, TypeAdapter, ValidationError

from config.brand_checks import check_brand
from config.calendar_checks import check_calendar
from config.calendar_schema import EventCalendar
from config.channel_checks import check_channels
from config.checks import Entries, check_together
from config.entries import LIST_SECTIONS, Entry, positions, read_entries, read_file, whole
from config.errors import ConfigError
from config.function_checks import check_functions
from config.issue_checks import check_issues
from config.launch_checks import check_launches
from config.launch_schema import LaunchPlan, with_launches
from config.people_checks import check_people
from config.schema import (
    Brand,
    Channel,
    Duty,
    Function,
    IssueRule,
    Levels,
    MaintenanceWindow,
    MediaOutlet,
    Model,
    Owner,
    Project,
    Route,
    ServiceTier,
    Settings,
    SourceConfig,
    TaskSettings,
    Templates,
    Triangle,
    Words,
    json_schema,
)
from config.source_checks import check_outside, check_source
from config.spider_files import check_spiders, located
from config.templates import check_templates
from config.tier_schema import CustomerTier
from config.trial_checks import check_trials
from config.trial_schema import Trial
from config.voice_checks import check_voices
from config.wording import SchemaView, describe
from config.yaml_lines import Document, Problem, Where, read_document


class RootFile(Model):
    """A file in the project's root: settings, levels, fallback, and the lists of entries."""

    settings: Settings = Settings()
    levels: Levels = Levels()
    fallback: Words = Field(default=(), description="Owners told when no route matches.")
    channels: tuple[Channel, ...] = ()
    owners: tuple[Owner, ...] = ()
    routes: tuple[Route, ...] = ()
    media: tuple[MediaOutlet, ...] = ()
    issues: tuple[IssueRule, ...] = ()
    duties: tuple[Duty, ...] = ()
    functions: tuple[Function, ...] = ()
    triangle: Triangle = Triangle()
    services: tuple[ServiceTier, ...] = ()
    tiers: tuple[CustomerTier, ...] = ()
    calendar: EventCalendar = EventCalendar()
    maintenance: tuple[MaintenanceWindow, ...] = ()
    trial: tuple[Trial, ...] = ()
    tasks: TaskSettings = TaskSettings()
    templates: Templates = Field(default_factory=dict, description="Texts by occasion.")


def load(directory: Path, *, environ: Mapping[str, str] | None = None) -> Project:
    """Read and check a project directory.

    `environ` fills `${NAME:-default}`; the process's environment when not given. Secrets are not
    read, only named.
    Errors: ConfigError with every problem of every file, in the order of file and line.
    """
    if not directory.is_dir():
        raise ConfigError(
            f"{directory}: there is no such directory; groundswell init {directory} makes one"
        )
    reading = read_entries(directory, os.environ if environ is None else environ)
    entries = Entries(reading.entries, reading.unread)
    problems = [*check_together(entries), *check_outside(entries), *check_voices(entries)]
    problems.extend(check_people(entries))
    problems.extend(check_functions(entries))
    problems.extend(check_calendar(entries))
    problems.extend(check_issues(entries))
    problems.extend(check_launches(entries))
    problems.extend(check_channels(entries))
    problems.extend(check_templates(entries))
    problems.extend(check_trials(entries))
    problems.extend(check_spiders(entries.of("source"), directory))
    models: dict[str, list[Any]] = {}
    for entry in reading.entries:
        model, found = _validate(entry)
        if isinstance(model, SourceConfig):
            model = located(model, directory)
        models.setdefault(entry.kind, []).append(model)
        problems.extend(found)
    _raise_any(reading.problems, problems, [entry.document for entry in reading.entries])
    return _assemble(models)


def load_source(
    path: Path,
    *,
    allow_private: Collection[str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> SourceConfig:
    """Read and check one source's file outside any project, as `source try FILE` does.

    Private addresses are judged when `allow_private` is given; fetching judges them again.
    Errors: ConfigError with every problem.
    """
    environ = os.environ if environ is None else environ
    document, unread = read_file(path, str(path), environ)
    folder = path.absolute().parent
    folder = folder.parent if folder.name == "sources" else folder
    source: SourceConfig | None = None
    problems: list[Problem] = []
    for entry in () if document is None else whole("source", document, unread):
        source, problems = _validate(entry)
        problems.extend(check_source(entry, allow_private))
        problems.extend(check_spiders([entry], folder))
    _raise_any(unread, problems, [] if document is None else [document])
    assert source is not None  # else there is a problem
    return located(source, folder)


def load_brand(path: Path, *, environ: Mapping[str, str] | None = None) -> Brand:
    """Read and check one brand's file outside any project, as `brand preview FILE` does.

    Errors: ConfigError with every problem.
    """
    document, unread = read_file(path, str(path), os.environ if environ is None else environ)
    return _one_brand(document, unread)


def read_brand(text: str, name: str) -> Brand:
    """Read and check one brand that was typed in; problems call it `name`.

    No variable of the environment is put in: what was typed must not read this machine's secrets.
    Errors: ConfigError with every problem.
    """
    body = text.encode("utf-8", "replace")
    return _one_brand(*read_document(name, body, {}))


def _one_brand(document: Document | None, unread: list[Problem]) -> Brand:
    brand: Brand | None = None
    problems: list[Problem] = []
    for entry in () if document is None else whole("brand", document, unread):
        brand, problems = _validate(entry)
        problems.extend(check_brand(entry))
    _raise_any(unread, problems, [] if document is None else [document])
    assert brand is not None  # else there is a problem
    return brand


def example_places(directory: Path) -> dict[tuple[str, int], str]:
    """Return where the brands' saved examples stand: brand id and position -> "file:line"."""
    return {
        (entry.id, index): f"{entry.document.file}:{entry.line('examples', index)}"
        for entry in read_entries(directory, os.environ).entries
        if entry.kind == "brand"
        for index in positions(entry, "examples")
    }


def _raise_any(
    unread: Iterable[Problem], problems: Iterable[Problem], documents: Iterable[Document]
) -> None:
    """Raise what is wrong, less the echoes: problems of a line that could not be read anyway."""
    unreadable = {(item.file, line) for item in documents for line in item.unreadable}
    told = {problem for problem in problems if (problem.file, problem.line) not in unreadable}
    told.update(unread)
    if told:
        raise ConfigError(*(str(problem) for problem in sorted(told)))


def example_dir() -> Path:
    """Return the example project that ships with the program."""
    return Path(str(files("config") / "example"))


def template_dir() -> Path:
    """Return the commented project that `groundswell init` copies."""
    return Path(str(files("config") / "template"))


def copy_template(directory: Path) -> list[Path]:
    """Write a new project into a directory and return its files.

    Errors: ConfigError when a file is already there (nothing is written then) or cannot be written.
    """
    source = template_dir()
    wanted = sorted(path.relative_to(source) for path in source.rglob("*.yaml"))
    taken = [str(directory / name) for name in wanted if os.path.lexists(directory / name)]
    if taken:
        said = "is already there and is not overwritten; name another directory"
        raise ConfigError(*(f"{path}: {said}" for path in taken))
    written: list[Path] = []
    for name in wanted:
        target = directory / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, target)
        except OSError as error:
            raise ConfigError(f"{target}: cannot be written: {error.strerror}") from error
        written.append(target)
    return written


def summary(project: Project) -> list[str]:
    """Say what a checked project holds, a line for each kind of entry."""
    own = [f"{brand.name} ({brand.id})" for brand in project.brands if not brand.competitor]
    others = [f"{brand.name} ({brand.id})" for brand in project.brands if brand.competitor]
    products = sum(len(brand.products) for brand in project.brands)
    off = [source.id for source in project.sources if not source.enabled]
    examples = sum(len(brand.examples) for brand in project.brands)
    lines = [
        f"brands 品牌: {len(own)} — {_listed(own)}; products 产品: {products}",
        f"competitors 竞品: {len(others)} — {_listed(others)}",
        f"examples 例句: {examples}",
        f"sources 信源: {len(project.sources)} — {_listed(item.id for item in project.sources)}",
        f"owners 负责人: {len(project.owners)} — {_listed(item.name for item in project.owners)}",
        f"channels 通道: {len(project.channels)} — {_listed(item.id for item in project.channels)}",
        f"routes 路由: {len(project.routes)} — {_listed(item.id for item in project.routes)}",
        f"fallback 兜底: {_listed(project.fallback)}",
    ]
    lines += _voices(project)
    lines += _handling(project)
    if off:
        lines.append(f"switched off 已停用: {_listed(off)}")
    return lines


def _voices(project: Project) -> list[str]:
    """Say who speaks for a brand, who speaks with weight, and what is read besides mentions."""
    accounts = [
        f"{brand.name}@{account.platform}" for brand in project.brands for account in brand.official
    ]
    roles = {"official": "official 官方账号", "hot_search": "hot search 热搜"}
    lines = [
        f"official accounts 官方账号: {len(accounts)} — {_listed(accounts)}",
        f"media 媒体表: {len(project.media)} — {_by_tier(project)}",
    ]
    for role, words in roles.items():
        found = [source.id for source in project.sources if source.role == role]
        if found:
            lines.append(f"sources for {words}: {len(found)} — {_listed(found)}")
    return lines


def _handling(project: Project) -> Iterator[str]:
    """Yield who does what, and what is watched more closely or kept from its people."""
    found = {
        "functions 部门": [one.title for one in project.functions],
        "launches 上市": [f"{one.product} ({one.launched})" for one in project.launches],
        "trials 试运行": [f"{one.id} → {one.reviewer}" for one in project.trials],
    }
    for words, named in found.items():
        if named:
            yield f"{words}: {len(named)} — {_listed(named)}"


def _by_tier(project: Project) -> str:
    tiers = [outlet.tier or "none" for outlet in project.media]
    return _listed(f"{tier} {tiers.count(tier)}" for tier in sorted(set(tiers)))


def schemas() -> dict[str, dict[str, Any]]:
    """Return JSON Schemas by file name, for editors: brands/*, sources/* and the root files."""
    root = json_schema(RootFile)
    found = {
        "brand.json": json_schema(Brand),
        "source.json": json_schema(SourceConfig),
        "launch.json": json_schema(LaunchPlan),
        "project.json": root,
    }
    for section in (*LIST_SECTIONS, "calendar", "tasks"):  # which have files of their own
        found[f"{section}.json"] = {**root, "required": [section]}
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {name: {"$schema": dialect, **schema} for name, schema in found.items()}


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words) or "-"


# --- one entry -------------------------------------------------------------------------------


@cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    kinds: dict[str, Any] = {
        "brand": Brand,
        "source": SourceConfig,
        "launch": LaunchPlan,
        "settings": Settings,
        "levels": Levels,
        "fallback": Words,
        "owner": Owner,
        "channel": Channel,
        "route": Route,
        "outlet": MediaOutlet,
        "issue": IssueRule,
        "duty": Duty,
        "function": Function,
        "triangle": Triangle,
        "service": ServiceTier,
        "tier": CustomerTier,
        "calendar": EventCalendar,
        "window": MaintenanceWindow,
        "trial": Trial,
        "tasks": TaskSettings,
        "templates": Templates,
    }
    return TypeAdapter(kinds[kind])


@cache
def _view(kind: str) -> SchemaView:
    by_file: dict[str, type[Model]] = {
        "brand": Brand,
        "source": SourceConfig,
        "launch": LaunchPlan,
    }
    return SchemaView(json_schema(by_file.get(kind, RootFile)))


def _validate(entry: Entry) -> tuple[Any, list[Problem]]:
    """Return the entry's model (None when it has problems) and its problems."""
    substituted = _substituted_secrets(entry)
    problems = [
        entry.problem("a secret is named, not filled in: write env:NAME or file:/path", *place)
        for place in substituted
    ]
    try:
        model = _adapter(entry.kind).validate_python(entry.value)
    except ValidationError as error:
        problems.extend(
            found for found, place in _described(entry, error) if place not in substituted
        )
        return None, problems
    return model, problems


def _substituted_secrets(entry: Entry) -> list[Where]:
    depth = len(entry.where)
    return [
        place[depth:]
        for place in sorted(entry.document.substituted, key=str)
        if place[:depth] == entry.where and _view(entry.kind).is_secret(place)
    ]


def _described(entry: Entry, error: ValidationError) -> Iterator[tuple[Problem, Where]]:
    for found in error.errors(include_url=False):
        place, text = describe(found, _view(entry.kind), entry.where)
        # Steps of the validator's own making are dropped from what people read.
        shown = entry.document.known((*entry.where, *place))[len(entry.where) :]
        line = entry.document.line((*entry.where, *found["loc"]))
        problem = entry.problem(text, *shown)
        yield Problem(problem.file, line, problem.text), shown


def _settings(settings: Settings, calendar: EventCalendar) -> Settings:
    """Return the settings with the days off of the calendar's own section."""
    days = settings.calendar
    if not calendar.holidays and not calendar.workdays:
        return settings
    both = {
        "holidays": (*days.holidays, *calendar.holidays),
        "workdays": (*days.workdays, *calendar.workdays),
    }
    return settings.model_copy(update={"calendar": days.model_copy(update=both)})


def _assemble(models: Mapping[str, Sequence[Any]]) -> Project:
    def one(kind: str, default: object) -> Any:
        return next(iter(models.get(kind, ())), default)

    calendar = one("calendar", EventCalendar())

    launches = tuple(models.get("launch", ()))
    return Project(
        settings=_settings(one("settings", Settings()), calendar),
        levels=one("levels", Levels()),
        brands=with_launches(models.get("brand", ()), launches),
        launches=launches,
        sources=tuple(models.get("source", ())),
        owners=tuple(models.get("owner", ())),
        channels=tuple(models.get("channel", ())),
        routes=tuple(models.get("route", ())),
        fallback=one("fallback", ()),
        media=tuple(models.get("outlet", ())),
        issues=tuple(models.get("issue", ())),
        duties=tuple(models.get("duty", ())),
        functions=tuple(models.get("function", ())),
        triangle=one("triangle", Triangle()),
        services=tuple(models.get("service", ())),
        tiers=tuple(models.get("tier", ())),
        calendar=calendar,
        maintenance=tuple(models.get("window", ())),
        trials=tuple(models.get("trial", ())),
        tasks=one("tasks", TaskSettings()),
        templates=one("templates", {}),
    )
