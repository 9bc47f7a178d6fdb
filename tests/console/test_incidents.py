from datetime import timedelta

from alerts.incidents import Command
from storage.records import BrandId, ClusterId, Incident, IncidentState, Level
from tests.console.world import World, csrf_of
from tests.make import make_change, make_incident


def act(world: World, incident: Incident, action: str, **fields: str):
    client = world.browsers[0] if world.browsers else world.client("linxiao")
    csrf = csrf_of(client.get("/").text)
    path = f"/incidents/{incident.incident_id}/{action}"
    return client.post(path, data={"csrf": csrf} | fields)


def test_open_incidents_come_first_by_level_and_then_by_age(world: World) -> None:
    now = world.clock.now()
    told = [
        ("A-yellow-old", Level.YELLOW, 9, IncidentState.OPEN),
        ("B-red", Level.RED, 1, IncidentState.OPEN),
        ("C-yellow-new", Level.YELLOW, 2, IncidentState.OPEN),
        ("D-orange-acked", Level.ORANGE, 5, IncidentState.ACKNOWLEDGED),
        ("E-closed", Level.RED, 3, IncidentState.CLOSED),
    ]
    with world.store.transaction() as tx:
        for name, level, hours, state in told:
            at = now - timedelta(hours=hours)
            made = make_incident(
                name,
                title=name,
                cluster_id=ClusterId(f"lanhe-{name}"),
                level=level,
                state=state,
                opened_at=at,
                updated_at=at,
            )
            tx.save_change(make_change(made, timers=()))
    page = world.client("linxiao").get("/").text
    order = [page.index(name) for name, *_ in told]
    assert sorted(order) == [order[1], order[0], order[2], order[3], order[4]]


def test_an_empty_list_says_so_calmly(world: World) -> None:
    assert "现在没有需要处理的事件" in world.client("linxiao").get("/").text


def test_the_page_says_why_and_shows_the_originals(world: World, incident: Incident) -> None:
    page = world.client("linxiao").get(f"/incidents/{incident.incident_id}").text
    assert incident.grade is not None
    for reason in incident.grade.reasons:
        assert reason.text in page
    assert 'href="http://site.example/tousu/' in page
    assert '<mark class="brand">澜禾</mark>' in page
    assert '<mark class="term">冒烟</mark>' in page
    assert 'data-series="{' in page
    assert page.count("<tr><td>") >= 2  # the same numbers as a table
    assert "发现并立案" in page
    assert "待发送" in page


def test_an_incident_is_also_found_by_its_code(world: World, incident: Incident) -> None:
    assert world.client("linxiao").get(f"/incidents/{incident.code}").status_code == 200


def test_an_unknown_incident_is_a_clear_answer(world: World) -> None:
    client = world.client("linxiao")
    for name in ("nothing", "舆-0000", "%00", "..%2f..%2fetc", "a" * 3000):
        assert client.get(f"/incidents/{name}").status_code in {400, 404}


def test_an_acknowledge_is_kept_with_its_person(world: World, incident: Incident) -> None:
    reply = act(world, incident, "ack")
    assert reply.headers["location"] == f"/incidents/{incident.incident_id}?done=ack"
    now = world.incident(incident)
    assert (now.state, now.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "linxiao")
    page = world.client("linxiao").get(reply.headers["location"]).text
    assert "已确认，升级通知停下了" in page
    with world.store.read() as queries:
        assert queries.audits(5)[0]["action"] in {"ack", "login"}


def test_the_way_from_open_to_closed_goes_through_the_customer(
    world: World, incident: Incident
) -> None:
    act(world, incident, "ack")
    act(world, incident, "note", text="已联系工厂停发这一批")
    act(world, incident, "handled", text="批次下架，逐个回访退款")
    assert world.incident(incident).state is IncidentState.HANDLED
    refused = act(world, incident, "confirm", text="  ")
    assert refused.status_code == 409
    assert world.incident(incident).state is IncidentState.HANDLED
    act(world, incident, "confirm", text="16 位客户电话确认，录音编号 1120-16")
    closed = world.incident(incident)
    assert closed.state is IncidentState.CLOSED
    page = world.client("linxiao").get(f"/incidents/{incident.incident_id}").text
    for text in ("已联系工厂停发这一批", "批次下架，逐个回访退款", "录音编号 1120-16"):
        assert text in page


