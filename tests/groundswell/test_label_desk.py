"""The review desk with the real journey: what follows from an answer, and what is asked."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from groundswell import wiring
from groundswell.label_desk import LabelDesk
from groundswell.label_values import Speaker, make
from groundswell.replay import SteppedClock
from groundswell.wiring import Application
from storage.records import BrandId, Correction, Polarity
from storage.store import Store
from tests.groundswell.test_pipeline import NOW, complaint, project, take
from tests.storage.test_hours import recounted, stored

BRAND = BrandId("yunque")


@pytest.fixture
def application(store: Store) -> Application:
    return wiring.wire(project(), store, SteppedClock(NOW))


@pytest.fixture
def desk(application: Application) -> LabelDesk:
    return desk_of(application)


def desk_of(application: Application) -> LabelDesk:
    return LabelDesk(
        store=application.store,
        project=application.project,
        clock=application.clock,
        links=application.links,
    )


def said(mention_id: int, actor: str = "linxiao", **values: str) -> list[Correction]:
    return make(mention_id, BRAND, values, Speaker(actor=actor, door="cli", at=NOW))


def gathered(application: Application, n: int = 14) -> list[int]:
    """n complaints in one cluster, with an incident; the members' ids."""
    take(application, [complaint(number) for number in range(n)])
    with application.store.read() as queries:
        [incident] = queries.incidents()
        return [int(mention.mention_id) for mention, _ in members(queries, incident.cluster_id)]


def members(queries, cluster_id):
    return queries.cluster_mentions(cluster_id, 1000)


def check_sizes(store: Store) -> None:
    """Every cluster says how many texts and copies it holds."""
    with store.read() as queries:
        rows = queries.table_rows("mention_cluster")
        for cluster in queries.table_rows("cluster"):
            own = [row for row in rows if row["cluster_id"] == cluster["cluster_id"]]
            texts = sum(row["duplicate_of"] is None for row in own)
            assert (cluster["size"], cluster["n_duplicates"]) == (texts, len(own) - texts)
    assert stored(store) == recounted(store)


def test_an_answer_grades_at_once_and_leaves_an_audit_line(application, desk):
    ids = gathered(application)
    with application.store.read() as queries:
        [before] = queries.incidents()

    done = desk.say([one for mention in ids[:12] for one in said(mention, polarity="positive")])

    assert done.clusters == (before.cluster_id,)
    with application.store.read() as queries:
        [after] = queries.incidents()
        lines = [row for row in queries.audits(1000) if row["action"] == "label"]
        assert len(members(queries, before.cluster_id)) == len(ids) - 12
    assert after.below_since is not None  # on its way down, by the rules of levels
    assert len(lines) == 12
    assert "polarity: " in lines[0]["detail"]
    check_sizes(application.store)


def test_what_is_taken_back_is_gathered_again_by_a_clusterer_that_forgot_it(application, desk):
    ids = gathered(application)
    desk.say(said(ids[3], noise="lottery"))
    application.stages.drain()
    check_sizes(application.store)

    assert desk.undo("linxiao", "console").waiting == 1
    assert desk.undo("linxiao", "console") is None
    application.stages.drain()

    with application.store.read() as queries:
        assert len(queries.mention_cluster(ids[3])) == 1
    check_sizes(application.store)


def test_a_running_clusterer_notices_what_another_process_took_out(application, store):
    ids = gathered(application)
    elsewhere = desk_of(wiring.wire(project(), store, SteppedClock(NOW)))
    for mention in ids[:5]:
        elsewhere.say(said(mention, brand=""))

    # copies of what was taken out: memory would make them copies of a text that left
    texts = [replace(complaint(n), native_id=f"again-{n}", author=f"另{n}") for n in range(5)]
    take(application, texts)

    check_sizes(store)
    with store.read() as queries:
        gone = {row["mention_pk"] for row in queries.table_rows("mention_cluster")} & {*ids[:5]}
        copies = {row["duplicate_of"] for row in queries.table_rows("mention_cluster")}
    assert not gone
    assert not copies & {*ids[:5]}


def test_another_model_and_another_text(application, desk, store):
    ids = gathered(application)
    desk.say(said(ids[0], polarity="not_negative"))
    with store.transaction() as tx:
        tx.judge_again(ids)
    application.stages.drain()
    with store.read() as queries:
        [verdict] = queries.verdicts(ids[0])
        mention = queries.mention(ids[0])
    assert (verdict.polarity, verdict.corrected) == (Polarity.NOT_NEGATIVE, ("polarity",))
    check_sizes(store)

    number = int(mention.item_key.rpartition("-")[2])
    worse = replace(complaint(number), text=complaint(number).text + "，现在还冒烟了，太危险了")
    take(application, [worse])

    with store.read() as queries:
        [verdict] = queries.verdicts(ids[0])
    assert verdict.corrected == ()
    first = desk.queue()[0]
    assert (first.mention_id, first.reasons[0]) == (ids[0], "outdated")
    check_sizes(store)


