"""The live clusters of one shard in memory: find the best one for a vector, join, merge, expire.

Source: one-pass hybrid of exemplars and centroid (single-pass clustering after Allan et al. 1998,
first-story detection after Petrovic 2010 as its a = 1 case). Every choice is a function of the
vectors and numbers held, never of memory layout; equal scores go to the older cluster.

Between two batches a cluster of one mention lies packed (`classify.singles`); it is a `LiveCluster`
only from the moment it is asked for until `settle`.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classify.cluster_blob import Exemplar, Packed
from classify.cluster_rules import Rules
from classify.index import BUCKETS, Probe, Rows, Vector, are_missing, leaders
from classify.labels import Member
from classify.member_rows import LONGEST, MemberRows, form_of, member_of
from classify.packing import vector_of, words_of
from classify.postings import PostingIndex, places_of
from classify.singles import Row, Single, Singles
from classify.vectors import HEAVIEST
from storage.records import ClusterId, MentionId

CENTROID = 200  # heaviest features kept of a centroid
EXEMPLARS = 6  # the first three members and the last three
FOUNDERS = 3
COMPARED = 16  # clusters compared by centroid, those with most votes
SCORED = 6  # of them compared by exemplars, those with the best centroids
NEAREST = 0.3  # weight of the most similar exemplar; the rest is the centroid's
MERGE_FEATURES = 16
DAY_S = 86_400.0
_SETTLED_AT_ONCE = 1000  # clusters that may stand unpacked while a shard is restored
_OBJECT_BYTES = 1000  # of one LiveCluster with its name, its place in the maps and its due date
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NEVER = (math.inf, 0, 0)


class Kept(NamedTuple):
    """An exemplar whose vector lies in `row`."""

    mention_id: int
    member: Member
    row: int


@dataclass(slots=True, eq=False)
class LiveCluster:
    """One live cluster.

    `touched` is the shard's clock (s) when a mention last came, `reshaped` when a merge or a split
    last changed it.
    """

    slot: int  # its ordinal in the index; rises as clusters come into memory
    opened_seq: int
    cluster_id: ClusterId
    parent_id: ClusterId | None
    size: int
    n_duplicates: int
    first_at: datetime
    last_at: datetime
    touched: float
    last_seq: int
    rows: tuple[int, ...] = ()  # of the exemplars, oldest first
    centroid_row: int = -1  # -1: the only exemplar is the centroid
    norm: float = 1.0
    label: str = ""
    named_by: str = ""
    pinned: bool = False
    keywords: tuple[str, ...] = ()
    representative_id: MentionId | None = None
    labelled_size: int = 0
    reshaped: float = 0.0


@dataclass(frozen=True, slots=True)
class Match:
    """The best cluster for a vector and its score."""

    cluster: LiveCluster
    score: float


class _Found(NamedTuple):
    """A cluster worth comparing, as it is or packed."""

    opened_seq: int
    ordinal: int
    cluster: LiveCluster | None
    packed: Row | None


def _heaviest(vector: Vector, limit: int) -> Vector:
    if len(vector.ids) <= limit:
        return vector
    order = np.lexsort((vector.ids, -vector.weights))[:limit]
    order.sort()
    return Vector(vector.ids[order], vector.weights[order])


def _add(left: Vector, right: Vector) -> Vector:
    """Sum of two vectors, cut to the heaviest features of a centroid."""
    ids = np.concatenate((left.ids, right.ids))
    weights = np.concatenate((left.weights, right.weights))
    order = np.argsort(ids, kind="stable")
    ids, weights = ids[order], weights[order]
    first = np.ones(len(ids), dtype=bool)
    first[1:] = ids[1:] != ids[:-1]
    starts = np.flatnonzero(first)
    summed = np.add.reduceat(weights, starts) if len(starts) else weights
    return _heaviest(Vector(ids[starts], summed.astype(np.float32)), CENTROID)


class LiveClusters:
    """All live clusters of a shard with their vectors and the index over them."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._clusters: dict[int, LiveCluster] = {}  # by ordinal: those that are not packed
        self._by_id: dict[ClusterId, LiveCluster] = {}  # the same
        self._singles = Singles()
        self._lent: set[int] = set()  # packed ones that are a LiveCluster for now
        self._young: deque[int] = deque()  # in memory since the last settling, to be packed
        self._newest = (-math.inf, -1)  # touched and opened_seq of the newest of all those
        self._next = 0
        self._grown = np.zeros(1024, dtype=bool)  # by ordinal - base: has it a centroid
        self._base = 0
        self._members = MemberRows(HEAVIEST)
        self._centroids = Rows(CENTROID, np.float32)
        self._index = PostingIndex()
        self._scratch = np.zeros(BUCKETS, dtype=np.uint8)
        self._due: list[tuple[float, int, int]] = []  # (expires at, opened_seq, ordinal), at least

    def __len__(self) -> int:
        """Return how many clusters are live."""
        return len(self._clusters) + len(self._singles) - len(self._lent)

    def __contains__(self, cluster_id: ClusterId) -> bool:
        """Say whether a cluster is live."""
        return cluster_id in self._by_id or self._singles.find(cluster_id) is not None

    def get(self, cluster_id: ClusterId) -> LiveCluster | None:
        """Return a live cluster, always the same object between two calls of `settle`."""
        found = self._by_id.get(cluster_id)
        if found is not None:
            return found
        ordinal = self._singles.find(cluster_id)
        return None if ordinal is None else self._lend(ordinal)

    def exemplars(self, cluster: LiveCluster) -> list[Kept]:
        """Return the members that stand for a cluster in comparisons, oldest first."""
        return [Kept(*self._members.text(row), row) for row in cluster.rows]

    def nbytes(self) -> int:
        """Return the bytes of memory that the clusters take, the index included."""
        arrays = (self._singles, self._members, self._centroids, self._index, self._grown)
        return sum(one.nbytes for one in arrays) + _OBJECT_BYTES * len(self._clusters)

    # --- coming and staying ---------------------------------------------------------------------

    def restore(self, cluster: LiveCluster, packed: Packed) -> None:
        """Take in a cluster that was stored; its ordinal and rows are given here.

        Those that were opened first come first, else singles stay unpacked.
        """
        cluster.rows = tuple(
            self._members.put(*words_of(one.vector), one.mention_id, one.member)
            for one in packed.exemplars
        )
        if packed.centroid is not None:
            cluster.centroid_row = self._centroids.put(packed.centroid)
        self._enter(cluster)
        _hide_name(cluster)
        if len(self._young) >= _SETTLED_AT_ONCE:
            self.settle(())

    def open(self, cluster: LiveCluster, vector: Vector, mention_id: int, member: Member) -> None:
        """Take in a new cluster of one member."""
        cluster.rows = (self._members.put(*words_of(vector), mention_id, member),)
        self._enter(cluster)

    def _enter(self, cluster: LiveCluster) -> None:
        cluster.slot = self._next
        self._next += 1
        self._make_room(cluster.slot)
        self._grown[cluster.slot - self._base] = cluster.centroid_row >= 0
        self._hold(cluster)
        centroid = self.centroid(cluster)
        cluster.norm = _norm(centroid)
        self._index.add(cluster.slot, places_of(centroid.ids))
        came = (cluster.touched, cluster.opened_seq)
        if cluster.centroid_row < 0 and came > self._newest:
            self._newest = came
            self._young.append(cluster.slot)
        else:
            self._file_due(cluster)

    def _hold(self, cluster: LiveCluster) -> None:
        self._clusters[cluster.slot] = cluster
        self._by_id[cluster.cluster_id] = cluster

    def _release(self, cluster: LiveCluster) -> None:
        del self._clusters[cluster.slot], self._by_id[cluster.cluster_id]

    def _make_room(self, ordinal: int) -> None:
        if ordinal - self._base < len(self._grown):
            return
        first = self._singles.first_ordinal()
        oldest = min(self._clusters, default=ordinal)
        oldest = oldest if first is None else min(oldest, first)
        kept = self._grown[oldest - self._base :]
        self._base = oldest
        size = max(1024, 1 << (2 * len(kept)).bit_length())
        self._grown = np.zeros(size, dtype=bool)
        self._grown[: len(kept)] = kept

    def _file_due(self, cluster: LiveCluster) -> None:
        heapq.heappush(self._due, (self._expires(cluster), cluster.opened_seq, cluster.slot))

    def _lend(self, ordinal: int) -> LiveCluster:
        """Make a packed single a LiveCluster until it is settled."""
        one, words = self._singles.get(ordinal)
        at = _EPOCH + one.published_us * _MICROSECOND
        member = member_of(one.length, one.form)
        cluster = LiveCluster(
            slot=ordinal,
            opened_seq=one.opened_seq,
            cluster_id=self._singles.decode(one.name),
            parent_id=None,
            size=1,
            n_duplicates=0,
            first_at=at,
            last_at=at,
            touched=one.touched,
            last_seq=one.opened_seq,
            rows=(self._members.put(words, one.shift, one.mention_id, member),),
            norm=_norm(vector_of(words, one.shift)),
            representative_id=MentionId(one.mention_id),
            labelled_size=1,
        )
        self._lent.add(ordinal)
        self._hold(cluster)
        self._file_due(cluster)
        return cluster

    def settle(self, clusters: Iterable[LiveCluster]) -> None:
        """Put the clusters that a batch touched away; no `LiveCluster` is good after this.

        A cluster of one text comes back without its name (label "", no keywords): only its stored
        record has it, and an empty label there leaves the stored one alone.
        """
        for cluster in clusters:
            _hide_name(cluster)
        for ordinal in sorted(self._lent):
            cluster = self._clusters[ordinal]
            if self._is_packable(cluster):
                self._members.drop(cluster.rows[0])
                self._release(cluster)
            else:
                self._singles.remove(ordinal)
        self._lent.clear()
        for ordinal in self._young:
            found = self._clusters.get(ordinal)
            if found is not None:
                _hide_name(found)
                self._put_away(found)
        self._young.clear()

    def _put_away(self, cluster: LiveCluster) -> None:
        name = self._singles.encode(cluster.cluster_id)
        if name is None or not self._is_packable(cluster):
            self._file_due(cluster)
            return
        words, shift = self._members.get(cluster.rows[0])
        mention_id, member = self._members.text(cluster.rows[0])
        one = Single(
            name=name,
            mention_id=mention_id,
            opened_seq=cluster.opened_seq,
            touched=cluster.touched,
            published_us=(cluster.first_at - _EPOCH) // _MICROSECOND,
            length=min(member.length, LONGEST),
            form=form_of(member),
            shift=shift,
        )
        self._singles.put(cluster.slot, one, words)
        self._members.drop(cluster.rows[0])
        self._release(cluster)

    def _is_packable(self, cluster: LiveCluster) -> bool:
        """Say whether a packed single would say all there is to say."""
        return (
            cluster.centroid_row < 0
            and cluster.size == 1
            and not cluster.n_duplicates
            and not cluster.pinned
            and not cluster.named_by
            and not cluster.reshaped
            and cluster.parent_id is None
            and cluster.first_at == cluster.last_at
            and cluster.last_seq == cluster.opened_seq
            and cluster.labelled_size == 1
            and cluster.representative_id == self._members.text(cluster.rows[0])[0]
        )

    def pack(self, cluster: LiveCluster) -> Packed:
        """Return what must be stored of a cluster's own state."""
        exemplars = tuple(
            Exemplar(one.mention_id, one.member, vector_of(*self._members.get(one.row)))
            for one in self.exemplars(cluster)
        )
        centroid = self._centroids.get(cluster.centroid_row) if cluster.centroid_row >= 0 else None
        return Packed(
            cluster.opened_seq,
            cluster.last_seq,
            cluster.touched,
            cluster.labelled_size,
            exemplars,
            centroid,
            cluster.reshaped,
        )

    def centroid(self, cluster: LiveCluster) -> Vector:
        """Return the sum of the members' vectors, cut to its heaviest features."""
        if cluster.centroid_row >= 0:
            return self._centroids.get(cluster.centroid_row)
        return vector_of(*self._members.get(cluster.rows[0]))

    def lacks(self, cluster: LiveCluster, ids: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Say for each feature id [n] whether the cluster's centroid is without it."""
        return are_missing(ids, self.centroid(cluster).ids)

    # --- finding --------------------------------------------------------------------------------

    def best(self, vector: Vector, least: float) -> Match | None:
        """Return the best cluster when its score is at least `least`."""
        found = self._most_voted(*self._index.vote(vector, least * least))
        if not found:
            return None
        probe = Probe(vector, self._scratch)
        alone = [one for one in found if one.cluster is None or one.cluster.centroid_row < 0]
        scored = [
            (-cosine, one.opened_seq, one)
            for one, cosine in zip(alone, self._cosines(probe, alone), strict=True)
        ]
        grown = [one for one in found if one.cluster is not None and one.cluster.centroid_row >= 0]
        if grown:
            bar = max(least, -min(scored)[0] if scored else 0.0)
            scored += self._score_grown(probe, grown, bar)
        if not scored:
            return None
        score, _, best = min(scored)
        return Match(self._handed(best), -score) if -score >= least else None

    def _handed(self, found: _Found) -> LiveCluster:
        return self._lend(found.ordinal) if found.cluster is None else found.cluster

    def _cosines(self, probe: Probe, alone: list[_Found]) -> list[float]:
        """Return the cosines of lone clusters, packed or not."""
        if not alone:
            return []
        ids, weights = self._rows_of(alone)
        # Sums of squares of such weights are exact in float32: classify.packing.
        norms = np.sqrt((weights * weights).sum(axis=1).astype(np.float64))
        norms[norms == 0.0] = 1.0
        cosines: list[float] = (probe.dots(ids, weights) / norms).tolist()
        return cosines

    def _rows_of(self, alone: list[_Found]) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        """Return the vectors of lone clusters as rows [n, 64]."""
        packed = [one.packed for one in alone if one.packed is not None]
        if len(packed) == len(alone):
            return self._singles.take(packed)
        held = [one.cluster.rows[0] for one in alone if one.cluster is not None]
        ids, weights = self._members.take(held)
        if not packed:
            return ids, weights
        more_ids, more_weights = self._singles.take(packed)
        order = np.argsort(np.argsort([one.cluster is None for one in alone], kind="stable"))
        return (
            np.concatenate((ids, more_ids))[order],
            np.concatenate((weights, more_weights))[order],
        )

    def _score_grown(
        self, probe: Probe, grown: list[_Found], bar: float
    ) -> list[tuple[float, int, _Found]]:
        clusters = [one.cluster for one in grown if one.cluster is not None]
        dots = probe.dots(*self._centroids.take([one.centroid_row for one in clusters])).tolist()
        cosines = [
            (-dot / one.norm, one.opened_seq, n)
            for n, (dot, one) in enumerate(zip(dots, clusters, strict=True))
            if (1 - NEAREST) * dot / one.norm + NEAREST >= bar  # else no exemplar can save it
        ]
        near = [(-cosine, n) for cosine, _, n in heapq.nsmallest(SCORED, cosines)]
        if not near:
            return []
        rows = [row for _, n in near for row in clusters[n].rows]
        likeness = probe.dots(*self._members.take(rows)).tolist()
        scored = []
        first = 0
        for cosine, n in near:
            last = first + len(clusters[n].rows)
            score = NEAREST * max(likeness[first:last]) + (1 - NEAREST) * cosine
            scored.append((-score, grown[n].opened_seq, grown[n]))
            first = last
        return scored

    def partner(self, cluster: LiveCluster, barred: Sequence[int] = ()) -> Match | None:
        """Return the cluster to merge a grown one with, None when none is alike enough.

        Another grown one by their centroids; else a single mention that would join by now. Those
        whose slots are `barred` are passed over.
        """
        centroid = self.centroid(cluster)
        ordinals, votes = self._index.vote(_heaviest(centroid, MERGE_FEATURES), 0.0)
        others = ordinals != cluster.slot
        if barred:
            others &= ~np.isin(ordinals, barred)
        ordinals, votes = ordinals[others], votes[others]
        grown = self._grown[ordinals - self._base]
        probe = Probe(centroid, self._scratch)
        return self._alike(
            probe, cluster, self._most_voted(ordinals[grown], votes[grown])
        ) or self._lone(probe, cluster, self._most_voted(ordinals[~grown], votes[~grown]))

    def _most_voted(self, ordinals: NDArray[np.int64], votes: NDArray[np.float64]) -> list[_Found]:
        """Return the clusters to compare, most votes first, equal ones by age."""
        found = []
        for ordinal, vote in leaders(ordinals, votes, COMPARED):
            cluster = self._clusters.get(ordinal)
            if cluster is not None:
                one = _Found(cluster.opened_seq, ordinal, cluster, None)
            else:
                row = self._singles.row(ordinal)
                one = _Found(row.opened_seq, ordinal, None, row)
            found.append((-vote, one))
        found.sort(key=lambda one: (one[0], one[1].opened_seq))
        return [one for _, one in found[:COMPARED]]

    def _alike(self, probe: Probe, cluster: LiveCluster, others: list[_Found]) -> Match | None:
        clusters = [one.cluster for one in others if one.cluster is not None]
        if not clusters:
            return None
        dots = probe.dots(*self._centroids.take([one.centroid_row for one in clusters])).tolist()
        scored = [
            (-dot / (one.norm * cluster.norm), one.opened_seq, n)
            for n, (dot, one) in enumerate(zip(dots, clusters, strict=True))
        ]
        score, _, n = min(scored)
        best = clusters[n]
        members = [kept.member for kept in self.exemplars(cluster) + self.exemplars(best)]
        return Match(best, -score) if -score >= self._rules.least_alike(members) else None

    def _lone(self, probe: Probe, cluster: LiveCluster, others: list[_Found]) -> Match | None:
        if not others:
            return None
        ids, weights = self._rows_of(others)
        dots = probe.dots(ids, weights).tolist()
        cosines = [
            (-dot / cluster.norm, one.opened_seq, n)
            for n, (dot, one) in enumerate(zip(dots, others, strict=True))
        ]
        members = self._members.take(cluster.rows)
        scored = []
        for cosine, opened_seq, n in heapq.nsmallest(SCORED, cosines):
            size = int(np.count_nonzero(ids[n]))
            vector = Vector(ids[n, :size], weights[n, :size])
            likeness = Probe(vector, self._scratch).dots(*members)
            score = NEAREST * float(likeness.max()) - (1 - NEAREST) * cosine
            if score >= self._rules.least_single(self._lone_member(others[n])):
                scored.append((-score, opened_seq, n))
        if not scored:
            return None
        score, _, n = min(scored)
        return Match(self._handed(others[n]), -score)

    def _lone_member(self, found: _Found) -> Member:
        if found.packed is not None:
            return member_of(found.packed.length, found.packed.form)
        assert found.cluster is not None
        return self._members.text(found.cluster.rows[0])[1]

    def likeness(self, cluster: LiveCluster) -> list[float]:
        """Return each exemplar's mean cosine to the others (1.0 for an only one)."""
        rows = cluster.rows
        if len(rows) == 1:
            return [1.0]
        ids, weights = self._members.take(rows)
        means = []
        for row in rows:
            dots = Probe(vector_of(*self._members.get(row)), self._scratch).dots(ids, weights)
            means.append((float(dots.sum()) - 1.0) / (len(rows) - 1))
        return means

    # --- changing -------------------------------------------------------------------------------

    def join(self, cluster: LiveCluster, vector: Vector, mention_id: int, member: Member) -> None:
        """Add a member that is no copy: centroid, exemplars and index."""
        words, shift = words_of(vector)
        before = self.centroid(cluster)
        self._set_centroid(cluster, before, _add(before, vector_of(words, shift)))
        rows = cluster.rows
        if len(rows) == EXEMPLARS:
            self._members.drop(rows[FOUNDERS])
            rows = (*rows[:FOUNDERS], *rows[FOUNDERS + 1 :])
        cluster.rows = (*rows, self._members.put(words, shift, mention_id, member))

    def _set_centroid(self, cluster: LiveCluster, former: Vector, centroid: Vector) -> None:
        if cluster.centroid_row >= 0:
            self._centroids.replace(cluster.centroid_row, centroid)
        else:
            _hide_name(cluster)
            cluster.centroid_row = self._centroids.put(centroid)
            self._grown[cluster.slot - self._base] = True
        cluster.norm = _norm(centroid)
        before, after = places_of(former.ids), places_of(centroid.ids)
        self._index.remove(cluster.slot, before[are_missing(before, after)])
        self._index.add(cluster.slot, after[are_missing(after, before)])

    def merge(self, survivor: LiveCluster, absorbed: LiveCluster) -> None:
        """Move everything of `absorbed` into `survivor`."""
        every = self.exemplars(survivor) + self.exemplars(absorbed)
        former = self.centroid(survivor)
        joint = _add(former, self.centroid(absorbed))
        self._leave(absorbed)
        self._set_centroid(survivor, former, joint)
        if absorbed.centroid_row >= 0:
            self._centroids.drop(absorbed.centroid_row)
        every.sort(key=lambda kept: kept.mention_id)
        last = every[FOUNDERS:][-(EXEMPLARS - FOUNDERS) :]
        for one in every[FOUNDERS : len(every) - len(last)]:
            self._members.drop(one.row)
        survivor.rows = tuple(one.row for one in every[:FOUNDERS] + last)
        survivor.size += absorbed.size
        survivor.n_duplicates += absorbed.n_duplicates
        survivor.first_at = min(survivor.first_at, absorbed.first_at)
        survivor.last_at = max(survivor.last_at, absorbed.last_at)
        survivor.touched = max(survivor.touched, absorbed.touched)
        survivor.last_seq = max(survivor.last_seq, absorbed.last_seq)

    def drop(self, cluster: LiveCluster) -> None:
        """Forget a cluster and give its rows back."""
        self._leave(cluster)
        for row in cluster.rows:
            self._members.drop(row)
        if cluster.centroid_row >= 0:
            self._centroids.drop(cluster.centroid_row)

    def _leave(self, cluster: LiveCluster) -> None:
        """Make a cluster unfindable; its rows stay."""
        self._index.remove(cluster.slot, places_of(self.centroid(cluster).ids))
        self._release(cluster)
        if cluster.slot in self._lent:
            self._lent.remove(cluster.slot)
            self._singles.remove(cluster.slot)

    # --- time -----------------------------------------------------------------------------------

    def _expires(self, cluster: LiveCluster) -> float:
        if cluster.pinned:
            return math.inf  # a person wants it kept
        alone = _is_alone(cluster)
        days = self._rules.single_window_days if alone else self._rules.window_days
        return cluster.touched + days * DAY_S

    def take_expired(self, clock: float, limit: int) -> list[LiveCluster]:
        """Return up to `limit` clusters whose window has passed, the longest passed first.

        None while no more than the rules keep are live. They are still held: pack them, then
        `drop` them.
        """
        expired: list[LiveCluster] = []
        taken: set[int] = set()
        limit = min(limit, len(self) - self._rules.keep_clusters)
        while len(expired) < limit:
            single = self._first_single(taken)  # first: it files those that grew in this batch
            heads = (self._first_filed(clock, taken), single)
            due, _, ordinal = min((one for one in heads if one is not None), default=_NEVER)
            if due >= clock:
                break
            taken.add(ordinal)
            found = self._clusters.get(ordinal)
            expired.append(self._lend(ordinal) if found is None else found)
        return expired

    def _first_filed(self, clock: float, taken: set[int]) -> tuple[float, int, int] | None:
        """Return the cluster due first of those whose due dates are filed, if due by now."""
        while self._due and self._due[0][0] < clock:
            due, opened_seq, ordinal = self._due[0]
            cluster = self._clusters.get(ordinal)
            if cluster is None or ordinal in taken:
                heapq.heappop(self._due)  # gone, or packed again
                continue
            true_due = self._expires(cluster)
            if true_due <= due:
                return self._due[0]
            heapq.heapreplace(self._due, (true_due, opened_seq, ordinal))
        return None

    def _first_single(self, taken: set[int]) -> tuple[float, int, int] | None:
        """Return the single due first: they come in the order in which they expire."""
        packed = self._singles.oldest(self._lent)
        if packed is not None:
            ordinal, touched, opened_seq = packed
            return touched + self._rules.single_window_days * DAY_S, opened_seq, ordinal
        while self._young:
            ordinal = self._young[0]
            cluster = self._clusters.get(ordinal)
            if cluster is not None and ordinal not in taken:
                if _is_alone(cluster):
                    return self._expires(cluster), cluster.opened_seq, ordinal
                self._file_due(cluster)
            self._young.popleft()
        return None


def _is_alone(cluster: LiveCluster) -> bool:
    return cluster.size + cluster.n_duplicates < 2 and not cluster.pinned


def _hide_name(cluster: LiveCluster) -> None:
    if cluster.centroid_row < 0 and not cluster.named_by:
        cluster.label, cluster.keywords = "", ()


def _norm(vector: Vector) -> float:
    weights = vector.weights.astype(np.float64)
    return math.sqrt(float((weights * weights).sum())) or 1.0
