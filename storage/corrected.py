"""What verdicts become once people have spoken: pure, no database.

In: what a model said of one mention, by brand, and what people said of it. Out: the verdicts that
hold. What a person said is sure: a probability of 1 or 0, and the model has no say in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce

from config.schema import ISSUE_CLASSES
from storage.records import (
    PERSON,
    WITHDRAWN,
    BrandId,
    Correction,
    Mention,
    Noise,
    Polarity,
    Verdict,
)

KINDS = ("polarity", "issue", "brand", "noise", "severity")
POLARITIES = ("negative", "not_negative", "positive")
YES, NO = "yes", "no"

Slot = tuple[str, str, str]  # brand, kind, and the fact where the kind is severity
Said = Mapping[Slot, Correction]


def slot_of(said: Correction) -> Slot:
    """Name what a correction decides; a later one of the same slot replaces it."""
    fact = said.value.partition("=")[0] if said.kind == "severity" else ""
    return said.brand_id, said.kind, fact


def is_withdrawn(said: Correction) -> bool:
    """Say whether a correction only takes earlier ones back."""
    return said.value.endswith(WITHDRAWN)


def kept_words(corrections: Iterable[Correction]) -> dict[Slot, list[Correction]]:
    """Return what nobody took back, by slot of one mention, oldest first.

    Who takes something back takes the last own word back, and everybody's when there is no own.
    """
    kept: dict[Slot, list[Correction]] = {}
    for one in sorted(corrections, key=lambda found: found.correction_no):
        words = kept.setdefault(slot_of(one), [])
        if not is_withdrawn(one):
            words.append(one)
            continue
        own = [at for at, word in enumerate(words) if word.actor == one.actor]
        del words[own[-1] if own else 0 : own[-1] + 1 if own else None]
    return {slot: words for slot, words in kept.items() if words}


def standing(corrections: Iterable[Correction]) -> dict[Slot, Correction]:
    """Return what holds of one mention: the newest word of each slot that nobody took back."""
    return {slot: words[-1] for slot, words in kept_words(corrections).items()}


def is_outdated(said: Correction, revision: int) -> bool:
    """Say whether the text that was judged has been edited since."""
    return said.revision < revision


def corrected(mention: Mention, bases: Sequence[Verdict], said: Said) -> dict[BrandId, Verdict]:
    """Return the verdicts on a mention that hold, by brand.

    `bases`: what the model says, one per brand; `said`: what stands and is not outdated. Those
    that nobody spoke about come back as they are, those refused are missing.
    """
    verdicts = _about(mention, bases, said)
    held = {}
    for brand_id, verdict in verdicts.items():
        own = [one for slot, one in sorted(said.items()) if slot[0] == brand_id]
        is_new = verdict.model_version == PERSON
        if not own and not is_new:
            held[brand_id] = verdict
            continue
        kinds = sorted({one.kind for one in own} | ({"brand"} if is_new else set()))
        held[brand_id] = replace(
            reduce(_apply, own, verdict),
            model_version=PERSON,
            base_version="" if is_new else verdict.model_version,
            corrected=tuple(kinds),
        )
    return held


def _about(mention: Mention, bases: Sequence[Verdict], said: Said) -> dict[BrandId, Verdict]:
    """Return the verdicts by the brands that the mention is about, people's word before ours."""
    about = {verdict.brand_id: verdict for verdict in bases}
    named = {brand: one.value for (brand, kind, _), one in sorted(said.items()) if kind == "brand"}
    for brand, value in named.items():
        other = BrandId(value)
        if value and other not in about and named.get(value, value) == value:
            origin = about.get(BrandId(brand)) or blank(mention, other)
            # where the other brand stands in the text nobody has said
            about[other] = replace(
                origin, brand_id=other, model_version=PERSON, hits=(), products=()
            )
    refused = {BrandId(brand) for brand, value in named.items() if value != brand}
    return {brand: verdict for brand, verdict in about.items() if brand not in refused}


def blank(mention: Mention, brand_id: BrandId) -> Verdict:
    """Return the verdict on a brand that only a person saw in a mention: nothing is said yet."""
    return Verdict(
        mention_id=mention.mention_id,
        brand_id=brand_id,
        model_version=PERSON,
        negative=0.0,
        polarity=Polarity.NOT_NEGATIVE,
        issue_class=ISSUE_CLASSES[-1],
        lang=mention.lang,
    )


def _apply(verdict: Verdict, said: Correction) -> Verdict:
    match said.kind:
        case "polarity":
            return _as_said(verdict, said.value)
        case "issue":
            name, _, sub = said.value.partition("/")
            also = tuple(one for one in verdict.also if one != name)
            return replace(verdict, issue_class=name, also=also, sub_classes=(sub,) if sub else ())
        case "noise":
            return replace(verdict, noise=Noise(said.value))
        case "severity":
            fact, _, answer = said.value.partition("=")
            others = tuple(one for one in verdict.severity if one != fact)
            return replace(verdict, severity=(*others, fact) if answer == YES else others)
        case _:
            return verdict  # the brand was decided before


def _as_said(verdict: Verdict, value: str) -> Verdict:
    if value == "negative":
        return replace(verdict, negative=1.0, positive=0.0, polarity=Polarity.NEGATIVE)
    sure = replace(verdict, negative=0.0, polarity=Polarity.NOT_NEGATIVE)
    return replace(sure, positive=1.0) if value == "positive" else sure


def word_of(verdict: Verdict | None, kind: str, fact: str = "") -> str:
    """Return what a verdict says in the words of a correction; "" for no verdict."""
    if verdict is None:
        return ""
    words = {
        "polarity": verdict.polarity.value,
        "issue": "/".join((verdict.issue_class, *verdict.sub_classes[:1])),
        "brand": verdict.brand_id,
        "noise": verdict.noise.value,
        "severity": f"{fact}={YES if fact in verdict.severity else NO}",
    }
    return words[kind]
