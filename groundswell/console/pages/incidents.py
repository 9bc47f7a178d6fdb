"""The incident list and the incident page with everything a person can do there."""

from __future__ import annotations

import json
import secrets
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from alerts.card import service_words
from alerts.growth import growth_words
from alerts.hot import words as hot_words
from alerts.incidents import IllegalMove, allowed_commands
from alerts.messages import duration_words
from alerts.voices import judge_voices
from config.errors import GroundswellError
from groundswell.batches import batch_block
from groundswell.console import words
from groundswell.console.base import Console, Form, logged_in
from groundswell.console.event_marks import event_marks
from groundswell.console.pages.incident_forms import LEVELS, TEXT_LIMIT, local_time, to_command
from groundswell.console.pages.incident_lessons import answer_marks
from groundswell.console.pages.incident_parts import parts_of
from groundswell.console.pages.incident_tasks import OF_TASKS
from groundswell.console.pages.incident_timeline import timeline
from groundswell.console.render import curve
from groundswell.hot import HotLists
from groundswell.responses import answers_to
from groundswell.unconfirmed import unconfirmed_lines
from storage.queries import Queries
from storage.records import (
    Cluster,
    Evidence,
    Incident,
    IncidentState,
    Mention,
    TaskKind,
    Verdict,
)

_WORKING = (IncidentState.OPEN, IncidentState.ACKNOWLEDGED, IncidentState.HANDLED)
_ENDED = (IncidentState.CLOSED, IncidentState.DISMISSED, IncidentState.MERGED)
_LIST_LIMIT = 200
_ENDED_LIMIT = 20
_MENTIONS_SHOWN = 8
_FORESEEN_SHOWN = 20
_FURTHER_SHOWN = 4
_CHANGED_SHOWN = 10
_TEXTS_SHOWN = 3  # old texts of an edited mention; all of them stand on its own page
_CURVE_DAYS = 7
_NOTICES = {"replied": "公开回应已登记。", "labelled": "已复核，数字和评级已更新。"}
_OF_SEATS = frozenset({"handover", "accept", "decline", "unlock"})  # theirs beside the three


def list_page(console: Console, request: Request) -> Response:
    """Show what is open, by level and then by age, and what ended lately."""
    template = "incident_rows.html" if request.headers.get("hx-request") else "incidents.html"
    with console.store.read() as queries:
        working = queries.incidents(_WORKING, _LIST_LIMIT, 0, "level")
        ended = queries.incidents(_ENDED, _ENDED_LIMIT, 0, "updated")
        foreseen = queries.would_have_been()
        unconfirmed = unconfirmed_lines(queries, console.project)
    working.sort(key=lambda incident: (-incident.level, incident.opened_at))
    groups = [(state, [i for i in working if i.state is state]) for state in _WORKING]
    return console.page(
        request,
        template,
        groups=[(state, incidents) for state, incidents in groups if incidents],
        ended=ended,
        foreseen=foreseen[::-1][:_FORESEEN_SHOWN],
        foreseen_count=len(foreseen),
        unconfirmed=unconfirmed,
    )


def incident_page(console: Console, request: Request) -> Response:
    """Show one incident: why, how it grows, what is said, what was done."""
    name = request.query_params.get("done", "")
    done = words.ACTIONS.get(name)
    notice = done.done if done else _NOTICES.get(name, "")
    return _show(console, request, notice=notice)


def act(console: Console, request: Request, form: Form) -> Response:
    """Carry out what a person asked for on the incident page."""
    visitor = logged_in(request)
    name = str(request.path_params["action"])
    incident = str(request.path_params["incident"])
    if name == "replied":
        return _replied(console, request, incident, form)
    if name not in words.ACTIONS:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    try:
        zone = console.zone(visitor)
        command = to_command(name, visitor.name, form, console.clock.now(), zone)
        acted = console.desk.act(incident, command)
    except IllegalMove as refusal:
        return _show(console, request, problem=str(refusal), status=HTTPStatus.CONFLICT)
    return RedirectResponse(f"/incidents/{acted.incident_id}?done={name}", 303)


def _replied(console: Console, request: Request, named: str, form: Form) -> Response:
    """Note the public answer that a person enters; the time is in the reader's zone."""
    incident = find(console, named)
    visitor = logged_in(request)
    try:
        console.desk.replied(
            incident.incident_id,
            url=form.get("url", ""),
            actor=visitor.name,
            at=local_time(form.get("at", ""), console.zone(visitor), "回应时间"),
            note=form.get("text", "")[:TEXT_LIMIT],
            command_id=form.get("once", "")[:64],
        )
    except GroundswellError as refusal:
        return _show(console, request, problem=str(refusal), status=HTTPStatus.CONFLICT)
    return RedirectResponse(f"/incidents/{incident.incident_id}?done=replied", 303)


