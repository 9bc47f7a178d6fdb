from datetime import timedelta

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
