"""Two versions of a source read the same pages: what appears, what disappears, what changes. Pure.

Losing is worse: fewer items, a field that was read and is not, a contract that was met and is not.
A changed value is shown, but only a person can say whether it is better.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from crawlers.trial import EXIT_OK, EXIT_UNMET, Trial, TrialItem

ROWS = 1000  # items compared of one page: as many as a list page is read for
_NAME_CHARS = 40
_VALUE_CHARS = 300
_EXAMPLES = 200  # changes kept; the counts tell about all


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field of one item that the two versions read differently. `item` names it for people."""

    item: str
    field: str
    kind: Literal["lost", "gained", "changed"]
    old: str = ""
    new: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What became of a page. `worse` are the reasons not to take the new version."""

    source_id: str
    old_items: int
    new_items: int
    lost: tuple[str, ...] = ()
    gained: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    counts: Mapping[str, Mapping[str, int]]  # per field: lost, gained, changed, same
    worse: tuple[str, ...] = ()
    exit_code: int = EXIT_OK

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def compare(old: Trial, new: Trial) -> Comparison:
    """Compare what two versions of a source read on the same pages, item by item."""
    pairs, lost, gained = _paired(old.shown, new.shown)
    behind, lost_behind, gained_behind = _paired(old.details, new.details)
    changes = [change for before, after in (*pairs, *behind) for change in _changes(before, after)]
    names = tuple(map(_name, (*lost, *lost_behind)))
    counts = _counts((*pairs, *behind), changes)
    worse = tuple(_worse(old, new, names, counts))
    failed_alike = bool(new.cause) and new.cause == old.cause
    return Comparison(
        source_id=new.source_id,
        old_items=old.items,
        new_items=new.items,
        lost=names,
        gained=tuple(map(_name, (*gained, *gained_behind))),
        changes=tuple(changes[:_EXAMPLES]),
        counts=counts,
        worse=worse,
        exit_code=new.exit_code if failed_alike else EXIT_UNMET if worse else EXIT_OK,
    )


def _worse(
    old: Trial, new: Trial, lost: Sequence[str], counts: Mapping[str, Mapping[str, int]]
) -> Iterator[str]:
    if new.cause:
        yield f"新版读不出：{new.cause_text}"
    if lost:
        yield f"少了 {len(lost)} 条"
    for name, count in counts.items():
        if count["lost"]:
            yield f"字段 {name} 有 {count['lost']} 条读不到了"
    yield from (f"新的未满足：{text}" for text in new.unmet if text not in old.unmet)


def _paired(
    old: Sequence[TrialItem], new: Sequence[TrialItem]
) -> tuple[list[tuple[TrialItem, TrialItem]], list[TrialItem], list[TrialItem]]:
    """Pair the items of both readings; what is left of either stands behind."""
    waiting: dict[str, list[TrialItem]] = {}
    for item in new:
        for key in _keys(item):
            waiting.setdefault(key, []).append(item)
    taken: set[int] = set()
    pairs, lost = [], []
    for item in old:
        found = next(
            (
                other
                for key in _keys(item)
                for other in waiting.get(key, ())
                if id(other) not in taken
            ),
            None,
        )
        if found is None:
            lost.append(item)
            continue
        taken.add(id(found))
        pairs.append((item, found))
    gained = [item for item in new if id(item) not in taken]
    return _by_place(pairs, lost, gained)


def _by_place(
    pairs: list[tuple[TrialItem, TrialItem]], lost: list[TrialItem], gained: list[TrialItem]
) -> tuple[list[tuple[TrialItem, TrialItem]], list[TrialItem], list[TrialItem]]:
    """Pair what nothing could tell by where it stands, when as many are left on both sides."""
    if len(lost) != len(gained):
        return pairs, lost, gained
    return [*pairs, *zip(lost, gained, strict=True)], [], []


def _keys(item: TrialItem) -> Iterator[str]:
    """Yield what an item may be known by, the surest first."""
    for kind, value in (
        ("id", item.native_id),
        ("url", item.canonical_url),
        ("title", item.value("title")),
        ("text", item.value("text")),
    ):
        if value:
            yield f"{kind}:{value}"


def _name(item: TrialItem) -> str:
    title = " ".join((item.value("title") or item.value("text")).split())
    return title[:_NAME_CHARS] or item.canonical_url or item.native_id


def _values(item: TrialItem) -> dict[str, str]:
    """Return the fields as both versions can be held against each other; "date" is the instant."""
    said = {entry.name: " ".join(entry.value.split()) for entry in item.fields}
    if "published" in said:
        said["date"] = item.published_at
    if item.canonical_url:
        said["url"] = item.canonical_url
    if item.native_id:
        said["native_id"] = item.native_id
    return said


def _changes(old: TrialItem, new: TrialItem) -> Iterator[Change]:
    before, after = _values(old), _values(new)
    for name in dict.fromkeys((*before, *after)):
        was, now = before.get(name, ""), after.get(name, "")
        if was == now:
            continue
        kind: Literal["lost", "gained", "changed"] = (
            "changed" if was and now else "lost" if was else "gained"
        )
        yield Change(
            item=_name(old) or _name(new) or "（无标题）",
            field=name,
            kind=kind,
            old=was[:_VALUE_CHARS],
            new=now[:_VALUE_CHARS],
        )


def _counts(
    pairs: Sequence[tuple[TrialItem, TrialItem]], changes: Sequence[Change]
) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for old, new in pairs:
        for name in dict.fromkeys((*_values(old), *_values(new))):
            count = counts.setdefault(name, {"lost": 0, "gained": 0, "changed": 0, "same": 0})
            count["same"] += 1
    for change in changes:
        counts[change.field][change.kind] += 1
        counts[change.field]["same"] -= 1
    return counts
