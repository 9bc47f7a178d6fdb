"""Who a mention is, whichever source found it (decisions.md 1). Pure."""

from __future__ import annotations

import hashlib
from datetime import UTC

from storage.records import ItemKey, RawMention
from storage.storable import storable

# A B-tree page of PostgreSQL takes keys up to 2,704 bytes; longer ids are kept as a digest.
_MAX_KEY_CHARS = 400


def item_key(raw: RawMention) -> ItemKey:
    """Return the identity of an item: platform and native id, else canonical URL, else its text.

    The source is no part of it where the item has an id or a URL. Without both, equal author, time
    and text of one declared source are one item, told apart by `ordinal` within a file.
    """
    if raw.native_id.strip():
        declared = (raw.platform or f"source/{raw.source_id}").replace(":", "%3A")
        return _bounded(f"id:{declared}:", raw.native_id.strip())
    if raw.canonical_url.strip():
        return url_key(raw.canonical_url)
    return _text_key(raw)


def url_key(canonical_url: str) -> ItemKey:
    """Return the identity of an item that has no native id, by its canonical URL."""
    return _bounded("url:", canonical_url.strip())


def author_key(platform: str, author: str) -> str:
    """Return what tells authors apart across sources, "" when the author is unknown."""
    name = author.strip()
    return f"{platform}:{name}" if name else ""


def text_hash(title: str, text: str) -> int:
    """Return a signed 64-bit digest of what a source says, as databases store it."""
    digest = hashlib.blake2b(f"{title}\x1f{text}".encode(errors="replace"), digest_size=8)
    return int.from_bytes(digest.digest(), "big", signed=True)


def _text_key(raw: RawMention) -> ItemKey:
    declared = raw.platform or raw.source_id
    parts = f"{declared}\x1f{raw.author.strip()}\x1f{_known_time(raw)}\x1f{raw.title}\x1f{raw.text}"
    digest = hashlib.sha256(parts.encode(errors="replace")).hexdigest()
    return ItemKey(f"text:{digest}:{raw.ordinal}" if raw.ordinal else f"text:{digest}")


def _known_time(raw: RawMention) -> str:
    # a time not before the observation is a stand-in for an unknown one, and differs every time
    if raw.published_at is None or raw.published_at >= raw.observed_at:
        return ""
    return raw.published_at.astimezone(UTC).isoformat()


def _bounded(prefix: str, value: str) -> ItemKey:
    if len(value) > _MAX_KEY_CHARS:
        value = "sha256/" + hashlib.sha256(value.encode(errors="replace")).hexdigest()
    return ItemKey(storable(prefix + value))
