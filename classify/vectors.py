"""A mention's title and text in, a short unit vector of hashed features out.

The title counts most: its words twice and its pairs of characters, the words of the body's
beginning once. Feature ids are hashes, the same in every process, so there is no vocabulary to
keep; weights are rounded to eight bits before anything is compared, which makes a vector that was
stored and read again equal to the one in memory. The constants were chosen on the dev sets;
docs/adr/0008-gathering.md has the figures.
"""

from __future__ import annotations

import hashlib
import math
import re
import struct
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from classify.index import Vector
from classify.packing import quantise
from classify.text import tidy
from config.errors import ModelError, StoreError

HEAVIEST = 64  # features kept of one mention
BODY_CHARACTERS = 200
READ_CHARACTERS = 600  # of a text; links and names in them do not count
TITLE_CHARACTERS = 60  # a first line or sentence longer than this is no title
WHOLE_TITLE = 60  # a text of one line up to this length is its own title
SHORT_TEXT = 15  # characters below which one-character words and characters count
COMPLAINT_BODY = 20  # characters that the body of a complaint has at least
COMPLAINT_LINE = 30  # a Chinese text of one line up to this length is a complaint's title
TITLE_WORD = 2.0
TITLE_PAIR = 1.0
BODY_WORD = 0.85
HASHTAG = 2.0  # as a whole, beside its words
MOST_HASHTAGS = 8
TROUBLE_SHARE = 0.35  # of a vector's square: docs/adr/0007-troubles.md
MOST_TROUBLES = 8
BUCKETS = 1 << 18  # of document counts; 2^16 to 2^20 measured alike
PRIOR = 11.0  # mentions a new shard behaves as if it had seen: else its first never gather
EVERYDAY_SHARE = 0.001  # a feature in a larger share of everyday texts is damped
LATIN_GRAM = 3  # characters of a piece of a Latin word
MEMO_SIZE = 50_000  # about 5 MB a shard
_FREQUENCIES = struct.Struct("<BQI")
_FREQUENCIES_FORMAT = 1
_LAST_BUCKET = np.uint32(BUCKETS - 1)

_WORD = re.compile(r"[^\W_]")
_LATIN = re.compile(r"[^\W_]+(?:['.\-][^\W_]+)*")
_HEADLINE = re.compile(r"【([^【】\n]{2,60})】")
_HASHTAG = re.compile(r"#([^#\n]{2,40})#|#(\w{3,30})(?!\S)")  # #as on weibo# and #elsewhere
_SENTENCE_END = re.compile(r"[\n。!?;…！？；]")
_CJK = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Fields:
    """A mention's plain spelling, parted into what leads and what follows."""

    title: str
    body: str
    has_title: bool  # the source gave a title, or the text a 【headline】 or a line of its own
    is_complaint: bool  # the form of a complaint (title and body, or a bare title), not of a post


def split_fields(title: str, text: str) -> Fields:
    """Part a rewritten (`classify.text.rewrite`) title and text.

    Without a title, a 【headline】 leads, else a short first line or sentence.
    """
    body = tidy(text[:READ_CHARACTERS])
    given = tidy(title[:READ_CHARACTERS])
    if given:
        if body.startswith(given):
            body = body[len(given) :].lstrip(" \n。:,.!?;")
        return _titled(given, body)
    found = _HEADLINE.search(body, 0, 300)
    if found is not None:
        rest = f"{body[: found.start()]} {body[found.end() :]}".strip()
        return Fields(found.group(1), rest, has_title=True, is_complaint=False)
    if len(body) <= WHOLE_TITLE and "\n" not in body:
        return _titled(body, "", has_title=False)
    line, _, rest = body.partition("\n")
    if len(line) <= TITLE_CHARACTERS and rest:
        return _titled(line, rest)
    end = _SENTENCE_END.search(body)
    cut = end.start() if end else 0
    if not SHORT_TEXT <= cut <= TITLE_CHARACTERS:
        cut = TITLE_CHARACTERS
    return Fields(body[:cut], body[cut:], has_title=False, is_complaint=False)


def _titled(title: str, body: str, *, has_title: bool = True) -> Fields:
    bare_line = not body and len(title) <= COMPLAINT_LINE and _CJK.search(title) is not None
    is_complaint = bare_line or (has_title and len(body) >= COMPLAINT_BODY)
    return Fields(title, body, has_title=has_title, is_complaint=is_complaint)


def language_of(text: str) -> str:
    """Return "zh" for text with a Chinese character, else "en" (words parted by spaces)."""
    return "zh" if _CJK.search(text) else "en"


def hash_token(token: str) -> int:
    """Hash a token to 24 bits, the same in every process and version."""
    digest = hashlib.blake2b(token.encode("utf-8", "replace"), digest_size=4).digest()
    return int.from_bytes(digest[:3], "little") or 1  # 0 pads rows


