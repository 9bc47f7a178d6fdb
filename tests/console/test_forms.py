import http.client

from storage.records import Incident, IncidentState
from tests.console.test_login import paths_of
from tests.console.world import World, csrf_of

ACTIONS = {
    "ack": {},
    "note": {"text": "x"},
    "assign": {"owner": "chenmo"},
    "escalate": {},
    "silence": {"hours": "1"},
    "dismiss": {"text": "x"},
}


def test_no_form_works_without_its_token(world: World, incident: Incident) -> None:
    client = world.client("linxiao")
    for method, path in paths_of(world):
        if method == "POST":
            for csrf in ({}, {"csrf": ""}, {"csrf": "x"}, {"csrf": "é"}):
                assert client.post(path, data=csrf).status_code == 403, path
    for action, fields in ACTIONS.items():
        path = f"/incidents/{incident.incident_id}/{action}"
        assert client.post(path, data=fields).status_code == 403
    assert world.incident(incident) == incident
    assert client.get("/").status_code == 200  # the logout did not work either


def test_anothers_token_is_no_token(world: World, incident: Incident) -> None:
    world.add_user("chenmo", "pr")
    stolen = csrf_of(world.client("chenmo").get("/").text)
    path = f"/incidents/{incident.incident_id}/ack"
    assert world.client("linxiao").post(path, data={"csrf": stolen}).status_code == 403


def test_a_form_on_another_site_is_refused_even_with_the_token(
    world: World, incident: Incident
) -> None:
    client = world.client("linxiao")
    csrf = csrf_of(client.get("/").text)
    path = f"/incidents/{incident.incident_id}/ack"
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert client.post(path, data={"csrf": csrf}, headers=headers).status_code == 403
    assert world.incident(incident).state is IncidentState.OPEN
    own = {"Origin": world.url, "Sec-Fetch-Site": "same-origin"}
    assert client.post(path, data={"csrf": csrf}, headers=own).status_code == 303


def test_a_get_never_acts(world: World, incident: Incident) -> None:
    client = world.client("linxiao")
    for action in ACTIONS:
        assert client.get(f"/incidents/{incident.incident_id}/{action}").status_code == 405
    assert world.incident(incident) == incident


def test_a_body_without_length_or_too_long_is_not_read(world: World) -> None:
    host = world.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=5)
    connection.request("POST", "/login", body=iter([b"a=1"]), encode_chunked=True)
    assert connection.getresponse().status == 411
    connection.close()
    assert world.client().post("/login", content=b"a" * 70_000).status_code == 413


def test_files_and_floods_of_fields_are_refused(world: World) -> None:
    client = world.client("linxiao")
    assert client.post("/password", files={"old": b"x"}).status_code == 400
    assert client.post("/password", data={f"f{n}": "x" for n in range(50)}).status_code == 400


def test_a_reader_may_look_but_not_act(world: World, incident: Incident) -> None:
    client = world.client("boss")
    page = client.get(f"/incidents/{incident.incident_id}")
    assert page.status_code == 200
    assert "确认接手" not in page.text
    csrf = csrf_of(page.text)
    for action, fields in ACTIONS.items():
        path = f"/incidents/{incident.incident_id}/{action}"
        assert client.post(path, data={"csrf": csrf} | fields).status_code == 403
    assert world.incident(incident) == incident


def test_an_endless_address_is_refused_before_anything_reads_it(world: World) -> None:
    endless = "9" * 5_000  # more digits than Python makes a number of

    reply = world.client("linxiao").get(f"/mentions/{endless}")

    assert reply.status_code == 414
