"""What an import reads, refuses and keeps."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from config.errors import ConfigError
from groundswell.importing import Reading, Rejected, read_mentions
from storage.records import RawMention

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def reading(**changes: object) -> Reading:
    return Reading(**{"now": NOW, "zone": SHANGHAI, "source": "热线导出", **changes})  # type: ignore[arg-type]


def good(path: Path, **changes: object) -> list[RawMention]:
    return [row for row in read_mentions(path, reading(**changes)) if isinstance(row, RawMention)]


def refused(path: Path, **changes: object) -> list[Rejected]:
    return [row for row in read_mentions(path, reading(**changes)) if isinstance(row, Rejected)]


def test_chinese_headers_of_a_gbk_export_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "导出.csv"
    path.write_bytes(
        "标题,正文,发布时间,链接,评分\n"
        "锅盖裂了,用了一周锅盖就裂了,2026-11-20 09:30,https://shop.example/r/1,1\n".encode("gbk")
    )

    [row] = good(path)

    assert (row.title, row.text, row.rating) == ("锅盖裂了", "用了一周锅盖就裂了", 1.0)
    assert row.published_at == datetime(2026, 11, 20, 1, 30, tzinfo=UTC)


def test_a_utf8_file_with_a_byte_order_mark_keeps_its_first_column(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes("\ufefftext,author\n客服一直不回,阿青\n".encode())

    [row] = good(path)

    assert (row.text, row.author) == ("客服一直不回", "阿青")


def test_broken_rows_are_named_and_good_rows_around_them_stay(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(
        '{"text": "第一条好的"}\n{"text": "半截\n{"text": "", "title": ""}\n'
        '{"text": "评分坏了", "rating": "很差"}\n{"text": "时间坏了", "published_at": "某天"}\n'
        '[1, 2]\n{"text": "链接坏了", "url": "javascript:alert(1)"}\n{"text": "最后一条好的"}\n',
        encoding="utf-8",
    )

    assert [row.text for row in good(path)] == ["第一条好的", "最后一条好的"]
    reasons = [(row.number, row.reason) for row in refused(path)]
    assert [number for number, _ in reasons] == [2, 3, 4, 5, 6, 7]
    assert reasons[2][1] == "rating: expected a number, got '很差'"
    assert reasons[5][1].startswith("url: expected http:// or https://")


def test_equal_rows_without_id_and_link_are_told_apart_by_their_order(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,time\n太差了,2026-11-20\n太差了,2026-11-20\n", encoding="utf-8")

    assert [row.ordinal for row in good(path)] == [0, 1]


def test_a_row_without_a_time_pages_nobody(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,time\n没有时间,\n有时间,2026-11-22 11:00\n", encoding="utf-8")

    assert [row.history for row in good(path)] == [True, False]


def test_a_column_is_mapped_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("说了啥,time\n底座发烫,1763690400\n", encoding="utf-8")

    [row] = good(path, columns={"说了啥": "text"})

    assert row.text == "底座发烫"
    assert row.published_at == datetime.fromtimestamp(1763690400, UTC)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("rows.pdf", b"%PDF", "unknown kind of file"),
        ("rows.csv", "甲,乙\n1,2\n".encode(), "no column holds the text"),
        ("rows.xlsx", b"not a zip", "not a readable .xlsx file"),
    ],
)
def test_a_file_that_cannot_be_an_import_is_refused_with_what_to_do(
    tmp_path: Path, name: str, content: bytes, expected: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(ConfigError, match=expected):
        list(read_mentions(path, reading()))


def test_a_spreadsheet_is_read_with_its_dates_and_long_numbers(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.append(["编号", "内容", "时间", "点赞数"])
    sheet.append([20261120001.0, "水壶漏电", datetime(2026, 11, 20, 9, 0), 12.0])  # noqa: DTZ001
    path = tmp_path / "导出.xlsx"
    book.save(path)

    [row] = good(path)

    assert (row.native_id, row.text, row.likes) == ("20261120001", "水壶漏电", 12)
    assert row.published_at == datetime(2026, 11, 20, 1, 0, tzinfo=UTC)


def test_a_header_that_is_mapped_but_absent_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"text": "好"}) + "\n", encoding="utf-8")

    with pytest.raises(ConfigError, match="--map names the column 'body'"):
        list(read_mentions(path, reading(columns={"body": "text"})))


def test_a_parquet_file_is_read_where_pyarrow_is_installed(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow", reason=".parquet needs the parquet extra")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "rows.parquet"
    parquet.write_table(
        arrow.table({"text": ["底座发烫", "客服不理"], "rating": [1.0, None]}), path
    )

    assert [(row.text, row.rating) for row in good(path)] == [("底座发烫", 1.0), ("客服不理", None)]
    path.write_bytes(b"not parquet")
    with pytest.raises(ConfigError, match="not a readable"):
        list(read_mentions(path, reading()))
