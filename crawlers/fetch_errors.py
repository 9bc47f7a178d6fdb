"""What Scrapy raises for one request, translated into a cause and a sentence.

Import only after `crawlers.reactor.join_running_loop`.
"""

from __future__ import annotations

from scrapy import exceptions as scrapy_errors
from twisted.internet.error import ConnectError, ConnectionClosed
from twisted.web.client import ResponseFailed, ResponseNeverReceived

from config.schema import FetchRules
from crawlers.causes import Failure
from crawlers.guards import AddressRefusedError
from storage.records import FetchCause

MAX_REDIRECTS = 5
_BROKEN = (
    scrapy_errors.DownloadConnectionRefusedError,
    scrapy_errors.DownloadFailedError,
    scrapy_errors.ResponseDataLossError,
    ConnectError,
    ConnectionClosed,
    ResponseFailed,
    ResponseNeverReceived,
    OSError,
)
FETCH_ERRORS = (
    *_BROKEN,
    scrapy_errors.CannotResolveHostError,
    scrapy_errors.IgnoreRequest,
    scrapy_errors.DownloadCancelledError,
    scrapy_errors.DownloadTimeoutError,
    scrapy_errors.NotSupported,
    scrapy_errors.UnsupportedURLSchemeError,
)


def failure_of(error: Exception, rules: FetchRules, refusal: str) -> Failure:
    """Name one of FETCH_ERRORS. `refusal`: why the resolver refused the host, or ""."""
    reason = " ".join(str(error).split())[:160]
    failure = refused(refusal or reason)
    if isinstance(error, AddressRefusedError) or refusal:
        pass
    elif isinstance(error, scrapy_errors.CannotResolveHostError):
        failure = Failure(cause=FetchCause.NETWORK, text="域名解析失败，请检查网络和地址")
    elif isinstance(error, scrapy_errors.IgnoreRequest):
        failure = _ignored(reason, rules)
    elif isinstance(error, scrapy_errors.DownloadCancelledError):
        failure = _too_large(rules)
    elif isinstance(error, scrapy_errors.DownloadTimeoutError):
        seconds = rules.timeout.total_seconds()
        failure = Failure(cause=FetchCause.SLOW, text=f"{seconds:g} 秒内没有传完，已中断")
    elif isinstance(error, _BROKEN):
        failure = Failure(cause=FetchCause.SERVER, text=f"连接对方服务器时出错：{reason}")
    return failure


def refused(reason: str) -> Failure:
    """Name an address that may not be reached."""
    reason = reason.removeprefix("address refused: ")
    return Failure(cause=FetchCause.REFUSED, text=f"该地址不允许访问（{reason}）", final=True)


def _too_large(rules: FetchRules) -> Failure:
    limit = rules.max_bytes / 1024 / 1024
    return Failure(cause=FetchCause.TOO_LARGE, text=f"内容超过 {limit:g} MiB 的上限，已中断下载")


def _ignored(reason: str, rules: FetchRules) -> Failure:
    if "robots.txt" in reason:
        text = "网站的 robots.txt 不允许抓取该地址"
        return Failure(cause=FetchCause.ROBOTS, text=text, final=True)
    if "redirect" in reason:
        text = f"重定向超过 {MAX_REDIRECTS} 次，可能在循环跳转"
        return Failure(cause=FetchCause.GONE, text=text)
    return _too_large(rules)  # the only other one: a body that unpacks to too much
