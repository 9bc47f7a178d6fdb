from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.digest import MAX_ITEMS, compose, to_html, to_text
from alerts.digest_lines import time_to_acknowledge
from config.schema import Owner
from storage.records import (
    BrandId,
    BrandTopics,
    ClusterId,
    Digest,
    DigestFacts,
    EscalationStep,
    IncidentId,
    IncidentState,
    Level,
    OwnerId,
    SourceGap,
    SourceId,
    Topic,
    TopicRest,
)
from tests.make import make_grade, make_incident, make_incident_event, make_policy

GOLDEN = Path(__file__).parent / "golden"  # rewritten with GROUNDSWELL_GOLDEN=1
NOW = datetime(2026, 3, 10, 1, 0, tzinfo=UTC)  # nine in the morning in Shanghai
BASE = "https://gs.yunque.example"

LIN = Owner(id="lin", name="林岚", role="service", channels=("bot",), email="lin@example.org")
ZHAO = Owner(id="zhao", name="赵启明", role="lead", channels=("bot",))
CHEN = Owner(id="chen", name="陈默", role="pr", channels=("bot",))
OWNERS = (LIN, ZHAO, CHEN)

GAPS = (
    SourceGap(
        source_id=SourceId("luntan"), name="云雀车友论坛", cause="login needed", blind_hours=5
    ),
    SourceGap(source_id=SourceId("bbs"), name="家电吧", cause="server error", blind_hours=2),
)


def ago(**units: float) -> datetime:
    return NOW - timedelta(**units)


def incident(name: str, **fields):
    values = {
        "code": f"舆-{name[:4].upper()}",
        "owner_id": OwnerId("lin"),
        "policy": make_policy(also=(OwnerId("zhao"),)),
        "opened_at": ago(hours=5),
        "updated_at": ago(hours=5),
        "told": (OwnerId("lin"),),
        "state": IncidentState.ACKNOWLEDGED,
        "acknowledged_by": "lin",
    }
    return make_incident(name, **(values | fields))


def event(name: str, kind: str, at: datetime):
    return make_incident_event(name, kind=kind, at=at)


def facts(**fields) -> DigestFacts:
    values = {
        "day": date(2026, 3, 10),
        "since": ago(hours=24),
        "until": NOW,
        "mentions": 128,
        "negative": 37,
        "positive": 15,
        "unsure": 6,
        "noise": 9,
        "sources": 5,
    }
    return DigestFacts(**(values | fields))


def busy_day(**fields) -> DigestFacts:
    """A day with an incident in every section."""
    incidents = (
        incident(
            "7f3k",
            title="云雀 K3 扫地机充电时冒烟",
            state=IncidentState.OPEN,
            opened_at=ago(minutes=42),
            updated_at=ago(minutes=42),
        ),
        incident(
            "m2qa",
            title="云雀净水器第三批滤芯漏水",
            level=Level.YELLOW,
            grade=make_grade(Level.YELLOW),
        ),
        incident(
            "b8xw",
            title="App 升级后家里的摄像头连不上",
            level=Level.BLUE,
            opened_at=ago(hours=9),
            grade=make_grade(Level.BLUE),
        ),
        incident(
            "t5rn",
            title="门店承诺的延保不认账",
            level=Level.YELLOW,
            epoch=2,
            opened_at=ago(days=9),
            owner_id=OwnerId("chen"),
            told=(OwnerId("chen"),),
            policy=make_policy(also=()),
            grade=make_grade(Level.YELLOW),
        ),
        incident(
            "c4hd",
            title="上门安装师傅另收高价辅材费",
            level=Level.BLUE,
            state=IncidentState.HANDLED,
            opened_at=ago(days=3),
            handled_at=ago(hours=14),
            handled_by="lin",
        ),
        incident(
            "z9pe",
            title="退款拖了二十天没到账",
            level=Level.YELLOW,
            state=IncidentState.CLOSED,
            opened_at=ago(days=6),
            closed_at=ago(hours=3),
            closed_by="chen",
            closed_evidence="顾客王女士 3 月 9 日来电，确认退款已到账，同意结案",
        ),
        incident(
            "h6vs",
            title="老款加湿器异味",
            level=Level.BLUE,
            state=IncidentState.OPEN,
            opened_at=ago(days=4),
            muted_until=NOW + timedelta(hours=20),
        ),
    )
    events = (
        event("7f3k", "raised", ago(minutes=42)),
        event("m2qa", "raised", ago(hours=30)),
        event("m2qa", "level_up", ago(hours=4)),
        event("b8xw", "raised", ago(hours=9)),
        event("t5rn", "reopened", ago(hours=2)),
        event("c4hd", "handled", ago(hours=14)),
        event("z9pe", "confirmed", ago(hours=3)),
    )
    counts = {
        item.incident_id: (31 + 7 * i, 26 + 5 * i, 12 - i) for i, item in enumerate(incidents)
    }
    return facts(incidents=incidents, events=events, counts=counts, **fields)


