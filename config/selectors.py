"""Checks of single selectors and patterns: each is compiled as the crawler will compile it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from config.entries import Entry
from config.wording import did_you_mean
from config.yaml_lines import Problem, Where


def check_selector(
    source: Entry, place: Where, selector: str, prefixes: Collection[str]
) -> Iterator[Problem]:
    """Yield what is wrong with one prefixed selector where only some prefixes fit."""
    prefix, separator, rest = selector.partition(":")
    if not separator or prefix not in prefixes:
        near = did_you_mean(prefix, prefixes) if separator else ""
        known = ", ".join(f"{name}:" for name in prefixes)
        yield source.problem(
            f"expected a selector with {known}, got {selector[:60]!r}{near}", *place
        )
        return
    if not rest.strip():
        yield source.problem(f'nothing stands behind "{prefix}:"', *place)
        return
    trouble = ""
    if prefix == "css":
        trouble = _css_trouble(rest)
    elif prefix == "xpath":
        trouble = _xpath_trouble(rest)
    elif prefix == "jmes":
        trouble = _jmes_trouble(rest)
    elif prefix == "re2":
        yield from check_pattern(source, place, rest)
    if trouble:
        yield source.problem(trouble, *place)


def _css_trouble(selector: str) -> str:
    from cssselect import SelectorError, parse

    try:
        parsed = parse(selector)
    except (SelectorError, ValueError, RecursionError) as error:
        return f"{selector[:60]!r} is not a CSS selector: {error}"
    for item in parsed:
        ending = item.pseudo_element
        name = ending if isinstance(ending, str) or ending is None else ending.name
        if name not in {None, "text", "attr"}:
            near = did_you_mean(str(name), ("text", "attr"))
            return f'unknown ending "::{name}", expected ::text or ::attr(name){near}'
    return ""


def _xpath_trouble(expression: str) -> str:
    from lxml.etree import XPath, XPathSyntaxError

    if re.search(r"\b(document|doc|unparsed-text)\s*\(", expression):
        return f"{expression[:60]!r} calls a function that opens other documents: remove it"
    try:
        XPath(expression)
    except (XPathSyntaxError, ValueError) as error:
        return f"{expression[:60]!r} is not an XPath expression: {error}"
    return ""


def _jmes_trouble(expression: str) -> str:
    import jmespath
    from jmespath.exceptions import JMESPathError
    from jmespath.functions import Functions

    try:
        pending = [jmespath.compile(expression).parsed]
    except (JMESPathError, ValueError, RecursionError) as error:
        said = " ".join(str(error).split())[:120]
        return f"{expression[:60]!r} is not a JMESPath expression: {said}"
    known = Functions().FUNCTION_TABLE
    while pending:
        node = pending.pop()
        if node["type"] == "function_expression" and node["value"] not in known:
            near = did_you_mean(node["value"], known)
            return f"{expression[:60]!r} calls an unknown function {node['value']}(){near}"
        pending.extend(child for child in node["children"] if isinstance(child, dict))
    return ""


def check_pattern_rule(source: Entry, place: Where, groups: int = 0) -> Iterator[Problem]:
    """Yield what is wrong with the re2:PATTERN (or the list of them) at a place."""
    for where, written in source.words(*place):
        if not written.startswith("re2:"):
            yield source.problem(f"expected re2:PATTERN, got {written[:60]!r}", *where)
        else:
            yield from check_pattern(source, where, written.removeprefix("re2:"), groups)


def check_pattern(source: Entry, place: Where, pattern: str, groups: int = 0) -> Iterator[Problem]:
    """Yield what is wrong with an RE2 pattern that must have so many groups."""
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options=options)
    except (re2.error, UnicodeError) as error:
        said = error.args[0] if error.args else error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        yield source.problem(f"{pattern[:60]!r} is not an RE2 pattern: {text}", *place)
        return
    if compiled.groups < groups:
        yield source.problem(f"{pattern[:60]!r} has no group (…) around the id", *place)
