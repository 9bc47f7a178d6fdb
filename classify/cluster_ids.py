"""Names of clusters: short, never used twice, and the same when a stream is gathered again."""

from __future__ import annotations

import base64
import hashlib

from storage.records import BrandId, ClusterId, Mention

_SIZES = (8, 12, 16, 24, 32)  # letters of five bits, tried in this order


def ids_for(brand_id: BrandId, key: str) -> tuple[ClusterId, ...]:
    """Return the ids that a cluster may have, the one to take first, longer ones if it is taken."""
    digest = hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=20).digest()
    letters = base64.b32encode(digest).decode().lower()
    return tuple(ClusterId(f"{brand_id}-{letters[:size]}") for size in _SIZES)


def key_of_founder(mention: Mention) -> str:
    """Return what names the cluster that a mention opens."""
    return f"{mention.item_key}#{mention.revision}" if mention.revision else mention.item_key
