"""Calling a customer back from the console: every door keeps the contact, one page shows it."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from config.schema import VaultRules
from config.values import SecretRef
from groundswell import wiring
from groundswell.console.app import create_app
from groundswell.doors import make_key
from storage.records import MentionId, VaultEntry
from tests.console.world import HASHER, PASSWORD, Stage, World, csrf_of, log_in

PHONE, NAME, ADDRESS = "13905718826", "周晓彤", "杭州市文二西路718号西溪花园6幢1单元302"
REASON = "回访：安排上门取机"


@pytest.fixture
def kept(world: World, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world with a vault; zhouwen may read contacts, linxiao may not."""
    monkeypatch.setenv("VAULT_TEST_KEY", "a secret of this test only 2026")
    rules = VaultRules(key=SecretRef("env:VAULT_TEST_KEY"), keep_days=30)
    settings = world.project.settings.model_copy(update={"vault": rules})
    world.project = world.project.model_copy(update={"settings": settings})
    journey = wiring.make_journey(world.project, world.store, world.links)
    stage.app = create_app(
        world.store,
        world.project,
        world.desk,
        world.clock,
        lambda *_: None,
        world.links,
        keep=journey.keep_each,
        hasher=HASHER,
    )
    world.add_user("zhouwen")
    with world.store.transaction() as tx:
        tx.set_permissions("zhouwen", "customer_contact")
        tx.set_permissions("boss", "customer_contact")  # read-only: a permission is not enough
    return world


def push(world: World, row: dict[str, Any]) -> dict[str, Any]:
    key = make_key(world.store, "push", "crm", by="admin", now=datetime.now(UTC))
    reply = world.client().post(
        "/api/v1/mentions", json=[row], headers={"Authorization": f"Bearer {key}"}
    )
    assert reply.status_code == 200, reply.text
    answer: dict[str, Any] = reply.json()
    return answer


def ticket(**changes: Any) -> dict[str, Any]:
    return {
        "id": "8801",
        "text": f"澜禾养生壶用了两天就漏电，打我电话{PHONE}",
        "published_at": "2026-11-20T08:30:00+08:00",
        "contact": {"phone": PHONE, "name": NAME, "address": ADDRESS},
        **changes,
    }


def entries(world: World, mention_id: int) -> list[VaultEntry]:
    with world.store.read() as queries:
        return queries.contacts(MentionId(mention_id))


def ask(client: httpx.Client, mention_id: int, reason: str) -> httpx.Response:
    page = client.get(f"/mentions/{mention_id}")
    form = {"csrf": csrf_of(page.text), "reason": reason}
    return client.post(f"/mentions/{mention_id}/contact", data=form)


def test_who_may_sees_the_contact_once_with_a_reason(kept: World) -> None:
    answer = push(kept, ticket())
    assert "notes" not in answer
    mention_id = answer["results"][0]["mention"]
    client = kept.client("zhouwen")
    page = client.get(f"/mentions/{mention_id}").text
    assert "留有地址、姓名、电话" in page
    assert "显示联系方式" in page
    assert PHONE not in page
    assert NAME not in page

    refused = ask(client, mention_id, "  ")
    assert refused.status_code == 400
    assert PHONE not in refused.text
    shown = ask(client, mention_id, REASON)

    assert shown.status_code == 200
    assert shown.headers["cache-control"] == "no-store"
    assert all(value in shown.text for value in (PHONE, NAME, ADDRESS, REASON))
    with kept.store.read() as queries:
        [line] = queries.contact_log()
    assert (line["actor"], line["action"]) == ("zhouwen", "contact_read")
    assert REASON in line["detail"]
    assert PHONE not in str(line)


def test_others_see_that_there_is_one_and_no_more(kept: World) -> None:
    mention_id = push(kept, ticket())["results"][0]["mention"]
    client = kept.client("linxiao")
    page = client.get(f"/mentions/{mention_id}").text

    assert "留有地址、姓名、电话" in page
    assert "显示联系方式" not in page
    csrf = csrf_of(page)
    reply = client.post(f"/mentions/{mention_id}/contact", data={"csrf": csrf, "reason": REASON})
    assert reply.status_code == 403
    assert PHONE not in reply.text
    with kept.store.read() as queries:
        [line] = queries.contact_log()
    assert (line["actor"], line["action"]) == ("linxiao", "contact_refused")


def test_a_read_only_account_and_a_forged_form_get_nothing(kept: World) -> None:
    mention_id = push(kept, ticket())["results"][0]["mention"]
    boss, zhouwen = kept.client("boss"), kept.client("zhouwen")

    assert "显示联系方式" not in boss.get(f"/mentions/{mention_id}").text
    path, form = f"/mentions/{mention_id}/contact", {"csrf": "forged", "reason": REASON}
    assert boss.post(path, data=form).status_code == 403
    assert zhouwen.post(path, data=form).status_code == 403
    assert kept.client().post(path, data=form).status_code in {303, 401, 403}


def test_a_permission_taken_back_ends_at_once(kept: World) -> None:
    mention_id = push(kept, ticket())["results"][0]["mention"]
    client = kept.client("zhouwen")
    assert ask(client, mention_id, REASON).status_code == 200

    with kept.store.transaction() as tx:
        tx.set_permissions("zhouwen", "")
    csrf = csrf_of(client.get(f"/mentions/{mention_id}").text)
    reply = client.post(f"/mentions/{mention_id}/contact", data={"csrf": csrf, "reason": REASON})
    assert reply.status_code == 403


