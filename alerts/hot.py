"""What standing on a hot-search list means: evidence in, share of reach, level and words out.

Marks after alerting.md section 4: on a list is orange, among the first ten red. A list that was not
read says nothing: unknown, which is neither "on it" nor "not on it".
"""

from __future__ import annotations

from alerts.markup import shorten
from storage.records import Evidence, HotStanding, Level, Reason, Surge

TOP = 10  # ranks that make it red (alerting.md section 4)
# Shares of reach: the first ten are what everybody is shown, a place below is seen by who looks for
# it; what has left the list was still seen. Judgement: section 4 names the levels only.
_TOP_SHARE, _ON_SHARE, _PAST_SHARE = 1.0, 0.7, 0.4
_TITLE = 24  # characters of a line's title in a sentence

BLIND = {
    "not_connected": "热搜未知（没有接入热搜榜）",
    "no_answer": "热搜未知（热搜榜最近没有取到）",
}


def counts(evidence: Evidence, surge: Surge) -> bool:
    """Say whether the standing counts for this cluster.

    A title that names only the brand counts while the cluster itself is unusual: brands come on
    such lists for good reasons, too.
    """
    hot = evidence.hot
    return hot is not None and (hot.is_about or surge.kind != "none")


def level(evidence: Evidence, surge: Surge) -> Level:
    """Return the level that standing on a list now sets by itself, NONE when it does not."""
    hot = evidence.hot
    if hot is None or not hot.is_current or not counts(evidence, surge):
        return Level.NONE
    return Level.RED if hot.rank is not None and hot.rank <= TOP else Level.ORANGE


def share(evidence: Evidence, surge: Surge) -> float:
    """Return the share of the points for reach, 0 to 1."""
    hot = evidence.hot
    if hot is None or not counts(evidence, surge):
        return 0.0
    if not hot.is_current:
        return _PAST_SHARE
    return _TOP_SHARE if hot.rank is not None and hot.rank <= TOP else _ON_SHARE


def reason(evidence: Evidence, surge: Surge, points: float) -> Reason | None:
    """Name the standing, or that it is unknown; None when lists were read and none names it."""
    hot = evidence.hot
    if hot is not None:
        code = "reach_hot" if hot.is_current else "reach_hot_past"
        value = None if hot.rank is None else float(hot.rank)
        only = "" if counts(evidence, surge) else "（只提到品牌，未必是这件事，不计分）"
        return Reason(code=code, text=f"{words(evidence)}{only}", value=value, points=points)
    if evidence.hot_known:
        return None
    return Reason(code="reach_hot_unknown", text=words(evidence))


def words(evidence: Evidence) -> str:
    """Say in a few words where it stands, that it stands nowhere, or that nobody knows."""
    if evidence.hot is None:
        return "未上热搜" if evidence.hot_known else BLIND[evidence.hot_blind]
    hot = evidence.hot
    title = shorten(hot.title, _TITLE)
    listed = f"{hot.platform.removesuffix('热搜')}热搜"  # a list may be a platform by itself
    if not hot.is_current:
        return f"24 小时内曾上{listed}“{title}”{_best(hot)}"
    place = "在榜（名次未知）" if hot.rank is None else f"第 {hot.rank} 位"
    return f"{listed}{place}“{title}”{_best(hot)}"


def _best(hot: HotStanding) -> str:
    if hot.best_rank is None or (hot.is_current and hot.best_rank == hot.rank):
        return ""
    return f"，最高第 {hot.best_rank} 位"
