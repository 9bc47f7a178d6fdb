"""Clusters in plain words: what the journal says, and which ones are alike.

In: clusters and their journal. Out: rows and sentences for pages.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.records import Cluster, ClusterEvent, ClusterId, MentionId

# What the desk takes back; the rest is the program's own coming and going.
_UNDOABLE = frozenset({"merge", "split", "move", "rename", "pin", "unpin", "apart", "together"})
_ITS_OWN = frozenset({"rename", "pin", "unpin"})  # of one merged away: first undo the merge
_SENTENCES: Mapping[str, tuple[str, str]] = {  # as the row's own cluster sees it, and the other
    "open": ("第一次出现", "第一次出现"),
    "merge": ("并入了{other}", "并进{other}"),
    "split": ("拆出了{other}", "从{other}拆出来"),
    "move": ("从{other}移来 {mentions}", "移走 {mentions}到{other}"),
    "cold": ("很久没有人再说，转冷", ""),
    "reopen": ("又有人说起，重新活跃", ""),
    "pin": ("固定", ""),
    "unpin": ("取消固定", ""),
    "apart": ("和{other}分开，不再自动合并", "和{other}分开，不再自动合并"),
    "together": ("不再要求和{other}分开", "不再要求和{other}分开"),
    "retract": ("{mentions}复核或改文后离开", ""),
}
_LABEL_SHOWN = 30  # characters of another cluster's label in a row of the journal
_LIKE_LEAST = 0.12  # below it two labels share little more than the brand's name


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRow:
    """One act in words. `undo_nos`: the rows that an undo would take back, one a text that moved.

    `other` is the cluster on the other side, None without one; `mentions` are those that went.
    """

    numbers: tuple[int, ...]
    at: datetime
    actor: str
    text: str
    note: str = ""
    other: ClusterId | None = None
    mentions: tuple[MentionId, ...] = ()
    undo_nos: tuple[int, ...] = ()
    undone: bool = False


def journal_rows(
    cluster_id: ClusterId, events: Sequence[ClusterEvent], names: Mapping[ClusterId, Cluster]
) -> list[JournalRow]:
    """Return the journal of a cluster, newest act first; mentions that went together are one act.

    `events`: oldest first, of this cluster and of those merged into it; `names`: clusters by id.
    """
    undone = {one.undoes for one in events if one.undoes is not None}
    teller = _Teller(cluster_id, {one.event_no: one for one in events}, names)
    rows = []
    for act in _acts(events):
        first = act[0]
        is_own = cluster_id in {first.cluster_id, first.other_id}
        if first.kind == "open" and not is_own:
            continue  # each of those merged into it began once: the merge says so
        rows.append(
            JournalRow(
                numbers=tuple(one.event_no for one in act),
                at=first.at,
                actor=first.actor,
                text=teller.told(act),
                note="" if first.kind == "rename" else first.note,
                other=teller.other(first),
                mentions=tuple(one.mention_id for one in act if one.mention_id is not None),
                undo_nos=_undo_nos(act, undone, is_own=is_own),
                undone=all(one.event_no in undone for one in act),
            )
        )
    return rows[::-1]


def _undo_nos(
    act: Sequence[ClusterEvent], undone: Collection[int | None], *, is_own: bool
) -> tuple[int, ...]:
    kinds = _UNDOABLE if is_own else _UNDOABLE - _ITS_OWN
    numbers = (one.event_no for one in act if one.kind in kinds)
    return tuple(number for number in numbers if number not in undone)


def _acts(events: Sequence[ClusterEvent]) -> list[list[ClusterEvent]]:
    """Put rows together that one act wrote: the same kind, sides, actor, instant and note."""
    acts: list[list[ClusterEvent]] = []
    for one in events:
        together = acts and one.mention_id is not None and _act(acts[-1][-1]) == _act(one)
        if together:
            acts[-1].append(one)
        else:
            acts.append([one])
    return acts


def _act(one: ClusterEvent) -> tuple[object, ...]:
    return one.kind, one.cluster_id, one.other_id, one.actor, one.at, one.note


@dataclass(frozen=True, slots=True)
class _Teller:
    """Tells acts as one cluster sees them."""

    cluster_id: ClusterId
    by_number: Mapping[int, ClusterEvent]
    names: Mapping[ClusterId, Cluster]

    def told(self, act: Sequence[ClusterEvent]) -> str:
        first = act[0]
        if first.kind == "undo":
            numbers = [one.undoes for one in act if one.undoes is not None]
            taken = [self.by_number[number] for number in numbers if number in self.by_number]
            return f"撤销了“{self.told(taken)}”" if taken else "撤销了一次改动"
        is_here = first.other_id != self.cluster_id
        other = name_of(first.other_id if is_here else first.cluster_id, self.names)
        said = _sentence(first, other, f"{len(act)} 条提及", is_here=is_here)
        is_own = self.cluster_id in {first.cluster_id, first.other_id}
        return said if is_own else f"{name_of(first.cluster_id, self.names)}{said}"

    def other(self, one: ClusterEvent) -> ClusterId | None:
        """Return the cluster on the other side that stands on its own, None without one."""
        found = one.other_id if one.other_id != self.cluster_id else one.cluster_id
        known = self.names.get(found) if found is not None else None
        return found if known is not None and known.alias_of is None else None


def _sentence(one: ClusterEvent, other: str, mentions: str, *, is_here: bool) -> str:
    if one.kind == "rename":
        was = f"（原名「{one.was}」）" if one.was else ""
        return f"改名为「{one.note}」{was}" if one.note else f"名字交还给程序{was}"
    here, there = _SENTENCES.get(one.kind, (one.kind, one.kind))
    return (here if is_here else there).format(other=other, mentions=mentions)


def name_of(cluster_id: ClusterId | None, names: Mapping[ClusterId, Cluster]) -> str:
    """Return a cluster's label in quotation marks, its id where it has none."""
    known = names.get(cluster_id) if cluster_id is not None else None
    label = known.label if known is not None else ""
    if len(label) > _LABEL_SHOWN:
        label = f"{label[:_LABEL_SHOWN]}…"
    return f"「{label or cluster_id or '另一个聚类'}」"


