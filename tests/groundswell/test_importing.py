"""What an import reads, refuses and keeps."""

from __future__ import annotations

import contextlib
import json
import tracemalloc
import zipfile
from datetime import UTC, datetime, time
from itertools import chain
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import ConfigError
from groundswell.columns import Wishes
from groundswell.importing import Reading, Rejected, opened, read_mentions
from groundswell.importing_values import FIELDS, read_row
from storage.records import RawMention
from tests.groundswell.tables import write_csv, write_raw_xlsx, write_xlsx

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


# --- tables as they come, and tables made to hurt --------------------------------------------


def test_numbers_times_and_stars_are_read_as_people_write_them(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "导出.csv",
        "正文;发布时间;评分;阅读量;转发数;点赞数;作者\n"
        "用了三天底座就发烫冒烟;2026/11/3 9:05;四星;1.2万;1,024;999+;—\n"
        "收到货包装破损没人理;45964.378;★★☆☆☆;10w+;-;3千;阿青\n",
        "gb18030",
    )

    first, second = good(path)

    assert first.published_at == datetime(2026, 11, 3, 1, 5, tzinfo=UTC)
    assert (first.rating, first.views, first.reposts, first.likes) == (4.0, 12_000, 1024, 999)
    assert first.author == ""
    assert second.published_at == datetime(2025, 11, 3, 1, 4, 19, tzinfo=UTC)
    assert (second.rating, second.views, second.reposts, second.likes) == (2, 100_000, None, 3000)


def test_day_and_time_of_day_may_stand_in_two_columns(tmp_path: Path) -> None:
    rows = [["受理单号", "来电日期", "来电时间", "来电内容"]] + [
        [f"R{n}", datetime(2026, 11, 20), time(9, 30 + n), f"第{n}位客户说底座冒烟"]  # noqa: DTZ001
        for n in range(3)
    ]
    path = write_xlsx(tmp_path / "热线.xlsx", {"Sheet1": rows})

    assert [row.published_at for row in good(path)] == [
        datetime(2026, 11, 20, 1, 30 + n, tzinfo=UTC) for n in range(3)
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"text": "好", "published_at": "2026-11-25"}, "has not come yet"),
        ({"text": "好", "published_at": "1889-01-01"}, "expected 1990 or later"),
        ({"text": "好", "published_at": "9999-12-31T23:59:59-12:00"}, "published_at"),
        ({"text": "好", "views": 10**13}, "views: expected at most"),
        ({"text": "好", "likes": "一堆"}, "likes: expected a number"),
        ({"text": "好", "author": "长" * 201}, "author: expected at most 200"),
        ({"text": "好", "url": "ftp://x.example/a"}, "url: expected http"),
        ({"text": ["a"]}, "text: expected text, got list"),
        ({"text": "好", "rating": 1e300}, "rating: expected a rating"),
    ],
)
def test_what_cannot_be_true_of_a_mention_is_refused(row: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_row(row, reading())


@given(
    st.dictionaries(
        st.sampled_from(FIELDS),
        st.one_of(
            st.none(),
            st.text(),
            st.floats(),
            st.integers(),
            st.booleans(),
            st.dates(),
            st.datetimes(),
        ),
    )
)
def test_no_row_breaks_the_reading(row: dict[str, object]) -> None:
    with contextlib.suppress(ValueError):
        raw = read_row({"text": "锅盖裂了"} | row, reading())
        assert raw.text or raw.title
        assert raw.published_at is None or raw.published_at.tzinfo is UTC


def peak_of_reading(path: Path) -> int:
    tracemalloc.start()
    try:
        for _ in read_mentions(path, reading()):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_table_of_any_length_costs_the_same_memory(tmp_path: Path) -> None:
    line = "澜禾养生壶用了三天底座就发烫冒烟，客服让我自己寄回去，第{}位"
    peaks = []
    for n in (300, 300, 2400):  # the first reading loads what every reading needs
        rows = chain([("标题", "正文")], ((f"t{i}", line.format(i)) for i in range(n)))
        peaks.append(peak_of_reading(write_raw_xlsx(tmp_path / f"{n}.xlsx", rows)))

    assert peaks[2] < peaks[1] * 3  # held whole, it would be eight times as much


def test_a_workbook_that_unpacks_to_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    path = write_raw_xlsx(tmp_path / "bomb.xlsx", [("正文",), ("好",)])
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/sharedStrings.xml", "w", force_zip64=True) as part,
    ):
        for _ in range(300):
            part.write(b" " * (1 << 20))
    assert path.stat().st_size < 1 << 20

    with pytest.raises(ConfigError, match="unpacks to 300 MB"):
        good(path)


