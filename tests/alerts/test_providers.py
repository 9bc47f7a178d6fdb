"""Every provider against its documented answers and the faults of every network (P21, goals 4, 17).

The tables in provider_answers/ were written from the providers' own pages, which they name.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.channels import (
    Answer,
    Sender,
    dingtalk_bot,
    feishu,
    make_sender,
    slack,
    wecom_app,
    wecom_bot,
)
from alerts.channels.codes import Codes, answer_of
from alerts.channels.http import Reply
from config.channel_schema import SmsChannel, VoiceChannel
from config.providers import rules_of
from config.schema import Owner, Project
from storage.records import DeliveryClass, Intent, Level
from tests.alerts.kinds import ACCESS_TOKEN, CHANNELS, MOBILE, SECRETS, TOKENS, company_of
from tests.alerts.receiver import Planned, Receiver
from tests.make import make_intent

TABLES = Path(__file__).parent / "provider_answers"
EXAMPLES = int(os.environ.get("GROUNDSWELL_EXAMPLES", "12"))
OK = {kind: json.loads((TABLES / f"{kind}.json").read_text())["answers"][0] for kind in CHANNELS}


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        receiver.standing.update(TOKENS)
        yield receiver


def planned_of(answer: dict[str, Any]) -> Planned:
    body = answer["body"]
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return Planned(
        status=answer.get("status", 200), body=text.encode(), headers=answer.get("headers", {})
    )


def parts(project: Project, timeout_s: float) -> tuple[Sender, Owner]:
    return make_sender(project.channels[0], project, timeout_s=timeout_s), project.owners[0]


def send_all(
    project: Project, intents: Sequence[Intent], *, timeout_s: float = 2.0
) -> list[Answer]:
    async def all_of_them() -> list[Answer]:
        sender, owner = parts(project, timeout_s)
        return [await sender.send(intent, owner, repeat=False) for intent in intents]

    return asyncio.run(all_of_them())


# --- documented answers ---


@pytest.mark.parametrize("kind", CHANNELS)
def test_every_documented_answer_has_its_class(receiver: Receiver, kind: str) -> None:
    table = json.loads((TABLES / f"{kind}.json").read_text())["answers"]
    for answer in table:
        again = answer["what"].endswith("twice")  # the token is renewed in between
        receiver.plan(*[planned_of(answer)] * (2 if again else 1))
    answers = send_all(company_of(kind, receiver, {}), [make_intent() for _ in table])

    expected = [(row["what"], row["outcome"]) for row in table]
    assert expected == [(row["what"], got.outcome) for row, got in zip(table, answers, strict=True)]
    for row, got in zip(table, answers, strict=True):
        assert row.get("message_id", "") == got.provider_message_id
        assert row.get("code", got.provider_code) == got.provider_code
        if got.outcome is DeliveryClass.THROTTLED:
            assert row.get("wait_s", got.retry_after_s) == got.retry_after_s


def test_no_refusal_of_the_tables_is_taken_for_success() -> None:
    refusals = 0
    for kind in CHANNELS:
        table = json.loads((TABLES / f"{kind}.json").read_text())["answers"]
        refusals += sum(row["outcome"] != "ok" and row.get("status", 200) == 200 for row in table)
        assert all(row["outcome"] != "ok" for row in table[1:] if "refused" in str(row["body"]))

    assert refusals > 150  # the tables hold what they are meant to


def documented(kind: str) -> set[str]:
    text = (TABLES / f"{kind}.json").read_text()
    found: set[str] = set()
    for row in json.loads(text)["answers"]:
        body = row["body"]
        found |= {str(body)} if isinstance(body, str) else {str(value) for value in _leaves(body)}
    return found


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    else:
        yield value


@pytest.mark.parametrize(
    ("kinds", "codes"),
    [
        (["wecom_bot"], wecom_bot.CODES),
        (["wecom_app"], wecom_app.CODES),
        (["feishu_bot"], feishu.BOT_CODES),
        (["feishu_app"], feishu.APP_CODES),
        (["dingtalk_bot"], dingtalk_bot.CODES),
        (["slack_hook", "slack_token"], slack.CODES),
    ],
)
def test_every_code_that_we_name_stands_in_a_table(kinds: list[str], codes: Codes) -> None:
    named = {*codes.permanent, *codes.throttled, *codes.ambiguous, *codes.ok}

    assert named - set().union(*(documented(kind) for kind in kinds)) == set()


@pytest.mark.parametrize("kind", ["aliyun_sms", "aliyun_voice", "tencent_sms", "tencent_voice"])
def test_every_code_of_a_shipped_provider_stands_in_its_table(
    receiver: Receiver, kind: str
) -> None:
    channel = company_of(kind, receiver, {}).channels[0]
    assert isinstance(channel, SmsChannel | VoiceChannel)
    rules = rules_of(channel)
    seen = documented(kind)
    unseen = [
        code
        for code in (*rules.permanent, *rules.throttled)
        if not any(one.startswith(code[:-1]) if code.endswith("*") else one == code for one in seen)
    ]

    assert unseen == []


ALL_CODES = [
    wecom_bot.CODES,
    wecom_app.CODES,
    feishu.BOT_CODES,
    feishu.APP_CODES,
    dingtalk_bot.CODES,
]


@settings(max_examples=EXAMPLES * 8, deadline=None)
@given(codes=st.sampled_from(ALL_CODES), number=st.integers(), status=st.sampled_from([200, 400]))
def test_a_number_that_nobody_documented_is_tried_again(
    codes: Codes, number: int, status: int
) -> None:
    body = json.dumps({codes.code[0]: number}).encode()
    answer = answer_of(Reply(status=status, body=body, headers={}), codes, size_bytes=1, secrets=())
    known = {*codes.ok, *codes.permanent, *codes.throttled}

    assert (answer.outcome is DeliveryClass.OK) == (number == 0 and status == 200)
    if str(number) not in known:
        assert answer.outcome is DeliveryClass.RETRY


# --- limits ---

# What the providers allow: a minute, a second (alerting.md 2.4; docs/channels.zh-CN.md).
ALLOWED: dict[str, tuple[float | None, float | None]] = {
    "wecom_bot": (20, None),
    "wecom_app": (30, None),
    "feishu_bot": (100, 5),
    "feishu_app": (1000, 5),
    "dingtalk_bot": (20, None),
    "slack_hook": (60, 1),
    "slack_token": (60, 1),
}


@pytest.mark.parametrize("kind", CHANNELS)
def test_a_channel_uses_60_percent_of_what_its_provider_allows(
    receiver: Receiver, kind: str
) -> None:
    sender, _ = parts(company_of(kind, receiver, {}), 1.0)
    a_minute, a_second = ALLOWED.get(kind, (None, None))

    assert sender.per_minute == (a_minute and round(a_minute * 0.6))
    assert sender.per_second == (a_second and pytest.approx(a_second * 0.6))
    assert sender.quiet_minutes == ((0, 30) if kind == "feishu_bot" else ())
    assert sender.is_keyed == (kind in {"webhook", "wecom_app", "feishu_app"})


# --- faults ---

FAULTS: list[tuple[str, Planned, set[str]]] = [
    ("500", Planned(status=500, body=b"trouble"), {"retry"}),
    ("429", Planned(status=429, body=b""), {"throttled"}),
    ("429 with Retry-After", Planned(status=429, headers={"Retry-After": "7"}), {"throttled"}),
    ("302", Planned(status=302, headers={"Location": "http://169.254.169.254/"}), {"permanent"}),
    ("HTML at 200", Planned(body=b"<html><body>login</body></html>"), {"retry"}),
    ("truncated JSON", Planned(body=b'{"errcode":0,"code":0,"ok":tr'), {"retry"}),
    ("an empty object", Planned(body=b"{}"), {"retry"}),
    ("codes as texts", Planned(body=b'{"errcode":"0","code":"0","ok":"true"}'), {"retry"}),
    ("reset before reading", Planned(act="slam"), {"retry", "ambiguous"}),
    ("reset after reading", Planned(act="reset"), {"ambiguous"}),
    ("body breaks off", Planned(act="break"), {"ambiguous"}),
    ("no answer", Planned(act="hang"), {"ambiguous"}),
    ("slow body", Planned(act="drip", body=b"x" * 100), {"ambiguous"}),
]


@pytest.mark.parametrize("kind", CHANNELS)
def test_every_fault_has_its_class(receiver: Receiver, kind: str) -> None:
    project = company_of(kind, receiver, {})
    sent = [planned_of(OK[kind]), *(planned for _, planned, _ in FAULTS)]
    receiver.plan(*sent)  # the first fetches the token, where there is one
    first, *answers = send_all(project, [make_intent() for _ in sent], timeout_s=0.25)

    wrong = [
        (what, answer.outcome)
        for (what, planned, outcomes), answer in zip(FAULTS, answers, strict=True)
        if answer.outcome not in outcomes
        and not (kind == "webhook" and planned.status == 200 and planned.act == "answer")
    ]
    assert first.outcome is DeliveryClass.OK
    assert wrong == []


@pytest.mark.parametrize("kind", ["wecom_bot", "dingtalk_bot", "aliyun_sms"])
def test_words_in_another_charset_hide_no_success(receiver: Receiver, kind: str) -> None:
    body = json.dumps(OK[kind]["body"] | {"errmsg": "成功", "Message": "成功"}, ensure_ascii=False)
    receiver.plan(Planned(body=body.encode("gbk")))

    [answer] = send_all(company_of(kind, receiver, {}), [make_intent()])
    assert answer.outcome is DeliveryClass.OK


@pytest.mark.parametrize("path", sorted(TOKENS))
@pytest.mark.parametrize(
    ("planned", "outcome"),
    [
        (Planned(act="reset"), DeliveryClass.RETRY),  # lost, but no message was sent
        (Planned(status=500), DeliveryClass.RETRY),
        (Planned(body=b"<html>"), DeliveryClass.RETRY),
        (Planned(body=b'{"errcode":0,"code":0,"expires_in":7200}'), DeliveryClass.RETRY),
        (Planned(body=b'{"errcode":40001,"code":10014}'), DeliveryClass.PERMANENT),
        (Planned(body=b'{"errcode":45009,"code":99991400}'), DeliveryClass.THROTTLED),
    ],
)
def test_without_a_token_nothing_is_sent(
    receiver: Receiver, path: str, planned: Planned, outcome: DeliveryClass
) -> None:
    kind = "wecom_app" if "gettoken" in path else "feishu_app"
    receiver.standing[path] = planned
    [answer] = send_all(company_of(kind, receiver, {}), [make_intent()])

    assert answer.outcome is outcome
    assert len(receiver.requests) == 1
    assert answer.text.startswith("no access token")


# --- secrets (P22) ---


def echoed(kind: str, text: str) -> Planned:
    """The provider repeats whatever it likes in an answer of its own form."""
    return Planned(
        body=json.dumps(
            {
                "errcode": 1,
                "errmsg": text,
                "code": 1,
                "msg": text,
                "ok": False,
                "error": text,
                "Code": text,
                "Message": text,
                "Response": {"Error": {"Code": "New", "Message": text}},
            },
            ensure_ascii=kind.startswith("wecom"),
        ).encode()
    )


SECRET_TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=40)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    secret=SECRET_TEXT,
    kind=st.sampled_from(sorted(CHANNELS)),
    act=st.sampled_from(["answer", "echo", "reset"]),
)
def test_no_secret_is_logged_or_answered(
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    secret: str,
    kind: str,
    act: str,
) -> None:
    caplog.set_level("DEBUG")
    caplog.clear()
    for name in SECRETS:
        monkeypatch.setenv(name, secret)
    with Receiver() as receiver:
        receiver.standing.update(TOKENS)
        said = f"bad {secret} of {ACCESS_TOKEN} for +86{MOBILE}"
        receiver.plan({"answer": Planned(), "echo": echoed(kind, said)}.get(act, Planned(act=act)))
        answers = send_all(company_of(kind, receiver, {}), [make_intent()])

    seen = caplog.text + repr(answers)
    assert secret not in seen
    assert ACCESS_TOKEN not in seen or kind not in {"wecom_app", "feishu_app"}
    assert MOBILE not in seen


@pytest.mark.parametrize("kind", [kind for kind in CHANNELS if kind != "webhook"])
def test_a_missing_secret_is_named_and_nothing_is_sent(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    for name in SECRETS:
        monkeypatch.delenv(name)
    [answer] = send_all(company_of(kind, receiver, {}), [make_intent()])

    assert answer.outcome is DeliveryClass.PERMANENT
    assert "environment variable" in answer.text
    assert receiver.requests == []


@pytest.mark.parametrize("kind", ["wecom_app", "feishu_app", "aliyun_sms", "tencent_voice"])
def test_who_has_no_address_is_refused_before_anything_is_sent(
    receiver: Receiver, kind: str
) -> None:
    project = company_of(kind, receiver, {"mobile": None, "addresses": {}})
    [answer] = send_all(project, [make_intent(level=Level.RED)])

    assert answer.outcome is DeliveryClass.PERMANENT
    assert receiver.requests == []
