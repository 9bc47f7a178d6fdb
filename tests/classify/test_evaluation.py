from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from classify.adapting_words import MOST_TEXTS
from classify.evaluation import adapted, evaluate_issues, evaluate_negative, read_csv
from classify.issues import IssueClassifier
from classify.metrics import roc_auc
from classify.sentiment import ScoreItem, Scorer
from config.errors import ConfigError

KEYS = {
    "n",
    "positives",
    "auc",
    "average_precision",
    "macro_f1",
    "f1_negative",
    "ece",
    "unsure_share",
    "docs_per_s",
    "peak_rss_mb",
}
ROWS = [
    {"text": "太差了，退货", "label": "1"},
    {"text": "很好用，推荐", "label": "0"},
    {"text": "一般般吧", "label": "neutral"},
    {"text": "客服骂人", "label": "负面"},
]


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer.load()


def test_a_csv_is_read_with_bom_extra_columns_and_short_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('\ufefftext, label ,more\n"甲\n乙",1,x,beyond\n丙\n', "utf-8")

    assert read_csv(path, ("text", "label")) == [
        {"text": "甲\n乙", "label": "1", "more": "x"},
        {"text": "丙", "label": "", "more": ""},
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"text,other\n1,2\n", "lacks label; found text, other"),
        (b"", "no header"),
        ("text,label\n差,1\n".encode("gbk"), "not UTF-8"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "b.csv"
    path.write_bytes(content)

    with pytest.raises(ConfigError, match=message):
        read_csv(path, ("text", "label"))
    with pytest.raises(ConfigError, match="cannot be read"):
        read_csv(tmp_path / "absent.csv", ("text",))


def test_a_cell_of_a_megabyte_and_a_nul_are_read(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("text,label\n" + "长" * 1_000_000 + "\0,1\n", "utf-8")

    assert len(read_csv(path, ("text",))[0]["text"]) == 1_000_000


def test_negative_has_the_agreed_keys(scorer: Scorer) -> None:
    figures = evaluate_negative(ROWS, scorer)

    assert figures.keys() >= KEYS | {f"{key}_unadapted" for key in ("auc", "macro_f1", "ece")}
    assert (figures["n"], figures["positives"]) == (4, 2)
    assert figures["auc"] > 0.5


PARTS = ("轴套", "密封圈", "导轨", "滤棉", "卡簧", "线排", "搭扣", "簧片", "托架", "排管")
FAULTS = ("起鼓", "渗出", "卡死", "松垮", "打滑", "发黑")
MERITS = ("贴合", "顺滑", "服帖", "紧实", "透亮", "规整")


def reviews(n: int) -> list[dict[str, str]]:
    """Make up reviews; half of the bad ones only name faults, in words that no set has taught."""
    chance = random.Random(3)
    rows = []
    for number in range(n):
        label = ("neg", "pos", "neutral")[number % 3]
        words = {"neg": FAULTS, "pos": MERITS}.get(label, ("装好", "到货", "拆开"))
        said = "，".join(chance.choice(PARTS) + chance.choice(words) for _ in range(3))
        known = {"neg": "太差了", "pos": "很喜欢"}.get(label, "") if chance.random() < 0.5 else ""
        rows.append({"text": f"{known}，{said}，{chance.randrange(9**5)}", "label": label})
    return rows


def test_a_source_of_its_own_words_is_adapted(scorer: Scorer) -> None:
    figures = evaluate_negative(reviews(600), scorer)

    assert figures["auc"] >= figures["auc_unadapted"]
    assert figures["auc_prior_only"] == figures["auc_unadapted"]
    assert figures["macro_f1_prior_only"] is not None
    assert figures["adaptation"]["words"] > 0
    assert figures["auc_positive"] > 0.8
    assert 0 <= figures["ece_positive"] < 0.5


def test_of_a_large_source_all_texts_are_adapted(scorer: Scorer) -> None:
    items = [ScoreItem(text=row["text"]) for row in reviews(MOST_TEXTS + 500)]
    log_odds = scorer.log_odds_many(items)

    adaptation, fitted = adapted(scorer, items, log_odds)

    assert adaptation.n == MOST_TEXTS
    assert adaptation.words is not None
    cells = scorer.cells_many(items[:300])
    assert np.corrcoef(adaptation.fit(log_odds[:300], cells), fitted[:300])[0, 1] > 0.98
    assert roc_auc(fitted, np.arange(len(items)) % 3 == 0) > 0.9


def test_only_labels_in_words_tell_positive_from_neutral(scorer: Scorer) -> None:
    assert "auc_positive" not in evaluate_negative(ROWS, scorer)
    assert "auc_positive" in evaluate_negative([*ROWS, {"text": "喜欢", "label": "pos"}], scorer)


def test_labels_change_no_score(scorer: Scorer) -> None:
    turned = [{**row, "label": "0" if row["label"] == "1" else "1"} for row in ROWS * 20]

    assert (
        evaluate_negative(ROWS * 20, scorer)["adaptation"]
        == evaluate_negative(turned, scorer)["adaptation"]
    )


def test_one_class_no_rows_and_ties_are_answered_honestly(scorer: Scorer) -> None:
    one_class = evaluate_negative(ROWS[:1], scorer)
    nothing = evaluate_negative([], scorer)
    ties = evaluate_negative([{"text": "同", "label": str(n % 2)} for n in range(60)], scorer)

    assert one_class["auc"] is None
    assert one_class["n"] == 1
    assert nothing["n"] == 0
    assert nothing["macro_f1"] is None
    assert ties["auc"] == 0.5


def test_an_unknown_label_is_named_with_its_row(scorer: Scorer) -> None:
    with pytest.raises(ConfigError, match=r"row 3: label '也许'"):
        evaluate_negative([ROWS[0], {"text": "x", "label": "也许"}], scorer)
    with pytest.raises(ConfigError, match="row 2: label '质量'"):
        evaluate_issues([{"text": "x", "label": "质量"}], IssueClassifier.load())


def test_an_entity_turns_the_score_towards_it(scorer: Scorer) -> None:
    text = (
        "云杉集团涉嫌非法集资被立案，投资人血本无归。"
        + "昨日的论坛在市中心举行，来自各地的嘉宾参加了交流。" * 3
        + "青瓷科技荣获年度创新奖，业绩稳步增长。"
    )
    rows = [
        {"text": text, "label": "1", "entity": "云杉集团"},
        {"text": text, "label": "0", "entity": "青瓷科技"},
        {"text": text, "label": "1", "entity": "没提到的公司"},
    ]

    assert evaluate_negative(rows[:2], scorer)["auc"] == 1.0
    assert evaluate_negative(rows, scorer)["n"] == 3


def test_issues_are_compared_by_class() -> None:
    rows = [{"text": "申请退款被拒", "label": "退款退货"}, {"text": "周末去爬山", "label": "其他"}]

    figures = evaluate_issues(rows, IssueClassifier.load())

    assert figures["accuracy"] == 1.0
    assert figures["per_class"].keys() == {"退款退货", "其他"}
