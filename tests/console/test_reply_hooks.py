"""What people answer to text messages, as Aliyun and Tencent document it, through the door."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from groundswell.console.app import create_app
from storage.records import IncidentState
from storage.store import Store
from tests.console import world as console
from tests.console.world import Stage
from tests.inbound.world import LIN, World, build, trouble

END = "end-of-the-replies-address"


@pytest.fixture
def door(sqlite_url: str, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("REPLY_SECRET", END)
    store = Store(sqlite_url)
    world = build(store)
    digest: Any = None
    stage.app = create_app(
        store,
        world.project,
        world.desk,
        world.clock,
        digest,
        world.links,
        keep=console.journey(store).keep_each,
    )
    yield world
    store.close()


def push(stage: Stage, channel: str, body: object, end: str = END) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    with httpx.Client(base_url=stage.url, trust_env=False) as client:
        return client.post(f"/hooks/replies/{channel}/{end}", content=content)


def aliyun(text: str, number: str = LIN, n: int = 1234567890) -> list[dict[str, Any]]:
    return [
        {
            "phone_number": number,
            "content": text,
            "send_time": "2026-11-20 14:00:00",
            "dest_code": "1234",
            "sequence_id": str(n),
        }
    ]


def tencent(text: str) -> dict[str, Any]:
    return {
        "extend": "",
        "mobile": LIN,
        "nationcode": "86",
        "sign": "澜禾",
        "text": text,
        "time": 1795154400,
    }


def test_a_pushed_answer_is_taken_once_and_answered_as_the_provider_wants(
    door: World, stage: Stage
) -> None:
    raised = trouble(door)

    answers = [push(stage, "sms", aliyun(f"{raised.code} 1")) for _ in range(2)]

    assert [one.json() for one in answers] == [{"code": 0, "msg": "接收成功"}] * 2
    assert door.incident(raised).acknowledged_by == "linxiao"
    assert [one.sender for one in door.kept()] == ["+86138****1111"]
    note = push(stage, "sms2", tencent(f"{raised.code} 进展 已联系客户"))
    assert note.json() == {"result": 0, "errmsg": "OK"}
    assert [one.outcome for one in door.kept()] == ["done", "done"]


def test_only_the_secret_end_opens_the_door(door: World, stage: Stage) -> None:
    raised = trouble(door)
    said = aliyun(f"{raised.code} 确认")

    for channel, end in (("sms", "another"), ("mail", END), ("ding", END), ("nobody", END)):
        assert push(stage, channel, said, end).status_code == 404
    stranger = push(stage, "sms", aliyun(f"{raised.code} 确认", "13900000000"))

    assert stranger.status_code == 200
    assert door.incident(raised).state is IncidentState.OPEN


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"<html>", 400),
        (b'"text"', 400),
        (["text", None, 5, {}], 200),
        ([], 200),
        (b" " * (1024 * 1024 + 1), 413),
    ],
)
def test_odd_bodies_change_nothing(door: World, stage: Stage, body: object, status: int) -> None:
    assert push(stage, "sms", body).status_code == status


def test_while_the_database_is_away_the_provider_is_asked_to_come_again(
    door: World, stage: Stage
) -> None:
    door.store.close()
    assert door.store.file is not None
    door.store.file.write_bytes(b"no database any more" * 100)

    assert push(stage, "sms", aliyun("1")).status_code == 503


def test_no_trouble_writes_the_address_into_a_log(
    door: World, stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    raised = trouble(door)
    head = f"POST /hooks/replies/sms/{END} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n[{{"
    host, _, port = stage.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), 5.0) as line:
        line.sendall(head.encode())  # and goes away
    odd = json.dumps([aliyun(f"{raised.code} 1")[0] | {"sequence_id": "\ud83d"}]).encode()

    assert push(stage, "sms", odd).status_code == 200
    assert door.incident(raised).acknowledged_by == "linxiao"
    ours = [one.getMessage() for one in caplog.records if one.name.startswith("groundswell")]
    assert ours != []
    assert END not in "".join(ours)
