"""Pages of a forum built the way Discuz builds them: a board, threads over pages, floors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

_ZONE = timedelta(hours=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One floor. `at` is aware; without `pid` the floor has no anchor."""

    author: str
    text: str
    at: datetime
    pid: int = 0


def board(threads: Sequence[tuple[str, str, datetime]]) -> bytes:
    """Make a board's page of (path, title, last reply)."""
    rows = "".join(
        f'<tbody id="normalthread_{number}"><tr><th><a class="s xst" href="{escape(path)}">'
        f'{escape(title)}</a></th><td class="by"><em>{_local(at)}</em></td></tr></tbody>'
        for number, (path, title, at) in enumerate(threads)
    )
    return _page("版块", f'<table id="threadlisttableid">{rows}</table>')


def thread(title: str, posts: Sequence[Post], *, next_path: str = "") -> bytes:
    """Make one page of a thread."""
    rows = "".join(
        f'<div id="post_{post.pid}"><table id="pid{post.pid}"><tr><td class="pls">'
        f'<a class="xw1">{escape(post.author)}</a></td><td class="plc">'
        f'<em id="authorposton{post.pid}">发表于 {_local(post.at)}</em>'
        + (f'<a class="floor" href="#pid{post.pid}">楼</a>' if post.pid else "")
        + f'<td class="t_f">{escape(post.text)}</td></td></tr></table></div>'
        for post in posts
    )
    more = f'<div class="pg"><a class="nxt" href="{escape(next_path)}">下一页</a></div>'
    body = f'<span id="thread_subject">{escape(title)}</span><div id="postlist">{rows}</div>'
    return _page(title, body + (more if next_path else ""))


def _local(at: datetime) -> str:
    return (at + _ZONE).strftime("%Y-%m-%d %H:%M")


def _page(title: str, body: str) -> bytes:
    head = f'<meta charset="gbk"><title>{escape(title)}</title>'
    return f"<!doctype html><html><head>{head}</head><body>{body}</body></html>".encode("gbk")
