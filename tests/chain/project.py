"""A small real project in a folder, and its commands run as people run them: as processes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import yaml

ROOT = Path(__file__).parents[2]
SECRET = "只有收件的一方知道 2026"
SECRET_NAME = "CHAIN_HOOK_SECRET"
BRAND = {
    "id": "qichuan",
    "name": "栖川",
    "aliases": ["栖川", "栖川电器"],
    "products": [{"id": "blanket", "name": "电热毯", "aliases": ["栖川电热毯", "栖川的电热毯"]}],
}
OWNERS = (
    {"id": "songyue", "name": "宋越", "role": "service"},
    {"id": "heqing", "name": "何青", "role": "lead"},
)


@dataclass(frozen=True, kw_only=True)
class Project:
    """A written project folder and the database it works on."""

    folder: Path
    database: str
    environment: Mapping[str, str] = field(default_factory=dict)

    def command(self, *arguments: str) -> list[str]:
        """The command line of `groundswell ARGUMENTS` on this project."""
        options = ["--config", str(self.folder), "--database", self.database]
        return [sys.executable, "-m", "groundswell", *options, *arguments]

    def run(self, *arguments: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; it must succeed."""
        done = subprocess.run(
            self.command(*arguments),
            env=self.environ,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert done.returncode == 0, f"{arguments} ended with {done.returncode}:\n{done.stderr}"
        return done

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a command: this program's code, and the secrets by name."""
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        return {**os.environ, "PYTHONPATH": path, SECRET_NAME: SECRET, **self.environment}


def write_project(
    folder: Path,
    database: str,
    *,
    sources: Sequence[Mapping[str, Any]],
    reachable: Sequence[str],
    receiver: str = "http://127.0.0.1:9",
    brand: Mapping[str, Any] = BRAND,
    owners: Sequence[Mapping[str, Any]] = OWNERS,
    settings: Mapping[str, Any] | None = None,
) -> Project:
    """Write a project of one brand, whose owners hear by signed webhooks to `receiver`/OWNER.

    `reachable` are the host:port pairs on loopback that may be fetched and posted to. The first
    owner answers for everything, the second comes next and is the fallback.
    """
    ids = [owner["id"] for owner in owners]
    allowed = sorted({*reachable, receiver.removeprefix("http://")})
    _write(
        folder / "project.yaml",
        {
            "settings": {
                "allow_private": allowed,
                "confirm_addresses": False,
                **(settings or {}),
            },
            "fallback": ids[1:],
        },
    )
    hooks = [
        {"id": f"hook-{who}", "kind": "webhook", "url": f"{receiver}/{who}"}
        | {"secret": f"env:{SECRET_NAME}"}
        for who in ids
    ]
    _write(folder / "channels.yaml", {"channels": hooks})
    people = [{"channels": [f"hook-{owner['id']}"], "digest_at": None, **owner} for owner in owners]
    _write(folder / "owners.yaml", {"owners": people})
    route = {"id": "everything", "brand": brand["id"], "owner": ids[0], "chain": ids[1:]}
    _write(folder / "routes.yaml", {"routes": [route]})
    _write(folder / "brands" / f"{brand['id']}.yaml", brand)
    for source in sources:
        _write(folder / "sources" / f"{source['id']}.yaml", source)
    return Project(folder=folder, database=database)


def feed_source(source_id: str, start: str, **changes: Any) -> dict[str, Any]:
    """A feed that may be polled as often as a test likes."""
    return _source(source_id, kind="feed", start=start, **changes)


def pages_source(
    source_id: str, start: str, *, max_pages: int = 1, **changes: Any
) -> dict[str, Any]:
    """List and detail pages as `tests.site.pages` makes them; `start` holds {page}."""
    listed = {"url": "css:a::attr(href)", "title": "css:a::text", "published": "css:.time::text"}
    detail = {
        "title": {"sel": "css:h1::text", "optional": True},
        "text": "css:.content",
        "author": {"sel": "css:.author::text", "re": "作者：(.+)", "optional": True},
    }
    return _source(
        source_id,
        kind="list_detail",
        start=start,
        pages={"max": max_pages, "stop_when_seen": 1000},
        list={"item": "css:ul.list > li", "fields": listed},
        detail={"fields": detail},
        **changes,
    )


def _source(source_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": source_id,
        "name": f"信源 {source_id}",
        "schedule": {"every": "1s", "min": "1s"},
        "fetch": {"rate": "1/0.001s", "concurrency": 4},
        "expect": {"required": ["url"]},
        **fields,
    }


def _write(path: Path, document: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(dict(document), allow_unicode=True), encoding="utf-8")


class Job:
    """`groundswell run` as a process of its own; what it says goes to a file. Ends by SIGTERM."""

    def __init__(self, project: Project, *arguments: str) -> None:
        self.log = project.folder / "run.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                project.command("run", *arguments),
                env=project.environ,
                cwd=project.folder,
                stdout=log,
                stderr=log,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def wait_for(self, pattern: str, timeout_s: float = 60) -> re.Match[str]:
        """Wait until it says something."""
        wait_until(lambda: re.search(pattern, self.said), timeout_s, lambda: self.said)
        found = re.search(pattern, self.said)
        assert found is not None
        return found

    def stop(self, timeout_s: float = 30) -> int:
        """Ask it to end; return its exit code."""
        self._process.terminate()
        return self._process.wait(timeout_s)

    def errors(self) -> list[str]:
        """The lines of its log that tell of something that went wrong."""
        lines = [line for line in self.said.splitlines() if line.startswith("{")]
        return [line for line in lines if json.loads(line)["level"] in {"error", "critical"}]


def wait_until(
    ready: Callable[[], object], timeout_s: float, why: Callable[[], str] = lambda: ""
) -> None:
    """Return when `ready` holds; fail with what `why` tells when it does not in time."""
    ends_at = time.monotonic() + timeout_s
    while not ready():
        assert time.monotonic() < ends_at, f"not within {timeout_s} s\n{why()}"
        time.sleep(0.1)
