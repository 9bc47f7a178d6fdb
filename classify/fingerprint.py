"""Text in; out come the key that equal texts share, its 64-bit fingerprint and a bottom-k sketch.

What people change when they pass a text on (width, script, case, punctuation, links, names, the
forwarding chain, the app's tail) is taken away first: that is worth more than any similarity
(measured on 4,000 edited copies: exact matches rise from 12 % to 71 %).
"""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classify.text import rewrite

SHINGLE = 4  # characters
SKETCH_SIZE = 64  # hashes kept for verifying; the smallest 16 of them find candidates
MIN_KEY = 8  # a key shorter than this says too little: the plain spelling stands in for it
MIN_WITHOUT_HASHTAG = 8  # characters that must remain for hashtags to be left out
NUMBER_SIZE = 16  # hashes of number and latin tokens kept

_FORWARD = re.compile(r"//\s*@[^:\s]{1,30}\s*:")
_LINK = re.compile(r"(?:https?://|www\.)[a-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_AT = re.compile(r"@[\w\-]{1,30}")
_HASHTAG = re.compile(r"#[^#\n]{1,40}#")
_EMOTICON = re.compile(r"\[[^\[\]\s]{1,8}\]")
_TAIL = re.compile(
    r"展开全文c?|收起全文d?|阅读全文|查看全文|查看原文|查看图片|o?网页链接|转发微博|轉發微博"
    r"|\b(?:repost|rt)\b|[(【\[]?(?:分享自|来自|来源|via)\s*@[\w\-]{0,30}[)】\]]?"
    r"|[\w\-]{1,20}的(?:微博视频|秒拍视频|微博直播)"
)
_SEPARATORS = re.compile(r"[\W_]+")
_NUMBER = re.compile(r"[a-z0-9]+(?:\.[0-9]+)?")

_HEADER = struct.Struct("<BHB")  # format version, shingles in all (capped), number hashes
_FORMAT = 1
_PRIME = np.uint64(1_000_003)
# Finaliser constants of MurmurHash3 (public domain): spread the polynomial over all bits.
_MIX_A = np.uint64(0xFF51AFD7ED558CCD)
_MIX_B = np.uint64(0xC4CEB9FE1A85EC53)
_HALF = np.uint64(33)
_HIGH = np.uint64(32)


@dataclass(frozen=True, slots=True)
class Sketch:
    """The smallest hashes of a text's shingles, sorted, and of its number and latin tokens.

    `hashes` uint32 [<= 64]; `shingles` counts all distinct ones; `numbers` uint32 [<= 16].
    """

    hashes: NDArray[np.uint32]
    shingles: int
    numbers: NDArray[np.uint32]

    def to_bytes(self) -> bytes:
        """Pack for storage: version u8, shingles u16, n u8, n number hashes u32, hashes u32."""
        head = _HEADER.pack(_FORMAT, min(self.shingles, 65_535), len(self.numbers))
        return head + self.numbers.tobytes() + self.hashes.tobytes()

    @classmethod
    def from_bytes(cls, packed: bytes) -> Sketch:
        """Read what `to_bytes` wrote; ValueError for another format."""
        version, shingles, numbers = _HEADER.unpack_from(packed)
        if version != _FORMAT:
            raise ValueError(f"reading a text sketch: format {version}, expected {_FORMAT}")
        words = np.frombuffer(packed, dtype="<u4", offset=_HEADER.size)
        return cls(hashes=words[numbers:], shingles=shingles, numbers=words[:numbers])


def _strip(rewritten: str) -> str:
    """Take away what passing a text on adds; the last segment of a forwarding chain is the text."""
    text = rewritten
    if "//" in text:
        text = _LINK.sub(" ", text)
        segments = _FORWARD.split(text)
        for segment in reversed(segments):
            bare = _strip_marks(segment)
            if len(_SEPARATORS.sub("", bare)) >= MIN_KEY:
                return bare
        text = " ".join(segments)
    return _strip_marks(text)


def _strip_marks(text: str) -> str:
    text = _TAIL.sub(" ", text)
    if "@" in text:
        text = _AT.sub(" ", text)
    if "[" in text:
        text = _EMOTICON.sub("", text)
    if "#" in text:
        without = _HASHTAG.sub(" ", text)
        # Hashtags are shared by strangers, yet beside a few words they are most of the text.
        if len(_SEPARATORS.sub("", without)) >= MIN_WITHOUT_HASHTAG:
            return without
    return text


def key_of(rewritten: str) -> tuple[str, str]:
    """Return (key, stripped text) of a text that `classify.text.rewrite` has been over."""
    stripped = _strip(rewritten)
    key = _SEPARATORS.sub("", stripped)
    if len(key) >= MIN_KEY:
        return key, stripped
    plain = " ".join(rewritten.split())
    return plain, plain


def normalise_key(text: str) -> str:
    """Return what copies of one text have in common: letters and digits of its plain spelling."""
    return key_of(rewrite(text))[0]


def digest64(key: str) -> int:
    """Hash a key to a signed 64-bit integer, the same in every process."""
    digest = hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def fingerprint(text: str) -> int:
    """Return the exact 64-bit fingerprint (signed) of a raw text."""
    return digest64(normalise_key(text))


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint32]:
    values ^= values >> _HALF
    values *= _MIX_A
    values ^= values >> _HALF
    values *= _MIX_B
    return (values >> _HIGH).astype(np.uint32)


def _hash_shingles(key: str) -> NDArray[np.uint32]:
    codes = np.frombuffer(key.encode("utf-32-le", "replace"), dtype="<u4").astype(np.uint64)
    count = len(codes) - SHINGLE + 1
    if count < 1:
        codes = np.pad(codes, (0, SHINGLE - len(codes)))
        count = 1
    rolled = codes[:count].copy()
    for shift in range(1, SHINGLE):
        rolled *= _PRIME
        rolled += codes[shift : shift + count]
    return np.unique(_mix(rolled))


def _hash_numbers(stripped: str) -> NDArray[np.uint32]:
    tokens = set(_NUMBER.findall(stripped))
    hashed = sorted(digest64(token) & 0xFFFFFFFF for token in tokens)
    return np.array(hashed[:NUMBER_SIZE], dtype=np.uint32)


def sketch_of(key: str, stripped: str) -> Sketch:
    """Sketch a key (see `key_of`); `stripped` still shows where numbers begin and end."""
    hashes = _hash_shingles(key)
    return Sketch(
        hashes=hashes[:SKETCH_SIZE], shingles=len(hashes), numbers=_hash_numbers(stripped)
    )


def sketch(text: str) -> Sketch:
    """Sketch a raw text."""
    return sketch_of(*key_of(rewrite(text)))
