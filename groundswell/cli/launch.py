"""groundswell launch: a product's launch as one form, what it lacks, how it stands today."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

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
    from config.schema import LaunchPlan, Project
    from groundswell.launch_check import Item
    from groundswell.launch_page import LaunchDay, Rate
    from groundswell.launching import Kept

Named = Annotated[str, typer.Argument(metavar="ID", help="the launch's id")]
By = Annotated[str, typer.Option("--by", help="who does it (default: your login name)")]
Brand = Annotated[str, typer.Option(help="the brand's id")]
Product = Annotated[str, typer.Option(help="id of a product of the brand, or of a new one")]
Name = Annotated[str, typer.Option(help="what a new product is called")]
Launched = Annotated[str, typer.Option(help="the day of launch, 2026-11-20")]
Ends = Annotated[str, typer.Option(help="its last day, 3 to 6 months later (default: settings)")]
Alias = Annotated[list[str] | None, typer.Option(help="nickname; give it again for more")]
Word = Annotated[
    list[str] | None, typer.Option(help="ordinary word that means it beside the brand")
]
Sentence = Annotated[
    list[str] | None, typer.Option("--example", help="a sentence in which customers name it")
]
Representative = Annotated[
    list[str] | None, typer.Option(help="owner, duty or function that answers for it")
]
Sister = Annotated[str, typer.Option(help="product whose rate is taken for usual at first")]
Answer = Annotated[
    list[str] | None, typer.Option("--faq", help="'question => answer' or '... => approved by'")
]
Ready = Annotated[
    list[str] | None,
    typer.Option("--ready", help="'place: trained/to train, parts/parts wanted', as of today"),
]
Note = Annotated[str, typer.Option(help="a note")]


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(
        help="A product's launch as one form. 产品上市。" + example("groundswell launch list")
    )
    for name, run, text, shown in (
        ("list", list_, "Launches and what they lack. 列出上市。", "groundswell launch list"),
        ("show", show_, "How a launch stands today. 今天的上市情况。",
         "groundswell launch show pobiji-b7"),
        ("check", check_, "List everything that is missing; exit 1 when something is. 上市检查。",
         "groundswell launch check pobiji-b7"),
        ("add", add_, "Write a launch's file. 新建上市。",
         "groundswell launch add k3 --brand lanhe --product k3 --name K3 --launched 2026-12-01"),
        ("edit", edit_, "Change a launch's file; lists are replaced. 修改上市。",
         "groundswell launch edit k3 --ready '华南: 8/10, 40/60'"),
        ("sync", sync_, "Put launches into calendar and replies now. 立即同步日历和口径。",
         "groundswell launch sync"),
    ):  # fmt: skip
        app.command(name, help=text + example(shown))(run)
    return app


def list_(
    context: typer.Context,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List launches, with the number of things that are missing."""
    from groundswell import wiring
    from groundswell.clock import RealClock
    from groundswell.launch_check import check_launch, missing_of
    from groundswell.launch_sync import product_name

    choices = chosen(context, config=config, database=database, as_json=as_json)
    now = RealClock().now()
    with wiring.opened(choices.config, choices.database) as (project, store), store.read() as look:
        found = [
            (plan, product_name(project, plan), missing_of(check_launch(look, project, plan, now)))
            for plan in project.launches
        ]
    months, today = project.settings.launch.months, now.astimezone(project.settings.zone).date()
    rows = [
        (
            plan.id,
            name,
            plan.launched,
            plan.last_day(months),
            _state(plan, months, today),
            len(less),
        )
        for plan, name, less in found
    ]
    header = ("id", "product", "launched", "last day", "state", "missing")
    documents = [
        {"launch": plan.model_dump(mode="json"), "ends": plan.last_day(months), "state": row[4],
         "missing": [one.code for one in less]}
        for (plan, _, less), row in zip(found, rows, strict=True)
    ]  # fmt: skip
    show(
        choices, {"launches": documents}, table(header, rows) if rows else ["没有上市 no launches"]
    )


def _state(plan: LaunchPlan, months: int, today: Any) -> str:
    if today < plan.launched:
        return "未上市 to come"
    return "上市期 running" if plan.holds(today, months) else "已结束 over"


