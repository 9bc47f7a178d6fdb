"""The shards in memory: a cache of the database that keeps to a limit of bytes.

In: a shard as it is used. Out: the same shard while it may stay; the least recently used leave when
all together take more than the limit, and are loaded again when something waits for them.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import Protocol, TypeVar

from storage.records import ShardId

log = logging.getLogger(__name__)

MB = 1 << 20


class Sized(Protocol):
    """What knows how much memory it takes."""

    def nbytes(self) -> int:
        """Return the bytes of memory that it takes."""


_Kept = TypeVar("_Kept", bound=Sized)


class Shards(OrderedDict[ShardId, _Kept]):
    """Shards by id, the least recently used first."""

    def use(self, shard_id: ShardId) -> _Kept | None:
        """Return a shard that is in memory, and keep it longest of all; None when it is not."""
        shard = self.get(shard_id)
        if shard is not None:
            self.move_to_end(shard_id)
        return shard

    def nbytes(self) -> int:
        """Return the bytes that all shards take together."""
        return sum(shard.nbytes() for shard in self.values())

    def keep_to(self, limit: int) -> list[ShardId]:
        """Let the least recently used leave until all take at most `limit` bytes; return them.

        The one used last stays, whatever it takes: without it nothing could be gathered.
        """
        used = self.nbytes()
        left: list[ShardId] = []
        while used > limit and len(self) > 1:
            shard_id, shard = self.popitem(last=False)
            size = shard.nbytes()
            log.info(
                "shard=%s left memory mb=%.1f used_mb=%.1f limit_mb=%.0f (clusters.memory_mb)",
                shard_id,
                size / MB,
                used / MB,
                limit / MB,
            )
            used -= size
            left.append(shard_id)
        return left
