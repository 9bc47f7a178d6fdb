"""The live clusters of one shard in memory: find the best one for a vector, join, merge, expire.

Source: one-pass hybrid of exemplars and centroid (single-pass clustering after Allan et al. 1998,
first-story detection after Petrovic 2010 as its a = 1 case). Every choice is a function of the
vectors and numbers held, never of memory layout; equal scores go to the older cluster.

Between two batches a cluster of one mention lies packed (`classify.singles`); it is a `LiveCluster`
only from the moment it is asked for until `settle`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from classify.cluster_blob import Exemplar, Packed
from classify.cluster_rules import Rules
from classify.due_dates import DAY_S, DueDates
from classify.index import Rows, Vector, are_missing, leaders
from classify.labels import Member
from classify.live_cluster import (
    CENTROID,
    EXEMPLARS,
    FOUNDERS,
    Kept,
    LiveCluster,
    Match,
    add_vectors,
    heaviest,
    hide_name,
    norm,
)
from classify.member_rows import LONGEST, MemberRows, form_of, member_of
from classify.packing import vector_of, words_of
from classify.postings import PostingIndex, places_of
from classify.scoring import NEAREST, Found, Scored, Scorer
from classify.singles import Single, Singles
from classify.vectors import HEAVIEST
from storage.records import ClusterId, MentionId

__all__ = [
    "CENTROID", "DAY_S", "EXEMPLARS", "FOUNDERS", "NEAREST", "Kept", "LiveCluster", "LiveClusters",
    "Match",
]  # fmt: skip

COMPARED = 16  # clusters compared by centroid, those with most votes
MERGE_FEATURES = 16
_SETTLED_AT_ONCE = 1000  # clusters that may stand unpacked while a shard is restored
_OBJECT_BYTES = 1000  # of one LiveCluster with its name, its place in the maps and its due date
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class LiveClusters:
    """All live clusters of a shard with their vectors and the index over them."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._clusters: dict[int, LiveCluster] = {}  # by ordinal: those that are not packed
        self._by_id: dict[ClusterId, LiveCluster] = {}  # the same
        self._singles = Singles()
        self._lent: set[int] = set()  # packed ones that are a LiveCluster for now
        self._dues = DueDates(rules, self._clusters, self._singles, self._lent)
        self._next = 0
        self._grown = np.zeros(1024, dtype=bool)  # by ordinal - base: has it a centroid
        self._base = 0
        self._members = MemberRows(HEAVIEST)
        self._centroids = Rows(CENTROID, np.float32)
        self._index = PostingIndex()
        self._scorer = Scorer(rules, self._members, self._centroids)

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
        return self._scorer.exemplars(cluster)

    def nbytes(self) -> int:
        """Return the bytes of memory that the clusters take, the index included."""
        arrays = (self._singles, self._members, self._centroids, self._index, self._grown)
        return sum(one.nbytes for one in arrays) + _OBJECT_BYTES * len(self._clusters)

    # --- coming and staying ---------------------------------------------------------------------

    def restore(self, cluster: LiveCluster, packed: Packed, *, is_one_of_all: bool = False) -> None:
        """Take in a cluster that was stored; its ordinal and rows are given here.

        Those that were opened first come first, else singles stay unpacked. `is_one_of_all`: the
        whole shard is restored, nothing is in hand, and singles are put away as they come.
        """
        cluster.rows = tuple(
            self._members.put(*words_of(one.vector), one.mention_id, one.member)
            for one in packed.exemplars
        )
        if packed.centroid is not None:
            cluster.centroid_row = self._centroids.put(packed.centroid)
        self._enter(cluster)
        hide_name(cluster)
        if is_one_of_all and len(self._dues.young) >= _SETTLED_AT_ONCE:
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
        cluster.norm = norm(centroid)
        self._index.add(cluster.slot, places_of(centroid.ids))
        self._dues.enter(cluster)

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
            norm=norm(vector_of(words, one.shift)),
            representative_id=MentionId(one.mention_id),
            labelled_size=1,
        )
        self._lent.add(ordinal)
        self._hold(cluster)
        self._dues.file(cluster)
        return cluster

    def settle(self, clusters: Iterable[LiveCluster]) -> None:
        """Put the clusters that a batch touched away; no `LiveCluster` is good after this.

        A cluster of one text comes back without its name (label "", no keywords): only its stored
        record has it, and an empty label there leaves the stored one alone.
        """
        for cluster in clusters:
            hide_name(cluster)
        for ordinal in sorted(self._lent):
            cluster = self._clusters[ordinal]
            if self._is_packable(cluster):
                self._members.drop(cluster.rows[0])
                self._release(cluster)
            else:
                self._singles.remove(ordinal)
        self._lent.clear()
        for ordinal in self._dues.young:
            found = self._clusters.get(ordinal)
            if found is not None:
                hide_name(found)
                self._put_away(found)
        self._dues.young.clear()

    def _put_away(self, cluster: LiveCluster) -> None:
        name = self._singles.encode(cluster.cluster_id)
        if name is None or not self._is_packable(cluster):
            self._dues.file(cluster)
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
        return self._scorer.centroid(cluster)

    def lacks(self, cluster: LiveCluster, ids: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Say for each feature id [n] whether the cluster's centroid is without it."""
        return are_missing(ids, self.centroid(cluster).ids)

    # --- finding --------------------------------------------------------------------------------

    def best(self, vector: Vector, least: float) -> Match | None:
        """Return the best cluster when its score is at least `least`."""
        found = self._most_voted(*self._index.vote(vector, least * least))
        return self._matched(self._scorer.best(vector, found, least))

    def partner(self, cluster: LiveCluster, barred: Sequence[int] = ()) -> Match | None:
        """Return the cluster to merge a grown one with, None when none is alike enough.

        Another grown one by their centroids; else a single mention that would join by now. Those
        whose slots are `barred` are passed over.
        """
        sought = heaviest(self.centroid(cluster), MERGE_FEATURES)
        ordinals, votes = self._index.vote(sought, 0.0)
        others = ordinals != cluster.slot
        if barred:
            others &= ~np.isin(ordinals, barred)
        ordinals, votes = ordinals[others], votes[others]
        grown = self._grown[ordinals - self._base]
        found = self._scorer.alike(cluster, self._most_voted(ordinals[grown], votes[grown]))
        if found is None:
            lone = self._most_voted(ordinals[~grown], votes[~grown])
            found = self._scorer.lone(cluster, lone)
        return self._matched(found)

    def likeness(self, cluster: LiveCluster) -> list[float]:
        """Return each exemplar's mean cosine to the others (1.0 for an only one)."""
        return self._scorer.likeness(cluster)

    def _matched(self, scored: Scored | None) -> Match | None:
        if scored is None:
            return None
        found, score = scored
        return Match(found.cluster or self._lend(found.ordinal), score)

    def _most_voted(self, ordinals: NDArray[np.int64], votes: NDArray[np.float64]) -> list[Found]:
        """Return the clusters to compare: those with most votes, the older of equal ones."""
        found = []
        for ordinal, vote in leaders(ordinals, votes, COMPARED):
            cluster = self._clusters.get(ordinal)
            if cluster is not None:
                one = Found(cluster.opened_seq, ordinal, cluster, None)
            else:
                row = self._singles.row(ordinal)
                one = Found(row.opened_seq, ordinal, None, row)
            found.append((-vote, one))
        if len(found) > COMPARED:
            found.sort(key=lambda one: (one[0], one[1].opened_seq))
        return [one for _, one in found[:COMPARED]]

    # --- changing -------------------------------------------------------------------------------

    def join(self, cluster: LiveCluster, vector: Vector, mention_id: int, member: Member) -> None:
        """Add a member that is no copy: centroid, exemplars and index."""
        words, shift = words_of(vector)
        before = self.centroid(cluster)
        self._set_centroid(cluster, before, add_vectors(before, vector_of(words, shift)))
        rows = cluster.rows
        if len(rows) == EXEMPLARS:
            self._members.drop(rows[FOUNDERS])
            rows = (*rows[:FOUNDERS], *rows[FOUNDERS + 1 :])
        cluster.rows = (*rows, self._members.put(words, shift, mention_id, member))

    def _set_centroid(self, cluster: LiveCluster, former: Vector, centroid: Vector) -> None:
        if cluster.centroid_row >= 0:
            self._centroids.replace(cluster.centroid_row, centroid)
        else:
            hide_name(cluster)
            cluster.centroid_row = self._centroids.put(centroid)
            self._grown[cluster.slot - self._base] = True
        cluster.norm = norm(centroid)
        before, after = places_of(former.ids), places_of(centroid.ids)
        self._index.remove(cluster.slot, before[are_missing(before, after)])
        self._index.add(cluster.slot, after[are_missing(after, before)])

    def merge(self, survivor: LiveCluster, absorbed: LiveCluster) -> None:
        """Move everything of `absorbed` into `survivor`."""
        every = self.exemplars(survivor) + self.exemplars(absorbed)
        former = self.centroid(survivor)
        joint = add_vectors(former, self.centroid(absorbed))
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

    def take_expired(self, clock: float, limit: int) -> list[LiveCluster]:
        """Return up to `limit` clusters whose window has passed, the longest passed first.

        None while no more than the rules keep are live. They are still held: pack them, then
        `drop` them.
        """
        due = self._dues.take(clock, min(limit, len(self) - self._rules.keep_clusters))
        return [self._clusters.get(one) or self._lend(one) for one in due]
