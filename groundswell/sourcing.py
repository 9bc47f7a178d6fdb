"""What trying a source means in this project: brands named, items known, when it is due again.

In: a Trial of the crawlers, the project and its database where there is one. Out: the same Trial
with what a page alone cannot tell.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from config.errors import ConfigError, StoreError
from config.schema import Brand, Project, SourceConfig
from crawlers.canonical import url_hash
from crawlers.schedule import next_poll_at
from crawlers.trial import Trial, TrialHit, TrialItem
from groundswell.sourcing_advice import FALLBACK, advice_for
from storage.records import (
    BrandHit,
    FetchCause,
    ItemKey,
    RawMention,
    SourceHealth,
    SourceId,
    SourceState,
)

if TYPE_CHECKING:
    from classify.matching import BrandMatcher
    from storage.store import Store

_CONTEXT_CHARS = 14  # on either side of a brand name: enough to see what is said of it
_HITS_SHOWN = 3  # of one item
_Place = tuple[str, str]  # an item of a trial: its address and native id
_NO_DATABASE = "没有数据库，未查新旧"
_ASKED = "已查库"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the project remembers of the items of a trial. `said` names it for people."""

    said: str
    state: SourceState | None = None
    known: frozenset[_Place] | None = None  # None when nobody was asked


def find_source(project: Project, name: str) -> SourceConfig:
    """Return a source by its id, or read it from a YAML file.

    Errors: ConfigError when there is neither.
    """
    from config.load import load_source

    if name.endswith((".yaml", ".yml")):
        return load_source(Path(name))
    source = project.source(name)
    if source is None:
        known = ", ".join(item.id for item in project.sources)
        raise ConfigError(f"no source {name!r}; known: {known}; or give a YAML file")
    return source


def filled_in(source: SourceConfig, brands: Sequence[Brand]) -> SourceConfig:
    """Return a source with the names of its brands in place of `{keyword}`."""
    from config.keywords import expanded

    return expanded(source, brands)


def read_page_file(path: Path, largest: int) -> bytes:
    """Read a saved page. Errors: ConfigError when it cannot be read or is larger than `largest`."""
    try:
        with path.open("rb") as stream:
            body = stream.read(largest + 1)
    except OSError as error:
        raise ConfigError(f"reading --page {str(path)!r}: {error.strerror}") from error
    if len(body) > largest:
        raise ConfigError(f"reading --page {str(path)!r}: larger than fetch.max_bytes ({largest})")
    return body


def complete(
    trial: Trial, source: SourceConfig, brands: Sequence[Brand], memory: Memory, now: datetime
) -> Trial:
    """Add to a trial whom its items name, which are new, when the next poll is, what to do."""
    from classify.matching import BrandMatcher

    matcher = BrandMatcher(brands)
    names = {brand.id: brand.name for brand in brands}
    state = memory.state or SourceState(source_id=SourceId(source.id))
    at = next_poll_at(_after(state, trial), source, now)
    return replace(
        trial,
        shown=tuple(_item(item, matcher, names, memory) for item in trial.shown),
        details=tuple(_item(item, matcher, names, memory) for item in trial.details),
        memory=memory.said,
        health=memory.state.health.value if memory.state else "",
        next_poll_at=at.isoformat(),
        advice=_advice(trial),
    )


def remember(store: Store, source: SourceConfig, trial: Trial) -> Memory:
    """Ask the database about the items of a trial. Errors: StoreError."""
    from storage.known import known_items, known_links

    keys, hashes = _identities(source, trial)
    with store.look() as connection:
        items = known_items(connection, set(keys.values()))
        links = known_links(connection, set(hashes.values()))
    with store.read() as queries:
        state = queries.source(SourceId(source.id))
    return Memory(said=_ASKED, state=state, known=_known(keys, hashes, items, links))


