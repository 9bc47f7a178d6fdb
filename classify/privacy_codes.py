"""E-mail addresses, number plates and chat names in the shadow of a text.

In: a shadow (`classify.privacy_signs`) and the text itself. Out: (kind, start, end). Mailboxes of
a role, public accounts, groups and model numbers stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from classify.privacy_signs import JOINER

Found = tuple[str, int, int]

_AT = r" ?(?:@|[(（\[【]at[)）\]】]| at |艾特) ?"
_EMAIL = re.compile(
    rf"(?<![A-Za-z0-9._%+\-])([A-Za-z0-9_%+\-][A-Za-z0-9._%+\-]{{0,63}}){_AT}"
    r"((?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,62})[.。])+[A-Za-z]{2,24})(?![A-Za-z0-9])"
)
# Mailboxes of a role (RFC 2142 and what Chinese companies call theirs) are nobody's own.
_ROLE = re.compile(
    r"(?:service|services|support|kefu|info|contact|help|hr|job|jobs|recruit|sales|admin|office|"
    r"press|media|pr|ir|legal|privacy|abuse|security|postmaster|webmaster|noreply|no-reply|"
    r"tousu|feedback|complaint|complaints|shouhou|market|marketing|business|bd|jubao|report)"
    r"(?:[._\-]?(?:cn|china|center|dept|[0-9]{1,3}))?",
    re.IGNORECASE,
)

_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_SIGNS = "A-HJ-NP-Za-hj-np-z0-9"  # I and O are not used
# Letter of the city, then five signs; new-energy cars have six (GA 36-2018), four and a closing
# character have the police, driving schools, trailers and cars from Hong Kong and Macau. The number
# of the next item of a list may stand right behind ("2、沪A…3、").
_BODY = (
    rf"([A-HJ-NP-Za-hj-np-z])[ ·•・\-.{JOINER}]?"
    rf"([A-HJ-KMa-hj-km][{_SIGNS}][0-9]{{4}}|[0-9]{{5}}[A-HJ-KMa-hj-km]"
    rf"|[{_SIGNS}]{{5}}|[{_SIGNS}]{{4}}[学警挂领港澳])"
    r"(?:(?![A-Za-z0-9])|(?=[0-9]{1,2}[、.)]))"
)
_PLATE = re.compile(rf"([{_PROVINCES}]){_BODY}")
_ANY_PLATE = re.compile(rf"(?:(?<![\u4e00-\u9fff])|(?<=车牌)|(?<=牌照))([\u4e00-\u9fff]){_BODY}")
_PLATE_SAID = re.compile("车牌|牌照|车号|绿牌|蓝牌")
_NOT_PLATE = re.compile("(?:全|最|更|创|出|换|买|款)$")  # 全新A12345 is a model

_HANDLE = r"([A-Za-z][A-Za-z0-9_\-]{5,19})(?![A-Za-z0-9_\-@.])"
_WECHAT = re.compile(
    r"(?:(?:微信|薇信|威信|[Ww]e[Cc]hat|[Vv]信|(?<![A-Za-z])(?:[Ww][Xx]|[Vv][Xx]))"
    r"(?: ?(?:号码?|[Ii][Dd]))?(?:是|为|叫|[:： ]){0,4}"
    rf"|加(?:我|个|下|一下)?(?:微|薇|威|[VvWw])(?:号|[:： ]){{0,3}}){_HANDLE}"
)
_QQ = re.compile(
    r"(?:(?<![A-Za-z])[Qq][Qq]|扣扣|企鹅)(?:号码?|[Ii][Dd])?(?:是|为|[:： ]){0,4}"
    r"([1-9][0-9]{4,10})(?![0-9A-Za-z.年版])"
)
# What must be there: looking for one sign is ten times as fast as looking for the pattern.
_CHAT_SIGN, _QQ_SIGN = re.compile("[微薇威信VvWw]"), re.compile("[Qq扣鹅]")
_CHAT_WORDS = frozenset(
    (
        "iphone",
        "android",
        "windows",
        "wechat",
        "harmony",
        "alipay",
        "official",
        "service",
        "version",
    )
)


def codes_in(shadow: str) -> Iterator[Found]:
    """Yield e-mail addresses, number plates and chat names."""
    if "@" in shadow or "at" in shadow or "艾特" in shadow:
        yield from _emails(shadow)
    yield from _plates(shadow)
    yield from _chats(shadow)


def _emails(shadow: str) -> Iterator[Found]:
    for match in _EMAIL.finditer(shadow):
        if not _ROLE.fullmatch(match[1]):
            yield "email", match.start(), match.end()


def _plates(shadow: str) -> Iterator[Found]:
    found = [match for match in _PLATE.finditer(shadow) if _is_plate(shadow, match)]
    if found or _PLATE_SAID.search(shadow):
        # a list of plates may hold one whose province was mistyped or left out by who wrote it
        found += [match for match in _ANY_PLATE.finditer(shadow) if _is_plate(shadow, match)]
    for start, end in sorted({match.span() for match in found}):
        yield "plate", start, end


def _is_plate(shadow: str, match: re.Match[str]) -> bool:
    """Say whether a plate has the figures that one has: at most two of its signs are letters."""
    figures = sum(sign.isdigit() for sign in match[3])
    if figures < (4 if len(match[3]) == 6 else 3) - (not match[3][-1].isascii()):
        return False
    before = shadow[max(0, match.start() - 1) : match.start()]
    return not (match[1] == "新" and _NOT_PLATE.search(before))


def _chats(shadow: str) -> Iterator[Found]:
    for match in _WECHAT.finditer(shadow) if _CHAT_SIGN.search(shadow) else ():
        name = match[1]
        is_word = name.isalpha() and match[0][: -len(name)].strip() in {"微信", "WeChat", "wechat"}
        if name.lower() in _CHAT_WORDS or is_word:
            continue
        yield "wechat_qq", *match.span(1)
    for match in _QQ.finditer(shadow) if _QQ_SIGN.search(shadow) else ():
        yield "wechat_qq", *match.span(1)