class Tokens:
    """Turns fields into counted feature ids; remembers the hashes of tokens it has met."""

    def __init__(self, segment: Callable[[str], list[str]]) -> None:
        self._segment = segment
        self._ids = _TokenIds()

    def count(self, fields: Fields) -> dict[int, float]:
        """Return feature id -> count."""
        self._ids.bound()
        counts: dict[int, float] = defaultdict(float)
        short = len(fields.title) + len(fields.body) < SHORT_TEXT
        if fields.title:
            self._add(counts, self._words(fields.title, single=short), TITLE_WORD)
            self._add(counts, self._pairs(fields.title), TITLE_PAIR)
        if fields.body:
            self._add(counts, self._words(fields.body[:BODY_CHARACTERS], single=short), BODY_WORD)
        self._add(counts, _hashtags(fields), HASHTAG)
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
        pairs: list[str] = []
        for found in _LATIN.findall(text):
            run = f" {found} " if size > 2 else found
            pairs.extend("~" + run[i : i + size] for i in range(len(run) - size + 1))
        return pairs

    def _add(self, counts: dict[int, float], tokens: Iterable[str], weight: float) -> None:
        for number in map(self._ids.__getitem__, tokens):
            counts[number] += weight


class _TokenIds(dict[str, int]):
    """Hashes of tokens met of late."""

    def __missing__(self, token: str) -> int:
        number = self[token] = hash_token(token)
        return number

    def bound(self) -> None:
        """Forget all when there are too many."""
        if len(self) >= MEMO_SIZE:
            self.clear()


def _hashtags(fields: Fields) -> list[str]:
    """Return the distinct hashtags, marked so that they are no words."""
    if "#" not in fields.title and "#" not in fields.body:
        return []
    found = _HASHTAG.findall(f"{fields.title} {fields.body}")
    names = ("".join((closed or bare).split()) for closed, bare in found[: 2 * MOST_HASHTAGS])
    return ["#" + name for name in dict.fromkeys(names) if name][:MOST_HASHTAGS]


@dataclass(frozen=True, slots=True)
class Background:
    """How much each feature is damped because everyday text is full of it.

    `damping` float32 [BUCKETS]: 1 for a feature in at most one of a thousand everyday texts, less
    for commoner ones. A table of document counts added to the shard's own, the usual way, was
    measured too and lost: it makes a brand's own words look rare.
    """

    damping: NDArray[np.float32]

    @classmethod
    def empty(cls) -> Background:
        """Return one that damps nothing, for languages without a shipped table."""
        return cls(np.ones(BUCKETS, dtype=np.float32))

    @classmethod
    def of(cls, buckets: NDArray[np.uint32], shares: NDArray[np.float32]) -> Background:
        """Damp buckets by the share of everyday texts that hold them."""
        damping = np.ones(BUCKETS, dtype=np.float32)
        common = np.clip(shares, EVERYDAY_SHARE, 0.999)
        damping[buckets] = np.sqrt(np.log(common) / math.log(EVERYDAY_SHARE))
        return cls(damping)

    @classmethod
    def load(cls, language: str) -> Background:
        """Return the shipped table of a language, an empty one when none is shipped.

        Errors: ModelError when the shipped file cannot be read.
        """
        return _load_background() if language == "zh" else _no_background()


@cache
def _no_background() -> Background:
    return Background.empty()


@cache
def _load_background() -> Background:
    source = files("classify") / "models" / "background.npz"
    try:
        with np.load(BytesIO(source.read_bytes()), allow_pickle=False) as stored:
            return Background.of(stored["buckets"], stored["shares"])
    except (OSError, KeyError, ValueError) as error:
        raise ModelError(
            f"reading {source.name}, the words of everyday text: {error}; install the package again"
        ) from error


class Frequencies:
    """In how many clusters of a shard each feature was met.

    Clusters, not mentions: a burst about one thing does not make its own words worthless (NMI on
    8,000 tweets .842 by mentions, .875 by clusters).
    """

    def __init__(self, background: Background) -> None:
        self._damping = background.damping
        self.counts = np.zeros(BUCKETS, dtype=np.float32)
        self.documents = 0.0

    def idf(self, ids: NDArray[np.uint32]) -> NDArray[np.float32]:
        """Return the inverse frequencies of feature ids [n] as float32 [n]."""
        buckets = ids & _LAST_BUCKET
        rarity = np.log((PRIOR + self.documents) / (0.5 + self.counts[buckets]))
        found: NDArray[np.float32] = rarity.clip(0.01).astype(np.float32) * self._damping[buckets]
        return found

    def add(self, ids: NDArray[np.uint32]) -> None:
        """Count one mention; `ids` are those of its features that are new to its cluster."""
        self.counts[ids & _LAST_BUCKET] += 1.0
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
    """Return the unit vector of the heaviest features, rounded as it is stored.

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
    return quantise(Vector(ids, weights))
