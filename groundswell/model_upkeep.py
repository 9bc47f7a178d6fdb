"""Tells the engineers of weights that cannot be used, once for each time they were promoted."""

from __future__ import annotations

import hashlib
import logging
from base64 import b32encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from alerts.model_notices import damaged
from alerts.quiet import quiet_until
from alerts.routing import usable_channels
from alerts.trial import redirect_all
from config.channel_schema import text_limits
from config.schema import Project
from groundswell.gate import with_trials
from groundswell.models import Live, Problem
from groundswell.upkeep import recipients
from storage.records import ChannelId, Intent, IntentId, Level, OwnerId
from storage.store import Store

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class ModelUpkeep:
    """Writes notices of the problems that `Live` met."""

    store: Store
    project: Project
    models: Live
    _told: set[Problem] = field(default_factory=set)

    def tell(self, now: datetime) -> int:
        """Put what was not told yet into the outbox; return how many messages that is.

        The message's key is the promotion, so a restart tells nothing twice.
        """
        fresh = [problem for problem in self.models.problems if problem not in self._told]
        if not fresh:
            return 0
        intents = [intent for problem in fresh for intent in self._intents(problem, now)]
        with self.store.transaction() as tx:
            project = with_trials(self.project, tx.queries, now)
            written = tx.add_intents(redirect_all(intents, None, project))
        self._told.update(fresh)
        return written

    def _intents(self, problem: Problem, now: datetime) -> Iterator[Intent]:
        found = recipients(None, self.project, now)
        if not found:
            log.error("model=%s unusable: nobody to tell", problem.version)
        for owner_id in found:
            owner = self.project.owner(owner_id)
            assert owner is not None  # recipients are owners who can be reached
            channel = usable_channels(owner, self.project)[0]
            letter = damaged(
                kind=problem.kind,
                version=problem.version,
                text=problem.text,
                at=now,
                zone=owner.zone,
                limit_bytes=text_limits(channel, Level.NONE).bytes,
            )
            yield Intent(
                intent_id=_key(problem, owner_id),
                incident_id=None,
                epoch=0,
                kind="source",
                step=0,
                recipient_id=OwnerId(owner.id),
                channel_id=ChannelId(channel.id),
                level=Level.NONE,
                subject=letter.subject,
                body=letter.body,
                html=letter.html,
                created_at=now,
                due_at=quiet_until(
                    owner.quiet_hours, owner.zone, now, self.project.settings.calendar
                )
                or now,
            )


def _key(problem: Problem, owner_id: str) -> IntentId:
    told = f"model|{problem.kind}|{problem.version}|{problem.promoted_at}|{owner_id}"
    return IntentId(b32encode(hashlib.sha256(told.encode()).digest())[:26].decode().lower())
