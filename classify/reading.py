"""A mention and what was understood of it in; what gathering compares of it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classify.cluster_rules import Rules
from classify.index import Vector
from classify.labels import Member
from classify.symptoms import troubles
from classify.text import rewrite
from classify.vectors import (
    SHORT_TEXT,
    Fields,
    Frequencies,
    Tokens,
    hash_token,
    ids_of,
    split_fields,
    weigh,
)
from storage.records import Mention, Recalled, Verdict


@dataclass(frozen=True, slots=True)
class Reading:
    """One text: its feature ids uint32 [n], its vector of the heaviest, its form.

    A vague one is very short and tells of no trouble of a product.
    """

    ids: NDArray[np.uint32]
    vector: Vector
    member: Member
    is_vague: bool


class Reader:
    """Reads texts with a shard's frequencies as they stand."""

    def __init__(
        self, rules: Rules, frequencies: Frequencies, segment: Callable[[str], list[str]]
    ) -> None:
        self.frequencies = frequencies
        self.segment = segment
        self._rules = rules
        self._tokens = Tokens(segment)

    def read(self, fields: Fields, verdict: Verdict) -> Reading:
        """Read a text that was parted."""
        counts = self._tokens.count(fields)
        told = troubles(verdict)
        vector = weigh(counts, self.frequencies.idf, told)
        length = len(fields.title) + len(fields.body)
        member = Member(length, fields.has_title, self._rules.is_complaint(fields))
        is_vague = length < SHORT_TEXT and not told
        return Reading(ids_of(counts), vector, member, is_vague)

    def read_stored(self, stored: Recalled) -> Reading:
        """Read a member again."""
        return self.read(fields_of(stored.mention), stored.verdict)

    def ids_of(self, mention: Mention) -> NDArray[np.uint32]:
        """Return a text's feature ids, in the order in which `read` gives them."""
        return ids_of(self._tokens.count(fields_of(mention)))

    def idf_of(self, words: Sequence[str]) -> list[float]:
        """Return the inverse frequency of each word."""
        ids = np.array([hash_token(word.lower()) for word in words], dtype=np.uint32)
        weights: list[float] = self.frequencies.idf(ids).tolist()
        return weights


def fields_of(mention: Mention) -> Fields:
    """Part a mention's text, in its plain spelling."""
    return split_fields(rewrite(mention.title), rewrite(mention.text))
