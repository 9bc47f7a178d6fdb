"""A look at everything the main job needs; sends nothing, changes nothing."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from alerts.budget import Use
from config.channel_schema import secrets_of
from config.errors import GroundswellError
from config.providers import address
from config.schema import Channel, EmailChannel, Project
from config.workdays import known_years, unknown_year
from groundswell import wiring
from groundswell.inbound.connecting import check_installed
from groundswell.inbound.ways import line_of, link_trouble, ways_by_owner
from groundswell.ledger import budget_use, use_words
from groundswell.trials import lines_for_check
from groundswell.unconfirmed import unconfirmed_lines
from groundswell.vault import Key
from groundswell.verifying import KEY, unproved_wakers

_LOW_DISK_BYTES = 1 << 30  # a million mentions take about 0.6 GB (platform.md 4)
_CONNECT_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at: how it is, and what to do when it is not well."""

    what: str
    grade: Literal["ok", "warn", "bad"]
    seen: str
    advice: str = ""


def examine(project: Project, directory: Path, database: str | None) -> list[Finding]:
    """Return findings on all that the main job needs, the browser only when a source is drawn."""
    url = wiring.database_url(project, directory, database)
    findings = [
        _checked(
            "database", lambda: _database(url), "look at --database, its folder and its rights"
        ),
        _checked("model", lambda: _model(url), "groundswell model list, then model rollback"),
        _disk(url),
        _clock(),
        _calendar(project),
        _fonts(),
        _sources(project, url),
    ]
    if any(source.fetch.render == "browser" for source in project.sources):
        findings.append(_checked("browser", _browser, "or write render: none"))
    rules = project.settings.vault
    if rules.key is not None:
        reference = rules.key
        advice = "set the secret that settings.vault.key names"
        findings.append(_checked("vault", lambda: f"key {Key.of(reference).key_id}", advice))
    findings.append(_heartbeat(project))
    findings += [_channel(project, channel) for channel in project.channels]
    return findings + _people(project, url)


def _checked(what: str, look: Callable[[], str], advice: str) -> Finding:
    try:
        return Finding(what=what, grade="ok", seen=look())
    except GroundswellError as error:
        return Finding(what=what, grade="bad", seen=str(error), advice=advice)


def _database(url: str) -> str:
    store = wiring.open_store(url)
    try:
        with store.read() as queries:
            counts = queries.counts()
    finally:
        store.close()
    kind = urlsplit(url).scheme.split("+")[0]
    return f"{kind}, schema current, {counts.get('mention', 0)} mentions"


def _model(url: str) -> str:
    from groundswell.models import Live

    store = wiring.open_store(url)
    started = time.perf_counter()
    try:
        models = Live.of(store)
        version = models.scorer.version
    finally:
        store.close()
    if models.problems:
        raise GroundswellError("; ".join(problem.text for problem in models.problems))
    return f"{version}, loaded in {time.perf_counter() - started:.1f} s"


def _disk(url: str) -> Finding:
    if not url.startswith("sqlite"):
        return Finding(what="disk", grade="ok", seen="the database server watches its own")
    place = Path(url.removeprefix("sqlite:///")).parent
    free = shutil.disk_usage(place).free
    seen = f"{free / (1 << 30):.1f} GB free at {place}"
    if free < _LOW_DISK_BYTES:
        return Finding(what="disk", grade="bad", seen=seen, advice="make room: writes will fail")
    return Finding(what="disk", grade="ok", seen=seen)


def _clock() -> Finding:
    """Refuse a clock that stands before this program was written; finer needs a network."""
    now = datetime.now(UTC)
    if now.year < 2026:
        return Finding(what="clock", grade="bad", seen=now.isoformat(), advice="set the clock")
    return Finding(what="clock", grade="ok", seen=f"{now:%Y-%m-%d %H:%M} UTC")


def _calendar(project: Project) -> Finding:
    """Say when the days off of the coming weeks are not known: rosters then go by weekdays."""
    today = datetime.now(project.settings.zone).date()
    missing = unknown_year(project.settings.calendar, today)
    if missing:
        return Finding(what="calendar", grade="warn", seen=missing)
    last = max(known_years()) if project.settings.calendar.country == "CN" else "none needed"
    return Finding(what="calendar", grade="ok", seen=f"days off known up to {last}")


def _fonts() -> Finding:
    """Pages use the reader's own fonts; only pictures made here would need a Chinese one."""
    places = [Path("/usr/share/fonts"), Path.home() / ".fonts", Path("/Library/Fonts")]
    found = any(place.is_dir() and any(place.rglob("*CJK*")) for place in places)
    if found:
        return Finding(what="fonts", grade="ok", seen="a Chinese font is installed")
    return Finding(
        what="fonts",
        grade="warn",
        seen="no Chinese font found here",
        advice="only needed to take screenshots: apt install fonts-noto-cjk",
    )


def _browser() -> str:
    from crawlers.browser import check_installed

    return check_installed()


def _sources(project: Project, url: str) -> Finding:
    store = wiring.open_store(url)
    try:
        with store.read() as queries:
            states = {state.source_id: state for state in queries.sources()}
    finally:
        store.close()
    ill = [
        f"{source.id} ({states[source.id].cause_text or states[source.id].health})"  # type: ignore[index]
        for source in project.sources
        if source.id in states and states[source.id].health not in ("ok", "new")  # type: ignore[index]
    ]
    if not project.sources:
        return Finding(what="sources", grade="warn", seen="none", advice="add one under sources/")
    if ill:
        return Finding(
            what="sources",
            grade="warn",
            seen=f"{len(ill)} of {len(project.sources)} ill: {'; '.join(ill)}",
            advice="groundswell source try ID shows what it answers now",
        )
    return Finding(what="sources", grade="ok", seen=f"{len(project.sources)}, none known ill")


