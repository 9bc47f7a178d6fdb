"""复核: what people say of verdicts in the console, with and without scripts."""

from __future__ import annotations

import re

import pytest

from storage.records import IncidentState, Polarity
from tests.console.world import CLUSTER, World, csrf_of, raise_incident, verdict_on
from tests.make import make_raw


@pytest.fixture
def incident(world: World):
    return raise_incident(world)


def asked(page: str) -> tuple[str, str]:
    found = re.search(
        r'name="mention" value="(\d+)"><input type="hidden" name="brand" value="(\w+)', page
    )
    assert found, page[:600]
    return found[1], found[2]


def answer(client, page: str, value: str, **fields: str):
    mention, brand = asked(page)
    form = {"csrf": csrf_of(page), "mention": mention, "brand": brand, "answer": value}
    return client.post("/labels/answer", data=form | fields)


def members(world: World) -> int:
    with world.store.read() as queries:
        return len(queries.cluster_mentions(CLUSTER, 100))


def test_an_answer_holds_at_once_and_the_next_one_is_asked(world, incident):
    client = world.client("linxiao")
    page = client.get("/labels").text
    before = members(world)
    first, _ = asked(page)

    done = answer(client, page, "not_negative")

    assert done.status_code == 303
    after = client.get(done.headers["location"]).text
    assert f"提及 {first}</a> 已记为：非负面" in after
    assert asked(after)[0] != first
    assert '我 <strong id="mine">1</strong> 条' in after
    assert members(world) == before - 1
    with world.store.read() as queries:
        [verdict] = queries.verdicts(int(first))
        [line] = [row for row in queries.audits() if row["action"] == "label"]
        [said] = queries.corrections()
        assert queries.cluster(CLUSTER).size == before - 1
    assert (verdict.polarity, verdict.negative) == (Polarity.NOT_NEGATIVE, 0.0)
    assert (line["actor"], line["target"]) == ("linxiao", f"mention {first}")
    assert (said.door, said.actor, said.asked) == ("console", "linxiao", "open_incident")


def test_numbers_that_are_none_are_told_so(world, incident):
    client = world.client("linxiao")
    page = client.get("/labels").text
    csrf, endless = csrf_of(page), "9" * 5_000  # more digits than Python makes a number of
    bulk = {"csrf": csrf, "incident": incident.incident_id, "note": "看错了", "answer": "noise"}

    replies = [
        client.get("/labels", params={"mention": endless, "brand": "lanhe"}),
        client.get("/labels", params={"done": endless}),
        client.get(f"/labels/incidents/{incident.incident_id}", params={"done": endless}),
        answer(client, page, "noise", mention=endless),
        client.post("/labels/undo", data={"csrf": csrf, "number": endless}),
        client.post("/labels/bulk", data=bulk | {f"m{endless}": "on", "m²": "on"}),
    ]

    assert [reply.status_code for reply in replies] == [404, 200, 200, 404, 404, 303]
    with world.store.read() as queries:
        assert queries.corrections() == []


def test_what_a_note_says_of_a_person_is_masked(world, incident):
    client = world.client("linxiao")

    answer(client, client.get("/labels").text, "noise", note="客户 13905718826 说是误会")

    with world.store.read() as queries:
        assert {one.note for one in queries.corrections()} == {"客户 139****8826 说是误会"}


def test_the_order_of_a_day_stands(world, incident):
    client = world.client("linxiao")
    first = asked(client.get("/labels").text)

    assert [asked(client.get("/labels").text) for _ in range(2)] == [first, first]


def test_skip_passes_over_for_today(world, incident):
    client = world.client("linxiao")
    page = client.get("/labels").text
    mention, brand = asked(page)

    form = {"csrf": csrf_of(page), "mention": mention, "brand": brand}
    client.post("/labels/skip", data=form)

    assert asked(client.get("/labels").text)[0] != mention
    with world.store.read() as queries:
        assert queries.corrections() == []


