"""The first step: who speaks, with what weight, and what a page that was read again says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from config.cluster_schema import ClusterSettings
from config.schema import Brand, MediaOutlet, OfficialAccount, Project, Settings, SourceConfig
from groundswell import wiring
from groundswell.explain import Explainer, text_as_mention
from groundswell.keeping import says_deleted
from groundswell.replay import SteppedClock
from storage.records import MentionId, Outcome, SourceId
from tests.groundswell.test_pipeline import take
from tests.make import NOW, make_raw

BRAND = Brand(
    id="yunque",
    name="云雀",
    official=(OfficialAccount(platform="微博客", author="云雀净水"),),
)
PROJECT = Project(
    brands=(BRAND,),
    media=(
        MediaOutlet(name="日报", tier="provincial", hosts=("ribao.example",)),
        MediaOutlet(name="避雷王", tier="large_account", authors=("微博客:避雷王",)),
    ),
    sources=(
        SourceConfig(
            id="guanwang", name="官网", kind="feed", role="official", start="https://y.example/f"
        ),
    ),
)


def _journey(store, project=PROJECT):
    return wiring.wire(project, store, SteppedClock(NOW)).journey


def _keep(store, *raws, project=PROJECT, reread=False, at=NOW):
    journey = _journey(store, project)
    with store.transaction() as tx:
        return journey.keep_each(tx, raws, at, reread=reread)


def _rows(store, table):
    with store.read() as queries:
        return queries.table_rows(table)


def test_the_brand_s_own_words_are_kept_beside_the_mentions_and_counted_once(store):
    own = make_raw(1, platform="微博客", author="云雀净水", text="回复13812345678：已经为您退款。")
    by_source = make_raw(2, source_id=SourceId("guanwang"), author="")
    customer = make_raw(3, platform="微博客", author="云雀净水的用户")

    answers = _keep(store, own, by_source, customer, make_raw(4, text=" ", title=""))
    assert [outcome for outcome, _ in answers] == [
        Outcome.OFFICIAL, Outcome.OFFICIAL, Outcome.KEPT, Outcome.UNREADABLE,
    ]  # fmt: skip
    assert [mention_id is not None for _, mention_id in answers] == [False, False, True, False]
    assert [answer for answer, _ in _keep(store, own)] == [Outcome.DUPLICATE]

    assert [row["author"] for row in _rows(store, "mention")] == ["云雀净水的用户"]
    posts = _rows(store, "official_post")
    assert {row["brand_id"] for row in posts} == {"yunque"}
    assert "13812345678" not in str(posts)
    counted = [r["n"] for r in _rows(store, "outcome_count") if r["outcome"] == Outcome.OFFICIAL]
    assert sum(counted) == 2


def test_nothing_of_the_brand_s_own_is_ever_scored(store):
    application = wiring.wire(PROJECT, store, SteppedClock(NOW))
    own = make_raw(1, platform="微博客", author="云雀净水", text="云雀净水器漏水的用户请联系我们")
    with store.transaction() as tx:
        application.journey.keep(tx, [own], NOW)
    application.stages.drain()

    assert _rows(store, "verdict") == []
    assert _rows(store, "mention_cluster") == []


@pytest.mark.parametrize(
    ("fields", "tier"),
    [
        ({"url": "https://news.ribao.example/1"}, "provincial"),
        ({"url": "https://news.ribao.example/1", "tier": "central"}, "central"),
        ({"platform": "微博客", "author": "避雷王"}, "large_account"),
        ({"tier": "trade"}, "trade"),
        ({"tier": "写错了"}, ""),
    ],
)
def test_a_mention_has_the_highest_tier_of_its_outlet_and_its_source(store, fields, tier):
    _keep(store, make_raw(1, **fields))

    assert [row["tier"] for row in _rows(store, "mention")] == [tier]


def test_outlets_are_known_by_name_even_where_authors_are_hidden(store):
    hidden = PROJECT.model_copy(update={"settings": Settings(pseudonymise_authors=True)})
    raws = [make_raw(1, platform="微博客", author="避雷王")]
    raws.append(make_raw(2, platform="微博客", author="云雀净水"))

    answers = _keep(store, *raws, project=hidden)
    [mention] = _rows(store, "mention")
    assert (mention["tier"], answers[1][0]) == ("large_account", Outcome.OFFICIAL)
    assert mention["author"].startswith("用户")


@pytest.mark.parametrize(
    "said",
    [
        "抱歉，该内容已被作者删除。",
        "帖子不存在",
        "您访问的页面找不到了 404",
        "该微博已被删除",
        "抱歉，此内容因违反社区规范已被移除，返回首页",
        "哎呀，视频不见了",
        "原内容已下架",
    ],
)
def test_a_notice_of_deletion_is_recognised(said):
    assert says_deleted("", said)
    assert says_deleted(said, "")


@pytest.mark.parametrize(
    "said",
    [
        "",
        "云雀把我的差评删除了，太过分",
        "商品下架了也不退款",
        "客服电话找不到人",
        "帖子被删除，云雀你慌什么",
        "投诉已关闭",
        "净水器漏水",
    ],
)
def test_who_writes_about_a_deletion_says_more(said):
    assert not says_deleted("", said)


def test_a_page_that_only_says_it_is_gone_marks_the_mention_and_keeps_its_text(store):
    raw = make_raw(1)
    later = NOW + timedelta(hours=2)
    [(_, mention_id)] = _keep(store, raw)
    notice = replace(raw, title="", text="抱歉，该内容已被作者删除。")

    assert _keep(store, notice, reread=True, at=later) == [(Outcome.DUPLICATE, mention_id)]
    [mention] = _rows(store, "mention")
    assert (mention["gone_at"], mention["text"], mention["revision"]) == (later, raw.text, 0)
    assert _rows(store, "revision") == []


def test_the_same_words_on_a_page_seen_for_the_first_time_are_a_mention(store):
    assert _keep(store, make_raw(1, text="该内容已被删除"))[0][0] is Outcome.KEPT


def test_explain_says_who_speaks_and_what_became_of_it(store):
    application = wiring.wire(PROJECT, store, SteppedClock(NOW))
    raw = make_raw(
        1, url="https://news.ribao.example/1", canonical_url="https://news.ribao.example/1"
    )
    later = NOW + timedelta(hours=1)
    with store.transaction() as tx:
        application.journey.keep(tx, [raw], NOW)
        application.journey.keep(tx, [replace(raw, text="改过了", reposts=7)], later, reread=True)
        tx.mark_gone(raw.canonical_url, later)
        mention = tx.queries.mention(1)
    explainer = Explainer(
        project=PROJECT,
        analyst=application.journey.analyst,
        store=store,
        restore=wiring.restorer(PROJECT),
    )

    notes = "\n".join(explainer.explain(mention).notes)
    assert "媒体级别：省级媒体 (provincial)" in notes
    assert "原文已删除：03-10 13:00" in notes
    assert f"03-10 13:00 之前写的是“{raw.title}" in notes
    assert "重读 1 次" in notes
    own = replace(mention, platform="微博客", author="云雀净水", channel="internal")
    notes = "\n".join(explainer.explain(own).notes)
    assert "这是品牌 yunque 自己的话" in notes
    assert "不算公开传播" in notes


def test_explain_names_the_cold_cluster_that_a_text_would_open_again(store):
    clusters = ClusterSettings(window_days=2, single_window_days=1, keep_clusters=0)
    project = PROJECT.model_copy(update={"settings": Settings(clusters=clusters)})
    text = "云雀净水器滤芯接口漏水，客服一直推脱不给换，太差了"
    clock = SteppedClock(NOW)
    application = wiring.wire(project, store, clock)
    take(application, [make_raw(1, title="", text=text)])
    clock.at = NOW + timedelta(days=5)
    other = make_raw(2, title="", text="云雀电饭煲内胆涂层脱落，要求退货退款，商家不理")
    later = replace(other, published_at=clock.now(), observed_at=clock.now())
    take(application, [later])
    with store.read() as queries:
        [first] = [one for one in queries.table_rows("cluster") if one["state"] == "cold"]
    explainer = Explainer(
        project=project,
        analyst=application.journey.analyst,
        store=store,
        restore=wiring.restorer(project),
    )

    asked = replace(text_as_mention(f"又来了，{text}", clock.now()), mention_id=MentionId(77))
    [answer] = explainer.explain(asked).brands
    assert (answer.cluster_id, answer.cluster_size) == (first["cluster_id"], 1)
