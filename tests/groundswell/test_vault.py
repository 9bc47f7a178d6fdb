"""Contacts of customers: sealed beside their mention, given out with a reason, gone in time."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from config.errors import ConfigError, GroundswellError
from config.load import example_dir, load
from config.schema import Project, VaultRules
from config.values import SecretRef
from groundswell import wiring
from groundswell.doors import Doors, make_key
from groundswell.importing_values import Reading, read_row
from groundswell.links import SignedLinks
from groundswell.vault import (
    PERMISSION,
    Key,
    NotPermittedError,
    Vault,
    forget,
    purge,
    read,
    rekey,
)
from storage.records import Mention, MentionId, Outcome, VaultEntry
from storage.store import Store

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
PHONE, NAME, ADDRESS = "13905718826", "周晓彤", "杭州市文二西路718号西溪花园6幢1单元302"
SECRET = "a secret of this test only 2026"
ROW = {
    "id": "8801",
    "source": "客服工单",
    "channel": "internal",
    "published_at": "2026-11-20 09:30",
    "title": "养生壶漏电",
    "text": f"澜禾养生壶用了两天就漏电，打我电话{PHONE}，家住西溪花园6幢1单元302室",
    "contact": {"phone": PHONE, "name": NAME, "address": ADDRESS},
}


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> VaultRules:
    monkeypatch.setenv("VAULT_TEST_KEY", SECRET)
    monkeypatch.setenv("VAULT_TEST_NEXT", "another secret of this test 2027")
    return VaultRules(key=SecretRef("env:VAULT_TEST_KEY"), keep_days=30)


@pytest.fixture
def project(rules: VaultRules) -> Project:
    project = load(example_dir(), environ={})
    return project.model_copy(
        update={"settings": project.settings.model_copy(update={"vault": rules})}
    )


def without_key(project: Project) -> Project:
    settings = project.settings.model_copy(update={"vault": VaultRules()})
    return project.model_copy(update={"settings": settings})


def reading(now: datetime = NOW) -> Reading:
    return Reading(now=now, zone=project_zone(), source="客服工单", source_id="push:crm")


def project_zone() -> object:
    from zoneinfo import ZoneInfo

    return ZoneInfo("Asia/Shanghai")


def push(
    store: Store, project: Project, rows: Sequence[dict[str, object]], now: datetime = NOW
) -> list[MentionId]:
    journey = wiring.make_journey(project, store, SignedLinks("http://c.example", "k of a test"))
    doors = Doors(store=store, keep=journey.keep_each)
    with store.read() as queries:
        tokens = queries.tokens("push")
    if not tokens:
        make_key(store, "push", "crm", by="admin", now=now, channel="internal")
        with store.read() as queries:
            tokens = queries.tokens("push")
    taken = doors.push(tokens[0], rows, reading(now), now)
    assert [item.reason for item in taken.items] == [""] * len(rows)
    return [item.mention_id for item in taken.items if item.mention_id is not None]


def permit(store: Store, name: str, permissions: str = PERMISSION) -> None:
    with store.transaction() as tx:
        tx.save_user(name, "argon2$1", "service", permissions=permissions)


def vault_of(project: Project) -> Vault:
    vault = Vault.of(project.settings.vault)
    assert vault is not None
    return vault


def everything(store: Store, url: str) -> Iterator[bytes]:
    """Give the bytes of every value of every table, and of the file itself."""
    engine = sa.create_engine(url)
    metadata = sa.MetaData()
    metadata.reflect(engine)
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(sa.select(table)):
                for value in row:
                    said = (
                        json.dumps(value, ensure_ascii=False)
                        if isinstance(value, dict | list)
                        else value
                    )
                    yield said if isinstance(said, bytes) else str(said).encode()
    engine.dispose()
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        for file in path.parent.glob(f"{path.name}*"):
            yield file.read_bytes()


def test_no_clear_value_stands_in_the_database_or_in_a_log(
    store: Store, database_url: str, project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    [mention_id] = push(store, project, [ROW])

    held = list(everything(store, database_url))
    for clear in (PHONE, NAME, ADDRESS, SECRET, "6幢1单元302"):
        assert not any(clear.encode() in value for value in held)
        assert not any(clear.encode().hex().encode() in value for value in held)
        assert clear not in caplog.text
    with store.read() as queries:
        entries = queries.contacts(mention_id)
    assert [entry.kind for entry in entries] == ["address", "name", "phone"]
    assert {entry.expires_at for entry in entries} == {NOW + timedelta(days=30)}
    assert not any(PHONE in repr(one) for one in (*entries, vault_of(project)))
    assert NAME not in repr(read_row(ROW, reading()))


def test_a_reading_needs_the_permission_and_a_reason_and_is_written_down(
    store: Store, project: Project
) -> None:
    [mention_id] = push(store, project, [ROW])
    permit(store, "zhouwen")
    permit(store, "boss", "")
    vault = vault_of(project)

    def ask(actor: str, reason: str) -> dict[str, str]:
        found = read(store, vault, mention_id, actor=actor, reason=reason, now=NOW, at=NOW)
        return {one.kind: one.value for one in found}

    with pytest.raises(ConfigError, match="reason"):
        ask("zhouwen", "  x ")
    with pytest.raises(NotPermittedError, match="groundswell user permit boss"):
        ask("boss", "回访安排取机")
    with pytest.raises(NotPermittedError):
        ask("nobody", "回访安排取机")
    assert ask("zhouwen", "回访 安排取机") == {"phone": PHONE, "name": NAME, "address": ADDRESS}
    with store.read() as queries:
        log = queries.contact_log()
    assert [(line["actor"], line["action"], line["target"]) for line in log] == [
        ("zhouwen", "contact_read", str(mention_id)),
        ("nobody", "contact_refused", str(mention_id)),
        ("boss", "contact_refused", str(mention_id)),
    ]
    assert log[0]["detail"] == "address name phone: 回访 安排取机"


def test_without_a_key_nothing_is_kept(store: Store, project: Project) -> None:
    [mention_id] = push(store, without_key(project), [ROW])

    with store.read() as queries:
        assert queries.contacts(mention_id) == []
        mention = queries.mention(mention_id)
    assert mention is not None
    assert "139****8826" in mention.text


def test_a_key_that_is_named_but_missing_stops_the_program(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VAULT_TEST_KEY")
    with pytest.raises(ConfigError, match="VAULT_TEST_KEY"):
        Vault.of(project.settings.vault)
    monkeypatch.setenv("VAULT_TEST_KEY", "short")
    with pytest.raises(ConfigError, match="16 characters"):
        Vault.of(project.settings.vault)


def test_a_mention_that_is_rolled_back_takes_its_contact_along(
    store: Store, project: Project
) -> None:
    journey = wiring.make_journey(project, store, SignedLinks("http://c.example", "k of a test"))
    raw = read_row(ROW, reading())

    def killed() -> None:
        with store.transaction() as tx:
            [(outcome, mention_id)] = journey.keep_each(tx, [raw], NOW)
            assert outcome is Outcome.KEPT
            assert mention_id is not None
            assert len(tx.queries.contacts(mention_id)) == 3
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()

    with store.read() as queries:
        assert queries.contacts_after(0, 10) == []


def test_a_repeat_updates_the_value_and_not_its_time(store: Store, project: Project) -> None:
    [mention_id] = push(store, project, [ROW])
    later = NOW + timedelta(days=10)
    push(store, project, [{**ROW, "contact": {"phone": "15868812093"}}], later)
    permit(store, "zhouwen")

    found = read(
        store,
        vault_of(project),
        mention_id,
        actor="zhouwen",
        reason="回访客户",
        now=later,
        at=later,
    )
    assert {one.kind: one.value for one in found}["phone"] == "15868812093"
    with store.read() as queries:
        assert {e.expires_at for e in queries.contacts(mention_id)} == {NOW + timedelta(days=30)}


def test_another_door_does_not_redirect_a_call(store: Store, project: Project) -> None:
    [mention_id] = push(store, project, [ROW])
    vault = vault_of(project)
    with store.transaction() as tx:
        vault.keep(tx, {mention_id: [("phone", "15868812093")]}, {mention_id: "push:partner"}, NOW)
    permit(store, "zhouwen")

    found = read(store, vault, mention_id, actor="zhouwen", reason="回访客户", now=NOW, at=NOW)
    assert {one.kind: one.value for one in found}["phone"] == PHONE


def test_its_time_ends_and_a_repeat_does_not_bring_it_back(store: Store, project: Project) -> None:
    [mention_id] = push(store, project, [ROW])
    rules = project.settings.vault

    assert purge(store, rules, NOW + timedelta(days=29)) == 0
    assert purge(store, rules, NOW + timedelta(days=30)) == 3
    push(store, project, [ROW], NOW + timedelta(days=31))
    with store.read() as queries:
        assert queries.contacts(mention_id) == []


def test_a_shorter_time_in_the_settings_holds_for_what_is_there(
    store: Store, project: Project
) -> None:
    push(store, project, [ROW])

    assert purge(store, VaultRules(keep_days=5), NOW + timedelta(days=6)) == 3


def test_what_was_forgotten_by_request_stays_forgotten(store: Store, project: Project) -> None:
    [mention_id] = push(store, project, [ROW])
    permit(store, "zhouwen")

    assert forget(store, mention_id, actor="lin", reason="客户要求删除", now=NOW) == 3
    push(store, project, [ROW], NOW + timedelta(days=1))
    with pytest.raises(GroundswellError, match="has no contact"):
        read(
            store,
            vault_of(project),
            mention_id,
            actor="zhouwen",
            reason="回访客户",
            now=NOW,
            at=NOW,
        )
    assert forget(store, mention_id, actor="lin", reason="客户要求删除", now=NOW) == 0


def test_an_entry_that_was_moved_changed_or_sealed_with_another_key_does_not_open(
    rules: VaultRules,
) -> None:
    assert rules.key is not None
    key, other = Key.of(rules.key), Key.of(SecretRef("env:VAULT_TEST_NEXT"))
    entry = VaultEntry(
        entry_no=1,
        mention_id=MentionId(7),
        kind="phone",
        sealed=key.seal(MentionId(7), "phone", PHONE),
        key_id=key.key_id,
        door="push:crm",
        at=NOW,
        expires_at=NOW,
    )

    assert key.open(entry) == PHONE
    assert key.seal(MentionId(7), "phone", PHONE) != entry.sealed
    for broken in (
        replace(entry, mention_id=MentionId(8)),
        replace(entry, kind="name"),
        replace(entry, sealed=entry.sealed[:-1] + b"\0\0"),
        replace(entry, sealed=b"\0" * 8),
        replace(entry, sealed=b"\0"),
    ):
        with pytest.raises(GroundswellError, match="changed or moved"):
            key.open(broken)
    with pytest.raises(GroundswellError, match="rekey --old"):
        other.open(entry)


def test_a_change_of_keys_is_finished_by_running_it_again(store: Store, project: Project) -> None:
    ids = push(store, project, [{**ROW, "id": f"{n}"} for n in range(70)])
    rules = project.settings.vault
    assert rules.key is not None
    old, new = Key.of(rules.key), Key.of(SecretRef("env:VAULT_TEST_NEXT"))

    assert rekey(store, old, new, actor="admin", now=NOW) == (210, 0)
    assert rekey(store, old, new, actor="admin", now=NOW) == (0, 0)
    permit(store, "zhouwen")
    turned = replace(vault_of(project), key=new)
    found = read(store, turned, ids[-1], actor="zhouwen", reason="回访客户", now=NOW, at=NOW)
    assert {one.value for one in found} == {PHONE, NAME, ADDRESS}
    with pytest.raises(GroundswellError, match="sealed with key"):
        read(store, vault_of(project), ids[0], actor="zhouwen", reason="回访客户", now=NOW, at=NOW)


def test_one_broken_entry_holds_up_no_change_of_keys(store: Store, project: Project) -> None:
    [first, _] = push(store, project, [{**ROW, "id": f"{n}"} for n in range(2)])
    rules = project.settings.vault
    assert rules.key is not None
    old, new = Key.of(rules.key), Key.of(SecretRef("env:VAULT_TEST_NEXT"))
    with store.transaction() as tx:
        broken = tx.queries.contacts(first)[0]
        tx.reseal(replace(broken, sealed=broken.sealed[:-1] + b"\0\0"))

    assert rekey(store, old, new, actor="admin", now=NOW) == (5, 1)


def test_what_is_forgotten_while_keys_change_stays_forgotten(
    store: Store, project: Project
) -> None:
    [mention_id] = push(store, project, [ROW])
    with store.read() as queries:
        read_before = queries.contacts(mention_id)
    forget(store, mention_id, actor="admin", reason="客户要求删除", now=NOW)

    with store.transaction() as tx:
        for entry in read_before:
            tx.reseal(entry)

    with store.read() as queries:
        assert [one.sealed for one in queries.contacts(mention_id)] == [b""] * 3


@pytest.mark.parametrize(
    ("contact", "reason"),
    [
        ({"fone": "1"}, "contact.fone: unknown field; did you mean phone"),
        (PHONE, "contact: expected an object"),
        ({"phone": ["1"]}, "contact_phone: expected text"),
        ({"address": "长" * 201}, "contact_address: expected at most 200 characters"),
    ],
)
def test_a_contact_that_cannot_be_read_is_refused_without_telling_it(
    contact: object, reason: str
) -> None:
    with pytest.raises(ValueError, match="contact") as caught:
        read_row({**ROW, "contact": contact}, reading())

    assert reason in str(caught.value)
    assert PHONE not in str(caught.value)


def test_the_mention_is_kept_without_what_it_said_in_the_clear(
    store: Store, project: Project
) -> None:
    [mention_id] = push(store, project, [{**ROW, "author": f"热心市民{PHONE}"}])

    with store.read() as queries:
        mention: Mention | None = queries.mention(mention_id)
    assert mention is not None
    assert mention.author == "热心市民139****8826"
    assert mention.text.endswith("家住西溪花园*幢*单元***室")
