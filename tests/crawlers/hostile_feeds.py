"""Feeds that lie about their bytes or are broken, and feeds that are made to cost time and memory.

In: nothing. Out: bytes with what a reader should find in them. Run as a program it parses every
costly feed (or those named), each in a process of its own, and prints what that took.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

TITLE = "扫地机器人半夜自己启动，客服说“正在排查”"
BODY = "上门两次都没有修好，第三次干脆不来了，退款也一直卡着。"
TRADITIONAL = "掃地機器人半夜自己啟動，客服說正在排查"


@dataclass(frozen=True)
class Hostile:
    """`body` as sent with `http` as the charset of its header; `title` and `has` must be found."""

    name: str
    body: bytes
    http: str = ""
    title: str = TITLE
    has: str = BODY


def rss(title: str = TITLE, body: str = BODY, declaration: str = "", link: str = "") -> str:
    link = link or "https://bbs.example.cn/t/1"
    return (
        f'{declaration}<rss version="2.0"><channel><title>河口社</title><item><title>{title}</title>'
        f"<link>{link}</link><guid>{link}</guid><description>{body}</description>"
        "<pubDate>Tue, 03 Nov 2026 08:15:00 +0800</pubDate></item></channel></rss>"
    )


def _declared(name: str) -> str:
    return f'<?xml version="1.0" encoding="{name}"?>\n'


def _bad_byte() -> bytes:
    whole = rss(declaration=_declared("utf-8")).encode()
    return whole.replace("上门".encode(), b"\xe4\xb8\xff" + "上门".encode(), 1)


ENCODINGS = (
    Hostile("gbk, undeclared", rss().encode("gbk")),
    Hostile("gbk, declared utf-8", rss(declaration=_declared("utf-8")).encode("gbk")),
    Hostile("gbk, header utf-8", rss(declaration=_declared("gbk")).encode("gbk"), "utf-8"),
    Hostile("gbk, header iso-8859-1", rss().encode("gbk"), "iso-8859-1"),
    Hostile(
        "gb2312 with characters beyond it",
        rss("喆先生在镕基路的㙓号店退货", declaration=_declared("gb2312")).encode("gb18030"),
        title="喆先生在镕基路的㙓号店退货",
    ),
    Hostile("utf-8, declared gb2312", rss(declaration=_declared("gb2312")).encode()),
    Hostile("utf-8 with one broken byte", _bad_byte()),
    Hostile(
        "big5, undeclared",
        rss(TRADITIONAL, TRADITIONAL).encode("big5"),
        title=TRADITIONAL,
        has=TRADITIONAL,
    ),
    Hostile(
        "big5, declared gbk",
        rss(TRADITIONAL, TRADITIONAL * 2, _declared("gbk")).encode("big5"),
        title=TRADITIONAL,
        has=TRADITIONAL,
    ),
    Hostile(
        "utf-8 mark, declared gbk", b"\xef\xbb\xbf" + rss(declaration=_declared("gbk")).encode()
    ),
    Hostile("utf-16 with mark", rss(declaration=_declared("utf-16")).encode("utf-16")),
    Hostile("unknown charset", rss(declaration=_declared("x-cn-unknown")).encode("gbk")),
    Hostile(
        "bare ampersands",
        rss("A&B 店 & 售后 R&D", link="https://a.example.cn/?a=1&b=2").encode(),
        title="A&B 店 & 售后 R&D",
    ),
    Hostile(
        "names of HTML and no characters",
        rss("退款&mdash;无门&nbsp;&#55357;&#0;\x0b\x1f等", BODY + "&hellip;").encode(),
        title="退款—无门 等",
    ),
    Hostile(
        "junk before the declaration, CDATA with markup",
        b"\r\n  \n"
        + rss(
            f"<![CDATA[{TITLE}]]>", f"<![CDATA[<p>{BODY}<br>完 & 好</p>]]>", _declared("utf8")
        ).encode(),
    ),
    Hostile(
        "cut off in the second entry", rss().replace("</channel></rss>", "<item><title>半").encode()
    ),
)


def _laughs() -> bytes:
    names = "abcdefghij"
    made = "".join(
        f'<!ENTITY {name} "{f"&{names[at - 1]};" * 10 if at else "哈" * 10}">'
        for at, name in enumerate(names)
    )
    return f"<?xml version='1.0'?><!DOCTYPE r [{made}]>{rss(body='&j;')}".encode()


def _items(count: int, body: str) -> bytes:
    one = rss(body=body).split("<item>")[1].split("</item>")[0]
    items = "".join(
        f"<item>{one.replace('/t/1', f'/t/{number}')}</item>" for number in range(count)
    )
    return f"<rss><channel><title>x</title>{items}</channel></rss>".encode()


def _megabytes(text: str, size: int = 9) -> bytes:
    """Fill a feed up to nearly what the downloader lets through (10 MiB)."""
    unit = text.encode()
    return rss(body="@@").encode().replace(b"@@", unit * (size * 1_000_000 // len(unit)))


COSTLY: dict[str, Callable[[], bytes]] = {
    "billion laughs": _laughs,
    "external entity": lambda: (
        b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + rss(body="&x;").encode()
    ),
    "100 000 nested tags": lambda: rss(body="<b>" * 100_000).encode(),
    "100 000 nested tags in CDATA": lambda: rss(body=f"<![CDATA[{'<div>' * 100_000}]]>").encode(),
    "10 MB of entries": lambda: _items(18_000, BODY * 4),
    "2000 entries": lambda: _items(2000, f"<![CDATA[<p>{BODY}</p>]]>"),
    "unclosed CDATA": lambda: _megabytes("<![CDATA["),
    "unclosed comments": lambda: _megabytes("<!--"),
    "opening brackets": lambda: _megabytes("<"),
    "ampersands": lambda: _megabytes("&"),
    "unclosed references": lambda: _megabytes("&#x41"),
    "declarations": lambda: _megabytes("<!DOCTYPE "),
    "blanks within a tag": lambda: _megabytes("<a " + " " * 400),
    "attributes": lambda: rss(
        body="<a " + " ".join(f'k{n}="v"' for n in range(400_000)) + ">"
    ).encode(),
    "one long line in the head": lambda: b"<?xml " + b" " * 9_000_000 + rss().encode(),
    "references to characters": lambda: _megabytes("&#22909;"),
    "json nested": lambda: (
        b'{"version":"https://jsonfeed.org/version/1.1","items":' + b"[" * 200_000
    ),
    "atom with 10 MB of one content": lambda: (
        b"<feed xmlns='http://www.w3.org/2005/Atom'><entry><title>x</title><content type='html'>"
        + b"&lt;p&gt;" * 900_000
        + b"</content></entry></feed>"
    ),
}

# What stays just below each limit of crawlers/feed_limits.py.
_BELOW: dict[str, str] = {
    "ampersands": "&" * 39_000,
    "opening brackets": "<" * 39_000,
    "references": "&#x41" * 39_000,
    "attributes": "<a " + " ".join(f'k{n}="v"' for n in range(80_000)) + ">",
    "unclosed CDATA": "<![CDATA[" * 39_000,
    "unclosed comments": "<!--" * 39_000,
    "escaped markup": "&lt;p&gt;" * 19_000,
    "blanks within a tag": "<a " + " " * 900_000,
    "deep tags": ("<i>" * 150 + "</i>" * 150) * 120,
    "text": "好" * 900_000,
}
COSTLY |= {
    f"below the limits: {name}": lambda body=body: _items(4, body) for name, body in _BELOW.items()
}


def measure(body: bytes) -> tuple[float, float]:
    """Parse a feed and return the CPU seconds and megabytes that it took besides the libraries."""
    from config.schema import SourceConfig
    from crawlers.feeds import parse_feed

    source = SourceConfig(id="hostile", name="敌意", kind="feed", start=("https://a.example.cn/f",))
    now = datetime(2026, 11, 18, tzinfo=UTC)
    parse_feed(rss().encode(), "https://a.example.cn/f", "", source, now)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    parse_feed(body, "https://a.example.cn/f", "", source, now)
    spent = time.process_time() - started
    return spent, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def measure_apart(name: str) -> None:
    """Parse one costly feed in a fork of this process and print what it took as a line of JSON."""
    body = COSTLY[name]()
    if os.fork():
        os.wait()
        return
    # A feed that blows up ends the fork, not the machine: 20 s of CPU, 3 GB of addresses.
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
    cpu_s, extra_mb = measure(body)
    print(json.dumps({"name": name, "cpu_s": round(cpu_s, 3), "extra_mb": round(extra_mb, 1)}))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    measure(rss().encode())  # the libraries are loaded once, before the forks
    for wanted in sys.argv[1:] or COSTLY:
        measure_apart(wanted)
