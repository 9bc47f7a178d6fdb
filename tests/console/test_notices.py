"""The pages about notices: who is on duty, what is silenced, what could not be delivered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from storage.records import Incident
from storage.store import Store
from tests.console.world import World, csrf_of


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """One database is enough: nothing here depends on its SQL."""
    store = Store(sqlite_url)
    yield store
    store.close()


def post(world: World, page: str, path: str, **fields: str):
    client = world.client("linxiao")
    reply = client.post(path, data={"csrf": csrf_of(client.get(page).text)} | fields)
    return reply if reply.status_code != 303 else client.get(reply.headers["location"])


def test_the_roster_says_who_has_the_duty_now_and_next(world: World) -> None:
    page = world.client("linxiao").get("/duty").text
    assert "<strong>周岚</strong> 当班" in page
    assert "陈默" in page
    assert "今后 14 天" in page


def test_a_silence_is_begun_listed_and_ended(world: World, incident: Incident) -> None:
    client = world.client("linxiao")
    assert "现在没有静默" in client.get("/silences").text
    begun = post(
        world,
        "/silences",
        "/silences",
        brand="lanhe",
        hours="4",
        up_to="orange",
        reason="<b>系统升级</b>，已公告",
    ).text
    assert "静默已开始" in begun
    assert "&lt;b&gt;系统升级" in begun
    with world.store.read() as queries:
        [silence] = queries.silences(world.clock.now())
    assert (silence.by, silence.up_to, silence.brand) == ("linxiao", "orange", ("lanhe",))
    ended = post(world, "/silences", "/silences/end", silence=silence.silence_id).text
    assert "静默已结束" in ended
    assert "林晓 提前结束" in ended


def test_a_silence_without_reason_or_of_red_is_refused(world: World) -> None:
    good = {"hours": "4", "up_to": "yellow", "reason": "x"}
    for odd in ({"reason": " "}, {"up_to": "red"}, {"hours": "9999"}, {"incident": "舆-0000"}):
        reply = post(world, "/silences", "/silences", **(good | odd))
        assert reply.status_code == 409
        assert 'role="alert"' in reply.text
    with world.store.read() as queries:
        assert queries.silences(world.clock.now()) == []


def test_one_incident_can_be_silenced_by_its_code(world: World, incident: Incident) -> None:
    fields = {"hours": "1", "up_to": "orange", "reason": "在开会", "incident": incident.code}
    page = post(world, "/silences", "/silences", **fields).text
    assert incident.title in page
    assert world.incident(incident).state is incident.state


def test_a_reader_can_look_and_change_nothing(world: World) -> None:
    boss = world.client("boss")
    for path in ("/duty", "/silences"):
        page = boss.get(path)
        assert page.status_code == 200
        assert 'action="/silences' not in page.text
    csrf = csrf_of(boss.get("/silences").text)
    assert boss.post("/silences", data={"csrf": csrf, "reason": "x"}).status_code == 403
