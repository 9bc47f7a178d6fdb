"""The transports: one file a provider, each turning an intent into one typed answer.

A transport only translates; when to try again, hold or give up is decided in `alerts.delivery`.
"""

from __future__ import annotations

from collections.abc import Mapping

from alerts.channels.answer import Answer, Sender
from config.schema import (
    AppriseChannel,
    Channel,
    DingtalkBotChannel,
    EmailChannel,
    FeishuAppChannel,
    FeishuBotChannel,
    Project,
    SlackChannel,
    SmsChannel,
    VoiceChannel,
    WebhookChannel,
    WecomAppChannel,
    WecomBotChannel,
)
from storage.records import ChannelId

__all__ = ["Answer", "Sender", "make_sender", "make_senders"]


def make_senders(project: Project, *, timeout_s: float = 10.0) -> Mapping[ChannelId, Sender]:
    """Return one sender per configured channel.

    `timeout_s` bounds each wait within one attempt; it stays well below the lease of an intent.
    Secrets are read when a message is sent, so that a changed file or variable needs no restart.
    """
    return {
        ChannelId(channel.id): make_sender(channel, project, timeout_s=timeout_s)
        for channel in project.channels
    }


def make_sender(channel: Channel, project: Project, *, timeout_s: float = 10.0) -> Sender:
    """Return the sender of one channel."""
    if isinstance(channel, EmailChannel):
        from alerts.channels.email import EmailSender

        return EmailSender(channel, timeout_s=timeout_s)
    if isinstance(channel, AppriseChannel):
        from alerts.channels.long_tail import AppriseSender

        return AppriseSender(channel, timeout_s=timeout_s)
    return _over_http(channel, project, timeout_s)


def _over_http(channel: Channel, project: Project, timeout_s: float) -> Sender:
    """Return the sender of a channel that is spoken to by HTTP; each brings its own imports."""
    from alerts.channels.http import Post

    settings = project.settings
    post = Post(settings.allow_private, timeout_s=timeout_s, user_agent=settings.user_agent)
    sender: Sender
    if isinstance(channel, WebhookChannel):
        from alerts.channels.webhook import WebhookSender

        sender = WebhookSender(channel, post)
    elif isinstance(channel, WecomBotChannel | WecomAppChannel):
        from alerts.channels.wecom_app import WecomAppSender
        from alerts.channels.wecom_bot import WecomBotSender

        if isinstance(channel, WecomBotChannel):
            sender = WecomBotSender(channel, post)
        else:
            sender = WecomAppSender(channel, post)
    elif isinstance(channel, FeishuBotChannel | FeishuAppChannel):
        from alerts.channels.feishu import FeishuAppSender, FeishuBotSender

        if isinstance(channel, FeishuBotChannel):
            sender = FeishuBotSender(channel, post)
        else:
            sender = FeishuAppSender(channel, post)
    elif isinstance(channel, DingtalkBotChannel):
        from alerts.channels.dingtalk_bot import DingtalkBotSender

        sender = DingtalkBotSender(channel, post)
    elif isinstance(channel, SlackChannel):
        from alerts.channels.slack import SlackSender

        sender = SlackSender(channel, post)
    else:
        assert isinstance(channel, SmsChannel | VoiceChannel), channel.kind
        from alerts.channels.templated import TemplatedSender

        sender = TemplatedSender(channel, post)
    return sender