def test_a_rejection_opens_it_again(world: World, incident: Incident) -> None:
    act(world, incident, "ack")
    act(world, incident, "handled", text="已寄新品")
    act(world, incident, "reject", text="新品还是冒烟")
    now = world.incident(incident)
    assert (now.state, now.epoch) == (IncidentState.OPEN, incident.epoch + 1)


def test_assign_silence_escalate_and_dismiss_do_what_they_say(
    world: World, incident: Incident
) -> None:
    act(world, incident, "assign", owner="chenmo", text="媒体在问")
    assert world.incident(incident).owner_id == "chenmo"
    act(world, incident, "silence", hours="4")
    muted = world.incident(incident).muted_until
    assert muted == world.clock.now() + timedelta(hours=4)
    before = world.incident(incident).step
    act(world, incident, "escalate", text="需要更高的人定")
    assert world.incident(incident).step > before
    act(world, incident, "dismiss", text="是竞品的批次")
    assert world.incident(incident).state is IncidentState.DISMISSED


def test_an_illegal_move_is_refused_with_what_would_be_allowed(
    world: World, incident: Incident
) -> None:
    for action, fields in (
        ("handled", {"text": "还没确认就说处理完"}),
        ("confirm", {"text": "没有处理就确认"}),
        ("note", {"text": " \n "}),
        ("dismiss", {"text": ""}),
        ("silence", {"hours": "9999"}),
        ("silence", {}),
        ("assign", {"owner": "nobody"}),
    ):
        reply = act(world, incident, action, **fields)
        assert reply.status_code == 409
        assert 'role="alert"' in reply.text
    assert world.incident(incident) == incident


def test_there_is_no_action_to_close(world: World, incident: Incident) -> None:
    for action in ("close", "merge", "split", "delete", "../ack"):
        assert act(world, incident, action).status_code in {404, 405}
    assert world.incident(incident) == incident


def test_pressing_a_button_twice_acts_once(world: World, incident: Incident) -> None:
    for _ in range(2):
        assert act(world, incident, "note", text="一次", once="same-form").status_code == 303
    with world.store.read() as queries:
        kinds = [event.kind for event in queries.incident_events(incident.incident_id)]
    assert kinds.count("noted") == 1


def test_the_list_refreshes_as_a_fragment(world: World, incident: Incident) -> None:
    reply = world.client("linxiao").get("/incidents", headers={"HX-Request": "true"})
    assert "<html" not in reply.text
    assert incident.title in reply.text


def test_a_refresh_after_the_session_ended_leads_to_the_login(world: World) -> None:
    reply = world.client().get("/incidents", headers={"HX-Request": "true"})
    assert reply.status_code == 204
    assert reply.headers["hx-redirect"].startswith("/login")


def test_a_merged_incident_points_to_the_other(world: World, incident: Incident) -> None:
    other = make_incident("lanhe-otherone", brand_id=incident.brand_id, title="另一件")
    with world.store.transaction() as tx:
        tx.save_change(make_change(other, timers=()))
    world.desk.act(incident.incident_id, Command(name="merge", actor="linxiao"), into=other.code)
    page = world.client("linxiao").get("/").text
    assert "已并入" in page


def test_what_history_would_have_raised_is_listed_apart(world: World) -> None:
    with world.store.transaction() as tx:
        tx.note_would_have_been(
            ClusterId("lanhe-old"), BrandId("lanhe"), "三月：电饭煲跳闸，橙级", world.clock.now()
        )
    page = world.client("linxiao").get("/").text
    assert "历史数据里本来会有 1 起事件" in page
    assert "三月：电饭煲跳闸，橙级" in page
    assert "现在没有需要处理的事件" in page


def test_taking_over_is_offered_to_others_only(world: World, incident: Incident) -> None:
    world.add_user("chenmo", "pr")
    act(world, incident, "ack")
    path = f"/incidents/{incident.incident_id}"
    assert f"{path}/ack" not in world.client("linxiao").get(path).text
    assert f"{path}/ack" in world.client("chenmo").get(path).text
