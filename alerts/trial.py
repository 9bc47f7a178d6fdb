"""Trials: what other people would have been told goes to one reviewer, marked as such.

In: messages as they were written, and the project. Out: the messages that may be sent. Pure. Every
path that writes messages goes through here; the courier asks `is_astray` once more before it sends.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b32encode
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from alerts.correcting import KIND as CORRECTION
from alerts.dialects import style_of
from alerts.escalation import deadline_at
from alerts.markup import cut_bytes, escape, fit_lines, plain, shorten
from alerts.messages import reword
from alerts.moments import clock_words
from alerts.presence import name_of, usable_channels
from alerts.quiet import release_at
from config.channel_schema import text_limits
from config.people_schema import WAKING_KINDS
from config.schema import Channel, Owner, Project, Trial
from storage.records import ChannelId, DigestFacts, Incident, Intent, IntentId, OwnerId

MARK = "试运行"
CANCELLED = "trial"
"""The reason of a message that a trial covers and that was not the reviewer's."""

# Not alerts: a person asked for them, or wrote to us; a trial could not begin without them. What
# was sent before a trial began is corrected where it was sent.
_ANSWERS = frozenset({"test", "verify", "answer", CORRECTION})
_FIRST = 40  # characters of a first line (alerts.messages)
_SHORT = 60  # of a text message (alerts.lock_line)
_NAMED = 8  # who would have been told, by name: more are not read on a phone


def under_way(project: Project, ended: Collection[str], now: datetime) -> Project:
    """Return the project with the trials that hold at `now`: begun, and not put live."""
    if not project.trials:
        return project
    today = now.astimezone(project.settings.zone).date()
    held = (one for one in project.trials if one.id not in ended and one.since <= today)
    return project.model_copy(update={"trials": tuple(held)})


def trial_of_incident(project: Project, incident: Incident) -> Trial | None:
    """Return the trial that an incident is on, by its brand or its route."""
    return next((one for one in project.trials if _is_about(one, incident)), None)


def trial_of(
    project: Project, intent: Intent, incident: Incident | None, live: Collection[str] = ()
) -> Trial | None:
    """Return the trial that covers a message, None when it may reach whom it is meant for.

    A message about no incident (a digest, a notice of a source) is covered when its reader is, or
    when every brand of the project is on trial.
    """
    if intent.kind in _ANSWERS:
        return None
    found = covering(project, incident, intent.recipient_id, live)
    if found is None and intent.incident_id is None:
        return whole_project(project, live)
    return found


def covering(
    project: Project, incident: Incident | None, owner_id: str, live: Collection[str] = ()
) -> Trial | None:
    """Return the trial on which an incident is, by brand or route, else the one a person is on."""
    held = [one for one in project.trials if one.id not in live]
    about = (one for one in held if incident is not None and _is_about(one, incident))
    return next(about, None) or next((one for one in held if owner_id in one.person), None)


def whole_project(project: Project, live: Collection[str] = ()) -> Trial | None:
    """Return the first trial of a brand when all brands of ours are on trial."""
    held = [one for one in project.trials if one.brand and one.id not in live]
    covered = {brand for one in held for brand in one.brand}
    own = {brand.id for brand in project.brands if not brand.competitor}
    return held[0] if held and own <= covered else None


def is_astray(
    project: Project, intent: Intent, incident: Incident | None, live: Collection[str] = ()
) -> bool:
    """Say whether a message is on trial and not addressed to its reviewer: it must not be sent."""
    if intent.trial_id:
        written = next((one for one in project.trials if one.id == intent.trial_id), None)
        return written is not None and intent.recipient_id != written.reviewer
    found = trial_of(project, intent, incident, live)
    return found is not None and intent.recipient_id != found.reviewer


def reader_of(project: Project, trial: Trial) -> tuple[Owner, Channel | None]:
    """Return the reviewer and his first channel that can reach him, None when there is none.

    That there is such a person is checked when the project is read (config.trial_checks).
    """
    owner = project.owner(trial.reviewer)
    assert owner is not None, "checked in config.trial_checks"
    return owner, next(iter(usable_channels(owner, project)), None)


def redirect(
    intent: Intent,
    incident: Incident | None,
    project: Project,
    live: Collection[str] = (),
) -> Intent:
    """Return a message as it may be sent: itself, or the reviewer's with who it was meant for.

    `live`: ids of trials that were put live. A message is redirected once: one that is on trial
    already comes back as it is.
    """
    return redirect_all([intent], incident, project, live)[0]


