"""What people complain about: the list of clusters, growing first, and one cluster in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from groundswell.console.base import Console, visitor_of
from groundswell.console.cluster_charts import hour_layers, tiny_hours
from groundswell.console.cluster_words import journal_rows
from groundswell.console.event_marks import event_marks
from groundswell.label_values import read_id
from storage.cluster_pages import MemberLine
from storage.queries import Queries
from storage.records import (
    BrandId,
    Cluster,
    ClusterEvent,
    ClusterId,
    GrowthLine,
    Incident,
    MentionId,
)

_PER_PAGE = 25  # clusters of a list
_MEMBERS_SHOWN = 20
_LAYERS_SPAN = timedelta(hours=72)  # what hour_layers draws
_FOUND_SHOWN = 60  # members that hold the words: whoever looks for them wants to choose them all
_COPIES_SHOWN = 50
_JOURNAL_SHOWN = 30
_ALIASES_SHOWN = 12
_JOURNAL_READ = 1000  # rows; thousands of singles may have been merged into a large one
_LAST_PAGE = 400  # nobody pages further; a longer way is for the search
_WORDS_LIMIT = 60  # characters of a search
WINDOWS: Mapping[str, tuple[int, str]] = {
    "24": (24, "24 小时"),
    "72": (72, "3 天"),
    "168": (168, "7 天"),
}
STATES: Mapping[str, str] = {"live": "正在说的", "cold": "已转冷", "all": "全部"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the address of the list asks for."""

    brand: str
    hours: str
    state: str
    words: str
    page: int

    def address(self, **changed: object) -> str:
        """Return the address of the list with some of it changed, back on the first page."""
        values = {
            "brand": self.brand,
            "hours": self.hours,
            "state": self.state,
            "q": self.words,
            "page": 1,
        } | changed
        plain = {"brand": "", "hours": "24", "state": "live", "q": "", "page": 1}
        query = urlencode({name: v for name, v in values.items() if v != plain[name]})
        return f"/clusters?{query}" if query else "/clusters"


class Proposed(NamedTuple):
    """A cluster that another may be one with, and what speaks for it."""

    cluster: Cluster
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One cluster of the list, with what stands beside it."""

    growth: GrowthLine
    incident: Incident | None
    hours: Markup
    proposals: Sequence[Proposed]


def list_page(console: Console, request: Request) -> Response:
    """Show what people complain about now, what grows first."""
    asked = _asked(console, request)
    with console.store.read() as queries:
        if named := _named_exactly(queries, asked.words):
            return RedirectResponse(f"/clusters/{named}", HTTPStatus.SEE_OTHER)
        found = _find(console, queries, asked)
        lines = _lines(console, queries, found[:_PER_PAGE], asked)
        is_empty = not lines and not _find(console, queries, _everything())
    return console.page(
        request,
        "clusters.html",
        asked=asked,
        lines=lines,
        more=len(found) > _PER_PAGE,
        is_empty=is_empty,
        windows=WINDOWS,
        states=STATES,
        brands={brand.id: brand.name for brand in console.project.brands},
    )


def cluster_page(console: Console, request: Request) -> Response:
    """Show one cluster in full; an id that was merged away leads to the cluster of today."""
    return show(console, request)


def copies_page(console: Console, request: Request) -> Response:
    """List all copies of one member."""
    page = _page(request)
    with console.store.read() as queries:
        cluster = find(queries, request)
        original_id = MentionId(read_id(str(request.path_params["mention"])) or 0)
        originals = queries.cluster_members_of(cluster.cluster_id, [original_id])
        if not originals:
            raise HTTPException(HTTPStatus.NOT_FOUND, "这条提及不在这个聚类里")
        copies = queries.cluster_copies(
            cluster.cluster_id, original_id, _COPIES_SHOWN + 1, (page - 1) * _COPIES_SHOWN
        )
    return console.page(
        request,
        "cluster_copies.html",
        cluster=cluster,
        original=originals[0],
        copies=copies[:_COPIES_SHOWN],
        page=page,
        more=len(copies) > _COPIES_SHOWN,
    )


def show(
    console: Console, request: Request, *, problem: str = "", status: int = HTTPStatus.OK
) -> Response:
    """Return a cluster's page, or the way to the cluster it was merged into."""
    with console.store.read() as queries:
        cluster = find(queries, request)
        asked = str(request.path_params["cluster"])
        if cluster.cluster_id != asked:
            return RedirectResponse(
                f"/clusters/{cluster.cluster_id}?{urlencode({'from': asked})}",
                HTTPStatus.SEE_OTHER,
            )
        values = _facts(console, request, queries, cluster)
    return console.page(
        request, "cluster.html", status=status, cluster=cluster, problem=problem, **values
    )


