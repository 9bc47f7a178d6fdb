"""The sources' pages: causes with advice, trying a source, raw pages as text."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from config.load import load_source
from config.schema import Project, SourceConfig
from crawlers.parsing import ParsingPool
from crawlers.trial import Trial, read_pages, saved_page
from groundswell.console.app import create_app
from groundswell.sourcing_desk import MAX_PAGE, Workbench, rules_of, written_rules
from groundswell.sourcing_pages import as_text
from storage.records import FetchCause, FetchEvent, SourceHealth, SourceId, SourceState
from storage.store import Store
from tests.console import world as worlds
from tests.console.world import HASHER, Stage, World, add_sources, csrf_of, journey
from tests.groundswell.test_source_docs import SNIPPETS

LIST = """<!doctype html><html><head><meta charset="utf-8"><title>鲸投诉</title></head><body>
<ul class="complaints">
<li><a class="title" href="/tousu/11">澜禾养生壶底座冒烟</a><span class="time">2026-11-20 09:10</span></li>
<li><a class="title" href="/tousu/12">澜禾破壁机漏水 &lt;script&gt;alert(1)&lt;/script&gt;</a><span class="time">2026-11-20 09:20</span></li>
</ul></body></html>"""
HOSTILE = b"<html><script>alert('x')</script>\x1b[2J<style>*{display:none}</style></html>"


@dataclass
class Seen:
    """Which addresses the console asked to be fetched."""

    asked: list[tuple[str, str | None]]

    async def live(self, source: SourceConfig, url: str | None) -> Trial:
        self.asked.append((source.id, url))
        now = HandNow.now
        return read_pages(source, (saved_page(source, LIST.encode(), url, now),), now)


class HandNow:
    now = worlds.Variant().start_on(worlds.date(2026, 11, 20)) + timedelta(hours=4)


@pytest.fixture(scope="module")
def pool() -> Iterator[ParsingPool]:
    pool = ParsingPool(1)
    yield pool
    end(pool)


def end(pool: ParsingPool) -> None:
    """Close it in a thread: a browser's tests have a loop running in this one."""
    closing = threading.Thread(target=lambda: asyncio.run(pool.close()))
    closing.start()
    closing.join()


@pytest.fixture
def seen() -> Seen:
    return Seen([])


@pytest.fixture
def bench(world: World, stage: Stage, pool: ParsingPool, seen: Seen) -> World:
    """The world with a bench, an engineer, and the sources' states."""
    add_sources(world)
    world.add_user("gong", "engineer")
    open_console(world, stage, world.project, pool, seen)
    return world


def open_console(
    world: World, stage: Stage, project: Project, pool: ParsingPool, seen: Seen | None
) -> None:
    live = seen.live if seen is not None else None
    stage.app = create_app(
        world.store,
        project,
        world.desk,
        world.clock,
        worlds._digest,
        world.links,
        keep=journey(world.store).keep_each,
        hasher=HASHER,
        bench=Workbench(project=project, store=world.store, call=pool.call, live=live),
    )


def keep_page(store: Store, kind: str, body: bytes, at) -> None:
    with store.transaction() as tx:
        url = "http://127.0.0.1:8791/tousu/list?p=1"
        tx.save_page(SourceId("jing-tousu"), kind, url, body, at)


def attempt(world: World, name: str = "gong", source: str = "jing-tousu", **form: str):
    client = world.client(name)
    page = client.get(f"/sources/{source}/try")
    given = {"csrf": csrf_of(page.text), "where": "pasted"} | form
    return client.post(f"/sources/{source}/try", data=given, timeout=60)


def test_an_ill_source_says_why_and_what_to_do(bench: World) -> None:
    client = bench.client("linxiao")

    page = client.get("/sources/jing-tousu").text

    assert "需要登录：页面要求登录后查看（连续 3 次）" in page
    assert "怎么办" in page
    assert "secrets_expire" in page
    assert "127.0.0.1:8791" in page
    assert "每 5 分钟（自适应，1 分钟 到 1 天）" in page


