"""A small world for the console: the example project, a real store, one real incident in it."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Self

import httpx
import uvicorn
from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from alerts.grading import grade
from alerts.incidents import on_grade
from alerts.surge import detect
from config.load import example_dir, load
from config.schema import Project
from groundswell import wiring
from groundswell.cluster_desk import ClusterDesk
from groundswell.console.app import create_app
from groundswell.demo.story import Story, Variant
from groundswell.desk import Desk
from groundswell.hot import HotLists
from groundswell.label_desk import LabelDesk
from groundswell.links import SignedLinks
from groundswell.outbox_desk import OutboxDesk
from groundswell.pipeline import Journey
from groundswell.silence_desk import SilenceDesk
from storage.records import (
    Assignment,
    BrandHit,
    BrandId,
    Cluster,
    ClusterId,
    Digest,
    DigestItem,
    FetchCause,
    FetchEvent,
    Incident,
    Level,
    Mention,
    OwnerId,
    Polarity,
    RawMention,
    ShardChanges,
    ShardId,
    SourceHealth,
    SourceId,
    SourceState,
    Term,
    Verdict,
)
from storage.store import Store
from tests.demo.clocks import HandClock
from tests.make import fingerprint_of

PASSWORD = "一句只有我知道的话 2026"
HASHER = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
CHEAP_HASH = HASHER.hash(PASSWORD)
SHARD = ShardId("lanhe/zh")
CLUSTER = ClusterId("lanhe-abcd2345")


class Stage:
    """A real HTTP server whose application is changed between tests."""

    def __init__(self) -> None:
        self.app: ASGIApp = PlainTextResponse("nobody plays here", 404)
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._play, log_level="error", ws="none", lifespan="off", interface="asgi3"
            )
        )
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), daemon=True
        )

    async def _play(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *error: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


@dataclass
class World:
    """Everything a console test needs. The clock stands where it is put."""

    store: Store
    project: Project
    clock: HandClock
    links: SignedLinks
    app: Starlette
    desk: Desk
    url: str
    browsers: list[httpx.Client] = field(default_factory=list)

    def close(self) -> None:
        for browser in self.browsers:
            browser.close()

    def incident(self, incident: Incident) -> Incident:
        """The incident as it stands now."""
        with self.store.read() as queries:
            found = queries.incident(incident.incident_id)
        assert found is not None
        return found

    def client(self, name: str = "") -> httpx.Client:
        """A browser; logged in when a name is given."""
        client = httpx.Client(base_url=self.url, trust_env=False)
        self.browsers.append(client)
        if name:
            assert log_in(client, name, PASSWORD).status_code == 303
        return client

    def add_user(self, name: str, role: str = "service", *, must_change: bool = False) -> None:
        with self.store.transaction() as tx:
            tx.save_user(name, CHEAP_HASH, role, must_change=must_change)


@cache
def example() -> Project:
    return load(example_dir(), environ={})


def journey(store: Store) -> Journey:
    """The real journey of the example project."""
    return wiring.make_journey(
        example(), store, SignedLinks("http://console.example", "a key of this test only")
    )


def build(store: Store, stage: Stage, project: Project | None = None) -> World:
    project = project or example()
    clock = HandClock(Variant().start_on(date(2026, 11, 20)) + timedelta(hours=4))
    links = SignedLinks(stage.url, "a key of this test only")
    desk = Desk(store=store, project=project, clock=clock, links=links)
    app = create_app(
        store, project, desk, clock, _digest, links, keep=journey(store).keep_each, hasher=HASHER,
        label_desk=LabelDesk(store=store, project=project, clock=clock, links=links),
        cluster_desk=ClusterDesk(store, project, HotLists(project), links),
        outbox_desk=OutboxDesk(store=store, project=project, clock=clock),
        silence_desk=SilenceDesk(store=store, project=project, clock=clock, links=links),
    )  # fmt: skip
    world = World(store, project, clock, links, app, desk, stage.url)
    stage.app = app
    world.add_user("linxiao")
    world.add_user("boss", "readonly")
    return world


def raise_incident(world: World, count: int = 16) -> Incident:
    """Keep, judge and gather the story's complaints, then grade them and raise what follows."""
    now = world.clock.now()
    items = [i for i in Story(now - timedelta(hours=4)).crisis if i.published_at <= now][:count]
    raws = [
        RawMention(
            source_id=SourceId("jing-tousu"),
            platform="投诉平台",
            native_id=str(item.number),
            url=f"http://site.example/tousu/{item.number}",
            title=item.title,
            text=item.text,
            author=item.author,
            published_at=item.published_at,
            observed_at=now,
        )
        for item in items
    ]
    mentions = keep(world, raws)
    return gather(world, mentions)


def keep(world: World, raws: Sequence[RawMention]) -> list[Mention]:
    with world.store.transaction() as tx:
        tx.keep(raws, world.clock.now())
        return tx.pending_mentions(100)


