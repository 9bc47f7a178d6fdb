from __future__ import annotations

from collections.abc import Iterator

import pytest

from storage.records import Incident
from storage.store import Store
from tests.console.world import Stage, World, build, raise_incident


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


@pytest.fixture
def world(store: Store, stage: Stage) -> Iterator[World]:
    world = build(store, stage)
    yield world
    world.close()


@pytest.fixture
def incident(world: World) -> Incident:
    return raise_incident(world)
