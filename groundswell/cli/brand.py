"""groundswell brand: what is watched, and what a rule would bring before it is saved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
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
    show,
    table,
)

if TYPE_CHECKING:
    from config.schema import Brand
    from groundswell.previewing import Preview, Sample, Survey, Use

DaysOption = Annotated[int, typer.Option(min=1, max=365, help="days back from now")]


def commands() -> typer.Typer:
    """Return the commands of this noun."""
    app = typer.Typer(
        help="Brands: their names, and what their rules bring. 品牌：名称与规则。"
        + example("groundswell brand list")
    )
    app.command("list", help="All brands. 全部品牌。" + example("groundswell brand list --json"))(
        list_
    )
    app.command(
        "show",
        help="One brand: names, products, conditions. 一个品牌的名称、产品和条件。"
        + example("groundswell brand show lanhe"),
    )(show_)
    app.command(
        "preview",
        help="Try a brand's rule on the stored mentions of the last days; nothing is written. "
        "预览：规则在最近几天的提及上会命中什么。\n\n"
        "With a FILE.yaml: what it would win and lose against the rule at work, or what a new "
        "brand would bring. With an id, or with nothing: what the rules at work bring."
        + example(
            "groundswell brand preview brands/lanhe.yaml", "groundswell brand preview lanhe --json"
        ),
    )(preview)
    return app


def list_(context: typer.Context, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List brands: names, products, whether competitors."""
    from groundswell.places import load_project

    choices = chosen(context, config=config, as_json=as_json)
    project, _ = load_project(choices.config)
    rows = [
        (
            brand.id,
            brand.name,
            "竞品 competitor" if brand.competitor else "自己 own",
            1 + len(set(brand.aliases) - {brand.name}),
            len(brand.products),
            len(brand.ambiguous),
            len(brand.examples),
        )
        for brand in project.brands
    ]
    header = ("id", "name", "kind", "names", "products", "ambiguous", "examples")
    document = {"brands": [_document(brand) for brand in project.brands]}
    show(choices, document, table(header, rows))


