"""Figures of a training run in, `negative.json` and a card for people out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from classify.reliability_plot import reliability_svg

_WHAT = """## What it is

Two linear models, fitted apart and added: hashed words, pairs of words and runs of 1 to 4
characters (TF-IDF, length one); and {cues} kinds of cues from a list of feelings, complaints,
questions and market events that the project wrote (`classify/words/feelings.txt`), told apart by
how they are stated: plainly, denied, after a "but", or in a hashtag or the words of somebody who is
forwarded. Words also share a weight with those that stand in like company in all texts of the
training folder, labelled or not (`classify.meanings`); it is folded into theirs. Every domain is
weighed to half negatives, by its size to the power .4 within its kind, and the kinds by what they
should count. Log-odds refer to a share of negatives of {share}.

A second pair of models on the same features tells positive from neutral among what is not negative,
so that both probabilities never add up to more than one. An unlabelled source is fitted in two
steps, both without labels (`classify.adapting`): its own words learn their feeling from the model's
opinions on the texts they stand in, by naive Bayes; and a shift follows from how its scores spread.
`_prior_only` is the shift alone, `_unadapted` neither. Weights are float16 in an npz, no pickle, no
text."""
_HELD_OUT = """One near-duplicate group in twenty is held out of training; the floors in CI are
measured on those rows. `relabelled.csv` holds our own labels (negative, neutral, positive) of rows
of other sets, by row number; `own_polarity.csv` and `own_negative.csv` hold rows that we wrote. The
list of feelings was written knowing what kinds of text these sets hold and pruned by looking at
counts over their rows, and what words mean was learned from texts of left-out domains too (without
labels), so the figures below flatter a little."""
_PLOT = "reliability.svg"


def write_card(card: dict[str, Any], out_dir: Path) -> None:
    """Write the card for the program and the one for people beside the weights.

    Tables measured by an earlier run (`left_out`, `held_out`) stay when this run has none.
    """
    path = out_dir / "negative.json"
    path.write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if card.get("calibration"):
        plot = reliability_svg(card["calibration"], "negative, on left-out families")
        (out_dir / _PLOT).write_text(plot, encoding="utf-8")
    (out_dir / "MODEL_CARD.md").write_text(card_text(card), encoding="utf-8")


def card_text(card: dict[str, Any]) -> str:
    """Return the card as Markdown."""
    sets = _table(
        ("file", "sha256 (first 16)", "rows", "licence", "trains"),
        (
            (
                one["file"],
                f"`{one['sha256']}`",
                one["rows"],
                one["licence"],
                "yes" if one["trains"] else "no (dev)",
            )
            for one in card["sets"]
        ),
    )
    parts = [
        "# Model card: how negative a mention is towards a brand",
        _heading(card),
        _WHAT.format(share=card["trained_share"], cues=len(card["cues"])),
        f"## Sets\n\n{sets}\n\n{_HELD_OUT}",
    ]
    if card.get("held_out"):
        parts.append(
            "## Held-out rows of the same sets\n\n" + _figures_table(card["held_out"], "domain")
        )
    if card.get("left_out"):
        parts.append(
            "## Leave one domain out\n\nTrained without the domain and its whole family (domains"
            " that share rows, subject or writer); figures after adaptation to the domain as one"
            " source, without labels. This estimates unseen domains.\n\n"
            + _figures_table(card["left_out"], "domain")
        )
    if card.get("calibration"):
        parts.append(
            f"## Calibration on left-out families\n\n![said against was]({_PLOT})\n\n"
            + _table(
                ("said", "was", "n"),
                ((one["said"], one["was"], one["n"]) for one in card["calibration"]),
            )
        )
    parts.append(
        "## Limits\n\nIrony, comparisons and who is blamed in long news are the weak spots. Neutral"
        " talk (questions, news, adverts) scores near the middle before adaptation. Chinese;"
        " English texts are read by VADER and our words instead (`classify/english.py`): AUC .72"
        " on own rows with words it was not chosen on, .98 on those it was."
    )
    return "\n\n".join(parts) + "\n"


def _heading(card: dict[str, Any]) -> str:
    return (
        f"Version `{card['version']}`, trained {card['trained_at']} with program"
        f" {card['program']}; tokeniser fingerprint `{card['tokeniser']}` (rjieba), list of"
        f" feelings `{card['lexicon']}`, {card['hash_bits']} hash bits. Rebuild with `python -m"
        " classify.training --data DIR --out classify/models --lodo`."
    )


def _figures_table(rows: list[dict[str, Any]], first: str) -> str:
    keys = [first, *(key for key in rows[0] if key != first)]
    body = [[row.get(key, "") for key in keys] for row in rows]
    means = ["mean", *(_mean(row.get(key) for row in rows) for key in keys[1:])]
    return _table(keys, [*body, means])


def _mean(values: Iterable[Any]) -> float | str:
    """Return the mean of the figures there are; "" for counts."""
    there = [value for value in values if value is not None]
    if not there or not all(isinstance(value, float) for value in there):
        return ""
    return round(float(sum(there)) / len(there), 4)


def _table(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    names = list(header)
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    lines += [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)
