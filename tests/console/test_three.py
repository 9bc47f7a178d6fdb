"""The three owners on an incident's page, behind links of messages, and over the API's words."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from typer.testing import CliRunner

from alerts.incidents import Command
from alerts.triangle import seat_of
from groundswell.cli.app import build
from groundswell.doors import EDIT, make_key
from storage.records import Incident, Level, OwnerId
from storage.store import Store
from tests.console.world import World, csrf_of


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """One database is enough: nothing here depends on its SQL."""
    store = Store(sqlite_url)
    yield store
    store.close()


def act(world: World, incident: Incident, name: str, **fields: str) -> httpx.Response:
    client = world.client("linxiao")
    path = f"/incidents/{incident.incident_id}"
    csrf = csrf_of(client.get(path).text)
    reply = client.post(f"{path}/{name}", data={"csrf": csrf, "once": name} | fields)
    return reply if reply.status_code != 303 else client.get(reply.headers["location"])


def tap(world: World, incident: Incident, action: str, owner: str) -> str:
    return world.links.action(incident, action, OwnerId(owner)).removeprefix(world.url)


def press(world: World, path: str, **fields: str) -> httpx.Response:
    client = world.client()
    return client.post(path, data={"csrf": csrf_of(client.get(path).text)} | fields)


def grave(world: World, incident: Incident) -> Incident:
    return world.desk.act(
        incident.incident_id,
        Command(name="grade", actor="zhoulan", level=Level.RED, text="记者来电"),
    )


def test_a_role_is_handed_over_on_the_page_and_declined_by_a_link(
    world: World, incident: Incident
) -> None:
    incident = grave(world, incident)
    page = world.client("linxiao").get(f"/incidents/{incident.incident_id}").text
    for said in ("三位负责人", "客户关系责任人", "解决方案责任人", "品质研发"):
        assert said in page
    refused = act(world, incident, "handover", role="customer", owner="pr")
    assert refused.status_code == 409
    fields = {"role": "customer", "owner": "pr", "text": "<b>媒体</b>已介入"}
    page = act(world, incident, "handover", **fields).text
    assert "已请对方答复" in page
    assert "客户关系责任人，请 陈默 接任" in page  # in the timeline
    assert "<b>媒体" not in page
    seat = seat_of(world.incident(incident), "customer")
    assert seat is not None
    assert (seat.owner_id, seat.offered_to) == ("linxiao", "chenmo")  # who fills 公关 now

    mine = tap(world, incident, "decline-customer", "linxiao")
    assert "没有在等你的答复" in world.client().get(mine).text
    theirs = tap(world, incident, "decline-customer", "chenmo")
    shown = world.client().get(theirs).text
    assert "请 陈默 接任客户关系责任人" in shown
    assert world.incident(incident).bounces == 0  # opening a link does nothing
    assert press(world, theirs).status_code == 409  # a reason is needed
    assert "已退回" in press(world, theirs, text="公关不处理个案").text
    assert world.incident(incident).bounces == 1
    assert (
        "移交没有接受，退回"
        in world.client("linxiao").get(f"/incidents/{incident.incident_id}").text
    )


def test_a_link_takes_a_role_over_once(world: World, incident: Incident) -> None:
    incident = grave(world, incident)
    command = Command(
        name="handover", actor="linxiao", owner_id="zhoulan", role="solution", text="她管这条产线"
    )
    world.desk.act(incident.incident_id, command)
    path = tap(world, incident, "accept-solution", "zhoulan")
    assert "由此刻起由你负责" in press(world, path).text
    again = world.client().get(path).text
    assert "解决方案责任人现在是 周岚" in again
    seat = seat_of(world.incident(incident), "solution")
    assert seat is not None
    assert seat.owner_id == "zhoulan"
    for odd in ("accept-boss", "handover-customer"):
        reply = world.client().get(tap(world, incident, odd, "zhoulan"))
        assert "<button" not in reply.text


def test_the_lock_is_shown_and_only_management_ends_it(world: World, incident: Incident) -> None:
    incident = grave(world, incident)
    for _ in range(2):
        asked = {"role": "customer", "text": "不归公关"}
        world.desk.act(
            incident.incident_id,
            Command(name="handover", actor="linxiao", owner_id="chenmo", **asked),
        )
        world.desk.act(incident.incident_id, Command(name="decline", actor="chenmo", **asked))
    page = world.client("linxiao").get(f"/incidents/{incident.incident_id}").text
    assert "移交已退回 2 次，三位不再移交，已报管理层" in page
    assert "由管理层决定" in page
    refused = act(world, incident, "unlock", text="再试")
    assert refused.status_code == 409
    assert "许诺" in refused.text
    freed = world.desk.act(incident.incident_id, Command(name="unlock", actor="xunuo", text="换人"))
    assert freed.locked_at is None
    with world.store.read() as queries:
        intents = queries.incident_intents(incident.incident_id)
        audit = [line for line in queries.audits(20) if line["action"] == "unlock"]
    assert "xunuo" in {one.recipient_id for one, _ in intents if "锁定" in one.subject}
    assert len(audit) == 1


def test_who_is_one_of_the_three_hears_of_it_whoever_acknowledges(
    world: World, incident: Incident
) -> None:
    incident = grave(world, incident)
    asked = {"role": "customer", "owner_id": "chenmo", "text": "媒体已介入"}
    world.desk.act(incident.incident_id, Command(name="handover", actor="linxiao", **asked))
    world.desk.act(incident.incident_id, Command(name="ack", actor="linxiao"))

    def unsent() -> set[str]:
        with world.store.read() as queries:
            found = [one for one, _ in queries.incident_intents(incident.incident_id)]
        return {one.kind for one in found if one.status.value == "pending"}

    assert unsent() == {"handover"}
    command = Command(name="dismiss", actor="linxiao", text="同名的餐馆", how="not_ours")
    world.desk.act(incident.incident_id, command)
    assert unsent() == set()


def test_programs_and_the_command_line_do_the_same(
    world: World, incident: Incident, sqlite_url: str
) -> None:
    incident = grave(world, incident)
    key = make_key(world.store, EDIT, "chenmo", by="test", now=world.clock.now())
    client, headers = world.client(), {"Authorization": f"Bearer {key}"}

    def post(name: str, **said: str) -> httpx.Response:
        path = f"/api/v1/incidents/{incident.code}/{name}"
        return client.post(path, json=said, headers=headers)

    assert post("handover", role="customer", to="pr").status_code == 409
    given = post("handover", role="customer", to="pr", text="媒体已介入").json()
    assert {"accept", "decline"} <= set(given["allowed"])
    assert given["incident"]["triangle"][0]["offered_to"] == "chenmo"
    assert post("accept", role="customer").json()["incident"]["triangle"][0]["owner_id"] == (
        "chenmo"
    )
    assert post("handover", role="delivery", to="zhoulan", text="她在当地").status_code == 200
    cli, app = CliRunner(), build()
    answer = ["incidents", "accept", incident.code, "delivery", "--database", sqlite_url, "--by"]
    assert cli.invoke(app, [*answer, "linxiao"]).exit_code != 0
    said = cli.invoke(app, [*answer, "zhoulan"]).output
    assert "交付维护责任人 delivery  周岚" in said
    assert "客户关系责任人 customer  陈默" in said
