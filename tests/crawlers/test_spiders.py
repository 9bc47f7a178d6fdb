"""Hand-written spiders through the shipped collector: the shipped one, a project's own, bad ones."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from config.errors import ConfigError
from config.load import load_source
from storage.records import FetchCause, SourceHealth
from tests.crawlers.conftest import NOW, make_source

STORY = "<p>本报讯 记者昨日从市消费者权益保护委员会获悉，澜禾电饭煲近期投诉集中。</p>" * 6
OWN = """
from dataclasses import dataclass

from crawlers.spiders.base import Found, Follow, Next, Spider


@dataclass(frozen=True)
class Row:
    name: str


class TwoSteps(Spider):
    def read(self, page):
        if page.step == "rows":
            for row in page.json["rows"]:
                yield Found(url=f"/p/{row['id']}", fields={"title": Row(row["t"]).name})
        else:
            for day in page.json["days"]:
                yield Follow(url=f"/rows?day={day}", step="rows", version=day)


class Raises(Spider):
    def read(self, page):
        yield Found(url="/p/1", fields={"title": "先读到的"})
        raise KeyError("data")


class Endless(Spider):
    def read(self, page):
        while True:
            yield Found(url="/p/1", fields={"title": "同一条"})


class NotOne:
    pass


class Pages(Spider):
    def read(self, page):
        yield Found(url=page.url, fields={"title": page.url[-5:]}, parent_url=page.absolute("/up"))
        yield Next(url=page.url + "?p=" if "?" not in page.url else page.url + "1")


