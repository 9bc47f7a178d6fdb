"""Pages drawn by a real Chromium; every server is ours and counts what reaches it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from config.schema import Settings
from crawlers.browser import Browser
from crawlers.downloader import Downloader, Fetched
from storage.records import FetchCause
from tests.crawlers.conftest import NOW, listing, make_source
from tests.site.pages import Item, detail_page
from tests.site.server import Reply, Site

pytestmark = pytest.mark.e2e

pytest.importorskip("playwright.async_api", reason="Playwright is not installed")

JS = {"Content-Type": "text/javascript; charset=utf-8"}
JSON = {"Content-Type": "application/json; charset=utf-8"}
APP = """
const list = document.createElement("ul");
list.className = "list";
fetch("/api/topics?page=1").then((answer) => answer.json()).then((topics) => {
  for (const topic of topics) {
    const item = document.createElement("li");
    item.innerHTML = `<a href="/t/${topic.id}">${topic.title}</a>`;
    list.append(item);
  }
  document.getElementById("app").append(list);
});
"""
SHELL = """<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>鲸投诉</title>
<link rel="stylesheet" href="/app.css"><link rel="icon" href="/icon.png">
</head><body><div id="app"></div><img src="/banner.png"><script src="/app.js"></script></body></html>
"""
TOPICS = [
    {"id": 1, "title": "养生壶用了三天壶盖就合不上"},
    {"id": 2, "title": "客服说七天内回电，等了两周"},
    {"id": 3, "title": "底座发烫，闻到焦味"},
]


def _browser_processes() -> set[int]:
    """Every Chromium and Playwright driver that runs on this machine now."""
    found = set()
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                said = (place / "cmdline").read_bytes()
                dead = (place / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            except OSError:
                continue
            if not dead and (b"nowhere.invalid" in said or b"run-driver" in said):
                found.add(int(place.name))
    return found


@pytest.fixture
def spa(site):
    """A page whose list only exists after its script has asked for it."""
    site.set("/spa", SHELL)
    site.set("/app.js", APP, JS)
    site.set("/api/topics", json.dumps(TOPICS, ensure_ascii=False), JSON)
    for topic in TOPICS:
        said = Item(
            path=f"/t/{topic['id']}",
            title=topic["title"],
            text="买了不到一个月。",
            author="阿秋",
            published=NOW,
        )
        site.set(said.path, detail_page(said))
    return site


def _source(site, path="/spa", *, wait_for=None, timeout="15s", **given):
    fetch = {"rate": "1/0s", "render": "browser", "wait_for": wait_for, "timeout": timeout}
    return make_source(
        kind="feed", start=site.url + path, fetch={**fetch, **given.pop("fetch", {})}, **given
    )


@pytest.fixture
def draw(run):
    """Render addresses one after another with the shipped downloader."""

    def draw_all(source, *urls, allow=(), headers=None) -> list[Fetched]:
        async def work():
            downloader = Downloader(Settings(allow_private=tuple(allow)))
            await downloader.start()
            try:
                return [await downloader.fetch(url, source, NOW, headers) for url in urls]
            finally:
                await downloader.stop()

        return run(work())

    return draw_all


def _page(script: str, body: str = "") -> str:
    return f"<!doctype html><meta charset=utf-8><body>{body}<script>{script}</script>"


# --- what is drawn ---------------------------------------------------------------------------


def test_a_list_that_scripts_make_is_collected_end_to_end(collect, spa, frontier):
    source = listing(
        spa, "/spa", fetch={"rate": "1/0s", "render": "browser", "wait_for": "css:ul.list > li"}
    )

    collect(source)

    assert sorted(raw.title for raw in frontier.mentions.values()) == sorted(
        t["title"] for t in TOPICS
    )
    assert frontier.states["one"].cause is FetchCause.NONE


def test_a_drawn_page_is_utf8_and_only_its_scripts_and_data_were_fetched(draw, spa):
    (found,) = draw(_source(spa), spa.url + "/spa", allow=[spa.authority])

    assert (found.status, found.failure, found.charset) == (200, None, "utf-8")
    assert TOPICS[2]["title"] in found.body.decode()
    asked = {hit.path for hit in spa.hits}
    assert asked == {"/robots.txt", "/spa", "/app.js", "/api/topics?page=1"}


def test_validators_are_neither_sent_nor_kept(draw, spa):
    spa.set("/spa", SHELL, etag=True)
    first, second = draw(
        _source(spa),
        spa.url + "/spa",
        spa.url + "/spa",
        allow=[spa.authority],
        headers={"If-None-Match": '"abc"', "X-Kept": "1"},
    )

    assert "etag" not in first.headers
    assert TOPICS[0]["title"] in second.body.decode()
    for hit in spa.hits_of("/spa"):
        assert "if-none-match" not in hit.headers
        assert hit.headers["x-kept"] == "1"


def test_documents_of_other_kinds(draw, site):
    """A GBK page is drawn as such; what is no page comes as it is."""
    body = "<!doctype html><meta charset=gbk><body><p id=x>澜禾养生壶</p>"
    site.set("/gbk", body.encode("gbk"), {"Content-Type": "text/html; charset=gbk"})
    site.set("/feed.xml", "<rss/>", {"Content-Type": "application/rss+xml"})
    site.set("/gone", "weg", status=410)
    addresses = [site.url + path for path in ("/gbk", "/feed.xml", "/gone")]

    gbk, feed, gone = draw(_source(site), *addresses, allow=[site.authority])
    assert "澜禾养生壶" in gbk.body.decode()
    assert feed.body == b"<rss/>"
    assert gone.failure is not None
    assert gone.failure.cause is FetchCause.GONE


def test_robots_holds_for_the_document_and_for_its_data(draw, spa):
    spa.set("/robots.txt", "User-agent: *\nDisallow: /api/\nDisallow: /secret\n", {})
    open_page, closed_page = draw(
        _source(spa), spa.url + "/spa", spa.url + "/secret", allow=[spa.authority]
    )

    assert open_page.failure is None
    assert "<li>" not in open_page.body.decode()
    assert spa.hits_of("/api/topics?page=1") == []
    assert closed_page.failure.cause is FetchCause.ROBOTS
    assert spa.hits_of("/secret") == []


def test_the_parts_of_a_page_do_not_wait_for_the_hosts_rate(draw, site):
    scripts = "".join(f'<script src="/s{n}.js"></script>' for n in range(12))
    site.set("/many", f"<!doctype html><body>{scripts}")
    for n in range(12):
        site.set(f"/s{n}.js", f"document.body.append('teil{n} ')", JS)
    source = _source(site, "/many", fetch={"rate": "1/3s"})

    (found,) = draw(source, site.url + "/many", allow=[site.authority])
    assert all(f"teil{n} " in found.body.decode() for n in range(12))


def test_data_may_be_asked_for_by_post_at_the_pages_own_host_only(draw, site):
    with Site() as other:
        for served in (site, other):
            served.set("/query", '{"title": "壶盖"}', {**JSON, "Access-Control-Allow-Origin": "*"})
        ask = (
            "fetch('{}/query', {{method: 'POST', body: '{{\"q\": 1}}'}}).then(a => a.json()).then("
        )
        ask += "d => document.body.append(d.title + '{}'))"
        script = ask.format(site.url, "甲") + ";" + ask.format(other.url, "乙")
        site.set("/post", _page(script))
        (found,) = draw(
            _source(site, "/post"), site.url + "/post", allow=[site.authority, other.authority]
        )

        assert "壶盖甲" in found.body.decode()
        assert [hit.body for hit in site.hits_of("/query")] == [b'{"q": 1}']
        assert other.hits == []


def test_secrets_reach_the_pages_own_host_only(draw, site, monkeypatch):
    monkeypatch.setenv("BBS_COOKIE", "sid=geheim")
    site.set("/own.json", "{}", JSON)
    site.set("/in", _page("fetch('/own.json')"))
    source = _source(site, "/in", secrets={"cookie": "env:BBS_COOKIE"})

    draw(source, site.url + "/in", allow=[site.authority])
    assert [hit.headers.get("cookie") for hit in site.hits_of("/own.json")] == ["sid=geheim"]


# --- what is not reached ---------------------------------------------------------------------

REACHING = """
const at = "{other}", port = "{port}";
fetch(at + "/fetch").catch(() => 0);
fetch("http://localhost:" + port + "/localhost").catch(() => 0);
fetch("http://127.1:" + port + "/short").catch(() => 0);
fetch("http://2130706433:" + port + "/decimal").catch(() => 0);
fetch("http://[::ffff:127.0.0.1]:" + port + "/mapped").catch(() => 0);
fetch("/hop").catch(() => 0);
const ask = new XMLHttpRequest(); ask.open("GET", at + "/xhr"); ask.send();
new Image().src = at + "/img.png";
const script = document.createElement("script"); script.src = at + "/script.js"; document.body.append(script);
const frame = document.createElement("iframe"); frame.src = at + "/frame"; document.body.append(frame);
const style = document.createElement("link"); style.rel = "stylesheet"; style.href = at + "/style.css"; document.head.append(style);
for (const rel of ["prefetch", "preload", "preconnect", "dns-prefetch", "modulepreload", "prerender"]) {{
  const link = document.createElement("link"); link.rel = rel; link.as = "script"; link.href = at + "/" + rel;
  document.head.append(link);
}}
navigator.sendBeacon(at + "/beacon", "x");
try {{ new WebSocket("ws://127.0.0.1:" + port + "/socket"); }} catch (e) {{}}
try {{ new EventSource(at + "/events"); }} catch (e) {{}}
try {{ new Worker(at + "/worker.js"); }} catch (e) {{}}
try {{ navigator.serviceWorker.register("/sw.js"); }} catch (e) {{}}
try {{ window.open(at + "/popup"); }} catch (e) {{}}
try {{
  const call = new RTCPeerConnection({{iceServers: [{{urls: "stun:127.0.0.1:" + port}}]}});
  call.createDataChannel("x"); call.createOffer().then((offer) => call.setLocalDescription(offer));
}} catch (e) {{}}
const form = document.createElement("form"); form.action = at + "/form"; form.method = "post";
form.target = "_blank"; document.body.append(form); form.submit();
const media = document.createElement("video"); media.src = at + "/film.mp4"; document.body.append(media);
document.body.append("fertig");
setTimeout(() => {{ location.href = at + "/leave"; }}, 300);
"""


@pytest.mark.parametrize("allowed", [False, True])
def test_a_page_reaches_nothing_private_by_any_way(draw, site, allowed):
    """Not even what the configuration allows: that holds for us, not for a page's scripts."""
    with Site() as other:
        site.redirect("/hop", other.url + "/redirected")
        site.set("/evil", _page(REACHING.format(other=other.url, port=other.port)))
        allow = [site.authority, *([other.authority] if allowed else [])]
        allow += [f"localhost:{other.port}"] if allowed else []

        (found,) = draw(_source(site, "/evil", timeout="6s"), site.url + "/evil", allow=allow)

        assert [hit.path for hit in other.hits] == []
        assert found.failure is None
        assert "fertig" in found.body.decode()
        assert len(site.hits_of("/hop")) == 1
        assert site.hits_of("/sw.js") == []


