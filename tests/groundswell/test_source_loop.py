"""The crawler engineer's loop through the command line: try, record, test, probe, pages, accept."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from config.load import copy_template, example_dir, load
from groundswell.cli import main
from groundswell.sourcing_lines import WIDTH, clean, cut, width
from storage.records import (
    FetchCause,
    HostState,
    RawMention,
    SourceHealth,
    SourceId,
    SourceState,
)
from storage.sources import find_hosts
from storage.store import Store
from tests.config.json_schema import misfits
from tests.groundswell.test_source_docs import SNIPPETS
from tests.site.pages import Item, detail_page, list_page, rss
from tests.site.server import Site

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 11, 18, 1, 30, tzinfo=UTC)
ITEMS = [
    Item(
        path=f"/tousu/{n}",
        title=f"澜禾养生壶第{n}次冒烟，客服一直推脱不给退",
        text=f"买了澜禾养生壶，第{n}次用底座就冒烟，吓得赶紧拔电源。",
        author="山茶不加糖",
        published=AT,
    )
    for n in range(1, 7)
]
SOURCE = """\
# 注释要留着
id: jing
name: 鲸投诉
kind: list_detail
platform: 投诉平台
start: {start}/list?p={{page}}
list:
  item: css:ul.list > li
  fields:
    url: css:a::attr(href)
    title: [css:h3::text, css:a::text]   # 旧版页面用 h3
    published: css:.time::text
detail:
  fields:
    title: css:h1::text
    text: css:.content
url: {{id_from: 're2:/tousu/(\\d+)'}}
fetch: {{rate: 1/0.01s, timeout: 5s}}
expect: {{min_items: 2, required: [url, title, text]}}
"""


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


Command = Callable[..., Answer]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project of the example's brands and one source."""
    place = tmp_path / "project"
    shutil.copytree(example_dir(), place, ignore=shutil.ignore_patterns("fixtures", "sources"))
    (place / "sources").mkdir()
    write_source(place, SOURCE.format(start="https://tousu.example.cn"))
    return place


