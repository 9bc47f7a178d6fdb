import hashlib
import re
from importlib.resources import files

from lxml import html

from storage.records import Incident
from tests.console.world import World, add_sources

PAGES = ["/", "/sources", "/sources/jing-tousu", "/digest", "/mentions/1", "/password"]
PAGES += ["/add", "/import", "/reporters"]


def test_every_page_forbids_foreign_and_inline_scripts(world: World, incident: Incident) -> None:
    add_sources(world)
    client = world.client("linxiao")
    for path in [*PAGES, f"/incidents/{incident.incident_id}", "/nothing", "/static/console.css"]:
        reply = client.get(path)
        policy = reply.headers["content-security-policy"]
        assert policy.startswith("default-src 'self';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert reply.headers["x-content-type-options"] == "nosniff"
        if not path.startswith("/static"):
            assert reply.headers["cache-control"] == "no-store"


def test_no_template_holds_an_inline_script_or_style() -> None:
    templates = files("groundswell.console").joinpath("templates")
    for template in templates.iterdir():
        text = template.read_text(encoding="utf-8")
        assert " style=" not in text, template
        assert "<style" not in text, template
        assert not re.search(r"\son\w+=", text), template
        assert "|safe" not in text.replace(" ", ""), template
        for script in re.findall(r"<script[^>]*>", text):
            assert 'src="/static/' in script, template


def test_vendored_files_are_the_ones_the_readme_names() -> None:
    vendor = files("groundswell.console").joinpath("static/vendor")
    rows = re.findall(
        r"^\| (\S+) \|.*\| ([0-9a-f]{64}) \|$",
        vendor.joinpath("README.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert len(rows) == 3
    for name, digest in rows:
        assert hashlib.sha256(vendor.joinpath(name).read_bytes()).hexdigest() == digest


def test_pages_ask_for_nothing_from_elsewhere(world: World, incident: Incident) -> None:
    client = world.client("linxiao")
    for path in [*PAGES[:1], f"/incidents/{incident.incident_id}"]:
        tree = html.fromstring(client.get(path).text)
        asked = [e.get("src") or e.get("href") for e in tree.cssselect("script, link, img")]
        for address in asked:
            assert address.startswith("/")
            assert client.get(address).status_code == 200


def test_the_sources_page_names_the_cause_of_an_ill_one(world: World) -> None:
    add_sources(world)
    page = world.client("linxiao").get("/sources").text
    assert "需要登录：页面要求登录后查看（连续 3 次）" in page
    assert page.index("鲸投诉") < page.index("街坊微博客")  # the ill ones first
    assert "还没抓过" in page  # configured, never polled
    assert "<svg" in page


def test_a_sources_own_page_lists_its_polls(world: World) -> None:
    add_sources(world)
    client = world.client("linxiao")
    page = client.get("/sources/jiefang-micro").text
    assert page.count("<tr><td>") == 12
    assert "对方服务器出错" in page
    assert client.get("/sources/unknown").status_code == 404


def test_a_mention_page_shows_the_verdict_with_its_terms(world: World, incident: Incident) -> None:
    page = world.client("linxiao").get("/mentions/1").text
    assert "94%" in page
    assert "安全与人身" in page
    assert "养生壶 K2" in page
    for term, weight in (("冒烟", "+1.90"), ("焦糊", "+0.80"), ("说明", "-0.30")):
        assert term in page
        assert weight in page


def test_what_is_not_there_is_a_404_page(world: World) -> None:
    client = world.client("linxiao")
    beyond = "9" * 40  # more than a database's integer holds
    for path in ("/mentions/99999", "/mentions/0", "/mentions/x", f"/mentions/{beyond}", "/no"):
        reply = client.get(path)
        assert reply.status_code == 404
        assert "没有" in reply.text


def test_the_digest_is_ones_own_being_gathered_unless_asked_otherwise(world: World) -> None:
    client = world.client("linxiao")
    page = client.get("/digest").text
    assert "11-20 08:45 至 现在，11-21 08:45 发出" in page
    assert "5 个信源中 1 个有 2 小时没有抓到内容" in page
    other = client.get("/digest", params={"day": "2026-11-18", "owner": "zhoulan"}).text
    assert "11-17 09:00 至 11-18 09:00" in other
    assert "→" in other
    future = client.get("/digest", params={"day": "2031-01-01"}).text
    assert "11-21 08:45 发出" in future
    assert "→" not in future


def test_health_needs_no_login_and_tells_nothing_private(world: World, incident: Incident) -> None:
    reply = world.client().get("/healthz")
    assert reply.status_code == 200
    assert reply.json()["status"] == "ok"
    assert incident.title not in reply.text


def test_demo_data_is_marked_as_such(world: World, stage) -> None:
    from groundswell.console.app import create_app
    from tests.console.world import HASHER, journey

    settings = world.project.settings.model_copy(update={"demo": True})
    project = world.project.model_copy(update={"settings": settings})
    stage.app = create_app(
        world.store,
        project,
        world.desk,
        world.clock,
        lambda *_: None,
        world.links,
        keep=journey(world.store).keep_each,
        hasher=HASHER,
    )
    assert "演示数据" in world.client().get("/login").text


def test_pages_are_light(world: World, incident: Incident) -> None:
    client = world.client("linxiao")
    tree = html.fromstring(client.get(f"/incidents/{incident.incident_id}").content)
    parts = [e.get("src") or e.get("href") for e in tree.cssselect("script, link, img")]
    weight = sum(len(client.get(part).content) for part in set(parts))
    weight += len(client.get(f"/incidents/{incident.incident_id}").content)
    assert weight < 300 * 1024
