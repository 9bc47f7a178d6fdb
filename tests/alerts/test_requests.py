"""What goes over the wire to each provider: form, signature, mention, buttons, length."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.channels import Answer, make_sender
from alerts.channels.receipts import read_receipts
from alerts.channels.signing import Call, Key, acs3, canonical_query, tc3
from alerts.channels.templated import found_text
from alerts.channels.texts import fitted
from alerts.channels.tokens import Token
from config.channel_schema import text_limits
from config.provider_schema import ReceiptRules
from config.schema import Project
from storage.records import Action, ChannelId, DeliveryClass, Intent, Level
from tests.alerts.kinds import ACCESS_TOKEN, CHANNELS, MOBILE, PERSON, SECRETS, TOKENS, company_of
from tests.alerts.receiver import Planned, Receiver, Request
from tests.make import NOW, make_intent

ACTIONS = (
    Action(name="ack", label="确认收到", url="https://yq.example/t/ack?a=1&b=2"),
    Action(name="dismiss", label="误报", url="https://yq.example/t/dismiss"),
)
WORDS = {"level": "橙", "title": "云雀Q3·漏水", "people": "12", "code": "舆-7F3K·1·橙"}
EVERY_OK = (
    b'{"errcode":0,"code":0,"ok":true,"Code":"OK",'
    b'"Response":{"SendStatus":{"CallId":"c"},"SendStatusSet":[{"Code":"Ok","SerialNo":"s"}]}}'
)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(Planned(body=EVERY_OK)) as receiver:
        receiver.standing.update(TOKENS)
        yield receiver


def send(
    receiver: Receiver,
    kind: str,
    *intents: Intent,
    repeat: bool = False,
    owner: dict[str, Any] | None = None,
    **channel: Any,
) -> Answer:
    project = company_of(kind, receiver, owner or {}, **channel)

    async def all_of_them() -> Answer:
        sender = make_sender(project.channels[0], project, timeout_s=2.0)
        for intent in intents:
            answer = await sender.send(intent, project.owners[0], repeat=repeat)
        return answer

    if kind == "slack_hook":
        receiver.default = Planned(body=b"ok")
    answer = asyncio.run(all_of_them())
    assert answer.outcome is DeliveryClass.OK, answer
    return answer


def last(receiver: Receiver) -> tuple[Request, Any]:
    request = receiver.requests[-1]
    return request, json.loads(request.body)


# --- signatures, by the documents' own examples ---


@pytest.mark.parametrize(
    ("at", "nonce", "signature"),
    [
        (
            "2023-10-26T10:22:32+00:00",
            "3156853299f313e23d1673dc12e1703d",
            "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
        ),
        (
            "2023-10-26T09:01:01+00:00",
            "d410180a5abf7fe235dd9b74aca91fc0",
            "e521358f7776c97df52e6b2891a8bc73026794a071b50c3323388c4e0df64804",
        ),
    ],
)
def test_acs3_signs_as_the_document_does(at: str, nonce: str, signature: str) -> None:
    query = canonical_query(
        {
            "RegionId": "cn-shanghai",
            "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
        }
    )
    call = Call(
        host="ecs.cn-shanghai.aliyuncs.com",
        path="/",
        query=query,
        body=b"",
        content_type="",
        action="RunInstances",
        version="2014-05-26",
    )
    key = Key(key_id="YourAccessKeyId", secret="YourAccessKeySecret")
    headers = acs3(call, key, datetime.fromisoformat(at), nonce)

    assert headers["Authorization"] == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;"
        "x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        f"Signature={signature}"
    )
    assert "Secret" not in repr((key, Token(value="Secret", expires_s=1)))


def test_tc3_signs_as_the_document_does() -> None:
    body = (
        rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
    )
    call = Call(
        host="cvm.tencentcloudapi.com",
        path="/",
        query="",
        body=body,
        content_type="application/json; charset=utf-8",
        action="DescribeInstances",
        version="2017-03-12",
        service="cvm",
        region="ap-guangzhou",
    )
    key = Key(key_id="AKID" + "*" * 32, secret="*" * 32)
    headers = tc3(call, key, datetime.fromtimestamp(1551113065, UTC))

    assert headers["Authorization"] == (
        f"TC3-HMAC-SHA256 Credential={key.key_id}/2019-02-25/cvm/tc3_request, "
        "SignedHeaders=content-type;host;x-tc-action, "
        "Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f"
    )
    assert headers["X-TC-Timestamp"] == "1551113065"


def test_dingtalk_signature_is_quoted_once(receiver: Receiver) -> None:
    send(receiver, "dingtalk_bot", make_intent())

    query = parse_qs(urlsplit(receiver.requests[0].target).query)
    secret = SECRETS["BOT_SECRET"]
    text = f"{query['timestamp'][0]}\n{secret}".encode()
    expected = base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()
    assert query["sign"] == [expected]  # after one unquoting, as the provider does it
    assert abs(int(query["timestamp"][0]) / 1000 - datetime.now(UTC).timestamp()) < 60
    assert query["access_token"] == [SECRETS["BOT_KEY"]]


def test_feishu_bot_signs_nothing_with_its_secret_as_key(receiver: Receiver) -> None:
    send(receiver, "feishu_bot", make_intent())

    request, body = last(receiver)
    key = f"{body['timestamp']}\n{SECRETS['BOT_SECRET']}".encode()
    expected = base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()
    assert body["sign"] == expected
    assert request.target == f"/open-apis/bot/v2/hook/{SECRETS['BOT_KEY']}"


# --- WeCom application ---


def test_wecom_application_writes_to_one_person_and_is_keyed(receiver: Receiver) -> None:
    intent = make_intent(body="【橙】漏水\n编号：舆-7F3K·1·橙", level=Level.ORANGE)
    send(receiver, "wecom_app", intent)
    send(receiver, "wecom_app", intent, repeat=True)

    sent = [one for one in receiver.requests if "message/send" in one.target]
    assert sent[0].body == sent[1].body  # a repeat is dropped because it is the same JSON
    body = json.loads(sent[0].body)
    assert sent[0].target == f"/cgi-bin/message/send?access_token={ACCESS_TOKEN}"
    assert body["touser"] == PERSON
    assert body["agentid"] == 1000002
    assert (body["enable_duplicate_check"], body["duplicate_check_interval"]) == (1, 14400)
    assert body["msgtype"] == "text"
    assert body["text"]["content"].startswith(intent.body)


def test_wecom_application_keeps_two_intents_of_the_same_words_apart(receiver: Receiver) -> None:
    send(receiver, "wecom_app", make_intent("intent-a"), make_intent("intent-b"))

    first, second = (one.body for one in receiver.requests if "message/send" in one.target)
    assert first != second


@pytest.mark.parametrize(
    ("kind", "ended", "path"),
    [
        ("wecom_app", b'{"errcode":42001,"errmsg":"access_token expired"}', "/cgi-bin/gettoken"),
        ("wecom_app", b'{"errcode":40014,"errmsg":"invalid access_token"}', "/cgi-bin/gettoken"),
        (
            "feishu_app",
            b'{"code":99991663,"msg":"Invalid access token"}',
            "/open-apis/auth/v3/tenant_access_token/internal",
        ),
    ],
)
def test_a_token_that_ended_is_renewed_and_the_message_sent(
    receiver: Receiver, kind: str, ended: bytes, path: str
) -> None:
    receiver.plan(Planned(body=EVERY_OK), Planned(body=ended), Planned(body=EVERY_OK))
    send(receiver, kind, make_intent("intent-a"), make_intent("intent-b"))

    asked = [one.target.partition("?")[0] == path for one in receiver.requests]
    assert asked == [True, False, False, True, False]


# --- cards and buttons ---


def test_feishu_application_sends_a_keyed_card(receiver: Receiver) -> None:
    intent = make_intent(actions=ACTIONS, body="【橙】第三批次滤芯漏水\n编号：舆-7F3K·1·橙")
    send(receiver, "feishu_app", intent, repeat=True)

    request, body = last(receiver)
    card = json.loads(body["content"])
    assert request.target == "/open-apis/im/v1/messages?receive_id_type=open_id"
    assert request.headers["authorization"] == f"Bearer {ACCESS_TOKEN}"
    assert body["uuid"] == intent.intent_id
    assert body["receive_id"] == PERSON
    assert card["header"]["template"] == "orange"
    assert card["header"]["title"]["content"] == intent.subject
    text, buttons = card["elements"]
    assert text == {"tag": "markdown", "content": "编号：舆-7F3K·1·橙"}
    assert [(b["text"]["content"], b["url"]) for b in buttons["actions"]] == [
        (action.label, action.url) for action in ACTIONS
    ]


def test_feishu_button_comes_back_where_answers_are_heard(receiver: Receiver) -> None:
    send(receiver, "feishu_app", make_intent(actions=ACTIONS), replies=True)

    buttons = json.loads(last(receiver)[1]["content"])["elements"][1]["actions"]
    token = ACTIONS[0].url.rpartition("/")[2]
    assert ("url" in buttons[0], buttons[0].get("value")) == (False, {"link": token})
    assert [b.get("url") for b in buttons[1:]] == [action.url for action in ACTIONS[1:]]


@pytest.mark.parametrize(
    ("level", "owner", "call"),
    [
        (Level.YELLOW, {}, ""),
        (Level.ORANGE, {}, f"<at id={PERSON}></at>"),
        (Level.ORANGE, {"addresses": {}}, ""),
        (Level.RED, {}, "<at id=all></at>"),
    ],
)
def test_feishu_bot_calls_whom_the_level_asks_for(
    receiver: Receiver, level: Level, owner: dict[str, Any], call: str
) -> None:
    send(receiver, "feishu_bot", make_intent(level=level, body="正文"), owner=owner, keyword="舆情")

    _, body = last(receiver)
    content = body["card"]["elements"][0]["content"]
    assert content == "\n".join(line for line in ("正文", "舆情", call) if line)


def test_feishu_bot_marks_a_repeat_in_its_title(receiver: Receiver) -> None:
    send(receiver, "feishu_bot", make_intent(), repeat=True)

    assert last(receiver)[1]["card"]["header"]["title"]["content"].startswith("【重发】")


def test_dingtalk_sends_a_card_with_buttons_below_orange(receiver: Receiver) -> None:
    send(receiver, "dingtalk_bot", make_intent(level=Level.YELLOW, actions=ACTIONS), keyword="舆情")

    _, body = last(receiver)
    assert body["msgtype"] == "actionCard"
    assert body["actionCard"]["text"].endswith("\n舆情")
    assert body["actionCard"]["btns"] == [
        {"title": action.label, "actionURL": action.url} for action in ACTIONS
    ]


@pytest.mark.parametrize(
    ("level", "owner", "at"),
    [
        (Level.ORANGE, {}, {"atUserIds": [PERSON], "isAtAll": False}),
        (Level.ORANGE, {"addresses": {}}, {"atMobiles": [MOBILE], "isAtAll": False}),
        (Level.RED, {}, {"isAtAll": True}),
    ],
)
def test_dingtalk_calls_people_and_keeps_the_links(
    receiver: Receiver, level: Level, owner: dict[str, Any], at: dict[str, Any]
) -> None:
    send(receiver, "dingtalk_bot", make_intent(level=level, actions=ACTIONS), owner=owner)

    _, body = last(receiver)
    text = body["markdown"]["text"]
    assert body["at"] == at
    assert all(f"[{action.label}]({action.url})" in text for action in ACTIONS)
    assert (f"@{MOBILE}" in text) == ("atMobiles" in at)


def test_slack_hook_sends_blocks_and_calls_the_person(receiver: Receiver) -> None:
    send(receiver, "slack_hook", make_intent(actions=ACTIONS, subject="【橙】<漏水> & 投诉"))

    request, body = last(receiver)
    section, buttons, call = body["blocks"]
    assert request.target == f"/services/{SECRETS['HOOK_END']}"
    assert body["text"] == "【橙】&lt;漏水&gt; &amp; 投诉"
    assert section["text"]["type"] == "mrkdwn"
    assert [button["url"] for button in buttons["elements"]] == [one.url for one in ACTIONS]
    assert call["text"]["text"] == f"<@{PERSON}>"


@pytest.mark.parametrize(
    ("owner", "room"), [({}, PERSON), ({"addresses": {}}, "C07ROOM")], ids=["person", "room"]
)
def test_slack_bot_writes_to_the_person_or_the_room(
    receiver: Receiver, owner: dict[str, Any], room: str
) -> None:
    send(receiver, "slack_token", make_intent(), owner=owner, room="C07ROOM")

    request, body = last(receiver)
    assert request.target == "/api/chat.postMessage"
    assert request.headers["authorization"] == f"Bearer {SECRETS['APP_SECRET']}"
    assert body["channel"] == room


def test_wecom_bot_calls_the_person_between_the_levels(receiver: Receiver) -> None:
    send(receiver, "wecom_bot", make_intent(level=Level.ORANGE), mention_all_from="red")

    _, body = last(receiver)
    assert body["markdown"]["content"].endswith(f"\n<@{PERSON}>")


def test_webhook_carries_the_buttons(receiver: Receiver) -> None:
    send(receiver, "webhook", make_intent(actions=ACTIONS))

    assert last(receiver)[1]["actions"][0] == {
        "name": "ack",
        "label": "确认收到",
        "url": ACTIONS[0].url,
    }


# --- text messages and calls ---


def test_aliyun_gets_the_parameters_by_name(receiver: Receiver) -> None:
    send(receiver, "aliyun_sms", make_intent(words=WORDS))

    [request] = receiver.requests
    query = {name: value for name, [value] in parse_qs(urlsplit(request.target).query).items()}
    assert query["PhoneNumbers"] == MOBILE
    assert query["SignName"] == "云雀净水"
    assert json.loads(query["TemplateParam"]) == {
        "what": "云雀Q3·漏水",
        "who": "12",
        "code": "舆-7F3K·1·橙",
    }
    assert query["OutId"] == "intent-1"
    assert request.headers["x-acs-action"] == "SendSms"
    assert f"Credential={SECRETS['KEY_ID']}," in request.headers["authorization"]
    assert "content-type" not in request.headers


def test_aliyun_signs_what_goes_over_the_wire(receiver: Receiver) -> None:
    send(receiver, "aliyun_voice", make_intent(words=WORDS))

    [request] = receiver.requests
    call = Call(
        host=receiver.address,
        path="/",
        query=request.target.partition("?")[2],
        body=request.body,
        content_type="",
        action="SingleCallByTts",
        version="2017-05-25",
    )
    key = Key(key_id=SECRETS["KEY_ID"], secret=SECRETS["APP_SECRET"])
    at = datetime.fromisoformat(request.headers["x-acs-date"])
    expected = acs3(call, key, at, request.headers["x-acs-signature-nonce"])
    assert request.headers["authorization"] == expected["Authorization"]
    assert request.headers["host"] == receiver.address


@pytest.mark.parametrize(
    ("kind", "number", "action"),
    [
        ("tencent_sms", ["PhoneNumberSet", ["+86" + MOBILE]], "SendSms"),
        ("tencent_voice", ["CalledNumber", "+86" + MOBILE], "SendTtsVoice"),
    ],
)
def test_tencent_gets_the_parameters_in_their_order(
    receiver: Receiver, kind: str, number: list[Any], action: str
) -> None:
    send(receiver, kind, make_intent(words=WORDS))

    request, body = last(receiver)
    assert body["TemplateParamSet"] == ["云雀Q3·漏水", "12", "舆-7F3K·1·橙"]
    assert body[number[0]] == number[1]
    assert request.headers["x-tc-action"] == action
    timestamp = datetime.fromtimestamp(int(request.headers["x-tc-timestamp"]), UTC)
    assert abs(timestamp - datetime.now(UTC)) < timedelta(minutes=1)


def test_parameters_are_short_harmless_and_never_empty(receiver: Receiver) -> None:
    words = {"title": "漏水<b>\n" + "水" * 80, "code": ""}
    send(receiver, "tencent_sms", make_intent(subject="【橙】云雀·漏水·12人", words=words))

    _, body = last(receiver)
    title, people, code = body["TemplateParamSet"]
    assert len(title) == 20
    assert title.startswith("漏水＜b＞ 水")
    assert (people, code) == ("-", "-")


def test_a_message_without_words_says_what_its_first_line_says(receiver: Receiver) -> None:
    send(receiver, "tencent_sms", make_intent(subject="【橙】云雀Q3漏水·12人·请林晓确认"))

    assert last(receiver)[1]["TemplateParamSet"][0] == "云雀Q3漏水"


def test_a_described_provider_is_spoken_to_as_described(receiver: Receiver) -> None:
    receiver.default = Planned(body=b'{"result":"0","sid":"x1"}')
    provider = {
        "url": f"{receiver.url}/send",
        "headers": {"X-Key": "{secret}"},
        "query": {"app": "{app}"},
        "form": {"to": "{digits}", "text": "{title} {code}", "all": "{params}"},
        "code": "result",
        "message_id": "sid",
        "ok": ["0"],
    }
    answer = send(receiver, "tencent_sms", make_intent(words=WORDS), provider=provider, url=None)

    [request] = receiver.requests
    form = parse_qs(request.body.decode())
    assert answer.provider_message_id == "x1"
    assert request.target == "/send?app=1400006666"
    assert request.headers["x-key"] == SECRETS["APP_SECRET"]
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert form["to"] == ["86" + MOBILE]
    assert form["text"] == ["云雀Q3·漏水 舆-7F3K·1·橙"]
    assert json.loads(form["all"][0])["who"] == "12"


# --- length (P18) ---

LIMITS = {
    "wecom_bot": 2048,
    "wecom_app": 2048,
    "feishu_bot": 20 * 1024,
    "feishu_app": 30 * 1024,
    "dingtalk_bot": 20000,
}
LONG = "".join(f'第{n}条："漏水"\\ 😀 https://forum.example/post/{n}\n' for n in range(900))


def shown(kind: str, body: dict[str, Any]) -> str:
    match kind:
        case "wecom_bot" | "wecom_app":
            text = body[body["msgtype"]]["content"]
        case "feishu_bot":
            text = body["card"]["elements"][0]["content"]
        case "feishu_app":
            text = json.loads(body["content"])["elements"][0]["content"]
        case _:
            text = body["markdown"]["text"]
    return str(text)


@pytest.mark.parametrize("repeat", [False, True])
@pytest.mark.parametrize("kind", LIMITS)
def test_long_messages_are_cut_to_bytes_with_code_and_links_whole(
    receiver: Receiver, kind: str, repeat: bool
) -> None:
    head = "【橙】漏水\n编号：舆-7F3K·1·橙\n确认收到：https://yq.example/t/ack-token\n"
    intent = make_intent(level=Level.ORANGE, subject="【橙】漏水", body=head + LONG)
    send(receiver, kind, intent, repeat=repeat)

    request, body = last(receiver)
    text = shown(kind, body)
    size = len(text.encode()) if kind.startswith("wecom") else len(request.body)
    assert size <= LIMITS[kind]
    assert "舆-7F3K·1·橙" in text
    assert "https://yq.example/t/ack-token\n" in text
    links = [word for word in text.split() if word.startswith("https://forum")]
    assert links == [f"https://forum.example/post/{n}" for n in range(len(links))]
    assert "\ufffd" not in text


@pytest.mark.parametrize("kind", ["feishu_bot", "feishu_app", "dingtalk_bot"])
def test_quotes_that_make_the_json_longer_are_counted(receiver: Receiver, kind: str) -> None:
    lines = "\n".join(['"\\' * 40] * 400)
    send(receiver, kind, make_intent(level=Level.ORANGE, body="首行\n编号：舆-7F3K\n" + lines))

    request, body = last(receiver)
    assert LIMITS[kind] - 400 <= len(request.body) <= LIMITS[kind]
    assert "舆-7F3K" in shown(kind, body)


def test_slack_sections_hold_at_most_3000_characters(receiver: Receiver) -> None:
    send(receiver, "slack_hook", make_intent(body="水" * 9000 + "\n" + LONG))

    blocks = last(receiver)[1]["blocks"]
    assert all(len(block["text"]["text"]) <= 3000 for block in blocks)
    assert len(blocks) <= 50


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 5, 8, 13, 21, 34])
def test_any_text_fits_into_any_limit(limit: int) -> None:
    for text in ("漏水漏水", "a\nb\nc https://x.example/1", "😀😀😀", "【橙】漏水\n编号：舆\n更多"):
        assert len(fitted(text, limit).encode()) <= limit


@settings(max_examples=60, deadline=None)
@given(
    lines=st.lists(
        st.one_of(
            st.text(max_size=40).filter(lambda text: "\n" not in text and "://" not in text),
            st.integers(0, 10**9).map(lambda n: f"见 https://x.example/t/{n}"),
        ),
        max_size=30,
    ),
    limit=st.integers(0, 600),
)
def test_no_link_is_cut_in_two(lines: list[str], limit: int) -> None:
    text = "\n".join(["【橙】漏水", "编号：舆-7F3K·1·橙", *lines])
    cut = fitted(text, limit)

    assert len(cut.encode()) <= limit
    if limit >= len("【橙】漏水\n编号：舆-7F3K·1·橙".encode()):
        assert cut.startswith("【橙】漏水\n编号：舆-7F3K·1·橙")
        assert [line for line in cut.split("\n") if "://" in line and line not in lines] == []


def test_limits_are_said_before_a_text_is_written(receiver: Receiver) -> None:
    said = {
        kind: text_limits(company_of(kind, receiver, {}).channels[0], Level.YELLOW)
        for kind in CHANNELS
    }

    assert said["wecom_bot"] == (4096, "wecom_markdown")
    assert said["dingtalk_bot"].dialect == "dingtalk_md"
    assert said["aliyun_sms"] == (210, "plain")


# --- Apprise ---


def apprise(
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    *,
    scheme: str = "json",
    timeout_s: float = 2.0,
) -> Answer:
    monkeypatch.setenv("APPRISE", f"{scheme}://{receiver.address}/{path}")
    return apprise_now(timeout_s)


def apprise_now(timeout_s: float = 2.0) -> Answer:
    channel = {"id": "it", "kind": "apprise", "address": "env:APPRISE"}
    project = Project.model_validate(
        {"channels": [channel], "owners": [{"id": "lin", "name": "林晓", "channels": ["it"]}]}
    )
    sender = make_sender(project.channels[0], project, timeout_s=timeout_s)
    return asyncio.run(sender.send(make_intent(), project.owners[0], repeat=True))


@pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")  # Apprise still imports it
def test_apprise_hands_over_and_knows_nothing_more(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("apprise")
    caplog.set_level("DEBUG")
    answer = apprise(receiver, monkeypatch, "secret-token")
    receiver.plan(Planned(status=500))
    failed = apprise(receiver, monkeypatch, "secret-token")

    _, body = last(receiver)
    assert answer.outcome is DeliveryClass.OK
    assert failed.outcome is DeliveryClass.AMBIGUOUS  # it takes a lost answer for a refusal
    assert body["message"].startswith("【重发】")
    assert "secret-token" not in caplog.text + repr((answer, failed))


@pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")
def test_apprise_must_be_there_and_understand_the_address(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("apprise")
    odd = apprise(receiver, monkeypatch, "", scheme="carrier-pigeon")
    monkeypatch.setitem(sys.modules, "apprise", None)  # as where the extra is not installed
    absent = apprise(receiver, monkeypatch, "")

    monkeypatch.setenv("APPRISE", "")
    unset = apprise_now()

    assert [odd.outcome, absent.outcome, unset.outcome] == [DeliveryClass.PERMANENT] * 3
    assert "cannot read its address" in odd.text
    assert "groundswell[apprise]" in absent.text
    assert receiver.requests == []


@pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")
def test_apprise_that_does_not_come_back_may_have_sent_it(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("apprise")
    receiver.plan(Planned(act="hang"))
    answer = apprise(receiver, monkeypatch, "", timeout_s=0.2)

    assert answer.outcome is DeliveryClass.AMBIGUOUS


# --- what cannot leave ---


@pytest.mark.parametrize("url", ["ftp://hook.example.com/in", "https://user@hook.example/in"])
def test_addresses_that_cannot_be_used_are_permanent(receiver: Receiver, url: str) -> None:
    project = company_of("webhook", receiver, {}, url=url)
    sender = make_sender(project.channels[0], project, timeout_s=0.5)
    answer = asyncio.run(sender.send(make_intent(), project.owners[0], repeat=False))

    assert answer.outcome is DeliveryClass.PERMANENT


def test_who_is_nobody_in_slack_gets_nothing(receiver: Receiver) -> None:
    project = company_of("slack_token", receiver, {"addresses": {}})
    sender = make_sender(project.channels[0], project, timeout_s=0.5)
    answer = asyncio.run(sender.send(make_intent(), project.owners[0], repeat=False))

    assert answer.outcome is DeliveryClass.PERMANENT
    assert receiver.requests == []


def test_slack_hook_calls_nobody_below_orange(receiver: Receiver) -> None:
    send(receiver, "slack_hook", make_intent(level=Level.YELLOW))

    assert PERSON not in json.dumps(last(receiver)[1])


def test_a_secret_of_two_lines_adds_no_header(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_SECRET", "xoxb-1\r\nX-Evil: 1")
    project = company_of("slack_token", receiver, {})
    sender = make_sender(project.channels[0], project, timeout_s=0.5)
    answer = asyncio.run(sender.send(make_intent(), project.owners[0], repeat=False))

    assert answer.outcome is DeliveryClass.PERMANENT
    assert "xoxb" not in repr(answer)
    assert receiver.requests == []


def test_places_that_an_answer_does_not_have_are_empty() -> None:
    rules = ReceiptRules(each="sort(@)", id="id", state="state")

    assert found_text("length(code)", {"code": 1}) == ""
    assert read_receipts(ChannelId("sms"), rules, b'[1, "a"]', NOW) is None
