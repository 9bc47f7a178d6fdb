"""Raw text of the web in, one plain spelling out: width, script, case, emoji, invisible characters.

Every character is rewritten on its own, so the cost is linear and offsets can be kept; the whole
needs no look at its neighbours and answers for any str, lone surrogates included.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import opencc

from classify.emoji import EMOJI_WORDS

BRAND_MARK = "\ue000"  # stands where the brand in question is named
OTHER_MARK = "\ue001"  # stands where another watched brand is named

_KEPT_CONTROLS = "\n\t"
_URL = re.compile(r"(?:https?://|www\.)[a-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+|[oo]网页链接")
_AT = re.compile(r"@[\w\-]{1,30}")
_REPEAT = re.compile(r"(.)\1{3,}", re.DOTALL)
_SPACES = re.compile(r"[^\S\n]+")


class _Rewriting(dict[int, str]):
    """What each code point becomes; filled as code points are met (at most one entry each)."""

    def __init__(self) -> None:
        super().__init__()
        self._simplify = opencc.OpenCC("t2s")
        self.stretched: set[str] = set()  # characters whose rewriting is not one character

    def __missing__(self, code: int) -> str:
        character = chr(code)
        rewritten = self._rewrite(character)
        self[code] = rewritten
        if len(rewritten) != 1:
            self.stretched.add(character)
        return rewritten

    def _rewrite(self, character: str) -> str:
        word = EMOJI_WORDS.get(character)
        if word is not None:
            return f"[{word}]"
        category = unicodedata.category(character)
        if character in _KEPT_CONTROLS:
            return character
        if category == "Zs" or character == "\r":
            return " "
        if category in {"Zl", "Zp"}:
            return "\n"
        # Cf holds zero-width and direction marks, Co and Cs cannot be shown, Mn in a row only
        # decorates ("zalgo"); variation selectors are Mn as well.
        if category in {"Cc", "Cf", "Co", "Cs", "Mn", "Me"}:
            return ""
        plain = "".join(
            part
            for part in unicodedata.normalize("NFKC", character).casefold()
            if unicodedata.category(part) != "Mn"  # a spacing accent falls apart into one
        )
        simplified: str = self._simplify.convert(plain)
        return simplified


@cache
def _rewriting() -> _Rewriting:
    return _Rewriting()


def rewrite(text: str) -> str:
    """Return `text` with every character in its plain spelling; nothing is cut or joined."""
    return text.translate(_rewriting())


def rewrite_with_offsets(text: str) -> tuple[str, list[int] | None]:
    """Return the rewritten text and, per rewritten character, the index of its original.

    None instead of the list says that both texts have the same length, index for index.
    """
    table = _rewriting()
    rewritten = text.translate(table)
    if table.stretched.isdisjoint(text):
        return rewritten, None
    offsets: list[int] = []
    for index, character in enumerate(text):
        offsets.extend([index] * len(table[ord(character)]))
    return rewritten, offsets


def tidy(rewritten: str) -> str:
    """Drop links and the names after @, shorten runs of one character to three, squeeze spaces."""
    text = rewritten
    if "http" in text or "www." in text or "网页链接" in text:
        text = _URL.sub(" ", text)
    if "@" in text:
        text = _AT.sub("@", text)
    text = _REPEAT.sub(r"\1\1\1", text)
    return _SPACES.sub(" ", text).strip()


def normalise(text: str) -> str:
    """Return the spelling that segmenting, scoring and classing work on.

    Width and ligatures by NFKC, traditional to simplified by OpenCC's characters, lower case, emoji
    as words in brackets, no invisible characters, no links, no names after @. Marks that stand for
    brands (private-use characters) are dropped: only the scorer puts them in, afterwards.
    """
    return tidy(rewrite(text))
