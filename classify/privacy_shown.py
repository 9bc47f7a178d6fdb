"""What is shown in the place of personal data: enough for who knows it, too little for others.

In: what was said and its shadow (`classify.privacy_signs`). Out: 138****1234, 110101********1234,
6222****5678, w***@example.com, 沪A***89, zh***, *栋*单元***, 张**.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from classify.privacy_numbers import figures_of

_HIDDEN = "*"
_GAPS = " -.·－—\u2013\u3000"
_AT = re.compile(r"@|[(（\[【]at| at |艾特")
_DOOR = re.compile("[0-9０-９A-Za-zＡ-Ｚ一二三四五六七八九十百零〇甲乙丙丁附]")
_AREA = re.compile(r"(?:(?:\+|00)[0-9]{1,3}[ -]?)?[(（]?0[1-9][0-9]{1,2}[)）]?[ -]?")
_EXTENSION = re.compile(r"(?: ?[转轉] ?|(?<=[0-9]{4})-|ext\.? ?)[0-9]{1,6}$")


def shown(kind: str, said: str, shadow: str) -> str:
    """Return what stands in the place of personal data of a kind."""
    return _BY_KIND[kind](said, shadow)


def _email(said: str, shadow: str) -> str:
    at = _AT.search(shadow)
    return f"{said[0]}***{said[at.start() if at else 1 :]}"


def _plate(said: str, shadow: str) -> str:
    del shadow
    head = 2 if said[2].isalnum() else 3  # 粤B·D12345
    return f"{said[:head]}***{said[-2:]}"


def _chat(said: str, shadow: str) -> str:
    del shadow
    return f"{said[:2]}***"


def _address(said: str, shadow: str) -> str:
    del shadow
    return _DOOR.sub(_HIDDEN, said)


def _name(said: str, shadow: str) -> str:
    del shadow
    return said[:1] + _HIDDEN * (len(said) - 1)


def _id_card(said: str, shadow: str) -> str:
    del said
    figures = figures_of(shadow)
    return f"{figures[:6]}********{figures[-4:]}"


def _bank_card(said: str, shadow: str) -> str:
    del said
    figures = figures_of(shadow)
    return f"{figures[:4]}****{figures[-4:]}"


def _passport(said: str, shadow: str) -> str:
    del shadow
    return f"{said[:1]}****{said[-3:]}"


def _phone(said: str, shadow: str) -> str:
    """Hide the middle of a number, in its own spelling: 138****5678, 021-****2100."""
    figures = [n for n, sign in enumerate(shadow) if sign.isdigit()]
    if len(figures) in {11, 13, 15} and shadow[figures[-11]] == "1":
        return f"{said[: figures[-8]].rstrip(_GAPS)}****{said[figures[-4] :]}"
    area = _AREA.match(shadow)
    if area is not None and area.end() < figures[-4]:
        is_extended = len(figures) > 12 and _EXTENSION.search(shadow) is not None
        return f"{said[: area.end()]}****{'' if is_extended else said[figures[-4] :]}"
    country = 4 if shadow.startswith(("+", "00")) else 0
    return f"{said[:country]}****{said[figures[-3] :]}"


_BY_KIND: Mapping[str, Callable[[str, str], str]] = {
    "phone": _phone,
    "id_card": _id_card,
    "bank_card": _bank_card,
    "passport": _passport,
    "email": _email,
    "plate": _plate,
    "wechat_qq": _chat,
    "address": _address,
    "name": _name,
}
