"""What console and command line read. Nothing here changes anything.

In: ids, ranges, limits. Out: records, and a few counts.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from config.errors import StoreError
from config.schema import Project
from storage import tables
from storage.accounts import find_meta, find_session, find_user, find_users
from storage.adaptation import AdaptationQueries
from storage.addresses import AddressQueries
from storage.brand_talk import BrandQueries
from storage.calendar import CalendarQueries
from storage.cards import CardQueries
from storage.channel_states import ChannelStateQueries
from storage.cluster_history import ClusterHistoryQueries
from storage.cluster_names import ClusterNames
from storage.cluster_pages import ClusterPageQueries
from storage.clusters import ClusterQueries
from storage.complainants import ComplainantQueries
from storage.completeness import read_completeness
from storage.customers import CustomerQueries
from storage.digests import had_digest, last_digest, read_digest_facts
from storage.doors import DoorQueries
from storage.drift import DriftQueries
from storage.facts import FactQueries
from storage.figures import FigureQueries
from storage.growth import GrowthQueries
from storage.hot import HotQueries
from storage.incidents import find_incident, find_incident_of
from storage.intake import revisions
from storage.labels import LabelQueries
from storage.launches import LaunchQueries
from storage.ledger import LedgerQueries
from storage.models import ModelQueries
from storage.observed import ObservedQueries
from storage.official import OfficialQueries
from storage.outbox_pages import OutboxQueries
from storage.passes import PassQueries
from storage.proposals import ProposalQueries
from storage.receipts import ReceiptQueries
from storage.records import (
    Account,
    ClusterId,
    Completeness,
    Delivery,
    DigestFacts,
    FetchEvent,
    Incident,
    IncidentEvent,
    IncidentState,
    Intent,
    Mention,
    OwnerId,
    Session,
    ShardId,
    SourceId,
    SourceState,
    Verdict,
)
from storage.replies import ReplyQueries
from storage.review import ReviewQueries
from storage.rows import (
    delivery_of,
    fetch_event_of,
    incident_event_of,
    incident_of,
    intent_of,
    mappings,
    mention_of,
    source_state_of,
    verdict_of,
)
from storage.sales import SalesQueries
from storage.signals import SignalQueries
from storage.silences import SilenceQueries
from storage.timers import TimerQueries
from storage.topics import TopicQueries
from storage.trials import TrialQueries
from storage.vault import ContactQueries

_incident = tables.incident
_assigned = tables.mention_cluster
_mention = tables.mention
_verdict = tables.verdict

_ORDERS: dict[str, tuple[sa.ColumnElement[Any], ...]] = {
    "level": (_incident.c.level.desc(), _incident.c.updated_at.desc(), _incident.c.incident_id),
    "newest": (_incident.c.opened_at.desc(), _incident.c.incident_id),
    "updated": (_incident.c.updated_at.desc(), _incident.c.incident_id),
}
# as the partial index says it, letter by letter: SQLite uses it only so
_IN_OUTBOX = "intent.status IN ('pending', 'retry', 'ambiguous', 'leased')"


class Queries(
    BrandQueries,
    CalendarQueries,
    CustomerQueries,
    ClusterQueries,
    ClusterHistoryQueries,
    ClusterPageQueries,
    ClusterNames,
    ComplainantQueries,
    FactQueries,
    DoorQueries,
    ObservedQueries,
    OfficialQueries,
    FigureQueries,
    GrowthQueries,
    HotQueries,
    LabelQueries,
    ReviewQueries,
    ModelQueries,
    DriftQueries,
    AdaptationQueries,
    ContactQueries,
    SignalQueries,
    SilenceQueries,
    TimerQueries,
    ReceiptQueries,
    ReplyQueries,
    AddressQueries,
    TrialQueries,
    ChannelStateQueries,
    OutboxQueries,
    PassQueries,
    ProposalQueries,
    TopicQueries,
    LaunchQueries,
    SalesQueries,
    CardQueries,
    LedgerQueries,
):
    """Reads on one connection, all of one moment."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def _rows(self, query: sa.Select[Any]) -> Sequence[sa.RowMapping]:
        return mappings(self.connection.execute(query))

    # --- incidents ---------------------------------------------------------------------------

    def incidents(
        self,
        states: Collection[IncidentState] | None = None,
        limit: int = 200,
        offset: int = 0,
        order: Literal["level", "newest", "updated"] = "level",
    ) -> list[Incident]:
        """Return incidents in these states (all when None)."""
        query = sa.select(_incident.c.document).order_by(*_ORDERS[order])
        if states is not None:
            query = query.where(_incident.c.state.in_(sorted(state.value for state in states)))
        return [incident_of(row) for row in self._rows(query.limit(limit).offset(offset))]

    def incident(self, name: str) -> Incident | None:
        """Return an incident by its id, or the newest with that code."""
        return find_incident(self.connection, name)

    def incident_of(self, cluster_id: ClusterId) -> Incident | None:
        """Return the incident that a cluster belongs to."""
        return find_incident_of(self.connection, cluster_id)

    def incident_events(self, incident_id: str) -> list[IncidentEvent]:
        """Return all events of an incident, oldest first."""
        table = tables.incident_event
        query = sa.select(table).where(table.c.incident_id == incident_id).order_by(table.c.seq)
        return [incident_event_of(row) for row in self._rows(query)]

    def incident_intents(self, incident_id: str) -> list[tuple[Intent, tuple[Delivery, ...]]]:
        """Return all messages of an incident, oldest first, each with its attempts."""
        table = tables.intent
        query = sa.select(table).where(table.c.incident_id == incident_id)
        return self._with_deliveries(query.order_by(table.c.intent_no))

    def would_have_been(self) -> list[tuple[ClusterId, str, datetime]]:
        """Return what history would have raised: cluster, text, when it was noted."""
        table = tables.would_have_been
        query = sa.select(table).order_by(table.c.at, table.c.cluster_id)
        return [(ClusterId(row["cluster_id"]), row["text"], row["at"]) for row in self._rows(query)]

    # --- messages ----------------------------------------------------------------------------

    def intents(self, recipient_id: OwnerId | None = None, limit: int = 100) -> list[Intent]:
        """Return the newest messages, newest first."""
        table = tables.intent
        query = sa.select(table).order_by(table.c.intent_no.desc()).limit(limit)
        if recipient_id is not None:
            query = query.where(table.c.recipient_id == recipient_id)
        return [intent_of(row) for row in self._rows(query)]

    def digest_facts(
        self,
        day: date,
        since: datetime,
        until: datetime,
        project: Project | None = None,
        *,
        owner_id: OwnerId | None = None,
    ) -> DigestFacts:
        """Return everything a digest may say; see storage.digests."""
        return read_digest_facts(
            self.connection, day, since, until, project=project, owner_id=owner_id
        )

    def last_digest(
        self, owner_id: OwnerId, kind: str, before: date
    ) -> tuple[date, datetime] | None:
        """Return the day of a person's last digest before a day, and when it was claimed."""
        return last_digest(self.connection, owner_id, kind, before)

    def had_digest(self, owner_id: OwnerId, kind: str, day: date) -> bool:
        """Say whether a person has had the digest of a local day."""
        return had_digest(self.connection, owner_id, kind, day)

    def completeness(
        self, project: Project, since: datetime, until: datetime, now: datetime
    ) -> Completeness:
        """Return which hours of which source were seen; see storage.completeness."""
        return read_completeness(self.connection, project, since, until, now)

    def _with_deliveries(self, query: sa.Select[Any]) -> list[tuple[Intent, tuple[Delivery, ...]]]:
        intents = [intent_of(row) for row in self._rows(query)]
        table = tables.delivery
        ids = [intent.intent_id for intent in intents]
        attempts: dict[str, list[Delivery]] = {}
        made = sa.select(table).where(table.c.intent_id.in_(ids)).order_by(table.c.n)
        for row in self._rows(made):
            attempts.setdefault(row["intent_id"], []).append(delivery_of(row))
        return [(intent, tuple(attempts.get(intent.intent_id, ()))) for intent in intents]

    # --- clusters and mentions ---------------------------------------------------------------

    def mention(self, mention_id: int) -> Mention | None:
        """Return a mention by its id."""
        query = sa.select(_mention).where(_mention.c.mention_pk == mention_id)
        row = self.connection.execute(query).mappings().one_or_none()
        return None if row is None else mention_of(row)

    def mention_cluster(self, mention_id: int) -> list[ClusterId]:
        """Return the clusters a mention is in, one per brand."""
        query = sa.select(_assigned.c.cluster_id).where(_assigned.c.mention_pk == mention_id)
        return [ClusterId(found) for found in self.connection.scalars(query)]

    def mention_revisions(self, mention_id: int) -> list[tuple[int, str, str, datetime]]:
        """Return a mention's replaced texts: revision, title, text, when it was replaced."""
        return list(revisions(self.connection, mention_id))

    def verdicts(self, mention_id: int) -> list[Verdict]:
        """Return the current verdicts on a mention, by brand."""
        query = (
            sa.select(_verdict)
            .where(_verdict.c.mention_pk == mention_id, _verdict.c.is_current)
            .order_by(_verdict.c.brand_id)
        )
        return [verdict_of(row) for row in self._rows(query)]

    # --- sources -----------------------------------------------------------------------------

    def sources(self) -> list[SourceState]:
        """Return the state of every source that was ever polled."""
        table = tables.source_state
        return [
            source_state_of(r) for r in self._rows(sa.select(table).order_by(table.c.source_id))
        ]

    def source(self, source_id: SourceId) -> SourceState | None:
        """Return what is remembered of a source."""
        table = tables.source_state
        query = sa.select(table).where(table.c.source_id == source_id)
        row = self.connection.execute(query).mappings().one_or_none()
        return None if row is None else source_state_of(row)

    def fetch_events(self, source_id: SourceId, limit: int = 30) -> list[FetchEvent]:
        """Return the last polls of a source, newest first."""
        table = tables.fetch_event
        query = (
            sa.select(table)
            .where(table.c.source_id == source_id)
            .order_by(table.c.event_no.desc())
            .limit(limit)
        )
        return [fetch_event_of(row) for row in self._rows(query)]

    def page(self, source_id: SourceId, kind: str) -> tuple[str, bytes, datetime] | None:
        """Return the last kept page of a kind: URL, body as it came, when."""
        table = tables.raw_page
        query = sa.select(table.c.url, table.c.body, table.c.at).where(
            table.c.source_id == source_id, table.c.kind == kind
        )
        row = self.connection.execute(query).one_or_none()
        return None if row is None else (row[0], row[1], row[2])

    # --- the house ---------------------------------------------------------------------------

    def users(self) -> list[Account]:
        """Return all accounts, by name."""
        return find_users(self.connection)

    def user(self, name: str) -> Account | None:
        """Return an account by its name."""
        return find_user(self.connection, name)

    def session(self, token_hash: str, now: datetime) -> Session | None:
        """Return a session that is not over yet."""
        return find_session(self.connection, token_hash, now)

    def meta(self, key: str) -> str | None:
        """Return a fact about the installation."""
        return find_meta(self.connection, key)

    def audits(self, limit: int = 100) -> list[dict[str, Any]]:
        """Return the newest lines of the audit log, newest first."""
        table = tables.audit
        query = sa.select(table).order_by(table.c.audit_no.desc()).limit(limit)
        return [dict(row) for row in self._rows(query)]

    def pending_shards(self) -> list[ShardId]:
        """Return the shards in which something waits to be gathered."""
        queue = tables.gather_queue
        query = sa.select(queue.c.shard_id).distinct().order_by(queue.c.shard_id)
        return [ShardId(shard_id) for shard_id in self.connection.scalars(query)]

    def outcome_counts(self, since: datetime) -> dict[tuple[str, SourceId, str], int]:
        """Return how many left, by (stage, source, outcome), in the hours that began since then."""
        table = tables.outcome_count
        key = (table.c.stage, table.c.source_id, table.c.outcome)
        query = (
            sa.select(*key, sa.func.sum(table.c.n))
            .where(table.c.hour >= since)
            .group_by(*key)
            .order_by(*key)
        )
        return {(r[0], SourceId(r[1]), r[2]): int(r[3]) for r in self.connection.execute(query)}

    def counts(self) -> dict[str, int]:
        """Return rows per table, and as "pending_…" what each stage still has before it."""
        counts: dict[str, int] = {}
        for name, table in sorted(tables.metadata.tables.items()):
            counts[name] = self._count(table, sa.true())
        counts["pending_understand"] = counts["mention_queue"]
        counts["pending_gather"] = counts["gather_queue"]
        counts["pending_deliver"] = self._count(tables.intent, sa.text(_IN_OUTBOX))
        counts["pending_timers"] = self._count(tables.timer, tables.timer.c.status == "pending")
        return counts

    def _count(self, table: sa.Table, where: sa.ColumnElement[bool] | sa.TextClause) -> int:
        query = sa.select(sa.func.count()).select_from(table).where(where)
        found: int = self.connection.execute(query).scalar_one()
        return found

    def oldest_pending(self, now: datetime) -> dict[str, timedelta]:
        """Return per stage how long the oldest work has waited; stages without work are absent."""
        queue, waiting = tables.mention_queue, tables.gather_queue
        intent, timer = tables.intent, tables.timer
        first_of = {
            "understand": sa.select(_mention.c.observed_at)
            .join(queue, queue.c.mention_pk == _mention.c.mention_pk)
            .order_by(queue.c.mention_pk)
            .limit(1),
            "gather": sa.select(_mention.c.observed_at)
            .join(waiting, waiting.c.mention_pk == _mention.c.mention_pk)
            .order_by(waiting.c.mention_pk)
            .limit(1),
            "deliver": sa.select(sa.func.min(intent.c.due_at)).where(
                sa.text(_IN_OUTBOX), intent.c.due_at <= now
            ),
            "timers": sa.select(sa.func.min(timer.c.due_at)).where(
                sa.text("status = 'pending'"), timer.c.due_at <= now
            ),
        }
        found = {stage: self.connection.scalar(query) for stage, query in first_of.items()}
        return {stage: now - at for stage, at in found.items() if at is not None}

    def table_rows(self, name: str) -> list[dict[str, Any]]:
        """Return every row of a table in the order of its key, as Python values."""
        table = tables.metadata.tables.get(name)
        if table is None:
            known = ", ".join(sorted(tables.metadata.tables))
            raise StoreError(f"there is no table {name!r}; there are: {known}")
        query = sa.select(table).order_by(*table.primary_key)
        return [dict(row) for row in self._rows(query)]
