import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from config.library import entries
from config.load import example_dir, load
from config.schema import Project
from config.source_schema import ScheduleRules, SourceConfig
from groundswell.cli.app import build
from groundswell.coverage import Coverage, Line, Sight, judge, missing, never_connected, survey
from groundswell.digests import Digests
from groundswell.links import SignedLinks
from groundswell.platforms import PLATFORMS, platform_of
from storage.coverage import Brought
from storage.records import FetchCause, RawMention, SourceHealth, SourceId, SourceState
from storage.store import Store

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def _source(source_id: str, platform: str, **values: object) -> SourceConfig:
    known: dict[str, object] = {"kind": "feed", "start": f"https://{source_id}.example.cn/rss"}
    known |= {"id": source_id, "name": f"{platform}甲", "platform": platform}
    return SourceConfig.model_validate(known | values)


def _state(source_id: str, ago: timedelta | None, **values: object) -> SourceState:
    last = None if ago is None else NOW - ago
    known = {"health": SourceHealth.OK, "polls": 4, "last_ok_at": last} | values
    return SourceState(source_id=SourceId(source_id), **known)


def _judged(
    sources: list[SourceConfig],
    states: list[SourceState] = (),
    brought: list[Brought] = (),
    heard: dict[str, datetime] | None = None,
) -> Coverage:
    return judge(
        Project(sources=tuple(sources)),
        {state.source_id: state for state in states},
        brought,
        {SourceId(name): at for name, at in (heard or {}).items()},
        NOW,
    )


def _line(coverage: Coverage, name: str) -> Line:
    return next(line for line in (*coverage.lines, *coverage.others) if line.name == name)


# --- names -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("微博", "微博"),
        ("新浪微博", "微博"),
        (" Weibo ", "微博"),
        ("bilibili", "B站"),
        ("b站", "B站"),
        ("App Store", "应用商店"),
        ("黑猫", "黑猫投诉"),
        ("市场监管", "监管与召回"),
        ("知乎热榜", "热搜"),
        ("电商评价", None),
        ("", None),
    ],
)
def test_a_platform_goes_by_many_names(name, wanted):
    found = platform_of(name)

    assert (found.name if found else None) == wanted


def test_a_platform_is_known_by_the_host_of_a_source_too():
    assert platform_of("论坛", ["https://club.autohome.com.cn/bbs"]).name == "汽车之家"
    assert platform_of("", ["https://2.taobao.com/x"]).name == "闲鱼"
    assert platform_of("", ["https://item.taobao.com/x"]).name == "淘宝"
    assert platform_of("", ["https://notweibo.com/x", "http://[bad"]) is None


def test_every_name_means_one_platform():
    names = ["".join(n.split()).casefold() for p in PLATFORMS for n in (p.name, *p.names)]
    hosts = [host for platform in PLATFORMS for host in platform.hosts]

    assert len(names) == len(set(names))
    assert len(hosts) == len(set(hosts))


def test_the_platforms_of_the_issue_are_asked_about():
    asked = "微博 热搜 小红书 抖音 快手 B站 知乎 贴吧 公众号 视频号 黑猫投诉 12315 京东 天猫 酷安"

    core = {platform.name for platform in PLATFORMS if platform.core}
    assert {*asked.split(), "应用商店", "新闻"} <= core


def test_every_platform_of_the_library_that_people_ask_about_is_offered():
    coverage = _judged([])
    offered = {entry for line in coverage.lines for entry in line.library}

    for entry in entries():
        if platform_of(entry.platform) and entry.role != "official":
            assert entry.id in offered
    without = {line.name for line in coverage.lines if not line.library}
    assert without == {"视频号", "拼多多", "闲鱼", "淘宝"}


# --- sight -----------------------------------------------------------------------------------


def test_with_nothing_configured_nothing_is_seen_and_all_have_advice():
    coverage = _judged([])

    assert coverage.count(Sight.UNSEEN) == coverage.total == sum(p.core for p in PLATFORMS)
    assert all(line.advice for line in coverage.lines)
    assert coverage.others == ()


