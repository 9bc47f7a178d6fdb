"""A rehearsal shared out by brand over two processes: brands are judged without one another.

In: the Past, the configurations and the database it was read from. Out: what the parts came to,
which is what one walk over all would have come to. The second process is spawned and reads nothing:
it gets its brands' members and logs, and its database in memory as bytes.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from alerts import journal
from classify.analyst import polarity
from config.errors import GroundswellError
from config.schema import Project
from groundswell.rehearsal_walk import Played, Walk
from storage.past import Past, Step, Sure, fill, name_scene, settle
from storage.queries import Queries
from storage.records import Polarity
from storage.scratch import Scene, Surroundings, open_scratch, opened, saved
from storage.world import World

Advance = Callable[[int, int], None]
PROCESSES = 2  # what the smallest machine that the program is made for has
FROM = 20_000  # members; below, a second process takes longer to begin than it saves
_JOIN_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one walk needs, in a form that another process can take.

    `own` are the brands that it judges; None: all.
    """

    past: Past
    project: Project
    live: Project
    own: frozenset[str] | None
    thorough: bool
    scene: Scene  # without members
    database: bytes


def walk_all(
    queries: Queries,
    past: Past,
    project: Project,
    live: Project,
    *,
    thorough: bool,
    is_same: bool,
    advance: Advance,
    share_from: int = FROM,
) -> Played:
    """Walk under `project`, in two processes where others' rules judge many members anew."""
    groups: list[frozenset[str] | None] = [None]
    if not is_same and not thorough:
        groups = [*_groups(past, share_from)] or groups
    parts = [_part(queries, past, project, live, own, thorough=thorough) for own in groups]
    if len(parts) == 1:
        return walk_part(parts[0], advance)
    return _together(_spread(parts, advance))


def walk_part(part: Part, advance: Advance) -> Played:
    """Walk over one part."""
    scene, past = part.scene, part.past
    sure = sure_of(part.live, part.project)
    settle(past, scene, sure)
    with opened(part.database, scene, past.start.at) as tx:
        walk = Walk(tx, past, part.project, part.live, sure, thorough=part.thorough, own=part.own)
        return walk.go(advance)


def sure_of(project: Project, other: Project) -> Sure:
    """Decide polarity anew where a brand's borders differ: None as it was decided then."""
    bands = {}
    for brand in other.brands:
        mine = project.brand(brand.id)
        band = _band(other, brand.id)
        if mine is not None and band != _band(project, brand.id):
            bands[brand.id] = band

    def sure(brand_id: str, content: Any) -> Polarity | None:
        band = bands.get(brand_id)
        return None if band is None else polarity(content["negative"], band)

    return sure


def _band(project: Project, brand_id: str) -> tuple[float, float]:
    low, high = project.settings.unsure_band
    brand = project.brand(brand_id)
    if brand is None:
        return low, high
    return brand.thresholds.unsure or low, brand.thresholds.negative or high


# --- parts ---------------------------------------------------------------------------------------


def _groups(past: Past, share_from: int) -> list[frozenset[str]]:
    """Share brands out so that each process has about as many members; nothing: not worth it."""
    sizes = Counter(brand for brand, _ in past.first)
    for step in past.steps.values():
        sizes.update(brand for brand, _ in step.members)
    brands = {one.brand_id for one in past.incidents.values()} | set(sizes)
    if sizes.total() < share_from or len(brands) < PROCESSES:
        return []
    shares: list[set[str]] = [set() for _ in range(PROCESSES)]
    load = [0] * PROCESSES
    for brand in sorted(brands, key=lambda one: (-sizes[one], one)):
        least = load.index(min(load))
        shares[least].add(brand)
        load[least] += sizes[brand] + 1
    return [frozenset(one) for one in shares]


def _part(
    queries: Queries,
    past: Past,
    project: Project,
    live: Project,
    own: frozenset[str] | None,
    *,
    thorough: bool,
) -> Part:
    scene = Scene(world=World(), around=Surroundings())
    name_scene(queries.connection, past, scene)
    if own is not None:
        known = scene.clusters
        past = _of_brands(past, own, heard={one.id for one in project.brands if one.competitor},
                          clusters={one: row.brand_id for one, row in known.items()})  # fmt: skip
        scene.clusters = {one: row for one, row in known.items() if row.brand_id in own}
        scene.around.sent = past.sent
    with open_scratch(scene, past.start.at) as tx:
        fill(queries.connection, tx, past, journal.fold)
        for end in queries.ended_trials().values():
            tx.end_trial(end)
        database = saved(tx)
    return Part(
        past=past,
        project=project,
        live=live,
        own=own,
        thorough=thorough,
        scene=scene,
        database=database,
    )


def _of_brands(
    past: Past, own: frozenset[str], *, heard: set[str], clusters: dict[str, str]
) -> Past:
    """Return what concerns these brands; of competitors that are `heard`, their members, too."""
    incidents = {one: row for one, row in past.incidents.items() if row.brand_id in own}
    kept = own | heard
    return replace(
        past,
        steps={
            number: Step(
                members={key: one for key, one in step.members.items() if key[0] in kept},
                aliases=step.aliases,
            )
            for number, step in past.steps.items()
        },
        first={key: one for key, one in past.first.items() if key[0] in kept},
        journal=[one for one in past.journal if clusters.get(one.cluster_id) in own],
        before=[one for one in past.before if one.incident_id in incidents],
        events=[one for one in past.events if one.incident_id in incidents],
        told=[one for one in past.told if one.incident_id in incidents],
        links={one: names for one, names in past.links.items() if one in incidents},
        incidents=incidents,
    )


def _together(parts: Sequence[Played]) -> Played:
    whole = Played(rounds=max(one.rounds for one in parts))
    for one in parts:
        whole.events += one.events
        whole.told += one.told
        whole.incidents |= one.incidents
        whole.dropped += one.dropped
        whole.mentions += one.mentions
    whole.events.sort(key=lambda one: one.at)
    whole.told.sort(key=lambda one: one.at)
    return whole


# --- processes -----------------------------------------------------------------------------------


def _spread(parts: Sequence[Part], advance: Advance) -> list[Played]:
    """Walk over the first part here, and meanwhile over each other in a process of its own.

    Errors: GroundswellError when one of them ends before it is done.
    """
    context = multiprocessing.get_context("spawn")
    lines, processes = [], []
    try:
        for _ in parts[1:]:
            line, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs,), daemon=True, name="rehearsal")
            process.start()
            theirs.close()  # so that the child's death ends our recv
            processes.append(process)
            lines.append(line)
        for line, part in zip(lines, parts[1:], strict=True):
            line.send(part)
        return [walk_part(parts[0], advance), *(line.recv() for line in lines)]
    except (EOFError, ConnectionError) as error:
        raise GroundswellError(
            "rehearsing: the second process ended before it was done; look for its traceback "
            "above, or free some memory and ask again"
        ) from error
    finally:
        for line in lines:
            line.close()
        for process in processes:
            process.terminate()
            process.join(_JOIN_S)


def _serve(line: Any) -> None:
    """Walk over the part that comes through the line, and answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to act on
    part = line.recv()
    line.send(walk_part(part, _nobody))


def _nobody(done: int, of: int) -> None:
    """Tell nobody how far it is: the first part is as large, and tells."""
    del done, of
