"""People's word on clusters: what each form of their pages will do, and doing it.

Every edit goes through the desk, which refuses what makes no sense with a text for people; the
page that asked shows it. What was done stands in the journal, and the next page offers to undo it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from config.errors import GroundswellError
from groundswell.cluster_desk import ClusterDesk, Edited
from groundswell.console.base import Console, Form, logged_in
from groundswell.console.cluster_words import likeliest, likeliest_for
from groundswell.console.pages.clusters import face_of, find, proposals_of, show
from groundswell.label_values import read_id
from storage.cluster_pages import MemberLine
from storage.queries import Queries
from storage.records import Cluster, ClusterId, Growth, MentionId

_NOTE_LIMIT = 500  # characters
_WORDS_LIMIT = 60
_FOUND_SHOWN = 16  # clusters that a search brings
_MENTIONS_LIMIT = 200  # ten pages of members: an address and a form hold as many


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who asks for an edit of which cluster, when, and why."""

    cluster_id: ClusterId
    actor: str
    now: datetime
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of two clusters that are held against each other."""

    cluster: Cluster
    growth: Growth
    face: MemberLine | None


# --- what will be done ------------------------------------------------------------------------


def merge_page(console: Console, request: Request) -> Response:
    """Offer the likeliest clusters, or show two side by side before they become one."""
    return _merge(console, request, request.query_params.get("with", ""))


def split_page(console: Console, request: Request) -> Response:
    """Show what would become a cluster of its own."""
    return _pick(console, request, _picked(request.query_params), is_move=False)


def move_page(console: Console, request: Request) -> Response:
    """Show what would go to another cluster, and which."""
    other = request.query_params.get("with", "")
    return _pick(console, request, _picked(request.query_params), is_move=True, other=other)


def _merge(
    console: Console, request: Request, named: str, *, problem: str = "", status: int = 200
) -> Response:
    _desk(console)
    with console.store.read() as queries:
        cluster = find(queries, request)
        other = _other(queries, cluster, named)
        values = _choices(queries, request, cluster) if other is None else {}
        side = _side(console, queries, cluster)
        return console.page(
            request,
            "cluster_merge.html",
            status=status,
            cluster=cluster,
            growth=side.growth,
            face=side.face,
            other=None if other is None else _side(console, queries, other),
            why=_why(queries, cluster, other),
            is_apart=other is not None
            and other.cluster_id in {one.cluster_id for one in queries.clusters_apart(cluster)},
            problem=problem or ("没有这个聚类，或者它就是这一类" if named and not other else ""),
            **values,
        )


def _pick(
    console: Console,
    request: Request,
    mention_ids: Sequence[MentionId],
    *,
    is_move: bool,
    other: str = "",
    problem: str = "",
    status: int = 200,
) -> Response:
    _desk(console)
    with console.store.read() as queries:
        cluster = find(queries, request)
        picked = queries.cluster_members_of(cluster.cluster_id, mention_ids)
        to = _other(queries, cluster, other) if is_move else None
        values = _choices(queries, request, cluster, picked) if is_move and to is None else {}
        ids = [line.mention.mention_id for line in picked]
        copies = sum(queries.copies_in(cluster.cluster_id, ids).values())
    if not picked:
        return show(console, request, problem="请先勾选提及", status=HTTPStatus.CONFLICT)
    return console.page(
        request,
        "cluster_split.html",
        status=status,
        cluster=cluster,
        picked=picked,
        copies=copies,
        carried=",".join(str(one) for one in ids),
        is_move=is_move,
        other=to,
        problem=problem or ("没有这个聚类，或者它就是这一类" if other and not to else ""),
        **values,
    )


def _picked(given: Mapping[str, str]) -> list[MentionId]:
    """Return the mentions that boxes (m12=on) or a list (mentions=12,13) name."""
    named = [name[1:] for name in given if name[:1] == "m"] + given.get("mentions", "").split(",")
    found = dict.fromkeys(number for one in named if (number := read_id(one)) is not None)
    return [MentionId(number) for number in found][:_MENTIONS_LIMIT]


def _other(queries: Queries, cluster: Cluster, named: str) -> Cluster | None:
    other = queries.cluster(ClusterId(named)) if named else None
    return None if other is None or other.cluster_id == cluster.cluster_id else other


def _side(console: Console, queries: Queries, cluster: Cluster) -> Side:
    growth = queries.growth(cluster.cluster_id, console.clock.now())
    return Side(cluster=cluster, growth=growth, face=face_of(queries, cluster))


def _why(queries: Queries, cluster: Cluster, other: Cluster | None) -> str:
    """Return what speaks for two clusters being one where that was proposed, else ""."""
    proposed = proposals_of(queries, [cluster.cluster_id], cluster.brand_id)
    found = proposed.get(cluster.cluster_id, ())
    named = other.cluster_id if other is not None else ""
    return next((one.why for one in found if one.cluster.cluster_id == named), "")


def _choices(
    queries: Queries, request: Request, cluster: Cluster, picked: Sequence[MemberLine] = ()
) -> dict[str, Any]:
    """Return the clusters to choose from: proposed and most alike, or what the words find."""
    words = request.query_params.get("q", "").strip()[:_WORDS_LIMIT]
    if words:
        found = queries.neighbours(cluster, words, _FOUND_SHOWN)
    else:
        one = cluster.cluster_id
        proposed = proposals_of(queries, [one], cluster.brand_id).get(one, [])
        known = {other.cluster.cluster_id for other in proposed}
        others = queries.neighbours(cluster)
        texts = [f"{line.mention.title}\n{line.mention.text}" for line in picked]
        alike = likeliest_for(texts, others) if picked else likeliest(cluster, others)
        first = [other.cluster for other in proposed]
        found = [*first, *(other for other in alike if other.cluster_id not in known)]
    return {"choices": found, "words_asked": words}


# --- doing it ---------------------------------------------------------------------------------


def merge(console: Console, request: Request, form: Form) -> Response:
    """Make two clusters one."""
    other = form.get("with", "")

    def ask(desk: ClusterDesk, act: Act) -> Edited:
        return desk.merge(act.cluster_id, other, act.actor, act.now, act.note)

    try:
        return _done(console, request, form, ask)
    except GroundswellError as refusal:
        return _merge(console, request, other, problem=str(refusal), status=HTTPStatus.CONFLICT)


def keep_apart(console: Console, request: Request, form: Form) -> Response:
    """Note that two clusters are two things, which no pass may merge."""
    other = form.get("with", "")

    def ask(desk: ClusterDesk, act: Act) -> Edited:
        return desk.apart(act.cluster_id, other, act.actor, act.now, act.note)

    try:
        return _done(console, request, form, ask)
    except GroundswellError as refusal:
        return _merge(console, request, other, problem=str(refusal), status=HTTPStatus.CONFLICT)


def split(console: Console, request: Request, form: Form) -> Response:
    """Make a cluster of its own of the chosen mentions."""
    return _part(console, request, form, is_move=False)


def move(console: Console, request: Request, form: Form) -> Response:
    """Put the chosen mentions into another cluster."""
    return _part(console, request, form, is_move=True)


def _part(console: Console, request: Request, form: Form, *, is_move: bool) -> Response:
    picked, other = _picked(form), form.get("with", "")

    def ask(desk: ClusterDesk, act: Act) -> Edited:
        if is_move:
            return desk.move(picked, other, act.actor, act.now, act.note)
        return desk.split(act.cluster_id, picked, act.actor, act.now, act.note)

    try:
        return _done(console, request, form, ask)
    except GroundswellError as refusal:
        return _pick(
            console,
            request,
            picked,
            is_move=is_move,
            other=other,
            problem=str(refusal),
            status=HTTPStatus.CONFLICT,
        )


def act(console: Console, request: Request, form: Form) -> Response:
    """Carry out a form that stands on the cluster's page itself."""
    name = str(request.path_params["action"])

    def ask(desk: ClusterDesk, act: Act) -> Edited:
        match name:
            case "rename":
                label = form.get("label", "")
                return desk.rename(act.cluster_id, label, act.actor, act.now)
            case "pin":
                return desk.pin(act.cluster_id, act.actor, act.now)
            case "unpin":
                return desk.unpin(act.cluster_id, act.actor, act.now)
            case "together":
                return desk.together(act.cluster_id, form.get("with", ""), act.actor, act.now)
            case "undo":
                return _undo(desk, form, act)
        raise HTTPException(HTTPStatus.NOT_FOUND)

    try:
        return _done(console, request, form, ask)
    except GroundswellError as refusal:
        return show(console, request, problem=str(refusal), status=HTTPStatus.CONFLICT)


