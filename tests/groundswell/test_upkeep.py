"""Engineers are told of their sources: once, again each day, and when it is over."""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from hypothesis import given
from hypothesis import strategies as st

from alerts.channels import make_senders
from alerts.delivery import Courier
from alerts.source_notices import FIRST_CHARS, SourceNotice, first_line, render
from config.schema import Project, SourceConfig
from groundswell.upkeep import Upkeep, decide, intent_id, recipients
from storage.records import FetchCause, SourceHealth, SourceId, SourceState
from storage.store import Store
from tests.alerts.receiver import Planned, Receiver

NOW = datetime(2026, 11, 18, 2, 30, tzinfo=UTC)  # 10:30 on a Wednesday in Shanghai
SHANGHAI = ZoneInfo("Asia/Shanghai")
PEOPLE: list[dict[str, Any]] = [
    {"id": "gao", "name": "高工", "role": "engineer", "channels": ["hook"]},
    {"id": "he", "name": "何工", "role": "service", "channels": ["mail"], "email": "he@lanhe.test"},
    {"id": "lin", "name": "林总", "role": "lead", "channels": ["hook"]},
]


def source(name: str = "bbs", **given: Any) -> SourceConfig:
    rules = {"id": name, "name": f"家电论坛{name}", "kind": "feed", "start": "https://a.test/f"}
    return SourceConfig.model_validate(rules | given)


def project(*sources: SourceConfig, hook: str = "http://127.0.0.1:9/x", port: int = 25) -> Project:
    return Project.model_validate(
        {
            "owners": PEOPLE,
            "fallback": ["lin"],
            "channels": [
                {"id": "hook", "kind": "webhook", "url": hook},
                {
                    "id": "mail",
                    "kind": "email",
                    "host": "127.0.0.1",
                    "port": port,
                    "security": "none",
                    "sender": "GS <gs@lanhe.test>",
                },
            ],
            "settings": {"allow_private": [hook.split("/")[2]]},
        }
    ).model_copy(update={"sources": sources})


def ill(name: str = "bbs", cause: FetchCause = FetchCause.CAPTCHA, **given: Any) -> SourceState:
    fields: dict[str, Any] = {
        "health": SourceHealth.DEGRADED,
        "cause_text": "网站要求人机验证",
        "last_ok_at": NOW - timedelta(hours=3),
    }
    return SourceState(source_id=SourceId(name), cause=cause, **(fields | given))


def well(name: str = "bbs", **given: Any) -> SourceState:
    return SourceState(source_id=SourceId(name), health=SourceHealth.OK, last_ok_at=NOW, **given)


def play(
    sources: tuple[SourceConfig, ...], *story: tuple[float, SourceState]
) -> list[tuple[Any, ...]]:
    """Tick each five minutes from NOW on; `story` has the hour from which a state holds."""
    told: list[tuple[Any, ...]] = []
    marks: dict[SourceId, Any] = {}
    last = max(hour for hour, _ in story)
    for tick in range(int(last * 12) + 1):
        now = NOW + timedelta(minutes=5 * tick)
        states: dict[SourceId, SourceState] = {}
        for hour, state in story:
            if tick >= hour * 12:
                states[state.source_id] = replace(state, notice=marks.get(state.source_id, {}))
        decision = decide(states.values(), project(*sources), now)
        marks |= decision.marks
        told += [(n.kind, n.source_id, round(tick / 12, 2)) for n in decision.notices]
    return told


def test_an_illness_is_told_once_reminded_daily_and_ended_once() -> None:
    told = play((source(),), (0, ill()), (50, well()), (60, well()))

    assert told == [
        ("broken", "bbs", 0.08),
        ("reminder", "bbs", 24.08),
        ("reminder", "bbs", 48.08),
        ("recovered", "bbs", 51.0),
    ]


def test_a_source_that_flips_is_told_once() -> None:
    flips = [(n / 2, (ill if n % 2 == 0 else well)()) for n in range(20)]

    told = play((source(),), *flips, (12, well()))

    assert [kind for kind, *_ in told] == ["broken", "recovered"]


def test_a_hiccup_shorter_than_the_hold_is_never_told() -> None:
    assert play((source(),), (0, ill()), (0.05, well()), (5, well())) == []


def test_being_quarantined_later_is_told_but_not_twice() -> None:
    quarantined = ill(health=SourceHealth.QUARANTINED)

    told = play((source(),), (0, ill()), (2, quarantined), (6, quarantined))

    assert [kind for kind, *_ in told] == ["broken", "quarantined"]


def test_a_quiet_recovering_or_switched_off_source_is_not_told() -> None:
    recovering = SourceState(source_id=SourceId("bbs"), health=SourceHealth.DEGRADED)

    assert play((source(),), (0, recovering), (3, well())) == []
    assert play((source(enabled=False),), (0, ill()), (3, ill())) == []


