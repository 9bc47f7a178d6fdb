"""A launch's figures recounted: days, people, units sold, the sister, the checklist, the digest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from alerts.digest import compose
from alerts.launch import borrow, plan_of
from config.schema import Owner, Project
from groundswell.launch_check import check_launch, missing_of
from groundswell.launch_page import briefs, per_thousand, survey_launch
from groundswell.launch_sync import sync_launches
from groundswell.pulses import PulseView
from storage.records import BrandId, DigestFacts, Fact, Noise, Polarity, Sale
from storage.store import Store
from tests.alerts.people import SETTINGS, make_project
from tests.make import (
    BRAND,
    NOW,
    SHARD,
    make_assignment,
    make_cluster,
    make_evidence,
    make_raw,
    make_shard_changes,
    make_verdict,
)

PLAN: dict[str, Any] = {
    "id": "q3",
    "brand": "yunque",
    "product": "q3",
    "launched": "2026-03-01",
    "ends": "2026-08-31",
    "aliases": ["小鹊"],
    "examples": ["云雀小鹊漏水了"],
    "representatives": ["lin"],
    "sister": "q2",
    "faq": [
        {"question": "漏水怎么办？", "answer": "先关进水阀，再联系我们。", "approved_by": "zhao"},
        {"question": "多久换滤芯？", "answer": "草稿"},
    ],
    "readiness": [
        {"place": "华东", "trained": 4, "to_train": 5, "parts": 30, "parts_wanted": 30,
         "by": "陈立", "as_of": "2026-02-27"}
    ],
}  # fmt: skip


def project(**changes: Any) -> Project:
    brand = SETTINGS["brands"][0]
    lines = [
        {"id": "q3", "name": "云雀净水器Q3", "aliases": ["Q3", "小鹊"], "launched": "2026-03-01"},
        {"id": "q2", "name": "云雀净水器Q2", "launched": "2025-11-01"},
    ]
    plan = {key: one for key, one in (PLAN | changes).items() if one is not None}
    brands = [brand | {"products": lines}, SETTINGS["brands"][1]]
    return make_project(brands=brands, launches=[plan])


def leak() -> tuple[Fact, ...]:
    return (Fact(kind="symptom", value="漏水漏液"),)


def smell() -> tuple[Fact, ...]:
    return (Fact(kind="symptom", value="异味"),)


def keep(store: Store, told: list[tuple[str, datetime, dict[str, Any]]], cluster: str) -> None:
    """Take in mentions of (author, published, verdict), and gather the bad ones in a cluster."""
    with store.transaction() as tx:
        raws = [
            make_raw(hash_of(cluster, n), author=author, published_at=at, observed_at=at)
            for n, (author, at, _) in enumerate(told)
        ]
        tx.keep(raws, NOW)
        pending = sorted(tx.pending_mentions(99), key=lambda one: one.mention_id)
        by_text = {one.text: one.mention_id for one in pending}
        ids = [by_text[raw.text] for raw in raws]
        verdicts = [make_verdict(i, **says) for i, (_, _, says) in zip(ids, told, strict=True)]
        tx.save_verdicts(ids, verdicts, NOW)
        items = tx.pending_verdicts(SHARD, 99)
        seqs = {mention.mention_id: n for n, (mention, _) in enumerate(items)}
        made = tuple(
            make_assignment(
                one.mention_id, cluster_id=cluster, seq=ids[0] * 100 + seqs[one.mention_id]
            )
            for one, _ in items
        )
        first = min(mention.published_at for mention, _ in items)
        clusters = (make_cluster(cluster, first_at=first),)
        tx.save_gathering(make_shard_changes(assignments=made, clusters=clusters), items)


def hash_of(cluster: str, n: int) -> int:
    return (1000 if cluster.endswith("a") else 2000) + n


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """One database is enough but where the SQL is what is tried."""
    store = Store(sqlite_url)
    yield store
    store.close()


@pytest.fixture
def both(database_url: str) -> Iterator[Store]:
    """A store on SQLite and on PostgreSQL."""
    store = Store(database_url)
    yield store
    store.close()


@pytest.fixture
def launched(store: Store) -> Store:
    return fill(store)


def fill(store: Store) -> Store:
    """Q3, out for ten days: three people complain in all, two of leaks; Q2 had one at that age."""
    about = {"products": ("q3",)}
    day = timedelta(days=1)
    keep(
        store,
        [
            ("甲", NOW - 2 * day, about | {"facts": leak()}),
            ("甲", NOW - day, about | {"facts": leak()}),
            ("乙", NOW - day, about | {"facts": leak() + smell()}),
            ("丙", NOW - timedelta(hours=1), about | {"facts": ()}),
            ("丁", NOW - day, about | {"polarity": Polarity.NOT_NEGATIVE, "negative": 0.05}),
            ("戊", NOW - day, about | {"noise": Noise.ADVERT}),
            ("己", NOW - 20 * day, about | {"facts": leak()}),  # before the day of launch
        ],
        "yunque-aaaaaaaa",
    )
    old = {"products": ("q2",), "facts": leak()}
    keep(
        store,
        [("庚", datetime.fromisoformat("2025-11-04T04:00+00:00"), old)]
        + [(f"辛{n}", NOW - n * day, old) for n in range(3, 13)],
        "yunque-bbbbbbbb",
    )
    return store


def test_days_people_and_rates_add_up(both: Store) -> None:
    launched = fill(both)
    with launched.transaction() as tx:
        tx.save_sales(
            [
                Sale(brand_id=BRAND, product="q3", day=date(2026, 3, 1), units=900),
                Sale(brand_id=BRAND, product="q3", day=date(2026, 3, 9), units=-100),
                Sale(brand_id=BRAND, product="q3", day=date(2026, 3, 11), units=5000),  # ahead
                Sale(brand_id=BRAND, product="q2", day=date(2025, 11, 2), units=500),
            ]
        )
    ours = project()
    with launched.read() as queries:
        day = survey_launch(queries, ours, ours.launches[0], NOW)

    assert (day.day_no, day.of_days, day.is_over, day.sold) == (10, 184, False, 800)
    told = {one.day: (one.mentions, one.negative) for one in day.days}
    assert len(told) == 10
    assert {day: n for day, n in told.items() if n != (0, 0)} == {
        date(2026, 3, 8): (1, 1),
        date(2026, 3, 9): (3, 2),
        date(2026, 3, 10): (1, 1),
    }
    people = {one.symptom: (one.people, one.sister_people) for one in day.rows}
    assert people == {"": (3, 1), "漏水漏液": (2, 1), "异味": (1, 0)}
    whole = day.rows[0].rate
    assert whole is not None
    assert whole.value == pytest.approx(3 / 0.8)
    assert day.rows[0].sister_rate == per_thousand(1, 500)
    assert (day.sister, day.sister_why_not) == ("云雀净水器Q2", "")


def test_the_interval_is_the_exact_one_of_a_poisson_count() -> None:
    found = per_thousand(3, 1000)
    none = per_thousand(0, 2000)

    assert found is not None
    assert none is not None
    # Garwood 1936, tables: 3 events, (0.6187, 8.7673); none, (0, 3.6889)
    assert (found.low, found.high) == pytest.approx((0.6187, 8.7673), abs=1e-4)
    assert (none.low, none.high) == pytest.approx((0.0, 3.6889 / 2), abs=1e-4)
    assert [per_thousand(3, sold) for sold in (None, 0, -5)] == [None] * 3


def test_without_sales_and_sister_nothing_is_made_up(launched: Store) -> None:
    ours = project(sister=None)
    with launched.read() as queries:
        day = survey_launch(queries, ours, ours.launches[0], NOW)

    assert day.sold is None
    assert [one.rate for one in day.rows] == [None] * len(day.rows)
    assert [one.sister_people for one in day.rows] == [None] * len(day.rows)
    assert day.sister_why_not == "没有写姊妹产品"
    assert day.seen is None  # no source at all is no full sight


def test_a_launch_ahead_and_one_that_is_over(launched: Store) -> None:
    ours = project()
    plan = ours.launches[0]
    with launched.read() as queries:
        ahead = survey_launch(queries, ours, plan, NOW - timedelta(days=11))
        over = survey_launch(queries, ours, plan, NOW + timedelta(days=175))

    assert (ahead.is_to_come, ahead.days, ahead.rows[0].people) == (True, (), 0)
    assert (over.is_over, over.day_no, over.of_days) == (True, 184, 184)
    assert over.rows[0].people == 3  # the page stays


# --- the checklist ------------------------------------------------------------------------------


def missing(store: Store, ours: Project, now: datetime = NOW) -> dict[str, tuple[str, ...]]:
    with store.read() as queries:
        found = check_launch(queries, ours, ours.launches[0], now)
    return {one.code: one.missing for one in missing_of(found)}


def test_the_checklist_names_all_that_is_missing(launched: Store) -> None:
    found = missing(launched, project())

    assert set(found) == {"faq", "representatives", "training", "sales", "calendar"}
    assert found["faq"] == ("1 条还没有人批准：多久换滤芯？",)
    assert found["representatives"] == (
        "林晓 的 bot 还没有用验证码确认：groundswell people verify lin bot",
    )
    assert found["training"] == ("华东：4/5 人",)

    sync_launches(launched, project(), NOW)
    with launched.transaction() as tx:
        tx.save_sales([Sale(brand_id=BRAND, product="q3", day=date(2026, 3, 2), units=1)])
    assert set(missing(launched, project())) == {"faq", "representatives", "training"}


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"aliases": None}, "nicknames", "没有写昵称"),
        ({"examples": None}, "nicknames", "没有例句"),
        ({"examples": ["云雀的东西真好"]}, "nicknames", "例句认不出是这个产品：云雀的东西真好"),
        ({"examples": ["云雀Q3漏水"]}, "nicknames", "没有一句例句用到昵称"),
        ({"faq": None}, "faq", "没有 FAQ"),
        ({"faq": PLAN["faq"][1:]}, "faq", "没有一条口径有人批准"),
        ({"representatives": None}, "representatives", "没有服务代表"),
        ({"readiness": None}, "training", "没有人报过培训"),
        ({"readiness": None}, "parts", "没有人报过备件"),
        ({"readiness": [{"parts": 1, "parts_wanted": 2}]}, "parts", "全部：1/2 件"),
        ({"readiness": [{"parts": 1, "parts_wanted": 1}]}, "training", "没写是谁、哪天报的"),
        ({"sister": None}, "sister", "没有姊妹产品"),
        ({"ends": "2026-12-31"}, "end", "不在上市后 3 到 6 个月"),
    ],
)
def test_each_gap_is_named(store: Store, change: Any, code: str, said: str) -> None:
    found = missing(store, project(**change))

    assert any(said in text for text in found[code]), found


def test_a_launch_that_is_over_says_so(store: Store) -> None:
    found = missing(store, project(), NOW + timedelta(days=175))

    assert found["end"] == ("上市期已于 2026-08-31 结束，门槛已恢复平常",)
    assert "最近 30 天没有任何信源" in found["heard"][0]
    assert "借不到基线" in found["sister"][0]


# --- what follows a launch ----------------------------------------------------------------------


def test_calendar_and_replies_follow_the_launch(store: Store) -> None:
    assert sync_launches(store, project(), NOW, "lin") == 2
    assert sync_launches(store, project(), NOW + timedelta(days=1), "lin") == 0
    with store.read() as queries:
        [event] = queries.calendar_events()
        [reply] = queries.approved_replies()
    assert (event.event_id, event.kind, event.starts) == ("launch:q3", "发布", date(2026, 3, 1))
    assert (reply.origin, reply.question, reply.approved_by) == (
        "launch:q3",
        "漏水怎么办？",
        "zhao",
    )

    changed = project(faq=[PLAN["faq"][0] | {"answer": "关阀，断电，再联系我们。"}])
    assert sync_launches(store, changed, NOW) == 1
    with store.read() as queries:
        [edited] = queries.approved_replies()
    assert (edited.reply_id, edited.answer) == (reply.reply_id, "关阀，断电，再联系我们。")

    assert sync_launches(store, make_project(), NOW) == 2
    with store.read() as queries:
        assert queries.calendar_events() == []
        assert queries.approved_replies() == []
        [retired] = queries.approved_replies(retired=True)
    assert retired.retired_at == NOW


def test_an_answer_that_a_person_retired_stays_so_until_it_is_approved_again(store: Store) -> None:
    sync_launches(store, project(), NOW)
    with store.transaction() as tx:
        [reply] = tx.queries.approved_replies()
        tx.save_reply(replace(reply, retired_at=NOW))
    assert sync_launches(store, project(), NOW + timedelta(hours=1)) == 0

    faq = [PLAN["faq"][0] | {"approved_on": "2026-03-10"}]
    assert sync_launches(store, project(faq=faq), NOW + timedelta(hours=1)) == 0
    faq = [PLAN["faq"][0] | {"approved_on": "2026-03-11"}]
    assert sync_launches(store, project(faq=faq), NOW + timedelta(days=1)) == 1
    with store.read() as queries:
        assert len(queries.approved_replies()) == 1


def test_the_digest_tells_representatives_and_leads(launched: Store) -> None:
    ours = project()
    since = NOW - timedelta(days=1)
    with launched.read() as queries:
        [brief] = briefs(queries, ours, since, NOW)
        [ended] = briefs(queries, ours, since, NOW + timedelta(days=175))
        assert briefs(queries, ours, since, NOW + timedelta(days=176)) == ()
        assert briefs(queries, ours, since, NOW - timedelta(days=11)) == ()
    assert (brief.day_no, brief.people, brief.mentions) == (10, 3, 4)

    def section(owner: Owner, *launches: Any) -> dict[str, list[str]]:
        facts = DigestFacts(day=NOW.date(), since=since, until=NOW, launches=launches)
        found = compose(facts, owner, ours.owners, NOW)
        return {
            name: [f"{i.title}｜{i.text}｜{i.path}" for i in items]
            for name, items in found.sections
        }

    lin, zhao, chen = ours.owners[:3]
    [told] = section(lin, brief)["上市产品"]
    assert "云雀 云雀净水器Q3 上市第 10 天（共 184 天）" in told
    assert "4 条提及，3 人投诉 · 漏水漏液 2 人、异味 1 人 · 无销量，不算比例" in told
    assert told.endswith("/launches/q3")
    assert section(chen, brief)["上市产品"] == [told]  # a lead sees all
    assert section(zhao, brief) == {}
    [over] = section(lin, ended)["上市产品"]
    assert "上市期已于 2026-08-31 结束" in over
    assert "门槛已恢复平常" in over


# --- the sister's rate --------------------------------------------------------------------------


def test_the_sister_lends_her_rate_while_the_launch_lasts(both: Store) -> None:
    launched = fill(both)
    ours = project()
    crowd = tuple((NOW - timedelta(minutes=n), f"tousu:人{n}") for n in range(4))
    evidence = make_evidence(products=("q3",), watch_authors=crowd, live_authors=crowd)
    with launched.read() as queries:
        seen = PulseView(ours, queries, NOW).see(evidence).borrowed
        later = NOW + timedelta(days=175)
        after = PulseView(ours, queries, later).see(evidence).borrowed
        alone = PulseView(project(sister=None), queries, NOW).see(evidence).borrowed
        authors, hours, clusters = queries.product_rate(
            BrandId("yunque"), "q2", NOW - timedelta(days=30), NOW - timedelta(days=2)
        )
    assert (authors, clusters) == (10, 1)
    assert hours == pytest.approx(28 * 24)
    assert seen is not None
    assert (seen.name, seen.clusters) == ("云雀净水器Q2", 1)
    assert seen.rate == pytest.approx((10 + 0.05 * 72) / (28 * 24 + 72))
    assert seen.weight == pytest.approx(28 / (28 + 9))
    assert (after, alone) == (None, None)


def test_a_sister_without_history_lends_nothing() -> None:
    ours = project()
    plan = plan_of(ours, make_evidence(products=("q3",)), NOW)

    assert plan is not None
    assert borrow(ours, plan, NOW, authors=0, hours=0.0, clusters=0) is None
