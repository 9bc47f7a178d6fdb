"""/api/v1/clusters: what gathers, for other programs, and people's word on it.

Reading needs a key that reads, changing one that edits; no other key, and no login, opens either.
An id that a merge ended is answered with the cluster of today.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from groundswell.cli.output import plain
from groundswell.cluster_desk import ClusterDesk, Edited
from groundswell.console.api import Api, ProblemError
from groundswell.console.base import Console
from groundswell.console.endpoint import edits, object_of, reads
from groundswell.console.openapi_clusters import ACTIONS, MOST, MOST_HOURS
from storage.queries import Queries
from storage.records import BrandId, Cluster, ClusterId, Mention, Verdict

_LAST = 2**63 - 1  # the largest number that a database keeps
_NOTE_LIMIT = 500  # characters
_TEXT = 500  # characters of a member's text
_MOST_MENTIONS = 5000  # named in one edit

Answer = Callable[[Console, Request], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Who edits, and when."""

    actor: str
    now: datetime


def cluster_routes(console: Console, api: Api) -> list[BaseRoute]:
    """Return the routes of this part of the API."""

    def get(path: str, answer: Answer) -> Route:
        return Route(path, reads(console, api, answer), methods=["GET"])

    root = "/api/v1/clusters"
    return [
        get(root, read_list),
        get(root + "/{cluster}", read_cluster),
        get(root + "/{cluster}/journal", read_journal),
        Route(root + "/{cluster}/{action}", edits(console, api, edit), methods=["POST"]),
    ]


# --- reading --------------------------------------------------------------------------------------


def read_list(console: Console, request: Request) -> dict[str, Any]:
    """List the clusters in which somebody wrote lately, growing first."""
    brand = request.query_params.get("brand", "")
    if brand and console.project.brand(BrandId(brand)) is None:
        raise ProblemError(404, "no such brand", f"there is no brand {brand[:60]!r}")
    with console.store.read() as queries:
        lines = queries.growing(
            console.clock.now(),
            brand_id=BrandId(brand) if brand else None,
            window_h=_number(request, "hours", 24, MOST_HOURS),
            words=request.query_params.get("q", "").strip()[:60],
            limit=_number(request, "limit", 50, MOST),
            offset=_number(request, "offset", 0, 1_000_000, least=0),
        )
    return {"clusters": [plain(line) for line in lines]}


def read_cluster(console: Console, request: Request) -> dict[str, Any]:
    """Tell of one cluster: name, growth, members, kin."""
    limit = _number(request, "members", 20, MOST, least=0)
    with console.store.read() as queries:
        cluster = _find(queries, request)
        growth = queries.growth(cluster.cluster_id, console.clock.now())
        members = queries.cluster_mentions(cluster.cluster_id, limit) if limit else []
        aliases = [one.cluster_id for one in queries.cluster_aliases(cluster.cluster_id)]
        apart = [one.cluster_id for one in queries.clusters_apart(cluster)]
    return {
        "cluster": plain(cluster),
        "growth": plain(growth),
        "members": [_member(mention, verdict) for mention, verdict in members],
        "aliases": aliases,
        "apart": apart,
    }


def read_journal(console: Console, request: Request) -> dict[str, Any]:
    """Tell all that became of a cluster and of those merged into it, oldest first."""
    with console.store.read() as queries:
        cluster = _find(queries, request)
        events = queries.cluster_story(cluster)
    return {"cluster_id": cluster.cluster_id, "journal": plain(events)}


def _find(queries: Queries, request: Request) -> Cluster:
    name = str(request.path_params["cluster"])
    found = queries.cluster(ClusterId(name))
    if found is None:
        raise ProblemError(
            404, "no such cluster", f"there is no cluster {name[:80]!r}; see GET /api/v1/clusters"
        )
    return found


