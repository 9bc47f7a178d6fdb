"""Mentions with their brand hits in, how negative each is towards the brand out, with reasons.

The model is linear over hashed n-grams, so every score is a sum that can be shown word by word.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from classify import english
from classify.adapting import Adaptation, Adapter
from classify.adapting_words import Cells, Words, cells_of, shares_of
from classify.cues import CUES, find_cues, lexicon_digest, strengths
from classify.english import Reading
from classify.features import HASH_BITS, Ints, Spans, extract, whole_words
from classify.focus import focus, marked
from classify.segment import segment, tokeniser_fingerprint
from config.errors import ModelError
from storage.records import BrandHit, Term

MODELS = Path(__file__).parent / "models"
TERMS = 8  # words shown with a verdict; `explain` returns all
_DECIMALS = 6  # shown weights and scores do not depend on the batch they were summed in
_FARTHEST = 12.0  # log-odds; nothing read is surer than 1 in 160,000
_BATCH_CHARACTERS = 40_000  # keeps the arrays of one batch within the processor's cache

# A star rating says what the writer meant. Log-odds per star of five; not learned (no set holds
# stars and text apart), set so that one star outweighs a typical lukewarm text.
_RATING_LOG_ODDS = {1: 2.5, 2: 1.5, 3: 0.3, 4: -1.0, 5: -2.0}

# A name that stands only inside a longer watched name is rarely what the text blames: one in four
# such rows of bdci2019_finneg_entity_train, against one in two. Log-odds.
_NESTED = -3.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreItem:
    """What is to be scored: one mention towards one brand. Without hits the whole text counts."""

    text: str
    title: str = ""
    hits: tuple[BrandHit, ...] = ()
    others: tuple[BrandHit, ...] = ()  # places where other watched brands are named
    rating: float | None = None  # stars of five
    is_nested: bool = False  # the brand's name stands only inside longer names of others
    adaptation: Adaptation | None = None  # of the source that the text comes from


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The probabilities of negative and of positive, and the words that pushed the first.

    The weights of all words of the text plus `bias` and `shift` are the log-odds of `negative`:
    `shift` is what adaptation to the text's source adds whatever it says. What is left to one is
    the probability of neither; adaptation leaves positive's share of what is not negative alone.
    """

    negative: float
    positive: float = 0.0
    terms: tuple[Term, ...] = ()
    bias: float = 0.0
    shift: float = 0.0
    adaptation: int = 0  # version of the source's adaptation, 0 for none
    scorer: str = ""  # which scorer read the text, where it was not the n-gram model


class _Shares(NamedTuple):
    """What each feature of a batch adds to the log-odds of its text, and where it stands."""

    row: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    weight: Floats


class _Sums(NamedTuple):
    """The shares of a batch, and per text the sums that speak for negative and for positive."""

    shares: _Shares
    negative: Floats
    positive: Floats


