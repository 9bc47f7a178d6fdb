"""Figures of a training run in, `negative.json` and a card for people out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_WHAT = """## What it is

Two logistic regressions, fitted apart and added: hashed words, pairs of words and runs of 1 to 4
characters (TF-IDF, length one); and twelve kinds of cues from a list of feelings that the project
wrote (`classify/words/feelings.txt`). Every domain is weighed to half negatives and by the square
root of its size. Log-odds refer to a share of negatives of {share}. An unlabelled
source is fitted in two steps, both without labels (`classify.adapting`): its own words learn their
feeling from the model's opinions on the texts they stand in, by naive Bayes; and a shift follows
from how its scores spread. `_prior_only` is the shift alone, `_unadapted` neither. Weights are
float16 in an npz, no pickle, no text."""
_HELD_OUT = """One near-duplicate group in twenty is held out of training; the floors in CI are
measured on those rows. The list of feelings was written knowing what kinds of text these sets hold
and pruned by looking at counts over their rows, so the figures below flatter a little."""


def write_card(card: dict[str, Any], out_dir: Path) -> None:
    """Write the card for the program and the one for people beside the weights.

    Tables measured by an earlier run (`left_out`, `held_out`) stay when this run has none.
    """
    path = out_dir / "negative.json"
    path.write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
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
        _WHAT.format(share=card["trained_share"]),
        f"## Sets\n\n{sets}\n\n{_HELD_OUT}",
    ]
    if card.get("held_out"):
        parts.append(
            "## Held-out rows of the same sets\n\n" + _figures_table(card["held_out"], "domain")
        )
    if card.get("left_out"):
        parts.append(
            "## Leave one domain out\n\nTrained without the domain and without rows of the same"
            " kind in other sets; figures after adaptation to the domain as one source, without"
            " labels. This estimates unseen domains.\n\n"
            + _figures_table(card["left_out"], "domain")
        )
    if card.get("calibration"):
        parts.append(
            "## Calibration on left-out families\n\n"
            + _table(
                ("said", "was", "n"),
                ((one["said"], one["was"], one["n"]) for one in card["calibration"]),
            )
        )
    parts.append(
        "## Limits\n\nIrony, comparisons and who is blamed in long news are the weak spots. Neutral"
        " talk (questions, news, adverts) scores near the middle before adaptation. Chinese;"
        " English only by accident."
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
    numeric = [key for key in keys if isinstance(rows[0].get(key), float)]
    means = ["mean"] + [
        round(sum(float(row[key] or 0) for row in rows) / len(rows), 4) if key in numeric else ""
        for key in keys[1:]
    ]
    return _table(keys, [*body, means])


def _table(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    names = list(header)
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    lines += [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)
