"""The texts of a cluster in; its name in the complainers' own words and its face out.

A label is a run of words that several of the texts hold, particles between them aside; where they
share none, the clause that holds most of what many tell, or one of the representative.
Figures: docs/adr/0023-features-and-labels.md.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from classify.label_words import (
    CJK,
    CLAUSE,
    EDGE,
    FUNCTION_WORDS,
    NOISE,
    OPENERS,
    PARTICLES,
    SOLID,
    STUB,
    Idf,
    Told,
    Weights,
    bare_of,
    tell_text,
)
from classify.text import rewrite, tidy

READ_ALONE = 80  # the same of a text that is alone
LABEL_CHARACTERS = 24
PHRASE = (4, 20)  # characters of a phrase, shortest and longest
LATIN_PHRASE = 40  # characters, longest, of a phrase in words parted by spaces
LONGEST_RUN = 8  # content words of a phrase
SHARED_WORD = 0.3  # the same for a keyword
IN_BODY = 0.5  # worth of a phrase in a body beside one in a title
AT_BORDER = 1.15  # the same where a phrase begins or ends with its clause
BROKEN_OFF = 0.7  # the same where the texts share the next word, too: half a name
FEW = 3  # texts up to which a label stays that holds the better phrase
TELLS_ALONE = 6  # characters of a phrase that needs no clause around it
STAYS = 1.3  # by so much a new label must be better than the one so far
KEYWORDS = 3
GOOD_LENGTH = 80  # characters: a representative near this reads best and is shown whole


@dataclass(frozen=True, slots=True)
class Member:
    """What is remembered of one text: its length and its form (`vectors.Fields`)."""

    length: int
    has_title: bool
    is_complaint: bool


class _Run(NamedTuple):
    """A run of words in one text: as it stands there, particles and all."""

    surface: str
    is_whole: bool  # no particle stands in it


class _Phrase(NamedTuple):
    """A run of content words and how well it tells of the texts."""

    key: tuple[str, ...]
    surface: str
    score: float


def name_cluster(
    texts: Sequence[tuple[str, str]],
    face: int,
    segment: Callable[[str], list[str]],
    idf: Idf,
    before: str = "",
) -> tuple[str, tuple[str, ...]]:
    """Return the label and up to three keywords.

    `texts` are (title, text) as written: the exemplars, then up to some 30 newest members; `face`
    is the representative's index among them. `idf` weighs words in plain spelling. `before` is the
    label so far: it stays unless a new one is clearly better, so that names do not flicker.
    """
    several = len(texts) > 1
    told = [tell_text(title, text, segment, title_only=not several) for title, text in texts]
    weights = Weights(told, idf)
    phrases = _mine(told, weights) if several else {}
    best = max(phrases.values(), key=lambda one: (one.score, one.surface), default=None)
    if best is None:
        label = _without_phrase(told, face, weights, segment, before)
        return label, _keywords(told, weights, label)
    stays = _score_of(before, phrases, segment)
    if len(told) <= FEW and best.surface in before:
        stays = best.score
    label = before if stays and stays * STAYS >= best.score else _readable(best, told, face)
    return label, _keywords(told, weights, label)


def name_single(title: str, text: str, segment: Callable[[str], list[str]]) -> str:
    """Return the label of a text that is alone: the longest clause of its title or beginning.

    Most texts stay alone, so this weighs no words: it costs a tenth of `name_cluster`.
    """
    head = title if len(title) >= STUB else f"{title}\n{text[:READ_ALONE]}"
    clauses = [
        bare
        for part in CLAUSE.split(tidy(NOISE.sub(" ", head[:READ_ALONE])))
        if (bare := bare_of(part))
    ]
    if not clauses:
        return ""
    return _cut(segment(max(clauses, key=lambda clause: min(len(clause), LABEL_CHARACTERS))))


# --- phrases ------------------------------------------------------------------------------------


def _mine(told: Sequence[Told], weights: Weights) -> dict[tuple[str, ...], _Phrase]:
    """Return the phrases that enough texts hold, by their content words."""
    worth: dict[tuple[str, ...], float] = defaultdict(float)
    holders: Counter[tuple[str, ...]] = Counter()
    surfaces: dict[tuple[str, ...], Counter[_Run]] = defaultdict(Counter)
    for one in told:
        mine: dict[tuple[str, ...], float] = {}
        for number, clause in enumerate(one.clauses):
            value = 1.0 if number < one.n_title else IN_BODY
            for key, run, rounded in _runs(clause, weights):
                mine[key] = max(mine.get(key, 0.0), value * rounded)
                surfaces[key][run] += 1
        for key, value in mine.items():
            worth[key] += value
        holders.update(mine)
    found = {}
    for key, count in holders.items():
        if count >= weights.least:
            surface = _surface(surfaces[key])
            telling = sum(weights.idf[word] for word in key) / len(key)
            score = worth[key] * math.sqrt(len(surface) * telling)
            found[key] = _Phrase(key, surface, score)
    return found


def _runs(clause: Sequence[str], weights: Weights) -> Iterator[tuple[tuple[str, ...], _Run, float]]:
    """Yield runs of content words, how they stand there and how well rounded they are."""
    plain = [weights.plain[word] for word in clause]
    shared = [weights.held[word] >= weights.least for word in plain]
    for first, word in enumerate(plain):
        if not (shared[first] and _may_begin(plain, shared, first)):
            continue
        if word not in weights.telling and not _is_code(word):
            continue
        begins = _roundness(plain, shared, first - 1)
        key: list[str] = []
        surface, is_whole = "", True
        for last in range(first, len(plain)):
            surface += clause[last]
            if plain[last] in PARTICLES or plain[last].isspace():
                is_whole = is_whole and plain[last].isspace()
                continue
            if not shared[last] or not _fits(surface) or len(key) == LONGEST_RUN:
                break
            key.append(plain[last])
            if len(surface) >= PHRASE[0] and _may_end(plain, last, weights):
                rounded = begins * _roundness(plain, shared, last + 1)
                yield tuple(key), _Run(surface, is_whole), rounded


def _is_code(word: str) -> bool:
    """Letters and digits before a name belong to it: A7县, K2养生壶."""
    return (word.isascii() and word.isalnum() and word not in FUNCTION_WORDS) or word == "a"


def _may_begin(plain: Sequence[str], shared: Sequence[bool], first: int) -> bool:
    """Half a name (县春华镇 of A7县春华镇) is no beginning."""
    if first == 0 or not shared[first - 1]:
        return True
    return len(plain[first]) > 1 and not _is_code(plain[first - 1])


def _may_end(plain: Sequence[str], last: int, weights: Weights) -> bool:
    """Refuse a number or a single character: something longer may begin with it."""
    word = plain[last]
    if word not in weights.telling or word.isdecimal():
        return False
    return len(word) > 1 or last == len(plain) - 1 or plain[last + 1] in FUNCTION_WORDS


def _roundness(plain: Sequence[str], shared: Sequence[bool], beside: int) -> float:
    """Return what the word beside a run makes of it."""
    if not 0 <= beside < len(plain):
        return AT_BORDER
    return BROKEN_OFF if shared[beside] and plain[beside] not in FUNCTION_WORDS else 1.0


def _fits(surface: str) -> bool:
    return len(surface) <= (PHRASE[1] if CJK.search(surface) else LATIN_PHRASE)


def _surface(runs: Counter[_Run]) -> str:
    """Return how it is mostly put, without particles where somebody puts it so."""
    ranked = sorted(runs, key=lambda run: (not run.is_whole, -runs[run], len(run.surface), run))
    return ranked[0].surface


def _readable(phrase: _Phrase, told: Sequence[Told], face: int) -> str:
    """Return the phrase, or the shortest clause of a title around one that is too short."""
    if len(phrase.surface) >= TELLS_ALONE:
        return phrase.surface
    order = [told[face], *(one for number, one in enumerate(told) if number != face)]
    clauses = [
        text
        for one in order
        for clause in one.clauses[: one.n_title]
        if phrase.surface in "".join(clause) and phrase.surface in (text := _cut(clause))
    ]
    return min(clauses, key=len) if clauses else phrase.surface


def _score_of(
    before: str,
    phrases: dict[tuple[str, ...], _Phrase],
    segment: Callable[[str], list[str]],
) -> float:
    """Return how well the label so far still tells of the texts: 0.0 when too few hold it."""
    if not before:
        return 0.0
    whole = [one.score for one in phrases.values() if one.surface in before]
    words = tuple(
        plain
        for word in segment(before)
        if (plain := rewrite(word)) not in PARTICLES and SOLID.search(plain)
    )
    if words in phrases:
        return phrases[words].score
    return max(whole, default=0.0)


# --- where no phrase is shared ------------------------------------------------------------------


def _without_phrase(
    told: Sequence[Told],
    face: int,
    weights: Weights,
    segment: Callable[[str], list[str]],
    before: str,
) -> str:
    """Return the label so far, or a clause where one says clearly more of what many texts tell.

    Many people put one thing in many ways: 炸篮掉涂层, 炸篮起皮, 炸篮底部的涂层脱落 share two words
    and no run of them.
    """
    best, worth = _common(told, weights) if len(told) > FEW else ("", 0.0)
    if before and any(before in "".join(clause) for one in told for clause in one.clauses):
        stays = _common_worth(_telling(map(rewrite, segment(before)), weights), before, weights)
        return best if worth > stays * STAYS else before
    return best or _clause(told[face], weights)


def _common(told: Sequence[Told], weights: Weights) -> tuple[str, float]:
    """Return the clause with most of the words that many texts hold, and its worth."""
    found = {}
    for one in told:
        for number, clause in enumerate(one.clauses):
            surface = "".join(clause)
            if len(surface) <= LABEL_CHARACTERS:
                words = _telling((weights.plain[word] for word in clause), weights)
                worth = _common_worth(words, surface, weights)
                found[_cut(clause)] = worth * (1.0 if number < one.n_title else IN_BODY)
    return max(found.items(), key=lambda item: (item[1], item[0]), default=("", 0.0))


def _common_worth(words: set[str], surface: str, weights: Weights) -> float:
    """Return how much of what many texts tell stands in a clause per character; 0.0 under two."""
    least = max(2, math.ceil(SHARED_WORD * weights.texts))
    shared = [word for word in sorted(words) if weights.held[word] >= least]
    if len(shared) < 2:
        return 0.0
    tells = sum(weights.idf[word] * weights.held[word] for word in shared)
    return tells / max(len(surface), TELLS_ALONE)


def _clause(told: Told, weights: Weights) -> str:
    """Return the clause of one text that tells most, of its title where it has one."""
    clauses = told.clauses[: told.n_title] or told.clauses
    if not clauses:
        return ""
    return _cut(max(clauses, key=lambda clause: _tells(clause, weights)))


def _tells(clause: Sequence[str], weights: Weights) -> float:
    words = _telling((weights.plain[word] for word in clause), weights)
    return sum(weights.idf[word] for word in sorted(words))


def _telling(words: Iterable[str], weights: Weights) -> set[str]:
    return {word for word in words if len(word) > 1} & weights.telling


def _cut(clause: Sequence[str]) -> str:
    """Join words as far as they fit into a label; no particle or number stands last of a cut."""
    kept = list(clause)
    while len(kept) > 1 and kept[0] in OPENERS:
        kept.pop(0)
    while len(kept) > 1 and kept[-1] in PARTICLES:
        if kept[-1] == "了" and len("".join(kept)) < TELLS_ALONE:  # 赠品没了 says it whole
            break
        kept.pop()
    fitting = len(kept)
    while len("".join(kept)) > LABEL_CHARACTERS and len(kept) > 1:
        kept.pop()
    if len(kept) < fitting:
        while len(kept) > 1 and (kept[-1] in FUNCTION_WORDS or kept[-1].isdecimal()):
            kept.pop()
    return "".join(kept)[:LABEL_CHARACTERS].strip(EDGE)


# --- keywords and face --------------------------------------------------------------------------


def _keywords(told: Sequence[Told], weights: Weights, label: str) -> tuple[str, ...]:
    """Return the words that tell most beside the label; those in it where there are no others."""
    least = min(len(told), max(2, math.ceil(SHARED_WORD * len(told))))
    shown = rewrite(label)

    def worth(word: str) -> float:
        return weights.idf[word] * weights.held[word] * (1.5 if word in weights.titled else 1.0)

    words = [word for word in weights.telling if len(word) > 1 and weights.held[word] >= least]
    words.sort(key=lambda word: (word in shown, -worth(word), word))
    spelled = {plain: word for word, plain in reversed(weights.plain.items())}
    return tuple(spelled[word] for word in words[:KEYWORDS])


def choose_face(members: Sequence[Member], likeness: Sequence[float]) -> int:
    """Return the index of the member that stands for all.

    `likeness` is each one's mean cosine to the others; far from 80 characters and without a
    headline counts against it. Equal ones: the oldest.
    """

    def worth(index: int) -> float:
        member = members[index]
        off = abs(math.log((member.length + 10) / (GOOD_LENGTH + 10)))
        return likeness[index] / (1.0 + 0.3 * off) * (1.0 if member.has_title else 0.95)

    return max(range(len(members)), key=lambda index: (worth(index), -index))
