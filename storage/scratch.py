"""A database in memory for a rehearsal: incidents in tables, members in a World.

In: rows copied from the real one, read only. Out: a Transaction like any other, except that it
reads evidence from the World and from what rounds noted, and nothing of it is ever kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from config.errors import StoreError
from storage import tables
from storage.brand_talk import less
from storage.facts import complaint, counted
from storage.incidents import OPEN_STATES, find_incident_of
from storage.instants import hour_of
from storage.passes import instant_of
from storage.queries import Queries
from storage.records import (
    BRAND_PREFIX,
    BrandId,
    Change,
    Cluster,
    ClusterId,
    Evidence,
    FactCount,
    Growth,
    HourCount,
    Incident,
    IncidentId,
    ItemKey,
    Mention,
    MentionId,
    OwnerId,
    Pass,
    Polarity,
    ShardId,
    SourceId,
    Verdict,
)
from storage.relapses import clusters_of
from storage.store import Transaction
from storage.table_shapes import metadata
from storage.world import Member, World, authors_of, between

_BACK = timedelta(days=35)  # as in storage.evidence
_AUTHORS_FOR = timedelta(days=7)
_LOUD_FOR = timedelta(hours=24)
_LOUD = 3
_TICK = timedelta(microseconds=1)
_UNSENT = ("pending", "retry", "ambiguous", "leased")

Hours = tuple[datetime, ...]
Shown = list[tuple[Mention, Verdict]]


@dataclass(slots=True)
class Surroundings:
    """What a round went by beside members, as it was noted."""

    live: dict[str, int] = field(default_factory=dict)
    blind: Hours = ()
    own_blind: dict[str, Hours] = field(default_factory=dict)
    sources: dict[frozenset[str], str] = field(default_factory=dict)  # whose own hours these are
    shown: dict[str, list[int]] = field(default_factory=dict)  # of the round in hand
    waiting: frozenset[str] = frozenset()  # brands, of the round in hand
    rates: dict[str, tuple[int, float, int]] = field(default_factory=dict)  # of sister products
    silent: dict[str, list[int | None]] = field(default_factory=dict)  # of the round in hand
    is_noted: bool = False  # the round in hand is the one that took place, by these rules
    first_hours: dict[str, datetime] = field(default_factory=dict)  # of brands, before the world
    sent: dict[str, datetime] = field(default_factory=dict)  # messages, and when they had left


@dataclass(slots=True)
class Scene:
    """Everything that a rehearsal's transaction reads beside its tables."""

    world: World
    around: Surroundings
    clusters: dict[str, Cluster] = field(default_factory=dict)
    linked: set[str] = field(default_factory=set)  # clusters that ever had an incident
    changes: list[Change] = field(default_factory=list)


