from __future__ import annotations

import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from config.errors import StoreError
from storage import migrate
from storage.records import Outcome
from storage.store import Store, Transaction
from storage.tables import metadata
from tests.make import NOW, make_raw
from tests.postgres import PostgresServer, ServerAbsentError, binaries


def keep(store, *numbers):
    with store.transaction() as tx:
        return tx.keep([make_raw(n) for n in numbers], NOW)


def file_of(url):
    return Path(url.removeprefix("sqlite:///"))


# --- transactions ----------------------------------------------------------------------------


def _keep_and_fail(store):
    with store.transaction() as tx:
        tx.keep([make_raw(1)], NOW)
        tx.set_meta("a", "b")
        raise ZeroDivisionError


def test_an_error_takes_everything_back_and_passes_through(store):
    with pytest.raises(ZeroDivisionError):
        _keep_and_fail(store)

    with store.read() as queries:
        assert {name: n for name, n in queries.counts().items() if n} == {}


def test_a_transaction_reads_its_own_writes(store):
    with store.transaction() as tx:
        tx.keep([make_raw(1)], NOW)
        assert tx.queries.mention(1) is not None


def test_a_reader_sees_one_moment_and_is_not_held_up_by_a_writer(store):
    keep(store, 1)
    with store.read() as queries:
        assert queries.counts()["mention"] == 1
        keep(store, 2)
        assert queries.counts()["mention"] == 1
    with store.read() as queries:
        assert queries.counts()["mention"] == 2


def _write_while_reading(store):
    from storage.accounts import Accounts

    with store.look() as connection:
        part = Accounts()
        part.connection = connection
        part.set_meta("a", "b")


def test_a_reader_can_change_nothing(store):
    with pytest.raises(StoreError, match="read-only"):
        _write_while_reading(store)
    assert store.meta("a") is None
    keep(store, 1)


def test_writers_wait_for_each_other_and_lose_nothing(store):
    threads = [
        threading.Thread(target=lambda n=n: [keep(store, n * 100 + i) for i in range(10)])
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with store.read() as queries:
        kept = queries.table_rows("mention")
    assert [row["mention_pk"] for row in kept] == list(range(1, 41))


def test_the_same_item_from_two_writers_is_kept_once(store):
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(keep(store, *range(30)))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    outcomes = [outcome for answer in answers for outcome, _ in answer]
    assert outcomes.count(Outcome.KEPT) == 30
    assert outcomes.count(Outcome.DUPLICATE) == 90


# --- leases ----------------------------------------------------------------------------------


def test_a_lease_is_held_by_one_and_given_back(store):
    assert store.take_lease("engine", "one", 60) is True
    assert store.take_lease("engine", "two", 60) is False
    assert store.take_lease("engine", "one", 60) is True
    assert store.take_lease("other", "two", 60) is True
    assert store.lease_holder("engine") == "one"
    store.drop_lease("engine", "two")
    assert store.lease_holder("engine") == "one"
    store.drop_lease("engine", "one")
    assert store.take_lease("engine", "two", 60) is True


def test_a_lease_that_ran_out_can_be_taken_and_is_then_lost(store):
    store.take_lease("engine", "one", -1)

    assert store.lease_holder("engine") is None
    assert store.take_lease("engine", "two", 60) is True
    assert store.renew_lease("engine", "one", 60) is False
    assert store.renew_lease("engine", "two", 60) is True


# --- SIGKILL ---------------------------------------------------------------------------------

_KEEPER = """
import sys
from datetime import timedelta
from storage.store import Store, Transaction
from tests.make import NOW, make_raw, make_verdict
store = Store(sys.argv[1])
for start in range(0, 2000, 20):
    with store.transaction() as tx:
        tx.keep([make_raw(n) for n in range(start, start + 20)], NOW)
        tx.count({("keep", "tousu", "kept"): 20}, NOW)
        ids = [mention.mention_id for mention in tx.pending_mentions(20)]
        tx.save_verdicts(ids, [make_verdict(i) for i in ids], NOW)
    print(start, flush=True)
"""


def _everything(url):
    store = Store(url)
    with store.read() as queries:
        found = {name: queries.table_rows(name) for name in sorted(metadata.tables)}
    store.close()
    return found


@pytest.mark.crash
def test_a_killed_writer_leaves_whole_transactions_and_numbers_without_gaps(database_url):
    process = subprocess.Popen(
        [sys.executable, "-c", _KEEPER, database_url],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path.cwd(),
    )
    for _ in range(4):
        last = int(process.stdout.readline())
    time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    last = max([last, *(int(line) for line in process.stdout.read().split())])
    process.wait()
    process.stdout.close()

    found = _everything(database_url)
    whole = len(found["mention"])
    assert whole >= last + 20
    assert whole % 20 == 0
    assert [row["mention_pk"] for row in found["mention"]] == list(range(1, whole + 1))
    assert len(found["verdict"]) == len(found["gather_queue"]) == whole
    assert found["mention_queue"] == []
    assert found["outcome_count"][0]["n"] == whole


# --- databases that cannot be used -----------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("mysql://localhost/x", "database 'mysql' is not supported: expected sqlite or postgresql"),
        ("groundswell.db", "the database URL cannot be read"),
        ("sqlite://", "a SQLite URL must name a file"),
        ("sqlite:////nowhere/at/all.db", "does not exist: run `groundswell db upgrade`"),
    ],
)
def test_a_url_that_cannot_work_says_why(url, text):
    with pytest.raises(StoreError) as caught:
        Store(url)

    assert text in str(caught.value)


def test_a_password_never_stands_in_an_error():
    with pytest.raises(StoreError, match="cannot be reached") as caught:
        Store("postgresql://lin:geheim@127.0.0.1:1/x?connect_timeout=2")

    assert "geheim" not in str(caught.value)
    assert "127.0.0.1:1" in str(caught.value)


