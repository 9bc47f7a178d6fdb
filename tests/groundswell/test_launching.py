"""A launch's file: written whole or not at all, comments kept, the second of two writers told."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from config.errors import ConfigError
from config.load import example_dir, load
from groundswell.cli.app import build
from groundswell.launching import kept, save, values_of

GOOD = Path(__file__).parents[1] / "config" / "good"
NEW: dict[str, Any] = {
    "id": "pobiji-b9",
    "brand": "qinghe",
    "product": "pobiji-b9",
    "name": "破壁机 B9",
    "aliases": ["小旋风"],
    "launched": "2026-11-01",
    "representatives": ["lin"],
    "faq": [{"question": "响吗？", "answer": "不响。\n也不烫：放心", "approved_by": "zhou"}],
    "readiness": [{"place": "华东", "trained": 3, "to_train": 4, "as_of": "2026-10-30"}],
    "note": "",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A small project: every save reads it three times."""
    return Path(shutil.copytree(GOOD, tmp_path / "home"))


def written(home: Path) -> str:
    return (home / "launches" / "pobiji-b9.yaml").read_text(encoding="utf-8")


def test_a_new_launch_is_one_file_that_says_the_same(home: Path) -> None:
    done = save(home, NEW, version="")

    found = kept(home, "pobiji-b9")
    assert found == done
    assert values_of(found.plan) == {key: one for key, one in NEW.items() if one}
    project = load(home)
    assert project.brand_of_product("pobiji-b9") == project.brand("qinghe")
    for name in ("1e3", "0x10", "2026-01-01", "yes", "- x: {y"):  # a text, whatever YAML thinks
        done = save(home, {**NEW, "aliases": [name], "note": name}, version=done.version)
        assert (done.plan.aliases, done.plan.note) == ((name,), name)


def test_what_did_not_change_stays_comments_included(home: Path) -> None:
    save(home, NEW, version="")
    path = home / "launches" / "pobiji-b9.yaml"
    said = written(home).replace(
        "name: 破壁机 B9", "# 市场部定的名字\nname: 破壁机 B9   # 空格也在"
    )
    path.write_text(said, encoding="utf-8")
    found = kept(home, "pobiji-b9")
    assert found is not None

    save(
        home,
        {**NEW, "aliases": ["小旋风", "旋风机"], "sister": "stool", "faq": []},
        version=found.version,
    )

    after = written(home)
    assert "# 市场部定的名字\nname: 破壁机 B9   # 空格也在\n" in after
    assert "- 旋风机\n" in after
    assert "sister: stool\n" in after
    assert "faq" not in after


def test_the_commented_example_is_changed_in_one_place(tmp_path: Path) -> None:
    home = Path(shutil.copytree(example_dir(), tmp_path / "example"))
    found = kept(home, "pobiji-b7")
    assert found is not None
    before = found.path.read_text(encoding="utf-8").splitlines()

    done = save(home, values_of(found.plan) | {"ends": "2027-02-01"}, version=found.version)

    after = done.path.read_text(encoding="utf-8").splitlines()
    changed = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    said = "          # 最后一天，上市后 3 到 6 个月；不写就按 launch.months"
    assert changed == [(f"ends: 2027-03-07{said}", f"ends: 2027-02-01{said}")]


