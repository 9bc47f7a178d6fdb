"""The main job as a process: it ends cleanly when told to, and there is one per database."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage.store import Store
from tests.crash.runs import ROOT
from tests.crash.world import World

_UP_S = 90  # a start takes three seconds; the machine may be busy with everything else
_DOWN_S = 20


@contextmanager
def _running(command: list[str], port: int) -> Iterator[subprocess.Popen[str]]:
    """Give the main job once its console answers; it never outlives the block."""
    job = subprocess.Popen(
        [*command, "run", "--port", str(port)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _await_console(job, port)
        yield job
    finally:
        if job.poll() is None:
            job.kill()
        job.communicate()


def _await_console(job: subprocess.Popen[str], port: int) -> None:
    give_up_at = time.monotonic() + _UP_S
    while time.monotonic() < give_up_at:
        assert job.poll() is None, job.communicate()[1]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as page:
                assert page.status == 200
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail("the console did not answer")


def _await_silence(port: int) -> None:
    """Wait until the console has closed: a new start takes longer than the look at it."""
    give_up_at = time.monotonic() + _UP_S
    while time.monotonic() < give_up_at:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            return
        time.sleep(0.02)
    pytest.fail("the console did not close")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_sigterm_ends_the_main_job_cleanly_and_the_next_starts_at_once(
    database_url: str, world: World, tmp_path: Path
) -> None:
    command = _command(world, database_url, tmp_path)
    with _running(command, _free_port()) as job:
        job.send_signal(signal.SIGTERM)

        _, errors = job.communicate(timeout=_DOWN_S)

    assert job.returncode == 0, errors
    assert "Traceback" not in errors
    store = Store(database_url)
    held = store.lease_holder("engine")
    store.close()
    assert held is None  # nobody has to wait for it to run out


@pytest.mark.skipif(os.name != "posix", reason="no process can replace itself there")
def test_changed_files_are_taken_over_by_the_same_process(
    database_url: str, world: World, tmp_path: Path
) -> None:
    command = _command(world, database_url, tmp_path)
    port = _free_port()
    with _running(command, port) as job:
        assert job.stderr is not None
        late = threading.Timer(_UP_S, job.kill)
        late.start()
        project = tmp_path / "project" / "project.yaml"
        project.write_text(project.read_text("utf-8") + "\n# 改了一行\n", "utf-8")
        said = next((line for line in job.stderr if "starting again" in line), "")
        _await_silence(port)
        late.cancel()
        _await_console(job, port)
        job.send_signal(signal.SIGTERM)
        _, errors = job.communicate(timeout=_DOWN_S)

    assert "changed=project.yaml" in said
    assert job.returncode == 0, errors
    assert "Traceback" not in errors


def test_a_second_main_job_is_refused_while_the_first_lives(
    database_url: str, world: World, tmp_path: Path
) -> None:
    command = _command(world, database_url, tmp_path)
    with _running(command, _free_port()) as first:
        second = subprocess.run(
            [*command, "run", "--no-console"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=_UP_S,
            check=False,
        )

        assert second.returncode == 1
        assert second.stderr.strip().splitlines()[-1] == (
            "another groundswell runs on this database; stop it first, or wait 20 s if it was killed"
        )
        assert "Traceback" not in second.stderr
        assert first.poll() is None
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=_DOWN_S)
    assert first.returncode == 0


def _command(world: World, database_url: str, folder: Path) -> list[str]:
    project = str(world.write_project(folder / "project"))
    options = ["--config", project, "--database", database_url]
    return [sys.executable, "-m", "groundswell", *options]
