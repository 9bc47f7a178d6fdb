"""Looks a database over, clusters and incidents, and puts right what can be: alone, or not.

In: a project's database. Out: Looked, faults in plain words.
"""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from alerts.complainants import fold_people
from alerts.journal import fold
from config.errors import StoreError
from groundswell import wiring
from groundswell.clock import RealClock
from groundswell.scheduler import ENGINE_LEASE
from storage.checking import Fault, check_clusters
from storage.complainant_checks import check_complainants
from storage.incident_checks import check_incidents
from storage.store import Store

_LEASE_S = 120  # renewed after each batch
_SHOWN = 20  # faults of a kind that people read; all stand in --json

_WORDS = {
    "counts": "计数表与成员不符 (counts differ from the members)",
    "size": "聚类大小不符 (size differs)",
    "face": "代表提及已不在聚类中 (its face left)",
    "state": "聚类的内部状态读不出来 (state cannot be read)",
    "alias_steps": "重定向不是一步到位 (more than one step to the cluster)",
    "alias_lost": "重定向没有去处 (leads nowhere)",
    "alias_ring": "重定向绕成一圈 (leads in a ring)",
    "alias_members": "提及还留在已合并的聚类里 (members of a merged cluster)",
    "orphaned_copies": "转发找不到原文 (copies without their original)",
    "no_cluster": "提及所在的聚类不存在 (members of no cluster)",
    "no_verdict": "提及没有有效的判断 (members without a verdict)",
    "brand_hours": "品牌每小时计数不符 (hours of the brand differ)",
    "journal_gap": "聚类流水缺行 (gap in the journal)",
    "log": "事件的流水读不成事件 (the log of an incident does not fold)",
    "fold": "事件与它的流水不符 (an incident differs from its log)",
    "people": "投诉人名单与流水不符 (complainants differ from the log)",
    "two_open": "一个聚类有两个未了结的事件 (two open incidents on one cluster)",
    "code_twice": "两个事件用同一个编号 (two incidents have one code)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What was found. `left`: faults that are still there."""

    faults: tuple[Fault, ...]
    left: int

    def lines(self) -> list[str]:
        """Return what people read."""
        if not self.faults:
            return ["一切相符 (everything agrees)"]
        lines = []
        for kind, n in Counter(fault.kind for fault in self.faults).items():
            own = [fault for fault in self.faults if fault.kind == kind]
            mended = "，已修复 (repaired)" if all(fault.repaired for fault in own) else ""
            lines.append(f"{_WORDS[kind]}：{n} 处{mended}")
            lines += [f"  {fault.where or '-'}  {fault.seen}" for fault in own[:_SHOWN]]
            if n > _SHOWN:
                lines.append(f"  … 另有 {n - _SHOWN} 处，见 --json (more in --json)")
        return lines + self._advice()

    def _advice(self) -> list[str]:
        if not self.left:
            return [
                "重新归入的提及下次运行时处理 (mentions sent back are gathered by the next run)"
            ]
        if not any(fault.repaired for fault in self.faults):
            return ["修复：groundswell db check --repair（先停掉主任务 stop the main job first)"]
        return [f"{self.left} 处无法自动修复，从备份恢复 (restore these from a backup)"]


def look_over(
    config: str | None,
    database: str | None,
    *,
    repair: bool,
    advance: Callable[[int, int], None],
) -> Looked:
    """Check a project's database. StoreError when it is to be repaired while somebody gathers."""
    with wiring.opened(config, database) as (_, store):
        if not repair:
            now = RealClock().now()
            faults = check_clusters(store, now, advance=advance, is_readable=_is_readable)
            faults += check_incidents(store, fold) + check_complainants(store, fold_people)
            return _looked(faults)
        return _looked(_repair(store, advance))


def _repair(store: Store, advance: Callable[[int, int], None]) -> list[Fault]:
    holder = f"check:{socket.gethostname()}:{os.getpid()}"
    if not store.take_lease(ENGINE_LEASE, holder, _LEASE_S):
        raise StoreError(
            f"repairing the database: {store.lease_holder(ENGINE_LEASE)} gathers in it; "
            "stop it (groundswell run), then repeat"
        )

    def go_on(done: int, total: int) -> None:
        if not store.renew_lease(ENGINE_LEASE, holder, _LEASE_S):
            raise StoreError(
                f"repairing the database: after {done} of {total} clusters somebody else began to "
                "gather; what is repaired stays so, stop them and repeat"
            )
        advance(done, total)

    try:
        faults = check_clusters(
            store, RealClock().now(), repair=True, advance=go_on, is_readable=_is_readable
        )
        faults += check_incidents(store, fold, repair=True)
        return [*faults, *check_complainants(store, fold_people, repair=True)]
    finally:
        store.drop_lease(ENGINE_LEASE, holder)


def _is_readable(blob: bytes) -> bool:
    from classify.cluster_blob import unpack

    try:
        unpack(blob)
    except StoreError:
        return False
    return True


def _looked(faults: list[Fault]) -> Looked:
    return Looked(faults=tuple(faults), left=sum(not fault.repaired for fault in faults))
