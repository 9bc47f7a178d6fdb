"""Text in, the same text out with personal data masked; look-alikes stay as they are.

Only what a check digit, a prefix or the words around it prove is masked, so order numbers, prices,
dates, hotlines and addresses of shops survive. Figures that are spelled, spaced, circled or written
in Chinese are seen through. Why no library: docs/adr/0018-privacy.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from classify.privacy_codes import codes_in
from classify.privacy_numbers import is_id_card, numbers_in, passes_luhn
from classify.privacy_places import names_in, places_in
from classify.privacy_shown import shown
from classify.privacy_signs import JOINER, shadow_of

__all__ = ["Span", "find", "is_id_card", "mask", "passes_luhn"]

# What any rule needs: a figure in some spelling, an at sign, or a word before a name.
_ANY = re.compile(
    r"[0-9@０-９＠①-⑨❶-❾\U0001d7ce-\U0001d7ff]|[一二三四五六七八九〇零幺壹贰叁肆伍陆柒捌玖]"
    r"[ \-.·]{0,2}[一二三四五六七八九〇零幺两壹贰叁肆伍陆柒捌玖]"
    r"|人|姓名|户主|机主|我叫|名叫|名字|[微薇威Vv]信|[VvWw][Xx]|单元|[Ww]e[Cc]hat|加[微薇威VvWw]"
    r"|[(\[【（ ]at[)\]】） ]|艾特"
)


@dataclass(frozen=True, slots=True)
class Span:
    """Personal data in a text: what it is, where it stands, and what is shown in its place.

    `kind`: "phone", "id_card", "bank_card", "passport", "email", "plate", "wechat_qq", "address" or
    "name".
    """

    kind: str
    start: int
    end: int
    shown: str


def mask(text: str) -> str:
    """Return `text` with personal data masked.

    What stays lets a person recognise their own: 138****1234, 110101********1234, 6222****5678,
    w***@example.com, 沪A***89, zh***, *栋*单元***, 张**. Masking twice is masking once.
    """
    for _ in range(3):  # a mask may end a longer number that hid another; two rounds have been seen
        spans = find(text)
        if not spans:
            break
        parts, at = [], 0
        for span in spans:
            parts += [text[at : span.start], span.shown]
            at = span.end
        text = "".join([*parts, text[at:]])
    return text


def find(text: str) -> tuple[Span, ...]:
    """Return the personal data of a text in order; where two kinds overlap, the longer number."""
    if _ANY.search(text) is None:
        return ()
    shadow = shadow_of(text)
    found: list[tuple[int, int, str]] = []
    taken = bytearray(len(text) + 1)
    for finder in (codes_in, numbers_in, places_in, names_in):
        for kind, start, end in finder(shadow):
            if not any(taken[start:end]):
                # a key-cap figure ends with signs of its own
                last = next(n for n in range(end, len(text) + 1) if shadow[n : n + 1] != JOINER)
                taken[start:last] = b"\x01" * (last - start)
                found.append((start, last, kind))
    return tuple(
        Span(kind, start, end, shown(kind, text[start:end], shadow[start:end]))
        for start, end, kind in sorted(found)
    )
