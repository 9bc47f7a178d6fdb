"""Do many people speak, or few texts through many mouths? Voices in, a named judgement out.

It informs the person who decides and never lowers a grade: paid anger spreads like any other, and
a true story is copied, too. The marks are judgement; tests hold what they make of a simulated army
and of an organic crisis.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.records import Evidence, Voices

_FEWEST = 12  # mentions within 7 days; fewer say nothing
_COPIED = 0.6  # share of mentions that copy another
_MOUTHS = 10  # distinct authors of the most copied text, and mentions of it within ten minutes
_NEW = 0.5  # share of authors who were never seen before
_WATCHED = timedelta(days=14)  # before that everybody is new to us


@dataclass(frozen=True, slots=True)
class VoiceJudgement:
    """What the voices look like. `reason`: "too_few", "organic", "copied" or "wave".

    "copied": most mentions repeat a few texts (a story that is passed on, or an order); "wave": so
    it is, in a burst, and most of the accounts were never seen before.
    """

    reason: str
    text: str


def judge_voices(evidence: Evidence, now: datetime) -> VoiceJudgement:
    """Judge the voices of a cluster, and word what the judgement rests on."""
    voices = evidence.voices
    said = _words(voices, knows_new=_knows_new(evidence, now))
    if voices.mentions < _FEWEST:
        return VoiceJudgement("too_few", said)
    if (voices.mentions - voices.texts) / voices.mentions < _COPIED or (
        voices.wave_authors < _MOUTHS
    ):
        return VoiceJudgement("organic", f"{said}。各说各的，像是自发的声音")
    is_new = _knows_new(evidence, now) and voices.new_authors >= _NEW * voices.authors
    burst = f"最多的一段话由 {voices.wave_authors} 个账号发出，十分钟内最多 {voices.burst} 条"
    if is_new and voices.burst >= _MOUTHS:
        return VoiceJudgement(
            "wave",
            f"{said}。{burst}，账号多数首次见到：是发布时间和内容高度相近的账号，请先看账号再判断",
        )
    return VoiceJudgement("copied", f"{said}。{burst}：多数是转载或复制，请看是谁起的头")


def _knows_new(evidence: Evidence, now: datetime) -> bool:
    """Whether we have watched long enough for a new account to mean anything."""
    return evidence.brand_first_at is not None and now - evidence.brand_first_at >= _WATCHED


def _words(voices: Voices, *, knows_new: bool) -> str:
    said = f"近 7 天 {voices.mentions} 条，{voices.texts} 种说法，{voices.authors} 个账号"
    return f"{said}（其中 {voices.new_authors} 个首次见到）" if knows_new else said
