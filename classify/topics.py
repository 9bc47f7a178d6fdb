"""Clusters of a week in, topics out: clusters of clusters within an issue class. Pure, any order.

Average-link agglomeration of centroids: two groups join while the mean cosine over all their pairs
is at least ALIKE. Figures beside other methods: docs/adr/0026-topics.md. It runs for pages, the
digest and commands, never while mentions are gathered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classify.cluster_blob import unpack
from classify.index import Vector
from classify.packing import ID_MASK
from classify.vectors import hash_token
from config.errors import StoreError
from storage.records import BrandId, ClusterId, MentionId, Topic, TopicCluster, TopicRest

if TYPE_CHECKING:
    from scipy.sparse import csr_array

ALIKE = 0.10  # mean cosine: docs/adr/0026-topics.md
STAYS = (
    0.05  # added between clusters that were of one topic before: a week differs little from last
)
HEAVIEST = 64  # features of a centroid that count; 32 and 16 measured a little worse
MOST = (
    5_000  # clusters of one class that are linked pair by pair; lighter ones join a group or none
)
_BLOCK = 256  # rows of cosines that stand dense at once
SAMPLES = 3
KEYWORDS = 3
_CHANGED = 1.64  # one-sided 95 % of the difference of two Poisson counts over its deviation

Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Grouping:
    """Topics, most authors first, and what stands alone by issue class, most mentions first.

    Topics most of whose mentions are unsure stand last.
    """

    topics: tuple[Topic, ...]
    rest: tuple[TopicRest, ...]


def find_topics(
    brand_id: BrandId,
    clusters: Sequence[TopicCluster],
    since: datetime,
    known: Mapping[ClusterId, ClusterId] | None = None,
    *,
    most: int = MOST,
) -> Grouping:
    """Return the topics of a window that begins at `since`.

    `known`: the topic that each cluster was in when topics were last told. Every mention of the
    window is in exactly one topic or in the rest of its class. `most`: see MOST.
    """
    before = known or {}
    ordered = sorted(clusters, key=lambda one: one.cluster.cluster_id)
    topics, single = [], []
    groups = [g for of_class in _by_class(ordered) for g in _grouped(of_class, before, most)]
    ids = _name_topics(groups, before)
    for topic_id, group in zip(ids, groups, strict=True):
        if sum(one.mentions for one in group) > 1:
            topics.append(_topic(topic_id, brand_id, group, since))
        else:
            single += [one for one in group if one.mentions]
    topics.sort(key=lambda one: (one.is_doubtful, -one.authors, -one.mentions, one.topic_id))
    return Grouping(tuple(topics), tuple(_rest(single)))


# --- grouping ------------------------------------------------------------------------------------


def _by_class(clusters: Iterable[TopicCluster]) -> list[list[TopicCluster]]:
    classes: dict[str, list[TopicCluster]] = {}
    for one in clusters:
        classes.setdefault(one.issue_class, []).append(one)
    return [classes[name] for name in sorted(classes)]


def _grouped(
    clusters: list[TopicCluster], known: Mapping[ClusterId, ClusterId], most: int
) -> list[list[TopicCluster]]:
    """Group the clusters of one class, the heaviest first in each group."""
    if len(clusters) == 1:
        return [clusters]
    ranked = sorted(clusters, key=_weight)
    rows = matrix_of([vector_of(one.cluster.blob, _said(one)) for one in ranked])
    places = _linked(rows[:most], [known.get(one.cluster.cluster_id) for one in ranked[:most]])
    places = np.concatenate([places, _joined(rows, places)])
    groups: dict[int, list[TopicCluster]] = {}
    for place, one in zip(places.tolist(), ranked, strict=True):
        groups.setdefault(place, []).append(one)
    return list(groups.values())


def _weight(one: TopicCluster) -> tuple[int, int, int, ClusterId]:
    """Order clusters: most authors of the window first."""
    return (-len(one.authors), -one.mentions, -one.mentions_before, one.cluster.cluster_id)


def _said(one: TopicCluster) -> tuple[str, ...]:
    return (one.cluster.label, *one.cluster.keywords)


def vector_of(blob: bytes, said: Sequence[str] = ()) -> Vector:
    """Return the unit vector of a cluster's heaviest features.

    A cluster without a readable state (people changed its members, or it is cold) is known by its
    label, the first of `said`, and its keywords.
    """
    try:
        packed = unpack(blob)
    except StoreError:
        return _spoken(said)
    found = packed.centroid or (packed.exemplars[0].vector if packed.exemplars else None)
    return _spoken(said) if found is None else _unit(found.ids, found.weights)


def _spoken(said: Sequence[str]) -> Vector:
    label = said[0] if said else ""
    tokens = {f"~{label[at : at + 2]}" for at in range(len(label) - 1)} | set(said[1:])
    ids = np.array([hash_token(token) for token in sorted(tokens)], dtype=np.uint32) & ID_MASK
    ids = np.unique(ids)
    return _unit(ids, np.ones(len(ids), dtype=np.float32))


def _unit(ids: NDArray[np.uint32], weights: NDArray[np.float32]) -> Vector:
    if len(ids) > HEAVIEST:
        kept = np.lexsort((ids, -weights))[:HEAVIEST]
        ids, weights = ids[kept], weights[kept]
    norm = sqrt(float((weights * weights).sum()))
    return Vector(ids, weights / np.float32(norm) if norm else weights)


def matrix_of(vectors: Sequence[Vector]) -> csr_array[Any]:
    """Return rows of unit vectors, float32 [n, features that occur]."""
    from scipy.sparse import csr_array

    ids = np.concatenate([one.ids for one in vectors])
    weights = np.concatenate([one.weights for one in vectors])
    ends = np.cumsum([0, *(len(one) for one in vectors)])
    names, columns = np.unique(ids, return_inverse=True)
    return csr_array((weights, columns, ends), shape=(len(vectors), max(1, len(names))))


def _linked(rows: csr_array[Any], known: Sequence[ClusterId | None]) -> Ints:
    """Return a group number per row: average link, cut at ALIKE."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.sparse.csgraph import connected_components

    cosines = rows @ rows.T
    near = cosines.copy()
    near.data = near.data >= ALIKE - STAYS
    near.eliminate_zeros()
    # A group of mean cosine ALIKE holds a pair as near: no group leaves its connected part.
    _, parts = connected_components(near, directed=False)
    order = np.argsort(parts, kind="stable")
    groups = np.zeros(len(parts), dtype=np.intp)
    told = _numbered(known)
    taken = 0
    for members in np.split(order, np.flatnonzero(np.diff(parts[order])) + 1):
        found = np.zeros(len(members), dtype=np.intp)
        if len(members) > 1:
            tree = linkage(_distances(cosines[members][:, members], told[members]), "average")
            found = fcluster(tree, 1.0 - ALIKE, "distance").astype(np.intp) - 1
        groups[members] = found + taken
        taken += int(found.max()) + 1
    return groups


