"""What every transport returns, and what it looks like from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from config.schema import Owner
from storage.records import DeliveryClass, Intent


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one attempt came to. `text` is for people and never holds a secret."""

    outcome: DeliveryClass
    text: str = ""
    http_status: int | None = None
    provider_code: str = ""
    provider_message_id: str = ""
    retry_after_s: float | None = None
    size_bytes: int = 0


class Sender(Protocol):
    """One configured channel."""

    @property
    def is_keyed(self) -> bool:
        """Whether the receiver drops what it was sent twice, by its idempotency key."""
        ...

    @property
    def per_minute(self) -> int | None:
        """How many messages may leave within any 60 s; None when nobody counts."""
        ...

    @property
    def per_second(self) -> float | None:
        """How many messages may leave within any second; None when nobody counts."""
        ...

    @property
    def quiet_minutes(self) -> tuple[int, ...]:
        """Minutes of the hour in which the provider is crowded: what can wait, waits one."""
        ...

    async def send(self, intent: Intent, owner: Owner, *, repeat: bool) -> Answer:
        """Make one attempt. `repeat`: an earlier one may have arrived, so mark this one.

        Errors: none for anything that the network or the provider does; they are answers.
        """
        ...


def permanent(text: str) -> Answer:
    """Return the answer to a message that cannot leave as things are configured."""
    return Answer(outcome=DeliveryClass.PERMANENT, text=text)
