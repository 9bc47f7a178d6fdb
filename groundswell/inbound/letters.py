"""Reads a mail that somebody sent back: its bytes in, an Incoming out. Pure.

Automatic answers (RFC 3834 and what mail programs do beside it), reports of mail servers and
forwarded mails are marked: nothing follows from them. Whether the sender's address was forged is
the mail server's to check (SPF, DKIM); here the address must be a person's and the incident one
that he was told of.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.policy import compat32
from email.utils import getaddresses
from html import unescape
from typing import TypeAlias

from groundswell.inbound.desk import Incoming
from storage.records import ChannelId

_SUBJECT_AUTOMATIC = re.compile(
    r"^\s*(自动回复|自动答复|外出|休假|auto(matic)?[ -]?reply|autoreply|out of office|auto:)",
    re.IGNORECASE,
)
_SUBJECT_FORWARDED = re.compile(r"^\s*(fwd?|转发|轉寄|tr)\s*[:：]", re.IGNORECASE)
_BULK = frozenset({"bulk", "junk", "list", "auto_reply", "auto-reply"})
_REPORTS = frozenset({"multipart/report", "message/delivery-status"})
_NAMED = re.compile(r"<([^<>@\s]{1,120})@[^<>@\s]{1,250}>")
_MOST_REFERENCES = 20
_MOST_PARTS = 50
_BODY_CHARACTERS = 20_000
_HTML_CHARACTERS = 40_000
# Longer than any header that people's programs write; what is cut may have been made to be slow.
_HEADER_CHARACTERS = 1000
_BLOCK = re.compile(r"<(br|/p|/div|/tr|/li|/h\d|/blockquote)\b[^<>]*>", re.IGNORECASE)
_QUOTE = re.compile(r"<(blockquote|hr)\b.*", re.IGNORECASE | re.DOTALL)
_UNSEEN = re.compile(r"<(style|script|head|title)\b.*?(</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")
_ANSWERS = re.compile(r"^\s*(re|回复|答复)\s*[:：]", re.IGNORECASE)
# What the standard library raises for mails that are not well formed.
_ODD = (MessageError, LookupError, ValueError, AttributeError, TypeError, RecursionError)

_Mail: TypeAlias = "Message[str, str]"


def read_letter(channel_id: ChannelId, raw: bytes, fallback_id: str) -> Incoming:
    """Return what a mail says. `fallback_id` names it where it brings no Message-ID.

    One that cannot be read says nothing and comes from nobody. The library's older way of reading
    is used: the newer one takes minutes for an address that was made for it.
    """
    try:
        mail = message_from_bytes(raw, policy=compat32)
    except _ODD:
        return Incoming(channel_id=channel_id, message_id=fallback_id, sender="")
    subject = _subject(mail)
    return Incoming(
        channel_id=channel_id,
        message_id=_identity(mail, fallback_id),
        sender=_sender(mail),
        text=_text(mail) or _ANSWERS.sub("", subject),
        unattended=_unattended(mail, subject),
        in_reply_to=_answered(mail),
    )


def _identity(mail: _Mail, fallback_id: str) -> str:
    named = _header(mail, "Message-ID").strip()
    if not named:
        return fallback_id
    return named if len(named) <= 200 else hashlib.sha256(named.encode()).hexdigest()


def _sender(mail: _Mail) -> str:
    """Return the one address in From; "" when there are several, or none."""
    try:
        found = [address for _, address in getaddresses([_header(mail, "From")]) if address]
    except _ODD:
        return ""
    return found[0] if len(found) == 1 else ""


def _unattended(mail: _Mail, subject: str) -> str:
    submitted = _header(mail, "Auto-Submitted").partition(";")[0].strip().lower()
    precedence = _header(mail, "Precedence").strip().lower()
    if (
        submitted not in {"", "no"}
        or precedence in _BULK
        or "X-Autoreply" in mail
        or "X-Autorespond" in mail
        or _header(mail, "Return-Path").strip() == "<>"
        or _header(mail, "Content-Type").partition(";")[0].strip().lower() in _REPORTS
        or _SUBJECT_AUTOMATIC.match(subject)
    ):
        return "automatic"
    return "forwarded" if _SUBJECT_FORWARDED.match(subject) else ""


def _answered(mail: _Mail) -> tuple[str, ...]:
    """Return the ids of the messages that are answered, the latest first."""
    first = _NAMED.findall(_header(mail, "In-Reply-To"))
    chain = _NAMED.findall(_header(mail, "References", longest=8000))[-_MOST_REFERENCES:]
    return tuple(dict.fromkeys((*first, *reversed(chain))))


def _text(mail: _Mail) -> str:
    """Return what was written: the plain text, or the visible part of the HTML."""
    found: dict[str, str] = {}
    try:
        for part in _parts(mail):
            kind = part.get_content_type()
            if kind in {"text/plain", "text/html"} and kind not in found:
                found[kind] = _content(part)
    except _ODD:  # a structure that nobody can follow: what was found so far
        pass
    plain = found.get("text/plain", "").strip()
    return (plain or _plain(found.get("text/html", "")))[:_BODY_CHARACTERS].strip()


def _parts(mail: _Mail) -> Iterator[_Mail]:
    """Yield the parts that are shown in the mail itself, the first fifty."""
    for place, part in enumerate(mail.walk()):
        if place >= _MOST_PARTS:
            return
        if part.get_content_disposition() != "attachment":
            yield part


def _content(part: _Mail) -> str:
    """Return the text of one part; "" for a charset or an encoding that nobody knows."""
    try:
        payload = part.get_payload(decode=True)
        charset = part.get_content_charset() or "utf-8"
        return payload.decode(charset, "replace") if isinstance(payload, bytes) else ""
    except _ODD:
        return ""


def _plain(html: str) -> str:
    """Return the visible text before the quotation of a small HTML mail."""
    own = _QUOTE.sub("", _UNSEEN.sub("", html[:_HTML_CHARACTERS]))
    return unescape(_TAG.sub("", _BLOCK.sub("\n", own)))


def _subject(mail: _Mail) -> str:
    written = _header(mail, "Subject")
    try:
        return str(make_header(decode_header(written)))
    except _ODD:
        return written


def _header(mail: _Mail, name: str, *, longest: int = _HEADER_CHARACTERS) -> str:
    """Return a header as it is written, on one line; one that cannot be read counts as empty."""
    try:
        found = str(mail.get(name, ""))
    except _ODD:
        return ""
    return " ".join(found[:longest].split())
