"""The example company with channels that hear: a real store, a real incident that people heard of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from config.channel_schema import (
    DingtalkBotChannel,
    EmailChannel,
    FeishuAppChannel,
    SmsChannel,
)
from config.schema import Project, SecretRef
from groundswell.demo.story import Variant
from groundswell.desk import Desk
from groundswell.inbound.desk import Incoming, ReplyDesk, Taken
from groundswell.links import SignedLinks
from groundswell.verifying import Verifying
from storage.records import ChannelId, DeliveryClass, Incident, Intent, IntentStatus, Reply
from storage.store import Store
from tests.console import world as console
from tests.demo.clocks import HandClock

LIN = "13800001111"
PEOPLE: dict[str, dict[str, Any]] = {
    "linxiao": {"mobile": LIN, "addresses": {"ding": "staff-lin", "feishu": "ou_lin"}},
    "zhoulan": {"mobile": "13800002222", "addresses": {"ding": "staff-zhou"}},
}


def company(**settings: Any) -> Project:
    """The example project; everybody gets mails, two people more. `settings` change its settings."""
    found = console.example()
    mail = EmailChannel(
        id="mail", kind="email", host="127.0.0.1", port=9, security="none",
        sender="听潮 <alert@lanhe.example>",
    )  # fmt: skip
    secret = SecretRef.parse("env:REPLY_SECRET")
    sms = {"id": "sms", "kind": "sms", "template": "1", "provider": "aliyun", "replies": secret}
    channels = (
        mail,
        SmsChannel(**sms),
        SmsChannel(**sms | {"id": "sms2", "provider": "tencent"}),
        DingtalkBotChannel(id="ding", kind="dingtalk_bot", key=secret),
        FeishuAppChannel(
            id="feishu", kind="feishu_app", app_id="cli_1", secret=secret, replies=True
        ),
    )
    owners = tuple(
        owner.model_copy(
            update={"channels": ("mail",), "wake_by": ("sms",) if owner.id in PEOPLE else ()}
            | PEOPLE.get(owner.id, {})
        )
        for owner in found.owners
    )
    rules = found.settings.model_copy(update=settings)
    return found.model_copy(update={"channels": channels, "owners": owners, "settings": rules})


@dataclass
class World:
    """Everything a test of answers needs."""

    store: Store
    project: Project
    clock: HandClock
    links: SignedLinks
    desk: Desk
    replies: ReplyDesk
    sent: list[Intent] = field(default_factory=list)

    def incident(self, incident: Incident) -> Incident:
        with self.store.read() as queries:
            found = queries.incident(incident.incident_id)
        assert found is not None
        return found

    def deliver(self) -> list[Intent]:
        """Send all that is due, as if every provider took it."""
        now = self.clock.now()
        taken: list[Intent] = []
        while claimed := self.store.claim_intents(now, 100, 60.0):
            for intent in claimed:
                begun = self.store.start_delivery(intent, now)
                done = replace(begun, ended_at=now, outcome=DeliveryClass.OK)  # type: ignore[type-var]
                assert self.store.finish_delivery(intent, done, IntentStatus.SENT)  # type: ignore[arg-type]
                taken.append(intent)
        self.sent += taken
        return taken

    def say(self, text: str, *, n: int = 0, way: str = "ding", who: str = "staff-lin") -> Taken:
        """Let somebody write on a channel; `n` tells his messages apart."""
        return self.replies.take(
            Incoming(channel_id=ChannelId(way), message_id=f"m{n}", sender=who, text=text)
        )

    def kept(self) -> list[Reply]:
        with self.store.read() as queries:
            return queries.replies(limit=1000)

    def verifying(self) -> Verifying:
        return Verifying(store=self.store, project=self.project, clock=self.clock)


def build(store: Store, **settings: Any) -> World:
    project = company(**settings)
    clock = HandClock(Variant().start_on(date(2026, 11, 20)) + timedelta(hours=4))
    links = SignedLinks("https://console.lanhe.example", "a key of this test only")
    desk = Desk(store=store, project=project, clock=clock, links=links)
    replies = ReplyDesk(store=store, project=project, clock=clock, desk=desk, links=links)
    return World(store, project, clock, links, desk, replies)


def trouble(world: World) -> Incident:
    """The incident of the story, raised where it is not there yet, heard of by whom it is due."""
    with world.store.read() as queries:
        found = queries.incidents()
        world.sent = [one for one in queries.intents() if one.status is IntentStatus.SENT]
    if found:
        return found[0]
    raised = console.raise_incident(world)  # type: ignore[arg-type]
    world.deliver()
    return raised


def told(world: World, who: str) -> Intent:
    """The first message about the incident that this person got."""
    return next(one for one in world.sent if one.recipient_id == who and one.incident_id)


def bodies(intents: Iterable[Intent]) -> list[str]:
    return [intent.body for intent in intents]
