"""Walks what really happened once more, under one configuration: round by round, act by act.

In: the Past, and a project. Out: the incidents, events and messages that come of it. What judges is
the shipped code (act_on, remind_on, follow); what people did happens again where it still can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import log
from typing import Any

from alerts import journal
from alerts.batches import MIN_AUTHORS
from alerts.clock_jump import after_jump
from alerts.grading import HOLD
from alerts.incidents import Command, on_command
from alerts.launch import fewest_authors
from alerts.messages import NoLinks
from alerts.score import TIERS
from config.errors import GroundswellError
from config.schema import Project
from groundswell.acting import act_on, remind_on
from groundswell.batches import BatchView
from groundswell.hot import HotLists, HotView
from groundswell.judging import judge
from groundswell.passes import decode_hot, hours_of, rules_of
from groundswell.pulses import PulseView, brand_clusters
from groundswell.regrouping import follow
from storage.codec import decode
from storage.completeness import serves
from storage.past import Past, Sure, made, write_aliases, write_events
from storage.records import (
    BRAND_PREFIX,
    BrandId,
    Change,
    ClusterEvent,
    ClusterId,
    Complainant,
    Incident,
    IncidentEvent,
    IncidentId,
    Intent,
    Level,
    Mention,
    Pass,
    SourceId,
    TaskKind,
    Timer,
)
from storage.scratch import RehearsalTransaction, mention_of_member
from storage.silences import silence_of
from storage.world import Talk

_WINDOW = timedelta(hours=48)  # as groundswell.stages grades anew
_DOWN = timedelta(minutes=30)  # rounds come each ten minutes: the engine stood
# Under other rules a walk is an estimate: mentions of ten minutes are graded together, and whole
# brands and incidents in which somebody wrote once an hour, the rest each six hours
# (docs/adr/0038: what that costs in delay).
_TOGETHER = timedelta(minutes=10)
_ANEW = timedelta(hours=1)
_FEW_VIEWS, _FEW_REPOSTS = 500, 50  # below these the score gives nothing (alerts.score)
_MANY_PLATFORMS = 3  # from here on they give points by themselves (alerts.score)
_WINDOWS_FOR = timedelta(hours=72 + 48)  # alerts.surge: the widest window, and how late it ended
_RAMP_FOR = timedelta(days=15, hours=6)  # alerts.baseline: 14 days of steps, of a day each
_PUT_OFF = timedelta(minutes=5)  # as groundswell.stages

Advance = Callable[[int, int], None]


class _Seen(HotLists):
    """Hot-search lists as they were seen in that round."""

    view = HotView()

    def look(self, queries: Any, now: datetime) -> HotView:
        """Return what was noted."""
        del queries, now
        return self.view


@dataclass(frozen=True, slots=True)
class Told:
    """One message: to whom, when, of which incident and level."""

    at: datetime
    owner_id: str
    incident_id: str
    kind: str
    level: int

    @classmethod
    def of(cls, intent: Intent) -> Told:
        """Return what a message is counted by."""
        return cls(
            intent.created_at,
            intent.recipient_id,
            str(intent.incident_id),
            intent.kind,
            int(intent.level),
        )


@dataclass(slots=True)
class Played:
    """What came of a walk."""

    events: list[IncidentEvent] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    incidents: dict[str, Incident] = field(default_factory=dict)
    dropped: int = 0  # acts of people on what is not there, or stands otherwise
    rounds: int = 0
    mentions: int = 0  # that were in clusters in the end


class Walk:
    """One walk from the start to the end."""

    def __init__(
        self,
        tx: RehearsalTransaction,
        past: Past,
        project: Project,
        live: Project,
        sure: Sure,
        *,
        thorough: bool = False,
        own: frozenset[str] | None = None,
    ) -> None:
        """Begin; `own` are the brands to judge where the others are another walk's."""
        self.tx = tx
        self._own = own
        self.past = past
        self.project = project
        self.played = Played()
        self._sure = sure
        self._rules = rules_of(project)
        self._hot = _Seen(project)
        self._links = NoLinks()
        self._thorough = thorough
        self._changed = _by_instant(past.events)
        self._kin = _kin(past)
        self._late: dict[ClusterId, list[Mention]] = {}  # got mentions since they were graded
        self._graded_at = past.start.at
        self._regraded_at = past.start.at - _ANEW
        self._cooled_at = past.start.at - HOLD
        self._last = past.start.at
        self._due: datetime | None = None
        self._stale = True
        self._real = _by_incident(past.events)
        self._told = _by_act(past.told)
        self._is_faithful: dict[str, bool] = {}  # whether all of an incident happened so, too
        self._silences = {row["silence_id"]: row for row in past.silences}
        self._journal_rows = {one.event_no: one for one in past.journal}
        around = tx.scene.around
        sources = [one for one in live.sources if one.enabled]
        brands = tuple(BrandId(one.id) for one in live.brands)
        for brand in brands:
            own = frozenset(SourceId(one.id) for one in sources if brand in serves(one, brands))
            around.sources[own] = brand

    def go(self, advance: Advance) -> Played:
        """Walk to the end; `advance` is told how many of how many rounds are done."""
        passes = {one.pass_no: one for one in self.past.passes}
        last = self.past.passes[-1].pass_no if self.past.passes else 0
        numbers = sorted({*passes, *(one for one in self.past.steps if one <= last)})
        for n, number in enumerate(numbers):
            one = passes.get(number)
            if one is None:
                self._change(number)
            else:
                self._round(one)
            if not n % 200:
                advance(n, len(numbers))
        advance(len(numbers), len(numbers))
        members = self.tx.scene.world.members
        self.played.mentions = sum(self._own is None or brand in self._own for brand, _ in members)
        return self.played

    # --- rounds ----------------------------------------------------------------------------------

    def _round(self, one: Pass) -> None:
        is_same = one.rules == self._rules
        if not is_same:
            self._catch_up(one.at)
        self._look_around(one)
        self.tx.now = one.at
        self.tx.scene.around.is_noted = is_same
        self.played.rounds += 1
        match one.kind:
            case "gather":
                self._gather(one, is_same=is_same)
            case "regrade":
                self._regrade(one, is_same=is_same)
            case "understand" | "label":
                self._act(dict.fromkeys(one.data.get("clusters", ()), ()), one.at)
            case "edit":
                self._act({}, one.at, self._journal(one))
            case "remind" if is_same:
                ids = [IncidentId(name) for name in one.data.get("incidents", ())]
                self._remind(ids, one.at, is_backlog=one.data.get("backlog", False))
            case "put_off":
                for name in one.data.get("incidents", ()):
                    due = self.tx.timers_due(IncidentId(name), one.at)
                    self.tx.put_off(due, one.at + _PUT_OFF)
            case "act":
                self._people(one)
            case _:
                pass  # a checkpoint, or timers that were carried out above
        self._last = one.at

    def _change(self, number: int) -> None:
        step = self.past.steps[number]
        world = self.tx.scene.world
        for key, content in step.members.items():
            world.put(key, None if content is None else made(key, content, self._sure))
        if step.aliases:
            write_aliases(self.tx, step.aliases)

    def _gather(self, one: Pass, *, is_same: bool) -> None:
        step = self.past.steps.get(one.pass_no)
        homes = one.data.get("homes", {})
        fresh: dict[ClusterId, list[Mention]] = {}
        if step is not None:
            self._change(one.pass_no)
            world = self.tx.scene.world
            for key in sorted(step.members, key=lambda key: key[1]):
                member = world.members.get(key)
                if member is None:
                    continue  # by these rules it is not negative
                home = world.today(homes.get(str(member.mention), member.cluster))
                fresh.setdefault(ClusterId(home), []).append(mention_of_member(member))
        live = {name: new for name, new in fresh.items() if not all(m.history for m in new)}
        events = self._journal(one)
        if is_same or self._thorough or events:
            self._act(live, one.at, events, is_same=is_same)
            return
        for name, new in live.items():
            self._late.setdefault(name, []).extend(new)
        if one.at - self._graded_at >= _TOGETHER:
            self._grade_late(one.at)

    def _grade_late(self, now: datetime) -> None:
        """Grade what got mentions of late; those of ten minutes are graded together.

        What has an incident waits for its hour: people know of it.
        """
        known = {one for one in self._late if self.tx.has_incident(one)}
        late = {one: new for one, new in self._late.items() if one not in known}
        self._late = {one: self._late[one] for one in known}
        self._graded_at = now
        if late:
            self._act({self._today(name): new for name, new in late.items()}, now)

    def _today(self, name: ClusterId) -> ClusterId:
        return ClusterId(self.tx.scene.world.today(name))

    def _regrade(self, one: Pass, *, is_same: bool) -> None:
        named = one.data.get("clusters")
        if is_same and not self._thorough:
            changed = self._changed.get(one.at, ())
            named = sorted({name for own in changed for name in self._clusters_of(own)})
        elif not is_same and not self._thorough and one.at - self._regraded_at < _ANEW:
            self._grade_late(one.at)
            return
        elif named is None or not is_same:
            self._regraded_at = one.at
            self._grade_late(one.at)
            authors = fewest_authors(self.project)
            moved = self.tx.queries.active_clusters(one.at - _WINDOW, authors)
            known = (self.tx.queries.cluster(name) for name in brand_clusters(self.project))
            named = sorted({*moved, *(own.cluster_id for own in known if own is not None)})
        late, self._late = self._late, {}
        fresh = {self._today(name): new for name, new in late.items()}
        if not is_same and not self._thorough:
            if one.at - self._cooled_at >= HOLD:
                self._cooled_at = one.at
            else:  # of what nobody writes in, only the brands' whole talk is looked at sooner
                named = [
                    name
                    for name in named
                    if name.startswith(BRAND_PREFIX) and not self.tx.has_incident(name)
                ]
        self._act(dict.fromkeys(named, ()) | fresh, one.at, is_same=is_same)

    def _clusters_of(self, incident_id: str) -> set[ClusterId]:
        """Return the clusters of today of a real incident, and of all that were merged with it."""
        links = self.past.links
        names = self._kin.get(incident_id, {incident_id})
        own = {self._today(ClusterId(one)) for name in names for one in links.get(name, ())}
        return {one for one in own if self.tx.queries.cluster(one) is not None}

    def _act(
        self,
        fresh: Any,
        now: datetime,
        events: Sequence[ClusterEvent] = (),
        *,
        is_same: bool = False,
    ) -> None:
        before: Any = {}
        graded = dict(fresh)
        if events:
            regrouped = follow(self.tx, events, self.project, self._links, now)
            before = regrouped.before
            graded = {name: [] for name in regrouped.clusters} | graded
        if self._own is not None:
            graded = {one: new for one, new in graded.items() if self._is_own(one)}
        if not self._thorough:
            graded = self._worth(graded, now, is_same=is_same)
        if not graded:
            self._collect()
            return
        act_on(
            self.tx,
            graded,
            now,
            project=self.project,
            hot_lists=self._hot,
            links=self._links,
            before=before,
        )
        self._collect()

    def _is_own(self, cluster_id: ClusterId) -> bool:
        cluster = self.tx.queries.cluster(cluster_id)
        return cluster is not None and self._own is not None and cluster.brand_id in self._own

    def _worth(self, graded: Any, now: datetime, *, is_same: bool) -> dict[ClusterId, Any]:
        """Leave out clusters of which it is known already that nothing comes.

        By the rules that judged then: all in which nothing came about. By others: those that no
        ground at all can raise, whatever the instant.
        """
        if not is_same:
            return {one: new for one, new in graded.items() if not self._is_quiet(one, now)}
        changed = self._changed.get(now, ())
        known = {one for name in changed for one in self._clusters_of(name)} if changed else set()
        return {one: new for one, new in graded.items() if one in known}

    def _is_quiet(self, cluster_id: ClusterId, now: datetime) -> bool:
        """Say whether a cluster has too few people for a surge, no incident and no other ground."""
        cluster = self.tx.queries.cluster(cluster_id)
        if cluster is None or cluster.parent_id is not None or self.tx.has_incident(cluster_id):
            return False
        if cluster_id.startswith(BRAND_PREFIX) or self._hot.view.lines.get(cluster.brand_id):
            return False
        talk = self.tx.scene.world.talk(cluster.cluster_id)
        totals, facts = talk.totals(), talk.facts()
        if self._may_surge(talk, now, MIN_AUTHORS if facts["products"] else None):
            return False
        return not (
            facts["severity"]
            or set(facts["tiers"]) & set(TIERS)
            or len(facts["platforms"]) >= _MANY_PLATFORMS
            or (totals["views"] or 0) >= _FEW_VIEWS
            or (totals["reposts"] or 0) >= _FEW_REPOSTS
        )

    def _may_surge(self, talk: Talk, now: datetime, batch: int | None) -> bool:
        """Say whether any window, the sum of two weeks, or a batch can hold enough people at all.

        A window of at most 72 h that is looked at ended within 48 h. A step of the cumulative sum
        adds at most a quarter of ln 2 a person of its day, and a person stands in four steps.
        """
        rules = self.project.settings.surge
        fewest = fewest_authors(self.project)
        _, watch, _ = talk.authors(now)
        if batch is not None and len(watch) >= batch:
            return True
        if sum(at > now - _WINDOWS_FOR for at, _ in watch) >= fewest:
            return True
        if len(watch) < fewest:
            return False  # the sum is not run at all
        people = sum(one.watch for one in talk.hours.between(now - _RAMP_FOR, None))
        return people * log(2.0) >= min(rules.ramp_watch, rules.ramp_page)

    def _remind(self, ids: list[IncidentId], now: datetime, *, is_backlog: bool = False) -> None:
        remind_on(
            self.tx,
            ids,
            now,
            project=self.project,
            hot_lists=self._hot,
            links=self._links,
            is_backlog=is_backlog,
        )
        self._collect()

    def _catch_up(self, until: datetime) -> None:
        """Carry out timers when they are due; where the engine stood, when it came back."""
        while True:
            due = self._next_due()
            if due is None or due > until:
                return
            at = until if until - self._last > _DOWN else max(due, self._last)
            self.tx.now = at
            ids = self.tx.queries.incidents_due(at)
            self._remind(ids, at)
            self._stale = True
            if self._next_due() == due:
                return  # nothing came of it: left for the next round

    def _next_due(self) -> datetime | None:
        if self._stale:
            self._due, self._stale = self.tx.next_due(), False
        return self._due

    def _journal(self, one: Pass) -> list[ClusterEvent]:
        said = one.data.get("events")
        if not said:
            return []
        last, count = said
        numbers = range(last - count + 1, last + 1)
        events = [self._journal_rows[one] for one in numbers if one in self._journal_rows]
        write_events(self.tx, events)
        return events

    def _look_around(self, one: Pass) -> None:
        around, data = self.tx.scene.around, one.data
        around.live |= data.get("live", {})
        if "blind" in data:
            around.blind = hours_of(data["blind"])
        around.own_blind |= {name: hours_of(runs) for name, runs in data.get("own", {}).items()}
        if "hot" in data:
            self._hot.view = decode_hot(data["hot"])
        around.shown = data.get("shown", {})
        for name, (authors, hours, clusters) in data.get("rates", {}).items():
            around.rates[name] = (authors, hours, clusters)
        around.silent = data.get("silent", {})
        around.waiting = frozenset(data.get("waiting", ()))

    # --- people ----------------------------------------------------------------------------------

    def _people(self, one: Pass) -> None:
        data = one.data
        if "named" in data:
            self._silence(data["named"], one.at)
        if "jump_us" in data:
            by = timedelta(microseconds=data["jump_us"])
            self.tx.shift_instants(by, one.at - by)
            self._stale = True
        changes = data.get("changes", ())
        if self._own is not None:
            mine = [said for said in changes if said["incident"] in self.past.incidents]
            if changes and not mine:
                return  # another walk's
            changes = mine
        stands = [self._stands(said) for said in changes]
        if all(stands):
            for said in changes:
                self._again(said, one.at)
        elif data.get("command"):
            self._anew(changes[0]["incident"], data["command"], changes, one.at)
        elif "jump_us" in data:
            self._jumped(timedelta(microseconds=data["jump_us"]), one.at)
        else:
            self.played.dropped += 1
        self._collect()

    def _stands(self, said: Any) -> bool:
        """Say whether an incident stands as it did when somebody acted on it."""
        found = self.tx.incident(said["incident"])
        return (
            found is not None
            and found.seq == said["seqs"][0] - 1
            and self._is_faithful.get(found.incident_id, True)
        )

    def _again(self, said: Any, now: datetime) -> None:
        """Let an act happen again as it was."""
        name = IncidentId(said["incident"])
        first, last = said["seqs"]
        events = [self._real[name][seq] for seq in range(first, last + 1)]
        after = self.tx.incident(name)
        for event in events:
            after = journal.apply(after, event)
        assert after is not None
        change = Change(
            incident=after,
            events=tuple(events),
            timers=tuple(decode(Timer, one) for one in said["timers"]),
            cancel_timers=tuple(said["stop"]),
            intents=tuple(self._told.pop((name, now), ())),
            cancel_intents=said["drop"],
            complainants=tuple(decode(Complainant, one) for one in said["complainants"]),
        )
        self.tx.save_change(change)

    def _anew(self, name: str, command: Any, changes: Sequence[Any], now: datetime) -> None:
        """Carry out what somebody asked for, where it still can be."""
        found = self.tx.incident(name)
        if found is None:
            self.played.dropped += 1
            return
        other = next((one["incident"] for one in changes[1:]), "")
        into = self.tx.incident(other) if other else None
        asked = replace(_command(command), into=into)
        seen = self._hot.see(self.tx.evidence(found.cluster_id, now), self._hot.view)
        evidence = BatchView(self.project, self.tx.queries, now).see(seen)
        pulses = PulseView(self.project, self.tx.queries, now)
        graded = judge(pulses.see(evidence), found, found, self.project, now, pulses)
        try:
            change = on_command(found, asked, self.project, now, evidence=evidence, grade=graded)
            self.tx.save_change(change)
        except GroundswellError:
            self.played.dropped += 1

    def _silence(self, named: str, now: datetime) -> None:
        row = self._silences.get(named)
        if row is None:
            return
        if row["created_at"] == now:
            self.tx.add_silence(silence_of({**row, "ended_at": None, "ended_by": ""}))
        else:
            self.tx.end_silence(named, now, row["ended_by"])

    def _jumped(self, by: timedelta, now: datetime) -> None:
        for incident in self.tx.open_incidents():
            change = after_jump(incident, by, self.project, now)
            if change is not None:
                self.tx.save_change(change)

    # --- what came of it -------------------------------------------------------------------------

    def _collect(self) -> None:
        changes = self.tx.scene.changes
        if changes:
            self._stale = True
        for change in changes:
            name = change.incident.incident_id
            real = self._real.get(name, {})
            kinds = [(real[e.seq].kind if e.seq in real else "") == e.kind for e in change.events]
            self._is_faithful[name] = self._is_faithful.get(name, True) and all(kinds)
            self.played.events += change.events
            self.played.incidents[name] = change.incident
            self.played.told += [Told.of(one) for one in change.intents]
        changes.clear()


