"""Gathering beside what one could install instead: the same sets, the same run, CPU time of a core.

Ours runs as it ships: one pass, online, one setting for all sets. A peer gets what helps it: the
words cut as ours, TF-IDF of the whole set, the best of the settings tried on that very set (k-means
even the true number of clusters). Peers that are not installed are said and left out; river and
datasketch come with the extra `bench`. O(n^2) methods take the first rows only, and so does ours.

`--limit N` takes the first N rows of each set (default 2,100).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.bench_clusters import rows_of
from classify.cluster_agreement import Agreement, agreement
from classify.cluster_rules import Rules
from classify.duplicates import SketchIndex
from classify.evaluation_clusters import run_clusters
from classify.fingerprint import digest64, key_of, sketch_of
from classify.segment import segment
from classify.text import rewrite
from tests.eval.complaints import complaints

SETS = ("complaints_same_issue_dev", "weibo_incident_headlines_dev", "mstream_news")
BODY = 200  # characters, as ours reads
SLOW = 600  # rows of a set for what grows with the square in plain Python
DIMENSIONS = 200  # of dense vectors, for methods that need them
SHINGLE, PERMUTATIONS = 4, 128
Row = dict[str, str]
Method = Callable[["Words"], Sequence[int]]


@dataclass(frozen=True)
class Words:
    """A set cut into words once; its vectors are made by who needs them, within their time."""

    rows: Sequence[Row]
    words: Sequence[list[str]]
    seconds: float

    @property
    def truth(self) -> list[str]:
        return [row["label"] for row in self.rows]

    def sparse(self) -> Any:
        from sklearn.feature_extraction.text import TfidfVectorizer

        return TfidfVectorizer(analyzer=lambda words: words, sublinear_tf=True).fit_transform(
            self.words
        )

    def dense(self) -> Any:
        from sklearn.decomposition import TruncatedSVD
        from sklearn.preprocessing import normalize

        sparse = self.sparse()
        size = min(DIMENSIONS, min(sparse.shape) - 1)
        return normalize(TruncatedSVD(size, random_state=0).fit_transform(sparse))


def words_of(rows: Sequence[Row]) -> Words:
    at = time.process_time()
    cut = []
    for row in rows:
        title, text = row.get("title") or "", row["text"]
        whole = rewrite(title if text.startswith(title) else f"{title} ") + rewrite(text[:BODY])
        cut.append([word for word in segment(whole) if len(word) > 1])
    return Words(rows, cut, time.process_time() - at)


def alone(labels: Iterable[int]) -> list[int]:
    """Give what a method calls noise (-1) a cluster of its own, which is what it is."""
    return [label if label >= 0 else -2 - number for number, label in enumerate(labels)]


def dbscan(words: Words, eps: float) -> Sequence[int]:
    from sklearn.cluster import DBSCAN

    return alone(DBSCAN(eps=eps, min_samples=2, metric="cosine").fit_predict(words.sparse()))


def birch(words: Words, radius: float) -> Sequence[int]:
    from sklearn.cluster import Birch

    return list(Birch(threshold=radius, n_clusters=None).fit_predict(words.dense()))


def kmeans(words: Words) -> Sequence[int]:
    from sklearn.cluster import MiniBatchKMeans

    k = len(set(words.truth))
    return list(MiniBatchKMeans(k, random_state=0, n_init=1).fit_predict(words.dense()))


def hdbscan(words: Words, least: int) -> Sequence[int]:
    from sklearn.cluster import HDBSCAN

    return alone(HDBSCAN(min_cluster_size=least, copy=True).fit_predict(words.dense()))


def text_clust(words: Words, radius: float) -> Sequence[int]:
    """One pass; every text gets the micro-cluster that is nearest when it has been learned."""
    from collections import Counter

    from river.cluster import TextClust

    model = TextClust(
        radius=radius, fading_factor=0.0001, tgap=10_000, real_time_fading=False, sigma=1
    )
    found = []
    for one in words.words:
        counts = Counter(one)
        model.learn_one(counts)
        found.append(int(model.predict_one(counts, type="micro")))
    return found


PEERS: tuple[tuple[str, str, tuple[Method, ...]], ...] = (
    ("river TextClust", "river", tuple(partial(text_clust, radius=r) for r in (0.3, 0.5))),
    ("DBSCAN", "sklearn", tuple(partial(dbscan, eps=e) for e in (0.55, 0.65, 0.75))),
    ("Birch", "sklearn", tuple(partial(birch, radius=r) for r in (0.3, 0.4, 0.5))),
    ("MiniBatchKMeans, true k", "sklearn", (kmeans,)),
    ("HDBSCAN", "sklearn", tuple(partial(hdbscan, least=n) for n in (2, 3))),
)


def is_there(module: str) -> bool:
    try:
        __import__(module)
    except ImportError:
        print(f"{module} is not installed and is left out; pip install -e '.[bench]'")
        return False
    return True


def best_of(methods: Sequence[Method], words: Words) -> tuple[Agreement, float]:
    """Return figures and speed of the setting with the best mean of BCubed and best-match."""
    found = []
    for method in methods:
        at = time.process_time()
        labels = [str(label) for label in method(words)]
        seconds = time.process_time() - at + words.seconds
        figures = agreement(labels, words.truth)
        worth = figures.bcubed_f1 + figures.best_match_f1
        found.append((worth, len(words.rows) / seconds, figures))
    _, speed, figures = max(found, key=lambda one: one[:2])
    return figures, speed


def print_clusters(limit: int) -> None:
    present = {module: is_there(module) for module in ("river", "sklearn")}
    sets: list[tuple[str, Sequence[Row]]] = [("generated", complaints(0))]
    sets += [(name, rows_of(name, limit)) for name in SETS]
    for name, rows in sets:
        if not rows:
            print(f"\n{name}: absent")
            continue
        print(
            f"\n{name}, {len(rows):,} rows, {len({row['label'] for row in rows}):,} true clusters"
        )
        print(f"{'':26}{'clusters':>9}{'BCubed':>8}{'match':>8}{'NMI':>8}{'ARI':>8}{'texts/s':>9}")
        run = run_clusters(rows, Rules())
        figures = agreement(run.clusters, [row["label"] for row in rows])
        print_line("ours, one pass", figures, len(rows) / run.seconds)
        words = words_of(rows)
        for peer, module, methods in PEERS:
            if present[module] and module != "river":
                print_line(peer, *best_of(methods, words))
        if present["river"]:
            print_slow(rows[:SLOW])


def print_slow(rows: Sequence[Row]) -> None:
    """TextClust compares each text with all micro-clusters: 223 texts/s at 150, 43 at 600."""
    run = run_clusters(rows, Rules())
    figures = agreement(run.clusters, [row["label"] for row in rows])
    print_line(f"ours, first {len(rows)}", figures, len(rows) / run.seconds)
    for peer, module, methods in PEERS:
        if module == "river":
            print_line(f"{peer}, first {len(rows)}", *best_of(methods, words_of(rows)))


def print_line(name: str, figures: Agreement, speed: float) -> None:
    print(
        f"{name:26}{figures.clusters:9,}{figures.bcubed_f1:8.3f}{figures.best_match_f1:8.3f}"
        f"{figures.v_measure:8.3f}{figures.ari:8.3f}{speed:9,.0f}",
        flush=True,
    )


# --- copies -------------------------------------------------------------------------------------


def our_gate(texts: Sequence[str]) -> Iterator[int | None]:
    index = SketchIndex()
    for number, text in enumerate(texts):
        key, stripped = key_of(rewrite(text))
        exact, sketch = digest64(key), sketch_of(key, stripped)
        found = index.find(exact, sketch)
        if found is None:
            index.add(number, exact, sketch)
        yield found


def lsh(texts: Sequence[str], threshold: float, *, normalised: bool) -> Iterator[int | None]:
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=threshold, num_perm=PERMUTATIONS)
    for number, text in enumerate(texts):
        plain = key_of(rewrite(text))[0] if normalised else text
        sketch = MinHash(num_perm=PERMUTATIONS)
        last = max(1, len(plain) - SHINGLE + 1)
        sketch.update_batch([plain[at : at + SHINGLE].encode() for at in range(last)])
        near = index.query(sketch)
        if not near:
            index.insert(number, sketch)
        yield min(near) if near else None


def print_copies(limit: int | None) -> None:
    rows = rows_of("neardup_weibo_dev", limit)
    if not rows:
        print("\nnear-duplicates: absent")
        return
    gates: list[tuple[str, Callable[[Sequence[str]], Iterator[int | None]]]] = [("ours", our_gate)]
    if is_there("datasketch"):
        for threshold in (0.5, 0.8):
            for normalised in (False, True):
                name = f"datasketch J>={threshold}{', our normalisation' if normalised else ''}"
                gates.append((name, partial(lsh, threshold=threshold, normalised=normalised)))
    print(f"\nnear-duplicates, {len(rows):,} texts")
    print(f"{'':38}{'recall':>8}{'precision':>10}{'look-alikes':>12}{'texts/s':>9}")
    texts = [row["text"] for row in rows]
    for name, gate in gates:
        at = time.process_time()
        found = list(gate(texts))
        speed = len(texts) / (time.process_time() - at)
        recall, precision, wrong = judged(rows, found)
        print(f"{name:38}{recall:8.3f}{precision:10.3f}{wrong:12}{speed:9,.0f}", flush=True)


def judged(rows: Sequence[Row], found: Sequence[int | None]) -> tuple[float, float, int]:
    """Return the share of copies found, the share of finds that are right, look-alikes merged."""
    rights = [
        original is not None and rows[original]["label"] == row["label"]
        for row, original in zip(rows, found, strict=True)
    ]
    hits = [
        right for row, right in zip(rows, rights, strict=True) if row["typ"] not in {"base", "hard"}
    ]
    said = [row["typ"] for row, one in zip(rows, found, strict=True) if one is not None]
    return sum(hits) / max(1, len(hits)), sum(rights) / max(1, len(said)), said.count("hard")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=2100)
    parser.add_argument("--parts", default="clusters,copies")
    asked = parser.parse_args()
    if "clusters" in asked.parts:
        print_clusters(asked.limit)
    if "copies" in asked.parts:
        print_copies(None)


if __name__ == "__main__":
    main()
