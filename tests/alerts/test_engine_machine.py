"""Random histories of the whole engine on SQLite: deciding, storing and sending, P1 to P10, P12, P19.

GROUNDSWELL_MACHINE_EXAMPLES sets the number of histories, GROUNDSWELL_MACHINE_STEPS their length.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from alerts.channels.answer import Answer, Sender
from alerts.commands import Command, CommandName, IllegalMove, allowed_commands
from alerts.delivery import Courier
from alerts.incidents import fold
from config.schema import Owner
from groundswell import wiring
from storage import tables
from storage.records import (
    ChannelId,
    ClusterId,
    DeliveryClass,
    IncidentEvent,
    IncidentState,
    Intent,
    IntentStatus,
    Mention,
)
from tests.alerts.outbox import FakeClock
from tests.alerts.people import make_project
from tests.crash.matrix.live import WarmStore
from tests.make import (
    NOW,
    SHARD,
    fingerprint_of,
    make_assignment,
    make_cluster,
    make_raw,
    make_shard_changes,
    make_verdict,
)

EXAMPLES = int(os.environ.get("GROUNDSWELL_MACHINE_EXAMPLES", "12"))
STEPS = int(os.environ.get("GROUNDSWELL_MACHINE_STEPS", "22"))
FINAL = {"sent", "dead", "cancelled"}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
CLUSTERS = (ClusterId("yunque-aaaaaaaa"), ClusterId("yunque-bbbbbbbb"))
PEOPLE = ("lin", "zhao", "chen", "sun", "wu")
PROJECT = make_project()
GRACE = timedelta(minutes=30)

# What a provider does with a message -> whether it is shown, and what the sender hears of it.
_FAULTS = {
    "500": (False, DeliveryClass.RETRY),
    "refused": (False, DeliveryClass.PERMANENT),
    "429": (False, DeliveryClass.THROTTLED),
    "lost before": (False, DeliveryClass.AMBIGUOUS),
    "lost after": (True, DeliveryClass.AMBIGUOUS),
}


class Death(BaseException):
    """The process ends here: nothing after it runs."""


class Provider:
    """A channel's other end: `shown` is what people see; keyed ones drop what they have seen."""

    per_second: float | None = None
    quiet_minutes: frozenset[int] = frozenset()

    def __init__(self, *, is_keyed: bool) -> None:
        self.is_keyed = is_keyed
        self.per_minute: int | None = None if is_keyed else 12
        self.shown: list[str] = []
        self.bodies: dict[str, str] = {}
        self.fault = ""
        self.dies = ""  # "before" or "after" showing the next message

    async def send(self, intent: Intent, owner: Owner, *, repeat: bool) -> Answer:
        await asyncio.sleep(0)  # another engine may come between
        dies, self.dies = self.dies, ""
        if dies == "before":
            raise Death
        shows, outcome = _FAULTS.get(self.fault, (True, DeliveryClass.OK))
        if shows:
            self._show(intent)
        if dies:
            raise Death
        status = None if outcome is DeliveryClass.AMBIGUOUS else 200
        return Answer(outcome=outcome, text=self.fault, http_status=status)

    def _show(self, intent: Intent) -> None:
        assert self.bodies.setdefault(intent.intent_id, intent.body) == intent.body
        if not (self.is_keyed and intent.intent_id in self.shown):
            self.shown.append(intent.intent_id)


