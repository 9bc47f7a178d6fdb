"""Which brand itself is speaking: an item goes in, the brand whose account posted it comes out.

In: the `official` accounts of the brands, and the sources whose role is "official".
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from config.media import author_name
from config.schema import Brand, SourceConfig

_BOUNDARY = ("/", "?", "#")


class OfficialAccounts:
    """The accounts of all brands, made ready for many questions."""

    def __init__(self, brands: Sequence[Brand], sources: Sequence[SourceConfig] = ()) -> None:
        self._by_name: dict[tuple[str, str], tuple[str, str]] = {}
        self._by_address: list[tuple[str, str]] = []
        for brand in brands:
            for account in brand.official:
                if account.author:
                    key = (account.platform.strip(), author_name(account.author))
                    self._by_name.setdefault(key, (brand.id, bare_address(account.url)))
                if account.url:
                    self._by_address.append((bare_address(account.url), brand.id))
        self._by_source = {
            source.id: brand_id
            for source in sources
            if source.role == "official" and (brand_id := served_brand(source, brands))
        }

    def speaker(self, source_id: str, platform: str, author: str, url: str) -> str:
        """Return the id of the brand whose own words an item is; "" when somebody else speaks.

        An account is known by platform and author, or by the start of its posts' addresses up to
        a boundary ("w.example/u/12" is not "w.example/u/123"). One that gives both is not known by
        its name at another place of that site: many platforms let two people have one name, and
        a complaint must not vanish because its author took the brand's. Everything of a source
        whose role is "official" is the brand's own.
        """
        address = bare_address(url) if self._by_address else ""
        for prefix, brand_id in self._by_address:
            if address and _begins(address, prefix):
                return brand_id
        key = (platform.strip(), author_name(author))
        named, home = self._by_name.get(key, ("", "")) if author else ("", "")
        is_elsewhere = bool(home) and _host(address) == _host(home)
        return named if named and not is_elsewhere else self._by_source.get(source_id, "")


def _begins(address: str, prefix: str) -> bool:
    rest = address[len(prefix) :]
    begins = address.startswith(prefix)
    return begins and (not rest or prefix.endswith("/") or rest.startswith(_BOUNDARY))


def _host(address: str) -> str:
    return address.partition("/")[0].partition(":")[0]


def served_brand(source: SourceConfig, brands: Sequence[Brand]) -> str:
    """Return the one brand that an official source speaks for, "" when it cannot be told.

    It is the brand that the source names, else the only watched brand that is no competitor.
    """
    if source.brands:
        return source.brands[0] if len(source.brands) == 1 else ""
    own = [brand.id for brand in brands if not brand.competitor]
    return own[0] if len(own) == 1 else ""


def bare_address(url: str) -> str:
    """Write an address without scheme, its host in lower case and without "www."."""
    text = url.strip()
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        host = (parts.hostname or "").rstrip(".").removeprefix("www.")
        port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    except ValueError:
        return ""
    tail = parts.path + (f"?{parts.query}" if parts.query else "")
    tail += f"#{parts.fragment}" if parts.fragment else ""
    # a backslash is a slash to browsers: the host would be another one for them
    return f"{host}{port}{tail}" if host and "\\" not in parts.netloc else ""
