"""A crawl of 20 lists and 400 detail pages, killed again and again: nothing is lost.

One crawl of the default run dies at three points on SQLite; with GROUNDSWELL_CRASH=all it dies at
twenty, on both databases.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage import tables
from storage.store import Store
from tests.crash.crawling import AT
from tests.crash.runs import ROOT
from tests.site.pages import Item, detail_page, list_page
from tests.site.server import Hit, Reply, Site

pytestmark = pytest.mark.crash

HOSTS, LISTS_PER_HOST, PER_LIST = 4, 5, 20
SLOTS_PER_HOST = 2
PAGES = HOSTS * LISTS_PER_HOST * PER_LIST
EVERYTHING = os.environ.get("GROUNDSWELL_CRASH") == "all"
POINTS = range(10, PAGES, PAGES // 20) if EVERYTHING else (1, 150, 300)
_LIFE_S = 120


class Town:
    """Four sites with five complaint lists each; a child is killed at its n-th new detail page."""

    def __init__(self) -> None:
        self.sites = [Site(f"127.0.0.{n + 1}") for n in range(HOSTS)]
        self.pages: Counter[str] = Counter()  # every list and detail page, by how often it was sent
        self.point: int | None = None
        self.child: subprocess.Popen[bytes] | None = None
        for site in self.sites:
            for number in range(LISTS_PER_HOST):
                items = [_item(number, n) for n in range(PER_LIST)]
                self._serve(site, f"/list/{number}", list_page(items))
                for item in items:
                    self._serve(site, item.path, detail_page(item))

    @contextmanager
    def open(self) -> Iterator[None]:
        with ExitStack() as stack:
            for site in self.sites:
                stack.enter_context(site)
            yield

    def write_project(self, folder: Path) -> Path:
        allowed = ", ".join(f'"{site.authority}"' for site in self.sites)
        files = {
            "project.yaml": f"settings:\n  name: 澜禾舆情\n  allow_private: [{allowed}]\nfallback: [zhao]\n",
            "channels.yaml": f"channels:\n  - {{id: hook, kind: webhook, url: {self.sites[0].url}/hook}}\n",
            "owners.yaml": "owners:\n  - {id: zhao, name: 赵琪, role: lead, channels: [hook], digest_at: null}\n",
            "routes.yaml": "routes:\n  - {id: lanhe, brand: lanhe, owner: zhao}\n",
            "brands/lanhe.yaml": "id: lanhe\nname: 澜禾\naliases: [澜禾]\n",
        }
        for host, site in enumerate(self.sites):
            for number in range(LISTS_PER_HOST):
                name = f"list-{host}-{number}"
                start = f"{site.url}/list/{number}"
                files[f"sources/{name}.yaml"] = _SOURCE.format(id=name, start=start)
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return folder

    def _serve(self, site: Site, path: str, body: bytes) -> None:
        reply = Reply(body=body, headers={"Content-Type": "text/html; charset=utf-8"})

        def answer(hit: Hit) -> Reply:
            self.pages[site.host + hit.path] += 1
            is_detail = "/a/" in hit.path
            if is_detail and self.point is not None and self._details() >= self.point:
                self.point = None
                assert self.child is not None
                os.kill(self.child.pid, signal.SIGKILL)
            return reply

        site.answer(path, answer)

    def _details(self) -> int:
        return sum("/a/" in page for page in list(self.pages))


_SOURCE = """\
id: {id}
name: 城区投诉
kind: list_detail
start: {start}
list:
  item: css:ul.list > li
  fields: {{url: css:a::attr(href), title: css:a::text}}
detail:
  fields:
    title: css:h1::text
    text: css:.content
    published: {{sel: css:.date::text, tz: Asia/Shanghai}}
fetch: {{rate: 1/0.01s, concurrency: 2}}
"""


def _item(number: int, n: int) -> Item:
    return Item(
        path=f"/a/{number}/{n}",
        title=f"澜禾净水器第{number}批{n}号漏水",
        text=f"澜禾净水器装上第{n}天就漏水，{number}号楼的地板泡坏了，客服一直没有给说法。",
        author=f"住户{number}{n}",
        published=AT - timedelta(minutes=number * 100 + n),
    )


def test_a_crawl_killed_again_and_again_loses_nothing_and_repeats_next_to_nothing(
    sqlite_url: str, tmp_path: Path
) -> None:
    _crawl_with_deaths(sqlite_url, tmp_path, POINTS)


@pytest.mark.skipif(not EVERYTHING, reason="GROUNDSWELL_CRASH=all kills on PostgreSQL, too")
def test_a_crawl_into_postgresql_killed_at_twenty_points_loses_nothing(
    postgres_url: str, tmp_path: Path
) -> None:
    _crawl_with_deaths(postgres_url, tmp_path, POINTS)


def _crawl_with_deaths(url: str, folder: Path, points: Sequence[int]) -> None:
    town = Town()
    project = town.write_project(folder / "project")
    repeated = []
    with town.open():
        for point in points:
            before = town.pages.total() - len(town.pages)
            assert _live(town, project, url, point) == -signal.SIGKILL
            repeated.append(town.pages.total() - len(town.pages) - before)
        before = town.pages.total() - len(town.pages)
        assert _live(town, project, url, None) == 0
        repeated.append(town.pages.total() - len(town.pages) - before)

    store = Store(url)
    with store.read() as queries:
        mentions = queries.connection.scalar(sa.select(sa.func.count()).select_from(tables.mention))
        states = queries.connection.scalars(sa.select(tables.detail_link.c.state)).all()
    store.close()
    print(f"pages fetched twice after each of {len(points)} deaths: {repeated[1:]}")
    assert mentions == PAGES
    assert Counter(states) == {"done": PAGES}
    assert repeated[0] == 0
    assert max(repeated[1:]) <= HOSTS * SLOTS_PER_HOST


def _live(town: Town, project: Path, url: str, point: int | None) -> int:
    town.point = point
    town.child = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.crawling", str(project), url],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
    )
    _, errors = town.child.communicate(timeout=_LIFE_S)
    if town.child.returncode > 0:
        print(errors.decode()[-4000:])
    return town.child.returncode