class RehearsalQueries(Queries):
    """Reads members from the World, the rest from tables in memory."""

    def __init__(self, connection: Connection, scene: Scene) -> None:
        super().__init__(connection)
        self._scene = scene

    def cluster(self, cluster_id: ClusterId) -> Cluster | None:
        """Return a cluster, or the one it was merged into."""
        return cluster_today(self._scene, cluster_id)

    def cluster_mentions(self, cluster_id: ClusterId, limit: int = 50) -> Shown:
        """Return who stood for a cluster in this round, without what they wrote."""
        world, today = self._scene.world, self._scene.world.today(cluster_id)
        talk = world.talk(today)
        named = self._scene.around.shown.get(today)
        if named is None:
            return [_shown(one) for one in talk.face(min(limit, _LOUD))]
        by_id = {one.mention: one for one in talk.members}
        return [_shown(by_id[one]) for one in named if one in by_id]

    def evidence(self, cluster_id: ClusterId, now: datetime, *, history: bool = False) -> Evidence:
        """Return all that grading may know of a cluster."""
        return evidence_of(self.connection, self._scene, cluster_id, now, history=history)

    def growth(self, cluster_id: ClusterId, now: datetime, hours: int = 72) -> Growth:
        """Return nothing known: it is only ever worded, and nothing is sent."""
        del now, hours
        return Growth(cluster_id=cluster_id)

    def active_clusters(self, since: datetime, authors: int = 1) -> list[ClusterId]:
        """Return clusters in which that many authors wrote since then, and those at work."""
        world = self._scene.world
        incident = tables.incident
        is_open = incident.c.state.in_(sorted(OPEN_STATES))
        at_work = self.connection.scalars(sa.select(incident.c.cluster_id).where(is_open))
        found = {self._scene.world.today(one) for one in at_work}
        return sorted({ClusterId(one) for one in (*found, *world.moved(since, authors))})

    def authors_between(self, cluster_id: ClusterId, since: datetime, until: datetime) -> int:
        """Count the distinct authors of a cluster who published within [since, until]."""
        members = self._scene.world.talk(cluster_id).members
        return len({one.author for one in members if since <= one.at <= until})

    def brand_hours(
        self, brand_id: BrandId, since: datetime, until: datetime
    ) -> tuple[HourCount, ...]:
        """Return the hours of a brand that hold something, oldest first."""
        return _brand_hours(self._scene.world, brand_id, since, until)

    def cluster_hours_of(
        self, cluster_id: ClusterId, since: datetime, until: datetime
    ) -> tuple[HourCount, ...]:
        """Return the hours of one cluster, as it stands, within [since, until)."""
        return self._scene.world.talk(cluster_id).hours.between(since, until)

    def brand_slots(self, brand_id: BrandId, since: datetime, until: datetime) -> tuple[int, ...]:
        """Return distinct authors per ten minutes."""
        return self._scene.world.whole(brand_id).slots(hour_of(since), hour_of(until))

    def loudest_clusters(
        self, brand_id: BrandId, since: datetime, until: datetime, but: ClusterId | None = None
    ) -> list[ClusterId]:
        """Return the three clusters in which most distinct authors wrote, `but` left out."""
        whole = self._scene.world.whole(brand_id)
        return [ClusterId(one) for one in whole.loudest(since, until, but, _LOUD)]

    def blind_hours(self, sources: Sequence[SourceId], now: datetime) -> Hours:
        """Return the hours of a baseline in which none of these sources saw what was written."""
        around = self._scene.around
        brand_id = around.sources.get(frozenset(sources), "")
        return _still(around.own_blind.get(brand_id, around.blind), now)

    def fact_counts(
        self, brand_id: BrandId, since: datetime, until: datetime
    ) -> tuple[FactCount, ...]:
        """Count authors by product × group × symptom; see storage.facts."""
        found = []
        for member in self._scene.world.whole(brand_id).stating:
            if since <= member.at < until:
                one = complaint(member.author, member.at)
                for kind, value in member.batch:
                    one.state(kind, value)
                found.append(one)
        return counted(found)

    def product_rate(
        self, brand_id: BrandId, product: str, since: datetime, until: datetime
    ) -> tuple[int, float, int]:
        """Return the authors, hours and clusters of a product, as they were read last."""
        del since, until
        return self._scene.around.rates.get(f"{brand_id} {product}", (0, 0.0, 0))

    def fact_mentions(
        self,
        brand_id: BrandId,
        wanted: Sequence[tuple[str, str]],
        since: datetime,
        until: datetime,
        limit: int = 20,
    ) -> tuple[MentionId, ...]:
        """Return the newest mentions that state all of these."""
        found = [
            one
            for one in reversed(self._scene.world.whole(brand_id).stating)
            if since <= one.at < until and set(wanted) <= set(one.batch)
        ]
        return tuple(MentionId(one.mention) for one in found[:limit])

    def talkers(
        self, cluster_ids: Sequence[ClusterId], mention_ids: Collection[MentionId] | None = None
    ) -> list[tuple[MentionId, str]]:
        """Return the mentions of clusters with their authors' keys, "" for an unknown author."""
        world = self._scene.world
        named = {world.today(one) for one in cluster_ids}
        members = [one for cluster_id in named for one in world.talk(cluster_id).members]
        wanted = None if mention_ids is None else set(mention_ids)
        return [
            (MentionId(one.mention), one.author)
            for one in sorted(members, key=lambda one: one.mention)
            if wanted is None or one.mention in wanted
        ]

    def complainants_unanswered(self, incident_id: IncidentId) -> list[datetime | None]:
        """Return since when people wait for a first answer: as noted, else who wrote and waits."""
        around = self._scene.around
        noted = around.silent.get(incident_id, [])
        if noted or around.is_noted:
            return [None if at is None else instant_of(at) for at in noted]
        moved = self.complainant_rows(incident_id)
        first: dict[str, datetime] = {}
        for cluster_id in clusters_of(self.connection, incident_id):
            for member in self._scene.world.talk(cluster_id).members:
                first.setdefault(member.author, member.at)
        return [at for author, at in first.items() if author not in moved]


