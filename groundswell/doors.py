"""What lets mentions in that no crawler fetched: keys, how often each may be used, and the keeping.

In: rows and files of strangers, each behind a key or a login. Out: mentions through the same
journey as any other; the running main job carries them on.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from config.errors import ConfigError, GroundswellError
from groundswell.doors_photos import Photo, attachments
from groundswell.importing_values import Reading, read_row, unknown_field
from storage.records import AccessToken, MentionId, Outcome, RawMention
from storage.storable import storable
from storage.store import Store, Transaction

PUSH, REPORTER, READ, EDIT = "push", "reporter", "read", "edit"
BATCH = 100  # rows a transaction: bounds how long a write holds the database (decisions.md 15)
MOST_ROWS = 1000  # rows a call (interfaces.md)
_NAME_LIMIT = 60
_BUCKETS = 10_000  # some 2 MB
_PREFIX = {
    PUSH: "gsp_",
    READ: "gsr_",
    EDIT: "gse_",
}  # so that a key in a log or a repository is known for what it is
_KEY_BYTES = {
    PUSH: 32,
    READ: 32,
    EDIT: 32,
    REPORTER: 16,
}  # 16 bytes (128 bits) keep a QR code coarse enough for paper

KeepEach = Callable[
    [Transaction, Sequence[RawMention], datetime], list[tuple[Outcome, MentionId | None]]
]


class KeyRefusedError(GroundswellError):
    """A key opens nothing: unknown, revoked or over."""


# --- keys -------------------------------------------------------------------------------------


def digest(key: str) -> str:
    """Return what is stored of a key. It is random and long, so one round of hashing is enough."""
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()


def make_key(
    store: Store,
    kind: str,
    name: str,
    *,
    by: str,
    now: datetime,
    region: str = "",
    channel: str = "public",
    lasts: timedelta | None = None,
) -> str:
    """Make a key and return it; it is stored nowhere and cannot be shown again.

    Errors: ConfigError when the name will not do or is in use.
    """
    name = checked_name(name)
    key = _PREFIX.get(kind, "") + secrets.token_urlsafe(_KEY_BYTES[kind])
    token = AccessToken(
        token_hash=digest(key),
        kind=kind,
        name=name,
        created_at=now,
        created_by=by,
        region=region.strip()[:_NAME_LIMIT],
        channel=channel,
        expires_at=None if lasts is None else now + lasts,
    )
    with store.transaction() as tx:
        if not tx.add_token(token):
            raise ConfigError(
                f"making a {kind} key {name!r}: the name is in use; revoke that one first"
            )
        tx.audit(by, f"{kind}_key", name, now, f"channel {channel} region {token.region}".strip())
    return key


def revoke_key(store: Store, kind: str, name: str, *, by: str, now: datetime) -> None:
    """End a key at once.

    Errors: ConfigError when there is none of this name in use.
    """
    with store.transaction() as tx:
        if not tx.revoke_token(kind, name, now):
            raise ConfigError(
                f"revoking the {kind} key {name!r}: there is none of this name in use"
            )
        tx.audit(by, f"{kind}_key_revoked", name, now, "")


def key_facts(token: AccessToken) -> dict[str, Any]:
    """Return what may be told of a key: all but its digest, instants to the minute in UTC."""
    moments = ("created_at", "expires_at", "revoked_at", "last_used_at")
    facts: dict[str, Any] = {
        name: f"{at:%Y-%m-%d %H:%M}" if (at := getattr(token, name)) else None for name in moments
    }
    names = ("name", "channel", "region", "created_by", "uses")
    return {name: getattr(token, name) for name in names} | facts


def checked_name(name: str) -> str:
    """Return a name for a key, trimmed.

    Errors: ConfigError when it is empty, too long or holds what cannot be seen.
    """
    name = name.strip()
    unseen = any(unicodedata.category(character)[0] == "C" for character in name)
    if not name or len(name) > _NAME_LIMIT or unseen:
        raise ConfigError(
            f"name {name[:80]!r}: expected 1 to {_NAME_LIMIT} visible characters, e.g. 徐汇店"
        )
    return name


# --- how often --------------------------------------------------------------------------------


@dataclass(slots=True)
class Limiter:
    """A bucket per key: `calls` at once, refilled evenly over `per`. State of this process only."""

    calls: int
    per: timedelta
    _left: dict[str, tuple[float, datetime]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait_s(self, key: str, now: datetime) -> int:
        """Take one from the bucket of a key; return the seconds to wait, 0 when it was taken."""
        every = self.per.total_seconds() / self.calls
        with self._lock:
            if len(self._left) >= _BUCKETS:  # a flood of invented keys must not fill the memory
                self._forget(now)
            left = self._now_left(key, now)
            if left < 1:
                return max(1, round((1 - left) * every + 0.5))
            self._left.pop(key, None)  # so that the last ones used stand last
            self._left[key] = (left - 1, now)
            return 0

    def _now_left(self, key: str, now: datetime) -> float:
        left, at = self._left.get(key, (float(self.calls), now))
        passed = max(0.0, (now - at).total_seconds())  # a clock set back gives nothing for free
        return min(float(self.calls), left + passed * self.calls / self.per.total_seconds())

    def _forget(self, now: datetime) -> None:
        """Keep those of the last calls at most, half of them: else every call would look at all."""
        kept = {
            key: bucket
            for key, bucket in self._left.items()
            if self._now_left(key, now) < self.calls
        }
        self._left = dict(list(kept.items())[-_BUCKETS // 2 :])


# --- the keeping ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What became of one row of a call: the mention it is, or the reason why it was refused."""

    index: int
    id: str
    mention_id: MentionId | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a call: every row in order, and what the call changed."""

    items: tuple[Item, ...]
    outcomes: Mapping[str, int]
    contacts: int = 0  # rows that named whom to call

    @property
    def rejected(self) -> int:
        """How many rows were refused."""
        return sum(1 for item in self.items if item.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Keeps what comes in by other doors. Methods block: call them from a thread."""

    store: Store
    keep: KeepEach

    def push(
        self, token: AccessToken, rows: Sequence[Any], reading: Reading, at: datetime
    ) -> Taken:
        """Keep the rows of one call; what is wrong with a row stands at the row.

        `at` is real time, by which keys run out; `reading.now` is the program's.
        Errors: KeyRefusedError when the key was revoked meanwhile; then nothing more is kept.
        """
        raws: dict[int, RawMention] = {}
        items: dict[int, Item] = {}
        for index, row in enumerate(rows):
            said = row.get("id") if isinstance(row, Mapping) else None
            # told back as it came, if it is an id at all; half a character could not be sent
            shown = storable(str(said)[:500]) if isinstance(said, str | int | float) else ""
            try:
                raws[index] = _pushed(row, reading)
            except ValueError as error:
                items[index] = Item(index=index, id=shown, reason=storable(str(error)))
        outcomes: Counter[str] = Counter()
        for batch in _batches(list(raws)):
            for index, (outcome, mention_id) in zip(
                batch, self._keep(token, [raws[n] for n in batch], reading.now, at), strict=True
            ):
                outcomes[str(outcome)] += 1
                items[index] = Item(index=index, id=raws[index].native_id, mention_id=mention_id)
        self._close(token, at, outcomes, rejected=len(rows) - len(raws))
        return Taken(
            items=tuple(items[n] for n in range(len(rows))),
            outcomes=dict(outcomes),
            contacts=sum(bool(raw.contact) for raw in raws.values()),
        )

    def take_one(
        self,
        raw: RawMention,
        photos: Sequence[Photo],
        actor: str,
        *,
        token: AccessToken | None = None,
        at: datetime | None = None,
    ) -> tuple[Outcome, MentionId | None]:
        """Keep what one person wrote, with its pictures; with a token, only while that is good.

        Errors: KeyRefusedError when the key was revoked meanwhile; then nothing is kept.
        """
        now = raw.observed_at
        with self.store.transaction() as tx:
            if token is not None and tx.use_token(token.token_hash, at or now) is None:
                raise KeyRefusedError("the key was revoked")
            [(outcome, mention_id)] = self.keep(tx, [raw], now)
            if mention_id is not None:
                tx.add_attachments(attachments(mention_id, photos, now))
            if outcome is not Outcome.DUPLICATE:
                said = f"{outcome} photos={len(photos)}"
                tx.audit(actor, "mention_added", str(mention_id or ""), at or now, said)
        return outcome, mention_id

    def _keep(
        self, token: AccessToken, raws: Sequence[RawMention], now: datetime, at: datetime
    ) -> list[tuple[Outcome, MentionId | None]]:
        with self.store.transaction() as tx:
            if tx.queries.token(token.token_hash, at) is None:
                raise KeyRefusedError("the key was revoked")
            return self.keep(tx, raws, now)

    def _close(
        self, token: AccessToken, at: datetime, outcomes: Mapping[str, int], rejected: int
    ) -> None:
        """Count the call; a line in the audit log only where it brought something, or tried to."""
        counts = {name: n for name, n in outcomes.items() if name != Outcome.DUPLICATE}
        with self.store.transaction() as tx:
            tx.use_token(token.token_hash, at)
            if counts or rejected:
                said = " ".join(f"{name}={n}" for name, n in sorted(counts.items()))
                line = f"{said} rejected={rejected}".strip()
                tx.audit(f"{token.kind}:{token.name}", token.kind, token.name, at, line)


def _batches(indexes: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(indexes), BATCH):
        yield indexes[start : start + BATCH]


def _pushed(row: Any, reading: Reading) -> RawMention:
    """Read a row of a call: names are checked, and a repeat must be known by something."""
    if not isinstance(row, Mapping):
        raise ValueError("expected an object with the fields of one mention")  # noqa: TRY004
    wrong = unknown_field(row)
    if wrong:
        raise ValueError(wrong)
    raw = read_row(row, reading)
    if not raw.native_id and not raw.canonical_url:
        raise ValueError("id: expected an id or a url, so that a repeat is known as one")
    return raw