class EngineMachine(RuleBasedStateMachine):
    """One installation whose engine is restarted, doubled and struck while people work with it."""

    def __init__(self, template: Path) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(prefix="gs-engine-")
        path = Path(self._folder.name) / "groundswell.db"
        shutil.copy(template, path)
        self.url = f"sqlite:///{path}"
        self.clock = FakeClock(NOW)
        self.providers: dict[ChannelId, Provider] = {
            ChannelId(channel.id): Provider(is_keyed=channel.kind == "webhook")
            for channel in PROJECT.channels
        }
        self.posts: dict[ClusterId, list[datetime]] = {one: [] for one in CLUSTERS}
        self.number = 0
        self.start()

    def start(self) -> None:
        self.store = WarmStore(self.url)
        application = wiring.wire(PROJECT, self.store, self.clock)
        self.journey, self.desk = application.journey, application.desk
        senders: dict[ChannelId, Sender] = dict(self.providers.items())
        self.couriers = [
            Courier(self.store, senders, PROJECT, self.clock, chance=lambda: 0.5, meter=self.clock)
            for _ in range(2)
        ]

    def teardown(self) -> None:
        try:
            if self.posts[CLUSTERS[0]] or self.posts[CLUSTERS[1]]:
                self._come_to_rest()
        finally:
            self.store.close()
            self._folder.cleanup()

    # --- what may happen ---

    @initialize(minutes_old=st.sampled_from([0, 20]))
    def trouble_begins(self, minutes_old: int) -> None:
        self.people_complain(CLUSTERS[0], 12, minutes_old)

    @rule(
        cluster=st.sampled_from(CLUSTERS),
        people=st.sampled_from([1, 3, 6, 12]),
        minutes_old=st.sampled_from([0, 0, 20, 600]),
    )
    def people_complain(self, cluster: ClusterId, people: int, minutes_old: int) -> None:
        at = self.clock.at - timedelta(minutes=minutes_old)
        fresh = self._gather(cluster, people, at)
        self.posts[cluster] += [at] * people
        self._act(cluster, fresh)

    @rule(cluster=st.sampled_from(CLUSTERS))
    def clusters_are_graded_again(self, cluster: ClusterId) -> None:
        if self.posts[cluster]:
            self._act(cluster, ())

    @rule(minutes=st.sampled_from([1, 3, 10, 16, 40, 180, 1500]))
    def time_passes(self, minutes: int) -> None:
        self.clock.pass_time(minutes=minutes)

    @rule()
    def timers_run(self) -> None:
        with self.store.transaction() as tx:
            self.journey.remind(tx, self.clock.at)

    @rule()
    def messages_leave(self) -> None:
        asyncio.run(self.couriers[0].deliver_due())

    @rule()
    def two_engines_send_at_once(self) -> None:
        async def both() -> None:
            await asyncio.gather(*(courier.deliver_due() for courier in self.couriers))

        asyncio.run(both())

    @rule(when=st.sampled_from(["before", "after"]), again_at_once=st.booleans())
    def engine_dies_while_it_sends(self, when: str, again_at_once: bool) -> None:
        """Whichever channel sends next: the engine ends before or after the message is shown."""
        for provider in self.providers.values():
            provider.dies = when
        with contextlib.suppress(Death):
            asyncio.run(self.couriers[0].deliver_due())
        for provider in self.providers.values():
            provider.dies = ""
        self._let_leases_run_out()
        self._restart()
        if again_at_once:
            asyncio.run(self.couriers[0].deliver_due())

    @rule()
    def engine_is_restarted(self) -> None:
        self._restart()

    @rule(
        channel=st.sampled_from(["bot", "mail", "hook"]),
        fault=st.sampled_from(["", *sorted(_FAULTS)]),
    )
    def provider_changes_its_mood(self, channel: str, fault: str) -> None:
        self.providers[ChannelId(channel)].fault = fault

    @rule(data=st.data(), actor=st.sampled_from(PEOPLE), hours=st.sampled_from([1, 30]))
    def somebody_acts(self, data: st.DataObject, actor: str, hours: int) -> None:
        with self.store.read() as queries:
            incidents = sorted(queries.incidents(), key=lambda one: one.incident_id)
        if not incidents:
            return
        incident = data.draw(st.sampled_from(incidents), label="incident")
        others = [one for one in incidents if one.incident_id != incident.incident_id]
        name = data.draw(st.sampled_from(sorted(allowed_commands(incident))), label="command")
        self.number += 1
        command = Command(
            name=name,
            actor=actor,
            text="按流程处理",
            owner_id=data.draw(st.sampled_from(PEOPLE), label="to"),
            until=self.clock.at + timedelta(hours=hours),
            command_id=f"c{self.number}",
        )
        into = others[0].incident_id if others and name == CommandName.MERGE else ""
        try:
            self.desk.act(incident.incident_id, command, into=into)
        except IllegalMove:
            return  # it lacks what this act needs: the state machine of incidents looks at those
        before = self._rows("incident_event"), self._rows("intent")
        with contextlib.suppress(IllegalMove):
            self.desk.act(incident.incident_id, command, into=into)
        if command.name in {CommandName.NOTE, CommandName.ASSIGN, CommandName.ESCALATE}:
            assert (self._rows("incident_event"), self._rows("intent")) == before, "P5"

    # --- what must hold ---

    @invariant()
    def incidents_are_the_folds_of_their_events(self) -> None:
        with self.store.read() as queries:
            for incident in queries.incidents():
                events = queries.incident_events(incident.incident_id)
                assert fold(events) == incident, "P6"
                if incident.state is IncidentState.CLOSED:
                    last = [event.kind for event in events if event.epoch == incident.epoch]
                    assert "confirmed" in last, "P8"
                self._ladder_and_silence_hold(events)
                if incident.state is IncidentState.ACKNOWLEDGED:
                    assert incident.acknowledged_at is not None
                    self._nothing_older_leaves(
                        queries.incident_intents(incident.incident_id), incident.acknowledged_at
                    )

    def _ladder_and_silence_hold(self, events: Sequence[IncidentEvent]) -> None:
        """P10: steps only rise within an epoch. P12: in a silence no step fires; it ends once."""
        steps: dict[int, int] = {}
        muted: datetime | None = None
        for event in events:
            if event.kind == "escalated":
                step = int(event.data["step"])
                assert step > steps.get(event.epoch, 0), "P10"
                steps[event.epoch] = step
                assert event.actor != "system" or muted is None or event.at >= muted, "P12"
            if event.kind == "unmuted":
                assert muted is not None, "P12: one catch-up for each silence"
            if "muted_until" in event.data:
                until = event.data["muted_until"]
                muted = None if until is None else datetime.fromisoformat(str(until))

    def _nothing_older_leaves(
        self, intents: Sequence[tuple[Intent, object]], since: datetime
    ) -> None:
        """P7: an acknowledge cancels what was written before and has not left."""
        old = [
            intent
            for intent, _ in intents
            if intent.kind in {"notice", "escalation"} and intent.created_at < since
        ]
        assert {intent.status.value for intent in old} <= FINAL, "P7"

    @invariant()
    def messages_end_once(self) -> None:
        rows = self._rows("intent")
        heirs = Counter(row["fallback_of"] for row in rows)
        doubts = Counter(
            row["intent_id"]
            for row in self._rows("delivery")
            if row["outcome"] in {None, DeliveryClass.AMBIGUOUS.value}
        )
        for row in rows:
            IntentStatus(row["status"])
            if row["status"] == "dead":
                assert heirs[row["intent_id"]] == 1, "P2"
            shown = self.providers[ChannelId(row["channel_id"])].shown.count(row["intent_id"])
            keyed = self.providers[ChannelId(row["channel_id"])].is_keyed
            assert shown <= (1 if keyed else 1 + doubts[row["intent_id"]]), "P3, P4"
            if row["status"] == "sent":
                assert shown >= 1, "what says sent arrived"

    @invariant()
    def every_raise_is_for_somebody(self) -> None:
        rows = self._rows("intent")
        told = {(row["incident_id"], row["epoch"]) for row in rows}
        with self.store.read() as queries:
            for incident in queries.incidents():
                events = queries.incident_events(incident.incident_id)
                raised = {event.epoch for event in events if event.kind in {"raised", "reopened"}}
                assert all((incident.incident_id, epoch) in told for epoch in raised), "P1"

    # --- what they share ---

    def _act(self, cluster: ClusterId, fresh: Collection[Mention]) -> None:
        before = self._reopened(cluster)
        with self.store.transaction() as tx:
            self.journey.act(tx, {cluster: tuple(fresh)}, self.clock.at)
        after, closed_at = self._reopened(cluster), before[1]
        if after[0] > before[0]:
            assert closed_at is not None
            assert any(at > closed_at + GRACE for at in self.posts[cluster]), "P9"
        rows = self._rows("incident_event"), self._rows("intent")
        with self.store.transaction() as tx:
            self.journey.act(tx, {cluster: tuple(fresh)}, self.clock.at)
        assert (self._rows("incident_event"), self._rows("intent")) == rows, "P5"

    def _reopened(self, cluster: ClusterId) -> tuple[int, datetime | None]:
        with self.store.read() as queries:
            incident = queries.incident_of(cluster)
            if incident is None:
                return 0, None
            events = queries.incident_events(incident.incident_id)
        ended = [event.at for event in events if event.kind in {"confirmed", "dismissed"}]
        return sum(event.kind == "reopened" for event in events), max(ended, default=None)

    def _gather(self, cluster: ClusterId, people: int, at: datetime) -> list[Mention]:
        """Put complaints into a cluster as the stages before do."""
        now = self.clock.at
        raws = [make_raw(self.number + n, observed_at=now, published_at=at) for n in range(people)]
        self.number += people
        with self.store.transaction() as tx:
            tx.keep(raws, now)
            pending = tx.pending_mentions(100)
            tx.save_verdicts(
                [one.mention_id for one in pending],
                [make_verdict(one.mention_id) for one in pending],
                now,
            )
            items = tx.pending_verdicts(SHARD, 100)
            changes = make_shard_changes(
                assignments=tuple(
                    make_assignment(
                        mention.mention_id,
                        cluster_id=cluster,
                        fingerprint=fingerprint_of(str(mention.mention_id)),
                    )
                    for mention, _ in items
                ),
                clusters=(
                    make_cluster(
                        cluster,
                        size=len(self.posts[cluster]) + people,
                        first_at=min([*self.posts[cluster], at]),
                        last_at=max([*self.posts[cluster], at]),
                    ),
                ),
            )
            tx.save_gathering(changes, items)
        return [mention for mention, _ in items]

    def _rows(self, table: str) -> list[dict[str, object]]:
        with self.store.read() as queries:
            return queries.table_rows(table)

    def _let_leases_run_out(self) -> None:
        leased = tables.intent.c.status == "leased"
        with self.store.write() as connection:
            connection.execute(sa.update(tables.intent).where(leased).values(lease_until=LONG_AGO))

    def _restart(self) -> None:
        self.store.close()
        self.start()

    def _come_to_rest(self) -> None:
        """With healthy providers everything ends, every raise was heard, a restart says nothing."""
        for provider in self.providers.values():
            provider.fault = ""
        for _ in range(400):
            asyncio.run(self.couriers[0].deliver_due())
            waiting = [row["due_at"] for row in self._rows("intent") if row["status"] not in FINAL]
            if not waiting:
                break
            self.clock.at = max(self.clock.at, min(waiting)) + timedelta(seconds=1)
        shown = {name: list(one.shown) for name, one in self.providers.items()}
        self._restart()
        asyncio.run(self.couriers[0].deliver_due())

        assert not [row for row in self._rows("intent") if row["status"] not in FINAL], "P2"
        assert {name: one.shown for name, one in self.providers.items()} == shown, "no re-notice"
        self.messages_end_once()
        self._every_raise_was_heard()

    def _every_raise_was_heard(self) -> None:
        rows = self._rows("intent")
        with self.store.read() as queries:
            for incident in queries.incidents():
                events = queries.incident_events(incident.incident_id)
                for epoch in {event.epoch for event in events}:
                    hands_on = {
                        event.kind
                        for event in events
                        if event.epoch == epoch and event.actor != "system"
                    }
                    of_it = [
                        row
                        for row in rows
                        if (row["incident_id"], row["epoch"]) == (incident.incident_id, epoch)
                    ]
                    heard = any(row["status"] == "sent" for row in of_it)
                    blue = any("digest carries it" in str(row["reason"]) for row in of_it)
                    folded = any("coalesced" in str(row["reason"]) for row in of_it)
                    assert heard or hands_on or blue or folded, "P1: nothing is lost"


def test_engine_keeps_its_promises_through_random_histories(sqlite_template: Path) -> None:
    run_state_machine_as_test(
        lambda: EngineMachine(sqlite_template),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
