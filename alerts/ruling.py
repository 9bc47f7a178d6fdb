"""What follows from one attempt: an intent and its answer in, the named next step out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.channels.answer import Answer
from storage.records import DeliveryClass, Intent, IntentStatus, Level, Wait

# alerting.md 2.4: 2 s·2ⁿ ± 50 %, at most 5 min; an ambiguous message rests for 2 min.
_FIRST_WAIT_S = 2.0
_LONGEST_WAIT_S = 300.0
_HOLD = timedelta(minutes=2)
_THROTTLED_S = 60.0  # when the provider does not say how long
_SHORTEST_WAIT_S = 0.1  # a token that is a rounding error away is not asked for at once
_PATIENCE_S = 10.0  # an orange or red message waits so long for a channel that rests


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """The intent's next status. With `use_fallback` it ends dead and another one takes over."""

    status: IntentStatus
    reason: str
    next_due_at: datetime | None = None
    use_fallback: bool = False
    otherwise: IntentStatus = IntentStatus.RETRY  # the status when there is no fallback left

    @staticmethod
    def hopeless(reason: str, now: datetime) -> Ruling:
        """Rule for an intent that cannot arrive this way; without another it is tried on slowly."""
        return Ruling(
            status=IntentStatus.DEAD,
            reason=reason,
            next_due_at=now + timedelta(seconds=_LONGEST_WAIT_S),
            use_fallback=True,
        )

    def without_fallback(self, *, ends: bool = False) -> Ruling:
        """Return what holds when nobody else and no other channel is left.

        `ends`: it is not tried on; a test says that it failed, and that is its result.
        """
        status = IntentStatus.CANCELLED if ends else self.otherwise
        return replace(self, status=status, use_fallback=False)


def rule(intent: Intent, answer: Answer, now: datetime, *, is_keyed: bool, chance: float) -> Ruling:
    """Decide what follows from an answer; `chance` in [0, 1) spreads the retries.

    Source: alerting.md 2.4. A deadline that has passed, or would pass before the next attempt,
    means the next channel.
    """
    match answer.outcome:
        case DeliveryClass.OK:
            return Ruling(status=IntentStatus.SENT, reason="")
        case DeliveryClass.PERMANENT:
            return Ruling.hopeless(answer.text, now)
        case DeliveryClass.AMBIGUOUS if not is_keyed:
            return _after_silence(intent, answer, now)
        case DeliveryClass.THROTTLED:
            seconds = answer.retry_after_s
            wait = timedelta(seconds=_THROTTLED_S if seconds is None else max(seconds, 1.0))
        case _:
            wait = backoff(intent.attempts, chance)
    return _again(intent, answer.text, now + wait)


def rule_wait(intent: Intent, wait: Wait, now: datetime) -> Ruling:
    """Decide what becomes of a message whose channel must rest before it was tried.

    Orange and red do not wait for a channel that refuses or fails: the next one takes over. The
    others wait for it until their deadline.
    """
    next_due_at = now + timedelta(seconds=max(wait.seconds, _SHORTEST_WAIT_S))
    waits = intent.status if _keeps_status(intent) else IntentStatus.RETRY
    rests = wait.reason in {"circuit", "blocked"} and wait.seconds > _PATIENCE_S
    is_late = intent.deadline_at is not None and next_due_at > intent.deadline_at
    if is_late or (rests and intent.level >= Level.ORANGE):
        return Ruling(
            status=IntentStatus.DEAD,
            reason=f"the channel rests for {wait.seconds:.0f} s ({wait.reason})",
            next_due_at=next_due_at,
            use_fallback=True,
            otherwise=waits,
        )
    return Ruling(status=waits, next_due_at=next_due_at, reason=f"waits its turn ({wait.reason})")


def _keeps_status(intent: Intent) -> bool:
    # what may be out stays a repeat; a summary that was never tried may still grow
    return intent.status is IntentStatus.AMBIGUOUS or intent.kind == "summary"


def backoff(attempts: int, chance: float) -> timedelta:
    """Return the wait before the next attempt when `attempts` came before this one."""
    seconds = min(_FIRST_WAIT_S * 2.0 ** min(attempts, 20), _LONGEST_WAIT_S)
    return timedelta(seconds=min(seconds * (0.5 + chance), _LONGEST_WAIT_S))


def _again(intent: Intent, reason: str, next_due_at: datetime) -> Ruling:
    # once an attempt may have arrived, all later ones are repeats and are marked so
    before = intent.status
    status = IntentStatus.AMBIGUOUS if before is IntentStatus.AMBIGUOUS else IntentStatus.RETRY
    if intent.deadline_at is None or next_due_at <= intent.deadline_at:
        return Ruling(status=status, reason=reason, next_due_at=next_due_at)
    return Ruling(
        status=IntentStatus.DEAD,
        reason=f"deadline passed: {reason}",
        next_due_at=next_due_at,
        use_fallback=True,
        otherwise=status,
    )


def _after_silence(intent: Intent, answer: Answer, now: datetime) -> Ruling:
    """Rule when the message may be there already, on a channel that cannot tell a repeat.

    Orange and red: again after the hold, until the deadline. Yellow and messages without a level:
    again once. Blue: not again, the digest carries it.
    """
    repeat = intent.status is IntentStatus.AMBIGUOUS
    hold = Ruling(status=IntentStatus.AMBIGUOUS, reason=answer.text, next_due_at=now + _HOLD)
    if intent.level is Level.BLUE:
        return Ruling(
            status=IntentStatus.CANCELLED,
            reason=f"{answer.text}; not sent again, the digest carries it",
        )
    if not repeat:
        return hold
    if intent.level >= Level.ORANGE:
        if intent.deadline_at is None or now <= intent.deadline_at:
            return hold
        return replace(
            hold, status=IntentStatus.DEAD, use_fallback=True, otherwise=IntentStatus.AMBIGUOUS
        )
    return Ruling(
        status=IntentStatus.DEAD,
        reason=f"{answer.text}, twice",
        use_fallback=True,
        otherwise=IntentStatus.CANCELLED,
    )
