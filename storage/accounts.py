"""People who may log in, what they did, and small facts about the installation itself."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import insert_new, upsert
from storage.counters import take_numbers
from storage.records import Account, Session
from storage.rows import account_of, columns_of, session_of

_session = tables.session


class Accounts:
    """Transaction part: accounts, sessions, the audit log and meta values."""

    connection: Connection

    def save_user(
        self,
        name: str,
        password_hash: str,
        role: str,
        *,
        must_change: bool = False,
        permissions: str = "",
    ) -> None:
        """Write an account whole."""
        account = Account(
            name=name,
            password_hash=password_hash,
            role=role,
            must_change=must_change,
            permissions=permissions,
        )
        upsert(self.connection, tables.account, [columns_of(account, tables.account)])

    def set_permissions(self, name: str, permissions: str) -> None:
        """Say what an account may beyond its role; words with a blank between."""
        named = sa.update(tables.account).where(tables.account.c.name == name)
        self.connection.execute(named.values(permissions=permissions))

    def user(self, name: str) -> Account | None:
        """Return an account by its name."""
        return find_user(self.connection, name)

    def save_session(self, token_hash: str, user: str, expires_at: datetime, csrf: str) -> None:
        """Open a session of a user; only a digest of its token is kept."""
        session = Session(token_hash=token_hash, user=user, expires_at=expires_at, csrf=csrf)
        upsert(self.connection, _session, [columns_of(session, _session)])

    def session(self, token_hash: str, now: datetime) -> Session | None:
        """Return a session that is not over yet."""
        return find_session(self.connection, token_hash, now)

    def drop_session(self, token_hash: str) -> None:
        """End one session."""
        self.connection.execute(sa.delete(_session).where(_session.c.token_hash == token_hash))

    def drop_sessions(self, user: str) -> None:
        """End all sessions of a user."""
        self.connection.execute(sa.delete(_session).where(_session.c.user == user))

    def audit(self, actor: str, action: str, target: str, at: datetime, detail: str) -> None:
        """Append a line to the audit log."""
        [number] = take_numbers(self.connection, "audit", 1)
        row = {
            "audit_no": number,
            "at": at,
            "actor": actor,
            "action": action,
            "target": target,
            "detail": detail,
        }
        self.connection.execute(sa.insert(tables.audit), [row])

    def meta(self, key: str) -> str | None:
        """Return a fact about the installation."""
        return find_meta(self.connection, key)

    def set_meta(self, key: str, value: str) -> None:
        """Remember a fact about the installation."""
        upsert(self.connection, tables.meta, [{"key": key, "value": value}])

    def first_meta(self, key: str, value: str) -> str:
        """Remember a fact unless one is known, and return what stands, whoever was first."""
        insert_new(self.connection, tables.meta, [{"key": key, "value": value}])
        found = find_meta(self.connection, key)
        assert found is not None  # it was just written, or there
        return found


def find_user(connection: Connection, name: str) -> Account | None:
    """Return an account by its name."""
    found = connection.execute(sa.select(tables.account).where(tables.account.c.name == name))
    row = found.mappings().one_or_none()
    return None if row is None else account_of(row)


def find_users(connection: Connection) -> list[Account]:
    """Return all accounts, by name."""
    found = connection.execute(sa.select(tables.account).order_by(tables.account.c.name))
    return [account_of(row) for row in found.mappings()]


def find_session(connection: Connection, token_hash: str, now: datetime) -> Session | None:
    """Return a session that is not over yet."""
    query = sa.select(_session).where(
        _session.c.token_hash == token_hash, _session.c.expires_at > now
    )
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else session_of(row)


def find_meta(connection: Connection, key: str) -> str | None:
    """Return a fact about the installation."""
    value: str | None = connection.scalar(
        sa.select(tables.meta.c.value).where(tables.meta.c.key == key)
    )
    return value
