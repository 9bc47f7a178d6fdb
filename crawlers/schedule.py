"""When a source is due: a decision on its remembered state, its rules and the time. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import blake2b

from config.schema import SourceConfig
from storage.records import FetchCause, SourceHealth, SourceState

_JITTER = 0.1  # so that sources configured alike do not all come at once
_MAX_DOUBLINGS = 10


def is_due(state: SourceState, source: SourceConfig, now: datetime) -> bool:
    """Return whether a source should be polled now. A source never polled is due."""
    return source.enabled and (state.next_poll_at is None or state.next_poll_at <= now)


def next_poll_at(
    state: SourceState,
    source: SourceConfig,
    now: datetime,
    *,
    retry_after_s: float | None = None,
) -> datetime:
    """Return when to come back, given the state after a poll.

    In good health every `every`. After one failure sooner (it may have been a hiccup), then twice
    as long each time up to `max`; a quarantined source is probed at `max`, for ever. Trouble of our
    own network doubles nothing. A Retry-After is obeyed. All of it varied by ten per cent.
    """
    rules = source.schedule
    if state.health is SourceHealth.QUARANTINED:
        wait = rules.max
    elif state.failures == 0 or state.cause is FetchCause.NETWORK:
        wait = rules.every
    elif state.failures == 1:
        wait = rules.every / 4
    else:
        wait = rules.every * 2 ** min(state.failures - 2, _MAX_DOUBLINGS)
    wait = min(max(wait * _spread(state), rules.min), rules.max)
    return now + max(wait, timedelta(seconds=retry_after_s or 0))


def config_digest(source: SourceConfig) -> str:
    """Return a short digest of a source's rules; a change of it means that somebody edited them."""
    written = source.model_dump_json(by_alias=True)
    return blake2b(written.encode(), digest_size=8).hexdigest()


def _spread(state: SourceState) -> float:
    """Return a factor of 1 ± 10 % that is fixed for one poll of one source."""
    seed = f"{state.source_id}/{state.polls}".encode()
    number = int.from_bytes(blake2b(seed, digest_size=4).digest(), "big") / 2**32
    return 1 - _JITTER + 2 * _JITTER * number
