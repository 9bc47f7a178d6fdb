"""Complainants in the console: the part on the incident's page, the page, the workbook, the API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO

import pytest
from openpyxl import load_workbook

from groundswell.doors import EDIT, make_key
from storage.records import Complainant, Contact, Incident
from storage.store import Store
from tests.console.world import World, csrf_of


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """One database is enough: the SQL is asked on both in tests/groundswell/test_complainants.py."""
    store = Store(sqlite_url)
    yield store
    store.close()


def people(world: World, incident: Incident) -> list[Complainant]:
    with world.store.read() as queries:
        return queries.complainants(incident.incident_id)


def test_service_works_through_complainants_in_the_console(
    world: World, incident: Incident
) -> None:
    client = world.client("linxiao")
    at = f"/incidents/{incident.incident_id}"
    front = client.get(at).text
    found = people(world, incident)
    assert f"{len(found)} 位投诉人，0 已联系，0 已解决" in front
    page = client.get(f"{at}/people").text
    shown = min(50, len(found))
    assert page.count('type="checkbox"') == shown + 1  # and one for all of the page
    form = {"csrf": csrf_of(page), "once": "a", "to": "contacted", "channel": "电话"}
    boxes = {f"who:{n}": one.complainant_id for n, one in enumerate(found[:3], 1)}

    assert client.post(f"{at}/people/move", data=form).status_code == 409  # nobody is ticked
    for _ in range(2):  # pressed twice
        moved = client.post(f"{at}/people/move", data=form | boxes)
        assert moved.status_code == 303
    given = client.post(
        f"{at}/people/give", data={"csrf": form["csrf"], "owner": "zhoulan"} | boxes
    )
    assert given.status_code == 303
    page = client.get(moved.headers["location"]).text
    assert f"{len(found)} 位投诉人，3 已联系，0 已解决" in page
    only = client.get(f"{at}/people?state=contacted").text
    assert only.count('type="checkbox"') == 3 + 1
    here = dict(re.findall(r'name="(here:\d+)" value="([^"]+)"', only))
    every = form | here | {"once": "all", "all": "1", "owner": "wudi"}
    assert client.post(f"{at}/people/give", data=every).status_code == 303
    assert [one.assigned_to for one in people(world, incident)].count("wudi") == 3
    no_evidence = client.post(
        f"{at}/people/move", data=form | boxes | {"once": "b", "to": "solved"}
    )
    assert (no_evidence.status_code, "要写明依据" in no_evidence.text) == (409, True)
    added = client.post(
        f"{at}/people/add", data={"csrf": form["csrf"], "lines": "GD-1024\n抖音:<b>阿禾</b>"}
    )
    assert added.status_code == 303
    page = client.get(f"{at}/people").text
    assert "工单 GD-1024" in page
    assert "&lt;b&gt;阿禾&lt;/b&gt;" in page
    assert len(people(world, incident)) == len(found) + 2


def test_a_workbook_goes_out_and_comes_back(world: World, incident: Incident) -> None:
    client = world.client("linxiao")
    at = f"/incidents/{incident.incident_id}"
    csrf = csrf_of(client.get(f"{at}/people").text)
    body = client.get(f"{at}/people.xlsx").content
    book = load_workbook(BytesIO(body))
    sheet = book.active
    heads = [cell.value for cell in sheet[1]]
    for row in range(2, 4):
        sheet.cell(row, heads.index("状态") + 1, "已解决")
        sheet.cell(row, heads.index("联系渠道") + 1, "电话")
        sheet.cell(row, heads.index("依据") + 1, "补发了滤芯，回访认可")
    sheet.cell(4, heads.index("状态") + 1, "差不多了")
    filled = BytesIO()
    book.save(filled)

    def send() -> str:
        files = {"file": ("回填.xlsx", filled.getvalue())}
        where = f"/import/people/{incident.incident_id}"
        return client.post(where, data={"csrf": csrf}, files=files).text

    first = send()
    assert "更新 2 位，新增 0 位" in first
    assert "第 4 行：没有状态" in first
    before = world.incident(incident)
    assert "更新 0 位，新增 0 位" in send()
    assert world.incident(incident) == before
    assert sum(one.state is Contact.SOLVED for one in people(world, incident)) == 2
    refused = client.post(f"{at}/people/export", data={"csrf": csrf, "reason": "逐户回访客户"})
    assert refused.status_code == 403


def test_programs_read_complainants_and_close_by_share(world: World, incident: Incident) -> None:
    token = make_key(world.store, EDIT, "service", by="boss", now=world.clock.now())
    client = world.client()
    client.headers["Authorization"] = f"Bearer {token}"
    root = f"/api/v1/incidents/{incident.incident_id}"
    listed = client.get(f"{root}/complainants?limit=500").json()
    ids = [one["complainant_id"] for one in listed["complainants"]]
    assert listed["counts"]["total"] == listed["counts"]["waiting"] == len(ids)
    assert client.get(f"{root}/complainants?state=lost").status_code == 400
    said = {"who": ids[:-1], "how": "solved", "channel": "电话", "text": "补发了滤芯"}
    for at in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"):  # no zone's time
        assert client.post(f"{root}/contact", json=said | {"at": at}).status_code == 400
    assert client.post(f"{root}/contact", json=said).status_code == 200
    client.post(f"{root}/ack", json={})
    client.post(f"{root}/handled", json={"text": "换了滤芯座"})
    refused = client.post(f"{root}/confirm", json={"text": "台账", "how": "poll"})
    assert (refused.status_code, "按比例确认" in refused.text) == (409, True)
    closed = client.post(f"{root}/confirm", json={"text": "台账 0311", "how": "share"}).json()
    assert (closed["incident"]["state"], closed["incident"]["closed_how"]) == ("closed", "share")
    counted = client.get("/api/v1/incidents/closings").json()
    assert counted["closed_by"] == {"customer": 0, "share": 1, "survey": 0, "clarification": 0}
    page = world.client("linxiao").get(f"/incidents/{incident.incident_id}").text
    assert "按比例确认" in page
    assert "<strong>客户确认</strong>" not in page