def test_a_page_opens_no_windows(draw, site):
    script = "let n = 0; for (let i = 0; i < 50; i++) n += window.open('/p' + i) !== null; "
    link = "const a = document.createElement('a'); a.target = '_blank'; a.href = '/p'; a.click(); "
    site.set("/windows", _page(f"{script}{link}document.body.append('offen: ' + n);"))

    (found,) = draw(_source(site, "/windows"), site.url + "/windows", allow=[site.authority])

    assert "offen: 0" in found.body.decode()


def test_a_document_that_redirects_to_a_private_address_is_refused(draw, site):
    with Site() as other:
        site.redirect("/out", other.url + "/in")
        (found,) = draw(_source(site, "/out"), site.url + "/out", allow=[site.authority])

        assert found.failure.cause is FetchCause.REFUSED
        assert other.hits == []


def test_a_page_that_asks_for_ever_is_held_to_its_budget(draw, site):
    site.answer("/n.json", lambda hit: Reply(body=b"{}", headers=JSON))
    script = "let n = 0; const more = () => fetch('/n.json?' + n++).then(more, () => 0); "
    site.set("/greedy", _page(script + "for (let i = 0; i < 8; i++) more();"))

    (found,) = draw(
        _source(site, "/greedy", timeout="8s"), site.url + "/greedy", allow=[site.authority]
    )
    assert found.failure is None
    assert len([hit for hit in site.hits if hit.path.startswith("/n.json")]) <= 80


