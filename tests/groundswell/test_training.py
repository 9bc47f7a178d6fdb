"""Weights learn from corrections, are judged on others, and are taken over only when better."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from classify.sentiment import ScoreItem, Scorer
from config.errors import ConfigError, GroundswellError, ModelError
from groundswell import wiring
from groundswell.models import SHIPPED, Live
from groundswell.promotion import RefusedError, promote, roll_back
from groundswell.replay import SteppedClock
from groundswell.training import LEASE, Order, held_out, labelled, train, training_lease
from groundswell.wiring import Application
from storage.store import Store
from tests.groundswell.lessons import said, teach
from tests.groundswell.test_pipeline import NOW, project


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    monkeypatch.setenv("GROUNDSWELL_MODELS", str(folder))
    return folder


@pytest.fixture
def application(store: Store) -> Application:
    return wiring.wire(project(), store, SteppedClock(NOW))


@pytest.fixture
def on_file(sqlite_url: str) -> Iterator[Application]:
    """A program on SQLite, for what no database has a part in."""
    store = Store(sqlite_url)
    yield wiring.wire(project(), store, SteppedClock(NOW))
    store.close()


def registry_of(application: Application):
    return application.models.registry


def test_corrections_teach_the_words_of_a_trade_and_pass_the_gate(
    application: Application, place: Path
) -> None:
    store = application.store
    teach(application, 260)

    made = train(store, project(), registry_of(application), Order(), now=NOW)
    done = promote(
        store,
        project(),
        registry_of(application),
        kind="negative",
        version=made.version,
        actor="gao",
        now=NOW,
    )
    application.stages.drain()

    assert made.ruling.reason == "better", made.ruling
    assert made.ruling.gain_low is not None
    assert made.ruling.gain_low > 0
    assert made.held_out >= 30
    assert made.learned_from + made.held_out == 260
    assert done.judged_again == 260
    assert Live.of(store).version("negative") == made.version
    assert application.models.scorer.version == made.version
    items = [ScoreItem(text=said(n, is_bad=bad)) for n in range(900, 960) for bad in (True, False)]
    truth = np.array([True, False] * 60)
    before = Scorer.load().log_odds_many(items)
    after = Scorer.load(place / "negative" / made.version).log_odds_many(items)
    assert (after[truth].mean() - after[~truth].mean()) > (
        before[truth].mean() - before[~truth].mean() + 1
    )
    card = (place / "negative" / made.version / "MODEL_CARD.md").read_text("utf-8")
    assert "Corrections of this installation" in card


def test_what_is_held_out_stays_held_out_when_more_is_said(on_file: Application) -> None:
    teach(on_file, 60)
    first = labelled(on_file.store, project(), "negative")
    before = {row.key: out for row, out in zip(first, held_out(first), strict=True)}
    teach(on_file, 120)
    second = labelled(on_file.store, project(), "negative")
    after = {row.key: out for row, out in zip(second, held_out(second), strict=True)}

    assert len(after) == 120
    assert {key: after[key] for key in before} == before
    assert 0 < sum(after.values()) < 60


def test_a_few_words_are_too_few_to_learn_from(on_file: Application) -> None:
    teach(on_file, 10)

    with pytest.raises(ModelError, match="expected at least 20"):
        train(on_file.store, project(), registry_of(on_file), Order(), now=NOW)
    with on_file.store.read() as queries:
        assert queries.model_events() == []


def test_too_few_held_out_labels_are_refused_until_forced(on_file: Application) -> None:
    store, registry = on_file.store, registry_of(on_file)
    teach(on_file, 50)
    made = train(store, project(), registry, Order(), now=NOW)
    order = {"kind": "negative", "version": made.version, "actor": "gao", "now": NOW}

    assert made.ruling.reason == "too_few_labels"
    with pytest.raises(RefusedError, match="too_few_labels"):
        promote(store, project(), registry, **order)
    with pytest.raises(ConfigError, match="--reason"):
        promote(store, project(), registry, **order, force=True)
    promote(store, project(), registry, **order, force=True, reason="两人看过五十条")
    assert Live.of(store).version("negative") == made.version
    with pytest.raises(ConfigError, match="at work already"):
        promote(store, project(), registry, **order)
    assert roll_back(store, kind="negative", actor="gao", now=NOW).version == SHIPPED
    with store.read() as queries:
        said_ = [(one.action, one.detail.get("reason")) for one in queries.model_events()]
    assert said_ == [("refused", None), ("promoted", "两人看过五十条"), ("rolled_back", "")]


def test_two_trainings_at_once_are_refused_clearly(application: Application) -> None:
    teach(application, 30)
    with training_lease(application.store), pytest.raises(GroundswellError, match="another"):
        train(application.store, project(), registry_of(application), Order(), now=NOW)

    assert application.store.lease_holder(LEASE) is None
    assert not [one for one in threading.enumerate() if one.name == "training lease"]
    train(application.store, project(), registry_of(application), Order(), now=NOW)


def test_out_writes_a_folder_and_registers_nothing(on_file: Application, tmp_path: Path) -> None:
    teach(on_file, 40)
    order = Order(out=tmp_path / "mine")

    made = train(on_file.store, project(), registry_of(on_file), order, now=NOW)

    assert Scorer.load(tmp_path / "mine").version == made.version
    with on_file.store.read() as queries:
        assert queries.model_events() == []
    assert registry_of(on_file).versions("negative") == []
