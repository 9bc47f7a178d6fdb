"""Text of a JSON answer goes in, values to select from come out; hostile answers are named.

What strangers send as JSON may nest without end, repeat keys, hold NaN or be a login page. Whatever
is not one plain JSON value of bounded depth is refused before a selector sees it.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from crawlers.causes import Failure, empty, unreadable, wall_of
from crawlers.plain import tidy

_MAX_DEPTH = 100  # real answers nest fewer than twenty levels
_MAX_VALUES = 500  # of one selector
# Room for a thousand items of a hundred values; 10 MB of empty lists took 283 MB (measured).
_MAX_COMMAS = 500_000
_MAX_CONTAINERS = 200_000
# "callback({...});": the same answer for pages of other sites
_WRAPPED = re.compile(r"\s*[A-Za-z_$][\w$.]{0,80}\s*\(\s*([\[{].*[\]}])\s*\)\s*;?\s*", re.DOTALL)
_MARKUP = re.compile(
    r"</?[A-Za-z][^<>]{0,2000}>|&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,31});"
)
# Unix time in seconds, milli-, micro- and nanoseconds, 2001 to 2286 each
_EPOCHS = ((1e9, 1e10, 1), (1e12, 1e13, 1e3), (1e15, 1e16, 1e6), (1e18, 1e19, 1e9))


class JsonPage:
    """A loaded JSON answer; `root` is its value. Parts of it (the items of a list) are values."""

    def __init__(self, text: str, url: str) -> None:
        """Load a text. Errors: ValueError that says, for people, what is wrong with it."""
        self.text = text
        self.url = url
        self.root = load_json(text)


def open_json(text: str, url: str) -> tuple[JsonPage | None, Failure | None]:
    """Return a decoded answer as a page, or why it is none."""
    if not text.strip():
        return None, empty("接口返回了空内容")
    try:
        return JsonPage(text, url), None
    except ValueError as error:
        if text.lstrip("\ufeff \t\r\n").startswith("<"):
            return None, wall_of(text) or unreadable(
                "返回的是网页（HTML），不是 JSON，请核对接口地址"
            )
        return None, unreadable(str(error))


def load_json(text: str) -> Any:
    """Load one JSON value (JSONP's wrapping is taken off).

    Errors: ValueError for what is no JSON, for NaN and infinities, repeated keys, values nested
    deeper than 100 levels, and more than 500,000 values.
    """
    bare = text.lstrip("\ufeff \t\r\n")
    if bare.count(",") > _MAX_COMMAS or bare.count("[") + bare.count("{") > _MAX_CONTAINERS:
        raise ValueError(f"JSON 中的值超过 {_MAX_COMMAS} 个，拒绝解析")
    wrapped = _WRAPPED.fullmatch(bare)
    try:
        value = json.loads(
            wrapped[1] if wrapped else bare,
            strict=False,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
    except RecursionError as error:
        raise ValueError(f"JSON 嵌套超过 {_MAX_DEPTH} 层，拒绝解析") from error
    except _RefusedError as error:
        raise ValueError(error.text) from error
    except ValueError as error:
        raise ValueError(f"JSON 格式有误：{tidy(str(error))[:120]}") from error
    if _is_deeper(value, _MAX_DEPTH):
        raise ValueError(f"JSON 嵌套超过 {_MAX_DEPTH} 层，拒绝解析")
    return value


def query_json(part: Any, expression: str) -> Any:
    """Evaluate a JMESPath expression on a value; None when it finds nothing or does not apply."""
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.search(expression, part)
    # A function that is given null or a text where it wants a list: this item has no such field.
    except (JMESPathError, ValueError, TypeError, OverflowError, RecursionError):
        return None


def select_json(part: Any, expression: str) -> list[Any] | None:
    """Return the values that an expression finds, None when there is no such place."""
    found = query_json(part, expression)
    if found is None:
        return None
    return list(found) if isinstance(found, list) else [found]


def json_text(value: Any, name: str) -> str:
    """Return what a person reads of a JSON value: HTML as text, Unix times in seconds.

    A list gives its texts on lines of their own for the field `text`, else the first one; an object
    gives nothing.
    """
    if isinstance(value, list):
        texts = [json_text(item, name) for item in value[:_MAX_VALUES]]
        kept = [text for text in texts if text]
        return "\n".join(kept) if name == "text" else next(iter(kept), "")
    if isinstance(value, str):
        text = _plain(value) if name not in {"url", "native_id"} else tidy(value)
        return text if name == "text" else text.replace("\n", " ")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    if name == "published":
        for low, high, unit in _EPOCHS:
            if low <= value < high:
                return str(int(value // unit))
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e16 else str(value)


def _plain(text: str) -> str:
    if _MARKUP.search(text) is None:
        return tidy(text)
    from crawlers.extract import fragment_text

    return fragment_text(text)


class _RefusedError(ValueError):
    """What json itself would let pass."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = counts.most_common(1)[0][0]
        raise _RefusedError(f"JSON 中同一对象的键 {tidy(twice)[:40]!r} 出现两次，无法确定取哪一个")
    return found


def _no_constant(name: str) -> Any:
    raise _RefusedError(f"JSON 中含有 {name}，不是合法的 JSON 数值")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _RefusedError(f"JSON 中的数值 {text[:20]} 超出范围")
    return value


def _is_deeper(value: Any, limit: int) -> bool:
    """Return whether containers nest deeper than `limit`, level by level and without recursion."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(limit):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return bool(level)
