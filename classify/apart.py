"""Pairs of clusters that a person wants apart, followed through merges."""

from __future__ import annotations

from collections.abc import Iterable

from storage.records import ClusterId


class Apart:
    """Who must not be merged with whom."""

    def __init__(self, pairs: Iterable[tuple[ClusterId, ClusterId]] = ()) -> None:
        self._of: dict[ClusterId, set[ClusterId]] = {}
        for one, other in pairs:
            self._add(one, other)

    def _add(self, one: ClusterId, other: ClusterId) -> None:
        self._of.setdefault(one, set()).add(other)
        self._of.setdefault(other, set()).add(one)

    def forbids(self, one: ClusterId, other: ClusterId) -> bool:
        """Say whether a person wants these two apart."""
        return other in self._of.get(one, ())

    def merge(self, survivor_id: ClusterId, absorbed_id: ClusterId) -> None:
        """Keep apart from a survivor what was kept apart from whom it took in."""
        for other in self._of.get(absorbed_id, ()):
            self._add(survivor_id, other)
