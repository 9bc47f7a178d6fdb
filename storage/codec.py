"""Records to JSON values and back, strictly: what does not fit the record is refused, not dropped.

In: frozen dataclasses of storage.records. Out: dicts, lists and scalars that `json` writes, and
records equal to those that went in.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from functools import lru_cache
from typing import Any, NewType, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from config.errors import StoreError

Record = TypeVar("Record")


def encode(value: object) -> Any:
    """Return a JSON value: instants as ISO text in UTC, enums by value, tuples as lists.

    Fields at their default are left out, so that a record with a new field stays readable.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {
            item.name: encode(getattr(value, item.name))
            for item in fields(value)
            if item.default is MISSING or getattr(value, item.name) != item.default
        }
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        instant = value.astimezone(UTC) if isinstance(value, datetime) else value
        return instant.isoformat()
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    return value


def decode(kind: type[Record], value: Any) -> Record:
    """Return the record that `encode` gave.

    Errors: StoreError names the field when a key is unknown or missing or has another type.
    """
    return cast("Record", _decode(kind, value, kind.__name__))


def _decode(kind: Any, value: Any, where: str) -> Any:
    if isinstance(kind, NewType):
        return _decode(kind.__supertype__, value, where)
    if is_dataclass(kind):
        return _decode_record(cast("type", kind), value, where)
    origin = get_origin(kind)
    if origin in {Union, types.UnionType}:
        return _decode_optional(kind, value, where)
    if origin is tuple:
        return _decode_tuple(kind, value, where)
    if origin is not None and issubclass(origin, Mapping):
        return _expect(dict, value, where)
    return _decode_scalar(kind, value, where)


def _decode_record(kind: type, value: Any, where: str) -> Any:
    stored = _expect(dict, value, where)
    hints = _hints(kind)
    unknown = sorted(stored.keys() - hints.keys())
    if unknown:
        raise StoreError(f"reading {where}: unknown field {unknown[0]!r}: the row is newer than us")
    given = {name: _decode(hints[name], item, f"{where}.{name}") for name, item in stored.items()}
    for item in fields(kind):
        required = item.default is MISSING and item.default_factory is MISSING
        if required and item.name not in given:
            raise StoreError(f"reading {where}: field {item.name!r} is missing")
    return kind(**given)


def _decode_optional(kind: Any, value: Any, where: str) -> Any:
    if value is None:
        return None
    [inner] = [option for option in get_args(kind) if option is not types.NoneType]
    return _decode(inner, value, where)


def _decode_tuple(kind: Any, value: Any, where: str) -> tuple[Any, ...]:
    items = _expect(list, value, where)
    parts = get_args(kind)
    if len(parts) == 2 and parts[1] is Ellipsis:
        return tuple(_decode(parts[0], item, f"{where}[{n}]") for n, item in enumerate(items))
    if len(parts) != len(items):
        raise StoreError(f"reading {where}: expected {len(parts)} values, got {len(items)}")
    return tuple(
        _decode(part, item, f"{where}[{n}]")
        for n, (part, item) in enumerate(zip(parts, items, strict=True))
    )


def _decode_scalar(kind: Any, value: Any, where: str) -> Any:
    try:
        if issubclass(kind, Enum):
            return kind(value)
        if issubclass(kind, datetime):
            return datetime.fromisoformat(_expect(str, value, where)).astimezone(UTC)
        if issubclass(kind, date):
            return date.fromisoformat(_expect(str, value, where))
    except ValueError as error:
        raise StoreError(f"reading {where}: {value!r} is no {kind.__name__}") from error
    if kind is float and type(value) is int:
        return float(value)
    return _expect(kind, value, where)


def _expect(kind: type, value: Any, where: str) -> Any:
    # bool is an int to isinstance, and 1 is not true
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise StoreError(f"reading {where}: expected {kind.__name__}, got {value!r}")
    return value


@lru_cache(maxsize=64)
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
