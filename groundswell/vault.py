"""The customer can still be called: contacts, sealed with a key that is not in the database.

In: who a customer is, as a form, an import or a program names them. Out: sealed entries in the
mention's own transaction; the clear value only for who has the permission and says why, written
down before it is shown. Without `settings.vault.key` in project.yaml nothing is kept.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from classify.privacy import mask
from config.errors import ConfigError, GroundswellError
from config.schema import VaultRules
from config.values import SecretRef
from storage.records import MentionId, VaultEntry
from storage.store import Store, Transaction

PERMISSION = "customer_contact"
KINDS: Mapping[str, str] = {
    "phone": "电话",
    "name": "姓名",
    "address": "地址",
    "email": "邮箱",
    "wechat": "微信或QQ",
}
CLOSED = "没有设置 vault.key，联系方式不保存 (contacts are not kept: no vault.key in project.yaml)"
_KEY_MIN = 16  # characters; `openssl rand -base64 32` gives 44
_NONCE = 12  # bytes: what AES-GCM takes (NIST SP 800-38D, 8.2.1)
_REASON_MIN, _REASON_MAX = 4, 200
_BATCH = 200  # entries sealed anew in one transaction


class NotPermittedError(GroundswellError):
    """Somebody asked for a contact without the permission."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Clear personal data of one customer. Shown once, stored nowhere."""

    kind: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the vault. `key_id` says which one sealed an entry and gives nothing else away."""

    key_id: str
    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, reference: SecretRef) -> Key:
        """Derive a key from a secret of the configuration (HKDF-SHA256, RFC 5869).

        Errors: ConfigError when the secret is missing or too short.
        """
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        said = reference.resolve()
        if len(said) < _KEY_MIN:
            raise ConfigError(
                f"vault key {reference!s}: expected a random secret of {_KEY_MIN} characters or "
                "more, e.g. of `openssl rand -base64 32`"
            )

        def derived(purpose: bytes) -> bytes:
            return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(
                said.encode()
            )

        key_id = hashlib.sha256(derived(b"groundswell vault key id")).hexdigest()[:12]
        return cls(key_id, derived(b"groundswell vault"))

    def seal(self, mention_id: MentionId, kind: str, value: str) -> bytes:
        """Return a value sealed for its mention and kind: nonce, then AES-256-GCM."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(_NONCE)
        return nonce + AESGCM(self.secret).encrypt(nonce, value.encode(), _bound(mention_id, kind))

    def open(self, entry: VaultEntry) -> str:
        """Return the value of an entry.

        Errors: GroundswellError when another key sealed it, or it was changed or moved.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if entry.key_id != self.key_id:
            raise GroundswellError(
                f"opening the contact of mention {entry.mention_id}: it was sealed with key "
                f"{entry.key_id}, this one is {self.key_id}; `groundswell vault rekey --old "
                "env:NAME` seals old entries anew"
            )
        nonce, sealed = entry.sealed[:_NONCE], entry.sealed[_NONCE:]
        try:
            opened = AESGCM(self.secret).decrypt(
                nonce, sealed, _bound(entry.mention_id, entry.kind)
            )
        except (InvalidTag, ValueError) as error:  # too short for a nonce is no value either
            raise GroundswellError(
                f"opening the contact of mention {entry.mention_id}: the entry was changed or "
                "moved; it cannot be read any more"
            ) from error
        return opened.decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Vault:
    """What keeps contacts, and gives them out."""

    key: Key
    keep_for: timedelta

    @classmethod
    def of(cls, rules: VaultRules) -> Vault | None:
        """Return the vault of a project, None when it has no key.

        Errors: ConfigError when the key is named but missing: contacts would be lost silently.
        """
        if rules.key is None:
            return None
        return cls(key=Key.of(rules.key), keep_for=timedelta(days=rules.keep_days))

    def keep(
        self,
        tx: Transaction,
        contacts: Mapping[MentionId, Sequence[tuple[str, str]]],
        doors: Mapping[MentionId, str],
        now: datetime,
    ) -> int:
        """Seal contacts in the transaction that keeps their mentions; return how many are kept.

        Their time is counted from when the mention was first taken in: repeats do not prolong it.
        """
        seen = tx.first_seen(contacts.keys())
        entries = [
            VaultEntry(
                entry_no=0,
                mention_id=mention_id,
                kind=kind,
                sealed=self.key.seal(mention_id, kind, value),
                key_id=self.key.key_id,
                door=doors[mention_id],
                at=seen[mention_id],
                expires_at=seen[mention_id] + self.keep_for,
            )
            for mention_id, said in contacts.items()
            for kind, value in said
            if mention_id in seen
        ]
        return tx.keep_contacts(entries, now)


def _bound(mention_id: MentionId, kind: str) -> bytes:
    return f"groundswell/{mention_id}/{kind}".encode()


# --- reading ------------------------------------------------------------------------------------


def checked_reason(reason: str) -> str:
    """Return why somebody wants to read a contact, trimmed and masked like any text.

    Errors: ConfigError when it says nothing.
    """
    reason = mask(" ".join(reason.split()))
    if not _REASON_MIN <= len(reason) <= _REASON_MAX:
        raise ConfigError(
            f"reason: expected {_REASON_MIN} to {_REASON_MAX} characters that say what the "
            f"contact is needed for, got {len(reason)} (请写明联系客户的原因)"
        )
    return reason


def read(
    store: Store,
    vault: Vault | None,
    mention_id: MentionId,
    *,
    actor: str,
    reason: str,
    now: datetime,
    at: datetime,
) -> tuple[Contact, ...]:
    """Return the contacts of a mention; who, when, which and why is committed before.

    A refused reading is audited too. `now` is the program's time, `at` real time for the log.
    Errors: NotPermittedError without the permission; ConfigError for an empty reason or without a
    key; GroundswellError when nothing is there, or another key sealed it.
    """
    reason = checked_reason(reason)
    if vault is None:
        raise ConfigError(f"reading the contact of mention {mention_id}: {CLOSED}")
    with store.transaction() as tx:
        account = tx.user(actor)
        is_permitted = account is not None and account.may(PERMISSION)
        if not is_permitted:
            tx.audit(actor, "contact_refused", str(mention_id), at, reason)
    if not is_permitted:
        raise NotPermittedError(
            f"{actor} may not read contacts; an administrator gives the permission with "
            f"`groundswell user permit {actor} {PERMISSION}`"
        )
    with store.transaction() as tx:
        entries = [
            one for one in tx.queries.contacts(mention_id) if one.sealed and one.expires_at > now
        ]
        if not entries:
            raise GroundswellError(f"mention {mention_id} has no contact, or its time is over")
        found = tuple(Contact(kind=one.kind, value=vault.key.open(one)) for one in entries)
        kinds = " ".join(one.kind for one in entries)
        tx.audit(actor, "contact_read", str(mention_id), at, f"{kinds}: {reason}")
    return found


def forget(store: Store, mention_id: MentionId, *, actor: str, reason: str, now: datetime) -> int:
    """Delete the contacts of a mention for good, e.g. at the customer's request.

    Errors: ConfigError for an empty reason.
    """
    reason = checked_reason(reason)
    with store.transaction() as tx:
        gone = tx.forget_contacts(mention_id)
        tx.audit(actor, "contact_forgotten", str(mention_id), now, f"{gone}: {reason}")
    return gone


def purge(store: Store, rules: VaultRules, now: datetime) -> int:
    """Delete what has been kept long enough, by the time set at intake and by today's."""
    with store.transaction() as tx:
        gone = tx.purge_contacts(now, now - timedelta(days=rules.keep_days))
        if gone:
            tx.audit("system", "contact_purged", "", now, f"{gone} entries")
    return gone


def rekey(store: Store, old: Key, new: Key, *, actor: str, now: datetime) -> tuple[int, int]:
    """Seal anew what the old key sealed; return how many, and how many neither key opens.

    Each batch is a transaction: a run that was killed goes on where it stopped. An entry that was
    changed is left as it is and holds up no other.
    """
    done = left = after = 0
    while True:
        with store.transaction() as tx:
            entries = tx.queries.contacts_after(after, _BATCH)
            for entry in entries:
                if entry.key_id == new.key_id:
                    continue
                try:
                    value = old.open(entry)
                except GroundswellError:
                    left += 1
                    continue
                sealed = new.seal(entry.mention_id, entry.kind, value)
                tx.reseal(replace(entry, sealed=sealed, key_id=new.key_id))
                done += 1
            if not entries:
                said = f"{old.key_id} -> {new.key_id}: {done} entries, {left} not opened"
                tx.audit(actor, "contact_rekeyed", "", now, said)
                return done, left
        after = entries[-1].entry_no
