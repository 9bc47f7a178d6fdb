"""When live clusters leave memory: those longest untouched first, a few at a time."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from classify.cluster_rules import Rules
from classify.live_cluster import LiveCluster, is_alone
from classify.singles import Singles

DAY_S = 86_400.0
_NEVER = (math.inf, 0, 0)
Due = tuple[float, int, int]  # expires at, opened_seq, ordinal


class DueDates:
    """Every live cluster waits in one of three queues.

    Packed singles wait in their order, and so do those that will be packed; all others in a heap,
    by dates that may be too early and are looked at again when they come.
    """

    def __init__(
        self,
        rules: Rules,
        clusters: Mapping[int, LiveCluster],
        singles: Singles,
        lent: AbstractSet[int],
    ) -> None:
        self._rules = rules
        self._clusters = clusters
        self._singles = singles
        self._lent = lent
        self.young: deque[int] = deque()  # in memory since the last settling, to be packed
        self._newest = (-math.inf, -1)  # touched and opened_seq of the newest of all those
        self._heap: list[Due] = []

    def enter(self, cluster: LiveCluster) -> None:
        """Note a cluster that came into memory."""
        came = (cluster.touched, cluster.opened_seq)
        if cluster.centroid_row < 0 and came > self._newest:
            self._newest = came
            self.young.append(cluster.slot)
        else:
            self.file(cluster)

    def file(self, cluster: LiveCluster) -> None:
        """Note when a cluster that is not packed leaves."""
        heapq.heappush(self._heap, (self._expires(cluster), cluster.opened_seq, cluster.slot))

    def _expires(self, cluster: LiveCluster) -> float:
        if cluster.pinned:
            return math.inf  # a person wants it kept
        alone = is_alone(cluster)
        days = self._rules.single_window_days if alone else self._rules.window_days
        return cluster.touched + days * DAY_S

    def take(self, clock: float, limit: int) -> list[int]:
        """Return the ordinals of up to `limit` clusters whose window has passed, first due first.

        They are still live: the caller drops them.
        """
        taken: dict[int, None] = {}
        while len(taken) < limit:
            # Looking at singles may file one that grew.
            heads = (self._first_single(taken), self._first_filed(clock, taken))
            due, _, ordinal = min((one for one in heads if one is not None), default=_NEVER)
            if due >= clock:
                break
            taken[ordinal] = None
        return list(taken)

    def _first_filed(self, clock: float, taken: Mapping[int, None]) -> Due | None:
        """Return the cluster due first of those whose due dates are filed, if due by now."""
        while self._heap and self._heap[0][0] < clock:
            due, opened_seq, ordinal = self._heap[0]
            cluster = self._clusters.get(ordinal)
            if cluster is None or ordinal in taken:
                heapq.heappop(self._heap)  # gone, or packed again
                continue
            true_due = self._expires(cluster)
            if true_due <= due:
                return self._heap[0]
            heapq.heapreplace(self._heap, (true_due, opened_seq, ordinal))
        return None

    def _first_single(self, taken: Mapping[int, None]) -> Due | None:
        """Return the single due first: they come in the order in which they expire."""
        packed = self._singles.oldest(self._lent, taken)
        if packed is not None:
            ordinal, touched, opened_seq = packed
            return touched + self._rules.single_window_days * DAY_S, opened_seq, ordinal
        while self.young:
            ordinal = self.young[0]
            cluster = self._clusters.get(ordinal)
            if cluster is not None and ordinal not in taken:
                # touched since it came, it is no longer in that order
                if is_alone(cluster) and cluster.last_seq == cluster.opened_seq:
                    return self._expires(cluster), cluster.opened_seq, ordinal
                self.file(cluster)
            self.young.popleft()
        return None
