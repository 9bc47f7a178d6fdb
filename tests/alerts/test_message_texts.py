"""Golden messages over occasions, channels and hard cases: each was read as the one who gets it.

Rewritten with GROUNDSWELL_GOLDEN=1; the messages of whole acts stand in test_messages.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.messages import (
    LOCK_SCREEN,
    Address,
    Links,
    NoLinks,
    Occasion,
    Rendered,
    Scene,
    render_notice,
)
from config.schema import Project
from storage.records import (
    BatchSignal,
    BrandId,
    ClusterId,
    Evidence,
    Growth,
    HotStanding,
    Incident,
    IncidentState,
    Level,
    Mention,
    Meter,
    OwnerId,
    Reason,
    Relapse,
    Service,
    Task,
    TaskKind,
    Term,
    Verdict,
    Voices,
)
from tests.alerts.people import SETTINGS, PlainLinks
from tests.make import (
    NOW,
    make_cluster,
    make_evidence,
    make_grade,
    make_incident,
    make_mention,
    make_policy,
    make_surge,
    make_verdict,
)

GOLDEN = Path(__file__).parent / "golden"
LINKS = PlainLinks()
CHANNELS: dict[str, dict[str, Any]] = {
    "bot": {"kind": "wecom_bot", "key": "env:K"},
    "app": {"kind": "wecom_app", "corp_id": "ww1", "agent_id": 1000002, "secret": "env:K"},
    "feishu": {"kind": "feishu_bot", "key": "env:K"},
    "lark": {"kind": "feishu_app", "app_id": "cli_1", "secret": "env:K"},
    "ding": {"kind": "dingtalk_bot", "key": "env:K"},
    "slack": {"kind": "slack", "hook": "env:K"},
    "hook": {"kind": "webhook", "url": "http://127.0.0.1:9/h"},
    "sms": {"kind": "sms", "provider": "aliyun", "template": "SMS_1"},
    "call": {"kind": "voice", "provider": "tencent", "template": "TTS_1"},
    "mail": {
        "kind": "email",
        "host": "127.0.0.1",
        "port": 2525,
        "security": "none",
        "sender": "a@yunque.example",
    },
}
OWNERS = [
    {"id": "lin", "name": "林晓", "channels": [*CHANNELS], "email": "lin@yunque.example"},
    {"id": "chen", "name": "陈立", "role": "lead", "channels": ["bot"]},
    {"id": "ouyang", "name": "欧阳思远", "role": "executive", "channels": ["bot"]},
    {
        "id": "desk",
        "name": "华东区客户体验与售后服务值班长",
        "channels": ["bot"],
    },
]


def project(**changes: Any) -> Project:
    """The company with one channel of every kind that people write on."""
    channels = [{"id": name, **rest} for name, rest in CHANNELS.items()]
    routes = [{"id": "safety", "brand": ["yunque"], "owner": "lin", "chain": ["chen"]}]
    return Project.model_validate(
        SETTINGS
        | {"channels": channels, "owners": OWNERS, "routes": routes, "fallback": ["ouyang"]}
        | changes
    )


PROJECT = project()
SURGE = make_surge(window_hours=6, observed=32, expected=3.6, ratio=8.9, threshold=11.0)
GRADE = make_grade(
    Level.ORANGE,
    score=66.4,
    surge=SURGE,
    rule_version="grade-4",
    reasons=(
        Reason(code="trigger_injury", text="3 位不同的作者提到受伤，至少橙色", value=3.0),
        Reason(code="spike_page", text="6 小时内有 32 位不同的人在说", points=26.1),
        Reason(code="harm", text="涉及人身伤害", points=22.5),
    ),
    quiet_if="如果没有 3 位作者提到受伤，就不会到橙色",
)
TOLD = (
    ("Q3 滤芯第三批次全部渗水，厨房地板泡坏了", "https://tousu.example/post/88121"),
    ("云雀净水器半夜漏水烫到孩子，客服说要排队", "https://bbs.example/t/4410?from=list&p=2"),
    ("求助：换了两次滤芯还是漏", "https://weibo.example/7731/Nq0"),
)
EVIL = "点[这里](http://evil.example)<@all><at id=all></at> **急** @所有人 \u202e倒\u200b着*写* | `rm` #"
POLICY = make_policy(route_id="safety", reason="按路由 safety，由林晓负责")


def told(lines: Sequence[tuple[str, str]] = TOLD) -> list[tuple[Mention, Verdict]]:
    """Mentions as they stand in a card."""
    terms = (Term(text="渗水", weight=1.4), Term(text="泡坏", weight=0.9))
    return [
        (make_mention(i, title=title, url=url), make_verdict(i, terms=terms))
        for i, (title, url) in enumerate(lines, 1)
    ]


def evidence(**fields: Any) -> Evidence:
    """What is known of the leaking filters."""
    keywords = ("渗水", "滤芯", "第三批次", "地板")
    values = {
        "cluster": make_cluster(label="滤芯渗水", keywords=keywords),
        "authors": 32,
        "texts": 21,
        "platforms": ("投诉平台", "微博"),
        "reposts": 41,
        "views": 18_200,
        "hot_blind": "",
    }
    return make_evidence(**(values | fields))


def incident(**fields: Any) -> Incident:
    """The leaking filters as an incident."""
    values = {
        "incident_id": "yunque-kwxibmtm",
        "code": "舆-W932",
        "title": "云雀净水器Q3·滤芯渗水",
        "grade": GRADE,
        "policy": POLICY,
        "authors": 32,
        "platforms": ("投诉平台", "微博"),
    }
    return make_incident(**(values | fields))


def yellow(**fields: Any) -> dict[str, Any]:
    """An incident that is yellow, and the grade that set it."""
    values = {
        "level": Level.YELLOW,
        "score": 46.2,
        "reasons": (
            Reason(code="trigger_spike", text="6 小时内有 32 位不同的人在说，至少黄色"),
            Reason(code="harm", text="涉及财产损失", points=7.5),
        ),
        "quiet_if": "如果 6 小时内少于 11 位不同的人，就不会到黄色",
    }
    return {"level": Level.YELLOW, "grade": replace(GRADE, **(values | fields))}


def render(
    channel: str,
    occasion: Occasion,
    about: Incident,
    *,
    known: Evidence | None = None,
    says: Sequence[tuple[str, str]] = TOLD,
    links: Links = LINKS,
    who: str = "lin",
    minutes: int | None = 15,
    why: str = "",
    late: timedelta | None = None,
    within: Project = PROJECT,
) -> Rendered:
    """Write one message as the engine does."""
    owner, found = within.owner(who), within.channel(channel)
    assert owner is not None
    assert found is not None
    address = Address(
        recipient=owner,
        channel=found,
        at=NOW,
        ask_by=None if minutes is None else NOW + timedelta(minutes=minutes),
        why=why,
        late=late,
    )
    scene = Scene(project=within, links=links, evidence=known or evidence(), samples=told(says))
    return render_notice(about, occasion, scene, address)


def task(**fields: Any) -> Task:
    """A task of the leaking filters."""
    values = {
        "task_id": "1",
        "kind": TaskKind.FIX,
        "title": "联系三家经销商，停售第三批次滤芯",
        "owner_id": OwnerId("lin"),
        "due_at": NOW + timedelta(hours=6),
        "by": "chen",
    }
    return Task(**(values | fields))


def served(react_s: float, solve_s: float) -> dict[str, Any]:
    """An incident under a promise, of which so many seconds are used."""
    terms = Service(
        tier_id="vip", react_s=3600, solve_s=28800, warn_left=0.3, timezone="Asia/Shanghai"
    )
    return {
        "policy": replace(POLICY, service=terms),
        "meter": Meter(react_s=react_s, solve_s=solve_s, at=NOW),
    }


DIES = make_grade(
    Level.RED,
    score=91.0,
    surge=SURGE,
    rule_version="grade-4",
    reasons=(Reason(code="trigger_death", text="2 位不同的作者提到有人死亡，至少红色", value=2.0),),
    quiet_if="如果没有 2 位作者提到有人死亡，就不会到红色",
)
RICH = evidence(
    public_authors=28,
    growth=Growth(
        cluster_id=ClusterId("c"),
        authors_24h=37,
        authors_before_24h=9,
        mentions=312,
        texts=184,
        copies=128,
        doubling_h=6.2,
    ),
    voices=Voices(
        authors=60, new_authors=48, mentions=90, texts=12, top_text=70, wave_authors=52, burst=31
    ),
    brand_first_at=NOW - timedelta(days=90),
    hot=HotStanding(
        platform="微博热搜",
        title="云雀净水器漏水",
        rank=17,
        best_rank=12,
        last_at=NOW,
        is_current=True,
        is_about=True,
    ),
    batches=(
        BatchSignal(
            brand_id=BrandId("yunque"),
            product="云雀净水器Q3",
            kind="batch",
            value="第三批次",
            symptom="渗水",
            both=18,
            group=22,
            symptom_all=30,
            all=240,
            prr=6.1,
            prr_low=3.9,
            prr_high=9.5,
            ror=14.0,
            ror_low=7.0,
            ror_high=28.0,
            ebgm=4.8,
            eb05=3.2,
            first_at=NOW - timedelta(days=3),
            last_at=NOW,
        ),
    ),
)
UNKNOWN = make_evidence(
    cluster=make_cluster(label="", keywords=()),
    authors=0,
    texts=0,
    platforms=(),
    reposts=None,
    views=None,
)
QUIET = make_grade(
    Level.BLUE,
    score=22.0,
    surge=make_surge(kind="none", window_hours=0, observed=0, expected=0.0, ratio=0.0),
    reasons=(Reason(code="harm", text="涉及财产损失", points=7.5),),
    quiet_if="",
    rule_version="grade-4",
)
HELD = replace(
    POLICY,
    route_id="fallback",
    owner_id=OwnerId("ouyang"),
    fallback=(OwnerId("ouyang"),),
    reason="没有路由匹配，按兜底名单由欧阳思远先接住，等待指派负责人",
    held=True,
)
LIFT = replace(
    GRADE,
    level=Level.YELLOW,
    score=43.0,
    reasons=(
        Reason(code="brand_lift", text="这个品牌的各种说法一起上升到平常的 3.4 倍，不是单独一件事"),
    ),
    quiet_if="如果 24 小时内少于 90 位不同的人，就不会到黄色",
    surge=make_surge(window_hours=24, observed=214, expected=62.5, ratio=3.4, threshold=90.0),
)
BEFORE = Relapse(
    closed_at=NOW - timedelta(days=71),
    cause="第二批次滤芯密封圈尺寸偏小，已换供应商并召回",
    said="更换之后两周没有再漏",
    owner_id=OwnerId("chen"),
    cluster_id=ClusterId("c-old"),
)
LONG = (
    "云雀全屋中央净水软水一体机Q3 Pro Max 2026款·第三批次复合滤芯在水压偏高时整圈渗水并泡坏实木地板"
)
FAMILY = "👨‍👩‍👧🏽 孩子被烫到了😭😭😭" * 30

CASES: dict[str, Rendered] = {
    "notice_feishu_orange": render("feishu", Occasion.NOTICE, incident()),
    "notice_dingtalk_yellow": render("ding", Occasion.NOTICE, incident(**yellow()), minutes=30),
    "notice_slack_orange": render("slack", Occasion.NOTICE, incident()),
    "notice_wecom_app_red": render(
        "app", Occasion.NOTICE, incident(level=Level.RED, grade=DIES), minutes=5
    ),
    "notice_sms_red": render(
        "sms", Occasion.NOTICE, incident(level=Level.RED, grade=DIES), minutes=5
    ),
    "notice_call_long_title": render("call", Occasion.NOTICE, incident(title=LONG)),
    "notice_long_title_and_name": render(
        "bot",
        Occasion.NOTICE,
        incident(title=LONG, owner_id=OwnerId("desk")),
        who="desk",
        minutes=15 * 60,
    ),
    "notice_everything_known": render("lark", Occasion.NOTICE, incident(), known=RICH),
    "notice_unknown_figures": render(
        "bot",
        Occasion.NOTICE,
        incident(level=Level.BLUE, grade=QUIET, authors=0, platforms=()),
        known=UNKNOWN,
        says=(),
        minutes=None,
    ),
    "notice_no_links": render("hook", Occasion.NOTICE, incident(), links=NoLinks()),
    "notice_no_reposts_at_all": render(
        "bot",
        Occasion.NOTICE,
        incident(**yellow()),
        known=evidence(reposts=0, views=None),
        minutes=30,
    ),
    "notice_hostile_feishu": render(
        "feishu", Occasion.NOTICE, incident(title=f"云雀·{EVIL}"), says=[(EVIL, EVIL)]
    ),
    "notice_hostile_slack": render(
        "slack",
        Occasion.NOTICE,
        incident(title=f"云雀·{EVIL}"),
        says=[(EVIL, "https://a.example/x|y>z&u=1")],
    ),
    "notice_emoji_at_the_byte_border": render(
        "app",
        Occasion.NOTICE,
        incident(grade=replace(GRADE, quiet_if=FAMILY)),
        says=[(FAMILY, "https://a.example/1")],
    ),
    "notice_brand_lift": render(
        "bot",
        Occasion.NOTICE,
        incident(
            title="云雀·整体负面声量上升",
            cluster_id=ClusterId("brand:yunque"),
            level=Level.YELLOW,
            grade=LIFT,
            authors=214,
        ),
        known=evidence(authors=214, texts=180),
        minutes=30,
    ),
    "notice_held_by_fallback": render(
        "bot",
        Occasion.NOTICE,
        incident(policy=HELD, owner_id=OwnerId("ouyang")),
        who="ouyang",
    ),
    "level_up_set_by_hand": render(
        "bot",
        Occasion.LEVEL_UP,
        incident(level=Level.RED, level_by="chen", level_reason="央视记者已经来电"),
        why="等级由橙升为红。按路由 safety，由林晓负责。",
        minutes=5,
    ),
    "level_up_of_a_launch": render(
        "ding",
        Occasion.LEVEL_UP,
        incident(
            **yellow(
                score=41.0,
                reasons=(
                    Reason(code="launch_watch", text="上市爬坡期（到 2026-06-30），门槛收紧"),
                    Reason(code="harm", text="涉及财产损失", points=7.5),
                ),
            )
        ),
        why="等级由蓝升为黄。按路由 safety，由林晓负责。",
        minutes=30,
    ),
    "relapse": render(
        "lark",
        Occasion.REOPENED,
        incident(epoch=2, relapse=BEFORE),
        why="已结案的同类问题再次出现。按路由 safety，由林晓负责。",
    ),
    "unshelved": render(
        "bot",
        Occasion.UNSHELVED,
        incident(),
        why="挂起时说明：固件 2.1 周五修复。现在已有 40 位不同作者，超过挂起时写的 30 位。",
    ),
    "lease_warning": render(
        "bot",
        Occasion.LEASE_WARNING,
        incident(
            state=IncidentState.ACKNOWLEDGED,
            acknowledged_by="lin",
            acknowledged_at=NOW - timedelta(minutes=48),
            lease_until=NOW + timedelta(minutes=12),
        ),
        minutes=None,
        why="你在 11:12 确认接手，还没有写过进展。到时没有进展，会重新提醒下一位。",
    ),
    "task_given": render(
        "feishu",
        Occasion.TASK,
        incident(state=IncidentState.ACKNOWLEDGED, tasks=(task(),)),
        minutes=None,
        why=("陈立给你安排了任务“排查整改：联系三家经销商，停售第三批次滤芯”，请在 18:00 前完成。"),
    ),
    "task_due": render(
        "mail",
        Occasion.TASK_DUE,
        incident(
            state=IncidentState.ACKNOWLEDGED, tasks=(task(due_at=NOW - timedelta(minutes=1)),)
        ),
        minutes=None,
        why=(
            "你的任务“排查整改：联系三家经销商，停售第三批次滤芯”到期了，"
            "还没有登记完成。请登记结果，或说明为什么不做。"
        ),
    ),
    "task_warning": render(
        "feishu",
        Occasion.TASK_WARNING,
        incident(state=IncidentState.ACKNOWLEDGED, tasks=(task(),)),
        minutes=None,
        why=(
            "你的任务“排查整改：联系三家经销商，停售第三批次滤芯”还剩 1 小时 48 分钟，18:00 到期。"
            "请登记进展；来不及可以说明理由延一次。"
        ),
    ),
    "task_over": render(
        "bot",
        Occasion.TASK_OVER,
        incident(
            state=IncidentState.ACKNOWLEDGED, tasks=(task(due_at=NOW - timedelta(minutes=20)),)
        ),
        who="chen",
        minutes=None,
        why=(
            "林晓的任务“排查整改：联系三家经销商，停售第三批次滤芯”已超期 20 分钟，"
            "还没有登记完成，按顺序通知到你。请推动办理，或登记进展、结果。"
        ),
    ),
    "react_warning": render(
        "bot",
        Occasion.REACT_WARNING,
        incident(**served(2580, 2580)),
        why="响应时限还剩不到三成，还没有人确认。",
    ),
    "react_over": render(
        "bot",
        Occasion.REACT_OVER,
        incident(**served(3900, 3900)),
        who="chen",
        why="已过响应时限，还没有人确认。同时通知林晓。",
    ),
    "solve_warning": render(
        "slack",
        Occasion.SOLVE_WARNING,
        incident(state=IncidentState.ACKNOWLEDGED, acknowledged_by="lin", **served(600, 20400)),
        minutes=None,
        why="解决时限还剩不到三成。",
    ),
    "solve_over": render(
        "mail",
        Occasion.SOLVE_OVER,
        incident(state=IncidentState.ACKNOWLEDGED, acknowledged_by="lin", **served(600, 29400)),
        minutes=None,
        why="已过解决时限，事件还没有标记为处理完毕。",
    ),
    "escalation_to_the_one_on_duty": render(
        "sms",
        Occasion.ESCALATION,
        incident(),
        who="chen",
        why="到 12:15 尚无人确认，按升级顺序轮到你（第 1 步）。",
    ),
    "catch_up_after_an_outage": render(
        "ding",
        Occasion.ESCALATION,
        incident(),
        who="chen",
        why="到 15:27 尚无人确认，按升级顺序轮到你（第 6 步）。",
        late=timedelta(hours=3, minutes=12),
        minutes=None,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_message_reads_as_it_was_approved(name: str) -> None:
    message = CASES[name]
    buttons = " ".join(f"[{action.label}]" for action in message.actions)
    text = f"{message.subject}\n---\n{message.body}\n---\n{buttons}\n"
    path = GOLDEN / f"text_{name}.txt"
    if os.environ.get("GROUNDSWELL_GOLDEN"):
        path.write_text(text, encoding="utf-8")

    assert path.read_text(encoding="utf-8") == text
    assert len(message.subject) <= LOCK_SCREEN
    assert len(message.words["text"]) <= 60
