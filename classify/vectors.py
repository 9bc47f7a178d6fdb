"""A mention's title and text in, a short unit vector of hashed features out.

The title counts most: its words twice and its pairs of characters, the words of the body's
beginning once. Feature ids are hashes, the same in every process, so there is no vocabulary to
keep; weights are rounded to half precision before anything is compared, which makes a vector that
was stored and read again equal to the one in memory.
"""

from __future__ import annotations

import hashlib
import math
import re
import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from classify.index import Vector
from classify.text import tidy
from config.errors import ModelError, StoreError

HEAVIEST = 64  # features kept of one mention
BODY_CHARACTERS = 200
TITLE_CHARACTERS = 60  # a first line or sentence longer than this is no title
WHOLE_TITLE = 60  # a text of one line up to this length is its own title
SHORT_TEXT = 15  # characters below which one-character words and characters count
TITLE_WORD = 2.0
TITLE_PAIR = 1.0
BODY_WORD = 1.0
TROUBLE_SHARE = 0.3  # of a vector's square: docs/adr/0007-troubles.md
MOST_TROUBLES = 8
BUCKETS = 1 << 18  # of document counts; 2^16 to 2^20 measured alike
BACKGROUND_WEIGHT = 30.0  # documents that the shipped counts stand for
LATIN_GRAM = 3  # characters of a piece of a Latin word
MEMO_SIZE = 200_000
_FREQUENCIES = struct.Struct("<BQI")
_FREQUENCIES_FORMAT = 1

_WORD = re.compile(r"[^\W_]")
_LATIN = re.compile(r"[^\W_]+(?:['.\-][^\W_]+)*")
_HEADLINE = re.compile(r"【([^【】\n]{2,60})】")
_SENTENCE_END = re.compile(r"[\n。!?;…！？；]")
_CJK = re.compile(r"[\u3400-\u9fff]")
_TIDY_HEADLINE = re.compile(r"[\[\]【】]")


@dataclass(frozen=True, slots=True)
class Fields:
    """A mention's plain spelling, parted into what leads and what follows."""

    title: str
    body: str
    has_title: bool  # the source gave a title or the text a 【headline】


def split_fields(title: str, text: str) -> Fields:
    """Part a rewritten (`classify.text.rewrite`) title and text.

    Without a title, a 【headline】 leads, else a short first line or sentence, else nothing.
    """
    body = tidy(text)
    given = tidy(title)
    if given:
        if body.startswith(given):
            body = body[len(given) :].lstrip(" \n。:,.!?;")
        return Fields(given, body, has_title=True)
    found = _HEADLINE.search(body, 0, 300)
    if found is not None:
        rest = f"{body[: found.start()]} {body[found.end() :]}".strip()
        return Fields(found.group(1), rest, has_title=True)
    if len(body) <= WHOLE_TITLE and "\n" not in body:
        return Fields(body, "", has_title=False)
    line, _, rest = body.partition("\n")
    if len(line) <= TITLE_CHARACTERS and rest:
        return Fields(line, rest, has_title=True)
    end = _SENTENCE_END.search(body)
    if end is not None and SHORT_TEXT <= end.start() <= TITLE_CHARACTERS:
        return Fields(body[: end.start()], body[end.end() :], has_title=False)
    return Fields(body[:TITLE_CHARACTERS], body[TITLE_CHARACTERS:], has_title=False)


def language_of(text: str) -> str:
    """Return "zh" for text with a Chinese character, else "en" (words parted by spaces)."""
    return "zh" if _CJK.search(text) else "en"


def hash_token(token: str) -> int:
    """Hash a token to 32 bits, the same in every process and version."""
    digest = hashlib.blake2b(token.encode("utf-8", "replace"), digest_size=4).digest()
    return int.from_bytes(digest, "little") or 1  # 0 pads rows


class Tokens:
    """Turns fields into counted feature ids; remembers the hashes of tokens it has met."""

    def __init__(self, segment: Callable[[str], list[str]]) -> None:
        self._segment = segment
        self._ids: dict[str, int] = {}

    def count(self, fields: Fields) -> dict[int, float]:
        """Return feature id -> count."""
        counts: dict[int, float] = {}
        short = len(fields.title) + len(fields.body) < SHORT_TEXT
        if fields.title:
            self._add(counts, self._words(fields.title, single=short), TITLE_WORD)
            self._add(counts, self._pairs(fields.title), TITLE_PAIR)
        if fields.body:
            self._add(counts, self._words(fields.body[:BODY_CHARACTERS], single=short), BODY_WORD)
        if short:
            self._add(counts, (c for c in fields.title if _WORD.match(c)), BODY_WORD)
        return counts

    def _words(self, text: str, *, single: bool) -> list[str]:
        words = self._segment(text) if _CJK.search(text) else _LATIN.findall(text)
        least = 1 if single else 2
        return [word for word in words if len(word) >= least and _WORD.search(word)]

    @staticmethod
    def _pairs(text: str) -> list[str]:
        size = 2 if _CJK.search(text) else LATIN_GRAM
        pairs = []
        for run in _LATIN.findall(text):
            run = f" {run} " if size > 2 else run
            pairs.extend("~" + run[i : i + size] for i in range(len(run) - size + 1))
        return pairs

    def _add(self, counts: dict[int, float], tokens: Iterable[str], weight: float) -> None:
        ids = self._ids
        for token in tokens:
            number = ids.get(token)
            if number is None:
                if len(ids) >= MEMO_SIZE:
                    ids.clear()
                number = ids[token] = hash_token(token)
            counts[number] = counts.get(number, 0.0) + weight