def test_mistakes_are_told_with_their_lines_and_nothing_is_written(home: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        save(home, {**NEW, "ends": "2027-12-01", "representatives": ["ling"]}, version="")

    assert [said.partition(": ")[0] for said in caught.value.problems] == [
        "launches/pobiji-b9.yaml:9",
        "launches/pobiji-b9.yaml:11",
    ]
    assert not (home / "launches" / "pobiji-b9.yaml").exists()


def test_the_second_of_two_is_told(home: Path) -> None:
    first = save(home, NEW, version="")
    save(home, {**NEW, "note": "先保存的"}, version=first.version)

    with pytest.raises(ConfigError, match="somebody else changed it meanwhile"):
        save(home, {**NEW, "note": "后保存的"}, version=first.version)
    with pytest.raises(ConfigError, match="is already there"):
        save(home, NEW, version="")

    assert "先保存的" in written(home)
    assert "后保存的" not in written(home)


def test_of_many_at_once_one_writes(home: Path) -> None:
    came_to: list[str] = []

    def write(n: int) -> None:
        try:
            save(home, {**NEW, "note": f"第{n}个"}, version="")
            came_to.append(f"第{n}个")
        except ConfigError:
            came_to.append("")

    threads = [threading.Thread(target=write, args=(n,)) for n in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    [winner] = filter(None, came_to)
    assert len(came_to) == 3
    assert f"note: {winner}" in written(home)


@pytest.mark.parametrize("name", ["../evil", "a/b", "A", "", "x" * 64])
def test_an_id_cannot_leave_the_folder(home: Path, name: str) -> None:
    before = sorted(home.parent.rglob("*"))

    with pytest.raises(ConfigError, match="expected an id"):
        save(home, {**NEW, "id": name}, version="")

    assert [path for path in sorted(home.parent.rglob("*")) if path not in before] == []


def test_typed_text_reads_no_variable(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GS_TEST_SECRET", "别看我")
    said = "写作 ${GS_TEST_SECRET} 或 $${GS_TEST_SECRET}"
    done = save(home, {**NEW, "note": said}, version="")

    assert done.plan.note == said
    again = save(home, values_of(done.plan), version=done.version)
    assert again.plan.note == said


def test_what_ships_with_the_program_is_not_written() -> None:
    with pytest.raises(ConfigError, match="groundswell init"):
        save(example_dir(), NEW, version="")


def test_a_file_only_a_person_can_change_is_left_alone(home: Path) -> None:
    path = home / "launches" / "pobiji-b9.yaml"
    flow = "{id: pobiji-b9, brand: qinghe, product: pobiji-b9, name: B9, launched: 2026-11-01}\n"
    path.parent.mkdir()
    path.write_text(flow, encoding="utf-8")
    found = kept(home, "pobiji-b9")
    assert found is not None

    with pytest.raises(ConfigError, match="change it by hand"):
        save(home, values_of(found.plan) | {"note": "改"}, version=found.version)

    assert path.read_text(encoding="utf-8") == flow


# --- the command line ---------------------------------------------------------------------------


def test_a_launch_by_command(home: Path, sqlite_url: str) -> None:
    def run(*words: str) -> Any:
        start = ["--config", str(home), "--database", sqlite_url]
        return CliRunner().invoke(build(), [*start, "launch", *words])

    added = run(
        *("add", "b9", "--brand", "qinghe", "--product", "pobiji-b9", "--name", "破壁机 B9"),
        *(
            "--launched",
            "2026-11-01",
            "--alias",
            "小旋风",
            "--representative",
            "lin",
            "--sister",
            "stool",
        ),
        *("--faq", "响吗？ => 不响。 => 陈默", "--ready", "华东: 3/4, 10/10", "--by", "周岚"),
    )
    assert added.exit_code == 0, added.output
    assert run("edit", "b9", "--note", "第二批").exit_code == 0
    listed = json.loads(run("list", "--json").stdout)["launches"]
    assert [one["launch"]["id"] for one in listed] == ["b9"]
    assert listed[0]["launch"]["note"] == "第二批"
    assert listed[0]["launch"]["readiness"][0]["by"] == "周岚"

    checked = run("check", "b9", "--json")
    assert checked.exit_code == 1
    found = json.loads(checked.stdout)
    assert found["ready"] is False
    lacks = {one["code"] for one in found["items"] if not one["ok"]}
    assert {"nicknames", "heard", "representatives", "training", "sales", "sister"} == lacks
    assert "破壁机 B9" in run("show", "b9").output
    assert "there are: b9" in str(run("check", "none").exception)
