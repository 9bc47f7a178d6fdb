"""Says that this program is silent, late or cannot deliver, straight to a channel of its own.

In: how the database stands, and what was said before. Out: one message when something changes and
one a day until it is mended, past the outbox, which may be what is stuck. The main job runs it
inside; `groundswell watchdog` runs it beside the main job, and speaks when that one is dead.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from alerts.channels import make_sender
from alerts.routing import usable_channels
from config.errors import StoreError
from config.net import guarded_client
from config.schema import Channel, HeartbeatRules, Owner, Project
from groundswell.places import data_dir
from storage.database import parse_url
from storage.records import ChannelId, DeliveryClass, Intent, IntentId, Level, OwnerId
from storage.store import Store

log = logging.getLogger(__name__)

ENGINE_LEASE = "engine"
_AGAIN = timedelta(days=1)
_POLLS = 3  # so many rounds of the quickest source may fail before all count as silent
_PING_S = 10.0
_SENT_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Vital:
    """How the program stands at one instant. `problem`: the database could not be read."""

    at: datetime
    problem: str = ""
    unled_s: float | None = None  # since when nobody renewed the engine's lease; None: given back
    timers_late: timedelta = timedelta(0)
    messages_late: timedelta = timedelta(0)
    stuck: int = 0
    dead: int = 0
    last_poll_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing that is wrong: its name, and a sentence for people."""

    code: str
    text: str


def look(store: Callable[[], Store], at: datetime) -> Vital:
    """Read how the program stands; what keeps the database from being read is a finding, too."""
    try:
        opened = store()
        unled_s = opened.lease_overdue_s(ENGINE_LEASE)
        with opened.read() as queries:
            late = queries.oldest_pending(at)
            glance = queries.outbox_glance(at)
            polls = [one.last_ok_at for one in queries.sources() if one.last_ok_at is not None]
    except StoreError as error:
        return Vital(at=at, problem=str(error))
    return Vital(
        at=at,
        unled_s=unled_s,
        timers_late=late.get("timers", timedelta(0)),
        messages_late=late.get("deliver", timedelta(0)),
        stuck=glance.stuck,
        dead=glance.dead,
        last_poll_at=max(polls, default=None),
    )


def judge(
    vital: Vital, project: Project, *, inside: bool, unled_since: datetime | None = None
) -> tuple[Trouble, ...]:
    """Return what is wrong, named. `inside`: the main job looks at itself, so it does run.

    `unled_since`: since when nobody was seen to hold the engine's lease.
    """
    if vital.problem:
        return (Trouble(code="database", text=f"数据库读不了：{vital.problem}"),)
    late = project.settings.heartbeat.late
    found = []
    unled = vital.unled_s is None or vital.unled_s > 0
    if not inside and unled and unled_since is not None and vital.at - unled_since >= late:
        found.append(Trouble(code="engine", text="主任务没有运行：没有采集、没有催办、没有通知。"))
    if vital.timers_late > late:
        words = _minutes(vital.timers_late)
        found.append(Trouble(code="timers", text=f"到期的催办已晚 {words}，无人处理。"))
    if vital.messages_late > late:
        words = _minutes(vital.messages_late)
        found.append(Trouble(code="messages", text=f"到期的通知已晚 {words}，没有发出。"))
    if vital.stuck:
        found.append(Trouble(code="stuck", text=f"{vital.stuck} 条通知过了时限仍未送达。"))
    if vital.dead:
        found.append(Trouble(code="dead", text=f"{vital.dead} 条通知已放弃，且没有别的渠道接替。"))
    silence = _silence(vital, project)
    if silence is not None:
        found.append(Trouble(code="polls", text=f"所有信源已 {_minutes(silence)} 没有抓取成功。"))
    return tuple(found)


def _silence(vital: Vital, project: Project) -> timedelta | None:
    """Return how long no source has answered, when that is longer than any of them explains."""
    rounds = [source.schedule.every for source in project.sources if source.enabled]
    if not rounds or vital.last_poll_at is None:
        return None
    silence = vital.at - vital.last_poll_at
    return silence if silence > max(project.settings.heartbeat.late, _POLLS * min(rounds)) else None


