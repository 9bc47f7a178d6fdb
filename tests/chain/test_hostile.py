"""What goes wrong from outside: each a clear error in its place, the rest goes on, nothing lost."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from config.errors import StoreError
from config.load import load
from groundswell import wiring
from groundswell.replay import SteppedClock
from storage import migrate
from storage.migrations import HEAD
from storage.records import RawMention, SourceId
from storage.store import Store
from tests.chain.hostility import (
    Said,
    a_burst,
    assert_refused,
    attempt,
    months_of_talk,
    row_counts,
    without_root_rights,
    write_jsonl,
)
from tests.chain.project import Project, feed_source, pages_source, write_project
from tests.postgres import PostgresServer, ServerAbsentError
from tests.site.pages import Item, detail_page, list_page, rss
from tests.site.server import Hit, Site

XML = {"Content-Type": "application/rss+xml"}
_MEMORY_KB = 700 * 1024  # of the main job, whatever a site sends; it needs some 300 MB anyway


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as served:
        yield served


@pytest.fixture
def project(tmp_path: Path, sqlite_url: str, site: Site) -> Project:
    """A project without sources."""
    return write_project(
        tmp_path / "project",
        sqlite_url,
        sources=[],
        reachable=[site.authority],
        receiver=f"{site.url}",
    )


def items(n: int, at: datetime, path: str = "/post") -> list[Item]:
    return [
        Item(
            path=f"{path}/{number}",
            title=f"栖川电饭煲第{number}次煮饭",
            text=f"今天是第{number}次用栖川电饭煲，米饭松软，锅盖也好洗。",
            author=f"食客{number}",
            published=at - timedelta(minutes=number),
        )
        for number in range(n)
    ]


# --- configuration -------------------------------------------------------------------------------


def test_broken_yaml_is_named_by_file_and_line_and_nothing_is_started(project: Project) -> None:
    brands = project.folder / "brands" / "qichuan.yaml"
    brands.write_text("id: qichuan\nname: 栖川\naliases: [栖川\nproducts: []\n", "utf-8")

    for command in (["check"], ["run", "--once", "--no-console"]):
        done = attempt(project, *command)

        assert done.returncode == 2
        assert "qichuan.yaml:" in done.stderr
        assert "Traceback" not in done.stderr
    assert row_counts(project.database)["source_state"] == 0


def test_every_mistake_of_a_configuration_is_told_at_once(project: Project) -> None:
    (project.folder / "brands" / "qichuan.yaml").write_text(
        "id: qichuan\nname: 栖川\naliasses: [栖川]\n", "utf-8"
    )
    (project.folder / "routes.yaml").write_text(
        "routes:\n  - {id: everything, owner: songyeu}\n", "utf-8"
    )

    done = attempt(project, "check", "--json")

    problems = json.loads(done.stdout)["problems"]
    assert done.returncode == 2
    assert any("qichuan.yaml:3" in one and "aliases" in one for one in problems)
    assert any("routes.yaml:2" in one and "songyue" in one for one in problems)


# --- sources -------------------------------------------------------------------------------------


def test_bad_sources_are_each_named_by_their_cause_and_the_good_one_is_whole(
    tmp_path: Path, sqlite_url: str, site: Site
) -> None:
    now = datetime.now(UTC)
    good, old_forum = items(30, now), items(6, now, "/bbs")
    site.set("/good.xml", rss(site.url, good), XML)
    site.set("/cut.xml", rss(site.url, good)[:200], XML)
    site.redirect("/round", "/and-round")
    site.redirect("/and-round", "/round")
    site.set("/bbs", list_page(old_forum, encoding="gbk", declare=False), {})
    for item in old_forum:
        site.set(item.path, detail_page(item, encoding="gbk", declare=False), {})
    site.stream("/endless.xml", b"<item>" + b"x" * (1 << 16), 60 * 16)
    site.set("/moved.html", detail_page(good[0]))
    starts = {
        "good": "/good.xml",
        "cut": "/cut.xml",
        "missing": "/nothing.xml",
        "loop": "/round",
        "endless": "/endless.xml",
        "page-for-feed": "/moved.html",
    }
    sources = [feed_source(name, site.url + path) for name, path in starts.items()]
    sources.append(pages_source("old-forum", site.url + "/bbs"))
    project = write_project(
        tmp_path / "project", sqlite_url, sources=sources, reachable=[site.authority]
    )

    peak_kb = _run_once(project)

    health = _health(project)
    assert {name: row["cause"] for name, row in health.items()} == {
        "good": "",
        "old-forum": "",
        "cut": "unreadable",
        "missing": "gone",
        "loop": "gone",
        "endless": "too large",
        "page-for-feed": "unreadable",
    }
    said = {name: row["cause_text"] for name, row in health.items() if row["cause"]}
    assert "404" in said["missing"]
    assert "重定向" in said["loop"]
    assert "MiB" in said["endless"]
    assert all(said.values())
    assert len(set(said.values())) == len(said)
    assert health["good"]["health"] == health["old-forum"]["health"] == "ok"
    assert site.sent["/endless.xml"] < 20 << 20
    assert peak_kb < _MEMORY_KB
    texts = _texts(project.database)
    assert sorted(texts["good"]) == sorted(item.text for item in good)
    assert sorted(texts["old-forum"]) == sorted(item.text for item in old_forum)
    assert set(texts) == {"good", "old-forum"}


def _run_once(project: Project) -> int:
    """Run one round; return the most memory that it was seen to hold, in kB."""
    job = subprocess.Popen(
        project.command("run", "--once", "--no-console"),
        env=project.environ,
        stderr=subprocess.DEVNULL,
    )
    # Not what wait4 says: that begins with the memory of the process that forks, which is ours.
    peak, killer = 0, time.monotonic() + 120
    while time.monotonic() < killer and job.poll() is None:
        peak = max(peak, _peak_kb(job.pid))
        time.sleep(0.05)
    job.kill()
    assert job.wait() == 0, "one round did not end within two minutes"
    assert peak
    return peak


def _peak_kb(pid: int) -> int:
    """Return the most memory that a process has held since its program began, 0 when it is over."""
    try:
        text = Path(f"/proc/{pid}/status").read_text("ascii")
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", text)
    return int(found[1]) if found else 0


def _health(project: Project) -> dict[str, Mapping[str, Any]]:
    listed = json.loads(project.run("source", "list", "--json").stdout)["sources"]
    return {row["id"]: row["state"] for row in listed}


def _texts(database_url: str) -> dict[str, list[str]]:
    store = Store(database_url)
    try:
        with store.read() as queries:
            rows = queries.table_rows("mention")
    finally:
        store.close()
    texts: dict[str, list[str]] = {}
    for row in rows:
        texts.setdefault(row["source_id"], []).append(row["text"])
    return texts


# --- files ---------------------------------------------------------------------------------------


def test_broken_rows_are_set_aside_with_reasons_and_importing_again_changes_nothing(
    project: Project, tmp_path: Path
) -> None:
    path = tmp_path / "热线.jsonl"
    good = [
        {"id": str(n), "text": f"栖川电水壶第{n}次反馈，壶盖松动。", "published_at": at}
        for n, at in enumerate(["2026-02-01 09:00", "2026-02-01 10:00", "2026-02-02 08:30"])
    ]
    rows = [json.dumps(row, ensure_ascii=False) for row in good]
    rows.insert(1, '{"text": "写到一半')
    rows.insert(2, '{"text": "", "title": ""}')
    rows.insert(4, '{"text": "时间写错了", "published_at": "上上周某天"}')
    path.write_text("\n".join(rows), "utf-8")

    first = json.loads(project.run("import", str(path), "--json").stdout)
    after_first = row_counts(project.database)
    again = json.loads(project.run("import", str(path), "--json").stdout)

    assert (first["rows"], first["outcomes"], first["rejected"]) == (6, {"kept": 3}, 3)
    rejected = [json.loads(line) for line in Path(first["rejected_file"]).read_text().splitlines()]
    assert [row["row"] for row in rejected] == [2, 3, 5]
    assert "JSON" in rejected[0]["reason"]
    assert "text" in rejected[1]["reason"]
    assert "published_at" in rejected[2]["reason"]
    assert again["outcomes"] == {"duplicate": 3}
    assert _without_counters(row_counts(project.database)) == _without_counters(after_first)
    assert after_first["mention"] == 3


def _without_counters(counts: Mapping[str, int]) -> dict[str, int]:
    return {
        name: n for name, n in counts.items() if name != "outcome_count"
    }  # it counts duplicates


# --- the database --------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_read_only_database_is_said_to_be_read_only(
    what: str, project: Project, tmp_path: Path
) -> None:
    prefix = without_root_rights()
    folder = tmp_path / "shelf"
    folder.mkdir()
    path = folder / "groundswell.db"
    shutil.copy(project.database.removeprefix("sqlite:///"), path)
    shelved = replace(project, database=f"sqlite:///{path}")
    if what == "file":
        path.chmod(0o444)
    folder.chmod(0o555)
    try:
        for command in (["run", "--once", "--no-console"], ["incidents", "list"]):
            done = attempt(shelved, *command, prefix=prefix)

            assert_refused(done, str(path), "is read-only: let this user write")
    finally:
        folder.chmod(0o755)


@pytest.mark.parametrize("what", ["header", "middle"])
def test_a_corrupt_database_is_named_and_never_worked_on(
    what: str, project: Project, tmp_path: Path
) -> None:
    path = Path(project.database.removeprefix("sqlite:///"))
    body = bytearray(path.read_bytes())
    start = 0 if what == "header" else 4096
    body[start : start + 60 * 4096] = b"\x5a" * len(body[start : start + 60 * 4096])
    path.write_bytes(body)

    done = attempt(project, "run", "--once", "--no-console")

    words = "not a SQLite database" if what == "header" else "is corrupt: restore a backup"
    assert_refused(done, str(path), words)
    assert path.read_bytes() == bytes(body)


def test_a_schema_newer_than_the_program_is_refused(
    database_url: str, project: Project, tmp_path: Path
) -> None:
    newer = replace(project, database=database_url)
    _set_revision(database_url, "9999")
    try:
        for command in (["run", "--once", "--no-console"], ["db", "upgrade"]):
            assert_refused(attempt(newer, *command), "schema 9999, newer than the", HEAD)
        assert migrate.current(database_url) == "9999"
    finally:
        _set_revision(database_url, HEAD)


def _set_revision(url: str, revision: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :r"), {"r": revision})


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[PostgresServer]:
    """A PostgreSQL server that a test may stop, with our tables."""
    try:
        server = PostgresServer()
    except ServerAbsentError as error:
        pytest.skip(f"no PostgreSQL to test with: {error}")
    try:
        server.start()
        migrate.upgrade(server.url)
        yield server
    finally:
        server.remove()


def test_postgresql_that_goes_away_is_told_and_all_is_done_once_when_it_is_back(
    tmp_path: Path, site: Site, own_server: PostgresServer
) -> None:
    now = datetime.now(UTC)
    everyday, crisis = (
        items(20, now),
        posts_of(a_burst(now - timedelta(hours=2), people=25, hours=1.8)),
    )
    project = write_project(
        tmp_path / "project",
        own_server.url,
        sources=[feed_source("posts", f"{site.url}/posts.xml")],
        reachable=[site.authority],
        receiver=site.url,
    )
    for owner in ("songyue", "heqing"):
        site.set(f"/{owner}", b"{}")
    site.set("/posts.xml", rss(site.url, everyday), XML)

    with _main_job(project, tmp_path / "log") as (job, log):
        _await(lambda: _understood(own_server.url) == 20, job, log)
        own_server.stop()
        site.set("/posts.xml", rss(site.url, [*crisis, *everyday]), XML)
        # it reads the feed, cannot store what it read, says so, and goes on
        _await(lambda: "pass outcome=error source=posts" in log.read_text(), job, log)
        assert "cannot be reached" in log.read_text()
        own_server.start()
        _await(lambda: _messages(site) != [], job, log)
        job.send_signal(signal.SIGTERM)
        assert job.wait(timeout=30) == 0

    _assert_done_once(own_server.url, [*everyday, *crisis])
    keys = [hit.headers["idempotency-key"] for hit in _messages(site)]
    assert len(keys) == len(set(keys)) > 0


@contextmanager
def _main_job(project: Project, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Run the main job, its log in a file; it never outlives the block."""
    with log.open("wb") as errors:
        job = subprocess.Popen(
            project.command("run", "--no-console"), env=project.environ, stderr=errors
        )
    try:
        yield job, log
    finally:
        if job.poll() is None:
            job.kill()
            job.wait()


