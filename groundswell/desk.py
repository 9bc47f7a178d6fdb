"""The incident desk: every act of a person, from console, command line or message, comes through here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from alerts.incidents import Command, on_command
from alerts.messages import Links
from config.errors import GroundswellError
from config.schema import Project
from groundswell.clock import Clock
from storage.records import Incident
from storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Applies commands to incidents; `woken` is called after a commit that may have left messages."""

    store: Store
    project: Project
    clock: Clock
    links: Links
    woken: Callable[[], None] = lambda: None

    def act(self, incident: str, command: Command) -> Incident:
        """Carry out one command on an incident named by id or code; return it as it then stands.

        Errors: GroundswellError when there is no such incident; IllegalMove when its state does
        not allow the command.
        """
        now = self.clock.now()
        with self.store.transaction() as tx:
            found = tx.incident(incident)
            if found is None:
                raise GroundswellError(f"no incident {incident!r}; see: groundswell incidents list")
            samples = tx.queries.cluster_mentions(found.cluster_id, 3)
            change = on_command(
                found, command, self.project, now, samples=samples, links=self.links
            )
            tx.save_change(change)
            tx.audit(command.actor, command.name, found.incident_id, now, change.reason)
        self.woken()
        return change.incident