def test_undo_takes_the_answer_back_and_asks_again(world, incident):
    client = world.client("linxiao")
    page = client.get("/labels").text
    mention, _ = asked(page)
    answer(client, page, "other_brand", issue="物流配送")
    with world.store.read() as queries:
        assert queries.verdicts(int(mention)) == []
        assert len(queries.corrections()) == 2

    done = client.post("/labels/undo", data={"csrf": csrf_of(page)})

    again = client.get(done.headers["location"]).text
    assert asked(again)[0] == mention
    assert "已撤销，请重新判断" in again
    with world.store.read() as queries:
        [verdict] = queries.verdicts(int(mention))
    assert verdict.model_version == "test-1"


def test_nothing_to_undo_is_said(world, incident):
    client = world.client("linxiao")
    page = client.get("/labels").text

    done = client.post("/labels/undo", data={"csrf": csrf_of(page)})

    assert "没有可以撤销的" in client.get(done.headers["location"]).text


def test_class_brand_noise_and_facts_are_said_in_one_go(world, incident):
    client = world.client("linxiao")
    page = client.get("/labels").text
    mention, _ = asked(page)

    answer(
        client, page, "negative", issue="售后维修", fact="fire=no", note="反复维修", about="hemu"
    )

    with world.store.read() as queries:
        [verdict] = queries.verdicts(int(mention))
        notes = {one.note for one in queries.corrections()}
    assert (verdict.brand_id, verdict.corrected) == ("hemu", ("brand",))
    assert notes == {"反复维修"}


def test_a_customer_heard_in_an_advert_is_no_advert(world, incident):
    client = world.client("linxiao")
    page = client.get("/labels").text
    mention, brand = asked(page)
    answer(client, page, "noise")

    answer(client, page, "negative")

    with world.store.read() as queries:
        [verdict] = queries.verdicts(int(mention))
        waiting = queries.pending_shards()
    assert verdict.noise == ""
    assert waiting == [f"{brand}/zh"]


def test_buttons_on_the_mention_page_come_back_to_it(world, incident):
    client = world.client("linxiao")
    mention, _ = asked(client.get("/labels").text)
    page = client.get(f"/mentions/{mention}").text
    assert "判错了？" in page

    done = answer(client, page, "other_brand", back=f"/mentions/{mention}", note="同名公司")

    assert done.headers["location"] == f"/mentions/{mention}#labels"
    after = client.get(f"/mentions/{mention}").text
    assert "复核记录" in after
    assert "不是这个品牌" in after
    assert "同名公司" in after


def test_what_somebody_else_said_can_be_taken_back(world, incident):
    client = world.client("linxiao")
    mention, _ = asked(client.get("/labels").text)
    page = client.get(f"/mentions/{mention}").text
    answer(client, page, "other_brand", back=f"/mentions/{mention}")
    world.add_user("chenmo")
    other = world.client("chenmo")
    page = other.get(f"/mentions/{mention}").text
    number = re.search(r'name="number" value="(\d+)"', page)[1]
    form = {"csrf": csrf_of(page), "number": number, "back": f"/mentions/{mention}"}

    done = other.post("/labels/undo", data=form)

    assert done.headers["location"] == f"/mentions/{mention}#labels"
    with world.store.read() as queries:
        [verdict] = queries.verdicts(int(mention))
        assert [one.actor for one in queries.mention_corrections(int(mention))] == [
            "linxiao", "chenmo",
        ]  # fmt: skip
    assert verdict.model_version == "test-1"
    assert "撤销这一条" not in other.get(f"/mentions/{mention}").text
    assert other.post("/labels/undo", data=form).status_code == 400


def test_buttons_on_the_incident_page_change_its_figures(world, incident):
    client = world.client("linxiao")
    at = f"/incidents/{incident.incident_id}"
    page = client.get(at).text
    n = members(world)
    assert f"{n} 种说法" in page

    done = answer(client, page, "noise", back=at)

    after = client.get(done.headers["location"]).text
    assert f"{n - 1} 种说法" in after
    assert "已复核，数字和评级已更新" in after


