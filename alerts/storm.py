"""Who is sent what now, what waits, and what is told together when too much comes at once.

In: a backlog, as one moment of the database shows it. Out: a plan. Pure: the same backlog gives the
same plan. Nothing is dropped: a message is taken, waits for its turn, or stands in a summary.

Source: alerting.md 2.4 (over budget = coalesce into one summary; orange and red have a third of
their own), 4 (group wait and interval per level), 5.5 (at most ten messages a person in ten
minutes). A notice that rings on several devices of one person counts once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.budget import day_end
from alerts.quiet import release_at
from alerts.summary import KIND, Page, grown, summary_id, write_summary
from alerts.trial import marked
from config.schema import Owner, Project
from storage import bucket
from storage.records import (
    Backlog,
    Budget,
    ChannelId,
    Intent,
    IntentId,
    IntentStatus,
    Level,
    Member,
    OwnerId,
    Plan,
    Summary,
    Told,
    Waiting,
)

MOST = 10  # messages to one person within WINDOW (alerting.md 5.5)
WINDOW = timedelta(minutes=10)
# How the ten are shared out: below orange three one by one and one summary, orange and red four
# one by one; the rest, and what is not used of the others, are summaries of orange and red.
_MILD_SINGLES = 3
_MILD = 4
_GRAVE_SINGLES = 4
_GRAVE_OWN = 2

# Since the first message that must wait until it is told in a summary: alerting.md 4, group wait;
# blue is pushed within 15 min.
_WAIT: Mapping[Level, timedelta] = {
    Level.RED: timedelta(0),
    Level.ORANGE: timedelta(seconds=10),
    Level.YELLOW: timedelta(seconds=60),
    Level.BLUE: timedelta(minutes=15),
    Level.NONE: timedelta(minutes=15),
}
# Between two summaries to one person: alerting.md 4, group interval.
_INTERVAL: Mapping[Level, timedelta] = {
    Level.RED: timedelta(minutes=2),
    Level.ORANGE: timedelta(minutes=5),
    Level.YELLOW: timedelta(minutes=15),
    Level.BLUE: timedelta(minutes=15),
    Level.NONE: timedelta(minutes=15),
}
# Over his budget somebody hears of blue and yellow this much later at the most: blue's time to
# acknowledge (alerting.md 4), so that what waits is still in time for it.
_BUDGET_WAIT = timedelta(hours=4)
_FEW_LEFT = 6  # with so many sent, what is left of the ten is spread: the wait of orange for all
_SOON = timedelta(seconds=1)

# Who is told where, and on which trial: what is on trial is never told together with what is not.
Place = tuple[OwnerId, ChannelId, str]


@dataclass(slots=True)
class _Person:
    """What one person was told within WINDOW, and is told by this plan."""

    mild: set[tuple[str, ...]] = field(default_factory=set)
    grave: set[tuple[str, ...]] = field(default_factory=set)
    summaries: dict[ChannelId, list[Level]] = field(default_factory=lambda: defaultdict(list))
    summed_at: datetime | None = None  # the last summary
    first_at: datetime | None = None  # the oldest that counts: when it leaves, a place is free
    budget_left: int | None = None  # of today; None: he has no budget

    @property
    def _rows(self) -> list[Level]:
        return max(self.summaries.values(), key=len, default=[])

    @property
    def total(self) -> int:
        return len(self.mild) + len(self.grave) + len(self._rows)

    @property
    def mild_total(self) -> int:
        return len(self.mild) + sum(level < Level.ORANGE for level in self._rows)

    def may_hear(self, intent: Intent) -> bool:
        """Say whether one more message to this person keeps within the ten."""
        key, is_grave = key_of(intent), intent.level >= Level.ORANGE
        if key in self.mild or key in self.grave:
            return True  # the same on another device
        if is_grave:
            singles_left = intent.kind == KIND or len(self.grave) < _GRAVE_SINGLES
            return singles_left and self.total < MOST
        if self.is_over_budget and intent.kind != KIND:
            return False
        singles_left = intent.kind == KIND or len(self.mild) < _MILD_SINGLES
        return singles_left and self.mild_total < _MILD and self.total < MOST - _GRAVE_OWN

    def hears(self, intent: Intent, at: datetime) -> None:
        """Count a message that is taken."""
        key = key_of(intent)
        if self.budget_left is not None and key not in self.mild | self.grave:
            self.budget_left -= 1
        self._count(intent.channel_id, intent.level, intent.kind, key, at)

    def heard(self, told: Told, now: datetime) -> None:
        """Count what was sent before."""
        if told.kind == KIND and (self.summed_at is None or told.at > self.summed_at):
            self.summed_at = told.at
        if told.at > now - WINDOW:
            self._count(told.channel_id, told.level, told.kind, told.key, told.at)

    def _count(
        self, channel_id: ChannelId, level: Level, kind: str, key: tuple[str, ...], at: datetime
    ) -> None:
        if kind == KIND:
            self.summaries[channel_id].append(level)
            self.summed_at = max(self.summed_at or at, at)
        else:
            (self.grave if level >= Level.ORANGE else self.mild).add(key)
        self.first_at = min(self.first_at or at, at)

    @property
    def is_over_budget(self) -> bool:
        """Whether blue and yellow wait for one summary: the budget of the day is used up."""
        return self.budget_left is not None and self.budget_left <= 0

    def summary_due(self, level: Level, since: datetime) -> datetime:
        """Return when a summary of this level that began to wait at `since` may be told."""
        due = since + _WAIT[level]
        if self.summed_at is None:
            return due
        interval = _INTERVAL[level]
        if self.total >= _FEW_LEFT:
            interval = max(interval, _INTERVAL[Level.ORANGE])
        return max(due, self.summed_at + interval)


@dataclass(slots=True)
class _Room:
    """What one channel still carries in this pass."""

    tokens: float
    mild: float
    rate: float  # tokens a second, for those who wait in line
    blocked_s: float = 0.0
    for_red: float = 0.0  # of the tokens, whatever else is waiting
    quiet_s: float = 0.0  # what is below orange waits so long for the provider's crowded minute
    in_line: int = 0

    def fits(self, intent: Intent) -> bool:
        kept = 0.0 if intent.level >= Level.RED else self.for_red
        if self.blocked_s > 0 or self.tokens - kept < 1:
            return False
        return intent.level >= Level.ORANGE or (self.mild >= 1 and self.quiet_s <= 0)

    def take(self, intent: Intent) -> None:
        self.tokens -= 1
        if intent.level < Level.ORANGE:
            self.mild -= 1

    def wait(self, intent: Intent) -> timedelta:
        self.in_line += 1
        share = 1.0 if intent.level >= Level.ORANGE else bucket.MILD
        line_s = self.in_line / (self.rate * share)
        return max(_SOON, timedelta(seconds=max(self.blocked_s, self.quiet_s, line_s)))


class Storm:
    """Decides for one project: what is taken, what waits, what is told together."""

    def __init__(
        self,
        project: Project,
        budgets: Mapping[ChannelId, Budget],
        page: Page,
    ) -> None:
        self._project = project
        self._budgets = budgets
        self._page = page

    def plan(
        self,
        backlog: Backlog,
        now: datetime,
        limit: int,
        slots: Mapping[ChannelId, int] | None = None,
    ) -> Plan:
        """Return what becomes of every message that is due; at most `limit` are taken.

        `slots`: so many attempts may begin on a channel now. What fits but has no slot stays due.
        """
        planning = _Planning(self._project, self._budgets, self._page, backlog, now)
        return planning.plan(limit, slots or {})


class _Planning:
    """One pass over one backlog."""

    def __init__(
        self,
        project: Project,
        budgets: Mapping[ChannelId, Budget],
        page: Page,
        backlog: Backlog,
        now: datetime,
    ) -> None:
        self._project = project
        self._budgets = budgets
        self._page = page
        self._backlog = backlog
        self._now = now
        self._rooms: dict[ChannelId, _Room] = {}
        self._people: dict[OwnerId, _Person] = defaultdict(_Person)
        for told in backlog.told:
            self._people[told.recipient_id].heard(told, now)
        for owner in project.owners:
            if owner.alert_budget is not None:
                owner_id = OwnerId(owner.id)
                left = owner.alert_budget - backlog.heard.get(owner_id, 0)
                self._people[owner_id].budget_left = left
        self._open = {_place_of(one): one for one in backlog.summaries}
        self._take: list[IntentId] = []
        self._put_off: dict[IntentId, datetime] = {}

    def plan(self, limit: int, slots: Mapping[ChannelId, int]) -> Plan:
        """Walk through what is due, the gravest first."""
        free = dict(slots)
        left: dict[Place, list[Waiting]] = defaultdict(list)
        taken: set[Place] = set()
        for waiting in self._backlog.due:
            intent = waiting.intent
            place = _place_of(intent)
            if not self._is_known(intent) or self._goes_now(intent, place in self._open):
                free[intent.channel_id] = free.get(intent.channel_id, limit) - 1
                if len(self._take) < limit and free[intent.channel_id] >= 0:
                    self._take.append(intent.intent_id)
                    taken |= {place} if intent.kind == KIND else set()
            elif is_foldable(intent) and not self._waits_alone(intent):
                left[place].append(waiting)
            else:
                self._wait(intent)
        summaries = [
            summary
            for place, waiting in left.items()
            for summary in self._fold(place, waiting, grows=place not in taken)
        ]
        return Plan(take=tuple(self._take), put_off=self._put_off, summaries=tuple(summaries))

    def _is_known(self, intent: Intent) -> bool:
        """Say whether person and channel are configured; else the courier finds somebody else."""
        return (
            intent.channel_id in self._budgets
            and self._project.owner(intent.recipient_id) is not None
        )

    def _goes_now(self, intent: Intent, has_summary: bool) -> bool:
        room, person = self._room(intent.channel_id), self._people[intent.recipient_id]
        is_grave = intent.level >= Level.ORANGE
        if room.blocked_s > 0 and (is_grave or self._is_over(intent, room.blocked_s)):
            return True  # the courier finds another channel
        if is_counted(intent):
            if has_summary and not is_grave and intent.kind != KIND:
                return False
            if not person.may_hear(intent):
                return False
        if not room.fits(intent):
            return False
        room.take(intent)
        if is_counted(intent):
            person.hears(intent, self._now)
        return True

    def _waits_alone(self, intent: Intent) -> bool:
        """Say whether a message waits seconds for its token rather than be told with others."""
        person = self._people[intent.recipient_id]
        if intent.level < Level.RED or intent.kind == KIND or not person.may_hear(intent):
            return False
        person.hears(intent, self._now)
        return True

    def _is_over(self, intent: Intent, seconds: float) -> bool:
        after = self._now + timedelta(seconds=seconds)
        return intent.deadline_at is not None and after > intent.deadline_at

    def _fold(self, place: Place, left: Sequence[Waiting], *, grows: bool) -> Iterable[Summary]:
        """Yield the summary that says these messages, or let a single one wait for its turn."""
        before = self._open.get(place) if grows else None
        fresh = [one for one in left if before is None or one.intent.intent_id != before.intent_id]
        if before is not None and len(fresh) < len(left):
            self._wait(before)
            if before.intent_id in self._take:  # it leaves for another channel as it is
                before = None
        if not fresh:
            return
        # one that lacks a token waits for it; one too many for its reader begins a summary
        lacks_room = self._people[place[0]].may_hear(fresh[0].intent)
        if before is None and len(fresh) == 1 and lacks_room:
            self._wait(fresh[0].intent)
            return
        owner = self._project.owner(place[0])
        channel = self._project.channel(place[1])
        assert owner is not None, "looked up before"
        assert channel is not None, "looked up before"
        first = fresh[0].intent
        known = self._backlog.members.get(before.intent_id, ()) if before is not None else ()
        members = [*known, *self._members(fresh)]
        level = max(member.level for member in members)
        since = before.created_at if before is not None else self._now
        person = self._people[place[0]]
        spent = person.is_over_budget and level < Level.ORANGE
        written = write_summary(
            before.intent_id if before else summary_id(owner.id, channel.id, first.intent_id),
            owner,
            channel,
            members,
            now=self._now,
            due_at=self._budget_due(owner, level, since)
            if spent
            else person.summary_due(level, since),
            budget=owner.alert_budget if spent else None,
            page=self._page,
        )
        if place[2]:
            written = marked(written, place[2])
        yield Summary(
            intent=grown(before, written) if before is not None else written,
            members=tuple(one.intent.intent_id for one in fresh),
            is_new=before is None,
            reason="over_budget" if spent else "coalesced",
        )

    def _budget_due(self, owner: Owner, level: Level, since: datetime) -> datetime:
        """Return when somebody over his budget hears of what waits: within hours, or tomorrow."""
        at = max(self._now, min(since + _BUDGET_WAIT, day_end(owner, self._now)))
        project = self._project
        return release_at(owner, level, project.levels, at, project.settings.calendar)

    def _members(self, fresh: Sequence[Waiting]) -> Iterable[Member]:
        for one in fresh:
            intent = one.intent
            if intent.kind == KIND:
                yield from self._backlog.members.get(intent.intent_id, ())
                continue
            yield Member(
                level=intent.level,
                subject=intent.subject,
                incident_id=intent.incident_id,
                code=one.code,
            )

    def _wait(self, intent: Intent) -> None:
        """Put a message off until its channel or its reader has room."""
        room, person = self._room(intent.channel_id), self._people[intent.recipient_id]
        until = self._now + _SOON
        if not room.fits(intent):
            wait = room.wait(intent)
            until = self._now + wait
            if self._is_over(intent, wait.total_seconds()):
                self._take.append(intent.intent_id)  # the courier finds another channel
                return
        if is_counted(intent) and not person.may_hear(intent) and person.first_at is not None:
            until = max(until, person.first_at + WINDOW)
        self._put_off[intent.intent_id] = until

    def _room(self, channel_id: ChannelId) -> _Room:
        if channel_id not in self._rooms:
            self._rooms[channel_id] = self._measure(channel_id)
        return self._rooms[channel_id]

    def _measure(self, channel_id: ChannelId) -> _Room:
        budget = self._budgets.get(channel_id, Budget())
        at = self._backlog.read_at
        state = self._backlog.states.get(channel_id) or bucket.fresh(channel_id, budget, at)
        blocked_s = 0.0
        if state.blocked_until is not None:
            blocked_s = max(0.0, (state.blocked_until - at).total_seconds())
        quiet_s = 60.0 - at.second if at.minute in budget.quiet_minutes else 0.0
        tokens = mild = rate = float("inf")
        for_red = 0.0
        if budget.per_minute is not None:
            tokens, mild = bucket.room(state, budget, at)
            rate = budget.per_minute * bucket.SUSTAINED / 60
            for_red = min(1.0, bucket.capacity(budget.per_minute) - 1)
        return _Room(tokens, mild, rate, blocked_s, for_red, quiet_s)


def _place_of(intent: Intent) -> Place:
    return intent.recipient_id, intent.channel_id, intent.trial_id


def is_foldable(intent: Intent) -> bool:
    """Say whether a summary may speak for it: it surely did not arrive, and is about an incident.

    What may be out already must come again as it was; a digest or a test is for itself.
    """
    waits = intent.status in {IntentStatus.PENDING, IntentStatus.RETRY}
    return waits and (intent.incident_id is not None or intent.kind == KIND)


def is_counted(intent: Intent) -> bool:
    """Say whether a message counts among the ten: a repeat was counted when it first left."""
    return is_foldable(intent)


def key_of(intent: Intent) -> tuple[str, ...]:
    """Return what is the same for the copies of one notice on a person's devices."""
    if intent.incident_id is None:
        return (intent.intent_id,)
    return (intent.incident_id, str(intent.epoch), intent.kind, str(intent.step))
