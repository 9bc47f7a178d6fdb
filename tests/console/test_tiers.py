"""Customer lists meet complaints by keyed digests, and incidents take on the highest tier."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from config.errors import ConfigError
from groundswell.acting import act_on
from groundswell.customer_book import CustomerBook, complainant_tiers, ties_of
from groundswell.customer_lists import CustomerDesk
from groundswell.doors import EDIT, make_key
from groundswell.hot import HotLists
from groundswell.wiring import make_pseudonym
from storage.records import Incident, Mention
from storage.store import Store
from storage.tables import metadata
from tests.alerts.people import PlainLinks
from tests.console.world import CLUSTER, Stage, World, build, csrf_of, keep, raise_incident
from tests.make import make_raw

PHONE = "138" + "0013" + "8000"
HEADER = ("客户等级", "平台", "昵称", "客户编号", "手机")


def desk(world: World) -> CustomerDesk:
    return CustomerDesk(
        store=world.store,
        project=world.project,
        clock=world.clock,
        pseudonym=make_pseudonym(world.store),
    )


def listed(folder: Path, *rows: tuple[str, ...], name: str = "客户名单 2026-11.csv") -> Path:
    path = folder / name
    with path.open("w", encoding="gb18030", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    return path


def members(world: World) -> list[Mention]:
    with world.store.read() as queries:
        return [mention for mention, _ in queries.cluster_mentions(CLUSTER, 20)]


def now_of(world: World, incident: Incident) -> Incident:
    return world.incident(incident)


@pytest.fixture
def small(sqlite_url: str, stage: Stage) -> Iterator[World]:
    store = Store(sqlite_url)
    world = build(store, stage)
    yield world
    world.close()
    store.close()


def test_a_list_raises_open_incidents_and_keeps_nothing_clear(
    world: World, incident: Incident, tmp_path: Path
) -> None:
    """On both databases: who complained is found among thousands by a digest."""
    one, other = members(world)[:2]
    rows = [("SVIP", one.platform, one.author, "", ""), ("vip", "", "", "C-7788", PHONE)]
    rows += [("VIP", other.platform, other.author, "", "")]

    found = desk(world).bring(listed(tmp_path, *rows), "lin")

    assert (found.customers, found.tiers) == (3, {"svip": 1, "vip": 2})
    assert found.raised == (incident.code,)
    after = now_of(world, incident)
    assert (after.tier, after.tier_why) == ("svip", "1 位 SVIP（客户名单 2026-11）")
    assert desk(world).bring(tmp_path / "客户名单 2026-11.csv", "lin").raised == ()
    page = world.client("linxiao").get(f"/incidents/{incident.incident_id}").text
    assert "1 位 SVIP（客户名单 2026-11）" in page
    assert "客户等级提高" in page
    with world.store.read() as queries:
        people = queries.complainants(incident.incident_id)
        tiers = complainant_tiers(world.project, queries, people)
        kept = {
            row
            for name in ("customer", "audit", "mention_customer")
            for row in map(str, queries.connection.execute(sa.select(metadata.tables[name])))
        }
    assert sorted(tiers.values()) == ["svip", "vip"]
    assert not any(word in row for row in kept for word in (PHONE, "C-7788", one.author))

    assert desk(world).forget("客户名单 2026-11", "lin") == found.keys
    assert now_of(world, incident).tier == "svip"  # what was promised holds


def test_new_mention_of_a_customer_raises_the_incident_that_is_open(
    small: World, tmp_path: Path
) -> None:
    incident = raise_incident(small)
    rows = [("VIP", "", "", "C-1", ""), ("SVIP", "", "", "C-2", ""), ("SVIP", "", "", "", PHONE)]
    desk(small).bring(listed(tmp_path, *rows), "lin")
    assert now_of(small, incident).tier == ""
    mention = members(small)[0]

    def write(**said: Any) -> None:
        with small.store.transaction() as tx:
            raw = make_raw(1, **said)
            tx.tie_mentions(ties_of(tx, small.project, {mention.mention_id: raw}))
            act_on(
                tx,
                {CLUSTER: [mention]},
                small.clock.now(),
                project=small.project,
                hot_lists=HotLists(small.project),
                links=PlainLinks(),
                before={},
            )

    write(customer=(("number", " c-1 "),))
    assert now_of(small, incident).tier_why == "1 位 VIP（客户名单 2026-11）"
    write(customer=(("number", "C-1"), ("tier", "钻石")))  # a tier that nobody has: left out
    assert now_of(small, incident).tier == "vip"
    write(customer=(("tier", "svip"),))
    assert now_of(small, incident).tier_why == "1 位 SVIP（接待登记）"


def test_whom_to_call_ties_only_where_a_list_knows_him(small: World, tmp_path: Path) -> None:
    [mention] = keep(small, [make_raw(5)])
    raw = make_raw(5, contact=(("phone", "+86 " + PHONE), ("name", "王女士")))
    with small.store.transaction() as tx:
        assert ties_of(tx, small.project, {mention.mention_id: raw}) == []
    desk(small).bring(listed(tmp_path, ("VIP", "", "", "", PHONE)), "lin")
    with small.store.transaction() as tx:
        [tie] = ties_of(tx, small.project, {mention.mention_id: raw})
    assert (tie.kind, tie.tier) == ("contact", "")
    assert PHONE not in tie.key


def test_bad_rows_are_named_without_their_values(small: World, tmp_path: Path) -> None:
    rows = [("钻石", "", "", "C-9", ""), ("", "", "", "C-9", ""), ("VIP", "微博", "", "", "12")]
    path = listed(tmp_path, *rows, ("VIP", "", "", "C-1", ""))

    found = desk(small).bring(path, "lin")

    assert (found.rows, found.customers, found.bad_rows) == (4, 1, 3)
    assert [line.partition("：")[0] for line in found.bad] == ["第 2 行", "第 3 行", "第 4 行"]
    assert not any("C-9" in line or "12" in line for line in found.bad)
    with pytest.raises(ConfigError, match="no row can be used"):
        desk(small).bring(listed(tmp_path, rows[0]), "lin")
    with small.store.read() as queries:
        assert CustomerBook.of(small.project, queries) is not None  # the list before stays


def test_who_is_on_two_lists_has_the_higher_tier(small: World, tmp_path: Path) -> None:
    incident = raise_incident(small)
    one = members(small)[0]
    mine = ("", one.platform, one.author, "", "")
    desk(small).bring(listed(tmp_path, ("SVIP", *mine[1:]), name="大客户.csv"), "lin")
    desk(small).bring(listed(tmp_path, ("VIP", *mine[1:]), name="会员.csv"), "lin")

    assert now_of(small, incident).tier_why == "1 位 SVIP（大客户）"
    with small.store.read() as queries:
        people = queries.complainants(incident.incident_id)
        assert set(complainant_tiers(small.project, queries, people).values()) == {"svip"}


def test_lists_come_in_and_go_on_the_page_and_by_programs(small: World, tmp_path: Path) -> None:
    incident = raise_incident(small)
    one = members(small)[0]
    path = listed(
        tmp_path, ("SVIP", one.platform, one.author, "", PHONE), ("钻石", "", "", "C", "")
    )
    client = small.client("linxiao")
    csrf = {"csrf": csrf_of(client.get("/customers").text)}
    files = {"file": ("会员.csv", path.read_bytes())}

    assert client.post("/import/customers", files=files, data={"csrf": "x"}).status_code == 403
    page = client.post("/import/customers", files=files, data=csrf).text
    assert ("会员：2 行，1 位客户" in page, incident.code in page, "第 3 行" in page) == (True,) * 3
    assert now_of(small, incident).tier_why == "1 位 SVIP（会员）"
    assert PHONE not in client.get("/customers").text
    bad = client.post("/import/customers", files={"file": ("a.csv", b"x,y\n1,2\n")}, data=csrf)
    assert (bad.status_code, "a.csv" in bad.text, "/tmp" in bad.text) == (409, True, False)
    gone = client.post("/customers/forget", data=csrf | {"origin": "会员"})
    assert "还没有导入客户名单" in client.get(gone.headers["location"]).text

    program = small.client()
    token = make_key(small.store, EDIT, "crm", by="boss", now=small.clock.now())
    program.headers["Authorization"] = f"Bearer {token}"
    sent = {"origin": "crm", "customers": [{"tier": "vip", "number": "C-1"}, {"tier": "vip"}]}
    answer = program.post("/api/v1/customers", json=sent).json()
    assert (answer["customers"], answer["keys"], answer["bad_rows"]) == (1, 1, 1)
    wrong = {"origin": "crm", "customers": [{"tier": "vip", "name": "某人"}]}
    assert program.post("/api/v1/customers", json=wrong).status_code == 400
    [kept] = program.get("/api/v1/customers").json()["lists"]
    assert (kept["origin"], kept["tier"], kept["keys"]) == ("crm", "vip", 1)
    assert program.delete("/api/v1/customers/crm").json() == {"origin": "crm", "keys": 1}
    assert program.delete("/api/v1/customers/crm").status_code == 409
