"""Tables that people upload: kept for an hour in a folder of this process, imported one at a time.

In: bytes of an upload. Out: a job whose progress a page can show. A restart forgets them; importing
again changes nothing.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import tempfile
import threading
import weakref
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from classify.privacy import mask
from config.errors import GroundswellError
from groundswell.importing import Rejected

log = logging.getLogger(__name__)

UPLOAD_LIMIT = 20 * 1024 * 1024  # bytes
KINDS = (".xlsx", ".csv", ".tsv", ".txt")
_KEPT_FOR = timedelta(hours=1)
_MOST = 20  # uploads at a time: 400 MB of disk at worst
_SHOWN = 20  # rejected rows a page shows


@dataclass(slots=True)
class Job:
    """One uploaded table and what becomes of it. Only the importing thread writes the counts."""

    job_id: str
    owner: str
    path: Path
    name: str
    at: datetime
    state: str = "new"  # new, waiting, running, done, failed
    done: int = 0
    total: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    rejected: int = 0
    reasons: list[tuple[int, str]] = field(default_factory=list)
    error: str = ""

    @property
    def share(self) -> int:
        """How much of the table is read, in percent."""
        return min(100, 100 * self.done // self.total) if self.total else 0

    @property
    def at_work(self) -> bool:
        """Whether the import has been asked for and has not ended."""
        return self.state in {"waiting", "running"}

    def add(self, rejected: Rejected) -> None:
        """Count a row that could not be read; the first ones are kept to be shown."""
        self.rejected += 1
        if len(self.reasons) < _SHOWN:
            self.reasons.append((rejected.number, rejected.reason[:200]))


class Uploads:
    """The uploads of this process. Safe from any thread."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._folder: Path | None = None
        self._lock = threading.Lock()
        self._one_at_a_time = threading.Lock()

    def take(self, owner: str, name: str, body: bytes, now: datetime) -> Job:
        """Keep an upload for its owner.

        Errors: GroundswellError when it is too large, of another kind, or too many wait.
        """
        suffix = Path(name).suffix.lower()
        if suffix not in KINDS:
            raise GroundswellError(f"只收 {'、'.join(KINDS)} 文件；.xls 请另存为 .xlsx")
        if len(body) > UPLOAD_LIMIT:
            raise GroundswellError(
                f"文件最大 {UPLOAD_LIMIT >> 20} MB；更大的请用 groundswell import"
            )
        with self._lock:
            self._drop_old(now)
            if len(self._jobs) >= _MOST:
                raise GroundswellError("正在等待的导入太多，请过一会儿再传")
            job_id = secrets.token_urlsafe(12)
            path = self._place() / f"{job_id}{suffix}"
            path.write_bytes(body)
            job = Job(job_id=job_id, owner=owner, path=path, name=mask(name), at=now)
            self._jobs[job_id] = job
        return job

    def find(self, owner: str, job_id: str) -> Job | None:
        """Return an upload of this owner."""
        with self._lock:
            job = self._jobs.get(job_id)
        return job if job is not None and job.owner == owner else None

    def start(self, job: Job, work: Callable[[Job], None]) -> bool:
        """Import in a thread of its own, one table at a time; False when it was begun before."""
        with self._lock:
            if job.state != "new":
                return False
            job.state = "waiting"
        # A daemon: a program that ends does not wait for a long import; a batch is whole or not.
        threading.Thread(
            target=self._run, args=(job, work), name=f"import-{job.job_id}", daemon=True
        ).start()
        return True

    def _run(self, job: Job, work: Callable[[Job], None]) -> None:
        with self._one_at_a_time:
            job.state = "running"
            try:
                work(job)
            except GroundswellError as error:
                job.error = str(error).replace(str(job.path), job.name)
                log.warning("import of %r: %s", job.name, job.error)
            except Exception:  # the edge of this thread: the page must not wait for ever
                job.error = "出错了，已写入日志，请告诉工程师"
                log.exception("import of %r broke", job.name)
            job.state = "failed" if job.error else "done"
            job.path.unlink(missing_ok=True)

    def _place(self) -> Path:
        if self._folder is None or not self._folder.is_dir():
            self._folder = Path(tempfile.mkdtemp(prefix="groundswell-uploads-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder

    def _drop_old(self, now: datetime) -> None:
        for job_id, job in list(self._jobs.items()):
            if not job.at_work and job.at < now - _KEPT_FOR:
                job.path.unlink(missing_ok=True)
                del self._jobs[job_id]
