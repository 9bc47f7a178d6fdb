"""Sales from tables as people have them: bad rows are named, a day that comes again is replaced."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from config.errors import ConfigError
from config.load import example_dir, load
from groundswell.cli.app import build
from groundswell.sales_import import Imported, import_sales, save_rows
from storage.records import BrandId
from storage.store import Store
from tests.groundswell.tables import write_xlsx

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
TODAY = NOW.date()
LANHE = BrandId("lanhe")
PROJECT = load(example_dir(), environ={})


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    store = Store(sqlite_url)
    yield store
    store.close()


def take(store: Store, path: Path, **options: bool) -> Imported:
    return import_sales(store, PROJECT, path, NOW, by="linxiao", **options)


def sold(store: Store, product: str = "pobiji-b7", until: date = TODAY) -> int | None:
    with store.read() as queries:
        return queries.sold(LANHE, product, until)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_table_is_read_whatever_its_encoding(store: Store, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "销量.csv"
    rows = "日期,产品,渠道,销量\n2026/11/1,破壁机 B7,京西,120\n2026-11-01,静音豆豆,门店,30\n20261102,pobiji-b7,门店,-5\n"
    path.write_bytes(rows.encode(encoding))

    found = take(store, path)

    assert (found.rows, found.bad, found.days, found.units) == (3, 0, 2, 145)
    assert sold(store) == 145
    assert sold(store, until=date(2026, 11, 1)) == 150  # channels of one day are added up


def test_a_workbook_is_read_and_a_day_that_comes_again_replaces_it(
    store: Store, tmp_path: Path
) -> None:
    day = datetime(2026, 11, 3)  # noqa: DTZ001 - a cell knows no zone
    first = write_xlsx(
        tmp_path / "a.xlsx",
        {
            "销量": [
                ["品牌", "日期", "产品", "销量"],
                ["澜禾", day, "澜禾破壁机B7", 40],
                ["澜禾", 46330, "A5 空气炸锅", 7],
            ]
        },
    )
    second = tmp_path / "b.csv"
    second.write_text("day,product,units\n2026-11-03,pobiji-b7,44\n", encoding="utf-8")

    assert take(store, first).bad == 0
    assert take(store, first).units == 47
    assert take(store, second).units == 44

    assert (sold(store), sold(store, "kongqizhaguo-a5")) == (44, 7)


def test_bad_rows_are_named_and_good_ones_kept(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "brand,day,product,units\n"
        "lanhe,2026-11-01,pobiji-b7,10\n"
        "lanhe,昨天,pobiji-b7,10\n"
        "lanhe,2026-11-01,破壁机 Z9,10\n"
        "hemu,2026-11-01,pobiji-b7,10\n"
        "qita,2026-11-01,pobiji-b7,10\n"
        "lanhe,2027-01-01,pobiji-b7,10\n"
        "lanhe,2026-11-02,pobiji-b7,3.5\n"
        "lanhe,2026-11-02,pobiji-b7,=1+1\n"
        ",,,\n"
        'lanhe,2026-11-02,pobiji-b7,"1,000"\n',
        encoding="utf-8",
    )  # fmt: skip

    found = take(store, path)

    assert (found.rows, found.bad, sold(store)) == (9, 7, 1010)
    assert [said.partition(": ")[0] for said in found.problems] == [
        f"row {n}" for n in range(3, 10)
    ]
    assert found.problems[0] == "row 3: day '昨天': expected one such as 2026-11-20"
    assert found.problems[1] == "row 4: there is no product '破壁机 Z9': write its id or name"
    assert found.problems[3] == "row 6: there is no brand 'qita'"


def test_a_table_without_its_columns_is_refused(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("日期,产品\n2026-11-01,pobiji-b7\n", encoding="utf-8")

    with pytest.raises(ConfigError, match="units not found in 日期, 产品"):
        take(store, path)


def test_programs_send_rows_by_the_same_rules(store: Store) -> None:
    rows = [
        {"day": "2026-11-01", "product": "pobiji-b7", "units": 5},
        {"day": "2026-11-01", "product": "none", "units": 5},
        {"day": "2026-11-01", "product": "dianfanbao-r3", "units": 10**9},
        {"day": None, "product": ["x"], "units": float("nan")},
    ]

    found = save_rows(store, PROJECT, rows, NOW, by="key:erp")

    assert (found.rows, found.bad, found.units, sold(store)) == (4, 3, 5, 5)
    assert sold(store, "dianfanbao-r3") is None


def test_the_command_says_what_was_left_out(store: Store, sqlite_url: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("day,product,units\n2026-11-01,pobiji-b7,9\nx,pobiji-b7,9\n", encoding="utf-8")
    start = ["--config", str(example_dir()), "--database", sqlite_url, "sales", "import", str(path)]

    dry = CliRunner().invoke(build(), [*start, "--dry-run"])
    assert (dry.exit_code, sold(store)) == (1, None)
    done = CliRunner().invoke(build(), [*start, "--json"])
    assert done.exit_code == 1
    assert json.loads(done.stdout)["problems"] == [
        "row 3: day 'x': expected one such as 2026-11-20"
    ]
    assert sold(store) == 9