def sections(digest: Digest) -> dict[str, list[str]]:
    return {name: [item.code for item in items] for name, items in digest.sections}


def numbers(digest: Digest) -> dict[str, str]:
    return dict(digest.numbers)


# --- what stands where ---------------------------------------------------------------------------


def test_every_incident_stands_in_exactly_one_section():
    digest = compose(busy_day(), ZHAO, OWNERS, NOW)

    assert sections(digest) == {
        "超时未确认": ["舆-7F3K"],
        "升级中": ["舆-M2QA"],
        "复发": ["舆-T5RN"],
        "新增": ["舆-B8XW"],
        "待客户确认": ["舆-C4HD"],
        "已解决": ["舆-Z9PE"],
        "其他": ["舆-H6VS"],
    }


def test_an_incident_within_its_time_is_new_and_not_overdue():
    young = incident("aaaa", state=IncidentState.OPEN, opened_at=ago(minutes=10))
    digest = compose(facts(incidents=(young,)), LIN, OWNERS, NOW)

    assert sections(digest) == {"新增": ["舆-AAAA"]}


def test_a_reopened_incident_has_its_time_from_the_reopening():
    again = incident(
        "aaaa", state=IncidentState.OPEN, epoch=2, opened_at=ago(days=9), updated_at=ago(minutes=5)
    )
    events = (event("aaaa", "reopened", ago(minutes=5)),)
    digest = compose(facts(incidents=(again,), events=events), LIN, OWNERS, NOW)

    assert sections(digest) == {"复发": ["舆-AAAA"]}


def test_others_see_only_what_concerns_them_and_leads_see_all():
    day = busy_day()

    lin = {code for codes in sections(compose(day, LIN, OWNERS, NOW)).values() for code in codes}
    zhao = {code for codes in sections(compose(day, ZHAO, OWNERS, NOW)).values() for code in codes}
    chen = {code for codes in sections(compose(day, CHEN, OWNERS, NOW)).values() for code in codes}

    assert lin == zhao - {"舆-T5RN"}
    assert len(zhao) == 7
    assert chen == {"舆-T5RN"}


def test_own_incidents_come_first_then_the_gravest():
    others = incident("aaaa", owner_id=OwnerId("chen"), level=Level.RED)
    own = incident("bbbb", owner_id=OwnerId("zhao"), level=Level.BLUE)
    graver = incident("cccc", owner_id=OwnerId("zhao"), level=Level.ORANGE)
    digest = compose(facts(incidents=(others, own, graver)), ZHAO, OWNERS, NOW)

    assert sections(digest)["新增"] == ["舆-CCCC", "舆-BBBB", "舆-AAAA"]


def test_beyond_the_limit_incidents_are_counted_not_dropped():
    many = tuple(incident(f"{i:04d}", level=Level.BLUE) for i in range(MAX_ITEMS + 8))
    digest = compose(facts(incidents=many), LIN, OWNERS, NOW)
    items = digest.sections[0][1]

    assert len(items) == MAX_ITEMS + 1
    assert items[-1].title == "另有 8 起未列出"
    assert f"新增 {MAX_ITEMS + 8} 起" in digest.headline


def test_an_owner_who_left_is_named_by_id():
    gone = incident("aaaa", owner_id=OwnerId("wang"), told=(OwnerId("lin"),))
    digest = compose(facts(incidents=(gone,)), LIN, OWNERS, NOW)

    assert "负责人 wang" in digest.sections[0][1][0].text


