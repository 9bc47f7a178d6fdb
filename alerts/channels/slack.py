"""Slack, by an incoming webhook or by chat.postMessage: an intent in, blocks with buttons out.

Neither takes an idempotency key. A webhook answers the text "ok"; the Web API {"ok": true}.
Sources: docs.slack.dev/messaging/sending-messages-using-incoming-webhooks (errors),
docs.slack.dev/reference/methods/chat.postMessage (errors), docs.slack.dev/apis/web-api/rate-limits
(one message a second and channel), docs.slack.dev/reference/block-kit/blocks (3000 characters a
section, 50 blocks).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from alerts.channels.answer import Answer, permanent
from alerts.channels.codes import Codes, answer_of_code, document_of, scrub, unreadable
from alerts.channels.http import Post, Reply, answer_of_status
from alerts.channels.texts import (
    REPEAT,
    body_of,
    calls_the_person,
    compact,
    secret_values,
)
from alerts.markup import visible
from config.channel_schema import address_at, address_of
from config.providers import address
from config.schema import Owner, SlackChannel
from storage.records import Intent

_PER_SECOND = 0.6  # 60 % of one message a second and channel
_PER_MINUTE = 36
_SECTION_CHARACTERS = 3000

CODES = Codes(
    code=("error",),
    words=(),
    ok=frozenset({"ok"}),
    throttled=frozenset({"ratelimited", "rate_limited"}),
    # "some aspect of the operation may have succeeded before the error was raised"
    ambiguous=frozenset({"fatal_error", "internal_error"}),
    message_id=("ts",),
    permanent={
        "access_denied": "the token may not do this",
        "account_inactive": "the token's account was closed",
        "action_prohibited": "the workspace forbids it",
        "channel_is_archived": "the channel was archived",
        "channel_not_found": "there is no such channel or person",
        "ekm_access_denied": "the workspace was suspended",
        "invalid_arguments": "parameter not accepted",
        "invalid_auth": "the token is not valid",
        "invalid_blocks": "the blocks are not valid",
        "invalid_payload": "the request is not valid",
        "invalid_token": "the hook is not valid",
        "is_archived": "the channel was archived",
        "messages_tab_disabled": "the person takes no messages of this application",
        "missing_scope": "the token lacks the right chat:write",
        "msg_too_long": "message is too long",
        "no_active_hooks": "the hook was removed",
        "no_permission": "the token may not do this",
        "no_service": "the hook was removed",
        "no_service_id": "the hook is not valid",
        "no_team": "there is no such workspace",
        "no_text": "message is empty",
        "not_authed": "no token was given",
        "not_in_channel": "the bot is not in the channel",
        "org_login_required": "the workspace is being moved",
        "posting_to_general_channel_denied": "only administrators post in this channel",
        "restricted_action": "the workspace forbids it",
        "team_access_not_granted": "the token may not do this",
        "team_disabled": "the workspace was closed",
        "token_expired": "the token has expired",
        "token_revoked": "the token was revoked",
        "too_many_attachments": "message is too long",
        "user_not_found": "there is no such person",
    },
)


class SlackSender:
    """Sends through one hook or one bot."""

    is_keyed = False
    per_minute: int | None = _PER_MINUTE
    per_second: float | None = _PER_SECOND
    quiet_minutes: tuple[int, ...] = ()

    def __init__(self, channel: SlackChannel, post: Post) -> None:
        self._channel = channel
        self._post = post

    async def send(self, intent: Intent, owner: Owner, *, repeat: bool) -> Answer:
        """Post the intent as blocks."""
        values = secret_values(self._channel.hook, self._channel.token)
        if isinstance(values, Answer):
            return values
        hook, token = values
        document = blocks_of(intent, body_of(intent, self._channel, repeat=False), repeat=repeat)
        base = address(self._channel).rstrip("/")
        if hook:
            person = address_at(owner, self._channel)
            body = compact(_mentioning(document, intent, person))
            reply = await self._post(base, body, {}, secret_path=quote(hook.strip("/")))
        else:
            room = address_of(owner, self._channel)
            if not room:
                return permanent(f"owner {owner.id} has no address on channel {self._channel.id}")
            body = compact({"channel": room} | document)
            reply = await self._post(
                f"{base}/chat.postMessage", body, {"Authorization": f"Bearer {token}"}
            )
        if isinstance(reply, Answer):
            return reply
        said = _said(reply) if hook else _error(reply)
        return _answer(reply, said, size_bytes=len(body), secrets=values)


def blocks_of(intent: Intent, text: str, *, repeat: bool) -> dict[str, Any]:
    """Return the message: the text in sections, a button for each action, a line for notices."""
    text = f"{REPEAT}{text}" if repeat else text
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": part}} for part in _sections(text)
    ]
    buttons = []
    for action in intent.actions:
        button: dict[str, Any] = {
            "type": "button",
            "text": {"type": "plain_text", "text": action.label},
            "url": action.url,
        }
        buttons.append(button | ({"style": "primary"} if action.name == "ack" else {}))
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    title = f"{REPEAT}{intent.subject}" if repeat else intent.subject
    return {"text": _escaped(visible(title)), "blocks": blocks}


def _sections(text: str) -> list[str]:
    """Return the text in parts of at most 3000 characters, divided between lines."""
    parts = [""]
    for line in text.split("\n"):
        for start in range(0, max(len(line), 1), _SECTION_CHARACTERS - 1):
            piece = line[start : start + _SECTION_CHARACTERS - 1]
            if len(parts[-1]) + len(piece) + 1 > _SECTION_CHARACTERS:
                parts.append("")
            parts[-1] += f"\n{piece}" if parts[-1] else piece
    return [part for part in parts if part.strip()] or [" "]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _mentioning(document: dict[str, Any], intent: Intent, person: str) -> dict[str, Any]:
    """Return the message calling the person from orange up."""
    if not person or not calls_the_person(intent.level):
        return document
    call = {"type": "section", "text": {"type": "mrkdwn", "text": f"<@{person}>"}}
    return document | {"blocks": [*document["blocks"], call]}


def _said(reply: Reply) -> str:
    """Return a webhook's one word, "" when it is none."""
    text = reply.body.decode(errors="replace").strip()
    return text if text.isascii() and text.replace("_", "").isalnum() and len(text) < 60 else ""


def _error(reply: Reply) -> str:
    """Return the Web API's code, "ok" for a success, "" when there is neither."""
    document = document_of(reply.body)
    if document.get("ok") is True:
        return "ok"
    error = document.get("error")
    return error if isinstance(error, str) and document.get("ok") is False else ""


def _answer(reply: Reply, said: str, *, size_bytes: int, secrets: tuple[str, ...]) -> Answer:
    by_status = answer_of_status(reply, size_bytes=size_bytes)
    named = said in CODES.permanent or said in CODES.throttled or said in CODES.ambiguous
    if by_status is not None and not (named and reply.status < 500 and reply.status != 429):
        return by_status
    if not said:
        return unreadable(reply, size_bytes=size_bytes)
    code = scrub(said, secrets)
    return answer_of_code(
        CODES, code, "", reply, size_bytes=size_bytes, document=document_of(reply.body)
    )
