"""Launches in a project: what a file brings, and what several files must agree on."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from config.errors import ConfigError
from config.launch_schema import LaunchPlan, range_of_ends
from config.load import load
from config.schema import Project

GOOD = Path(__file__).parent / "good"


def project(tmp_path: Path, launch: str, settings: str = "", **more: str) -> Project:
    folder = Path(shutil.copytree(GOOD, tmp_path / "project"))
    (folder / "launches").mkdir()
    (folder / "launches" / "one.yaml").write_text(launch, encoding="utf-8")
    for name, text in more.items():
        (folder / "launches" / f"{name}.yaml").write_text(text, encoding="utf-8")
    if settings:
        (folder / "settings.yaml").write_text(settings, encoding="utf-8")
    return load(folder, environ={})


NEW = "id: one\nbrand: qinghe\nproduct: stool-2\nname: 小凳二代\nlaunched: 2026-11-20\n"
KNOWN = "id: one\nbrand: qinghe\nproduct: stool\naliases: [板板]\nlaunched: 2026-11-20\n"


def test_a_launch_brings_a_new_product_or_names_to_a_known_one(tmp_path: Path) -> None:
    found = project(tmp_path, NEW + "words: [凳子]\n", other=KNOWN.replace("id: one", "id: two"))
    brand = found.brand("qinghe")
    assert brand is not None
    lines = {line.id: line for line in brand.products}

    assert (lines["stool-2"].name, lines["stool-2"].words) == ("小凳二代", ("凳子",))
    assert lines["stool-2"].launched == date(2026, 11, 20)
    assert (lines["stool"].name, lines["stool"].aliases) == ("小凳", ("板板",))
    owner = found.brand_of_product("stool-2")
    assert owner is not None
    assert owner.id == "qinghe"
    plan = found.launch_of("stool-2")
    assert plan is not None
    assert (plan.id, found.launch("one"), found.launch("none")) == ("one", plan, None)


def test_one_product_has_one_launch(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'product "stool" is already launched in launches/one'):
        project(tmp_path, KNOWN, two=KNOWN.replace("id: one", "id: two"))


def test_two_days_of_launch_are_refused(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(GOOD, tmp_path / "project"))
    (folder / "launches").mkdir()
    (folder / "launches" / "one.yaml").write_text(KNOWN, encoding="utf-8")
    brand = folder / "brands" / "qinghe.yaml"
    said = brand.read_text(encoding="utf-8").replace(
        "name: 小凳}", "name: 小凳, launched: 2026-10-01}"
    )
    brand.write_text(said, encoding="utf-8")

    with pytest.raises(ConfigError, match="says that it was launched on 2026-10-01"):
        load(folder, environ={})


@pytest.mark.parametrize(
    ("months", "ends"), [(3, date(2027, 2, 19)), (6, date(2027, 5, 19)), (7, None), (2, None)]
)
def test_the_settings_say_the_end_where_none_is_written(
    tmp_path: Path, months: int, ends: date | None
) -> None:
    root = GOOD / "project.yaml"
    assert "settings" not in root.read_text(encoding="utf-8")
    settings = f"settings:\n  launch: {{months: {months}}}\n"
    if ends is None:
        with pytest.raises(ConfigError, match=f"launch.months of the settings is {months}"):
            project(tmp_path, NEW, settings)
        return

    plan = project(tmp_path, NEW, settings).launches[0]
    assert plan.last_day(months) == ends
    assert plan.holds(ends, months)
    assert not plan.holds(date.fromordinal(ends.toordinal() + 1), months)


def test_an_end_of_its_own_beats_the_settings(tmp_path: Path) -> None:
    settings = "settings:\n  launch: {months: 12}\n"
    plan = project(tmp_path, NEW + "ends: 2027-03-01\n", settings).launches[0]

    assert plan.last_day(12) == date(2027, 3, 1)


def test_month_ends_bound_a_launch() -> None:
    assert range_of_ends(date(2025, 11, 30)) == (date(2026, 2, 27), date(2026, 5, 29))


def test_a_plan_says_what_is_by_default() -> None:
    values: dict[str, Any] = {"id": "a", "brand": "b", "product": "c", "launched": "2026-11-20"}
    plan = LaunchPlan.model_validate(values)

    assert (plan.faq, plan.readiness, plan.representatives, plan.sister) == ((), (), (), "")
