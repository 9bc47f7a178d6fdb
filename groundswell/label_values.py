"""What people write as a label becomes a correction, or a sentence about what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from classify.privacy import mask
from classify.severity import FACTS
from config.schema import ISSUE_CLASSES, SUB_CLASSES, Project
from storage.corrected import KINDS, NO, POLARITIES, YES
from storage.records import WITHDRAWN, BrandId, Correction, MentionId, Noise, Verdict

NOTE_LIMIT = 500  # characters of a note
_LARGEST_ID = 2**63 - 1  # what a database's integer holds
_TAKEN_BACK = frozenset({WITHDRAWN, "withdrawn", "撤销"})
_WORDS: Mapping[str, Mapping[str, str]] = {
    "polarity": {
        "负面": "negative",
        "非负面": "not_negative",
        "中性": "not_negative",
        "neutral": "not_negative",
        "正面": "positive",
    },
    "noise": {
        "none": "",
        "正常": "",
        "不是噪声": "",
        "广告": "advert",
        "招聘": "recruiting",
        "抽奖": "lottery",
        "二手": "second_hand",
        "蹭热度": "hijack",
    },
    "brand": {"none": "", "不是": "", "无关": ""},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Who says it, where and when."""

    actor: str
    door: str
    at: datetime


def read_id(text: str) -> int | None:
    """Return the number of a mention or a correction, None for what can be none."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_LARGEST_ID))):
        return None
    number = int(text)
    return number if number <= _LARGEST_ID else None


def read_value(project: Project, kind: str, text: str, brand_id: str = "") -> str:
    """Return the value of a correction from what a person wrote, in Chinese or in our words.

    Errors: ValueError that says what was expected.
    """
    given = text.strip()
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r}: expected one of {', '.join(KINDS)}")
    if kind != "severity" and given in _TAKEN_BACK:
        return WITHDRAWN
    word = _WORDS.get(kind, {}).get(given, given)
    match kind:
        case "polarity":
            return _one_of(kind, word, POLARITIES)
        case "noise":
            return _one_of(kind, word, [one.value for one in Noise])
        case "issue":
            return _issue(project, word)
        case "brand":
            known = [brand.id for brand in project.brands]
            by_name = {brand.name: brand.id for brand in project.brands}
            named = by_name.get(word, brand_id if word in {"是", "yes"} else word)
            return _one_of(kind, named, ["", *known])
        case _:
            return _fact(word)


def _one_of(kind: str, word: str, allowed: Sequence[str]) -> str:
    if word not in allowed:
        shown = ", ".join(one or '"none"' for one in allowed)
        raise ValueError(f"{kind} {word!r}: expected one of {shown}")
    return word


def issue_names(project: Project) -> tuple[str, ...]:
    """Return what a mention may be of: each class, followed by its sub-classes as class/sub."""
    own = [rule.name for rule in project.issues if not rule.under]
    under = sub_classes(project)
    return tuple(
        label
        for name in dict.fromkeys((*ISSUE_CLASSES, *own))
        for label in (name, *(f"{name}/{sub}" for sub, of in under.items() if of == name))
    )


def sub_classes(project: Project) -> dict[str, str]:
    """Return the class that each sub-class belongs to, ours before the project's own."""
    return dict(SUB_CLASSES) | {rule.name: rule.under for rule in project.issues if rule.under}


def _issue(project: Project, word: str) -> str:
    under = sub_classes(project)
    return _one_of(
        "issue", f"{under[word]}/{word}" if word in under else word, issue_names(project)
    )


def _fact(word: str) -> str:
    fact, _, answer = word.partition("=")
    answer = {"有": YES, "没有": NO, "": YES}.get(answer, answer)
    if answer in _TAKEN_BACK:
        answer = WITHDRAWN
    _one_of("severity", fact, FACTS)
    return f"{fact}={_one_of('severity', answer, (YES, NO, WITHDRAWN))}"


def named_brand(named: str, verdicts: Sequence[Verdict], project: Project) -> str:
    """Return the brand that a label is about; none is named where a mention has one verdict.

    Errors: ValueError when it is not known, or not clear which is meant.
    """
    known = {brand.id: brand.id for brand in project.brands}
    known |= {brand.name: brand.id for brand in project.brands}
    if named:
        if named not in known:
            raise ValueError(f"there is no brand {named!r}; there are: {', '.join(known)}")
        return known[named]
    brands = [verdict.brand_id for verdict in verdicts]
    if len(brands) != 1:
        raise ValueError(
            f"the mention has verdicts on {', '.join(brands) or 'no brand'}: say which brand"
        )
    return brands[0]


def with_brand(
    values: Mapping[str, str], brand_id: str, verdicts: Sequence[Verdict]
) -> dict[str, str]:
    """Add that the mention is about the brand where nobody saw so: it must be, to be labelled."""
    seen = any(verdict.brand_id == brand_id for verdict in verdicts)
    is_taken_back = set(values.values()) <= {WITHDRAWN}
    if seen or "brand" in values or is_taken_back:
        return dict(values)
    return {"brand": brand_id, **values}


def make(
    mention_id: MentionId,
    brand_id: BrandId,
    values: Mapping[str, str],
    speaker: Speaker,
    *,
    note: str = "",
    asked: str = "",
) -> list[Correction]:
    """Return one correction per kind, ready to be stored; `values` are read already.

    Personal data in the note is masked: it is shown to all and exported.
    """
    return [
        Correction(
            correction_no=0,
            mention_id=mention_id,
            brand_id=brand_id,
            kind=kind,
            value=value,
            was="",
            actor=speaker.actor,
            door=speaker.door,
            at=speaker.at,
            note=mask(note.strip()[:NOTE_LIMIT]),
            asked=asked,
        )
        for kind, value in values.items()
    ]
