"""Which mentions people should look at first, and what that choice is made of.

In: verdicts that nobody has spoken about. Out: an order with named reasons. One look is worth most
where the model is least sure (uncertainty sampling, Lewis and Gale 1994), where it is unlike the
other ones asked (diversity: as in Brinker 2003) and where a wrong verdict costs most. Every tenth
one is drawn by lot instead, for only those tell how often the model is right.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from storage.records import MentionId, Polarity
from storage.review import Candidate

RANDOM_NEGATIVE = "random_negative"
RANDOM_OTHER = "random_other"
LOT = frozenset({RANDOM_NEGATIVE, RANDOM_OTHER})
REASONS = {
    "outdated": "复核过之后原文又改了",
    "near_threshold": "模型拿不准",
    "open_incident": "在还没了结的事件里",
    "high_reach": "传播大",
    "noise_doubt": "被当成广告等噪声，但看着像负面",
    RANDOM_NEGATIVE: "抽查：模型判负面的",
    RANDOM_OTHER: "抽查：模型没有判负面的",
}
LOT_EVERY = 10  # places: a share of 10 % drawn by lot
SHORTLIST = 500  # candidates whose texts are compared; ten times what a day asks
_UNSURE = 0.6  # uncertainty from which a verdict is called near its threshold
_REACH = 100  # reposts, comments and likes together from which many people saw it
_AT_WORK, _SEEN = 1.0, 0.5  # what an open incident, and a thousand interactions, add to the worth
_SAME = 0.5  # how much each one of the same source, brand or class takes off the worth of another


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A mention to be asked about, and why."""

    candidate: Candidate
    reasons: tuple[str, ...]


def uncertainty(negative: float, threshold: float) -> float:
    """Return how unsure a probability is against its threshold: 1 on it, 0 at both ends."""
    side = threshold if negative < threshold else 1.0 - threshold
    return max(0.0, 1.0 - abs(negative - threshold) / side) if side else 0.0


def consequence(candidate: Candidate) -> float:
    """Return how much hangs on a verdict: 1 for any, up to 2.5 for much seen ones at work."""
    seen = min(1.0, math.log10(1 + candidate.reach) / 3)
    return 1.0 + _AT_WORK * candidate.at_work + _SEEN * seen


def reasons_of(candidate: Candidate, threshold: float) -> tuple[str, ...]:
    """Name why a candidate is worth a look, the strongest reason first."""
    named = {
        "outdated": candidate.outdated,
        "near_threshold": uncertainty(candidate.negative, threshold) >= _UNSURE,
        "open_incident": candidate.at_work,
        "high_reach": candidate.reach >= _REACH,
        "noise_doubt": bool(candidate.noise) and candidate.negative >= threshold,
    }
    return tuple(reason for reason, holds in named.items() if holds) or ("near_threshold",)


def worth(candidate: Candidate, threshold: float) -> float:
    """Return what a look at a candidate is worth, before it is compared with others."""
    unsure = uncertainty(candidate.negative, threshold)
    if candidate.outdated or (candidate.noise and candidate.negative >= threshold):
        unsure = max(unsure, 1.0)
    return unsure * consequence(candidate)


def shortlist(
    candidates: Sequence[Candidate], thresholds: Callable[[str], float], day: str
) -> list[Candidate]:
    """Return the candidates whose texts are worth comparing, the most worth first."""

    def rank(one: Candidate) -> tuple[float, int]:
        return -worth(one, thresholds(one.brand_id)), _lot(one, day)

    return sorted(candidates, key=rank)[:SHORTLIST]


def choose(
    candidates: Sequence[Candidate],
    n: int,
    *,
    day: str,
    thresholds: Callable[[str], float],
    is_copy: Callable[[MentionId, Iterable[MentionId]], bool],
) -> list[Choice]:
    """Return up to `n` mentions to ask about, in order, each mention and brand once.

    `thresholds`: a brand's; `is_copy` says whether a mention's text is that of one already chosen,
    or of one that people know. Places 10, 20 … are drawn by lot, in turn among what the model
    calls negative and among the rest; copies stay in the lot, for they are what the model is
    asked to judge. The same day and candidates give the same order.
    """
    by_lot = _drawn(candidates, max(1, n // LOT_EVERY) if n >= LOT_EVERY // 2 else 0, day)
    taken = {_key(one.candidate) for one in by_lot}
    rest = [one for one in shortlist(candidates, thresholds, day) if _key(one) not in taken]
    first = _diverse(rest, n - len(by_lot), thresholds, is_copy)
    ordered: list[Choice] = []
    while first or by_lot:
        is_turn = (len(ordered) + 1) % LOT_EVERY == 0
        ordered.append((by_lot if (is_turn and by_lot) or not first else first).pop(0))
    return ordered


def _drawn(candidates: Sequence[Candidate], n: int, day: str) -> list[Choice]:
    """Draw by lot, in turn among negative verdicts and among the others."""
    lots = sorted(candidates, key=lambda one: _lot(one, day))
    negative = [one for one in lots if one.polarity is Polarity.NEGATIVE]
    others = [one for one in lots if one.polarity is not Polarity.NEGATIVE]
    start = _number(day) % 2  # with one draw a day both kinds get their turn
    drawn: list[Choice] = []
    for turn in range(start, start + 2 * n):
        kind, reason = ((negative, RANDOM_NEGATIVE), (others, RANDOM_OTHER))[turn % 2]
        if len(drawn) < n and kind:
            drawn.append(Choice(candidate=kind.pop(0), reasons=(reason,)))
    return drawn


def _diverse(
    candidates: Sequence[Candidate],
    n: int,
    thresholds: Callable[[str], float],
    is_copy: Callable[[MentionId, Iterable[MentionId]], bool],
) -> list[Choice]:
    """Take the most worth first, each time less of what was taken: source, brand and class."""
    left = [(worth(one, thresholds(one.brand_id)), one) for one in candidates]
    taken: list[Choice] = []
    same: Counter[tuple[str, str]] = Counter()
    while left and len(taken) < n:
        best = max(
            range(len(left)),
            key=lambda at: (
                left[at][0] / (1.0 + _SAME * sum(same[k] for k in _kinds(left[at][1])) / 3),
                -at,
            ),
        )
        _, one = left.pop(best)
        if is_copy(one.mention_id, [choice.candidate.mention_id for choice in taken]):
            continue
        same.update(_kinds(one))
        taken.append(Choice(candidate=one, reasons=reasons_of(one, thresholds(one.brand_id))))
    return taken


def _kinds(one: Candidate) -> tuple[tuple[str, str], ...]:
    return ("source", one.source_id), ("brand", one.brand_id), ("class", one.issue_class)


def _key(one: Candidate) -> tuple[int, str]:
    return one.mention_id, one.brand_id


def _lot(one: Candidate, day: str) -> int:
    return _number(f"{day}|{one.mention_id}|{one.brand_id}")


def _number(text: str) -> int:
    """Return a number that looks drawn by lot and is the same everywhere."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
