"""Sales as they come out of a shop or an ERP: a table in, units by product and day out.

A row that cannot be read is named and left out, the others count. Rows of one product and day
(channels, stores) are added up; a later import of that day replaces it. A negative number is what
came back (退货): a day's figure may be negative, and 1,000 sold are counted after returns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from config.errors import ConfigError
from config.schema import Project
from groundswell import columns_files as files
from groundswell.importing_values import excel_serial, is_nothing
from storage.records import BrandId, Sale
from storage.store import Store

_NAMES: Mapping[str, str] = {
    "day": "day", "date": "day", "日期": "day", "销售日期": "day", "天": "day",
    "product": "product", "产品": "product", "商品": "product", "型号": "product",
    "units": "units", "qty": "units", "quantity": "units", "销量": "units", "数量": "units",
    "件数": "units", "台数": "units", "净销量": "units",
    "brand": "brand", "品牌": "brand",
}  # fmt: skip
_NEEDED = ("day", "product", "units")
_MOST_ROWS = 200_000
_MOST_UNITS = 100_000_000  # of one product on one day; the column holds 32 bits
_EARLIEST = date(2000, 1, 1)
_NAMED = 200  # bad rows that are named; the others are counted
_AT_ONCE = 1_000  # rows written in one statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import came to. `problems` name the first bad rows, `bad` counts all of them."""

    rows: int
    bad: int
    problems: tuple[str, ...]
    days: int  # product-days written
    units: int
    products: tuple[str, ...]


def import_sales(
    store: Store,
    project: Project,
    path: Path,
    now: datetime,
    *,
    by: str,
    dry_run: bool = False,
    advance: Callable[[int, int], None] = lambda _done, _total: None,
) -> Imported:
    """Read a table and write its days in one transaction.

    `advance` is told how far the reading is and of how much (bytes or rows; 0: nobody knows).
    Errors: ConfigError when the file cannot be read or has not the columns day, product, units.
    """
    today = now.astimezone(project.settings.zone).date()
    sums: dict[tuple[str, str, date], int] = {}
    rows, problems = 0, []
    products = _products(project)
    with files.opened(path) as sheets:
        sheet = sheets[0]
        cells_of = iter(sheet.rows)
        header = _header(path, next(cells_of, []))
        for number, cells in enumerate(cells_of, 2):
            row = cells if isinstance(cells, str) else _row(header, cells)
            if row == {}:
                continue
            rows += 1
            if rows > _MOST_ROWS:
                raise ConfigError(
                    f"importing {str(path)!r}: more than {_MOST_ROWS:,} rows; split it"
                )
            try:
                key, units = _sale(row, products, today)
                sums[key] = sums.get(key, 0) + units
            except ValueError as error:
                problems.append(f"row {number}: {error}")
            advance(sheet.position.done, sheet.position.total)
    return _write(store, sums, rows, problems, now, by=by, name=path.name, dry_run=dry_run)


def save_rows(
    store: Store, project: Project, said: Sequence[Mapping[str, Any]], now: datetime, *, by: str
) -> Imported:
    """Write days of sales that another program sent; the same rules as for a file."""
    today = now.astimezone(project.settings.zone).date()
    products, problems = _products(project), []
    sums: dict[tuple[str, str, date], int] = {}
    for number, row in enumerate(said, 1):
        try:
            key, units = _sale(row, products, today)
            sums[key] = sums.get(key, 0) + units
        except ValueError as error:
            problems.append(f"row {number}: {error}")
    return _write(store, sums, len(said), problems, now, by=by, name="api", dry_run=False)


def _write(
    store: Store,
    sums: Mapping[tuple[str, str, date], int],
    rows: int,
    problems: list[str],
    now: datetime,
    *,
    by: str,
    name: str,
    dry_run: bool,
) -> Imported:
    for (_, product, day), units in sums.items():
        if abs(units) > _MOST_UNITS:
            problems.append(f"{product} on {day}: {units:,} units, expected at most 10^8 a day")
    sales = [
        Sale(brand_id=BrandId(brand), product=product, day=day, units=units)
        for (brand, product, day), units in sorted(sums.items())
        if abs(units) <= _MOST_UNITS
    ]
    if sales and not dry_run:
        with store.transaction() as tx:
            for start in range(0, len(sales), _AT_ONCE):
                tx.save_sales(sales[start : start + _AT_ONCE])
            tx.audit(by, "sales", name[:200], now, f"{len(sales)} days, {len(problems)} bad rows")
    return Imported(
        rows=rows,
        bad=len(problems),
        problems=tuple(problems[:_NAMED]),
        days=len(sales),
        units=sum(one.units for one in sales),
        products=tuple(sorted({one.product for one in sales})),
    )


