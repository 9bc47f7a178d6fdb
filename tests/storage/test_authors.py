"""Who speaks in a cluster: new authors, copies, bursts; on both databases."""

from __future__ import annotations

from datetime import timedelta

from storage.authors import see_authors
from tests.make import NOW, fingerprint_of
from tests.storage.test_evidence import evidence, post, tell


def voices(store, now=NOW):
    return evidence(store, now=now).voices


def by(author, hours=0.5, text="漏水了", **raw):
    return post(hours, {"author": author, "text": text, **raw}, fingerprint=fingerprint_of(text))


def test_an_author_is_new_until_an_import_brings_an_older_post(store):
    tell(store, by("甲", 2), by("乙", 3))
    assert voices(store).new_authors == 2

    with store.transaction() as tx:
        [key] = tx.connection.exec_driver_sql(
            "SELECT author_key FROM author_seen ORDER BY first_at DESC LIMIT 1"
        ).scalars()
        see_authors(tx.connection, [(key, NOW - timedelta(days=30)), (key, NOW)])

    assert voices(store).new_authors == 1


def test_posts_of_one_author_arrive_in_any_order(store):
    tell(store, by("甲", 1, "新的"), by("甲", 24 * 9, "旧的"), by("甲", 4, "不新不旧"))

    found = voices(store)

    assert (found.mentions, found.authors, found.new_authors) == (2, 1, 0)


def test_nobody_is_remembered_without_a_name(store):
    tell(store, by("", 1, "一"), by("", 2, "二"), by("甲", 3, "三"))

    assert voices(store).new_authors == 1


def test_one_name_on_two_platforms_is_two_authors(store):
    tell(store, by("甲", 1, "一", platform="weibo"), by("甲", 2, "二", platform="zhihu"))

    assert voices(store).authors == 2


def test_a_burst_counts_copies_within_ten_minutes(store):
    near = [by(f"号{n}", n / 60, "同一段话，转起来") for n in range(1, 31)]
    tell(store, *near, by("甲", 5, "我自己说的"))

    found = voices(store)

    assert (found.mentions, found.texts) == (31, 2)
    assert (found.top_text, found.wave_authors, found.burst) == (30, 30, 11)