def test_times_are_the_readers_own():
    berlin = LIN.model_copy(update={"timezone": "Europe/Berlin"})
    done = incident("aaaa", state=IncidentState.HANDLED, handled_at=ago(hours=14))

    here = compose(facts(incidents=(done,)), LIN, OWNERS, NOW).sections[0][1][0].text
    there = compose(facts(incidents=(done,)), berlin, OWNERS, NOW).sections[0][1][0].text

    assert "3月9日 19:00 处理" in here
    assert "3月9日 12:00 处理" in there


# --- what was not seen ---------------------------------------------------------------------------


def test_all_sources_well():
    digest = compose(facts(), ZHAO, OWNERS, NOW)

    assert digest.completeness == "全部 5 个信源正常"


def test_blind_sources_are_named_with_their_hours_and_causes():
    digest = compose(facts(gaps=GAPS), ZHAO, OWNERS, NOW)

    assert digest.completeness == (
        "未覆盖：2 个信源，共 7 小时（云雀车友论坛 5 小时，需要登录；家电吧 2 小时，对方服务器出错）"
    )
    assert "2 个信源未覆盖" in digest.headline


def test_nothing_negative_is_never_nought_when_a_source_was_blind():
    blind = compose(facts(mentions=0, negative=0, unsure=0, gaps=GAPS), ZHAO, OWNERS, NOW)
    well = compose(facts(mentions=0, negative=0, unsure=0), ZHAO, OWNERS, NOW)
    none = compose(facts(mentions=0, negative=0, unsure=0, sources=0), ZHAO, OWNERS, NOW)

    for digest in (blind, none):
        assert "0 条" not in to_text(digest, 10_000).replace("10 条", "")
        assert numbers(digest)["其中负面"] == "未知"
    assert numbers(well)["其中负面"] == "0 条"


def test_counts_beside_a_blind_source_are_lower_bounds():
    digest = compose(facts(gaps=GAPS), ZHAO, OWNERS, NOW)

    assert numbers(digest)["其中负面"] == "至少 37 条"


def test_a_quiet_day_is_still_worded():
    digest = compose(facts(), LIN, OWNERS, NOW)

    assert digest.headline == "3月10日日报：没有与您有关的事件"
    assert "今天没有需要您过目的事件" in to_html(digest, BASE)


def test_a_quiet_day_with_a_blind_source_does_not_claim_quiet():
    html = to_html(compose(facts(gaps=GAPS), LIN, OWNERS, NOW), BASE)

    assert "在看得到的信源里" in html
    assert "今天没有" not in html


def test_undelivered_messages_are_counted():
    assert numbers(compose(facts(undelivered=3), ZHAO, OWNERS, NOW))["未送达消息"] == "3 条"


def test_incidents_of_history_are_told_apart():
    digest = compose(facts(would_have_been=("云雀烤箱炸裂（橙）",)), ZHAO, OWNERS, NOW)

    assert digest.sections[-1][0] == "历史导入"
    assert "没有发送任何消息" in digest.sections[-1][1][0].text
    assert digest.headline == "3月10日日报：没有事件"


def test_what_only_waits_is_called_nothing_new():
    waiting = incident("aaaa", state=IncidentState.HANDLED, opened_at=ago(days=3))
    digest = compose(facts(incidents=(waiting,)), LIN, OWNERS, NOW)

    assert digest.headline == "3月10日日报：没有新的事件，未结 1 起，最高橙级"


# --- how it looks --------------------------------------------------------------------------------


