"""Silences as people ask for them: begun, ended and listed, wherever it was done."""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from alerts.hush import hold, release
from alerts.scene import Links, Scene
from alerts.silences import cap_of, current, is_about, windows
from config.errors import GroundswellError
from config.schema import Project
from config.wording import did_you_mean
from groundswell.acting import SAMPLES
from groundswell.clock import Clock
from groundswell.gate import with_trials
from groundswell.passes import log_acts
from storage.records import Change, Incident, IncidentId, Silence
from storage.store import Store, Transaction

CAPS = ("blue", "yellow", "orange")  # red is never held
Words = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants to be silent about, from when to when and why. Empty: everything.

    `starts_at` None: from now on. `incident`: the id or code of the only one it is about.
    """

    ends_at: datetime
    reason: str
    up_to: str = "yellow"
    starts_at: datetime | None = None
    incident: str = ""
    brand: Words = ()
    product: Words = ()
    issue: Words = ()
    region: Words = ()
    platform: Words = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceDesk:
    """Begins and ends silences; `woken` is called after a commit that may have left messages."""

    store: Store
    project: Project
    clock: Clock
    links: Links
    woken: Callable[[], None] = field(default=lambda: None)

    def add(self, wish: Wish, by: str) -> tuple[Silence, list[Incident]]:
        """Begin a silence; return it and the open incidents that it holds at once.

        Errors: GroundswellError when it has no reason or no end ahead, holds red, or names what is
        not there. Asked for twice at one instant it is one silence.
        """
        now = self.clock.now()
        self._check(wish, now)
        with self.store.transaction() as tx:
            silence = self._silence(tx, wish, by, now)
            if not tx.add_silence(silence):
                return silence, []
            tx.lock_passes()
            held = self._hold_now(tx, silence, by, now) if silence.starts_at <= now else []
            log_acts(tx, self.project, now, held, named=silence.silence_id)
            tx.audit(by, "silence", silence.silence_id, now, wish.reason)
        return silence, [change.incident for change in held]

    def end(self, silence_id: str, by: str) -> list[Incident]:
        """End a silence before its time; return the incidents that are heard of again.

        Errors: GroundswellError when there is none of that id, or it is over.
        """
        now = self.clock.now()
        with self.store.transaction() as tx:
            if not tx.end_silence(silence_id, now, by):
                known = ", ".join(one.silence_id for one in tx.queries.silences(now)) or "-"
                raise GroundswellError(
                    f"没有正在或将要生效的静默 {silence_id!r}，现有：{known} "
                    f"(no silence {silence_id!r}; see: groundswell silence list)"
                )
            tx.lock_passes()
            changes = self._release_now(tx, silence_id, now)
            log_acts(tx, self.project, now, changes, named=silence_id)
            heard = [change.incident for change in changes]
            tx.audit(by, "silence_ended", silence_id, now, "")
        self.woken()
        return heard

    def listed(self, since: datetime | None = None) -> tuple[list[Silence], tuple[Silence, ...]]:
        """Return the silences that end after `since` (None: now), and the open windows."""
        now = self.clock.now()
        with self.store.read() as queries:
            return queries.silences(since or now), windows(self.project, now)

    def _check(self, wish: Wish, now: datetime) -> None:
        if not wish.reason.strip():
            raise GroundswellError("静默需要写明原因 (a silence needs a reason)")
        if wish.ends_at <= max(now, wish.starts_at or now):
            raise GroundswellError(
                "静默需要一个将来的、晚于开始的结束时间 (a silence needs an end after its start)"
            )
        if wish.up_to not in CAPS:
            raise GroundswellError(
                f"静默最高到 orange，红级从不静默；给的是 {wish.up_to!r} "
                f"(up to one of {', '.join(CAPS)}; red is never held)"
            )
        brands = [brand.id for brand in self.project.brands]
        products = [product.id for brand in self.project.brands for product in brand.products]
        for named, known, what in (
            (wish.brand, brands, "brand"),
            (wish.product, products, "product"),
        ):
            for word in named:
                if word not in known:
                    raise GroundswellError(
                        f'there is no {what} "{word}"{did_you_mean(word, known)}; '
                        f"known: {', '.join(known) or '-'}"
                    )

    def _silence(self, tx: Transaction, wish: Wish, by: str, now: datetime) -> Silence:
        incident_id: IncidentId | None = None
        if wish.incident:
            found = tx.incident(wish.incident)
            if found is None:
                raise GroundswellError(
                    f"no incident {wish.incident!r}; see: groundswell incidents list"
                )
            incident_id = found.incident_id
        told = hashlib.blake2b(f"{wish}|{by}|{now}".encode(), digest_size=5).digest()
        return Silence(
            silence_id=f"s-{b32encode(told).decode().lower()}",
            starts_at=max(now, wish.starts_at or now),
            ends_at=wish.ends_at,
            up_to=wish.up_to,
            by=by,
            reason=wish.reason.strip(),
            created_at=now,
            incident_id=incident_id,
            brand=wish.brand,
            product=wish.product,
            issue=wish.issue,
            region=wish.region,
            platform=wish.platform,
        )

    def _release_now(self, tx: Transaction, silence_id: str, now: datetime) -> list[Change]:
        """Let people hear of what a silence held that has just ended."""
        heard: list[Change] = []
        for incident in tx.silenced_incidents(silence_id):
            scene = self._scene(tx, incident, now)
            change = release(incident, scene, now, "静默被提前结束")
            if change is not None and tx.save_change(change):
                heard.append(change)
        return heard

    def _hold_now(self, tx: Transaction, silence: Silence, by: str, now: datetime) -> list[Change]:
        """Hold what is open already. Nothing is worded here: evidence is for its traits only."""
        silences = current(tx.active_silences(now), self.project, now)
        asks = silence.product or silence.issue or silence.region or silence.platform
        held: list[Change] = []
        for incident in tx.open_incidents():
            if incident.level > cap_of(silence):
                continue
            if silence.brand and incident.brand_id not in silence.brand:
                continue
            scene = Scene(
                project=with_trials(self.project, tx.queries, now),
                links=self.links,
                evidence=tx.evidence(incident.cluster_id, now) if asks else None,
                silences=silences,
            )
            if not is_about(silence, incident, scene):
                continue
            unheard = tx.unheard(incident.incident_id)
            change = hold(incident, scene, now, unheard=unheard, actor=by)
            if change is not None and tx.save_change(change):
                held.append(change)
        return held

    def _scene(self, tx: Transaction, incident: Incident, now: datetime) -> Scene:
        return Scene(
            project=with_trials(self.project, tx.queries, now),
            links=self.links,
            evidence=tx.evidence(incident.cluster_id, now),
            samples=tx.queries.cluster_mentions(incident.cluster_id, SAMPLES),
            silences=current(tx.active_silences(now), self.project, now),
        )
