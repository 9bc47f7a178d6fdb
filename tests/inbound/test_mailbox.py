"""Answers by mail through a real IMAP server, and what a mail is taken for."""

from __future__ import annotations

import imaplib
import logging
import os
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.channel_schema import EmailChannel, MailReplies
from config.errors import GroundswellError
from config.schema import SecretRef
from groundswell.inbound.letters import read_letter
from groundswell.inbound.mailbox import Mailbox
from storage.records import ChannelId, IncidentState
from tests.inbound.mailserver import PASSWORD, USER, MailServer
from tests.inbound.world import World, told, trouble

EXAMPLES = int(os.environ.get("READING_EXAMPLES", "100"))
MAIL = ChannelId("mail")


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as running:
        yield running


def mailbox(world: World, server: MailServer, **values: object) -> Mailbox:
    rules = MailReplies(
        host="127.0.0.1", port=server.port, security="none", username=USER,
        password=SecretRef.parse("env:IMAP_PASSWORD"),
    ).model_copy(update=values)  # fmt: skip
    channel = EmailChannel(
        id="mail", kind="email", host="127.0.0.1", sender="alert@lanhe.example", replies=rules
    )
    return Mailbox(channel, rules, world.store, world.clock, world.replies.take)


def letter(text: str, n: int = 1, **headers: str) -> bytes:
    mail = EmailMessage()
    mail["From"] = headers.pop("From", "林晓 <linxiao@lanhe.example>")
    mail["Subject"] = headers.pop("Subject", "回复：【橙】澜禾养生壶 K2·底座冒烟")
    mail["Message-ID"] = f"<m{n}@phone.example>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes()


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAP_PASSWORD", PASSWORD)


def test_a_mail_is_answered_once_and_left_as_it_is(world: World, server: MailServer) -> None:
    raised = trouble(world)
    notice = told(world, "linxiao")
    box = mailbox(world, server)
    server.post.put(letter("确认\n\n> 误报", In_Reply_To=f"<{notice.intent_id}@lanhe.example>"))

    assert (box.look(), box.look()) == (1, 0)
    assert world.incident(raised).acknowledged_by == "linxiao"
    assert [one.kind for one in world.deliver()] == ["answer"]
    words = " ".join(server.post.said)
    assert "EXAMINE" in words
    assert "BODY.PEEK[]" in words
    assert not {"STORE", "SELECT", "EXPUNGE"} & set(words.split())


def test_after_a_break_the_rest_is_taken_and_nothing_twice(
    world: World, server: MailServer
) -> None:
    raised = trouble(world)
    box = mailbox(world, server)
    server.post.put(letter(f"{raised.code} 进展 已联系客户", 1))
    box.look()
    server.post.put(letter(f"{raised.code} 进展 已约上门", 2))
    server.post.breaks = 1

    with pytest.raises(imaplib.IMAP4.abort):
        box.look()
    assert box.look() == 1
    server.post.validity += 1  # the mailbox was made anew: everything has another number
    assert box.look() == 2

    with world.store.read() as queries:
        kinds = [one.kind for one in queries.incident_events(raised.incident_id)]
    assert kinds.count("noted") == 2