def show_(
    context: typer.Context,
    brand: Annotated[str, typer.Argument(help="a brand's id")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one brand as it is read."""
    from groundswell.places import load_project

    choices = chosen(context, config=config, as_json=as_json)
    project, _ = load_project(choices.config)
    found = _brand_of(project.brands, brand)
    show(choices, _document(found), _shown(found))


def preview(
    context: typer.Context,
    what: Annotated[
        str | None, typer.Argument(metavar="[BRAND_ID|FILE.yaml]", help="a brand's id, or a file")
    ] = None,
    days: DaysOption = 7,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Match the stored mentions of the last days again and say what came of it."""
    from datetime import UTC, datetime, timedelta

    from config.load import load_brand
    from groundswell import wiring
    from groundswell.previewing import preview, survey

    choices = chosen(context, config=config, database=database, as_json=as_json)
    changed = load_brand(Path(what)) if what and _is_file(what) else None
    now = datetime.now(UTC)
    with wiring.opened(choices.config, choices.database) as (project, store), progress() as bars:
        if what and changed is None:
            _brand_of(project.brands, what)
        with store.read() as queries:
            total = queries.observed_count(now - timedelta(days=days), now)
        task = bars.add_task("匹配 matching", total=total)
        advance = partial(bars.advance, task)
        if changed is not None:
            tried = preview(store, project.brands, changed, now, days=days, advance=advance)
        else:
            at_work = survey(store, project.brands, now, days=days, advance=advance)
    if changed is not None:
        show(choices, tried, _tried(tried))
    else:
        brands = tuple(use for use in at_work.brands if what in {None, use.brand_id})
        found = replace(at_work, brands=brands)
        show(choices, found, _at_work(found))


def _is_file(what: str) -> bool:
    """Tell a file from an id: no id holds a dot or a slash."""
    return "." in what or "/" in what or "\\" in what


def _brand_of(brands: Iterable[Brand], brand_id: str) -> Brand:
    from config.errors import ConfigError

    found = next((brand for brand in brands if brand.id == brand_id), None)
    if found is None:
        there = ", ".join(brand.id for brand in brands)
        raise ConfigError(f'there is no brand "{brand_id}"; there are: {there}')
    return found


def _document(brand: Brand) -> dict[str, object]:
    return brand.model_dump(mode="json", by_alias=True, exclude_defaults=True)


# --- lines for people ---------------------------------------------------------------------------


def _shown(brand: Brand) -> Iterator[str]:
    yield f"{brand.name} ({brand.id}){'，竞品 competitor' if brand.competitor else ''}"
    yield f"名称 names       {'、'.join(dict.fromkeys((brand.name, *brand.aliases)))}"
    for line in brand.products:
        words = f"；平常词 words: {'、'.join(line.words)}" if line.words else ""
        names = "、".join(dict.fromkeys((line.name, *line.aliases)))
        yield f"产品 product     {line.id}: {names}{words}"
    lists = {
        "必须 must        ": brand.must,
        "至少一个 any     ": brand.any,
        "排除 not         ": brand.not_,
        f"附近 near ({brand.near_within} 字)": brand.near,
        "排除页面 urls    ": brand.exclude.urls,
        "排除作者 authors ": brand.exclude.authors,
    }
    for head, words_of in lists.items():
        if words_of:
            yield f"{head}{'、'.join(words_of)}"
    if brand.pinyin:
        yield "拼音 pinyin      也按拼音找"
    defaults = {True: "算品牌", False: "不算品牌", None: "按自带词表"}
    for rule in brand.ambiguous:
        yield (
            f"歧义 ambiguous   {rule.name}: 指品牌 {'、'.join(rule.brand) or '-'}；"
            f"指别的 {'、'.join(rule.other) or '-'}；判断不了时{defaults[rule.default]}"
        )
    yield f"例句 examples    {len(brand.examples)}"


def _read(found: Preview | Survey) -> str:
    return (
        f"{found.since:%m-%d %H:%M} – {found.until:%m-%d %H:%M} UTC，"
        f"看了 {found.read} 条提及（mentions read）"
    )


def _at_work(found: Survey) -> Iterator[str]:
    yield _read(found)
    for use in found.brands:
        yield ""
        yield f"{use.name} ({use.brand_id})：命中 {use.matched} 条"
        yield from _use(use, compared=False)


def _tried(found: Preview) -> Iterator[str]:
    yield _read(found)
    if found.is_new:
        yield f"{found.use.name} ({found.use.brand_id})：新品牌，会命中 {found.use.matched} 条"
    else:
        yield (
            f"{found.use.name} ({found.use.brand_id})：现在命中 {found.matched_now} 条，"
            f"改后命中 {found.use.matched} 条"
        )
    yield f"新命中 newly matched      {found.gained}"
    yield from map(_sample, found.gained_samples)
    yield f"不再命中 no longer matched {found.lost}"
    yield from map(_sample, found.lost_samples)
    yield from _use(found.use, compared=True)


def _use(use: Use, *, compared: bool) -> Iterator[str]:
    header = ("name", "product", *(("now",) if compared else ()), "mentions", "refused")
    rows = [
        (one.alias, one.product or "-", *((one.now,) if compared else ()), one.new, one.refused)
        for one in use.names
    ]
    yield from table(header, rows)
    for refused in use.refused:
        yield f"不算 refused  {refused.mentions} 条：{refused.reason}"
        yield from (_place(sample) for sample in refused.samples)


def _place(sample: Sample) -> str:
    text = f"{sample.before}【{sample.word}】{sample.after}"
    return f"    #{sample.mention_id}  …{' '.join(text.split())}…"


def _sample(sample: Sample) -> str:
    return f"{_place(sample)}  {sample.reason}（之前：{sample.was}）"
