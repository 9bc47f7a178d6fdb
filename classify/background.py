"""Labelled files allowed for training in, `models/background.npz` out: shares of hashes only.

Run as `python -m classify.background --data DIR --out classify/models/background.npz`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classify.corpora import CORPORA, digest_of
from classify.evaluation import read_csv
from classify.segment import segment, tokeniser_fingerprint
from classify.text import rewrite
from classify.vectors import BUCKETS, EVERYDAY_SHARE, Tokens, ids_of, split_fields

# Sets marked "train" whose texts are posts, reviews, complaints or headlines.
SETS = (
    "online_shopping_10_cats",
    "smp2020_ewect_usual_train",
    "bdci2019_finneg_doc_train",
    "bdci2016_car_view_some_brands",
    "nlpcc2013_weibo_emotion",
    "finese_event_subject_train",
)
PER_SET = 12_000  # texts, evenly taken, so that no domain outweighs the rest


def _texts(directory: Path) -> Iterator[str]:
    for name in SETS:
        rows = read_csv(directory / f"{name}.csv", ["text"])
        texts = list(dict.fromkeys(row["text"] for row in rows))
        step = max(1, len(texts) // PER_SET)
        yield from texts[::step]


def count_background(directory: Path) -> tuple[NDArray[np.uint32], int]:
    """Return counts uint32 [BUCKETS] and the number of documents."""
    tokens = Tokens(segment)
    counts = np.zeros(BUCKETS, dtype=np.uint32)
    documents = 0
    for text in _texts(directory):
        ids = ids_of(tokens.count(split_fields("", rewrite(text))))
        counts[np.unique(ids & np.uint32(BUCKETS - 1))] += 1
        documents += 1
    return counts, documents


def main() -> int:
    """Count, write the table and beside it, as JSON, what it was counted from."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    counts, documents = count_background(asked.data)
    shares = (counts / np.float32(documents)).astype(np.float32)
    buckets = np.flatnonzero(shares > EVERYDAY_SHARE).astype(np.uint32)
    np.savez_compressed(asked.out, buckets=buckets, shares=shares[buckets])
    sets = [one for one in CORPORA if one.file.removesuffix(".csv") in SETS]
    card = {
        "what": "shares of everyday texts that hold a hashed feature, where above 1 in 1000",
        "documents": documents,
        "buckets": len(buckets),
        "tokeniser": tokeniser_fingerprint(),
        "sets": [
            {"file": one.file, "sha256": digest_of(one.path(asked.data)), "licence": one.licence}
            for one in sets
        ],
    }
    asked.out.with_suffix(".json").write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n")
    sys.stderr.write(f"background documents={documents} buckets={len(buckets)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
