"""A real notice, written for its channel and sent: code, first line and links reach everybody."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import unquote_plus

import pytest

from alerts.channels import make_sender
from alerts.incidents import on_grade
from config.schema import Project
from storage.records import DeliveryClass, Intent, Level
from tests.alerts.kinds import CHANNELS, SECRETS, TOKENS, company_of
from tests.alerts.people import PlainLinks
from tests.alerts.receiver import Planned, Receiver
from tests.alerts.test_requests import EVERY_OK
from tests.make import NOW, make_evidence, make_grade, make_mention, make_verdict

CHATS = [kind for kind in CHANNELS if not kind.endswith(("sms", "voice"))]
RINGING = [kind for kind in CHANNELS if kind.endswith(("sms", "voice"))]


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(Planned(body=EVERY_OK)) as receiver:
        receiver.standing.update(TOKENS)
        yield receiver


def notices(project: Project, level: Level) -> list[Intent]:
    """What the program writes when something is raised, hostile title and all."""
    title = '滤芯"漏水"\\ <b>[假链接](http://evil.example)</b> @所有人'
    samples = [(make_mention(1, title=title, url="https://bbs.example/t/4410"), make_verdict(1))]
    change = on_grade(
        None,
        make_evidence(),
        make_grade(level),
        project,
        NOW,
        samples=samples,
        links=PlainLinks(),
    )
    assert change is not None
    return list(change.intents)


def wire(receiver: Receiver, project: Project, intent: Intent) -> str:
    """Send it and return what stands in the request, escapes undone."""
    sender = make_sender(project.channels[0], project, timeout_s=2.0)
    answer = asyncio.run(sender.send(intent, project.owners[0], repeat=False))
    assert answer.outcome is DeliveryClass.OK, answer
    request = receiver.requests[-1]
    body = request.body.decode()
    inner = json.loads(body)["content"] if '"uuid"' in body else body
    return unquote_plus(request.target) + inner.replace("&amp;", "&")


@pytest.mark.parametrize("level", [Level.YELLOW, Level.ORANGE, Level.RED])
@pytest.mark.parametrize("kind", CHATS)
def test_code_and_links_reach_every_chat(receiver: Receiver, kind: str, level: Level) -> None:
    project = company_of(kind, receiver, {})
    if kind == "slack_hook":
        receiver.default = Planned(body=b"ok")
    [intent, *_] = notices(project, level)
    sent = wire(receiver, project, intent)

    assert intent.channel_id == "it"
    assert f"·1·{level.zh}" in sent
    assert "https://bbs.example/t/4410" in sent
    assert "](http://evil.example)" not in sent
    assert len({action.url for action in intent.actions} - {""}) >= 2
    missing = [action.url for action in intent.actions if action.url not in sent]
    assert missing == []


@pytest.mark.parametrize("kind", RINGING)
def test_the_words_of_a_notice_fill_a_template(receiver: Receiver, kind: str) -> None:
    project = company_of(kind, receiver, {})
    [intent, *_] = notices(project, Level.RED)
    sent = wire(receiver, project, replace(intent, body=""))

    assert intent.words["code"] in sent
    assert intent.words["title"][:8] in sent
    assert "http" not in sent.partition("}")[0]
