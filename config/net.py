"""The guard between this program and addresses that nobody meant it to reach (SSRF).

In: a URL, or a host with an address that it resolved to. Out: nothing, or FetchError when the
address is not public. The only exceptions are the exact host:port pairs of `allow_private`, which
come from the configuration and never from crawled text. Proxies would resolve names out of our
sight, so the guarded client uses none.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from config.errors import FetchError

if TYPE_CHECKING:
    import httpx

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_PORTS = {"http": 80, "https": 443}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ASCII_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
# A host whose last label is a number is an IPv4 address to every resolver (WHATWG URL, 3.5).
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")
_DOTS = str.maketrans({"\u3002": ".", "\uff0e": ".", "\uff61": "."})
_LONGEST_HOST = 253  # RFC 1035
_LOCAL_NAMES = ("localhost", "localdomain", "local", "internal", "intranet", "lan", "home.arpa")

# IANA IPv4 special-purpose registry, 2024-06; written out because the standard library's idea of
# "private" has changed between Python patch releases.
_NOT_PUBLIC_V4 = tuple(
    ipaddress.IPv4Network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Of IPv6 only 2000::/3 is handed out as global unicast; these parts of it are not.
_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(
    ipaddress.IPv6Network(block)
    for block in (
        "2001::/23",  # Teredo, ORCHID, benchmarking
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: wraps any IPv4 address
        "3fff::/20",  # documentation
    )
)
# NAT64 (RFC 6052): how an IPv6-only network names the public IPv4 internet.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class _Target(NamedTuple):
    scheme: str
    host: str  # lower case, without brackets and trailing dot
    port: int


def check_url(url: str, allow_private: Collection[str]) -> None:
    """Refuse a URL that is not plain http(s) to a public host on port 80 or 443.

    Only what is written is looked at: names are checked once resolved, by `check_address`.
    Errors: FetchError(permanent=True). Its text names the host, never path, query or password.
    """
    target = _parse(url)
    address = _literal(target.host)
    if _is_allowed(target.host, target.port, allow_private):
        return
    if target.port not in _PORTS.values():
        raise _refused(target.host, target.port, f"port {target.port} is neither 80 nor 443")
    if address is not None and not is_public(address):
        raise _refused(target.host, target.port, f"{address} is not a public address")
    if any(target.host == name or target.host.endswith("." + name) for name in _LOCAL_NAMES):
        raise _refused(target.host, target.port, f"{target.host} is a local name")


def check_address(
    host: str, port: int | None, address: str, allow_private: Collection[str]
) -> None:
    """Refuse an address that a host resolved to unless it is public.

    `port` is None where a resolver is not told the port; then an entry of `allow_private` for any
    port of this host counts (check_url has refused the other ports before).
    Errors: FetchError(permanent=True).
    """
    if _is_allowed(_fold(host), port, allow_private):
        return
    try:
        found = ipaddress.ip_address(address)
    except ValueError as error:
        raise _refused(host, port, f"it resolved to {address!r}, not an IP address") from error
    if not is_public(found):
        raise _refused(host, port, f"it resolved to {address}, not a public address")


def is_exception(url: str, allow_private: Collection[str]) -> bool:
    """Return whether a URL leads to a host:port that the configuration allows as private.

    Errors: FetchError(permanent=True) when the URL is none that could be asked for.
    """
    target = _parse(url)
    return _is_allowed(target.host, target.port, allow_private)


def is_public(address: Address) -> bool:
    """Return whether an address belongs to the public internet."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not any(address in block for block in _NOT_PUBLIC_V4)
    if address.scope_id is not None:
        return False
    if address in _NAT64:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return address in _PUBLIC_V6 and not any(address in block for block in _NOT_PUBLIC_V6)


def check_allowance(entry: str) -> str:
    """Return what is wrong with an entry of `allow_private`, "" when it is an exact host:port."""
    host, separator, port = entry.rpartition(":")
    has_port = bool(separator) and re.fullmatch(r"[0-9]{1,5}", port) is not None
    if not has_port or not 1 <= int(port) <= 65535 or not host:
        return f'expected an exact host:port such as "127.0.0.1:8080", got {entry!r}'
    try:
        target = _parse(f"http://{entry}/")
        _literal(target.host)
    except FetchError as error:
        return str(error)
    if (target.host, target.port) != (_fold(host), int(port)):
        return f'expected an exact host:port such as "127.0.0.1:8080", got {entry!r}'
    return ""


