"""Channels: where messages leave from, by provider. Secrets are named here, never written."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from config.values import Identifier, LevelName, Model, Secret


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


Channel = Annotated[EmailChannel | WebhookChannel | WecomBotChannel, Field(discriminator="kind")]
