from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.store import Store
from tests.inbound.world import World, build, trouble


@pytest.fixture(scope="session")
def troubled(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which the incident was raised and people heard of it, made once."""
    path = tmp_path_factory.mktemp("replies") / "troubled.db"
    shutil.copy(sqlite_template, path)
    store = Store(f"sqlite:///{path}")
    trouble(build(store))
    store.close()
    return path


@pytest.fixture
def world(troubled: Path, tmp_path: Path) -> Iterator[World]:
    """On SQLite; what differs between databases is in tests/storage/test_replies.py."""
    path = tmp_path / "groundswell.db"
    shutil.copy(troubled, path)
    store = Store(f"sqlite:///{path}")
    yield build(store)
    store.close()