def test_postgresql_gone_between_two_stages_costs_no_mention_and_doubles_none(
    project: Project, own_server: PostgresServer
) -> None:
    now = datetime.now(UTC)
    clock = SteppedClock(now)
    said = posts_of(a_burst(now - timedelta(hours=2), people=25, hours=1.8)) + items(20, now)
    store = Store(own_server.url)
    try:
        application = wiring.wire(load(project.folder, environ=project.environ), store, clock)
        with store.transaction() as tx:
            application.journey.keep(tx, [_raw(item, now) for item in said], now)
        own_server.stop()
        with pytest.raises(StoreError, match=r"cannot be reached .* unfinished work is repeated"):
            application.stages.drain()
        own_server.start()
        application.stages.drain()
    finally:
        store.close()

    _assert_done_once(own_server.url, said)
    counts = row_counts(own_server.url)
    assert counts["incident"] >= 1
    assert counts["intent"] >= 1


def posts_of(said: Sequence[Said]) -> list[Item]:
    """Turn what was said into posts, the newest first."""
    posts = [
        Item(path=f"/said/{n}", title="", text=one.text, author=one.author, published=one.at)
        for n, one in enumerate(said)
    ]
    return posts[::-1]


def _raw(item: Item, now: datetime) -> RawMention:
    return RawMention(
        source_id=SourceId("posts"),
        text=item.text,
        title=item.title,
        author=item.author,
        native_id=item.path,
        platform="posts",
        observed_at=now,
        published_at=item.published,
    )


