"""Topics: clusters of clusters, each mention once, with names that stay."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from classify.topics import find_topics
from storage.records import BrandId, ClusterId, MentionId, TopicCluster, TopicRest
from tests.make import NOW, make_cluster

BRAND = BrandId("lanhe")
SINCE = NOW - timedelta(days=7)


def cluster(name, label, *, n=1, words=(), issue="产品质量", who=None, **fields):
    """A cluster that is known by its label and keywords, as those are whose members changed."""
    authors = who or [f"{name}{i}" for i in range(n)]
    made = make_cluster(
        f"lanhe-{name}",
        label=label,
        keywords=tuple(words),
        blob=b"",
        representative_id=MentionId(ord(name[0])),
        first_at=fields.pop("first_at", NOW - timedelta(days=2)),
    )
    values = {"mentions": n, "texts": n, "negative": n, "authors": frozenset(authors)} | fields
    return TopicCluster(cluster=made, issue_class=issue, **values)


LEAK = cluster("a", "净水器接口漏水", n=5, words=("净水器", "漏水"))
LEAK_TOO = cluster("b", "净水器底座漏水", n=3, words=("净水器", "漏水"), who=["a0", "a1", "b9"])
SLOW = cluster("c", "加热速度太慢", n=2, words=("加热", "太慢"))
ALONE = cluster("d", "外壳有划痕", words=("外壳", "划痕"))


def found(*clusters, known=None):
    return find_topics(BRAND, clusters, SINCE, known)


def test_like_clusters_are_one_topic_with_the_distinct_authors_of_all():
    topics = found(SLOW, LEAK, LEAK_TOO).topics

    assert [one.clusters for one in topics] == [("lanhe-a", "lanhe-b"), ("lanhe-c",)]
    leak = topics[0]
    assert (leak.authors, leak.mentions, leak.texts) == (6, 8, 8)
    assert (leak.label, leak.labels) == ("净水器接口漏水", ("净水器接口漏水", "净水器底座漏水"))
    assert leak.keywords[:2] == ("净水器", "漏水")
    assert leak.representative_ids == (ord("a"), ord("b"))


def test_clusters_of_two_issue_classes_are_never_one_topic():
    topics = found(LEAK, cluster("e", "净水器接口漏水", n=3, issue="售后维修")).topics

    assert {(one.issue_class, one.authors) for one in topics} == {("产品质量", 5), ("售后维修", 3)}


def test_what_stands_alone_is_counted_by_class_and_never_hidden():
    other = cluster("e", "客服不回消息", issue="服务态度", mentions_before=2)

    rest = found(LEAK, ALONE, other).rest
    assert rest == (
        TopicRest(issue_class="产品质量", mentions=1, authors=1, mentions_before=0),
        TopicRest(issue_class="服务态度", mentions=1, authors=1, mentions_before=2),
    )


def test_what_is_mostly_unsure_stands_last():
    unsure = cluster("e", "双十一买了什么", n=9, negative=4, issue="其他")

    assert [one.is_doubtful for one in found(unsure, LEAK).topics] == [False, True]


def test_the_share_of_copies_is_of_all_mentions():
    [topic] = found(cluster("a", "漏水", n=10, texts=2)).topics

    assert round(topic.copies_share, 3) == 0.8


def test_the_direction_is_told_by_authors_against_the_week_before():
    old = NOW - timedelta(days=20)

    def direction(now, before, first_at=old):
        one = cluster(
            "a", "漏水", n=now, first_at=first_at, mentions_before=before,
            authors_before=frozenset(f"x{i}" for i in range(before)),
        )  # fmt: skip
        return found(one).topics[0].direction

    assert direction(9, 2) == "up"
    assert direction(2, 9) == "down"
    assert direction(5, 4) == "steady"
    assert direction(5, 0, NOW - timedelta(days=1)) == "new"
    assert direction(2, 0) == "steady"  # an old thing that was silent for a week


def test_a_topic_bears_the_name_of_its_oldest_cluster():
    older = cluster("z", "净水器滤芯漏水", n=3, words=("净水器", "漏水"), first_at=SINCE)

    assert [one.topic_id for one in found(LEAK, older).topics] == ["lanhe-z"]


def test_a_topic_keeps_its_name_and_label_when_its_first_cluster_falls_silent():
    known = {ClusterId("lanhe-a"): ClusterId("lanhe-q"), ClusterId("lanhe-b"): ClusterId("lanhe-q")}

    [topic] = found(LEAK, LEAK_TOO, known=known).topics
    assert topic.topic_id == "lanhe-q"


def test_a_name_goes_to_the_part_that_holds_most_of_a_known_topic():
    known = {ClusterId("lanhe-a"): ClusterId("lanhe-c"), ClusterId("lanhe-c"): ClusterId("lanhe-c")}

    ids = {one.clusters[0]: one.topic_id for one in found(LEAK, SLOW, known=known).topics}
    assert ids["lanhe-a"] == "lanhe-c"
    assert ids["lanhe-c"] not in {"lanhe-c", "lanhe-a"}
    assert len(set(ids.values())) == 2


def test_clusters_of_one_topic_stay_together_at_a_likeness_that_would_not_bring_them_together():
    near = cluster("x", "出水口生锈发黄", n=2, words=("出水口", "生锈", "发黄", "水质", "刺鼻"))
    far = cluster("y", "杯子里水质浑浊", n=2, words=("杯子", "浑浊", "水质", "沉淀"))
    known = {ClusterId("lanhe-x"): ClusterId("lanhe-x"), ClusterId("lanhe-y"): ClusterId("lanhe-x")}

    assert len(found(near, far).topics) == 2
    assert len(found(near, far, known=known).topics) == 1


WORDS = ("漏水", "冒烟", "太慢", "客服", "退款", "划痕", "净水器", "底座", "接口", "异味")


@st.composite
def weeks(draw):
    made = []
    for number in range(draw(st.integers(1, 12))):
        words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3, unique=True))
        name = f"{number:02d}"
        n = draw(st.integers(0, 4))
        issue = draw(st.sampled_from(("产品质量", "售后维修")))
        made.append(cluster(name, "".join(words), n=n, words=words, issue=issue,
                            mentions_before=draw(st.integers(0, 3))))  # fmt: skip
    return made


@settings(max_examples=15, deadline=None)
@given(weeks(), st.randoms(use_true_random=False))
def test_every_mention_is_told_once_whatever_the_order(week, random):
    shuffled = week.copy()
    random.shuffle(shuffled)

    first = found(*week)

    assert found(*shuffled) == first
    told = sum(one.mentions for one in first.topics) + sum(one.mentions for one in first.rest)
    assert told == sum(one.mentions for one in week)
    assert len({one.topic_id for one in first.topics}) == len(first.topics)
    clusters = [one for topic in first.topics for one in topic.clusters]
    assert len(clusters) == len(set(clusters))


def test_more_clusters_than_are_linked_pair_by_pair_still_find_their_group():
    [topic, rest] = find_topics(BRAND, [LEAK, SLOW, LEAK_TOO, ALONE], SINCE, most=2).topics

    assert topic.clusters == ("lanhe-a", "lanhe-b")
    assert rest.clusters == ("lanhe-c",)