def _member(mention: Mention, verdict: Verdict) -> dict[str, Any]:
    return {
        "mention": mention.mention_id,
        "published_at": mention.published_at.isoformat(),
        "platform": mention.platform,
        "url": mention.url,
        "title": mention.title,
        "text": mention.text[:_TEXT],
        "polarity": verdict.polarity.value,
        "issue_class": verdict.issue_class,
    }


def _number(request: Request, name: str, usual: int, most: int, *, least: int = 1) -> int:
    given = request.query_params.get(name)
    if given is None:
        return usual
    if not (given.isascii() and given.isdigit()) or not least <= int(given[:12]) <= most:
        raise ProblemError(400, "bad number", f"{name}: send a number from {least} to {most}")
    return int(given[:12])


# --- editing --------------------------------------------------------------------------------------


def edit(console: Console, request: Request, body: bytes, actor: str) -> dict[str, Any]:
    """Carry out one edit; a refusal says what to do instead, and nothing is changed."""
    action = str(request.path_params["action"])
    if action not in ACTIONS or console.clusters is None:
        raise ProblemError(404, "no such edit", f"post to one of: {', '.join(ACTIONS)}")
    said = object_of(body)
    with console.store.read() as queries:
        cluster = _find(queries, request)
        if action == "undo":
            _own_row(queries, cluster, said)
    who = Who(actor=actor, now=console.clock.now())
    done = _carry_out(console.clusters, action, cluster.cluster_id, said, who)
    return {
        "clusters": list(done.clusters),
        "events": plain(done.events),
        "incidents": [one.code for one in done.incidents],
    }


def _carry_out(
    desk: ClusterDesk, asked: str, cluster: ClusterId, said: Mapping[str, Any], who: Who
) -> Edited:
    by = who.actor, who.now
    note = _text(said, "note", optional=True)[:_NOTE_LIMIT]
    acts: dict[str, Callable[[], Edited]] = {
        "merge": lambda: desk.merge(cluster, _text(said, "with"), *by, note),
        "split": lambda: desk.split(cluster, _mentions(said), *by, note),
        "move": lambda: desk.move(_mentions(said), cluster, *by, note),
        "rename": lambda: desk.rename(cluster, _text(said, "label", optional=True), *by),
        "pin": lambda: desk.pin(cluster, *by),
        "unpin": lambda: desk.unpin(cluster, *by),
        "apart": lambda: desk.apart(cluster, _text(said, "with"), *by, note),
        "together": lambda: desk.together(cluster, _text(said, "with"), *by),
        "undo": lambda: desk.undo(_row(said), *by),
    }
    return acts[asked]()


def _text(said: Mapping[str, Any], name: str, *, optional: bool = False) -> str:
    value = said.get(name, "" if optional else None)
    if not isinstance(value, str) or not (optional or value):
        raise ProblemError(400, "missing value", f'send a text as "{name}"')
    return value


def _mentions(said: Mapping[str, Any]) -> list[int]:
    value = said.get("mentions")
    if (
        not isinstance(value, list)
        or not 0 < len(value) <= _MOST_MENTIONS
        or not all(type(one) is int and 0 < one <= _LAST for one in value)
    ):
        raise ProblemError(
            400, "no mentions", f'send 1 to {_MOST_MENTIONS} ids of mentions as "mentions"'
        )
    return value


def _row(said: Mapping[str, Any]) -> int:
    value = said.get("row")
    if type(value) is not int or not 0 < value <= _LAST:
        raise ProblemError(400, "no row", 'send the number of a row of the journal as "row"')
    return value


def _own_row(queries: Queries, cluster: Cluster, said: Mapping[str, Any]) -> None:
    """Refuse to take back what another cluster's journal says."""
    row = _row(said)
    if all(event.event_no != row for event in queries.cluster_story(cluster)):
        raise ProblemError(
            404,
            "no such row",
            f"row {row} is not of this cluster; see GET /api/v1/clusters/"
            f"{cluster.cluster_id}/journal",
        )
