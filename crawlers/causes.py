"""Why a fetch did not bring what was asked for: a cause to act on and a sentence to read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from crawlers.walls import recognise
from storage.records import FetchCause

_MAX_RETRY_AFTER_S = 86400.0  # a day: no server may silence a source for longer
_STATUS = {
    401: (FetchCause.LOGIN, "该页面要求登录（{}），未经授权不抓取"),
    403: (FetchCause.BLOCKED, "网站拒绝访问（{}），可能限制了抓取"),
    404: (FetchCause.GONE, "页面不存在（{}），请核对地址是否已变更"),
    410: (FetchCause.GONE, "页面已被永久删除（{}），请更换地址"),
    429: (FetchCause.BLOCKED, "请求过于频繁（{}），请调低 fetch.rate"),
    451: (FetchCause.BLOCKED, "网站因法律原因拒绝访问（{}）"),
}
_STATUS_CLASS = {
    3: (FetchCause.GONE, "网站把请求转到了无法跟随的地址（{}）"),
    5: (FetchCause.SERVER, "网站服务器出错（{}）"),
}
# More of the same would be rude, and cannot help.
_FINAL = {FetchCause.LOGIN, FetchCause.CAPTCHA, FetchCause.BLOCKED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One named cause, a sentence for people, and what the server asked for.

    `final` says that trying again soon cannot help (a wall, robots, a refused address).
    """

    cause: FetchCause
    text: str
    retry_after_s: float | None = None
    final: bool = False


def failure_of_status(status: int, retry_after: str, now: datetime) -> Failure | None:
    """Judge an HTTP status; None when it is one that brings content (2xx, 304)."""
    if 200 <= status < 300 or status == 304:
        return None
    cause, text = _STATUS.get(status) or _STATUS_CLASS.get(
        status // 100, (FetchCause.SERVER, "网站返回了意外的状态码 {}")
    )
    wait = retry_after_s(retry_after, now)
    later = f"，对方要求 {wait:.0f} 秒后再来" if wait else ""
    return Failure(
        cause=cause,
        text=text.format(status) + later,
        retry_after_s=wait,
        final=cause is FetchCause.LOGIN,
    )


def retry_after_s(value: str, now: datetime) -> float | None:
    """Read a Retry-After header (seconds or an HTTP date), capped at a day."""
    value = value.strip()
    if re.fullmatch(r"\d{1,9}", value):
        return min(float(value), _MAX_RETRY_AFTER_S)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    seconds = (at - now).total_seconds()
    return min(max(seconds, 0.0), _MAX_RETRY_AFTER_S)


def wall_of(text: str) -> Failure | None:
    """Recognise a page that came instead of the content (with status 200): see crawlers.walls.

    A wall is final; a page that says it is being mended or gone may be back.
    """
    found = recognise(text)
    if found is None:
        return None
    cause, sentence = found
    return Failure(cause=cause, text=sentence, final=cause in _FINAL)


def unreadable(text: str) -> Failure:
    """Name a body that is not what the source should be."""
    return Failure(cause=FetchCause.UNREADABLE, text=text)


def empty(text: str) -> Failure:
    """Name a body with nothing in it."""
    return Failure(cause=FetchCause.EMPTY, text=text)
