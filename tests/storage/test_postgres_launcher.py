from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from tests.postgres import PostgresServer, ServerAbsentError, binaries


@pytest.fixture
def own_server():
    try:
        binaries()
    except ServerAbsentError as error:
        pytest.skip(str(error))
    server = PostgresServer().start()
    yield server
    server.remove()


def test_server_answers_stops_and_comes_back(own_server):
    with psycopg.connect(own_server.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    own_server.stop()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(own_server.conninfo("postgres"))
    own_server.start()

    engine = sa.create_engine(own_server.url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM kept")) == 0


def test_server_ends_when_its_starter_is_killed():
    code = (
        "from tests.postgres import PostgresServer\n"
        "import os, signal\n"
        "server = PostgresServer().start()\n"
        "print(server.root, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    try:
        binaries()
    except ServerAbsentError as error:
        pytest.skip(str(error))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path.cwd(), check=False
    )
    root = done.stdout.strip()
    subprocess.run(
        [
            "/bin/sh",
            "-c",
            f'while kill -0 "$(cat {root}/server.pid)" 2>/dev/null; do sleep 0.05; done',
        ],
        timeout=20,
        check=True,
    )

    assert not Path(root, "data", "postmaster.pid").exists()
    subprocess.run(["rm", "-rf", root], check=True)
