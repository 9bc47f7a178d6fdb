from __future__ import annotations

import json

import pytest

from config.errors import ConfigError
from crawlers.evaluation import evaluate_extract, gram_f1

STORY = "充电宝在包里自己发热，拿出来的时候外壳已经鼓起来了，闻到一股焦味。"
REPLY = "商家说要寄回去检测，可是快递公司不收带电池的坏件，来回推了一个月。"


def write_page(folder, name, html, truth, encoding="utf-8"):
    (folder / f"{name}.html").write_bytes(html.encode(encoding))
    (folder / f"{name}.json").write_text(json.dumps(truth, ensure_ascii=False), encoding="utf-8")


def article(date=""):
    meta = f'<meta property="article:published_time" content="{date}">' if date else ""
    return (
        f"<html><head><title>充电宝鼓包</title>{meta}</head><body><nav><a href='/'>首页</a></nav>"
        f"<article><h1>充电宝鼓包</h1><p>{STORY}</p><p>{REPLY}</p></article></body></html>"
    )


def test_figures_are_counted_over_pages_with_a_truth(tmp_path):
    truth = {"title": "充电宝鼓包", "text": f"{STORY}\n{REPLY}"}
    dated = article("2026-11-03T08:00:00+08:00")
    write_page(tmp_path, "right", dated, {**truth, "published_at": "2026-11-03"}, encoding="gbk")
    write_page(tmp_path, "undated", article(), truth)
    write_page(tmp_path, "wrong", dated, {**truth, "published_at": "2026-10-01"})
    (tmp_path / "alone.html").write_text("<p>no truth</p>")

    found = evaluate_extract(tmp_path)

    assert found["n"] == 3
    assert found["f1_mean"] > 0.9
    assert found["share_over_08"] == 1.0
    assert (found["dated"], found["date_right"], found["date_false"]) == (2, 1, 1)
    rows = evaluate_extract(tmp_path, with_pages=True)["pages"]
    assert [(row["name"], row["day"], row["day_found"]) for row in rows] == [
        ("right", "2026-11-03", "2026-11-03"),
        ("undated", "", ""),
        ("wrong", "2026-10-01", "2026-11-03"),
    ]


@pytest.mark.parametrize(
    ("found", "truth", "f1"),
    [
        ("", "", 1.0),
        ("", "一二三四", 0.0),
        ("一二三四五", "一二三四五", 1.0),
        ("一 二\n三四", "一二三四", 1.0),
    ],
)
def test_f1_of_grams(found, truth, f1):
    assert gram_f1(found, truth) == f1


def test_half_of_a_text_scores_between():
    assert 0.5 < gram_f1(STORY, STORY + REPLY) < 0.8


def test_directory_without_pages_and_broken_truth_are_said(tmp_path):
    with pytest.raises(ConfigError, match="no page to evaluate"):
        evaluate_extract(tmp_path)

    write_page(tmp_path, "one", article(), [])
    with pytest.raises(ConfigError, match='expected an object with "text"'):
        evaluate_extract(tmp_path)