def test_what_is_too_large_is_not_taken(draw, site):
    site.set("/big.json", json.dumps({"x": "壶" * 200_000}), JSON)
    site.set("/big", _page("fetch('/big.json').then(() => document.body.append('kam'), () => 0)"))
    site.set("/grow", _page("document.body.append('壶'.repeat(100000))"))
    source = _source(site, "/big", fetch={"max_bytes": "64KiB"})

    part, grown = draw(source, site.url + "/big", site.url + "/grow", allow=[site.authority])
    assert "</script>kam" not in part.body.decode()
    assert part.failure is None
    assert (grown.failure.cause, grown.body) == (FetchCause.TOO_LARGE, b"")


# --- ends ------------------------------------------------------------------------------------


def test_a_page_that_loops_for_ever_ends_at_the_deadline_and_nothing_runs_on(draw, spa):
    before = _browser_processes()
    spa.set("/loop", _page("document.body.append('da'); while (true) {}"))
    started = time.monotonic()
    spa.set("/eat", _page("const all = []; while (true) all.push(new Array(1e6).fill(1.5))"))
    addresses = [spa.url + path for path in ("/loop", "/eat", "/spa")]
    stuck, greedy, well = draw(_source(spa, timeout="4s"), *addresses, allow=[spa.authority])

    assert stuck.failure.cause is FetchCause.SLOW
    assert greedy.failure.cause in {FetchCause.SLOW, FetchCause.UNREADABLE}
    assert TOPICS[0]["title"] in well.body.decode()
    assert time.monotonic() - started < 45
    _gone(before)


