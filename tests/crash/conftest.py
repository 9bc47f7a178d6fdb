"""The world that the crash tests watch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash.world import World


@pytest.fixture
def world() -> Iterator[World]:
    built = World()
    with built.site:
        yield built
