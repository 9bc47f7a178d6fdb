"""Who speaks with how much weight: an address and an author go in, a media tier comes out.

In: the outlets of the `media:` section. Out: one of MediaTier, "" for everybody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from config.schema import MediaOutlet
from config.values import MediaTier

# Rising weight. The order is that of alerting.md section 4.
TIERS: tuple[MediaTier, ...] = (
    "",
    "large_account",
    "trade",
    "provincial",
    "central",
    "regulator",
)


class MediaTable:
    """The outlets, made ready for many questions: each costs a look-up per label of the host."""

    def __init__(self, outlets: Iterable[MediaOutlet]) -> None:
        self._hosts: dict[str, MediaTier] = {}
        self._authors: dict[str, MediaTier] = {}
        for outlet in outlets:
            for host in outlet.hosts:
                key = bare_host(host)
                self._hosts[key] = highest(self._hosts.get(key, ""), outlet.tier)
            for author in outlet.authors:
                key = author_name(author)
                self._authors[key] = highest(self._authors.get(key, ""), outlet.tier)

    def tier(self, url: str, author: str, platform: str, least: str = "") -> MediaTier:
        """Return the highest tier of an item: by its host, by its author, `least` as its source's.

        A host counts for its subdomains. An author counts on every platform, or on the one that
        is written before his name. A word in `least` that is no tier counts as none.
        """
        name = author_name(author)
        found = [self._authors.get(name, ""), self._authors.get(f"{platform.strip()}:{name}", "")]
        found = found if name else []
        known: MediaTier = next((tier for tier in TIERS if tier == least), "")
        return highest(known, *found, *self._by_host(url))

    def _by_host(self, url: str) -> Iterator[MediaTier]:
        host = host_of(url)
        while host:
            yield self._hosts.get(host, "")
            host = host.partition(".")[2]


def highest(*tiers: MediaTier) -> MediaTier:
    """Return the weightiest of some tiers, "" of none."""
    return max(tiers, key=TIERS.index, default="")


def host_of(url: str) -> str:
    """Return the host of an address as hosts are compared, "" when there is none."""
    try:
        parts = urlsplit(url)
        # Browsers take it for a slash: "https://evil.example\\@news.example/" is evil.example.
        return "" if "\\" in parts.netloc else bare_host(parts.hostname or "")
    except ValueError:
        return ""


def bare_host(host: str) -> str:
    """Write a host as URLs are compared: lower case, no dot at the end, Chinese names as punycode.

    Errors: ValueError when it cannot be a host name.
    """
    text = host.strip().rstrip(".").lower()
    if text.isascii():
        return text
    return text.encode("idna").decode()


def author_name(author: str) -> str:
    """Write a display name as names are compared: without the @ before it, in one case."""
    return author.strip().lstrip("@＠").strip().casefold()