class RehearsalTransaction(Transaction):
    """Writes incidents into memory; reads members from the World."""

    queries: RehearsalQueries

    def __init__(self, connection: Connection, scene: Scene, now: datetime) -> None:
        super().__init__(connection)
        self.scene = scene
        self.now = now  # of the round in hand
        self.queries = RehearsalQueries(connection, scene)
        self._standing: dict[ClusterId, Incident | None] = {}  # until something is written

    def evidence(self, cluster_id: ClusterId, now: datetime, *, history: bool = False) -> Evidence:
        """Return all that grading may know of a cluster."""
        return evidence_of(self.connection, self.scene, cluster_id, now, history=history)

    def incident_of(self, cluster_id: ClusterId) -> Incident | None:
        """Return the incident that new mentions of a cluster belong to."""
        if not self.has_incident(cluster_id):
            return None  # most clusters: no look at tables
        if cluster_id not in self._standing:
            self._standing[cluster_id] = find_incident_of(self.connection, cluster_id)
        return self._standing[cluster_id]

    def forget(self) -> None:
        """Read incidents of clusters anew: clusters lead elsewhere now."""
        self._standing.clear()

    def has_incident(self, cluster_id: ClusterId) -> bool:
        """Say whether a cluster, or one that was merged into it, ever had an incident."""
        today, aliases = self.scene.world.today(cluster_id), self.scene.world.aliases
        linked = self.scene.linked
        return today in linked or any(aliases.get(one) == today for one in linked)

    def is_gathering(self, brand_id: BrandId) -> bool:
        """Say whether judged mentions of a brand waited for their clusters in this round."""
        return brand_id in self.scene.around.waiting

    def unheard(self, incident_id: IncidentId) -> frozenset[OwnerId]:
        """Return who was to be told of an incident and never was."""
        self._deliver(incident_id)
        return super().unheard(incident_id)

    def save_change(self, change: Change) -> bool:
        """Write a Change, but for the texts of its messages."""
        if change.cancel_intents:
            self._deliver(change.incident.incident_id)
        self._standing.clear()
        bare = [replace(one, body="", html="", words={}, actions=()) for one in change.intents]
        saved = super().save_change(replace(change, intents=tuple(bare)))
        if saved:
            self.scene.changes.append(change)
            self.scene.linked.add(change.incident.cluster_id)
        return saved

    def next_due(self) -> datetime | None:
        """Return when the next timer is due."""
        timer = tables.timer
        due = sa.select(timer.c.due_at).where(timer.c.status == "pending")
        found: datetime | None = self.connection.scalar(due.order_by(timer.c.due_at).limit(1))
        return found

    def lock_passes(self) -> None:
        """Do nothing: nobody else is here."""

    def note_pass(self, one: Pass) -> Pass:
        """Note nothing: a rehearsal is no round of the engine."""
        return one

    def _deliver(self, incident_id: IncidentId) -> None:
        """Let messages have left that had left by then in reality, others at once when due."""
        intent, sent = tables.intent, self.scene.around.sent
        query = sa.select(intent.c.intent_id, intent.c.due_at).where(
            intent.c.incident_id == incident_id, intent.c.status.in_(_UNSENT)
        )
        rows = self.connection.execute(query).all()
        now = self.now
        left = [one for one, due_at in rows if sent.get(one, due_at) <= now]
        if left:
            done = sa.update(intent).where(intent.c.intent_id.in_(left)).values(status="sent")
            self.connection.execute(done)


def cluster_today(scene: Scene, cluster_id: str) -> Cluster | None:
    """Return a cluster as it stands, or the one it was merged into; None when there never was."""
    if cluster_id.startswith(BRAND_PREFIX):
        brand_id = cluster_id.removeprefix(BRAND_PREFIX)
        if _first_at(scene, brand_id) is None:
            return None
        return Cluster(
            cluster_id=ClusterId(cluster_id), shard_id=ShardId(""), brand_id=BrandId(brand_id)
        )
    return scene.clusters.get(scene.world.today(cluster_id))


def evidence_of(
    connection: Connection, scene: Scene, cluster_id: str, now: datetime, *, history: bool = False
) -> Evidence:
    """Return what storage.evidence would have read at that instant; texts and names are missing."""
    if history:
        raise StoreError("rehearsing: what history would have raised is not rehearsed")
    cluster = cluster_today(scene, cluster_id)
    if cluster is None:
        raise StoreError(f"rehearsing: there is no cluster {cluster_id!r}")
    since = now - _BACK
    around = scene.around
    brand_id = cluster.brand_id
    brand: dict[str, Any] = {
        "cluster": cluster,
        "brand_hours": _brand_hours(scene.world, brand_id, since, now),
        "brand_first_at": _first_at(scene, brand_id),
        "blind_hours": _still(around.blind, now),
    }
    if cluster.cluster_id.startswith(BRAND_PREFIX):
        return Evidence(**brand, **_of_brand(connection, scene, brand_id, now, brand))
    talk = scene.world.talk(cluster.cluster_id)
    live, watch, copiers = talk.authors(now)
    return Evidence(
        **brand,
        hours=talk.hours.between(since, None),
        brand_clusters=max(1, around.live.get(brand_id, scene.world.alive[brand_id])),
        live_authors=live,
        watch_authors=watch,
        copiers=copiers,
        **talk.totals(),
        **talk.facts(),
    )


