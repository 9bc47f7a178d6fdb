"""Turns what pydantic found into sentences: what, which value, what was expected.

In: one pydantic error and the JSON Schema of what was validated. Out: a place and a text. The value
of a secret never gets here: `SecretRef.parse` refuses literals in words of its own.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

from config.yaml_lines import Where

Node = Mapping[str, Any]

_SHOWN_CHARACTERS = 60

# What people write for a time zone and what they mean by it.
_ZONES = {
    "asia/beijing": "Asia/Shanghai",
    "asia/peking": "Asia/Shanghai",
    "beijing": "Asia/Shanghai",
    "china": "Asia/Shanghai",
    "cst": "Asia/Shanghai",
    "gmt+8": "Asia/Shanghai",
    "utc+8": "Asia/Shanghai",
    "+08:00": "Asia/Shanghai",
    "北京时间": "Asia/Shanghai",
    "asia/shanghi": "Asia/Shanghai",
    "asia/shenzhen": "Asia/Shanghai",
    "asia/guangzhou": "Asia/Shanghai",
}

_EXPECTED = {
    "string_type": "text (put it in quotes)",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a smaller whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "date_type": "a day such as 2026-11-20",
    "date_parsing": "a day such as 2026-11-20",
    "date_from_datetime_parsing": "a day such as 2026-11-20",
    "date_from_datetime_inexact": "a day such as 2026-11-20",
    "tuple_type": "a list",
    "dict_type": "keys and values",
    "model_type": "keys and values",
    "model_attributes_type": "keys and values",
}


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean "…"?)` for the nearest known word, "" when none is near."""
    near = nearest(word, known)
    return f' (did you mean "{near}"?)' if near else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that is most like this one, "" when none is near."""
    folded = {name.casefold(): name for name in known}
    # 0.6 is difflib's own default; it still finds one wrong letter in a word of three.
    near = difflib.get_close_matches(word[:200].casefold(), folded, n=1, cutoff=0.6)
    return folded[near[0]] if near else ""


def kind_of(value: object) -> str:
    """Name the kind of a YAML value as people call it, without the value itself."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case str():
            return "text"
        case int() | float():
            return "a number"
        case list() | tuple():
            return "a list"
        case _:
            return "keys and values"


def show(value: object) -> str:
    """Write a value for a message: scalars themselves (cut at 60 characters), others by kind."""
    if isinstance(value, str):
        cut = value if len(value) <= _SHOWN_CHARACTERS else value[: _SHOWN_CHARACTERS - 1] + "…"
        return repr(cut)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else kind_of(value)


class SchemaView:
    """A JSON Schema asked by place: which keys, which values, is it a secret."""

    def __init__(self, schema: Node) -> None:
        self._schema = schema

    def keys(self, where: Where) -> list[str]:
        """Return the keys that a mapping at this place takes."""
        return sorted({key for node in self._at(where) for key in node.get("properties", {})})

    def values(self, where: Where) -> list[str]:
        """Return the values that a choice at this place takes, [] when it is no choice."""
        found: list[str] = []
        for node in self._at(where):
            choices = [*node.get("enum", ()), *([node["const"]] if "const" in node else ())]
            found.extend(str(choice) for choice in choices if str(choice) not in found)
        return found

    def is_secret(self, where: Where) -> bool:
        """Return whether a secret's reference stands at this place."""
        return any(node.get("format") == "secret" for node in self._at(where))

    def _at(self, where: Where) -> list[Node]:
        nodes = self._alternatives(self._schema)
        for step in where:
            below = [found for node in nodes for found in self._below(node, step)]
            # A step that the schema lacks is validator-made (or an unknown key): stay.
            nodes = below or nodes
        return nodes

    def _below(self, node: Node, step: str | int) -> list[Node]:
        if isinstance(step, int):
            found = node.get("items")
        else:
            tagged = node.get("discriminator", {}).get("mapping", {})
            found = {"$ref": tagged[step]} if step in tagged else None
            found = found or node.get("properties", {}).get(step)
            found = found or node.get("additionalProperties")
        return self._alternatives(found) if isinstance(found, dict) else []

    def _alternatives(self, node: Node) -> list[Node]:
        """Return a node and the nodes that it may stand for, references followed."""
        if "$ref" in node:
            name = str(node["$ref"]).rpartition("/")[2]
            return self._alternatives(self._schema["$defs"][name])
        found = [node]
        for branch in (*node.get("anyOf", ()), *node.get("oneOf", ())):
            found.extend(self._alternatives(branch))
        return found


def describe(error: ErrorDetails, schema: SchemaView, base: Where) -> tuple[Where, str]:
    """Return the place (within the entry) and the text of one pydantic error.

    `base` is the entry's own place in the schema.
    """
    place: Where = error["loc"]
    kind, value = error["type"], error["input"]
    where = (*base, *place)
    if kind == "extra_forbidden":
        known = schema.keys(where[:-1])
        return place[:-1], f'unknown key "{place[-1]}"{did_you_mean(str(place[-1]), known)}'
    if kind == "missing":
        last = place[-1]
        missing = f"value {last + 1}" if isinstance(last, int) else f'key "{last}"'
        return place[:-1], f"{missing} is missing"
    if kind.startswith("union_tag_"):
        return _tag(place, value, schema.values((*where, "kind")))
    if kind == "literal_error":
        return place, _choice(value, schema.values(where))
    if kind == "value_error":
        return place, _own_words(error, schema.values(where))
    expected = _EXPECTED.get(kind) or _bounds(error)
    return place, f"expected {expected}, got {show(value)}"


def _tag(place: Where, value: object, choices: Collection[str]) -> tuple[Where, str]:
    """Word a missing or unknown `kind`, which decides what the other keys are."""
    if not isinstance(value, dict) or "kind" not in value:
        return place, f'key "kind" is missing, expected {_listed(choices)}'
    return (*place, "kind"), _choice(value["kind"], choices)


def _choice(value: object, choices: Collection[str]) -> str:
    return f"expected {_listed(choices)}, got {show(value)}{did_you_mean(str(value), choices)}"


def _listed(choices: Collection[str]) -> str:
    shown = [choice or '""' for choice in choices]
    return shown[0] if len(shown) == 1 else f"one of {', '.join(shown)}"


def _own_words(error: ErrorDetails, choices: Collection[str]) -> str:
    """Return the text that our own validator raised, with a guess where one is possible."""
    text = str(error.get("ctx", {}).get("error", error["msg"]))
    value = error["input"]
    if not isinstance(value, str):
        return text
    if "time zone" in text:
        from zoneinfo import available_timezones

        meant = _ZONES.get(value.strip().casefold())
        return text + (
            f' (did you mean "{meant}"?)' if meant else did_you_mean(value, available_timezones())
        )
    return text + did_you_mean(value, choices)


def _bounds(error: ErrorDetails) -> str:
    """Return what a numeric bound or a length asks for, else pydantic's own words."""
    limits = error.get("ctx", {})
    for name, words in (
        ("ge", "at least"),
        ("gt", "more than"),
        ("le", "at most"),
        ("lt", "less than"),
    ):
        if name in limits:
            return f"{words} {limits[name]:g}"
    if error["type"] == "too_long" and "max_length" in limits:
        return f"at most {limits['max_length']} values"
    text = error["msg"]
    return text[:1].lower() + text[1:]
