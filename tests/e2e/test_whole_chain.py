"""One complaint's way: a served feed, a real run, a webhook, a phone, the console, the digest."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.digest_topics import TITLE as TOPICS
from storage.records import Incident, IncidentEvent, IncidentState, Level
from storage.store import Store
from tests.alerts.receiver import Receiver, Request
from tests.chain.project import OWNERS, SECRET, Job, Project, feed_source, wait_until, write_project
from tests.e2e.conftest import Opens, Visit
from tests.site.pages import Item, rss
from tests.site.server import Site

pytestmark = pytest.mark.e2e

NEW_PASSWORD = "夜里也睡得着 2026"
EVERYDAY = (
    "栖川电热毯用了一个冬天，爸妈都说暖和。",
    "请问栖川的双人款和单人款差多少？家里床是一米五的。",
    "栖川这次换了灰色的外包装，比去年的好看。",
    "给宿舍买了栖川小号，开一档就够，不干。",
    "栖川门店今天有满减，顺路带了一条回来。",
    "比较了三家，最后还是回购栖川，控制器带定时。",
    "栖川的客服回得挺快，说水洗前要先拔插头。",
    "今年降温早，栖川的取暖器和电热毯都翻出来了。",
)
CRISIS = (
    "栖川电热毯控制器冒烟，床单烧了一个洞，吓得一夜没睡。",
    "刚买一周的栖川电热毯控制器起火冒烟，插座都熏黑了，客服没人管。",
    "半夜栖川电热毯的控制器冒烟，满屋焦糊味，太危险了，要求退款。",
    "栖川电热毯控制器冒烟起火，被子烧穿了，孩子就睡在旁边，太可怕了。",
    "投诉栖川电热毯：控制器冒烟，床垫烧坏，要求赔偿。",
    "我家的栖川电热毯控制器也冒烟了，打客服电话没人接，差评。",
    "栖川电热毯控制器起火，客服只肯换新，烧坏的床单一句不提，气人。",
    "昨晚栖川电热毯控制器冒烟烧起来，这种质量还敢卖，要求退货。",
    "栖川电热毯用了两晚控制器就冒烟烧焦，申请退货被拒，太坑了。",
    "求助，栖川电热毯控制器冒烟把老人的腿烫伤了，客服不理，该找谁投诉？",
    "栖川电热毯控制器爆了一声就冒烟，整屋子焦味，质量太差。",
    "提醒大家，栖川电热毯控制器会起火冒烟，我家床垫烧了，客服一直推脱。",
    "栖川电热毯控制器冒烟烧了床单，打了四个电话都没有人处理，差评。",
    "同款栖川电热毯，控制器起火冒烟，有没有一起投诉维权的？太气人了。",
)


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def project(site: Site, receiver: Receiver, database_url: str, tmp_path: Path) -> Project:
    owners = [owner | {"timezone": zone_at_noon(), "digest_at": "24:00"} for owner in OWNERS]
    return write_project(
        tmp_path / "project",
        database_url,
        sources=[feed_source("bbs", f"{site.url}/feed.xml", platform="论坛")],
        reachable=[site.authority],
        receiver=receiver.url,
        owners=owners,
    )


def zone_at_noon() -> str:
    """A zone where it is about noon, so that no digest day ends while the test runs."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"  # the sign of these names is turned round


def show(site: Site, *items: Item) -> None:
    site.set("/feed.xml", rss(site.url, items), {"Content-Type": "application/rss+xml"})


def posts(texts: tuple[str, ...], kind: str, newest: datetime, apart: timedelta) -> list[Item]:
    """One post of one author for every text, newest first."""
    return [
        Item(
            path=f"/{kind}/{number}",
            title=text[:14],
            text=text,
            author=f"{kind}{number}",
            published=newest - number * apart,
        )
        for number, text in enumerate(texts)
    ]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def mentions_in(store: Store) -> int:
    with store.read() as queries:
        return queries.counts()["mention"]


def the_incident(store: Store) -> Incident:
    with store.read() as queries:
        [incident] = queries.incidents()
    return incident


def events_of(store: Store, incident: Incident) -> list[IncidentEvent]:
    with store.read() as queries:
        return queries.incident_events(incident.incident_id)


def message(receiver: Receiver, kind: str, recipient: str) -> tuple[Request, dict[str, Any]]:
    """The first message of a kind to somebody."""
    found: list[tuple[Request, dict[str, Any]]] = []

    def came() -> bool:
        with receiver.lock:
            requests = [one for one in receiver.requests if one.target == f"/{recipient}"]
        pairs = [(request, json.loads(request.body)) for request in requests]
        found[:] = [pair for pair in pairs if pair[1]["kind"] == kind]
        return bool(found)

    wait_until(came, 60, lambda: f"no {kind} to {recipient}, but {receiver.requests}")
    return found[0]


def signed_link(document: dict[str, Any], label: str) -> str:
    found = re.search(rf"^{label}：(\S+/t/\S+)$", document["text"], re.MULTILINE)
    assert found is not None, document["text"]
    return found[1]