def test_what_never_shows_is_for_the_reader_to_judge(draw, site):
    site.set("/login", "<!doctype html><meta charset=utf-8><body>请先登录<input type=password>")
    source = _source(site, "/login", wait_for="css:ul.list", timeout="30s")

    (found,) = draw(source, site.url + "/login", allow=[site.authority])
    assert found.failure is None
    assert found.duration_ms < 15_000
    assert "请先登录" in found.body.decode()


def test_an_unused_browser_ends_by_itself_and_starts_again(run):
    async def work():
        browser = Browser(idle_s=0.2)
        async with browser.used() as first:
            pass
        for _ in range(100):
            if not first.is_connected():
                break
            await asyncio.sleep(0.1)
        ended = not first.is_connected()
        async with browser.used() as second:
            alive = second.is_connected()
        await browser.stop()
        return ended, alive

    assert run(work()) == (True, True)


def test_a_browser_that_dies_is_started_again(run, spa):
    async def work():
        downloader = Downloader(Settings(allow_private=(spa.authority,)))
        await downloader.start()
        before = _browser_processes()
        try:
            await downloader.fetch(spa.url + "/spa", _source(spa), NOW)
            _kill_chromium(_browser_processes() - before)
            await asyncio.sleep(0.5)
            return await downloader.fetch(spa.url + "/spa", _source(spa), NOW)
        finally:
            await downloader.stop()

    assert TOPICS[0]["title"] in run(work()).body.decode()


def test_without_chromium_the_text_says_what_to_install(draw, spa, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("GROUNDSWELL_CHROMIUM", raising=False)

    (found,) = draw(_source(spa), spa.url + "/spa", allow=[spa.authority])
    assert found.failure.cause is FetchCause.UNREADABLE
    assert "apt-get install chromium" in found.failure.text


def _kill_chromium(pids: set[int]) -> None:
    """Kill the browser's main process; the others follow it."""
    for pid in pids:
        said = Path(f"/proc/{pid}/cmdline").read_bytes()
        if b"nowhere.invalid" in said and b"--type=" not in said:
            os.kill(pid, signal.SIGKILL)


PROGRAM = """
import asyncio, sys
from datetime import UTC, datetime
from config.schema import Settings
from config.source_schema import SourceConfig
from crawlers.downloader import Downloader

async def main(url, authority):
    source = SourceConfig.model_validate({
        "id": "one", "name": "one", "kind": "feed", "start": url,
        "fetch": {"render": "browser", "timeout": "60s", "wait_for": "css:.never"},
    })
    downloader = Downloader(Settings(allow_private=(authority,)))
    await downloader.start()
    await downloader.fetch(url, source, datetime.now(UTC))

asyncio.run(main(*sys.argv[1:]))
"""


def test_no_browser_outlives_a_program_that_is_killed(site):
    before = _browser_processes()
    site.set("/beat", b"1", JSON)
    site.set("/wait", _page("fetch('/beat')"))
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), site.url + "/wait", site.authority]
    program = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        for _ in range(300):
            if site.hits_of("/beat"):
                break
            assert program.poll() is None, program.stderr.read().decode()
            time.sleep(0.1)
        assert _browser_processes() - before
    finally:
        program.kill()
        program.wait()
        program.stderr.close()

    _gone(before)


def _gone(before: set[int]) -> None:
    for _ in range(150):
        left = _browser_processes() - before
        if not left:
            return
        time.sleep(0.1)
    raise AssertionError({pid: Path(f"/proc/{pid}/cmdline").read_bytes()[:200] for pid in left})
