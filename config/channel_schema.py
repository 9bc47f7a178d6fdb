"""Channels: where messages leave from, by provider. Secrets are named here, never written.

Out besides the models: how long a text may be on a channel and in which dialect (`text_limits`),
and who a person is there (`address_of`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple, Protocol

from pydantic import Field

from config.people_schema import Owner
from config.provider_schema import ProviderRules
from config.values import Identifier, LevelName, Model, Secret, SecretRef

Dialect = Literal["wecom_markdown", "feishu_md", "dingtalk_md", "slack_mrkdwn", "plain", "html"]

_LEVELS: tuple[LevelName, ...] = ("blue", "yellow", "orange", "red")


class MailReplies(Model):
    """The mailbox to which people answer our mails, read by IMAP; nothing in it is changed."""

    host: str
    port: int = Field(default=993, ge=1, le=65535)
    security: Literal["none", "starttls", "tls"] = "tls"
    username: str
    password: Secret
    folder: str = "INBOX"


class StreamReplies(Model):
    """A DingTalk application of the company in Stream mode: people write to its robot."""

    client_id: str
    client_secret: Secret
    url: str = "https://api.dingtalk.com"


class EmailChannel(Model):
    """A mail server; the recipient is the owner's address."""

    id: Identifier
    kind: Literal["email"]
    host: str
    port: int = Field(default=465, ge=1, le=65535)
    security: Literal["none", "starttls", "tls"] = "tls"
    username: str = ""
    password: Secret | None = None
    sender: str
    replies: MailReplies | None = None


class WebhookChannel(Model):
    """A signed JSON webhook (HMAC-SHA256, Idempotency-Key)."""

    id: Identifier
    kind: Literal["webhook"]
    url: str
    secret: Secret | None = None


class WecomBotChannel(Model):
    """A WeCom (企业微信) group bot; `key` is the bot's secret."""

    id: Identifier
    kind: Literal["wecom_bot"]
    key: Secret
    url: str = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send"
    mention_all_from: LevelName = "orange"


class WecomAppChannel(Model):
    """A WeCom application: writes to one person, whose userid is his address on this channel."""

    id: Identifier
    kind: Literal["wecom_app"]
    corp_id: str
    agent_id: int = Field(ge=1)
    secret: Secret
    url: str = "https://qyapi.weixin.qq.com"


class FeishuBotChannel(Model):
    """A Feishu (飞书) or Lark group bot. `key`: what follows /hook/ in its address.

    `secret`: set where the bot's 签名校验 is on; `keyword`: set where its 自定义关键词 is on.
    """

    id: Identifier
    kind: Literal["feishu_bot"]
    key: Secret
    secret: Secret | None = None
    keyword: str = ""
    url: str = "https://open.feishu.cn/open-apis/bot/v2/hook"
    mention_all_from: LevelName = "red"


class FeishuAppChannel(Model):
    """A Feishu or Lark application: writes to one person, whose open_id is his address here.

    `replies`: keep a connection (长连接) open over which answers and pressed buttons come back.
    """

    id: Identifier
    kind: Literal["feishu_app"]
    app_id: str
    secret: Secret
    url: str = "https://open.feishu.cn"
    replies: bool = False


class DingtalkBotChannel(Model):
    """A DingTalk (钉钉) group bot. `key`: the access_token; `secret`: the SEC... of 加签.

    A group's bot hears nothing: `replies` names the application whose robot does. Who writes to it
    is known by his address on this channel, his userid (staffId).
    """

    id: Identifier
    kind: Literal["dingtalk_bot"]
    key: Secret
    secret: Secret | None = None
    keyword: str = ""
    url: str = "https://oapi.dingtalk.com/robot/send"
    mention_all_from: LevelName = "red"
    replies: StreamReplies | None = None


class SlackChannel(Model):
    """Slack: an incoming webhook (`hook`: what follows /services/) or a bot's `token`.

    With a token the message goes to the person's address here (a user id), else to `room`.
    """

    id: Identifier
    kind: Literal["slack"]
    hook: Secret | None = None
    token: Secret | None = None
    room: str = ""
    url: str | None = None  # the provider's own when not given


class _Templated(Model):
    """What text messages and calls share: a provider, and a template that it holds.

    `params`: the template's variables in its order, and the word of the message each one takes
    (level, title, people, ratio, by, code, name, text); values are cut to `longest` characters.
    `receipts`: the secret end of the address at which the provider reports what became of it.
    """

    id: Identifier
    provider: Literal["aliyun", "tencent"] | ProviderRules
    key_id: Secret | None = None
    secret: Secret | None = None
    template: str
    params: Mapping[str, str] = Field(default_factory=dict)
    longest: int = Field(default=20, ge=1, le=200)
    app: str = ""  # the application's number, where the provider has one (SdkAppId)
    url: str | None = None  # the provider's own when not given
    receipts: Secret | None = None


class SmsChannel(_Templated):
    """Text messages (短信) by a template that the provider holds; needs the owner's mobile.

    `replies`: the secret end of the address at which the provider pushes what people answer (上行).
    """

    kind: Literal["sms"]
    signature: str = ""  # 短信签名, as approved
    replies: Secret | None = None


