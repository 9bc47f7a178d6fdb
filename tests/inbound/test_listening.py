"""All ways back at once beside a main job: they start, come again after trouble, and end."""

from __future__ import annotations

import asyncio
import json

import pytest

from config.channel_schema import DingtalkBotChannel, EmailChannel, MailReplies, StreamReplies
from config.schema import FeishuAppChannel, SecretRef
from groundswell.inbound.listening import Listening
from storage.records import IncidentState
from tests.inbound.gateway import Gateway, gateway
from tests.inbound.mailserver import PASSWORD, USER, MailServer
from tests.inbound.test_dingtalk import door, frame, message
from tests.inbound.test_mailbox import letter
from tests.inbound.world import World, trouble


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLY_SECRET", "the-client-secret")
    monkeypatch.setenv("IMAP_PASSWORD", PASSWORD)


def listening(world: World, at: Gateway, mail: MailServer) -> Listening:
    """The company's channels, all with a way back; Feishu's gateway is not there."""
    secret = SecretRef.parse("env:REPLY_SECRET")
    box = MailReplies(
        host="127.0.0.1", port=mail.port, security="none", username=USER,
        password=SecretRef.parse("env:IMAP_PASSWORD"),
    )  # fmt: skip
    robot = StreamReplies(client_id="app", client_secret=secret, url=at.http.url)
    channels = (
        EmailChannel(
            id="mail", kind="email", host="127.0.0.1", sender="a@lanhe.example", replies=box
        ),
        DingtalkBotChannel(id="ding", kind="dingtalk_bot", key=secret, replies=robot),
        FeishuAppChannel(
            id="feishu", kind="feishu_app", app_id="cli", secret=secret, replies=True,
            url=at.http.url,
        ),
    )  # fmt: skip
    rules = world.project.settings.model_copy(update={"allow_private": at.allowed})
    project = world.project.model_copy(update={"channels": channels, "settings": rules})
    return Listening(project, world.store, world.clock, world.desk, world.links)


async def until(world: World, outcomes: set[str]) -> None:
    seen: set[str] = set()
    for _ in range(1000):
        seen = {f"{one.channel_id} {one.outcome}" for one in world.kept()}
        if outcomes <= seen:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(seen)


def test_every_way_is_open_beside_the_main_job(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    raised = trouble(world)

    async def run() -> None:
        with MailServer() as mail:
            mail.post.put(letter(f"{raised.code} 进展 已联系客户"))
            async with gateway(door) as at:
                ways = listening(world, at, mail)
                ways.start()
                line = await at.line()
                await line.close()  # the gateway goes away, and the connection is made anew
                line = await at.line()
                said = message(f"{raised.code} 确认", at)
                await line.send(frame("CALLBACK", "/v1.0/im/bot/messages/get", said))
                assert json.loads(await asyncio.wait_for(line.recv(), 10))["code"] == 200
                await until(world, {"mail done", "ding done"})
                await ways.stop()
                assert len(at.paths) == 2

    asyncio.run(run())

    assert world.incident(raised).state is IncidentState.ACKNOWLEDGED
    assert "replies channel=feishu: asking for the gateway" in caplog.text
    assert "replies channel=ding: the gateway closed the connection" in caplog.text


def test_a_project_without_replies_opens_nothing(world: World) -> None:
    bare = world.project.model_copy(update={"channels": ()})

    async def run() -> None:
        ways = Listening(bare, world.store, world.clock, world.desk, world.links)
        ways.start()
        assert len(asyncio.all_tasks()) == 1
        await ways.stop()

    asyncio.run(run())