def redirect_all(
    intents: Iterable[Intent],
    incident: Incident | None,
    project: Project,
    live: Collection[str] = (),
    *,
    is_worded: bool = False,
) -> list[Intent]:
    """Do what `redirect` does for the messages of one act: a reviewer gets one of what is alike.

    Those of one trial about one thing become one message, which names everybody who would have
    been told. `is_worded`: bodies and signed links were made for the reviewer and his channel.
    """
    kept: list[Intent] = []
    on_trial: dict[tuple[str, ...], tuple[Trial, list[Intent]]] = {}
    for intent in intents:
        trial = None if intent.trial_id else trial_of(project, intent, incident, live)
        if trial is None:
            kept.append(intent)
            continue
        about = [intent.incident_id] if intent.incident_id else [intent.kind, intent.subject]
        key = (trial.id, *about)
        on_trial.setdefault(key, (trial, []))[1].append(intent)
    found = [
        _to_reviewer(trial, group, project, is_worded=is_worded)
        for trial, group in on_trial.values()
    ]
    return [*kept, *found]


def instead(
    intent: Intent, incident: Incident | None, project: Project, live: Collection[str] = ()
) -> Intent | None:
    """Return what the reviewer reads in the place of a message that is astray.

    Such a one was written before the trial began, or while somebody else was its reviewer: it may
    not go where it is addressed, and must not go unheard. None where nothing covers it.
    """
    if not intent.trial_id:
        found = redirect(intent, incident, project, live)
        return found if found.trial_id else None
    trial = next((one for one in project.trials if one.id == intent.trial_id), None)
    channel = reader_of(project, trial)[1] if trial else None
    before = project.channel(intent.channel_id)
    if trial is None or channel is None:
        return None
    limits = text_limits(channel, intent.level)
    dialect = text_limits(before, intent.level).dialect if before else limits.dialect
    body = _without(intent.body, [action.url for action in intent.actions])
    key = f"{intent.intent_id}|{trial.reviewer}|{channel.id}"
    digest = hashlib.sha256(key.encode()).digest()
    return replace(
        intent,
        intent_id=IntentId(b32encode(digest).decode()[:26].lower()),
        recipient_id=OwnerId(trial.reviewer),
        channel_id=ChannelId(channel.id),
        body=reword(body, (), dialect, limits),
        html="",
        actions=(),  # signed for somebody else
        words=_words(intent, name_of(project, trial.reviewer)),
    )


def marked(intent: Intent, trial_id: str) -> Intent:
    """Return a message to a reviewer that was made of messages on trial, a summary, as one."""
    subject = shorten(f"【{MARK}】{intent.subject}", _FIRST)
    first, *rest = intent.body.split("\n")
    return replace(
        intent,
        trial_id=trial_id,
        subject=subject,
        body="\n".join([first.replace(intent.subject, subject, 1), *rest]),
        words=_words(intent, intent.words.get("name", "")),
    )


def meant_for(intent: Intent) -> tuple[OwnerId, ...]:
    """Return who would have been told of a message on trial."""
    return tuple(OwnerId(one) for one in intent.meant_for.split(",") if one)


def _is_about(trial: Trial, incident: Incident) -> bool:
    return incident.brand_id in trial.brand or incident.policy.route_id in trial.route


def _to_reviewer(
    trial: Trial, group: Sequence[Intent], project: Project, *, is_worded: bool
) -> Intent:
    """Make one message to the reviewer of what others would have been told."""
    first = max(group, key=lambda one: one.level)
    owner, channel = reader_of(project, trial)
    # never a channel of somebody else: a group would read it
    channel_id = ChannelId(channel.id if channel else owner.channels[0])
    digest = hashlib.sha256(f"{trial.id}|{group[0].intent_id}|{channel_id}".encode()).digest()
    head = _head(trial, group, project, owner)
    calendar = project.settings.calendar
    due_at = release_at(owner, first.level, project.levels, first.created_at, calendar)
    has_end = first.deadline_at is not None
    return replace(
        first,
        intent_id=IntentId(b32encode(digest).decode()[:26].lower()),
        recipient_id=OwnerId(owner.id),
        channel_id=channel_id,
        subject=shorten(f"【{MARK}】{first.subject}", _FIRST),
        body=_body(first, head, channel, project, is_worded=is_worded),
        html=_html(first.html, head),
        actions=first.actions if is_worded else (),  # signed for somebody else
        words=_words(first, owner.name),
        due_at=due_at,
        deadline_at=deadline_at(owner, first.level, due_at) if has_end else None,
        trial_id=trial.id,
        meant_for=OwnerId(",".join(dict.fromkeys(one.recipient_id for one in group))),
    )


