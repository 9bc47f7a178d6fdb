"""Reads a mail that somebody sent back: its bytes in, an Incoming out. Pure.

Automatic answers (RFC 3834 and what mail programs do beside it), reports of mail servers and
forwarded mails are marked: nothing follows from them. Whether the sender's address was forged is
the mail server's to check (SPF, DKIM); here the address must be a person's and the incident one
that he was told of.
"""

from __future__ import annotations

import hashlib
import re
from email import message_from_bytes
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import default
from email.utils import getaddresses
from html import unescape

from groundswell.inbound.desk import Incoming
from storage.records import ChannelId

_SUBJECT_AUTOMATIC = re.compile(
    r"^\s*(自动回复|自动答复|外出|休假|auto(matic)?[ -]?reply|autoreply|out of office|auto:)",
    re.IGNORECASE,
)
_SUBJECT_FORWARDED = re.compile(r"^\s*(fwd?|转发|轉寄|tr)\s*[:：]", re.IGNORECASE)
_BULK = frozenset({"bulk", "junk", "list", "auto_reply", "auto-reply"})
_NAMED = re.compile(r"<([^<>@\s]{1,120})@[^<>@\s]+>")
_MOST_REFERENCES = 20
_BODY_CHARACTERS = 20_000
_BLOCK = re.compile(r"<(br|/p|/div|/tr|/li|/h\d|/blockquote)\b[^>]*>", re.IGNORECASE)
_QUOTE = re.compile(r"<(blockquote|hr)\b.*", re.IGNORECASE | re.DOTALL)
_UNSEEN = re.compile(r"<(style|script|head|title)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_ANSWERS = re.compile(r"^\s*(re|回复|答复)\s*[:：]", re.IGNORECASE)
# What the standard library raises for mails that are not well formed.
_ODD = (MessageError, LookupError, ValueError, AttributeError, TypeError)


def read_letter(channel_id: ChannelId, raw: bytes, fallback_id: str) -> Incoming:
    """Return what a mail says. `fallback_id` names it where it brings no Message-ID."""
    mail = message_from_bytes(raw, policy=default)
    assert isinstance(mail, EmailMessage), "the policy makes them"
    subject = _header(mail, "Subject")
    return Incoming(
        channel_id=channel_id,
        message_id=_identity(mail, fallback_id),
        sender=_sender(mail),
        text=_text(mail, subject),
        unattended=_unattended(mail, subject),
        in_reply_to=_answered(mail),
    )


def _identity(mail: EmailMessage, fallback_id: str) -> str:
    named = _header(mail, "Message-ID").strip()
    if not named:
        return fallback_id
    return named if len(named) <= 200 else hashlib.sha256(named.encode()).hexdigest()


def _sender(mail: EmailMessage) -> str:
    """Return the one address in From; "" when there are several, or none."""
    found = [address for _, address in getaddresses([_header(mail, "From")]) if address]
    return found[0] if len(found) == 1 else ""


def _unattended(mail: EmailMessage, subject: str) -> str:
    submitted = _header(mail, "Auto-Submitted").partition(";")[0].strip().lower()
    precedence = _header(mail, "Precedence").strip().lower()
    if (
        submitted not in {"", "no"}
        or precedence in _BULK
        or mail.get("X-Autoreply") is not None
        or mail.get("X-Autorespond") is not None
        or _header(mail, "Return-Path").strip() == "<>"
        or mail.get_content_type() in {"multipart/report", "message/delivery-status"}
        or _SUBJECT_AUTOMATIC.match(subject)
    ):
        return "automatic"
    return "forwarded" if _SUBJECT_FORWARDED.match(subject) else ""


def _answered(mail: EmailMessage) -> tuple[str, ...]:
    """Return the ids of the messages that are answered, the latest first."""
    first = _NAMED.findall(_header(mail, "In-Reply-To"))
    chain = _NAMED.findall(_header(mail, "References"))[-_MOST_REFERENCES:]
    return tuple(dict.fromkeys((*first, *reversed(chain))))


def _text(mail: EmailMessage, subject: str) -> str:
    """Return what was written: the body, or the subject where the body is empty."""
    written = ""
    try:
        part = mail.get_body(preferencelist=("plain", "html"))
        content = part.get_content() if part is not None else ""
        written = content if isinstance(content, str) else ""
        if part is not None and part.get_content_type() == "text/html":
            written = _plain(written)
    except _ODD:  # a charset, an encoding or a structure that nobody knows
        written = ""
    own = written.strip() or _ANSWERS.sub("", subject)
    return own[:_BODY_CHARACTERS]


def _plain(html: str) -> str:
    """Return the visible text before the quotation of a small HTML mail."""
    own = _QUOTE.sub("", _UNSEEN.sub("", html[: 10 * _BODY_CHARACTERS]))
    return unescape(_TAG.sub("", _BLOCK.sub("\n", own)))


def _header(mail: EmailMessage, name: str) -> str:
    """Return a header's text; one that cannot be read counts as empty."""
    try:
        found = mail.get(name)
    except _ODD:
        return ""
    return "" if found is None else str(found)