def find(queries: Queries, request: Request) -> Cluster:
    """Return the cluster that the address names, or the one it was merged into.

    Errors: HTTPException 404 when there never was one.
    """
    named = str(request.path_params["cluster"])
    cluster = queries.cluster(ClusterId(named))
    if cluster is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"没有编号为 {named[:40]} 的聚类")
    return cluster


# --- the list ---------------------------------------------------------------------------------


def _asked(console: Console, request: Request) -> Asked:
    given = request.query_params
    brand = given.get("brand", "")
    hours, state = given.get("hours", "24"), given.get("state", "live")
    return Asked(
        brand=brand if console.project.brand(brand) else "",
        hours=hours if hours in WINDOWS else "24",
        state=state if state in STATES else "live",
        words=given.get("q", "").strip()[:_WORDS_LIMIT],
        page=_page(request),
    )


def _everything() -> Asked:
    return Asked(brand="", hours="24", state="all", words="", page=1)


def _page(request: Request) -> int:
    return min(max(read_id(request.query_params.get("page", "1")) or 1, 1), _LAST_PAGE)


def _find(console: Console, queries: Queries, asked: Asked) -> list[GrowthLine]:
    """Return a page of lines and one more, which says that another page follows."""
    window, _ = WINDOWS[asked.hours]
    brand = BrandId(asked.brand) if asked.brand else None
    limit, offset = _PER_PAGE + 1, (asked.page - 1) * _PER_PAGE
    now = console.clock.now()
    if asked.state == "live":
        return queries.growing(
            now, brand_id=brand, window_h=window, words=asked.words, limit=limit, offset=offset
        )
    return queries.listed_clusters(
        now,
        brand_id=brand,
        state="" if asked.state == "all" else asked.state,
        words=asked.words,
        limit=limit,
        offset=offset,
    )


def _named_exactly(queries: Queries, words: str) -> ClusterId | None:
    """Return the cluster that the words are the id of, or the code of its incident."""
    if not words:
        return None
    if words in queries.clusters_by_id([words]):
        return ClusterId(words)
    incident = queries.incident(words)
    return None if incident is None else incident.cluster_id


def _lines(
    console: Console, queries: Queries, found: Sequence[GrowthLine], asked: Asked
) -> list[Line]:
    window, _ = WINDOWS[asked.hours]
    now = console.clock.now()
    ids = [one.cluster.cluster_id for one in found]
    hours = queries.hours_of_clusters(ids, now - timedelta(hours=window + 1))
    proposed = proposals_of(queries, ids, asked.brand)
    return [
        Line(
            growth=one,
            incident=queries.incident(one.incident_code) if one.incident_code else None,
            hours=tiny_hours(hours.get(one.cluster.cluster_id, ()), now, window),
            proposals=proposed.get(one.cluster.cluster_id, ()),
        )
        for one in found
    ]


