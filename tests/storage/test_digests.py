from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from config.schema import Project
from storage.records import (
    ClusterId,
    FetchCause,
    IncidentState,
    IntentStatus,
    MentionId,
    OwnerId,
    Polarity,
    SourceGap,
    SourceId,
)
from tests.make import (
    BRAND,
    NOW,
    SOURCE,
    ago,
    make_change,
    make_fetch_event,
    make_incident,
    make_incident_event,
    make_intent,
    make_raw,
    make_source_state,
    make_verdict,
)
from tests.storage.drive import gather, keep_and_judge

A = ClusterId("yunque-aaaaaaaa")
DAY, SINCE, UNTIL = date(2026, 3, 10), ago(hours=24), NOW + timedelta(seconds=1)


def facts(store, **options):
    with store.read() as queries:
        return queries.digest_facts(DAY, SINCE, UNTIL, **options)


def raise_(store, name, *, at=NOW, **fields):
    incident = make_incident(name, opened_at=at, updated_at=at, **fields)
    event = make_incident_event(name, source_event_id=name, at=at)
    with store.transaction() as tx:
        tx.save_change(make_change(incident, events=(event,), timers=(), intents=()))
    return incident


def test_a_digest_is_claimed_once_per_person_kind_and_day(store):
    lin, zhao = OwnerId("lin"), OwnerId("zhao")
    with store.transaction() as tx:
        assert tx.claim_digest(lin, "daily", DAY, NOW) is True
        assert tx.claim_digest(lin, "daily", DAY, NOW) is False
        assert tx.claim_digest(zhao, "daily", DAY, NOW) is True
        assert tx.claim_digest(lin, "weekly", DAY, NOW) is True
    with store.transaction() as tx:
        assert tx.claim_digest(lin, "daily", DAY, NOW) is False
        assert tx.claim_digest(lin, "daily", DAY + timedelta(days=1), NOW) is True


def test_an_empty_day_has_empty_facts(store):
    found = facts(store)

    assert (found.day, found.since, found.until) == (DAY, SINCE, UNTIL)
    assert (found.incidents, found.events, found.mentions, found.gaps) == ((), (), 0, ())


def test_open_incidents_and_those_that_moved_within_the_range_are_told(store):
    old = ago(days=9)
    still_open = raise_(store, "open", at=old)
    closed = raise_(store, "closed", at=ago(hours=2), state=IncidentState.CLOSED)
    raise_(store, "long-over", at=old, state=IncidentState.CLOSED)
    raise_(store, "later", at=UNTIL)

    found = facts(store)
    assert found.incidents == (still_open, closed)
    assert [event.incident_id for event in found.events] == ["closed"]


def test_a_person_is_told_of_what_they_own_or_were_told_of(store):
    mine = raise_(store, "mine", owner_id=OwnerId("zhao"), told=())
    told = raise_(store, "told", told=(OwnerId("lin"), OwnerId("zhao")))
    raise_(store, "others")

    assert set(facts(store, owner_id=OwnerId("zhao")).incidents) == {mine, told}
    assert len(facts(store).incidents) == 3


def test_incidents_are_counted_by_mentions_authors_and_news(store):
    with store.transaction() as tx:
        tx.keep(
            [make_raw(1, author="甲"), make_raw(2, author="甲"),
             make_raw(3, author="乙", published_at=ago(days=3))],
            NOW,
        )  # fmt: skip
        ids = [MentionId(n) for n in (1, 2, 3)]
        tx.save_verdicts(ids, [make_verdict(i) for i in ids], NOW)
    gather(store, dict.fromkeys((1, 2, 3), A))
    incident = raise_(store, "open")

    assert facts(store).counts == {incident.incident_id: (3, 2, 2)}


def test_the_volume_of_the_range_is_counted_from_what_was_taken_in(store):
    keep_and_judge(store, 3)
    with store.transaction() as tx:
        tx.keep([make_raw(n) for n in (10, 11)], NOW)
        tx.keep([make_raw(12, observed_at=ago(days=2))], NOW)
        tx.save_verdicts([MentionId(4)], [make_verdict(4, polarity=Polarity.UNSURE)], NOW)
        tx.count({("keep", SOURCE, "kept"): 5, ("understand", SOURCE, "no_brand"): 1}, NOW)
        tx.count({("keep", SOURCE, "kept"): 9}, ago(days=2))

    found = facts(store)
    assert (found.mentions, found.negative, found.unsure) == (5, 3, 1)
    assert found.outcomes == {"kept": 5, "no_brand": 1}


def test_blind_sources_are_named_with_their_cause(store):
    project = Project.model_validate(
        {
            "sources": [
                {
                    "id": SOURCE,
                    "name": "投诉网",
                    "kind": "feed",
                    "start": "https://tousu.example/rss",
                }
            ]
        }
    )
    state = make_source_state(
        cause=FetchCause.BLOCKED, cause_text="对方拒绝访问", last_ok_at=ago(hours=5)
    )
    with store.transaction() as tx:
        tx.save_source(state)
        tx.save_source(make_source_state("removed"))
        for hours in (1, 2, 3):
            tx.add_fetch_event(make_fetch_event(at=ago(hours=hours), outcome="blocked"))
            tx.add_fetch_event(make_fetch_event("removed", at=ago(hours=hours), outcome="gone"))
        tx.add_fetch_event(make_fetch_event(at=ago(hours=3), outcome="ok"))
        tx.add_fetch_event(make_fetch_event(at=ago(days=3), outcome="blocked"))

    found = facts(store, project=project)
    gap = SourceGap(
        source_id=SourceId(SOURCE),
        name="投诉网",
        cause="对方拒绝访问",
        blind_hours=2.0,
        last_ok_at=ago(hours=5),
    )
    assert (found.gaps, found.sources) == ((gap,), 1)
    assert facts(store).gaps == ()


def test_messages_that_reached_nobody_are_counted(store):
    dead = make_intent("dead", incident_id=None, status=IntentStatus.DEAD)
    saved = replace(dead, intent_id="saved")
    with store.transaction() as tx:
        tx.add_intents(
            [
                dead,
                saved,
                make_intent("instead", incident_id=None, status=IntentStatus.SENT, fallback_of="saved"),
                make_intent("stuck", incident_id=None, created_at=ago(hours=3), due_at=ago(hours=3)),
                make_intent("fresh", incident_id=None),
                replace(dead, intent_id="long ago", created_at=ago(days=3)),
            ]
        )  # fmt: skip

    assert facts(store).undelivered == 2


def test_what_history_would_have_raised_is_told_on_the_day_it_was_noted(store):
    with store.transaction() as tx:
        tx.note_would_have_been(A, BRAND, "橙：12 位作者", NOW)
        tx.note_would_have_been(ClusterId("b"), BRAND, "早先的", ago(days=2))

    assert facts(store).would_have_been == ("橙：12 位作者",)
