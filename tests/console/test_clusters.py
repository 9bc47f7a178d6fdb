"""聚类: the list, one cluster in full, and people's edits of them, as forms without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from storage.records import BrandId, ClusterId, MergeProposal
from storage.store import Store
from tests.console.cluster_world import (
    PHONE,
    RIVAL,
    SMOKE,
    SOCKET,
    Gathered,
    Told,
    gather_example,
)
from tests.console.test_markup import PAYLOADS, assert_harmless
from tests.console.world import Stage, World, build, csrf_of, raise_incident


@pytest.fixture
def lite(sqlite_url: str, stage: Stage) -> Iterator[World]:
    """A world on SQLite: what is tested with it has no SQL of its own."""
    store = Store(sqlite_url)
    world = build(store, stage)
    yield world
    world.close()
    store.close()


@pytest.fixture
def made(lite: World) -> Gathered:
    return gather_example(lite)


@pytest.fixture
def client(lite: World) -> httpx.Client:
    return lite.client("linxiao")


def send(client: httpx.Client, path: str, **fields: str) -> httpx.Response:
    return client.post(path, data={"csrf": csrf_of(client.get("/clusters").text)} | fields)


def after(client: httpx.Client, reply: httpx.Response) -> str:
    """The page that a form leads to."""
    assert reply.status_code == 303, reply.text[:900]
    return client.get(reply.headers["location"]).text


def members(world: World, cluster_id: ClusterId) -> set[int]:
    with world.store.read() as queries:
        pairs = queries.cluster_mentions(cluster_id, 100)
    return {int(mention.mention_id) for mention, _ in pairs}


def titles(page: str) -> list[str]:
    return re.findall(r'<span class="title">([^<]+)<', page)


def picked(ids: list[int]) -> dict[str, str]:
    return {f"m{one}": "on" for one in ids}


# --- reading, on both databases ---------------------------------------------------------------


def test_the_list_shows_what_grows_and_finds_by_words(world: World) -> None:
    gather_example(world)
    client = world.client("linxiao")

    def listed(**asked: str) -> list[str]:
        return titles(client.get("/clusters", params=asked).text)

    page = client.get("/clusters").text
    assert titles(page) == ["养生壶底座冒烟", "底座插口发烫冒烟", "破壁机漏水"]
    assert "过去 24 小时 15 人（前一日 1 人）" in page
    assert "约 4 小时翻一倍" in page
    assert "共 16 人 · 14 种说法 · 2 条转发</span><span>确定负面 16 条" in page
    assert 'aria-label="过去 24 小时每小时的提及：共 15 条，最多 3 条，最近 0 条"' in page
    assert listed(hours="72") == [*titles(page), "客服电话打不通"]
    assert listed(brand="hemu") == ["破壁机漏水"]
    assert listed(q="插口") == ["底座插口发烫冒烟"]  # in the label
    assert listed(q="焦糊") == ["养生壶底座冒烟"]  # a keyword
    assert listed(q=SMOKE.upper()[:12]) == ["养生壶底座冒烟"]
    assert listed(q="%") == listed(q='"') == []
    assert len(listed(state="all")) == 4
    assert listed(state="cold") == []
    assert listed(page="2") == []


def test_a_page_shows_a_cluster_in_full(world: World) -> None:
    ids = gather_example(world).mentions[SMOKE]
    client = world.client("linxiao")
    page = client.get(f"/clusters/{SMOKE}").text

    for said in ("16 条，14 种说法", "2 条，占 12%", "烧水烧出一股白烟", "第一次出现"):
        assert said in page
    assert page.count('type="checkbox" form="pick"') == 14  # copies are not chosen alone
    assert f'href="/clusters/{SMOKE}/copies/{ids[1]}">+2 条转发' in page
    assert page.count("<tr><td>") == 9  # the hours as numbers
    copies = client.get(f"/clusters/{SMOKE}/copies/{ids[1]}").text
    assert "转发机" in copies
    assert "小北" in copies
    assert client.get(f"/clusters/{PHONE}/copies/{ids[1]}").status_code == 404
    found = client.get(f"/clusters/{SMOKE}", params={"says": "快递"}).text
    assert found.count('type="checkbox" form="pick"') == 1
    assert "没有提及里有" in client.get(f"/clusters/{SMOKE}", params={"says": "%_"}).text
    assert "后面没有了" in client.get(f"/clusters/{SMOKE}", params={"page": "9"}).text
    choices = client.get(f"/clusters/{SMOKE}/merge").text
    assert titles(choices) == ["底座插口发烫冒烟"]  # no other is like it, the rival's never is
    assert titles(client.get(f"/clusters/{SMOKE}/merge?q=客服").text) == ["客服电话打不通"]


# --- reading ----------------------------------------------------------------------------------


def test_an_empty_list_says_why(lite: World, client: httpx.Client) -> None:
    assert "还没有归集到任何投诉" in client.get("/clusters").text
    gather_example(lite)
    lite.clock.advance(days=9)
    assert "24 小时内没有人投诉" in client.get("/clusters").text
    assert "没有名字或关键词含「香蕉」的聚类" in client.get("/clusters?q=香蕉&state=all").text
    assert "没有转冷的聚类" in client.get("/clusters?state=cold").text
    assert "最近 72 小时没有人说起" in client.get(f"/clusters/{SMOKE}").text


def test_odd_addresses_are_answered(made: Gathered, client: httpx.Client) -> None:
    endless = "9" * 5_000
    asked = {"page": endless, "hours": "x", "state": "x", "brand": "x", "q": "a" * 500}
    assert client.get("/clusters", params=asked).status_code == 200
    assert client.get("/clusters/nothing").status_code == 404
    odd = {"page": endless, "done": endless, "from": "x", "says": "y" * 500, "journal": "z"}
    assert client.get(f"/clusters/{SMOKE}", params=odd).status_code == 200
    for page in ("split", "move"):
        reply = client.get(f"/clusters/{SMOKE}/{page}", params={"m" + endless: "on", "m": ""})
        assert (reply.status_code, "请先勾选提及" in reply.text) == (409, True)
    assert "没有这个聚类" in client.get(f"/clusters/{SMOKE}/merge?with={SMOKE}").text
    assert send(client, f"/clusters/{SMOKE}/undo", number=endless).status_code == 409
    assert send(client, f"/clusters/{SMOKE}/explode").status_code == 404


def test_incident_and_mention_lead_to_their_cluster(lite: World, client: httpx.Client) -> None:
    incident = raise_incident(lite)
    cluster = incident.cluster_id
    page = client.get(f"/incidents/{incident.incident_id}").text
    assert f'href="/clusters/{cluster}"' in page
    with lite.store.read() as queries:
        [(mention, _), *_] = queries.cluster_mentions(cluster, 1)
    assert f'href="/clusters/{cluster}"' in client.get(f"/mentions/{mention.mention_id}").text
    listed = client.get("/clusters").text
    assert incident.code in listed
    assert "level-edge-orange" in listed


# --- people's edits ---------------------------------------------------------------------------


def test_a_merge_is_shown_first_and_taken_back(
    lite: World, made: Gathered, client: httpx.Client
) -> None:
    before = {one: members(lite, one) for one in (SMOKE, SOCKET)}
    asked = client.get(f"/clusters/{SOCKET}/merge", params={"with": SMOKE}).text
    assert "两边的 18 条提及归到一处" in asked

    reply = send(client, f"/clusters/{SOCKET}/merge", **{"with": SMOKE}, note="都是底座冒烟")
    page = after(client, reply)

    assert reply.headers["location"].startswith(f"/clusters/{SMOKE}?")  # the older id survives
    assert "已记下：并入了「底座插口发烫冒烟」" in page
    assert "都是底座冒烟" in page
    assert "林晓" in page
    assert len(members(lite, SMOKE)) == 18
    led = client.get(f"/clusters/{SOCKET}")
    assert led.headers["location"] == f"/clusters/{SMOKE}?from={SOCKET}"
    assert "已经并入这里" in client.get(led.headers["location"]).text
    [number] = re.findall(r'name="number" value="(\d+)"><span>', page)
    undone = after(client, send(client, f"/clusters/{SMOKE}/undo", number=number))
    assert "已记下：撤销了“并入了「底座插口发烫冒烟」”" in undone
    assert "<s>并入了「底座插口发烫冒烟」</s>" in undone
    assert "分开，不自动合并" in undone
    assert {one: members(lite, one) for one in (SMOKE, SOCKET)} == before
    again = send(client, f"/clusters/{SMOKE}/undo", number=number)
    assert (again.status_code, "撤销过" in again.text) == (409, True)
    # what a person parted is not merged by a slip
    parted = client.get(f"/clusters/{SMOKE}/merge", params={"with": SOCKET}).text
    assert "有人看过，说这是两件事" in parted
    after(client, send(client, f"/clusters/{SMOKE}/together", **{"with": SOCKET}))
    assert (
        "是同一件事，并成一类"
        in client.get(f"/clusters/{SMOKE}/merge", params={"with": SOCKET}).text
    )


def test_chosen_texts_leave_with_their_copies_and_come_back(
    lite: World, made: Gathered, client: httpx.Client
) -> None:
    ids = [int(one) for one in made.mentions[SMOKE]]
    before = members(lite, SMOKE)
    shown = client.get(f"/clusters/{SMOKE}/split", params=picked([ids[1], ids[-1]])).text
    assert "还有 2 条转发跟着走" in shown
    carried = re.findall(r'name="mentions" value="([\d,]+)"', shown)[0]

    page = after(client, send(client, f"/clusters/{SMOKE}/split", mentions=carried, note="物流"))

    assert members(lite, SMOKE) == before - {*ids[1:4], ids[-1]}
    [part] = set(re.findall(r'拆出了 <a href="/clusters/([^"]+)"', page))
    assert f'从 <a href="/clusters/{SMOKE}"' in client.get(f"/clusters/{part}").text
    [number] = re.findall(r'name="number" value="(\d+)"><span>', page)
    after(client, send(client, f"/clusters/{SMOKE}/undo", number=number))
    assert members(lite, SMOKE) == before

    choose = client.get(f"/clusters/{SMOKE}/move", params=picked([ids[4], ids[5]])).text
    assert titles(choose)[0] == "底座插口发烫冒烟"
    sure = client.get(f"/clusters/{SMOKE}/move?with={SOCKET}&mentions={ids[4]},{ids[5]}").text
    assert "移过去" in sure
    moved = send(
        client, f"/clusters/{SMOKE}/move", mentions=f"{ids[4]},{ids[5]}", **{"with": SOCKET}
    )
    page = after(client, moved)
    assert "已记下：移走 2 条提及到「底座插口发烫冒烟」" in page
    assert members(lite, SOCKET) >= {ids[4], ids[5]}
    assert "林晓 放在这里" in client.get(f"/clusters/{SOCKET}").text
    [numbers] = re.findall(r'name="number" value="(\d+,\d+)"><span>', page)
    back = after(client, send(client, f"/clusters/{SMOKE}/undo", number=numbers))
    assert "撤销了“移走 2 条提及" in back
    assert members(lite, SMOKE) == before


def test_names_and_pins_are_peoples_word(made: Gathered, client: httpx.Client) -> None:
    page = after(client, send(client, f"/clusters/{PHONE}/rename", label="客服热线没人接"))
    assert "<h1>客服热线没人接</h1>" in page
    assert "改名为「客服热线没人接」（原名「客服电话打不通」）" in page
    assert "林晓 起的" in page
    assert "取消固定" in after(client, send(client, f"/clusters/{PHONE}/pin"))
    listed = client.get("/clusters?hours=72&q=热线").text
    assert "林晓 命名" in listed
    assert '<span class="fate">固定</span>' in listed
    assert "已记下：取消固定" in after(client, send(client, f"/clusters/{PHONE}/unpin"))
    assert "名字交还给程序" in after(client, send(client, f"/clusters/{PHONE}/rename", label=" "))


def test_a_refusal_is_told_and_changes_nothing(
    lite: World, made: Gathered, client: httpx.Client
) -> None:
    before = members(lite, SMOKE)
    everything = ",".join(str(one) for one in before)
    stray = str(made.mentions[RIVAL][0])
    replies = {
        "聚类不跨品牌": send(client, f"/clusters/{SMOKE}/merge", **{"with": RIVAL}),
        "没有聚类": send(client, f"/clusters/{SMOKE}/move", mentions=everything, **{"with": "x"}),
        "原聚类就空了": send(client, f"/clusters/{SMOKE}/split", mentions=everything),
        "请先勾选提及": send(client, f"/clusters/{SMOKE}/split", mentions=stray),
        "最多 60 个": send(client, f"/clusters/{SMOKE}/rename", label="长" * 61),
        "没有固定": send(client, f"/clusters/{SMOKE}/unpin"),
        "没有标为不合并": send(client, f"/clusters/{SMOKE}/together", **{"with": PHONE}),
    }
    for told, reply in replies.items():
        assert (reply.status_code, told in reply.text) == (409, True), told
        assert 'role="alert"' in reply.text
    assert members(lite, SMOKE) == before


def test_a_proposal_is_decided_by_looking(
    lite: World, made: Gathered, client: httpx.Client
) -> None:
    def propose(first: ClusterId, second: ClusterId) -> None:
        one = MergeProposal(
            first_id=min(first, second),
            second_id=max(first, second),
            brand_id=BrandId("lanhe"),
            score=0.8,
            why="都说到底座冒烟",
            at=lite.clock.now(),
        )
        with lite.store.transaction() as tx:
            tx.add_proposals([one])

    def states() -> list[str]:
        with lite.store.read() as queries:
            return [
                one.state for s in ("accepted", "refused") for one in queries.proposals(state=s)
            ]

    propose(SMOKE, SOCKET)
    propose(SMOKE, PHONE)
    assert f'href="/clusters/{SMOKE}/merge?with={SOCKET}"' in client.get("/clusters").text
    page = client.get(f"/clusters/{SMOKE}").text
    assert "都说到底座冒烟" in page
    assert "理由：都说到底座冒烟" in client.get(f"/clusters/{SMOKE}/merge?with={SOCKET}").text
    assert page.index('id="proposals"') < page.index("有代表性的一条")
    refused = after(client, send(client, f"/clusters/{SMOKE}/apart", **{"with": PHONE}))
    assert "和「客服电话打不通」分开" in refused
    assert f"merge?with={PHONE}" not in refused
    after(client, send(client, f"/clusters/{SMOKE}/merge", **{"with": SOCKET}))
    assert states() == ["accepted", "refused"]


# --- who may, and what stays text -------------------------------------------------------------


def test_readers_see_and_only_those_who_may_act_change(lite: World, made: Gathered) -> None:
    before = members(lite, SMOKE)
    reader, stranger = lite.client("boss"), lite.client()
    page = reader.get(f"/clusters/{SMOKE}").text
    assert "并入另一类" not in page
    assert 'type="checkbox"' not in page
    assert page.count('<form method="post"') == 1  # logging out
    assert "只读账号不能合并" in reader.get(f"/clusters/{SMOKE}/merge?with={SOCKET}").text
    assert send(reader, f"/clusters/{SMOKE}/merge", **{"with": SOCKET}).status_code == 403
    assert stranger.get("/clusters").headers["location"].startswith("/login?next=")
    assert stranger.post(f"/clusters/{SMOKE}/pin").status_code == 401
    writer = lite.client("linxiao")
    forged = writer.post(f"/clusters/{SMOKE}/merge", data={"csrf": "x", "with": SOCKET})
    assert (forged.status_code, "页面已过期" in forged.text) == (403, True)
    assert members(lite, SMOKE) == before


def test_what_people_wrote_stays_text(lite: World, client: httpx.Client) -> None:
    made = Gathered(lite)
    for n, cluster in enumerate((SMOKE, SOCKET)):
        payload = "".join(PAYLOADS[n::2]).replace("\x00", "")
        told = [
            Told(author=one[:60], title=one, text=f"澜禾 {one} {k}", hours=1, platform=one[:60])
            for k, one in enumerate(PAYLOADS)
        ]
        told.append(replace(told[0], copy_of=0))
        made.put(cluster, payload[:58], PAYLOADS[:6], told, named_by="linxiao")
    ids = made.mentions[SMOKE]
    where = f"/clusters/{SMOKE}"
    after(client, send(client, f"{where}/rename", label=PAYLOADS[4]))
    note = PAYLOADS[2]
    after(client, send(client, f"{where}/split", mentions=f"{ids[3]},{ids[5]}", note=note))
    after(client, send(client, f"{where}/merge", note=PAYLOADS[6], **{"with": SOCKET}))
    paths = ["/clusters", f"/clusters?q={PAYLOADS[0]}", where, f"{where}?says={PAYLOADS[1]}"]
    paths += [f"{where}/merge", f"{where}/merge?q={PAYLOADS[4]}", f"{where}/copies/{ids[0]}"]
    paths += [f"{where}/{act}?m{ids[1]}=on" for act in ("split", "move")]
    paths += [f"{where}?from={PAYLOADS[2]}&done={PAYLOADS[3]}", f"/mentions/{ids[1]}"]
    for path in paths:
        reply = client.get(path)
        assert reply.status_code == 200, path
        assert_harmless(reply.text)


def test_an_id_or_a_code_leads_straight_there(lite: World, client: httpx.Client) -> None:
    incident = raise_incident(lite)
    for words in (incident.code, incident.cluster_id):
        reply = client.get("/clusters", params={"q": words})
        assert reply.headers["location"] == f"/clusters/{incident.cluster_id}"


def test_an_emptied_cluster_still_has_its_page(made: Gathered, client: httpx.Client) -> None:
    csrf = csrf_of(client.get("/clusters").text)
    [only] = made.mentions[RIVAL]
    said = {"csrf": csrf, "mention": str(only), "brand": "hemu", "answer": "not_negative"}
    assert client.post("/labels/answer", data=said).status_code == 303
    page = client.get(f"/clusters/{RIVAL}").text
    assert "这里没有提及了" in page
    assert "1 条提及复核或改文后离开" in page
    assert "破壁机漏水" not in client.get("/clusters?state=all&hours=168").text
