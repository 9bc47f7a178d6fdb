from datetime import timedelta

from storage.records import BrandId, Polarity, RawMention, SourceId
from tests.console.world import World
from tests.make import make_verdict


def _praise(world: World, source: str, n: int = 14) -> None:
    now = world.clock.now()
    raws = [
        RawMention(
            source_id=SourceId(source),
            platform="微博",
            native_id=f"{source}{i}",
            text=f"第 {i} 位：澜禾真好用",
            published_at=now - timedelta(hours=2),
            observed_at=now - timedelta(hours=1),
        )
        for i in range(n)
    ]
    with world.store.transaction() as tx:
        tx.keep(raws, now)
        ids = [mention.mention_id for mention in tx.pending_mentions(n)]
        calm = {"negative": 0.1, "polarity": Polarity.NOT_NEGATIVE, "positive": 0.9}
        tx.save_verdicts(
            ids, [make_verdict(i, brand_id=BrandId("lanhe"), **calm) for i in ids], now
        )


def test_the_page_needs_a_login(world: World):
    answer = world.client().get("/sentiment")

    assert answer.status_code == 303


def test_a_brand_has_its_figure_its_line_and_what_it_rests_on(world: World):
    _praise(world, "push:声音")
    page = world.client("boss").get("/sentiment?days=7").text

    assert "<strong>+1.00</strong>" in page
    assert "14 条" in page
    assert '<svg class="net"' in page
    assert 'aria-current="page">口碑' in page


def test_nothing_is_claimed_where_little_was_said(world: World):
    _praise(world, "push:声音", 3)
    page = world.client("boss").get("/sentiment?days=nonsense").text

    assert "太少，不算" in page
    assert '<svg class="net"' not in page


def test_names_that_came_from_outside_are_escaped(world: World):
    _praise(world, "push:<b>商</b>")
    page = world.client("boss").get("/sentiment").text

    assert "&lt;b&gt;商" in page
    assert "<b>商" not in page
