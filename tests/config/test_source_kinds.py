"""A file per kind of source: it loads, an editor agrees, and no slip in it is a crash."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.errors import ConfigError
from config.load import load, load_source, schemas
from config.source_schema import SourceKind
from tests.config.json_schema import misfits

HERE = Path(__file__).parent
KINDS = sorted((HERE / "kinds").glob("*.yaml"))
_ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 10**9),
    st.text(max_size=8),
    st.sampled_from(
        [
            "css:a[",
            "jmes:a.[",
            "jmes:f(@)",
            "xpath://a[",
            "re2:(",
            "auto",
            "search",
            "spider",
            "hot_search",
            "browser",
            "https://x.example.com/{a}{page}{cursor}{offset}{keyword}",
            "http://[::1/{",
            "{page}",
            "1/0s",
            [],
            {},
            [[]],
            ["a", None],
            {"sel": []},
            {"item": 3, "fields": {"url": None}},
        ]
    ),
)


@pytest.mark.parametrize("path", KINDS, ids=lambda path: path.stem)
def test_file_of_every_kind_loads_within_a_project(path: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(HERE / "good", project)
    (project / "sources").mkdir(exist_ok=True)
    shutil.copyfile(path, project / "sources" / path.name)

    loaded = load(project, environ={})

    assert loaded.sources[-1].id == load_source(path, environ={}).id


@pytest.mark.parametrize("path", KINDS, ids=lambda path: path.stem)
def test_editor_finds_nothing_wrong_with_any_kind(path: Path) -> None:
    written = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)

    assert misfits(written, schemas()["source.json"]) == []


def test_every_kind_has_its_file() -> None:
    kinds = {load_source(path, environ={}).kind for path in KINDS}

    assert kinds == set(SourceKind.__args__)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("section", "name"),
    [
        ("thread", "psot"),
        ("sitemap", "includes"),
        ("app", "ids"),
        ("keywords", "brand"),
        ("pages", "backfil"),
    ],
)
def test_editor_sees_a_slip_in_every_section(section: str, name: str) -> None:
    files = [yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader) for path in KINDS]
    written = next(found for found in files if section in found)
    written[section][name] = "x"

    assert misfits(written, schemas()["source.json"]) == [f"{section}.{name}: unknown key"]


def _places(tree: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    inside: list[tuple[object, ...]] = [path] if path else []
    if isinstance(tree, dict):
        for key, value in tree.items():
            inside += _places(value, (*path, key))
    if isinstance(tree, list):
        for index, value in enumerate(tree):
            inside += _places(value, (*path, index))
    return inside


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_slip_in_any_kind_loads_or_is_refused_with_its_line(
    tmp_path: Path, data: st.DataObject
) -> None:
    tree = yaml.safe_load(data.draw(st.sampled_from(KINDS)).read_text(encoding="utf-8"))
    *above, last = data.draw(st.sampled_from(_places(tree)))
    node = tree
    for step in above:
        node = node[step]
    node[last] = data.draw(_ODD)
    path = tmp_path / "s.yaml"
    path.write_text(yaml.safe_dump(tree, allow_unicode=True), encoding="utf-8")

    assert all(problem.startswith(f"{path}:") for problem in _problems(path))


def _problems(path: Path) -> tuple[str, ...]:
    try:
        load_source(path, environ={})
    except ConfigError as error:
        return error.problems
    return ()
