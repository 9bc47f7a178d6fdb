"""What the brand answered: linked by itself only where no doubt is left, else offered to people."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from config.errors import GroundswellError
from config.schema import (
    Brand,
    OfficialAccount,
    Owner,
    Project,
    Route,
    Settings,
    SourceConfig,
    WebhookChannel,
)
from groundswell import wiring
from groundswell.replay import SteppedClock
from groundswell.responses import LINK, NAMED, PARENT, Answers, answers_to, entered
from groundswell.wiring import Application
from storage.records import BrandId, ItemKey, OfficialPost, RawMention, SourceId
from tests.make import NOW, ago, make_incident

SHANGHAI = ZoneInfo("Asia/Shanghai")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def _source(source_id, platform, **url):
    return SourceConfig(
        id=source_id, name=source_id, kind="feed", platform=platform, url=url,
        start=f"https://{source_id}.example/feed",
    )  # fmt: skip


def _project(**settings):
    return Project(
        settings=Settings(**settings),
        brands=(
            Brand(
                id="yunque",
                name="云雀",
                aliases=("云雀净水器",),
                official=(
                    OfficialAccount(platform="微博客", author="云雀净水"),
                    OfficialAccount(platform="投诉平台", author="云雀客服"),
                ),
            ),
        ),
        sources=(
            _source("weibo", "微博客"),
            _source("tousu", "投诉平台", id_from="re2:/post/(\\d+)"),
            _source("luntan", "论坛", id_from="re2:/post/(\\d+)"),
        ),
        owners=(Owner(id="linxiao", name="林晓", channels=("hook",), digest_at=None),),
        channels=(WebhookChannel(id="hook", kind="webhook", url="https://hook.example/in"),),
        routes=(Route(id="all", owner="linxiao"),),
        fallback=("linxiao",),
    )


@pytest.fixture
def application(store) -> Application:
    return wiring.wire(_project(), store, SteppedClock(NOW))


def _complaint(n=1, source="tousu", **fields) -> RawMention:
    platform = {"weibo": "微博客", "tousu": "投诉平台", "luntan": "论坛"}[source]
    values = {
        "source_id": SourceId(source),
        "platform": platform,
        "text": f"云雀净水器滤芯漏水，厨房都湿了，客服推脱不给退款，太差劲了，我是第{n}个，必须给说法",
        "url": f"https://{source}.example/post/{n}?from=app",
        "canonical_url": f"https://{source}.example/post/{n}",
        "native_id": "" if source == "weibo" else str(n),
        "author": f"用户{n}",
        "observed_at": NOW,
        "published_at": NOW - 5 * HOUR,
    }
    return RawMention(**(values | fields))


def _own(text="非常抱歉，已经联系您处理。", source="weibo", **fields) -> RawMention:
    author = {"weibo": "云雀净水", "tousu": "云雀客服"}[source]
    return _complaint(
        900,
        source,
        **{
            "text": text,
            "author": author,
            "published_at": NOW - HOUR,
            "native_id": "",
            "canonical_url": f"https://{source}.example/own/900",
            "url": f"https://{source}.example/own/900",
        }
        | fields,
    )


def _take(application, *raws, now=NOW):
    with application.store.transaction() as tx:
        application.journey.keep(tx, raws, now)
    application.stages.drain()


def _links(application):
    """Every link made: mention, why."""
    with application.store.read() as queries:
        rows = queries.table_rows("public_response")
    return [(row["mention_pk"], row["note"]) for row in rows]


def test_a_reply_below_a_complaint_answers_it(application):
    _take(application, _complaint(1), _complaint(2))
    under = "https://tousu.example/post/2"
    _take(application, _own(source="tousu", parent_url=under))
    _take(application, _own(source="tousu", parent_url=under))  # polled again

    assert _links(application) == [(2, PARENT)]
    with application.store.read() as queries:
        [found] = queries.mention_responses(2)
    assert (found.at, found.actor) == (NOW - HOUR, "云雀客服")
    assert found.url == "https://tousu.example/own/900"


@pytest.mark.parametrize(
    "written",
    [
        "https://tousu.example/post/2",
        "http://tousu.example/post/2?from=share&spm=a1.b2",
        "https://tousu.example/post/2，",
    ],
)
def test_a_link_in_the_text_answers_what_it_leads_to(application, written):
    _take(application, _complaint(1), _complaint(2), _complaint(2, "luntan"))
    _take(application, _own(f"关于这位用户的反馈（{written}），我们已退款。"))

    assert _links(application) == [(2, LINK)]  # the forum's post 2 is another one


def test_an_author_who_is_called_by_name_is_answered(application):
    _take(application, _complaint(1, "weibo"), _complaint(2, "weibo"), _complaint(3, "luntan"))
    _take(application, _own("@用户2 您好，已经为您安排退款；@用户3 @路人 请私信"))

    assert _links(application) == [(2, NAMED)]  # 用户3 is somebody else on this platform


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "@用户22 您好"},  # another name
        {"text": "@用户2 您好", "published_at": NOW - 6 * HOUR},  # said before the complaint
        {"text": "@用户2 您好", "published_at": NOW + 3 * timedelta(days=1)},  # long after it
        {"text": "感谢大家支持"},
        {"text": "见 https://weibo.example/post/2 ", "published_at": NOW - 6 * HOUR},
    ],
)
def test_what_leaves_a_doubt_is_not_linked(application, changes):
    _take(application, _complaint(2, "weibo"))
    late = NOW + 4 * timedelta(days=1)
    _take(application, _own(**changes), now=late)

    assert _links(application) == []


def test_authors_are_found_where_their_names_are_hidden(store):
    application = wiring.wire(_project(pseudonymise_authors=True), store, SteppedClock(NOW))
    _take(application, _complaint(2, "weibo"))
    _take(application, _own("@用户2 您好，已经为您安排退款"))

    assert _links(application) == [(1, NAMED)]


def test_a_complaint_that_is_found_after_its_answer_is_linked_then(application):
    _take(application, _own(source="tousu", parent_url="https://tousu.example/post/2"))
    assert _links(application) == []
    _take(application, _complaint(2))
    assert application.stages.revisit() == 1

    assert _links(application) == [(1, PARENT)]
    assert application.stages.revisit() == 0


def test_praise_and_strangers_are_not_answered(application):
    _take(application, _complaint(2, text="今天买了新的手机壳，颜色很好看"))
    _take(application, _own(source="tousu", parent_url="https://tousu.example/post/2"))

    assert _links(application) == []


# --- the incident ------------------------------------------------------------------------------


def _answers(application, incident, now=NOW) -> Answers:
    with application.store.read() as queries:
        return answers_to(queries, incident, application.project, now)


@pytest.fixture
def incident(application):
    _take(
        application, *(_complaint(n, published_at=NOW - (5 * HOUR) + n * MINUTE) for n in range(14))
    )
    with application.store.read() as queries:
        [found] = queries.incidents()
    return found


def test_without_an_answer_the_time_to_the_first_is_unknown_and_not_nought(application, incident):
    found = _answers(application, incident)

    assert found.complained_at == NOW - 5 * HOUR
    assert (found.first, found.first_after, found.responses) == (None, None, ())


def test_the_first_response_time_runs_from_the_first_complaint(application, incident):
    under = "https://tousu.example/post/3"
    _take(application, _own(source="tousu", parent_url=under, published_at=NOW - 2 * HOUR))
    _take(application, _own(source="tousu", parent_url=under, canonical_url="https://t.example/2"))

    found = _answers(application, incident)
    assert len(found.responses) == 2
    assert found.first_after == 3 * HOUR


def test_posts_that_may_be_answers_are_offered(application, incident):
    with application.store.read() as queries:
        keywords = queries.cluster(incident.cluster_id).keywords
    word = next(keyword for keyword in keywords if "云雀" not in keyword)
    likely = _own(f"关于{word}的情况说明", canonical_url="https://weibo.example/own/1")
    other = _own("端午安康，祝大家节日快乐", canonical_url="https://weibo.example/own/2")
    before = _own(f"{word}新品", canonical_url="https://weibo.example/own/3")
    _take(application, likely, other, replace(before, published_at=NOW - 9 * HOUR))

    found = _answers(application, incident)
    assert [post.text for post in found.likely] == [likely.text]

    answer = entered(
        incident, found, url=likely.url, at=None, actor="林晓", note="", now=NOW, zone=SHANGHAI
    )
    assert (answer.at, answer.official_key) == (likely.published_at, found.likely[0].item_key)
    with application.store.transaction() as tx:
        assert tx.add_response(answer)
    found = _answers(application, incident)
    assert (found.likely, found.first_after) == ((), 4 * HOUR)


def _entered(**fields):
    answers = Answers(complained_at=ago(hours=5))
    values = {"url": "https://w.example/1", "at": None, "actor": "林晓", "note": " 已置顶 "}
    return entered(make_incident(), answers, **(values | fields), now=NOW, zone=SHANGHAI)


def test_what_a_person_enters_counts_from_now_unless_a_time_is_given():
    assert (_entered().at, _entered().note, _entered().official_key) == (NOW, "已置顶", None)
    assert _entered(at=ago(hours=2)).at == ago(hours=2)
    assert _entered(url=" https://w.example/1 ").url == "https://w.example/1"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"url": ""}, "网址"),
        ({"url": "javascript:alert(1)"}, "网址"),
        ({"url": "https://" + "a" * 2000}, "网址"),
        ({"url": "http://["}, "网址"),
        ({"at": NOW + MINUTE}, "2026-03-10 12:01 在将来"),
        ({"at": ago(hours=6)}, "早于第一条投诉（2026-03-10 07:00）"),
    ],
)
def test_a_wrong_answer_is_refused_with_the_reason(fields, said):
    with pytest.raises(GroundswellError, match=said.replace("（", "（")):
        _entered(**fields)


def test_an_answer_from_before_the_first_complaint_is_none():
    early = OfficialPost(
        item_key=ItemKey("k"), brand_id=BrandId("b"), source_id=SourceId("s"), platform="",
        author="", title="", text="", url="", published_at=NOW, observed_at=NOW,
    )  # fmt: skip
    response = _entered()
    before = replace(response, at=ago(hours=9))
    found = Answers(complained_at=ago(hours=5), responses=(before, response), likely=(early,))

    assert found.first == response
    assert Answers(complained_at=None, responses=(before,)).first_after is None