def test_a_changed_configuration_on_trial_is_told(bench: World) -> None:
    from crawlers import changeover
    from crawlers.schedule import config_digest

    source = bench.project.source("zaochao-news")
    assert source is not None
    trial = {**changeover.kept_rules(source), "digest": config_digest(source), "rounds": [{}]}
    state = SourceState(source_id=SourceId("zaochao-news"), health=SourceHealth.OK, trial=trial)
    sent_back = {**trial, "why": "少读到 12 条", "ended_at": bench.clock.now().isoformat()}
    client = bench.client("linxiao")

    with bench.store.transaction() as tx:
        tx.save_source(state)
    trying = client.get("/sources/zaochao-news").text
    with bench.store.transaction() as tx:
        tx.save_source(SourceState(source_id=state.source_id, trial=sent_back))
    back = client.get("/sources/zaochao-news").text

    assert "改过的配置正在试跑，已比较 1/3 次" in trying
    assert "改过的配置已退回，仍用原来的规则：少读到 12 条" in back


def test_every_kind_of_source_has_its_pages(
    bench: World, stage: Stage, pool: ParsingPool, tmp_path: Path
) -> None:
    sources = []
    for number, snippet in enumerate(SNIPPETS):
        path = tmp_path / f"{number}.yaml"
        path.write_text(snippet, encoding="utf-8")
        sources.append(load_source(path, environ={}))
    project = bench.project.model_copy(update={"sources": tuple(sources)})
    open_console(bench, stage, project, pool, None)
    client = bench.client("gong")

    assert client.get("/sources").status_code == 200
    for source in sources:
        assert client.get(f"/sources/{source.id}").status_code == 200
        page = client.get(f"/sources/{source.id}/try")
        assert page.status_code == 200
        assert "现在去抓" not in page.text


@pytest.mark.parametrize("name", ["linxiao", "boss"])
def test_only_engineers_try_and_see_raw_pages(bench: World, seen: Seen, name: str) -> None:
    keep_page(bench.store, "bad", HOSTILE, bench.clock.now())
    client = bench.client(name)

    own = client.get("/sources/jing-tousu")
    token = csrf_of(own.text)
    tried = client.post("/sources/jing-tousu/try", data={"csrf": token, "where": "live"})

    assert "试抓" not in own.text
    assert "上次的坏页" not in own.text
    assert client.get("/sources/jing-tousu/try").status_code == 403
    assert client.get("/sources/jing-tousu/page/bad").status_code == 403
    assert tried.status_code == 403
    assert seen.asked == []


def test_strangers_see_nothing(bench: World) -> None:
    client = bench.client()

    assert client.get("/sources/jing-tousu/try").status_code == 303
    assert client.get("/sources/jing-tousu/page/bad").status_code == 303
    assert client.post("/sources/jing-tousu/try", data={"where": "live"}).status_code == 401


def test_a_trial_without_the_forms_token_is_refused(bench: World, seen: Seen) -> None:
    reply = bench.client("gong").post("/sources/jing-tousu/try", data={"where": "live"})

    assert reply.status_code == 403
    assert seen.asked == []


def test_a_raw_page_is_text_and_nothing_else(bench: World) -> None:
    keep_page(bench.store, "bad", HOSTILE, bench.clock.now())
    client = bench.client("gong")

    page = client.get("/sources/jing-tousu/page/bad")

    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in page.text
    assert "<script>alert" not in page.text
    assert "\x1b" not in page.text
    assert client.get("/sources/jing-tousu/page/good").status_code == 404
    assert client.get("/sources/jing-tousu/page/..%2Fx").status_code == 404
    assert as_text(b"\x00\x1b[31m\xe6\xbe\x9c\n") == "�\x1b[31m澜\n".replace("\x1b", "�")


def test_a_live_trial_shows_what_was_read(bench: World, seen: Seen) -> None:
    page = attempt(bench, where="live").text

    assert seen.asked == [("jing-tousu", None)]
    assert "2 条，链接 2 个" in page
    assert "css:a.title::text" in page
    assert '<mark class="brand">澜禾</mark>' in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page
    assert "→ 2026-11-20 09:10" in page


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/x", "http://127.0.0.1:9/x", "file:///etc/passwd", "http://[::1", "//x"],
)
def test_nothing_is_fetched_from_other_sites(bench: World, seen: Seen, url: str) -> None:
    page = attempt(bench, where="live", url=url).text

    assert seen.asked == []
    assert "不在这个信源的网站上" in page


def test_another_page_of_the_same_site_may_be_tried(bench: World, seen: Seen) -> None:
    attempt(bench, where="live", url="http://127.0.0.1:8791/tousu/list?p=2")

    assert seen.asked == [("jing-tousu", "http://127.0.0.1:8791/tousu/list?p=2")]


