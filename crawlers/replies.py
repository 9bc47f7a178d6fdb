"""What is said below something else (a reply in a thread, a comment) and who it is."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from urllib.parse import urldefrag

from crawlers.mentions import Item
from storage.records import DetailLink, RawMention


def make_reply(item: Item, *, under: str, page_url: str, history: bool) -> RawMention:
    """Make the mention of a reply. `under` is the canonical URL of what it answers.

    It is identified by the page's own id of it, else by the anchor of its link (`#pid8812`), else
    by author and text, always below what it answers: floor 2 stands in every thread. Its time is no
    part of that, because "3 minutes ago" is another time with every visit.
    """
    item.fields["native_id"] = f"{under}#{own_name(item)}"
    item.url = item.url or page_url
    return replace(item.mention(history=history), parent_url=under)


def reply_of(link: DetailLink) -> str:
    """Return the id of the reply whose page a link reads again, "" for any other link."""
    native = str(link.listed.get("native_id", ""))
    return native if link.kind == "figures" and "#" in native else ""


def own_name(item: Item) -> str:
    """Return what tells a reply apart from others below the same thing."""
    anchor = urldefrag(item.url).fragment if item.url else ""
    return item.fields.get("native_id", "") or anchor or _digest(item)


def _digest(item: Item) -> str:
    said = "\x1f".join(item.fields.get(name, "") for name in ("author", "title", "text"))
    return blake2b(said.encode(errors="replace"), digest_size=8).hexdigest()