def write_source(folder: Path, text: str, name: str = "jing") -> Path:
    path = folder / "sources" / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def groundswell(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run `groundswell ...` on the project, offline, in this process."""

    def command(*arguments: object, config: Path | None = folder, database: str = "") -> Answer:
        given = ["groundswell", *map(str, arguments)]
        given += ["--config", str(config)] if config else []
        given += ["--database", database] if database else []
        monkeypatch.setattr(sys, "argv", given)
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        code = ended.value.code
        return Answer(code if isinstance(code, int) else 0, said.out, said.err)

    return command


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "list.html"
    path.write_bytes(list_page(ITEMS, encoding="gbk"))
    return path


# --- try -------------------------------------------------------------------------------------


def test_a_saved_page_shows_everything_an_engineer_asks(groundswell: Command, page: Path) -> None:
    shown = groundswell("source", "try", "jing", "--page", page, "--n", 2)

    assert shown.code == 0
    for said in (
        "正常，但靠备用选择器：title",
        "首选选择器没有命中",
        "gb18030",
        "6 条，链接 6 个",
        "备用 2 css:a::text",
        "2026-11-18 01:30 → 2026-11-18 01:30",
        "https://tousu.example.cn/tousu/1",
        "编号 1",
        "【澜禾】",
        "没有数据库，未查新旧",
        "若此刻正式抓取，下次约",
    ):
        assert said in shown.out
    assert shown.out.count("条目 ") == 3  # the count and two items


def test_no_line_is_wider_than_a_terminal(groundswell: Command, page: Path) -> None:
    shown = groundswell("source", "try", "jing", "--page", page)

    assert max(width(line) for line in shown.out.splitlines()) <= WIDTH


def test_json_is_complete(groundswell: Command, page: Path) -> None:
    found = groundswell("source", "try", "jing", "--page", page, "--json").json

    assert found["items"] == 6
    assert len(found["shown"]) == 5
    assert found["shown"][0]["fields"][1] == {
        "name": "title",
        "value": ITEMS[0].title,
        "rung": 1,
        "selector": "css:a::text",
    }
    assert found["shown"][0]["hits"][0]["brand"] == "澜禾"
    assert found["shown"][0]["known"] is None
    assert datetime.fromisoformat(found["next_poll_at"]) > datetime.now(UTC)


def test_a_page_cannot_act_on_the_terminal(groundswell: Command, tmp_path: Path) -> None:
    hostile = Item(path="/tousu/1", title="\x1b[2J\x1b]0;x\x07清屏\u202e倒写", text="", author="")
    path = tmp_path / "hostile.html"
    path.write_bytes(list_page([hostile, *ITEMS]).replace(b"&#27;", b"\x1b"))

    shown = groundswell("source", "try", "jing", "--page", path)

    assert not {"\x1b", "\x07", "\u202e"} & set(shown.out)


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("<html><body><p>改版了</p></body></html>", 3, "页面改版"),
        (list_page(ITEMS[:1]).decode(), 3, "预期未满足"),
        ("<html>请先登录后查看<input type=password></html>", 4, "需要登录"),
        ("<html>请拖动滑块完成安全验证</html>", 4, "出现验证码"),
        ("", 3, "没有内容"),
    ],
)
def test_trouble_has_a_name_an_exit_code_and_advice(
    groundswell: Command, tmp_path: Path, body: str, code: int, said: str
) -> None:
    path = tmp_path / "page.html"
    path.write_text(body, encoding="utf-8")

    shown = groundswell("source", "try", "jing", "--page", path)

    assert shown.code == code
    assert said in shown.out
    assert "怎么办" in shown.out


def test_the_projects_database_says_what_is_new(
    groundswell: Command, page: Path, database_url: str
) -> None:
    keep(database_url, "1")

    found = groundswell("source", "try", "jing", "--page", page, "--json", database=database_url)
    shown = groundswell("source", "try", "jing", "--page", page, database=database_url)

    assert [item["known"] for item in found.json["shown"]] == [True, False, False, False, False]
    assert "新的 4 条，库里已有 1 条" in shown.out
    assert "目前已隔离" in shown.out


def keep(url: str, native_id: str) -> None:
    """One mention of ours, and a source that is quarantined with its last bad page."""
    store = Store(url)
    state = SourceState(
        source_id=SourceId("jing"),
        health=SourceHealth.QUARANTINED,
        cause=FetchCause.LAYOUT,
        next_poll_at=datetime(2027, 1, 1, tzinfo=UTC),
        polls=40,
        failures=6,
    )
    raw = RawMention(
        source_id=SourceId("jing"),
        platform="投诉平台",
        native_id=native_id,
        text="澜禾养生壶冒烟",
        observed_at=AT,
    )
    with store.transaction() as tx:
        tx.keep([raw], AT)
        tx.save_source(state)
        bad = "<html><body>改版了，\x1b[2J请打13912345678</body></html>".encode()
        tx.save_page(SourceId("jing"), "bad", "https://tousu.example.cn/list?p=1", bad, AT)
    store.close()


def test_trying_makes_no_database(groundswell: Command, page: Path, folder: Path) -> None:
    groundswell("source", "try", "jing", "--page", page)

    assert not (folder / "var").exists()


def test_a_file_outside_the_project_can_be_tried(
    groundswell: Command, page: Path, tmp_path: Path
) -> None:
    path = tmp_path / "new.yaml"
    path.write_text(SOURCE.format(start="https://new.example.cn"), encoding="utf-8")

    assert groundswell("source", "try", path, "--page", page).code == 0
    assert groundswell("source", "try", tmp_path / "none.yaml", "--page", page).code == 2
    assert "known: jing" in groundswell("source", "try", "none", "--page", page).err
    assert groundswell("source", "try", path, "--page", tmp_path / "none.html").code == 2


def test_a_search_is_tried_with_the_first_name_of_the_brand(
    groundswell: Command, folder: Path, tmp_path: Path
) -> None:
    text = SOURCE.format(start="https://so.example.cn").replace("list_detail", "search")
    text = text.replace("?p={page}", "?q={keyword}") + "keywords: {brands: [lanhe], charset: gbk}\n"
    write_source(folder, text)
    path = tmp_path / "results.html"
    path.write_bytes(list_page(ITEMS))

    found = groundswell("source", "try", "jing", "--page", path, "--json").json

    assert found["url"] == "https://so.example.cn/list?q=%C0%BD%BA%CC"
    assert found["starts"] > 1


KINDS = {
    "review-api": (
        (
            '{"data": {"next": "c2", "items": [{"id": 7, "link": "https://api.example.com/r/7",'
            '"content": "澜禾养生壶用两次就裂了", "user": {"nick": "阿杰"},'
            '"created_at": "2026-11-20T10:00:00+08:00", "score": 1}]}}'
        ),
        ("游标 c2", "jmes:user.nick", "编号 7", "【澜禾】"),
    ),
    "forum-search": (
        "<div class=result><a href=/t/1>澜禾壶炸了</a><span class=date>2026-11-20</span></div>",
        ("?q=%C0%BD%BA%CC&sort=time", "起始地址", "链接 1 个"),
    ),
    "trade-media": (
        (
            '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url>'
            "<loc>https://www.example.com/article/12</loc></url></urlset>"
        ),
        ("https://www.example.com/article/12", "链接 1 个"),
    ),
    "app-store": (
        (
            '{"feed": {"entry": [{"id": {"label": "991"}, "title": {"label": "连不上"},'
            '"content": {"label": "澜禾智家更新后一直连不上壶"}, "im:rating": {"label": "1"},'
            '"author": {"name": {"label": "用户甲"}}, "updated": {"label": "2026-11-20T03:00:00-07:00"}}]}}'
        ),
        ("itunes.apple.com", "编号 991", "2026-11-20 18:00"),
    ),
    "bbs-threads": (
        "<table><tr class=thread><td><a class=subject href=/t-5>澜禾壶冒烟</a></td></tr></table>",
        ("https://bbs.example.com/t-5", "链接 1 个"),
    ),
    "city-news": (rss("https://news.example.com", ITEMS).decode(), ("6 条", "【澜禾】")),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_tried_recorded_and_tested(
    groundswell: Command, folder: Path, tmp_path: Path, name: str
) -> None:
    body, said = KINDS[name]
    snippet = next(text for text in SNIPPETS if text.startswith(f"id: {name}\n"))
    write_source(folder, snippet, name)
    path = tmp_path / "page"
    path.write_text(body, encoding="utf-8")

    shown = groundswell("source", "try", name, "--page", path)
    recorded = groundswell("source", "record", name, "--page", path, "--name", "one")
    tested = groundswell("source", "test", name)

    assert (shown.code, recorded.code, tested.code) == (0, 0, 0), shown.out + recorded.err
    assert [word for word in said if word not in shown.out] == []
    assert max(width(line) for line in shown.out.splitlines()) <= WIDTH


def test_a_page_of_a_thread_is_told_by_its_address(
    groundswell: Command, folder: Path, tmp_path: Path
) -> None:
    write_source(folder, next(t for t in SNIPPETS if t.startswith("id: bbs-threads\n")), "bbs")
    path = tmp_path / "thread.html"
    posts = "".join(
        f"<div class=post><b class=poster>{who}</b><i class=posted>2026-11-20 1{who}:00</i>"
        f"<p class=message>澜禾壶冒烟了，{who} 楼</p></div>"
        for who in range(3)
    )
    path.write_text(f"<h1>壶</h1>{posts}", encoding="utf-8")

    at = "https://bbs.example.com/thread-5-1.html"
    found = groundswell("source", "try", "bbs-threads", "--page", path, "--url", at, "--json").json

    assert [item["fields"][0]["value"] for item in found["details"]] == [
        f"澜禾壶冒烟了，{who} 楼" for who in range(3)
    ]


def test_two_versions_are_compared_on_one_page(
    groundswell: Command, page: Path, tmp_path: Path
) -> None:
    better, worse = tmp_path / "better.yaml", tmp_path / "worse.yaml"
    text = SOURCE.format(start="https://tousu.example.cn")
    better.write_text(text.replace("css:h3::text, ", ""), encoding="utf-8")
    worse.write_text(text.replace("css:.time::text", "css:.zeit::text"), encoding="utf-8")

    same = groundswell("source", "try", "jing", "--diff", better, "--page", page)
    lost = groundswell("source", "try", "jing", "--diff", worse, "--page", page)

    assert (same.code, lost.code) == (0, 3)
    assert "没有变差" in same.out
    assert "新版变差：字段 published 有 6 条读不到了" in lost.out
    assert max(width(line) for line in lost.out.splitlines()) <= WIDTH


# --- record and test -------------------------------------------------------------------------


def test_a_recorded_page_is_tested_offline(groundswell: Command, page: Path, folder: Path) -> None:
    recorded = groundswell("source", "record", "jing", "--page", page, "--name", "list")
    passed = groundswell("source", "test")

    assert recorded.code == passed.code == 0
    assert sorted(p.name for p in (folder / "fixtures/jing/list").iterdir()) == [
        "expected.json",
        "meta.json",
        "page.bin",
    ]
    assert "1 个样本，通过 1，不符 0" in passed.out


def test_a_broken_selector_fails_the_test_with_a_readable_difference(
    groundswell: Command, page: Path, folder: Path
) -> None:
    groundswell("source", "record", "jing", "--page", page, "--name", "list")
    text = SOURCE.format(start="https://tousu.example.cn")
    write_source(folder, text.replace("css:a::text", "css:a.gone::text"))

    failed = groundswell("source", "test", "jing")
    updated = groundswell("source", "test", "jing", "--update")
    passed = groundswell("source", "test", "jing")

    assert (failed.code, updated.code, passed.code) == (1, 0, 0)
    assert f"links[1].listed.title：期望 “{ITEMS[0].title}”，得到 没有" in failed.out
    assert "updated" in updated.err


def test_a_bad_page_from_the_database_is_a_test_until_it_is_mended(
    groundswell: Command, folder: Path, database_url: str
) -> None:
    keep(database_url, "1")

    recorded = groundswell(
        "source", "record", "jing", "--bad", "--name", "bad", database=database_url
    )
    failed = groundswell("source", "test", "jing")
    text = SOURCE.format(start="https://tousu.example.cn")
    text = text.replace("css:ul.list > li", "css:body").replace(
        "css:a::attr(href)", "const:/tousu/1"
    )
    text = text.replace("[css:h3::text, css:a::text]", "css:*::text").replace("min_items: 2, ", "")
    write_source(folder, text)
    mended = groundswell("source", "test", "jing")

    assert recorded.code == 0
    assert "手机号 1" in recorded.out
    assert b"13912345678" not in (folder / "fixtures/jing/bad/page.bin").read_bytes()
    assert (failed.code, mended.code) == (1, 0), mended.out


def test_names_lead_nowhere_else(groundswell: Command, page: Path, folder: Path) -> None:
    for name in ("../evil", "/etc/x", "..", "a/b", "", "A", "x" * 64, "a\\b"):
        refused = groundswell("source", "record", "jing", "--page", page, "--name", name)
        assert refused.code == 2, name
    (folder / "fixtures").mkdir(exist_ok=True)
    outside = folder.parent / "outside"
    outside.mkdir()
    (folder / "fixtures/jing").symlink_to(outside)

    assert groundswell("source", "record", "jing", "--page", page, "--name", "ok").code == 2
    assert list(outside.iterdir()) == []
    assert groundswell("source", "test", "jing").code == 1  # nothing is read through the link


def test_a_fixture_is_not_overwritten(groundswell: Command, page: Path, folder: Path) -> None:
    assert groundswell("source", "record", "jing", "--page", page, "--name", "one").code == 0
    again = groundswell("source", "record", "jing", "--page", page, "--name", "one")
    unnamed = [groundswell("source", "record", "jing", "--page", page) for _ in range(2)]

    assert (again.code, "choose another --name" in again.err) == (2, True)
    assert [answer.code for answer in unnamed] == [0, 0]
    assert len(list((folder / "fixtures/jing").iterdir())) == 3


def test_a_page_too_large_to_keep_is_refused(
    groundswell: Command, folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "large.html"
    path.write_bytes(list_page(ITEMS) + b" " * (2 * 1024 * 1024))

    refused = groundswell("source", "record", "jing", "--page", path)

    assert (refused.code, "at most 2097152" in refused.err) == (2, True)
    assert not (folder / "fixtures/jing").exists()


def test_what_ships_with_the_program_is_not_written_to(groundswell: Command, page: Path) -> None:
    refused = groundswell("source", "record", "jing-tousu", "--page", page, config=None)

    assert (refused.code, "--to" in refused.err) == (2, True)


@pytest.mark.parametrize("spoilt", ["meta.json", "expected.json"])
def test_a_spoilt_fixture_is_named(
    groundswell: Command, page: Path, folder: Path, spoilt: str
) -> None:
    groundswell("source", "record", "jing", "--page", page, "--name", "one")
    for text in ("{", "[]", '{"now": 3}'):
        (folder / "fixtures/jing/one" / spoilt).write_text(text, encoding="utf-8")
        answer = groundswell("source", "test")
        assert answer.code in {1, 2}
        assert "Traceback" not in answer.err


def test_every_source_of_the_example_reads_its_recorded_pages(groundswell: Command) -> None:
    answer = groundswell("source", "test", "--json", config=None)

    tested = {each["source_id"] for each in answer.json["fixtures"]}
    assert answer.code == 0, answer.out
    assert tested == {source.id for source in load(example_dir(), environ={}).sources}
    assert answer.json["without"] == answer.json["strange"] == []
    assert not any(each["differences"] for each in answer.json["fixtures"])


# --- pages, accept, schema -------------------------------------------------------------------


def test_the_last_bad_page_can_be_taken_out(
    groundswell: Command, database_url: str, tmp_path: Path
) -> None:
    keep(database_url, "1")
    out = tmp_path / "bad.html"

    taken = groundswell("source", "pages", "jing", "--out", out, database=database_url)
    good = groundswell("source", "pages", "jing", "--good", database=database_url)

    assert (taken.code, b"\x1b[2J" in out.read_bytes()) == (0, True)
    assert (good.code, "no good page of 'jing' was kept" in good.err) == (1, True)


def test_accepting_takes_the_file_at_once(groundswell: Command, database_url: str) -> None:
    before = groundswell("source", "accept", "jing", database=database_url)
    keep(database_url, "1")

    accepted = groundswell("source", "accept", "jing", database=database_url)

    assert (before.code, "never polled" in before.err) == (1, True)
    assert accepted.code == 0
    state = state_of(database_url)
    assert (state.health, state.next_poll_at, state.failures) == (SourceHealth.NEW, None, 0)


def state_of(url: str) -> SourceState:
    store = Store(url)
    with store.read() as queries:
        state = queries.source(SourceId("jing"))
    store.close()
    assert state is not None
    return state


def test_editors_find_the_schema_of_a_new_project(groundswell: Command, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    printed = groundswell("source", "schema", config=None)
    groundswell("init", mine, config=None)

    for path in sorted((mine / "sources").glob("*.yaml")):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        named = first.removeprefix("# yaml-language-server: $schema=")
        schema = json.loads((path.parent / named).read_text(encoding="utf-8"))
        assert schema == printed.json
        assert misfits(yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader), schema) == []
    assert "yaml-language-server" in printed.err
    assert load(mine, environ={})
    assert copy_template(tmp_path / "other")


# --- live ------------------------------------------------------------------------------------


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as served:
        served.set("/list?p=1", list_page(ITEMS))
        for item in ITEMS:
            served.set(item.path, detail_page(item))
        yield served


def live(folder: Path, *arguments: str, site: Site) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own: an event loop with a reactor lives once in each."""
    project = folder / "project.yaml"
    text = project.read_text(encoding="utf-8")
    allowed = text.replace("allow_private: [", f"allow_private: ['{site.authority}', ")
    project.write_text(allowed, encoding="utf-8")
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    command = [sys.executable, "-m", "groundswell", "--config", str(folder), *arguments]
    return subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def test_recording_live_keeps_the_list_and_its_first_detail(folder: Path, site: Site) -> None:
    write_source(folder, SOURCE.format(start=site.url))

    done = live(folder, "source", "record", "jing", "--name", "live", site=site)

    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in (folder / "fixtures/jing").iterdir()) == ["live", "live-detail"]
    meta = json.loads((folder / "fixtures/jing/live-detail/meta.json").read_text(encoding="utf-8"))
    assert meta["link"]["url"] == site.url + "/tousu/1"
    assert meta["response"]["status"] == 200


