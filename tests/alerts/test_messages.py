"""The words people get: golden messages, the lock-screen line, byte limits, hostile text (P18)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.incidents import Command, on_command, on_grade, on_timer
from alerts.lock_line import first_line
from alerts.markup import cut_bytes, escape, plain, safe_url, visible
from alerts.messages import (
    LOCK_SCREEN,
    Address,
    NoLinks,
    Occasion,
    Scene,
    clock_words,
    duration_words,
    hand_over,
    render_notice,
)
from config.channel_schema import text_limits
from config.schema import Owner
from config.templates import defaults, parse_template
from storage.records import (
    Change,
    ClusterId,
    Evidence,
    Grade,
    Growth,
    Incident,
    Intent,
    Level,
    Mention,
    OwnerId,
    Reason,
    Term,
    Verdict,
)
from tests.alerts.people import PlainLinks, make_project
from tests.make import (
    NOW,
    make_cluster,
    make_evidence,
    make_grade,
    make_mention,
    make_surge,
    make_verdict,
)

GOLDEN = Path(__file__).parent / "golden"  # rewritten with GROUNDSWELL_GOLDEN=1
PROJECT = make_project()
LINKS = PlainLinks()

SURGE = make_surge(window_hours=6, observed=32, expected=3.6, ratio=8.9, threshold=11.0)
GRADE = make_grade(
    Level.ORANGE,
    score=66.4,
    surge=SURGE,
    reasons=(
        Reason(code="trigger_injury", text="3 位不同的作者提到受伤，至少橙色", value=3.0),
        Reason(code="spike_page", text="6 小时内有 32 位不同的人在说", points=26.1),
        Reason(code="harm", text="涉及人身伤害", points=22.5),
        Reason(code="views", text="阅读量未知", value=None),
    ),
    quiet_if="若没有 3 位作者提到受伤，就不会到橙色",
)
TOLD = (
    ("Q3 滤芯第三批次全部渗水，厨房地板泡坏了", "https://tousu.example/post/88121"),
    ("云雀净水器半夜漏水烫到孩子，客服说要排队", "https://bbs.example/t/4410?from=list"),
    ("求助：换了两次滤芯还是漏", "https://weibo.example/7731/Nq0"),
)
MENTIONS = [
    (
        make_mention(i, title=title, url=url),
        make_verdict(i, terms=(Term(text="渗水", weight=1.4), Term(text="泡坏", weight=0.9))),
    )
    for i, (title, url) in enumerate(TOLD, 1)
]
GROWTH = Growth(cluster_id=ClusterId("yunque-1"), authors_24h=37, authors_before_24h=9)


def evidence(authors: int = 32) -> Evidence:
    live = tuple((NOW - timedelta(minutes=i), f"tousu:人{i}") for i in range(authors, 0, -1))
    return make_evidence(
        cluster=make_cluster(label="滤芯渗水", keywords=("渗水", "滤芯", "第三批次", "地板")),
        authors=authors,
        live_authors=live,
        watch_authors=live,
        platforms=("tousu", "微博"),
        products=("q3",),
        issue_classes=(("安全与人身", 20), ("产品质量", 12)),
        reposts=41,
    )


def grade_of(level: Level) -> Grade:
    if level >= Level.ORANGE:
        return replace(GRADE, level=level)
    score, mark = (46.2, "40") if level is Level.YELLOW else (23.5, "20")
    reasons = (*GRADE.reasons[1:2], Reason(code="harm", text="涉及财产损失", points=7.5))
    quiet = f"若综合分低于 {mark}，就不会到{level.zh}色"
    return replace(GRADE, level=level, score=score, reasons=reasons, quiet_if=quiet)


def raised(level: Level = Level.ORANGE) -> Change:
    change = on_grade(
        None, evidence(), grade_of(level), PROJECT, NOW, samples=MENTIONS, links=LINKS
    )
    assert change is not None
    return change


def act(incident: Incident, name: str, minutes: int = 0, **fields: object) -> Change:
    command = Command(**({"name": name, "actor": "lin"} | fields))  # type: ignore[arg-type]
    return on_command(
        incident,
        command,
        PROJECT,
        NOW + timedelta(minutes=minutes),
        evidence=evidence(),
        samples=MENTIONS,
        links=LINKS,
    )


def fire(change: Change, late: timedelta = timedelta(0), kind: str = "") -> Change:
    timer = [one for one in change.timers if kind in {"", one.kind}][-1]
    return on_timer(
        change.incident,
        timer,
        PROJECT,
        timer.due_at + late,
        evidence=evidence(),
        samples=MENTIONS,
        links=LINKS,
    )


def acked() -> Change:
    return act(raised().incident, "ack", 3)


def handled() -> Change:
    return act(acked().incident, "handled", 90, text="第三批次停发，已逐一上门更换滤芯并赔付地板")


def level_up() -> Change:
    yellow = raised(Level.YELLOW).incident
    grade = replace(GRADE, level=Level.RED, score=84.0)
    at = NOW + timedelta(minutes=20)
    change = on_grade(yellow, evidence(40), grade, PROJECT, at, samples=MENTIONS, links=LINKS)
    assert change is not None
    return change


def reopened() -> Change:
    closed = act(handled().incident, "confirm", 600, text="客户 3 月 10 日电话确认").incident
    at = NOW + timedelta(hours=40)
    live = tuple((at - timedelta(minutes=i), f"tousu:新{i}") for i in (50, 40, 30, 20))
    wave = replace(evidence(), live_authors=live, watch_authors=live, authors=36)
    change = on_grade(closed, wave, GRADE, PROJECT, at, samples=MENTIONS, links=LINKS)
    assert change is not None
    return change


def silence_over() -> Change:
    return fire(act(raised().incident, "silence", until=NOW + timedelta(hours=2)))


def to(change: Change, person: str) -> Intent:
    intent, *_ = (intent for intent in change.intents if intent.recipient_id == person)
    return intent


@pytest.mark.parametrize(
    ("name", "intent"),
    [
        ("notice_orange_bot", to(raised(), "lin")),
        ("notice_orange_mail_beside", to(raised(), "zhao")),
        ("notice_yellow_markdown", to(raised(Level.YELLOW), "lin")),
        ("notice_blue_markdown", to(raised(Level.BLUE), "lin")),
        ("escalation_next_in_line", to(fire(raised()), "chen")),
        ("escalation_after_outage", to(fire(raised(), timedelta(hours=3, minutes=12)), "sun")),
        ("escalation_asked_for", to(act(raised().incident, "escalate", 4, text="门店有人围观"), "chen")),
        ("acknowledge_without_progress", to(fire(acked(), kind="ack"), "chen")),
        ("lease_ends_soon", to(fire(acked(), kind="lease_warn"), "lin")),
        ("level_up_red", to(level_up(), "lin")),
        ("assigned", to(act(raised().incident, "assign", 5, owner_id="wu", text="你离用户近"), "wu")),
        ("silence_over", to(silence_over(), "lin")),
        ("confirm_asked", to(handled(), "lin")),
        ("confirm_reminder", to(fire(handled()), "lin")),
        ("closing", to(act(handled().incident, "confirm", 600, actor="chen", text="客户 3 月 10 日电话确认不再漏水"), "lin")),
        ("rejected", to(act(handled().incident, "reject", 600, text="换完还在漏"), "lin")),
        ("reopened", to(reopened(), "lin")),
    ],
)  # fmt: skip
def test_message_reads_as_it_was_approved(name: str, intent: Intent) -> None:
    text = f"{intent.subject}\n---\n{intent.body}\n"
    path = GOLDEN / f"message_{name}.txt"
    if os.environ.get("GROUNDSWELL_GOLDEN"):
        path.write_text(text, encoding="utf-8")

    assert path.read_text(encoding="utf-8") == text
    assert len(intent.subject) <= LOCK_SCREEN
    assert intent.body.startswith(intent.subject)


def test_mail_page_reads_as_it_was_approved() -> None:
    page = to(raised(), "zhao").html
    path = GOLDEN / "message_notice_orange.html"
    if os.environ.get("GROUNDSWELL_GOLDEN"):
        path.write_text(page, encoding="utf-8")

    assert path.read_text(encoding="utf-8") == page


def test_unknown_figures_are_called_unknown() -> None:
    silent = replace(evidence(), reposts=None, views=None, platforms=())
    change = on_grade(None, silent, GRADE, PROJECT, NOW, samples=MENTIONS, links=LINKS)
    assert change is not None

    body = change.intents[0].body
    assert "平台未知" in body
    assert "转发 未知，阅读 未知" in body


def test_links_act_in_the_recipients_name() -> None:
    bodies = {intent.recipient_id: intent.body for intent in raised().intents}

    assert "https://desk.yunque.example/t/ack.lin.1" in bodies[OwnerId("lin")]
    assert "https://desk.yunque.example/t/ack.zhao.1" in bodies[OwnerId("zhao")]


def test_without_a_console_the_code_leads_on() -> None:
    change = on_grade(None, evidence(), GRADE, PROJECT, NOW, samples=MENTIONS, links=NoLinks())
    assert change is not None

    assert "请登录控制台" in change.intents[0].body
    assert change.incident.code in change.intents[0].body


def test_growth_is_a_line_of_its_own_where_it_is_known() -> None:
    known = replace(evidence(), growth=GROWTH)
    change = on_grade(None, known, GRADE, PROJECT, NOW, samples=MENTIONS, links=LINKS)
    assert change is not None

    assert "过去 24 小时 37 人（前一日 9 人）。" in change.intents[0].body
    assert "前一日" not in raised().intents[0].body


# --- limits ---


def test_a_short_channel_gives_up_details_before_the_originals() -> None:
    owner = PROJECT.owner("lin")
    assert owner is not None
    channel = next(one for one in PROJECT.channels if one.kind == "wecom_bot")
    known = replace(scene(), evidence=replace(evidence(), growth=GROWTH))
    seen = set()

    for length in range(0, 400, 10):
        address = Address(recipient=owner, channel=channel, at=NOW, why="说明。" * length)
        body = render_notice(raised().incident, Occasion.NOTICE, known, address).body
        shown = sum(url in body for _, url in TOLD)
        seen.add((shown, "高频词" in body))
        assert ("原文" in body) is (shown > 0), length

    assert (3, False) in seen
    assert (0, False) in seen
    assert not seen & {(0, True), (1, True), (2, True)}


def scene(samples: Sequence[tuple[Mention, Verdict]] = MENTIONS) -> Scene:
    return Scene(project=PROJECT, links=LINKS, evidence=evidence(), samples=samples)


def render(
    incident: Incident, person: str, occasion: Occasion, **fields: object
) -> tuple[str, str, str]:
    owner = PROJECT.owner(person)
    assert owner is not None
    channel = PROJECT.channel(owner.channels[0])
    assert channel is not None
    address = Address(
        recipient=owner,
        channel=channel,
        at=NOW,
        ask_by=NOW + timedelta(minutes=15),
        why="说明。" * 900,
    )
    shown = scene(**fields)  # type: ignore[arg-type]
    return render_notice(incident, occasion, shown, address)[:3]


@given(
    title=st.text(max_size=120),
    level=st.sampled_from([Level.BLUE, Level.YELLOW, Level.ORANGE, Level.RED]),
    occasion=st.sampled_from(list(Occasion)),
    words=st.lists(st.text(max_size=300), max_size=3),
)
@settings(max_examples=150, deadline=None)
def test_any_text_fits_its_channel_and_keeps_code_and_links(
    title: str, level: Level, occasion: Occasion, words: list[str]
) -> None:
    incident = replace(raised().incident, title=title, level=level)
    samples = [
        (make_mention(i, title=word, url=word), make_verdict(i)) for i, word in enumerate(words)
    ]
    subject, body, page = render(incident, "lin", occasion, samples=samples)
    channel = PROJECT.channel("bot")
    assert channel is not None

    assert len(subject) <= LOCK_SCREEN
    assert "\n" not in subject
    assert len(body.encode()) <= text_limits(channel, occasion.urgency(level)).bytes
    assert incident.code in body
    assert f"https://desk.yunque.example/incidents/{incident.incident_id}" in body
    assert "https://desk.yunque.example/t/ack.lin.1" in body
    HTMLParser().feed(page)


@given(text=st.text(), limit=st.integers(0, 60))
def test_cut_keeps_whole_characters_within_the_bytes(text: str, limit: int) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    cut = cut_bytes(text, limit)

    assert len(cut.encode()) <= limit
    assert cut == text or text.startswith(cut.removesuffix("…"))


NOTICE = parse_template(defaults()["notice"])[0]


@given(title=st.text(max_size=60), level=st.text(max_size=3), rest=st.text(max_size=40))
@settings(max_examples=60, deadline=None)
def test_first_line_is_never_longer_than_the_screen(title: str, level: str, rest: str) -> None:
    values = {"title": plain(title), "level": level, "people": rest, "ratio": rest, "ask": rest}

    assert len(first_line(NOTICE, values)) <= LOCK_SCREEN


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("云雀净水器Q3·滤芯渗水", "【橙】云雀净水器Q3·滤芯渗水·32人·请林晓明日10:30前确认"),
        (
            "云雀净水器Q3Pro升级款·第三批次滤芯渗水并泡坏地板",
            "【橙】云雀净水器Q3P…·第三批次滤芯渗水…·32人·请林晓明日10:30前确认",
        ),
        ("云雀净水器", "【橙】云雀净水器·32人·是平常8.9倍·请林晓明日10:30前确认"),
    ],
)
def test_first_line_gives_up_figures_before_the_trouble(title: str, shown: str) -> None:
    values = {
        "title": title,
        "level": "橙",
        "people": "32",
        "ratio": "平常8.9倍",
        "ask": "请林晓明日10:30前确认",
    }

    assert first_line(NOTICE, values) == shown


# --- hostile text ---

EVIL = "点[这里](http://evil.example)<@all>**急**`rm`\u202e@所有人\n# 标题\u200b"


def test_text_from_the_web_means_nothing_to_markdown() -> None:
    samples = [(make_mention(1, title=EVIL, url="https://ok.example/1"), make_verdict(1))]
    incident = replace(raised(Level.YELLOW).incident, title=EVIL)
    owner = PROJECT.owner("lin")
    channel = PROJECT.channel("bot")
    assert owner is not None
    assert channel is not None
    _, body, page, *_ = render_notice(
        incident, Occasion.NOTICE, scene(samples), Address(recipient=owner, channel=channel, at=NOW)
    )

    assert "](http://evil.example)" not in body
    assert "<@all>" not in body
    assert "\u202e" not in body
    assert "\n# " not in body
    assert "<@all>" not in page
    assert "&lt;@all&gt;" in page


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://a.example/x",
        "//a.example/x",
        "https://user:pw@a.example/",
        "http://",
        "http://[::1",
        "http://" + "a" * 300 + ".example/",
        "https://a.example/" + "x" * 600,
        "",
    ],
)
def test_addresses_that_are_no_plain_web_addresses_are_not_shown(url: str) -> None:
    assert not safe_url(url)


def test_addresses_cannot_end_a_link_or_an_attribute() -> None:
    shown = safe_url("https://a.example/x) [y](z)\"'<b>?q=a b|c#frag")

    assert shown == "https://a.example/x%29%20%5By%5D%28z%29%22%27%3Cb%3E?q=a%20b%7Cc"
    assert safe_url("https://例子.example/路") == "https://xn--fsqu00a.example/%E8%B7%AF"


@given(st.text())
def test_visible_text_is_one_printable_line(text: str) -> None:
    assert all(character.isprintable() for character in visible(text))
    assert not set(plain(text)) & set("[]<>*`&@#\\|~\n")
    assert "<" not in escape(text)


def test_handed_over_message_keeps_the_code_and_loses_the_keys() -> None:
    for level in (Level.YELLOW, Level.ORANGE):
        body = hand_over(to(raised(level), "lin").body, "林晓", 2048)

        assert "原定通知林晓，未能送达，转由你接手。" in body
        assert "/t/ack" not in body
        assert "/t/dismiss" not in body
        assert "编号：舆-" in body
        assert "/incidents/" in body
        assert len(body.encode()) <= 2048


def test_instants_are_said_as_people_say_them() -> None:
    zone = Owner(id="x", name="x", channels=("bot",)).zone

    assert clock_words(NOW + timedelta(minutes=30), NOW, zone) == "12:30"
    assert clock_words(NOW + timedelta(hours=20), NOW, zone) == "明日08:00"
    assert clock_words(NOW + timedelta(days=3), NOW, zone) == "3月13日12:00"
    assert duration_words(timedelta(hours=27, minutes=5)) == "1 天 3 小时 5 分钟"
    assert duration_words(timedelta(seconds=10)) == "不到 1 分钟"


def test_words_that_say_nothing_by_themselves_are_not_on_the_card():
    words = ("没有", "了", "渗水", "泡坏", "\ue000", "24", "我们")
    terms = tuple(Term(text=word, weight=2.0 - n / 10) for n, word in enumerate(words))
    samples = [(MENTIONS[0][0], replace(MENTIONS[0][1], terms=terms))]
    change = on_grade(
        None, evidence(), grade_of(Level.ORANGE), PROJECT, NOW, samples=samples, links=LINKS
    )

    assert change is not None
    assert "推高判断的词：渗水、泡坏" in change.intents[0].body
