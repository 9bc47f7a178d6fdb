"""What the courier asks before it sends: which trials hold now, and which addresses are confirmed.

In: messages that were just taken from the outbox. Out: a Sight of this moment (alerts.gate).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.fallback import MayReach, anybody
from alerts.gate import Sight
from alerts.trial import under_way
from config.schema import Channel, Owner, Project
from groundswell.clock import Clock
from groundswell.links import installation_key
from groundswell.verifying import KEY, Proofs, is_proved
from storage.queries import Queries
from storage.records import IncidentId, Intent, IntentId, IntentStatus
from storage.store import Store

_GONE = frozenset({IntentStatus.DEAD, IntentStatus.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class SendGate:
    """Looks into the database before messages leave."""

    store: Store
    project: Project
    clock: Clock

    def look(self, intents: Sequence[Intent]) -> Sight:
        """Return what holds now for these messages."""
        needs_proof = needs_codes(self.project)
        if not self.project.trials and not needs_proof:
            return Sight(project=self.project)
        key = installation_key(self.store, KEY) if needs_proof else ""
        with self.store.read() as queries:
            project = with_trials(self.project, queries, self.clock.now())
            gathered = _gathered(queries, intents) if project.trials else {}
            named = {one.incident_id for one in intents if one.incident_id}
            named |= {one for ids in gathered.values() for one in ids}
            may_reach = _confirmed(queries.addresses(), key) if needs_proof else anybody
            return Sight(
                project=project,
                incidents={one.incident_id: one for one in queries.incidents_named(sorted(named))},
                gathered=gathered,
                copies=_copies(queries, intents, project, may_reach) if needs_proof else (),
                may_reach=may_reach,
            )


def with_trials(project: Project, queries: Queries, now: datetime) -> Project:
    """Return the project with the trials that hold at `now`: begun, and not put live by then."""
    if not project.trials:
        return project
    ended = [one for one, end in queries.ended_trials().items() if end.at <= now]
    return under_way(project, ended, now)


def needs_codes(project: Project) -> bool:
    """Say whether an address must be confirmed; a demo's channels reach nobody."""
    return project.settings.confirm_addresses and not project.settings.demo


def is_confirmed(proofs: Proofs, key: str | None, owner: Owner, channel: Channel) -> bool:
    """Say whether a code came back from this address; of a group it is enough that one came back.

    Who else has the same address on this channel, a group's bot above all, proves it for everybody.
    """
    if is_proved(proofs, key, owner, channel):
        return True
    others = (owner.model_copy(update={"id": who}) for who, at in proofs if at == channel.id)
    return any(is_proved(proofs, key, other, channel) for other in others)


def _confirmed(proofs: Proofs, key: str) -> MayReach:
    known: dict[tuple[str, str], bool] = {}

    def may_reach(owner: Owner, channel: Channel) -> bool:
        pair = (owner.id, channel.id)
        if pair not in known:
            known[pair] = is_confirmed(proofs, key, owner, channel)
        return known[pair]

    return may_reach


def _copies(
    queries: Queries, intents: Sequence[Intent], project: Project, may_reach: MayReach
) -> frozenset[IntentId]:
    """Return the messages of which a copy goes, or went, to a proved address of the same person."""
    found = set()
    for intent in intents:
        owner, channel = project.owner(intent.recipient_id), project.channel(intent.channel_id)
        if owner is None or channel is None or may_reach(owner, channel):
            continue
        for other in queries.sent_with(intent):
            way = project.channel(other.channel_id)
            same = (other.recipient_id, other.kind) == (intent.recipient_id, intent.kind)
            if same and other.status not in _GONE and way is not None and may_reach(owner, way):
                found.add(intent.intent_id)
    return frozenset(found)


def _gathered(
    queries: Queries, intents: Sequence[Intent]
) -> dict[IntentId, tuple[IncidentId, ...]]:
    """Return the incidents that summaries stand for."""
    found = {}
    for intent in intents:
        if intent.kind == "summary" and not intent.trial_id:
            members = (one for _, one in queries.summary_members(intent.intent_id))
            found[intent.intent_id] = tuple(one.incident_id for one in members if one.incident_id)
    return found
