"""The daily digest: once per owner and local day, written into the outbox with its claim."""

from __future__ import annotations

import hashlib
from base64 import b32encode
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from alerts.digest import compose, to_html, to_text
from alerts.trial import digest_share, redirect
from config.schema import Owner, Project
from groundswell.batches import new_signals
from groundswell.coverage import never_connected
from groundswell.drift import drift_of
from groundswell.launch_page import briefs
from groundswell.gate import with_trials
from groundswell.links import SignedLinks
from groundswell.topics import survey_topics
from storage.queries import Queries
from storage.records import (
    BrandTopics,
    ChannelId,
    Digest,
    DigestFacts,
    Intent,
    IntentId,
    Level,
    OwnerId,
    SourceId,
)
from storage.store import Store

_LATE = timedelta(hours=12)  # a digest missed by more (the program was down) is skipped for the day
_CHAT_BYTES = 3800  # below the 4,096 bytes that the narrowest chat channel takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """Composes digests from the store and puts due ones into the outbox."""

    store: Store
    project: Project
    links: SignedLinks

    def compose(self, owner: Owner, day: date, *, now: datetime) -> Digest:
        """Return the digest of one local day for one owner."""
        since, until = day_range(owner, day)
        with self.store.read() as queries:
            facts = self._facts(queries, day, since, min(until, now))
            topics = survey_topics(queries, self.project, self._last_day(min(until, now)))
        return compose(replace(facts, topics=topics), owner, self.project.owners, now)

    def write_due(self, now: datetime) -> int:
        """Write the digests that are due now; return how many. Each is claimed with its message."""
        due = [(owner, day) for owner in self.project.owners if (day := due_day(owner, now))]
        with self.store.read() as queries:
            due = [
                (owner, day)
                for owner, day in due
                if not queries.had_digest(OwnerId(owner.id), "daily", day)
            ]
        told: dict[date, tuple[BrandTopics, ...]] = {}  # owners mostly share their hour
        return sum(self._send(owner, day, now, told) for owner, day in due)

    def send(self, owner: Owner, day: date, now: datetime) -> bool:
        """Put one digest into the outbox now; False when this owner has had it for that day."""
        return self._send(owner, day, now, {})

    def html(self, digest: Digest) -> str:
        """Return a digest as a mail-safe HTML page."""
        return to_html(digest, self.links.base_url)

    def text(self, digest: Digest) -> str:
        """Return a digest as text that fits a chat message."""
        return to_text(digest, _CHAT_BYTES, self.links.base_url)

    def _send(
        self, owner: Owner, day: date, now: datetime, told: dict[date, tuple[BrandTopics, ...]]
    ) -> bool:
        since, until = day_range(owner, day)
        until = min(until, now)
        last = self._last_day(until)
        if last not in told:  # seconds where much is gathered: not inside a write
            with self.store.read() as queries:
                told[last] = survey_topics(queries, self.project, last)
        with self.store.transaction() as tx:
            if not tx.claim_digest(OwnerId(owner.id), "daily", day, now):
                return False
            project = with_trials(self.project, tx.queries, now)
            facts = replace(self._facts(tx.queries, day, since, until), topics=told[last])
            digest = compose(digest_share(facts, owner, project), owner, self.project.owners, now)
            tx.add_intents([redirect(self._intent(digest, owner, now), None, project)])
            return True

    def _last_day(self, until: datetime) -> date:
        """Return the last day that is over: a week of whole days is what its page shows too."""
        return until.astimezone(self.project.settings.zone).date() - timedelta(days=1)

    def _facts(self, queries: Queries, day: date, since: datetime, until: datetime) -> DigestFacts:
        facts = queries.digest_facts(day, since, until, self.project)
        return replace(
            facts,
            missing=never_connected(queries, self.project, until),
            drifted=self._drifted(queries, until),
            signals=new_signals(queries, self.project, since, until),
            launches=briefs(queries, self.project, since, until),
        )

    def _drifted(self, queries: Queries, until: datetime) -> tuple[str, ...]:
        found = drift_of(queries, self.project, until)
        changed = (source for source in self.project.sources if source.id in found)
        return tuple(one.name for one in changed if found[SourceId(one.id)].state == "changed")

    def _intent(self, digest: Digest, owner: Owner, now: datetime) -> Intent:
        key = f"digest|{owner.id}|{digest.day.isoformat()}|{owner.channels[0]}"
        encoded = b32encode(hashlib.sha256(key.encode()).digest())[:26].decode().lower()
        return Intent(
            intent_id=IntentId(encoded),
            incident_id=None,
            epoch=0,
            kind="digest",
            step=0,
            recipient_id=OwnerId(owner.id),
            channel_id=ChannelId(owner.channels[0]),
            level=Level.NONE,
            subject=digest.headline,
            body=self.text(digest),
            html=self.html(digest),
            created_at=now,
            due_at=now,
        )


def due_day(owner: Owner, now: datetime) -> date | None:
    """Return the local day whose digest this owner should have by now, None when it is not time.

    A digest at 09:00 covers the 24 hours before 09:00 and is named after the day it arrives on.
    """
    if owner.digest_at is None:
        return None
    local = now.astimezone(owner.zone)
    due_at = _cut(owner, local.date())
    return local.date() if due_at <= now < due_at + _LATE else None


def day_range(owner: Owner, day: date) -> tuple[datetime, datetime]:
    """Return the instants between which the digest of `day` looks: from cut to cut."""
    return _cut(owner, day - timedelta(days=1)), _cut(owner, day)


def _cut(owner: Owner, day: date) -> datetime:
    """Return the instant of the owner's digest time on a local day (24:00 is the next midnight)."""
    at = owner.digest_at or "09:00"
    if at == "24:00":
        day, at = day + timedelta(days=1), "00:00"
    return datetime.combine(day, time.fromisoformat(at), owner.zone).astimezone(UTC)
