"""What the engine notes of each round, so that it can be rehearsed: docs/adr/0038.

In: what grading saw beside the members of clusters. Out: a Pass in the transaction of that round,
which says so only where it differs from what was said before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from alerts.grading import RULE_VERSION
from config.schema import Project
from storage.codec import decode, encode
from storage.instants import hour_of
from storage.records import (
    Change,
    Evidence,
    HotEntry,
    Incident,
    IncidentState,
    Json,
    Pass,
)
from storage.store import Transaction

if TYPE_CHECKING:
    from alerts.command import Command
    from groundswell.hot import HotView
    from groundswell.pulses import PulseView

_BACK = timedelta(days=35)  # as far as evidence names hours that nobody saw (storage.evidence)
_HOUR = timedelta(hours=1)
_US = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEPT = timedelta(days=100)  # a rehearsal of a quarter needs no more
# Parts of a configuration that decide nothing about incidents, or hold secrets.
_ASIDE = {"sources", "templates"}

Hours = tuple[datetime, ...]


@dataclass(slots=True)
class Sight:
    """What one round went by beside members; it is filled while clusters are graded."""

    live: dict[str, int] = field(default_factory=dict)  # by brand, its live clusters
    blind: Hours | None = None
    own_blind: dict[str, Hours] = field(default_factory=dict)
    hot: HotView | None = None
    samples: dict[str, list[int]] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)  # brands with mentions yet to be gathered
    rates: dict[str, tuple[int, float, int]] = field(default_factory=dict)  # of sister products
    silent: dict[str, list[int | None]] = field(default_factory=dict)  # see `waits`

    def see(self, evidence: Evidence) -> None:
        """Take in the evidence on one cluster, as the store gave it."""
        if not evidence.is_brand:
            self.live[evidence.cluster.brand_id] = evidence.brand_clusters
        self.blind = evidence.blind_hours

    def shown(self, incident: Incident | None, evidence: Evidence, shown: Sequence[int]) -> None:
        """Take in which mentions stood for a cluster where a complainant may be known by them."""
        if incident is not None and incident.state in {IncidentState.HANDLED, IncidentState.CLOSED}:
            self.samples[evidence.cluster.cluster_id] = [int(one) for one in shown]

    def emptied(self, tx: Transaction, evidence: Evidence) -> None:
        """Take in whether what left an incident's cluster may be on its way back."""
        brand_id = evidence.cluster.brand_id
        if tx.is_gathering(brand_id) and brand_id not in self.waiting:
            self.waiting.append(brand_id)

    def waits(self, incident: Incident, unanswered: Sequence[datetime | None]) -> None:
        """Take in since when people of an incident wait for a first answer."""
        if unanswered:
            self.silent[incident.incident_id] = [
                None if at is None else (at - _EPOCH) // _US for at in unanswered
            ]

    def end(self, pulses: PulseView, hot: HotView | None = None) -> None:
        """Take in what was asked once for all clusters."""
        self.own_blind |= pulses.blind_by_brand
        self.rates |= pulses.rates
        self.hot = hot or self.hot