def test_several_mentions_are_corrected_with_one_reason(world, incident):
    client = world.client("linxiao")
    at = f"/labels/incidents/{incident.incident_id}"
    page = client.get(at).text
    boxes = re.findall(r'name="(m\d+)"', page)
    form = {"csrf": csrf_of(page), "incident": incident.incident_id, "answer": "other_brand"}
    n = members(world)
    assert len(boxes) == n

    unexplained = client.post("/labels/bulk", data=form | dict.fromkeys(boxes[:3], "on"))
    assert "请写理由" in client.get(unexplained.headers["location"]).text
    unticked = client.post("/labels/bulk", data=form | {"note": "同名的另一家"})
    assert "请先勾选" in client.get(unticked.headers["location"]).text
    done = client.post(
        "/labels/bulk", data=form | {"note": "同名的另一家"} | dict.fromkeys(boxes[:3], "on")
    )

    assert "已复核 3 条" in client.get(done.headers["location"]).text
    assert members(world) == n - 3
    with world.store.read() as queries:
        assert {one.note for one in queries.corrections()} == {"同名的另一家"}
        assert queries.cluster(CLUSTER).size == n - 3


def test_an_incident_without_its_mentions_ends(world, incident):
    client = world.client("linxiao")
    page = client.get(f"/labels/incidents/{incident.incident_id}").text
    boxes = dict.fromkeys(re.findall(r'name="(m\d+)"', page), "on")
    form = {"csrf": csrf_of(page), "incident": incident.incident_id, "answer": "noise"}

    client.post("/labels/bulk", data=form | boxes | {"note": "全是抽奖"})

    assert members(world) == 0
    assert client.get(f"/incidents/{incident.incident_id}").status_code == 200
    assert "没有提及了" in client.get(f"/labels/incidents/{incident.incident_id}").text
    ended = world.incident(incident)
    assert (ended.state, ended.dismissed_by) == (IncidentState.DISMISSED, "system")
    assert ended.dismissed_at == world.clock.now()


WRONG = (
    ({"answer": "maybe"}, 400),
    ({"answer": "negative", "issue": "没有这一类"}, 400),
    ({"answer": "negative", "brand": "nobody"}, 400),
    ({"answer": "negative", "mention": "99999999"}, 404),
    ({"answer": "negative", "mention": "9" * 40}, 404),
    ({"answer": "negative", "csrf": "wrong"}, 403),
)


def test_what_no_answer_is_changes_nothing(world, incident):
    client = world.client("linxiao")
    page = client.get("/labels").text

    for fields, status in WRONG:
        said = dict(fields)
        assert answer(client, page, said.pop("answer"), **said).status_code == status

    with world.store.read() as queries:
        assert queries.corrections() == []


def test_an_answer_never_leads_to_another_site(world, incident):
    client = world.client("linxiao")
    page = client.get("/labels").text

    for back in ("https://evil.example/", "//evil.example", "/\\evil.example", "/mentions/\\x"):
        done = answer(client, page, "negative", back=back)
        assert done.headers["location"].startswith("/labels?done=")


def test_those_who_may_only_read_see_no_buttons(world, incident):
    client = world.client("boss")
    page = client.get("/labels").text

    assert "只读账号不能复核" in page
    assert 'name="answer"' not in page
    form = {"csrf": "x", "mention": "1", "brand": "lanhe", "answer": "negative"}
    assert client.post("/labels/answer", data=form).status_code == 403


def test_texts_of_strangers_are_text(world, incident):
    with world.store.transaction() as tx:
        raw = make_raw(
            1, title="<script>alert(1)</script>", text="<img src=x onerror=alert(1)> 澜禾冒烟",
            observed_at=world.clock.now(),
        )  # fmt: skip
        [(_, mention_id)] = tx.keep([raw], world.clock.now())
        tx.save_verdicts(
            [mention_id], [verdict_on(tx.queries.mention(mention_id))], world.clock.now()
        )
    client = world.client("linxiao")

    page = client.get(f"/labels?mention={mention_id}&brand=lanhe").text

    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_a_quiet_day_says_so(world):
    assert "今天没有要复核的了" in world.client("linxiao").get("/labels").text
