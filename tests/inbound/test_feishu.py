"""Feishu's long connection against a gateway on loopback: its frames, events and buttons."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection

from config.channel_schema import FeishuAppChannel
from config.schema import SecretRef
from groundswell.inbound.connecting import GatewayError
from groundswell.inbound.feishu import FeishuConnection
from groundswell.inbound.frames import CONTROL, DATA, Frame, decode, encode
from storage.records import IncidentState
from tests.alerts.receiver import Planned
from tests.inbound.gateway import Gateway, gateway, while_running
from tests.inbound.world import World, trouble

ENDPOINT = "/callback/ws/endpoint"
Play = Callable[[ServerConnection], Awaitable[None]]

# Written by lark-oapi 1.7.5 (lark_oapi.ws.pb.pbbp2_pb2.Frame.SerializeToString).
RECORDED = bytes.fromhex(
    "08071009184d20012a0d0a047479706512056576656e742a100a0a6d6573736167655f696412026d3142"
    "027b7d4a0178"
)


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLY_SECRET", "the-app-secret")


def door(address: str) -> tuple[str, Any]:
    url = f"ws://{address}/ws/v2?device_id=d1&service_id=77&access_key=key-secret"
    return ENDPOINT, {"code": 0, "msg": "", "data": {"URL": url, "ClientConfig": {}}}


def connection(world: World, at: Gateway) -> FeishuConnection:
    channel = FeishuAppChannel(
        id="feishu", kind="feishu_app", app_id="cli_1", url=at.http.url, replies=True,
        secret=SecretRef.parse("env:REPLY_SECRET"),
    )  # fmt: skip
    return FeishuConnection(channel, at.post(), at.allowed, world.replies.take)


def frames(event: Any, n: str = "f1", parts: int = 1) -> list[bytes]:
    payload = json.dumps(event, ensure_ascii=False).encode()
    size = -(-len(payload) // parts)
    return [
        encode(
            Frame(
                service=77,
                method=DATA,
                headers=(
                    ("type", "event"), ("message_id", n), ("sum", str(parts)), ("seq", str(place)),
                ),
                payload=payload[place * size : (place + 1) * size],
            )
        )
        for place in range(parts)
    ]  # fmt: skip


def text_event(text: str, n: str = "om_1", who: str = "ou_lin") -> dict[str, Any]:
    return {
        "schema": "2.0",
        "header": {"event_id": f"e-{n}", "event_type": "im.message.receive_v1"},
        "event": {
            "sender": {"sender_id": {"open_id": who}, "sender_type": "user"},
            "message": {
                "message_id": n,
                "chat_type": "p2p",
                "message_type": "text",
                "content": json.dumps({"text": text}),
            },
        },
    }


def button_event(link: str, n: str = "e1", who: str = "ou_lin") -> dict[str, Any]:
    return {
        "schema": "2.0",
        "header": {"event_id": n, "event_type": "card.action.trigger"},
        "event": {
            "operator": {"open_id": who},
            "action": {"tag": "button", "value": {"link": link}},
            "context": {"open_message_id": "om_9"},
        },
    }


async def answer(line: ServerConnection) -> Frame:
    """The next frame that is no ping."""
    while True:
        found = await asyncio.wait_for(line.recv(), 10)
        assert isinstance(found, bytes)
        frame = decode(found)
        if frame.method == DATA:
            return frame
        assert (frame.header("type"), frame.service) == ("ping", 77)


def play(world: World, script: Play) -> list[Any]:
    """Run a connection while the gateway plays a script; return the asked-for endpoint bodies."""
    asked: list[Any] = []

    async def run() -> None:
        async with gateway(door) as at:

            async def speak() -> None:
                await script(await at.line())

            await while_running(connection(world, at).session(), speak())
            asked.extend(json.loads(request.body) for request in at.http.requests)

    asyncio.run(run())
    return asked


def test_a_text_acknowledges_and_is_answered_through_the_outbox(world: World) -> None:
    raised = trouble(world)

    async def script(line: ServerConnection) -> None:
        for _ in range(2):
            for part in frames(text_event(f"@_user_1 {raised.code} 收到"), parts=3):
                await line.send(part)
            done = await answer(line)
            assert json.loads(done.payload) == {"code": 200}
            assert (done.header("message_id"), done.header("biz_rt")) == ("f1", "0")

    asked = play(world, script)

    assert asked == [{"AppID": "cli_1", "AppSecret": "the-app-secret"}]
    assert world.incident(raised).acknowledged_by == "linxiao"
    [sent] = world.deliver()
    assert (sent.kind, sent.channel_id, sent.recipient_id) == ("answer", "feishu", "linxiao")


def test_the_button_of_a_card_acknowledges_and_shows_what_follows(world: World) -> None:
    raised = trouble(world)
    link = world.links.action(raised, "ack", "linxiao").rpartition("/")[2]  # type: ignore[arg-type]
    toasts: list[dict[str, str]] = []

    async def script(line: ServerConnection) -> None:
        events = [
            button_event(link, "e0", "ou_somebody"),
            button_event(link, "e1"),
            button_event(link, "e2"),
            button_event("forged", "e3"),
            button_event("", "e4"),
        ]
        for event in events:
            await line.send(frames(event)[0])
            said = json.loads((await answer(line)).payload)
            assert said["code"] == 200
            data = json.loads(base64.b64decode(said["data"])) if "data" in said else {}
            toasts.append(data.get("toast", {}))

    play(world, script)

    assert [one.get("type") for one in toasts] == ["warning", "success", "success", "warning", None]
    assert "没有认出你是谁" in toasts[0]["content"]
    assert "已确认，由你接手" in toasts[1]["content"]
    assert "林晓 已确认接手" in toasts[2]["content"]
    assert world.incident(raised).acknowledged_by == "linxiao"
    assert not world.deliver()


def test_odd_frames_do_no_harm(world: World) -> None:
    raised = trouble(world)

    async def script(line: ServerConnection) -> None:
        await line.send("text")
        for odd in (b"\xff", b"", frames("text")[0][:-3], encode(Frame(method=CONTROL))):
            await line.send(odd)
        for event in (None, [], {"header": 5}, text_event("确认", "m5", ""), {"event": []}):
            await line.send(frames(event)[0])
            assert json.loads((await answer(line)).payload)["code"] == 200
        bot = text_event(f"{raised.code} 确认", "m6")
        bot["event"]["sender"]["sender_type"] = "app"
        await line.send(frames(bot)[0])
        await answer(line)

    play(world, script)

    assert world.incident(raised).state is IncidentState.OPEN
    assert {one.outcome for one in world.kept()} == {"unknown_sender", "automatic"}


def test_a_door_that_stays_shut_is_named(world: World) -> None:
    async def run() -> None:
        async with gateway(door) as at:
            at.http.standing[ENDPOINT] = Planned(body=b'{"code":1000040350,"msg":"too many"}')
            with pytest.raises(GatewayError, match="code 1000040350"):
                await connection(world, at).session()

    asyncio.run(run())


def test_frames_are_those_of_the_providers_library() -> None:
    found = decode(RECORDED)

    assert found == Frame(
        seq_id=7,
        log_id=9,
        service=77,
        method=DATA,
        headers=(("type", "event"), ("message_id", "m1")),
        payload=b"{}",
        log_id_new="x",
    )
    assert encode(found) == RECORDED


NUMBER = st.integers(0, 2**63)


@given(
    st.builds(
        Frame,
        seq_id=NUMBER,
        log_id=NUMBER,
        service=st.integers(0, 2**31 - 1),
        method=st.sampled_from([CONTROL, DATA]),
        headers=st.lists(st.tuples(st.text(max_size=9), st.text(max_size=300)), max_size=4).map(
            tuple
        ),
        payload_type=st.text(max_size=5),
        payload=st.binary(max_size=300),
    )
)
@settings(max_examples=50)
def test_a_frame_comes_back_as_it_was_written(frame: Frame) -> None:
    assert decode(encode(frame)) == frame


@given(st.binary(max_size=60))
@settings(max_examples=100)
def test_any_bytes_are_a_frame_or_a_refusal(data: bytes) -> None:
    try:
        decode(data)
    except ValueError:
        return
