"""How the messages of a project read: an occasion, a channel and an incident in, a message out.

Without an incident of the database one is made up about the project's own brand and product. The
links have the length of real ones and lead nowhere: they are signed with no installation's key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from pydantic import TypeAdapter

from alerts.messages import Address, Occasion, Rendered, Scene, render_notice
from config.channel_schema import text_limits
from config.errors import GroundswellError
from config.schema import Channel, Owner, Project
from config.wording import did_you_mean
from groundswell.links import SignedLinks
from storage.records import (
    BrandId,
    Cluster,
    ClusterId,
    Evidence,
    Grade,
    Incident,
    IncidentId,
    IncidentState,
    ItemKey,
    Level,
    Mention,
    MentionId,
    OwnerId,
    Polarity,
    Policy,
    Reason,
    Relapse,
    Seat,
    ShardId,
    SourceId,
    Surge,
    Task,
    TaskKind,
    Term,
    TriangleRole,
    Verdict,
)

_SECRET = "env:PREVIEW"  # noqa: S105 - the name of a variable that nobody reads
# The least that a channel of each kind is made of, for kinds that the project has not set up.
_KINDS: Mapping[str, Mapping[str, Any]] = {
    "email": {"host": "mail.example", "sender": "alert@company.example"},
    "webhook": {"url": "https://company.example/hook"},
    "wecom_bot": {"key": _SECRET},
    "wecom_app": {"corp_id": "ww0", "agent_id": 1, "secret": _SECRET},
    "feishu_bot": {"key": _SECRET},
    "feishu_app": {"app_id": "cli_0", "secret": _SECRET},
    "dingtalk_bot": {"key": _SECRET},
    "slack": {"hook": _SECRET},
    "sms": {"provider": "aliyun", "template": "SMS_0"},
    "voice": {"provider": "aliyun", "template": "TTS_0"},
    "apprise": {"address": _SECRET},
}
_MADE_UP = IncidentId("preview")
_WAIT = timedelta(minutes=15)
_SAID = (
    "第三批次用了两天就渗水，厨房地板泡坏了",
    "半夜漏水烫到孩子，客服说要排队",
    "求助：换了两次还是漏",
)
_OF_SEATS = frozenset(
    {Occasion.TRIANGLE, Occasion.HANDOVER, Occasion.HANDOVER_SAID, Occasion.LOCKED}
)
_WORDS = ("渗水", "第三批次", "地板", "客服")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """One message as it would leave. `bytes_limit` is what the channel takes of its body."""

    occasion: Occasion
    channel: Channel
    dialect: str
    bytes_limit: int
    message: Rendered


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a preview is about."""

    incident: Incident
    evidence: Evidence | None
    samples: Sequence[tuple[Mention, Verdict]]


def previews(
    project: Project,
    subject: Subject,
    occasions: Iterable[Occasion],
    channels: Iterable[Channel],
    now: datetime,
) -> Iterator[Preview]:
    """Yield each occasion on each channel, as the incident's owner (or anybody) would get it."""
    base = project.settings.console.base_url or "https://groundswell.company.example"
    scene = Scene(
        project=project,
        links=SignedLinks(base, "preview"),
        evidence=subject.evidence,
        samples=subject.samples,
    )
    owner = project.owner(subject.incident.owner_id) or project.owners[0]
    for occasion, channel in product(occasions, channels):
        incident = _as_of(subject.incident, occasion)
        message = render_notice(incident, occasion, scene, _address(incident, owner, channel, now))
        urgency = occasion.urgency(incident.level)
        limit, dialect = text_limits(channel, urgency)
        yield Preview(
            occasion=occasion,
            channel=channel,
            dialect=dialect,
            bytes_limit=limit,
            message=message,
        )


def occasions_of(name: str) -> list[Occasion]:
    """Return the occasion of this name, all of them for "all".

    Errors: GroundswellError for a name that is none.
    """
    if name == "all":
        return list(Occasion)
    known = [occasion.value for occasion in Occasion]
    if name not in known:
        guess = did_you_mean(name, known)
        raise GroundswellError(f'there is no occasion "{name}"{guess}; known: {", ".join(known)}')
    return [Occasion(name)]


def channels_of(project: Project, name: str) -> list[Channel]:
    """Return the project's channels of this id or kind, one of each kind for "".

    A kind that the project has not set up is shown as if it had.
    Errors: GroundswellError for a name that is neither.
    """
    found = [channel for channel in project.channels if name in {channel.id, channel.kind}]
    if not name:  # a bot each for many people reads alike
        found = list({channel.kind: channel for channel in reversed(project.channels)}.values())
    if found:
        return found
    if name not in _KINDS:
        known = [*_KINDS, *(channel.id for channel in project.channels)]
        guess = did_you_mean(name, known)
        raise GroundswellError(f'there is no channel or kind "{name}"{guess}')
    adapter: TypeAdapter[Channel] = TypeAdapter(Channel)
    return [adapter.validate_python({"id": "preview", "kind": name, **_KINDS[name]})]


def made_up(project: Project, now: datetime) -> Subject:
    """Return an incident about the project's own first brand, so that every line can be seen."""
    brand = next((one for one in project.brands if not one.competitor), project.brands[0])
    line = brand.products[0].name if brand.products else brand.name
    name = line if brand.name in line else brand.name + line
    owner = project.owners[0]
    cluster = Cluster(
        cluster_id=ClusterId("preview"),
        shard_id=ShardId(f"{brand.id}/zh"),
        brand_id=BrandId(brand.id),
        size=21,
        n_duplicates=11,
        first_at=now - timedelta(hours=7),
        last_at=now,
        label="渗水",
        keywords=_WORDS,
    )
    platforms = ("投诉平台", "微博")
    evidence = Evidence(
        cluster=cluster,
        mentions=32,
        authors=32,
        texts=21,
        platforms=platforms,
        reposts=41,
        hot_blind="",
    )
    incident = _incident(name, brand.id, owner, now, project)
    return Subject(incident=incident, evidence=evidence, samples=_samples(name, now))


