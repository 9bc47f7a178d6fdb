"""What is learnt from a closed incident, and what is shown of it beside the next one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from alerts.advice import Candidate
from alerts.effect import effect_of
from groundswell import wiring
from groundswell.knowledge import lessons_for
from groundswell.ledger import alarms_since
from groundswell.replay import SteppedClock
from groundswell.suggesting import Advisor, last_suggestion, rehearsal_of
from groundswell.wiring import Application
from storage.records import ApprovedReply, BrandId, Incident, Level
from storage.store import Store
from tests.groundswell.test_incident_desk import close, first_wave, second_wave
from tests.groundswell.test_pipeline import NOW, project


@pytest.fixture
def application(sqlite_url: str) -> Iterator[Application]:
    store = Store(sqlite_url)
    yield wiring.wire(project(), store, SteppedClock(NOW))
    store.close()


def _rehearse(application: Application, incident: Incident) -> None:
    """A rehearsal says which true alarm a threshold would miss; without false ones none moves."""
    now, store, project = NOW + timedelta(minutes=5), application.store, application.project
    with store.read() as queries:
        alarms = alarms_since(queries, now - timedelta(days=28))
    assert [(one.code, one.verdict) for one in alarms] == [(incident.code, "true")]
    candidate = Candidate(
        setting="settings.surge.min_authors", old=5, new=40, avoided=3, kept=1, lowest=14, what=""
    )
    tried = rehearsal_of(store, project, alarms, now)(candidate)
    assert (tried.missed, tried.missed_true) == ((incident.code,), (incident.code,))
    assert tried.after < tried.before
    advisor = Advisor(store=store, project=project)
    assert advisor.tick(now)
    assert not advisor.tick(now)
    with store.read() as queries:
        made = last_suggestion(queries)
    assert made is not None
    assert made.setting == ""
    assert "真 1、误报 0" in made.lines[0]


def test_closing_makes_a_card_and_a_relapse_shows_it(application: Application) -> None:
    incident = first_wave(application)
    application.desk.replied(
        incident.incident_id, url="https://www.yunque.example/n/1", actor="linxiao", note="免费换新"
    )
    close(application, incident)
    with application.store.read() as queries:
        [card] = queries.cards_of(incident.incident_id)
        people = queries.newcomers(queries.incident_clusters(incident.incident_id))
        sources = queries.alarm_sources([incident.incident_id])
    assert len(people) == 14
    assert people == sorted(people)
    assert sources == {incident.incident_id: {"tousu": 14}}
    assert (card.cause, card.fix) == ("第三批次滤芯座换新", "第三批次滤芯座换新")
    assert (card.reply, card.reply_url) == ("免费换新", "https://www.yunque.example/n/1")
    assert card.code == incident.code
    assert card.words
    _rehearse(application, incident)

    second_wave(application)
    with application.store.read() as queries:
        again = queries.incident(incident.incident_id)
        assert again is not None
        found = lessons_for(queries, again, application.project, application.clock.now())
        [first, *_] = found.cards
        [told, *_] = [one for one in queries.intents() if one.kind == "reopened"]
    assert (first.card, first.why) == (card, "same_incident")
    assert again.level < Level.ORANGE  # what comes back has its card at any level
    assert f"/cards/{card.card_id}" in told.body
    assert "免费换新" in told.body
    # closing it again makes a second card, of the second time
    close(application, again)
    with application.store.read() as queries:
        assert [one.epoch for one in queries.cards_of(incident.incident_id)] == [2, 1]


def test_an_expired_reply_is_never_offered(store: Store) -> None:
    reply = ApprovedReply(
        reply_id="r-1",
        brand_id=BrandId("yunque"),
        product="",
        question="漏水怎么办",
        answer="请停机，免费上门",
        approved_by="linxiao",
        approved_at=NOW,
        until=NOW.date() - timedelta(days=1),
    )
    with store.transaction() as tx:
        assert tx.save_reply(reply)
        assert not tx.save_reply(reply)
    with store.read() as queries:
        assert queries.approved_reply("r-1") == reply
        [kept] = queries.approved_replies(brand_id=BrandId("yunque"))
    assert kept == reply


def test_a_reply_works_when_new_people_become_fewer() -> None:
    before = [NOW - timedelta(hours=n) for n in range(47, 0, -1)]
    after = [NOW + timedelta(hours=n * 12 + 1) for n in range(3)]
    later = NOW + timedelta(hours=48)
    found = effect_of(NOW, [*before, *after], later)
    assert found.verdict == "fell"
    assert found.high is not None
    assert found.high < 1
    assert (found.before, found.after) == (46, 3)  # the watch begins with the first of them
    assert effect_of(NOW, before, NOW + timedelta(hours=23)).verdict == "too_early"
    assert effect_of(NOW, before, later, is_blind=True).verdict == "unknown"
    # with nobody before, a single person proves nothing
    assert effect_of(NOW, [NOW + timedelta(hours=1)], later).verdict == "unclear"
