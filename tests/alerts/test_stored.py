"""Machine, outbox and courier on real databases: what was decided is what is kept and said."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from alerts.delivery import Courier
from alerts.incidents import Command, fold, on_command, on_grade, on_timer
from storage.records import Change, ChannelId, Incident, IntentStatus
from storage.store import Store
from tests.alerts.outbox import FakeClock
from tests.alerts.people import PlainLinks, make_project
from tests.alerts.test_delivery import Scripted
from tests.make import NOW, make_evidence, make_grade

PROJECT = make_project()
LINKS = PlainLinks()


def save(store: Store, change: Change | None) -> Incident:
    assert change is not None
    with store.transaction() as tx:
        assert tx.save_change(change)
        stored = tx.incident(change.incident.code)
    assert stored == change.incident
    return stored


def raised(store: Store) -> Incident:
    live = tuple((NOW - timedelta(minutes=i), f"tousu:人{i}") for i in range(12, 0, -1))
    evidence = make_evidence(authors=12, live_authors=live, watch_authors=live)
    return save(store, on_grade(None, evidence, make_grade(), PROJECT, NOW, links=LINKS))


def test_stored_incident_is_the_fold_of_its_stored_events(store: Store) -> None:
    incident = raised(store)
    for name in ("ack", "handled"):
        command = Command(name=name, actor="lin", text="已上门更换滤芯")
        incident = save(store, on_command(incident, command, PROJECT, NOW, links=LINKS))
    with store.read() as queries:
        events = queries.incident_events(incident.incident_id)

    assert fold(events) == incident


def test_due_timer_is_carried_out_once(store: Store) -> None:
    incident = raised(store)
    at = NOW + timedelta(minutes=15)
    with store.transaction() as tx:
        [timer] = tx.timers_due(incident.incident_id, at)
    stepped = on_timer(incident, timer, PROJECT, at, links=LINKS)
    save(store, stepped)
    with store.transaction() as tx:
        assert tx.incidents_due(at) == []
        assert not tx.save_change(stepped)


def test_stale_timer_ends_without_an_event(store: Store) -> None:
    incident = raised(store)
    at = NOW + timedelta(minutes=15)
    with store.transaction() as tx:
        [timer] = tx.timers_due(incident.incident_id, at)
    acked = save(store, on_command(incident, Command(name="ack", actor="lin"), PROJECT, NOW))
    save(store, on_timer(acked, timer, PROJECT, at))
    with store.transaction() as tx:
        assert tx.incidents_due(at) == []


def test_courier_brings_stored_messages_to_their_channels(store: Store) -> None:
    raised(store)
    channels = {ChannelId(name): Scripted() for name in ("bot", "mail", "hook")}
    courier = Courier(store, channels, PROJECT, FakeClock(NOW))
    first = asyncio.run(courier.deliver_due())
    again = asyncio.run(courier.deliver_due())

    assert (first, again) == (3, 0)  # orange: the owner on two channels, PR beside him
    assert [len(sender.sent) for sender in channels.values()] == [1, 2, 0]
    with store.read() as queries:
        kept = queries.intents(None, 10)
    assert len(kept) == 3
    assert IntentStatus.SENT.value in repr(kept)
