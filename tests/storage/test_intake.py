from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from storage.records import Outcome, SourceId
from tests.make import NOW, SOURCE, make_raw

KEPT, REVISED, DUPLICATE = Outcome.KEPT, Outcome.REVISED, Outcome.DUPLICATE
LATER = NOW + timedelta(minutes=10)


def _keep(store, *raws, at=NOW):
    with store.transaction() as tx:
        return tx.keep(raws, at)


def _mention(store, mention_id=1):
    with store.read() as queries:
        return queries.mention(mention_id)


def _rows(store, table):
    with store.read() as queries:
        return queries.table_rows(table)


def _pending(store):
    with store.transaction() as tx:
        return [int(mention.mention_id) for mention in tx.pending_mentions(100)]


def _settle(store):
    with store.transaction() as tx:
        tx.save_verdicts([m.mention_id for m in tx.pending_mentions(100)], [], NOW)


def test_a_new_item_is_kept_whole_and_waits_to_be_understood(store):
    raw = make_raw(
        1, reposts=2, comments=3, likes=5, views=7, rating=1.5, tier="trade", history=True
    )

    assert _keep(store, raw) == [(KEPT, 1)]
    mention = _mention(store)
    for name in (
        "source_id", "platform", "title", "text", "published_at", "observed_at", "url", "author",
        "lang", "region", "channel", "tier", "reposts", "comments", "likes", "views", "rating",
        "history",
    ):  # fmt: skip
        assert getattr(mention, name) == getattr(raw, name)
    assert (mention.item_key, mention.revision) == ("url:https://tousu.example/post/1", 0)
    assert mention.author_key == "tousu:用户1"
    assert _pending(store) == [1]


def test_an_item_without_a_time_takes_that_of_its_observation(store):
    _keep(store, make_raw(1, published_at=None))

    assert _mention(store).published_at == NOW


def test_the_same_item_again_is_a_duplicate_and_changes_nothing(store):
    _keep(store, make_raw(1))
    before = _rows(store, "mention"), _rows(store, "sighting")
    _settle(store)

    assert _keep(store, make_raw(1, observed_at=LATER), at=LATER) == [(DUPLICATE, 1)]
    assert (_rows(store, "mention"), _rows(store, "sighting")) == before
    assert _pending(store) == []


def test_another_source_of_the_same_item_is_a_sighting(store):
    _keep(store, make_raw(1))

    assert _keep(store, make_raw(1, source_id=SourceId("search"))) == [(DUPLICATE, 1)]
    assert [row["source_id"] for row in _rows(store, "sighting")] == ["search", SOURCE]
    assert _mention(store).source_id == SOURCE


@pytest.mark.parametrize("changed", [{"text": "商家已退款，撤销投诉。"}, {"title": "已解决"}])
def test_a_changed_text_is_a_revision_that_is_understood_again(store, changed):
    first = make_raw(1)
    _keep(store, first)
    _settle(store)

    assert _keep(store, replace(first, **changed), at=LATER) == [(REVISED, 1)]
    mention = _mention(store)
    assert mention.revision == 1
    for name, value in changed.items():
        assert getattr(mention, name) == value
    with store.read() as queries:
        assert queries.mention_revisions(1) == [(0, first.title, first.text, LATER)]
    assert _pending(store) == [1]


def test_two_sources_that_show_different_cuts_do_not_take_turns(store):
    whole = make_raw(1)
    summary = make_raw(1, source_id=SourceId("feed"), text="买的云雀净水器…")
    _keep(store, summary)

    assert _keep(store, whole) == [(REVISED, 1)]
    for raw in (summary, whole, summary, whole):
        assert _keep(store, raw) == [(DUPLICATE, 1)]
    assert _mention(store).text == whole.text


def test_a_shorter_cut_from_a_second_source_does_not_replace_the_whole_text(store):
    _keep(store, make_raw(1))

    assert _keep(store, make_raw(1, source_id=SourceId("feed"), text="买的云雀…")) == [
        (DUPLICATE, 1)
    ]
    assert _mention(store).revision == 0


def test_a_stranger_who_names_the_item_cannot_rewrite_it_but_may_complete_it(store):
    first = make_raw(1)
    _keep(store, first)

    other = "今天的风很舒服，适合去公园走走，晚上再吃一顿火锅，日子就这样慢慢过下去，挺好的。" * 3
    stranger = make_raw(1, source_id=SourceId("push:somebody"), title=first.title, text=other)
    whole = make_raw(1, source_id=SourceId("page"), text=f"{first.text}后来又去了两次，还是这样。")

    assert _keep(store, stranger) == [(DUPLICATE, 1)]
    assert _keep(store, whole) == [(REVISED, 1)]
    assert _mention(store).text == whole.text


def test_a_source_that_changes_back_is_revised_again(store):
    first, second = make_raw(1), make_raw(1, text="已退款。")

    assert [_keep(store, raw)[0][0] for raw in (first, second, first)] == [KEPT, REVISED, REVISED]
    assert (_mention(store).text, _mention(store).revision) == (first.text, 2)


def test_figures_of_spread_only_rise_and_unknown_ones_stay_unknown(store):
    _keep(store, make_raw(1, reposts=10, likes=5))
    _keep(store, make_raw(1, reposts=7, likes=9, views=100, rating=2.0))

    mention = _mention(store)
    assert (mention.reposts, mention.likes, mention.views) == (10, 9, 100)
    assert (mention.comments, mention.rating) == (None, 2.0)


