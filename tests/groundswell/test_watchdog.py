"""Who watches the watchman: silence, lateness and dead letters are said once, on their own channel."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from config.schema import Project
from groundswell.watchdog import Trouble, Vital, Watchdog, judge, look, state_file, words_for
from storage.records import IntentStatus, Level
from storage.store import Store
from tests.alerts.people import make_project
from tests.alerts.receiver import Planned, Receiver
from tests.make import NOW, make_intent

MINUTE = timedelta(minutes=1)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(Planned(status=204, body=b"")) as receiver:
        yield receiver


def watched(receiver: Receiver, **heartbeat: object) -> Project:
    return make_project(
        channels=[{"id": "own", "kind": "webhook", "url": f"{receiver.url}/own"}],
        owners=[{"id": "lin", "name": "林晓", "channels": ["own"]}],
        routes=[],
        fallback=["lin"],
        settings={
            "allow_private": [receiver.address],
            "heartbeat": {"to": ["lin"], "channel": "own"} | heartbeat,
        },
    )


def texts(receiver: Receiver) -> list[str]:
    said = [one for one in receiver.requests if one.target == "/own"]
    return [json.loads(one.body)["text"].split("\n")[0] for one in said]


def codes(vital: Vital, project: Project, **how: object) -> list[str]:
    how = {"inside": True} | how
    return [trouble.code for trouble in judge(vital, project, **how)]  # type: ignore[arg-type]


def test_each_trouble_has_its_name(receiver: Receiver) -> None:
    project = watched(receiver)

    assert codes(Vital(at=NOW), project) == []
    assert codes(Vital(at=NOW, problem="gone", dead=3), project) == ["database"]
    late = Vital(at=NOW, timers_late=6 * MINUTE, messages_late=6 * MINUTE, stuck=1, dead=1)
    assert codes(late, project) == ["timers", "messages", "stuck", "dead"]
    assert codes(Vital(at=NOW, timers_late=5 * MINUTE), project) == []


def test_missing_lease_is_told_after_the_allowed_time(receiver: Receiver) -> None:
    project = watched(receiver)
    dead = Vital(at=NOW, unled_s=400.0)

    assert codes(dead, project, inside=False, unled_since=NOW - 5 * MINUTE) == ["engine"]
    assert codes(dead, project, inside=False, unled_since=NOW - 4 * MINUTE) == []
    assert codes(Vital(at=NOW, unled_s=-9.0), project, inside=False, unled_since=NOW) == []
    assert codes(dead, project, inside=True, unled_since=NOW - 5 * MINUTE) == []


def test_it_speaks_at_changes_and_once_a_day() -> None:
    late = (Trouble(code="timers", text="晚"),)
    at = NOW.isoformat()

    assert words_for(late, {}, NOW)[0].startswith("【告警系统异常】")
    assert words_for(late, {"timers": at}, NOW + 9 * MINUTE) == ()
    assert words_for(late, {"timers": at}, NOW + timedelta(days=1)) != ()
    assert words_for((), {"timers": at}, NOW + MINUTE)[0].startswith("【恢复】")
    assert words_for((), {}, NOW) == ()


def test_late_message_is_told_past_the_outbox_once_and_its_end_once(
    receiver: Receiver, store: Store, tmp_path: Path
) -> None:
    project = watched(receiver, ping=f"{receiver.url}/ping")
    dog = Watchdog(project, lambda: store, tmp_path / "state.json", inside=True)
    with store.transaction() as tx:
        tx.add_intents([make_intent("m1", incident_id=None, level=Level.NONE, deadline_at=None)])
    late = NOW + 6 * MINUTE
    first = asyncio.run(dog.tick(late))
    again = asyncio.run(dog.tick(late + MINUTE))
    [claimed] = store.claim_intents(late, 9, 60.0)
    store.finish_delivery(claimed, None, IntentStatus.CANCELLED)
    asyncio.run(dog.tick(late + 2 * MINUTE))

    assert [[one.code for one in found] for found in (first, again)] == [["messages"]] * 2
    assert [text[:4] for text in texts(receiver)] == ["【告警系", "【恢复】"]
    assert [one.target for one in receiver.requests].count("/ping") == 1


def test_what_could_not_be_said_is_said_at_the_next_look(
    receiver: Receiver, tmp_path: Path
) -> None:
    def broken() -> Store:
        return Store(f"sqlite:///{tmp_path}/nowhere.db")

    receiver.plan(Planned(status=500))
    dog = Watchdog(watched(receiver), broken, tmp_path / "state.json", inside=False)
    for minute in range(3):
        asyncio.run(dog.tick(NOW + minute * MINUTE))

    assert len(texts(receiver)) == 2
    assert look(broken, NOW).problem


@pytest.mark.crash
def test_killed_main_job_is_told_of_once(receiver: Receiver, tmp_path: Path) -> None:
    """A real main job, killed; the watchdog beside it says so once, and that it is back."""
    folder = tmp_path / "project"
    (folder / "brands").mkdir(parents=True)
    heartbeat = {"to": ["lin"], "channel": "own", "late": "60s"}
    own = {"id": "own", "kind": "webhook", "url": f"{receiver.url}/own"}
    files = {
        "project": {
            "settings": {"allow_private": [receiver.address], "heartbeat": heartbeat},
            "fallback": ["lin"],
        },
        "brands/lanhe": {"id": "lanhe", "name": "澜禾", "aliases": ["澜禾"]},
        "channels": {"channels": [own]},
        "owners": {"owners": [{"id": "lin", "name": "林晓", "channels": ["own"]}]},
    }
    for name, content in files.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content, allow_unicode=True))
    database = f"sqlite:///{tmp_path}/watch.db"
    base = [sys.executable, "-m", "groundswell", "--config", str(folder), "--database", database]
    job = subprocess.Popen([*base, "run", "--no-console"], stderr=subprocess.DEVNULL)
    try:
        _until(lambda: _leads(database))
    finally:
        job.send_signal(signal.SIGKILL)
        job.wait()
    assert job.returncode == -signal.SIGKILL
    _let_time_pass(database, 120)
    look = subprocess.run([*base, "watchdog", "--once"], check=False, capture_output=True)
    store = Store(database)
    dog = Watchdog(watched(receiver, late="60s"), lambda: store, state_file(database), inside=False)
    again = asyncio.run(dog.tick(datetime.now(UTC)))
    store.close()

    assert look.returncode == 1, look.stderr
    assert [trouble.code for trouble in again] == ["engine"]
    assert [text[:8] for text in texts(receiver)] == ["【告警系统异常】"]


def _leads(database: str) -> bool:
    try:
        store = Store(database)
    except Exception:  # noqa: BLE001 - it is being made
        return False
    try:
        overdue = store.lease_overdue_s("engine")
        return overdue is not None and overdue < 0
    finally:
        store.close()


def _let_time_pass(database: str, seconds: int) -> None:
    """Make the lease as old as if so much time had passed since the death."""
    engine = sa.create_engine(database)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE lease SET expires_at = expires_at - {seconds}000000")
    engine.dispose()


def _until(found: object, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not found():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.2)
