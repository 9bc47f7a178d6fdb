"""The incident and the mention page: deleted, edited, answered, read again; and what is unknown."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from groundswell.cli.app import build
from storage.records import (
    BrandId,
    ItemKey,
    MentionId,
    OfficialPost,
    PublicResponse,
    RawMention,
    SourceId,
)
from tests.console.world import csrf_of

HOSTILE = "<script>alert('旧文')</script>"


def _page(world, incident, name="linxiao"):
    return world.client(name).get(f"/incidents/{incident.incident_id}").text


def _members(world, incident):
    with world.store.read() as queries:
        return [mention for mention, _ in queries.cluster_mentions(incident.cluster_id, 50)]


def _again(world, mention, **changes):
    """The same item as its source shows it now."""
    raw = RawMention(
        source_id=mention.source_id,
        platform=mention.platform,
        native_id=mention.item_key.rpartition(":")[2],
        url=mention.url,
        title=mention.title,
        text=mention.text,
        author=mention.author,
        published_at=mention.published_at,
        observed_at=world.clock.now(),
    )
    with world.store.transaction() as tx:
        [(outcome, mention_id)] = tx.keep([replace(raw, **changes)], world.clock.now(), reread=True)
    assert mention_id == mention.mention_id
    return outcome


def _official(world, **fields):
    now = world.clock.now()
    values = {
        "item_key": ItemKey("url:https://w.example/u/1/9"),
        "brand_id": BrandId("lanhe"),
        "source_id": SourceId("jiefang-micro"),
        "platform": "微博客",
        "author": "澜禾电器",
        "title": "",
        "text": "关于养生壶底座冒烟的说明：请停止使用并联系客服退换。",
        "url": "https://w.example/u/1/9",
        "published_at": now - timedelta(minutes=2),
        "observed_at": now,
    }
    post = OfficialPost(**(values | fields))
    with world.store.transaction() as tx:
        tx.save_official([post])
    return post


def _reply(world, incident, name="linxiao", **fields):
    client = world.client(name)
    page = client.get(f"/incidents/{incident.incident_id}")
    form = {"csrf": csrf_of(page.text), "url": "https://w.example/u/1/3", "once": "abc"} | fields
    return client.post(f"/incidents/{incident.incident_id}/replied", data=form)


def test_a_deleted_post_is_news_and_stays(world, incident):
    mention = _members(world, incident)[0]
    with world.store.transaction() as tx:
        tx.mark_gone(mention.url, world.clock.now(), item_key=mention.item_key)

    page = _page(world, incident)
    assert page.count("原文已删除") >= 3  # beside the mention, among the changes, in the timeline
    own = world.client("linxiao").get(f"/mentions/{mention.mention_id}").text
    assert "原文已删除" in own
    assert mention.text[:20] in re.sub("<[^>]*>", "", own)


def test_an_edited_post_shows_what_it_said_before_as_text(world, incident):
    mention = _members(world, incident)[1]
    _again(world, mention, text=f"第二版 {HOSTILE}")
    _again(world, mention, text="第三版，已经满意")

    page = _page(world, incident)
    assert "已编辑 2 次" in page
    for text in (page, world.client("linxiao").get(f"/mentions/{mention.mention_id}").text):
        assert "第二版" in text
        assert mention.text[:12] in text
        assert "<script>alert" not in text
        assert "&lt;script&gt;" in text


def test_counters_that_were_read_again_are_a_curve_and_a_table(world, incident):
    mention = _members(world, incident)[0]
    _again(world, mention, reposts=12, views=3_000)
    world.clock.advance(hours=1)
    _again(world, mention, reposts=1_840, views=None)

    page = world.client("linxiao").get(f"/mentions/{mention.mention_id}").text
    assert "12 → <strong>1,840</strong>" in page
    assert '<svg class="growth"' in page
    assert "阅读　" not in page  # known once only: no curve, but a number
    assert "3,000" in page
    assert "—" in page


def test_nobody_answered_is_said_and_is_not_nought(world, incident):
    page = _page(world, incident)

    assert "尚未看到回应" in page
    assert "投诉后" not in page
    assert "热搜未知（没有接入热搜榜）" in page


def test_an_answer_entered_by_hand_is_the_first_response(world, incident):
    first = min(mention.published_at for mention in _members(world, incident))
    zone = world.project.settings.zone
    at = (first + timedelta(minutes=95)).astimezone(zone)
    assert at < world.clock.now()

    reply = _reply(world, incident, at=f"{at:%Y-%m-%dT%H:%M}", text="评论区置顶")
    assert reply.status_code == 303
    page = world.client("linxiao").get(reply.headers["location"]).text
    assert "公开回应已登记" in page
    assert "投诉后 1 小时" in page
    assert "评论区置顶" in page
    assert "https://w.example/u/1/3" in page
    with world.store.read() as queries:
        [event] = [e for e in queries.incident_events(incident.incident_id) if e.kind == "noted"]
        assert event.actor == "linxiao"
        assert "replied" in [row["action"] for row in queries.table_rows("audit")]

    _reply(world, incident, at=f"{at:%Y-%m-%dT%H:%M}")  # pressed twice
    with world.store.read() as queries:
        assert len(queries.table_rows("public_response")) == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"url": "javascript:alert(1)"}, "公开回应需要一个网址"),
        ({"at": "2031-01-01T00:00"}, "在将来"),
        ({"at": "2001-01-01T00:00"}, "早于第一条投诉"),
        ({"at": "昨天"}, "看不懂回应时间"),
    ],
)
def test_a_wrong_answer_is_refused_on_the_page(world, incident, fields, said):
    reply = _reply(world, incident, **fields)

    assert reply.status_code == 409
    assert said in reply.text
    with world.store.read() as queries:
        assert queries.table_rows("public_response") == []


def test_who_may_only_read_enters_nothing(world, incident):
    assert "登记已公开回应" not in _page(world, incident, "boss")
    assert _reply(world, incident, "boss").status_code == 403
    client = world.client("linxiao")
    url = f"/incidents/{incident.incident_id}/replied"
    assert client.post(url, data={"csrf": "x", "url": "https://w.example/"}).status_code == 403


def test_a_likely_answer_is_offered_and_taken_with_one_tap(world, incident):
    post = _official(world)
    _official(world, item_key=ItemKey("k2"), url="https://w.example/2", text="中秋快乐")
    page = _page(world, incident)
    assert "这就是对此事的回应" in page
    assert "中秋快乐" not in page

    assert _reply(world, incident, url=post.url).status_code == 303
    with world.store.read() as queries:
        [row] = queries.table_rows("public_response")
    assert (row["official_key"], row["at"]) == (post.item_key, post.published_at)
    assert "这就是对此事的回应" not in _page(world, incident)


def test_an_answer_that_was_found_stands_on_both_pages(world, incident):
    mention = _members(world, incident)[0]
    response = PublicResponse(
        at=world.clock.now(),
        url="https://w.example/u/1/9",
        actor="澜禾电器",
        mention_id=MentionId(mention.mention_id),
        official_key=ItemKey("url:https://w.example/u/1/9"),
        note="回复了这条内容",
    )
    with world.store.transaction() as tx:
        tx.add_response(response)

    page = _page(world, incident)
    assert page.count("回复了这条内容") >= 2  # the card and the timeline
    assert "投诉后" in page
    own = world.client("linxiao").get(f"/mentions/{mention.mention_id}").text
    assert "澜禾电器" in own


def test_the_command_line_notes_an_answer_and_tells_of_it(world, incident, database_url):
    def run(*words):
        done = CliRunner().invoke(build(), ["incidents", *words, "--database", database_url])
        assert done.exit_code == 0, done.output
        return done.stdout

    before = json.loads(run("show", incident.code, "--json"))
    assert before["first_response"]["seconds"] is None
    assert before["responses"] == []
    assert "尚未看到回应" in run("show", incident.code)

    first = min(mention.published_at for mention in _members(world, incident))
    at = (first + timedelta(hours=2)).isoformat()
    run("replied", incident.code, "--url", "https://w.example/9", "--at", at, "--by", "chenmo")
    after = json.loads(run("show", incident.code, "--json"))
    assert after["first_response"]["seconds"] == 7200
    assert [one["actor"] for one in after["responses"]] == ["chenmo"]
    assert "投诉后 2 小时" in run("show", incident.code)
