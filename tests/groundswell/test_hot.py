"""Which line of a hot-search list is about which cluster, and when nobody can know."""

from __future__ import annotations

from datetime import timedelta

import pytest

from classify.symptoms import symptoms
from config.schema import Brand, ProductLine, Project, SourceConfig
from groundswell.hot import HotLists
from storage.records import HotEntry, SourceId, SourceState
from tests.make import NOW, make_cluster, make_evidence

LIST = SourceId("resou")
[LEAK] = symptoms("漏水")
BRANDS = (
    Brand(
        id="yunque",
        name="云雀",
        aliases=("云雀净水器",),
        products=(ProductLine(id="jsq", name="净水器", words=("净水器", "滤芯")),),
    ),
    Brand(id="qingquan", name="清荃"),
)


def _source(**fields) -> SourceConfig:
    values = {
        "id": "resou",
        "name": "热搜榜",
        "kind": "feed",
        "role": "hot_search",
        "start": "https://resou.example/top.xml",
    }
    return SourceConfig(**(values | fields))


def _lists(*sources: SourceConfig) -> HotLists:
    return HotLists(Project(brands=BRANDS, sources=sources or (_source(),)))


def _poll(store, *titles: str, at=NOW, answered=True):
    """One reading of the list, in the order of its ranks."""
    lines = [
        HotEntry(source_id=LIST, platform="热搜台", title=title, rank=rank)
        for rank, title in enumerate(titles, 1)
    ]
    with store.transaction() as tx:
        tx.save_hot(lines, at)
        tx.save_source(SourceState(source_id=LIST, last_ok_at=at if answered else None))


def _seen(store, lists=None, now=NOW, **cluster):
    lists = lists or _lists()
    evidence = make_evidence(cluster=make_cluster(**cluster), symptoms=((LEAK, 3),))
    with store.read() as queries:
        return lists.see(evidence, lists.look(queries, now))


def test_without_a_hot_search_source_nothing_is_known(store):
    found = _seen(store, HotLists(Project(brands=BRANDS)))
    off = _seen(store, _lists(_source(enabled=False)))

    assert (found.hot_known, found.hot_blind, found.hot_rank) == (False, "not_connected", None)
    assert off.hot_blind == "not_connected"


def test_a_list_that_did_not_answer_of_late_is_unknown(store):
    assert _seen(store).hot_blind == "no_answer"
    _poll(store, "云雀漏水", at=NOW - timedelta(hours=3))
    assert _seen(store).hot_blind == "no_answer"
    _poll(store, "云雀漏水", at=NOW, answered=False)
    assert _seen(store).hot_blind == "no_answer"


@pytest.mark.parametrize(
    ("title", "is_about"),
    [
        ("云雀净水器漏水", True),  # the trouble
        ("云雀 第三批次", True),  # a keyword of the cluster
        ("雲雀 第三批次", True),  # in traditional characters
        ("云雀净水器滤芯新品", False),  # the product alone
        ("云雀代言人官宣", False),
    ],
)
def test_a_line_is_about_a_cluster_when_it_names_more_than_the_product(store, title, is_about):
    _poll(store, "早高峰地铁", title)
    found = _seen(store, keywords=("第三批次", "滤芯", "云雀"))

    assert found.hot_known
    assert (found.hot.is_about, found.hot_rank) == (is_about, 2)


def test_the_most_telling_line_counts(store):
    _poll(store, "云雀代言人官宣", "云雀净水器漏水", "清荃漏水")

    assert _seen(store).hot.title == "云雀净水器漏水"
    assert _seen(store, brand_id="qingquan", cluster_id="qingquan-1").hot.title == "清荃漏水"


def test_what_left_the_list_stands_for_two_hours_and_is_remembered_for_a_day(store):
    _poll(store, "云雀净水器漏水", at=NOW)
    _poll(store, "早高峰地铁", at=NOW + timedelta(hours=1, minutes=50))
    now = NOW + timedelta(hours=1, minutes=55)
    assert _seen(store, now=now).hot_rank == 1

    now = NOW + timedelta(hours=3)
    found = _seen(store, now=now)
    assert (found.hot.is_current, found.hot_rank, found.hot.best_rank) == (False, None, 1)

    _poll(store, "早高峰地铁", at=NOW + timedelta(hours=25))
    found = _seen(store, now=NOW + timedelta(hours=25))
    assert (found.hot, found.hot_known) == (None, True)


def test_a_list_that_answers_unchanged_keeps_its_lines_current(store):
    _poll(store, "云雀净水器漏水", at=NOW)
    now = NOW + timedelta(hours=5)
    with store.transaction() as tx:
        tx.save_source(SourceState(source_id=LIST, last_ok_at=now))

    assert _seen(store, now=now).hot_rank == 1
