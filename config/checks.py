"""Checks over several entries: references, duplicates, contradictions.

In: the raw entries of a project. Out: problems. They look at what was written, not at validated
models, so that one mistake does not hide another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import combinations

from config.brand_checks import check_brand
from config.entries import Entry, positions
from config.wording import did_you_mean
from config.yaml_lines import Problem, Where

_NEEDED = {"brand": "brands/*.yaml", "owner": "owners.yaml", "channel": "channels.yaml"}
_WITH_ID = (
    "brand", "source", "owner", "channel", "route", "duty", "function", "service", "tier", "window",
    "trial", "launch",
)  # fmt: skip
_CONDITIONS = ("brand", "product", "issue", "region", "platform")


class Entries:
    """All entries of a project, by kind. Of `unread` kinds there may be more than were read."""

    def __init__(self, entries: Sequence[Entry], unread: Collection[str] = ()) -> None:
        self.all = entries
        self.unread = unread

    def of(self, kind: str) -> list[Entry]:
        """Return the entries of one kind in the order of their files."""
        return [entry for entry in self.all if entry.kind == kind]

    def ids(self, kind: str) -> list[str]:
        """Return the ids of one kind."""
        return [entry.id for entry in self.of(kind) if entry.id]

    def product_ids(self, *, launches: bool = True) -> dict[str, str]:
        """Return every product's id with the id of its brand, those that a launch brings too."""
        new = self.of("launch") if launches else []
        return {one.text("product"): one.text("brand") for one in new} | {
            brand.text("products", index, "id"): brand.id
            for brand in self.of("brand")
            for index in positions(brand, "products")
        }


def check_together(entries: Entries) -> Iterator[Problem]:
    """Yield every problem that needs more than one entry, or that a schema cannot say."""
    yield from _missing(entries)
    yield from _duplicates(entries)
    for brand in entries.of("brand"):
        yield from check_brand(brand)
    for route in entries.of("route"):
        yield from _route(route, entries)
    yield from _shadowed(entries.of("route"))
    for settings in entries.of("settings"):
        yield from references(settings, ("heartbeat", "to"), "owner", entries)
        yield from _heartbeat_channel(settings, entries)


def _heartbeat_channel(settings: Entry, entries: Entries) -> Iterator[Problem]:
    named, ids = settings.text("heartbeat", "channel"), set(entries.ids("channel"))
    if named and named not in ids and "channel" not in entries.unread:
        text = f'there is no channel "{named}"{did_you_mean(named, ids)}'
        yield settings.problem(text, "heartbeat", "channel")


def _missing(entries: Entries) -> Iterator[Problem]:
    for kind, place in _NEEDED.items():
        if not entries.of(kind) and kind not in entries.unread:
            yield Problem(
                place.replace("*", f"my-{kind}"), 1, f"no {kind} is configured: write one"
            )
    if not entries.of("fallback") and "fallback" not in entries.unread:
        text = 'section "fallback" is missing: name the owners who are told when no route matches'
        yield Problem("project.yaml", 1, text)


def _duplicates(entries: Entries) -> Iterator[Problem]:
    for kind in _WITH_ID:
        first: dict[str, Entry] = {}
        for entry in entries.of(kind):
            before = first.setdefault(entry.id, entry)
            if entry.id and before is not entry:
                yield entry.problem(f"this id is already taken by {place_of(before, 'id')}", "id")
    products: dict[str, tuple[Entry, Where]] = {}
    for brand in entries.of("brand"):
        for index in positions(brand, "products"):
            product_id = brand.text("products", index, "id")
            place: Where = ("products", index, "id")
            owner, where = products.setdefault(product_id, (brand, place))
            if product_id and (owner, where) != (brand, place):
                text = f'product "{product_id}" is already in {place_of(owner, *where)}'
                yield brand.problem(text, *place)


def place_of(entry: Entry, *path: str | int) -> str:
    """Return file and line of a place within an entry."""
    return f"{entry.document.file}:{entry.document.line((*entry.where, *path))}"


def references(entry: Entry, path: Where, kind: str, entries: Entries) -> Iterator[Problem]:
    """Yield a problem for every id at `path` that no entry of this kind has."""
    ids = set(entries.product_ids() if kind == "product" else entries.ids(kind))
    all_known = ("brand" if kind == "product" else kind) not in entries.unread
    seen: set[str] = set()
    for place, word in entry.words(*path):
        if word not in ids and all_known:
            yield entry.problem(f'there is no {kind} "{word}"{did_you_mean(word, ids)}', *place)
        elif word in seen:
            yield entry.problem(f'{kind} "{word}" is named twice', *place)
        seen.add(word)


# --- one kind at a time ----------------------------------------------------------------------


def _route(route: Entry, entries: Entries) -> Iterator[Problem]:
    yield from references(route, ("brand",), "brand", entries)
    yield from references(route, ("product",), "product", entries)
    products = entries.product_ids()
    brands = {word for _, word in route.words("brand")}
    for place, word in route.words("product"):
        brand = products.get(word)
        if brand and brands and brand not in brands:
            text = f'product "{word}" belongs to brand "{brand}", which this route does not name'
            yield route.problem(text, *place)


def _shadowed(routes: Sequence[Entry]) -> Iterator[Problem]:
    """Yield routes that never match because an earlier one takes all they could."""
    reported: set[Where] = set()
    for earlier, later in combinations(routes, 2):
        if later.where not in reported and all(
            _covers(earlier, later, condition) for condition in _CONDITIONS
        ):
            reported.add(later.where)
            text = f'never matches: route "{earlier.id}" before it takes everything it could'
            yield later.problem(f"{text}; put the narrower one first")


def _covers(earlier: Entry, later: Entry, condition: str) -> bool:
    wide = {word for _, word in earlier.words(condition)}
    narrow = {word for _, word in later.words(condition)}
    return not wide or (bool(narrow) and narrow <= wide)
