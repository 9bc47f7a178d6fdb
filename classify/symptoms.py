"""A text in, the families of trouble it tells of out: what is wrong with the thing or the service.

Two complaints in other words about the same trouble share a family; together with the product it
is what a defective batch shows in (classify.md, facts). What is denied (不漏水了, 没有漏水), feared
or asked (会不会漏水) is no trouble of this thing.
"""

from __future__ import annotations

import re
from functools import cache

from classify.lexicon import sections
from classify.phrases import PhraseIndex, Place
from classify.text import normalise
from storage.records import Verdict

_SERVICE = "服务:"  # families about the service: too common to tell one incident from another

# What takes a symptom back stands right before it (不漏水, 没再漏水, 没有任何异味): with a word
# between (没用几天就漏水, 不知道为什么漏水) it is said after all.
_LOOK_BACK = 12  # characters: the longest denial with its fillers
_DENIED = re.compile(
    r"(?:不会?|没有?|没再|不再|再也不|从[不未没]|从来[不没]有?|未|并?无|毫无|绝不|防止?|杜绝|避免|并?不是|不存在|别|不要)"
    r"(?:再|出现|发生|有过?|任何|过|明显|一点|什么|半点|一丝|丝毫|也|会|那么|怎么|因为){0,3}$"
)
_SUPPOSED = re.compile(
    r"(?:希望|但愿|会不会|会不|有没有?|是不是会|是否会?|万一|如果|要是|假如|生怕|怕|担心|以免|谨防|预防|小心|容不容易|能不)"
    r"[^,;:。!?\n]{0,5}$"
)
_TWICE = re.compile(r"(?:没有?|无|哪有|哪个|无一|能|会|是|不|要|免|难|得)不$")  # 没有不漏的, 免不了
_TAKEN_BACK = re.compile(r"[?!]{0,2}(?:没有的事|不存在(?![一-龥])|的谣言|是谣言|的情况没有)")
_STILL = re.compile(r"[^,;:。!?\n]{0,6}(?:才怪|就是|而是)")  # 不漏水才怪, 不是漏水就是跳闸
_CLAUSE_START = re.compile(r"[,;:。!?\n…~]")


@cache
def _index() -> PhraseIndex:
    return PhraseIndex(
        (phrase, family, 1.0)
        for family, phrases in sections("symptoms").items()
        for phrase in phrases
    )


def troubles(verdict: Verdict) -> tuple[str, ...]:
    """Return what is wrong with which product, one string a pair; () when either is not named.

    Two mentions with the same trouble belong together even when they share few words. A fault
    without its product says little: water leaks in many places.
    """
    faults = [one for one in verdict.symptoms if not one.startswith(_SERVICE)]
    return tuple(f"{product}×{fault}" for product in verdict.products for fault in faults)


def symptoms(text: str) -> tuple[str, ...]:
    """Return the families of trouble that a text states, each once, in the order they stand."""
    return tuple(dict.fromkeys(place.label for place in stated(normalise(text))))


def stated(plain: str) -> list[Place]:
    """Return where a text in plain spelling states a symptom, in text order."""
    found = [place for place in _index().find(plain) if place.label]
    if not found:
        return found
    return sorted(
        (place for place in found if _is_stated(plain, place)), key=lambda place: place.start
    )


def _is_stated(plain: str, place: Place) -> bool:
    before = plain[max(0, place.start - _LOOK_BACK) : place.start]
    borders = list(_CLAUSE_START.finditer(before))
    if borders:
        before = before[borders[-1].end() :]
    if _TAKEN_BACK.match(plain, place.end):
        return False
    if before and _SUPPOSED.search(before):
        return False
    if not before or not _DENIED.search(before):
        return True
    return bool(_TWICE.search(before) or _STILL.match(plain, place.end))