@pytest.mark.parametrize("part", ["xl/styles.xml", "xl/theme/theme1.xml", "xl/worksheets/s.xml"])
def test_a_part_that_is_read_whole_may_not_swell(tmp_path: Path, part: str) -> None:
    path = write_raw_xlsx(tmp_path / "bomb.xlsx", [("正文",), ("好",)])
    with zipfile.ZipFile(path) as archive:
        kept = {name: archive.read(name) for name in archive.namelist()}
    book = b'<Override PartName="/xl/worksheets/s.xml" ContentType="x/y.sheet.main+xml"/></Types>'
    kept["[Content_Types].xml"] = kept["[Content_Types].xml"].replace(b"</Types>", book)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, body in kept.items():
            archive.writestr(name, body)
        with archive.open(part, "w", force_zip64=True) as swollen:
            swollen.write(b"<x>")
            for _ in range(33):
                swollen.write(b" " * (1 << 20))
            swollen.write(b"</x>")

    with pytest.raises(ConfigError, match="unpacks to more than 32 MB"):
        good(path)


def test_a_workbook_with_entities_or_far_cells_is_harmless(tmp_path: Path) -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(10))
    path = write_raw_xlsx(
        tmp_path / "a.xlsx", [("正文",), ("好",)], head=f"<!DOCTYPE x [{laughs}]>"
    )
    with pytest.raises(ConfigError, match="no spreadsheet program writes"):
        good(path)
    for before in ("<!-- " + " " * 5000 + " -->", "<?x " + " " * 5000 + "?>"):
        head = f"{before}<!DOCTYPE x [{laughs}]>"
        path = write_raw_xlsx(tmp_path / "a.xlsx", [("正文",), ("好",)], head=head)
        with pytest.raises(ConfigError, match="no spreadsheet program writes"):
            good(path)
    path = write_raw_xlsx(tmp_path / "a.xlsx", [("正文",), ("好",)], head="<!-- 某导出工具 -->")
    assert [row.text for row in good(path)] == ["好"]
    far = tmp_path / "far.xlsx"
    write_raw_xlsx(
        far,
        [("正文", "标题"), ("底座发烫冒烟了", "甲")],
        tail='<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>远</t></is></c></row>',
    )
    assert [row.text for row in good(far)] == ["底座发烫冒烟了"]


@pytest.mark.parametrize("suffix", [".xlsx", ".csv", ".xls"])
def test_a_locked_workbook_says_so_whatever_it_is_called(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"客户{suffix}"
    ole = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600
    path.write_bytes(ole + "EncryptedPackage".encode("utf-16-le"))
    with pytest.raises(ConfigError, match="locked by a password"):
        good(path)
    path.write_bytes(ole)
    with pytest.raises(ConfigError, match=r"an old \.xls workbook"):
        good(path)


def test_a_half_written_workbook_is_refused_and_never_half_read(tmp_path: Path) -> None:
    whole = write_raw_xlsx(
        tmp_path / "a.xlsx", [("正文",), *((f"第{n}条，底座发烫冒烟",) for n in range(300))]
    )
    body = whole.read_bytes()
    for share in (0.1, 0.5, 0.9, 0.99):
        whole.write_bytes(body[: int(len(body) * share)])
        with pytest.raises(ConfigError, match="was it copied to its end"):
            good(whole)


def test_a_table_under_a_wrong_name_is_read_or_refused_with_what_to_do(tmp_path: Path) -> None:
    book = write_xlsx(tmp_path / "a.xlsx", {"S": [["正文", "标题"], ["底座发烫冒烟了", "甲"]]})
    assert [row.text for row in good(book.rename(tmp_path / "a.csv"))] == ["底座发烫冒烟了"]
    page = tmp_path / "b.xls"
    page.write_bytes(b"<html><table><tr><td>1</td></tr></table></html>")
    with pytest.raises(ConfigError, match="a web page under another name"):
        good(page)
    empty = tmp_path / "c.xlsx"
    empty.write_bytes(b"")
    with pytest.raises(ConfigError, match="the file is empty"):
        good(empty)
    zipped = tmp_path / "d.xlsx"
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("readme.txt", "x")
    with pytest.raises(ConfigError, match="no workbook"):
        good(zipped)


def test_the_last_half_row_of_a_file_cut_in_a_character_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(
        "正文,作者\n第一条，锅盖裂了,甲\n第二条，锅盖也裂了,乙\n第三条，锅".encode("gbk")[:-1]
    )

    assert [row.text for row in good(path)] == ["第一条，锅盖裂了", "第二条，锅盖也裂了"]
    assert [row.number for row in refused(path)] == [3]


def test_a_refused_row_is_kept_without_whom_to_call(tmp_path: Path) -> None:
    path = tmp_path / "工单.csv"
    write_csv(
        path,
        "工单号,工单内容,建单时间,联系电话,客户姓名,称呼,身份证号\n"
        "T1,壶漏电，打我电话13905718826,13905718826,13905718826,周晓彤,周晓彤,330106199003077715\n",
    )

    columns = {"称呼": "contact_name", "建单时间": "published_at"}
    wishes = Wishes(columns=columns, vault=True)
    with opened(path, lambda _: reading(), wishes) as file:
        [row] = [one for one in file.rows if isinstance(one, Rejected)]

    assert row.row["工单号"] == "T1"
    assert row.row["工单内容"] == "壶漏电，打我电话139****8826"
    told = f"{row.reason} {json.dumps(dict(row.row), ensure_ascii=False)}"
    assert "139****8826" in row.reason
    assert not [said for said in ("13905718826", "周晓彤", "330106199003077715") if said in told]