def test_a_probe_stamps_the_file_and_wakes_the_source(
    folder: Path, site: Site, sqlite_url: str
) -> None:
    path = write_source(folder, SOURCE.format(start=site.url))
    keep(sqlite_url, "1")
    close_host(sqlite_url, site.authority)

    done = live(folder, "--database", sqlite_url, "source", "probe", "jing", site=site)

    today = datetime.now().astimezone().date().isoformat()
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        path.read_text(encoding="utf-8") == SOURCE.format(start=site.url) + f"verified: {today}\n"
    )
    assert state_of(sqlite_url).next_poll_at <= datetime.now(UTC)
    assert host_of(sqlite_url, site.authority).not_before is None


def close_host(url: str, host: str) -> None:
    store = Store(url)
    with store.transaction() as tx:
        later = datetime(2027, 1, 1, tzinfo=UTC)
        tx.save_hosts([HostState(host=host, not_before=later, failures=3)])
    store.close()


def host_of(url: str, host: str) -> HostState:
    store = Store(url)
    with store.look() as connection:
        [state] = find_hosts(connection, [host])
    store.close()
    return state


def test_probing_all_says_which_failed_and_stamps_only_the_others(folder: Path, site: Site) -> None:
    write_source(folder, SOURCE.format(start=site.url))
    site.set("/feed.xml", rss(site.url, ITEMS))
    feed = f"id: good\nname: 好\nkind: feed\nstart: {site.url}/feed.xml\nfetch: {{rate: 1/0.01s}}\nverified: never  # 还没试\n"
    good = write_source(folder, feed, "good")
    wall = f"id: wall\nname: 墙\nkind: feed\nstart: {site.url}/wall\nfetch: {{rate: 1/0.01s}}\n"
    bad = write_source(folder, wall, "wall")
    site.set("/wall", "请先登录", status=401)

    done = live(folder, "source", "probe", "--all", site=site)

    today = datetime.now().astimezone().date().isoformat()
    assert done.returncode == 1, done.stderr
    assert "3 个信源，成功 2，失败 1" in done.stdout
    assert "需要登录" in done.stdout
    assert f"verified: {today}  # 还没试\n" in good.read_text(encoding="utf-8")
    assert bad.read_text(encoding="utf-8") == wall


# --- lines -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("澜禾养生壶", 10, "澜禾养生壶"),
        ("澜禾养生壶", 9, "澜禾养生…"),
        ("澜禾", 3, "澜…"),
        ("abc", 2, "a…"),
    ],
)
def test_texts_are_cut_by_columns(text: str, columns: int, shown: str) -> None:
    assert cut(text, columns) == shown
    assert width(shown) <= columns


def test_cleaning_keeps_chinese_and_drops_controls() -> None:
    assert clean("澜禾\u3000养生壶\t👍\x1b[1m") == "澜禾 养生壶 👍�[1m"