def _minutes(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes // 60} 小时 {minutes % 60} 分钟" if minutes >= 60 else f"{minutes} 分钟"


def words_for(
    troubles: tuple[Trouble, ...], known: Mapping[str, str], at: datetime
) -> tuple[str, ...]:
    """Return the lines to say now, none when all of it was said: a change, or once a day.

    `known` are the troubles told before, by code, with when that was.
    """
    codes = {trouble.code for trouble in troubles}
    fresh = codes - set(known)
    over = set(known) - codes
    stale = any(at - datetime.fromisoformat(told) >= _AGAIN for told in known.values())
    if not fresh and not over and not (troubles and stale):
        return ()
    if not troubles:
        return ("【恢复】听潮已恢复正常", "采集、催办和通知都在按时进行。")
    first = f"【告警系统异常】{troubles[0].text}"
    rest = [trouble.text for trouble in troubles[1:]]
    return (first[:40], troubles[0].text, *rest, "请到运行听潮的机器上查看：groundswell doctor")


class Watchdog:
    """Looks, judges, speaks at most once a change, and asks the ping address while all is well."""

    def __init__(
        self, project: Project, store: Callable[[], Store], state: Path, *, inside: bool
    ) -> None:
        self._project = project
        self._store = store
        self._state = state
        self._inside = inside

    @property
    def rules(self) -> HeartbeatRules:
        """What the project says of it."""
        return self._project.settings.heartbeat

    async def tick(self, at: datetime) -> tuple[Trouble, ...]:
        """Look once; return what is wrong. What could not be said is said at the next look."""
        vital = await asyncio.to_thread(look, self._store, at)
        with _locked(self._state) as is_ours:
            if not is_ours:
                return ()
            state = _read(self._state)
            unled_since = _unled_since(vital, state)
            troubles = judge(vital, self._project, inside=self._inside, unled_since=unled_since)
            known: dict[str, str] = dict(state.get("told", {}))
            lines = words_for(troubles, known, at)
            if not lines or await self._say(lines, at):
                known = _told(troubles, known, at, spoke=bool(lines))
            kept = unled_since.isoformat() if unled_since else None
            _write(self._state, {"told": known, "unled_since": kept})
        if not troubles and self._inside:
            await self._ping()
        return troubles

    async def _say(self, lines: tuple[str, ...], at: datetime) -> bool:
        """Bring the lines to everybody named; say whether it reached one of them."""
        reached = False
        for owner, channel in self._listeners():
            sender = make_sender(channel, self._project)
            try:
                answer = await asyncio.wait_for(
                    sender.send(_message(owner, channel, lines, at), owner, repeat=False),
                    _SENT_WITHIN_S,
                )
            except TimeoutError:
                log.warning("heartbeat channel=%s outcome=timeout", channel.id)
                continue
            reached = reached or answer.outcome is DeliveryClass.OK
            log.warning("heartbeat channel=%s outcome=%s", channel.id, answer.outcome)
        return reached

    def _listeners(self) -> Iterator[tuple[Owner, Channel]]:
        for owner in filter(None, map(self._project.owner, self.rules.to)):
            if self.rules.channel is not None:
                channel = self._project.channel(self.rules.channel)
                if channel is not None:
                    yield owner, channel
                continue
            for channel in usable_channels(owner, self._project)[:1]:
                yield owner, channel

    async def _ping(self) -> None:
        """Tell the dead man's switch that all is well; when it does not answer, it will ring."""
        url = self.rules.ping
        if url is None:
            return
        settings = self._project.settings
        client = guarded_client(settings.allow_private, _PING_S, settings.user_agent)
        async with client:
            try:
                answer = await client.get(url)
                log.info("heartbeat ping=%s", answer.status_code)
            except Exception as error:  # noqa: BLE001 - a network edge; the switch rings by itself
                log.warning("heartbeat ping failed: %s", type(error).__name__)


def state_file(database_url: str) -> Path:
    """Return where what was said is remembered: beside the database's file, or in data_dir."""
    url = parse_url(database_url)
    if url.get_backend_name() == "sqlite":
        return Path(str(url.database)).with_suffix(".watchdog.json")
    named = url.render_as_string(hide_password=True)
    return data_dir() / f"watchdog-{hashlib.sha256(named.encode()).hexdigest()[:12]}.json"


def _message(owner: Owner, channel: Channel, lines: tuple[str, ...], at: datetime) -> Intent:
    text = "，".join(lines)[:60]
    return Intent(
        intent_id=IntentId(secrets.token_hex(13)),
        incident_id=None,
        epoch=0,
        kind="heartbeat",
        step=0,
        recipient_id=OwnerId(owner.id),
        channel_id=ChannelId(channel.id),
        level=Level.ORANGE,
        subject=lines[0],
        body="\n".join(lines),
        words={"level": "橙", "title": lines[0], "name": owner.name, "text": text},
        created_at=at,
        due_at=at,
    )


def _unled_since(vital: Vital, state: Mapping[str, Any]) -> datetime | None:
    """Return since when nobody leads; remembered, for a lease that was given back has no date."""
    if vital.problem:
        kept = state.get("unled_since")
        return datetime.fromisoformat(kept) if kept else None
    if vital.unled_s is not None:
        ended = vital.at - timedelta(seconds=max(0.0, vital.unled_s))
        return ended if vital.unled_s > 0 else None
    kept = state.get("unled_since")
    return datetime.fromisoformat(kept) if kept else vital.at


def _told(
    troubles: tuple[Trouble, ...], known: Mapping[str, str], at: datetime, *, spoke: bool
) -> dict[str, str]:
    if spoke:
        return {trouble.code: at.isoformat() for trouble in troubles}
    return {trouble.code: known[trouble.code] for trouble in troubles if trouble.code in known}


@contextlib.contextmanager
def _locked(state: Path) -> Iterator[bool]:
    """Let one process at a time speak, where the system knows such locks; False: another one is."""
    if os.name != "posix":
        yield True
        return
    import fcntl

    try:
        state.parent.mkdir(parents=True, exist_ok=True)
        handle = state.with_suffix(".lock").open("a")
    except OSError as error:
        log.warning("heartbeat state=%s cannot be kept: %s", state, error.strerror)
        yield True
        return
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _read(state: Path) -> dict[str, Any]:
    try:
        kept = json.loads(state.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _write(state: Path, kept: Mapping[str, Any]) -> None:
    try:
        fresh = state.with_suffix(".new")
        fresh.write_text(json.dumps(kept), encoding="utf-8")
        fresh.replace(state)
    except OSError as error:
        log.warning("heartbeat state=%s cannot be kept: %s", state, error.strerror)
