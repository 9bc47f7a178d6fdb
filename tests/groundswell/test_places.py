from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from config.load import example_dir
from groundswell.cli.app import build
from groundswell.places import project_dir
from storage.records import SourceId, SourceState
from storage.store import Store


@pytest.fixture
def mine(tmp_path, monkeypatch):
    monkeypatch.delenv("GROUNDSWELL_CONFIG", raising=False)
    monkeypatch.delenv("GROUNDSWELL_DATABASE", raising=False)
    directory = tmp_path / "mine"
    assert _run("init", str(directory)).exit_code == 0
    return directory


def _run(*arguments: str):
    return CliRunner().invoke(build(), list(arguments))


def test_the_project_is_the_one_named_else_the_one_we_stand_in(mine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert project_dir(None) == example_dir()
    assert project_dir(str(mine)) == mine

    monkeypatch.chdir(mine)
    assert project_dir(None) == mine.resolve()
    assert project_dir(str(tmp_path)) == tmp_path


def test_what_the_template_tells_to_run_works_inside_the_project(mine, monkeypatch):
    monkeypatch.chdir(mine)

    assert "my-feed" in _run("check").stdout
    assert _run("source", "add", "ithome").exit_code == 0
    assert (mine / "sources" / "ithome.yaml").is_file()


def test_times_of_sources_are_the_projects(mine, monkeypatch):
    monkeypatch.chdir(mine)
    assert _run("db", "upgrade").exit_code == 0
    store = Store(f"sqlite:///{mine}/var/groundswell.db")
    with store.transaction() as tx:
        tx.save_source(
            SourceState(
                source_id=SourceId("my-feed"), last_ok_at=datetime(2026, 11, 20, 16, 30, tzinfo=UTC)
            )
        )
    store.close()

    settings = mine / "project.yaml"
    settings.write_text(settings.read_text("utf-8").replace("Asia/Shanghai", "Asia/Tokyo"), "utf-8")
    assert "11-21 01:30" in _run("source", "list").stdout


@pytest.mark.parametrize("named", [(), ("--database", "other.db")])
def test_a_project_without_a_database_is_upgraded_from_empty(mine, monkeypatch, named):
    monkeypatch.chdir(mine)
    first = _run("db", "upgrade", *named)
    second = _run("db", "upgrade", *named)

    assert first.exit_code == 0, first.output
    assert "upgraded empty" in first.stdout
    assert "already at" in second.stdout
    assert (mine / ("other.db" if named else "var/groundswell.db")).is_file()