def gather(world: World, mentions: Sequence[Mention]) -> Incident:
    now = world.clock.now()
    with world.store.transaction() as tx:
        tx.save_verdicts([m.mention_id for m in mentions], [verdict_on(m) for m in mentions], now)
        items = tx.pending_verdicts(SHARD, 100)
        tx.save_gathering(_changes(mentions), items)
        evidence = tx.evidence(CLUSTER, now)
        surge = detect(evidence, world.project.settings.surge, now)
        judged = grade(evidence, surge, world.project.levels, now, None)
        samples = tx.queries.cluster_mentions(CLUSTER, 3)
        change = on_grade(
            None, evidence, judged, world.project, now, samples=samples, links=world.links
        )
        assert change is not None, judged
        tx.save_change(change)
    return change.incident


def verdict_on(mention: Mention) -> Verdict:
    hits = [
        BrandHit(brand_id=BrandId("lanhe"), alias="澜禾", field=field, start=m.start(), end=m.end())
        for field, text in (("title", mention.title), ("text", mention.text))
        for m in re.finditer("澜禾", text)
    ]
    return Verdict(
        mention_id=mention.mention_id,
        brand_id=BrandId("lanhe"),
        model_version="test-1",
        negative=0.94,
        polarity=Polarity.NEGATIVE,
        issue_class="安全与人身",
        terms=(
            Term(text="冒烟", weight=1.9),
            Term(text="焦糊", weight=0.8),
            Term(text="说明", weight=-0.3),
        ),
        hits=tuple(hits),
        severity=("fire",),
        products=("yangshenghu-k2",),
    )


def _changes(mentions: Sequence[Mention]) -> ShardChanges:
    return ShardChanges(
        shard_id=SHARD,
        assignments=tuple(
            Assignment(
                mention_id=mention.mention_id,
                cluster_id=CLUSTER,
                seq=seq,
                score=0.8,
                fingerprint=fingerprint_of(mention.text),
                sketch=b"\x01",
            )
            for seq, mention in enumerate(mentions, 1)
        ),
        clusters=(
            Cluster(
                cluster_id=CLUSTER,
                shard_id=SHARD,
                brand_id=BrandId("lanhe"),
                size=len(mentions),
                n_duplicates=0,
                first_at=min(m.published_at for m in mentions),
                last_at=max(m.published_at for m in mentions),
                label="养生壶 K2 底座冒烟",
                keywords=("底座", "冒烟", "养生壶", "焦糊"),
                representative_id=mentions[0].mention_id,
                blob=b"state",
            ),
        ),
    )


def add_sources(world: World) -> None:
    """One healthy source and one that needs a login."""
    now = world.clock.now()
    with world.store.transaction() as tx:
        for n in range(12):
            tx.add_fetch_event(
                FetchEvent(
                    source_id=SourceId("jiefang-micro"),
                    at=now - timedelta(minutes=5 * (12 - n)),
                    url="http://site.example/micro/feed.atom",
                    outcome="ok" if n % 5 else "server error",
                    http_status=200 if n % 5 else 502,
                    size_bytes=18_000,
                    duration_ms=41,
                    items=40,
                    new_items=n % 4,
                )
            )
        tx.save_source(
            SourceState(
                source_id=SourceId("jiefang-micro"),
                health=SourceHealth.OK,
                polls=12,
                items=63,
                last_poll_at=now - timedelta(minutes=5),
                last_ok_at=now - timedelta(minutes=5),
                last_item_at=now - timedelta(minutes=9),
                next_poll_at=now + timedelta(minutes=1),
            )
        )
        tx.save_source(
            SourceState(
                source_id=SourceId("jing-tousu"),
                health=SourceHealth.DEGRADED,
                cause=FetchCause.LOGIN,
                cause_text="页面要求登录后查看",
                failures=3,
                polls=20,
                items=120,
                last_poll_at=now - timedelta(minutes=5),
                last_ok_at=now - timedelta(hours=2),
            )
        )


def log_in(client: httpx.Client, name: str, password: str, **fields: str) -> httpx.Response:
    page = client.get("/login")
    form = {"name": name, "password": password, "csrf": csrf_of(page.text), "next": "/"} | fields
    return client.post("/login", data=form)


def csrf_of(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found, page[:400]
    return found[1]


def _digest(owner, day, now) -> Digest:
    del now
    return Digest(
        day=day,
        owner_id=OwnerId(owner.id),
        headline="昨天新增 1 件橙色事件，1 件等你确认。",
        sections=(
            (
                "新发生",
                (
                    DigestItem(
                        incident_id=None,
                        code="舆-7F3K",
                        level=Level.ORANGE,
                        title="养生壶 K2 底座冒烟",
                        text="36 人投诉，3 个平台，批号多为 2610 开头。",
                        owner_id=OwnerId("linxiao"),
                    ),
                ),
            ),
        ),
        completeness="5 个信源中 1 个有 2 小时没有抓到内容：鲸投诉（需要登录）。",
        numbers=(("提及", "214"), ("负面", "41"), ("待确认", "1")),
    )
