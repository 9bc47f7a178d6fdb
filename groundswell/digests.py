"""The daily digest: once per owner and local day, written into the outbox with its claim."""

from __future__ import annotations

import hashlib
from base64 import b32encode
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

from alerts.digest import compose, to_html, to_text
from alerts.events import events_between
from alerts.trial import digest_share, redirect
from config.schema import Owner, Project, WorkCalendar
from config.workdays import is_workday
from groundswell.batches import new_signals
from groundswell.coverage import never_connected
from groundswell.drift import drift_of
from groundswell.gate import with_trials
from groundswell.launch_page import briefs
from groundswell.ledger import overspent
from groundswell.links import SignedLinks
from groundswell.misroutes import weekly as weekly_misroutes
from groundswell.signal_record import signal_record
from groundswell.suggesting import weekly_lines
from groundswell.topics import survey_topics
from storage.queries import Queries
from storage.records import (
    BrandTopics,
    CalendarEvent,
    ChannelId,
    Digest,
    DigestFacts,
    Intent,
    IntentId,
    LaunchBrief,
    Level,
    OwnerId,
    SourceId,
)
from storage.store import Store

_LATE = timedelta(hours=12)  # a digest missed by more (the program was down) is skipped for the day
_LONGEST = timedelta(days=31)  # the longest holidays have nine days; more is no digest any more
_CHAT_BYTES = 3800  # below the 4,096 bytes that the narrowest chat channel takes


@dataclass(slots=True)
class _Told:
    """What the digests of one round have in common."""

    topics: dict[date, tuple[BrandTopics, ...]] = field(default_factory=dict)
    launches: dict[tuple[datetime, datetime], tuple[LaunchBrief, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """Composes digests from the store and puts due ones into the outbox."""

    store: Store
    project: Project
    links: SignedLinks

    def compose(self, owner: Owner, day: date, *, now: datetime) -> Digest:
        """Return the digest of one local day for one owner."""
        with self.store.read() as queries:
            since, until = covered(queries, owner, day, self._calendar)
            facts = self._facts(queries, day, since, min(until, now))
            topics = survey_topics(queries, self.project, self._last_day(min(until, now)))
            launches = briefs(queries, self.project, since, min(until, now))
        facts = replace(facts, topics=topics, launches=launches)
        return compose(facts, owner, self.project.owners, now)

    def write_due(self, now: datetime) -> int:
        """Write the digests that are due now; return how many. Each is claimed with its message."""
        due = [
            (owner, day)
            for owner in self.project.owners
            if (day := due_day(owner, now, self._calendar))
        ]
        with self.store.read() as queries:
            due = [
                (owner, day)
                for owner, day in due
                if not queries.had_digest(OwnerId(owner.id), "daily", day)
            ]
        told = _Told()  # owners mostly share their hour
        return sum(self._send(owner, day, now, told) for owner, day in due)

    def send(self, owner: Owner, day: date, now: datetime) -> bool:
        """Put one digest into the outbox now; False when this owner has had it for that day."""
        return self._send(owner, day, now, _Told())

    def html(self, digest: Digest) -> str:
        """Return a digest as a mail-safe HTML page."""
        return to_html(digest, self.links.base_url)

    def text(self, digest: Digest) -> str:
        """Return a digest as text that fits a chat message."""
        return to_text(digest, _CHAT_BYTES, self.links.base_url)

    def _send(self, owner: Owner, day: date, now: datetime, told: _Told) -> bool:
        with self.store.read() as queries:
            since, until = covered(queries, owner, day, self._calendar)
        until = min(until, now)
        last = self._last_day(until)
        # seconds where much is gathered: not inside a write
        if last not in told.topics:
            with self.store.read() as queries:
                told.topics[last] = survey_topics(queries, self.project, last)
        if (since, until) not in told.launches:
            with self.store.read() as queries:
                told.launches[since, until] = briefs(queries, self.project, since, until)
        with self.store.transaction() as tx:
            if not tx.claim_digest(OwnerId(owner.id), "daily", day, now):
                return False
            project = with_trials(self.project, tx.queries, now)
            facts = replace(
                self._facts(tx.queries, day, since, until),
                topics=told.topics[last],
                launches=told.launches[since, until],
            )
            digest = compose(digest_share(facts, owner, project), owner, self.project.owners, now)
            tx.add_intents([redirect(self._intent(digest, owner, now), None, project)])
            return True

    @property
    def _calendar(self) -> WorkCalendar:
        return self.project.settings.calendar

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
            verdicts=signal_record(queries),
            calendar=self._events(queries, since, day),
            tiers={one.id: one.name for one in self.project.customer_tiers},
            advice=(
                *weekly_lines(queries, self.project, since, day),
                *weekly_misroutes(queries, self.project, since, day),
            ),
            budgets=overspent(queries, self.project, until),
        )

    def _events(self, queries: Queries, since: datetime, day: date) -> tuple[CalendarEvent, ...]:
        first = min(since.astimezone(self.project.settings.zone).date(), day)
        return events_between(self.project, queries.calendar_events(first, day), first, day)

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


def due_day(owner: Owner, now: datetime, calendar: WorkCalendar | None = None) -> date | None:
    """Return the local day whose digest this owner should have by now, None when it is not time.

    A digest at 09:00 covers the 24 hours before 09:00 and is named after the day it arrives on.
    Whose digests rest on days off gets none on such a day.
    """
    if owner.digest_at is None:
        return None
    local = now.astimezone(owner.zone)
    if rests_on(owner, local.date(), calendar):
        return None
    due_at = _cut(owner, local.date())
    return local.date() if due_at <= now < due_at + _LATE else None


def rests_on(owner: Owner, day: date, calendar: WorkCalendar | None) -> bool:
    """Say whether an owner's digests rest on a day."""
    return owner.digest_on == "workdays" and not is_workday(calendar or WorkCalendar(), day)


def covered(
    queries: Queries, owner: Owner, day: date, calendar: WorkCalendar | None
) -> tuple[datetime, datetime]:
    """Return the instants between which the digest of `day` looks.

    Whose digests rest on days off is told of all since the last one, so that no hour is left out
    between two; without a last one, of all since the working day before. At most 31 days: the
    headline says from when.
    """
    since, until = day_range(owner, day)
    if owner.digest_on == "all":
        return since, until
    last = queries.last_digest(OwnerId(owner.id), "daily", day)
    if last is not None:
        since = min(_cut(owner, last[0]), last[1])
    else:
        before = day - timedelta(days=1)
        while rests_on(owner, before, calendar) and day - before < _LONGEST:
            before -= timedelta(days=1)
        since = _cut(owner, before)
    return max(since, until - _LONGEST), until


def day_range(owner: Owner, day: date) -> tuple[datetime, datetime]:
    """Return the instants between which the digest of `day` looks: from cut to cut."""
    return _cut(owner, day - timedelta(days=1)), _cut(owner, day)


def _cut(owner: Owner, day: date) -> datetime:
    """Return the instant of the owner's digest time on a local day (24:00 is the next midnight)."""
    at = owner.digest_at or "09:00"
    if at == "24:00":
        day, at = day + timedelta(days=1), "00:00"
    return datetime.combine(day, time.fromisoformat(at), owner.zone).astimezone(UTC)
