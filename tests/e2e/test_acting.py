"""Acting on a phone and at a desk, in a real browser: links of messages, the incident's work."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage.records import Incident, IncidentState, OwnerId
from tests.console.world import PASSWORD, World
from tests.e2e.conftest import Opens

pytestmark = pytest.mark.e2e
OWNER = OwnerId("linxiao")


def test_every_link_of_a_message_works_on_a_phone(
    world: World, incident: Incident, visit: Opens
) -> None:
    seen = visit(world.url, "phone")
    for action in ("ack", "dismiss", "assign", "silence"):
        seen.page.goto(world.links.action(incident, action, OWNER))
        assert seen.overflow() == 0
        seen.shot(f"tap-{action}")
        for box in [one.bounding_box() for one in seen.page.locator(".tap-choice, button").all()]:
            assert box is not None
            assert box["height"] >= 44  # a thumb's width
    seen.page.get_by_text("到早上").click()
    seen.page.get_by_role("button", name="静默").click()
    seen.page.wait_for_selector("text=已静默到")
    seen.shot("tap-silence-done")
    assert world.incident(incident).muted_until is not None
    seen.page.goto(world.links.action(incident, "assign", OWNER))
    seen.page.get_by_text("陈默").click()
    seen.page.get_by_role("button", name="转派").click()
    seen.page.wait_for_selector("text=现在由 陈默 负责")
    seen.shot("tap-assign-done")
    assert world.incident(incident).owner_id == "chenmo"


@pytest.mark.parametrize("size", ["phone", "desk"])
def test_a_task_from_giving_to_done(
    world: World, incident: Incident, visit: Opens, size: str
) -> None:
    seen = visit(world.url, size)
    seen.log_in("linxiao", PASSWORD)
    seen.page.goto(f"{world.url}/incidents/{incident.incident_id}")
    seen.page.locator("summary", has_text="派任务").click()
    panel = seen.page.locator("form.panel[action$='/task']")
    due = (world.clock.now() + timedelta(hours=5)).astimezone(world.project.settings.zone)
    panel.locator("[name=until]").fill(f"{due:%Y-%m-%dT%H:%M}")
    panel.locator("textarea").fill("联系经销商，停售第三批次")
    seen.shot("incident-task-form")
    panel.locator("button").click()
    seen.page.wait_for_selector("text=任务已派出")
    assert seen.overflow() == 0
    seen.shot("incident-task")
    done = seen.page.locator("#tasks summary", has_text="完成")
    done.click()
    form = seen.page.locator("form[action$='/task_done']")
    form.locator("[name=url]").fill("https://weibo.example/lanhe/1")
    form.locator("textarea").fill("三家都已下架")
    form.locator("button").click()
    seen.page.wait_for_selector("text=任务已登记完成")
    assert world.incident(incident).tasks[0].state == "done"
    assert world.incident(incident).state is IncidentState.OPEN


@pytest.mark.parametrize("size", ["phone", "desk"])
@pytest.mark.parametrize("dark", [False, True])
def test_the_pages_of_notices_fit_their_window(
    world: World, incident: Incident, visit: Opens, size: str, dark: bool
) -> None:
    seen = visit(world.url, size, dark=dark)
    seen.log_in("linxiao", PASSWORD)
    for name in ("duty", "silences", "outbox"):
        seen.page.goto(f"{world.url}/{name}")
        assert seen.overflow() == 0, name
        assert seen.page.locator("h1").count() == 1
        seen.shot(f"{name}{'-dark' if dark else ''}")