class VoiceChannel(_Templated):
    """Calls (语音电话) that read a template out; needs the owner's mobile."""

    kind: Literal["voice"]
    caller: str = ""  # the number that is shown, where the provider wants one


class AppriseChannel(Model):
    """Anything else that Apprise knows, by its URL. No receipt: 'sent' means 'handed over'."""

    id: Identifier
    kind: Literal["apprise"]
    address: Secret  # the Apprise URL holds the keys, so all of it is a secret


Channel = Annotated[
    EmailChannel
    | WebhookChannel
    | WecomBotChannel
    | WecomAppChannel
    | FeishuBotChannel
    | FeishuAppChannel
    | DingtalkBotChannel
    | SlackChannel
    | SmsChannel
    | VoiceChannel
    | AppriseChannel,
    Field(discriminator="kind"),
]


class HasLevelName(Protocol):
    """A level, as records have it: an enumeration whose members are called BLUE ... RED."""

    @property
    def name(self) -> str:
        """Return the level's name, upper case."""
        ...


class TextLimits(NamedTuple):
    """How many UTF-8 bytes a text may have on a channel, and the dialect it is written in."""

    bytes: int
    dialect: Dialect


# Bytes of the text itself; senders keep the whole request within the provider's own limit too.
# WeCom: markdown of a bot 4096, text 2048, of an application 2048 each
# (developer.work.weixin.qq.com/document/path/91770, path/90236). Feishu: 20 KB a bot's request, 30
# KB an application's card (open.feishu.cn, custom-bot guide; im-v1/message/create). DingTalk: 20000
# bytes a request (open.dingtalk.com, custom robots). Slack: 3000 characters a section, of which a
# few (docs.slack.dev/reference/block-kit/blocks/section-block). A text message of 70 characters is
# one part. Mails and webhooks get a sane bound.
_LETTER_BYTES = 32768
_LIMITS: Mapping[str, TextLimits] = {
    "email": TextLimits(_LETTER_BYTES, "html"),
    "webhook": TextLimits(_LETTER_BYTES, "plain"),
    "feishu_bot": TextLimits(12000, "feishu_md"),
    "feishu_app": TextLimits(18000, "feishu_md"),
    "dingtalk_bot": TextLimits(12000, "dingtalk_md"),
    "slack": TextLimits(9000, "slack_mrkdwn"),
    "sms": TextLimits(210, "plain"),
    "voice": TextLimits(210, "plain"),
    "apprise": TextLimits(2000, "plain"),
}


def text_limits(channel: Channel, level: HasLevelName) -> TextLimits:
    """Return how long a body may be on this channel at this level, and in which dialect.

    "html": the body is plain text, and the intent's HTML is shown beside it. WeCom: a bot can call
    everybody (@所有人) in a text message only, and an application's markdown is not shown to those
    who read it in WeChat, so that grave messages are plain text there.
    """
    if channel.kind == "wecom_bot":
        plain = _is_from(level, channel.mention_all_from)
        return TextLimits(2048, "plain") if plain else TextLimits(4096, "wecom_markdown")
    if channel.kind == "wecom_app":
        return TextLimits(2048, "plain" if _is_from(level, "orange") else "wecom_markdown")
    return _LIMITS[channel.kind]


def calls_everybody(
    channel: WecomBotChannel | FeishuBotChannel | DingtalkBotChannel, level: HasLevelName
) -> bool:
    """Say whether a message of this level calls everybody in the group (@所有人)."""
    return _is_from(level, channel.mention_all_from)


def address_of(owner: Owner, channel: Channel) -> str:
    """Return who this person is on this channel; "" when it cannot reach him.

    His mail address, his number as E.164, his id at the provider; for a group's bot, a webhook or
    Apprise the channel's own id, for it reaches whoever listens there.
    """
    match channel.kind:
        case "email":
            return (owner.email or "").strip()
        case "sms" | "voice":
            return e164(owner.mobile)
        case "wecom_app" | "feishu_app":
            return address_at(owner, channel)
        case "slack":
            return (address_at(owner, channel) or channel.room) if channel.token else channel.id
        case _:
            return channel.id


def address_at(owner: Owner, channel: Channel) -> str:
    """Return the person's own id at the provider, by which a group's bot calls him; "" for none."""
    return owner.addresses.get(channel.id, "").strip()


def secrets_of(channel: Channel) -> tuple[SecretRef, ...]:
    """Return the references to all secrets of a channel, those of its way back included."""
    replies = getattr(channel, "replies", None)
    parts: tuple[Model, ...] = (channel, replies) if isinstance(replies, Model) else (channel,)
    found = (getattr(part, name) for part in parts for name in type(part).model_fields)
    return tuple(value for value in found if isinstance(value, SecretRef))


def e164(mobile: str | None) -> str:
    """Return a number as +<country><number>; "" when it is none.

    Eleven digits that begin with 1 are a mobile of mainland China.
    """
    bare = re.sub(r"[\s-]", "", mobile or "")
    if re.fullmatch(r"1[3-9][0-9]{9}", bare):
        return f"+86{bare}"
    return bare if re.fullmatch(r"\+[1-9][0-9]{6,14}", bare) else ""


def _is_from(level: HasLevelName, start: LevelName) -> bool:
    name = level.name.lower()
    return name in _LEVELS and _LEVELS.index(name) >= _LEVELS.index(start)
