"""Links in messages: signed, for one purpose and one person, expiring; reading one changes nothing.

A token is made of the incident's own instants, never of the wall clock, so that a message rendered
twice from the same records is byte for byte the same.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from itsdangerous import BadSignature, URLSafeSerializer

from config.errors import GroundswellError
from storage.records import Incident, IncidentId, OwnerId
from storage.store import Store

_LIFETIME = timedelta(days=7)  # as long as an incident is usually open; then the console is used
_SALT = "groundswell.action"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a link allows: one action on one incident by one person, until `expires_at`.

    It speaks of the time the incident had come up for the `epoch`-th time, and of no later one.
    """

    incident_id: str
    epoch: int
    action: str
    owner_id: str
    expires_at: datetime


class SignedLinks:
    """Makes and reads links under one base URL with one secret key."""

    def __init__(self, base_url: str, key: str) -> None:
        self.base_url = base_url.rstrip("/")
        self._serializer = URLSafeSerializer(key, salt=_SALT)

    def incident(self, incident: Incident) -> str:
        """Return the address of an incident's page (it asks for a login)."""
        return self.page(incident.incident_id)

    def page(self, incident_id: IncidentId) -> str:
        """Return the address of the page of the incident with this id."""
        return f"{self.base_url}/incidents/{incident_id}"

    def action(self, incident: Incident, action: str, owner_id: OwnerId) -> str:
        """Return a link to a page with one button that lets `owner_id` do `action`."""
        expires = int((incident.updated_at + _LIFETIME).timestamp())
        said = [incident.incident_id, incident.epoch, action, owner_id, expires]
        token = self._serializer.dumps(said)
        return f"{self.base_url}/t/{token}"

    def read(self, token: str, now: datetime) -> Grant:
        """Return what a token allows.

        Errors: GroundswellError when it was not made by us or has expired.
        """
        try:
            incident_id, epoch, action, owner_id, expires = self._serializer.loads(token)
        except (BadSignature, ValueError, TypeError) as error:
            raise GroundswellError(
                "this link is not valid; open the incident in the console"
            ) from error
        expires_at = datetime.fromtimestamp(expires, UTC)
        if now > expires_at:
            raise GroundswellError("this link has expired; open the incident in the console")
        return Grant(
            incident_id=incident_id,
            epoch=epoch,
            action=action,
            owner_id=owner_id,
            expires_at=expires_at,
        )


def installation_key(store: Store, name: str) -> str:
    """Return a random key of this installation, made at first use and kept in its database."""
    found = store.meta(name)
    if found is not None:
        return found
    with store.transaction() as tx:
        return tx.first_meta(name, secrets.token_urlsafe(32))
