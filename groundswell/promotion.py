"""Putting another version to work, and taking that back.

In: a version of the registry. Out: one row in the log, and the mentions that the new weights judge
again, in one transaction: a running program takes both over at its next look.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from classify.issues import IssueClassifier
from classify.sentiment import Scorer
from config.errors import ConfigError, GroundswellError
from config.schema import Project
from groundswell.model_gate import Ruling
from groundswell.model_kinds import teaching_of
from groundswell.models import KINDS, SHIPPED, Registry, before_live, digest_in, live_of
from groundswell.training import held_out, judge, labelled, live_folder
from storage.records import ModelEvent
from storage.store import Store

JUDGED_AGAIN = timedelta(days=7)  # decisions.md 22: open incidents and the last 7 days only


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted:
    """What came of a promotion or a rollback."""

    kind: str
    version: str  # now at work
    before: str
    judged_again: int  # mentions that are in line
    ruling: Ruling | None = None


class RefusedError(GroundswellError):
    """The gate does not let a version through."""

    def __init__(self, version: str, ruling: Ruling) -> None:
        super().__init__(
            f"promoting model {version}: the gate says {ruling.reason}; groundswell model promote"
            f" {version} --force --reason TEXT overrules it"
        )
        self.ruling = ruling


def kind_of(version: str, kind: str | None = None) -> str:
    """Return the kind of a version by its name; shipped ones need it named (else: negative)."""
    if kind is not None:
        if kind not in KINDS:
            raise ConfigError(f"--kind {kind!r}: expected one of {', '.join(KINDS)}")
        return kind
    return next((one for one in KINDS if version.startswith(f"{one}-")), KINDS[0])


def ruling_on(
    store: Store, project: Project, registry: Registry, kind: str, version: str
) -> Ruling:
    """Return the gate's ruling on a version against what is at work, on today's labels."""
    rows = labelled(store, project, kind)
    new = folder_of(store, registry, kind, version)
    return judge(teaching_of(kind), live_folder(store, registry, kind), new, rows, held_out(rows))


def folder_of(store: Store, registry: Registry, kind: str, version: str) -> Path | None:
    """Return the folder of a version, None for the shipped one.

    Errors: ConfigError for a version that was never made here; ModelError when it is damaged.
    """
    if version == SHIPPED:
        return None
    with store.read() as queries:
        events = queries.model_events(kind)
    if digest_in(events, version) is None:
        known = ", ".join(registry.versions(kind)) or "none yet"
        raise ConfigError(
            f"no {kind} model {version!r} was trained here; known: {known}; groundswell model list"
        )
    return registry.checked(kind, version, digest_in(events, version))


def promote(
    store: Store,
    project: Project,
    registry: Registry,
    *,
    kind: str,
    version: str,
    actor: str,
    now: datetime,
    reason: str = "",
    force: bool = False,
) -> Promoted:
    """Put a version to work.

    Errors: RefusedError when the gate says no; ConfigError for an unknown version, one that is at
    work already, or force without a reason; ModelError when its files are damaged.
    """
    if force and not reason.strip():
        raise ConfigError("--force: expected a --reason, it is kept in the log")
    folder = folder_of(store, registry, kind, version)
    _load(kind, folder)  # what this program cannot use must not be at work
    with store.read() as queries:
        before = live_of(queries.model_events(kind))
    if before == version:
        raise ConfigError(f"model {version} is at work already")
    ruling = None
    if not force and version != SHIPPED:
        ruling = ruling_on(store, project, registry, kind, version)
        if not ruling.promotes:
            raise RefusedError(version, ruling)
    detail = {
        "before": before,
        "reason": reason.strip(),
        "forced": force,
        "ruling": None if ruling is None else asdict(ruling),
    }
    with store.transaction() as tx:
        _same(before, live_of(tx.queries.model_events(kind)))
        tx.add_model_event(kind, version, "promoted", actor=actor, now=now, detail=detail)
        judged = tx.judge_recent_again(now - JUDGED_AGAIN)
    return Promoted(kind=kind, version=version, before=before, judged_again=judged, ruling=ruling)


def roll_back(store: Store, *, kind: str, actor: str, now: datetime, reason: str = "") -> Promoted:
    """Take the newest promotion back: what was at work before it is at work again.

    Errors: ConfigError when the shipped weights were never left.
    """
    with store.transaction() as tx:
        events = tx.queries.model_events(kind)
        target = before_live(events)
        if target is None:
            raise ConfigError(f"no {kind} model was promoted here; there is nothing to take back")
        detail = {"to": target, "reason": reason.strip()}
        live = live_of(events)
        tx.add_model_event(kind, live, "rolled_back", actor=actor, now=now, detail=detail)
        judged = tx.judge_recent_again(now - JUDGED_AGAIN)
    return Promoted(kind=kind, version=target, before=live, judged_again=judged)


def history(store: Store, kind: str | None = None) -> list[ModelEvent]:
    """Return what happened to the weights, oldest first."""
    with store.read() as queries:
        return queries.model_events(kind)


def _same(before: str, now: str) -> None:
    if before != now:
        raise GroundswellError(
            f"model {now} was promoted meanwhile, the gate compared with {before}; try again"
        )


def _load(kind: str, folder: Path | None) -> None:
    if kind == "negative":
        Scorer.load(folder)
    else:
        IssueClassifier.load(folder)
