"""What providers report of messages and calls, in their documented formats, through the door."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from config.channel_schema import SmsChannel, VoiceChannel
from config.schema import SecretRef
from groundswell.console.app import create_app
from storage.records import ChannelId
from storage.store import Store
from tests.console.world import HASHER, Stage, example
from tests.demo.clocks import HandClock
from tests.make import NOW

END = "end-of-the-receipts-address"


def channel(kind: str, provider: str) -> dict[str, Any]:
    return {
        "id": f"{provider}-{kind}",
        "kind": kind,
        "provider": provider,
        "template": "1",
        "receipts": SecretRef.parse("env:RECEIPTS"),
    }


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """One database will do: that receipts are kept on both is tests/storage's business."""
    opened = Store(sqlite_url)
    yield opened
    opened.close()


@dataclass(frozen=True)
class Door:
    """The console as a provider sees it: an address, and what lies behind it."""

    store: Store
    url: str


@pytest.fixture
def door(store: Store, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setenv("RECEIPTS", END)
    added = (
        SmsChannel(**channel("sms", "aliyun")),
        SmsChannel(**channel("sms", "tencent")),
        VoiceChannel(**channel("voice", "aliyun")),
        VoiceChannel(**channel("voice", "tencent")),
        SmsChannel(**channel("sms", "aliyun") | {"id": "closed", "receipts": None}),
    )
    project = example().model_copy(update={"channels": (*example().channels, *added)})
    unused: Any = None  # no page is asked for, nobody acts
    stage.app = create_app(
        store, project, unused, HandClock(NOW), unused, unused, keep=unused, hasher=HASHER
    )
    return Door(store, stage.url)


def post(door: Door, channel_id: str, body: object, end: str = END) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    path = f"/hooks/receipts/{channel_id}/{end}"
    with httpx.Client(base_url=door.url, trust_env=False, verify=False) as client:
        return client.post(path, content=content, headers={"Content-Type": "application/json"})


def kept(door: Door, channel_id: str, message_id: str) -> list[tuple[str, str]]:
    with door.store.read() as queries:
        found = queries.receipts_for(ChannelId(channel_id), message_id)
    return [(receipt.state, receipt.text) for receipt in found]


ALIYUN_SMS = {
    "phone_number": "13811111111",
    "send_time": "2026-11-22 03:00:00",
    "report_time": "2026-11-22 03:00:04",
    "success": True,
    "err_code": "DELIVERED",
    "err_msg": "用户接收成功",
    "sms_size": "1",
    "biz_id": "b-1",
    "out_id": "intent-1",
}
TENCENT_SMS = {
    "user_receive_time": "2026-11-22 03:00:04",
    "nationcode": "86",
    "mobile": "13811111111",
    "report_status": "SUCCESS",
    "errmsg": "DELIVRD",
    "description": "用户短信送达成功",
    "sid": "s-1",
}
ALIYUN_VOICE = {
    "status_code": "200000",
    "hangup_direction": "用户",
    "callee": "13811111111",
    "duration": "10",
    "voice_type": "voice",
    "call_id": "c-1",
    "status_msg": "用户接听",
    "out_id": "intent-1",
}
TENCENT_VOICE = {
    "result": "0",
    "accept_time": "1470197211",
    "call_from": "",
    "callid": "v-1",
    "end_calltime": "1470197221",
    "fee": "1",
    "mobile": "13811111111",
    "nationcode": "86",
    "start_calltime": "1470197196",
}


@pytest.mark.parametrize(
    ("channel_id", "message_id", "body", "states"),
    [
        ("aliyun-sms", "b-1", [ALIYUN_SMS], [("delivered", "DELIVERED 用户接收成功")]),
        (
            "aliyun-sms",
            "b-1",
            [ALIYUN_SMS | {"success": False, "err_code": "MK:0001", "err_msg": "13811111111停机"}],
            [("failed", "MK:0001 ***停机")],
        ),
        ("tencent-sms", "s-1", [TENCENT_SMS], [("delivered", "DELIVRD 用户短信送达成功")]),
        (
            "tencent-sms",
            "s-1",
            [TENCENT_SMS | {"report_status": "FAIL", "errmsg": "REJECT", "description": "拒收"}],
            [("failed", "REJECT 拒收")],
        ),
        ("aliyun-voice", "c-1", [ALIYUN_VOICE], [("answered", "200000 用户接听")]),
        (
            "aliyun-voice",
            "c-1",
            [ALIYUN_VOICE | {"status_code": "200005", "status_msg": "用户无法接通"}],
            [("failed", "200005 用户无法接通")],
        ),
        ("tencent-voice", "v-1", {"voiceprompt_callback": TENCENT_VOICE}, [("answered", "0")]),
        (
            "tencent-voice",
            "v-1",
            {"voiceprompt_callback": TENCENT_VOICE | {"result": "1"}},
            [("failed", "1")],
        ),
        (
            "tencent-voice",
            "v-1",
            {
                "voice_failure_callback": {
                    "callid": "v-1",
                    "failure_code": 8,
                    "failure_reason": "空号",
                }
            },
            [("failed", "空号")],
        ),
    ],
)
def test_documented_reports_are_kept_once_and_answered_as_expected(
    door: Door, channel_id: str, message_id: str, body: object, states: list[tuple[str, str]]
) -> None:
    answers = [post(door, channel_id, body) for _ in range(2)]

    expected = (
        {"code": 0, "msg": "接收成功"} if "aliyun" in channel_id else {"result": 0, "errmsg": "OK"}
    )
    assert [answer.json() for answer in answers] == [expected, expected]
    assert kept(door, channel_id, message_id) == states


def test_only_the_secret_end_opens_the_door(door: Door) -> None:
    tried = [
        ("aliyun-sms", "another-end"),
        ("aliyun-sms", "%E7%AB%AF"),
        ("closed", END),
        ("bot-linxiao", END),
        ("nobody", END),
    ]

    assert {post(door, name, [ALIYUN_SMS], end).status_code for name, end in tried} == {404}
    assert kept(door, "aliyun-sms", "b-1") == []


def test_odd_bodies_are_refused_or_belong_to_nobody(door: Door) -> None:
    bodies: list[tuple[object, int]] = [
        (b"", 400),
        (b"<html>", 400),
        (b'"text"', 400),
        (b"[" * 50_000, 400),
        ([{"success": True}], 200),  # a report of no message: nobody's
        (["text", None, 5], 200),
        ([], 200),
        (b" " * (1024 * 1024 + 1), 413),
    ]

    answers = [post(door, "aliyun-sms", body).status_code for body, _ in bodies]
    assert answers == [status for _, status in bodies]
    with door.store.read() as queries:
        assert queries.table_rows("receipt") == []


def test_a_stranger_who_keeps_knocking_must_wait(door: Door) -> None:
    statuses = {post(door, "aliyun-sms", [], f"guess-{n}").status_code for n in range(40)}

    assert statuses == {404, 429}
    assert post(door, "aliyun-sms", []).status_code == 200  # who knows the end is not held up


def test_a_secret_that_is_gone_opens_nothing(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RECEIPTS")

    assert post(door, "aliyun-sms", [ALIYUN_SMS], "").status_code == 404
    assert post(door, "aliyun-sms", [ALIYUN_SMS]).status_code == 404


def test_while_the_database_is_away_the_provider_is_asked_to_come_again(door: Door) -> None:
    door.store.close()
    assert door.store.file is not None
    door.store.file.write_bytes(b"no database any more" * 100)

    assert post(door, "aliyun-sms", [ALIYUN_SMS]).status_code == 503


def test_one_report_by_itself_is_read_as_well(door: Door) -> None:
    assert post(door, "tencent-sms", TENCENT_SMS).status_code == 200
    assert kept(door, "tencent-sms", "s-1") == [("delivered", "DELIVRD 用户短信送达成功")]


def test_no_trouble_writes_the_address_into_a_log(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    head = (
        f"POST /hooks/receipts/aliyun-sms/{END} HTTP/1.1\r\nHost: x\r\n"
        "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n[{"
    )
    host, _, port = door.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), 5.0) as line:
        line.sendall(head.encode())  # and goes away
    door.store.close()
    assert door.store.file is not None
    door.store.file.write_bytes(b"no database any more" * 100)
    post(door, "aliyun-sms", [ALIYUN_SMS])

    ours = [one.getMessage() for one in caplog.records if one.name.startswith("groundswell")]
    assert ours != []
    assert END not in "".join(ours)
