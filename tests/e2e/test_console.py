import json

import pytest

from groundswell.demo.site import DemoSite
from groundswell.demo.story import Story
from storage.records import Incident, IncidentState
from tests.console.world import PASSWORD, World, raise_incident
from tests.e2e.conftest import Opens

pytestmark = pytest.mark.e2e
SIZES = pytest.mark.parametrize("size", ["phone", "desk"])


@SIZES
def test_from_login_to_acknowledged(
    world: World, incident: Incident, visit: Opens, size: str
) -> None:
    seen = visit(world.url, size)
    seen.page.goto(world.url)
    seen.shot("login")
    seen.log_in("linxiao", PASSWORD)
    seen.shot("incidents")
    seen.page.get_by_text(incident.title).click()
    seen.page.wait_for_selector("#curve canvas")
    seen.shot("incident")
    seen.page.get_by_role("button", name="确认接手").click()
    seen.page.wait_for_selector("text=已确认，升级通知停下了")
    seen.shot("incident-acknowledged")
    assert world.incident(incident).state is IncidentState.ACKNOWLEDGED
    assert world.incident(incident).acknowledged_by == "linxiao"


@SIZES
def test_from_handled_to_confirmed_by_the_customer(
    world: World, incident: Incident, visit: Opens, size: str
) -> None:
    seen = visit(world.url, size)
    seen.log_in("linxiao", PASSWORD)
    seen.page.goto(f"{world.url}/incidents/{incident.incident_id}")
    seen.page.get_by_role("button", name="确认接手").click()
    for action, text in (("已处理", "下架批次，逐个退款"), ("客户确认", "回访 16 位，录音已存")):
        panel = seen.page.locator("details", has=seen.page.locator(f'summary:has-text("{action}")'))
        panel.locator("summary").click()
        panel.locator("textarea").fill(text)
        seen.shot(f"incident-{action}")
        panel.locator("button").click()
        seen.page.wait_for_selector(".banner.good")
    assert world.incident(incident).state is IncidentState.CLOSED
    seen.page.goto(world.url)
    seen.shot("incidents-closed")


@SIZES
@pytest.mark.parametrize("dark", [False, True])
def test_every_page_fits_its_window(
    world: World, incident: Incident, visit: Opens, size: str, dark: bool
) -> None:
    seen = visit(world.url, size, dark=dark)
    seen.log_in("linxiao", PASSWORD)
    pages = {
        "incidents": "/",
        "incident": f"/incidents/{incident.incident_id}",
        "sources": "/sources",
        "source": "/sources/jiefang-micro",
        "digest": "/digest",
        "mention": "/mentions/1",
        "password": "/password",
    }
    for name, path in pages.items():
        seen.page.goto(world.url + path)
        assert seen.overflow() == 0, name
        assert seen.page.locator("h1").count() == 1, name
        seen.shot(f"{name}{'-dark' if dark else ''}")


def test_one_tap_from_the_message_on_a_phone(
    world: World, incident: Incident, visit: Opens
) -> None:
    seen = visit(world.url, "phone")
    seen.page.goto(world.links.action(incident, "ack", incident.owner_id))
    seen.shot("one-tap")
    button = seen.page.get_by_role("button", name="确认接手")
    box = button.bounding_box()
    assert box is not None
    assert box["width"] > 250
    assert box["height"] >= 48
    button.click()
    seen.page.wait_for_selector("text=已确认接手")
    seen.shot("one-tap-done")
    assert world.incident(incident).state is IncidentState.ACKNOWLEDGED


def test_the_list_refreshes_by_itself(world: World, visit: Opens) -> None:
    seen = visit(world.url, "desk")
    seen.log_in("linxiao", PASSWORD)
    seen.page.wait_for_selector("text=现在没有需要处理的事件")
    raised = raise_incident(world)
    seen.page.evaluate("htmx.ajax('GET', '/incidents', '#rows')")
    seen.page.wait_for_selector(f"text={raised.title}")


def test_the_whole_console_works_from_the_keyboard(
    world: World, incident: Incident, visit: Opens
) -> None:
    seen = visit(world.url, "desk")
    seen.page.goto(world.url)
    seen.page.wait_for_function("document.activeElement.name === 'name'")
    seen.page.keyboard.type("linxiao")
    seen.page.keyboard.press("Tab")
    seen.page.wait_for_function("document.activeElement.name === 'password'")
    seen.page.keyboard.type(PASSWORD)
    seen.page.keyboard.press("Enter")
    seen.page.wait_for_url(f"{world.url}/")
    for _ in range(20):
        seen.page.keyboard.press("Tab")
        focused = seen.page.evaluate("document.activeElement.getAttribute('href')")
        if focused == f"/incidents/{incident.incident_id}":
            break
    seen.page.keyboard.press("Enter")
    seen.page.wait_for_url(f"{world.url}/incidents/{incident.incident_id}")


@SIZES
def test_the_demos_inbox_shows_the_messages(
    world: World, incident: Incident, visit: Opens, size: str
) -> None:
    with world.store.read() as queries:
        intents = [intent for intent, _ in queries.incident_intents(incident.incident_id)]
    people = {f"demo-{owner.id}": owner.name for owner in world.project.owners}
    with DemoSite(Story(world.clock.now()), world.clock, people=people) as site:
        for intent in intents:
            body = {"msgtype": "markdown", "markdown": {"content": intent.body}}
            taken = site.receiver.accept(f"demo-{intent.recipient_id}", json.dumps(body).encode())
            assert taken["errcode"] == 0
        seen = visit(site.url, size)
        seen.page.goto(f"{site.url}/inbox")
        seen.page.wait_for_selector("text=林晓")
        with seen.page.expect_response("**/inbox/chats*"):
            pass
        assert seen.overflow() == 0
        assert seen.page.locator(".bubble").count() == len(intents)
        seen.shot("inbox")