@pytest.mark.parametrize(
    ("state", "sight"),
    [
        (_state("s", timedelta(minutes=10)), Sight.SEEN),
        (_state("s", timedelta(hours=20)), Sight.SEEN),
        (_state("s", timedelta(hours=30)), Sight.ILL),
        (_state("s", timedelta(minutes=10), health=SourceHealth.DEGRADED), Sight.SEEN),
        (_state("s", timedelta(minutes=10), health=SourceHealth.QUARANTINED), Sight.ILL),
        (_state("s", None, health=SourceHealth.NEW, polls=0), Sight.WAITING),
        (_state("s", None, health=SourceHealth.DEGRADED), Sight.ILL),
        (_state("s", timedelta(days=2), interval_s=86400.0), Sight.SEEN),
    ],
)
def test_a_source_lets_see_as_long_as_it_answers(state, sight):
    coverage = _judged([_source("s", "微博")], [state])

    assert _line(coverage, "微博").sight is sight


def test_a_slow_schedule_is_not_late():
    weekly = _source("s", "微博", schedule=ScheduleRules(every="3d", max="7d"))

    coverage = _judged([weekly], [_state("s", timedelta(days=8))])
    assert _line(coverage, "微博").sight is Sight.SEEN


def test_one_broken_way_beside_a_good_one_is_partly_seen():
    states = [
        _state("good", timedelta(minutes=5)),
        _state("ill", timedelta(days=3), cause=FetchCause.LOGIN, cause_text="页面要求登录后查看"),
    ]
    line = _line(_judged([_source("good", "微博"), _source("ill", "weibo")], states), "微博")

    assert line.sight is Sight.PARTIAL
    assert [way.id for way in line.ways] == ["good", "ill"]
    assert line.ways[1].cause == "页面要求登录后查看"


def test_an_own_account_and_a_source_that_is_off_are_no_way_in():
    sources = [
        _source("own", "微博", role="official"),
        _source("off", "小红书", enabled=False),
    ]
    states = [_state("own", timedelta(minutes=5)), _state("off", timedelta(minutes=5))]
    coverage = _judged(sources, states)

    for name, note in (("微博", "品牌自己的账号，不算提及"), ("小红书", "已停用")):
        line = _line(coverage, name)
        assert line.sight is Sight.UNSEEN
        assert [way.note for way in line.ways] == [note]


def test_a_hot_list_counts_for_hot_search_whatever_its_platform():
    hot = _source("hot", "微博", role="hot_search")

    coverage = _judged([hot], [_state("hot", timedelta(minutes=5))])
    assert _line(coverage, "热搜").sight is Sight.SEEN
    assert _line(coverage, "微博").sight is Sight.UNSEEN


def test_an_import_is_seen_for_a_week_and_then_stale():
    brought = [
        Brought(
            source_id=SourceId("import:小红书"),
            platform="小红书",
            mentions=120,
            last_at=NOW - timedelta(days=2),
        )
    ]
    fresh = _judged([], [], brought)
    stale = _judged([], [], [], {"import:小红书": NOW - timedelta(days=12)})

    line = _line(fresh, "小红书")
    assert (line.sight, line.mentions, line.ways[0].name) == (Sight.SEEN, 120, "导入：小红书")
    line = _line(stale, "小红书")
    assert (line.sight, line.last_at) == (Sight.STALE, NOW - timedelta(days=12))


def test_a_push_counts_for_every_platform_that_it_names():
    brought = [
        Brought(source_id=SourceId("push:数据商"), platform=name, mentions=n, last_at=NOW)
        for name, n in (("抖音", 30), ("视频号", 4), ("某社区", 2))
    ]
    coverage = _judged([], [], brought)

    assert [_line(coverage, name).mentions for name in ("抖音", "视频号", "某社区")] == [30, 4, 2]
    assert [line.name for line in coverage.others] == ["某社区"]


def test_what_a_removed_source_brought_is_not_passed_off_as_seen():
    brought = [Brought(source_id=SourceId("old"), platform="微博", mentions=5, last_at=NOW)]

    line = _line(_judged([], [], brought), "微博")
    assert (line.sight, line.mentions) == (Sight.STALE, 5)


def test_a_source_of_no_known_platform_stands_with_the_others():
    coverage = _judged(
        [_source("s", "听雨论坛"), _source("t", "")], [_state("s", timedelta(minutes=1))]
    )

    assert [line.name for line in coverage.others] == ["听雨论坛", "未写平台"]


