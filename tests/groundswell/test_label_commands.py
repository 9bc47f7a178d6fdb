"""groundswell label, run as people run it: one correction, a file of them, and back again."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from config.errors import ConfigError
from groundswell.cli.app import build
from groundswell.label_files import harmless, read_labels
from groundswell.label_values import Speaker
from storage.records import Polarity
from storage.store import Store
from tests.console.world import example
from tests.groundswell.tables import write_xlsx
from tests.make import NOW, make_raw, make_verdict

Run = Callable[..., Result]
TEXTS = ("澜禾养生壶冒烟了，没人管", "澜禾养生壶冒烟了，没人管", "澜禾客服打不通", "=澜禾 +1 公式")


@pytest.fixture
def run(sqlite_url: str) -> Run:
    """The command line on a database with four mentions of lanhe, the first two alike."""
    store = Store(sqlite_url)
    with store.transaction() as tx:
        raws = [make_raw(n, text=text, url=f"https://tousu.example/post/{n}")
                for n, text in enumerate(TEXTS)]  # fmt: skip
        ids = [mention_id for _, mention_id in tx.keep(raws, NOW)]
        tx.save_verdicts(ids, [make_verdict(one, brand_id="lanhe") for one in ids], NOW)
    store.close()

    def command(*arguments: str) -> Result:
        options = ["--database", sqlite_url]
        return CliRunner().invoke(build(), [*options, *arguments], catch_exceptions=True)

    return command


@pytest.fixture
def store(sqlite_url: str, run: Run):
    opened = Store(sqlite_url)
    yield opened
    opened.close()


def done(result: Result) -> Any:
    assert result.exit_code == 0, result.output + repr(result.exception)
    return json.loads(result.stdout)


def said(store: Store) -> list[tuple]:
    with store.read() as queries:
        found = queries.corrections()[::-1]
    return [(one.mention_id, one.brand_id, one.kind, one.value) for one in found]


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def test_one_correction_and_back(run, store):
    made = done(run("--json", "label", "add", "1", "--polarity", "非负面", "--issue", "服务态度",
                    "--note", "反话看错了", "--by", "linxiao"))  # fmt: skip

    assert [(one["kind"], one["value"], one["was"]) for one in made["corrections"]] == [
        ("polarity", "not_negative", "negative"), ("issue", "服务态度", "产品质量"),
    ]  # fmt: skip
    with store.read() as queries:
        [verdict] = queries.verdicts(1)
    assert (verdict.polarity, verdict.issue_class) == (Polarity.NOT_NEGATIVE, "服务态度")
    assert "反话看错了" in run("label", "list").stdout
    assert "polarity: not_negative → ~withdrawn" in run("label", "undo", "--by", "linxiao").stdout
    with store.read() as queries:
        assert queries.verdicts(1)[0].model_version == "test-1"
    assert "没有可以撤销的" in run("label", "undo", "--by", "linxiao").stdout


def test_a_brand_that_only_a_person_saw(run, store):
    made = done(run("--json", "label", "add", "3", "--brand", "hemu", "--polarity", "negative"))

    assert [(one["kind"], one["value"]) for one in made["corrections"]] == [
        ("brand", "hemu"), ("polarity", "negative"),
    ]  # fmt: skip
    with store.read() as queries:
        assert [one.brand_id for one in queries.verdicts(3)] == ["hemu", "lanhe"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("1", "--polarity", "bad"), "expected one of negative"),
        (("1",), "nothing said"),
        (("99", "--polarity", "negative"), "say which brand"),
        (("1", "--brand", "nobody", "--polarity", "negative"), "there is no brand"),
        (("1", "--severity", "flood=yes"), "expected one of"),
    ],
)
def test_a_wrong_correction_says_what_was_expected(run, store, arguments, told):
    result = run("label", "add", *arguments)

    assert result.exit_code == 2
    assert told in " ".join(result.output.replace("│", " ").split())
    assert said(store) == []


def test_a_mention_that_does_not_exist(run):
    result = run("label", "add", "99", "--brand", "lanhe", "--polarity", "negative")

    assert "there is no mention 99" in str(result.exception)


def test_the_queue_says_why(run):
    found = done(run("--json", "label", "queue", "--n", "2"))

    assert len(found["items"]) <= 2
    assert run("label", "queue").exit_code == 0


# --- files ---------------------------------------------------------------------------------------


def test_a_table_names_mentions_by_id_address_or_text(run, store, tmp_path):
    path = write(
        tmp_path / "labels.csv",
        "提及,网址,正文,极性,类别,备注\n"
        "3,,,非负面,服务态度,客服后来回了\n"
        ",https://tousu.example/post/3,,正面,,\n"
        f",,{TEXTS[0]},负面,,\n",
        "gb18030",
    )

    checked = done(run("--json", "label", "import", str(path), "--dry-run"))
    assert (checked["rows"], checked["corrections"], checked["stored"]) == (3, 5, 0)
    assert said(store) == []
    stored = done(run("--json", "label", "import", str(path)))

    assert stored["stored"] == 5
    assert said(store) == [
        (3, "lanhe", "polarity", "not_negative"),
        (3, "lanhe", "issue", "服务态度"),
        (4, "lanhe", "polarity", "positive"),
        (1, "lanhe", "polarity", "negative"),
        (2, "lanhe", "polarity", "negative"),
    ]
    again = done(run("--json", "label", "import", str(path)))
    assert (again["corrections"], again["stored"]) == (0, 0)


def test_every_mistake_is_told_at_once_with_its_row_and_nothing_is_stored(run, store, tmp_path):
    path = write(
        tmp_path / "labels.csv",
        "mention,text,url,brand,polarity\n"
        "1,,,,negative\n"
        "1,,,,positive\n"
        "99,,,,negative\n"
        ",没有这样的正文,,,negative\n"
        ",,https://tousu.example/nowhere,,negative\n"
        "2,,,nobody,negative\n"
        "2,,,,sad\n"
        "3,,,,\n"
        "\n"
        "4,,,,negative\n",
    )

    result = run("label", "import", str(path))

    assert result.exit_code == 1
    rows = [line.partition(":")[0] for line in result.stdout.splitlines()]
    assert rows == [f"row {n}" for n in (3, 4, 5, 6, 7, 8, 9)]
    assert "where row 2 says 'negative'" in result.stdout
    assert said(store) == []


def test_a_workbook_is_read_too(run, store, tmp_path):
    path = write_xlsx(tmp_path / "labels.xlsx", {"标注": [["编号", "情感"], [2, "正面"]]})

    assert done(run("--json", "label", "import", str(path)))["stored"] == 1
    assert said(store) == [(2, "lanhe", "polarity", "positive")]


def test_a_file_that_was_cut_off_is_refused(store, tmp_path):
    whole = "mention,polarity,note\n" + "".join(f"{n},negative,说明\n" for n in (1, 2, 3))
    speaker = Speaker(actor="linxiao", door="csv", at=NOW)
    with store.read() as queries:
        for end in range(len(whole), len("mention,polarity,note\n"), -1):
            path = write(tmp_path / "labels.csv", whole[:end])
            read = read_labels(path, queries, example(), speaker, str)
            last = whole[:end].rpartition("\n")[2]
            is_cut = bool(last) and last.count(",") < 2
            assert bool(read.problems) == is_cut, whole[:end]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("polarity\nnegative\n", "expected a column mention"),
        ("mention,colour\n1,red\n", "expected a column mention"),
        ("", "expected a column mention"),
    ],
)
def test_a_file_without_labels_is_refused(run, tmp_path, text, told):
    result = run("label", "import", str(write(tmp_path / "labels.csv", text)))

    assert isinstance(result.exception, ConfigError)
    assert told in str(result.exception)


@pytest.mark.parametrize("where", ["no/such/folder.csv", "."])
def test_an_export_that_cannot_be_written_says_why_and_leaves_nothing(run, tmp_path, where):
    result = run("label", "export", str(tmp_path / where))

    assert isinstance(result.exception, ConfigError)
    assert "writing labels to" in str(result.exception)
    assert not list(tmp_path.parent.glob("*.part"))


def test_no_mention_has_such_a_number(run, tmp_path):
    typed = run("label", "add", "9" * 30, "--polarity", "negative")
    # more digits than Python makes a number of
    table = write(tmp_path / "labels.csv", "mention,polarity\n" + "9" * 5_000 + ",负面\n")
    read = run("label", "import", str(table))
    explained = run("explain", "9" * 30)

    assert "no mention 9999" in str(explained.exception)
    assert typed.exit_code == 2
    assert "9223372036854775807" in typed.output
    assert read.exit_code == 1
    assert "row 2: there is no mention '9999" in read.output


def test_a_file_that_is_not_there(run, tmp_path):
    assert isinstance(run("label", "import", str(tmp_path / "no.csv")).exception, ConfigError)


def test_an_export_runs_nothing_and_comes_back(run, store, tmp_path):
    run("label", "add", "4", "--polarity", "positive", "--note", "=HYPERLINK(0)", "--by", "@sum")
    plain, texts = tmp_path / "plain.csv", tmp_path / "texts.csv"

    run("label", "export", str(plain))
    run("label", "export", str(texts), "--with-text")

    [row] = csv.DictReader(plain.read_text(encoding="utf-8-sig").splitlines())
    assert (row["mention"], row["value"], row["note"]) == ("4", "positive", "'=HYPERLINK(0)")
    assert row["actor"] == "'@sum"
    assert "公式" not in plain.read_text(encoding="utf-8-sig")
    [row] = csv.DictReader(texts.read_text(encoding="utf-8-sig").splitlines())
    assert row["text"] == "'=澜禾 +1 公式"
    assert not list(tmp_path.glob("*.part"))
    back = write(tmp_path / "back.csv", f"text,polarity\n{row['text']},负面\n")
    assert done(run("--json", "label", "import", str(back)))["stored"] == 1


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1", "＝1", "＠a"])
def test_no_cell_is_a_formula(cell):
    assert harmless(cell) == f"'{cell}"
    assert harmless("云雀") == "云雀"


def test_figures_and_suggestions(run, store):
    for n in ("1", "2", "3"):
        run("label", "add", n, "--polarity", "negative", "--by", "linxiao")
    run("label", "add", "4", "--about", "none", "--by", "linxiao")
    run("label", "add", "1", "--polarity", "positive", "--by", "zhoulan")

    found = done(run("--json", "label", "stats"))

    every, tousu = found["figures"]
    assert (every["labels"], tousu["source_id"], tousu["brand_id"]) == (4, "tousu", "lanhe")
    assert (every["precision"]["hits"], every["precision"]["n"]) == (2, 4)
    assert every["precision"]["interval"][0] < 0.5 < every["precision"]["interval"][1]
    assert found["conflicts"] == 1
    text = run("label", "stats").stdout
    assert "50% [" in text
    assert "几个人说法不一" in text
    assert run("label", "list", "--conflicts").stdout.count("提及 1") == 2


def test_explain_tells_what_a_person_said_beside_the_model_s_own_view(run):
    before = run("explain", "1").stdout
    done(run("--json", "label", "add", "1", "--polarity", "not_negative", "--by", "linxiao"))

    after = run("explain", "1").stdout

    assert "复核" not in before
    assert "复核：linxiao 说对品牌 lanhe，polarity 应为 not_negative（原判 negative）" in after
    assert re.search(r"规则 rule {7}负面概率 0\.\d\d ≥ 0\.\d+：计入预警", after)
    run("label", "undo", "--by", "linxiao")
    assert "复核" not in run("explain", "1").stdout
