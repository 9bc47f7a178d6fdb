"""The store: the only place that commits.

A Transaction is written whole or not at all; what stages read and write in it lives in the parts
it is made of, one module per concern. Every error that the database gives comes out as StoreError.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import database, tables
from storage.accounts import Accounts
from storage.adaptation import Adaptations
from storage.addresses import Addresses
from storage.calendar import Calendar
from storage.cards import Cards
from storage.channel_states import ChannelStates
from storage.cluster_undo import ClusterUndo
from storage.columns import database_clock, insert_one, read_clock
from storage.corrections import Corrections
from storage.customers import Customers
from storage.digests import DigestClaims
from storage.doors import Doors
from storage.drift import Drift
from storage.gathering import Gathering
from storage.hot import Hot
from storage.incidents import Incidents
from storage.intake import Intake
from storage.migrate import check_schema
from storage.models import Models
from storage.official import Official
from storage.outbox import Outbox
from storage.outbox_pages import OutboxEdits
from storage.passes import Passes
from storage.proposals import Proposals
from storage.queries import Queries
from storage.receipts import Receipts
from storage.replies import Replies
from storage.review import Review
from storage.sales import Sales
from storage.silences import Silences
from storage.sources import Sources
from storage.timers import Timers
from storage.topics import TopicMemory
from storage.trials import TrialEnds
from storage.understanding import Understanding
from storage.vault import Contacts

_lease = tables.lease


class Transaction(
    Intake,
    Sources,
    Understanding,
    Corrections,
    Review,
    Models,
    Drift,
    Gathering,
    ClusterUndo,
    Incidents,
    Passes,
    Silences,
    Timers,
    DigestClaims,
    Accounts,
    Hot,
    Doors,
    Official,
    Adaptations,
    Contacts,
    Proposals,
    TopicMemory,
    ChannelStates,
    OutboxEdits,
    Receipts,
    Replies,
    Addresses,
    TrialEnds,
    Sales,
    Calendar,
    Customers,
    Cards,
):
    """One write: all of it or nothing. `queries` reads inside it, its own changes included."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.queries = Queries(connection)


class Store(Outbox):
    """A database with a schema of ours.

    Errors: StoreError when the database is missing, has no or another schema, or cannot be used.
    """

    def __init__(self, url: str) -> None:
        self._url = database.parse_url(url)
        self._engine = database.open_engine(url)
        try:
            check_schema(self._engine, url)
        except BaseException:
            self._engine.dispose()
            raise

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Give a transaction: committed at the end, rolled back when anything is raised."""
        with self.write() as connection:
            yield Transaction(connection)

    @contextmanager
    def read(self) -> Iterator[Queries]:
        """Give queries that all see one moment of the database."""
        with self.look() as connection:
            yield Queries(connection)

    @property
    def url(self) -> str:
        """The database's URL without its password."""
        return self._url.render_as_string(hide_password=True)

    @property
    def file(self) -> Path | None:
        """The file of a SQLite database, None where a server keeps it."""
        named = self._url.database if self._url.get_backend_name() == "sqlite" else None
        return Path(named) if named else None

    def write(self) -> AbstractContextManager[Connection]:
        """Give a connection inside a transaction."""
        return database.writing(self._engine, self._url)

    def look(self) -> AbstractContextManager[Connection]:
        """Give a connection that can change nothing."""
        return database.reading(self._engine, self._url)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def meta(self, key: str) -> str | None:
        """Return a fact about the installation."""
        with self.read() as queries:
            return queries.meta(key)

    def take_lease(self, name: str, holder: str, ttl_s: float) -> bool:
        """Take a named lease, or keep it; False while somebody else holds it.

        Timed by the database's clock (decisions.md 3).
        """
        with self.write() as connection:
            expires_at = read_clock(connection) + timedelta(seconds=ttl_s)
            row = {"name": name, "holder": holder, "expires_at": expires_at}
            if insert_one(connection, _lease, row):
                return True
            free = sa.or_(_lease.c.holder == holder, _lease.c.expires_at < database_clock())
            taken = sa.update(_lease).where(_lease.c.name == name, free).values(row)
            return connection.execute(taken).rowcount == 1

    def renew_lease(self, name: str, holder: str, ttl_s: float) -> bool:
        """Keep a lease that is still ours; False when it ran out and was taken, or was dropped."""
        with self.write() as connection:
            expires_at = read_clock(connection) + timedelta(seconds=ttl_s)
            kept = (
                sa.update(_lease)
                .where(_lease.c.name == name, _lease.c.holder == holder)
                .values(expires_at=expires_at)
            )
            return connection.execute(kept).rowcount == 1

    def drop_lease(self, name: str, holder: str) -> None:
        """Give a lease back."""
        with self.write() as connection:
            connection.execute(
                sa.delete(_lease).where(_lease.c.name == name, _lease.c.holder == holder)
            )

    def lease_overdue_s(self, name: str) -> float | None:
        """Return for how many seconds a lease has not been renewed; None when nobody left one.

        Negative while it is held; one that was given back leaves nothing.
        """
        with self.look() as connection:
            expires_at: datetime | None = connection.scalar(
                sa.select(_lease.c.expires_at).where(_lease.c.name == name)
            )
            if expires_at is None:
                return None
            return (read_clock(connection) - expires_at).total_seconds()

    def lease_holder(self, name: str) -> str | None:
        """Return who holds a lease that has not run out."""
        with self.look() as connection:
            holder: str | None = connection.scalar(
                sa.select(_lease.c.holder).where(
                    _lease.c.name == name, _lease.c.expires_at >= database_clock()
                )
            )
            return holder
