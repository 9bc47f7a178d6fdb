"""Who is told what of sources that break, recover, were changed for the worse or run out of keys.

In: the states of all sources and the project. Out: notices and what is remembered of them, decided
purely; `Upkeep.tell` writes both in one transaction, so that a crash neither loses nor doubles one.
Told are transitions, a reminder a day until it is mended, and one recovery; a source that flips
within an hour is told once, and many that break together are one message.
"""

from __future__ import annotations

import hashlib
import logging
from base64 import b32encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from alerts.quiet import quiet_until
from alerts.routing import absence, fallback_line, reachable, usable_channels
from alerts.source_notices import SourceNotice, render
from alerts.trial import redirect_all
from config.channel_schema import text_limits
from config.schema import Owner, Project, SourceConfig
from groundswell.gate import with_trials
from groundswell.sourcing_advice import FALLBACK, advice_for
from storage.records import (
    ChannelId,
    FetchCause,
    Intent,
    IntentId,
    Json,
    Level,
    OwnerId,
    SourceHealth,
    SourceId,
    SourceState,
)
from storage.store import Store

log = logging.getLogger(__name__)

TOGETHER = 3  # sources of one person that break at the same time are one message
# What breaks together is noticed over some minutes, as each source is asked at its own time.
_HOLD = timedelta(minutes=5)
_SAME_OUTAGE = timedelta(hours=1)
_STABLE = timedelta(hours=1)  # well for so long is well; before it may be flapping
_NEARLY_STABLE = timedelta(minutes=45)  # joins the recovery of others
_AGAIN = timedelta(hours=24)
_AHEAD_DAYS = 7
_MORNING = time(9)  # keys expire at midnight; nobody is told then
_REVERTED = "新配置已退回，仍用旧配置抓取：{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be said, and what is remembered per source once it is (only what changed)."""

    notices: tuple[SourceNotice, ...] = ()
    marks: Mapping[SourceId, Json] = field(default_factory=dict)


@dataclass(slots=True)
class _Book:
    """One source while it is decided on: its configuration, state and marks, changed as we go."""

    source: SourceConfig
    state: SourceState
    mark: dict[str, Any]

    def instant(self, name: str) -> datetime | None:
        """Return a remembered instant."""
        written = self.mark.get(name)
        return datetime.fromisoformat(str(written)) if written else None

    def notice(self, kind: str, now: datetime, **given: Any) -> SourceNotice:
        """Make a notice of this source with what its state says."""
        state = self.state
        facts: dict[str, Any] = {
            "cause": state.cause,
            "fact": state.cause_text,
            "advice": advice_for(state.cause.value),
            "last_ok_at": state.last_ok_at,
            "since": self.instant("since"),
            "step": int(self.mark.get("step", 0)),
        }
        return SourceNotice(
            kind=kind, source_id=self.source.id, name=self.source.name, at=now, **(facts | given)
        )


def decide(states: Iterable[SourceState], project: Project, now: datetime) -> Decision:
    """Return what is to be said now. Pure; the same input gives the same answer."""
    known = {state.source_id: state for state in states}
    books = []
    for source in project.sources:
        state = known.get(SourceId(source.id)) or SourceState(source_id=SourceId(source.id))
        if source.enabled:
            books.append(_Book(source, state, dict(state.notice)))
    notices = [
        *_broken(books, now),
        *_recovered(books, now),
        *(notice for book in books for notice in _reminders(book, now)),
        *(notice for book in books for notice in _changes(book, now)),
        *(notice for book in books for notice in _keys(book, now)),
    ]
    marks = {book.state.source_id: book.mark for book in books if book.mark != book.state.notice}
    return Decision(notices=tuple(notices), marks=marks)


# --- health ------------------------------------------------------------------------------------


def _broken(books: Sequence[_Book], now: datetime) -> Iterator[SourceNotice]:
    """Tell of sources that have become ill; together when they do so within minutes."""
    waiting = []
    for book in books:
        if not _is_ill(book.state):
            continue
        book.mark.pop("well_since", None)
        book.mark.setdefault("since", now.isoformat())
        if "told_at" not in book.mark:
            waiting.append(book)
    is_ripe = any(now - _since(book, now) >= _HOLD for book in waiting)
    outages = [at for book in books if (at := book.instant("outage_at"))]
    is_outage_going_on = any(now - at < _SAME_OUTAGE for at in outages)
    if not is_ripe or is_outage_going_on:
        return
    is_outage = len(waiting) >= TOGETHER
    for book in waiting:
        kind = "quarantined" if book.state.health is SourceHealth.QUARANTINED else "broken"
        book.mark |= {"told_at": now.isoformat(), "kind": kind, "step": 0}
        if is_outage:
            book.mark["outage_at"] = now.isoformat()
        yield book.notice("broken" if is_outage else kind, now)


