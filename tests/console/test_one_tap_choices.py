"""Links of messages that ask for a choice: to whom, how long, why; and what stands afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from alerts.incidents import Command
from groundswell.console.pages.one_tap import form_token
from storage.records import Incident, Level
from storage.store import Store
from tests.console.test_one_tap import path_of, press
from tests.console.world import World


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """One database is enough: nothing here depends on its SQL."""
    store = Store(sqlite_url)
    yield store
    store.close()


def press_an_old_page(world: World, path: str, **fields: str):
    """Press a page that was opened before something else happened."""
    return world.client().post(path, data={"csrf": form_token(path.removeprefix("/t/"))} | fields)


def test_a_handover_goes_to_somebody_who_can_be_reached(world: World, incident: Incident) -> None:
    path = path_of(world, incident, "assign")
    page = world.client().get(path).text
    assert 'value="chenmo"' in page
    assert 'value="linxiao"' not in page  # she has it already
    assert press(world, path).status_code == 409
    assert press(world, path, choice="nobody").status_code == 409
    assert world.incident(incident) == incident
    reply = press(world, path, choice="chenmo", text="你离用户近")
    assert "现在由 陈默 负责" in reply.text
    assert world.incident(incident).owner_id == "chenmo"


def test_a_double_click_hands_over_once(world: World, incident: Incident) -> None:
    path = path_of(world, incident, "assign")
    body = {"csrf": form_token(path.removeprefix("/t/")), "choice": "chenmo"}
    for _ in range(3):
        assert world.client().post(path, data=body).status_code in {200, 409}
    with world.store.read() as queries:
        kinds = [event.kind for event in queries.incident_events(incident.incident_id)]
    assert kinds.count("assigned") == 1


def test_a_silence_lasts_as_long_as_was_picked(world: World, incident: Incident) -> None:
    path = path_of(world, incident, "silence")
    page = world.client().get(path).text
    assert [f'value="{choice}"' in page for choice in ("1", "morning", "24")] == [True] * 3
    assert press(world, path, choice="9000").status_code == 409
    reply = press(world, path, choice="morning")
    assert "08:00" in reply.text
    muted = world.incident(incident).muted_until
    assert muted is not None
    zone = world.project.settings.zone
    assert f"{muted.astimezone(zone):%H:%M}" == "08:00"
    assert timedelta(0) < muted - world.clock.now() <= timedelta(days=1)
    again = press_an_old_page(world, path, choice="24")
    assert "已静默到" in again.text
    assert world.incident(incident).muted_until == muted


def test_a_dismissal_takes_a_reason_from_the_page(world: World, incident: Incident) -> None:
    press(world, path_of(world, incident, "dismiss"), choice="duplicate", text="去年三月的")
    now = world.incident(incident)
    assert now.dismissed_reason == "与已知事件重复：去年三月的"


def test_a_message_from_before_it_came_back_does_nothing(world: World, incident: Incident) -> None:
    path = path_of(world, incident)
    for name, text in (("ack", ""), ("handled", "换了滤芯"), ("reject", "还在漏")):
        world.desk.act(incident.incident_id, Command(name=name, actor="linxiao", text=text))
    reopened = world.incident(incident)
    assert reopened.epoch == 2
    assert "请用最新一条消息里的链接" in press_an_old_page(world, path).text
    assert world.incident(incident) == reopened


def test_the_page_says_what_happens_next(world: World, incident: Incident) -> None:
    reply = press(world, path_of(world, incident))
    assert "前写一句进展" in reply.text


def test_red_is_not_silenced_by_a_link_from_before(world: World, incident: Incident) -> None:
    path = path_of(world, incident, "silence")
    world.desk.act(
        incident.incident_id, Command(name="grade", actor="linxiao", level=Level.RED, text="有人伤")
    )
    red = world.incident(incident)

    assert "通知从不静默" in press_an_old_page(world, path, choice="24").text
    assert world.incident(incident) == red
