"""Access tokens of applications: fetched when needed, kept until shortly before they end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from alerts.channels.answer import Answer
from storage.records import DeliveryClass

_EARLIER_S = 300.0  # a token is renewed this long before its end, as WeCom and Feishu advise


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token and how many seconds it is good for."""

    value: str
    expires_s: float

    def __repr__(self) -> str:
        """Show nothing of the value."""
        return "Token(***)"


Fetch = Callable[[], Awaitable[Token | Answer]]


class TokenKeeper:
    """Keeps one application's token; only one fetch runs at a time."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._token = ""
        self._good_until = 0.0
        self._fetching = asyncio.Lock()

    async def get(self, fetch: Fetch) -> str | Answer:
        """Return a token, or why there is none: nothing was sent then, whatever happened."""
        async with self._fetching:
            if self._token and self._clock() < self._good_until:
                return self._token
            found = await fetch()
            if isinstance(found, Answer):
                return _of_token(found)
            self._token = found.value
            self._good_until = self._clock() + max(60.0, found.expires_s - _EARLIER_S)
            return self._token

    def forget(self, token: str) -> None:
        """Drop a token that the provider no longer takes, unless another was fetched meanwhile."""
        if token == self._token:
            self._token = ""


def _of_token(answer: Answer) -> Answer:
    # a lost answer to the question for a token leaves no message behind
    lost = answer.outcome is DeliveryClass.AMBIGUOUS
    return replace(
        answer,
        outcome=DeliveryClass.RETRY if lost else answer.outcome,
        text=f"no access token: {answer.text}",
        size_bytes=0,
    )
