"""Anything that Apprise knows: an intent in, "handed over" or "perhaps" out.

Optional, without receipt and without guard: Apprise opens its own connections, tells neither
status nor code, and takes a lost answer for a refusal, so that its "no" means "perhaps".
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from typing import Any

from alerts.channels.answer import Answer, permanent
from alerts.channels.texts import body_of, secret_values
from alerts.markup import visible
from config.schema import AppriseChannel, Owner
from storage.records import DeliveryClass, Intent

_PER_MINUTE = 12  # 60 % of the 20 a minute of the tightest bots


class AppriseSender:
    """Hands messages to Apprise, in a thread of their own."""

    is_keyed = False
    per_minute: int | None = _PER_MINUTE
    per_second: float | None = None
    quiet_minutes: tuple[int, ...] = ()

    def __init__(self, channel: AppriseChannel, *, timeout_s: float) -> None:
        self._channel = channel
        self._timeout_s = timeout_s

    async def send(self, intent: Intent, owner: Owner, *, repeat: bool) -> Answer:
        """Hand the intent over; nothing is known of what became of it."""
        del owner
        values = secret_values(self._channel.address)
        if isinstance(values, Answer):
            return values
        try:
            apprise = importlib.import_module("apprise")
        except ImportError:
            return permanent(
                f"channel {self._channel.id}: Apprise is not installed: "
                "pip install groundswell[apprise]"
            )
        body = body_of(intent, self._channel, repeat=repeat)
        subject = visible(intent.subject)
        try:
            handed = await asyncio.wait_for(
                asyncio.to_thread(self._hand_over, apprise, values[0], subject, body),
                self._timeout_s * 2,
            )
        except TimeoutError:
            handed = False
        if handed is None:
            return permanent(f"channel {self._channel.id}: Apprise cannot read its address")
        size = len(body.encode())
        if handed:
            return Answer(outcome=DeliveryClass.OK, size_bytes=size)
        text = "Apprise could not say that it arrived"
        return Answer(outcome=DeliveryClass.AMBIGUOUS, text=text, size_bytes=size)

    def _hand_over(self, apprise: Any, address: str, subject: str, body: str) -> bool | None:
        """Return whether Apprise took it; None when the address means nothing to it."""
        for name in ("apprise", "urllib3"):  # both write addresses, which are secrets here
            logging.getLogger(name).setLevel(logging.CRITICAL)
        timeouts = f"cto={self._timeout_s:g}&rto={self._timeout_s:g}"
        messenger = apprise.Apprise()
        if not messenger.add(f"{address}{'&' if '?' in address else '?'}{timeouts}"):
            return None
        return bool(messenger.notify(body=body, title=subject))