def _recovered(books: Sequence[_Book], now: datetime) -> Iterator[SourceNotice]:
    """Tell of sources that have been well for an hour; what was never told is just forgotten."""
    well = []
    for book in books:
        if book.state.health is not SourceHealth.OK or "since" not in book.mark:
            continue
        if "told_at" not in book.mark:
            _forget(book)
            continue
        book.mark.setdefault("well_since", now.isoformat())
        well.append((book, now - (book.instant("well_since") or now)))
    if not any(span >= _STABLE for _, span in well):
        return
    for book, span in well:
        if span >= _NEARLY_STABLE:
            notice = book.notice("recovered", book.instant("well_since") or now, advice="", fact="")
            _forget(book)
            yield notice


def _reminders(book: _Book, now: datetime) -> Iterator[SourceNotice]:
    """Remind of an illness once a day, and say when a source is no longer asked regularly."""
    told_at = book.instant("told_at")
    if told_at is None or not _is_ill(book.state) or told_at == now:
        return
    is_worse = book.state.health is SourceHealth.QUARANTINED and book.mark["kind"] == "broken"
    if is_worse and now - told_at >= _STABLE and "outage_at" not in book.mark:
        book.mark |= {"told_at": now.isoformat(), "kind": "quarantined"}
        yield book.notice("quarantined", now)
    elif now - told_at >= _AGAIN:
        book.mark |= {"told_at": now.isoformat(), "step": int(book.mark["step"]) + 1}
        yield book.notice("reminder", now)


def _is_ill(state: SourceState) -> bool:
    """Return whether a source is ill; one that has just answered again is neither ill nor well."""
    is_bad = state.health in {SourceHealth.DEGRADED, SourceHealth.QUARANTINED}
    return is_bad and state.cause is not FetchCause.NONE


def _since(book: _Book, now: datetime) -> datetime:
    return book.instant("since") or now


def _forget(book: _Book) -> None:
    for name in ("since", "told_at", "kind", "step", "well_since", "outage_at"):
        book.mark.pop(name, None)


# --- changes and keys ----------------------------------------------------------------------------


def _changes(book: _Book, now: datetime) -> Iterator[SourceNotice]:
    """Tell once of a changed configuration that was sent back, and of selectors that die."""
    trial = book.state.trial
    if trial.get("why") and book.mark.get("reverted") != trial["digest"]:
        book.mark["reverted"] = trial["digest"]
        yield book.notice(
            "reverted",
            now,
            cause=FetchCause.NONE,
            fact=_REVERTED.format(trial["why"]),
            advice="改好配置文件后会自动再试三次；确认新配置就是对的，用下面的命令直接采用。",
            since=datetime.fromisoformat(trial["ended_at"]),
        )
    worn = book.state.cause_text if book.state.health is SourceHealth.OK else ""
    if worn and not book.state.cause and book.mark.get("worn") != worn:
        book.mark["worn"] = worn
        yield book.notice("worn", now, cause=FetchCause.NONE, advice=FALLBACK, since=now)
    elif book.state.health is SourceHealth.OK and not worn:
        book.mark.pop("worn", None)


def _keys(book: _Book, now: datetime) -> Iterator[SourceNotice]:
    """Warn of keys that expire within a week, once, and daily from the day on which they do."""
    local = now.astimezone(ZoneInfo(book.source.tz))
    told: dict[str, Any] = dict(book.mark.get("keys", {}))
    for name, day in sorted(book.source.secrets_expire.items()):
        left = (day - local.date()).days
        stage = "ahead" if left > 0 else local.date().isoformat()
        if left > _AHEAD_DAYS or told.get(name) == [day.isoformat(), stage]:
            continue
        if local.time() < _MORNING:
            continue
        told[name] = [day.isoformat(), stage]
        said = f"{name} 还剩 {left} 天" if left > 0 else f"{name} {day.month}月{day.day}日到期"
        yield book.notice(
            "expiring" if left > 0 else "expired",
            now,
            cause=FetchCause.NONE,
            fact=said,
            advice=(
                f"换新的 {name}，更新它所在的环境变量或文件，"
                f"再改信源文件里的 secrets_expire（现为 {day.isoformat()}）。"
            ),
            since=now,
            step=max(0, -left),
        )
    if told != book.mark.get("keys", {}):
        book.mark["keys"] = {
            name: told[name] for name in told if name in book.source.secrets_expire
        }


