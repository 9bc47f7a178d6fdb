"""Who hears of what, and what is wrong with the routes."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from alerts.route_lint import lint_routes
from alerts.routing import RouteChoice, explain_route, find_route, is_away, route_traits
from config.schema import Owner, Project
from tests.alerts.people import SETTINGS, make_project, owners
from tests.make import NOW

PROJECT = make_project()
TODAY = date(2026, 3, 10)


def choose(project: Project = PROJECT, **traits: Any) -> RouteChoice:
    values: dict[str, Any] = {"brand_id": "yunque", "issue_class": "产品质量", "now": NOW}
    return find_route(project, **(values | traits))


def routed(*routes: dict[str, Any], **changes: Any) -> Project:
    return make_project(routes=list(routes), **changes)


def told(project: Project, **traits: Any) -> list[str]:
    values: dict[str, Any] = {"brand_id": "yunque", "issue_class": "产品质量"}
    asked = route_traits(project, **(values | traits))
    return [step.text for step in explain_route(project, asked, NOW)]


def found_by_lint(project: Project) -> list[str]:
    return [finding.text for finding in lint_routes(project, NOW)]


def test_first_matching_route_wins() -> None:
    assert choose(issue_class="安全与人身").route_id == "safety"
    assert choose().route_id == "everything"


def test_reason_says_route_and_person() -> None:
    choice = choose()

    assert choice.code == "matched"
    assert choice.reason == "按路由 everything，由林晓负责"


def test_nothing_matches_and_the_fallback_takes_it() -> None:
    choice = choose(brand_id="baiheng")

    assert (choice.route_id, choice.owner_id, choice.also) == ("fallback", "sun", ("wu",))
    assert choice.code == "no_route"
    assert "孙悦先接住" in choice.reason


@pytest.mark.parametrize(
    ("condition", "traits"),
    [
        ({"product": ["q3"]}, {"products": ["云雀净水器Q3"]}),
        ({"product": ["云雀净水器Q3"]}, {"products": ["q3"]}),
        ({"region": ["上海"]}, {"regions": ["北京", "上海"]}),
        ({"platform": ["微博"]}, {"platforms": ["微博", "黑猫"]}),
    ],
)
def test_conditions_match_any_of_their_values(
    condition: dict[str, Any], traits: dict[str, Any]
) -> None:
    project = routed({"id": "narrow", "owner": "wu"} | condition)

    assert choose(project, **traits).route_id == "narrow"
    assert choose(project).route_id == "fallback"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"away": [["2026-03-09", "2026-03-12"]]}, "owner_away"),
        ({"channels": ["no-such-channel"]}, "owner_unreachable"),
        ({"channels": ["mail"], "email": None}, "owner_unreachable"),
    ],
)
def test_owner_who_cannot_be_told_hands_over_to_the_chain(
    change: dict[str, Any], code: str
) -> None:
    choice = choose(make_project(owners=owners(lin=change)))

    assert choice.owner_id == "chen"
    assert choice.code == code
    assert choice.chain == ()
    assert "改由陈立负责" in choice.reason


def test_owner_who_left_hands_over_too() -> None:
    staff = [entry for entry in owners() if entry["id"] != "lin"]
    choice = choose(make_project(owners=staff))

    assert (choice.owner_id, choice.code) == ("chen", "owner_missing")


def test_everybody_of_a_route_away_means_the_fallback() -> None:
    away = {"away": [["2026-03-10", "2026-03-10"]]}
    choice = choose(make_project(owners=owners(lin=away, chen=away)))

    assert choice.owner_id == "sun"


def test_whole_company_on_holiday_still_tells_the_fallback() -> None:
    away = {"away": [["2026-03-01", "2026-03-31"]]}
    people = {entry["id"]: away for entry in SETTINGS["owners"]}
    choice = choose(make_project(owners=owners(**people)))

    assert choice.owner_id == "sun"
    assert choice.fallback == ("sun", "wu")


def test_no_fallback_configured_means_anybody_with_a_channel() -> None:
    assert choose(routed(fallback=[])).owner_id == "lin"


def test_nobody_at_all_is_said() -> None:
    choice = choose(make_project(channels=[]))

    assert (choice.owner_id, choice.code) == ("", "nobody")


def test_absence_follows_the_owners_own_day() -> None:
    owner = Owner(
        id="sun",
        name="孙悦",
        timezone="Pacific/Auckland",
        channels=("mail",),
        away=((TODAY, TODAY),),
    )
    noon = NOW  # 17:00 on the 10th in Auckland

    assert is_away(owner, noon)
    assert not is_away(owner, noon + timedelta(hours=8))
    assert is_away(owner, noon - timedelta(hours=16))


def test_explanation_walks_the_routes() -> None:
    away = {"away": [["2026-03-10", "2026-03-10"]]}
    lines = told(make_project(owners=owners(chen=away)))

    assert lines == [
        "路由 safety 不匹配：要求问题类别为 安全与人身，实际为 产品质量",
        "按路由 everything，由林晓负责",
        "黄色及以上同时知会：赵敏",
        "无人确认时依次升级到：陈立（休假中，跳过）",
        "最后兜底：孙悦 → 吴桐",
    ]


def test_unknown_trait_is_called_unknown() -> None:
    project = routed({"id": "south", "region": ["广东"], "owner": "wu"})
    lines = told(project, issue_class="其他")

    assert lines[0] == "路由 south 不匹配：要求地区为 广东，实际为 未知"


def test_a_route_may_ask_for_a_sub_class_or_a_further_class() -> None:
    parts = {"id": "parts", "issue": ["等备件", "充电慢"], "owner": "wu"}
    project = routed(parts, {"id": "all", "owner": "lin"})

    assert choose(project, further=("等备件",)).route_id == "parts"
    assert choose(project, further=("充电慢", "安全与人身")).route_id == "parts"
    assert choose(project, further=("安全与人身",)).route_id == "all"


def test_explanation_says_by_which_sub_class_a_route_matched() -> None:
    project = routed({"id": "parts", "issue": ["等备件", "反复维修"], "owner": "wu"})
    lines = told(project, issue_class="售后维修", further=("产品质量", "等备件"))

    assert lines[:2] == ["按路由 parts，由吴桐负责", "路由 parts 按兼属类别或子类匹配：等备件"]


def test_lint_is_silent_about_a_sound_project() -> None:
    covered = [*SETTINGS["routes"], {"id": "rest", "owner": "wu"}]

    assert [one for one in found_by_lint(routed(*covered)) if "叫不醒人" not in one] == []


@pytest.mark.parametrize(
    ("routes", "shadowed"),
    [
        ([{"id": "all", "owner": "lin"}, {"id": "late", "brand": "yunque", "owner": "wu"}], True),
        (
            [
                {"id": "all", "brand": ["yunque", "baiheng"], "owner": "lin"},
                {"id": "late", "brand": "yunque", "issue": "售后维修", "owner": "wu"},
            ],
            True,
        ),
        (
            [
                {"id": "all", "brand": "yunque", "issue": "售后维修", "owner": "lin"},
                {"id": "late", "brand": "yunque", "owner": "wu"},
            ],
            False,
        ),
        (
            [
                {"id": "all", "brand": "yunque", "owner": "lin"},
                {"id": "late", "brand": ["yunque", "baiheng"], "owner": "wu"},
            ],
            False,
        ),
    ],
)
def test_lint_finds_routes_that_no_trouble_reaches(
    routes: list[dict[str, Any]], shadowed: bool
) -> None:
    found = [line for line in found_by_lint(routed(*routes)) if "永远轮不到" in line]

    assert bool(found) is shadowed


def test_lint_finds_people_who_never_hear() -> None:
    project = make_project(
        owners=owners(chen={"channels": ["mail"], "email": None}, wu={"digest_at": None}),
        fallback=["sun", "nobody"],
    )
    text = "\n".join(found_by_lint(project))

    assert "路由 safety 提到的陈立（chen）没有可用渠道" in text
    assert "fallback 提到的 nobody 不在 owners、duties 和 functions 里" in text
    assert "吴桐（wu）不在任何路由、值班表和兜底名单里" in text
    assert "品牌 百衡（baiheng）没有任何路由" in text


def test_lint_wants_a_fallback() -> None:
    assert any("没有设置 fallback" in line for line in found_by_lint(make_project(fallback=[])))
