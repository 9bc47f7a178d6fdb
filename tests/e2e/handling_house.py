"""A house for the story of one batch: the shipped parts on a project folder, a clock by hand.

Its people are the example's; what they do they do in a browser. Nothing is sent: what would be
lies in the outbox.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from alerts.journal import fold
from config.load import example_dir, load
from groundswell import wiring
from groundswell.cluster_desk import ClusterDesk
from groundswell.console.app import create_app
from groundswell.digests import Digests
from groundswell.hot import HotLists
from groundswell.label_desk import LabelDesk
from groundswell.launch_desk import LaunchDesk
from groundswell.links import SignedLinks
from groundswell.outbox_desk import OutboxDesk
from groundswell.silence_desk import SilenceDesk
from storage.records import Digest, Incident, IncidentEvent, OwnerId, RawMention, SourceId
from storage.store import Store
from tests.console.world import CHEAP_HASH, HASHER, Stage
from tests.demo.clocks import HandClock

PEOPLE = {"linxiao": "service", "zhoulan": "lead", "chenmo": "pr", "wudi": "engineer"}
OTHERS = (
    "噪音大得像拖拉机，邻居晚上都来敲门，售后只说属于正常范围",
    "面板黑屏以后自己重启好几次，说明书翻遍了也没有办法",
    "外壳摔都没摔就开裂一条大口子，做工实在太差",
    "塑料味三天都散不掉，熏得头疼，要求退款",
    "支架全是锈，挂大衣直接歪了，收快递那天就想退货",
    "电线短得够不着插座，客服让自己买接线板，离谱",
)
FRAMES = (
    "给妈妈买的{}，{}。{}",
    "{}{}，差评！{}",
    "双十一下单的{}到货，{}。（{}）",
    "{}用下来：{}。{}",
)
LEAKS = (
    "喷头漏水，热水滴到手上烫伤起泡",
    "挂到一半漏水，手腕烫伤了",
    "半夜漏水泡了地板",
    "装好就漏水",
    "底座一直漏水",
    "漏水漏到楼下",
    "接口漏水，裤子全湿",
)
PLACES = ("投诉平台", "微博客", "论坛")


class House:
    """The wired program on a copy of the example project, and its console on a real server."""

    def __init__(self, store: Store, stage: Stage, folder: Path, now: datetime) -> None:
        self.folder = folder
        shutil.copytree(example_dir(), folder)
        self.store, self.clock, self._stage = store, HandClock(now), stage
        self.url = stage.url
        for name, role in PEOPLE.items():
            with store.transaction() as tx:
                tx.save_user(name, CHEAP_HASH, role, must_change=False)
        self.open()

    def open(self) -> None:
        """Take the files over, as the running job does when they were changed."""
        store, clock = self.store, self.clock
        self.project = project = load(self.folder, environ={})
        self.application = wired = wiring.wire(project, store, clock)
        links = SignedLinks(self.url, "a key of this story only")
        self.digests = Digests(store=store, project=project, links=wired.links)
        desks = {"store": store, "project": project, "clock": clock}
        self._stage.app = create_app(
            store,
            project,
            wired.desk,
            clock,
            lambda owner, day, now: self.digests.compose(owner, day, now=now),
            links,
            keep=wired.journey.keep_each,
            hasher=HASHER,
            label_desk=LabelDesk(**desks, links=links),
            cluster_desk=ClusterDesk(store, project, HotLists(project), links),
            outbox_desk=OutboxDesk(**desks),
            silence_desk=SilenceDesk(**desks, links=links),
            launch_desk=LaunchDesk(**desks, directory=self.folder),
        )

    def hear(self, raws: Sequence[RawMention]) -> None:
        """Take mentions in and carry them as far as they go; due timers are carried out."""
        with self.store.transaction() as tx:
            self.application.journey.keep(tx, raws, self.clock.now())
        self.application.stages.drain()
        self.pass_time()

    def pass_time(self, **units: float) -> None:
        self.clock.advance(**units)
        self.application.stages.regrade()
        while self.application.stages.remind():
            pass

    def incident(self, name: str = "") -> Incident:
        """The incident of this id or code, else the gravest."""
        with self.store.read() as queries:
            found = queries.incident(name) if name else None
            return found or max(queries.incidents(), key=lambda one: (one.level, one.opened_at))

    def events(self, incident: Incident) -> list[IncidentEvent]:
        """The log; what it amounts to is the incident as it is stored."""
        with self.store.read() as queries:
            events = queries.incident_events(incident.incident_id)
            assert fold(events) == queries.incident(incident.incident_id)
        return events

    def digest(self, owner_id: str) -> Digest:
        owner = self.project.owner(owner_id)
        assert owner is not None
        self.clock.advance(seconds=1)  # what is done at the cut is of the next day
        now = self.clock.now()
        day = now.astimezone(owner.zone).date() + timedelta(days=1)
        return self.digests.compose(owner, day, now=now)

    def told(self, owner_id: str) -> list[str]:
        """What lies in the outbox for a person, oldest first."""
        with self.store.read() as queries:
            return [one.body for one in queries.intents(OwnerId(owner_id), 1000)][::-1]


def other(n: int, now: datetime) -> RawMention:
    """A complaint about another trouble of another batch, days ago."""
    said = OTHERS[n % len(OTHERS)]
    text = FRAMES[n % len(FRAMES)].format("澜禾挂烫机S1", said, f"批号KQ10{n % 4}5")
    return _raw(f"老用户{n}", text, "投诉平台", now - timedelta(days=3, hours=n % 40))


def leak(n: int, now: datetime, *, batch: str = "KQ7731", first: int = 0) -> RawMention:
    """One of those whose appliance leaks; they come one after the other within three hours."""
    text = f"澜禾挂烫机S1{LEAKS[n % len(LEAKS)]}，批号{batch}，客服推脱不处理，第{n}个来投诉"
    at = now - timedelta(minutes=2 + 2.8 * n)
    return _raw(f"新用户{first + n}", text, PLACES[n % 3], at)


def _raw(author: str, text: str, place: str, at: datetime) -> RawMention:
    return RawMention(
        source_id=SourceId("jing-tousu"),
        platform=place,
        text=text,
        native_id=author,
        url=f"http://site.example/{author}",
        author=author,
        observed_at=at,
        published_at=at,
    )
