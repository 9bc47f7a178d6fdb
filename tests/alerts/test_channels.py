"""The transports against real receivers on loopback: every fault has one typed answer."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from alerts.channels import Answer, make_sender
from alerts.channels.http import retry_after_s
from alerts.channels.wecom_bot import CODES
from config.schema import Project
from storage.records import DeliveryClass, Intent, Level
from tests.alerts.people import make_project
from tests.alerts.receiver import Planned, Receiver
from tests.make import NOW, make_intent

KEY = "7c0a41f2-key-of-the-bot"
SECRET = "sekret-of-the-hook"


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUNQUE_BOT", KEY)
    monkeypatch.setenv("YUNQUE_HOOK", SECRET)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def company(channel: dict[str, Any], address: str = "", **owner: Any) -> Project:
    entry = {
        "id": "lin",
        "name": "林晓",
        "channels": [channel["id"]],
        "email": "lin@yunque.example",
    }
    return make_project(
        channels=[channel],
        owners=[entry | owner],
        routes=[],
        fallback=["lin"],
        settings={"allow_private": [address] if address else []},
    )


def send(
    channel: dict[str, Any],
    intent: Intent,
    address: str = "",
    *,
    timeout_s: float = 2.0,
    repeat: bool = False,
    **owner: Any,
) -> Answer:
    project = company(channel, address, **owner)
    sender = make_sender(project.channels[0], project, timeout_s=timeout_s)
    [recipient] = project.owners
    return asyncio.run(sender.send(intent, recipient, repeat=repeat))


def bot(receiver: Receiver, **fields: Any) -> dict[str, Any]:
    url = f"{receiver.url}/cgi-bin/webhook/send"
    return {"id": "bot", "kind": "wecom_bot", "key": "env:YUNQUE_BOT", "url": url} | fields


def hook(receiver: Receiver, **fields: Any) -> dict[str, Any]:
    url = f"{receiver.url}/hook"
    return {"id": "hook", "kind": "webhook", "url": url, "secret": "env:YUNQUE_HOOK"} | fields


# --- WeCom bot ---


def test_bot_gets_markdown_and_its_key(receiver: Receiver) -> None:
    intent = make_intent(level=Level.YELLOW, body="【黄】净水器漏水\n编号：舆-7F3K·1·黄")
    answer = send(bot(receiver), intent, receiver.address)

    [request] = receiver.requests
    assert answer.outcome is DeliveryClass.OK
    assert request.target == f"/cgi-bin/webhook/send?key={KEY}"
    assert json.loads(request.body) == {
        "msgtype": "markdown",
        "markdown": {"content": intent.body},
    }


def test_bot_calls_everybody_from_orange_up(receiver: Receiver) -> None:
    send(bot(receiver), make_intent(level=Level.ORANGE), receiver.address)

    text = json.loads(receiver.requests[0].body)
    assert text["msgtype"] == "text"
    assert text["text"]["mentioned_list"] == ["@all"]


def test_bot_keeps_within_its_bytes_at_character_borders(receiver: Receiver) -> None:
    long = make_intent(level=Level.RED, body="漏" * 3000)
    send(bot(receiver), long, receiver.address, repeat=True)

    content = json.loads(receiver.requests[0].body)["text"]["content"]
    assert 2040 <= len(content.encode()) <= 2048
    assert content.startswith("【重发】漏")
    assert content.endswith("漏…")


@pytest.mark.parametrize(
    ("planned", "outcome"),
    [
        (Planned(body=b'{"errcode":0,"errmsg":"ok"}'), DeliveryClass.OK),
        (
            Planned(body=b'{"errcode":45009,"errmsg":"api freq out of limit"}'),
            DeliveryClass.THROTTLED,
        ),
        (Planned(body=b'{"errcode":45033,"errmsg":"concurrent"}'), DeliveryClass.THROTTLED),
        (
            Planned(body=b'{"errcode":93000,"errmsg":"invalid webhook url"}'),
            DeliveryClass.PERMANENT,
        ),
        (Planned(body=b'{"errcode":-1,"errmsg":"system busy"}'), DeliveryClass.RETRY),
        (Planned(body=b'{"errcode":987654,"errmsg":"new trouble"}'), DeliveryClass.RETRY),
        (Planned(body=b'{"errcode":"0"}'), DeliveryClass.RETRY),
        (Planned(body=b'{"errcode":false}'), DeliveryClass.RETRY),
        (Planned(body=b"{}"), DeliveryClass.RETRY),
        (Planned(body=b"[]"), DeliveryClass.RETRY),
        (Planned(body=b""), DeliveryClass.RETRY),
        (Planned(body=b"[" * 60000), DeliveryClass.RETRY),
        (Planned(body=b"<html>gateway login</html>"), DeliveryClass.RETRY),
        (Planned(body=b"x" * 100_000), DeliveryClass.RETRY),
        (
            Planned(status=302, headers={"Location": "http://169.254.169.254/"}),
            DeliveryClass.PERMANENT,
        ),
        (Planned(status=404), DeliveryClass.PERMANENT),
        (Planned(status=429, headers={"Retry-After": "7"}), DeliveryClass.THROTTLED),
        (Planned(status=500), DeliveryClass.RETRY),
        (Planned(status=503, headers={"Retry-After": "9"}), DeliveryClass.THROTTLED),
        (Planned(act="reset"), DeliveryClass.AMBIGUOUS),
        (Planned(act="hang"), DeliveryClass.AMBIGUOUS),
        (Planned(headers={"Content-Encoding": "gzip"}, body=b"no gzip"), DeliveryClass.RETRY),
    ],
)
def test_bot_answers_have_one_class_each(
    receiver: Receiver, planned: Planned, outcome: DeliveryClass
) -> None:
    receiver.plan(planned)
    answer = send(bot(receiver), make_intent(), receiver.address, timeout_s=0.3)

    assert answer.outcome is outcome
    assert KEY not in repr(answer)


def test_reset_before_anything_was_read_is_no_success(receiver: Receiver) -> None:
    receiver.plan(Planned(act="slam"))
    answer = send(bot(receiver), make_intent(), receiver.address)

    # whether the bytes left before the reset arrived is a race; both answers lead to another try
    assert answer.outcome in {DeliveryClass.RETRY, DeliveryClass.AMBIGUOUS}
    assert receiver.requests == []


@pytest.mark.parametrize("code", sorted(CODES.permanent))
def test_codes_that_waiting_cannot_mend_are_permanent(receiver: Receiver, code: str) -> None:
    receiver.plan(Planned(body=json.dumps({"errcode": int(code), "errmsg": "no"}).encode()))
    answer = send(bot(receiver), make_intent(), receiver.address)

    assert answer.outcome is DeliveryClass.PERMANENT
    assert answer.provider_code == code


def test_redirects_are_not_followed(receiver: Receiver) -> None:
    receiver.plan(Planned(status=302, headers={"Location": f"{receiver.url}/elsewhere"}))
    send(bot(receiver), make_intent(), receiver.address)

    assert receiver.connections == 1


def test_refused_connection_may_be_tried_again_at_once() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        channel = {"id": "hook", "kind": "webhook", "url": f"http://{address}/hook"}
        answer = send(channel, make_intent(), address)

    assert answer.outcome is DeliveryClass.RETRY


def test_private_addresses_are_refused_unless_allowed(receiver: Receiver) -> None:
    answer = send(hook(receiver), make_intent())

    assert answer.outcome is DeliveryClass.PERMANENT
    assert receiver.connections == 0


def test_missing_secret_is_permanent_and_nothing_is_sent(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("YUNQUE_BOT")
    answer = send(bot(receiver), make_intent(), receiver.address)

    assert answer.outcome is DeliveryClass.PERMANENT
    assert "YUNQUE_BOT" in answer.text
    assert receiver.connections == 0


def test_webhook_without_its_secret_is_permanent(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("YUNQUE_HOOK")

    assert send(hook(receiver), make_intent(), receiver.address).outcome is DeliveryClass.PERMANENT


def test_no_log_line_holds_a_secret(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    quoting = json.dumps({"errcode": 1, "errmsg": f"bad key {KEY}"}).encode()
    receiver.plan(Planned(), Planned(body=quoting), Planned(act="reset"), Planned())
    answers = [send(bot(receiver), make_intent(), receiver.address) for _ in range(3)]
    answers.append(send(hook(receiver), make_intent(), receiver.address))

    seen = caplog.text + repr(answers)
    assert KEY not in seen
    assert SECRET not in seen
    assert "***" in answers[1].text


# --- webhook ---


def test_webhook_is_signed_and_keyed(receiver: Receiver) -> None:
    intent = make_intent(body="内容", level=Level.RED)
    answer = send(hook(receiver), intent, receiver.address)

    [request] = receiver.requests
    timestamp = request.headers["x-groundswell-timestamp"]
    expected = hmac.new(SECRET.encode(), timestamp.encode() + b"." + request.body, hashlib.sha256)
    assert answer.outcome is DeliveryClass.OK
    assert request.headers["x-groundswell-signature"] == f"sha256={expected.hexdigest()}"
    assert request.headers["idempotency-key"] == intent.intent_id
    assert abs(int(timestamp) - datetime.now(UTC).timestamp()) < 60
    assert json.loads(request.body)["level"] == "red"


def test_webhook_repeats_byte_for_byte(receiver: Receiver) -> None:
    intent = make_intent()
    send(hook(receiver), intent, receiver.address)
    send(hook(receiver), intent, receiver.address, repeat=True)

    first, second = receiver.requests
    assert first.body == second.body
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_webhook_takes_any_2xx_for_success(receiver: Receiver, status: int) -> None:
    receiver.plan(Planned(status=status, body=b"" if status == 204 else b"<html>ok</html>"))

    assert send(hook(receiver), make_intent(), receiver.address).outcome is DeliveryClass.OK


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("999999", 3600.0),
        ("Tue, 10 Mar 2026 04:00:30 GMT", 30.0),
        ("Tue, 10 Mar 2026 03:00:30 GMT", 0.0),
        ("Tue, 10 Mar 2026 04:00:30 -0000", 30.0),  # RFC 5322: in UTC, of no zone
        ("soon", None),
        ("", None),
        ("-5", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(value: str, seconds: float | None) -> None:
    assert retry_after_s(value, NOW) == seconds


# --- mail ---


class Sink:
    """Keeps mails; `rcpt` and `data` say how the server answers, None for "ok"."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []
        self.rcpt: str | None = None
        self.data: str | None = None
        self.drop_after_data = False
        self.drop_at_rcpt = False

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.drop_at_rcpt:
            assert server.transport is not None
            server.transport.abort()
        if self.rcpt:
            return self.rcpt
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.mails.append(envelope)
        if self.drop_after_data:
            assert server.transport is not None
            server.transport.abort()
        return self.data or "250 queued as 4711"


