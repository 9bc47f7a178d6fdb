"""A main job that runs takes over what another process promoted, without a restart."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from config.load import load
from groundswell import wiring
from groundswell.clock import RealClock
from groundswell.models import SHIPPED, Live
from groundswell.promotion import promote, roll_back
from storage.store import Store
from tests.crash.test_stop import _command, _free_port, _running
from tests.crash.world import World
from tests.groundswell.test_pipeline import complaint
from tests.groundswell.test_promotion import make_version

pytestmark = pytest.mark.crash
_SOON_S = 60  # it looks each second; the machine may be busy with everything else


def versions(store: Store) -> set[str]:
    with store.read() as queries:
        rows = queries.table_rows("verdict")
    return {row["model_version"] for row in rows if row["is_current"]}


def await_versions(store: Store, wanted: set[str]) -> None:
    give_up_at = time.monotonic() + _SOON_S
    while versions(store) != wanted:
        assert time.monotonic() < give_up_at, f"still {versions(store)}, not {wanted}"
        time.sleep(0.2)


def test_a_running_job_takes_over_a_promotion_and_a_rollback(
    sqlite_url: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDSWELL_MODELS", str(tmp_path / "models"))
    port = _free_port()
    command = _command(world, sqlite_url, tmp_path)
    store = Store(sqlite_url)
    project = load(tmp_path / "project")
    brand = project.brands[0].name
    now = RealClock().now()
    journey = wiring.make_journey(project, store, wiring.make_links(project, store))
    raws = [complaint(n, brand=brand, observed_at=now, published_at=now) for n in range(3)]
    with store.transaction() as tx:
        journey.keep(tx, raws, now)
    make_version(store, Live.of(store).registry, "negative-other")
    shipped = {Live.of(store).scorer.version}
    assert Live.of(store).version("negative") == SHIPPED

    with _running(command, port) as job:
        await_versions(store, shipped)
        promote(
            store,
            project,
            Live.of(store).registry,
            kind="negative",
            version="negative-other",
            actor="gao",
            now=RealClock().now(),
            force=True,
            reason="a test",
        )
        await_versions(store, {"negative-other"})
        roll_back(store, kind="negative", actor="gao", now=RealClock().now())
        await_versions(store, shipped)
        assert job.poll() is None
    store.close()