class Scorer:
    """Scores mentions with saved weights. Safe to share: nothing changes after loading."""

    def __init__(
        self,
        weights: NDArray[np.float32],
        positive: NDArray[np.float32],
        idf: NDArray[np.float32],
        card: Any,
    ) -> None:
        self._weights = weights
        self._idf = idf
        self._cue_weights = np.array([card["cues"][cue] for cue in CUES])
        self._bias = float(card["bias"])
        self._positive = positive
        self._cue_positive = np.array([card["positive"]["cues"][cue] for cue in CUES])
        self._positive_bias = float(card["positive"]["bias"])
        self._positive_of_negative = float(card["positive"]["of_negative"])
        self.version: str = card["version"]
        self.adapter = Adapter.of(card["adapter"])
        self.card: dict[str, Any] = card

    @classmethod
    def load(cls, directory: Path | None = None) -> Scorer:
        """Load `negative.json` and `negative.npz` of a directory, else the shipped ones.

        Errors: ModelError when a file is missing or broken, or the model was trained with words
        cut, or a list of feelings worded, otherwise than here.
        """
        return _shipped() if directory is None else cls._read(directory)

    @classmethod
    def _read(cls, folder: Path) -> Scorer:
        try:
            card = json.loads((folder / "negative.json").read_text(encoding="utf-8"))
            # opened here, so that it is closed when it turns out to be no archive
            with (
                (folder / "negative.npz").open("rb") as file,
                np.load(file, allow_pickle=False) as arrays,
            ):
                names = ("weights", "positive", "idf")
                weights, positive, idf = (arrays[name].astype(np.float32) for name in names)
            scorer = cls(weights, positive, idf, card)
            trained_with = (card["tokeniser"], card["hash_bits"], card["lexicon"])
        except (OSError, EOFError, BadZipFile, ValueError, KeyError) as error:
            raise ModelError(
                f"loading the negative model from {folder}: {error!r}; install the package again"
                " or train with `python -m classify.training`"
            ) from error
        here = (tokeniser_fingerprint(), HASH_BITS, lexicon_digest())
        if trained_with != here:
            raise ModelError(
                f"the negative model in {folder} was trained with (tokeniser, hash bits, lexicon)"
                f" {trained_with}, here they are {here}; install what it names or train again"
            )
        return scorer

    def score_many(self, items: Sequence[ScoreItem]) -> list[Score]:
        """Score items and keep their order; each score carries its TERMS strongest words."""
        return self._scores(items, TERMS)

    def log_odds_many(self, items: Sequence[ScoreItem]) -> Floats:
        """Return the log-odds of negative only, unadapted: the fast way for evaluation."""
        return self.both_log_odds_many(items)[0]

    def both_log_odds_many(self, items: Sequence[ScoreItem]) -> tuple[Floats, Floats]:
        """Return the log-odds of negative, and of positive among what is not negative.

        Unadapted and without words.
        """
        texts = [_own(item) for item in items]
        sums = [self._contributions(batch)[1:] for batch in _batches(texts)]  # the shares are large
        beside = np.array([sum(part for _, part in _known_of(item)) for item in items])
        negative = np.concatenate([np.zeros(0), *(negative for negative, _ in sums)])
        positive = np.concatenate([np.zeros(0), *(positive for _, positive in sums)])
        negative, positive = negative + self._bias, positive + self._positive_bias
        for index, item in enumerate(items):
            if not texts[index] and (reading := _english(item)):
                negative[index] = english.BIAS + reading.negative
                positive[index] = reading.positive
        return negative + beside, positive + beside * self._positive_of_negative

    def cells_many(self, items: Sequence[ScoreItem]) -> Cells:
        """Return which n-grams the items hold: what adaptation to their source learns from."""
        return cells_of([_own(item) for item in items])

    def unknown_words(self, items: Sequence[ScoreItem]) -> tuple[Ints, Ints]:
        """Return per item how many words have no weight here, and how many it has.

        Words of two characters and more; single ones are all known. Hashing lets some unknown word
        look known, so shares are for comparing, not for themselves.
        """
        spans = whole_words([_own(item) for item in items])
        long = spans.end - spans.start > 1
        row, bucket = spans.row[long], spans.bucket[long]
        unknown = np.bincount(row[self._idf[bucket] == 0], minlength=len(items))
        return unknown, np.bincount(row, minlength=len(items))

    def explain(self, item: ScoreItem) -> Score:
        """Score one item and return all words of the text that was looked at."""
        return self._scores([item], None)[0]

    def _scores(self, items: Sequence[ScoreItem], limit: int | None) -> list[Score]:
        texts = [_own(item) for item in items]
        learned = [item.adaptation.words if item.adaptation else None for item in items]
        scores: list[Score] = []
        for batch in _batches(texts):
            sums = self._contributions(batch, learned[len(scores) : len(scores) + len(batch)])
            worded = _per_word(batch, sums.shares, limit)
            for words, negative, positive in zip(worded, sums.negative, sums.positive, strict=True):
                item, text = items[len(scores)], texts[len(scores)]
                reading = None if text else _english(item)
                if reading:
                    scores.append(self._english_score(item, reading, limit))
                else:
                    other = float(positive) + self._positive_bias
                    scores.append(self._score(item, words, float(negative) + self._bias, other))
        return scores

    def _english_score(self, item: ScoreItem, reading: Reading, limit: int | None) -> Score:
        words = sorted(reading.words, key=lambda term: -abs(term.weight))[:limit]
        score = self._score(item, words, english.BIAS + reading.negative, reading.positive)
        return replace(score, bias=english.BIAS, scorer=english.SCORER)

    def _score(self, item: ScoreItem, words: list[Term], negative: float, other: float) -> Score:
        known = [Term(text=text, weight=weight) for text, weight in _known_of(item)]
        beside = sum(term.weight for term in known)
        shift = round(item.adaptation.constant, _DECIMALS) if item.adaptation else 0.0
        is_negative = _bounded(negative + beside + shift)
        # Of what is not negative, this share is positive: so both never add up to more than one.
        is_positive = _bounded(other + beside * self._positive_of_negative)
        return Score(
            negative=round(is_negative, _DECIMALS),
            positive=round((1 - is_negative) * is_positive, _DECIMALS),
            terms=(*known, *words),
            bias=self._bias,
            shift=shift,
            adaptation=item.adaptation.version if item.adaptation else 0,
        )

    def _contributions(self, texts: Sequence[str], learned: Sequence[Words | None] = ()) -> _Sums:
        """Return what each n-gram and cue adds to the log-odds, and the sums per text.

        `learned`: the words of each text's source, which speak for negative only.
        """
        spans = extract(texts)
        added = shares_of(learned, spans)
        known = self._idf[spans.bucket] > 0  # what training never kept adds nothing
        spans = Spans(*(column[known] for column in spans))
        # A feature counts once per text: repeats share the weight of one.
        _, index, times = np.unique(
            (spans.row << HASH_BITS) | spans.bucket, return_inverse=True, return_counts=True
        )
        idf = self._idf[spans.bucket].astype(np.float64)
        once = 1.0 / times[index]
        squares = np.bincount(spans.row, weights=idf * idf * once, minlength=len(texts))
        norm = np.sqrt(np.maximum(squares, 1e-12))
        size = idf * once / norm[spans.row]
        cues = find_cues(texts)
        strength = strengths(texts)[cues.row]
        row = np.concatenate((spans.row, cues.row))
        negative, positive = (
            np.concatenate((of_ngrams[spans.bucket] * size, of_cues[cues.cue] * strength))
            for of_ngrams, of_cues in (
                (self._weights, self._cue_weights),
                (self._positive, self._cue_positive),
            )
        )
        shares = _Shares(
            np.concatenate((row, added[0])),
            np.concatenate((spans.start, cues.start, added[1])),
            np.concatenate((spans.end, cues.end, added[2])),
            np.concatenate((negative, added[3])),
        )
        return _Sums(
            shares,
            np.bincount(shares.row, weights=shares.weight, minlength=len(texts)).astype(np.float64),
            np.bincount(row, weights=positive, minlength=len(texts)).astype(np.float64),
        )