def proposals_of(
    queries: Queries, cluster_ids: Sequence[ClusterId], brand: str = ""
) -> dict[ClusterId, list[Proposed]]:
    """Return per cluster the ones that it may be one with, as the open proposals say."""
    wanted = set(cluster_ids)
    proposed = [
        one
        for one in queries.proposals(BrandId(brand) if brand else None)
        if one.first_id in wanted or one.second_id in wanted
    ]
    known = queries.clusters_by_id(
        {cluster_id for one in proposed for cluster_id in (one.first_id, one.second_id)}
    )
    found: dict[ClusterId, list[Proposed]] = {}
    for one in proposed:
        for here, there in ((one.first_id, one.second_id), (one.second_id, one.first_id)):
            if there in known:
                found.setdefault(here, []).append(Proposed(known[there], one.why))
    return found


# --- one cluster ------------------------------------------------------------------------------


def _facts(
    console: Console, request: Request, queries: Queries, cluster: Cluster
) -> dict[str, Any]:
    one, now = cluster.cluster_id, console.clock.now()
    page = _page(request)
    growth = queries.growth(one, now)
    marks = event_marks(queries, console.project, cluster.brand_id, now - _LAYERS_SPAN, now)
    says = request.query_params.get("says", "").strip()[:_WORDS_LIMIT]
    most = _FOUND_SHOWN if says else _MEMBERS_SHOWN
    members = queries.cluster_originals(one, most + 1, (page - 1) * most, says=says)
    return {
        "can_edit": console.clusters is not None,
        "brand": console.project.brand(cluster.brand_id),
        "growth": growth,
        "layers": hour_layers(
            growth.hours, now, console.zone(visitor_of(request)), events=marks.spans
        ),
        "marks": marks,
        "incident": queries.incident_of(one),
        "face": face_of(queries, cluster),
        "members": members[:most],
        "says": says,
        "page": page,
        "more": len(members) > most,
        "proposals": proposals_of(queries, [one], cluster.brand_id).get(one, []),
        **_story(request, queries, cluster),
    }


def _story(request: Request, queries: Queries, cluster: Cluster) -> dict[str, Any]:
    """Return the journal of a cluster, its kin, and what the address says was just done."""
    one = cluster.cluster_id
    story = queries.cluster_story(cluster, _JOURNAL_READ)
    came_from = ClusterId(request.query_params.get("from", ""))
    names = queries.clusters_by_id({*_named(story), cluster.parent_id or one, came_from})
    rows = journal_rows(one, story, names)
    old = names.get(came_from)
    last = read_id(request.query_params.get("done", ""))
    every = request.query_params.get("journal") == "all"
    parts = (names[other] for other in _split_off(story, one) if other in names)
    return {
        "journal": rows if every else rows[:_JOURNAL_SHOWN],
        "journal_left": 0 if every else max(0, len(rows) - _JOURNAL_SHOWN),
        "done": next((row for row in rows if last in row.numbers), None),
        "came_from": old if old is not None and old.alias_of == one else None,
        "parent": names.get(cluster.parent_id) if cluster.parent_id else None,
        "aliases": queries.cluster_aliases(one, _ALIASES_SHOWN),
        "alias_count": queries.count_aliases(one),
        "kept_apart": queries.clusters_apart(cluster),
        "offspring": [part for part in parts if part.alias_of is None],
    }


def face_of(queries: Queries, cluster: Cluster) -> MemberLine | None:
    """Return the mention that stands for a cluster, None when there is none."""
    if cluster.representative_id is None:
        return None
    found = queries.cluster_members_of(cluster.cluster_id, [cluster.representative_id])
    return found[0] if found else None


def _named(events: Sequence[ClusterEvent]) -> set[ClusterId]:
    found = {one.cluster_id for one in events}
    return found | {one.other_id for one in events if one.other_id is not None}


def _split_off(events: Sequence[ClusterEvent], cluster_id: ClusterId) -> list[ClusterId]:
    """Return what came out of a cluster, newest first."""
    found = [one.other_id for one in events if one.kind == "split" and one.other_id is not None]
    return [one for one in reversed(found) if one != cluster_id]