def _command(said: Any) -> Command:
    """Read a command back; what it names as its end is not in it."""
    instants = {name: said[name] for name in ("until", "at") if said.get(name)}
    return Command(
        **said
        | {name: datetime.fromisoformat(at) for name, at in instants.items()}
        | ({"who": tuple(said["who"])} if "who" in said else {})
        | ({"level": Level(said["level"])} if said.get("level") else {})
        | ({"task_kind": TaskKind(said["task_kind"])} if said.get("task_kind") else {})
    )


def _kin(past: Past) -> dict[str, set[str]]:
    """Return, by incident, those that were ever merged with it, directly or not."""
    found: dict[str, set[str]] = {}
    for event in (*past.before, *past.events):
        into = event.data.get("merged_into")
        if into:
            both = found.get(event.incident_id, {event.incident_id}) | found.get(into, {into})
            for one in both:
                found[one] = both
    return found


def _by_instant(events: Iterable[IncidentEvent]) -> dict[datetime, set[str]]:
    found: dict[datetime, set[str]] = {}
    for event in events:
        found.setdefault(event.at, set()).add(event.incident_id)
    return found


def _by_incident(events: Iterable[IncidentEvent]) -> dict[str, dict[int, IncidentEvent]]:
    found: dict[str, dict[int, IncidentEvent]] = {}
    for event in events:
        found.setdefault(event.incident_id, {})[event.seq] = event
    return found


def _by_act(messages: Iterable[Intent]) -> dict[tuple[str, datetime], list[Intent]]:
    found: dict[tuple[str, datetime], list[Intent]] = {}
    for one in messages:
        found.setdefault((str(one.incident_id), one.created_at), []).append(one)
    return found