@dataclass(frozen=True, slots=True)
class Background:
    """Document counts of everyday text, scaled to `BACKGROUND_WEIGHT` documents."""

    counts: NDArray[np.float32]  # [BUCKETS]
    documents: float

    @classmethod
    def empty(cls) -> Background:
        """Return counts of nothing, for languages without a shipped table."""
        return cls(np.zeros(BUCKETS, dtype=np.float32), 0.0)

    @classmethod
    def load(cls, language: str) -> Background:
        """Return the shipped counts of a language, empty when none are shipped."""
        return _load_background() if language == "zh" else _no_background()


@cache
def _no_background() -> Background:
    return Background.empty()


@cache
def _load_background() -> Background:
    source = files("classify") / "models" / "background.npz"
    try:
        with np.load(BytesIO(source.read_bytes()), allow_pickle=False) as stored:
            counts = np.zeros(BUCKETS, dtype=np.float32)
            counts[stored["buckets"]] = stored["counts"]
            documents = float(stored["documents"])
    except (OSError, KeyError, ValueError) as error:
        raise ModelError(
            f"reading {source.name}, the document counts of everyday text: {error};"
            " install the package again"
        ) from error
    counts *= np.float32(BACKGROUND_WEIGHT / documents)
    return Background(counts, BACKGROUND_WEIGHT)


class Frequencies:
    """How many documents of a shard held each feature, old ones fading, on top of a background.

    Fading is one growing weight for newcomers instead of a pass over old counts.
    """

    def __init__(self, background: Background) -> None:
        self._background = background
        self.counts = np.zeros(BUCKETS, dtype=np.float32)
        self.documents = 0.0

    def idf(self, ids: NDArray[np.uint32]) -> NDArray[np.float32]:
        """Return the inverse document frequencies of feature ids [n] as float32 [n]."""
        buckets = ids & np.uint32(BUCKETS - 1)
        seen = self.counts[buckets] + self._background.counts[buckets]
        total = self.documents + self._background.documents
        return np.log((1.0 + total) / (0.5 + seen)).astype(np.float32).clip(0.01)

    def add(self, ids: NDArray[np.uint32]) -> None:
        """Count one document."""
        self.counts[ids & np.uint32(BUCKETS - 1)] += 1.0
        self.documents += 1.0

    def dump(self) -> bytes:
        """Pack the counts: u8 format, u64 documents, u32 n, then deflated u32 buckets and counts.

        Exact, so that a restored shard goes on with the very same weights.
        """
        buckets = np.flatnonzero(self.counts).astype("<u4")
        counts = self.counts[buckets].astype("<u4")
        head = _FREQUENCIES.pack(_FREQUENCIES_FORMAT, int(self.documents), len(buckets))
        return head + zlib.compress(buckets.tobytes() + counts.tobytes(), 1)

    def load(self, packed: bytes) -> None:
        """Read what `dump` wrote; StoreError for another format."""
        version, documents, size = _FREQUENCIES.unpack_from(packed)
        if version != _FREQUENCIES_FORMAT:
            raise StoreError(
                f"reading a shard's document counts: format {version},"
                f" expected {_FREQUENCIES_FORMAT}; run the version that wrote them"
            )
        plain = np.frombuffer(zlib.decompress(packed[_FREQUENCIES.size :]), dtype="<u4")
        self.counts[:] = 0.0
        self.counts[plain[:size]] = plain[size:]
        self.documents = float(documents)


def ids_of(counts: dict[int, float]) -> NDArray[np.uint32]:
    """Return the feature ids of counted features, uint32 [n]."""
    return np.fromiter(counts.keys(), dtype=np.uint32, count=len(counts))


def weigh(
    counts: dict[int, float],
    idf: Callable[[NDArray[np.uint32]], NDArray[np.float32]],
    troubles: Sequence[str] = (),
) -> Vector:
    """Return the unit vector of the heaviest features, rounded to half precision.

    `troubles` (what is wrong with which product) share TROUBLE_SHARE of its square equally,
    whatever words tell of them.
    """
    n = len(counts)
    ids = ids_of(counts)
    tf = np.fromiter(counts.values(), dtype=np.float32, count=n)
    # A count below one (a body word met once) is its own weight.
    weights = np.where(tf >= 1.0, 1.0 + np.log(np.maximum(tf, 1.0)), tf) * idf(ids)
    told = sorted({hash_token(f"trouble:{one}") for one in troubles})[:MOST_TROUBLES]
    room = HEAVIEST - len(told)
    if n > room:
        order = np.lexsort((ids, -weights))[:room]
        ids, weights = ids[order], weights[order]
    norm = math.sqrt(float((weights * weights).sum()))
    if norm:
        weights = weights / np.float32(norm)
    if told:
        share = TROUBLE_SHARE if norm else 1.0
        each = np.full(len(told), math.sqrt(share / len(told)), dtype=np.float32)
        weights = np.concatenate([weights * np.float32(math.sqrt(1.0 - share)), each])
        ids = np.concatenate([ids, np.array(told, dtype=np.uint32)])
    order = np.argsort(ids)
    ids, weights = ids[order], weights[order]
    return Vector(ids, weights.astype(np.float16).astype(np.float32))
