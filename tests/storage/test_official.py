from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from storage.records import (
    BrandId,
    IncidentId,
    ItemKey,
    MentionId,
    OfficialPost,
    PublicResponse,
    SourceId,
)
from tests.make import BRAND, NOW, ago, make_cluster, make_raw, make_verdict
from tests.storage.drive import gather, keep_and_judge, rows

INCIDENT = IncidentId("01TESTINCIDENT")


def _post(n=1, **fields):
    values = {
        "item_key": ItemKey(f"url:https://w.example/u/12/{n}"),
        "brand_id": BRAND,
        "source_id": SourceId("weibo"),
        "platform": "微博",
        "author": "云雀净水",
        "title": "",
        "text": "给您添麻烦了，客服已经联系您。",
        "url": f"https://w.example/u/12/{n}",
        "published_at": ago(hours=n),
        "observed_at": NOW,
        "parent_url": "",
    }
    return OfficialPost(**(values | fields))


def _response(**fields):
    values = {"at": ago(hours=1), "url": "https://w.example/u/12/1", "actor": "林晓"}
    return PublicResponse(**(values | fields))


def test_an_official_post_is_stored_once_and_an_edit_replaces_its_text(store):
    with store.transaction() as tx:
        assert tx.save_official([_post(1), _post(2), _post(1)]) == [True, True, False]
        edited = replace(_post(1), text="更正：已全额退款。", observed_at=NOW + timedelta(hours=1))
        assert tx.save_official([edited]) == [False]
        assert tx.save_official([]) == []

    with store.read() as queries:
        found = queries.official_posts(BRAND, ago(days=1), NOW)
        assert [post.url for post in found] == [_post(1).url, _post(2).url]
        assert queries.official_post(_post(1).item_key) == replace(edited, observed_at=NOW)
        assert queries.official_posts(BrandId("other"), ago(days=1), NOW) == []
        assert queries.official_posts(BRAND, ago(hours=1), NOW) == [found[0]]
        assert queries.official_post("url:nothing") is None


def test_an_answer_to_the_same_by_the_same_is_stored_once(store):
    answers = [
        _response(mention_id=MentionId(1), official_key=_post(1).item_key),
        _response(mention_id=MentionId(1), official_key=_post(1).item_key, note="again"),
        _response(mention_id=MentionId(1)),  # a person enters the very same address
        _response(mention_id=MentionId(2), official_key=_post(1).item_key),
        _response(incident_id=INCIDENT),
        _response(incident_id=INCIDENT, actor="陈默"),
        _response(incident_id=INCIDENT, url="https://w.example/u/12/9"),
    ]
    with store.transaction() as tx:
        assert [tx.add_response(one) for one in answers] == [
            True, False, False, True, True, False, True,
        ]  # fmt: skip


def test_posts_without_an_address_are_told_apart_by_their_identity(store):
    first = _response(mention_id=MentionId(1), url="", official_key=ItemKey("text:1"))
    with store.transaction() as tx:
        assert tx.add_response(first)
        assert tx.add_response(replace(first, official_key=ItemKey("text:2")))
        assert not tx.add_response(first)


def test_an_incident_has_its_own_answers_and_those_to_its_mentions(store):
    keep_and_judge(store, 3)
    gather(store, {1: "yunque-aaaaaaaa", 2: "yunque-aaaaaaaa", 3: "yunque-bbbbbbbb"})
    to_mention = _response(mention_id=MentionId(2), at=ago(hours=3))
    to_other = _response(mention_id=MentionId(3))
    by_hand = _response(incident_id=INCIDENT, note="在评论区")
    with store.transaction() as tx:
        for one in (by_hand, to_other, to_mention):
            assert tx.add_response(one)

    with store.read() as queries:
        cluster = make_cluster().cluster_id
        assert queries.responses(INCIDENT, cluster) == [to_mention, by_hand]
        assert queries.mention_responses(MentionId(3)) == [to_other]
        assert queries.responses(INCIDENT, make_cluster("gone-1").cluster_id) == [by_hand]


def test_complaints_are_found_by_author_and_time(store):
    keep_and_judge(store, 4)
    gather(store, dict.fromkeys((1, 2, 3), "yunque-aaaaaaaa"))
    names = ("用户1", "用户2", "用户4", "没有的人")

    with store.transaction() as tx:
        found = tx.complaints_by(BRAND, "tousu", names, ago(days=1), NOW)
        assert [mention.author for mention, _ in found] == ["用户1", "用户2"]
        assert {cluster for _, cluster in found} == {"yunque-aaaaaaaa"}
        assert tx.complaints_by(BRAND, "weibo", names, ago(days=1), NOW) == []
        assert tx.complaints_by(BRAND, "tousu", names, ago(minutes=10), NOW) == []


def test_mentions_are_found_by_identity_and_by_what_they_are_about(store):
    with store.transaction() as tx:
        tx.keep([make_raw(1), make_raw(2, native_id="77")], NOW)
        tx.save_verdicts([MentionId(1)], [make_verdict(1)], NOW)

    with store.transaction() as tx:
        keys = ["url:https://tousu.example/post/1", "id:tousu:77", "url:none"]
        assert {key: m.mention_id for key, m in tx.mentions_by_key(keys).items()} == {
            keys[0]: 1,
            keys[1]: 2,
        }
        assert tx.mentions_by_key([]) == {}
        assert tx.is_about(MentionId(1), BRAND)
        assert not tx.is_about(MentionId(1), BrandId("other"))
        assert not tx.is_about(MentionId(2), BRAND)
    assert len(rows(store, "mention")) == 2
