"""Proof that messages reach a person: a code is sent by the channel, and has to come back.

It guards against a wrong number or a template that was never approved, not against an administrator
who reads the outbox. A changed address is not proved any more.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.presence import usable_channels, wakers, waking_channels
from config.channel_schema import address_of, text_limits
from config.errors import GroundswellError
from config.schema import Channel, Owner, Project
from groundswell.clock import Clock
from groundswell.links import installation_key
from storage.records import (
    ChannelId,
    Intent,
    IntentId,
    Level,
    OwnerId,
    VerifiedAddress,
)
from storage.store import Store

VERIFY = "verify"
KEY = "address_key"  # under which the installation keeps the key of digests
_HOLDS = timedelta(hours=1)  # a text message may be late, and a person asleep
_WITHIN = timedelta(minutes=10)
_PAUSE = timedelta(minutes=1)  # one number may be called once a minute (Aliyun, Tencent)

Proofs = Mapping[tuple[OwnerId, ChannelId], VerifiedAddress]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifying:
    """Sends codes and takes them back; `woken` is called after a commit that left a message."""

    store: Store
    project: Project
    clock: Clock
    woken: Callable[[], None] = lambda: None

    def ask(self, owner_id: str, channel_id: str, actor: str) -> Intent:
        """Put a message with a new code of six digits into the outbox; return it.

        Errors: GroundswellError when person or channel are unknown, the channel cannot reach him,
        or a code was sent less than a minute ago.
        """
        owner, channel = self._way(owner_id, channel_id)
        now, key = self.clock.now(), installation_key(self.store, KEY)
        code = f"{secrets.randbelow(1_000_000):06d}"
        with self.store.transaction() as tx:
            before = tx.queries.addresses(OwnerId(owner.id)).get(_named(owner, channel))
            if before is not None and before.code_hash and now - before.asked_at < _PAUSE:
                raise GroundswellError(
                    f"verifying {owner.id} on {channel.id}: a code was sent less than a minute "
                    "ago; wait for it, or ask again in a minute"
                )
            asked = VerifiedAddress(
                owner_id=OwnerId(owner.id),
                channel_id=ChannelId(channel.id),
                address=digest(key, owner, channel),
                code_hash=_code_hash(key, owner.id, channel.id, code),
                asked_at=now,
            )
            if before is not None and before.address == asked.address:  # what is proved stays so
                asked = replace(asked, verified_at=before.verified_at, how=before.how)
            tx.save_address(asked)
            intent = _message(owner, channel, code, now)
            tx.add_intents([intent])
            tx.audit(actor, "verify_asked", owner.id, now, channel.id)
        self.woken()
        return intent

    def confirm(
        self, owner_id: str, channel_id: str | None, code: str, how: str
    ) -> VerifiedAddress | None:
        """Take a code back; None when it is not the one that was sent within the hour.

        `channel_id` None: on whichever channel it was sent to him. `how`: "cli" or the channel by
        which it came back. Errors: GroundswellError when a named channel cannot reach him.
        """
        now, key = self.clock.now(), installation_key(self.store, KEY)
        if channel_id is not None:
            self._way(owner_id, channel_id)
        owner = self.project.owner(owner_id)
        if owner is None:
            return None
        with self.store.transaction() as tx:
            for found in tx.queries.addresses(OwnerId(owner_id)).values():
                channel = self.project.channel(found.channel_id)
                if channel is None or channel_id not in {None, found.channel_id}:
                    continue
                given = _code_hash(key, owner_id, found.channel_id, code)
                if (
                    not hmac.compare_digest(given, found.code_hash)
                    or now - found.asked_at > _HOLDS
                    or found.address != digest(key, owner, channel)
                ):
                    continue
                proved = replace(found, code_hash="", verified_at=now, how=how)
                tx.save_address(proved)
                tx.audit(owner_id, "verified", owner_id, now, f"{found.channel_id} {how}")
                return proved
        return None

    def _way(self, owner_id: str, channel_id: str) -> tuple[Owner, Channel]:
        owner = self.project.owner(owner_id)
        if owner is None:
            known = ", ".join(one.id for one in self.project.owners)
            raise GroundswellError(f"verifying owner {owner_id!r}: expected one of {known}")
        ways = ways_of(owner, self.project)
        for channel in ways:
            if channel.id == channel_id:
                return owner, channel
        named = ", ".join(channel.id for channel in ways) or "none"
        raise GroundswellError(
            f"verifying channel {channel_id!r} of owner {owner_id!r}: expected one that can reach "
            f"him: {named}"
        )


def ways_of(owner: Owner, project: Project) -> tuple[Channel, ...]:
    """Return the channels that can reach a person, those that ring included, each once."""
    own = tuple(dict.fromkeys((*owner.channels, *owner.wake_by)))
    return usable_channels(owner.model_copy(update={"channels": own}), project)


def digest(key: str, owner: Owner, channel: Channel) -> str:
    """Return the digest of a person's address on a channel; numbers are too few for a plain one."""
    text = f"address|{channel.id}|{address_of(owner, channel)}"
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def is_proved(proofs: Proofs, key: str | None, owner: Owner, channel: Channel) -> bool:
    """Say whether a person's address on a channel, as it is configured now, is proved."""
    found = proofs.get(_named(owner, channel))
    if found is None or key is None or found.verified_at is None:
        return False
    return found.address == digest(key, owner, channel)


