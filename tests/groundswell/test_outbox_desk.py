"""Looking at the outbox and acting on it: the desk, and the commands that show it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from config.channel_schema import WebhookChannel
from config.errors import GroundswellError
from groundswell import wiring
from groundswell.cli.app import build
from groundswell.outbox_desk import OutboxDesk
from storage.records import (
    ChannelId,
    Delivery,
    DeliveryClass,
    IntentId,
    IntentStatus,
    Level,
    Receipt,
)
from storage.store import Store
from tests.alerts.outbox import FakeClock
from tests.alerts.people import make_project
from tests.alerts.receiver import Planned, Receiver
from tests.make import NOW, make_intent

PROJECT = make_project()
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def desk(store: Store) -> OutboxDesk:
    return OutboxDesk(store=store, project=PROJECT, clock=FakeClock(LATER))


def put(store: Store, name: str, status: IntentStatus = IntentStatus.PENDING) -> None:
    intent = make_intent(name, incident_id=None, level=Level.YELLOW)
    with store.transaction() as tx:
        tx.add_intents([intent])
    if status is not IntentStatus.PENDING:
        [claimed] = store.claim_intents(NOW, 1, 60.0, only=[IntentId(name)])
        store.finish_delivery(claimed, None, status)


def test_views_and_glance_agree(store: Store, desk: OutboxDesk) -> None:
    put(store, "waits")
    put(store, "gone", IntentStatus.DEAD)
    put(store, "sent", IntentStatus.SENT)

    assert [one.intent_id for one in desk.messages("stuck")] == ["waits"]
    assert [one.intent_id for one in desk.messages("dead")] == ["gone"]
    assert len(desk.messages("all")) == 3
    glance = desk.glance()
    assert (glance.waiting, glance.stuck, glance.dead, glance.due_since) == (1, 1, 1, NOW)


def test_dead_message_that_somebody_took_over_is_no_dead_letter(
    store: Store, desk: OutboxDesk
) -> None:
    put(store, "first")
    [claimed] = store.claim_intents(NOW, 1, 60.0)
    heir = make_intent("heir", incident_id=None, fallback_of=IntentId("first"))
    store.finish_delivery(claimed, None, IntentStatus.DEAD, None, heir)

    assert desk.messages("dead") == []
    shown = desk.show("first").heir
    assert shown is not None
    assert shown.intent_id == "heir"


def test_dead_letter_is_sent_again_on_demand_or_given_up_with_a_reason(
    store: Store, desk: OutboxDesk
) -> None:
    put(store, "one", IntentStatus.DEAD)
    put(store, "two", IntentStatus.DEAD)
    desk.retry("one", "admin")
    desk.drop("two", "admin", "已电话告知")

    assert [one.intent_id for one in store.claim_intents(LATER, 9, 60.0)] == ["one"]
    assert desk.show("two").intent.reason == "dropped by admin: 已电话告知"
    with pytest.raises(GroundswellError, match="it is leased"):
        desk.drop("one", "admin", "x")
    with pytest.raises(GroundswellError, match="say why"):
        desk.drop("two", "admin", " ")
    with pytest.raises(GroundswellError, match="is unknown"):
        desk.retry("three", "admin")


def test_message_that_may_be_out_stays_a_repeat(store: Store, desk: OutboxDesk) -> None:
    put(store, "maybe")
    [claimed] = store.claim_intents(NOW, 1, 60.0)
    store.finish_delivery(claimed, None, IntentStatus.AMBIGUOUS, LATER + timedelta(hours=1))
    desk.retry("maybe", "admin")

    [again] = store.claim_intents(LATER, 1, 60.0)
    assert again.status is IntentStatus.AMBIGUOUS


def test_message_is_shown_with_what_was_reported_of_it(store: Store, desk: OutboxDesk) -> None:
    put(store, "call")
    [claimed] = store.claim_intents(NOW, 1, 60.0, only=[IntentId("call")])
    begun = store.start_delivery(claimed, NOW)
    assert isinstance(begun, Delivery)
    taken = replace(begun, outcome=DeliveryClass.OK, provider_message_id="b-1", ended_at=NOW)
    store.finish_delivery(claimed, taken, IntentStatus.SENT)
    rung = Receipt(
        channel_id=claimed.channel_id, provider_message_id="b-1", at=NOW, state="answered"
    )
    with store.transaction() as tx:
        tx.add_receipts([rung, replace(rung, provider_message_id="b-2")])

    assert desk.show("call").receipts == (rung,)


def test_test_is_one_message_per_channel_of_the_person(store: Store, desk: OutboxDesk) -> None:
    sent = desk.test("lin", None, "admin")

    assert [one.channel_id for one in sent] == ["bot", "mail"]
    assert {one.kind for one in sent} == {"test"}
    with pytest.raises(GroundswellError, match="expected one that can reach him: bot, mail"):
        desk.test("lin", "hook", "admin")
    with pytest.raises(GroundswellError, match="expected one of lin"):
        desk.test("nobody", None, "admin")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(Planned(status=204, body=b"")) as receiver:
        yield receiver


def test_command_says_what_the_provider_answered(
    receiver: Receiver, sqlite_url: str, tmp_path: Path
) -> None:
    hooks = [
        {"id": name, "kind": "webhook", "url": f"{receiver.url}/{name}"} for name in ("good", "bad")
    ]
    files = {
        "project": {"settings": {"allow_private": [receiver.address]}, "fallback": ["lin"]},
        "brands/lanhe": {"id": "lanhe", "name": "澜禾", "aliases": ["澜禾"]},
        "channels": {"channels": hooks},
        "owners": {"owners": [{"id": "lin", "name": "林晓", "channels": ["good", "bad"]}]},
    }
    (tmp_path / "p" / "brands").mkdir(parents=True)
    for name, content in files.items():
        (tmp_path / "p" / f"{name}.yaml").write_text(yaml.safe_dump(content, allow_unicode=True))
    receiver.standing["/bad"] = Planned(status=403)
    runner, base = CliRunner(), ["--config", str(tmp_path / "p"), "--database", sqlite_url]
    good = runner.invoke(build(), [*base, "outbox", "test", "lin", "good"])
    bad = runner.invoke(build(), [*base, "--json", "outbox", "test", "lin", "bad"])
    told = runner.invoke(build(), [*base, "outbox", "test", "lin", "bad"]).output
    listed = runner.invoke(build(), [*base, "outbox", "list", "all"])

    assert (good.exit_code, bad.exit_code, listed.exit_code) == (0, 1, 0), good.output + bad.output
    assert "已送达" in good.output
    [tried] = json.loads(bad.stdout)
    assert tried["message"]["status"] == "cancelled"
    assert tried["deliveries"][0]["outcome"] == str(DeliveryClass.PERMANENT)
    assert told.count(tried["deliveries"][0]["text"]) == 1
    assert {one.target for one in receiver.requests} == {"/good", "/bad"}
    assert ChannelId("good") in listed.output


def test_made_up_time_paces_the_channels_too(store: Store, receiver: Receiver) -> None:
    # by real time, the messages of a demo's day would all be told in summaries
    lin = PROJECT.owner("lin")
    assert lin is not None
    hook = WebhookChannel.model_validate(
        {"id": lin.channels[0], "kind": "webhook", "url": receiver.url}
    )
    settings = PROJECT.settings.model_copy(update={"allow_private": (receiver.address,)})
    project = PROJECT.model_copy(update={"channels": (hook,), "settings": settings})
    application = wiring.wire(project, store, FakeClock(NOW))
    OutboxDesk(store=store, project=project, clock=application.clock).test("lin", None, "root")

    asyncio.run(wiring.make_courier(application).deliver_due())

    with store.read() as queries:
        [state] = queries.channel_states().values()
    assert state.last_ok_at == NOW
