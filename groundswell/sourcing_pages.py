"""The last good and the last bad page that was kept of each source: found, and made harmless."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from config.errors import GroundswellError
from config.schema import Project, SourceConfig
from crawlers.charset import declared_charset, decode
from crawlers.readers import has_links, starts
from crawlers.trial import link_to
from storage.records import DetailLink, SourceId

_SHOWN_CHARS = 200_000  # of a page on screen: a browser and a person take no more
_PLACEHOLDER = re.compile(r"\\\{(?:page|offset|cursor|keyword)\\\}")


def kept(
    project: Project, directory: Path, database: str | None, source_id: str, kind: str
) -> tuple[str, bytes, datetime]:
    """Return address, bytes and time of the last page of a kind ("good", "bad") of a source.

    Errors: GroundswellError when none was kept.
    """
    from groundswell.places import database_there
    from storage.store import Store

    url = database_there(project, directory, database)
    page = None
    if url is not None:
        store = Store(url)
        try:
            with store.read() as queries:
                page = queries.page(SourceId(source_id), kind)
        finally:
            store.close()
    if page is None:
        raise GroundswellError(
            f"no {kind} page of {source_id!r} was kept: it may not have been polled yet, be older "
            "than settings.raw_page_days, or keeping pages is switched off (0 days)"
        )
    return page


def link_behind(source: SourceConfig, url: str) -> DetailLink | None:
    """Return a link to a page when it lies behind the list; None for a page of the list itself."""
    if not has_links(source):
        return None
    for start in starts(source):
        if re.fullmatch(_PLACEHOLDER.sub(".+", re.escape(start)), url):
            return None
    return link_to(source, url)


def as_text(body: bytes) -> str:
    """Return a page as text in which nothing acts on a terminal: controls become �."""
    text = decode(body, "", declared_charset(body)).text[:_SHOWN_CHARS]
    return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)
