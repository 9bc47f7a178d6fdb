"""Who may log in: passwords, sessions and the brake on guessing.

Sessions run on real time, never on the demo's fast clock: the caller passes a real `now`.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from config.errors import GroundswellError
from storage.records import Account
from storage.store import Store

FIRST_USER = "admin"
READ_ONLY = "readonly"
SESSION_LIFE = timedelta(hours=12)  # one working day with its overtime
PASSWORD_MIN = 10  # characters; NIST SP 800-63B asks for 8 at least
PASSWORD_MAX = 256  # more would only make hashing slow
# Failed tries within the window before the door stays shut until it has passed. A name from one
# address is stopped early; whole addresses and whole names later, so that a stranger who guesses
# at somebody's name does not lock that person out at once.
_WINDOW = timedelta(minutes=5)
_LIMITS = {"pair": 5, "address": 30, "name": 60}
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # no look-alikes: it is typed once from a terminal


class LoginRefusedError(GroundswellError):
    """A login did not succeed. `retry_after_s` is set when trying again has to wait."""

    def __init__(self, text: str, retry_after_s: int | None = None) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who is logged in on this request. `csrf` must come back with every form."""

    name: str
    role: str
    csrf: str
    must_change: bool
    token_hash: str
    permissions: str = ""

    @property
    def may_act(self) -> bool:
        """Whether this person may change anything."""
        return self.role != READ_ONLY

    def may(self, permission: str) -> bool:
        """Whether this person was given a permission, and may act at all."""
        return self.may_act and permission in self.permissions.split()


