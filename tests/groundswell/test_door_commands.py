"""The commands of the other doors, run as people run them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from config.errors import ConfigError
from groundswell.cli.app import build
from tests.groundswell.tables import write_xlsx

SAID = [f"澜禾养生壶用了{n}天底座就发烫冒烟，客服让我自己寄回去" for n in range(1, 5)]
Run = Callable[..., Result]


@pytest.fixture
def run(sqlite_url: str) -> Run:
    def command(*arguments: str) -> Result:
        options = ["--database", sqlite_url]
        return CliRunner().invoke(build(), [*options, *arguments], catch_exceptions=True)

    return command


def done(result: Result) -> Any:
    assert result.exit_code == 0, result.output + repr(result.exception)
    return json.loads(result.stdout)


def test_a_key_is_made_listed_and_revoked(run: Run, sqlite_url: str) -> None:
    made = done(run("--json", "token", "create", "crm", "--channel", "internal", "--days", "30"))
    [listed] = done(run("--json", "token", "list"))

    assert made["key"].startswith("gsp_")
    assert made["key"] not in json.dumps(listed)
    assert (listed["name"], listed["channel"], listed["uses"]) == ("crm", "internal", 0)
    assert listed["expires_at"]
    raw = Path(sqlite_url.removeprefix("sqlite:///")).read_bytes()
    assert made["key"].encode() not in raw
    taken = run("token", "create", "crm")
    assert isinstance(taken.exception, ConfigError)
    assert "revoke that one first" in str(taken.exception)
    assert run("token", "revoke", "crm").exit_code == 0
    assert isinstance(run("token", "revoke", "crm").exception, ConfigError)
    assert run("token", "create", "crm").exit_code == 0
    assert "crm" in run("token", "list").stdout


def test_a_shops_link_is_made_with_its_code_as_a_file(run: Run, tmp_path: Path) -> None:
    picture = tmp_path / "xuhui.svg"
    made = done(
        run("--json", "reporter", "add", "徐汇旗舰店", "--region", "上海", "--qr", str(picture))
    )

    assert "/r/" in made["link"]
    assert "<svg" in picture.read_text(encoding="utf-8")
    [listed] = done(run("--json", "reporter", "list"))
    assert (listed["name"], listed["region"]) == ("徐汇旗舰店", "上海")
    assert run("reporter", "revoke", "徐汇旗舰店").exit_code == 0
    wrong = run("reporter", "add", "静安店", "--qr", "x.gif")
    assert "expected a name ending in" in str(wrong.exception)


def test_a_mapping_is_proposed_saved_and_found_again(
    run: Run, tmp_path: Path, sqlite_url: str
) -> None:
    header = ["甲", "乙", "说明文字"]
    rows = [header, *([f"n{n}", "2026/11/19 9:05", said] for n, said in enumerate(SAID))]
    path = write_xlsx(tmp_path / "热线.xlsx", {"S": rows})

    shown = run(
        "import", str(path), "--propose", "--channel", "internal", "--save-mapping", "热线周报"
    )
    assert shown.exit_code == 0, shown.output
    assert "说明文字" in shown.stdout
    assert "published_at 发布时间" in shown.stdout
    report = done(run("--json", "import", str(path)))

    assert report["outcomes"] == {"kept": 4}
    assert "“热线周报”" in report["read_as"]
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as connection:
        found = connection.execute("SELECT channel, platform, count(*) FROM mention GROUP BY 1, 2")
        assert found.fetchall() == [("internal", "热线", 4)]
    again = done(run("--json", "import", str(path), "--mapping", "热线周报"))
    assert again["outcomes"] == {"duplicate": 4}
    wrong = run("import", str(path), "--mapping", "没有")
    assert "expected one of 热线周报, 客服工单" in str(wrong.exception)
    assert "expected public or internal" in str(
        run("import", str(path), "--channel", "secret").exception
    )
