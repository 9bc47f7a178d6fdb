"""A live cluster's own state, packed for the `blob` of its record and read back byte for byte.

Format 2, little-endian:
  u8 format · u64 opened_seq · u64 last_seq · f64 touched · u32 labelled_size
  u8 exemplars, each: i64 mention · u16 length · u8 form (1: has a title, 2: is a complaint)
                      · u8 shift · u16 n · u32 words[n] (`classify.packing`)
  u16 n · u32 ids[n] · f32 weights[n] of the centroid (n = 0: the only exemplar is the centroid)
  f64 reshaped, where a merge or a split ever changed it
Format 1, still read, had instead of shift and words: u16 n · u32 ids[n] · f16 weights[n]
  · u16 bytes · the beginning of the text.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from classify.index import Vector
from classify.labels import Member
from classify.member_rows import LONGEST, form_of, member_of
from classify.packing import cut_ids, quantise, vector_of, words_of
from config.errors import StoreError

FORMAT = 2
_OLD_FORMAT = 1
_HEAD = struct.Struct("<BQQdI")
_EXEMPLAR = struct.Struct("<qHBBH")
_OLD_EXEMPLAR = struct.Struct("<qHBH")
_LENGTH = struct.Struct("<H")
_CLOCK = struct.Struct("<d")


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One member that stands for the cluster in comparisons."""

    mention_id: int
    member: Member
    vector: Vector


@dataclass(frozen=True, slots=True)
class Packed:
    """What a blob holds; see `classify.live_clusters.LiveCluster`."""

    opened_seq: int
    last_seq: int
    touched: float
    labelled_size: int
    exemplars: tuple[Exemplar, ...]
    centroid: Vector | None
    reshaped: float = 0.0


def pack(state: Packed) -> bytes:
    """Return the blob."""
    parts = [
        _HEAD.pack(
            FORMAT,
            state.opened_seq,
            state.last_seq,
            state.touched,
            state.labelled_size,
        ),
        bytes((len(state.exemplars),)),
    ]
    for one in state.exemplars:
        words, shift = words_of(one.vector)
        length = min(one.member.length, LONGEST)
        parts += (
            _EXEMPLAR.pack(one.mention_id, length, form_of(one.member), shift, len(words)),
            words.astype("<u4").tobytes(),
        )
    centroid = state.centroid
    parts.append(_LENGTH.pack(len(centroid) if centroid else 0))
    if centroid:
        parts += (centroid.ids.astype("<u4").tobytes(), centroid.weights.astype("<f4").tobytes())
    if state.reshaped:
        parts.append(_CLOCK.pack(state.reshaped))
    return b"".join(parts)


class _Reader:
    def __init__(self, blob: bytes) -> None:
        self._blob = blob
        self._at = 0

    def fields(self, layout: struct.Struct) -> tuple[int, ...]:
        self._at += layout.size
        return layout.unpack_from(self._blob, self._at - layout.size)

    def take(self, size: int) -> bytes:
        self._at += size
        return self._blob[self._at - size : self._at]

    def clock(self) -> float:
        """Return the clock that may follow at the end, 0 for none."""
        if self._at == len(self._blob):
            return 0.0
        return float(_CLOCK.unpack_from(self._blob, self._at)[0])

    def vector(self, size: int, weight: str) -> Vector:
        ids = np.frombuffer(self.take(size * 4), dtype="<u4").astype(np.uint32)
        weights = np.frombuffer(self.take(size * int(weight[-1])), dtype=weight)
        return Vector(ids, weights.astype(np.float32))


def unpack(blob: bytes) -> Packed:
    """Read a blob; StoreError for another format or a blob cut short."""
    if not blob or blob[0] not in {FORMAT, _OLD_FORMAT}:
        found = blob[0] if blob else "nothing"
        raise StoreError(
            f"reading a cluster's state: format {found}, expected {_OLD_FORMAT} or {FORMAT};"
            " run the version that wrote it, or gather the shard again"
        )
    try:
        return _unpack(_Reader(blob))
    except (struct.error, ValueError, IndexError) as error:
        raise StoreError(f"reading a cluster's state of {len(blob)} bytes: {error}") from error


def _unpack(reader: _Reader) -> Packed:
    version, opened_seq, last_seq, touched, labelled_size = reader.fields(_HEAD)
    exemplar = _exemplar if version == FORMAT else _old_exemplar
    exemplars = tuple(exemplar(reader) for _ in range(reader.take(1)[0]))
    (size,) = reader.fields(_LENGTH)
    centroid = reader.vector(size, "<f4") if size else None
    if centroid is not None and version == _OLD_FORMAT:
        centroid = cut_ids(centroid)
    return Packed(opened_seq, last_seq, touched, labelled_size, exemplars, centroid, reader.clock())


def _exemplar(reader: _Reader) -> Exemplar:
    mention_id, length, form, shift, size = reader.fields(_EXEMPLAR)
    words = np.frombuffer(reader.take(size * 4), dtype="<u4").astype(np.uint32)
    if len(words) != size:
        raise ValueError(f"expected {size} features, found {len(words)}")
    return Exemplar(mention_id, member_of(length, form), vector_of(words, shift))


def _old_exemplar(reader: _Reader) -> Exemplar:
    mention_id, length, form, size = reader.fields(_OLD_EXEMPLAR)
    vector = quantise(reader.vector(size, "<f2"))
    (gist_size,) = reader.fields(_LENGTH)
    reader.take(gist_size)
    return Exemplar(mention_id, member_of(length, form), vector)
