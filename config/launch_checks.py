"""Checks of launches that a schema cannot say: what they name, when they end, what matches all.

In: the raw entries of a project. Out: problems.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from config.checks import Entries, place_of, references
from config.entries import Entry, positions
from config.launch_schema import (
    FEWEST_MONTHS,
    MOST_MONTHS,
    months_after,
    range_of_ends,
)
from config.level_schema import LaunchRules
from config.people_checks import people_named
from config.values import FIRST_DAY, LAST_DAY
from config.yaml_lines import Problem


def check_launches(entries: Entries) -> Iterator[Problem]:
    """Yield every problem of launches."""
    first: dict[str, Entry] = {}
    for launch in entries.of("launch"):
        yield from references(launch, ("brand",), "brand", entries)
        yield from people_named(launch, ("representatives",), entries)
        yield from _product(launch, entries)
        yield from _sister(launch, entries)
        yield from _words(launch)
        yield from _days(launch, entries)
        product = launch.text("product")
        before = first.setdefault(product, launch)
        if product and before is not launch:
            text = f'product "{product}" is already launched in {place_of(before, "product")}'
            yield launch.problem(f"{text}: keep one launch of it", "product")


def _product(launch: Entry, entries: Entries) -> Iterator[Problem]:
    """Yield what is wrong with its product: one of its brand, or a new one with a name."""
    product, brand = launch.text("product"), launch.text("brand")
    if "brand" in entries.unread or not product:
        return
    owner = entries.product_ids(launches=False).get(product)
    name = launch.text("name").strip()
    if owner is None and not name:
        text = (
            f'brand "{brand}" has no product "{product}": write the "name" of the new product, '
            "or the id of one that is there"
        )
        yield launch.problem(text, "product")
    elif owner is not None and owner != brand:
        text = f'product "{product}" belongs to brand "{owner}", which this launch does not name'
        yield launch.problem(text, "product")
    elif owner is not None and name and name != _known_name(product, entries):
        text = f'product "{product}" is already called "{_known_name(product, entries)}"'
        yield launch.problem(f"{text} in its brand's file: leave this out", "name")
    day, known = _day(launch.get("launched")), _known_day(product, entries)
    if day and known and day != known:
        text = f"its brand's file says that it was launched on {known}: keep one of the two days"
        yield launch.problem(text, "launched")


def _lines(product: str, entries: Entries) -> Iterator[tuple[Entry, int]]:
    for brand in entries.of("brand"):
        for index in positions(brand, "products"):
            if brand.text("products", index, "id") == product:
                yield brand, index


def _known_name(product: str, entries: Entries) -> str:
    named = (brand.text("products", index, "name") for brand, index in _lines(product, entries))
    return next(named, "")


def _known_day(product: str, entries: Entries) -> date | None:
    days = (
        _day(brand.get("products", index, "launched")) for brand, index in _lines(product, entries)
    )
    return next(days, None)


def _sister(launch: Entry, entries: Entries) -> Iterator[Problem]:
    sister = launch.text("sister")
    if sister and sister == launch.text("product"):
        text = "a product is no sister of itself: name another, or leave this out"
        yield launch.problem(text, "sister")
    elif sister:
        yield from references(launch, ("sister",), "product", entries)


def _words(launch: Entry) -> Iterator[Problem]:
    for path in ("aliases", "words"):
        for place, word in launch.words(path):
            if not word.strip():
                yield launch.problem("an empty word would match everything: remove it", *place)
    for place, text in launch.words("examples"):
        if not text.strip():
            yield launch.problem("expected a sentence, got an empty one", *place)
    for index in positions(launch, "readiness"):
        for done, planned in (("trained", "to_train"), ("parts", "parts_wanted")):
            some, all_ = (_count(launch.get("readiness", index, one)) for one in (done, planned))
            if some is not None and all_ is not None and some > all_:
                text = f"{some} of {all_} planned: expected at most as many as are planned"
                yield launch.problem(text, "readiness", index, done)


def _days(launch: Entry, entries: Entries) -> Iterator[Problem]:
    """Yield an end that is not three to six months away, be it its own or the project's."""
    launched, ends = _day(launch.get("launched")), _day(launch.get("ends"))
    if launched is None or not FIRST_DAY <= launched <= LAST_DAY:
        return  # the schema says what is wrong with it
    if launch.get("ends") is not None and ends is None:
        return
    first, last = range_of_ends(launched)
    wanted = (
        f"expected a day from {first} to {last}, {FEWEST_MONTHS} to {MOST_MONTHS} months after it"
    )
    if ends is not None:
        if not first <= ends <= last:
            yield launch.problem(f"ends on {ends}: {wanted}", "ends")
        return
    months = _months(entries)
    if months is not None and not FEWEST_MONTHS <= months <= MOST_MONTHS:
        day = months_after(launched, months)
        text = f'"ends" is not written and launch.months of the settings is {months} (to {day})'
        yield launch.problem(f"{text}: {wanted}; write it", "launched")


def _months(entries: Entries) -> int | None:
    for settings in entries.of("settings"):
        written = settings.get("launch", "months")
        if written is not None:
            return _count(written)
    return LaunchRules().months


def _count(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None


def _day(value: object) -> date | None:
    if not isinstance(value, str):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