# --- alike ------------------------------------------------------------------------------------


def likeliest(cluster: Cluster, others: Iterable[Cluster], most: int = 6) -> list[Cluster]:
    """Return the clusters whose labels and keywords are most like one cluster's, likest first.

    Keywords and pairs of characters of the label, as shares of what both have (Jaccard).
    """
    own = _features(cluster)

    def likeness(one: Cluster) -> float:
        features = _features(one)
        return len(own & features) / (len(own | features) or 1)

    return _likest(others, likeness, most)


def likeliest_for(texts: Sequence[str], others: Iterable[Cluster], most: int = 6) -> list[Cluster]:
    """Return the clusters of whose labels and keywords these texts hold the largest share."""
    said = "\n".join(texts).lower()

    def likeness(one: Cluster) -> float:
        features = _features(one)
        return sum(feature in said for feature in features) / (len(features) or 1)

    return _likest(others, likeness, most)


def _likest(
    others: Iterable[Cluster], likeness: Callable[[Cluster], float], most: int
) -> list[Cluster]:
    scored = [(likeness(one), one) for one in others]
    kept = [(score, one) for score, one in scored if score >= _LIKE_LEAST]
    kept.sort(key=lambda pair: (-pair[0], -pair[1].size, pair[1].cluster_id))
    return [one for _, one in kept[:most]]


def _features(cluster: Cluster) -> set[str]:
    label = "".join(letter for letter in cluster.label.lower() if letter.isalnum())
    pairs = {label[n : n + 2] for n in range(len(label) - 1)}
    return pairs | {word.lower() for word in cluster.keywords}
