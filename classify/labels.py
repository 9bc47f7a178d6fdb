"""The texts of a cluster in; its name in the complainers' own words and its face out."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from classify.vectors import split_fields

GIST_READ = 300  # characters of a text from which its beginning is taken
GIST_CHARACTERS = 80
LABEL_CHARACTERS = 24
PHRASE = (4, 16)  # characters, shortest and longest
KEYWORDS = 3
KEYWORD_SHARE = 0.3  # of the texts that must hold a keyword
GOOD_LENGTH = 60  # characters: a representative near this reads best
_EDGE = " \t\n,.;:!?、，。；：！？…~～-—·\"'“”‘’()（）[]【】《》<>#@/|_"
_SOLID = re.compile(r"[^\W_]")
_WORDS_TEXT = """
的 了 是 在 和 与 及 或 我 你 他 她 它 我们 你们 他们 这 那 就 也 都 还 又 很 太 吗 呢 吧 啊 被 把
对 从 到 向 给 让 请 为 以 之 其 有 不是 一个 什么 怎么 为什么 因为 所以 但是 如果 可以
the a an of to in on at for and or is are was were be it this that with by from my our we i you
"""
_FUNCTION_WORDS = frozenset(_WORDS_TEXT.split())


@dataclass(frozen=True, slots=True)
class Member:
    """What is remembered of one text: its length and its form (`vectors.Fields`)."""

    length: int
    has_title: bool
    is_complaint: bool


def gist_of(title: str, body: str) -> str:
    """Return how a text begins, as one line of at most 80 characters."""
    line = title.strip() or body.strip()
    return " ".join(line.split())[:GIST_CHARACTERS].strip(_EDGE)


def shorten(gist: str) -> str:
    """Cut a beginning to a label, at a mark where there is one."""
    if len(gist) <= LABEL_CHARACTERS:
        return gist
    head = gist[:LABEL_CHARACTERS]
    cut = max(head.rfind(mark) for mark in "，。,.!！?？;； ")
    return (head[:cut] if cut >= LABEL_CHARACTERS // 2 else head).strip(_EDGE)


def _phrases(words: Sequence[str]) -> set[str]:
    """Return runs of words of 4 to 16 characters, no function word first or last."""
    found = set()
    for first, word in enumerate(words):
        if not _SOLID.match(word) or word in _FUNCTION_WORDS:
            continue
        run = ""
        for later in words[first:]:
            if not _SOLID.match(later) and later != " ":
                break
            run += later
            if len(run) > PHRASE[1]:
                break
            if len(run) >= PHRASE[0] and later not in _FUNCTION_WORDS and later != " ":
                found.add(run)
    return found


def name_cluster(
    texts: Sequence[tuple[str, str]],
    face: int,
    segment: Callable[[str], list[str]],
    idf: Callable[[Sequence[str]], Sequence[float]],
    before: str = "",
) -> tuple[str, tuple[str, ...]]:
    """Return the label and up to three keywords.

    `texts` are (title, text) as written: the exemplars, then up to some 30 newest members; `face`
    is the representative's index among them. `before` is the label so far: it stays unless a new
    one is clearly better.

    The label is the phrase that most of the texts share (count * sqrt(length), measured best of
    three on dev), else how the representative begins.
    """
    gists = [_gist(title, text) for title, text in texts]
    cut = [segment(gist) for gist in gists]
    label = _phrase(cut) if len(cut) > 1 else ""
    if before and label and before in "\n".join(gists):
        label = before if _support(before, gists) >= _support(label, gists) else label
    return label or shorten(gists[face]), _keywords(cut, idf)


def _support(phrase: str, gists: Sequence[str]) -> int:
    return sum(phrase in gist for gist in gists)


def _gist(title: str, text: str) -> str:
    """Return how a text begins, as it was written: names are shown, not the plain spelling."""
    fields = split_fields(title[:GIST_READ], text[:GIST_READ])
    return gist_of(fields.title, fields.body)


def _phrase(cut: Sequence[Sequence[str]]) -> str:
    """Return the best phrase that at least half of the texts share, "" when there is none."""
    phrases = Counter(phrase for words in cut for phrase in _phrases(words))
    least = max(2, math.ceil(len(cut) / 2))
    shared = [(count * math.sqrt(len(p)), p) for p, count in phrases.items() if count >= least]
    return max(shared)[1] if shared else ""


def _keywords(
    cut: Sequence[Sequence[str]], idf: Callable[[Sequence[str]], Sequence[float]]
) -> tuple[str, ...]:
    held = Counter(word for words in cut for word in set(words))
    least = max(1.0, KEYWORD_SHARE * len(cut))
    words = sorted(
        word
        for word, count in held.items()
        if count >= least and len(word) >= 2 and _SOLID.search(word) and word not in _FUNCTION_WORDS
    )
    if not words:
        return ()
    ranked = sorted(
        zip(idf(words), words, strict=True), key=lambda one: (-one[0] * held[one[1]], one[1])
    )
    return tuple(word for _, word in ranked[:KEYWORDS])


def choose_face(members: Sequence[Member], likeness: Sequence[float]) -> int:
    """Return the index of the member that stands for all.

    `likeness` is each one's mean cosine to the others; far from 60 characters and without a
    headline counts against it. Equal ones: the oldest.
    """

    def worth(index: int) -> float:
        member = members[index]
        off = abs(math.log((member.length + 10) / (GOOD_LENGTH + 10)))
        return likeness[index] / (1.0 + 0.15 * off) * (1.0 if member.has_title else 0.95)

    return max(range(len(members)), key=lambda index: (worth(index), -index))