def golden(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("GROUNDSWELL_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("name", "day", "owner"),
    [
        ("digest_busy_lead", busy_day(undelivered=1), ZHAO),
        ("digest_busy_owner", busy_day(gaps=GAPS), LIN),
        ("digest_quiet", facts(mentions=84, negative=3, unsure=1), LIN),
        ("digest_blind", facts(mentions=0, negative=0, unsure=0, gaps=GAPS), ZHAO),
    ],
)
def test_digest_reads_as_it_was_approved(name, day, owner):
    digest = compose(day, owner, OWNERS, NOW)

    golden(f"{name}.html", to_html(digest, BASE))
    golden(f"{name}.txt", to_text(digest, 10_000, BASE) + "\n")


class _Tags(HTMLParser):
    """Collect what a mail program would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert not any(name.startswith("on") or name in {"class", "id", "src"} for name, _ in attrs)
        if tag == "a":
            self.links.append(dict(attrs)["href"])
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def seen_by_mail(html: str) -> _Tags:
    parser = _Tags()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser


def test_html_is_tables_with_inline_styles_and_nothing_fetched():
    seen = seen_by_mail(to_html(compose(busy_day(), ZHAO, OWNERS, NOW), BASE + "/"))

    assert seen.tags <= {
        *("html", "head", "meta", "title", "body"),
        *("table", "tr", "td", "a", "span", "br"),
    }
    assert f"{BASE}/incidents/7f3k" in seen.links
    assert f"{BASE}/digest" in seen.links


def test_html_without_a_base_url_has_no_links():
    assert seen_by_mail(to_html(compose(busy_day(), ZHAO, OWNERS, NOW), "")).links == []


HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)> {{ 7*7 }} &amp; "\''


def test_text_from_the_web_is_escaped_everywhere():
    bad = incident(
        "a<b>",
        code="<i>",
        title=HOSTILE,
        state=IncidentState.CLOSED,
        closed_by=HOSTILE,
        closed_evidence=HOSTILE,
        owner_id=OwnerId("lin"),
    )
    gap = SourceGap(source_id=SourceId("x"), name=HOSTILE, cause=HOSTILE, blind_hours=1)
    html = to_html(
        compose(
            facts(incidents=(bad,), gaps=(gap,), would_have_been=(HOSTILE,)), ZHAO, OWNERS, NOW
        ),
        BASE,
    )

    assert not seen_by_mail(html).tags & {"script", "img", "i", "b"}
    assert "{{ 7*7 }}" in html


# --- limits of chat channels ---------------------------------------------------------------------


@given(limit=st.integers(0, 4_000))
def test_text_never_exceeds_its_bytes_and_keeps_the_link(limit):
    text = to_text(compose(busy_day(gaps=GAPS), ZHAO, OWNERS, NOW), limit, BASE)

    assert len(text.encode()) <= limit
    assert "\ufffd" not in text
    if limit > 200:
        assert text.endswith(f"{BASE}/digest")
        assert text.startswith("3月10日日报：")


def test_short_text_is_whole():
    digest = compose(facts(), LIN, OWNERS, NOW)

    assert to_text(digest, 10_000, BASE).splitlines() == [
        "3月10日日报：没有与您有关的事件",
        "未结事件：0 起",
        "新收提及：128 条",
        "其中负面：37 条",
        "正面：15 条",
        "存疑：6 条",
        "广告、招聘、抽奖等未计入：9 条",
        "全部 5 个信源正常",
        f"{BASE}/digest",
    ]


def test_a_headline_longer_than_the_limit_is_cut_between_characters():
    digest = replace(compose(facts(), LIN, OWNERS, NOW), headline="潮" * 100)

    assert to_text(digest, 10) == "潮潮潮"


def test_two_thousand_incidents_are_counted():
    many = tuple(incident(f"{i:05d}") for i in range(2_000))
    events = tuple(event(f"{i:05d}", "raised", ago(hours=5)) for i in range(2_000))
    counts = {IncidentId(f"{i:05d}"): (3, 2, 1) for i in range(2_000)}
    digest = compose(facts(incidents=many, events=events, counts=counts), ZHAO, OWNERS, NOW)

    assert "新增 2000 起" in digest.headline


def test_after_a_rise_in_level_the_new_ladder_says_how_long_it_waits() -> None:
    first, risen, later = (
        EscalationStep(after_s=after_s, owner_ids=(OwnerId("lin"),)) for after_s in (900, 900, 2700)
    )
    before = make_incident(policy=replace(make_policy(), steps=(first, later)))
    after = make_incident(policy=replace(make_policy(), steps=(first, risen, later)))

    assert time_to_acknowledge(before) == timedelta(seconds=900)
    assert time_to_acknowledge(after) == timedelta(seconds=1800)


# --- topics of the week ---------------------------------------------------------------------------

MONDAY = date(2026, 3, 9)


def topic(name: str, **fields) -> Topic:
    values = {
        "topic_id": ClusterId(f"yunque-{name}"),
        "brand_id": BrandId("yunque"),
        "issue_class": "产品质量",
        "sub_class": "",
        "label": "滤芯接口漏水",
        "keywords": ("滤芯", "漏水"),
        "clusters": (ClusterId(f"yunque-{name}"), ClusterId(f"yunque-{name}2")),
        "labels": ("滤芯接口漏水", "净水器底下渗水"),
        "mentions": 15,
        "authors": 12,
        "texts": 12,
        "negative": 14,
        "mentions_before": 4,
        "authors_before": 4,
        "direction": "up",
    }
    return Topic(**(values | fields))


def week(*topics: Topic, **fields) -> BrandTopics:
    values = {
        "brand_id": BrandId("yunque"),
        "name": "云雀",
        "since": ago(days=7),
        "until": NOW,
        "last_on": date(2026, 3, 8),
        "topics": topics,
    }
    return BrandTopics(**(values | fields))


def told_of(facts_: DigestFacts) -> list:
    digest = compose(facts_, ZHAO, OWNERS, NOW)
    return list(dict(digest.sections).get("本周大家在抱怨什么", ()))


def test_on_monday_the_week_is_told_whole_and_every_line_has_its_link():
    rest = (TopicRest(issue_class="物流配送", mentions=3, authors=3, mentions_before=0),)
    alone = topic("b", authors=2, direction="steady", clusters=(ClusterId("yunque-b"),))
    rival = week(topic("x"), name="禾沐", competitor=True)
    monday = facts(day=MONDAY, topics=(week(topic("a"), alone, rest=rest), rival))

    first, second, single = told_of(monday)
    assert first.title == "产品质量：滤芯接口漏水"
    assert first.text == "12 人 15 条，比上周多（上周 4 人）；20% 为转发或复制"
    assert first.path == "/topics?day=2026-03-08&brand=yunque#yunque-a"
    assert second.path == "/clusters/yunque-b"
    assert (single.text, single.path) == ("物流配送 3 条", "/topics?day=2026-03-08")


def test_on_other_days_only_what_changed_is_told_and_at_most_three():
    steady = topic("s", authors=99, direction="steady")
    changed = [topic(name, authors=n) for n, name in enumerate("abcd", 1)]
    rest = (TopicRest(issue_class="物流配送", mentions=3, authors=3, mentions_before=0),)

    items = told_of(facts(topics=(week(steady, *changed, rest=rest),)))
    assert [item.path[-1] for item in items] == ["d", "c", "b"]
    assert told_of(facts(topics=(week(steady, rest=rest),))) == []


def test_topics_that_do_not_fit_are_counted_and_two_brands_are_told_apart():
    many = week(*(topic(f"t{n:02d}", authors=20 - n) for n in range(12)))
    items = told_of(facts(day=MONDAY, topics=(many, week(topic("z"), name="禾沐"))))

    assert len(items) == 11
    unsure = topic("u", authors=99, negative=3)
    assert [one.title for one in told_of(facts(day=MONDAY, topics=(week(unsure),)))] == [
        "另有 1 个话题未列出"
    ]
    assert items[0].title == "云雀 产品质量：滤芯接口漏水"
    assert items[-1].title == "另有 3 个话题未列出"


def test_with_a_blind_source_topics_are_counted_as_lower_bounds():
    [item] = told_of(facts(topics=(week(topic("a", direction="new")),), gaps=GAPS))

    assert item.text.startswith("至少 12 人 15 条，新出现；")


def test_what_a_topic_quotes_is_text_and_its_line_is_never_cut_from_its_link():
    evil = topic("a", label="<script>alert(1)</script>", direction="new")
    digest = compose(facts(topics=(week(evil),)), ZHAO, OWNERS, NOW)

    page = to_html(digest, BASE)
    assert "<script>" not in page
    assert f'href="{BASE}/topics?day=2026-03-08&amp;brand=yunque#yunque-a"' in page
    whole = to_text(digest, 4000, BASE)
    for limit in range(60, len(whole.encode())):
        cut = to_text(digest, limit, BASE)
        assert len(cut.encode()) <= limit
        assert ("alert(1)" in cut) == ("#yunque-a" in cut)
