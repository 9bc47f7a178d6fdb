"""From where a brand is alarmed: by value, by cost, by how many alerts a day people can read."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import ConfigError
from config.load import load
from config.schema import Brand, BrandThresholds, ErrorCost, Project
from groundswell import wiring
from groundswell.thresholds import LOOKED_BACK, band, bands, rank_of_budget
from storage.records import BrandId, Noise
from storage.store import Store
from tests.make import NOW, make_raw, make_verdict

DEFAULT = (0.35, 0.65)
LANHE = BrandId("lanhe")


def rules(**values: object) -> BrandThresholds:
    return BrandThresholds.model_validate(values)


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        (rules(), DEFAULT),
        (rules(unsure=0.2), (0.2, 0.65)),
        (rules(unsure=0.8), (0.8, 0.8)),
        (rules(negative=0.9), (0.35, 0.9)),
        (rules(negative=0.3), (0.3, 0.3)),
        (rules(unsure=0.4, negative=0.5), (0.4, 0.5)),
        (rules(cost=ErrorCost(missed=5, false=1)), (0.166667, 0.166667)),
        (rules(cost=ErrorCost(missed=1, false=4)), (0.35, 0.8)),
        (rules(cost=ErrorCost(missed=1, false=1), unsure=0.45), (0.45, 0.5)),
    ],
)
def test_what_a_brand_states_becomes_a_band(
    stated: BrandThresholds, found: tuple[float, float]
) -> None:
    assert band(stated, DEFAULT) == found


@given(
    st.floats(0.01, 0.99),
    st.one_of(st.none(), st.floats(0, 1)),
    st.one_of(st.none(), st.floats(0.01, 0.99)),
)
def test_a_budget_never_goes_below_the_unsure_edge(
    low: float, at_budget: float | None, unsure: float | None
) -> None:
    edge = low if unsure is None else unsure

    found = band(rules(alert_budget=20, unsure=unsure), (low, 0.995), at_budget)

    assert found[0] == edge
    assert found[1] == max(edge, at_budget or 0)


def test_a_budget_counts_the_days_a_brand_was_spoken_of() -> None:
    assert rank_of_budget(20, NOW - timedelta(hours=1), NOW) == 20
    assert rank_of_budget(20, NOW - timedelta(days=3), NOW) == 60
    assert rank_of_budget(1, NOW - timedelta(days=90), NOW) == 14


def judged(store: Store, scores: list[float], **verdict: object) -> None:
    """Store one mention of 澜禾 per score, an hour apart, the last an hour ago."""
    raws = [
        make_raw(n, observed_at=NOW - timedelta(hours=n), published_at=NOW - timedelta(hours=n))
        for n in range(1, len(scores) + 1)
    ]
    with store.transaction() as tx:
        tx.keep(raws, NOW)
        ids = [mention.mention_id for mention in tx.pending_mentions(1000)]
        verdicts = [
            make_verdict(one, brand_id=LANHE, negative=score, **verdict)
            for one, score in zip(ids, scores, strict=True)
        ]
        tx.save_verdicts(ids, verdicts, NOW)


def project(**stated: object) -> Project:
    lanhe = Brand(id="lanhe", name="澜禾", thresholds=rules(**stated))
    return Project(brands=(lanhe, Brand(id="hemu", name="禾沐")))


def test_about_as_many_are_called_negative_as_people_can_read(store: Store) -> None:
    judged(store, [n / 100 for n in range(1, 97)])  # 4 days

    with store.read() as queries:
        found = bands(project(alert_budget=5), queries, NOW)
        few = bands(project(alert_budget=50), queries, NOW)
        late = bands(project(alert_budget=5), queries, NOW + LOOKED_BACK + timedelta(days=5))

    assert set(found) == {LANHE}
    assert found[LANHE] == (0.35, pytest.approx(0.77))  # the 20th of .96, .95 ...
    assert few[LANHE] == (0.35, 0.35)  # 200 wanted, 96 there: all that is unsure or worse
    assert late[LANHE] == (0.35, 0.35)


def test_noise_takes_nothing_of_the_budget(store: Store) -> None:
    judged(store, [0.9] * 30, noise=Noise.ADVERT)

    with store.read() as queries:
        assert bands(project(alert_budget=5), queries, NOW) == {LANHE: (0.35, 0.35)}


def test_the_band_of_the_brand_decides_the_polarity(store: Store) -> None:
    from classify.analyst import polarity

    fits = wiring.make_fits(project(negative=0.9), store, NOW)

    assert fits.band(LANHE) == (0.35, 0.9)
    assert fits.band(BrandId("hemu")) == DEFAULT
    assert polarity(0.7, fits.band(LANHE)) == "unsure"
    assert polarity(0.7, fits.band(BrandId("hemu"))) == "negative"


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ("{negative: 0.5, alert_budget: 3}", "give one of"),
        ("{unsure: 0.8, negative: 0.5}", "must not lie above"),
        ("{cost: {missed: 0, false: 1}}", "cost.missed: expected more than 0"),
        ("{alert_budget: 0}", "alert_budget: expected"),
        ("{negativ: 0.5}", "negativ"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_line(
    tmp_path: Path, stated: str, message: str
) -> None:
    (tmp_path / "groundswell.yaml").write_text("settings: {}\n", "utf-8")
    (tmp_path / "brands").mkdir()
    (tmp_path / "brands" / "lanhe.yaml").write_text(
        f"id: lanhe\nname: 澜禾\nthresholds: {stated}\n", "utf-8"
    )

    with pytest.raises(ConfigError) as error:
        load(tmp_path, environ={})

    assert any(
        "brands/lanhe.yaml:3" in problem and message in problem for problem in error.value.problems
    )
