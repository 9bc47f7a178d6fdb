"""Live clusters in, pairs that may be one out, likeliest first: for a person to decide, never done.

What speaks: "words", the cosine of the clusters' own features; or "meanings", the mean of that and
the cosine of a sentence model (`classify.sentence_meanings`). Figures: docs/adr/0026-topics.md.
Pure; nothing here runs while mentions are gathered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from classify.topics import matrix_of, vector_of
from storage.records import Cluster, ClusterId, MergeProposal

# Shares of right proposals above these: docs/adr/0026-topics.md.
LEAST_WORDS = 0.28
LEAST_MEANINGS = 0.46
NEAR = 0.10  # cosine of features below which the sentence model was right as good as never
_NEAREST = 30  # clusters per grown one that are looked at
FACE_CHARACTERS = 120  # of a face that the sentence model reads
_CODE = re.compile(r"[A-Za-z]+\d+|\d{2,}")  # models, batches, numbers, places named by a code
_CODES_FROM = 200  # characters
_MOST = 1_000  # pairs of a brand that are looked at: a sentence model reads 2,000 faces in 15 s
_BLOCK = 500  # rows whose cosines stand in memory at once

Pair = tuple[ClusterId, ClusterId]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A live cluster: the title and text of its face, what its mentions state, whether it grew.

    `facts` are (kind, value) of products and symptoms.
    """

    cluster: Cluster
    title: str = ""
    text: str = ""
    facts: frozenset[tuple[str, str]] = frozenset()
    has_grown: bool = True


@dataclass(frozen=True, slots=True)
class Near:
    """Two candidates by their place, the cosine of their features."""

    first: int
    second: int
    cosine: float


def shortlist(candidates: Sequence[Candidate], settled: AbstractSet[Pair]) -> list[Near]:
    """Return the pairs worth a look: of one shard, one of them grown.

    Left out are pairs that people decided on (`settled`, the smaller id first) and those whose
    faces name different numbers or codes.
    """
    if len(candidates) < 2:
        return []
    rows = matrix_of([vector_of(one.cluster.blob, _said(one.cluster)) for one in candidates])
    codes = [_codes(one) for one in candidates]
    grown = np.flatnonzero([one.has_grown for one in candidates])
    found: dict[tuple[int, int], float] = {}
    for start in range(0, len(grown), _BLOCK):
        block = grown[start : start + _BLOCK]
        cosines = (rows[block] @ rows.T).toarray()
        for own, near in zip(block.tolist(), cosines, strict=True):
            for other in np.argsort(-near, kind="stable")[: _NEAREST + 1].tolist():
                if near[other] < NEAR or other == own:
                    continue
                pair = (min(own, other), max(own, other))
                if _is_possible(candidates, codes, pair, settled):
                    found[pair] = float(near[other])
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return [Near(first, second, cosine) for (first, second), cosine in ranked[:_MOST]]


def _said(cluster: Cluster) -> tuple[str, ...]:
    return (cluster.label, *cluster.keywords)


def _codes(one: Candidate) -> frozenset[str]:
    return frozenset(_CODE.findall(f"{one.title} {one.text}"[:_CODES_FROM].upper()))


def _is_possible(
    candidates: Sequence[Candidate],
    codes: Sequence[frozenset[str]],
    pair: tuple[int, int],
    settled: AbstractSet[Pair],
) -> bool:
    first, second = (candidates[place].cluster for place in pair)
    if first.shard_id != second.shard_id:
        return False
    one, other = (codes[place] for place in pair)
    if one and other and not one & other:
        return False
    return _ordered(first.cluster_id, second.cluster_id) not in settled


def _ordered(one: ClusterId, other: ClusterId) -> Pair:
    return (one, other) if one < other else (other, one)


def reading_of(one: Candidate) -> str:
    """Return what the sentence model reads of a cluster: its label and its face."""
    return f"{one.cluster.label}。{one.title} {one.text[:FACE_CHARACTERS]}".strip()


def propose(
    candidates: Sequence[Candidate],
    near: Sequence[Near],
    now: datetime,
    meanings: Mapping[str, Floats] | None = None,
) -> list[MergeProposal]:
    """Return the near pairs of which each is the other's likeliest, above the least score.

    `meanings`: unit vector by `reading_of`, of every candidate in `near`; None: only words speak.
    """
    least = LEAST_WORDS if meanings is None else LEAST_MEANINGS
    scored = []
    for pair in near:
        score, said = pair.cosine, f"词语相似 {pair.cosine:.2f} words"
        if meanings is not None:
            one, other = (candidates[place] for place in (pair.first, pair.second))
            alike = float(meanings[reading_of(one)] @ meanings[reading_of(other)])
            score = (pair.cosine + alike) / 2
            said = f"语义相似 {alike:.2f} meanings，{said}"
        if score >= least:
            scored.append((score, pair, said))
    scored.sort(key=lambda item: (-item[0], item[1].first, item[1].second))
    likeliest: dict[int, Near] = {}
    for _, pair, _ in scored:
        likeliest.setdefault(pair.first, pair)
        likeliest.setdefault(pair.second, pair)
    return [
        _proposal(candidates[pair.first], candidates[pair.second], score, said, now)
        for score, pair, said in scored
        if likeliest[pair.first] is pair and likeliest[pair.second] is pair
    ]


def _proposal(
    one: Candidate, other: Candidate, score: float, said: str, now: datetime
) -> MergeProposal:
    first_id, second_id = _ordered(one.cluster.cluster_id, other.cluster.cluster_id)
    return MergeProposal(
        first_id=first_id,
        second_id=second_id,
        brand_id=one.cluster.brand_id,
        score=round(score, 4),
        why="；".join([said, *_shared(one, other)]),
        at=now,
    )


def _shared(first: Candidate, second: Candidate) -> list[str]:
    """Say which products, troubles and keywords both have."""
    told = []
    for kind, zh in (("product", "同一产品"), ("symptom", "同样的毛病")):
        both = sorted(v for k, v in first.facts & second.facts if k == kind)
        if both:
            told.append(f"{zh}：{'、'.join(both[:3])}")
    words = [word for word in first.cluster.keywords if word in second.cluster.keywords]
    if words:
        told.append(f"共有的词：{'、'.join(words)}")
    return told