def _heartbeat(project: Project) -> Finding:
    """See that somebody hears of it when the main job dies, on a channel that is nobody's else."""
    rules = project.settings.heartbeat
    if not rules.to:
        advice = "write settings.heartbeat.to and .channel, and start `groundswell watchdog` beside"
        return Finding(
            what="heartbeat", grade="warn", seen="nobody hears of a dead main job", advice=advice
        )
    shared = [owner.id for owner in project.owners if rules.channel in owner.channels[:1]]
    if rules.channel is None or shared:
        seen = f"no channel of its own: {rules.channel or 'the first of each person'}"
        advice = "name one in settings.heartbeat.channel that carries no incidents"
        return Finding(what="heartbeat", grade="warn", seen=seen, advice=advice)
    if rules.ping is None:
        seen = f"{', '.join(rules.to)} by {rules.channel}; no dead man's switch"
        advice = "settings.heartbeat.ping, or `groundswell watchdog` on another machine"
        return Finding(what="heartbeat", grade="ok", seen=seen, advice=advice)
    return Finding(what="heartbeat", grade="ok", seen=f"{', '.join(rules.to)} by {rules.channel}")


def _people(project: Project, url: str) -> list[Finding]:
    """Say for each person what reaches him, what wakes him, and how he can answer from outside."""
    store = wiring.open_store(url)
    try:
        with store.read() as queries:
            found = ways_by_owner(project, queries, datetime.now(UTC))
            unproved = unproved_wakers(project, queries.addresses(), queries.meta(KEY))
            unconfirmed = unconfirmed_lines(queries, project)
            over = list(lines_for_check(project, queries.ended_trials()))
            spent = budget_use(queries, project, datetime.now(UTC))
    finally:
        store.close()
    link = link_trouble(project)
    address = project.settings.console.address
    grade: Literal["ok", "warn"] = "warn" if link else "ok"
    findings = [Finding(what="links in messages", grade=grade, seen=link or address)]
    for owner in project.owners:
        ways = found[owner.id]
        outside = ways and (not link or any(way.answer for way in ways))
        findings.append(
            Finding(
                what=f"person {owner.id}",
                grade="ok" if outside else "warn",
                seen=line_of(ways, owner, link),
                advice="" if outside else "docs/replies.zh-CN.md: let answers come back",
            )
        )
    findings += [Finding(what="wake-up", grade="bad", seen=line) for line in unproved]
    findings += [
        Finding(
            what="unconfirmed",
            grade="bad",
            seen=f"{line} 没有确认过，不会收到真实通知",
            advice="groundswell people verify OWNER CHANNEL; docs/trial.zh-CN.md",
        )
        for line in unconfirmed
    ]
    findings += [Finding(what="trial", grade="warn", seen=line) for line in over]
    return findings + _budgets(spent)


def _budgets(spent: Sequence[Use]) -> list[Finding]:
    """Say what of each alert budget is used today, and who is over his, by which rule."""
    return [
        Finding(
            what="alert budget",
            grade="warn" if one.is_over else "ok",
            seen=use_words(one) + ("，今天已用完" if one.is_over else "，今天"),
            advice="groundswell ledger shows which rule to look at" if one.is_over else "",
        )
        for one in spent
    ]


def _channel(project: Project, channel: Channel) -> Finding:
    """See that a channel's secrets are there and its host answers; nothing is sent."""
    what = f"channel {channel.id}"
    try:
        _resolve_secrets(channel)
    except GroundswellError as error:
        return Finding(what=what, grade="bad", seen=str(error), advice="set it and start again")
    try:
        _check_way_back(channel)
    except GroundswellError as error:
        return Finding(what=what, grade="bad", seen=str(error), advice="or leave replies out")
    host, port = _address(channel)
    if not any(channel.id in (*owner.channels, *owner.wake_by) for owner in project.owners):
        return Finding(what=what, grade="warn", seen="no owner uses it", advice="remove it")
    if not host:
        return Finding(what=what, grade="ok", seen="its secrets are there")
    try:
        socket.create_connection((host, port), timeout=_CONNECT_S).close()
    except OSError as error:
        return Finding(
            what=what,
            grade="warn",
            seen=f"{host}:{port} does not answer: {error}",
            advice="messages wait and are tried again until it does",
        )
    return Finding(what=what, grade="ok", seen=f"{host}:{port} answers")


def _check_way_back(channel: Channel) -> None:
    """See that a long connection can be held here where one is asked for."""
    if channel.kind in {"dingtalk_bot", "feishu_app"} and getattr(channel, "replies", None):
        check_installed(channel.kind.partition("_")[0])


def _resolve_secrets(channel: Channel) -> None:
    for secret in secrets_of(channel):
        secret.resolve()


def _address(channel: Channel) -> tuple[str, int]:
    """Return host and port; "" where another program knows them (Apprise)."""
    if isinstance(channel, EmailChannel):
        return channel.host, channel.port
    parts = urlsplit(address(channel))
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
