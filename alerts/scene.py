"""What a message is made from besides the incident: what is known, whom it goes to, its links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from config.schema import Channel, Owner, Project
from storage.records import NO_OWNER, Evidence, Incident, Mention, OwnerId, Silence, Verdict


class Links(Protocol):
    """Where a message leads; an empty string leaves the link out."""

    def incident(self, incident: Incident) -> str:
        """Return the address of an incident's page."""
        ...

    def action(self, incident: Incident, action: str, owner_id: OwnerId) -> str:
        """Return a signed address on which this person can do `action` ("ack", "silence" ...)."""
        ...


class NoLinks:
    """Links of an installation without a console: none."""

    def incident(self, incident: Incident) -> str:
        """Return no address."""
        del incident
        return ""

    def action(self, incident: Incident, action: str, owner_id: OwnerId) -> str:
        """Return no address."""
        del incident, action, owner_id
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a message may show besides the incident.

    Without evidence it shows the incident's own figures as last noted. `silences` say what is not
    said for the time being (alerts.silences).
    """

    project: Project
    links: Links
    evidence: Evidence | None = None
    samples: Sequence[tuple[Mention, Verdict]] = ()
    silences: Sequence[Silence] = ()  # that hold now, maintenance windows among them
    lesson: str = ""  # what helped with the nearest trouble before, with its card's address
    answered: str = ""  # how long the first complaint waited for an answer in public

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions that the mentions name, by which functions have people of their own."""
        return tuple(self.evidence.regions) if self.evidence else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Whom a message goes to and by when he is asked to act. `why` is the sentence about him."""

    recipient: Owner
    channel: Channel
    at: datetime  # when it may reach him
    ask_by: datetime | None = None
    why: str = ""
    late: timedelta | None = None  # how much later than planned, after an outage
    signed_for: OwnerId = NO_OWNER  # in whose name its links act; "": the recipient's
