"""The database goes away while people look: a calm page, and back to work when it is there."""

import shutil
from pathlib import Path

import sqlalchemy as sa

from storage.store import Store
from tests.console.world import Stage, build


def test_a_lost_database_is_said_calmly_and_survived(sqlite_url: str, stage: Stage) -> None:
    path = Path(sa.make_url(sqlite_url).database or "")
    store = Store(sqlite_url)
    world = build(store, stage)
    client = world.client("linxiao")
    assert client.get("/").status_code == 200
    store.close()
    kept = path.with_suffix(".away")
    shutil.move(path, kept)
    path.mkdir()  # nothing can be opened where a folder stands
    try:
        assert client.get("/").status_code == 503
        assert client.get("/healthz").status_code == 503
        assert client.get("/login").status_code in {200, 303}
        assert client.get("/static/console.css").status_code == 200
    finally:
        path.rmdir()
        shutil.move(kept, path)
    assert client.get("/").status_code == 200
    world.close()
    store.close()
