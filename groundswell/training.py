"""Training weights: from labelled sets, or from what people corrected here; and judging the result.

In: an order, the corrections in the database. Out: a version in the registry, an event in the log
with the gate's ruling. One training at a time holds a lease; one that is killed leaves nothing that
counts.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classify.matching import BrandMatcher
from classify.sentiment import ScoreItem
from config.errors import GroundswellError, ModelError
from config.schema import Project
from groundswell.model_gate import Answers, Ruling, rule
from groundswell.model_kinds import Labelled, Teaching, rename, teaching_of
from groundswell.models import SHIPPED, Registry, digest_in, live_of
from storage.records import TrainingLabel
from storage.store import Store

LEASE = "model training"
_LEASE_S = 30.0
_HELD_OUT_ONE_IN = 5
FEWEST = 20  # corrections to learn from; with fewer the gate could not judge either

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Progress = Callable[[float | None, str], None]  # share done (None: not known), what is being done


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be trained. `data`: labelled sets to start from, else the shipped weights.

    `out`: a folder that gets the files instead of the registry; nothing is noted then.
    """

    kind: str = "negative"
    data: Path | None = None
    out: Path | None = None
    licence_clear: bool = False
    actor: str = "command line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What came of a training."""

    kind: str
    version: str
    place: Path
    learned_from: int  # corrections
    held_out: int
    ruling: Ruling


def train(
    store: Store,
    project: Project,
    registry: Registry,
    order: Order,
    *,
    now: datetime,
    progress: Progress = lambda _share, _text: None,
) -> Trained:
    """Train one version, judge it, and note both.

    Errors: GroundswellError while another training runs; ModelError when there is nothing to learn
    from; ConfigError when the labelled sets cannot be read.
    """
    teaching = teaching_of(order.kind)
    with training_lease(store) as lease, _workshop(order.kind) as folder:
        registry.sweep()
        rows = labelled(store, project, order.kind)
        held = held_out(rows)
        lessons = [row for row, out in zip(rows, held, strict=True) if not out]
        if order.data is None and len(lessons) < FEWEST:
            raise ModelError(
                f"learning from {len(lessons)} corrections: expected at least {FEWEST}; answer"
                " more of `groundswell label queue`, or give labelled sets with --data"
            )
        version = _free_version(registry, order.kind, now)
        _teach(teaching, folder, order, lessons, version=version, now=now, progress=progress)
        progress(None, "judging old and new")
        live = live_folder(store, registry, order.kind)
        made = Trained(
            kind=order.kind,
            version=version,
            place=order.out or registry.place(order.kind, version),
            learned_from=len(lessons),
            held_out=int(held.sum()),
            ruling=judge(teaching, live, folder, rows, held),
        )
        lease.held()
        if order.out is not None:
            shutil.copytree(folder, order.out, dirs_exist_ok=True)
        else:
            digest = registry.put(order.kind, version, lambda to: _copy(folder, to))
            _note(store, order, made, digest, now)
    return made


@contextmanager
def _workshop(kind: str) -> Iterator[Path]:
    """Give a name in a folder of our own, which goes when the block ends."""
    with tempfile.TemporaryDirectory(prefix="groundswell-model-") as made:
        yield Path(made) / kind


def _teach(
    teaching: Teaching,
    folder: Path,
    order: Order,
    lessons: Sequence[Labelled],
    *,
    version: str,
    now: datetime,
    progress: Progress,
) -> None:
    """Write the new weights into a folder: from the sets if named, then moved by corrections."""
    base = None
    if order.data is not None:
        base = folder.with_name("from-sets")
        teaching.train(order.data, base, order.licence_clear, lambda text: progress(None, text))
        if len(lessons) < FEWEST:
            rename(base, folder, order.kind, version)
            return
    teaching.refit(base, folder, lessons, version=version, now=now, progress=progress)


# --- what people said ----------------------------------------------------------------------------


def labelled(store: Store, project: Project, kind: str) -> list[Labelled]:
    """Return what people hold to be true, as rows that a model of this kind can be asked."""
    teaching = teaching_of(kind)
    with store.read() as queries:
        labels = queries.training_labels(teaching.label_kind)
    matcher = BrandMatcher(project.brands)
    return [row for label in labels if (row := _row(label, matcher, teaching)) is not None]


def _row(label: TrainingLabel, matcher: BrandMatcher, teaching: Teaching) -> Labelled | None:
    answer = teaching.answer_of(label.value)
    if answer is None:
        return None
    mention = label.mention
    found = matcher.match(mention.title, mention.text, mention.url, mention.author)
    others = tuple(hit for brand, hits in found.items() if brand != label.brand_id for hit in hits)
    item = ScoreItem(
        title=mention.title,
        text=mention.text,
        hits=found.get(label.brand_id, ()),
        others=others,
        rating=mention.rating,
    )
    return Labelled(
        item=item,
        answer=answer,
        key=mention.item_key,
        order=mention.mention_id,
        author=mention.author_key,
    )