def _distances(cosines: csr_array[Any], told: Ints) -> NDArray[np.float64]:
    """Return 1 - cosine of each pair, as scipy wants it: row by row, float64 [n (n - 1) / 2]."""
    n = len(told)
    far = np.empty(n * (n - 1) // 2, dtype=np.float64)
    at = 0
    for start in range(0, n, _BLOCK):
        block = cosines[start : start + _BLOCK].toarray()
        for row, every in enumerate(block, start):
            near = every[row + 1 :]
            if told[row] >= 0:
                near = near + STAYS * (told[row + 1 :] == told[row])
            far[at : at + len(near)] = np.maximum(1.0 - near, 0.0)
            at += len(near)
    return far


def _numbered(known: Sequence[ClusterId | None]) -> Ints:
    numbers: dict[ClusterId, int] = {}
    return np.array(
        [-1 if one is None else numbers.setdefault(one, len(numbers)) for one in known],
        dtype=np.intp,
    )


def _joined(rows: csr_array[Any], places: Ints) -> Ints:
    """Put rows beyond the linked ones into the group that is nearest on average, or alone."""
    more = rows[len(places) :]
    alone = np.arange(more.shape[0], dtype=np.intp) + int(places.max()) + 1
    if not more.shape[0]:
        return alone
    from scipy.sparse import csr_array

    sizes = np.bincount(places)
    shape = (len(sizes), len(places))
    means = csr_array((1.0 / sizes[places], (places, np.arange(len(places)))), shape=shape)
    cosines = (more @ (means @ rows[: len(places)]).T).toarray()
    nearest = cosines.argmax(axis=1)
    is_near = cosines[np.arange(len(nearest)), nearest] >= ALIKE
    return np.where(is_near, nearest, alone).astype(np.intp)


# --- naming --------------------------------------------------------------------------------------


def _name_topics(
    groups: Sequence[Sequence[TopicCluster]], known: Mapping[ClusterId, ClusterId]
) -> list[ClusterId]:
    """Return an id per group: that of the known topic most of which it holds, else its oldest's."""
    held: Counter[tuple[ClusterId, int]] = Counter()
    for number, group in enumerate(groups):
        for one in group:
            topic_id = known.get(one.cluster.cluster_id)
            if topic_id is not None:
                held[topic_id, number] += 1 + one.mentions + one.mentions_before
    ids: dict[int, ClusterId] = {}
    taken: set[ClusterId] = set()
    for (topic_id, number), _ in sorted(held.items(), key=lambda item: (-item[1], item[0])):
        if number not in ids and topic_id not in taken:
            ids[number] = topic_id
            taken.add(topic_id)
    for number, group in enumerate(groups):
        if number in ids:
            continue
        # A name that a known topic bears is another's, even where its cluster has left it.
        oldest = sorted(group, key=_age)
        names = [one.cluster.cluster_id for one in oldest]
        names.append(ClusterId(f"{names[0]}-{number}"))  # all of them name topics they have left
        ids[number] = next(name for name in names if name not in taken)
        taken.add(ids[number])
    return [ids[number] for number in range(len(groups))]


def _age(one: TopicCluster) -> tuple[bool, float, ClusterId]:
    first = one.cluster.first_at
    return (first is None, first.timestamp() if first else 0.0, one.cluster.cluster_id)


def _topic(
    topic_id: ClusterId, brand_id: BrandId, group: Sequence[TopicCluster], since: datetime
) -> Topic:
    authors = frozenset[str]().union(*(one.authors for one in group))
    before = frozenset[str]().union(*(one.authors_before for one in group))
    told = [one for one in group if one.mentions]
    named = next((one for one in told if one.cluster.cluster_id == topic_id), told[0])
    # The eldest names the topic as long as it is no bystander, so that the label does not flicker.
    face = named if 2 * len(named.authors) >= len(told[0].authors) else told[0]
    faces = [one.cluster.representative_id for one in (face, *told)]
    return Topic(
        topic_id=topic_id,
        brand_id=brand_id,
        issue_class=group[0].issue_class,
        sub_class=_main_sub_class(told),
        label=face.cluster.label,
        keywords=_keywords(told),
        clusters=tuple(one.cluster.cluster_id for one in told),
        labels=tuple(one.cluster.label for one in told),
        mentions=sum(one.mentions for one in told),
        authors=len(authors),
        texts=sum(one.texts for one in told),
        negative=sum(one.negative for one in told),
        mentions_before=sum(one.mentions_before for one in group),
        authors_before=len(before),
        direction=_direction(len(authors), len(before), group, since),
        representative_ids=tuple(
            MentionId(one) for one in list(dict.fromkeys(faces))[:SAMPLES] if one is not None
        ),
    )


def _main_sub_class(group: Sequence[TopicCluster]) -> str:
    """Return the sub-class that clusters with more than half of the mentions have, else ""."""
    counted: Counter[str] = Counter()
    for one in group:
        counted[one.sub_class] += one.mentions
    name, n = max(counted.items(), key=lambda item: (item[1], item[0]))
    return name if 2 * n > sum(counted.values()) else ""


def _keywords(group: Sequence[TopicCluster]) -> tuple[str, ...]:
    """Return the words that most authors' clusters are known by."""
    counted: Counter[str] = Counter()
    for one in group:
        for word in one.cluster.keywords:
            counted[word] += len(one.authors)
    return tuple(sorted(counted, key=lambda word: (-counted[word], word))[:KEYWORDS])


def _direction(authors: int, before: int, group: Sequence[TopicCluster], since: datetime) -> str:
    if not before and all(
        one.cluster.first_at is not None and one.cluster.first_at >= since for one in group
    ):
        return "new"
    difference = (authors - before) / sqrt(max(1, authors + before))
    if abs(difference) < _CHANGED:
        return "steady"
    return "up" if difference > 0 else "down"


def _rest(clusters: Sequence[TopicCluster]) -> list[TopicRest]:
    found = [
        TopicRest(
            issue_class=of_class[0].issue_class,
            mentions=sum(one.mentions for one in of_class),
            authors=len(frozenset[str]().union(*(one.authors for one in of_class))),
            mentions_before=sum(one.mentions_before for one in of_class),
        )
        for of_class in _by_class(clusters)
    ]
    return sorted(found, key=lambda one: (-one.mentions, one.issue_class))
