"""DingTalk's Stream mode against a gateway on loopback: frames as its documents have them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from config.channel_schema import DingtalkBotChannel, StreamReplies
from config.schema import SecretRef
from groundswell.inbound.connecting import GatewayError, connect
from groundswell.inbound.dingtalk import DingtalkStream
from storage.records import IncidentState
from tests.alerts.receiver import Planned
from tests.inbound.gateway import Gateway, gateway, while_running
from tests.inbound.world import World, trouble

OPEN = "/v1.0/gateway/connections/open"
TICKET = "ticket-secret-+/="


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLY_SECRET", "the-client-secret")


def door(address: str) -> tuple[str, Any]:
    return OPEN, {"endpoint": f"ws://{address}/connect", "ticket": TICKET}


def stream(world: World, at: Gateway, **values: Any) -> DingtalkStream:
    replies = StreamReplies(
        client_id="ding-app", client_secret=SecretRef.parse("env:REPLY_SECRET"), url=at.http.url
    )
    channel = DingtalkBotChannel(
        id="ding", kind="dingtalk_bot", key=SecretRef.parse("env:REPLY_SECRET"), replies=replies
    )
    allowed = values.get("allowed", at.allowed)
    return DingtalkStream(channel, replies, at.post(), allowed, world.replies.take)


def frame(kind: str, topic: str, data: Any, n: str = "f1") -> str:
    headers = {"topic": topic, "messageId": n, "contentType": "application/json", "time": "1"}
    return json.dumps(
        {"specVersion": "1.0", "type": kind, "headers": headers, "data": json.dumps(data)}
    )


def message(text: str, at: Gateway, n: str = "msg1", who: str = "staff-lin") -> dict[str, Any]:
    return {
        "msgId": n,
        "msgtype": "text",
        "text": {"content": f" {text}"},
        "senderStaffId": who,
        "senderNick": "林晓",
        "conversationType": "2",
        "sessionWebhook": f"{at.http.url}/robot/sendBySession?session=session-secret",
    }


async def ask(line: ServerConnection, frame_: str) -> dict[str, Any]:
    await line.send(frame_)
    found: dict[str, Any] = json.loads(await asyncio.wait_for(line.recv(), 10))
    return found


def test_a_message_to_the_robot_is_done_acknowledged_and_answered(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    raised = trouble(world)
    caplog.set_level("DEBUG")

    async def run() -> None:
        async with gateway(door) as at:
            at.http.standing["/robot/sendBySession?session=session-secret"] = Planned()

            async def script() -> None:
                line = await at.line()
                ping = await ask(line, frame("SYSTEM", "ping", {"opaque": "x1"}, "p1"))
                assert ping["code"] == 200
                assert ping["headers"]["messageId"] == "p1"
                assert json.loads(ping["data"]) == {"opaque": "x1"}
                said = frame(
                    "CALLBACK", "/v1.0/im/bot/messages/get", message(f"{raised.code} 确认", at)
                )
                for _ in range(2):  # brought again: known by its msgId
                    taken = await ask(line, said)
                    assert (taken["code"], taken["headers"]["messageId"]) == (200, "f1")
                other = await ask(line, frame("EVENT", "*", {}, "e1"))
                assert other["code"] == 200

            await while_running(stream(world, at).session(), script())
            asked = json.loads(at.http.requests[0].body)
            assert asked["clientSecret"] == "the-client-secret"
            assert asked["subscriptions"] == [
                {"type": "CALLBACK", "topic": "/v1.0/im/bot/messages/get"}
            ]
            assert at.paths == ["/connect?ticket=ticket-secret-%2B%2F%3D"]
            answers = [r for r in at.http.requests if r.target.startswith("/robot")]
            assert [r.target for r in answers] == ["/robot/sendBySession?session=session-secret"]
            body = json.loads(answers[0].body)
            assert body["at"] == {"atUserIds": ["staff-lin"], "isAtAll": False}
            assert "已确认，由你接手" in body["text"]["content"]

    asyncio.run(run())
    assert world.incident(raised).acknowledged_by == "linxiao"
    ours = "\n".join(r.getMessage() for r in caplog.records if "websockets" not in r.name)
    assert not [one for one in ("the-client-secret", TICKET, "session-secret") if one in ours]


def test_while_the_database_is_away_the_gateway_is_asked_to_bring_it_again(world: World) -> None:
    trouble(world)
    world.store.close()
    assert world.store.file is not None
    world.store.file.write_bytes(b"no database any more" * 100)

    async def run() -> None:
        async with gateway(door) as at:

            async def script() -> None:
                line = await at.line()
                said = message("确认", at)
                taken = await ask(line, frame("CALLBACK", "/v1.0/im/bot/messages/get", said))
                assert taken["code"] == 500

            await while_running(stream(world, at).session(), script())

    asyncio.run(run())


def test_odd_frames_and_strangers_do_no_harm(world: World) -> None:
    raised = trouble(world)

    async def run() -> None:
        async with gateway(door) as at:

            async def script() -> None:
                line = await at.line()
                for odd in ("no json", "[]", "{}", '{"headers": 1}', b"\xff\xfe"):
                    await line.send(odd)
                topic = "/v1.0/im/bot/messages/get"
                for data in ("text", {}, {"msgId": 5}, {"msgId": "m9", "text": "x"}):
                    assert (await ask(line, frame("CALLBACK", topic, data)))["code"] == 200
                stranger = message(f"{raised.code} 确认", at, "m3", "")
                assert (await ask(line, frame("CALLBACK", topic, stranger)))["code"] == 200

            await while_running(stream(world, at).session(), script())
            assert [r.target for r in at.http.requests] == [OPEN]  # nobody was answered

    asyncio.run(run())
    assert world.incident(raised).state is IncidentState.OPEN


def test_a_gateway_that_asks_to_connect_anew_is_obeyed(world: World) -> None:
    async def run() -> None:
        async with gateway(door) as at:
            session = asyncio.ensure_future(stream(world, at).session())
            line = await at.line()
            await line.send(frame("SYSTEM", "disconnect", {"reason": "rolling"}))
            await asyncio.wait_for(session, 10)  # ends by itself, without an error

    asyncio.run(run())


@pytest.mark.parametrize(
    ("planned", "said"),
    [
        (Planned(status=401, body=b'{"code":"invalidClient"}'), "HTTP 401 invalidClient"),
        (Planned(body=b"<html>"), "HTTP 200"),
        (Planned(body=b'{"endpoint":"http://127.0.0.1/x","ticket":"t"}'), "ws:// or wss://"),
        (Planned(body=b'{"endpoint":"ws://127.0.0.1:1/x","ticket":"t"}'), "address refused"),
    ],
)
def test_a_door_that_stays_shut_is_named(world: World, planned: Planned, said: str) -> None:
    async def run() -> None:
        async with gateway(door) as at:
            at.http.standing[OPEN] = planned
            with pytest.raises(GatewayError, match=said):
                await stream(world, at).session()

    asyncio.run(run())


def test_a_socket_leads_to_no_private_address() -> None:
    async def run() -> None:
        for url in ("ws://localhost/x", "ws://127.0.0.1/x", "ws://10.0.0.1/x", "ftp://x.example/"):
            with pytest.raises(GatewayError):
                await connect(url, ())

    asyncio.run(run())
