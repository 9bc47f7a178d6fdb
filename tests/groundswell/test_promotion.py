"""A promotion is one row: the running program takes it over, and open incidents stay what they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from classify.analyst import Analyst
from config.errors import ConfigError
from groundswell import wiring
from groundswell.models import SHIPPED, Live, ModelWatch, Registry, before_live, live_of
from groundswell.promotion import Promoted, promote, roll_back
from groundswell.replay import SteppedClock
from groundswell.stages import Stages
from groundswell.wiring import Application
from storage.records import Mention, ModelEvent, Verdict
from storage.store import Store
from tests.groundswell.test_pipeline import NOW, complaint, project, take

SHIPPED_FILES = Path(wiring.__file__).parent.parent / "classify" / "models"


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    monkeypatch.setenv("GROUNDSWELL_MODELS", str(folder))
    return folder


def make_version(store: Store, registry: Registry, version: str, lean: float = 0.0) -> None:
    """Register the shipped weights under another name, leaning `lean` log-odds to negative."""

    def write(folder: Path) -> None:
        for name in ("negative.json", "negative.npz"):
            (folder / name).write_bytes((SHIPPED_FILES / name).read_bytes())
        path = folder / "negative.json"
        card = json.loads(path.read_text("utf-8"))
        card |= {"version": version, "bias": card["bias"] + lean}
        path.write_text(json.dumps(card), encoding="utf-8")

    digest = registry.put("negative", version, write)
    with store.transaction() as tx:
        detail = {"digest": digest}
        tx.add_model_event("negative", version, "trained", actor="test", now=NOW, detail=detail)


def put_to_work(store: Store, version: str) -> Promoted:
    return promote(
        store,
        project(),
        Live.of(store).registry,
        kind="negative",
        version=version,
        actor="gao",
        now=NOW,
        force=True,
        reason="a test",
    )


@pytest.fixture
def application(store: Store) -> Application:
    return wiring.wire(project(), store, SteppedClock(NOW))


def versions(store: Store) -> set[str]:
    with store.read() as queries:
        rows = queries.table_rows("verdict")
    return {row["model_version"] for row in rows if row["is_current"]}


def event(action: str, version: str) -> ModelEvent:
    return ModelEvent(
        event_no=0, kind="negative", version=version, action=action, actor="x", at=NOW
    )


def test_the_newest_promotion_is_at_work_and_a_rollback_takes_it_back() -> None:
    story = [event("trained", "a"), event("promoted", "a"), event("promoted", "b")]

    assert live_of(story[:1]) == SHIPPED
    assert live_of(story) == "b"
    assert before_live(story) == "a"
    assert live_of([*story, event("rolled_back", "b")]) == "a"
    assert live_of([*story, event("rolled_back", "b"), event("rolled_back", "a")]) == SHIPPED
    assert before_live([event("trained", "a")]) is None


def test_a_running_program_takes_a_promotion_over_and_keeps_the_incident(
    application: Application,
) -> None:
    store = application.store
    take(application, [complaint(n) for n in range(14)])
    with store.read() as queries:
        [incident] = queries.incidents()
        before = {pk: queries.mention_cluster(pk) for pk in range(1, 15)}
        told = queries.intents()
        evidence = queries.evidence(incident.cluster_id, NOW)
    make_version(store, application.models.registry, "negative-same")

    done = put_to_work(store, "negative-same")
    application.stages.drain()
    application.stages.regrade()

    assert done.judged_again == 14
    assert versions(store) == {"negative-same"}
    with store.read() as queries:
        [after] = queries.incidents()
        assert {pk: queries.mention_cluster(pk) for pk in range(1, 15)} == before
        assert queries.intents() == told
        counted = queries.evidence(incident.cluster_id, NOW)
    assert counted.cluster.size == evidence.cluster.size
    assert replace(counted, cluster=evidence.cluster) == evidence
    assert (after.incident_id, after.state) == (incident.incident_id, incident.state)


def test_a_rollback_is_one_call_and_judges_again_with_what_was(application: Application) -> None:
    store = application.store
    take(application, [complaint(n) for n in range(3)])
    shipped = versions(store)
    make_version(store, application.models.registry, "negative-mild", lean=-20.0)
    put_to_work(store, "negative-mild")
    application.stages.drain()
    with store.read() as queries:
        assert queries.counts()["mention_cluster"] == 0  # nothing is negative any more

    back = roll_back(store, kind="negative", actor="gao", now=NOW)
    application.stages.drain()

    assert (back.version, back.before) == (SHIPPED, "negative-mild")
    assert versions(store) == shipped
    with store.read() as queries:
        assert queries.counts()["mention_cluster"] == 3
    with pytest.raises(ConfigError, match="nothing to take back"):
        roll_back(store, kind="negative", actor="gao", now=NOW)


class Interrupted(Analyst):
    """While it judges its first batch, somebody else puts another version to work."""

    def judge_many(self, mentions: Sequence[Mention]) -> list[tuple[Verdict, ...]]:
        url, self.url = self.url, ""  # type: ignore[attr-defined,has-type]
        if url:
            other = Store(url)
            make_version(other, Live.of(other).registry, "negative-sudden")
            put_to_work(other, "negative-sudden")
            other.close()
        return super().judge_many(mentions)


def test_a_batch_that_a_promotion_overtakes_is_judged_by_what_was_promoted(
    postgres_url: str,
) -> None:
    """SQLite lets one write at a time, so there nothing overtakes."""
    store = Store(postgres_url)
    application = wiring.wire(project(), store, SteppedClock(NOW))
    analyst = object.__new__(Interrupted)
    analyst.__dict__.update(application.journey.analyst.__dict__ | {"url": postgres_url})
    journey = replace(application.journey, analyst=analyst)
    models = Live.of(store)
    models.refresh()
    watch = ModelWatch(models, lambda live: wiring.make_analyst(project(), live))
    stages = Stages(store, journey, application.clock, wiring.restorer(project()), watch=watch)
    with store.transaction() as tx:
        journey.keep(tx, [complaint(n) for n in range(5)], NOW)

    stages.drain()

    with store.read() as queries:
        counted = queries.outcome_counts(NOW - timedelta(days=1))
        rows = queries.table_rows("verdict")
    store.close()
    assert {row["model_version"] for row in rows} == {"negative-sudden"}
    assert sum(n for (stage, _, _), n in counted.items() if stage == "gather") == 5