class PassLog:
    """Writes rounds down; remembers what it said last, so that it is not said again.

    Forget that whenever a transaction fails: what it said is not there.
    """

    def __init__(self, project: Project) -> None:
        self.rules = rules_of(project)
        self._live: dict[str, int] = {}
        self._blind: Hours | None = None
        self._own: dict[str, Hours] = {}
        self._hot: Any = None

    def forget(self) -> None:
        """Say everything again with the next round."""
        self._live, self._blind, self._own, self._hot = {}, None, {}, None

    def note(
        self,
        tx: Transaction,
        kind: str,
        now: datetime,
        sight: Sight | None = None,
        *,
        shard_id: str = "",
        seqs: Iterable[int] = (),
        **data: Any,
    ) -> None:
        """Write one round down."""
        numbers = sorted(seqs)
        told = {name: value for name, value in data.items() if value}
        tx.note_pass(
            Pass(
                pass_no=0,
                kind=kind,
                at=now,
                shard_id=shard_id,
                first_seq=numbers[0] if numbers else 0,
                last_seq=numbers[-1] if numbers else 0,
                rules=self.rules,
                data=told | (self._news(sight, now) if sight is not None else {}),
            )
        )

    def checkpoint(self, tx: Transaction, now: datetime) -> bool:
        """Write down, once a UTC day, what waits: a rehearsal begins at such a place."""
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if tx.queries.checkpointed_since(today):
            return False
        self.forget()
        tx.lock_passes()
        self.note(tx, "checkpoint", now, **tx.pending())
        tx.drop_passes(now - _KEPT)
        return True

    def _news(self, sight: Sight, now: datetime) -> dict[str, Any]:
        news: dict[str, Any] = {}
        live = {one: n for one, n in sight.live.items() if self._live.get(one) != n}
        if live:
            news["live"] = live
            self._live |= live
        if sight.blind is not None and sight.blind != still(self._blind, now):
            news["blind"] = spans(sight.blind)
            self._blind = sight.blind
        own = {
            one: hours
            for one, hours in sight.own_blind.items()
            if hours != still(self._own.get(one), now)
        }
        if own:
            news["own"] = {one: spans(hours) for one, hours in own.items()}
            self._own |= own
        if sight.hot is not None:
            hot = encode_hot(sight.hot)
            if hot != self._hot:
                news["hot"] = hot
                self._hot = hot
        if sight.samples:
            news["shown"] = sight.samples
        if sight.silent:
            news["silent"] = sight.silent
        if sight.rates:
            news["rates"] = {one: list(rate) for one, rate in sight.rates.items()}
        if sight.waiting:
            news["waiting"] = sight.waiting
        return news


def log_acts(
    tx: Transaction,
    project: Project,
    now: datetime,
    changes: Sequence[Change],
    command: Command | None = None,
    **data: Any,
) -> None:
    """Note what a person did, and what followed at once: a rehearsal lets it happen again.

    `command`: what was asked for, carried out anew where incidents stand otherwise.
    """
    made = [encode_change(change) for change in changes if change.events]
    said = encode(replace(command, into=None)) if command is not None else {}
    PassLog(project).note(tx, "act", now, changes=made, command=said, **data)


def encode_change(change: Change) -> Json:
    """Return a change without its messages as JSON can hold it; its events stand in the log."""
    return {
        "incident": change.incident.incident_id,
        "seqs": [change.events[0].seq, change.events[-1].seq],
        "timers": encode(change.timers),
        "stop": list(change.cancel_timers),
        "drop": change.cancel_intents,
        "complainants": encode(change.complainants),
    }


def rules_of(project: Project) -> str:
    """Return the digest of all that a project decides incidents by, and of how it grades."""
    said = f"{RULE_VERSION} {project.model_dump_json(exclude=_ASIDE)}"
    return hashlib.blake2b(said.encode(), digest_size=6).hexdigest()


def still(hours: Hours | None, now: datetime) -> Hours | None:
    """Return the hours that evidence still reaches back to."""
    if hours is None:
        return None
    first = hour_of(now - _BACK)
    return tuple(one for one in hours if one >= first)


def spans(hours: Hours) -> list[list[int]]:
    """Return hours, in order, as runs: the first as hours since 1970, and how many."""
    found: list[list[int]] = []
    for one in hours:
        number = (one - _EPOCH) // _HOUR
        if found and found[-1][0] + found[-1][1] == number:
            found[-1][1] += 1
        else:
            found.append([number, 1])
    return found


def hours_of(runs: Iterable[Sequence[int]]) -> Hours:
    """Return the hours of runs."""
    return tuple(_EPOCH + (first + n) * _HOUR for first, count in runs for n in range(count))


def encode_hot(view: HotView) -> Json:
    """Return what stands on hot-search lists as JSON can hold it."""
    return {
        "blind": view.blind,
        "lines": {
            brand_id: [[encode(line.entry), line.is_current] for line in lines]
            for brand_id, lines in view.lines.items()
        },
    }


def decode_hot(said: Json) -> HotView:
    """Return what `encode_hot` wrote."""
    from groundswell.hot import HotView, line_of
    from storage.records import BrandId

    lines = {
        BrandId(brand_id): [
            line_of(decode(HotEntry, entry), is_current) for entry, is_current in of
        ]
        for brand_id, of in said["lines"].items()
    }
    return HotView(said["blind"], lines)