def assert_signed(request: Request, intent_id: str) -> None:
    """Check a message as its receiver would, from the documented headers alone."""
    stamp = request.headers["x-groundswell-timestamp"]
    signed = stamp.encode() + b"." + request.body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert request.headers["x-groundswell-signature"] == f"sha256={expected}"
    assert abs(int(stamp) - time.time()) < 120
    assert request.headers["idempotency-key"] == intent_id


def begin(seen: Visit, password: str) -> None:
    """Log in for the first time: the printed password is good for setting one's own."""
    seen.page.goto(f"{seen.url}/login")
    seen.page.fill("[name=name]", "admin")
    seen.page.fill("[name=password]", password)
    seen.page.click("button.primary")
    seen.page.wait_for_url(f"{seen.url}/password")
    seen.shot("chain-3-password")
    for field, text in (("old", password), ("new", NEW_PASSWORD), ("again", NEW_PASSWORD)):
        seen.page.fill(f"[name={field}]", text)
    seen.page.click("button.primary:has-text('保存')")
    seen.page.wait_for_url(f"{seen.url}/")


def act(seen: Visit, action: str, text: str) -> None:
    """Open one action of the incident page, fill it in and send it."""
    summary = seen.page.locator("summary", has_text=action)
    panel = seen.page.locator("details[name=act]", has=summary)
    summary.click()
    panel.locator("textarea").fill(text)
    panel.locator("button").click()
    seen.page.wait_for_url(re.compile(r"\?done="))
    assert seen.page.locator(".banner.good").count() == 1


def test_a_complaint_goes_all_the_way_from_a_feed_to_solved_in_the_digest(
    project: Project, site: Site, receiver: Receiver, store: Store, visit: Opens
) -> None:
    everyday = posts(
        EVERYDAY, "everyday", datetime.now(UTC) - timedelta(hours=20), timedelta(hours=5)
    )
    show(site, *everyday)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with Job(project, "--port", str(port)) as job:
        password = job.wait_for(r"admin / (\S+)")[1]
        wait_until(lambda: mentions_in(store) == len(EVERYDAY), 60, lambda: job.said)
        show(site, *posts(CRISIS, "crisis", datetime.now(UTC), timedelta(minutes=5)), *everyday)

        request, notice = message(receiver, "notice", "songyue")
        assert_signed(request, notice["id"])
        raised = the_incident(store)
        assert (raised.incident_id, raised.state) == (notice["incident"], IncidentState.OPEN)
        assert raised.level >= Level.ORANGE
        assert raised.authors >= 10

        acknowledge_on_a_phone(visit(url, "phone"), store, signed_link(notice, "确认收到"))
        work_in_the_console(visit(url, "desk"), store, password)
        assert message(receiver, "closing", "songyue")[1]["incident"] == raised.incident_id
        read_the_digest(project, receiver, raised)

        assert mentions_in(store) == len(EVERYDAY) + len(CRISIS)
        assert job.stop() == 0
        assert job.errors() == []


def acknowledge_on_a_phone(seen: Visit, store: Store, link: str) -> None:
    before = the_incident(store)
    seen.page.goto(link)
    assert seen.overflow() == 0
    seen.shot("chain-1-link")
    assert the_incident(store) == before, "opening a link changed the incident"
    seen.page.get_by_role("button", name="确认接手").click()
    seen.page.wait_for_selector("text=宋越 已确认接手")
    seen.shot("chain-2-acknowledged")
    after = the_incident(store)
    assert (after.state, after.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "songyue")


def work_in_the_console(seen: Visit, store: Store, password: str) -> None:
    begin(seen, password)
    incident = the_incident(store)
    seen.page.get_by_text(incident.title).click()
    seen.page.wait_for_selector("#curve canvas")
    seen.shot("chain-4-incident")
    act(seen, "备注", "仓库在查这一批控制器")
    act(seen, "已处理", "停售这一批，逐户上门换新并赔床品")
    assert the_incident(store).state is IncidentState.HANDLED
    act(seen, "客户确认", "14 户电话回访都认可，录音存档")
    seen.shot("chain-5-closed")
    closed = the_incident(store)
    assert (closed.state, closed.closed_by) == (IncidentState.CLOSED, "admin")
    assert closed.closed_evidence == "14 户电话回访都认可，录音存档"
    kinds = [event.kind for event in events_of(store, closed)]
    assert kinds == ["raised", "triangle_named", "acknowledged", "noted", "handled", "confirmed"]
    seen.page.goto(f"{seen.url}/digest?owner=heqing")
    seen.shot("chain-6-digest")
    solved = seen.page.locator("section", has=seen.page.locator("h2", has_text="已解决"))
    assert solved.get_by_text(incident.title).count() == 1


def read_the_digest(project: Project, receiver: Receiver, incident: Incident) -> None:
    digest = json.loads(project.run("digest", "--owner", "heqing", "--send", "--json").stdout)
    listed = {title: [item["code"] for item in items] for title, items in digest["sections"]}
    listed.pop(TOPICS, None)  # there when a midnight fell between the crisis's first post and now
    assert listed == {"已解决": [incident.code]}
    assert digest["headline"].endswith("已解决 1 起")
    request, sent = message(receiver, "digest", "heqing")
    assert_signed(request, sent["id"])
    assert incident.code in sent["text"]
