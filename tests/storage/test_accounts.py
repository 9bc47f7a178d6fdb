from __future__ import annotations

import traceback
from datetime import timedelta

import pytest

from config.errors import StoreError
from storage.records import Account, Session
from tests.make import NOW

END = NOW + timedelta(hours=12)


def test_an_account_comes_back_and_can_be_changed(store):
    with store.transaction() as tx:
        assert tx.user("lin") is None
        tx.save_user("lin", "argon2$1", "pr", must_change=True)
        tx.save_user("lin", "argon2$2", "admin")

    with store.read() as queries:
        assert queries.user("lin") == Account(name="lin", password_hash="argon2$2", role="admin")


def test_a_session_lives_until_its_end(store):
    with store.transaction() as tx:
        tx.save_user("lin", "argon2$1", "pr")
        tx.save_session("digest", "lin", END, "csrf")

    with store.read() as queries:
        found = Session(token_hash="digest", user="lin", expires_at=END, csrf="csrf")
        assert queries.session("digest", NOW) == found
        assert queries.session("digest", END) is None
        assert queries.session("another", NOW) is None


def test_sessions_are_dropped_one_by_one_or_all_of_a_user(store):
    with store.transaction() as tx:
        for user in ("lin", "zhao"):
            tx.save_user(user, "argon2$1", "pr")
            tx.save_session(f"{user}-1", user, END, "csrf")
            tx.save_session(f"{user}-2", user, END, "csrf")
        tx.drop_session("zhao-1")
        tx.drop_sessions("lin")

    with store.read() as queries:
        left = [row["token_hash"] for row in queries.table_rows("session")]
    assert left == ["zhao-2"]


def _session_of_nobody(store):
    with store.transaction() as tx:
        tx.save_session("digest", "nobody", END, "csrf")


def test_a_session_needs_an_account(store):
    with pytest.raises(StoreError, match="refuses the work"):
        _session_of_nobody(store)


def test_an_error_in_a_log_tells_nothing_of_what_was_to_be_stored(store):
    with pytest.raises(StoreError) as caught:
        _session_of_nobody(store)

    told = "".join(traceback.format_exception(caught.value))
    assert "INSERT INTO session" in told
    assert "csrf'" not in told  # SQLAlchemy writes the values that it was given, unless told not to


def test_the_audit_log_is_appended_without_gaps(store):
    with store.transaction() as tx:
        tx.audit("lin", "ack", "舆-7F3K", NOW, "")
        tx.audit("lin", "handled", "舆-7F3K", END, "已退款")

    with store.read() as queries:
        lines = [(line["audit_no"], line["action"], line["at"]) for line in queries.audits()]
    assert lines == [(2, "handled", END), (1, "ack", NOW)]


def test_meta_values_are_remembered(store):
    assert store.meta("origin") is None
    with store.transaction() as tx:
        tx.set_meta("origin", "1")
        tx.set_meta("origin", "2")
        assert tx.meta("origin") == "2"
    assert store.meta("origin") == "2"