def guarded_client(
    allow_private: Collection[str],
    timeout_s: float,
    user_agent: str,
    *,
    resolve: Resolve | None = None,
) -> httpx.AsyncClient:
    """Return a client that reaches public addresses (and `allow_private`) only.

    Every request, redirects included, is checked as written; every name is resolved here, each of
    its addresses is checked, and the connection goes to a checked address, so a name that changes
    its answer gains nothing. Redirects are not followed unless a request asks for it. Environment
    proxies are not used. `resolve(host, port)` returns addresses; the system's resolver by default.
    Errors: FetchError for a refusal, httpx's own for everything else.
    """
    from config.guarded import make_client  # httpx costs 80 ms, which a check has no use for

    return make_client(allow_private, timeout_s, user_agent, resolve)


# --- reading a URL ---------------------------------------------------------------------------


def _parse(url: str) -> _Target:
    """Split a URL, refusing everything on which two parsers could disagree."""
    if _CONTROL.search(url) or url != url.strip():
        raise _refused_text("the URL holds a control character or stands between spaces")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _refused_text("the URL cannot be read: check host and port") from error
    if parts.scheme not in _PORTS:
        raise _refused_text(f"expected http:// or https://, got scheme {parts.scheme[:20]!r}")
    if "@" in parts.netloc:
        raise _refused_text("the URL holds a user name or password before @")
    written = parts.hostname or ""
    host = _fold(written)
    in_brackets = "[" in parts.netloc
    is_host = ":" in host if in_brackets else _ASCII_HOST.fullmatch(host) is not None
    if not is_host or len(host) > _LONGEST_HOST:
        raise _refused_text(f"{written[:80]!r} is not a host")
    return _Target(parts.scheme, host, _PORTS[parts.scheme] if port is None else port)


def _fold(host: str) -> str:
    """Bring a host to the one spelling that a resolver would read; "" when there is none.

    IDNA maps full-width and circled digits, ideographic full stops and invisible characters, all
    of which have been used to write 127.0.0.1 past a filter.
    """
    bare = host.removeprefix("[").removesuffix("]")
    if ":" in bare:
        try:
            return str(ipaddress.IPv6Address(bare))
        except ValueError:
            return bare
    try:
        folded = unicodedata.normalize("NFKC", bare.translate(_DOTS)).translate(_DOTS)
        return folded.removesuffix(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""


def _literal(host: str) -> Address | None:
    """Return the address that a host spells out, None for a name.

    Errors: FetchError for a spelling that is not the usual one (decimal, hex, octal, short ...):
    nobody writes those but to slip past a check.
    """
    if ":" in host:
        try:
            return ipaddress.IPv6Address(host)
        except ValueError as error:
            raise _refused_text(f"{host[:80]!r} is not an IPv6 address") from error
    if _NUMERIC_LABEL.fullmatch(host.rpartition(".")[2]) is None:
        return None
    try:
        return ipaddress.IPv4Address(host)
    except ValueError as error:
        raise _refused_text(f"{host[:80]!r} is an unusual spelling of an IP address") from error


def _is_allowed(host: str, port: int | None, allow_private: Iterable[str]) -> bool:
    for entry in allow_private:
        allowed_host, _, allowed_port = entry.rpartition(":")
        if _fold(allowed_host) == host and port in {None, _port(allowed_port)}:
            return True
    return False


def _port(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,5}", text) else 0


def _refused_text(reason: str) -> FetchError:
    return FetchError(f"address refused: {reason}", permanent=True)


def _refused(host: str, port: int | None, reason: str) -> FetchError:
    where = f"[{host}]" if ":" in host else host
    exact = f"{where}:{port}" if port is not None else where
    return _refused_text(f'{reason}; add "{exact}" to allow_private if it is meant')
