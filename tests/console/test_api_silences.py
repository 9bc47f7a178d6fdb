"""/api/v1/silences: programs ask for silences and end them, with a key of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from groundswell.doors import EDIT, READ, make_key
from storage.store import Store
from tests.console.world import Stage, World, build

ROOT = "/api/v1/silences"


@pytest.fixture
def world(sqlite_url: str, stage: Stage) -> Iterator[World]:
    """On SQLite: what differs between the databases is in tests/groundswell/test_reminding.py."""
    store = Store(sqlite_url)
    world = build(store, stage)
    yield world
    world.close()
    store.close()


class Program:
    """Another program with a key."""

    def __init__(self, world: World, kind: str) -> None:
        key = make_key(world.store, kind, f"release {kind}", by="test", now=world.clock.now())
        self.client = world.client(None)
        self.headers = {"Authorization": f"Bearer {key}"}

    def get(self, status: int = 200):
        return self._answer(self.client.get(ROOT, headers=self.headers), status)

    def post(self, path: str, status: int = 200, /, **said):
        reply = self.client.post(ROOT + path, content=json.dumps(said), headers=self.headers)
        return self._answer(reply, status)

    def _answer(self, reply, status: int):
        assert reply.status_code == status, reply.text
        return reply.json()


def test_release_is_silent_and_ends(world: World) -> None:
    program = Program(world, EDIT)
    wish = {"reason": "发布新版本", "until": "2099-01-01T00:00", "platform": ["weibo"]}
    begun = program.post("", **wish)
    named = begun["silence"]["silence_id"]
    assert [one["silence_id"] for one in program.get()["silences"]] == [named]
    assert begun["silence"]["by"] == "key:release edit"

    ended = program.post(f"/{named}/end")
    assert ended["silence"] == named
    assert program.get()["silences"] == []
    assert "no silence" in program.post(f"/{named}/end", 409)["detail"]


@pytest.mark.parametrize(
    ("said", "status", "why"),
    [
        ({"reason": "发布"}, 400, "until"),
        ({"reason": "发布", "until": "tomorrow"}, 400, "send a time"),
        ({"reason": "发布", "until": "2099-01-01T00:00", "brand": "x"}, 400, "arrays of texts"),
        ({"reason": "发布", "until": "2099-01-01T00:00", "more": "x"}, 400, "nothing else"),
        ({"reason": "发布", "until": "2000-01-01T00:00"}, 409, "end after its start"),
        ({"reason": "发布", "until": "2099-01-01T00:00", "up_to": "red"}, 409, "never held"),
    ],
)
def test_what_cannot_be_is_refused_with_the_way_out(
    world: World, said: dict[str, object], status: int, why: str
) -> None:
    assert why in Program(world, EDIT).post("", status, **said)["detail"]


def test_key_that_reads_may_not_silence(world: World) -> None:
    program = Program(world, READ)

    assert program.get() == {"silences": [], "maintenance": []}
    program.post("", 401, reason="发布", until="2099-01-01T00:00")
