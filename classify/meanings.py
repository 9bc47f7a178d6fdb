"""Many texts in, a vector per word out: words that stand in the same company get like vectors.

A word that no labelled text holds takes its weight from its likes: training adds the vectors of a
text's words to its features, and their weights are folded back into the words', so that nothing of
this is left to do when scoring. Source: positive pointwise mutual information, then singular
vectors (Levy, Goldberg and Dagan 2015), here over five words on each side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from classify.features import HASH_BITS, word_buckets
from classify.segment import segment

DIMENSIONS = 256
_REACH = 5  # words; 20 gave less (.840 mean AUC on left-out domains against .843)
_SMALLEST = 8  # texts a word must stand in
_MOST = 600  # characters of a text that are read
_POWER = 0.75  # contexts count by their frequency to this power
_FEWEST_WORDS = 20  # below, there is nothing to learn
_BLOCK = 2_000_000  # words counted at once

Vectors: TypeAlias = sparse.csr_matrix


def learn_meanings(texts: Iterable[str]) -> Vectors:
    """Return the vectors of the words of normalised texts, each of length one.

    Shape: 2^HASH_BITS × DIMENSIONS; the rows of unknown words are empty.
    """
    cut = [segment(text[:_MOST]) for text in texts]
    seen = Counter(word for words in cut for word in set(words))
    words = sorted(
        (word for word, times in seen.items() if times >= _SMALLEST and not word.isspace()),
        key=lambda word: (-seen[word], word),
    )
    if len(words) < _FEWEST_WORDS:
        return sparse.csr_matrix((1 << HASH_BITS, DIMENSIONS), dtype=np.float32)
    return _placed(words, _vectors(_together(cut, words)))


def _together(cut: Sequence[Sequence[str]], words: Sequence[str]) -> sparse.csr_matrix:
    """Return how often two words stand together, each time less the farther they stand."""
    number = {word: index for index, word in enumerate(words)}
    none = len(words)
    counts = sparse.csr_matrix((none, none), dtype=np.float32)
    block: list[int] = []
    for position, text in enumerate(cut):
        block += [number.get(word, none) for word in text]
        block += [none] * _REACH  # texts do not reach into each other
        if len(block) < _BLOCK and position + 1 < len(cut):
            continue
        row = np.array(block, dtype=np.int64)
        for distance in range(1, _REACH + 1):
            left, right = row[:-distance], row[distance:]
            both = (left < none) & (right < none)
            times = np.full(int(both.sum()), 1 / distance, dtype=np.float32)
            counts = counts + sparse.coo_matrix(
                (times, (left[both], right[both])), shape=(none, none)
            )
        block = []
    return (counts + counts.T).tocoo()


def _vectors(counts: sparse.coo_matrix) -> NDArray[np.float32]:
    from sklearn.utils.extmath import randomized_svd

    size = counts.shape[0]
    total = np.bincount(counts.row, weights=counts.data, minlength=size)
    context = total**_POWER / (total**_POWER).sum()
    expected = np.maximum(total[counts.row] * context[counts.col], 1e-12)
    value = np.log(np.maximum(counts.data / expected, 1e-12))
    kept = (value > 0) & (counts.data >= 1 / 2)
    positive = sparse.csr_matrix(
        (value[kept].astype(np.float32), (counts.row[kept], counts.col[kept])), shape=(size, size)
    )
    dimensions = min(DIMENSIONS, size - 1)
    left, values, _ = randomized_svd(positive, dimensions, n_iter=3, random_state=0)
    vectors = left * np.sqrt(values)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    result = np.zeros((size, DIMENSIONS), dtype=np.float32)
    result[:, :dimensions] = np.where(length > 0, vectors / np.maximum(length, 1e-9), 0)
    return result


def _placed(words: Sequence[str], vectors: NDArray[np.float32]) -> Vectors:
    """Put each word's vector where its feature stands; of two words in one bucket the commoner."""
    buckets = word_buckets(words)
    chosen, first = np.unique(buckets, return_index=True)
    place = sparse.csr_matrix(
        (np.ones(len(chosen), np.float32), (chosen, np.arange(len(chosen)))),
        shape=(1 << HASH_BITS, len(chosen)),
    )
    return (place @ sparse.csr_matrix(vectors[first])).tocsr()