def _head(trial: Trial, group: Sequence[Intent], project: Project, owner: Owner) -> str:
    """Say who would have been told, by which channels and when."""
    ways: dict[str, list[str]] = {}
    for one in group:
        clock = clock_words(one.due_at, one.created_at, owner.zone)
        ways.setdefault(one.recipient_id, []).append(f"{plain(one.channel_id)} {clock}")
    named = [f"{plain(name_of(project, who))}（{'、'.join(by)}）" for who, by in ways.items()]
    more = f" 等 {len(named)} 人" if len(named) > _NAMED else ""
    told = "、".join(named[:_NAMED])
    return f"{MARK}（{trial.id}）只发给你。本应通知：{told}{more}"


def _body(
    intent: Intent, head: str, channel: Channel | None, project: Project, *, is_worded: bool
) -> str:
    if channel is None:
        return f"【{MARK}】{intent.body}"
    limits = text_limits(channel, intent.level)
    if channel.kind in WAKING_KINDS:  # a text message: one line
        return cut_bytes(f"{MARK}：{intent.body}", limits.bytes)
    body = intent.body
    before = project.channel(intent.channel_id)
    if not is_worded:
        body = _without(body, [action.url for action in intent.actions])
        if before is not None:
            body = reword(body, (), text_limits(before, intent.level).dialect, limits)
    end = style_of(limits.dialect).end
    first, *rest = body.split(end)
    lines = [(f"【{MARK}】{first}", True), (head, True)]
    lines += [(line, "://" in line) for line in rest]
    if sum(len(f"{line}{end}".encode()) for line, stays in lines if stays) > limits.bytes:
        lines = [*lines[:2], *((line, False) for line, _ in lines[2:])]
    return fit_lines(lines, limits.bytes, end)


def _without(body: str, urls: Sequence[str]) -> str:
    """Take out the lines of links that act in somebody else's name."""
    return "\n".join(
        line for line in body.split("\n") if not any(url and url in line for url in urls)
    )


def _html(html: str, head: str) -> str:
    """Put the mark on top of a mail's page; a page without a body is left out."""
    if not html:
        return ""
    note = f'<p style="padding:8px;border:1px solid #b58900">{escape(head)}</p>'
    found = re.search(r"<body[^>]*>", html)
    if found is None:
        return ""
    return f"{html[: found.end()]}{note}{html[found.end() :]}"


def _words(intent: Intent, name: str) -> dict[str, str]:
    if not intent.words:
        return {}
    said = {
        key: shorten(f"{MARK}·{intent.words[key]}", _SHORT)
        for key in ("title", "text")
        if key in intent.words
    }
    return {**intent.words, **said, "name": name}


def digest_share(facts: DigestFacts, owner: Owner, project: Project) -> DigestFacts:
    """Return what a person's digest may tell of: incidents on trial stand in their reviewer's only.

    Those of a digest that goes to a reviewer as a whole stay as they are; a reviewer reads his
    trials' incidents, marked, whoever would have been told.
    """
    if covering(project, None, owner.id) or whole_project(project):
        return facts
    kept = _share_of(facts.incidents, owner, project)
    late_tasks = _share_of(facts.late_tasks, owner, project)
    named = {one.incident_id for one in (*kept, *late_tasks)}
    hidden = {brand for one in project.trials if one.reviewer != owner.id for brand in one.brand}
    return replace(
        facts,
        incidents=kept,
        late_tasks=late_tasks,
        events=tuple(one for one in facts.events if one.incident_id in named),
        counts={key: value for key, value in facts.counts.items() if key in named},
        signals=tuple(one for one in facts.signals if one.brand_id not in hidden),
        topics=tuple(one for one in facts.topics if one.brand_id not in hidden),
        would_have_been=() if hidden else facts.would_have_been,
    )


def _share_of(
    incidents: Iterable[Incident], owner: Owner, project: Project
) -> tuple[Incident, ...]:
    kept: list[Incident] = []
    for incident in incidents:
        trial = trial_of_incident(project, incident)
        if trial is None:
            kept.append(incident)
        elif trial.reviewer == owner.id:
            told = tuple(dict.fromkeys((*incident.told, OwnerId(owner.id))))
            kept.append(replace(incident, title=f"{MARK}·{incident.title}", told=told))
    return tuple(kept)