def _messages(site: Site) -> list[Hit]:
    return [hit for hit in list(site.hits) if hit.method == "POST"]


def _assert_done_once(url: str, said: Sequence[Item]) -> None:
    """Every item is one mention, understood, gathered where it must be, and counted once."""
    counts = row_counts(url)
    assert {counts[name] for name in ("mention", "mention_key", "sighting")} == {len(said)}
    assert (counts["mention_queue"], counts["gather_queue"]) == (0, 0)
    assert sorted(_texts(url)["posts"]) == sorted(item.text for item in said)
    outcomes = _outcomes(url)
    assert outcomes["keep", "kept"] == len(said)
    assert outcomes["gather", "gathered"] == counts["mention_cluster"]
    left = sum(outcomes.get(("understand", why), 0) for why in ("no_brand", "not_negative"))
    assert left + counts["mention_cluster"] == len(said)


def _understood(url: str) -> int:
    counts = row_counts(url)
    return counts["mention"] - counts["mention_queue"]


def _outcomes(url: str) -> dict[tuple[str, str], int]:
    store = Store(url)
    try:
        with store.read() as queries:
            rows = queries.table_rows("outcome_count")
    finally:
        store.close()
    totals: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (row["stage"], row["outcome"])
        totals[key] = totals.get(key, 0) + row["n"]
    return totals