def _undo(desk: ClusterDesk, form: Form, act: Act) -> Edited:
    """Take back all rows of one act: one for each text that moved.

    Errors: GroundswellError when one cannot be taken back; none is then.
    """
    numbers = [read_id(one) for one in form.get("number", "").split(",")]
    if None in numbers:
        raise GroundswellError("没有这一步，不能撤销")
    return desk.undo([number for number in numbers if number], act.actor, act.now)


def _done(
    console: Console, request: Request, form: Form, ask: Callable[[ClusterDesk, Act], Edited]
) -> Response:
    """Carry out an edit; go to the cluster's page, which tells what its journal says of it.

    Errors: GroundswellError when the desk refuses.
    """
    desk = _desk(console)
    with console.store.read() as queries:
        cluster = find(queries, request)
    asked = Act(
        cluster_id=cluster.cluster_id,
        actor=logged_in(request).name,
        now=console.clock.now(),
        note=form.get("note", "").strip()[:_NOTE_LIMIT],
    )
    done = ask(desk, asked)
    with console.store.read() as queries:
        today = queries.cluster(cluster.cluster_id) or cluster
    query = urlencode({"done": done.events[0].event_no}) if done.events else ""
    return RedirectResponse(f"/clusters/{today.cluster_id}?{query}", HTTPStatus.SEE_OTHER)


def _desk(console: Console) -> ClusterDesk:
    if console.clusters is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "这里不能改聚类")
    return console.clusters
