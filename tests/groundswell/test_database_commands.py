"""groundswell db check, run as people run it."""

from __future__ import annotations

import json

import sqlalchemy as sa
from typer.testing import CliRunner

from config.errors import StoreError
from groundswell import wiring
from groundswell.cli.app import build
from groundswell.replay import SteppedClock
from storage import tables
from storage.store import Store
from tests.groundswell.test_pipeline import NOW, complaint, project, take


def test_a_database_is_checked_and_repaired_when_nobody_gathers(sqlite_url):
    def run(*arguments):
        return CliRunner().invoke(build(), ["--database", sqlite_url, "db", "check", *arguments])

    store = Store(sqlite_url)
    take(wiring.wire(project(), store, SteppedClock(NOW)), [complaint(n) for n in range(14)])
    sound = run()
    with store.write() as connection:
        connection.execute(sa.update(tables.cluster_total).values(authors=1))
        connection.execute(sa.update(tables.cluster).values(size=1000))
    wrong = run("--json")
    store.take_lease("engine", "run:other:1", 60)
    refused = run("--repair")
    store.drop_lease("engine", "run:other:1")
    repaired = run("--repair")
    store.close()

    assert (sound.exit_code, sound.stdout) == (0, "一切相符 (everything agrees)\n")
    assert wrong.exit_code == 1
    assert {one["kind"] for one in json.loads(wrong.stdout)["faults"]} == {"counts", "size"}
    assert isinstance(refused.exception, StoreError)
    assert "run:other:1 gathers in it" in str(refused.exception)
    assert repaired.exit_code == 0
    assert "计数表与成员不符 (counts differ from the members)：1 处，已修复" in repaired.stdout
    assert run().exit_code == 0
