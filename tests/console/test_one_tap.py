from datetime import timedelta

from alerts.incidents import Command
from groundswell.console.pages.one_tap import form_token
from groundswell.links import SignedLinks
from storage.records import Incident, IncidentState, OwnerId
from tests.console.world import World, csrf_of

OWNER = OwnerId("linxiao")


def path_of(world: World, incident: Incident, action: str = "ack", owner: OwnerId = OWNER) -> str:
    return world.links.action(incident, action, owner).removeprefix(world.url)


def press(world: World, path: str, **fields: str):
    client = world.client()
    return client.post(path, data={"csrf": csrf_of(client.get(path).text)} | fields)


def press_an_old_page(world: World, path: str, **fields: str):
    """Press a page that was opened before something else happened."""
    return world.client().post(path, data={"csrf": form_token(path.removeprefix("/t/"))} | fields)


def test_opening_the_link_changes_nothing(world: World, incident: Incident) -> None:
    for method in ("GET", "HEAD", "GET"):
        assert world.client().request(method, path_of(world, incident)).status_code == 200
    assert world.incident(incident) == incident


def test_the_page_has_one_big_button_and_no_login(world: World, incident: Incident) -> None:
    page = world.client().get(path_of(world, incident)).text
    assert page.count("<button") == 1
    assert incident.title in page
    assert "以 林晓 的身份" in page


def test_pressing_it_acknowledges_in_that_persons_name(world: World, incident: Incident) -> None:
    reply = press(world, path_of(world, incident))
    assert reply.status_code == 200
    assert "林晓 已确认接手" in reply.text
    now = world.incident(incident)
    assert (now.state, now.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "linxiao")


def test_pressing_twice_or_after_a_colleague_is_harmless(world: World, incident: Incident) -> None:
    path = path_of(world, incident)
    body = {"csrf": form_token(path.removeprefix("/t/"))}
    for _ in range(3):
        assert world.client().post(path, data=body).status_code == 200
    other = path_of(world, incident, owner=OwnerId("chenmo"))
    late = world.client().post(other, data={"csrf": form_token(other.removeprefix("/t/"))})
    assert late.status_code == 200
    assert "林晓 已确认接手" in late.text
    assert world.incident(incident).acknowledged_by == "linxiao"
    with world.store.read() as queries:
        kinds = [event.kind for event in queries.incident_events(incident.incident_id)]
    assert kinds.count("acknowledged") == 1


def test_a_post_that_never_saw_the_page_is_refused(world: World, incident: Incident) -> None:
    for form in ({}, {"csrf": "x"}):
        assert world.client().post(path_of(world, incident), data=form).status_code == 410
    assert world.incident(incident) == incident


def test_an_expired_link_does_nothing(world: World, incident: Incident) -> None:
    path = path_of(world, incident)
    world.clock.advance(days=8)
    client = world.client()
    assert client.get(path).status_code == 410
    body = {"csrf": form_token(path.removeprefix("/t/"))}
    assert client.post(path, data=body).status_code == 410
    assert world.incident(incident) == incident


def test_a_link_we_did_not_make_does_nothing(world: World, incident: Incident) -> None:
    path = path_of(world, incident)
    foreign = SignedLinks(world.url, "another key").action(incident, "ack", OWNER)
    client = world.client()
    for odd in (
        path[:-3] + "AAA",
        path[:-10],
        path.replace("/t/", "/t/A", 1),
        foreign.removeprefix(world.url),
        "/t/....",
    ):
        assert client.get(odd).status_code == 410
        body = {"csrf": form_token(odd.removeprefix("/t/"))}
        assert client.post(odd, data=body).status_code == 410
    assert world.incident(incident) == incident


def test_a_link_for_what_messages_never_offer_is_refused(world: World, incident: Incident) -> None:
    for action in ("handled", "confirm", "merge", "grade", ""):
        path = path_of(world, incident, action)
        assert world.client().get(path).status_code == 410


def test_a_link_of_somebody_who_left_is_refused(world: World, incident: Incident) -> None:
    assert world.client().get(path_of(world, incident, owner=OwnerId("gone"))).status_code == 410


def test_a_link_to_ack_cannot_dismiss(world: World, incident: Incident) -> None:
    press(world, path_of(world, incident), action="dismiss", text="x")
    assert world.incident(incident).state is IncidentState.ACKNOWLEDGED


def test_a_dismissal_asks_for_the_reason_first(world: World, incident: Incident) -> None:
    path = path_of(world, incident, "dismiss")
    refused = press(world, path)
    assert refused.status_code == 409
    assert world.incident(incident) == incident
    press(world, path, text="测试环境的帖子")
    now = world.incident(incident)
    assert (now.state, now.dismissed_reason) == (IncidentState.DISMISSED, "测试环境的帖子")


def test_a_link_gives_no_way_into_the_rest_of_the_console(world: World, incident: Incident) -> None:
    client = world.client()
    client.get(path_of(world, incident))
    assert client.get(f"/incidents/{incident.incident_id}").status_code == 303


def test_the_link_still_works_a_few_days_later(world: World, incident: Incident) -> None:
    world.clock.advance(days=6)
    assert world.clock.now() - incident.opened_at > timedelta(days=5)
    assert press(world, path_of(world, incident)).status_code == 200
    assert world.incident(incident).state is IncidentState.ACKNOWLEDGED


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
    press(world, path_of(world, incident, "dismiss"), choice="旧闻，已经处理过", text="去年三月的")
    now = world.incident(incident)
    assert now.dismissed_reason == "旧闻，已经处理过：去年三月的"


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
