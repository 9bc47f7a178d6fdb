"""Plays the story: the local site, the example project and the main job, time running fast.

The demo has a database of its own, so that invented mentions never mix with real ones. Where the
clock stands is kept in it: a later start goes on from there.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from config.errors import GroundswellError
from config.load import example_dir, load
from config.schema import Project
from groundswell import wiring
from groundswell.cli.output import say
from groundswell.clock import ScaledClock
from groundswell.console.accounts import ensure_first_user
from groundswell.demo.site import DemoSite
from groundswell.demo.story import ZONE, Story, Variant
from groundswell.scheduler import MainJob
from groundswell.service import serve
from storage.store import Store

_SAVE_CLOCK_S = 1.0
_LINES = 200  # messages looked back on each second; a crisis sends a few dozen


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Which story to play, how fast and where."""

    seed: int = 0
    rate: float = 120.0
    crisis: bool = True
    fresh: bool = False
    directory: Path = Path("var")
    port: int = 8790
    site_port: int = 8791
    stop_after_s: float | None = None


def play(telling: Telling) -> None:
    """Play until Ctrl-C (or `stop_after_s`)."""
    telling.directory.mkdir(parents=True, exist_ok=True)
    path = (telling.directory / "demo.db").resolve()
    if telling.fresh:
        for leftover in path.parent.glob(path.name + "*"):
            leftover.unlink()
    store = wiring.open_store(f"sqlite:///{path}")
    try:
        _play(telling, store)
    finally:
        store.close()


def _play(telling: Telling, store: Store) -> None:
    variant = Variant(seed=telling.seed, crisis=telling.crisis)
    start = _origin(store, variant)
    last = store.meta("demo_clock")
    clock = ScaledClock(datetime.fromisoformat(last) if last else start, telling.rate)
    story = Story(start=start, variant=variant)
    inbox = telling.directory / "demo.db.inbox.jsonl"  # --fresh removes it with the database
    with DemoSite(story, clock, "127.0.0.1", _free(telling.site_port), inbox=inbox) as site:
        project = _project(site.url, _free(telling.port))
        site.receiver.introduce({f"demo-{owner.id}": owner.name for owner in project.owners})
        stopping = threading.Event()
        keeper = threading.Thread(target=_keep, args=(store, project, clock, stopping))

        def opening() -> None:
            password = ensure_first_user(store, clock.now())
            _welcome(telling, project, site.url, password, resumed=last is not None)
            keeper.start()

        try:
            serve(
                project,
                store,
                clock,
                rate=telling.rate,
                started=_ending(telling),
                opening=opening,
            )
        finally:
            stopping.set()
            if keeper.is_alive():
                keeper.join()
    say(
        f"演示已停止，数据保存在 {telling.directory}/demo.db；再次运行会接着演 (run again to go on)"
    )


def _origin(store: Store, variant: Variant) -> datetime:
    """Return the story's first instant, chosen at the first start and kept with its seed."""
    told = store.meta("demo_story")
    mine = f"{variant.seed}/{'crisis' if variant.crisis else 'quiet'}"
    if told is not None and told != mine:
        raise GroundswellError(
            f"this folder holds another telling ({told}); add --fresh to begin anew, or --dir"
        )
    stored = store.meta("demo_origin")
    if stored is not None:
        return datetime.fromisoformat(stored)
    yesterday = datetime.now(ZONE).date() - timedelta(days=1)
    start = variant.start_on(yesterday)
    with store.transaction() as tx:
        tx.set_meta("demo_story", mine)
        tx.set_meta("demo_origin", start.isoformat())
    return start


def _keep(store: Store, project: Project, clock: ScaledClock, stopping: threading.Event) -> None:
    """Write down where the clock stands, so that it never runs back; say what is sent."""
    with store.read() as queries:
        said = {intent.intent_id for intent in queries.intents(None, _LINES)}
    ended = False
    while not ended:
        ended = stopping.wait(_SAVE_CLOCK_S)
        with store.transaction() as tx:
            tx.set_meta("demo_clock", clock.now().isoformat())
        with store.read() as queries:
            fresh = [one for one in queries.intents(None, _LINES) if one.intent_id not in said]
        for intent in reversed(fresh):
            said.add(intent.intent_id)
            reader = project.owner(intent.recipient_id)
            name = reader.name if reader else intent.recipient_id
            say(f"  {intent.created_at.astimezone(ZONE):%H:%M} → {name}  {intent.subject}")


def _project(site_url: str, port: int) -> Project:
    """Load the example project as it ships, pointed at the local site."""
    host = site_url.removeprefix("http://")
    environ = dict(os.environ) | {"DEMO_SITE": site_url, "DEMO_SITE_HOST": host}
    project = load(example_dir(), environ=environ)
    for owner in project.owners:
        os.environ.setdefault(f"LANHE_BOT_{owner.id.upper()}", f"demo-{owner.id}")
    console = project.settings.console.model_copy(update={"port": port})
    settings = project.settings.model_copy(update={"demo": True, "console": console})
    return project.model_copy(update={"settings": settings})


def _free(port: int) -> int:
    """Return the port when it is free, else any free one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ending(telling: Telling) -> Callable[[MainJob], None]:
    """Return what stops the job by itself, when that was asked for."""

    def begin(job: MainJob) -> None:
        if telling.stop_after_s is None:
            return
        timer = threading.Timer(telling.stop_after_s, job.stop)
        timer.daemon = True
        timer.start()

    return begin


def _welcome(
    telling: Telling, project: Project, site: str, password: str | None, *, resumed: bool
) -> None:
    console = f"http://127.0.0.1:{project.settings.console.port}"
    lines = [
        "",
        "听潮 Groundswell 演示 demo" + ("（接着上次 resumed）" if resumed else ""),
        f"  时间 time     现实 1 秒 = 演示 {telling.rate / 60:.1f} 分钟",
        f"  手机 inbox    {site}/inbox          负责人会在这里收到通知",
        f"  控制台 console {console}",
    ]
    if password:
        lines.append(f"  登录 login    admin / {password}   （只显示这一次 shown once）")
    lines += ["  停止 stop     Ctrl-C", ""]
    say("\n".join(lines))
