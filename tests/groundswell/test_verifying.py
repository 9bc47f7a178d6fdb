"""Who can be woken, whether that is proved, and how people answer: on the command line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from config.load import example_dir
from groundswell.cli.app import build
from groundswell.inbound.ways import link_trouble
from storage.store import Store
from tests.inbound.world import company

Run = Callable[..., Result]

SMS = """
  - id: sms
    kind: sms
    provider: aliyun
    key_id: env:KEY
    secret: env:KEY
    signature: 澜禾
    template: SMS_1
    replies: env:KEY
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The example project with a channel that rings, and whom it rings."""
    home = Path(shutil.copytree(example_dir(), tmp_path / "home"))
    channels = next(path for path in home.glob("*.yaml") if "bot-linxiao\n" in path.read_text())
    channels.write_text(channels.read_text(encoding="utf-8") + SMS, encoding="utf-8")
    owners = home / "owners.yaml"
    text = owners.read_text(encoding="utf-8")
    for name, number in (("linxiao", "1"), ("chenmo", "2"), ("zhoulan", "3"), ("xunuo", "4")):
        own = f"    channels: [bot-{name}]\n"
        assert own in text
        more = f'    wake_by: [sms]\n    mobile: "1380000000{number}"\n'
        text = text.replace(own, own + more)
    owners.write_text(text, encoding="utf-8")
    return home


@pytest.fixture
def run(home: Path, sqlite_url: str) -> Run:
    def command(*arguments: str, database: bool = True) -> Result:
        where = ("--database", sqlite_url) if database else ()
        return CliRunner().invoke(build(), ["--config", str(home), *where, *arguments])

    return command


def code_of(url: str) -> str:
    store = Store(url)
    with store.read() as queries:
        [intent] = [one for one in queries.intents() if one.kind == "verify"]
    store.close()
    return intent.words["code"]


def test_check_fails_until_everybody_who_may_be_woken_has_proved_it(
    run: Run, sqlite_url: str
) -> None:
    found = run("check")
    assert found.exit_code == 2
    assert (
        "林晓（linxiao）要由 sms 半夜叫醒，这个通道还没有验证 (never proved)："
        "groundswell people verify linxiao sms" in found.output.splitlines()
    )
    assert len(found.output.splitlines()) == 4

    assert run("people", "verify", "linxiao", "sms").exit_code == 0
    assert run("people", "verify", "linxiao", "sms", "--code", "abc").exit_code == 1
    code = code_of(sqlite_url)
    assert run("people", "verify", "linxiao", "sms", "--code", code).exit_code == 0

    assert "linxiao" not in run("check").output


def test_a_changed_number_is_not_proved(run: Run, sqlite_url: str, home: Path) -> None:
    run("people", "verify", "linxiao", "sms")
    run("people", "verify", "linxiao", "sms", "--code", code_of(sqlite_url))
    owners = home / "owners.yaml"
    text = owners.read_text(encoding="utf-8")
    owners.write_text(text.replace("13800000001", "13800000009"), encoding="utf-8")

    assert "号码改过，需要重新验证 (its number was changed)" in run("check").output


def test_without_a_database_check_only_says_so(run: Run, tmp_path: Path) -> None:
    found = run("check", "--database", f"sqlite:///{tmp_path}/none.db", database=False)

    assert found.exit_code == 0, found.output
    assert "warning: wake-up channels are not proved yet: no database" in found.output
    assert not (tmp_path / "none.db").exists()


def test_unknown_people_and_channels_are_named(run: Run) -> None:
    for arguments in (("nobody", "sms"), ("linxiao", "mail"), ("wudi", "sms")):
        for code in ((), ("--code", "123456")):
            found = run("people", "verify", *arguments, *code)
            assert found.exit_code != 0
            assert "expected one" in str(found.exception)


def test_doctor_says_for_each_person_which_way_works(run: Run) -> None:
    found = run("doctor", "--json")
    findings = {one["what"]: one for one in json.loads(found.stdout)["findings"]}

    assert "只能在内网打开，请用回复" in findings["links in messages"]["seen"]
    assert findings["person linxiao"]["grade"] == "ok"
    assert findings["person linxiao"]["seen"] == (
        "bot-linxiao（通知，未验证）；sms（叫醒，未验证）。确认的办法：回短信"
    )
    assert findings["person wudi"]["grade"] == "warn"
    assert "公司外面无法确认" in findings["person wudi"]["seen"]
    assert findings["wake-up"]["grade"] == "bad"


def test_people_are_listed_with_their_ways(run: Run) -> None:
    assert "林晓（linxiao）：bot-linxiao（通知，未验证）；sms" in run("people", "list").output
    listed = json.loads(run("people", "list", "--json").stdout)
    assert [one["answer"] for one in listed["people"]["linxiao"]] == ["", "回短信"]
    assert "还没有回复" in run("people", "replies").output


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("https://console.lanhe.example", False),
        ("https://8.8.8.8", False),
        ("http://127.0.0.1:8790", True),
        ("http://[::1]:8790", True),
        ("http://10.1.2.3:8790", True),
        ("http://nas:8790", True),
        ("http://nas.local", True),
        ("http://localhost:8790", True),
    ],
)
def test_where_a_link_opens(address: str, inside: bool) -> None:
    project = company()
    rules = project.settings.console.model_copy(update={"base_url": address})
    settings = project.settings.model_copy(update={"console": rules})

    found = link_trouble(project.model_copy(update={"settings": settings}))
    assert bool(found) is inside