def _header(path: Path, cells: files.Cells | str) -> list[str]:
    if isinstance(cells, str):
        raise ConfigError(f"importing {str(path)!r}: the header is {cells}")
    found = [str(cell or "").strip().lower() for cell in cells]
    names = [_NAMES.get(name, "") for name in found]
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise ConfigError(
            f"importing {str(path)!r}: expected the columns day, product and units "
            f"(日期、产品、销量); {', '.join(missing)} not found in {', '.join(found) or 'nothing'}"
        )
    return names


def _row(header: Sequence[str], cells: files.Cells) -> dict[str, Any]:
    row = {name: cell for name, cell in zip(header, cells, strict=False) if name}
    return row if any(not is_nothing(str(cell or "")) for cell in row.values()) else {}


def _products(project: Project) -> dict[str, list[tuple[str, str]]]:
    """Return by what a table may call a product -> (brand, product), for each that is called so."""
    found: dict[str, list[tuple[str, str]]] = {}
    for brand in project.brands:
        for line in brand.products:
            for name in {line.id, line.name, f"{brand.name}{line.name}", *line.aliases}:
                found.setdefault(_folded(name), []).append((brand.id, line.id))
    names = {_folded(name): brand.id for brand in project.brands for name in (brand.id, brand.name)}
    found |= {f"brand:{name}": [(brand_id, "")] for name, brand_id in names.items()}
    return found


def _sale(
    row: Mapping[str, Any] | str, products: Mapping[str, list[tuple[str, str]]], today: date
) -> tuple[tuple[str, str, date], int]:
    """Return whose day a row is and its units. ValueError says what was expected instead."""
    if isinstance(row, str):
        raise ValueError(row)  # noqa: TRY004 - a row that is broken in itself
    day = _day(row.get("day"))
    if not _EARLIEST <= day <= today + timedelta(days=1):
        raise ValueError(f"day {day}: expected one that has come, from {_EARLIEST} on")
    named, brand = str(row.get("product") or "").strip(), str(row.get("brand") or "").strip()
    of_brand = {one[0] for one in products.get(f"brand:{_folded(brand)}", ())} if brand else None
    if of_brand is not None and not of_brand:
        raise ValueError(f"there is no brand {brand[:60]!r}")
    found = [
        one for one in products.get(_folded(named), ()) if of_brand is None or one[0] in of_brand
    ]
    if not found or found[0][1] == "":
        raise ValueError(f"there is no product {named[:60]!r}: write its id or name")
    if len({*found}) > 1:
        raise ValueError(f"product {named[:60]!r} is one of several brands: add the column brand")
    return (*found[0], day), _units(row.get("units"))


def _day(value: object) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        moment = excel_serial(str(value))
        if moment is not None:
            return moment.date()
    text = str(value or "").strip()
    for old in ("/", ".", "年", "月"):
        text = text.replace(old, "-")
    parts = text.removesuffix("日").partition(" ")[0].partition("T")[0].split("-")
    try:
        if len(parts) == 1 and len(text) == 8:
            return date(int(text[:4]), int(text[4:6]), int(text[6:]))
        year, month, day = (int(part) for part in parts)
        return date(year, month, day)
    except ValueError:
        raise ValueError(f"day {str(value)[:40]!r}: expected one such as 2026-11-20") from None


def _units(value: object) -> int:
    text = str("" if value is None else value).strip().replace(",", "").replace("，", "")
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"units {str(value)[:40]!r}: expected a whole number") from None
    if not abs(number) <= _MOST_UNITS or number != int(number):
        raise ValueError(f"units {str(value)[:40]!r}: expected a whole number of at most 10^8")
    return int(number)


def _folded(name: str) -> str:
    return "".join(name.split()).casefold()