def test_many_that_break_within_minutes_are_one_message_and_so_are_latecomers(
    store: Store,
) -> None:
    sources = tuple(source(f"s{n}") for n in range(8))
    upkeep = Upkeep(store=store, project=project(*sources), base_url="http://c.test")
    with store.transaction() as tx:
        for n in range(5):
            tx.save_source(ill(f"s{n}", FetchCause.NETWORK))
    for minute in (0, 5):
        upkeep.tell(NOW + timedelta(minutes=minute))
    with store.transaction() as tx:
        for n in range(5, 8):
            tx.save_source(ill(f"s{n}", FetchCause.NETWORK))
    for minute in range(6, 80):
        upkeep.tell(NOW + timedelta(minutes=minute))
    with store.read() as queries:
        found = sorted(queries.intents(None, 10), key=lambda intent: intent.created_at)

    assert [intent.subject for intent in found] == [
        "【信源异常】5 个信源同时异常，本机网络不通",
        "【信源异常】3 个信源同时异常，本机网络不通",
    ]
    assert "不需要逐个处理" in found[0].body


def test_its_maintainer_is_told_else_the_engineers_else_the_fallback() -> None:
    plan = project()
    named, others = source(maintainer="he"), source()
    nobody = plan.model_copy(update={"owners": plan.owners[1:]})
    away = plan.owners[0].model_copy(update={"away": ((NOW.date(), NOW.date()),)})
    holiday = plan.model_copy(update={"owners": (away, *plan.owners[1:])})

    assert recipients(named, plan, NOW) == ("he",)
    assert recipients(others, plan, NOW) == ("gao",)
    assert recipients(others, nobody, NOW) == ("lin",)
    assert recipients(others, holiday, NOW) == ("lin",)
    assert recipients(source(maintainer="gone"), plan, NOW) == ("gao",)


@pytest.mark.parametrize(
    ("days", "kinds"),
    [(9, []), (8, []), (7, ["expiring"]), (1, ["expiring"]), (0, ["expired"]), (-3, ["expired"])],
)
def test_a_key_that_expires_is_told_a_week_ahead(days: int, kinds: list[str]) -> None:
    day = (NOW + timedelta(days=days)).astimezone(SHANGHAI).date()
    decision = decide([], project(source(secrets_expire={"cookie": day})), NOW)

    assert [notice.kind for notice in decision.notices] == kinds


def test_an_expired_key_is_told_daily_in_the_morning_until_it_is_renewed(store: Store) -> None:
    expires = NOW.astimezone(SHANGHAI).date() + timedelta(days=2)
    upkeep = Upkeep(
        store=store, project=project(source(secrets_expire={"cookie": expires})), base_url=""
    )
    for hour in range(24 * 5):
        upkeep.tell(NOW + timedelta(hours=hour))
    renewed = project(source(secrets_expire={"cookie": expires + timedelta(days=300)}))
    Upkeep(store=store, project=renewed, base_url="").tell(NOW + timedelta(days=6))
    with store.read() as queries:
        found = sorted(queries.intents(None, 10), key=lambda intent: intent.created_at)

    assert [intent.subject[1:6] for intent in found] == ["凭据将到期", *["凭据已过期"] * 4]
    hours = {intent.created_at.astimezone(SHANGHAI).hour for intent in found[1:]}
    assert min(hours) >= 9


def test_a_change_that_was_sent_back_is_told_once_with_its_reason(store: Store) -> None:
    trial = {"kept": {}, "digest": "d2", "why": "新配置只读到 3 条，旧配置 20 条",
             "ended_at": NOW.isoformat()}  # fmt: skip
    with store.transaction() as tx:
        tx.save_source(well(trial=trial))
    upkeep = Upkeep(
        store=store, project=project(source(maintainer="gao")), base_url="http://c.test/"
    )
    written = [upkeep.tell(NOW + timedelta(minutes=minutes)) for minutes in (0, 1, 60 * 30)]
    with store.read() as queries:
        [intent] = queries.intents(None, 10)

    assert written == [1, 0, 0]
    assert intent.subject == "【改动已退回】家电论坛bbs：新配置不如旧配置"
    assert "新配置只读到 3 条，旧配置 20 条" in intent.body
    assert "groundswell source accept bbs" in intent.body
    assert "http://c.test/sources/bbs" in intent.body


def test_a_notice_is_written_with_what_is_remembered_or_not_at_all(store: Store) -> None:
    with store.transaction() as tx:
        tx.save_source(ill())
    upkeep = Upkeep(store=store, project=project(source()), base_url="http://c.test")
    upkeep.tell(NOW)
    at = NOW + timedelta(minutes=5)

    def die_before_the_commit() -> None:
        with store.transaction() as tx:
            decision = decide(tx.queries.sources(), upkeep.project, at)
            tx.add_intents(list(upkeep.intents(decision.notices, at)))
            for source_id, mark in decision.marks.items():
                tx.save_notice(source_id, mark)
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        die_before_the_commit()
    written = [upkeep.tell(at + timedelta(seconds=n)) for n in range(3)]

    assert written == [1, 0, 0]


