"""The HTML part of a mail: what a message says in, a page with inline styles out."""

from __future__ import annotations

from collections.abc import Sequence

from alerts.markup import escape, safe_url, shorten
from storage.records import Level

_COLOURS = {
    Level.NONE: "#666666",
    Level.BLUE: "#1f6feb",
    Level.YELLOW: "#b58900",
    Level.ORANGE: "#d9660b",
    Level.RED: "#c62828",
}


def to_html(
    level: Level,
    first: str,
    code: str,
    *,
    links: Sequence[tuple[str, str]],
    facts: Sequence[tuple[str, str]],
    sources: Sequence[tuple[str, str]],
) -> str:
    """Return the page. Inline styles only: mail programs drop everything else.

    `links` are ours, `sources` (title and address of originals) come from the web.
    """
    colour = _COLOURS[level]
    buttons = "".join(
        f'<a href="{escape(url)}" style="display:inline-block;margin:0 12px 8px 0;color:{colour}">'
        f"{escape(name)}</a>"
        for name, url in links
    )
    rows = "".join(
        '<tr><td style="padding:4px 12px 4px 0;color:#666;white-space:nowrap;vertical-align:top">'
        f'{escape(label)}</td><td style="padding:4px 0">{escape(text)}</td></tr>'
        for label, text in facts
    )
    items = "".join(f"<li>{_source(title, url)}</li>" for title, url in sources)
    originals = f'<p style="margin:12px 0 4px">原文</p><ol>{items}</ol>' if items else ""
    return (
        '<!doctype html><html lang="zh"><body style="font:15px/1.6 sans-serif;color:#222">'
        f'<h1 style="font-size:18px;margin:0 0 4px;color:{colour}">{escape(first)}</h1>'
        f'<p style="margin:0 0 12px;color:#666">编号：{escape(code)}</p>'
        f'<p style="margin:0 0 12px">{buttons}</p>'
        f'<table style="border-collapse:collapse">{rows}</table>{originals}</body></html>\n'
    )


def _source(title: str, url: str) -> str:
    shown, address = escape(shorten(title, 60)), safe_url(url)
    if not address:
        return f"{shown}（无可用链接）"
    return f'<a href="{escape(address)}" rel="noopener noreferrer">{shown}</a>'
