"""Two processes empty one outbox at once: P3, P4, P15 and P19, on both databases."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.channels import make_senders
from alerts.delivery import Courier
from config.schema import Project
from groundswell.clock import RealClock
from storage.records import ChannelId, Intent, IntentId, IntentStatus, Level, OwnerId
from storage.store import Store
from tests.alerts.receiver import Planned, Receiver
from tests.make import make_intent

KEYED = 40


def company(address: str) -> dict[str, Any]:
    """Forty people, each with a webhook that knows keys; one bot for what is counted."""
    return {
        "brands": [{"id": "lanhe", "name": "澜禾", "aliases": ["澜禾"]}],
        "channels": [
            {"id": "hook", "kind": "webhook", "url": f"http://{address}/hook"},
            {"id": "bot", "kind": "wecom_bot", "key": "env:HOME", "url": f"http://{address}/bot"},
        ],
        "owners": [
            {"id": f"p{n}", "name": "林晓", "channels": ["hook", "bot"]} for n in range(KEYED)
        ],
        "routes": [],
        "fallback": ["p0"],
        "settings": {"allow_private": [address]},
    }


def empty(url: str, address: str, rounds: int) -> None:
    """Be one engine: deliver what is due, again and again."""
    project = Project.model_validate(company(address))
    store = Store(url)
    courier = Courier(store, make_senders(project), project, RealClock())

    async def run() -> None:
        for _ in range(rounds):
            await courier.deliver_due()
            await asyncio.sleep(0.05)

    asyncio.run(run())
    store.close()


def letter(n: int, channel: str, at: datetime) -> Intent:
    return make_intent(
        f"{channel}-{n:02}",
        incident_id=None,
        recipient_id=OwnerId(f"p{n}"),
        channel_id=ChannelId(channel),
        level=Level.RED,
        body=f"{channel}-{n:02}",
        created_at=at,
        due_at=at,
        deadline_at=None,
    )


@pytest.mark.crash
def test_two_processes_show_every_key_once_and_keep_one_budget(database_url: str) -> None:
    at = datetime.now(UTC) - timedelta(seconds=1)
    with Receiver(Planned(body=b'{"errcode":0,"errmsg":"ok"}')) as receiver:
        store = Store(database_url)
        with store.transaction() as tx:
            tx.add_intents([letter(n, "hook", at) for n in range(KEYED)])
            tx.add_intents([letter(n, "bot", at) for n in range(20)])
        spawn = multiprocessing.get_context("spawn")
        engines = [
            spawn.Process(target=empty, args=(database_url, receiver.address, 40)) for _ in range(2)
        ]
        began = datetime.now(UTC)
        for one in engines:
            one.start()
        for one in engines:
            one.join(60)
        took_s = (datetime.now(UTC) - began).total_seconds()
        with store.read() as queries:
            stored = {one.intent_id: one for one in queries.intents(None, 200)}
        store.close()

    assert [one.exitcode for one in engines] == [0, 0]
    shown = Counter(
        json.loads(request.body)["text"]["content"].split("\n")[0]
        if request.target.startswith("/bot")
        else request.headers["idempotency-key"]
        for request in receiver.requests
    )
    assert max(shown.values()) == 1
    hooks = [stored[IntentId(f"hook-{n:02}")] for n in range(KEYED)]
    assert all(one.status is IntentStatus.SENT for one in hooks)
    bots = sum(request.target.startswith("/bot") for request in receiver.requests)
    assert 4 <= bots <= 4 + took_s * 9 / 60 + 1
    assert sum(one.status is IntentStatus.SENT for one in stored.values()) == KEYED + bots
