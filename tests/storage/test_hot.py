from __future__ import annotations

from datetime import timedelta

from storage.records import HotEntry, Outcome, SourceId
from tests.make import NOW

LIST = SourceId("resou")
LATER = NOW + timedelta(minutes=20)


def _entry(title, rank, **fields):
    return HotEntry(source_id=LIST, platform="热搜台", title=title, rank=rank, **fields)


def _save(store, *entries, at=NOW):
    with store.transaction() as tx:
        return tx.save_hot(entries, at)


def _read(store, *, sources=(LIST,), since=NOW - timedelta(hours=2)):
    with store.read() as queries:
        return queries.hot_entries(sources, since)


def test_a_line_keeps_its_best_rank_and_its_first_sight(store):
    assert _save(store, _entry("澜禾养生壶炸裂", 31, heat=120.5, url="https://r.example/1")) == 1
    assert _save(store, _entry("澜禾养生壶炸裂", 6), at=LATER) == 0
    assert _save(store, _entry("澜禾养生壶炸裂", 19), at=LATER + timedelta(minutes=5)) == 0

    [line] = _read(store)
    assert (line.rank, line.best_rank, line.first_at) == (19, 6, NOW)
    assert line.last_at == LATER + timedelta(minutes=5)
    assert line.platform == "热搜台"


def test_an_unknown_rank_stays_unknown_and_hides_no_known_one(store):
    _save(store, _entry("澜禾道歉", None))
    assert _read(store)[0].best_rank is None

    _save(store, _entry("澜禾道歉", 12))
    _save(store, _entry("澜禾道歉", None), at=LATER)
    [line] = _read(store)
    assert (line.rank, line.best_rank) == (None, 12)


def test_each_title_is_counted_once(store):
    twice = [_entry("澜禾道歉", 3), _entry(" 澜禾道歉 ", 4), _entry("  ", 5), _entry("早高峰", 9)]
    assert _save(store, *twice) == 2
    assert _save(store, *twice, at=LATER) == 0
    with store.read() as queries:
        [row] = queries.table_rows("outcome_count")
    assert (row["stage"], row["outcome"], row["n"]) == ("keep", Outcome.HOT_ENTRY, 2)


def test_lines_come_newest_first_then_by_rank_and_only_of_the_sources_asked_for(store):
    _save(store, _entry("旧闻", 1))
    _save(store, _entry("无名次", None), _entry("第二", 2), _entry("第一", 1), at=LATER)
    with store.transaction() as tx:
        tx.save_hot([HotEntry(source_id=SourceId("other"), platform="", title="别家")], LATER)

    assert [line.title for line in _read(store)] == ["第一", "第二", "无名次", "旧闻"]
    assert [line.title for line in _read(store, since=LATER)] == ["第一", "第二", "无名次"]


def test_old_lines_are_dropped(store):
    _save(store, _entry("旧闻", 1))
    _save(store, _entry("新闻", 1), at=LATER)
    with store.transaction() as tx:
        assert tx.drop_hot(LATER) == 1
    assert [line.title for line in _read(store)] == ["新闻"]
