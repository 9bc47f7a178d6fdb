"""What training, judging and loading mean for each kind of weights.

In: labelled texts. Out: a folder of weights, or what a folder of weights answers on texts.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from classify.corpora import CORPORA, read_rows
from classify.evaluation import read_csv
from classify.issues import IssueClassifier
from classify.sentiment import ScoreItem, Scorer
from config.errors import ConfigError
from config.schema import ISSUE_CLASSES

Floats = NDArray[np.float64]
Progress = Callable[[float | None, str], None]

NEGATIVE, NOT_NEGATIVE = "negative", "not_negative"
NEGATIVE_ROWS = "own_negative.csv"  # the shipped rows that judge, in classify/rows
ISSUE_ROWS = "issues_train.csv"  # what labelled issue classes are called in a folder of sets


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A text with its right answer. `key` and `order` name the mention, `author` who wrote it."""

    item: ScoreItem
    answer: str
    key: str = ""
    order: int = 0
    author: str = ""

    @property
    def text(self) -> str:
        """Title and text."""
        return f"{self.item.title}\n{self.item.text}"


@dataclass(frozen=True, slots=True)
class Said:
    """What a model answered, one entry per row, and how far off it was (its loss)."""

    said: list[str]
    loss: Floats


class Teaching(Protocol):
    """One kind of weights."""

    label_kind: str  # of the corrections that teach it

    def answer_of(self, value: str) -> str | None:
        """Return the answer that a correction states, None when it teaches nothing."""
        ...

    def train(
        self, data: Path, out: Path, licence_clear: bool, progress: Callable[[str], None]
    ) -> None:
        """Train from the labelled sets of a folder."""
        ...

    def refit(
        self,
        base: Path | None,
        out: Path,
        lessons: Sequence[Labelled],
        *,
        version: str,
        now: datetime,
        progress: Progress,
    ) -> None:
        """Move the weights of `base` (None: shipped) towards the lessons."""
        ...

    def ask(
        self, folder: Path | None, rows: Sequence[Labelled], lessons: Sequence[Labelled]
    ) -> Said:
        """Return what a folder's weights (None: shipped) answer; `lessons` taught them or might."""
        ...

    def shipped_rows(self) -> list[Labelled]:
        """Return the labelled rows that come with the program."""
        ...


class NegativeTeaching:
    """How negative a mention is towards a brand."""

    label_kind = "polarity"

    def answer_of(self, value: str) -> str | None:
        """Return negative or not; positive is not negative."""
        if value == NEGATIVE:
            return NEGATIVE
        return NOT_NEGATIVE if value in {NOT_NEGATIVE, "positive"} else None

    def train(
        self, data: Path, out: Path, licence_clear: bool, progress: Callable[[str], None]
    ) -> None:
        """Train from the sets that the model card lists."""
        from classify.training import train

        train(data, out, progress, licence_clear=licence_clear)

    def refit(
        self,
        base: Path | None,
        out: Path,
        lessons: Sequence[Labelled],
        *,
        version: str,
        now: datetime,
        progress: Progress,
    ) -> None:
        """Move the weights towards the lessons by ridge regression."""
        from classify.refit import Example, refit_negative

        examples = [
            Example(item=row.item, negative=row.answer == NEGATIVE, author=row.author)
            for row in lessons
        ]
        refit_negative(base, out, examples, version=version, now=now, progress=progress)

    def ask(
        self, folder: Path | None, rows: Sequence[Labelled], lessons: Sequence[Labelled]
    ) -> Said:
        """Answer at even odds; the loss is the log-loss.

        How common complaints are is not the weights' to know: an offset is fitted to the lessons
        for each model alike, as a source's share is estimated when mentions are judged.
        """
        scorer = Scorer.load(folder)
        log_odds = scorer.log_odds_many([row.item for row in rows])
        log_odds = log_odds + _offset(scorer, lessons)
        signs = np.array([1.0 if row.answer == NEGATIVE else -1.0 for row in rows])
        said = [NEGATIVE if one >= 0 else NOT_NEGATIVE for one in log_odds]
        return Said(said, np.logaddexp(0.0, -signs * log_odds))

    def shipped_rows(self) -> list[Labelled]:
        """Return the rows that were written for the project."""
        return [
            Labelled(item=row.item, answer=NEGATIVE if row.negative else NOT_NEGATIVE)
            for corpus in CORPORA
            if corpus.file == NEGATIVE_ROWS
            for row in read_rows(corpus, Path())
        ]


def _offset(scorer: Scorer, lessons: Sequence[Labelled]) -> float:
    from classify.refit import offset_of

    labels = np.array([row.answer == NEGATIVE for row in lessons], dtype=bool)
    if not labels.any() or labels.all():
        return 0.0
    return offset_of(scorer.log_odds_many([row.item for row in lessons]), labels)


class IssueTeaching:
    """What a mention is about."""

    label_kind = "issue"

    def answer_of(self, value: str) -> str | None:
        """Return one of our classes; a project's own classes are found by words, not weights."""
        return value if value in ISSUE_CLASSES else None

    def train(
        self, data: Path, out: Path, licence_clear: bool, progress: Callable[[str], None]
    ) -> None:
        """Train from ISSUE_ROWS of the folder: the owner's rows, so their terms are clear."""
        from classify.issue_training import train_issues

        del licence_clear
        path = data / ISSUE_ROWS
        if not path.is_file():
            raise ConfigError(
                f"--data {str(data)!r}: expected a file {ISSUE_ROWS} with columns text,label"
            )
        progress(f"reading {path.name}")
        train_issues(path, out)

    def refit(
        self,
        base: Path | None,
        out: Path,
        lessons: Sequence[Labelled],
        *,
        version: str,
        now: datetime,
        progress: Progress,
    ) -> None:
        """Move the weights towards the lessons by ridge regression."""
        from classify.refit_issues import refit_issues

        examples = [(row.text, row.answer, row.author) for row in lessons]
        refit_issues(base, out, examples, version=version, now=now, progress=progress)

    def ask(
        self, folder: Path | None, rows: Sequence[Labelled], lessons: Sequence[Labelled]
    ) -> Said:
        """Answer with the first class; the loss is 1 where it is another one."""
        del lessons
        said = IssueClassifier.load(folder).classify_many([row.text for row in rows])
        wrong = [float(one != row.answer) for one, row in zip(said, rows, strict=True)]
        return Said(said, np.array(wrong, dtype=np.float64))

    def shipped_rows(self) -> list[Labelled]:
        """Return the rows that were written for the project and never teach."""
        path = Path(__file__).parent.parent / "classify" / "rows" / "issues_gate.csv"
        return [
            Labelled(item=ScoreItem(text=row["text"]), answer=row["label"])
            for row in read_csv(path, ("text", "label"))
        ]


def teaching_of(kind: str) -> Teaching:
    """Return what a kind of weights needs. Errors: ConfigError for another kind."""
    match kind:
        case "negative":
            return NegativeTeaching()
        case "issues":
            return IssueTeaching()
        case _:
            raise ConfigError(f"model kind {kind!r}: expected negative or issues")


def rename(folder: Path, to: Path, kind: str, version: str) -> None:
    """Copy a folder of weights under another version."""
    shutil.copytree(folder, to)
    path = to / f"{kind}.json"
    card = json.loads(path.read_text(encoding="utf-8")) | {"version": version}
    path.write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
