"""The pages and the API of launches: the form is one file, the page a day, all of it escaped."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from config.load import example_dir, load
from groundswell.console.app import create_app
from groundswell.desk import Desk
from groundswell.doors import EDIT, READ, make_key
from groundswell.launch_desk import LaunchDesk
from groundswell.links import SignedLinks
from storage.store import Store
from tests.console.world import HASHER, Stage, World, add_sources, build, csrf_of, raise_incident


@pytest.fixture
def world(sqlite_url: str, stage: Stage, tmp_path: Path) -> Iterator[World]:
    """The usual world on a project folder of its own: one database is enough for pages."""
    store = Store(sqlite_url)
    world = build(store, stage)
    home = Path(shutil.copytree(example_dir(), tmp_path / "home"))
    (home / "launches" / "k2.yaml").write_text(K2, encoding="utf-8")
    project = load(home, environ={})
    desk = LaunchDesk(store=store, project=project, clock=world.clock, directory=home)
    links = SignedLinks(stage.url, "a key of this test only")
    incidents = Desk(store=store, project=project, clock=world.clock, links=links)
    stage.app = create_app(
        store, project, incidents, world.clock, _nothing, links, keep=_nothing,
        hasher=HASHER, launch_desk=desk,
    )  # fmt: skip
    world.home = home  # type: ignore[attr-defined]
    yield world
    world.close()
    store.close()


K2 = """id: k2
brand: lanhe
product: yangshenghu-k2
launched: 2026-11-18
representatives: [linxiao]
note: "<b>首批</b>"
sister: pobiji-b7
faq:
  - {question: "<i>烫手吗</i>", answer: 不烫, approved_by: chenmo}
