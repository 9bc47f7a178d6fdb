"""/api/v1/incidents: programs read what people work on, and act with a key of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from groundswell.doors import EDIT, PUSH, READ, make_key
from storage.records import IncidentState
from storage.store import Store
from tests.console.world import Stage, World, build, raise_incident

ROOT = "/api/v1/incidents"


@pytest.fixture
def world(sqlite_url: str, stage: Stage) -> Iterator[World]:
    """On SQLite: what differs between the databases is tested below the console."""
    store = Store(sqlite_url)
    world = build(store, stage)
    raise_incident(world)
    yield world
    world.close()
    store.close()


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


def test_an_incident_is_worked_through_to_the_customers_word(world: World) -> None:
    program = Program(world, EDIT)
    [found] = program.get()["incidents"]
    code = found["code"]
    until = "2099-01-01T18:00"

    program.post(f"/{code}/ack")
    program.post(f"/{code}/task", text="逐台检测第三批次", kind="fix", until=until, to="zhoulan")
    bare = program.post(f"/{code}/task_done", 409, task="t1", text="40 台都换了底座")
    assert "lacks cause and measure" in bare["detail"]
    program.post(f"/{code}/task_done", task="t1", text="原因：底座偏薄；措施：40 台都换了底座")
    program.post(f"/{code}/handled", text="第三批次停售")
    refused = program.post(f"/{code}/confirm", 409)
    done = program.post(f"/{code}/confirm", text="客户经理电话回访，12 位都认可")

    assert "confirm" in refused["detail"]
    assert done["incident"]["state"] == IncidentState.CLOSED
    assert done["incident"]["closed_by"] == "key:crm edit"
    assert "reopen" in done["allowed"]
    told = program.get(f"/{code}")
    assert [event["kind"] for event in told["events"]][-1] == "confirmed"
    assert program.get()["incidents"] == []
    assert len(program.get("?state=closed")["incidents"]) == 1


def test_a_task_takes_its_defaults_is_moved_extended_and_done(world: World) -> None:
    program = Program(world, EDIT)
    [found] = program.get()["incidents"]
    code = found["code"]

    program.post(f"/{code}/ack")
    given = program.post(f"/{code}/task", text="逐位联系", kind="solve")["incident"]["tasks"]
    program.post(f"/{code}/task_move", task="t1", text="联系了一半")
    program.post(f"/{code}/draft", task="t1", text="我们正在逐位联系")
    program.post(f"/{code}/extend", task="t1", text="两位出差")
    again = program.post(f"/{code}/extend", 409, task="t1", text="再延")
    parts = program.post(f"/{code}/units", 409, task="t1", counts={"received": 1})
    report = program.post(f"/{code}/task", text="请平台处理隐私内容", kind="contain")
    program.post(f"/{code}/task_done", task="t1", text="都换了", counts={"solved": 12})
    said = {"channel": "微博", "how": "privacy", "receipt": "WB-17"}
    done = program.post(f"/{code}/task_done", task="t2", text="贴出了电话", **said)

    assert given[0]["due_at"] > found["opened_at"]
    assert "extended once only" in again["detail"]
    assert "no task to call back parts" in parts["detail"]
    assert len(report["incident"]["tasks"]) == 2
    first, second = done["incident"]["tasks"]
    assert (first["state"], first["solved"]) == ("done", 12)
    assert (second["state"], second["receipt"]) == ("done", "微博 WB-17")


def test_a_level_is_set_and_given_back(world: World) -> None:
    program = Program(world, EDIT)
    [found] = program.get()["incidents"]

    low = program.post(f"/{found['code']}/grade", level="blue", text="同一批人，已逐一联系")
    back = program.post(f"/{found['code']}/grade", level="auto")

    assert (low["incident"]["level"], low["incident"]["level_by"]) == ("blue", "key:crm edit")
    assert back["incident"].get("level_by", "") == ""
    assert back["incident"]["grade"]["rule_version"].startswith("grade-")


def test_what_hurts_people_is_never_shelved(world: World) -> None:
    program = Program(world, EDIT)
    [found] = program.get()["incidents"]

    endless = program.post(f"/{found['code']}/shelve", 409, text="周五换新批次")
    harmful = program.post(
        f"/{found['code']}/shelve", 409, text="周五换新批次", until="2099-01-01T18:00"
    )

    assert "shelve" in endless["detail"]
    assert "bodily harm" in harmful["detail"]


NONSENSE: tuple[tuple[str, dict[str, object], int], ...] = (
    ("/{code}/close", {}, 404),
    ("/舆-0000/ack", {}, 404),
    ("/{code}/grade", {"level": "purple"}, 400),
    ("/{code}/task", {"text": "查", "kind": "nothing"}, 400),
    ("/{code}/note", {"text": 7}, 400),
    ("/{code}/note", {"text": "有进展", "actor": "sun"}, 400),
    ("/{code}/silence", {"until": "tomorrow"}, 400),
    ("/{code}/note", {}, 409),
)


def test_what_makes_no_sense_is_refused_and_changes_nothing(world: World) -> None:
    program = Program(world, EDIT)
    [found] = program.get()["incidents"]

    told = [
        program.post(path.format(code=found["code"]), status, **said)
        for path, said, status in NONSENSE
    ]

    assert all(one["detail"] for one in told)
    assert program.get()["incidents"] == [found]


def test_the_same_command_id_acts_once(world: World) -> None:
    program = Program(world, EDIT)
    [found] = program.get()["incidents"]

    for _ in range(2):
        program.post(f"/{found['code']}/note", text="已联系 3 位", command_id="crm-17")

    kinds = [event["kind"] for event in program.get(f"/{found['code']}")["events"]]
    assert kinds.count("noted") == 1


def test_other_keys_do_not_open_it(world: World) -> None:
    reader, pusher = Program(world, READ), Program(world, PUSH)
    [found] = reader.get()["incidents"]

    reader.post(f"/{found['code']}/ack", 401)
    pusher.get("", 401)
    pusher.post(f"/{found['code']}/ack", 401)

    assert reader.get()["incidents"] == [found]