def to_be_woken(project: Project) -> list[tuple[Owner, Channel]]:
    """Return who may have to be woken, with each channel for it: duty staff, and who routes name.

    Orange and red go to everybody on the ladder by what rings, so that a number that does not
    work is a hole in it wherever it stands.
    """
    named = dict.fromkeys(
        one for route in project.routes for one in (route.owner, *route.also, *route.chain)
    )
    named |= dict.fromkeys(one for plan in project.launches for one in plan.representatives)
    named |= dict.fromkeys(project.fallback)
    staff = wakers(project)
    on_duty = {owner.id for owner, _ in staff}
    others = [project.owner(one) for one in named if one not in on_duty]
    return staff + [
        (owner, channel)
        for owner in others
        if owner is not None
        for channel in waking_channels(owner, project)
    ]


def unproved_wakers(project: Project, proofs: Proofs, key: str | None) -> list[str]:
    """Return a line per person and channel that is to wake him and is not proved."""
    lines = []
    for owner, channel in to_be_woken(project):
        if is_proved(proofs, key, owner, channel):
            continue
        found = proofs.get(_named(owner, channel))
        was = found is not None and found.verified_at is not None
        why = (
            "号码改过，需要重新验证 (its number was changed)"
            if was
            else "还没有验证 (never proved)"
        )
        lines.append(
            f"{owner.name}（{owner.id}）要由 {channel.id} 半夜叫醒，这个通道{why}："
            f"groundswell people verify {owner.id} {channel.id}"
        )
    return lines


def _named(owner: Owner, channel: Channel) -> tuple[OwnerId, ChannelId]:
    return OwnerId(owner.id), ChannelId(channel.id)


def _code_hash(key: str, owner_id: str, channel_id: str, code: str) -> str:
    text = f"code|{owner_id}|{channel_id}|{code}"
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def _message(owner: Owner, channel: Channel, code: str, now: datetime) -> Intent:
    first = f"【验证】{owner.name}，验证码 {code}"
    lines = [
        first,
        f"听潮用通道 {channel.id} 找得到你。请在一小时内把这六位数字回复回来，或告诉管理员。",
        "没有人向你要过验证码的话，请忽略，并告诉管理员号码可能填错了。",
    ]
    body = "\n".join(lines).encode()[: text_limits(channel, Level.NONE).bytes]
    spoken = " ".join(code)  # a call reads six digits, not a number of six digits
    return Intent(
        intent_id=IntentId(secrets.token_hex(13)),
        incident_id=None,
        epoch=0,
        kind=VERIFY,
        step=0,
        recipient_id=OwnerId(owner.id),
        channel_id=ChannelId(channel.id),
        level=Level.NONE,
        subject=first,
        body=body.decode(errors="ignore"),
        words={
            "level": "验证",
            "title": f"验证码 {spoken}",
            "code": code,
            "name": owner.name,
            "text": f"验证码 {code}，请在一小时内回复",
        },
        created_at=now,
        due_at=now,
        deadline_at=now + _WITHIN,
    )
