"""Real streams taken in as files, as feeds and as pages: the same mentions, once each.

The rows are read from `$GROUNDSWELL_DATA`; nothing of them stands here. They are years old, so
they are history: nobody may be told of them, whichever way they come in. The files are roughened
as exports are (CRLF, empty lines, doubled blanks), and what is stored must not show it.
"""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from storage.store import Store
from tests.chain.project import ROOT, Project, feed_source, pages_source, write_project
from tests.site.pages import Item, detail_page, list_page, rss
from tests.site.server import Site

DATA = Path(os.environ.get("GROUNDSWELL_DATA") or ROOT.parent / "shared" / "data")
SHANGHAI = ZoneInfo("Asia/Shanghai")
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
ROWS = 200  # of each stream
FIRST, SECOND = slice(0, 120), slice(80, ROWS)  # what a feed shows at two polls
TWICE = 40  # so many of it at both
PER_PAGE = 50  # items of a list page
ALIASES = "小区 公司 大众 吉利 丰田 本田 日产 标致 奇瑞 医院 警察 孩子 学校 网友"
BRAND = {"id": "everyday", "name": "常见字词", "aliases": ALIASES.split()}  # a good share says one
TABLES = ("mention", "sighting", "revision", "verdict", "mention_cluster", "cluster", "detail_link")
Said = Counter[tuple[str, str, datetime, str]]


@dataclass(frozen=True, kw_only=True)
class Stream:
    """A real file and what `groundswell import` must be told about it."""

    name: str
    file: str
    time_format: str = "%Y-%m-%d %H:%M:%S"
    options: tuple[str, ...] = ()

    @property
    def imported(self) -> str:
        return f"import:{self.name}"

    @property
    def feed(self) -> str:
        return f"{self.name}-feed"

    @property
    def pages(self) -> str:
        return f"{self.name}-pages"


CITIZENS = Stream(name="citizens", file="complaints_same_issue_dev.csv")
WEIBO = Stream(name="weibo", file="ced_rumor_weibo.csv", options=("--map", "author=account"))
CARS = Stream(name="cars", file="car_complaint_12365_early.csv", time_format="%Y-%m-%d")
CARS_PLATFORM = "12365auto complaints"  # what the file itself names as its source


def rows_of(stream: Stream) -> list[dict[str, str]]:
    """The first rows of a stream; skips when there is no data."""
    path = DATA / stream.file
    if not path.is_file():
        pytest.skip(f"no real data: {path} is absent; name its folder in GROUNDSWELL_DATA")
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [row for _, row in zip(range(ROWS), csv.DictReader(lines), strict=False)]
    if stream is WEIBO:  # its ids are number_post_account.json
        return [row | {"account": row["id"].split("_")[-1].split(".")[0]} for row in rows]
    return rows


def items_of(stream: Stream, way: str) -> list[Item]:
    """The rows as a site shows them, oldest first; `way` keeps two showings of one row apart."""
    return [
        Item(
            path=f"/{stream.name}/{way}/{row.get('id') or number}".replace("_", "-"),
            title=row.get("title", ""),
            text=row["text"],
            author=row.get("account", ""),
            published=datetime.strptime(row["time"], stream.time_format).replace(tzinfo=SHANGHAI),
        )
        for number, row in enumerate(rows_of(stream), start=1)
    ]


def show_feed(site: Site, stream: Stream, window: slice, *, newest_first: bool = True) -> None:
    items = items_of(stream, "post")[window]
    body = rss(site.url, items[::-1] if newest_first else items)
    site.set(f"/{stream.name}/feed.xml", body, {"Content-Type": "application/rss+xml"})


def show_pages(site: Site, stream: Stream, *, newest_first: bool = True) -> None:
    items = items_of(stream, "thread")
    for item in items:
        site.set(item.path, detail_page(item))
    items = items[::-1] if newest_first else items
    for number, start in enumerate(range(0, ROWS, PER_PAGE), start=1):
        body = list_page(items[start : start + PER_PAGE], time_format="%Y-%m-%d %H:%M:%S")
        site.set(f"/{stream.name}/list/{number}", body)


def project_on(
    site: Site, streams: Sequence[Stream], folder: Path, database: str, **rules: Any
) -> Project:
    """A project that reads each stream by a feed and by pages."""
    sources = []
    for stream in streams:
        start = f"{site.url}/{stream.name}"
        sources.append(feed_source(stream.feed, f"{start}/feed.xml", **rules))
        sources.append(pages_source(stream.pages, f"{start}/list/{{page}}", max_pages=9, **rules))
    return write_project(folder, database, sources=sources, reachable=[site.authority], brand=BRAND)


def collect(project: Project) -> None:
    done = project.run("run", "--once", "--no-console")
    logged = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert not [line for line in logged if line["level"] in {"error", "critical"}]


