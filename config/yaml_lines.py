"""YAML that remembers its lines.

In: the bytes of one file and the environment. Out: plain values (dict, list, str, int, float, bool,
None) with the line of every key and item, and the problems found. Nothing is executed: tags, merge
keys and unbounded aliases are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import yaml

Where = tuple[str | int, ...]  # keys and list positions from the top of a file

MAX_BYTES = 1024 * 1024  # a file written by hand is a few KB; 1 MiB costs PyYAML about 10 s
MAX_VALUES = 20_000  # values after aliases are followed; our largest example has about 200
MAX_DEPTH = 24  # the schema is seven deep

_PLACEHOLDER = re.compile(r"\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(:-[^}]*)?\})?")
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]{1,3})?")
_TAG = "tag:yaml.org,2002:"
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake and where it stands; sorts by file and line."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        """Return `file:line: text`, as compilers write it."""
        return f"{self.file}:{self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class Document:
    """One file as plain values.

    `lines` holds the line (from 1) of every key and list item, `substituted` the places where an
    environment variable was put in, `unreadable` the lines whose value is not what was written.
    """

    file: str
    value: object
    lines: Mapping[Where, int]
    substituted: frozenset[Where] = frozenset()
    unreadable: frozenset[int] = frozenset()

    def line(self, where: Where) -> int:
        """Return the line of a place, else of the nearest place above it that the file names."""
        return self.lines.get(self.known(where), 1)

    def known(self, where: Where) -> Where:
        """Return the part of `where` that the file has; steps that it lacks are left out.

        Validators report steps that nobody wrote (the kind of a union, a default's key); leaving
        them out gives the place a person can look at.
        """
        found: Where = ()
        for step in where:
            if (*found, step) in self.lines:
                found = (*found, step)
        return found


def read_document(
    file: str, body: bytes, environ: Mapping[str, str]
) -> tuple[Document | None, list[Problem]]:
    """Read one YAML file; None when it cannot be read at all, and every problem met on the way."""
    try:
        node = _compose(_decode(body))
    except _Unreadable as error:
        return None, [Problem(file, error.line, error.text)]
    builder = _Builder(file, environ)
    value = None if node is None else builder.build(node, ())
    if builder.is_too_much:
        return None, builder.problems
    unreadable = frozenset(builder.unreadable)
    substituted = frozenset(builder.substituted)
    return Document(file, value, builder.lines, substituted, unreadable), builder.problems


class _Unreadable(Exception):  # noqa: N818 - an answer, not a fault
    def __init__(self, line: int, text: str) -> None:
        super().__init__(line, text)
        self.line = line
        self.text = text


def _decode(body: bytes) -> str:
    if len(body) > MAX_BYTES:
        raise _Unreadable(1, f"the file is larger than {MAX_BYTES} bytes: split it")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{body[error.start]:02x} is not UTF-8: save the file as UTF-8"
        raise _Unreadable(line, found) from error


def _compose(text: str) -> yaml.Node | None:
    line = 0
    try:
        loader = _Loader(text)
        try:
            node: yaml.Node | None = loader.get_single_node()
        finally:
            line = loader.line
            loader.dispose()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, int(error.position)) + 1
        found = f"character U+{int(error.character):04X} is not allowed in YAML: remove it"
        raise _Unreadable(line, found) from error
    except yaml.MarkedYAMLError as error:
        raise _syntax(error) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # an escape beyond Unicode ("\Uffffffff") or a directive with an endless number
        raise _Unreadable(line + 1, "cannot be read as YAML: check this line") from error
    return node


def _syntax(error: yaml.MarkedYAMLError) -> _Unreadable:
    mark = error.problem_mark or error.context_mark
    # The library's snippet is left out: the line may hold a secret.
    said = error.problem or error.context or "syntax error"
    if said.startswith("but "):
        said = f"{error.context}, {said}"
    return _Unreadable(mark.line + 1 if mark else 1, f"cannot be read as YAML: {said}")


class _Loader(yaml.SafeLoader):
    """Composes nodes only, with YAML 1.2's idea of plain scalars and a limit on depth.

    In YAML 1.1, PyYAML's own, 22:30 is the number 1350 and `no` is false: both have bitten
    configuration files for years.
    """

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose one node unless it lies too deep (a thousand brackets end in recursion)."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None, None, f"nested more than {MAX_DEPTH} deep", event.start_mark
            )
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def resolve(
        self, kind: type[yaml.Node], value: object, implicit: tuple[bool, bool] | bool
    ) -> str:
        """Return the tag of a node that carries none."""
        if kind is yaml.SequenceNode:
            return _TAG + "seq"
        if kind is yaml.MappingNode:
            return _TAG + "map"
        is_plain = isinstance(implicit, tuple) and implicit[0]
        return _TAG + (_plain_kind(str(value)) if is_plain else "str")


def _plain_kind(text: str) -> str:
    if text in {"", "~", "null", "Null", "NULL"}:
        return "null"
    if text.lower() in {"true", "false"}:
        return "bool"
    if _INT.fullmatch(text):
        return "int"
    return "float" if _FLOAT.fullmatch(text) else "str"


class _Builder:
    """Turns nodes into values, keeping lines and collecting problems."""

    def __init__(self, file: str, environ: Mapping[str, str]) -> None:
        self.file = file
        self.environ = environ
        self.lines: dict[Where, int] = {}
        self.substituted: set[Where] = set()
        self.problems: list[Problem] = []
        self.unreadable: set[int] = set()
        self.is_too_much = False
        self._values_left = MAX_VALUES
        self._open: set[int] = set()

    def build(self, node: yaml.Node, where: Where) -> object:
        self.lines.setdefault(where, node.start_mark.line + 1)
        self._values_left -= 1
        if self._values_left < 0:
            if not self.is_too_much:
                self._refuse(node, f"more than {MAX_VALUES} values once aliases are followed")
            self.is_too_much = True
            return None
        if id(node) in self._open:
            self._refuse(node, "an alias (*) that holds itself: write the value out")
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, where)
            if isinstance(node, yaml.SequenceNode):
                return self._sequence(node, where)
            return self._scalar(node, where)
        finally:
            self._open.discard(id(node))

    def _refuse(self, node: yaml.Node, text: str) -> None:
        """Report a value that was not read; later checks of its line would only be echoes."""
        self._report(node, text)
        self.unreadable.add(node.start_mark.line + 1)

    def _report(self, node: yaml.Node, text: str) -> None:
        self.problems.append(Problem(self.file, node.start_mark.line + 1, text))

    def _mapping(self, node: yaml.MappingNode, where: Where) -> dict[str, object]:
        self._check_tag(node, "map")
        values: dict[str, object] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._report(key_node, "expected a plain word as key, got a list or mapping")
                continue
            key = self._key(key_node)
            if key is None:
                continue
            if key in values:
                first = self.lines[(*where, key)]
                self._report(key_node, f'key "{key}" is written twice, first on line {first}')
                continue
            self.lines[(*where, key)] = key_node.start_mark.line + 1
            values[key] = self.build(value_node, (*where, key))
        return values

    def _key(self, node: yaml.ScalarNode) -> str | None:
        key = str(node.value)
        if key == "<<" and node.style is None:
            self._refuse(node, "merge keys (<<) are not supported: write the keys out")
            return None
        if _UNWRITABLE.search(key):
            self._report(node, "a key holds a control character: remove it")
            return None
        return key

    def _sequence(self, node: yaml.SequenceNode, where: Where) -> list[object]:
        self._check_tag(node, "seq")
        return [self.build(item, (*where, index)) for index, item in enumerate(node.value)]

    def _scalar(self, node: yaml.Node, where: Where) -> object:
        text = str(node.value)
        match node.tag.removeprefix(_TAG):
            case "null":
                return None
            case "bool" if text.lower() in {"true", "false"}:
                return text.lower() == "true"
            case "int" if _INT.fullmatch(text):
                return int(text)
            case "float" if _FLOAT.fullmatch(text):
                return float(text)
            case "str":
                return self._text(node, text, where)
        self._refuse(node, f'tag "{_tag_text(node.tag)}" is not supported: remove it')
        return None

    def _text(self, node: yaml.Node, text: str, where: Where) -> str:
        if _UNWRITABLE.search(text):
            self._refuse(node, "the text holds a control character or half a character: remove it")
            return ""
        replaced, troubles = substitute(text, self.environ)
        for trouble in troubles:
            self._refuse(node, trouble)
        if replaced != text or _PLACEHOLDER.search(text):
            self.substituted.add(where)
        return replaced

    def _check_tag(self, node: yaml.Node, expected: str) -> None:
        if node.tag != _TAG + expected:
            self._refuse(node, f'tag "{_tag_text(node.tag)}" is not supported: remove it')


def _tag_text(tag: str) -> str:
    return tag.replace(_TAG, "!!")[:60]


def substitute(text: str, environ: Mapping[str, str]) -> tuple[str, list[str]]:
    """Replace `${NAME}` and `${NAME:-default}` from the environment; `$${` stays as `${`.

    Return the text and what is wrong with it: a variable that is not set and has no default (an
    empty one counts as not set when there is a default, as in a shell), or an unclosed brace.
    """
    troubles: list[str] = []

    def replace(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        name, default = match[1], match[2]
        if name is None:
            troubles.append('"${" is not closed: expected ${NAME} or ${NAME:-default}')
            return ""
        value = environ.get(name)
        if value or (value is not None and default is None):
            return value
        if default is None:
            troubles.append(
                f"environment variable {name} is not set: set it, or write ${{{name}:-default}}"
            )
            return ""
        return str(default).removeprefix(":-")

    return _PLACEHOLDER.sub(replace, text), troubles
