"""One line of a source's file changes; nothing else of it does."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from config.load import example_dir, load_source
from groundswell.sourcing_probe import source_file, stamp

DAY = date(2026, 11, 22)
BASE = "id: one\nname: 一\nkind: feed\nstart: https://x.example.cn/feed\n"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "one.yaml"
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (BASE, BASE + "verified: 2026-11-22\n"),
        (BASE.rstrip("\n"), BASE + "verified: 2026-11-22\n"),
        (BASE + "verified: never\n", BASE + "verified: 2026-11-22\n"),
        (BASE + "verified: 2025-01-02   # 旧的\n", BASE + "verified: 2026-11-22   # 旧的\n"),
        (BASE + "verified: 'never'\n", BASE + "verified: 2026-11-22\n"),
        (f"# 头\nverified: never\n{BASE}", f"# 头\nverified: 2026-11-22\n{BASE}"),
        (BASE.replace("\n", "\r\n"), BASE.replace("\n", "\r\n") + "verified: 2026-11-22\r\n"),
        ("\ufeff" + BASE, "\ufeff" + BASE + "verified: 2026-11-22\n"),
        (BASE + "terms: |\n  第一行\n  第二行\n", None),
        (BASE + "expect:\n  min_items: 0\n", None),
        (BASE + "name_of: x\n", None),
    ],
)
def test_only_the_date_changes(tmp_path: Path, before: str, after: str | None) -> None:
    path = write(tmp_path, before)

    assert stamp(path, DAY, {}) == ""
    written = path.read_bytes().decode()
    assert written == (before + "verified: 2026-11-22\n" if after is None else after)
    assert stamp(path, DAY, {}) == ""
    assert path.read_bytes().decode() == written
    assert [p.name for p in tmp_path.iterdir()] == ["one.yaml"]


@pytest.mark.parametrize(
    "text",
    [
        "{id: one, name: 一, kind: feed, start: 'https://x.example.cn/'}\n",
        BASE + "...\n",
        BASE + "verified:\n  never\n",
        "id: [\n",
    ],
)
def test_a_file_written_otherwise_is_left_to_its_author(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)

    assert stamp(path, DAY, {}) != ""
    assert path.read_bytes().decode() == text


def test_what_ships_is_not_changed() -> None:
    path = example_dir() / "sources/jing-tousu.yaml"

    assert stamp(path, DAY, {}) == "随程序附带的文件，不改"


def test_a_stamped_file_is_read_with_its_day(tmp_path: Path) -> None:
    path = write(tmp_path, BASE)
    stamp(path, DAY, {})

    assert load_source(path, environ={}).verified == DAY


def test_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = write(tmp_path, BASE)
    path.chmod(0o640)

    stamp(path, DAY, {})

    assert path.stat().st_mode & 0o777 == 0o640


def test_a_source_is_found_by_its_id_not_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir()
    path = tmp_path / "sources/another-name.yaml"
    path.write_text(BASE, encoding="utf-8")

    assert source_file(tmp_path, "one") == path
    assert source_file(tmp_path, "two") is None
