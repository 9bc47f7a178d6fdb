"""A signed JSON webhook: the receiver can check who sent it, when, and drop what it has seen.

Headers: `Idempotency-Key` is the intent's id, `X-Groundswell-Timestamp` the Unix seconds of this
attempt, `X-Groundswell-Signature` is "sha256=" and the hex HMAC-SHA256 over "<timestamp>.<body>".
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable

from alerts.channels.answer import Answer
from alerts.channels.http import Post, answer_of_status
from config.errors import ConfigError
from config.schema import Owner, WebhookChannel
from storage.records import DeliveryClass, Intent


class WebhookSender:
    """Sends to one URL; `wall` is the real clock, for receivers refuse old timestamps."""

    is_keyed = True
    per_minute: int | None = None
    per_second: float | None = None
    quiet_minutes: tuple[int, ...] = ()

    def __init__(
        self, channel: WebhookChannel, post: Post, *, wall: Callable[[], float] = time.time
    ) -> None:
        self._channel = channel
        self._post = post
        self._wall = wall

    async def send(self, intent: Intent, owner: Owner, *, repeat: bool) -> Answer:
        """Post the intent. A repeat is byte for byte the same: its key tells the receiver."""
        del repeat
        body = payload(intent, owner)
        timestamp = str(int(self._wall()))
        headers = {"Idempotency-Key": intent.intent_id, "X-Groundswell-Timestamp": timestamp}
        if self._channel.secret is not None:
            try:
                secret = self._channel.secret.resolve()
            except ConfigError as error:
                return Answer(outcome=DeliveryClass.PERMANENT, text=str(error))
            headers["X-Groundswell-Signature"] = sign(secret, timestamp, body)
        reply = await self._post(self._channel.url, body, headers)
        if isinstance(reply, Answer):
            return reply
        decided = answer_of_status(reply, size_bytes=len(body))
        return decided or Answer(
            outcome=DeliveryClass.OK, http_status=reply.status, size_bytes=len(body)
        )


def payload(intent: Intent, owner: Owner) -> bytes:
    """Return the body: the same bytes for the same intent, whatever the attempt."""
    document = {
        "version": 1,
        "id": intent.intent_id,
        "incident": intent.incident_id,
        "epoch": intent.epoch,
        "kind": intent.kind,
        "step": intent.step,
        "level": intent.level.name.lower(),
        "recipient": {"id": owner.id, "name": owner.name},
        "subject": intent.subject,
        "text": intent.body,
        "actions": [
            {"name": action.name, "label": action.label, "url": action.url}
            for action in intent.actions
        ],
        "created_at": intent.created_at.isoformat(),
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Return the value of the signature header."""
    signed = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
