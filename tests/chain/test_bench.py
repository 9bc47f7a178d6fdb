"""The running main job: an engineer tries a source through its console."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx

from tests.chain.project import Job, feed_source, pages_source, wait_until, write_project
from tests.console.world import csrf_of
from tests.site.pages import detail_page, list_page, rss
from tests.site.server import Site

PASSWORD = "一句只有我知道的话 2026"


def _items():
    from tests.groundswell.test_source_loop import ITEMS

    return ITEMS


def test_the_console_tries_live_with_the_collectors_guards(tmp_path: Path) -> None:
    with Site() as site, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        items = _items()
        site.set("/list?p=1", list_page(items))
        site.set("/robots.txt", "User-agent: *\nDisallow: /wall\n", {"Content-Type": "text/plain"})
        site.set("/wall", rss(site.url, items))
        for item in items:
            site.set(item.path, detail_page(item))
        never = {"schedule": {"every": "1d", "min": "1d", "max": "1d"}}
        project = write_project(
            tmp_path,
            f"sqlite:///{tmp_path / 'gs.db'}",
            sources=[
                pages_source("jing", site.url + "/list?p={page}", **never),
                feed_source("wall", site.url + "/wall", **never),
            ],
            reachable=[site.authority],
        )
        with Job(project, "--port", str(port)) as job:
            said = job.wait_for(r"登录 login +(\S+) / (\S+)")
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
                wait_until(lambda: _answers(client), 30, lambda: job.said)
                token = _log_in(client, said[1], said[2])
                wait_until(lambda: len(site.hits_of("/robots.txt")) > 0, 30, lambda: job.said)
                wait_until(lambda: "poll source=jing" in job.said, 30, lambda: job.said)
                before = len(site.hits_of("/list?p=1"))
                tried = _try(client, "jing", token)
                walled = _try(client, "wall", token)
                foreign = _try(client, "jing", token, url=f"http://127.0.0.1:{port}/healthz")
            assert job.stop() == 0
            assert job.errors() == []

        assert "正常" in tried
        assert "6 条，链接 6 个" in tried
        assert items[0].title in tried
        assert len(site.hits_of("/list?p=1")) == before + 1
        assert "robots.txt 不允许" in walled
        assert site.hits_of("/wall") == []
        assert "不在这个信源的网站上" in foreign


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


def _log_in(client: httpx.Client, name: str, password: str) -> str:
    """Log in for the first time, with a password of one's own; return the form's token."""
    form = {"name": name, "password": password, "next": "/"}
    client.post("/login", data=form | {"csrf": csrf_of(client.get("/login").text)})
    page = client.get("/password").text
    change = {"old": password, "new": PASSWORD, "again": PASSWORD, "csrf": csrf_of(page)}
    assert client.post("/password", data=change).status_code == 303
    return csrf_of(client.get("/sources").text)


def _try(client: httpx.Client, source: str, token: str, url: str = "") -> str:
    form = {"csrf": token, "where": "live", "url": url}
    return client.post(f"/sources/{source}/try", data=form, timeout=60).text