def _show(
    console: Console,
    request: Request,
    *,
    notice: str = "",
    problem: str = "",
    status: int = HTTPStatus.OK,
) -> Response:
    named = str(request.path_params["incident"])
    now = console.clock.now()
    with console.store.read() as queries:
        incident = queries.incident(named)
        if incident is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"没有编号为 {named[:40]} 的事件")
        values = _facts(queries, console, incident, now)
    return console.page(
        request,
        "incident.html",
        status=status,
        incident=incident,
        actions=_actions(incident, logged_in(request).name),
        owners=console.project.owners,
        functions=console.project.functions,
        levels=LEVELS.items(),
        task_kinds=list(TaskKind),
        once=secrets.token_hex(8),
        notice=notice,
        problem=problem,
        **values,
    )


def _facts(queries: Queries, console: Console, incident: Incident, now: datetime) -> dict[str, Any]:
    cluster: Cluster | None = queries.cluster(incident.cluster_id)
    since = now - timedelta(days=_CURVE_DAYS)
    hours = queries.cluster_hours(incident.cluster_id, since)
    mentions = _originals(queries, cluster) if cluster is not None else []
    into = queries.incident(incident.merged_into) if incident.merged_into else None
    series = curve(hours, now)
    evidence = queries.evidence(incident.cluster_id, now) if cluster is not None else None
    answers = answers_to(queries, incident, console.project, now)
    changed = queries.changed_mentions(incident.cluster_id, _CHANGED_SHOWN)
    return {
        "answers": answers,
        "waited": "" if answers.first_after is None else duration_words(answers.first_after),
        **_spread(queries, console, evidence, now),
        "batches": batch_block(queries, console.project, evidence, now) if evidence else None,
        "changed": [
            (mention, queries.mention_revisions(mention.mention_id)[-_TEXTS_SHOWN:])
            for mention in changed
        ],
        "copies": queries.reposts_of([mention.mention_id for mention, _ in mentions]),
        "cluster": cluster,
        "brand": console.project.brand(incident.brand_id),
        "curve": json.dumps(series),
        "answer_marks": answer_marks(answers.responses, since),
        "marks": event_marks(queries, console.project, incident.brand_id, since, now),
        "hours": [count for count in hours if count.mentions][::-1],
        "mentions": mentions,
        "into": into,
        "service": service_words(incident, now),
        "page_parts": list(parts_of(queries, console, incident, now)),
        "timeline": timeline(console, queries, incident, answers, changed),
    }


def _originals(queries: Queries, cluster: Cluster) -> list[tuple[Mention, Verdict]]:
    """Return the representative mention and the newest others; copies are counted with them."""
    face = [cluster.representative_id] if cluster.representative_id is not None else []
    lines = queries.cluster_members_of(cluster.cluster_id, face)
    lines += [
        line
        for line in queries.cluster_originals(cluster.cluster_id, _MENTIONS_SHOWN)
        if line.mention.mention_id not in face
    ]
    return [(line.mention, line.verdict) for line in lines[:_MENTIONS_SHOWN]]


def _spread(
    queries: Queries, console: Console, evidence: Evidence | None, now: datetime
) -> dict[str, str]:
    """Say how far it has spread, who speaks, what else it is about; unknown stays unknown."""
    if evidence is None:
        return dict.fromkeys(("spread", "voices", "growth", "further"), "")
    hot = HotLists(console.project)
    evidence = hot.see(evidence, hot.look(queries, now))
    counted = (("转发", evidence.reposts), ("阅读", evidence.views))
    figures = [f"{name} {'未知' if n is None else f'{n:,}'}" for name, n in counted]
    return {
        "spread": "，".join([*figures, hot_words(evidence)]),
        "voices": judge_voices(evidence, now).text,
        "growth": growth_words(queries.growth(evidence.cluster.cluster_id, now)),
        "further": "、".join(_further(evidence)[:_FURTHER_SHOWN]),
    }


def _further(evidence: Evidence) -> list[str]:
    """Return what else it is about, each once; the first class stands before them."""
    counted = (*evidence.sub_classes, *evidence.also_classes)
    main = {name for name, _ in evidence.issue_classes[:1]}
    return [name for name in dict.fromkeys(name for name, _ in counted) if name not in main]


def _actions(incident: Incident, visitor: str) -> list[words.Action]:
    """Return what this person can do now, the most likely next act first."""
    allowed = {str(name) for name in allowed_commands(incident)}
    if incident.acknowledged_by == visitor:
        allowed.discard("ack")  # taking over is for somebody else
    first = {
        IncidentState.OPEN: "ack",
        IncidentState.ACKNOWLEDGED: "handled",
        IncidentState.HANDLED: "confirm",
    }.get(incident.state, "")
    offered = [
        action
        for name, action in words.ACTIONS.items()
        if name in allowed and name not in OF_TASKS | _OF_SEATS
    ]
    return sorted(offered, key=lambda action: action.name != first)


def find(console: Console, named: str) -> Incident:
    """Return an incident by id or code.

    Errors: GroundswellError when there is none.
    """
    with console.store.read() as queries:
        incident = queries.incident(named)
    if incident is None:
        raise GroundswellError(f"没有编号为 {named[:40]} 的事件")
    return incident
