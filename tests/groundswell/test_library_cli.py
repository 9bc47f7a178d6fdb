import json

import pytest
from typer.testing import CliRunner

from config.load import load
from groundswell.cli import main
from groundswell.cli.app import build


@pytest.fixture
def mine(tmp_path):
    directory = tmp_path / "mine"
    said = CliRunner().invoke(build(), ["init", str(directory)])
    assert said.exit_code == 0
    return directory


def _run(*arguments: object):
    return CliRunner().invoke(build(), ["source", *(str(one) for one in arguments)])


def test_the_library_is_listed_by_platform_and_by_need():
    every = json.loads(_run("library", "--json").stdout)["sources"]
    weibo = json.loads(_run("library", "--platform", "微博", "--json").stdout)["sources"]
    free = json.loads(_run("library", "--needs", "none", "--json").stdout)["sources"]
    walled = json.loads(_run("library", "--needs", "login", "--json").stdout)["sources"]

    assert len(every) > 44
    assert {item["platform"] for item in weibo} == {"微博", "微博热搜"}
    assert free
    assert all(not item["needs"] for item in free)
    assert {item["enabled"] for item in walled} == {False}
    assert {"id", "name", "kind", "platform", "needs", "verified", "terms", "places"} <= {*every[0]}


def test_the_list_for_people_names_what_to_fill_in():
    lines = _run("library", "--platform", "Chiphell").stdout.splitlines()

    assert lines[0].startswith("id ")
    assert "FORUM_FID" in lines[1]
    assert lines[-1].startswith("1 sources")


def test_a_source_is_added_with_its_places_filled(mine):
    said = _run(
        "add",
        "discuz-rss",
        "--config",
        mine,
        "--as",
        "che-you",
        "--set",
        "FORUM_HOST=bbs.lanhe.example",
        "--set",
        "FORUM_FID=7",
    )

    assert said.exit_code == 0, said.output
    assert "next: groundswell source try che-you" in said.stdout
    assert load(mine).source("che-you") is not None


def test_what_the_project_still_lacks_is_said_and_the_file_stays(mine):
    said = _run("add", "rsshub-weibo-hot", "--config", mine)

    assert said.exit_code == 0
    assert "needs 需要: rsshub" in said.stdout
    assert 'add "127.0.0.1:1200" to allow_private' in said.stderr
    assert (mine / "sources" / "rsshub-weibo-hot.yaml").is_file()


def test_one_that_is_off_says_so(mine):
    said = _run("add", "heimao", "--config", mine)

    assert "默认停用" in said.stdout
    source = load(mine).source("heimao")
    assert source is not None
    assert not source.enabled


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", "no-such-source", "--config", "MINE"],
        ["add", "discuz-rss", "--config", "MINE"],
        ["add", "ithome", "--config", "MINE", "--set", "noequals"],
        ["add", "ithome", "--config", "MINE/absent"],
        ["add", "ithome"],
        ["add", "media", "--config", "MINE"],
    ],
)
def test_mistakes_end_with_2_and_a_sentence(mine, capsys, monkeypatch, arguments):
    monkeypatch.delenv("GROUNDSWELL_CONFIG", raising=False)
    given = [one.replace("MINE", str(mine)) for one in arguments]
    before = sorted(mine.rglob("*"))
    monkeypatch.setattr("sys.argv", ["groundswell", "source", *given])

    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.strip()) > 20
    assert sorted(mine.rglob("*")) == before
