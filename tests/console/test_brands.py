"""The brands' pages: what names bring, why places do not count, a rule to try."""

from __future__ import annotations

from datetime import timedelta

import pytest

from config.errors import GroundswellError
from groundswell.console.guard import _TRIAL_LIMIT  # the form must fit through the guard
from groundswell.console.pages.brands import MAX_RULE, Board, written_rule
from storage.records import RawMention, SourceId
from tests.console.world import World, csrf_of, example, keep

SAID = [
    ("澜禾养生壶K2底座冒烟，客服不理人", "路人甲"),
    ("蓝禾农场的草莓很甜，周末又去了一趟", "路人乙"),
    ("兰禾的电饭煲煮饭夹生", "路人丙"),
    ("今晚住禾沐民宿，院子里有桂花树", "路人丁"),
    ("和品牌没有关系的一条 <script>alert(1)</script>", "路人戊"),
]


def fill(world: World) -> None:
    now = world.clock.now()
    keep(
        world,
        [
            RawMention(
                source_id=SourceId("jing-tousu"),
                platform="投诉平台",
                native_id=str(n),
                url=f"http://site.example/tousu/{n}",
                title="",
                text=text,
                author=author,
                published_at=now - timedelta(hours=1),
                observed_at=now - timedelta(minutes=n + 1),
            )
            for n, (text, author) in enumerate(SAID)
        ],
    )


def test_the_list_counts_what_each_name_brought(world: World) -> None:
    fill(world)

    page = world.client("linxiao").get("/brands").text

    assert "澜禾" in page
    assert "禾沐" in page
    assert "命中 2 条" in page
    assert "不算 1" in page


def test_what_was_counted_is_shown_again_for_some_minutes(world: World) -> None:
    browser = world.client("linxiao")
    assert "共 0 条提及" in browser.get("/brands").text
    fill(world)

    soon = browser.get("/brands").text
    world.clock.advance(minutes=6)
    later = browser.get("/brands").text

    assert "共 0 条提及" in soon
    assert "共 5 条提及" in later


def test_previews_take_turns() -> None:
    board = Board(patience_s=0.01)

    with (
        board.alone(),
        pytest.raises(GroundswellError, match="另一次预览还没有结束"),
        board.alone(),
    ):
        pass
    with board.alone():
        pass


def test_a_brands_page_says_why_a_name_did_not_count(world: World) -> None:
    fill(world)

    page = world.client("linxiao").get("/brands/lanhe").text

    assert "出现了排除词“蓝禾农场”" in page
    assert '<mark class="brand">蓝禾</mark>农场的草莓很甜' in page


def test_a_changed_rule_is_tried_and_not_saved(world: World) -> None:
    fill(world)
    browser = world.client("linxiao")
    lanhe = world.project.brand("lanhe")
    assert lanhe is not None
    rule = written_rule(lanhe).replace("- 蓝禾农场\n", "").replace("- 兰禾\n", "")
    csrf = csrf_of(browser.get("/brands/lanhe").text)

    page = browser.post("/brands/lanhe", data={"csrf": csrf, "rule": rule}).text

    assert "现在命中 2 条，改后命中 2 条" in page
    assert "新命中 1 条" in page
    assert "之前：出现了排除词“蓝禾农场”" in page
    assert "不再命中 1 条" in page
    assert "没有出现名称；之前：出现了名称" in page
    assert world.project == example()
    assert "现在命中 2 条" not in browser.get("/brands/lanhe").text


def test_a_typed_brand_of_another_id_is_a_new_one(world: World) -> None:
    fill(world)
    browser = world.client("linxiao")
    csrf = csrf_of(browser.get("/brands/lanhe").text)
    rule = "id: taohua\nname: 桂花\n"

    page = browser.post("/brands/lanhe", data={"csrf": csrf, "rule": rule}).text

    assert "按新品牌算，会命中 1 条" in page


def test_mistakes_are_told_with_their_line_and_no_variable_is_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GS_TEST_SECRET", "geheim")
    browser = world.client("linxiao")
    csrf = csrf_of(browser.get("/brands/lanhe").text)
    rule = "id: lanhe\nname: ${GS_TEST_SECRET}\nalias: [<b>澜禾</b>]\n"

    page = browser.post("/brands/lanhe", data={"csrf": csrf, "rule": rule}).text

    assert "brand.yaml:2" in page
    assert "GS_TEST_SECRET is not set" in page
    assert "geheim" not in page
    assert "brand.yaml:3" in page
    assert "<b>澜禾</b>" not in page


def test_a_wrong_paste_is_told_its_first_mistakes(world: World) -> None:
    browser = world.client("linxiao")
    csrf = csrf_of(browser.get("/brands/lanhe").text)
    rule = "".join(f"k{n}: <i>\n" for n in range(1_000))

    page = browser.post("/brands/lanhe", data={"csrf": csrf, "rule": rule}).text

    assert page.count("<li>brand.yaml:") == 50
    assert "<i>" not in page


def test_a_long_rule_fits_through_the_guard_and_a_longer_one_is_refused(world: World) -> None:
    browser = world.client("linxiao")
    csrf = csrf_of(browser.get("/brands/lanhe").text)
    names = ", ".join(f"别名{n}号" for n in range(5000))
    rule = f"id: lanhe\nname: 澜禾\naliases: [{names}]\n"
    assert len(rule) < MAX_RULE
    assert 9 * MAX_RULE < _TRIAL_LIMIT

    page = browser.post("/brands/lanhe", data={"csrf": csrf, "rule": rule}).text
    longer = browser.post("/brands/lanhe", data={"csrf": csrf, "rule": "#" * (MAX_RULE + 1)}).text

    assert 'id="tried"' in page
    assert "规则最多 64 K 字" in longer


def test_the_form_asks_for_its_token_and_readers_may_only_look(world: World) -> None:
    browser, boss = world.client("linxiao"), world.client("boss")
    form = {"csrf": "forged", "rule": "id: lanhe\nname: 澜禾\n"}

    assert browser.post("/brands/lanhe", data=form).status_code == 403
    assert boss.post("/brands/lanhe", data=form).status_code == 403
    assert "<textarea" not in boss.get("/brands/lanhe").text
    assert boss.get("/brands").status_code == 200
    assert browser.get("/brands/nobody").status_code == 404
    assert world.client().get("/brands").status_code == 303