def own_rules(bench: World) -> str:
    source = bench.project.source("jing-tousu")
    assert source is not None
    return written_rules(source)


def test_rules_written_out_are_the_rules(bench: World) -> None:
    for source in bench.project.sources:
        assert rules_of(written_rules(source)) == source


_OF_LOGINS = {"audit", "session", "counter"}


def rows(store: Store) -> dict[str, object]:
    """Everything in the database but who logged in."""
    with store.read() as queries:
        counts = {name: n for name, n in queries.counts().items() if name not in _OF_LOGINS}
        return {**counts, "states": queries.sources()}


def test_edited_rules_are_compared_on_the_last_bad_page_and_nothing_is_kept(bench: World) -> None:
    broken = LIST.replace('class="title"', 'class="headline"')
    keep_page(bench.store, "bad", broken.encode(), bench.clock.now())
    rules = own_rules(bench).replace("a.title", "a.headline")
    before = rows(bench.store)

    page = attempt(bench, where="bad", rules=rules).text

    assert "没有变差" in page
    assert "css:a.headline::text" in page
    assert rows(bench.store) == before
    assert bench.project.source("jing-tousu").list.fields["title"].sel == ("css:a.title::text",)


def test_worse_rules_are_called_worse(bench: World) -> None:
    rules = own_rules(bench).replace("css:a.title::text", "css:b::text")

    page = attempt(bench, page=LIST, rules=rules).text

    assert "新规则变差：字段 title 有 2 条读不到了" in page
    assert "未满足" in page


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("id: x", "rules.yaml:1"),
        ("{", "rules.yaml"),
        ("id: x\nname: ${HOME}\nkind: feed\nstart: https://x.example.cn/\n", "HOME"),
        ("id: x\nname: x\nkind: spider\nspider: os.System\n", "rules.yaml"),
        ("id: x\nname: x\nkind: feed\nstart: https://x.cn/\nsecrets: {cookie: abc}\n", "secret"),
        ("!!python/object/apply:os.system [id]", "rules.yaml"),
    ],
)
def test_bad_rules_are_named_with_their_line(bench: World, rules: str, said: str) -> None:
    page = attempt(bench, page=LIST, rules=rules).text

    assert said in page
    assert "/tmp" not in page
    assert 'id="result"' not in page


def test_edited_rules_are_never_fetched_with(bench: World, seen: Seen) -> None:
    stolen = (
        "id: x\nname: x\nkind: feed\nstart: https://evil.example/\nsecrets: {cookie: env:PATH}\n"
    )

    page = attempt(bench, where="live", rules=stolen).text

    assert seen.asked == []
    assert "改过的规则只在手头的页面上试" in page


def test_what_is_missing_or_too_large_is_said(bench: World) -> None:
    assert "请把页面的源代码粘贴进来" in attempt(bench).text
    assert "没有留存这样的页面" in attempt(bench, where="good").text
    assert "页面最多 2 MB" in attempt(bench, page="x" * (MAX_PAGE + 1)).text
    assert attempt(bench, page="x" * (9 * 1024 * 1024)).status_code == 413
    assert "规则最多 32 KB" in attempt(bench, page=LIST, rules="#" * 40_000).text


def test_a_source_that_is_no_more_cannot_be_tried(bench: World) -> None:
    client = bench.client("gong")

    assert client.get("/sources/none/try").status_code == 404


def test_words_for_every_cause_and_kind(bench: World) -> None:
    from groundswell.console.words import CAUSES, KINDS

    assert {cause.value for cause in FetchCause} <= set(CAUSES)
    assert {re.search(r"^kind: (\w+)", text, re.MULTILINE)[1] for text in SNIPPETS} <= set(KINDS)


def test_keys_in_addresses_are_not_for_everybody(world: World) -> None:
    add_sources(world)
    url = "http://rss.example/weibo/1?limit=20&key=GEHEIM1&access_token=GEHEIM2#f"
    with world.store.transaction() as tx:
        event = FetchEvent(
            source_id=SourceId("jiefang-micro"), at=world.clock.now(), url=url, outcome="ok"
        )
        tx.add_fetch_event(event)
    world.add_user("leser", "readonly")

    page = world.client("leser").get("/sources/jiefang-micro").text
    assert "http://rss.example/weibo/1?limit=20&amp;key=…&amp;access_token=…#f" in page
    assert "GEHEIM" not in page