def test_equal_items_inside_one_call_are_one(store):
    answers = _keep(
        store, make_raw(1), make_raw(2), make_raw(1, likes=4), make_raw(1, text="改了。")
    )

    assert answers == [(KEPT, 1), (KEPT, 2), (DUPLICATE, 1), (REVISED, 1)]
    mention = _mention(store)
    assert (mention.text, mention.likes, mention.revision) == ("改了。", 4, 1)
    assert [row["revision"] for row in _rows(store, "revision")] == [0]
    assert _pending(store) == [1, 2]


def test_two_revisions_inside_one_call_are_both_kept(store):
    first = make_raw(1)
    _keep(store, first)
    _keep(store, replace(first, text="一改。"), replace(first, text="二改。"))

    with store.read() as queries:
        kept = [(number, text) for number, _, text, _ in queries.mention_revisions(1)]
    assert kept == [(0, first.text), (1, "一改。")]
    assert _mention(store).text == "二改。"


def test_more_than_a_batch_is_taken_and_answered_in_order(store):
    answers = _keep(store, *(make_raw(n) for n in range(1201)))

    assert answers == [(KEPT, n + 1) for n in range(1201)]


def _keep_and_fail(store):
    with store.transaction() as tx:
        tx.keep([make_raw(n) for n in range(10)], NOW)
        raise ZeroDivisionError


def test_an_aborted_call_leaves_no_gap_in_the_ids(store):
    with pytest.raises(ZeroDivisionError):
        _keep_and_fail(store)

    assert _keep(store, make_raw(20)) == [(KEPT, 1)]


def test_text_that_no_database_keeps_is_cleaned_and_is_no_news_next_time(store):
    raw = make_raw(1, text="漏\x00水\ud800", author="a\x00b")

    assert [_keep(store, raw)[0][0] for _ in range(2)] == [KEPT, DUPLICATE]
    assert (_mention(store).text, _mention(store).author) == ("漏�水�", "a�b")


def test_outcomes_are_counted_by_the_hour(store):
    with store.transaction() as tx:
        tx.count({("keep", SOURCE, "kept"): 3, ("keep", SOURCE, "duplicate"): 0}, NOW)
        tx.count({("keep", SOURCE, "kept"): 2}, NOW + timedelta(minutes=59))
        tx.count({("keep", SOURCE, "kept"): 5}, NOW + timedelta(hours=1))

    with store.read() as queries:
        assert queries.outcome_counts(NOW) == {("keep", SOURCE, "kept"): 10}
        assert queries.outcome_counts(NOW + timedelta(hours=1)) == {("keep", SOURCE, "kept"): 5}


def _reread(store, *raws, at):
    with store.transaction() as tx:
        return tx.keep(raws, at, reread=True)


def test_counters_that_are_read_again_become_a_curve_and_are_raised(store):
    first = make_raw(1, reposts=2, views=100)
    _keep(store, first)

    assert _reread(store, replace(first, reposts=40, views=90), at=LATER) == [(DUPLICATE, 1)]
    _reread(store, replace(first, reposts=None, views=None), at=LATER + timedelta(hours=1))

    [point] = _rows(store, "figure")
    assert (point["at"], point["reposts"], point["views"], point["likes"]) == (LATER, 40, 90, None)
    assert (_mention(store).reposts, _mention(store).views) == (40, 100)


def test_a_poll_that_lists_an_item_again_adds_nothing_to_its_curve(store):
    _keep(store, make_raw(1, reposts=2))
    _keep(store, make_raw(1, reposts=3), at=LATER)

    assert _rows(store, "figure") == []
    assert _mention(store).reposts == 3


def test_a_page_that_is_gone_is_noted_once_and_nothing_is_dropped(store):
    _keep(store, make_raw(1))
    _settle(store)

    with store.transaction() as tx:
        assert tx.mark_gone("https://tousu.example/post/1", LATER) == 1
        assert tx.mark_gone("https://tousu.example/post/1", LATER + timedelta(days=1)) == 1
        assert tx.mark_gone("https://tousu.example/post/77", LATER) is None

    mention = _mention(store)
    assert (mention.gone_at, mention.text) == (LATER, make_raw(1).text)
    assert _pending(store) == []


def test_an_item_with_a_native_id_is_found_gone_by_its_key(store):
    _keep(store, make_raw(1, native_id="8812"))
    key = _mention(store).item_key

    with store.transaction() as tx:
        assert tx.mark_gone("https://tousu.example/post/1", LATER) is None
        assert tx.mark_gone("https://tousu.example/post/1", LATER, item_key=key) == 1


def test_a_page_that_can_be_read_again_is_not_gone(store):
    _keep(store, make_raw(1))
    with store.transaction() as tx:
        tx.mark_gone("https://tousu.example/post/1", LATER)
    _keep(store, make_raw(1), at=LATER)
    assert _mention(store).gone_at == LATER  # a list may still name what is deleted

    _reread(store, make_raw(1), at=LATER + timedelta(hours=1))
    assert _mention(store).gone_at is None


def test_what_was_known_from_inside_is_public_once_it_is_seen_there(store):
    _keep(store, make_raw(1, channel="internal", platform="400 热线", tier=""))
    _settle(store)

    public = make_raw(1, tier="trade", platform="论坛")
    assert _keep(store, public, at=LATER) == [(DUPLICATE, 1)]
    assert (_mention(store).channel, _mention(store).tier) == ("public", "trade")
    assert _mention(store).platform == "论坛"
    assert _pending(store) == []

    _keep(store, make_raw(1, channel="internal"), at=LATER)
    assert _mention(store).channel == "public"