def _as_of(incident: Incident, occasion: Occasion) -> Incident:
    """Return a made-up incident as it stands on an occasion; a real one as it is."""
    if incident.incident_id != _MADE_UP:
        return incident
    if occasion is not Occasion.REOPENED:
        incident = replace(incident, relapse=None)
    if occasion in _OF_SEATS:
        incident = _with_three(incident, occasion)
    if occasion in {Occasion.CONFIRM, Occasion.CLOSING}:
        state = IncidentState.HANDLED if occasion is Occasion.CONFIRM else IncidentState.CLOSED
        return replace(incident, state=state)
    working = {Occasion.LEASE_WARNING, Occasion.TASK, Occasion.TASK_DUE, Occasion.SOLVE_WARNING}
    state = IncidentState.ACKNOWLEDGED if occasion in working else IncidentState.OPEN
    return replace(incident, state=state, handled_note="")


def _with_three(incident: Incident, occasion: Occasion) -> Incident:
    """Return the incident with three owners, one role of which is offered on a handover."""
    now, owner_id = incident.updated_at, incident.owner_id
    seats = [
        Seat(role=role, owner_id=owner_id, since=now, function=function)
        for role, function in zip(TriangleRole, ("service", "quality", "dealer"), strict=True)
    ]
    if occasion is Occasion.HANDOVER:
        seats[0] = replace(
            seats[0],
            offered_to=owner_id,
            offered_by=owner_id,
            offered_at=now,
            reason="他负责这个地区",
            answer_by=now + _WAIT,
            offer=1,
        )
    locked_at = now if occasion is Occasion.LOCKED else None
    return replace(incident, triangle=tuple(seats), locked_at=locked_at)


def _address(incident: Incident, owner: Owner, channel: Channel, now: datetime) -> Address:
    asks = incident.state is IncidentState.OPEN
    return Address(recipient=owner, channel=channel, at=now, ask_by=now + _WAIT if asks else None)


def _incident(name: str, brand_id: str, owner: Owner, now: datetime, project: Project) -> Incident:
    owner_id = OwnerId(owner.id)
    route = next((route.id for route in project.routes if route.owner == owner.id), "preview")
    policy = Policy(
        route_id=route,
        owner_id=owner_id,
        also=(),
        steps=(),
        ack_lease_s=3600,
        fallback=(),
        reason=f"按路由 {route}，由{owner.name}负责",
    )
    return Incident(
        incident_id=_MADE_UP,
        code="舆-7F3K",
        brand_id=BrandId(brand_id),
        cluster_id=ClusterId("preview"),
        state=IncidentState.OPEN,
        epoch=1,
        level=Level.ORANGE,
        title=f"{name}·渗水",
        issue_class="安全与人身",
        owner_id=owner_id,
        policy=policy,
        grade=_grade(now),
        opened_at=now,
        updated_at=now,
        seq=1,
        authors=32,
        lease_until=now + timedelta(minutes=12),
        handled_at=now - timedelta(days=3),
        handled_by=owner.id,
        handled_note="第三批次停发，已逐一上门更换",
        closed_by=owner.id,
        closed_evidence="回访 16 位，都不再漏水",
        tasks=(
            Task(
                task_id="1",
                kind=TaskKind.FIX,
                title="联系经销商，停售第三批次",
                owner_id=owner_id,
                due_at=now + timedelta(hours=6),
                by=owner.id,
            ),
        ),
        relapse=Relapse(
            closed_at=now - timedelta(days=71),
            cause="第二批次密封圈尺寸偏小，已换供应商",
            said="更换之后没有再漏",
            owner_id=owner_id,
            cluster_id=ClusterId("preview"),
        ),
    )


def _grade(now: datetime) -> Grade:
    surge = Surge(
        kind="spike",
        setting="page",
        window_hours=6,
        observed=32,
        expected=3.6,
        p_value=1e-9,
        ratio=8.9,
        threshold=11.0,
        reason="spike_page",
    )
    return Grade(
        level=Level.ORANGE,
        score=66.4,
        reasons=(
            Reason(code="trigger_injury", text="3 位不同的作者提到受伤，至少橙级", value=3.0),
            Reason(code="harm", text="涉及人身伤害", points=22.5),
        ),
        surge=surge,
        rule_version="preview",
        at=now,
        quiet_if="如果没有 3 位作者提到受伤，就不会到橙级",
    )


def _samples(name: str, now: datetime) -> list[tuple[Mention, Verdict]]:
    terms = (Term(text="渗水", weight=1.4), Term(text="烫到", weight=0.9))
    found = []
    for number, said in enumerate(_SAID, 1):
        mention = Mention(
            mention_id=MentionId(number),
            item_key=ItemKey(f"preview-{number}"),
            source_id=SourceId("preview"),
            platform="投诉平台",
            title=f"{name}{said}",
            text=said,
            published_at=now,
            observed_at=now,
            url=f"https://post.example/{number}",
        )
        verdict = Verdict(
            mention_id=mention.mention_id,
            brand_id=BrandId("preview"),
            model_version="preview",
            negative=0.9,
            polarity=Polarity.NEGATIVE,
            issue_class="产品质量",
            terms=terms,
        )
        found.append((mention, verdict))
    return found
