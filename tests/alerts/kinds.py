"""One channel of every kind that speaks HTTP, pointed at a receiver, with made-up secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from config.schema import Project
from tests.alerts.people import make_project
from tests.alerts.receiver import Planned, Receiver

PERSON = "LinXiao"
MOBILE = "13800138000"
SECRETS = {
    "BOT_KEY": "693a91f6-7abc-4bc4-97a0-key-of-a-bot",
    "BOT_SECRET": "SEC/9c5f+41=secret-of-a-bot",
    "APP_SECRET": "s3cret-of-the-application/+=",
    "HOOK_END": "T07ABC/B07DEF/end-of-a-hook",
    "KEY_ID": "LTAI5t-key-id",
    "RECEIPTS": "end-of-the-receipts-address",
}
ACCESS_TOKEN = "t-g1044ghJRUIJJ5ELPI6Q-token"
_WORDS = {"what": "title", "who": "people", "code": "code"}
_SMS = {
    "kind": "sms",
    "key_id": "env:KEY_ID",
    "secret": "env:APP_SECRET",
    "signature": "云雀净水",
    "template": "SMS_1001",
    "params": _WORDS,
    "app": "1400006666",
}
_VOICE = {key: value for key, value in _SMS.items() if key != "signature"} | {"kind": "voice"}
CHANNELS: Mapping[str, Mapping[str, Any]] = {
    "webhook": {"kind": "webhook", "secret": "env:APP_SECRET", "url": "/hook"},
    "wecom_bot": {"kind": "wecom_bot", "key": "env:BOT_KEY", "url": "/cgi-bin/webhook/send"},
    "wecom_app": {
        "kind": "wecom_app",
        "corp_id": "ww1",
        "agent_id": 1000002,
        "secret": "env:APP_SECRET",
        "url": "",
    },
    "feishu_bot": {
        "kind": "feishu_bot",
        "key": "env:BOT_KEY",
        "secret": "env:BOT_SECRET",
        "url": "/open-apis/bot/v2/hook",
    },
    "feishu_app": {
        "kind": "feishu_app",
        "app_id": "cli_1",
        "secret": "env:APP_SECRET",
        "url": "",
    },
    "dingtalk_bot": {
        "kind": "dingtalk_bot",
        "key": "env:BOT_KEY",
        "secret": "env:BOT_SECRET",
        "url": "/robot/send",
    },
    "slack_hook": {"kind": "slack", "hook": "env:HOOK_END", "url": "/services"},
    "slack_token": {"kind": "slack", "token": "env:APP_SECRET", "url": "/api"},
    "aliyun_sms": _SMS | {"provider": "aliyun", "url": "/"},
    "aliyun_voice": _VOICE | {"provider": "aliyun", "url": "/", "caller": "05710000"},
    "tencent_sms": _SMS | {"provider": "tencent", "url": "/"},
    "tencent_voice": _VOICE | {"provider": "tencent", "url": "/"},
}
TOKENS = {
    "/cgi-bin/gettoken": Planned(
        body=b'{"errcode":0,"errmsg":"ok","access_token":"%b","expires_in":7200}'
        % ACCESS_TOKEN.encode()
    ),
    "/open-apis/auth/v3/tenant_access_token/internal": Planned(
        body=b'{"code":0,"msg":"ok","tenant_access_token":"%b","expire":7200}'
        % ACCESS_TOKEN.encode()
    ),
}


def company_of(kind: str, receiver: Receiver, owner: Mapping[str, Any], **fields: Any) -> Project:
    """A company with one person and one channel of this kind, called "it"."""
    channel = dict(CHANNELS[kind]) | {"id": "it"}
    channel["url"] = receiver.url + channel["url"]
    person = {
        "id": "lin",
        "name": "林晓",
        "channels": ["it"],
        "mobile": MOBILE,
        "addresses": {"it": PERSON},
    }
    return make_project(
        channels=[channel | fields],
        owners=[person | dict(owner)],
        routes=[],
        fallback=["lin"],
        settings={"allow_private": [receiver.address]},
    )
