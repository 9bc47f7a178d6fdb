"""What the ledger reads, on both databases: newcomers, first answers, sources, logs."""

from __future__ import annotations

from datetime import timedelta

from storage.records import IncidentId, Level, PublicResponse
from storage.store import Store
from tests.alerts.people import make_project
from tests.alerts.raising import raise_incidents
from tests.make import NOW

HOUR = timedelta(hours=1)


def test_answers_and_newcomers_are_counted_from_the_first_complaint(store: Store) -> None:
    incident, other = raise_incidents(store, make_project(), [Level.ORANGE, Level.YELLOW], NOW)
    with store.read() as queries:
        cluster = queries.cluster(incident.cluster_id)
        found = queries.alarms_since(NOW - HOUR)
        assert queries.alarms_since(NOW + HOUR) == []
        assert queries.incident_clusters(incident.incident_id) == [incident.cluster_id]
        assert queries.newcomers([incident.cluster_id]) == []
    assert cluster is not None
    assert cluster.first_at is not None
    assert {one.incident_id for one, _ in found} == {incident.incident_id, other.incident_id}
    assert all(events[0].kind == "raised" for _, events in found)
    early, late = cluster.first_at - HOUR, cluster.first_at + 3 * HOUR
    with store.transaction() as tx:
        for at, url in ((early, "https://a.example/1"), (late, "https://a.example/2")):
            tx.add_response(
                PublicResponse(at=at, url=url, actor="lin", incident_id=incident.incident_id)
            )
    with store.read() as queries:
        answers = queries.first_answers([incident.incident_id, other.incident_id])
    assert answers[incident.incident_id].answered_at == late
    assert answers[incident.incident_id].complained_at == cluster.first_at
    assert answers[other.incident_id].answered_at is None


def test_nothing_is_known_of_what_is_not_there(store: Store) -> None:
    nobody = IncidentId("nobody")
    with store.read() as queries:
        assert queries.first_answers([nobody])[nobody].complained_at is None
        assert queries.alarm_sources([nobody]) == {}
        assert queries.card("k-none") is None
        assert queries.approved_reply("r-none") is None
