"""Feeds, list pages and detail pages made from a few plain items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from html import escape


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing said, as a site would show it. `published` is aware."""

    path: str
    title: str
    text: str
    author: str = ""
    published: datetime | None = None
    guid: str = ""


def rss(base: str, items: Sequence[Item], *, encoding: str = "utf-8") -> bytes:
    """An RSS 2.0 feed of the items, newest first as given."""
    entries = "".join(_rss_item(base, item) for item in items)
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>\n<rss version="2.0" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>测试信源</title>'
        f"<link>{base}/</link><description>说明</description>{entries}</channel></rss>"
    )
    return text.encode(encoding, "xmlcharrefreplace")


def _rss_item(base: str, item: Item) -> str:
    date = f"<pubDate>{format_datetime(item.published)}</pubDate>" if item.published else ""
    return (
        f"<item><title>{escape(item.title)}</title><link>{escape(base + item.path)}</link>"
        f'<guid isPermaLink="false">{escape(item.guid or item.path)}</guid>'
        f"<dc:creator>{escape(item.author)}</dc:creator>{date}"
        f"<description>{escape(f'<p>{escape(item.text)}</p>')}</description></item>"
    )


def atom(base: str, items: Sequence[Item]) -> bytes:
    """An Atom 1.0 feed of the items."""
    entries = "".join(
        f"<entry><title>{escape(item.title)}</title><id>{escape(item.guid or base + item.path)}</id>"
        f'<link rel="alternate" href="{escape(base + item.path)}"/>'
        f"<author><name>{escape(item.author)}</name></author>"
        + (f"<published>{item.published.isoformat()}</published>" if item.published else "")
        + f'<content type="text">{escape(item.text)}</content></entry>'
        for item in items
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
        f"<title>测试信源</title><id>{base}/</id>{entries}</feed>"
    ).encode()


def list_page(
    items: Sequence[Item],
    *,
    encoding: str = "utf-8",
    declare: bool = True,
    next_path: str = "",
    time_format: str = "%Y-%m-%d %H:%M",
) -> bytes:
    """A list: `ul.list > li` with `a`, `.time` and `.author`."""
    rows = "".join(
        f'<li><a href="{escape(item.path)}">{escape(item.title)}</a>'
        f'<span class="author">{escape(item.author)}</span>'
        + (
            f'<span class="time">{item.published.strftime(time_format)}</span>'
            if item.published
            else ""
        )
        + "</li>"
        for item in items
    )
    more = f'<a class="next" href="{escape(next_path)}">下一页</a>' if next_path else ""
    return _page("投诉列表", f'<ul class="list">{rows}</ul>{more}', encoding, declare=declare)


def detail_page(item: Item, *, encoding: str = "utf-8", declare: bool = True) -> bytes:
    """A detail page: `h1`, `.author`, `.date` and `.content`."""
    date = item.published.strftime("发布时间：%Y-%m-%d %H:%M") if item.published else ""
    body = (
        f'<h1>{escape(item.title)}</h1><span class="author">作者：{escape(item.author)}</span>'
        f'<span class="date">{date}</span><div class="content">'
        + "".join(f"<p>{escape(part)}</p>" for part in item.text.split("\n"))
        + '</div><div class="footer">关于我们 联系方式</div>'
    )
    return _page(item.title, body, encoding, declare=declare)


def _page(title: str, body: str, encoding: str, *, declare: bool) -> bytes:
    meta = f'<meta charset="{encoding}">' if declare else ""
    text = (
        f'<!doctype html><html lang="zh"><head>{meta}<title>{escape(title)}</title></head>'
        f"<body>{body}</body></html>"
    )
    return text.encode(encoding, "xmlcharrefreplace")
