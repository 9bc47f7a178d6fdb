"""Complainants with the real journey: who they are, how they are moved, and that figures sum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from alerts.complainants import counts_of, fold_people
from alerts.incidents import Command, IllegalMove, fold
from groundswell import wiring
from groundswell.cluster_desk import ClusterDesk
from groundswell.hot import HotLists
from groundswell.replay import SteppedClock
from groundswell.wiring import Application
from storage.complainant_checks import check_complainants
from storage.incident_checks import check_incidents
from storage.records import Complainant, Contact, Incident, IncidentState
from storage.store import Store
from tests.groundswell.test_pipeline import NOW, complaint, project, take


@pytest.fixture
def application(sqlite_url: str) -> Iterator[Application]:
    store = Store(sqlite_url)
    yield wiring.wire(project(), store, SteppedClock(NOW))
    store.close()


@pytest.fixture
def on_both(store: Store) -> Application:
    return wiring.wire(project(), store, SteppedClock(NOW))


def first_wave(application: Application, n: int = 14) -> Incident:
    raws = [complaint(number) for number in range(n)]
    take(application, [replace(raw, published_at=_minute_before(raw.published_at)) for raw in raws])
    with application.store.read() as queries:
        [incident] = queries.incidents()
    return incident


def _minute_before(at: datetime | None) -> datetime:
    """Posted before it was seen: a time not before the observation counts as unknown."""
    return (at or NOW) - timedelta(minutes=1)


def do(application: Application, incident: Incident, name: str, **fields) -> Incident:
    command = Command(**({"name": name, "actor": "linxiao"} | fields))
    return application.desk.act(incident.incident_id, command)


def people(application: Application, incident: Incident) -> list[Complainant]:
    with application.store.read() as queries:
        return queries.complainants(incident.incident_id)


def agrees(application: Application) -> None:
    assert check_incidents(application.store, fold) == []
    assert check_complainants(application.store, fold_people) == []


def test_authors_of_the_clusters_are_the_complainants_and_move_in_one_event(on_both) -> None:
    application = on_both
    incident = first_wave(application)

    found = people(application, incident)

    assert len(found) == 14
    assert {one.state for one in found} == {Contact.WAITING}
    assert all(one.posted_at and one.seq == 0 and one.is_here for one in found)
    posted = [one.posted_at for one in found if not one.is_repost]
    assert posted == sorted(posted)
    first = [one.complainant_id for one in found[:5]]
    at = NOW - timedelta(minutes=3)
    after = do(
        application, incident, "contact", who=tuple(first), how="contacted", channel="电话", at=at
    )
    assert after.seq == incident.seq + 1
    with application.store.read() as queries:
        [event] = queries.incident_events(incident.incident_id)[incident.seq :]
        counts = queries.complainant_counts(incident.incident_id)
        page = queries.complainants(incident.incident_id, [Contact.CONTACTED], limit=2, offset=1)
        assert len(queries.complainants_unanswered(incident.incident_id)) == 9
    assert (event.kind, len(event.data["people"])) == ("contacted", 5)
    assert counts == {Contact.WAITING: 9, Contact.CONTACTED: 5}
    assert [one.complainant_id for one in page] == first[1:3]
    assert {(one.at, one.by, one.channel, one.responded_at) for one in page} == {
        (at, "linxiao", "电话", at)
    }
    assert counts_of(people(application, incident)).reached == 5
    agrees(application)
