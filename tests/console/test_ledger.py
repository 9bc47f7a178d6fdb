"""The ledger and the knowledge base as people and other programs see them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from alerts.command import Command
from groundswell.doors import EDIT, make_key
from storage.records import Incident
from storage.store import Store
from tests.console.world import Stage, World, build, csrf_of


@pytest.fixture
def world(sqlite_url: str, stage: Stage) -> Iterator[World]:
    """On SQLite: what the databases answer differently is in tests/storage/test_ledger.py."""
    store = Store(sqlite_url)
    world = build(store, stage)
    yield world
    world.close()
    store.close()


def test_a_dismissal_stands_in_the_ledger_and_reopening_corrects_it(
    world: World, incident: Incident
) -> None:
    client = world.client("linxiao")
    token = csrf_of(client.get(f"/incidents/{incident.incident_id}").text)
    said = {"csrf": token, "text": "同名的餐馆", "how": "not_ours"}
    assert client.post(f"/incidents/{incident.incident_id}/dismiss", data=said).status_code == 303

    page = client.get("/ledger").text
    assert "与本品牌无关" in page
    assert "同名的餐馆" in page
    assert "0%" in page
    world.desk.act(incident.incident_id, Command(name="reopen", actor="linxiao", text="不是同名"))
    page = client.get("/ledger?days=7").text
    assert "已更正" in page
    assert "还没有定论" in page


def test_a_closed_incident_leaves_a_card_that_can_be_put_right(
    world: World, incident: Incident
) -> None:
    for name, text in (("ack", ""), ("handled", "壶底换新批次"), ("confirm", "回访认可")):
        world.clock.at += timedelta(minutes=5)
        world.desk.act(incident.incident_id, Command(name=name, actor="linxiao", text=text))
    client = world.client("linxiao")
    listed = client.get("/cards").text
    [card] = dict.fromkeys(re.findall(r"/cards/(k-[a-z2-7]+)", listed))
    page = client.get(f"/cards/{card}").text
    assert "壶底换新批次" in page
    form = {"csrf": csrf_of(page), "cause": "<b>胶圈</b>老化", "title": "壶底渗水"}
    full = dict.fromkeys(("fix", "reply"), "长" * 4000)  # as much as the form takes
    assert client.post(f"/cards/{card}/edit", data=form | full).status_code == 303
    page = client.get(f"/cards/{card}").text
    assert "&lt;b&gt;胶圈&lt;/b&gt;老化" in page
    assert card in client.get(f"/incidents/{incident.incident_id}").text
    assert card in client.get("/cards", params={"q": "胶圈"}).text
    assert client.post(f"/cards/{card}/retire", data={"csrf": form["csrf"]}).status_code == 303
    assert card not in client.get("/cards").text
    assert client.post(f"/cards/{card}/edit", data=form).status_code == 409


def test_an_approved_reply_is_offered_beside_the_incident(world: World, incident: Incident) -> None:
    client = world.client("linxiao")
    token = csrf_of(client.get("/cards").text)
    said = {
        "csrf": token,
        "brand": "lanhe",
        "question": incident.title,
        "answer": "请停止使用，免费换新",
    }
    assert client.post("/replies", data=said).status_code == 303
    assert "请停止使用" in client.get(f"/incidents/{incident.incident_id}").text
    bad = client.post("/replies", data=said | {"until": "明年"})
    assert bad.status_code == 409
    assert "2026-12-31" in bad.text


def test_programs_read_the_ledger_and_approve_replies(world: World, incident: Incident) -> None:
    key = make_key(world.store, EDIT, "faq", by="test", now=world.clock.now())
    client, headers = world.client(), {"Authorization": f"Bearer {key}"}
    root = "/api/v1"
    ledger = client.get(f"{root}/ledger", headers=headers).json()["ledger"]
    assert [one["code"] for one in ledger["alarms"]] == [incident.code]
    assert client.get(f"{root}/ledger?days=0", headers=headers).status_code == 400
    said = {"question": incident.title, "answer": "免费换新", "brand": "lanhe"}
    reply = client.post(f"{root}/replies", json=said, headers=headers).json()["reply"]
    assert reply["approved_by"] == "key:faq"
    found = client.get(f"{root}/lessons/{incident.code}", headers=headers).json()["lessons"]
    assert [one["reply"]["reply_id"] for one in found["replies"]] == [reply["reply_id"]]
    path = f"{root}/replies/{reply['reply_id']}/retire"
    assert client.post(path, json={}, headers=headers).json()["reply"]["retired_at"]
    assert (
        client.post(f"{root}/cards/k-none", json={"cause": "x"}, headers=headers).status_code == 409
    )
    assert client.get(f"{root}/cards/k-none", headers=headers).status_code == 404
