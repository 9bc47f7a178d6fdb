"""Launches as people write them, wherever they do: shown as the files have them, written there.

In: a project folder and its database. Out: launches with the version of their files, and files. The
running job takes a changed file over by itself (groundswell.reloading); until then this desk reads
the files anew, so that whoever saved sees what he saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.errors import ConfigError, GroundswellError
from config.load import load
from config.schema import Project
from groundswell.clock import Clock
from groundswell.launch_sync import sync_launches
from groundswell.launching import Kept, kept, save
from groundswell.reloading import Files, files_of
from storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchDesk:
    """Shows and writes launches. Without a folder (the demo) they are only shown."""

    store: Store
    project: Project
    clock: Clock
    directory: Path | None = None
    _read: dict[Path, tuple[Files, Project]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def current(self) -> Project:
        """Return the project with its launches as the files have them now.

        Files with mistakes leave what was loaded.
        """
        if self.directory is None:
            return self.project
        files = files_of(self.directory)
        before = self._read.get(self.directory)
        if before is not None and before[0] == files:
            return before[1]
        try:
            found = load(self.directory)
        except ConfigError:
            return self.project
        # settings of this run (a port, the demo's clock) stay as they are
        seen = self.project.model_copy(update={"launches": found.launches, "brands": found.brands})
        self._read[self.directory] = (files, seen)
        return seen

    def kept(self, launch_id: str) -> Kept | None:
        """Return a launch with the version of its file; None when no file holds it."""
        return None if self.directory is None else kept(self.directory, launch_id)

    def save(self, values: Mapping[str, Any], *, version: str, by: str) -> Kept:
        """Write a launch's file; calendar and approved replies follow at once.

        Errors: ConfigError as `launching.save` says, GroundswellError where nothing is written.
        """
        if self.directory is None:
            raise GroundswellError("这里的上市只能看，不能改 (launches are not written from here)")
        done = save(self.directory, values, version=version)
        now = self.clock.now()
        sync_launches(self.store, self.current(), now, by)
        with self.store.transaction() as tx:
            tx.audit(by, "launch", done.plan.id, now, done.path.name)
        return done