def test_a_changed_password_keeps_the_permission(kept: World) -> None:
    client = kept.client("zhouwen")
    form = {
        "csrf": csrf_of(client.get("/password").text),
        "old": PASSWORD,
        "new": "另一句只有我知道的话 88",
        "again": "另一句只有我知道的话 88",
    }
    assert client.post("/password", data=form).status_code == 303

    with kept.store.read() as queries:
        account = queries.user("zhouwen")
    assert account is not None
    assert account.permissions == "customer_contact"


def test_without_a_vault_every_door_says_so(world: World) -> None:
    answer = push(world, ticket())

    assert "vault.key" in answer["notes"][0]
    assert entries(world, answer["results"][0]["mention"]) == []
    client = world.client("linxiao")
    assert "客户联系方式不保存" in client.get("/add").text
    assert 'name="contact_phone"' not in client.get("/add").text
    assert "联系客户" not in client.get(f"/mentions/{answer['results'][0]['mention']}").text
    link = make_key(world.store, "reporter", "徐汇店", by="admin", now=datetime.now(UTC))
    assert "只保留尾号" in client.get(f"/r/{link}").text


def test_a_contact_that_is_wrong_is_refused_at_its_row(kept: World) -> None:
    [item] = push(kept, ticket(contact={"fone": PHONE}))["results"]

    assert item["outcome"] == "rejected"
    assert item["reason"] == "contact.fone: unknown field; did you mean phone?"


@pytest.mark.parametrize(
    ("left", "kind"),
    [
        (PHONE, "phone"),
        ("0571-8660 4417", "phone"),
        ("zhou_8830", "wechat"),
        ("zhou@mail.example", "email"),
    ],
)
def test_a_shops_report_keeps_what_the_customer_left(kept: World, left: str, kind: str) -> None:
    key = make_key(kept.store, "reporter", "徐汇旗舰店", by="admin", now=datetime.now(UTC))
    client = kept.client()
    page = client.get(f"/r/{key}").text
    assert "加密保存" in page
    once = re.search(r'name="once" value="([0-9a-f]{32})"', page)
    assert once
    form = {
        "once": once[1],
        "issue": "hurt",
        "product": "lanhe/yangshenghu-k2",
        "text": "顾客说昨晚烧水时养生壶底座冒烟，要求退货",
        "contact": left,
    }
    reply = client.post(f"/r/{key}", data=form, files=[("photo", ("", b"", "image/jpeg"))])
    assert reply.status_code == 200

    number = re.search(r'class="report-number">(\d+)<', reply.text)
    assert number
    assert left not in reply.text
    assert [one.kind for one in entries(kept, int(number[1]))] == [kind]
    shown = ask(kept.client("zhouwen"), int(number[1]), REASON)
    assert left in shown.text


def test_a_mention_added_by_hand_keeps_its_contact(kept: World) -> None:
    client = kept.client("linxiao")
    page = client.get("/add?contact_phone=13800000000").text
    assert "13800000000" not in page  # an address is no place for a contact
    form = {
        "csrf": csrf_of(page),
        "once": "1" * 32,
        "text": "澜禾养生壶漏电，客户来电投诉",
        "source": "电话",
        "channel": "internal",
        "contact_phone": PHONE,
        "contact_name": NAME,
    }
    reply = client.post("/add", data=form, files=[("photo", ("", b"", "image/jpeg"))])

    assert reply.status_code == 303
    number = re.search(r"done=(\d+)", reply.headers["location"])
    assert number
    assert [one.kind for one in entries(kept, int(number[1]))] == ["name", "phone"]


def test_an_import_proposes_vault_columns_and_keeps_them(kept: World) -> None:
    table = (
        "工单号,建单时间,工单内容,联系电话,客户姓名,地址\n"
        f"T1,2026-11-20 09:00,澜禾养生壶用了两天就漏电,{PHONE},{NAME},{ADDRESS}\n"
        "T2,2026-11-20 09:10,澜禾养生壶底座发烫,无,,\n"
    )
    client = kept.client("linxiao")
    csrf = csrf_of(client.get("/import").text)
    begun = client.post(
        "/import", data={"csrf": csrf}, files={"file": ("t.csv", table.encode(), "text/csv")}
    )
    page = client.get(begun.headers["location"]).text
    assert page.count("（加密保存）</option>") == 6 * 5
    for ours in ("contact_phone", "contact_name", "contact_address"):
        assert re.search(f'<option value="{ours}" selected', page)
    assert PHONE not in page
    client.post(begun.headers["location"], data={"csrf": csrf_of(page), "channel": "internal"})
    for _ in range(100):
        if "导入完成" in client.get(begun.headers["location"]).text:
            break
        time.sleep(0.05)

    with kept.store.read() as queries:
        kinds = [one.kind for one in queries.contacts_after(0, 10)]
    assert sorted(kinds) == ["address", "name", "phone"]


def test_a_contact_whose_time_is_over_is_gone_from_the_page(kept: World) -> None:
    mention_id = push(kept, ticket())["results"][0]["mention"]
    with kept.store.transaction() as tx:
        tx.forget_contacts(MentionId(mention_id))
    client = kept.client()
    log_in(client, "zhouwen", PASSWORD)

    page = client.get(f"/mentions/{mention_id}").text
    assert "已经按要求或到期删除" in page
    assert "显示联系方式" not in page
