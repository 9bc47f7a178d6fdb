"""What replay needs of a mention that is no copy, stored before the sketch of its assignment.

Little-endian: f64 the shard's clock when it came · u16 its features · a bit for each: was it new to
the cluster. The text's sketch follows.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classify.fingerprint import Sketch
from storage.records import Assignment

_HEAD = struct.Struct("<dH")


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a mention came (s), which of its features [n] its cluster lacked, and its sketch."""

    clock: float
    new: NDArray[np.bool_]
    sketch: Sketch

    def to_bytes(self) -> bytes:
        """Pack it for an assignment."""
        head = _HEAD.pack(self.clock, len(self.new))
        return head + np.packbits(self.new).tobytes() + self.sketch.to_bytes()


def arrival_of(assignment: Assignment) -> Arrival | None:
    """Read what was stored of a mention; None of a copy."""
    if assignment.duplicate_of is not None or not assignment.sketch:
        return None
    clock, features = _HEAD.unpack_from(assignment.sketch)
    end = _HEAD.size + (features + 7) // 8
    bits = np.frombuffer(assignment.sketch[_HEAD.size : end], dtype=np.uint8)
    new = np.unpackbits(bits, count=features).astype(bool)
    return Arrival(clock, new, Sketch.from_bytes(assignment.sketch[end:]))
