"""What people say of verdicts holds at once, for ever and only for the text they read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.errors import StoreError
from storage.corrected import corrected, standing
from storage.records import (
    PERSON,
    WITHDRAWN,
    BrandId,
    ClusterId,
    Correction,
    MentionId,
    Noise,
    Polarity,
)
from storage.store import Store
from tests.make import (
    BRAND,
    NOW,
    SHARD,
    make_assignment,
    make_cluster,
    make_mention,
    make_raw,
    make_shard_changes,
    make_verdict,
)
from tests.storage.test_hours import Teller, recounted, stored

OTHER = BrandId("bailing")
CLUSTER = ClusterId("yunque-aaaaaaaa")


def say(mention_id: int, kind: str, value: str, **fields) -> Correction:
    values = {
        "correction_no": 0, "mention_id": MentionId(mention_id), "brand_id": BRAND, "kind": kind,
        "value": value, "was": "", "actor": "linxiao", "door": "console", "at": NOW,
    }  # fmt: skip
    return Correction(**(values | fields))


def gathered(store: Store, n: int = 3, **verdict) -> list[int]:
    """n mentions with one verdict each, in one cluster."""
    with store.transaction() as tx:
        ids = [mention_id for _, mention_id in tx.keep([make_raw(i) for i in range(n)], NOW)]
        tx.save_verdicts(ids, [make_verdict(one, **verdict) for one in ids], NOW)
        items = tx.pending_verdicts(SHARD, 100)
        assignments = tuple(
            make_assignment(mention.mention_id, cluster_id=CLUSTER, seq=seq)
            for seq, (mention, _) in enumerate(items, 1)
        )
        first = items[0][0].mention_id if items else None
        cluster = make_cluster(CLUSTER, size=len(items), representative_id=first)
        tx.save_gathering(make_shard_changes(assignments=assignments, clusters=(cluster,)), items)
    return ids


def correct(store: Store, *said: Correction):
    with store.transaction() as tx:
        return tx.correct(said, NOW)


def current(store: Store, mention_id: int) -> dict:
    with store.read() as queries:
        return {verdict.brand_id: verdict for verdict in queries.verdicts(mention_id)}


def cluster_of(store: Store, mention_id: int) -> list:
    with store.read() as queries:
        return queries.mention_cluster(mention_id)


# --- applying -----------------------------------------------------------------------------------


def test_not_negative_leaves_the_cluster_with_a_row_in_the_journal(store):
    first, second, third = gathered(store)

    done = correct(store, say(first, "polarity", "not_negative"))

    verdict = current(store, first)[BRAND]
    assert (verdict.negative, verdict.polarity) == (0.0, Polarity.NOT_NEGATIVE)
    assert (verdict.model_version, verdict.base_version) == (PERSON, "test-1")
    assert verdict.corrected == ("polarity",)
    assert done.clusters == (CLUSTER,)
    assert cluster_of(store, first) == []
    with store.read() as queries:
        event = queries.cluster_story(queries.cluster(CLUSTER))[-1]
        cluster = queries.cluster(CLUSTER)
    assert (event.kind, event.actor, event.mention_id) == ("retract", "linxiao", first)
    assert (cluster.size, cluster.n_duplicates, cluster.representative_id) == (2, 0, None)
    assert cluster_of(store, second) == cluster_of(store, third) == [CLUSTER]


def test_what_was_said_before_and_of_which_text_is_filled_in(store):
    [first, *_] = gathered(store)

    [one] = correct(store, say(first, "polarity", "not_negative")).corrections
    [two] = correct(store, say(first, "severity", "fire=yes")).corrections

    assert (one.correction_no, one.was, one.revision) == (1, "negative", 0)
    assert (two.correction_no, two.was) == (2, "fire=no")


def test_an_unsure_member_that_is_negative_stays_and_counts_as_sure(store):
    [first, *_] = gathered(store, polarity=Polarity.UNSURE, negative=0.6)

    correct(store, say(first, "polarity", "negative"))

    assert cluster_of(store, first) == [CLUSTER]
    with store.read() as queries:
        [hour] = queries.cluster_hours(CLUSTER, NOW - timedelta(days=1))
    assert (hour.mentions, hour.live, hour.watch) == (3, 1, 3)


def test_a_negative_that_was_missed_waits_to_be_gathered(store):
    [first, *_] = gathered(store, polarity=Polarity.NOT_NEGATIVE, negative=0.1)

    assert correct(store, say(first, "polarity", "negative")).waiting == 1

    with store.transaction() as tx:
        [(mention, verdict)] = tx.pending_verdicts(SHARD, 10)
    assert (mention.mention_id, verdict.negative) == (first, 1.0)


def test_an_advert_leaves_and_comes_back_when_it_is_none(store):
    [first, *_] = gathered(store)

    correct(store, say(first, "noise", "advert"))
    assert current(store, first)[BRAND].noise is Noise.ADVERT
    assert cluster_of(store, first) == []

    assert correct(store, say(first, "noise", "")).waiting == 1


def test_class_and_facts_change_in_place(store):
    [first, *_] = gathered(store, severity=("fire",))

    correct(
        store,
        say(first, "issue", "售后维修/等备件"),
        say(first, "severity", "fire=no"),
        say(first, "severity", "injury=yes"),
    )

    verdict = current(store, first)[BRAND]
    assert (verdict.issue_class, verdict.sub_classes) == ("售后维修", ("等备件",))
    assert verdict.severity == ("injury",)
    with store.read() as queries:
        evidence = queries.evidence(CLUSTER, NOW)
    assert dict(evidence.severity) == {"fire": 2, "injury": 1}
    assert dict(evidence.issue_classes) == {"产品质量": 2, "售后维修": 1}


def test_a_mention_of_another_brand_moves_there_and_its_own_words_stay(store):
    [first, *_] = gathered(store, severity=("fire",))

    correct(store, say(first, "brand", OTHER))

    [verdict] = current(store, first).values()
    assert (verdict.brand_id, verdict.model_version, verdict.base_version) == (OTHER, PERSON, "")
    assert (verdict.negative, verdict.severity, verdict.hits) == (0.93, ("fire",), ())
    with store.transaction() as tx:
        assert tx.pending_shards() == ["bailing/zh"]

    correct(store, say(first, "polarity", "not_negative", brand_id=OTHER))
    assert current(store, first)[OTHER].polarity is Polarity.NOT_NEGATIVE

    correct(store, say(first, "brand", WITHDRAWN))
    assert list(current(store, first)) == [BRAND]


def test_a_brand_that_only_a_person_saw(store):
    [first, *_] = gathered(store)

    correct(
        store,
        say(first, "brand", OTHER, brand_id=OTHER),
        say(first, "polarity", "negative", brand_id=OTHER),
    )

    found = current(store, first)
    assert list(found) == [OTHER, BRAND]
    assert found[OTHER].negative == 1.0
    assert found[BRAND].model_version == "test-1"


def test_undo_gives_the_models_word_back(store):
    [first, *_] = gathered(store)
    before = current(store, first)
    correct(store, say(first, "polarity", "positive"), say(first, "brand", ""))
    assert current(store, first) == {}

    correct(store, say(first, "brand", WITHDRAWN))
    assert current(store, first)[BRAND].positive == 1.0
    assert correct(store, say(first, "polarity", WITHDRAWN)).waiting == 1

    assert current(store, first) == before
    with store.read() as queries:
        assert len(queries.mention_corrections(first)) == 4  # nothing is ever deleted


def test_who_takes_back_takes_the_own_word_back_first(store):
    [first, *_] = gathered(store)
    correct(store, say(first, "polarity", "positive"))
    correct(store, say(first, "polarity", "not_negative", actor="boss"))

    correct(store, say(first, "polarity", WITHDRAWN, actor="boss"))
    assert current(store, first)[BRAND].positive == 1.0

    correct(store, say(first, "polarity", WITHDRAWN, actor="boss"))
    assert current(store, first)[BRAND].model_version == "test-1"


def test_an_unknown_mention_is_refused_and_nothing_is_stored(store):
    [first, *_] = gathered(store)

    with pytest.raises(StoreError, match="no mention 999"):
        correct(store, say(first, "polarity", "positive"), say(999, "polarity", "positive"))

    with store.read() as queries:
        assert queries.corrections() == []


# --- judged again -------------------------------------------------------------------------------


def test_another_model_does_not_overrule_a_person(store):
    [first, *_] = gathered(store)
    correct(store, say(first, "polarity", "not_negative"))

    with store.transaction() as tx:
        tx.save_verdicts([first], [make_verdict(first, model_version="test-2", negative=0.8)], NOW)

    [verdict] = current(store, first).values()
    assert (verdict.negative, verdict.base_version) == (0.0, "test-2")
    assert cluster_of(store, first) == []
    with store.transaction() as tx:
        assert tx.pending_verdicts(SHARD, 10) == []

    correct(store, say(first, "polarity", WITHDRAWN))
    assert current(store, first)[BRAND].negative == 0.8


def test_another_text_is_judged_by_the_model_again(store):
    [first, *_] = gathered(store)
    correct(store, say(first, "polarity", "not_negative"))
    with store.transaction() as tx:
        tx.keep([make_raw(0, text="改了：又漏了，这次泡坏了整面木地板，没人管。")], NOW)
        tx.save_verdicts([first], [make_verdict(first)], NOW)

    assert current(store, first)[BRAND].model_version == "test-1"
    with store.read() as queries:
        [label] = queries.training_labels("polarity")
        assert queries.mention(first).revision == 1
    assert (label.mention.revision, label.mention.text) == (0, make_raw(0).text)


# --- labels -------------------------------------------------------------------------------------


def test_the_newest_word_is_the_label_and_other_words_are_a_conflict(store):
    first, second, third = gathered(store)
    correct(store, say(first, "polarity", "not_negative"), say(second, "polarity", "negative"))
    correct(store, say(first, "polarity", "negative", actor="boss"))
    correct(store, say(third, "polarity", "positive"), say(third, "brand", ""))
    correct(store, say(second, "polarity", WITHDRAWN))

    with store.read() as queries:
        labels = queries.training_labels("polarity")
        about = queries.training_labels("brand")
        [conflict] = queries.label_conflicts("polarity")

    assert [(label.mention.mention_id, label.value, label.actor) for label in labels] == [
        (first, "negative", "boss")
    ]
    assert [(label.mention.mention_id, label.value) for label in about] == [(third, "")]
    assert [(one.actor, one.value) for one in conflict.words] == [
        ("linxiao", "not_negative"),
        ("boss", "negative"),
    ]
    mention, brand_id, value, at, actor = labels[0]
    assert (mention.mention_id, brand_id, value, at, actor) == (
        first, BRAND, "negative", NOW, "boss",
    )  # fmt: skip


def test_a_kind_that_does_not_exist_is_refused(store):
    with store.read() as queries, pytest.raises(StoreError, match="expected one of polarity"):
        queries.training_labels("mood")


# --- properties ---------------------------------------------------------------------------------

_values = st.one_of(
    st.tuples(st.just("polarity"), st.sampled_from(["negative", "not_negative", "positive"])),
    st.tuples(st.just("polarity"), st.just(WITHDRAWN)),
    st.tuples(st.just("brand"), st.sampled_from(["", OTHER, BRAND, WITHDRAWN])),
    st.tuples(st.just("noise"), st.sampled_from(["", "advert", "lottery", WITHDRAWN])),
    st.tuples(st.just("issue"), st.sampled_from(["物流配送", "售后维修/等备件", WITHDRAWN])),
    st.tuples(st.just("severity"), st.sampled_from(["fire=yes", "fire=no", f"fire={WITHDRAWN}"])),
)
_said = st.tuples(st.integers(1, 5), st.sampled_from([BRAND, OTHER]), _values)
_post = st.fixed_dictionaries(
    {
        "cluster": st.integers(0, 1),
        "hours_ago": st.sampled_from([0, 1, 30]),
        "author": st.sampled_from(["", "甲", "乙"]),
        "copies": st.booleans(),
        "unsure": st.booleans(),
        "history": st.booleans(),
        "severity": st.sampled_from([(), ("fire",)]),
        "channel": st.sampled_from(["public", "internal"]),
    }
)
_acts = st.lists(
    st.one_of(
        st.tuples(st.just("correct"), st.lists(_said, min_size=1, max_size=4)),
        st.tuples(st.just("retract"), st.integers(1, 5), st.booleans()),
        st.tuples(st.just("gather"), st.lists(_post, min_size=1, max_size=2)),
    ),
    min_size=2,
    max_size=8,
)


class Critic(Teller):
    """Gathers, judges again and corrects."""

    def correct(self, said) -> None:
        known = [(n, brand, *value) for n, brand, value in said if n <= self.taken]
        if known:
            correct(
                self.store,
                *(say(n, kind, value, brand_id=brand) for n, brand, kind, value in known),
            )


def test_counts_equal_a_recount_after_any_corrections(store):
    import sqlalchemy as sa

    from storage.tables import metadata

    posts = [
        {"cluster": 0, "hours_ago": 1, "author": "", "copies": n > 1, "unsure": n == 3,
         "history": False, "severity": ("fire",), "channel": "public"}
        for n in range(5)
    ]  # fmt: skip

    @settings(
        max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(_acts)
    def check(acts):
        with store.write() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(sa.delete(table))
        critic = Critic(store)
        critic.gather(posts)
        for name, *arguments in acts:
            getattr(critic, name)(*arguments)
        assert stored(store) == recounted(store)
        _check_members(store)

    check()


def _check_members(store: Store) -> None:
    """Who is in a cluster or waits belongs there, and nobody else does."""
    with store.read() as queries:
        members = {(r["mention_pk"], r["brand_id"]) for r in queries.table_rows("mention_cluster")}
        waiting = {
            (r["mention_pk"], r["shard_id"].partition("/")[0])
            for r in queries.table_rows("gather_queue")
        }
        belongs = {
            (n, verdict.brand_id)
            for n in range(1, queries.counts()["mention"] + 1)
            for verdict in queries.verdicts(n)
            if verdict.is_gathered
        }
    assert members | waiting == belongs
    assert not members & waiting


@given(st.lists(_values, max_size=6))
def test_taking_everything_back_leaves_what_the_model_said(values):
    bases = [make_verdict(1)]
    said = [say(1, kind, value, correction_no=n) for n, (kind, value) in enumerate(values)]
    back = [
        replace(
            one,
            correction_no=100 + n,
            value=f"fire={WITHDRAWN}" if one.kind == "severity" else WITHDRAWN,
        )
        for n, one in enumerate(said)
    ]

    assert corrected(make_mention(1), bases, standing(said + back)) == {BRAND: bases[0]}