def test_a_folder_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match="its folder cannot be made"):
        migrate.upgrade(f"sqlite:///{tmp_path}/file/deeper/groundswell.db")


def test_a_file_that_is_no_database_says_so(tmp_path):
    path = tmp_path / "groundswell.db"
    path.write_bytes(b"not a database at all, only some text" * 100)

    with pytest.raises(StoreError, match="is not a SQLite database"):
        Store(f"sqlite:///{path}")
    with pytest.raises(StoreError, match="is not a SQLite database"):
        migrate.upgrade(f"sqlite:///{path}")


def test_a_corrupt_database_says_so(sqlite_url):
    store = Store(sqlite_url)
    keep(store, *range(400))
    store.close()
    path = file_of(sqlite_url)
    whole = bytearray(path.read_bytes())
    for page in range(8, len(whole) // 4096):
        whole[page * 4096 : page * 4096 + 200] = b"\x55" * 200
    path.write_bytes(whole)

    with pytest.raises(StoreError, match="is corrupt"):
        _everything(sqlite_url)


_READ_ONLY = """
import os, sys
from config.errors import StoreError
from storage.store import Store
from tests.make import NOW, make_raw
if os.geteuid() == 0:  # root may write any file
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    store = Store(sys.argv[1])
    with store.transaction() as tx:
        tx.keep([make_raw(1)], NOW)
except StoreError as error:
    print(error)
"""


def test_a_read_only_database_says_what_to_do(sqlite_url):
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to other users
        path = Path(folder) / "groundswell.db"
        shutil.copy(file_of(sqlite_url), path)
        path.chmod(0o444)
        path.parent.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", _READ_ONLY, f"sqlite:///{path}"],
            capture_output=True,
            text=True,
            cwd=Path.cwd(),
            check=False,
        )
        path.parent.chmod(0o755)

    assert "is read-only: let this user write the file and its folder" in done.stdout, done.stderr


_FILL = """
import resource, signal, sys
from storage.store import Store, Transaction
from config.errors import StoreError
from tests.make import NOW, make_raw
store = Store(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (900_000, 900_000))
kept = 0
try:
    while True:
        with store.transaction() as tx:
            tx.keep([make_raw(kept + n) for n in range(100)], NOW)
        kept += 100
except StoreError as error:
    print(kept)
    print(error)
"""


def test_a_disk_that_is_full_says_so_and_keeps_what_was_committed(sqlite_url):
    """A limit on the file's size stands for the end of the disk."""
    assert resource.RLIMIT_FSIZE is not None
    done = subprocess.run(
        [sys.executable, "-c", _FILL, sqlite_url],
        capture_output=True,
        text=True,
        cwd=Path.cwd(),
        check=False,
    )
    kept, text = done.stdout.splitlines()

    assert "free" in text
    assert "Traceback" not in done.stderr
    assert len(_everything(sqlite_url)["mention"]) == int(kept) > 0


def test_a_database_held_by_another_write_says_so(sqlite_url):
    other = sqlite3.connect(file_of(sqlite_url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store = Store(sqlite_url)
    store.close()
    from sqlalchemy import event

    event.listen(
        store._engine,
        "connect",
        lambda connection, _: connection.execute("PRAGMA busy_timeout = 50"),
    )
    try:
        with pytest.raises(StoreError, match="is held by another process"):
            keep(store, 1)
    finally:
        other.execute("ROLLBACK")
        other.close()
    keep(store, 1)
    store.close()


def test_a_postgres_database_that_is_not_there_says_so(postgres_admin):
    absent = sa.make_url(postgres_admin).set(database="nobody_made_this")

    with pytest.raises(
        StoreError, match="does not exist: create it with `createdb`, or correct the URL"
    ):
        Store(absent.render_as_string(hide_password=False))


def test_a_write_that_waits_too_long_for_another_says_so(postgres_url):
    first, second = Store(postgres_url), Store(postgres_url)
    keep(first, 1)

    def work():
        with second.write() as connection:
            connection.exec_driver_sql("SET lock_timeout = '50ms'")
            Transaction(connection).keep([make_raw(2)], NOW)

    with first.transaction() as tx:
        tx.keep([make_raw(3)], NOW)
        with pytest.raises(StoreError, match="is held by another write"):
            work()
    first.close()
    second.close()


def test_a_file_that_vanished_is_an_error_and_not_a_fresh_database(sqlite_url):
    store = Store(sqlite_url)
    store.close()
    file_of(sqlite_url).unlink()

    with pytest.raises(StoreError, match="is missing or may not be opened"):
        keep(store, 1)
    assert not file_of(sqlite_url).exists()


@pytest.mark.crash
def test_a_server_that_is_gone_is_an_error_and_works_again_when_it_is_back():
    try:
        binaries()
    except ServerAbsentError as error:
        pytest.skip(str(error))
    server = PostgresServer().start()
    try:
        migrate.upgrade(server.url)
        store = Store(server.url)
        keep(store, 1)
        _kill_in_the_middle(server, store)
        with pytest.raises(StoreError, match="cannot be reached"):
            keep(store, 3)
        server.start()

        assert keep(store, 1, 2) == [(Outcome.DUPLICATE, 1), (Outcome.KEPT, 2)]
        store.close()
    finally:
        server.remove()


def _kill_in_the_middle(server, store):
    def work():
        with store.transaction() as tx:
            tx.keep([make_raw(2)], NOW)
            server.stop()

    with pytest.raises(StoreError, match="cannot be reached"):
        work()


def test_settings_of_sqlite_survive_a_power_cut(sqlite_url):
    store = Store(sqlite_url)
    with store.write() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    store.close()

    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 30000,
    }
