"""Accounts and the vault from the command line, run as people run them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from config.errors import ConfigError, GroundswellError
from config.load import example_dir, load
from groundswell.cli.app import build
from groundswell.doctor import examine
from storage.store import Store

PHONE = "13905718826"
VAULT = "  vault: {key: env:VAULT_TEST_KEY, keep_days: 30}\n"
PASSWORD = "一句只有我知道的话 2026"
Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a vault."""
    folder = tmp_path / "project"
    shutil.copytree(example_dir(), folder)
    settings = folder / "project.yaml"
    said = settings.read_text(encoding="utf-8")
    settings.write_text(said.replace("settings:\n", f"settings:\n{VAULT}", 1), "utf-8")
    monkeypatch.setenv("VAULT_TEST_KEY", "a secret of this test only 2026")
    monkeypatch.setenv("TEST_PASSWORD", PASSWORD)
    return folder


@pytest.fixture
def run(sqlite_url: str, folder: Path) -> Run:
    def command(*arguments: str, said: str | None = None) -> Result:
        options = ["--config", str(folder), "--database", sqlite_url, "--json"]
        return CliRunner().invoke(build(), [*options, *arguments], input=said)

    return command


def done(result: Result) -> Any:
    assert result.exit_code == 0, result.output + repr(result.exception)
    return json.loads(result.stdout)


def refused(result: Result) -> str:
    assert isinstance(result.exception, GroundswellError), result.output
    return str(result.exception)


def imported(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "tickets.csv"
    table.write_text(
        "工单号,建单时间,工单内容,联系电话,客户姓名\n"
        f"T1,2026-11-20 09:00,澜禾养生壶用了两天就漏电,{PHONE},周晓彤\n",
        "utf-8",
    )
    report = done(run("import", str(table), "--history"))
    assert report["contacts"].startswith("1 行")


def test_accounts_are_added_permitted_and_given_passwords(run: Run) -> None:
    added = ("user", "add", "zhouwen", "--role", "service", "--password-env", "TEST_PASSWORD")
    done(run(*added))
    assert "there is one of this name" in refused(run(*added))
    assert "role 'king'" in refused(
        run("user", "add", "x", "--role", "king", "--password-env", "TEST_PASSWORD")
    )
    assert "permission 'all'" in refused(run("user", "permit", "zhouwen", "all"))
    assert "none of this name" in refused(run("user", "permit", "nobody", "customer_contact"))
    done(run("user", "permit", "zhouwen", "customer_contact"))
    given = done(run("user", "permit", "zhouwen", "customer_contact"))
    assert given["permissions"] == ["customer_contact"]
    done(run("user", "password", "zhouwen", said="另一句只有我知道的话\n另一句只有我知道的话\n"))
    [listed] = done(run("user", "list"))
    assert listed == given | {"must_change": True}
    assert done(run("user", "forbid", "zhouwen", "customer_contact"))["permissions"] == []


@pytest.mark.parametrize(
    ("name", "password", "reason"),
    [
        ("周文", PASSWORD, "letters, digits"),
        ("zhouwen", "short", "密码"),
        ("zhouwen", "zhouwen zhouwen", "用户名"),
    ],
)
def test_a_bad_account_is_refused(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, password: str, reason: str
) -> None:
    monkeypatch.setenv("TEST_PASSWORD", password)

    assert reason in refused(run("user", "add", name, "--password-env", "TEST_PASSWORD"))


def own_password(url: str) -> None:
    """Do what the first login asks for."""
    store = Store(url)
    with store.transaction() as tx:
        account = tx.user("zhouwen")
        assert account is not None
        tx.save_user("zhouwen", account.password_hash, "service", permissions=account.permissions)
    store.close()


def test_a_contact_is_imported_shown_logged_and_forgotten(
    run: Run, tmp_path: Path, sqlite_url: str
) -> None:
    imported(run, tmp_path)
    done(run("user", "add", "zhouwen", "--password-env", "TEST_PASSWORD"))
    show_first = ("vault", "show", "1", "--user", "zhouwen", "--reason", "回访：安排取机")
    assert "password of your own" in refused(run(*show_first, "--password-env", "TEST_PASSWORD"))
    own_password(sqlite_url)
    show = ("vault", "show", "1", "--user", "zhouwen", "--reason", "回访：安排取机")
    with_password = (*show, "--password-env", "TEST_PASSWORD")

    assert "groundswell user permit zhouwen" in refused(run(*with_password))
    done(run("user", "permit", "zhouwen", "customer_contact"))
    assert "wrong password" in refused(run(*show, said="不是这一句 2026\n"))
    assert done(run(*with_password))["contact"] == {"name": "周晓彤", "phone": PHONE}
    log = run("vault", "log")
    assert [line["action"] for line in done(log)] == ["contact_read", "contact_refused"]
    assert PHONE not in log.stdout
    assert done(run("vault", "forget", "1", "--reason", "客户要求删除"))["deleted"] == 2
    assert "no contact" in refused(run(*with_password))
    assert done(run("vault", "purge"))["deleted"] == 0


def test_doctor_tells_a_vault_without_its_key(
    folder: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = load(folder, environ={})
    found = {one.what: one for one in examine(project, folder, sqlite_url)}
    assert found["vault"].grade == "ok"
    assert len(found["vault"].seen) == len("key 0123456789ab")

    monkeypatch.delenv("VAULT_TEST_KEY")
    found = {one.what: one for one in examine(project, folder, sqlite_url)}
    assert (found["vault"].grade, found["vault"].advice[:3]) == ("bad", "set")


def test_a_key_is_changed(
    run: Run, folder: Path, tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported(run, tmp_path)
    monkeypatch.setenv("VAULT_TEST_NEXT", "another secret of this test 2027")
    settings = folder / "project.yaml"
    said = settings.read_text("utf-8").replace("VAULT_TEST_KEY", "VAULT_TEST_NEXT")
    settings.write_text(said, "utf-8")

    assert done(run("vault", "rekey", "--old", "env:VAULT_TEST_KEY")) == {"rekeyed": 2, "left": 0}
    assert "written literally" in refused(run("vault", "rekey", "--old", "my secret"))
    done(run("user", "add", "zhouwen", "--password-env", "TEST_PASSWORD"))
    done(run("user", "permit", "zhouwen", "customer_contact"))
    own_password(sqlite_url)
    shown = run(
        *("vault", "show", "1", "--user", "zhouwen", "--reason", "回访：安排取机"),
        *("--password-env", "TEST_PASSWORD"),
    )
    assert done(shown)["contact"]["phone"] == PHONE


def test_without_a_key_the_import_says_what_is_left_out(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    settings = folder / "project.yaml"
    said = settings.read_text("utf-8").replace(VAULT, "")
    settings.write_text(said, "utf-8")
    table = tmp_path / "tickets.csv"
    table.write_text(
        f"编号,时间,内容,联系电话\nT1,2026-11-20 09:00,澜禾养生壶漏电,{PHONE}\n", "utf-8"
    )
    lines = tmp_path / "tickets.jsonl"
    lines.write_text(
        json.dumps({"id": "1", "text": "澜禾漏电", "contact": {"phone": PHONE}}), "utf-8"
    )

    assert (
        "列 联系电话：没有设置 vault.key"
        in done(run("import", str(table), "--history"))["contacts"]
    )
    assert "1 行：没有设置 vault.key" in done(run("import", str(lines), "--history"))["contacts"]
    wish = run("import", str(table), "--map", "contact_phone=联系电话")
    assert isinstance(wish.exception, ConfigError)
    assert "vault.key" in str(wish.exception)