def show_(
    context: typer.Context,
    launch: Named,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how a launch stands."""
    from groundswell import wiring
    from groundswell.clock import RealClock
    from groundswell.launch_page import survey_launch

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with wiring.opened(choices.config, choices.database) as (project, store), store.read() as look:
        day = survey_launch(look, project, _plan(project, launch), RealClock().now())
    document = {
        "launch": day.plan.id, "product": day.plan.product, "day": day.day_no,
        "of_days": day.of_days, "ends": day.ends, "is_over": day.is_over, "sold": day.sold,
        "days": day.days, "rows": day.rows, "sister": day.sister,
        "sister_why_not": day.sister_why_not, "seen": day.seen,
        "incidents": [one.code for one in day.incidents],
    }  # fmt: skip
    show(choices, document, _day_lines(day))


def check_(
    context: typer.Context,
    launch: Named,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what is missing; exit 1 when something is."""
    from groundswell import wiring
    from groundswell.clock import RealClock
    from groundswell.launch_check import check_launch, missing_of

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with wiring.opened(choices.config, choices.database) as (project, store), store.read() as look:
        items = check_launch(look, project, _plan(project, launch), RealClock().now())
    document = {
        "launch": launch,
        "ready": not missing_of(items),
        "items": [
            {"code": one.code, "title": one.title, "ok": one.is_well, "missing": one.missing}
            for one in items
        ],
    }
    show(choices, document, _check_lines(items))
    if missing_of(items):
        raise typer.Exit(1)


def add_(
    context: typer.Context,
    launch: Named,
    brand: Brand,
    product: Product,
    launched: Launched,
    name: Name = "",
    ends: Ends = "",
    alias: Alias = None,
    word: Word = None,
    sentence: Sentence = None,
    representative: Representative = None,
    sister: Sister = "",
    faq: Answer = None,
    ready: Ready = None,
    note: Note = "",
    by: By = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a new launch."""
    choices = chosen(context, config=config, database=database, as_json=as_json)
    values = _values(
        {"brand": brand, "product": product, "launched": launched, "name": name, "ends": ends,
         "aliases": alias, "words": word, "examples": sentence, "sister": sister, "note": note,
         "representatives": representative},
        faq, ready, by or getpass.getuser(),
    )  # fmt: skip
    _save(choices, {"id": launch} | values, "", by)


def edit_(
    context: typer.Context,
    launch: Named,
    name: Name = "",
    launched: Launched = "",
    ends: Ends = "",
    alias: Alias = None,
    word: Word = None,
    sentence: Sentence = None,
    representative: Representative = None,
    sister: Sister = "",
    faq: Answer = None,
    ready: Ready = None,
    note: Note = "",
    by: By = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change what is given; a list that is given replaces the one that was there."""
    from config.errors import ConfigError
    from groundswell.launching import kept, values_of
    from groundswell.places import project_dir

    choices = chosen(context, config=config, database=database, as_json=as_json)
    found = kept(project_dir(choices.config), launch)
    if found is None:
        raise ConfigError(f'there is no launch "{launch}"; see: groundswell launch list')
    changed = _values(
        {"launched": launched, "name": name, "ends": ends, "aliases": alias, "words": word,
         "examples": sentence, "sister": sister, "note": note, "representatives": representative},
        faq, ready, by or getpass.getuser(),
    )  # fmt: skip
    _save(choices, values_of(found.plan) | changed, found.version, by)


def sync_(
    context: typer.Context,
    by: By = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let calendar and approved replies say what launches say."""
    from groundswell import wiring
    from groundswell.clock import RealClock
    from groundswell.launch_sync import sync_launches

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with wiring.opened(choices.config, choices.database) as (project, store):
        changed = sync_launches(store, project, RealClock().now(), by or getpass.getuser())
    show(choices, {"changed": changed}, [f"日历和口径库改动 {changed} 处 changed"])


def _save(choices: Choices, values: dict[str, Any], version: str, by: str) -> None:
    from groundswell import wiring
    from groundswell.clock import RealClock
    from groundswell.launch_sync import sync_launches
    from groundswell.launching import save
    from groundswell.places import project_dir

    done: Kept = save(project_dir(choices.config), values, version=version)
    now = RealClock().now()
    with wiring.opened(choices.config, choices.database) as (project, store):
        sync_launches(store, project, now, by or getpass.getuser())
        with store.transaction() as tx:
            tx.audit(by or getpass.getuser(), "launch", done.plan.id, now, str(done.path.name))
    document = {"launch": done.plan.model_dump(mode="json"), "file": done.path}
    show(choices, document, [f"已写入 wrote {done.path}"])
    say("正在运行的 groundswell run 会在几秒内自动接手 (a running job takes it over)")


def _values(
    given: dict[str, Any], faq: list[str] | None, ready: list[str] | None, by: str
) -> dict[str, Any]:
    """Return what was given; a list option that was left out is not there."""
    values = {key: value for key, value in given.items() if value}
    if faq:
        values["faq"] = [_faq(one) for one in faq]
    if ready:
        values["readiness"] = [_readiness(one, by) for one in ready]
    return values


def _faq(text: str) -> dict[str, str]:
    from datetime import UTC, datetime

    from config.errors import ConfigError

    parts = [part.strip() for part in text.split("=>")]
    if len(parts) not in {2, 3} or not all(parts[:2]):
        raise ConfigError(
            f"--faq {text[:80]!r}: expected 'question => answer', or with '=> approved by'"
        )
    found = {"question": parts[0], "answer": parts[1]}
    if len(parts) == 3 and parts[2]:
        found |= {"approved_by": parts[2], "approved_on": f"{datetime.now(UTC).date()}"}
    return found


def _readiness(text: str, by: str) -> dict[str, Any]:
    import re
    from datetime import UTC, datetime

    from config.errors import ConfigError

    pattern = r"\s*(.+?)\s*[:：]\s*(\d+)\s*/\s*(\d+)\s*(?:[,，]\s*(\d+)\s*/\s*(\d+))?\s*"
    match = re.fullmatch(pattern, text)
    if match is None:
        raise ConfigError(
            f"--ready {text[:80]!r}: expected such as '华南: 8/10, 40/60' "
            "(trained/to train, parts/parts wanted)"
        )
    place, *counts = match.groups(default="0")
    names = ("trained", "to_train", "parts", "parts_wanted")
    numbers = {name: int(one) for name, one in zip(names, counts, strict=True)}
    return {"place": place, **numbers, "by": by, "as_of": f"{datetime.now(UTC).date()}"}


def _plan(project: Project, launch_id: str) -> LaunchPlan:
    from config.errors import ConfigError

    found = project.launch(launch_id)
    if found is None:
        there = ", ".join(plan.id for plan in project.launches) or "-"
        raise ConfigError(f'there is no launch "{launch_id}"; there are: {there}')
    return found


# --- lines for people ---------------------------------------------------------------------------


def _check_lines(items: tuple[Item, ...]) -> Iterator[str]:
    for one in items:
        yield f"{'✓' if one.is_well else '✗'} {one.title} {one.english}"
        yield from (f"    {text}" for text in one.missing)


def _day_lines(day: LaunchDay) -> Iterator[str]:
    from groundswell.launch_page import NO_SALES

    if day.is_to_come:
        yield f"{day.brand} {day.product}：{day.plan.launched} 上市，还没有到"
    elif day.is_over:
        yield f"{day.brand} {day.product}：上市期已于 {day.ends} 结束，门槛已恢复平常"
    else:
        name = f"{day.brand} {day.product}"
        yield f"{name}：上市第 {day.day_no} 天，共 {day.of_days} 天，到 {day.ends}"
    mentions = sum(one.mentions for one in day.days)
    yield f"提及 {mentions} 条，其中负面 {sum(one.negative for one in day.days)} 条"
    sold = NO_SALES if day.sold is None else f"累计售出 {day.sold:,} 台"
    seen = "信源覆盖未知" if day.seen is None else f"信源覆盖了 {day.seen:.0%} 的时段"
    yield f"{sold}；{seen}"
    if day.sister_why_not:
        yield f"不与姊妹产品相比：{day.sister_why_not}"
    rows = [
        (
            one.symptom or "全部 all",
            one.people,
            _rate(one.rate),
            one.sister_people,
            _rate(one.sister_rate),
        )
        for one in day.rows
    ]
    header = ("symptom", "people", "per 1,000 (95 %)", f"{day.sister or 'sister'}", "per 1,000")
    yield from table(header, [["-" if cell is None else cell for cell in row] for row in rows])
    for incident in day.incidents:
        yield f"{incident.code}（{incident.level.zh}）{incident.title}"


def _rate(rate: Rate | None) -> str | None:
    return None if rate is None else f"{rate.value:.2f} ({rate.low:.2f}-{rate.high:.2f})"
