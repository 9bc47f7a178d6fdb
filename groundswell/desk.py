"""The incident desk: every act of a person comes through here, wherever it was done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from alerts.incidents import Command, absorb, on_command
from alerts.messages import Links
from config.errors import GroundswellError
from config.schema import Project
from groundswell.clock import Clock
from groundswell.hot import HotLists
from groundswell.pipeline import SAMPLES
from storage.records import Incident
from storage.store import Store, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Applies commands; `woken` is called after a commit that may have left messages."""

    store: Store
    project: Project
    clock: Clock
    links: Links
    woken: Callable[[], None] = lambda: None

    def act(self, incident: str, command: Command, *, into: str = "") -> Incident:
        """Carry out one command on an incident named by id or code; return it as it then stands.

        `into` names the incident that a merge ends in.

        Errors: GroundswellError when there is no such incident; IllegalMove when its state does
        not allow the command.
        """
        now = self.clock.now()
        with self.store.transaction() as tx:
            found = _found(tx, incident)
            target = _found(tx, into) if into else None
            hot = HotLists(self.project)
            change = on_command(
                found,
                replace(command, into=target),
                self.project,
                now,
                evidence=hot.see(tx.evidence(found.cluster_id, now), hot.look(tx.queries, now)),
                samples=tx.queries.cluster_mentions(found.cluster_id, SAMPLES),
                links=self.links,
            )
            if not tx.save_change(change):
                return _found(tx, incident)  # this very act was carried out before
            if target is not None:
                tx.save_change(absorb(target, change.incident, command.actor, self.project, now))
            tx.audit(command.actor, str(command.name), found.incident_id, now, command.text)
        self.woken()
        return change.incident


def _found(tx: Transaction, name: str) -> Incident:
    incident = tx.incident(name)
    if incident is None:
        raise GroundswellError(f"no incident {name!r}; see: groundswell incidents list")
    return incident
