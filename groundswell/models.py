"""Sets of weights: where they lie, which one is at work, and taking over another.

In: the log of models in the database and the folder of trained versions. Out: the loaded models of
the newest promotion. Weights lie in a folder per version, written under another name and renamed,
so a version is there whole or not at all; a promotion is one row, so what is at work never stands
in between. A version whose files are missing or changed is never used: the shipped one is, and the
engineer is told.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.errors import ConfigError, ModelError
from groundswell.places import data_dir
from storage.records import ModelEvent
from storage.store import Store

if TYPE_CHECKING:
    from classify.analyst import Analyst
    from classify.issues import IssueClassifier
    from classify.sentiment import Scorer
    from storage.queries import Queries

log = logging.getLogger(__name__)

KINDS = ("negative", "issues")
SHIPPED = "shipped"
_FILES = {
    "negative": ("negative.json", "negative.npz"),
    "issues": ("issues.json", "issues.npz"),
}
_MANIFEST = "version.json"
_UNFINISHED = ".unfinished-"
_PLACE = "GROUNDSWELL_MODELS"


# --- the log -------------------------------------------------------------------------------------


def live_of(events: Iterable[ModelEvent]) -> str:
    """Return the version that is at work after these events of one kind, oldest first. Pure.

    A rollback takes the newest promotion back, whatever it was; before the first one the shipped
    weights are at work.
    """
    return _promoted(events)[-1]


def before_live(events: Iterable[ModelEvent]) -> str | None:
    """Return what a rollback would put to work, None when the shipped weights never left it."""
    promoted = _promoted(events)
    return promoted[-2] if len(promoted) > 1 else None


def _promoted(events: Iterable[ModelEvent]) -> list[str]:
    versions = [SHIPPED]
    for event in events:
        if event.action == "promoted":
            versions.append(event.version)
        elif event.action == "rolled_back" and len(versions) > 1:
            versions.pop()
    return versions


# --- the folder ----------------------------------------------------------------------------------


def models_dir(file: Path | None) -> Path:
    """Return where the trained models of a database lie.

    The folder that GROUNDSWELL_MODELS names, else `models` beside the SQLite file, else in the
    user's data folder.
    """
    named = os.environ.get(_PLACE)
    if named:
        return Path(named).expanduser()
    return (data_dir() if file is None else file.resolve().parent) / "models"


@dataclass(frozen=True, slots=True)
class Registry:
    """The folder of trained versions: `<kind>/<version>/`, each with the digests of its files."""

    folder: Path

    def place(self, kind: str, version: str) -> Path:
        """Return where a version lies, whether it is there or not.

        Errors: ConfigError for a kind or version that cannot be one.
        """
        if kind not in KINDS:
            raise ConfigError(f"model kind {kind!r}: expected one of {', '.join(KINDS)}")
        if not version or not all(one.isalnum() or one in "-_" for one in version):
            raise ConfigError(
                f"model version {version!r}: expected letters, figures and dashes only;"
                " groundswell model list names the versions"
            )
        return self.folder / kind / version

    def versions(self, kind: str) -> list[str]:
        """Return the versions whose folder is there, by name."""
        place = self.folder / kind
        if not place.is_dir():
            return []
        return sorted(one.name for one in place.iterdir() if (one / _MANIFEST).is_file())

    def put(self, kind: str, version: str, write: Callable[[Path], None]) -> str:
        """Let `write` fill a folder, then name it; return the digest of the whole.

        Errors: ModelError when the files cannot be written or the version is there already.
        """
        target = self.place(kind, version)
        unfinished = target.parent / f"{_UNFINISHED}{version}"
        try:
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            write(unfinished)
            manifest = _sealed(kind, version, unfinished)
            if target.exists():
                raise ModelError(f"writing model {version}: {target} is there already; train again")
            unfinished.rename(target)
            _flush(target.parent)
        except OSError as error:
            raise ModelError(
                f"writing model {version} to {target}: {error.strerror}; make room or name another"
                f" folder in {_PLACE}"
            ) from error
        return _digest(manifest)

    def sweep(self) -> None:
        """Remove what trainings that were killed left behind; call it with the lease in hand."""
        for left in self.folder.glob(f"*/{_UNFINISHED}*"):
            shutil.rmtree(left, ignore_errors=True)

    def checked(self, kind: str, version: str, digest: str | None = None) -> Path:
        """Return the folder of a version after looking at every byte of it.

        Errors: ModelError when it is missing, or is not what was written (`digest`: of `put`).
        """
        place = self.place(kind, version)
        try:
            manifest = (place / _MANIFEST).read_bytes()
            files: dict[str, str] = json.loads(manifest)["files"]
            odd = [
                name
                for name in sorted({*files, *_FILES[kind]})
                if files.get(name) != _digest((place / name).read_bytes())
            ]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"loading model {version} from {place}: {error!r}; {_REMEDY}"
            ) from error
        if odd or (digest is not None and digest != _digest(manifest)):
            named = ", ".join(odd) or _MANIFEST
            raise ModelError(
                f"loading model {version} from {place}: {named} is not what was written; {_REMEDY}"
            )
        return place


_REMEDY = (
    "bring the folder back from a backup, or put another version to work: groundswell model"
    " rollback"
)


def _sealed(kind: str, version: str, folder: Path) -> bytes:
    """Write the digests of a folder's files beside them, all of it onto the disk."""
    files = {}
    for path in sorted(folder.iterdir()):
        files[path.name] = _digest(path.read_bytes())
        _flush(path)
    document = {"kind": kind, "version": version, "files": files}
    path = folder / _MANIFEST
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    _flush(path)
    _flush(folder)
    return path.read_bytes()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _flush(path: Path) -> None:
    """Have the system write a file or folder down; folders only where that can be asked."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# --- what is at work -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A promoted version that cannot be used; the shipped one is at work instead."""

    kind: str
    version: str
    promoted_at: datetime | None
    text: str


