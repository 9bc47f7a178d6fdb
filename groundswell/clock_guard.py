"""Watches the clock on the wall: when it is put right by a jump, what waits moves along.

The wall is compared with a clock that only runs forward and also counts while the machine sleeps
(CLOCK_BOOTTIME on Linux). Where the two disagree by more than 30 s (alerting.md 2.3) nobody has
waited that long, so every pending instant moves by the difference in one transaction: no step fires
twice or early, none is stuck in a future that never was. The last reading is kept in the database,
so that a restart on the same boot tells a jump from an outage; of an outage timers are overdue.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alerts.clock_jump import after_jump
from config.schema import Project
from groundswell.passes import log_acts
from storage.store import Store, Transaction

log = logging.getLogger(__name__)

JUMP = timedelta(seconds=30)  # alerting.md 2.3
_KEEP_EVERY_S = 60.0  # a reading so old still tells a jump from an outage
_KEY = "clock_reading"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What both clocks showed at once. `steady_s` counts from the boot that `boot` names."""

    wall: datetime
    steady_s: float
    boot: str  # "" where the system does not say: then a restart counts as an outage


def read_clocks() -> Reading:
    """Return what this machine's clocks show."""
    steady = getattr(time, "CLOCK_BOOTTIME", None)
    return Reading(
        wall=datetime.now(UTC),
        steady_s=time.monotonic() if steady is None else time.clock_gettime(steady),
        boot=_boot(),
    )


def jump_between(before: Reading, now: Reading) -> timedelta:
    """Return by how much the wall moved beyond what time has passed; nought when nobody can tell.

    Across a boot only a wall that went back is a jump: it may have been off for any time.
    """
    passed = now.wall - before.wall
    if before.boot and before.boot == now.boot and now.steady_s >= before.steady_s:
        passed -= timedelta(seconds=now.steady_s - before.steady_s)
    elif passed > timedelta():
        return timedelta()
    return passed if abs(passed) > JUMP else timedelta()


class ClockGuard:
    """Looks at both clocks at every tick; `look` is called before timers are carried out."""

    def __init__(
        self, store: Store, project: Project, read: Callable[[], Reading] = read_clocks
    ) -> None:
        self._store = store
        self._project = project
        self._read = read
        self._last: Reading | None = None
        self._kept_s = -_KEEP_EVERY_S

    def look(self) -> timedelta:
        """Compare, and move what waits when the wall has jumped; return by how much it did."""
        now = self._read()
        last = self._last or _kept(self._store)
        jump = jump_between(last, now) if last is not None else timedelta()
        if jump:
            log.warning("clock_jump seconds=%.0f", jump.total_seconds())
            with self._store.transaction() as tx:
                move(tx, jump, self._project, now.wall)
                _keep(tx, now)
            self._kept_s = now.steady_s
        elif self._last is None or now.steady_s - self._kept_s >= _KEEP_EVERY_S:
            with self._store.transaction() as tx:
                _keep(tx, now)
            self._kept_s = now.steady_s
        self._last = now
        return jump


def move(tx: Transaction, by: timedelta, project: Project, now: datetime) -> int:
    """Move all that waits by a jump that led to `now`; return how many timers. Audited."""
    tx.lock_passes()
    timers = tx.shift_instants(by, now - by)
    changes = [
        change
        for incident in tx.open_incidents()
        if (change := after_jump(incident, by, project, now)) is not None and tx.save_change(change)
    ]
    log_acts(tx, project, now, changes, jump_us=by // timedelta(microseconds=1))
    tx.audit("system", "clock_jump", "", now, f"{by.total_seconds():+.0f} s, {timers} timers")
    return timers


def _kept(store: Store) -> Reading | None:
    said = store.meta(_KEY)
    if said is None:
        return None
    value = json.loads(said)
    return Reading(
        wall=datetime.fromisoformat(value["wall"]), steady_s=value["steady_s"], boot=value["boot"]
    )


def _keep(tx: Transaction, now: Reading) -> None:
    value = {"wall": now.wall.isoformat(), "steady_s": now.steady_s, "boot": now.boot}
    tx.set_meta(_KEY, json.dumps(value))


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
