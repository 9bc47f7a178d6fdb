"""Mail over TLS and STARTTLS against a real server whose certificate is made here."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from alerts.channels import Answer, make_sender
from storage.records import DeliveryClass
from tests.alerts.people import make_project
from tests.make import make_intent

HOST = "localhost"
PASSWORD = "a-password-of-this-test"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem", folder / "key.pem"


class Box:
    def __init__(self) -> None:
        self.mails: list[Envelope] = []
        self.encrypted: list[bool] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.mails.append(envelope)
        transport = server.transport
        assert transport is not None
        self.encrypted.append(transport.get_extra_info("ssl_object") is not None)
        return "250 queued as 4711"


class Server(Controller):
    """aiosmtpd on a port that the system chooses."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        if self.ssl_context is None:
            super()._trigger_server()
            return
        # the controller's own knock has a server's context, which cannot speak first
        knock = ssl.create_default_context()
        knock.check_hostname, knock.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", self.port), 5.0) as bare,
            knock.wrap_socket(bare) as wrapped,
        ):
            wrapped.recv(64)


def _log_in(server: SMTP, session: Session, envelope: Envelope, how: str, data: Any) -> AuthResult:
    assert isinstance(data, LoginPassword)
    return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


@pytest.fixture(params=["tls", "starttls"])
def server(
    request: pytest.FixtureRequest, certificate: tuple[Path, Path]
) -> Iterator[tuple[Box, dict[str, Any]]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    is_tls = request.param == "tls"
    extra: dict[str, Any] = (
        {"ssl_context": context, "auth_require_tls": False}
        if is_tls
        else {"tls_context": context, "require_starttls": True}
    )
    box = Box()
    running = Server(box, hostname="127.0.0.1", port=0, authenticator=_log_in, **extra)
    running.start()
    channel = {
        "id": "mail",
        "kind": "email",
        "host": HOST,
        "port": running.port,
        "security": request.param,
        "username": "alert",
        "password": "env:MAIL_PASSWORD",
        "sender": "alert@yunque.example",
    }
    yield box, channel
    running.stop()


def send(channel: dict[str, Any]) -> Answer:
    owner = {"id": "lin", "name": "林晓", "channels": ["mail"], "email": "lin@yunque.example"}
    project = make_project(channels=[channel], owners=[owner], routes=[], fallback=["lin"])
    sender = make_sender(project.channels[0], project, timeout_s=5.0)
    return asyncio.run(sender.send(make_intent(), project.owners[0], repeat=False))


def test_mail_goes_encrypted_with_a_login(
    server: tuple[Box, dict[str, Any]],
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    box, channel = server
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    answer = send(channel)

    assert answer.outcome is DeliveryClass.OK
    assert box.encrypted == [True]
    content = box.mails[0].content
    assert isinstance(content, bytes)
    assert b"Message-ID: <intent-1@yunque.example>" in content


def test_a_certificate_that_nobody_vouches_for_is_refused(
    server: tuple[Box, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    box, channel = server
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    answer = send(channel)

    assert answer.outcome is DeliveryClass.PERMANENT
    assert "certificate" in answer.text
    assert box.mails == []


def test_a_certificate_for_another_name_is_refused(
    server: tuple[Box, dict[str, Any]],
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    box, channel = server
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    answer = send(channel | {"host": "127.0.0.1"})

    assert answer.outcome is DeliveryClass.PERMANENT
    assert box.mails == []


def test_a_wrong_password_is_permanent_and_not_quoted(
    server: tuple[Box, dict[str, Any]],
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    box, channel = server
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    monkeypatch.setenv("MAIL_PASSWORD", "not-the-password")
    answer = send(channel)

    assert answer.outcome is DeliveryClass.PERMANENT
    assert answer.provider_code == "535"
    assert "not-the-password" not in repr(answer)
    assert box.mails == []