def test_the_library_offers_what_is_not_taken_yet():
    coverage = _judged([_source("rsshub-weibo-keyword", "微博")])

    offered = _line(coverage, "微博").library
    assert "rsshub-weibo-keyword" not in offered
    assert "rsshub-weibo-super" in offered
    assert "rsshub-weibo-official" not in offered


# --- missing ---------------------------------------------------------------------------------


def test_missing_names_the_core_platforms_without_any_way_in():
    project = Project(
        sources=(
            _source("a", "微博"),
            _source("b", "小红书", enabled=False),
            _source("c", "知乎", role="official"),
            _source("d", "百度热搜", role="hot_search"),
        )
    )
    names = missing(project, ["京东", "某社区"])

    assert {"小红书", "知乎", "抖音", "视频号", "12315"} <= set(names)
    assert not {"微博", "热搜", "京东", "懂车帝"} & set(names)
    assert list(names) == [p.name for p in PLATFORMS if p.name in names]


# --- with a database -------------------------------------------------------------------------


def _raw(source_id: str, platform: str, n: int, observed_at: datetime) -> RawMention:
    return RawMention(
        source_id=SourceId(source_id),
        platform=platform,
        native_id=f"{platform}-{n}",
        text=f"第 {n} 条：养生壶的盖子合不上，客服三天没有回音。",
        published_at=observed_at,
        observed_at=observed_at,
    )


def test_the_survey_reads_what_was_brought(store: Store):
    raws = [_raw("jiefang-micro", "微博客", n, NOW - timedelta(hours=n)) for n in range(3)]
    raws += [_raw("import:小红书", "小红书", n, NOW - timedelta(days=1)) for n in range(4)]
    raws += [_raw("push:数据商", "抖音", n, NOW - timedelta(days=30)) for n in range(2)]
    with store.transaction() as tx:
        for raw in raws:
            tx.keep([raw], raw.observed_at)
        tx.count({("intake", SourceId("push:抖音"), "new"): 2}, NOW - timedelta(days=30))
        tx.save_source(_state("jiefang-micro", timedelta(minutes=5)))
    project = load(example_dir(), environ={})
    with store.read() as queries:
        coverage = survey(queries, project, NOW)

    assert _line(coverage, "小红书").mentions == 4
    assert _line(coverage, "小红书").sight is Sight.SEEN
    assert _line(coverage, "微博客").mentions == 3
    assert _line(coverage, "微博客").sight is Sight.SEEN
    assert _line(coverage, "抖音").sight is Sight.STALE
    assert _line(coverage, "抖音").mentions == 0


def test_the_digest_names_the_platforms_that_were_never_connected(store: Store):
    project = load(example_dir(), environ={})
    with store.transaction() as tx:
        tx.keep([_raw("push:数据商", "抖音", 1, NOW - timedelta(days=20))], NOW)
        tx.count({("intake", SourceId("import:小红书"), "new"): 2}, NOW - timedelta(days=90))
    digests = Digests(store=store, project=project, links=SignedLinks("http://c.example", "key"))
    said = digests.compose(project.owners[0], NOW.date(), now=NOW).completeness

    assert "从未接入 16 个平台：微博、热搜、知乎" in said
    assert not {"小红书", "抖音", "新闻"} & set(said.replace("：", "、").split("、"))
    with store.read() as queries:
        demo = project.model_copy(
            update={"settings": project.settings.model_copy(update={"demo": True})}
        )
        assert never_connected(queries, demo, NOW) == ()


def test_the_command_prints_lines_and_one_json_document(tmp_path):
    database = f"sqlite:///{tmp_path / 'groundswell.db'}"

    said = CliRunner().invoke(build(), ["coverage", "--database", database])
    document = CliRunner().invoke(build(), ["coverage", "--database", database, "--json"])

    assert (said.exit_code, document.exit_code) == (0, 0)
    assert "视频号: 只在微信里" in said.stdout
    found = json.loads(document.stdout)
    assert [line["name"] for line in found["lines"]] == [p.name for p in PLATFORMS]
    assert {line["name"] for line in found["others"]} >= {"投诉平台", "论坛"}
