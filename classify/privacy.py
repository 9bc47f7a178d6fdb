"""Text in, the same text out with personal numbers masked; look-alikes stay as they are.

Only what its own check digit or prefix proves is masked, so order numbers, prices, dates and model
numbers survive. Spaces, hyphens and full-width digits between the figures are seen through.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

# Digits of either width. A run must not touch another digit, letter or a decimal point's figures.
_D = "[0-9０-９]"
_SEP = r"[ \-－·—]?"
_LEFT = r"(?<![0-9０-９A-Za-z])(?<![0-9０-９][.．_/\-])"
_RIGHT = r"(?![0-9０-９A-Za-z])(?![.．_/\-][0-9０-９])"

_MOBILE = re.compile(
    rf"(?<![0-9０-９])(?<![0-9０-９][.．_/\-])(?<![A-Za-z]{{2}})((?:[+＋]?(?:86|８６){_SEP})?)"
    rf"([1１][3-9３-９]{_D}){_SEP}({_D}{{4}}){_SEP}({_D}{{4}})(?![0-9０-９])(?![.．/][0-9０-９])"
)
_LANDLINE = re.compile(
    rf"{_LEFT}([(（]?0(?:10|2[0-9]|[3-9][0-9]{{2}})[)）]?[ \-－]?)"
    rf"([2-8][0-9]{{2,3}})([0-9]{{4}}){_RIGHT}"
)
_ID_CARD = re.compile(rf"(?<![0-9０-９A-Za-z])({_D}{{17}}[0-9０-９XxＸｘ])(?![0-9０-９A-Za-z])")
# UnionPay (62, 16 to 19 figures), Visa, Mastercard and JCB (16): other long numbers are orders.
_BANK_CARD = re.compile(
    r"(?<![0-9０-９A-Za-z])("
    rf"(?:[6６][2２]{_D}{{2}}(?:[ \-－]?{_D}{{4}}){{3}}(?:[ \-－]?{_D}{{1,3}})?)"
    rf"|(?:(?:[4４]{_D}|[5５][1-5１-５]|[3３][5５]){_D}{{2}}(?:[ \-－]?{_D}{{4}}){{3}}))"
    r"(?![0-9０-９A-Za-z])"
)
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+\-])([A-Za-z0-9_%+\-][A-Za-z0-9._%+\-]{0,63})([@＠])"
    r"([A-Za-z0-9](?:[A-Za-z0-9\-]{0,62}\.)+[A-Za-z]{2,24})(?![A-Za-z0-9])"
)
# Province sign, letter of the city, then five figures or letters (six for electric cars); I and O
# are not used. 学警挂使领港澳 close the plates of special cars.
_PLATE = re.compile(
    r"([京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Za-hj-np-z])"
    r"([ ·•・\-]?)([A-HJ-NP-Za-hj-np-z0-9]{4,5})([A-HJ-NP-Za-hj-np-z0-9学警挂领港澳])"
    r"(?![A-Za-z0-9])"
)
_FULL_TO_HALF = str.maketrans("０１２３４５６７８９Ｘｘ", "0123456789Xx")

# Weights and check characters of GB 11643-1999.
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"
_HIDDEN = "*"


def mask(text: str) -> str:
    """Return `text` with phone, ID card, bank card, e-mail and number plate masked.

    What stays lets a person recognise their own: 138****1234, 110101********1234, 6222****5678,
    w***@example.com, 沪A***89.
    """
    for pattern, replace in _rules():
        text = pattern.sub(replace, text)
    return text


def _rules() -> Iterator[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]]:
    """Yield the rules in order: a longer number is tried before a shorter one inside it."""
    yield _EMAIL, _email
    yield _ID_CARD, _id_card
    yield _BANK_CARD, _bank_card
    yield _MOBILE, _mobile
    yield _LANDLINE, _landline
    yield _PLATE, _plate


def _mobile(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}****{match[4]}"


def _landline(match: re.Match[str]) -> str:
    return f"{match[1]}{_HIDDEN * len(match[2])}{match[3]}"


def _id_card(match: re.Match[str]) -> str:
    number = match[1].translate(_FULL_TO_HALF).upper()
    if not is_id_card(number):
        return match[0]
    return f"{number[:6]}********{number[-4:]}"


def _bank_card(match: re.Match[str]) -> str:
    figures = re.sub(r"[^0-9]", "", match[1].translate(_FULL_TO_HALF))
    if not passes_luhn(figures):
        return match[0]
    return f"{figures[:4]}****{figures[-4:]}"


def _email(match: re.Match[str]) -> str:
    return f"{match[1][0]}***{match[2]}{match[3]}"


def _plate(match: re.Match[str]) -> str:
    body = match[3] + match[4]
    if not any(sign.isdigit() for sign in body):
        return match[0]  # 京ABCDEF is a word of somebody's, not a plate
    return f"{match[1]}{match[2]}***{body[-2:]}"


def is_id_card(number: str) -> bool:
    """Whether 18 characters are a resident identity number: region, day of birth, check digit."""
    if not ("11" <= number[:2] <= "82" and "1900" <= number[6:10] <= "2099"):
        return False
    if not ("01" <= number[10:12] <= "12" and "01" <= number[12:14] <= "31"):
        return False
    total = sum(
        weight * int(figure) for weight, figure in zip(_ID_WEIGHTS, number[:17], strict=True)
    )
    return _ID_CHECKS[total % 11] == number[17]


def passes_luhn(figures: str) -> bool:
    """Whether a card number's last digit is right (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, figure in enumerate(reversed(figures)):
        value = int(figure) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
