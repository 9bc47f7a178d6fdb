"""When a host may be asked again: a decision on its last answers. Pure, but for `Hosts`.

In: what a request to a host came to. Out: the HostState to remember, whichever source asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2b

from storage.records import FetchCause, HostState

# A host that gave no answer is left alone for so long, twice as long each time (collect.md 3.5) ...
_UNREACHABLE = timedelta(minutes=10)
# ... up to this: one attempt an hour costs nobody anything, and none is given up for ever.
_LONGEST_UNREACHABLE = timedelta(hours=1)
_LONGEST_WAIT = timedelta(hours=24)  # a Retry-After beyond it would silence a host for good
_TOO_MANY = timedelta(minutes=1)  # a 429 that names no time
_JITTER = 0.1  # late by up to so much: nobody comes back in the same second
# Weight of the newest answer: the average follows a change within some ten answers.
_EWMA = 0.2
MAX_CRAWL_DELAY_S = 60.0  # a longer Crawl-delay is meant for crawlers of whole sites, not for polls
MAX_LATENCY_PACE_S = 30.0  # what the slowness of a host may spread its requests to at most
_REFRESHED = timedelta(minutes=10)  # latency alone is written no oftener

# No answer came: the host's trouble or our network's, never the page's.
_NO_ANSWER = {FetchCause.NETWORK, FetchCause.SERVER, FetchCause.SLOW}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostAnswer:
    """What one request to a host came to. `status` None: it did not answer."""

    host: str
    at: datetime
    status: int | None = None
    cause: FetchCause = FetchCause.NONE
    retry_after_s: float | None = None
    latency_ms: int = 0
    crawl_delay_s: float = 0.0


def is_unreachable(answer: HostAnswer) -> bool:
    """Return whether no answer came at all: connection, name or time ran out."""
    return answer.status is None and answer.cause in _NO_ANSWER


def may_ask(state: HostState, now: datetime) -> bool:
    """Return whether a host may be asked at this instant."""
    return state.not_before is None or state.not_before <= now


def after_answer(
    state: HostState, answer: HostAnswer, *, longest: timedelta = _LONGEST_UNREACHABLE
) -> HostState:
    """Return what to remember of a host after a request.

    No answer: ten minutes of peace, doubling with every further one up to an hour, or to `longest`
    where a source of the host wants to be seen oftener. An answer that did not come to its end in
    time may be one bad page, so only the second in a row counts as silence. 429 and 503: what
    Retry-After says, a day at most. Any other answer opens the host.
    """
    after = replace(state, updated_at=answer.at)
    if answer.crawl_delay_s:
        after = replace(after, crawl_delay_s=min(answer.crawl_delay_s, MAX_CRAWL_DELAY_S))
    if is_unreachable(answer):
        after = replace(
            after, failures=state.failures + 1, last_status=None, reason=answer.cause.value
        )
        silences = after.failures - (answer.cause is FetchCause.SLOW)
        if not silences:
            return after
        wait = _UNREACHABLE * 2 ** min(silences - 1, 10)
        wait = min(_late(wait, after), _LONGEST_UNREACHABLE, longest)
        return replace(after, not_before=answer.at + wait)
    if answer.status is None:  # refused by ourselves, or too large: says nothing about the host
        return state
    latency = answer.latency_ms
    if state.latency_ms:
        latency = round(state.latency_ms + _EWMA * (latency - state.latency_ms))
    after = replace(
        after,
        latency_ms=float(latency),
        last_status=answer.status,
        failures=0,
        not_before=None,
        reason="",
    )
    asked = _asked_for(answer)
    if not asked:
        return after
    wait = min(_late(asked, after), _LONGEST_WAIT)
    return replace(after, not_before=answer.at + wait, reason=f"HTTP {answer.status}")


def is_worth_writing(before: HostState, after: HostState) -> bool:
    """Return whether a change of a host is more than its average latency moving a little."""
    known = before.updated_at
    if known is None or after.updated_at is None or after.updated_at - known >= _REFRESHED:
        return True
    return replace(before, latency_ms=0, updated_at=None) != replace(
        after, latency_ms=0, updated_at=None
    )


def pace_s(state: HostState, concurrency: int = 1) -> float:
    """Return the least distance of requests that a host's answers ask for, in seconds.

    Its Crawl-delay, and its usual latency over the requests that may be under way at once: a host
    that needs ten seconds for an answer is not asked oftener than it can answer.
    """
    latency_s = state.latency_ms / 1000 / concurrency
    return max(state.crawl_delay_s, min(latency_s, MAX_LATENCY_PACE_S))


@dataclass(slots=True)
class Hosts:
    """What a running collector knows of hosts: the stored states and what came since.

    `longest` has, per host, how long the least patient of its sources can wait.
    """

    longest: dict[str, timedelta] = field(default_factory=dict)
    _states: dict[str, HostState] = field(default_factory=dict)
    _written: dict[str, HostState] = field(default_factory=dict)

    def load(self, states: Iterable[HostState]) -> None:
        """Take over what was stored."""
        for state in states:
            self._states[state.host] = self._written[state.host] = state

    def get(self, host: str) -> HostState:
        """Return what is known of a host; a fresh state when nothing is."""
        return self._states.get(host) or HostState(host=host)

    def may_ask(self, host: str, now: datetime) -> bool:
        """Return whether a host may be asked at this instant."""
        state = self._states.get(host)
        return state is None or may_ask(state, now)

    def note(self, answer: HostAnswer) -> HostState | None:
        """Take an answer in; return the state to be written, None when that can wait."""
        state = after_answer(
            self.get(answer.host),
            answer,
            longest=self.longest.get(answer.host, _LONGEST_UNREACHABLE),
        )
        self._states[answer.host] = state
        written = self._written.get(answer.host) or HostState(host=answer.host)
        if not is_worth_writing(written, state):
            return None
        self._written[answer.host] = state
        return state

    def open(self, host: str) -> None:
        """Let a host be asked now, whatever it asked for: a person wants to know."""
        self._states[host] = replace(self.get(host), not_before=None)

    def restore(self, states: Iterable[HostState]) -> None:
        """Take back what turned out to say nothing about these hosts."""
        self.load(states)


def _asked_for(answer: HostAnswer) -> timedelta:
    if answer.status not in {429, 503}:
        return timedelta()
    if answer.retry_after_s:
        return timedelta(seconds=answer.retry_after_s)
    return _TOO_MANY if answer.status == 429 else timedelta()


def _late(wait: timedelta, state: HostState) -> timedelta:
    """Return a wait with up to ten per cent on top, fixed for one answer of one host."""
    seed = f"{state.host}/{state.failures}/{state.updated_at}".encode()
    share = int.from_bytes(blake2b(seed, digest_size=4).digest(), "big") / 2**32
    return wait * (1 + _JITTER * share)
