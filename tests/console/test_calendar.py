"""The calendar: files in and out, the page, the API; one event stays one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from config.errors import ConfigError
from config.schema import EventCalendar
from groundswell.calendar_desk import CalendarDesk, EventWish
from groundswell.calendar_files import Row, read_events, to_csv, to_ics
from groundswell.doors import EDIT, READ, make_key
from groundswell.judging import judge
from groundswell.pulses import PulseView
from storage.store import Store
from tests.console.world import Stage, World, build, csrf_of, raise_incident

SHANGHAI = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def world(
    sqlite_template: Path, stage: Stage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """One for all of this file: only rows of its own calendar are looked at."""
    path = tmp_path_factory.mktemp("calendar") / "groundswell.db"
    path.write_bytes(sqlite_template.read_bytes())
    store = Store(f"sqlite:///{path}")
    world = build(store, stage)
    yield world
    world.close()
    store.close()


def desk(world: World) -> CalendarDesk:
    return CalendarDesk(store=world.store, project=world.project, clock=world.clock)


def ics(folder: Path, *lines: str) -> Path:
    path = folder / "market.ics"
    head = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//ZH")
    path.write_text("\r\n".join([*head, *lines, "END:VCALENDAR", ""]), encoding="utf-8")
    return path


def event(*lines: str, uid: str = "u1", name: str = "秋季发布") -> tuple[str, ...]:
    return ("BEGIN:VEVENT", f"UID:{uid}", f"SUMMARY:{name}", *lines, "END:VEVENT")


def days(rows: list[Row]) -> list[tuple[str, str]]:
    return [(str(row.starts), str(row.ends)) for row in rows if not row.problem]


def test_ics_ends_the_day_before_dtend_and_in_the_projects_zone(tmp_path: Path) -> None:
    path = ics(
        tmp_path,
        *event("DTSTART;VALUE=DATE:20261101", "DTEND;VALUE=DATE:20261104"),
        *event("DTSTART;VALUE=DATE:20261201", uid="u2"),
        # 22:00 in London is 06:00 of the next day in Shanghai, and ends there at midnight
        *event("DTSTART;TZID=Europe/London:20261110T220000", "DURATION:PT18H", uid="u3"),
        *event("DTSTART:20261109T160000Z", "DTEND:20261110T160000Z", uid="u4"),
        *event("DTSTART:20261111T080000", "DTEND:20261111T230000", "STATUS:CANCELLED", uid="u5"),
    )

    assert days(read_events(path, SHANGHAI, TODAY)) == [
        ("2026-11-01", "2026-11-03"),
        ("2026-12-01", "2026-12-01"),
        ("2026-11-11", "2026-11-11"),
        ("2026-11-10", "2026-11-10"),
    ]


def test_yearly_rule_is_followed_and_finer_ones_are_told(tmp_path: Path) -> None:
    yearly = ("DTSTART;VALUE=DATE:20240909", "DTEND;VALUE=DATE:20240911")
    path = ics(
        tmp_path,
        *event(*yearly, "RRULE:FREQ=YEARLY;UNTIL=20281231T000000Z", "EXDATE;VALUE=DATE:20270909"),
        *event(
            "DTSTART;VALUE=DATE:20260912", "RECURRENCE-ID;VALUE=DATE:20260909", name="挪后的周年庆"
        ),
        *event("DTSTART:20260101T000000Z", "RRULE:FREQ=SECONDLY", uid="u2"),
        *event("DTSTART:20260101T000000Z", "RRULE:FREQ=YEARLY;BYHOUR=1,2", uid="u3"),
        *event("DTSTART:20260101T000000Z", "RRULE:FREQ=YEARLY;INTERVAL=0", uid="u4"),  # for ever
        *event("DTSTART:20260101T000000Z", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", uid="u5"),
    )

    rows = read_events(path, SHANGHAI, TODAY)

    assert days(rows) == [("2028-09-09", "2028-09-10"), ("2026-09-12", "2026-09-12")]
    assert [row.problem.partition("：")[0] for row in rows if row.problem] == [
        "第 3 个事件",
        "第 4 个事件",
        "第 5 个事件",
        "第 6 个事件",
    ]


@pytest.mark.parametrize(
    "body", [b"", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT", b"name,kind\r\na,b", b"\x00"]
)
def test_what_is_no_calendar_is_refused(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "market.ics"
    path.write_bytes(body)

    with pytest.raises(ConfigError, match="importing"):
        read_events(path, SHANGHAI, TODAY)
    with pytest.raises(ConfigError, match="no such file"):
        read_events(tmp_path / "none.csv", SHANGHAI, TODAY)


def test_what_goes_out_comes_in_as_the_same_events(world: World, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    rows = (
        "名称,类型,开始,结束,品牌,备注",
        "=2+5,促销,2026/12/24,2027-01-02,澜禾,全场 http://x.example",
        "涨价,涨价,2026年12月1日,,,",
        "坏类型,打折,2026-12-01,,,",
        "坏品牌,促销,2026-12-01,,无此牌,",
        "倒着,促销,2026-12-09,2026-12-01,,",
        "双12,购物节,2026-12-08,2026-12-12,,",
    )
    path.write_bytes("\n".join(rows).encode("gbk"))

    found = desk(world).bring(path, "lin")

    assert (found.rows, found.new, found.known, found.bad_rows) == (6, 2, 1, 3)
    own = [one for one in desk(world).listed(date(2026, 12, 1)) if one.added_by == "lin"]
    assert [(one.name, one.brand_id) for one in own] == [("涨价", ""), ("=2+5", "lanhe")]
    assert "\n'=2+5," in to_csv(own)  # no formula where a spreadsheet opens it
    for name, text in (("a.csv", to_csv(own)), ("b.ics", to_ics(own))):
        (tmp_path / name).write_text(text, encoding="utf-8", newline="")
        again = desk(world).bring(tmp_path / name, "lin")
        assert (again.new, again.known, again.bad) == (0, 2, ())


def test_page_shows_a_month_and_takes_an_event(world: World) -> None:
    client = world.client("linxiao")
    page = client.get("/calendar?month=2026-10").text
    assert "双11" in page
    assert "10月1日、10月2日、10月5日、10月6日、10月7日" in page  # weekdays off
    assert "周末调休上班：10月10日" in page
    said = {"name": "<i>新品</i>", "starts": "2027-02-01", "kind": "发布", "csrf": csrf_of(page)}

    assert client.post("/calendar", data=said).status_code == 303
    page = client.get("/calendar?month=2027-02").text
    assert "&lt;i&gt;新品&lt;/i&gt;" in page
    assert "2027 年的法定节假日尚未公布" in page
    refused = client.post("/calendar", data={**said, "ends": "2027-01-01"})
    assert (refused.status_code, "结束不能早于开始" in refused.text) == (409, True)
    body = "name,starts\n秋促,2027-02-03\n坏,哪天\n"
    upload = {"file": ("c.csv", body.encode(), "text/csv")}
    taken = client.post("/calendar/import", data={"csrf": said["csrf"]}, files=upload)
    assert "新增 1 个事件" in taken.text
    assert "第 3 行" in taken.text
    assert "秋促" in client.get("/calendar.ics").text
    assert client.get("/calendar.csv").headers["content-type"].startswith("text/csv")
    [stored] = [one for one in desk(world).listed(date(2027, 2, 3)) if one.name == "秋促"]
    gone = {"event": stored.event_id, "month": "2027-02", "csrf": said["csrf"]}
    assert client.post("/calendar/remove", data=gone).status_code == 303
    assert "秋促" not in client.get("/calendar?month=2027-02").text
    assert client.post("/calendar/remove", data=gone).status_code == 409


def test_programs_read_add_and_remove(world: World) -> None:
    now, client = world.clock.now(), world.client(None)
    key = make_key(world.store, EDIT, "release", by="test", now=now)
    headers = {"Authorization": f"Bearer {key}"}
    said = {"name": "系统升级", "kind": "其他", "starts": "2026-12-20", "brand": "lanhe"}

    added = client.post("/api/v1/calendar", content=json.dumps(said), headers=headers).json()
    found = client.get("/api/v1/calendar?since=2026-12-20&until=2026-12-20", headers=headers).json()
    assert [one["name"] for one in found["events"]] == ["系统升级"]
    event_id = added["event"]["event_id"]
    assert client.delete(f"/api/v1/calendar/{event_id}", headers=headers).status_code == 200
    again = client.delete(f"/api/v1/calendar/{event_id}", headers=headers)
    assert again.status_code == 409
    built_in = client.delete("/api/v1/calendar/double-11-2026", headers=headers)
    assert "calendar.without: [double-11]" in built_in.json()["detail"]
    for bad in ({"name": "x"}, {**said, "starts": "soon"}, {**said, "more": "x"}):
        reply = client.post("/api/v1/calendar", content=json.dumps(bad), headers=headers)
        assert reply.status_code == 400
    reader = make_key(world.store, READ, "reader", by="test", now=now)
    refused = client.post(
        "/api/v1/calendar", content=json.dumps(said), headers={"Authorization": f"Bearer {reader}"}
    )
    assert refused.status_code == 401


def test_curves_carry_the_events_of_their_brand(world: World) -> None:
    incident = raise_incident(world)
    today = desk(world).today()
    added = desk(world).add(EventWish(name="自家秒杀", starts=today, brand="澜禾"), "lin")
    client = world.client("linxiao")

    page = client.get(f"/incidents/{incident.incident_id}").text
    assert "data-events=" in page
    assert "同期有：" in page
    assert "自家秒杀" in page
    cluster = client.get(f"/clusters/{incident.cluster_id}").text
    assert 'class="event-band"' in cluster
    assert "自家秒杀" in client.get("/topics").text
    # the engine's own judgement names the event, and is the same without any calendar
    bare = world.project.model_copy(update={"calendar": EventCalendar(events=False)})
    now = world.clock.now()
    with world.store.transaction() as tx:
        judged = []
        for project in (world.project, bare):
            pulses = PulseView(project, tx.queries, now)
            evidence = pulses.see(tx.evidence(incident.cluster_id, now))
            judged.append(judge(evidence, incident, incident, project, now, pulses))
        tx.remove_event(added.event_id)
        pulses = PulseView(bare, tx.queries, now)
        evidence = pulses.see(tx.evidence(incident.cluster_id, now))
        without = judge(evidence, incident, incident, bare, now, pulses)
    for said in judged:
        [named] = [one.text for one in said.reasons if one.code == "calendar"]
        assert "自家秒杀" in named
        kept = tuple(one for one in said.reasons if one.code != "calendar")
        assert replace(said, reasons=kept) == without
