import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from config.load import example_dir, load
from config.schema import Project
from groundswell.cli.app import build
from groundswell.sentiment import judge, net_of, survey_sentiment, why_not
from storage.records import BrandId, Noise, Opinions, Polarity, RawMention, SourceId
from storage.store import Store
from tests.make import make_verdict

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LANHE = BrandId("lanhe")


def _opinions(n: int, negative: int, positive: int, unsure: int = 0, **values: object) -> Opinions:
    known: dict[str, object] = {
        "brand_id": LANHE,
        "source_id": SourceId("jiefang-micro"),
        "platform": "微博",
        "hour": NOW,
        "rated": 0,
        "noise": 0,
    }
    counted = {"n": n, "negative": negative, "positive": positive, "unsure": unsure}
    return Opinions(**(known | counted | values))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def project() -> Project:
    return load(example_dir())


# --- the figure ------------------------------------------------------------------------------


def test_unsure_mentions_count_on_neither_side():
    net = net_of("x", [_opinions(60, 10, 25, unsure=10)])

    assert net.clear == 50
    assert net.net == pytest.approx(15 / 50)
    assert net.unsure_share == pytest.approx(1 / 6)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    import random

    chance = random.Random(20261122)
    truth, held, trials = 0.2 - 0.35, 0, 2000
    for _ in range(trials):
        drawn = [chance.random() for _ in range(120)]
        positive = sum(one < 0.2 for one in drawn)
        negative = sum(0.2 <= one < 0.55 for one in drawn)
        net = net_of("x", [_opinions(120, negative, positive)])
        assert net.low is not None
        assert net.high is not None
        held += net.low <= truth <= net.high

    assert 0.93 <= held / trials <= 0.97


def test_a_handful_of_mentions_gives_no_figure():
    net = net_of("x", [_opinions(14, 3, 6, unsure=5)])

    assert (net.net, net.low, net.high) == (None, None, None)
    assert net.n == 14


# --- what is left out ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "group", "n", "rated", "said"),
    [
        ("feed", "社交", 500, 0, ""),
        ("app_reviews", "应用与数码", 5, 5, "评价"),
        ("list_detail", "电商", 40, 38, "评价"),
        ("list_detail", "电商", 10, 10, ""),  # too few to call it a place for reviews
        ("list_detail", "投诉", 40, 0, "投诉"),
    ],
)
def test_a_place_of_one_kind_of_voice_is_named(kind, group, n, rated, said):
    reason = why_not(kind, group, n, rated)

    assert (said in reason) if said else reason == ""


def test_what_is_left_out_is_in_no_figure(project: Project):
    rows = [
        _opinions(40, 4, 20, noise=7),
        _opinions(90, 88, 0, source_id=SourceId("push:12315"), platform="12315"),
        _opinions(50, 1, 45, source_id=SourceId("import:京东"), platform="京东", rated=50),
    ]

    found = judge(project, rows, NOW - timedelta(days=1), NOW)
    own = next(one for one in found.brands if one.brand_id == "lanhe")

    assert own.whole.n == 40
    assert {one.source_id for one in found.left_out} == {"push:12315", "import:京东"}
    assert found.noise == 7


# --- from the store --------------------------------------------------------------------------


def _tell(store: Store, verdicts: list[dict[str, object]], **raw: object) -> None:
    raws = [
        RawMention(
            **{
                "source_id": SourceId("jiefang-micro"),
                "platform": "微博",
                "native_id": f"{raw.get('source_id', '')}{n}",
                "text": f"第 {n} 位说澜禾",
                "published_at": NOW - timedelta(hours=n + 1),
                "observed_at": NOW - timedelta(hours=n),
            }
            | raw
        )
        for n in range(len(verdicts))
    ]
    with store.transaction() as tx:
        tx.keep(raws, NOW)
        ids = [mention.mention_id for mention in tx.pending_mentions(len(raws))]
        made = [
            make_verdict(i, brand_id=LANHE, **one) for i, one in zip(ids, verdicts, strict=True)
        ]
        tx.save_verdicts(ids, made, NOW)


_CALM: dict[str, object] = {"negative": 0.1, "polarity": Polarity.NOT_NEGATIVE}


def test_the_store_counts_sides_noise_and_days(store: Store, project: Project):
    told = [_CALM | {"positive": 0.9}] * 12 + [_CALM | {"positive": 0.2}] * 4
    told += [{"negative": 0.9, "polarity": Polarity.NEGATIVE}] * 6
    told += [{"negative": 0.5, "polarity": Polarity.UNSURE, "positive": 0.9}] * 3
    told += [_CALM | {"positive": 0.9, "noise": Noise.ADVERT}] * 2
    told += [_CALM | {"positive": 0.9}]
    _tell(store, told)
    _tell(store, [_CALM] * 5, source_id=SourceId("report:店"), channel="internal")

    with store.read() as queries:
        found = survey_sentiment(queries, project, NOW, 7)
    own = next(one for one in found.brands if one.brand_id == "lanhe")

    whole = own.whole
    assert (whole.n, whole.positive, whole.negative, whole.unsure) == (26, 13, 6, 3)
    assert whole.net == pytest.approx(7 / 23, abs=1e-4)
    assert found.noise == 2
    assert sum(day.n for day in own.days) == 26
    assert [day.key for day in own.days] == ["2026-11-19", "2026-11-20"]


def test_a_line_drawn_low_for_the_alarm_makes_no_bad_word_of_praise(store: Store, project: Project):
    called: dict[str, object] = {"negative": 0.24, "polarity": Polarity.NEGATIVE}
    _tell(store, [called | {"positive": 0.7}] * 5 + [called | {"positive": 0.1}] * 7)

    with store.read() as queries:
        found = survey_sentiment(queries, project, NOW, 7)

    [whole] = [one.whole for one in found.brands if one.brand_id == "lanhe"]
    assert (whole.n, whole.negative, whole.positive) == (12, 7, 0)


def test_the_command_prints_a_line_per_brand_and_json(database_url: str):
    store = Store(database_url)
    _tell(store, [_CALM | {"positive": 0.9}] * 12)
    store.close()
    run = CliRunner()
    ago = (datetime.now(UTC) - NOW).days + 2
    many = ["--days", str(max(2, min(366, ago)))]

    printed = run.invoke(build(), ["sentiment", "--database", database_url, *many])
    as_json = run.invoke(build(), ["sentiment", "--database", database_url, "--json", *many])
    unknown = run.invoke(build(), ["sentiment", "--database", database_url, "--brand", "nobody"])

    assert printed.exit_code == 0, printed.output
    assert "澜禾" in printed.output
    assert {one["brand_id"] for one in json.loads(as_json.output)["brands"]} >= {"lanhe"}
    assert unknown.exit_code != 0
