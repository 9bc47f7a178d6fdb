"""Accounts from the command line: added, given permissions, given a new password.

In: names, roles, passwords. Out: accounts in the store, every change in the audit log. Passwords
are hashed before the transaction begins; what was given by hand is changed at the first login.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from argon2 import PasswordHasher

from config.errors import ConfigError
from groundswell.console.accounts import weakness
from groundswell.console.words import ROLES
from groundswell.vault import PERMISSION
from storage.records import Account
from storage.store import Store, Transaction

PERMISSIONS = (PERMISSION,)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@\-]{0,63}")  # 64: what the login form compares


def add_user(
    store: Store,
    name: str,
    role: str,
    password: str,
    *,
    by: str,
    hasher: PasswordHasher | None = None,
) -> None:
    """Add an account; its first login asks for a password of its own.

    Errors: ConfigError for a name in use or of other characters, an unknown role, a weak password.
    """
    if _NAME.fullmatch(name) is None:
        raise ConfigError(
            f"adding the account {name[:80]!r}: expected 1 to 64 letters, digits, . _ @ or -"
        )
    if role not in ROLES:
        raise ConfigError(
            f"adding the account {name!r}: role {role!r}, expected one of {', '.join(ROLES)}"
        )
    hashed = _hashed(name, password, hasher)
    with store.transaction() as tx:
        if tx.user(name) is not None:
            raise ConfigError(f"adding the account {name!r}: there is one of this name")
        tx.save_user(name, hashed, role, must_change=True)
        tx.audit(by, "user_added", name, datetime.now(UTC), role)


def set_permission(store: Store, name: str, permission: str, *, given: bool, by: str) -> Account:
    """Give a permission or take it back; return the account.

    Errors: ConfigError for an unknown account or permission.
    """
    if permission not in PERMISSIONS:
        raise ConfigError(f"permission {permission!r}: expected one of {', '.join(PERMISSIONS)}")
    with store.transaction() as tx:
        account = _account(tx, name)
        words = [word for word in account.permissions.split() if word != permission]
        tx.set_permissions(name, " ".join([*words, permission] if given else words))
        action = "user_permitted" if given else "user_forbidden"
        tx.audit(by, action, name, datetime.now(UTC), permission)
        return _account(tx, name)


def set_password(
    store: Store, name: str, password: str, *, by: str, hasher: PasswordHasher | None = None
) -> None:
    """Set a password to be changed at the next login, and end all sessions.

    Errors: ConfigError for an unknown account or a weak password.
    """
    hashed = _hashed(name, password, hasher)
    with store.transaction() as tx:
        account = _account(tx, name)
        tx.save_user(name, hashed, account.role, must_change=True, permissions=account.permissions)
        tx.drop_sessions(name)
        tx.audit(by, "user_password", name, datetime.now(UTC), "")


def _account(tx: Transaction, name: str) -> Account:
    account = tx.user(name)
    if account is None:
        raise ConfigError(
            f"account {name!r}: there is none of this name; see `groundswell user list`"
        )
    return account


def _hashed(name: str, password: str, hasher: PasswordHasher | None) -> str:
    problem = weakness(password, name, "")
    if problem:
        raise ConfigError(f"password of {name!r}: {problem}")
    return (hasher or PasswordHasher()).hash(password)