def _of_brand(
    connection: Connection, scene: Scene, brand_id: str, now: datetime, brand: dict[str, Any]
) -> dict[str, Any]:
    """Return the same of a whole brand, but for the clusters that speak for themselves."""
    world = scene.world
    whole = world.whole(brand_id)
    aside = {
        *whole.loudest(now - _LOUD_FOR, now, None, _LOUD),
        *_at_work(connection, scene, brand_id),
    }
    since = now - _BACK
    hours = less(
        brand["brand_hours"], (world.talk(one).hours.between(since, None) for one in sorted(aside))
    )
    week = between(whole.members, now - _AUTHORS_FOR, now + _TICK)
    members = [one for one in week if one.cluster not in aside]
    others = [one for one in members if not one.history]
    live, watch, copiers = authors_of(others)
    return {
        "hours": hours,
        "brand_clusters": 1,
        "live_authors": live,
        "watch_authors": watch,
        "copiers": copiers,
        "first_at": brand["brand_first_at"],
        "mentions": len(members),
        "authors": len({one.author for one in members}),
        "texts": len({one.text for one in members}),
        "last_at": members[-1].at if members else None,
    }


def _at_work(connection: Connection, scene: Scene, brand_id: str) -> set[str]:
    incident, link = tables.incident, tables.incident_cluster
    rows = connection.scalars(
        sa.select(link.c.cluster_id)
        .join(incident, incident.c.incident_id == link.c.incident_id)
        .where(
            incident.c.brand_id == brand_id,
            incident.c.state.in_(["open", "acknowledged", "handled"]),
            sa.not_(link.c.cluster_id.startswith(BRAND_PREFIX)),
        )
    )
    return {scene.world.today(one) for one in rows}


def _brand_hours(
    world: World, brand_id: str, since: datetime, until: datetime
) -> tuple[HourCount, ...]:
    """Return the hours of a brand within [since, until], both included."""
    return world.whole(brand_id).hours.between(since, until + _TICK)


def _first_at(scene: Scene, brand_id: str) -> datetime | None:
    known = (scene.around.first_hours.get(brand_id), scene.world.whole(brand_id).hours.first())
    return min((one for one in known if one is not None), default=None)


def _still(hours: Hours, now: datetime) -> Hours:
    first = hour_of(now - _BACK)
    return tuple(one for one in hours if one >= first)


def mention_of_member(member: Member) -> Mention:
    """Return who wrote when; what he wrote is not rehearsed."""
    author = "" if member.author.startswith("~") else member.author
    return Mention(
        mention_id=MentionId(member.mention),
        item_key=ItemKey(""),
        source_id=SourceId(""),
        platform="",
        title="",
        text="",
        published_at=member.at,
        observed_at=member.at,
        author_key=author,
        history=member.history,
    )


def _shown(member: Member) -> tuple[Mention, Verdict]:
    verdict = Verdict(
        mention_id=MentionId(member.mention),
        brand_id=BrandId(member.brand),
        model_version="",
        negative=1.0 if member.is_sure else 0.5,
        polarity=Polarity.NEGATIVE if member.is_sure else Polarity.UNSURE,
        issue_class="",
    )
    return mention_of_member(member), verdict


# --- the database in memory ----------------------------------------------------------------------


@contextmanager
def open_scratch(scene: Scene, now: datetime) -> Iterator[RehearsalTransaction]:
    """Give a transaction on an empty database in memory; it is gone when the block ends."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    try:
        with engine.connect() as connection:
            metadata.create_all(connection)
            yield RehearsalTransaction(connection, scene, now)
    finally:
        engine.dispose()


def saved(tx: RehearsalTransaction) -> bytes:
    """Return the whole database in memory, for another process."""
    tx.connection.commit()
    plain: Any = tx.connection.connection.driver_connection
    found: bytes = plain.serialize()
    return found


@contextmanager
def opened(database: bytes, scene: Scene, now: datetime) -> Iterator[RehearsalTransaction]:
    """Give a transaction on what `saved` returned; it is gone when the block ends."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    try:
        with engine.connect() as connection:
            plain: Any = connection.connection.driver_connection
            plain.deserialize(database)
            yield RehearsalTransaction(connection, scene, now)
    finally:
        engine.dispose()
