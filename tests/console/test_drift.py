"""What the pages and the digest say of a source whose texts have changed."""

from __future__ import annotations

from datetime import timedelta

from alerts.digest import compose
from config.schema import Owner
from groundswell.digests import Digests
from groundswell.drift import EDGES, past_days
from storage.records import DriftDay, SourceId
from tests.console.world import World, add_sources

NAME = SourceId("jing-tousu")


def measured(world: World, *, is_changed: bool) -> None:
    """Weeks of one kind of text, and four days of another or the same."""
    ended = past_days(world.clock.now(), world.project.settings.zone)
    before = (0, 2, 10, 20, 30, 20, 10, 5, 2, 1)
    after = (0, 0, 0, 2, 8, 10, 20, 30, 20, 10) if is_changed else before
    assert len(before) == len(EDGES) + 1
    days = [
        DriftDay(
            source_id=NAME,
            day=day,
            model_version="negative-1",
            n=100,
            histogram=after if number >= len(ended) - 4 else before,
            unsure_share=0.2,
            unknown_share=0.06,
        )
        for number, day in enumerate(ended)
    ]
    with world.store.transaction() as tx:
        tx.save_drift_days(days)


def test_a_source_that_changed_says_so_on_its_page_in_the_list_and_to_engineers(
    world: World,
) -> None:
    add_sources(world)
    measured(world, is_changed=True)
    client = world.client("linxiao")

    page = client.get(f"/sources/{NAME}").text
    listed = client.get("/sources").text

    assert "变了：分数分布变了：PSI" in page
    assert "生词 6%" in page
    assert "文字变了：分数分布变了" in listed
    digests = Digests(store=world.store, project=world.project, links=world.links)
    now = world.clock.now() + timedelta(minutes=1)
    told = {}
    for role in ("engineer", "pr"):
        owner = Owner(id="gong", name="龚工", role=role, channels=("hook",), digest_at="09:00")
        digest = digests.compose(owner, now.astimezone(owner.zone).date(), now=now)
        told[role] = dict(digest.numbers).get("文字变了的信源")
    source = world.project.source(NAME)
    assert source is not None
    assert told == {"engineer": source.name, "pr": None}


def test_a_source_that_did_not_says_that_it_is_calm(world: World) -> None:
    add_sources(world)
    measured(world, is_changed=False)
    client = world.client("linxiao")

    assert "平稳" in client.get(f"/sources/{NAME}").text
    assert "文字变了" not in client.get("/sources").text


def test_many_changed_sources_are_counted_for_engineers() -> None:
    from tests.alerts.test_digest import NOW, facts

    engineer = Owner(id="gao", name="高工", role="engineer", channels=("bot",))
    digest = compose(facts(drifted=("甲", "乙", "丙", "丁")), engineer, (engineer,), NOW)

    assert dict(digest.numbers)["文字变了的信源"] == "甲、乙、丙 等 4 个"


def test_a_source_that_fell_silent_after_it_changed_still_has_a_page(world: World) -> None:
    add_sources(world)
    day = past_days(world.clock.now(), world.project.settings.zone)[-1]
    with world.store.transaction() as tx:
        mark = {"drift": {"at": world.clock.now().isoformat(), "reasons": ["存疑从 20% 变为 60%"]}}
        tx.save_notice(NAME, mark)
        tx.save_drift_days(
            [
                DriftDay(
                    source_id=NAME, day=day, model_version="negative-1", n=0,
                    histogram=(0,) * 10, unsure_share=0.0, unknown_share=0.0,
                )
            ]
        )  # fmt: skip

    page = world.client("linxiao").get(f"/sources/{NAME}")

    assert page.status_code == 200
    assert "变了：存疑从 20% 变为 60%" in page.text
