"""Answers by mail: a mailbox is looked into by IMAP, and nothing in it is changed.

It is asked every half minute rather than by IDLE: a connection that is made anew each time needs no
watching, and half a minute is little beside the shortest time to acknowledge (5 minutes). What was
seen last is remembered by UIDVALIDITY and UID (RFC 3501, 2.3.1.1).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import imaplib
import logging
import re
import ssl
from collections.abc import Callable, Sequence
from datetime import timedelta

from config.channel_schema import MailReplies
from config.errors import GroundswellError
from config.schema import EmailChannel
from groundswell.clock import Clock
from groundswell.inbound.desk import Incoming, Taken
from groundswell.inbound.letters import read_letter
from storage.records import ChannelId
from storage.store import Store

log = logging.getLogger(__name__)

EVERY_S = 30.0
_TIMEOUT_S = 20.0
_MAIL_BYTES = 64 * 1024  # the beginning of a mail; an answer stands in its first lines
_AT_ONCE = 50
_LOOK_BACK = timedelta(days=1)  # at the first look, and when the mailbox was made anew


class Mailbox:
    """The mailbox of one channel; `take` writes down and acts, once per mail."""

    def __init__(
        self,
        channel: EmailChannel,
        replies: MailReplies,
        store: Store,
        clock: Clock,
        take: Callable[[Incoming], Taken],
    ) -> None:
        self._channel = channel
        self._replies = replies
        self._store = store
        self._clock = clock
        self._take = take

    async def watch(self, every_s: float = EVERY_S) -> None:
        """Look into it again and again until cancelled; trouble is logged and tried again."""
        while True:
            try:
                await asyncio.to_thread(self.look)
            except GroundswellError as error:
                log.warning("replies channel=%s: %s", self._channel.id, error)
            except (imaplib.IMAP4.error, OSError) as error:
                # the library's own texts may quote what was sent, a password among it
                log.warning(
                    "replies channel=%s: mailbox: %s", self._channel.id, type(error).__name__
                )
            except Exception:
                log.exception("replies channel=%s broke", self._channel.id)
            await asyncio.sleep(every_s)

    def look(self) -> int:
        """Take the mails that came since the last look; return how many there were.

        Errors: OSError and imaplib's for the mailbox, GroundswellError for secret or database; the
        mails that were not taken are taken at the next look.
        """
        server = self._connect()
        try:
            if "ID" in server.capabilities:  # some providers let nobody in who does not say it
                server.xatom("ID", '("name" "groundswell" "version" "1")')
            _checked(server.select(_quoted(self._replies.folder), readonly=True))
            validity = _validity(server)
            before, last = self._remembered()
            fresh = self._fresh(server, last if before == validity else 0)
            for uid in fresh[:_AT_ONCE]:
                raw = _fetched(server, uid)
                fallback_id = f"uid:{validity}:{uid}"
                self._take(read_letter(ChannelId(self._channel.id), raw, fallback_id))
                self._remember(validity, uid)
            return len(fresh[:_AT_ONCE])
        finally:
            with contextlib.suppress(imaplib.IMAP4.error, OSError):
                server.logout()
            with contextlib.suppress(OSError):  # closed already
                server.shutdown()

    def _connect(self) -> imaplib.IMAP4:
        rules = self._replies
        password = rules.password.resolve()
        if rules.security == "tls":
            context = ssl.create_default_context()
            server: imaplib.IMAP4 = imaplib.IMAP4_SSL(
                rules.host, rules.port, ssl_context=context, timeout=_TIMEOUT_S
            )
        else:
            server = imaplib.IMAP4(rules.host, rules.port, timeout=_TIMEOUT_S)
        try:
            if rules.security == "starttls":
                server.starttls(ssl.create_default_context())
            _log_in(server, rules.username, password)
        except BaseException:
            server.shutdown()
            raise
        return server

    def _fresh(self, server: imaplib.IMAP4, last: int) -> list[int]:
        """Return the UIDs of mails to be read, oldest first."""
        if last:
            found = _checked(server.uid("SEARCH", f"UID {last + 1}:*"))
        else:
            since = (self._clock.now() - _LOOK_BACK).strftime("%d-%b-%Y")
            found = _checked(server.uid("SEARCH", f"SINCE {since}"))
        words = found[0].split() if found and isinstance(found[0], bytes) else []
        # "n:*" names the last mail even when its number is smaller (RFC 3501, 6.4.8)
        return sorted(uid for uid in map(int, words) if uid > last)

    def _remembered(self) -> tuple[int, int]:
        validity, _, uid = (self._store.meta(self._mark) or "0:0").partition(":")
        return int(validity), int(uid)

    def _remember(self, validity: int, uid: int) -> None:
        with self._store.transaction() as tx:
            tx.set_meta(self._mark, f"{validity}:{uid}")

    @property
    def _mark(self) -> str:
        return f"mailbox:{self._channel.id}"


def _log_in(server: imaplib.IMAP4, username: str, password: str) -> None:
    """Log in. The server's own words are not passed on: some repeat what was sent."""
    try:
        server.login(username, password)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error:
        text = "the mailbox refuses the login: look at replies.username and its password"
        raise GroundswellError(text) from None


def _checked(answer: tuple[str, Sequence[object]]) -> Sequence[object]:
    status, found = answer
    if status != "OK":
        raise GroundswellError(
            f"the mailbox answers {status}: look at replies.folder and its rights"
        )
    return found


def _validity(server: imaplib.IMAP4) -> int:
    _, found = server.response("UIDVALIDITY")
    return int(found[0]) if found and isinstance(found[0], bytes) else 0


def _fetched(server: imaplib.IMAP4, uid: int) -> bytes:
    """Return the beginning of one mail, b"" when it is gone; PEEK leaves it unread."""
    for part in _checked(server.uid("FETCH", str(uid), f"(BODY.PEEK[]<0.{_MAIL_BYTES}>)")):
        if isinstance(part, tuple) and isinstance(part[1], bytes):
            return part[1]
    return b""


def _quoted(folder: str) -> str:
    """Return a folder's name as the protocol writes it: modified UTF-7 (RFC 3501, 5.1.3)."""

    def coded(match: re.Match[str]) -> str:
        text = base64.b64encode(match[0].encode("utf-16-be")).decode().rstrip("=")
        return f"&{text.replace('/', ',')}-"

    name = re.sub(r"[^\x00-\x7f]+", coded, folder.replace("&", "&-"))
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
