"""How a line, a link and an original look in each channel's dialect.

Every text from outside has passed `markup.plain`, which leaves no character that any of these
dialects gives a meaning to: the only markup in a body is what is made here.
Sources: developer.work.weixin.qq.com/document/path/91770 (WeCom markdown: bold, links),
open.feishu.cn/document (markdown of cards), open.dingtalk.com (robots: a line ends in two blanks),
docs.slack.dev/messaging/formatting-message-text (*bold*, <url|name>, & as an entity).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from alerts.markup import plain, safe_url, shorten
from config.channel_schema import Dialect

_TITLE = 40  # characters of an original's title


@dataclass(frozen=True, slots=True)
class Style:
    """One dialect: how a label with its text, and a named link, are written, and lines ended."""

    labelled: Callable[[str, str], str]
    link: Callable[[str, str], str]
    end: str = "\n"
    has_buttons: bool = False  # the sender makes buttons of an intent's actions


def _colon(name: str, text: str) -> str:
    return f"{name}：{text}"


def _bold(name: str, text: str) -> str:
    return f"**{name}**：{text}"


def _bracketed(name: str, url: str) -> str:
    return f"[{name}]({url})"


def _slack_bold(name: str, text: str) -> str:
    return f"*{name}：* {text}"  # a star beside a Chinese character would not end the bold text


def _slack_link(name: str, url: str) -> str:
    return f"<{url.replace('&', '&amp;')}|{name}>"


_PLAIN = Style(_colon, _colon)
_STYLES: dict[Dialect, Style] = {
    "plain": _PLAIN,
    "html": _PLAIN,  # the mail's plain part; its HTML is made by alerts.letter
    "wecom_markdown": Style(_bold, _bracketed),
    "feishu_md": Style(_bold, _bracketed, has_buttons=True),
    "dingtalk_md": Style(_bold, _bracketed, end="  \n", has_buttons=True),
    "slack_mrkdwn": Style(_slack_bold, _slack_link, has_buttons=True),
}
_NAMED_LINK = re.compile(r"\[([^\[\]\n]*)\]\(([^()\s]*)\)")
_SLACK_LINK = re.compile(r"<([^<>|\s]*)\|([^<>|\n]*)>")
_STARS = re.compile(r"\*{1,2}([^*\n]*)\*{1,2}")


def style_of(dialect: Dialect) -> Style:
    """Return how a dialect is written."""
    return _STYLES[dialect]


def labelled(style: Style, label: str, text: str) -> str:
    """Return one line of the card: its label and its text."""
    return style.labelled(label, text) if label else text


def originals(style: Style, label: str, sources: Sequence[tuple[str, str]]) -> list[str]:
    """Return the lines of the original posts, title and address each; none without a post."""
    if not sources:
        return []
    lines = [style.labelled(label, "").rstrip()] if label else []
    for number, (title, url) in enumerate(sources, 1):
        shown, address = shorten(plain(title), _TITLE), safe_url(url)
        if not address:
            lines.append(f"{number}. {shown}（无可用链接）")
        elif style is _PLAIN:
            lines.append(f"{number}. {shown} {address}")
        else:
            lines.append(f"{number}. {style.link(shown, address)}")
    return lines


def to_plain(body: str) -> str:
    """Return a body of any dialect as plain text: markup gone, addresses kept.

    Only what was made here is markup, so that taking it out cannot change what people wrote.
    """
    lines = []
    for line in body.split("\n"):
        text = _NAMED_LINK.sub(lambda found: _spelled(found, found[1], found[2]), line.rstrip())
        text = _SLACK_LINK.sub(
            lambda found: _spelled(found, found[2], found[1].replace("&amp;", "&")), text
        )
        text = _STARS.sub(lambda found: found[1], text)
        lines.append(text.replace("： ", "：", 1))
    return "\n".join(lines)


def _spelled(found: re.Match[str], name: str, url: str) -> str:
    """Write a link out: behind a number the title and the address, else name and address."""
    is_listed = found.string[: found.start()].rstrip().endswith(".")
    return f"{name} {url}" if is_listed else f"{name}：{url}"