def test_what_was_told_outlives_a_poll_that_began_before(store: Store) -> None:
    state = ill()
    with store.transaction() as tx:
        tx.save_source(state)
    upkeep = Upkeep(store=store, project=project(source()), base_url="http://c.test")
    for minutes in (0, 5):
        upkeep.tell(NOW + timedelta(minutes=minutes))
    with store.transaction() as tx:
        tx.save_polled([(state, 0)])

    assert upkeep.tell(NOW + timedelta(minutes=10)) == 0


class _Mailbox:
    def __init__(self) -> None:
        self.letters: list[str] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.letters.append(envelope.content.decode())
        return "250 taken"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class _Clock:
    def now(self) -> datetime:
        return NOW + timedelta(minutes=6)


def test_notices_reach_a_real_mail_server_and_a_real_webhook(store: Store) -> None:
    box = _Mailbox()
    server = Controller(box, hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        with Receiver(Planned(body=b"{}")) as receiver:
            plan = project(
                source("mailed", maintainer="he"),
                source("hooked"),
                hook=f"{receiver.url}/hook",
                port=server.port,
            )
            with store.transaction() as tx:
                tx.save_source(ill("mailed"))
                tx.save_source(ill("hooked", FetchCause.LAYOUT))
            upkeep = Upkeep(store=store, project=plan, base_url="http://c.test")
            for minutes in (0, 5):
                upkeep.tell(NOW + timedelta(minutes=minutes))
            courier = Courier(store, make_senders(plan), plan, _Clock())
            sent = asyncio.run(courier.deliver_due())
            again = asyncio.run(courier.deliver_due())
    finally:
        server.stop()

    assert (sent, again) == (2, 0)
    [letter] = box.letters
    assert "List-" in letter or "Message-ID" in letter
    [request] = receiver.requests
    assert "页面改版" in json.dumps(json.loads(request.body), ensure_ascii=False)


# --- wording -----------------------------------------------------------------------------------

KINDS = ["broken", "quarantined", "reminder", "recovered", "reverted", "expiring", "worn"]


@given(
    st.sampled_from(KINDS),
    st.text(max_size=80),
    st.sampled_from(FetchCause),
    st.text(max_size=300),
    st.integers(0, 400),
)
def test_the_first_line_fits_a_lock_screen_and_the_body_its_channel(
    kind: str, name: str, cause: FetchCause, fact: str, step: int
) -> None:
    notice = SourceNotice(
        kind=kind, source_id="bbs", name=name, at=NOW, cause=cause, fact=fact, step=step
    )
    for notices in ([notice], [notice] * 30):
        letter = render(notices, base_url="http://c.test", zone=SHANGHAI, limit_bytes=900)

        assert len(letter.subject) <= FIRST_CHARS
        assert letter.body.startswith(letter.subject)
        assert len(letter.body.encode()) <= 900


def test_what_a_site_says_is_harmless_in_a_message() -> None:
    notice = SourceNotice(
        kind="broken", source_id="bbs", name="<b>论坛</b>", at=NOW, fact='<img src=x onerror="1">[a](http://x)'
    )  # fmt: skip
    letter = render([notice], base_url="http://c.test", zone=SHANGHAI, limit_bytes=4000)

    assert "<img" not in letter.body + letter.html
    assert "<b>" not in letter.html
    assert "[a]" not in letter.body


def test_a_message_says_what_happened_what_to_do_and_where() -> None:
    notice = SourceNotice(
        kind="reminder", source_id="bbs", name="家电论坛", at=NOW, cause=FetchCause.LAYOUT, step=2,
        fact="选择器 css:li 没有找到任何条目", advice="改选择器。", last_ok_at=NOW - timedelta(days=3),
    )  # fmt: skip
    letter = render([notice], base_url="http://c.test", zone=SHANGHAI, limit_bytes=4000)

    assert letter.body.split("\n") == [
        "【信源仍异常】家电论坛：页面改版，第 3 天",
        "信源：家电论坛（bbs）",
        "情况：选择器 css:li 没有找到任何条目",
        "上次成功：11月15日 10:30",
        "没有看到：至今 3 天",
        "怎么办：改选择器。",
        "命令：groundswell source try bbs",
        "信源页：http://c.test/sources/bbs",
    ]


def test_the_key_of_a_message_is_of_what_it_tells() -> None:
    notice = SourceNotice(kind="broken", source_id="bbs", name="论坛", at=NOW, since=NOW)
    later = replace(notice, at=NOW + timedelta(hours=1), name="别名")

    assert intent_id([notice], "gao") == intent_id([later], "gao")
    assert intent_id([notice], "gao") != intent_id([notice], "lin")
    assert intent_id([notice], "gao") != intent_id([replace(notice, step=1)], "gao")
    assert first_line(notice) == "【信源异常】论坛：无应答"
