"""Speaking HTTP through the guarded client: a URL and bytes in, what came back or why not out."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from alerts.channels.answer import Answer
from config.errors import FetchError
from config.net import guarded_client
from storage.records import DeliveryClass

JSON_TYPE = "application/json; charset=utf-8"

_READ_BYTES = 65536  # of an answer; a provider's is some hundred bytes
_MOST_RETRY_AFTER_S = 3600.0
# 408 and 425 ask for the same request again (RFC 9110, RFC 8470)
_TRY_AGAIN = frozenset({408, 425})
# An answer that drips in must end within the lease of its intent, however often it moves.
_WHOLE_FACTOR = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole HTTP answer, its body cut at 64 KiB."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Post:
    """Makes one request at a time; every connection is closed after its answer.

    A kept connection that the other side has dropped meanwhile would look like a lost answer.
    """

    def __init__(
        self, allow_private: Collection[str], *, timeout_s: float, user_agent: str
    ) -> None:
        self._allow_private = allow_private
        self._timeout_s = timeout_s
        self._user_agent = user_agent

    async def __call__(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        secret_path: str = "",
        secret_query: str = "",
        content_type: str = JSON_TYPE,
        method: str = "POST",
    ) -> Reply | Answer:
        """Return the reply, or the answer that follows from there being none.

        `secret_path` (already quoted) and `secret_query` are added to what goes over the wire only:
        neither logs nor errors see them. An empty `content_type` sends no such header.
        """
        sent = {"Connection": "close"} | ({"Content-Type": content_type} if content_type else {})
        client = guarded_client(self._allow_private, self._timeout_s, self._user_agent)
        async with client:
            try:
                request = client.build_request(
                    method,
                    url,
                    content=body,
                    headers=sent | dict(headers),
                    extensions=_target(url, secret_path, secret_query),
                )
                async with asyncio.timeout(self._timeout_s * _WHOLE_FACTOR):
                    return await _exchange(client, request)
            except (FetchError, httpx.TransportError, httpx.InvalidURL, TimeoutError) as error:
                return _unanswered(error, url, size_bytes=len(body))


def _unanswered(error: Exception, url: str, *, size_bytes: int) -> Answer:
    """Return what follows when there is no reply: what surely did not leave may leave again."""
    match error:
        case FetchError():
            outcome, text = DeliveryClass.PERMANENT, str(error)
        case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.PoolTimeout():
            outcome = DeliveryClass.RETRY
            text = f"no connection to {httpx.URL(url).host}: {_kind(error)}"
        case httpx.UnsupportedProtocol() | httpx.LocalProtocolError() | httpx.InvalidURL():
            outcome = DeliveryClass.PERMANENT
            text = f"the address or a header cannot be used: {_kind(error)}"
        case _:
            outcome = DeliveryClass.AMBIGUOUS
            text = f"sent, but no answer came: {_kind(error)}"
    return Answer(outcome=outcome, text=text, size_bytes=size_bytes)


def _target(url: str, secret_path: str, secret_query: str) -> dict[str, bytes]:
    """Return what stands in the request line instead of the URL's own path, {} for that."""
    if not secret_path and not secret_query:
        return {}
    own = httpx.URL(url).path
    path = f"{own.rstrip('/')}/{secret_path}" if secret_path else own
    query = f"?{secret_query}" if secret_query else ""
    return {"target": f"{path}{query}".encode()}


async def _exchange(client: httpx.AsyncClient, request: httpx.Request) -> Reply:
    response = await client.send(request, stream=True)
    try:
        read = b""
        try:
            async for part in response.aiter_bytes():
                read += part
                if len(read) >= _READ_BYTES:
                    break
        except httpx.DecodingError:
            read = b""
        return Reply(status=response.status_code, body=read[:_READ_BYTES], headers=response.headers)
    finally:
        await response.aclose()


def answer_of_status(reply: Reply, *, size_bytes: int) -> Answer | None:
    """Return what an HTTP status alone decides; None for 2xx, where the body has the word."""
    status = reply.status
    if 200 <= status < 300:
        return None
    wait_s = wait_asked_s(reply)
    if status == 429 or (status == 503 and wait_s is not None):
        outcome, text = DeliveryClass.THROTTLED, f"HTTP {status}: too many messages"
    elif status >= 500 or status in _TRY_AGAIN:
        outcome, text = DeliveryClass.RETRY, f"HTTP {status}: the receiver has trouble"
    elif 300 <= status < 400:
        outcome = DeliveryClass.PERMANENT
        text = f"HTTP {status}: the receiver sends us elsewhere; configure the final address"
    else:
        outcome, text = DeliveryClass.PERMANENT, f"HTTP {status}: the receiver refuses"
    return Answer(
        outcome=outcome,
        text=text,
        http_status=status,
        retry_after_s=wait_s,
        size_bytes=size_bytes,
    )


def wait_asked_s(reply: Reply) -> float | None:
    """Return how many seconds the receiver asks us to wait; None when it does not say.

    Source: Retry-After (RFC 9110, 10.2.3), or Feishu's x-ogw-ratelimit-reset
    (open.larkoffice.com/document/ukTMukTMukTM/uUzN04SN3QjL1cDN.md).
    """
    for name in ("Retry-After", "x-ogw-ratelimit-reset"):
        wait_s = retry_after_s(reply.headers.get(name, ""), datetime.now(UTC))
        if wait_s is not None:
            return wait_s
    return None


def retry_after_s(value: str, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for (seconds or a date), at most an hour.

    Source: RFC 9110, 10.2.3. None when it is absent or unreadable.
    """
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _MOST_RETRY_AFTER_S)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max(0.0, (until - now).total_seconds()), _MOST_RETRY_AFTER_S)


def _kind(error: Exception) -> str:
    """Return an error's kind only: its text may quote an address."""
    return type(error).__name__
