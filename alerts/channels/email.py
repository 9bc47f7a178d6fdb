"""Mail by SMTP: an intent in, one mail to one person out.

The Message-ID is made of the intent's id, so that a mail sent twice can be folded by the mailbox.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import smtplib
import ssl
from collections.abc import Callable
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from alerts.channels.answer import Answer, permanent
from alerts.channels.texts import REPEAT, body_of, secret_values
from alerts.markup import visible
from config.channel_schema import address_of
from config.schema import EmailChannel, Owner
from storage.records import DeliveryClass, Intent, Level

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_TAKEN = 250
_GO_ON = frozenset({_TAKEN, 251, 354})  # RFC 5321: done, will forward, now the text


class EmailSender:
    """Sends through one mail server, one connection a mail."""

    is_keyed = False  # mailboxes may fold equal Message-IDs, or may not
    per_minute: int | None = None
    per_second: float | None = None
    quiet_minutes: tuple[int, ...] = ()

    def __init__(self, channel: EmailChannel, *, timeout_s: float) -> None:
        self._channel = channel
        self._timeout_s = timeout_s

    async def send(self, intent: Intent, owner: Owner, *, repeat: bool) -> Answer:
        """Hand one mail to the server; its answer after the text decides."""
        recipient = address_of(owner, self._channel)
        if _ADDRESS.fullmatch(recipient) is None:
            return permanent(f"owner {owner.id} has no usable mail address")
        values = secret_values(self._channel.password)
        if isinstance(values, Answer):
            return values
        sender = parseaddr(self._channel.sender)[1]
        if _ADDRESS.fullmatch(sender) is None:
            return permanent(f"channel {self._channel.id}: sender is not a mail address")
        mail = compose(intent, owner, self._channel, repeat=repeat).as_bytes()
        return await asyncio.to_thread(self._hand_over, sender, recipient, mail, values[0])

    def _hand_over(self, sender: str, recipient: str, mail: bytes, password: str) -> Answer:
        try:
            server = self._connect(password)
        except _LoginError as error:
            return error.answer
        except ssl.SSLCertVerificationError:
            text = "the mail server's certificate is not valid for its name"
            return Answer(outcome=DeliveryClass.PERMANENT, text=text)
        except smtplib.SMTPNotSupportedError:
            text = "the mail server does not offer what the channel's security or login asks for"
            return Answer(outcome=DeliveryClass.PERMANENT, text=text)
        except (OSError, smtplib.SMTPException) as error:
            text = f"no session with the mail server: {type(error).__name__}"
            return Answer(outcome=DeliveryClass.RETRY, text=text)
        try:
            return _transfer(server, sender, recipient, mail)
        finally:
            # the mail is the server's or it is not; how the session ends changes nothing
            with contextlib.suppress(OSError, smtplib.SMTPException):
                server.quit()
            server.close()

    def _connect(self, password: str) -> smtplib.SMTP:
        channel = self._channel
        context = ssl.create_default_context() if channel.security != "none" else None
        if channel.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                channel.host, channel.port, timeout=self._timeout_s, context=context
            )
        else:
            server = smtplib.SMTP(channel.host, channel.port, timeout=self._timeout_s)
        try:
            if channel.security == "starttls":
                server.starttls(context=context)
            if channel.username:
                _log_in(server, channel.username, password)
        except BaseException:
            server.close()
            raise
        return server


def compose(intent: Intent, owner: Owner, channel: EmailChannel, *, repeat: bool) -> EmailMessage:
    """Return the mail. No text can add a header: what stands in one is a single visible line."""
    name, address = parseaddr(channel.sender)
    domain = address.rpartition("@")[2]
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(display_name=visible(name), addr_spec=address)
    mail["To"] = Address(display_name=visible(owner.name), addr_spec=address_of(owner, channel))
    mail["Subject"] = visible(f"{REPEAT}{intent.subject}" if repeat else intent.subject)
    mail["Date"] = format_datetime(intent.created_at)
    mail["Message-ID"] = f"<{intent.intent_id}@{domain}>"
    if intent.incident_id is not None:  # all mails of one incident stand together
        mail["References"] = f"<{visible(intent.incident_id)}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    if intent.level >= Level.ORANGE:
        mail["Importance"] = "high"
    mail.set_content(body_of(intent, channel, repeat=repeat))
    if intent.html:
        mail.add_alternative(intent.html, subtype="html")
        mail.set_boundary(f"=_{intent.intent_id}")  # a re-send is the same byte for byte
    return mail


class _LoginError(Exception):
    """The server did not let us in; carries what to answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.text)
        self.answer = answer


def _log_in(server: smtplib.SMTP, username: str, password: str) -> None:
    try:
        server.login(username, password)
    except smtplib.SMTPAuthenticationError as error:
        raise _LoginError(_refused(error.smtp_code, "the login")) from None


def _transfer(server: smtplib.SMTP, sender: str, recipient: str, mail: bytes) -> Answer:
    """Say who, to whom and what: a break before the text is harmless, a later one is not."""
    size = len(mail)
    try:
        server.ehlo_or_helo_if_needed()
        steps: tuple[tuple[str, Callable[[], tuple[int, bytes]]], ...] = (
            ("the sender", lambda: server.mail(sender)),
            ("the recipient", lambda: server.rcpt(recipient)),
            ("the mail", lambda: server.docmd("DATA")),
        )
        for step, say in steps:
            code, _ = say()
            if code not in _GO_ON:
                return _refused(code, step, size_bytes=size)
    except (OSError, smtplib.SMTPException) as error:
        text = f"the mail server broke off before the text: {type(error).__name__}"
        return Answer(outcome=DeliveryClass.RETRY, text=text, size_bytes=size)
    try:
        server.send(_stuffed(mail))
        code, words = server.getreply()
    except (OSError, smtplib.SMTPException) as error:
        text = f"the text is out, but no answer came: {type(error).__name__}"
        return Answer(outcome=DeliveryClass.AMBIGUOUS, text=text, size_bytes=size)
    if code != _TAKEN:
        return _refused(code, "the text", size_bytes=size)
    return Answer(
        outcome=DeliveryClass.OK,
        provider_code=str(code),
        provider_message_id=visible(words.decode(errors="replace"))[:120],
        size_bytes=size,
    )


def _refused(code: int, step: str, *, size_bytes: int = 0) -> Answer:
    """Return what a refusal means: 4xx is for now, 5xx for good (RFC 5321, 4.2.1)."""
    outcome = DeliveryClass.PERMANENT if code >= 500 else DeliveryClass.RETRY
    return Answer(
        outcome=outcome,
        text=f"the mail server refuses {step}: {code}",
        provider_code=str(code),
        size_bytes=size_bytes,
    )


def _stuffed(mail: bytes) -> bytes:
    """Return the text as it goes over the wire: leading dots doubled, then a lone dot."""
    lines = mail.replace(b"\r\n", b"\n").replace(b"\r", b"\n").rstrip(b"\n").split(b"\n")
    doubled = (b"." + line if line.startswith(b".") else line for line in lines)
    return b"\r\n".join(doubled) + b"\r\n.\r\n"