@cache
def _shipped() -> Scorer:
    """Return the shipped weights, read once: unpacking them takes a quarter of a second."""
    return Scorer._read(MODELS)  # noqa: SLF001 - the class's own cache


def probability(log_odds: Floats) -> Floats:
    """Turn log-odds into probabilities; never quite 0 or 1."""
    result: Floats = 1.0 / (1.0 + np.exp(-np.clip(log_odds, -30, 30)))
    return result


def _bounded(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-min(max(log_odds, -_FARTHEST), _FARTHEST)))


def _focused(item: ScoreItem) -> str:
    return focus(marked(item.title, item.text, item.hits, item.others))


def _own(item: ScoreItem) -> str:
    """Return what the n-gram model reads of an item: nothing of an English text."""
    return "" if english.is_english(item.title, item.text) else _focused(item)


def _english(item: ScoreItem) -> Reading | None:
    if not english.is_english(item.title, item.text):
        return None
    return english.read(item.title, item.text, item.hits, item.others)


def _known_of(item: ScoreItem) -> list[tuple[str, float]]:
    """Return what is known of an item beside its words, with its log-odds."""
    known = []
    if item.rating is not None and _rating_log_odds(item.rating):
        known.append((f"{item.rating:g}星", _rating_log_odds(item.rating)))
    if item.is_nested:
        known.append(("只在更长的名称里出现", _NESTED))
    return known


def _rating_log_odds(rating: float | None) -> float:
    if rating is None or not 0.5 <= rating <= 5:
        return 0.0
    return _RATING_LOG_ODDS[max(1, round(rating))]


def _batches(texts: Sequence[str]) -> list[Sequence[str]]:
    """Cut the texts into runs of about _BATCH_CHARACTERS."""
    batches: list[Sequence[str]] = []
    start = size = 0
    for index, text in enumerate(texts):
        size += len(text)
        if size >= _BATCH_CHARACTERS:
            batches.append(texts[start : index + 1])
            start, size = index + 1, 0
    if start < len(texts):
        batches.append(texts[start:])
    return batches


def _per_word(texts: Sequence[str], shares: _Shares, limit: int | None) -> list[list[Term]]:
    """Share each n-gram's weight equally among its characters, then sum by word.

    The sums stay exact: every share lands on exactly one word. With a limit only the strongest
    words of a text are returned; words of no letter or figure are always left to `limit` None.
    """
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    begin = np.concatenate(([0], np.cumsum(lengths)))
    level = np.zeros(begin[-1] + 1)
    each = shares.weight / (shares.end - shares.start)
    level += np.bincount(begin[shares.row] + shares.start, weights=each, minlength=len(level))
    level -= np.bincount(begin[shares.row] + shares.end, weights=each, minlength=len(level))
    running = np.concatenate(([0.0], np.cumsum(np.cumsum(level)[:-1])))
    cut = [segment(text) for text in texts]
    counts = [len(words) for words in cut]
    sizes = np.fromiter(
        (len(word) for words in cut for word in words), dtype=np.int64, count=sum(counts)
    )
    sums = running[np.concatenate(([0], np.cumsum(sizes)))]
    # Rounded before sorting, so that sums taken in another batch cannot change the order.
    weights = np.round(sums[1:] - sums[:-1], _DECIMALS).tolist()
    ends = accumulate(counts, initial=0)
    return [
        _strongest(words, weights[start : start + len(words)], limit)
        for words, start in zip(cut, ends, strict=False)
    ]


_SPEAKING = re.compile(r"\w")


def _strongest(words: list[str], weights: list[float], limit: int | None) -> list[Term]:
    """Return the words of one text with their weights, strongest first, equals as they stand."""
    weaker = [-abs(weight) for weight in weights]
    order = sorted(range(len(words)), key=weaker.__getitem__)
    chosen = (index for index in order if limit is None or _SPEAKING.search(words[index]))
    return [Term(text=words[index], weight=weights[index]) for index in islice(chosen, limit)]
