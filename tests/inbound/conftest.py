from __future__ import annotations

from collections.abc import Iterator

import pytest

from storage.store import Store
from tests.inbound.world import World, build


@pytest.fixture
def world(sqlite_url: str) -> Iterator[World]:
    """On SQLite; what differs between databases is in tests/storage/test_replies.py."""
    store = Store(sqlite_url)
    yield build(store)
    store.close()
