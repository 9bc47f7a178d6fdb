"""Work on an incident's page: levels by hand, tasks, the shelf, what was known the last time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from storage import tables
from storage.records import (
    Change,
    ChannelId,
    ClusterId,
    Incident,
    IncidentEvent,
    Level,
    OwnerId,
    Receipt,
    Relapse,
    Shelf,
)
from storage.store import Store
from tests.console.world import World, csrf_of


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """One database is enough: nothing here depends on its SQL."""
    store = Store(sqlite_url)
    yield store
    store.close()


def act(world: World, incident: Incident, name: str, **fields: str):
    client = world.client("linxiao")
    path = f"/incidents/{incident.incident_id}"
    csrf = csrf_of(client.get(path).text)
    reply = client.post(f"{path}/{name}", data={"csrf": csrf, "once": name} | fields)
    return reply if reply.status_code != 303 else client.get(reply.headers["location"])


def local(world: World, **ahead: float) -> str:
    at = world.clock.now() + timedelta(**ahead)
    return f"{at.astimezone(world.project.settings.zone):%Y-%m-%dT%H:%M}"


def test_a_level_set_by_hand_says_who_and_why(world: World, incident: Incident) -> None:
    assert incident.level < Level.RED
    for level in ("", "none", "purple"):
        assert act(world, incident, "grade", level=level, text="x").status_code == 409
    assert world.incident(incident) == incident
    page = act(world, incident, "grade", level="red", text="央视记者已经来电").text
    assert "由 林晓 设定：央视记者已经来电" in page
    now = world.incident(incident)
    assert (now.level, now.level_by) == (Level.RED, "linxiao")
    refused = act(world, incident, "grade", level="blue", once="again")
    assert refused.status_code == 409
    assert "需要写明理由" in refused.text
    assert "交还程序判断" in page
    act(world, incident, "grade", level="program", once="back")
    assert world.incident(incident).level_by == ""


def test_a_task_is_given_shown_and_finished(world: World, incident: Incident) -> None:
    said = {"owner": "chenmo", "text": "做点什么"}
    for fields in ({"kind": "别的"}, {"kind": "排查整改", "until": "明天"}):
        assert act(world, incident, "task", **said, **fields).status_code == 409
    assert world.incident(incident).tasks == ()
    page = act(
        world,
        incident,
        "task",
        kind="排查整改",
        owner="chenmo",
        until=local(world, hours=5),
        text="联系经销商，停售第三批次",
    ).text
    assert "联系经销商，停售第三批次" in page
    [task] = world.incident(incident).tasks
    assert task.owner_id == "chenmo"
    assert task.due_at - world.clock.now() == timedelta(hours=5)
    world.clock.advance(hours=6)
    client = world.client("linxiao")
    assert "，已到期" in client.get(f"/incidents/{incident.incident_id}").text
    assert act(world, incident, "task_done", task=task.task_id).status_code == 409
    bare = act(world, incident, "task_done", task=task.task_id, text="三家都已下架", once="2")
    assert bare.status_code == 409
    assert "还缺依据：原因和措施" in bare.text
    said = {"cause": "第三批次密封圈偏小", "measure": "三家都已下架"}
    done = act(world, incident, "task_done", task=task.task_id, **said, once="3").text
    assert "原因：第三批次密封圈偏小；措施：三家都已下架" in done
    assert world.incident(incident).tasks[0].state == "done"


def noted(world: World, incident: Incident, **values: object) -> None:
    """Store the incident with something that the machine brings about elsewhere."""
    event = IncidentEvent(
        incident_id=incident.incident_id,
        seq=incident.seq + 1,
        kind="noted",
        at=world.clock.now(),
        actor="linxiao",
        epoch=1,
        data={"text": "x"},
        source_event_id="x",
    )
    known = replace(incident, seq=incident.seq + 1, **values)  # type: ignore[arg-type]
    with world.store.transaction() as tx:
        tx.save_change(Change(incident=known, events=(event,)))


def test_a_known_trouble_says_until_when_and_comes_off(world: World, incident: Incident) -> None:
    reply = act(world, incident, "shelve", until=local(world, days=3), text="周五修复")
    assert reply.status_code == 409  # the story speaks of a fire
    assert "不能搁置" in reply.text
    until = world.clock.now() + timedelta(days=3)
    shelf = Shelf(until=until, authors=90, note="固件 2.1 周五修复", by="chenmo")
    noted(world, incident, shelf=shelf)
    page = world.client("linxiao").get(f"/incidents/{incident.incident_id}").text
    assert "已知问题，搁置到" in page
    assert "满 90 人" in page
    assert "/silence" not in page
    act(world, incident, "unshelve")
    now = world.incident(incident)
    assert (now.shelf, now.acknowledged_by) == (None, "linxiao")


def test_a_relapse_shows_what_was_done_the_last_time(world: World, incident: Incident) -> None:
    before = Relapse(
        closed_at=incident.opened_at - timedelta(days=71),
        cause="<b>密封圈</b>偏小，已换供应商",
        said="更换之后没有再漏",
        owner_id=OwnerId("chenmo"),
        cluster_id=ClusterId("lanhe-zzzz2345"),
    )
    noted(world, incident, relapse=before)
    for name in ("grade", "task", "shelve"):  # a reader is offered none of it
        page = world.client("boss").get(f"/incidents/{incident.incident_id}").text
        assert f"/{name}" not in page
    assert "同样的问题以前有过" in page
    assert "&lt;b&gt;密封圈" in page
    assert "当时由 陈默 负责" in page


def test_what_the_provider_reported_stands_with_the_message(
    world: World, incident: Incident
) -> None:
    now = world.clock.now()
    with world.store.read() as queries:
        [(intent, _), *_] = queries.incident_intents(incident.incident_id)
    with world.store.write() as connection:
        connection.execute(
            sa.insert(tables.delivery).values(
                intent_id=intent.intent_id,
                channel_id=intent.channel_id,
                n=1,
                started_at=now,
                ended_at=now,
                outcome="ok",
                provider_code="0",
                provider_message_id="m-1",
                size_bytes=100,
                text="",
            )
        )
    receipt = Receipt(
        channel_id=ChannelId(intent.channel_id),
        provider_message_id="m-1",
        at=now,
        state="answered",
        text="通话 12 秒",
    )
    with world.store.transaction() as tx:
        tx.add_receipts([receipt])
    page = world.client("linxiao").get(f"/incidents/{incident.incident_id}").text
    assert "已接听" in page
    assert "通话 12 秒" in page


def test_one_press_gives_a_suggested_task_and_drafts_stay_here(
    world: World, incident: Incident
) -> None:
    client = world.client("linxiao")
    path = f"/incidents/{incident.incident_id}"
    page = client.get(path).text
    assert "建议任务" in page
    assert "逐位联系投诉人" in page
    given = act(world, incident, "task", kind="解决问题", text="逐位联系投诉人，给出解决办法")
    assert "任务已派出" in given.text
    [task] = world.incident(incident).tasks
    assert task.due_at > world.clock.now()
    assert "解决了多少位投诉人" in given.text
    kept = act(world, incident, "draft", task=task.task_id, text="<b>我们</b>正在逐台检测").text
    assert "&lt;b&gt;我们&lt;/b&gt;正在逐台检测" in kept
    act(world, incident, "ack")
    longer = act(world, incident, "extend", text="等检测报告").text
    assert "已延长" in longer
    assert act(world, incident, "extend", once="e2", text="再等等").status_code == 409
    moved = act(world, incident, "extend", once="e3", task=task.task_id, text="等样件").text
    assert "延过一次：等样件" in moved
    done = act(world, incident, "task_done", task=task.task_id, solved="12", text="都换了").text
    assert "解决了 12 位投诉人" in done
    world.clock.advance(days=9)
    assert "任务完成" in client.get(path).text