# --- who, and writing it down --------------------------------------------------------------------


def recipients(source: SourceConfig | None, project: Project, now: datetime) -> tuple[OwnerId, ...]:
    """Return who is told of a source: its maintainer, else the engineers, else the fallback.

    None: who is told of what belongs to no source.

    Stand-ins answer for who is away, who cannot be reached is passed over; rather somebody on
    holiday than nobody.
    """
    maintainer = (source.maintainer,) if source is not None and source.maintainer else ()
    engineers = tuple(owner.id for owner in project.owners if owner.role == "engineer")
    for line in (maintainer, engineers, project.fallback):
        told = reachable(project, line, now)
        if told:
            return told
    for people in (maintainer, engineers, fallback_line(project)):
        away = [one for one in people if absence(project, one, now) == "owner_away"]
        if away:
            return tuple(OwnerId(one) for one in away)
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """Tells the people who look after sources, through the outbox."""

    store: Store
    project: Project
    base_url: str

    def tell(self, now: datetime) -> int:
        """Put what is to be said now into the outbox; return how many messages that is."""
        with self.store.transaction() as tx:
            decision = decide(tx.queries.sources(), self.project, now)
            intents = list(self.intents(decision.notices, now))
            for source_id, mark in decision.marks.items():
                tx.save_notice(source_id, mark)
            project = with_trials(self.project, tx.queries, now)
            written = tx.add_intents(redirect_all(intents, None, project))
        for notice in decision.notices:
            log.info("source notice=%s source=%s", notice.kind, notice.source_id)
        return written

    def intents(self, notices: Sequence[SourceNotice], now: datetime) -> Iterator[Intent]:
        """Make one message per person and kind where there are many, else one per notice."""
        sources = {source.id: source for source in self.project.sources}
        told: dict[tuple[OwnerId, str], list[SourceNotice]] = {}
        for notice in notices:
            found = recipients(sources[notice.source_id], self.project, now)
            if not found:
                log.error(
                    "source notice=%s source=%s: nobody to tell", notice.kind, notice.source_id
                )
            for owner_id in found:
                told.setdefault((owner_id, notice.kind), []).append(notice)
        for (owner_id, _), group in told.items():
            owner = self.project.owner(owner_id)
            assert owner is not None  # recipients are owners who can be reached
            parts = [group] if len(group) >= TOGETHER else [[notice] for notice in group]
            for part in parts:
                yield self._intent(part, owner, now)

    def _intent(self, notices: Sequence[SourceNotice], owner: Owner, now: datetime) -> Intent:
        channel = usable_channels(owner, self.project)[0]
        letter = render(
            notices,
            base_url=self.base_url.rstrip("/"),
            zone=owner.zone,
            limit_bytes=text_limits(channel, Level.NONE).bytes,
        )
        return Intent(
            intent_id=intent_id(notices, owner.id),
            incident_id=None,
            epoch=0,
            kind="source",
            step=notices[0].step,
            recipient_id=OwnerId(owner.id),
            channel_id=ChannelId(channel.id),
            level=Level.NONE,
            subject=letter.subject,
            body=letter.body,
            html=letter.html,
            created_at=now,
            due_at=quiet_until(owner.quiet_hours, owner.zone, now, self.project.settings.calendar)
            or now,
        )


def intent_id(notices: Sequence[SourceNotice], owner_id: str) -> IntentId:
    """Return the idempotency key of a message: what it tells of, not when it was written."""
    told = [f"{n.kind}|{n.source_id}|{n.since}|{n.step}" for n in notices]
    digest = hashlib.sha256("|".join(["source", *told, owner_id]).encode()).digest()
    return IntentId(b32encode(digest)[:26].decode().lower())