def import_rows(project: Project, stream: Stream) -> dict[str, int]:
    """Import the stream's rows out of a rough export; return the outcomes of the rows."""
    path = project.folder / f"{stream.name}.csv"
    rows = rows_of(stream)
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        for row in rows:
            text = row["text"].replace(" ", "  ").replace("\n", " \r\n\r\n")
            writer.writerow(row | {"text": f"{text}\u3000\r\n"})
    done = project.run("import", str(path), "--history", "--json", *stream.options)
    report = json.loads(done.stdout)
    assert (report["rows"], report["rejected"]) == (ROWS, 0)
    outcomes: dict[str, int] = report["outcomes"]
    return outcomes


def said_by(store: Store) -> dict[str, Said]:
    """What each source has said: title, text, time and author of its mentions."""
    found: dict[str, Said] = {}
    with store.read() as queries:
        for row in queries.table_rows("mention"):
            what = (row["title"], row["text"], row["published_at"], row["author"])
            found.setdefault(row["source_id"], Counter())[what] += 1
    return found


def outcomes_of(store: Store, *sources: str) -> dict[str, dict[str, int]]:
    """How many items of these sources left each stage, by outcome."""
    stages: dict[str, Counter[str]] = {"keep": Counter(), "understand": Counter()}
    stages["gather"] = Counter()
    with store.read() as queries:
        for (stage, source_id, outcome), n in queries.outcome_counts(LONG_AGO).items():
            if source_id in sources:
                stages[stage][outcome] += n
    return {stage: dict(counts) for stage, counts in stages.items()}


def rows_in(store: Store) -> dict[str, int]:
    """Rows per table, when everything went through and nobody was told."""
    with store.read() as queries:
        counts = queries.counts()
    assert not counts["pending_understand"] + counts["pending_gather"]
    assert not counts["incident"] + counts["intent"], "history has paged somebody"
    return {table: counts[table] for table in TABLES}


def assert_each_left_once(store: Store, *sources: str) -> None:
    """Kept items leave by understand or by gather, each once, and a good share was judged."""
    stages = outcomes_of(store, *sources)
    by_understand, by_gather = stages["understand"], stages["gather"]
    assert stages["keep"]["kept"] == ROWS
    assert set(by_understand) <= {"no_brand", "not_negative"}  # all of a complaint site is negative
    assert set(by_gather) == {"gathered"}
    assert sum(by_understand.values()) + by_gather["gathered"] == ROWS
    assert by_understand["no_brand"] < 0.8 * ROWS


def test_feeds_pages_and_files_bring_the_same_mentions_once_each(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    streams = (CITIZENS, WEIBO)
    with Site() as site:
        project = project_on(site, streams, tmp_path / "project", database_url)
        for stream in streams:
            show_feed(site, stream, FIRST)
            show_pages(site, stream)
        collect(project)
        for stream in streams:
            show_feed(site, stream, SECOND)
        collect(project)
        for stream in streams:
            assert import_rows(project, stream) == {"kept": ROWS}

        said = said_by(store)
        for stream in streams:
            assert said[stream.imported].total() == ROWS
            assert said[stream.feed] == said[stream.imported]
            assert said[stream.pages] == said[stream.imported]
            for source in (stream.feed, stream.pages, stream.imported):
                assert_each_left_once(store, source)
            overlap = {"kept": ROWS, "duplicate": TWICE}
            assert outcomes_of(store, stream.feed)["keep"] == overlap
        before = rows_in(store)
        assert before["mention"] == 2 * 3 * ROWS
        assert before["detail_link"] == 2 * ROWS

        # the same again in another order, so that it is read again and not only found unchanged
        for stream in streams:
            show_feed(site, stream, SECOND, newest_first=False)
            show_pages(site, stream, newest_first=False)
        collect(project)
        for stream in streams:
            assert import_rows(project, stream) == {"duplicate": ROWS}
            seen_again = {"kept": ROWS, "duplicate": TWICE + len(range(ROWS)[SECOND])}
            assert outcomes_of(store, stream.feed)["keep"] == seen_again
        assert rows_in(store) == before
        assert said_by(store) == said


def test_an_item_with_an_id_of_its_own_is_one_mention_whichever_way_it_comes(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    rules = {"platform": CARS_PLATFORM, "url": {"id_from": r"re2:/(\d+)$"}}
    with Site() as site:
        project = project_on(site, [CARS], tmp_path / "project", database_url, **rules)
        show_feed(site, CARS, slice(None))
        show_pages(site, CARS)
        collect(project)

        assert import_rows(project, CARS) == {"duplicate": ROWS}
        ways = (CARS.feed, CARS.pages, f"import:{CARS_PLATFORM}")
        assert outcomes_of(store, *ways)["keep"] == {"kept": ROWS, "duplicate": 2 * ROWS}
        assert_each_left_once(store, *ways)
        rows = rows_in(store)
        assert (rows["mention"], rows["revision"]) == (ROWS, 0)
        assert rows["sighting"] == 3 * ROWS