def groups(rows: Sequence[Labelled]) -> Ints:
    """Return a group number per row: near-duplicates and one author's texts are together."""
    from classify.refit import groups_of

    return groups_of([row.text for row in rows], [row.author for row in rows])


def held_out(rows: Sequence[Labelled]) -> Bools:
    """Return which rows judge and never teach: one group in five, the same ones at every training.

    A group is known by the first of its mentions, so that what joins it later shares its fate.
    """
    chosen = np.zeros(len(rows), dtype=bool)
    numbers = groups(rows)
    for number in np.unique(numbers):
        inside = numbers == number
        places = np.flatnonzero(inside).tolist()
        first = min((rows[place] for place in places), key=lambda row: row.order)
        digest = hashlib.blake2b(first.key.encode(), digest_size=4).digest()
        chosen[inside] = int.from_bytes(digest, "big") % _HELD_OUT_ONE_IN == 0
    return chosen


# --- judging -------------------------------------------------------------------------------------


def judge(
    teaching: Teaching,
    old: Path | None,
    new: Path | None,
    rows: Sequence[Labelled],
    held: Bools,
) -> Ruling:
    """Put both models (None: the shipped one) to the held-out rows and to the shipped ones."""
    number = groups(rows)
    own = [row for row, out in zip(rows, held, strict=True) if out]
    lessons = [row for row, out in zip(rows, held, strict=True) if not out]
    before, after = (teaching.ask(folder, own, lessons) for folder in (old, new))
    shipped = teaching.shipped_rows()
    known = [row.answer for row in shipped]
    known_before, known_after = (teaching.ask(folder, shipped, ()) for folder in (old, new))
    return rule(
        Answers(
            truth=[row.answer for row in own],
            old=before.said,
            new=after.said,
            old_loss=before.loss,
            new_loss=after.loss,
            groups=number[held],
        ),
        Answers(
            truth=known,
            old=known_before.said,
            new=known_after.said,
            old_loss=known_before.loss,
            new_loss=known_after.loss,
            groups=np.arange(len(known)),
        ),
    )


def live_folder(store: Store, registry: Registry, kind: str) -> Path | None:
    """Return the folder of the version at work, None for the shipped one (also where it broke)."""
    with store.read() as queries:
        events = queries.model_events(kind)
    version = live_of(events)
    if version == SHIPPED:
        return None
    try:
        return registry.checked(kind, version, digest_in(events, version))
    except ModelError:
        return None  # as `Live` does, which says so


# --- the lease, and writing down -----------------------------------------------------------------


@dataclass(slots=True)
class Lease:
    """The right to train, kept alive by a thread until the block ends."""

    store: Store
    holder: str
    is_lost: bool = False

    def held(self) -> None:
        """Make sure that it is still ours. Errors: GroundswellError, as after a long sleep."""
        if self.is_lost or not self.store.renew_lease(LEASE, self.holder, _LEASE_S):
            raise GroundswellError(
                "training took so long a break that another one began; nothing was kept, run it"
                " again"
            )


@contextmanager
def training_lease(store: Store) -> Iterator[Lease]:
    """Hold the lease of trainings on this database; GroundswellError while another one does."""
    holder = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"
    if not store.take_lease(LEASE, holder, _LEASE_S):
        other = (store.lease_holder(LEASE) or "").rpartition(":")[0]
        raise GroundswellError(
            f"another `groundswell model train` is at work on this database ({other}); wait for it,"
            f" or {_LEASE_S:.0f} s if it was killed"
        )
    lease, ended = Lease(store, holder), threading.Event()

    def keep() -> None:
        while not ended.wait(_LEASE_S / 4):
            if not store.renew_lease(LEASE, holder, _LEASE_S):
                lease.is_lost = True
                return

    thread = threading.Thread(target=keep, name="training lease", daemon=True)
    thread.start()
    try:
        yield lease
    finally:
        ended.set()
        thread.join()
        store.drop_lease(LEASE, holder)


def _note(store: Store, order: Order, made: Trained, digest: str, now: datetime) -> None:
    detail = {
        "digest": digest,
        "learned_from": made.learned_from,
        "sets": order.data is not None,
        "licence_clear": order.licence_clear,
        "ruling": asdict(made.ruling),
    }
    action = "trained" if made.ruling.promotes else "refused"
    with store.transaction() as tx:
        tx.add_model_event(
            made.kind, made.version, action, actor=order.actor, now=now, detail=detail
        )


def _copy(source: Path, to: Path) -> None:
    for path in source.iterdir():
        shutil.copy2(path, to / path.name)


def _free_version(registry: Registry, kind: str, now: datetime) -> str:
    """Name a version after its minute's second; what is taken gets a number."""
    name = f"{kind}-{now:%Y%m%d-%H%M%S}"
    number = 1
    while registry.place(kind, name if number == 1 else f"{name}-{number}").exists():
        number += 1
    return name if number == 1 else f"{name}-{number}"