def one_time_password() -> str:
    """Return a password of 16 easily typed characters (79 bits)."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(16))
    return "-".join(letters[i : i + 4] for i in range(0, 16, 4))


def ensure_first_user(
    store: Store, now: datetime, hasher: PasswordHasher | None = None
) -> str | None:
    """Make the first account and return its one-time password to be printed once.

    None when the account has a password of its own. One that was never used is replaced, so that a
    lost first screen locks nobody out.
    """
    with store.read() as queries:
        account = queries.user(FIRST_USER)
    if account is not None and not account.must_change:
        return None
    password = one_time_password()
    hashed = (hasher or PasswordHasher()).hash(password)
    with store.transaction() as tx:
        permissions = account.permissions if account else ""
        tx.save_user(FIRST_USER, hashed, "admin", must_change=True, permissions=permissions)
        tx.audit("system", "first_user", FIRST_USER, now, "one-time password made")
    return password


@dataclass(slots=True)
class Brake:
    """Counts failed logins in memory; a restart forgets them, an attacker cannot restart us."""

    _failures: dict[tuple[str, str], deque[datetime]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait_s(self, name: str, address: str, now: datetime) -> int:
        """Return the seconds until another try is taken, 0 when now."""
        with self._lock:
            return max(self._wait(key, now) for key in self._keys(name, address))

    def failed(self, name: str, address: str, now: datetime) -> None:
        """Note a failed try."""
        with self._lock:
            if len(self._failures) > 10_000:  # a flood of invented names must not fill the memory
                self._forget(now)
            for key in self._keys(name, address):
                self._failures.setdefault(key, deque(maxlen=_LIMITS[key[0]])).append(now)

    def succeeded(self, name: str, address: str) -> None:
        """Forget the failed tries of this name from this address."""
        with self._lock:
            self._failures.pop(("pair", f"{address} {name}"), None)

    def _keys(self, name: str, address: str) -> tuple[tuple[str, str], ...]:
        short = name[:64]
        return ("pair", f"{address} {short}"), ("address", address), ("name", short)

    def _wait(self, key: tuple[str, str], now: datetime) -> int:
        tries = self._failures.get(key)
        if tries is None or len(tries) < _LIMITS[key[0]]:
            return 0
        left = (tries[0] + _WINDOW - now).total_seconds()
        return max(0, int(left) + 1) if left > 0 else 0

    def _forget(self, now: datetime) -> None:
        stale = [key for key, tries in self._failures.items() if tries[-1] + _WINDOW < now]
        for key in stale:
            del self._failures[key]


class Accounts:
    """Logs people in and out against the store. All methods block: call them from a thread."""

    def __init__(self, store: Store, hasher: PasswordHasher | None = None) -> None:
        self._store = store
        self._hasher = hasher or PasswordHasher()
        self._brake = Brake()
        # Hashing takes 64 MiB: two at a time at most, whoever knocks.
        self._turnstile = threading.Semaphore(2)
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))

    def log_in(self, name: str, password: str, address: str, now: datetime) -> str:
        """Check a password and open a session; return its token, which is stored nowhere.

        Errors: LoginRefusedError, the same for an unknown name and a wrong password.
        """
        wait = self._brake.wait_s(name, address, now)
        if wait:
            raise LoginRefusedError("尝试次数太多，请稍后再试", retry_after_s=wait)
        with self._store.read() as queries:
            account = queries.user(name[:64])
        if not self._matches(account, password):
            self._brake.failed(name, address, now)
            raise LoginRefusedError("用户名或密码不对")
        self._brake.succeeded(name, address)
        return self._open(name, now)

    def check(self, name: str, password: str) -> None:
        """Check a password without opening a session, for a command in a terminal.

        Errors: LoginRefusedError, the same for an unknown name and a wrong password; also for a
        password that somebody else has set and knows.
        """
        with self._store.read() as queries:
            account = queries.user(name[:64])
        if not self._matches(account, password):
            raise LoginRefusedError("用户名或密码不对 (unknown account or wrong password)")
        if account is not None and account.must_change:
            raise LoginRefusedError("请先登录网页改成自己的密码 (set a password of your own first)")

    def visitor(self, token: str, now: datetime) -> Visitor | None:
        """Return who a session token belongs to, None when it is unknown or over."""
        if not token or len(token) > 128:
            return None
        hashed = _digest(token)
        with self._store.read() as queries:
            session = queries.session(hashed, now)
            account = queries.user(session.user) if session else None
        if session is None or account is None:
            return None
        return Visitor(
            name=account.name,
            role=account.role,
            csrf=session.csrf,
            must_change=account.must_change,
            token_hash=hashed,
            permissions=account.permissions,
        )

    def log_out(self, visitor: Visitor) -> None:
        """End this session."""
        with self._store.transaction() as tx:
            tx.drop_session(visitor.token_hash)

    def change_password(self, visitor: Visitor, old: str, new: str, now: datetime) -> str:
        """Set a new password, end the person's other sessions, return a new session's token.

        Errors: LoginRefusedError when the old password is wrong or the new one is too weak.
        """
        with self._store.read() as queries:
            account = queries.user(visitor.name)
        wait = self._brake.wait_s(visitor.name, "password", now)
        if wait:
            raise LoginRefusedError("尝试次数太多，请稍后再试", retry_after_s=wait)
        if account is None or not self._matches(account, old):
            self._brake.failed(visitor.name, "password", now)
            raise LoginRefusedError("当前密码不对")
        problem = weakness(new, visitor.name, old)
        if problem:
            raise LoginRefusedError(problem)
        with self._turnstile:
            hashed = self._hasher.hash(new)
        with self._store.transaction() as tx:
            # hashing takes its time: what an administrator changed meanwhile stands
            latest = tx.user(account.name)
            if latest is None or latest.password_hash != account.password_hash:
                raise LoginRefusedError("当前密码不对")
            tx.save_user(latest.name, hashed, latest.role, permissions=latest.permissions)
            tx.drop_sessions(account.name)
            tx.audit(account.name, "password", account.name, now, "")
        return self._open(account.name, now)

    def _open(self, name: str, now: datetime) -> str:
        token = secrets.token_urlsafe(32)
        with self._store.transaction() as tx:
            tx.save_session(_digest(token), name, now + SESSION_LIFE, secrets.token_urlsafe(24))
            tx.audit(name, "login", name, now, "")
        return token

    def _matches(self, account: Account | None, password: str) -> bool:
        """Compare in the same time whether or not the name exists."""
        hashed = account.password_hash if account else self._nobody
        with self._turnstile:
            try:
                matches = self._hasher.verify(hashed, password[: PASSWORD_MAX + 1])
            except (VerificationError, InvalidHashError):
                return False
        return matches and account is not None


def weakness(password: str, name: str, old: str) -> str:
    """Return why a new password will not do, "" when it does."""
    if len(password) < PASSWORD_MIN:
        return f"新密码至少 {PASSWORD_MIN} 个字符"
    if len(password) > PASSWORD_MAX:
        return f"新密码最多 {PASSWORD_MAX} 个字符"
    if password == old:
        return "新密码不能和当前密码一样"
    if name.lower() in password.lower():
        return "新密码里不要包含用户名"
    if len(set(password)) < 5:
        return "新密码太简单，多用几种字符"
    return ""


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
