"""Checks of one brand's file that a schema cannot say: words that match everything or nothing.

In: a raw brand entry. Out: problems.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from config.entries import Entry, positions
from config.wording import did_you_mean
from config.yaml_lines import Problem, Where

# A name that can be spelt in pinyin: two characters of Chinese or more, nothing else.
_CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]{2,}")


def check_brand(brand: Entry) -> Iterator[Problem]:
    """Yield every problem of one brand."""
    yield from _empty(brand)
    yield from _contradictions(brand)
    yield from _ambiguous(brand)
    yield from _examples(brand)


def _empty(brand: Entry) -> Iterator[Problem]:
    lists: list[Where] = [("aliases",), ("must",), ("any",), ("not",), ("near",)]
    lists += [("exclude", "urls"), ("exclude", "authors")]
    lists += [("products", index, "aliases") for index in positions(brand, "products")]
    for index in positions(brand, "ambiguous"):
        lists += [("ambiguous", index, "brand"), ("ambiguous", index, "other")]
    for path in lists:
        for place, word in brand.words(*path):
            if not word.strip():
                yield brand.problem("an empty word would match everything: remove it", *place)
    if not brand.text("name").strip() and isinstance(brand.get("name"), str):
        yield brand.problem("expected a name, got an empty one", "name")


def _contradictions(brand: Entry) -> Iterator[Problem]:
    named = {word for path in (("aliases",), ("must",)) for _, word in brand.words(*path)}
    near = {word for _, word in brand.words("near")}
    for place, word in brand.words("not"):
        if word in named:
            yield brand.problem(
                f'"{word}" is also in aliases or must, so nothing could ever match', *place
            )
        elif near == {word}:
            text = f'"{word}" is the only word of near, so nothing could ever match'
            yield brand.problem(text, *place)
    if brand.get("near_within") is not None and not near:
        text = 'says how near the words of "near" must stand, but there are none: add "near"'
        yield brand.problem(text, "near_within")
    names = [brand.text("name"), *(word for _, word in brand.words("aliases"))]
    if brand.get("pinyin") is True and not any(map(_CHINESE.fullmatch, names)):
        text = "no name is of two or more Chinese characters and nothing else: add one, or remove"
        yield brand.problem(f"{text} this", "pinyin")


def _ambiguous(brand: Entry) -> Iterator[Problem]:
    names = _names(brand)
    seen: set[str] = set()
    for index in positions(brand, "ambiguous"):
        name = brand.text("ambiguous", index, "name")
        place: Where = ("ambiguous", index, "name")
        if name and name not in names:
            text = f'"{name}" is no name or alias of this brand{did_you_mean(name, names)}'
            yield brand.problem(text, *place)
        elif name in seen:
            yield brand.problem(f'"{name}" is described twice: keep one of them', *place)
        seen.add(name)
        meant = {word for _, word in brand.words("ambiguous", index, "brand")}
        for side in ("brand", "other"):
            for where, word in brand.words("ambiguous", index, side):
                if word == name:
                    text = f'"{word}" is the name itself and says nothing about its meaning'
                    yield brand.problem(f"{text}: remove it", *where)
                elif side == "other" and word in meant:
                    text = f'"{word}" also stands under brand: it cannot speak for both meanings'
                    yield brand.problem(text, *where)


def _names(brand: Entry) -> set[str]:
    names = {brand.text("name"), *(word for _, word in brand.words("aliases"))}
    for index in positions(brand, "products"):
        names.add(brand.text("products", index, "name"))
        names.update(word for _, word in brand.words("products", index, "aliases"))
    return names


def _examples(brand: Entry) -> Iterator[Problem]:
    first: dict[tuple[str, ...], tuple[bool, int]] = {}
    for index in positions(brand, "examples"):
        said = brand.text("examples", index, "text")
        if brand.get("examples", index, "text") == "":
            yield brand.problem("expected a sentence, got an empty one", "examples", index, "text")
            continue
        page = (said, *(brand.text("examples", index, key) for key in ("title", "url", "author")))
        wanted = brand.get("examples", index, "match") is not False
        before, line = first.setdefault(page, (wanted, brand.line("examples", index)))
        if said and before != wanted:
            text = f"line {line} wants the opposite of the same sentence: keep one of them"
            yield brand.problem(text, "examples", index)