def remember_at(url: str | None, source: SourceConfig, trial: Trial) -> Memory:
    """Ask the database at a URL where there is one; what keeps us from it is said, not raised.

    A SQLite file is only glanced at: that takes a third of a second less.
    """
    if url is None:
        return Memory(said=_NO_DATABASE)
    try:
        path = url.removeprefix("sqlite:///")
        if path != url:
            return _glanced(Path(path), source, trial)
        from storage.store import Store

        store = Store(url)
        try:
            return remember(store, source, trial)
        finally:
            store.close()
    except StoreError as error:
        return Memory(said=f"未查新旧：{error}")


def _glanced(path: Path, source: SourceConfig, trial: Trial) -> Memory:
    from storage.glance import glance

    keys, hashes = _identities(source, trial)
    seen = glance(path, SourceId(source.id), set(keys.values()), set(hashes.values()))
    known = _known(keys, hashes, seen.items, seen.links)
    return Memory(said=_ASKED, state=seen.state, known=known)


def _identities(
    source: SourceConfig, trial: Trial
) -> tuple[dict[_Place, ItemKey], dict[_Place, str]]:
    """Return the identities of the items of a trial, and the hashes of their addresses."""
    keys: dict[_Place, ItemKey] = {}
    hashes: dict[_Place, str] = {}
    for item in (*trial.shown, *trial.details):
        key = _key(item, source)
        if key is not None:
            keys[_place(item)] = key
        if item.url:
            hashes[_place(item)] = url_hash(item.url, source.url)
    return keys, hashes


def _known(
    keys: Mapping[_Place, ItemKey],
    hashes: Mapping[_Place, str],
    items: Collection[ItemKey],
    links: Collection[str],
) -> frozenset[_Place]:
    return frozenset(
        place
        for place in {*keys, *hashes}
        if keys.get(place) in items or hashes.get(place) in links
    )


def _place(item: TrialItem) -> _Place:
    return item.url, item.native_id


def _key(item: TrialItem, source: SourceConfig) -> ItemKey | None:
    """Return the identity of an item that has an id or an address, None when it has neither."""
    from datetime import UTC

    from storage.identity import item_key

    if not item.native_id and not item.canonical_url:
        return None
    raw = RawMention(
        source_id=SourceId(source.id),
        text="",
        observed_at=datetime.fromtimestamp(0, UTC),  # no part of such an identity
        native_id=item.native_id,
        canonical_url=item.canonical_url,
        platform=source.platform,
    )
    return item_key(raw)


def _item(
    item: TrialItem, matcher: BrandMatcher, names: dict[str, str], memory: Memory
) -> TrialItem:
    title, text = item.value("title"), item.value("text")
    found = matcher.match(title, text, item.url, item.value("author"))
    hits = [
        _hit(names.get(brand_id, brand_id), title if hit.field == "title" else text, hit)
        for brand_id, places in found.items()
        for hit in places
    ]
    has_identity = bool(item.native_id or item.canonical_url)
    known = None
    if memory.known is not None and has_identity:
        known = _place(item) in memory.known
    return replace(item, known=known, hits=tuple(hits[:_HITS_SHOWN]))


def _hit(brand: str, text: str, hit: BrandHit) -> TrialHit:
    return TrialHit(
        brand=brand,
        before=text[max(0, hit.start - _CONTEXT_CHARS) : hit.start],
        word=text[hit.start : hit.end],
        after=text[hit.end : hit.end + _CONTEXT_CHARS],
    )


def _after(state: SourceState, trial: Trial) -> SourceState:
    """Return the state as a poll with this outcome would leave it, as far as the schedule asks."""
    if trial.exit_code == 0:
        return replace(state, health=SourceHealth.OK, failures=0, cause=FetchCause.NONE)
    cause = FetchCause(trial.cause) if trial.cause else FetchCause.LAYOUT
    return replace(state, failures=state.failures + 1, cause=cause)


def _advice(trial: Trial) -> str:
    said = advice_for(trial.cause, unmet=bool(trial.unmet))
    if not said and slipped(trial):
        return FALLBACK
    return said


def slipped(trial: Trial) -> list[str]:
    """Return the fields that only a later selector of their list could read."""
    return sorted(
        {
            entry.name
            for item in (*trial.shown, *trial.details)
            for entry in item.fields
            if entry.rung > 0
        }
    )