# --- the queue -----------------------------------------------------------------------------------


def test_the_queue_of_a_day_stands_and_the_next_day_has_another(application, desk):
    gathered(application, 30)

    queue = desk.queue()
    take(application, [complaint(n) for n in range(100, 120)])

    assert desk.queue() == queue
    desk.say(said(queue[0].mention_id, polarity="negative"))
    assert desk.queue() == queue[1:]
    later = LabelDesk(
        store=desk.store, project=desk.project, clock=SteppedClock(NOW + timedelta(days=1)),
        links=desk.links,
    )  # fmt: skip
    assert queue[0].mention_id not in [one.mention_id for one in later.queue()]
    assert later.queue()[0].day == "2026-03-11"


def test_more_is_asked_when_everything_was_answered(application, desk):
    gathered(application, 14)
    first = desk.queue()
    for one in first:
        desk.skip(one.mention_id, one.brand_id, "linxiao")
    assert desk.queue() == []

    take(application, [complaint(n, text=f"云雀客服电话打不通，第{n}次了，等了{n * 7}分钟，气死人")
                       for n in range(200, 206)])  # fmt: skip
    more = desk.queue()

    assert more
    assert {one.mention_id for one in more}.isdisjoint(one.mention_id for one in first)
    assert more[0].place == len(first) + 1


def test_an_answer_to_the_queue_remembers_why_it_was_asked(application, desk):
    gathered(application, 14)
    first, second, *_ = desk.queue()

    [one] = desk.say(said(first.mention_id, polarity="negative")).corrections
    [again] = desk.say(said(first.mention_id, polarity="positive")).corrections
    desk.skip(second.mention_id, second.brand_id, "linxiao")
    [other] = desk.say(said(second.mention_id, polarity="negative")).corrections

    assert one.asked == first.reasons[0]
    assert (again.asked, other.asked) == ("", "")
    progress = desk.progress("linxiao", len(desk.queue()))
    assert (progress.mine, progress.everybody) == (2, 2)
    assert desk.progress("boss", 0).mine == 0


def test_copies_of_what_people_know_are_not_asked(application, desk):
    ids = gathered(application, 3 + 11)
    desk.say(said(ids[0], polarity="negative"))
    with application.store.read() as queries:
        known = queries.mention(ids[0])
    number = int(known.item_key.rpartition("-")[2])
    take(application, [replace(complaint(number), native_id="copy", author="转发的人")])

    with application.store.read() as queries:
        copy = max(row["mention_pk"] for row in queries.table_rows("mention"))
    asked = {one.mention_id: one.reasons[0] for one in desk.queue()}
    assert copy not in asked or asked[copy].startswith("random_")


def test_undo_takes_back_a_whole_answer_and_nothing_old(application, desk):
    ids = gathered(application)
    answer = said(ids[0], polarity="positive", issue="物流配送")
    desk.say(answer)

    done = desk.undo("linxiao", "cli")

    assert {one.kind for one in done.corrections} == {"polarity", "issue"}
    with application.store.read() as queries:
        [verdict] = queries.verdicts(ids[0])
    assert verdict.corrected == ()
    old = Speaker(actor="linxiao", door="cli", at=NOW - timedelta(days=2))
    desk.say(make(ids[1], BRAND, {"polarity": "positive"}, old))
    assert desk.undo("linxiao", "cli") is None


def test_people_and_the_clusterer_at_once(application, desk, store):
    """Whoever comes first, both end with counts that a recount gives."""
    ids = gathered(application, 16)
    failed: list[BaseException] = []

    def correct() -> None:
        try:
            for turn, mention in enumerate(ids[:8]):
                desk.say(said(mention, polarity=("positive", "negative")[turn % 2]))
                desk.undo("linxiao", "cli") if turn % 3 == 0 else None
        except BaseException as error:  # noqa: BLE001 - told by the test below
            failed.append(error)

    person = threading.Thread(target=correct)
    person.start()
    for n in range(16, 24):
        take(application, [complaint(n)])
        with store.transaction() as tx:
            tx.judge_again(ids[n - 16 : n - 13])
    person.join()
    application.stages.drain()

    assert not failed
    check_sizes(store)