class Live:
    """The models at work, loaded; `refresh` takes over another promotion."""

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self.registry = registry
        self.seen = -1  # the newest event that was looked at
        self._versions: dict[str, str] = {}
        self._scorer: Scorer | None = None
        self._issues: IssueClassifier | None = None
        self._problems: dict[str, Problem] = {}

    @classmethod
    def of(cls, store: Store) -> Live:
        """Return the models at work on a database."""
        return cls(store, Registry(models_dir(store.file)))

    @property
    def scorer(self) -> Scorer:
        """The model of how negative a mention is."""
        if self._scorer is None:
            self.refresh()
        assert self._scorer is not None  # refresh loads the shipped one at least
        return self._scorer

    @property
    def issues(self) -> IssueClassifier:
        """The model of what a mention is about."""
        if self._issues is None:
            self.refresh()
        assert self._issues is not None
        return self._issues

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The promoted versions that could not be used."""
        return tuple(self._problems[kind] for kind in sorted(self._problems))

    def version(self, kind: str) -> str:
        """Return the version that is at work: what was promoted, "shipped" where it failed."""
        if kind not in self._versions:
            self.refresh()
        return SHIPPED if kind in self._problems else self._versions[kind]

    def refresh(self) -> bool:
        """Look whether another version was promoted; load it and say so. Cheap when none was."""
        with self._store.read() as queries:
            newest = queries.newest_model_event()
            if newest == self.seen:
                return False
            events = queries.model_events()
        is_changed = False
        for kind in KINDS:
            of_kind = [event for event in events if event.kind == kind]
            version = live_of(of_kind)
            if self._versions.get(kind) != version:
                self._load(kind, version, of_kind)
                self._versions[kind] = version
                is_changed = True
        self.seen = newest
        return is_changed

    def _load(self, kind: str, version: str, events: Sequence[ModelEvent]) -> None:
        self._problems.pop(kind, None)
        if version != SHIPPED:
            try:
                self._take(kind, self.registry.checked(kind, version, digest_in(events, version)))
            except (ModelError, ConfigError) as error:
                at = next((e.at for e in reversed(events) if e.action == "promoted"), None)
                self._problems[kind] = Problem(
                    kind=kind, version=version, promoted_at=at, text=str(error)
                )
                log.warning("model=%s unusable, the shipped one is at work: %s", version, error)
            else:
                log.info("model kind=%s version=%s at work", kind, version)
                return
        self._take(kind, None)

    def _take(self, kind: str, folder: Path | None) -> None:
        if kind == "negative":
            from classify.sentiment import Scorer

            self._scorer = Scorer.load(folder)
        else:
            from classify.issues import IssueClassifier

            self._issues = IssueClassifier.load(folder)


@dataclass(frozen=True, slots=True)
class ModelWatch:
    """Tells the stages when another version was promoted, and makes the analyst that uses it."""

    live: Live
    make: Callable[[Live], Analyst]

    def is_outdated(self, queries: Queries) -> bool:
        """Return whether something happened to models since they were loaded."""
        return queries.newest_model_event() != self.live.seen

    def renewed(self) -> Analyst | None:
        """Return an analyst with the models that are at work now, None while they are the same."""
        return self.make(self.live) if self.live.refresh() else None


def digest_in(events: Iterable[ModelEvent], version: str) -> str | None:
    """Return the digest that was noted when a version was made, None when it never was."""
    for event in events:
        if event.version == version and "digest" in event.detail:
            return str(event.detail["digest"])
    return None


def card_of(folder: Path | None, kind: str) -> dict[str, Any]:
    """Return the card of a version's folder, of the shipped one when None.

    Errors: ModelError when it cannot be read.
    """
    from classify.sentiment import MODELS

    path = (folder or MODELS) / _FILES[kind][0]
    try:
        card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"reading the card {path}: {error!r}; {_REMEDY}") from error
    return card


def card_text(folder: Path | None, kind: str) -> str:
    """Return the card for people of a version's folder; where there is none, its facts."""
    from classify.sentiment import MODELS

    names = {"negative": ("MODEL_CARD.md",), "issues": ("ISSUES_CARD.md", "MODEL_CARD.md")}[kind]
    place = folder or MODELS
    for name in names if folder else names[:1]:
        if (place / name).is_file():
            return (place / name).read_text(encoding="utf-8")
    facts = {key: value for key, value in card_of(folder, kind).items() if key != "bias"}
    return json.dumps(facts, ensure_ascii=False, indent=1)
