"""Importing a table in the browser, from the upload to the counts."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import httpx

from tests.console.world import World, csrf_of
from tests.groundswell.tables import write_xlsx

EVIL = '"><script>alert(1)</script>'
ROWS = [
    ["澜禾售后周报", None, None, None],
    ["标题", "用户说了什么", "发布时间", EVIL],
    *(
        [f"第{n}条", f"澜禾养生壶用了{n}天就漏水，客服让我自己寄回去{EVIL}", "2026/11/19 9:05", "x"]
        for n in range(1, 6)
    ),
    ["第六条", "时间写错了的一行，客服不理", "某年某月", "x"],
]


def upload(client: httpx.Client, path: Path, name: str = "") -> httpx.Response:
    csrf = csrf_of(client.get("/import").text)
    files = {"file": (name or path.name, path.read_bytes())}
    return client.post("/import", data={"csrf": csrf}, files=files)


def chosen(page: str) -> dict[str, str]:
    """What the form would send as it stands."""
    form: dict[str, str] = {"csrf": csrf_of(page)}
    for name, options in re.findall(r'<select name="(column-\d+)">(.*?)</select>', page, re.DOTALL):
        found = re.search(r'value="([^"]*)" selected', options)
        form[name] = found[1] if found else ""
    for name in ("sheet", "source", "tz"):
        found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
        if found:
            form[name] = found[1]
    return form


def finished(client: httpx.Client, where: str) -> str:
    ends_at = time.monotonic() + 30
    while time.monotonic() < ends_at:
        page = client.get(where).text
        if "正在导入" not in page and "排队" not in page:
            return page
        time.sleep(0.05)
    raise AssertionError(page)


def stored(world: World, name: str = "mention") -> list[dict[str, Any]]:
    with world.store.read() as queries:
        return queries.table_rows(name)


def test_a_table_is_proposed_corrected_saved_and_imported(world: World, tmp_path: Path) -> None:
    client = world.client("linxiao")
    reply = upload(
        client, write_xlsx(tmp_path / "周报.xlsx", {"说明": [["请勿修改"]], "明细": ROWS})
    )
    assert reply.status_code == 303, reply.text
    where = reply.headers["location"]
    page = client.get(where).text
    assert "<script>alert" not in page
    form = chosen(page)
    assert [form[f"column-{n}"] for n in range(4)] == ["title", "text", "published_at", ""]
    assert form["sheet"] == "明细"
    assert client.post(where, data=form | {"column-1": "title"}).status_code == 400
    form |= {"channel": "internal", "save_as": "售后周报", "source": "售后"}
    assert client.post(where, data=form).status_code == 303

    done = finished(client, where)

    assert "导入完成" in done
    assert "第 6 行：发布时间，看不出是什么时间（&#39;某年某月&#39;）" in done
    rows = stored(world)
    assert len(rows) == 5
    assert {(row["channel"], row["platform"]) for row in rows} == {("internal", "售后")}
    [mapping] = stored(world, "column_mapping")
    assert mapping["columns"] == {
        "标题": "title",
        "用户说了什么": "text",
        "发布时间": "published_at",
    }
    [line] = [row for row in stored(world, "audit") if row["action"] == "import"]
    assert line["detail"] == "kept=5 rejected=1"

    again = upload(client, write_xlsx(tmp_path / "下周.xlsx", {"明细": ROWS}))
    page = client.get(again.headers["location"]).text
    assert "套用了保存的映射“售后周报”" in page
    client.post(
        again.headers["location"], data=chosen(page) | {"source": "售后", "channel": "internal"}
    )
    assert "导入完成" in finished(client, again.headers["location"])
    assert len(stored(world)) == 5

    csrf = csrf_of(client.get("/import").text)
    for name in ("售后周报", "没有"):
        assert client.post("/import/forget", data={"csrf": csrf, "name": name}).status_code == 303
    assert stored(world, "column_mapping") == []


def test_what_is_no_table_is_refused_with_what_to_do(world: World, tmp_path: Path) -> None:
    client = world.client("linxiao")
    for name, body, said in (
        ("a.pdf", b"%PDF", "只收 .xlsx"),
        ("a.xlsx", b"PK\x03\x04broken", "not a readable .xlsx file"),
        ("a.xls", b"x", "只收 .xlsx"),
        ("a.csv", b"", "请选择一个有内容的文件"),
        (f"{EVIL}.pdf", b"x", "只收 .xlsx"),
        ("../../etc/passwd", b"x", "只收 .xlsx"),
    ):
        path = tmp_path / "body"
        path.write_bytes(body)
        reply = upload(client, path, name)
        assert reply.status_code == 400, name
        assert said in reply.text, name
        assert "<script>alert" not in reply.text
        assert str(tmp_path) not in reply.text
        assert "/tmp" not in reply.text
    huge = client.post("/import", content=b"x" * (22 * 1024 * 1024))
    assert huge.status_code == 413


def test_an_upload_is_its_owners_alone_and_needs_the_forms_token(
    world: World, tmp_path: Path
) -> None:
    world.add_user("chenmo", "pr")
    client = world.client("linxiao")
    where = upload(client, write_xlsx(tmp_path / "a.xlsx", {"S": ROWS})).headers["location"]

    assert world.client("chenmo").get(where).status_code == 404
    assert client.post(where, data={"column-1": "text"}).status_code == 403
    assert client.post("/import", files={"file": ("a.csv", b"text\nx")}).status_code == 403
    assert "只读账号不能导入" in world.client("boss").get("/import").text
    assert client.get("/import/unknown").status_code == 404
    assert stored(world) == []


def test_a_column_must_hold_the_text_and_only_offered_fields_are_taken(
    world: World, tmp_path: Path
) -> None:
    client = world.client("linxiao")
    where = upload(client, write_xlsx(tmp_path / "a.xlsx", {"S": ROWS})).headers["location"]
    form = chosen(client.get(where).text)
    for changes, said in (
        ({"column-0": "", "column-1": ""}, "请指定哪一列是正文"),
        ({"column-0": "history"}, "不认识"),
        ({"tz": "Mars/Base"}, "expected a zone"),
        ({"channel": "secret"}, "expected public or internal"),
        ({"sheet": "没有"}, "expected a name or a number"),
    ):
        reply = client.post(where, data=form | changes)
        assert reply.status_code == 400, changes
        assert said in reply.text, changes
    assert stored(world) == []


def test_personal_data_shows_neither_in_samples_nor_of_a_files_name(
    world: World, tmp_path: Path
) -> None:
    client = world.client("linxiao")
    rows = [["用户说了什么", "备用号码"], ["澜禾养生壶漏水，客服不理人", "13905718826"]]

    reply = upload(client, write_xlsx(tmp_path / "13905718826.xlsx", {"明细": rows}))
    page = client.get(reply.headers["location"]).text
    client.post(reply.headers["location"], data=chosen(page))
    done = finished(client, reply.headers["location"])

    assert "13905718826" not in page + done
    assert "139****8826" in page
    [row] = stored(world)
    assert row["platform"] == "139****8826"
    told = " ".join(f"{row['target']} {row['detail']}" for row in stored(world, "audit"))
    assert "139****8826.xlsx" in told
    assert "13905718826" not in told
