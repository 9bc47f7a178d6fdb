"""/api/v1/clusters: programs read what gathers, and edit it with a key of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from groundswell.doors import EDIT, PUSH, READ, make_key
from storage.store import Store
from tests.console.world import Stage, World, build
from tests.storage.cluster_drive import Shard

ROOT = "/api/v1/clusters"


@pytest.fixture
def world(sqlite_url: str, stage: Stage) -> Iterator[World]:
    """On SQLite: what differs between the databases is in tests/storage/test_cluster_edits.py."""
    store = Store(sqlite_url)
    world = build(store, stage)
    yield world
    world.close()
    store.close()


@pytest.fixture
def shard(world: World) -> Shard:
    shard = Shard(world.store)
    shard.open("a", 3)
    shard.open("b", 2)
    return shard


class Program:
    """Another program with a key."""

    def __init__(self, world: World, kind: str) -> None:
        key = make_key(world.store, kind, f"crm {kind}", by="test", now=world.clock.now())
        self.client = world.client(None)
        self.headers = {"Authorization": f"Bearer {key}"}

    def get(self, path: str = "", status: int = 200):
        return self._answer(self.client.get(ROOT + path, headers=self.headers), status)

    def post(self, path: str, status: int = 200, /, **said):
        reply = self.client.post(ROOT + path, content=json.dumps(said), headers=self.headers)
        return self._answer(reply, status)

    def _answer(self, reply, status: int):
        assert reply.status_code == status, reply.text
        return reply.json()


def test_a_merge_redirects_and_is_taken_back(world: World, shard: Shard) -> None:
    program = Program(world, EDIT)
    a, b = shard.id("a"), shard.id("b")

    done = program.post(f"/{b}/merge", **{"with": a}, note="同一批")

    assert done["clusters"] == [a, b]
    found = program.get(f"/{b}?members=2")
    assert (found["cluster"]["cluster_id"], found["aliases"]) == (a, [b])
    assert "blob" not in found["cluster"]
    assert (found["growth"]["mentions"], len(found["members"])) == (5, 2)
    journal = program.get(f"/{b}/journal")
    assert journal["cluster_id"] == a
    assert [row["kind"] for row in journal["journal"]] == ["open", "open", "merge"]
    [row] = (one for one in journal["journal"] if one["kind"] == "merge")
    assert (row["actor"], row["note"]) == ("key:crm edit", "同一批")

    program.post(f"/{a}/undo", row=row["event_no"])

    assert program.get(f"/{b}")["apart"] == [a]
    refused = program.post(f"/{a}/undo", 409, row=row["event_no"])
    assert "已经被" in refused["detail"]
    with world.store.read() as queries:
        lines = [row for row in queries.audits() if row["action"].startswith("cluster_")]
    assert {line["actor"] for line in lines} == {"key:crm edit"}


def test_parts_names_and_pins(world: World, shard: Shard) -> None:
    program = Program(world, EDIT)
    a, b = shard.id("a"), shard.id("b")
    one, two, three = sorted(shard.members()[a])

    part = program.post(f"/{a}/split", mentions=[one])["clusters"][1]
    program.post(f"/{b}/move", mentions=[two])
    program.post(f"/{part}/rename", label="接口发热")
    program.post(f"/{part}/pin")
    program.post(f"/{a}/apart", **{"with": b})
    program.post(f"/{a}/together", **{"with": b})

    assert shard.members()[a] == {three}
    found = program.get(f"/{part}")["cluster"]
    assert (found["label"], found["pinned"], found["parent_id"]) == ("接口发热", True, a)
    program.post(f"/{part}/unpin")
    [line, *_] = program.get("?hours=8784&limit=1")["clusters"]
    assert line["cluster"]["cluster_id"] in {a, b, part}


def test_nonsense_is_refused_with_what_to_do(world: World, shard: Shard) -> None:
    program = Program(world, EDIT)
    a = shard.id("a")
    for path, said, status in (
        ("/nobody/pin", {}, 404),
        (f"/{a}/burn", {}, 404),
        (f"/{a}/merge", {}, 400),
        (f"/{a}/merge", {"with": 3}, 400),
        (f"/{a}/merge", {"with": "nobody"}, 409),
        (f"/{a}/split", {"mentions": []}, 400),
        (f"/{a}/split", {"mentions": [True]}, 400),
        (f"/{a}/split", {"mentions": [2**70]}, 400),
        (f"/{a}/split", {"mentions": [999]}, 409),
        (f"/{a}/undo", {"row": 2}, 404),
        (f"/{a}/undo", {"row": "1"}, 400),
    ):
        assert program.post(path, status, **said)["detail"]
    reply = program.client.post(f"{ROOT}/{a}/pin", content=b"[1", headers=program.headers)
    assert reply.status_code == 400
    for path, status in (("?limit=0", 400), ("?brand=none", 404), ("/nobody/journal", 404)):
        program.get(path, status)
    assert len(shard.journal()) == 2


def test_each_key_opens_what_it_was_made_for(world: World, shard: Shard) -> None:
    a = shard.id("a")
    reader = Program(world, READ)

    reader.get(f"/{a}")
    reader.post(f"/{a}/pin", 401)
    Program(world, PUSH).get("", 401)
    assert world.client("linxiao").get(ROOT).status_code == 401  # a login is no key
    assert world.client("linxiao").post(f"{ROOT}/{a}/pin").status_code == 401


def test_the_document_names_every_route(world: World) -> None:
    paths = world.client(None).get("/api/v1/openapi.json").json()["paths"]

    routes = {path for path in paths if path.startswith(ROOT)}
    assert {f"{ROOT}/{{cluster}}", f"{ROOT}/{{cluster}}/journal", ROOT} <= routes
    assert f"{ROOT}/{{cluster}}/undo" in routes
    names = [call["operationId"] for path in paths.values() for call in path.values()]
    assert len(names) == len(set(names))
