"""All ways back of a project, kept open beside the main job; text messages come by the console."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Iterator

from alerts.channels.http import Post
from config.errors import ConfigError
from config.schema import DingtalkBotChannel, EmailChannel, FeishuAppChannel, Project
from groundswell.clock import Clock
from groundswell.desk import Desk
from groundswell.inbound.connecting import check_installed, keep
from groundswell.inbound.desk import ReplyDesk
from groundswell.links import SignedLinks
from storage.store import Store

log = logging.getLogger(__name__)

_TIMEOUT_S = 10.0


class Listening:
    """Starts what hears, and ends it. Nothing runs where no channel has `replies`."""

    def __init__(
        self, project: Project, store: Store, clock: Clock, desk: Desk, links: SignedLinks
    ) -> None:
        self._project = project
        self._store = store
        self._clock = clock
        self._replies = ReplyDesk(
            store=store, project=project, clock=clock, desk=desk, links=links, woken=desk.woken
        )
        self._tasks: list[asyncio.Future[None]] = []

    def start(self) -> None:
        """Begin to hear on the running loop."""
        self._tasks = [asyncio.ensure_future(one) for one in self._ways()]

    async def stop(self) -> None:
        """End all connections; what was not acknowledged is brought again at the next start."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks = []

    def _ways(self) -> Iterator[Awaitable[None]]:
        settings = self._project.settings
        post = Post(settings.allow_private, timeout_s=_TIMEOUT_S, user_agent=settings.user_agent)
        private, take = tuple(settings.allow_private), self._replies.take
        for channel in self._project.channels:
            if isinstance(channel, EmailChannel) and channel.replies:
                from groundswell.inbound.mailbox import Mailbox

                yield Mailbox(channel, channel.replies, self._store, self._clock, take).watch()
            elif isinstance(channel, DingtalkBotChannel) and channel.replies and _can(channel):
                from groundswell.inbound.dingtalk import DingtalkStream

                stream = DingtalkStream(channel, channel.replies, post, private, take)
                yield keep(channel.id, stream.session)
            elif isinstance(channel, FeishuAppChannel) and channel.replies and _can(channel):
                from groundswell.inbound.feishu import FeishuConnection

                connection = FeishuConnection(channel, post, private, take)
                yield keep(channel.id, connection.session)


def _can(channel: DingtalkBotChannel | FeishuAppChannel) -> bool:
    """Say whether a long connection can be held here; the main job goes on without."""
    try:
        check_installed(channel.kind.partition("_")[0])
    except ConfigError as error:
        log.error("replies channel=%s: %s", channel.id, error)  # noqa: TRY400 - it says it all
        return False
    return True
