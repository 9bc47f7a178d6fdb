"""The markdown of chat bots as safe HTML: all is escaped first, then a few marks read."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

# Each pattern works on escaped text, hence &lt; and &#34;.
_LINK = re.compile(r"\[([^\[\]\n]{1,200})\]\((https?://[^\s()<>*`]{1,2000})\)")
_BARE = re.compile(r"(?<![\"=>\w])(https?://[^\s<>*`（），。；]{1,2000})")
_BOLD = re.compile(r"\*\*([^*\n]{1,400})\*\*")
_CODE = re.compile(r"`([^`\n]{1,400})`")
_FONT = re.compile(r"&lt;font color=&#34;(info|comment|warning)&#34;&gt;(.*?)&lt;/font&gt;")
_MENTION = re.compile(r"&lt;@([\w.-]{1,64})&gt;")
_SHOWN_CHARS = 44  # of a bare address; a signed link would fill half a phone
_HEADING = re.compile(r"^#{1,6} +(.*)$")
_QUOTE = re.compile(r"^&gt; ?(.*)$")


def to_html(text: str) -> Markup:
    """Return chat markdown as HTML; nothing in `text` can become a tag, attribute or script."""
    return Markup("").join(_line(line) for line in text.splitlines())


def _line(line: str) -> Markup:
    escaped = str(escape(line))
    if match := _HEADING.match(escaped):
        return Markup(f'<p class="heading">{_marks(match[1])}</p>')  # noqa: S704 - escaped above
    if match := _QUOTE.match(escaped):
        return Markup(f"<blockquote>{_marks(match[1])}</blockquote>")  # noqa: S704
    return Markup(f"<p>{_marks(escaped) or '&nbsp;'}</p>")  # noqa: S704


def _bare_link(match: re.Match[str]) -> str:
    address = Markup(match[1]).unescape()  # noqa: S704 - unescaped to be cut, then escaped again
    shown = address if len(address) <= _SHOWN_CHARS else address[: _SHOWN_CHARS - 1] + "…"
    return str(Markup('<a href="{}" rel="noreferrer">{}</a>').format(address, shown))


def _marks(text: str) -> str:
    text = _CODE.sub(r"<code>\1</code>", text)
    text, count = _LINK.subn(r'<a href="\2" rel="noreferrer">\1</a>', text)
    if not count:
        text = _BARE.sub(_bare_link, text)
    text = _BOLD.sub(r"<strong>\1</strong>", text)
    text = _FONT.sub(r'<span class="tone-\1">\2</span>', text)
    return _MENTION.sub(r'<span class="mention">@\1</span>', text)
