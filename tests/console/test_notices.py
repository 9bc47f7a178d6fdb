"""The pages about notices: who is on duty, what is silenced, what could not be delivered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from storage import tables
from storage.records import Incident, Intent, IntentStatus
from storage.store import Store
from tests.console.world import World, csrf_of


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """One database is enough: nothing here depends on its SQL."""
    store = Store(sqlite_url)
    yield store
    store.close()


def post(world: World, page: str, path: str, **fields: str):
    client = world.client("linxiao")
    reply = client.post(path, data={"csrf": csrf_of(client.get(page).text)} | fields)
    return reply if reply.status_code != 303 else client.get(reply.headers["location"])


def test_the_roster_says_who_has_the_duty_now_and_next(world: World) -> None:
    page = world.client("linxiao").get("/duty").text
    assert "<strong>周岚</strong> 当班" in page
    assert "陈默" in page
    assert "今后 14 天" in page


def test_a_silence_is_begun_listed_and_ended(world: World, incident: Incident) -> None:
    client = world.client("linxiao")
    assert "现在没有静默" in client.get("/silences").text
    begun = post(
        world,
        "/silences",
        "/silences",
        brand="lanhe",
        hours="4",
        up_to="orange",
        reason="<b>系统升级</b>，已公告",
    ).text
    assert "静默已开始" in begun
    assert "&lt;b&gt;系统升级" in begun
    with world.store.read() as queries:
        [silence] = queries.silences(world.clock.now())
    assert (silence.by, silence.up_to, silence.brand) == ("linxiao", "orange", ("lanhe",))
    ended = post(world, "/silences", "/silences/end", silence=silence.silence_id).text
    assert "静默已结束" in ended
    assert "林晓 提前结束" in ended


def test_a_silence_without_reason_or_of_red_is_refused(world: World) -> None:
    good = {"hours": "4", "up_to": "yellow", "reason": "x"}
    for odd in ({"reason": " "}, {"up_to": "red"}, {"hours": "9999"}, {"incident": "舆-0000"}):
        reply = post(world, "/silences", "/silences", **(good | odd))
        assert reply.status_code == 409
        assert 'role="alert"' in reply.text
    with world.store.read() as queries:
        assert queries.silences(world.clock.now()) == []


def test_one_incident_can_be_silenced_by_its_code(world: World, incident: Incident) -> None:
    fields = {"hours": "1", "up_to": "orange", "reason": "在开会", "incident": incident.code}
    page = post(world, "/silences", "/silences", **fields).text
    assert incident.title in page
    assert world.incident(incident).state is incident.state


def test_a_reader_can_look_and_change_nothing(world: World) -> None:
    boss = world.client("boss")
    for path in ("/duty", "/silences", "/outbox"):
        page = boss.get(path)
        assert page.status_code == 200
        assert page.text.count("<form") == 1  # to log out
    csrf = csrf_of(boss.get("/silences").text)
    assert boss.post("/silences", data={"csrf": csrf, "reason": "x"}).status_code == 403


def first_of(world: World, incident: Incident) -> Intent:
    with world.store.read() as queries:
        [(intent, _), *_] = queries.incident_intents(incident.incident_id)
    return intent


def test_a_message_that_did_not_arrive_is_sent_again_or_dropped(
    world: World, incident: Incident
) -> None:
    intent = first_of(world, incident)
    with world.store.write() as connection:
        connection.execute(
            sa.update(tables.intent)
            .where(tables.intent.c.intent_id == intent.intent_id)
            .values(status="dead", reason="<b>key refused</b>")
        )
    page = world.client("linxiao").get("/outbox").text
    assert "1 条没有送达" in page
    assert "&lt;b&gt;key refused" in page
    again = post(world, "/outbox", "/outbox/retry", intent=intent.intent_id).text
    assert "已安排重发" in again
    assert first_of(world, incident).status is IntentStatus.RETRY
    refused = post(world, "/outbox", "/outbox/drop", intent=intent.intent_id, reason=" ")
    assert refused.status_code == 409
    post(world, "/outbox", "/outbox/drop", intent=intent.intent_id, reason="已电话告知")
    gone = first_of(world, incident)
    assert gone.status is IntentStatus.CANCELLED
    assert "已电话告知" in gone.reason


def test_a_person_can_be_sent_a_test(world: World) -> None:
    page = post(world, "/outbox", "/outbox/test", owner="chenmo", channel="bot-chenmo").text
    assert "测试消息已放进发件箱" in page
    with world.store.read() as queries:
        [intent] = queries.outbox("waiting", world.clock.now())
    assert (intent.kind, intent.recipient_id, intent.channel_id) == ("test", "chenmo", "bot-chenmo")
    assert post(world, "/outbox", "/outbox/test", owner="nobody").status_code == 409


def test_channels_say_how_they_stand(world: World) -> None:
    rests = world.clock.now() + timedelta(minutes=5)
    with world.store.write() as connection:
        row = {
            "channel_id": "bot-linxiao",
            "tokens": 1.0,
            "mild_tokens": 0.0,
            "refilled_at": world.clock.now(),
            "blocked_until": rests,
            "failures": 6,
            "reason": "errcode 93000",
        }
        connection.execute(sa.insert(tables.channel_state).values(**row))
    page = world.client("boss").get("/outbox?view=sent").text
    assert "暂停中" in page
    assert "连续失败 6 次：errcode 93000" in page
    assert "还没有发出过消息" in page