def test_a_wrong_password_and_folder_are_told_without_secrets(
    world: World,
    server: MailServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(GroundswellError, match=r"look at replies\.folder"):
        mailbox(world, server, folder="舆情").look()
    assert 'EXAMINE "&ggZgxQ-"' in server.post.said

    monkeypatch.setenv("IMAP_PASSWORD", "not the password")
    with caplog.at_level(logging.DEBUG), pytest.raises(GroundswellError) as refused:
        mailbox(world, server).look()
    assert str(refused.value).startswith("the mailbox refuses the login: ")
    assert "not the password" not in str(refused.value)
    assert "not the password" not in caplog.text


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({}, ""),
        ({"Auto_Submitted": "no"}, ""),
        ({"Auto_Submitted": "auto-replied"}, "automatic"),
        ({"Auto_Submitted": "auto-generated; owner-email=x"}, "automatic"),
        ({"Precedence": "bulk"}, "automatic"),
        ({"X_Autoreply": "yes"}, "automatic"),
        ({"Return_Path": "<>"}, "automatic"),
        ({"Subject": "自动回复：【橙】澜禾养生壶"}, "automatic"),
        ({"Subject": "Out of Office: 林晓"}, "automatic"),
        ({"Subject": "转发：【橙】澜禾养生壶"}, "forwarded"),
        ({"Subject": "Fwd: 【橙】澜禾养生壶"}, "forwarded"),
    ],
)
def test_what_no_person_wrote_is_marked(headers: dict[str, str], kind: str) -> None:
    assert read_letter(MAIL, letter("确认", **headers), "uid:1").unattended == kind


def test_an_html_answer_is_read_before_its_quotation() -> None:
    mail = EmailMessage()
    mail["From"] = "linxiao@lanhe.example"
    mail.set_content(
        "<html><head><style>p{}</style></head><body><p>确认&nbsp;收到</p>"
        "<blockquote>误报 舆-AAAA</blockquote></body></html>",
        subtype="html",
    )

    found = read_letter(MAIL, mail.as_bytes(), "uid:7:1")

    assert (found.message_id, found.text.split()) == ("uid:7:1", ["确认", "收到"])


def test_a_mail_of_two_writers_is_nobodys() -> None:
    raw = letter("确认", From="linxiao@lanhe.example, zhoulan@lanhe.example")

    assert read_letter(MAIL, raw, "uid:1").sender == ""


@given(
    st.binary(max_size=400),
    st.sampled_from([b"", b"Content-Type: multipart/mixed; boundary=x\n", b"From: =?x?Q?=\n"]),
)
@settings(max_examples=EXAMPLES)
def test_any_bytes_are_read_without_harm(raw: bytes, head: bytes) -> None:
    found = read_letter(MAIL, head + raw, "uid:1")

    assert len(found.text) <= 20_000
    assert found.message_id


def test_a_mail_in_an_unknown_charset_says_nothing(world: World) -> None:
    raised = trouble(world)
    raw = (
        b"From: linxiao@lanhe.example\nMessage-ID: <1@x>\nSubject: x\n"
        b"Content-Type: text/plain; charset=no-such\n\n\xff\xfe"
    )

    assert world.replies.take(read_letter(MAIL, raw, "uid:1")).outcome == "no_code"
    assert world.incident(raised).state is IncidentState.OPEN


N = 20_000


@pytest.mark.parametrize(
    "raw",
    [
        b"From: " + b"(" * N,
        b"From: " + b"a," * N,
        b"From: " + b'"' * N,
        b"Subject: " + b"=?x?q?" * N,
        b"References: " + b"<a@" * N,
        b"Content-Type: text/plain; " + b"a=b;" * N,
        b"Content-Type: text/html\n\n" + b"<" * N,
        b"Content-Type: text/html\n\n" + b"<style>" * N,
        b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\n" * N,
        b"".join(
            b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(N // 20)
        ),
    ],
    ids=lambda raw: raw[:20].decode(),
)
def test_a_mail_that_was_made_to_be_slow_holds_nothing_up(raw: bytes) -> None:
    """Read in milliseconds; the library's newer parser takes minutes for some of these."""
    assert read_letter(MAIL, raw, "uid:1").sender == ""


def test_the_mail_after_one_that_cannot_be_read_is_taken(world: World, server: MailServer) -> None:
    raised = trouble(world)
    server.post.put(b"From: " + b"(" * N + b"\n\n\xff")
    server.post.put(letter(f"{raised.code} 确认"))

    assert mailbox(world, server).look() == 2
    assert world.incident(raised).acknowledged_by == "linxiao"
