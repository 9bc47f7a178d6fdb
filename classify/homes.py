"""Which cluster each remembered text is in: what a copy of it inherits."""

from __future__ import annotations

from collections.abc import Iterable

from storage.records import ClusterId


class Homes:
    """Holds as much as the near-duplicate index remembers, and follows merges and splits."""

    def __init__(self) -> None:
        self._of: dict[int, ClusterId] = {}  # owner of a text -> cluster
        self._owners: dict[ClusterId, list[int]] = {}

    def __contains__(self, owner: int) -> bool:
        """Say whether a text of this mention is remembered."""
        return owner in self._of

    def __len__(self) -> int:
        """Return how many texts are remembered."""
        return len(self._of)

    def of(self, owner: int) -> ClusterId:
        """Return the cluster of a remembered text."""
        return self._of[owner]

    def put(self, owner: int, cluster_id: ClusterId) -> None:
        """Note where a remembered text is from now on."""
        self.forget([owner])
        self._of[owner] = cluster_id
        self._owners.setdefault(cluster_id, []).append(owner)

    def forget(self, owners: Iterable[int]) -> None:
        """Forget texts that the near-duplicate index forgot."""
        for owner in owners:
            cluster_id = self._of.pop(owner, None)
            if cluster_id is None:
                continue
            left = self._owners[cluster_id]
            left.remove(owner)
            if not left:
                del self._owners[cluster_id]

    def merge(self, survivor_id: ClusterId, absorbed_id: ClusterId) -> None:
        """Follow a merge."""
        owners = self._owners.pop(absorbed_id, [])
        for owner in owners:
            self._of[owner] = survivor_id
        if owners:
            self._owners.setdefault(survivor_id, []).extend(owners)
