"""Is it them or is it us? When many hosts stop answering at once, our own network is down. Pure.

In: per request whether a host answered. Out: whether to stop polling, and until when. While it is
us nothing is counted against anybody (collect.md 3.5).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from storage.records import FetchCause, HostState, SourceId, SourceState

log = logging.getLogger(__name__)

WINDOW = timedelta(minutes=2)
LEAST_HOSTS = 3  # fewer may well be down by themselves
_SHARE = 0.5
PROBES = 3  # hosts asked to see whether the network is back
# How long to wait before that: short at first (a cable, a router), then what a provider needs.
_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (15, 30, 60, 120, 300))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """What the guard has seen lately. `heard` has per host when it last answered or did not.

    `paused_until` is set while our network counts as down; from then on a few hosts are asked.
    `forgiven` are hosts that failed when the network was found down or back: should they go on
    failing by themselves, that is no evidence any more.
    """

    heard: dict[str, tuple[datetime, bool]] = field(default_factory=dict)
    paused_until: datetime | None = None
    pauses: int = 0
    since: datetime | None = None
    forgiven: frozenset[str] = frozenset()


def note(outage: Outage, host: str, now: datetime, *, answered: bool) -> Outage:
    """Return the guard after one host answered or did not.

    An answer from anybody ends an outage. Enough silent hosts begin one; silence while it lasts
    makes the next pause longer.
    """
    heard = {name: seen for name, seen in outage.heard.items() if now - seen[0] <= WINDOW}
    heard[host] = (now, answered)
    if answered:
        known = outage.forgiven - {host}
        if outage.paused_until is not None:
            known |= {name for name, (_, was_good) in outage.heard.items() if not was_good}
            heard = {host: (now, True)}
        return Outage(heard=heard, forgiven=frozenset(known - {host}))
    after = replace(outage, heard=heard)
    if outage.paused_until is not None:
        return _paused(after, now) if now >= outage.paused_until else after
    if host in outage.forgiven:  # it is down by itself
        heard.pop(host)
        return after
    silent = sum(not was_good for _, was_good in heard.values())
    if silent >= LEAST_HOSTS and silent >= _SHARE * len(heard):
        return _paused(replace(after, since=now), now)
    return after


def is_down(outage: Outage) -> bool:
    """Return whether our own network counts as down, paused or being probed."""
    return outage.paused_until is not None


def is_paused(outage: Outage, now: datetime) -> bool:
    """Return whether nobody is to be asked now."""
    return outage.paused_until is not None and now < outage.paused_until


def silent_hosts(outage: Outage) -> frozenset[str]:
    """Return the hosts that did not answer lately: to be asked after the others."""
    return frozenset(name for name, (_, was_good) in outage.heard.items() if not was_good)


def _paused(outage: Outage, now: datetime) -> Outage:
    wait = _PAUSES[min(outage.pauses, len(_PAUSES) - 1)]
    return replace(outage, paused_until=now + wait, pauses=outage.pauses + 1)


@dataclass(slots=True)
class OutageGuard:
    """The guard of a running collector, with what must be taken back when it turns out to be us.

    `polls` are states of sources before a poll that met silence lately, `hosts` those of hosts
    before their silence.
    """

    outage: Outage = field(default_factory=Outage)
    polls: dict[SourceId, tuple[datetime, SourceState]] = field(default_factory=dict)
    hosts: dict[str, tuple[datetime, HostState]] = field(default_factory=dict)

    @property
    def is_down(self) -> bool:
        """Whether our own network counts as down, paused or being probed."""
        return is_down(self.outage)

    def is_paused(self, now: datetime) -> bool:
        """Return whether nobody is to be asked now."""
        return is_paused(self.outage, now)

    def note_answer(self, host: str, now: datetime) -> None:
        """Take in that a host answered, whatever."""
        was_down = self.is_down
        self.outage = note(self.outage, host, now, answered=True)
        self.hosts.pop(host, None)
        if was_down:
            log.warning("network state=back host=%s", host)

    def note_silence(self, before: HostState, now: datetime) -> bool:
        """Take in that a host did not answer; return whether that is us.

        A host that was silent before is no evidence of anything new.
        """
        was_down = self.is_down
        if was_down or not before.failures:
            self.outage = note(self.outage, before.host, now, answered=False)
        if self.is_down and not was_down:
            log.warning(
                "network state=down silent_hosts=%s: collecting pauses, nothing is counted",
                len(silent_hosts(self.outage)),
            )
        if not self.is_down:
            self.hosts[before.host] = (now, before)
        return self.is_down

    def suspect(self, before: SourceState, now: datetime) -> None:
        """Remember the state before a poll that met silence, should it have been us."""
        self.polls[before.source_id] = (now, before)

    def clear(self, source_id: SourceId) -> None:
        """Forget about a source whose poll met an answer."""
        self.polls.pop(source_id, None)

    def take_back(self, now: datetime) -> tuple[list[SourceState], list[HostState]]:
        """Return, once, the states of sources and hosts from before the outage."""
        sources = [state for at, state in self.polls.values() if now - at <= WINDOW]
        hosts = [state for at, state in self.hosts.values() if now - at <= WINDOW]
        self.polls.clear()
        self.hosts.clear()
        return sources, hosts


def spared(state: SourceState, now: datetime) -> SourceState:
    """Return the state of a source whose poll failed because of us: due again, nothing counted."""
    return replace(
        state,
        cause=FetchCause.NETWORK,
        cause_text="本机网络似乎中断，采集已暂停，恢复后自动继续；此期间的失败不计入信源",
        next_poll_at=now,
    )