class Odd(Spider):
    def read(self, page):
        yield Follow(url="file:///etc/passwd", step="x")
        yield "text"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with a spider of its own."""
    folder = tmp_path / "spiders"
    folder.mkdir(mode=0o755)
    (folder / "own.py").write_text(OWN, encoding="utf-8")
    (tmp_path / "sources").mkdir()
    return tmp_path


@pytest.fixture
def own(project, site):
    def make(spider, **more):
        path = project / "sources" / "one.yaml"
        lines = ["id: one", "name: 自写", "kind: spider", f"start: {site.url}/days"]
        lines += [f"spider: {spider}", "fetch: {rate: 1/0.01s}"]
        lines += [f"{name}: {value}" for name, value in more.items()]
        path.write_text("\n".join(lines), encoding="utf-8")
        return load_source(path)

    return make


def page(*links, text=""):
    rows = "".join(f'<a href="{link}">{link}</a>' for link in links)
    return f"<html><head><title>数字报</title></head><body>{text}{rows}</body></html>"


def asked(site):
    return [hit.path for hit in site.hits if hit.path != "/robots.txt"]


def test_digital_paper_is_read_from_calendar_to_article(collect, site, frontier, clock):
    today, before = "/html/2026-11/18", "/html/2026-11/17"
    site.set(
        "/", page(f"{today}/node_1.htm", f"{before}/node_1.htm", "/html/2026-10/01/node_1.htm")
    )
    site.set(f"{today}/node_1.htm", page("node_1.htm", "node_2.htm", "content_11.htm"))
    site.set(f"{today}/node_2.htm", page("content_12.htm#top", "content_11.htm"))
    site.set(f"{before}/node_1.htm", page("content_9.htm"))
    for path in (f"{today}/content_11.htm", f"{today}/content_12.htm", f"{before}/content_9.htm"):
        site.set(path, page(text=f"<h1>{path[-6:-4]}投诉集中</h1>{STORY}"))
    rules = make_source(
        kind="spider", spider="digital_paper.DigitalPaper", start=site.url + "/", platform="日报"
    )

    collect(rules)

    assert len(frontier.kept) == 3
    assert asked(site).count(f"{today}/content_11.htm") == 1
    assert "/html/2026-10/01/node_1.htm" not in asked(site)
    raw = frontier.mentions[f"{site.url}{before}/content_9.htm"]
    assert "澜禾电饭煲近期投诉集中" in raw.text
    assert raw.published_at == NOW.replace(hour=16, minute=0) - timedelta(days=2)

    # today's edition grows
    site.set(f"{today}/node_2.htm", page("content_12.htm", "content_13.htm"))
    site.set(f"{today}/content_13.htm", page(text=f"<h1>新稿</h1>{STORY}"))
    clock.pass_time(hours=2.1)
    collect(rules)

    assert len(frontier.kept) == 4


def test_spider_of_the_project_reads_an_api_in_two_steps(collect, site, frontier, own):
    site.set("/days", '{"days": ["2026-11-17", "2026-11-18"]}')
    for number, day in enumerate(("2026-11-17", "2026-11-18")):
        site.set(f"/rows?day={day}", f'{{"rows": [{{"id": {number}, "t": "第{number}条"}}]}}')

    collect(own("own.TwoSteps"))

    assert sorted(raw.title or raw.text for raw in frontier.kept) == ["第0条", "第1条"]
    assert frontier.states["one"].health is SourceHealth.OK


@pytest.mark.parametrize(
    ("spider", "said"),
    [
        ("own.Raises", "own.py:Raises 第 25 行出错：KeyError: 'data'"),
        ("own.NotOne", "NotOne is no crawlers.spiders.base.Spider"),
        ("own.Odd", "yielded str, expected Found, Follow, Next or Again"),
    ],
)
def test_what_a_spider_does_wrong_costs_only_its_source(collect, site, frontier, own, spider, said):
    site.set("/days", "{}")

    collect(own(spider))

    event = frontier.events[-1]
    assert event.outcome == FetchCause.UNREADABLE.value
    assert said in event.text


def test_spider_may_turn_pages_within_one_poll(collect, site, frontier, own):
    site.set("/days", "one")

    collect(own("own.Pages", pages="{max: 3}"))

    assert asked(site) == ["/days", "/days?p=", "/days?p=1"]
    assert len(frontier.kept) == 3
    assert {raw.parent_url for raw in frontier.kept} == {f"{site.url}/up"}


def test_spider_that_never_ends_is_cut(collect, site, frontier, own):
    site.set("/days", "{}")

    collect(own("own.Endless"))

    assert len(frontier.kept) == 1
    assert "spider yields more than 2000 things, took those" in frontier.polls[-1].problems


def test_spider_cannot_reach_what_is_forbidden(collect, site, frontier, own, project):
    text = OWN.replace("file:///etc/passwd", "http://169.254.169.254/latest")
    (project / "spiders" / "own.py").write_text(text.replace('yield "text"', ""), encoding="utf-8")
    site.set("/days", "{}")

    collect(own("own.Odd"))

    assert frontier.details[-1].failure.cause is FetchCause.REFUSED
    assert frontier.kept == []


@pytest.mark.parametrize(
    ("mode", "said"),
    [(0o666, "may be written by others"), (0o664, "may be written by others")],
)
def test_spider_that_others_could_write_is_not_loaded(own, project, mode, said):
    (project / "spiders" / "own.py").chmod(mode)

    with pytest.raises(ConfigError, match=said):
        own("own.TwoSteps")


def test_spider_behind_a_link_is_not_loaded(own, project, tmp_path):
    target = project / "spiders" / "own.py"
    target.rename(tmp_path / "elsewhere.py")
    target.symlink_to(tmp_path / "elsewhere.py")

    with pytest.raises(ConfigError, match="not a plain file"):
        own("own.TwoSteps")


def test_trust_is_judged_again_when_a_spider_is_loaded(collect, site, frontier, own, project):
    site.set("/days", "{}")
    rules = own("own.TwoSteps")
    (project / "spiders" / "own.py").chmod(0o666)

    collect(rules)

    assert "may be written by others" in frontier.events[-1].text


@pytest.mark.parametrize(
    ("spider", "said"),
    [
        ("own.TwoStep", 'has no class "TwoStep" (did you mean "TwoSteps"?)'),
        ("owner.TwoSteps", 'there is no spiders/owner.py (did you mean "own"?)'),
        ("digital_paper.Digitalpaper", '(did you mean "DigitalPaper"?)'),
        ("../own.TwoSteps", "expected module.Class"),
        ("/etc/x/spiders/own.py:TwoSteps", "expected module.Class"),
        ("os.system", "expected module.Class"),
        ("base.Spider", "there is no spiders/base.py"),
    ],
)
def test_spider_that_is_not_there_is_told(own, spider, said):
    with pytest.raises(ConfigError) as caught:
        own(spider)

    [problem] = caught.value.problems
    assert 'one.yaml:5: source "one": spider: ' in problem
    assert said in problem


def test_spider_that_is_no_python_is_told(own, project):
    (project / "spiders" / "own.py").write_text("class X(:\n", encoding="utf-8")

    with pytest.raises(ConfigError, match="is not Python: line 1"):
        own("own.X")


def test_own_spider_may_not_take_the_name_of_a_shipped_one(own, project):
    (project / "spiders" / "digital_paper.py").write_text(OWN, encoding="utf-8")

    with pytest.raises(ConfigError, match="comes with the program"):
        own("digital_paper.DigitalPaper")
