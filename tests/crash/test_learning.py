"""Killed at any point of training and promoting, the program goes on with one whole model."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from classify.sentiment import Scorer
from groundswell import wiring
from groundswell.models import SHIPPED, Live
from groundswell.replay import SteppedClock
from groundswell.training import Order, train
from storage import tables
from storage.store import Store
from tests.crash.runs import ROOT
from tests.groundswell.lessons import teach
from tests.groundswell.test_pipeline import NOW, project

pytestmark = pytest.mark.crash
_IN_FILES = ("fitting", "writing", "noted")  # points at which only files are being written


@pytest.fixture
def taught(
    request: pytest.FixtureRequest,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Store]:
    """A database with forty corrections; its models lie in a folder of this test."""
    if database_url.startswith("postgres") and request.getfixturevalue("point") in _IN_FILES:
        pytest.skip("no database has a part in it; killed on SQLite")
    monkeypatch.setenv("GROUNDSWELL_MODELS", str(tmp_path / "models"))
    store = Store(database_url)
    try:
        teach(wiring.wire(project(), store, SteppedClock(NOW)), 40)
        yield store
    finally:
        store.close()


def run(url: str, point: str) -> int:
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.learning", url, point],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr[-3000:]
    return done.returncode


@pytest.mark.parametrize(
    ("point", "is_there", "is_noted", "at_work"),
    [
        ("fitting", False, False, False),
        ("writing", False, False, False),
        ("written", True, False, False),
        ("noted", True, True, False),
        ("promoting", True, True, False),
        ("promoted", True, True, True),
    ],
)
def test_a_killed_training_or_promotion_leaves_one_whole_model_at_work(
    taught: Store, database_url: str, tmp_path: Path, point: str, is_there: bool, is_noted: bool,
    at_work: bool,
) -> None:  # fmt: skip
    assert run(database_url, point) == -signal.SIGKILL

    live = Live.of(taught)
    with taught.read() as queries:
        noted = [one.action for one in queries.model_events()]
        waiting = queries.counts()["pending_understand"]
    versions = live.registry.versions("negative")
    assert (len(versions), len(noted) > 0) == (is_there, is_noted)
    assert live.version("negative") == (versions[0] if at_work else SHIPPED)
    assert live.scorer.version == (versions[0] if at_work else Scorer.load().version)
    assert waiting == (40 if at_work else 0)

    with taught.write() as connection:  # the half minute that the lease of the dead lasts
        connection.execute(sa.delete(tables.lease))
    again = train(taught, project(), live.registry, Order(), now=NOW)
    assert again.version in live.registry.versions("negative")
    assert not list((tmp_path / "models" / "negative").glob(".*"))
