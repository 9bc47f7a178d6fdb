"""The incident desk: every act of a person comes through here, wherever it was done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.incidents import Command, CommandName, absorb, on_command
from alerts.messages import Links
from config.errors import ChangedMeanwhileError, GroundswellError
from config.schema import Project
from groundswell.acting import SAMPLES
from groundswell.batches import BatchView
from groundswell.clock import Clock
from groundswell.complainants import checked, named_in, published
from groundswell.gate import with_trials
from groundswell.hot import HotLists
from groundswell.judging import judge
from groundswell.knowledge import first_answer_words, learn
from groundswell.passes import log_acts
from groundswell.pulses import PulseView
from groundswell.responses import answers_to, entered
from storage.records import Incident, PublicResponse
from storage.store import Store, Transaction

_TRIES = 4  # one act against a batch of the engine's, which may write an incident more than once


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
        for _ in range(_TRIES - 1):
            try:
                return self._act(incident, command, into)
            except ChangedMeanwhileError:  # by the engine or a colleague: what holds now decides
                continue
        return self._act(incident, command, into)

    def _act(self, incident: str, command: Command, into: str) -> Incident:
        now, command = self.clock.now(), checked(command)
        with self.store.transaction() as tx:
            tx.lock_passes()
            found = _found(tx, incident)
            target = _found(tx, into) if into else None
            hot = HotLists(self.project)
            seen = hot.see(tx.evidence(found.cluster_id, now), hot.look(tx.queries, now))
            evidence = BatchView(self.project, tx.queries, now).see(seen)
            pulses = PulseView(self.project, tx.queries, now)
            change = on_command(
                found,
                replace(command, into=target),
                with_trials(self.project, tx.queries, now),
                now,
                evidence=evidence,
                samples=tx.queries.cluster_mentions(found.cluster_id, SAMPLES),
                links=self.links,
                grade=judge(pulses.see(evidence), found, found, self.project, now, pulses),
                beside=_beside(tx, found),
                complainants=named_in(tx.queries, found, command),
                published=published(tx.queries, found),
                answered=first_answer_words(tx.queries, found) if command.name == "confirm" else "",
            )
            if not tx.save_change(change):
                return _found(tx, incident)  # this very act was carried out before
            learn(tx, change, self.project, now)
            changes = [change]
            if target is not None:
                changes.append(absorb(target, change.incident, command.actor, self.project, now))
                tx.save_change(changes[-1])
            log_acts(tx, self.project, now, changes, command)
            tx.audit(command.actor, str(command.name), found.incident_id, now, command.text)
        self.woken()
        return change.incident

    def replied(
        self,
        incident: str,
        *,
        url: str,
        actor: str,
        at: datetime | None = None,
        note: str = "",
        command_id: str = "",
    ) -> PublicResponse:
        """Note that the brand answered in public, at `at` (None: now) and under `url`.

        It also counts as progress on the incident. Entered twice, it is noted once.
        Errors: GroundswellError when there is no such incident, the address is no web address or
        the time lies ahead of now or before the first complaint.
        """
        now, zone = self.clock.now(), self.project.settings.zone
        with self.store.transaction() as tx:
            found = _found(tx, incident)
            answers = answers_to(tx.queries, found, self.project, now)
            response = entered(
                found, answers, url=url, at=at, actor=actor, note=note, now=now, zone=zone
            )
            if not tx.add_response(response):
                return response
            said = f"已公开回应（{response.at.astimezone(zone):%m-%d %H:%M}）：{response.url}"
            told = Command(
                name=CommandName.NOTE,
                actor=actor,
                text=f"{said} {response.note}".strip(),
                command_id=command_id,
            )
            tx.lock_passes()
            change = on_command(found, told, self.project, now)
            if tx.save_change(change):
                log_acts(tx, self.project, now, [change], told)
            tx.audit(actor, "replied", found.incident_id, now, response.url)
        self.woken()
        return response


def _beside(tx: Transaction, incident: Incident) -> list[Incident]:
    """Return the other open incidents of all clusters that belong to an incident."""
    clusters = dict.fromkeys((incident.cluster_id, *tx.clusters_of(incident.incident_id)))
    found = [one for cluster_id in clusters for one in tx.open_incidents_of(cluster_id)]
    return [one for one in found if one.incident_id != incident.incident_id]


def _found(tx: Transaction, name: str) -> Incident:
    incident = tx.incident(name)
    if incident is None:
        raise GroundswellError(f"no incident {name!r}; see: groundswell incidents list")
    return incident