class FreePort(Controller):
    """A controller on a port that the system chooses."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def sink() -> Iterator[tuple[Sink, dict[str, Any]]]:
    sink = Sink()
    controller = FreePort(sink, hostname="127.0.0.1", port=0)
    controller.start()
    channel = {
        "id": "mail",
        "kind": "email",
        "host": "127.0.0.1",
        "port": controller.port,
        "security": "none",
        "sender": "云雀舆情 <alert@yunque.example>",
    }
    yield sink, channel
    controller.stop()


def read(envelope: Envelope) -> EmailMessage:
    assert isinstance(envelope.content, bytes)
    message = message_from_bytes(envelope.content, policy=policy.SMTP)
    assert isinstance(message, EmailMessage)
    return message


def test_mail_arrives_whole(sink: tuple[Sink, dict[str, Any]]) -> None:
    box, channel = sink
    intent = make_intent(body="第一行\n.以点开头的行\n..两点", html="<p>漏水</p>", level=Level.RED)
    answer = send(channel, intent)

    [envelope] = box.mails
    mail = read(envelope)
    plain, page = mail.iter_parts()
    assert answer.outcome is DeliveryClass.OK
    assert answer.provider_message_id == "queued as 4711"
    assert envelope.rcpt_tos == ["lin@yunque.example"]
    assert mail["Subject"] == intent.subject
    assert mail["Message-ID"] == f"<{intent.intent_id}@yunque.example>"
    assert mail["Importance"] == "high"
    assert isinstance(plain, EmailMessage)
    assert plain.get_content().splitlines() == intent.body.splitlines()
    assert isinstance(page, EmailMessage)
    assert page.get_content().strip() == "<p>漏水</p>"


def test_mail_sent_again_is_the_same_byte_for_byte(sink: tuple[Sink, dict[str, Any]]) -> None:
    box, channel = sink
    intent = make_intent(html="<p>漏水</p>")
    send(channel, intent)
    send(channel, intent)

    assert box.mails[0].content == box.mails[1].content


def test_repeated_mail_says_so_under_the_same_id(sink: tuple[Sink, dict[str, Any]]) -> None:
    box, channel = sink
    send(channel, make_intent(), repeat=True)

    mail = read(box.mails[0])
    assert mail["Subject"].startswith("【重发】")
    assert mail["Message-ID"] == "<intent-1@yunque.example>"


def test_no_text_adds_a_header(sink: tuple[Sink, dict[str, Any]]) -> None:
    box, channel = sink
    evil = "漏水\r\nBcc: everybody@evil.example\n\n正文\x00"
    answer = send(channel, make_intent(subject=evil, incident_id=evil), name=evil)

    mail = read(box.mails[0])
    assert answer.outcome is DeliveryClass.OK
    assert mail["Bcc"] is None
    assert box.mails[0].rcpt_tos == ["lin@yunque.example"]
    assert "\n" not in mail["Subject"]


@pytest.mark.parametrize("email", ["lin@yunque.example\r\nRCPT TO:<x@evil.example>", "林晓", ""])
def test_addresses_that_are_none_are_refused(sink: tuple[Sink, dict[str, Any]], email: str) -> None:
    box, channel = sink
    answer = send(channel, make_intent(), email=email)

    assert answer.outcome is DeliveryClass.PERMANENT
    assert box.mails == []


@pytest.mark.parametrize(
    ("rcpt", "data", "outcome"),
    [
        ("550 no such user", None, DeliveryClass.PERMANENT),
        ("451 greylisted", None, DeliveryClass.RETRY),
        (None, "552 too big", DeliveryClass.PERMANENT),
        (None, "452 full", DeliveryClass.RETRY),
    ],
)
def test_server_codes_decide(
    sink: tuple[Sink, dict[str, Any]], rcpt: str | None, data: str | None, outcome: DeliveryClass
) -> None:
    box, channel = sink
    box.rcpt, box.data = rcpt, data

    assert send(channel, make_intent()).outcome is outcome


def test_line_lost_after_the_text_is_ambiguous(sink: tuple[Sink, dict[str, Any]]) -> None:
    box, channel = sink
    box.drop_after_data = True

    assert send(channel, make_intent()).outcome is DeliveryClass.AMBIGUOUS


def test_mail_server_that_never_greets_may_be_tried_again() -> None:
    with Receiver(Planned(act="hang")) as silent:
        host, port = silent.address.split(":")
        channel = {
            "id": "mail",
            "kind": "email",
            "host": host,
            "port": int(port),
            "security": "none",
            "sender": "alert@yunque.example",
        }
        answer = send(channel, make_intent(), timeout_s=0.3)

    assert answer.outcome is DeliveryClass.RETRY


def test_encryption_that_the_server_lacks_is_permanent(sink: tuple[Sink, dict[str, Any]]) -> None:
    _, channel = sink
    answer = send(channel | {"security": "starttls"}, make_intent())

    assert answer.outcome is DeliveryClass.PERMANENT


@pytest.mark.parametrize(
    "changes", [{"username": "alert", "password": "env:NOT_SET"}, {"sender": "云雀舆情"}]
)
def test_mail_that_cannot_be_sent_as_configured_is_permanent(
    sink: tuple[Sink, dict[str, Any]], changes: dict[str, str]
) -> None:
    box, channel = sink
    answer = send(channel | changes, make_intent())

    assert answer.outcome is DeliveryClass.PERMANENT
    assert box.mails == []


def test_line_lost_before_the_text_may_be_tried_again(sink: tuple[Sink, dict[str, Any]]) -> None:
    box, channel = sink
    box.drop_at_rcpt = True

    assert send(channel, make_intent()).outcome is DeliveryClass.RETRY


def test_login_that_the_server_does_not_offer_is_permanent(
    sink: tuple[Sink, dict[str, Any]],
) -> None:
    _, channel = sink
    login = {"username": "alert", "password": "env:YUNQUE_HOOK"}
    answer = send(channel | login, make_intent())

    assert answer.outcome is DeliveryClass.PERMANENT
    assert SECRET not in repr(answer)


def test_mail_keeps_the_date_of_the_decision(sink: tuple[Sink, dict[str, Any]]) -> None:
    box, channel = sink
    send(channel, make_intent(created_at=NOW - timedelta(hours=1)))

    assert read(box.mails[0])["Date"].datetime == NOW - timedelta(hours=1)
