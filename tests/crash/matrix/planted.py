"""Engines that do it wrong, for the judge to be judged by: designs that were decided against.

The first two are the designs without an outbox in the table of docs/adr/0036-crash-matrix.md.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from config.schema import Project
from storage import tables
from storage.columns import database_clock
from storage.records import Delivery, Intent, IntentStatus, Wait
from storage.store import Store, Transaction
from tests.crash.matrix.live import Death, Engine, Journal, MortalStore, Order

FLAWS = ("commit, then send", "send, then commit", "no doubt after a death", "sent before sending")


class _Diverted(Transaction):
    """A transaction whose messages go elsewhere than into the outbox."""

    def __init__(
        self, connection: Connection, divert: Callable[[Intent], Sequence[Intent]]
    ) -> None:
        super().__init__(connection)
        self._divert = divert

    def add_intents(self, intents: Sequence[Intent]) -> int:
        return super().add_intents([kept for intent in intents for kept in self._divert(intent)])


class DivertingStore(MortalStore):
    """Keeps messages in memory until the commit, or sends them before it."""

    divert: Callable[[Intent], Sequence[Intent]]

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self.write() as connection:
            yield _Diverted(connection, self.divert)


class CarelessStore(MortalStore):
    """Takes a message whose sender died for one that was never sent."""

    def claim_intents(self, *how: Any, **more: Any) -> list[Intent]:
        intent, delivery = tables.intent, tables.delivery
        with self.write() as connection:
            dead = sa.select(intent.c.intent_id).where(
                intent.c.status == "leased", intent.c.lease_until < database_clock()
            )
            ids = list(connection.scalars(dead))
            connection.execute(
                sa.delete(delivery).where(
                    delivery.c.intent_id.in_(ids), delivery.c.ended_at.is_(None)
                )
            )
            connection.execute(
                sa.update(intent)
                .where(intent.c.intent_id.in_(ids))
                .values(status="retry", lease_until=None)
            )
        return super().claim_intents(*how, **more)


class HastyStore(MortalStore):
    """Writes a message down as sent when it begins to send it."""

    def start_delivery(self, intent: Intent, *how: Any, **more: Any) -> Delivery | Wait:
        begun = super().start_delivery(intent, *how, **more)
        if isinstance(begun, Delivery):
            super().finish_delivery(intent, None, IntentStatus.SENT)
        return begun


class MemoryEngine(Engine):
    """Sends from memory what was committed."""

    def __init__(
        self, order: Order, project: Project, store: Store, journal: Journal, death: Death
    ) -> None:
        super().__init__(order, project, store, journal, death)
        self.held: list[Intent] = []
        assert isinstance(store, DivertingStore)
        store.divert = self.hold

    def hold(self, intent: Intent) -> Sequence[Intent]:
        self.held.append(intent)
        return ()

    async def _deliver_until(self, horizon: datetime) -> None:
        del horizon
        while self.held:
            intent = self.held.pop(0)
            owner = self.project.owner(intent.recipient_id)
            assert owner is not None
            await self.senders[intent.channel_id].send(intent, owner, repeat=False)


class EagerEngine(MemoryEngine):
    """Sends inside the transaction, and writes down that it was sent."""

    def hold(self, intent: Intent) -> Sequence[Intent]:
        owner = self.project.owner(intent.recipient_id)
        assert owner is not None
        work = self.senders[intent.channel_id].send(intent, owner, repeat=False)
        aside = threading.Thread(target=asyncio.run, args=(work,))
        aside.start()
        aside.join()
        return [replace(intent, status=IntentStatus.SENT)]


_STORES: Mapping[str, type[MortalStore]] = {
    "commit, then send": DivertingStore,
    "send, then commit": DivertingStore,
    "no doubt after a death": CarelessStore,
    "sent before sending": HastyStore,
}
_ENGINES: Mapping[str, type[Engine]] = {
    "commit, then send": MemoryEngine,
    "send, then commit": EagerEngine,
}


def flawed_store(order: Order, *parts: Any) -> Store:
    """Return the store of a flaw."""
    return _STORES[order.flaw](order.database, *parts)


def flawed_engine(order: Order, *parts: Any) -> Engine:
    """Return the engine of a flaw."""
    return _ENGINES.get(order.flaw, Engine)(order, *parts)