def _await(reached: Callable[[], bool], job: subprocess.Popen[bytes], log: Path) -> None:
    give_up_at = time.monotonic() + 90
    while time.monotonic() < give_up_at:
        assert job.poll() is None, log.read_text()[-3000:]
        if reached():
            return
        time.sleep(0.25)
    pytest.fail(log.read_text()[-3000:])


# --- the past ------------------------------------------------------------------------------------


def test_half_a_year_of_history_pages_nobody_and_says_what_would_have_been(
    project: Project, tmp_path: Path, site: Site
) -> None:
    now = datetime.now(UTC)
    start = now - timedelta(days=183)
    crisis_at = (now - timedelta(days=70)).astimezone(ZoneInfo("Asia/Shanghai"))
    said = months_of_talk(start, days=182, per_day=3, crisis_at=crisis_at)
    path = write_jsonl(tmp_path / "history.jsonl", said)

    told = project.run("import", str(path), "--history").stdout
    project.run("run", "--once", "--no-console")

    assert "history pages nobody" in told
    grave = [line for line in told.splitlines() if line.strip().startswith(("【橙】", "【红】"))]
    days = {f"{crisis_at + timedelta(hours=hours):%Y-%m-%d}" for hours in (0, 12, 24)}
    assert any(day in grave[0] for day in days)
    assert "宋越" in grave[0]  # who would have been told
    counts = row_counts(project.database)
    assert counts["mention"] == len(said)
    assert (counts["intent"], counts["incident"]) == (0, 0)
    assert not _messages(site)


def test_the_first_poll_of_a_new_source_pages_nobody_however_much_it_shows(
    tmp_path: Path, sqlite_url: str, site: Site
) -> None:
    now = datetime.now(UTC)
    said = months_of_talk(now - timedelta(days=40), 40, 3, now - timedelta(days=20))[-140:]
    said += a_burst(now - timedelta(hours=8), people=60, hours=7)
    shown = posts_of(said)
    site.set("/new.xml", rss(site.url, shown), XML)
    project = write_project(
        tmp_path / "project",
        sqlite_url,
        sources=[feed_source("new", f"{site.url}/new.xml")],
        reachable=[site.authority],
        receiver=site.url,
    )

    for _ in range(2):
        project.run("run", "--once", "--no-console")

    counts = row_counts(project.database)
    assert counts["mention"] == len(shown) == 200
    assert (counts["intent"], counts["incident"]) == (0, 0)
    assert not _messages(site)
    store = Store(project.database)
    with store.read() as queries:
        noted = [text for _, text, _ in queries.would_have_been()]
    store.close()
    assert any(text.startswith(("【橙】", "【红】")) for text in noted)
