"""/trials, corrections in the outbox, and the same through the REST API."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from groundswell.console.api_trials import trial_routes
from groundswell.doors import EDIT, READ, make_key
from storage.records import Incident, IntentStatus
from storage.store import Store
from tests.console.world import Stage, World, build, csrf_of, example, raise_incident

TRIAL = {"id": "first-weeks", "brand": ["lanhe"], "reviewer": "xunuo", "since": "2020-01-01"}


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """One database is enough: nothing here depends on its SQL."""
    store = Store(sqlite_url)
    yield store
    store.close()


@pytest.fixture
def world(store: Store, stage: Stage) -> Iterator[World]:
    """The example company, with its brand on trial."""
    project = example()
    on_trial = type(project).model_validate(project.model_dump(by_alias=True) | {"trials": [TRIAL]})
    world = build(store, stage, on_trial)
    yield world
    world.close()


@pytest.fixture
def incident(world: World) -> Incident:
    return raise_incident(world)


class Program:
    """Another program with a key."""

    def __init__(self, world: World, kind: str) -> None:
        key = make_key(world.store, kind, f"crm {kind}", by="test", now=world.clock.now())
        self.client = world.client(None)
        self.headers = {"Authorization": f"Bearer {key}"}

    def get(self, path: str, status: int = 200):
        return self._answer(self.client.get(f"/api/v1{path}", headers=self.headers), status)

    def post(self, path: str, status: int = 200, /, **said):
        reply = self.client.post(f"/api/v1{path}", content=json.dumps(said), headers=self.headers)
        return self._answer(reply, status)

    def _answer(self, reply, status: int):
        assert reply.status_code == status, reply.text
        return reply.json()


def post(world: World, page: str, path: str, **fields: str):
    client = world.client("linxiao")
    reply = client.post(path, data={"csrf": csrf_of(client.get(page).text)} | fields)
    return reply if reply.status_code != 303 else client.get(reply.headers["location"])


def test_a_trial_is_looked_at_and_put_live(world: World, incident: Incident) -> None:
    page = world.client("linxiao").get("/trials").text
    assert "first-weeks" in page
    assert "试运行中" in page
    assert "还没有判断" in page
    with world.store.read() as queries:
        told = {one.recipient_id for one in queries.outbox("all", world.clock.now(), 100)}
    assert told == {"xunuo"}
    refused = post(world, "/trials", "/trials/live", trial="first-weeks")
    assert refused.status_code == 409
    done = post(world, "/trials", "/trials/live", trial="first-weeks", seen="yes", note="两周")
    assert "已上线" in done.text
    assert "可以删去" in done.text
    assert incident.code


def test_programs_read_trials_and_go_live_on_purpose(world: World, incident: Incident) -> None:
    reader, program = Program(world, READ), Program(world, EDIT)
    [found] = reader.get("/trials")["trials"]
    assert (found["state"], found["reviewer"], found["incidents"]) == ("running", "xunuo", 1)
    assert reader.get("/misroutes") == {"misroutes": []}
    assert "confirm" in program.post("/trials/first-weeks/live", 400)["detail"]
    reader.post("/trials/first-weeks/live", 401, confirm=True)
    program.post("/trials/none/live", 409, confirm=True)
    assert program.post("/trials/first-weeks/live", confirm=True)["end"]["by"] == "key:crm edit"
    assert program.get("/trials/first-weeks")["state"] == "live"
    assert incident.code


def test_a_sent_message_is_corrected_from_the_page_and_by_a_program(
    world: World, incident: Incident
) -> None:
    [claimed, *_] = world.store.claim_intents(world.clock.now(), 1, 60.0)
    program = Program(world, EDIT)
    path = f"/messages/{claimed.intent_id}/correct"
    assert "never sent" in program.post(path, 409, text="不是这批")["detail"]
    world.store.finish_delivery(claimed, None, IntentStatus.SENT)
    page = world.client("linxiao").get("/outbox?view=sent").text
    assert "发错了，更正" in page
    assert "试运行 first-weeks，本应通知" in page
    said = {"intent": claimed.intent_id, "text": "认错了品牌"}
    assert "更正已放进发件箱" in post(world, "/outbox", "/outbox/correct", **said).text
    program.post(path, 400, text="认错了品牌", act="yes")
    [made] = program.post(path, text="认错了品牌")["corrections"]
    assert made["recipient_id"] == claimed.recipient_id
    assert incident.code not in made["subject"]


def test_not_mine_is_said_on_the_page_of_a_link(world: World, incident: Incident) -> None:
    told = incident.owner_id
    url = world.links.action(incident, "not_mine", told)
    client = world.client(None)
    path = url.removeprefix(world.links.base_url)
    page = client.get(path).text
    assert "不归我管" in page
    after = client.post(path, data={"csrf": csrf_of(page)}).text
    assert "已记下：这件事不归你管" in after
    stored = world.incident(incident)
    assert stored.declined == (told,)
    shown = world.client("linxiao").get(f"/incidents/{incident.incident_id}").text
    assert 'id="declined"' in shown
    assert "通知只发给审阅人" in shown
    ledger = world.client("linxiao").get("/ledger").text
    assert "1 个里有 1 个先到了别人那里" in ledger
    assert stored.acknowledged_at is None


def test_every_call_is_described() -> None:
    paths = {route.path for route in trial_routes(None, None)}  # type: ignore[arg-type]
    from groundswell.console.openapi_trials import trial_paths

    assert paths == set(trial_paths())
