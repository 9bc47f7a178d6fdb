"""The transports: one file a channel, each turning an intent into one typed answer.

A transport only translates; when to try again, hold or give up is decided in `alerts.delivery`.
"""

from __future__ import annotations

from collections.abc import Mapping

from alerts.channels.answer import Answer, Sender
from config.errors import ConfigError
from config.schema import Channel, EmailChannel, Project, WebhookChannel, WecomBotChannel
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
    settings = project.settings
    if isinstance(channel, EmailChannel):
        from alerts.channels.email import EmailSender

        return EmailSender(channel, timeout_s=timeout_s)
    from alerts.channels.http import Post

    post = Post(settings.allow_private, timeout_s=timeout_s, user_agent=settings.user_agent)
    if isinstance(channel, WebhookChannel):
        from alerts.channels.webhook import WebhookSender

        return WebhookSender(channel, post)
    if isinstance(channel, WecomBotChannel):
        from alerts.channels.wecom_bot import WecomBotSender

        return WecomBotSender(channel, post)
    raise ConfigError(f'channel "{channel.id}": kind {channel.kind} is not spoken by this version')
