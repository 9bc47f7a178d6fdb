"""Previews of brands' rules over stored mentions, and the commands around them."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from classify.matching import BrandMatcher
from classify.matching_context import undeclared
from config.errors import ConfigError
from config.load import example_dir, load_brand, read_brand
from config.schema import Brand
from groundswell.cli.app import build
from groundswell.previewing import preview, survey
from storage.records import RawMention, SourceId
from storage.store import Store
from tests.make import NOW

DOCS = (Path(__file__).parents[2] / "docs" / "brands.zh-CN.md").read_text("utf-8")
SAID = (
    "云雀净水器漏水，客服不理人",
    "云雀净水器的滤芯第三天就堵了",
    "树上的云雀叫得真好听",
    "云雀镇的早市很热闹",
    "隔壁青鸟牌的壶也漏水",
)


def watch(brand_id: str, name: str, **fields: Any) -> Brand:
    return Brand.model_validate({"id": brand_id, "name": name, **fields})


def keep(store: Store, texts: tuple[str, ...] = SAID, at: datetime = NOW) -> None:
    raws = [
        RawMention(
            source_id=SourceId("tousu"),
            text=text,
            title="",
            observed_at=at - timedelta(minutes=n),
            published_at=at - timedelta(hours=1),
            url=f"https://tousu.example/{at:%d}/{n}",
            canonical_url=f"https://tousu.example/{at:%d}/{n}",
            platform="tousu",
            author=f"用户{n}",
        )
        for n, text in enumerate(texts, 1)
    ]
    with store.transaction() as tx:
        tx.keep(raws, at)


# --- stored mentions by when they were observed ----------------------------------------------


def test_pages_hold_every_mention_once_newest_first(store: Store) -> None:
    keep(store, tuple(f"第{n}条" for n in range(7)))
    keep(store, tuple(f"旧的第{n}条" for n in range(2)), NOW - timedelta(days=9))
    since = NOW - timedelta(days=7)

    found, last = [], None
    with store.read() as queries:
        count = queries.observed_count(since, NOW)
        while page := queries.observed(since, NOW, after=last, limit=3):
            found += page
            last = page[-1]

    assert count == 7
    assert [one.text for one in found] == [f"第{n}条" for n in range(7)]


def test_mentions_of_one_instant_are_parted_by_their_number(store: Store) -> None:
    with store.transaction() as tx:
        tx.keep(
            [
                RawMention(
                    source_id=SourceId("tousu"),
                    text=f"同一刻的第{n}条",
                    observed_at=NOW,
                    url=f"https://tousu.example/{n}",
                    canonical_url=f"https://tousu.example/{n}",
                )
                for n in range(4)
            ],
            NOW,
        )
    until = NOW + timedelta(seconds=1)

    with store.read() as queries:
        first = queries.observed(NOW, until, limit=3)
        rest = queries.observed(NOW, until, after=first[-1], limit=3)

    assert len({one.mention_id for one in first + rest}) == 4


# --- surveys and previews ----------------------------------------------------------------------


def test_a_survey_counts_names_and_reasons(store: Store) -> None:
    keep(store)
    rule = watch("yunque", "云雀", aliases=["云雀净水器"], **{"not": ["云雀镇"]})

    done: list[int] = []
    found = survey(store, [rule], NOW, advance=done.append)

    [use] = found.brands
    assert (found.stored, found.read, sum(done)) == (5, 5, 5)
    assert use.matched == 3
    assert {(one.alias, one.new, one.refused) for one in use.names} == {
        ("云雀净水器", 2, 0),
        ("云雀", 1, 1),
    }
    [refused] = use.refused
    assert (refused.code, refused.mentions) == ("not", 1)
    assert refused.samples[0].word == "云雀"
    assert refused.samples[0].after.startswith("镇的早市")


def test_a_preview_says_what_a_change_wins_and_loses(store: Store) -> None:
    keep(store)
    at_work = watch("yunque", "云雀", **{"not": ["云雀镇"]})
    changed = watch(
        "yunque",
        "云雀",
        aliases=["青鸟牌"],
        ambiguous=[{"name": "云雀", "brand": ["净水器"], "other": ["树", "镇"]}],
    )

    found = preview(store, [at_work], changed, NOW)

    assert (found.is_new, found.matched_now, found.use.matched) == (False, 3, 3)
    assert (found.gained, found.lost) == (1, 1)
    [won], [lost] = found.gained_samples, found.lost_samples
    assert (won.word, won.reason, won.was) == ("青鸟牌", "出现了名称", "没有出现名称")
    assert lost.word == "云雀"
    assert lost.reason == "附近的“树”说的是别的意思"
    assert lost.was == "出现了名称"
    assert {one.alias: (one.now, one.new, one.refused) for one in found.use.names} == {
        "云雀": (3, 2, 2),
        "青鸟牌": (0, 1, 0),
    }


def test_a_new_brand_takes_part_with_those_at_work(store: Store) -> None:
    keep(store)
    at_work = watch("yunque", "云雀净水器")

    found = preview(store, [at_work], watch("niao", "云雀"), NOW)

    assert found.is_new
    assert (found.matched_now, found.use.matched, found.gained) == (0, 2, 2)


def test_no_more_than_the_newest_so_many_are_read(store: Store) -> None:
    keep(store)

    found = survey(store, [watch("yunque", "云雀")], NOW, most=2)

    assert (found.stored, found.read) == (5, 2)
    assert found.brands[0].matched == 2


def test_nothing_stored_is_an_answer(store: Store) -> None:
    found = preview(store, [], watch("yunque", "云雀"), NOW)

    assert (found.read, found.use.matched, found.gained, found.lost) == (0, 0, 0, 0)


# --- files and what was typed ------------------------------------------------------------------


def test_a_file_is_read_with_every_check(tmp_path: Path) -> None:
    path = tmp_path / "yunque.yaml"
    path.write_text("id: yunque\nname: 云雀\nnear_within: 5\nalias: [x]\n", "utf-8")

    with pytest.raises(ConfigError) as caught:
        load_brand(path)

    assert [problem.partition("yaml:")[2][:2] for problem in caught.value.problems] == ["3:", "4:"]


@pytest.mark.parametrize("text", ["", "- 云雀", "id: [", "\ud800", "id: yunque\nname: ${HOME}\n"])
def test_what_is_no_brand_is_refused_in_words(text: str) -> None:
    with pytest.raises(ConfigError, match=r"brand\.yaml:\d+: "):
        read_brand(text, "brand.yaml")


@pytest.mark.parametrize("written", re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL))
def test_the_guides_brands_are_read_and_do_what_they_say(written: str) -> None:
    pytest.importorskip("pypinyin")
    brand = read_brand(written, "brand.yaml")

    assert BrandMatcher([brand]).run_examples() == []


# --- commands ----------------------------------------------------------------------------------

Run = Callable[..., Result]


@pytest.fixture
def run(sqlite_url: str) -> Run:
    def command(*arguments: str) -> Result:
        return CliRunner().invoke(build(), ["--database", sqlite_url, *arguments])

    return command


@pytest.fixture
def stored(sqlite_url: str) -> None:
    store = Store(sqlite_url)
    said = ("澜禾养生壶漏水", "蓝禾农场的草莓甜", "今晚住禾沐民宿")
    keep(store, said, datetime.now(UTC))
    store.close()


def test_brands_are_listed_and_shown(run: Run) -> None:
    listed = run("brand", "list", "--json")
    shown = run("brand", "show", "lanhe")

    assert [one["id"] for one in json.loads(listed.stdout)["brands"]] == ["hemu", "lanhe"]
    assert "养生壶 K2" in shown.stdout
    assert isinstance(run("brand", "show", "lanhee").exception, ConfigError)


@pytest.mark.usefixtures("stored")
def test_the_rules_at_work_are_previewed(run: Run) -> None:
    all_of_them = json.loads(run("--json", "brand", "preview").stdout)
    one = run("brand", "preview", "lanhe", "--days", "1")

    assert {use["brand_id"]: use["matched"] for use in all_of_them["brands"]} == {
        "hemu": 0,
        "lanhe": 1,
    }
    assert "澜禾 (lanhe)：命中 1 条" in one.stdout
    assert "出现了排除词“蓝禾农场”" in one.stdout
    assert "hemu" not in one.stdout


@pytest.mark.usefixtures("stored")
def test_a_file_is_previewed_against_the_rule_at_work(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "lanhe.yaml"
    path.write_text("id: lanhe\nname: 澜禾\naliases: [蓝禾]\n", "utf-8")

    said = run("brand", "preview", str(path))
    found = json.loads(run("--json", "brand", "preview", str(path)).stdout)

    assert "现在命中 1 条，改后命中 2 条" in said.stdout
    assert "【蓝禾】农场的草莓甜" in said.stdout
    assert (found["gained"], found["lost"]) == (1, 0)
    assert isinstance(run("brand", "preview", "nobody").exception, ConfigError)
    assert isinstance(run("brand", "preview", "nobody.yaml").exception, ConfigError)


def test_a_failing_example_is_told_with_file_and_line(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(example_dir(), project)
    path = project / "brands" / "hemu.yaml"
    text = (
        path.read_text("utf-8") + "  - text: 禾沐很好\n  - text: 禾沐电器很好\n    match: false\n"
    )
    path.write_text(text, "utf-8")
    line = len(text.splitlines()) - 2

    said = CliRunner().invoke(build(), ["check", "--config", str(project)])

    assert said.exit_code == 2
    told = [
        'example "禾沐很好" must match, but none of the context words occurs',
        'example "禾沐电器很好" must not match, but does',
    ]
    assert said.stderr.splitlines() == [
        f'brands/hemu.yaml:{line + n}: brand "hemu": {text}' for n, text in enumerate(told)
    ]


def test_excluded_authors_that_are_hidden_are_warned_of(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(example_dir(), project)
    path = project / "project.yaml"
    text = path.read_text("utf-8")
    hidden = text.replace("settings:\n", "settings:\n  pseudonymise_authors: true\n", 1)
    assert hidden != text
    path.write_text(hidden, "utf-8")

    said = CliRunner().invoke(build(), ["check", "--config", str(project)])

    assert said.exit_code == 0
    assert 'brand "lanhe": exclude.authors has no effect' in said.stdout


def test_a_name_in_wide_use_for_something_else_is_warned_of() -> None:
    bare = watch("xiaomi", "小米", aliases=["红米"])
    declared = watch("xiaomi", "小米", ambiguous=[{"name": "小米"}])

    [warning] = undeclared([bare])

    assert '"小米" also means something else' in warning
    assert undeclared([declared, watch("a", "小米", any=["手机"])]) == []


def test_explain_says_why_a_name_did_not_count(run: Run) -> None:
    said = run("explain", "周末去蓝禾农场摘草莓")

    assert "名称“蓝禾”不算品牌 lanhe：出现了排除词“蓝禾农场”" in said.stdout
