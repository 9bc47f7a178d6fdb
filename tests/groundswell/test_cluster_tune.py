"""Thresholds learned and written into a project, stored clusters drawn: as people do it."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from config.errors import ConfigError
from config.load import load
from groundswell import wiring
from groundswell.cli.app import build
from groundswell.cluster_settings import lines_of, write_scores
from groundswell.cluster_tuning import samples_of_corrections, samples_of_rows, stored_story
from storage.records import BrandId, ClusterId, Mention, Verdict
from storage.store import Store
from tests.eval.complaints import complaints
from tests.make import NOW, make_raw, make_verdict

LANHE = BrandId("lanhe")
BRAND = """\
# 自己的品牌
id: lanhe
name: 澜禾   # 厨房小家电
{clusters}examples:
  - text: 澜禾电水壶漏水   # 例句
"""
ROOT = """\
settings:
  name: 试验   # 项目名
  timezone: Asia/Shanghai
owners:
  - {id: lin, name: 林晓, channels: [hook]}
channels:
  - {id: hook, kind: webhook, url: "https://hook.example/in"}
routes: [{id: all, owner: lin}]
fallback: [lin]
"""


def project(folder: Path, clusters: str = "") -> Path:
    (folder / "brands").mkdir(parents=True)
    (folder / "project.yaml").write_text(ROOT, "utf-8")
    (folder / "brands" / "lanhe.yaml").write_text(BRAND.format(clusters=clusters), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", None),
        (
            "clusters:   # 门槛\n  complaint: 0.3  # 五月定的\n  post_merge: 0.5\n",
            "clusters:   # 门槛\n  post: 0.2\n  complaint: 0.36  # 五月定的\n  post_merge: 0.5\n",
        ),
        (
            "clusters: {complaint: 0.3, post_merge: 0.5}  # 门槛\n",
            "clusters: {post_merge: 0.5, complaint: 0.36, post: 0.2}  # 门槛\n",
        ),
        ("clusters: {}\n", "clusters: {complaint: 0.36, post: 0.2}\n"),
    ],
)
def test_scores_are_written_in_place_and_comments_stay(
    tmp_path: Path, before: str, after: str | None
) -> None:
    folder = project(tmp_path / "p", before)

    written = write_scores(folder, "lanhe", {"complaint": 0.36, "post": 0.2}, environ={})

    text = written.path.read_text("utf-8")
    whole = BRAND.format(clusters="") + "\nclusters:\n  complaint: 0.36\n  post: 0.2\n"
    assert text == (whole if after is None else BRAND.format(clusters=after))
    assert text.splitlines()[written.line - 1].startswith("clusters:")
    brand = load(folder, environ={}).brand("lanhe")
    assert brand is not None
    assert (brand.clusters.complaint, brand.clusters.post) == (0.36, 0.2)


def test_scores_of_the_whole_project_stand_in_its_settings(tmp_path: Path) -> None:
    folder = project(tmp_path / "p")

    write_scores(folder, None, {"complaint": 0.36}, environ={})
    write_scores(folder, None, {"complaint": 0.35}, environ={})

    text = (folder / "project.yaml").read_text("utf-8")
    assert text == ROOT.replace("settings:\n", "settings:\n  clusters:\n    complaint: 0.35\n")
    assert load(folder, environ={}).settings.clusters.complaint == 0.35


@pytest.mark.parametrize(
    "written", ["clusters: &x\n  complaint: 0.3\n", "clusters: {complaint:\n  0.3}\n"]
)
def test_what_is_written_specially_is_left_to_people(tmp_path: Path, written: str) -> None:
    folder = project(tmp_path / "p", written)
    before = (folder / "brands" / "lanhe.yaml").read_bytes()

    try:
        write_scores(folder, "lanhe", {"complaint": 0.36}, environ={})
    except ConfigError as error:
        assert "by hand: clusters: / complaint: 0.36" in str(error)  # noqa: PT017 - or it works
        assert (folder / "brands" / "lanhe.yaml").read_bytes() == before
    brand = load(folder, environ={}).brand("lanhe")
    assert brand is not None
    assert brand.clusters.complaint in {0.3, 0.36}


def test_a_project_with_mistakes_or_a_shipped_one_is_not_touched(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "clusters: {complaint: 32}\n")

    with pytest.raises(ConfigError, match="complaint"):
        write_scores(folder, "lanhe", {"complaint": 0.36}, environ={})
    with pytest.raises(ConfigError, match="ships with the program"):
        write_scores(wiring.project_dir(None), None, {"complaint": 0.36}, environ={})
    with pytest.raises(ConfigError, match='no file holds brand "hemu"'):
        write_scores(project(tmp_path / "q"), "hemu", {"complaint": 0.36}, environ={})
    assert lines_of({"post": 0.3}, "  ") == ["  clusters:", "    post: 0.3"]


# --- from what people corrected ---------------------------------------------------------------


def gather(store: Store, folder: Path, texts: Sequence[str]) -> list[tuple[Mention, Verdict]]:
    """Store one mention a text, an hour apart, the last one now; return them."""
    restore = wiring.restorer(load(folder, environ={}))
    raws = []
    for n, text in enumerate(texts):
        at = NOW - timedelta(hours=len(texts) - n)
        raws.append(make_raw(n, title="", text=text, published_at=at, observed_at=at))
    with store.transaction() as tx:
        tx.keep(raws, NOW)
        mentions = tx.pending_mentions(1000)
        ids = [one.mention_id for one in mentions]
        tx.save_verdicts(
            ids, [make_verdict(one, brand_id=LANHE, products=(), terms=()) for one in ids], NOW
        )
        (shard_id,) = tx.pending_shards()
        shard = restore(tx.load_shard(shard_id, NOW))
        items = tx.pending_verdicts(shard_id, 1000)
        for item in items:
            tx.save_gathering(
                shard.gather([item], item[0].observed_at, tx.recall(shard_id)), [item]
            )
    return items


TROUBLES = (
    "电水壶壶底渗水，台面泡得发胀",
    "破壁机半夜自己启动，吓哭了孩子",
    "养生壶玻璃炸裂，碎片划伤手指",
    "空气炸锅涂层脱落，粘在鸡翅上",
)
TOLD = ("快递送来那天", "母亲节买的", "用了半年", "换过新的还是")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return project(tmp_path / "p")


def corrected(store: Store, folder: Path) -> list[ClusterId]:
    """Gather four troubles, two of which a person then joins."""
    texts = [f"{TOLD[n // 4]}{TROUBLES[n % 4]}" for n in range(16)]
    items = gather(store, folder, texts)
    with store.read() as queries:
        homes = [queries.mention_cluster(one.mention_id)[0] for one, _ in items[:4]]
    assert len(set(homes)) == 4
    with store.transaction() as tx:
        tx.merge_clusters(homes[0], homes[1], "林晓", NOW)
    return homes


def test_what_people_joined_is_known_and_the_past_is_told(store: Store, folder: Path) -> None:
    homes = corrected(store, folder)

    with store.read() as queries:
        found = samples_of_corrections(queries, LANHE)
        nobody = samples_of_corrections(queries, BrandId("hemu"))
        whole = stored_story(queries, None, NOW - timedelta(days=1), NOW + timedelta(hours=1))
        late = stored_story(queries, LANHE, NOW - timedelta(hours=8), NOW + timedelta(hours=1))

    assert nobody == []
    assert len(found) == 16
    assert {one.truth for one in found if one.is_judged} == {homes[0]}
    assert {one.truth for one in found if not one.is_judged} == {homes[2], homes[3]}
    came = [one.mention.observed_at for one in found]
    assert came == sorted(came)
    assert whole.groups(1)[0] == (homes[0], [homes[1]])
    assert sum(whole.size_of(one) for one in whole.arrivals) == 16
    assert (max(whole.live), whole.live[-1], whole.singles[-1]) == (4, 3, 0)
    assert sum(whole.merges) == 1
    assert (late.live[0], late.live[-1], sum(late.merges)) == (4, 3, 1)
    assert sum(late.size_of(one) for one in late.arrivals) == 8


# --- as commands ------------------------------------------------------------------------------


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(build(), ["--config", str(folder), "cluster", *words])


def done(result: Result) -> Any:
    assert result.exit_code == 0, result.output + repr(result.exception)
    return json.loads(result.stdout)


def rows_file(path: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_labelled_file_lowers_a_threshold_that_was_too_high(folder: Path) -> None:
    (folder / "brands" / "lanhe.yaml").write_text(
        BRAND.format(clusters="clusters:\n  complaint: 0.6   # 太高\n"), "utf-8"
    )
    data = rows_file(folder / "rows.csv", complaints(1, issues=45, largest=5))

    told = done(
        run(folder, "calibrate", "--data", str(data), "--brand", "lanhe", "--write", "--json")
    )
    text = (folder / "brands" / "lanhe.yaml").read_text("utf-8")

    (advice,) = (one for one in told["settings"] if one["setting"] == "complaint")
    assert advice["reason"] == "lower"
    assert f"  complaint: {advice['advised']:g}   # 太高\n" in text
    assert told["yaml"].startswith("clusters:\n  complaint: ")
    assert told["written"].endswith("lanhe.yaml")


def test_corrections_of_one_person_change_nothing_and_pictures_are_drawn(
    sqlite_url: str, folder: Path
) -> None:
    store = Store(sqlite_url)
    corrected(store, folder)
    store.close()
    options = ("--database", sqlite_url)
    svg = folder / "lanhe.svg"

    said = run(folder, "calibrate", "--corrections", "--brand", "lanhe", *options)
    days = str((datetime.now(NOW.tzinfo) - NOW).days + 2)
    drawn = run(folder, "picture", "--brand", "lanhe", "--days", days, "--svg", str(svg), *options)
    wrong = run(folder, "calibrate")

    assert said.exit_code == 0, said.output
    assert "样本太少" in said.stdout
    assert "有定论 judged 8" in said.stdout
    assert drawn.exit_code == 0, drawn.output
    assert "澜禾" in svg.read_text("utf-8")
    assert wrong.exit_code == 2


def test_rows_without_a_label_stand_beside_the_others() -> None:
    rows = [{"text": "漏水", "label": "a"}, {"text": "炸裂", "label": " "}]

    assert [one.is_judged for one in samples_of_rows(rows)] == [True, False]
    assert len(samples_of_rows(rows, most=1)) == 1