"""


def _nothing(*_: object) -> Any:
    raise AssertionError("neither digests nor mentions are asked for here")


def fill(page: str, **fields: str) -> dict[str, str]:
    """A form as a browser would send it, with some fields changed."""
    found = dict(re.findall(r'<input[^>]*? name="([^"]+)"[^>]*? value="([^"]*)"', page))
    areas = re.findall(r'<textarea name="([^"]+)"[^>]*>([^<]*)</textarea>', page)
    chosen = re.findall(r'<select name="([^"]+)".*?</select>', page)
    picked = {
        name: re.search(
            rf'<select name="{name}".*?<option value="([^"]*)" selected', page, re.DOTALL
        )
        for name in chosen
    }
    values = found | dict(areas) | {name: one[1] if one else "" for name, one in picked.items()}
    return values | fields


def test_the_page_of_a_launch_tells_its_day(world: World) -> None:
    add_sources(world)
    incident = raise_incident(world)
    page = world.client("boss").get("/launches/k2").text

    assert "上市第 <strong>3</strong> 天" in page
    assert "无销量，不算比例" in page
    assert incident.code in page
    assert "&lt;b&gt;首批&lt;/b&gt;" in page
    assert "&lt;i&gt;烫手吗" in page
    assert "右边两列是 破壁机 B7 上市后同样天数时的情况" in page
    assert "没有导入销量" in page
    assert "信源" in page
    listed = world.client("boss").get("/launches").text
    assert "养生壶 K2" in listed
    assert "新建上市" not in listed  # who may only read


def test_the_form_writes_one_file_and_keeps_comments(world: World) -> None:
    client = world.client("linxiao")
    form = fill(
        client.get("/launches/new").text,
        id="b9", brand="lanhe", product="b9", name="破壁机 B9", launched="2026-11-20",
        aliases="小旋风\r\n旋风机", **{"faq-0-question": "响吗", "faq-0-answer": "不响"},
        **{"readiness-0-place": "华东", "readiness-0-trained": "3", "readiness-0-to_train": "4"},
    )  # fmt: skip
    saved = client.post("/launches", data=form)
    assert saved.headers["location"] == "/launches/b9?done=saved"
    page = client.get(saved.headers["location"]).text
    assert "破壁机 B9" in page
    assert "华东：3/4 人" in page
    path = _home(world) / "launches" / "b9.yaml"
    path.write_text(path.read_text("utf-8").replace("brand:", "# 别动\nbrand:"), encoding="utf-8")

    edited = fill(client.get("/launches/b9/edit").text, brand="lanhe", note="第二批")
    assert edited["aliases"] == "小旋风\n旋风机"
    assert client.post("/launches", data=edited).status_code == 303
    assert "# 别动\nbrand: lanhe\n" in path.read_text("utf-8")
    assert "note: 第二批\n" in path.read_text("utf-8")
    again = client.post("/launches", data=edited | {"note": "第三批"})
    assert (again.status_code, "别人刚刚改过" in again.text) == (409, True)
    assert "第三批" in again.text  # what was typed is not lost
    assert "第三批" not in path.read_text("utf-8")


def test_mistakes_come_back_with_file_and_line(world: World) -> None:
    client = world.client("linxiao")
    page = client.get("/launches/k2/edit").text
    long = {f"faq-{n}-question": f"问{n}" for n in range(50)}
    long |= {f"faq-{n}-answer": "答" * 400 for n in range(50)}
    kept = client.post("/launches", data=fill(page, id="", **long))  # 180 KB, percent-encoded
    assert (kept.status_code, "答" * 400 in kept.text) == (409, True)
    late = client.post("/launches", data=fill(page, ends="2027-11-01"))
    assert late.status_code == 409
    assert "launches/k2.yaml:" in late.text
    assert "3 to 6 months after it" in late.text
    odd = client.post("/launches", data=fill(page, **{"readiness-0-trained": "三"}))
    assert "这里要填一个整数" in odd.text
    assert (_home(world) / "launches" / "k2.yaml").read_text("utf-8") == K2


def test_sales_are_pasted_a_day_a_line(world: World) -> None:
    client = world.client("linxiao")
    form = {"csrf": csrf_of(client.get("/launches/k2").text)}
    page = client.post(
        "/launches/k2/sales", data=form | {"rows": "2026-11-18 300\r\n2026/11/19，-20\r\n<b>昨天 5"}
    ).text
    assert "写入 2 天，共 280 台；1 行没有用" in page
    assert "&lt;b&gt;昨天" in page
    assert "到今天累计售出 280 台（已减退货）" in page
    assert client.post("/launches/k2/sales", data=form | {"rows": " "}).status_code == 400
    reader = world.client("boss")
    token = {"csrf": csrf_of(reader.get("/launches/k2").text), "rows": "2026-11-18 9"}
    assert reader.post("/launches/k2/sales", data=token).status_code == 403


def test_readers_and_strangers_write_nothing(world: World) -> None:
    reader = world.client("boss")
    token = csrf_of(reader.get("/launches").text)
    assert reader.post("/launches", data={"csrf": token, "id": "x"}).status_code == 403
    assert world.client("linxiao").post("/launches", data={"id": "x"}).status_code == 403
    assert reader.get("/launches/none").status_code == 404
    assert world.client().get("/launches").status_code in {302, 303, 401}


def test_programs_read_and_write_launches_and_send_sales(world: World) -> None:
    client, clock = world.client(), world.clock
    edit, read = (
        {"authorization": f"Bearer {make_key(world.store, kind, kind, by='test', now=clock.now())}"}
        for kind in (EDIT, READ)
    )
    found: httpx.Response = client.get("/api/v1/launches/k2", headers=read)
    assert found.status_code == 200, found.text
    said = found.json()
    assert (said["day"], said["sold"]) == (3, None)

    changed = {key: one for key, one in said["launch"].items() if one} | {"note": "由程序改"}
    wrong = client.post("/api/v1/launches", headers=edit, json=changed | {"version": "old"})
    assert wrong.status_code == 409
    done = client.post(
        "/api/v1/launches", headers=edit, json=changed | {"version": said["version"]}
    )
    assert done.status_code == 200, done.text
    assert done.json()["launch"]["note"] == "由程序改"
    assert client.post("/api/v1/launches", headers=read, json=changed).status_code in {401, 403}

    sales = [{"day": "2026-11-19", "product": "养生壶 K2", "units": 40}, {"day": "x"}]
    sent = client.post("/api/v1/sales", headers=edit, json={"sales": sales}).json()
    assert (sent["units"], sent["bad"]) == (40, 1)
    assert client.get("/api/v1/launches/k2", headers=read).json()["sold"] == 40
    [listed] = [
        one for one in client.get("/api/v1/launches", headers=read).json()["launches"]
        if one["launch"]["id"] == "k2"
    ]  # fmt: skip
    assert "sales" not in [item["code"] for item in listed["items"] if not item["ok"]]
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    assert {"/api/v1/launches", "/api/v1/sales"} <= paths.keys()
    assert "$defs" not in str(paths)


def _home(world: World) -> Path:
    home: Path = world.home  # type: ignore[attr-defined]
    return home
