from __future__ import annotations

import asyncio
import socket
import time
import tracemalloc
from itertools import pairwise
from urllib.parse import quote

import pytest

from config.schema import Settings
from crawlers.runner import Collector
from storage.records import FetchCause, SourceHealth
from tests.crawlers.conftest import feed, listing
from tests.crawlers.test_runner import ITEMS
from tests.site.pages import detail_page, list_page, rss
from tests.site.server import Site


@pytest.fixture
def private_site():
    """A server that no configuration allows."""
    with Site() as served:
        served.set("/feed.xml", rss("http://x.cn", ITEMS))
        yield served


# Ways to write an address of this machine or of a private network.
SPELLINGS = (
    "127.0.0.1",
    "127.0.0.1.",
    "localhost",
    "LocalHost.",
    "localhost.localdomain",
    "printer.localhost",
    "router.lan",
    "127.1",
    "127.0.1",
    "127.000.000.001",
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0x7f.0.0.1",
    "0x7f.1",
    "0177.0.0.1",
    "0177.0.0x0.1",
    "0",
    "0.0.0.0",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fc00::1]",
    "①②⑦.0.0.1",
    "１２７.0.0.1",
    "127。0。0。1",
    "127．0．0．1",
    "%31%32%37.0.0.1",
    "127.0.0.1%00.lanhe.example",
    "10.0.0.1",
    "192.168.1.1",
    "172.16.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "user@127.0.0.1",
    "lanhe.example@127.0.0.1",
    "127.0.0.1\\@lanhe.example",
)


def test_no_spelling_of_this_machine_is_reached(collect, private_site, site, frontier):
    sources = [
        feed(site, id=f"s{n}", start=f"http://{host}:{private_site.port}/feed.xml")
        for n, host in enumerate(SPELLINGS)
    ]

    collect(*sources)

    assert private_site.hits == []
    assert len(frontier.states) == len(SPELLINGS) >= 30
    for n, host in enumerate(SPELLINGS):
        state = frontier.states[f"s{n}"]
        assert state.cause is FetchCause.REFUSED, host
        assert state.health is SourceHealth.QUARANTINED, host


def test_redirects_to_any_spelling_are_refused(collect, private_site, site, frontier):
    sources = []
    for n, host in enumerate(SPELLINGS):
        to = quote(f"http://{host}:{private_site.port}/feed.xml", safe=":/%@[]\\")
        site.redirect(f"/hop{n}", to)
        sources.append(feed(site, f"/hop{n}", id=f"s{n}"))

    collect(*sources)

    assert private_site.hits == []
    assert {state.health for state in frontier.states.values()} == {SourceHealth.QUARANTINED}
    assert len(frontier.states) == len(SPELLINGS)


def test_line_breaks_in_a_redirect_become_no_header(collect, site, frontier):
    site.redirect("/hop", "/feed.xml?x=1%0d%0aX-Injected:%20yes%0d%0a%0d%0aGET%20/evil%20HTTP/1.1")
    site.set("/feed.xml", rss(site.url, ITEMS))

    collect(feed(site, "/hop"))

    assert [hit.path.partition("?")[0] for hit in site.hits if "robots" not in hit.path] == [
        "/hop",
        "/feed.xml",
    ]
    assert not any("x-injected" in hit.headers for hit in site.hits)
    assert frontier.states["one"].health is SourceHealth.OK


def test_cookies_are_neither_kept_nor_sent(collect, site, frontier):
    with Site("127.0.0.2") as other:
        set_cookie = {"Set-Cookie": "session=of-the-first; Path=/", "Content-Type": "text/xml"}
        site.set("/one.xml", rss(site.url, ITEMS), set_cookie)
        site.set("/two.xml", rss(site.url, ITEMS), set_cookie)
        site.set("/hop", b"", {**set_cookie, "Location": other.url + "/feed.xml"}, status=302)
        other.set("/feed.xml", rss(other.url, ITEMS))

        collect(
            *(feed(site, path, id=path[1:4]) for path in ("/one.xml", "/two.xml", "/hop")),
            allow=[other.authority],
        )

        assert len(site.hits) + len(other.hits) >= 4
        assert not any("cookie" in hit.headers for hit in [*site.hits, *other.hits])
    assert {state.health for state in frontier.states.values()} == {SourceHealth.OK}


@pytest.fixture
def port_80():
    """A server on a port that needs no allowance, None where listening there takes a privilege."""
    try:
        served = Site("127.0.0.1", 80)
    except OSError:
        yield None
        return
    with served:
        yield served


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1"])
def test_name_that_resolves_to_a_private_address_is_not_reached(
    collect, site, frontier, port_80, address
):
    async def resolve(host, port):
        return [address]

    collect(feed(site, start="http://news.example.cn/feed.xml"), resolve=resolve)

    state = frontier.states["one"]
    assert state.cause is FetchCause.REFUSED
    assert address in state.cause_text
    assert port_80 is None or port_80.hits == []


def test_name_with_one_private_address_among_public_ones_is_refused(collect, site, frontier):
    async def resolve(host, port):
        return ["93.184.216.34", "10.0.0.7"]

    collect(feed(site, start="http://news.example.cn/feed.xml"), resolve=resolve)

    assert frontier.states["one"].cause is FetchCause.REFUSED


def test_rebinding_name_is_resolved_once_and_connected_as_checked(collect, private_site, site):
    answers = []

    async def resolve(host, port):
        # Allowed at first, this machine's other server afterwards.
        answers.append(host)
        return ["127.0.0.2"] if len(answers) == 1 else ["127.0.0.1"]

    name = f"rebind.example.cn:{private_site.port}"
    with Site("127.0.0.2", private_site.port) as allowed:
        allowed.set("/feed.xml", rss("http://x.cn", ITEMS), {"Connection": "close"})
        source = feed(site, start=f"http://{name}/feed.xml", fetch={"robots": "ignore"})
        collect(source, allow=[name], resolve=resolve)

        # Each connection has exactly one lookup: what is checked is what is connected to.
        assert answers == ["rebind.example.cn"]
        assert len(allowed.hits) == 1
        assert private_site.hits == []


@pytest.mark.parametrize(
    "to", ["http://localhost:{port}/feed.xml", "http://127.1:{port}/", "http://127.0.0.1:{port}/x"]
)
def test_redirect_to_a_private_address_is_refused(collect, private_site, site, frontier, to):
    site.redirect("/hop", "/hop2")
    site.redirect("/hop2", to.format(port=private_site.port))

    collect(feed(site, "/hop"))

    assert private_site.hits == []
    assert frontier.states["one"].cause is FetchCause.REFUSED


def test_detail_links_to_private_addresses_are_dead_and_not_asked(
    collect, private_site, site, frontier
):
    html = list_page(ITEMS[:1]).decode().replace("/a/1", f"{private_site.url}/feed.xml")
    site.set("/list?p=1", html)

    collect(listing(site, expect={"min_items": 1}))

    assert private_site.hits == []
    assert [state for state, _ in frontier.ended.values()] == ["dead"]


def test_exact_host_and_port_may_be_allowed(collect, private_site, site, frontier):
    source = feed(site, start=private_site.url + "/feed.xml")

    collect(source, allow=[private_site.authority])

    assert len(frontier.kept) == 5


def test_robots_txt_is_obeyed_read_once_and_may_be_ignored(collect, site, frontier):
    site.set("/robots.txt", "User-agent: *\nDisallow: /closed\n", {"Content-Type": "text/plain"})
    site.set("/closed/feed.xml", rss(site.url, ITEMS))
    site.set("/feed.xml", rss(site.url, ITEMS))

    collect(
        feed(site, "/closed/feed.xml", id="closed"),
        feed(site, "/closed/feed.xml", id="ours", fetch={"robots": "ignore"}),
        feed(site),
    )

    assert frontier.states["closed"].cause is FetchCause.ROBOTS
    assert frontier.states["closed"].health is SourceHealth.QUARANTINED
    assert frontier.states["ours"].health is SourceHealth.OK
    assert frontier.states["one"].health is SourceHealth.OK
    assert len(site.hits_of("/robots.txt")) == 1


def test_sixty_megabytes_are_refused_with_bounded_memory(collect, site, frontier):
    megabyte = b"<p>" + b"x" * (1024 * 1024 - 3)
    site.stream("/feed.xml", megabyte, 60)

    tracemalloc.start()
    collect(feed(site, fetch={"max_bytes": "4MiB"}))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert frontier.states["one"].cause is FetchCause.TOO_LARGE
    assert "4 MiB" in frontier.states["one"].cause_text
    assert site.sent["/feed.xml"] < 30 * 1024 * 1024
    assert peak < 30 * 1024 * 1024


def test_body_that_says_it_is_too_large_is_not_read(collect, site, frontier):
    site.set("/feed.xml", b"x" * (3 * 1024 * 1024))

    collect(feed(site, fetch={"max_bytes": "1MiB"}))

    assert frontier.states["one"].cause is FetchCause.TOO_LARGE


def test_small_body_that_unpacks_to_too_much_is_refused(collect, site, frontier):
    import gzip

    bomb = gzip.compress(b"\0" * (20 * 1024 * 1024))
    site.set("/feed.xml", bomb, {"Content-Encoding": "gzip", "Content-Type": "text/xml"})

    collect(feed(site, fetch={"max_bytes": "1MiB"}))

    assert len(bomb) < 100_000
    assert frontier.states["one"].cause is FetchCause.TOO_LARGE


def test_dripping_body_is_cut_at_the_time_limit(collect, site, frontier):
    site.stream("/feed.xml", b"<", 200, pause_s=0.1)
    started = time.monotonic()

    collect(feed(site, fetch={"timeout": "1s"}))

    assert frontier.states["one"].cause is FetchCause.SLOW
    assert time.monotonic() - started < 5


def test_unknown_name_is_trouble_of_the_network_and_never_quarantines(
    collect, site, frontier, clock
):
    async def resolve(host, port):
        raise socket.gaierror(-2, "Name or service not known")

    source = feed(site, start="http://news.example.cn/feed.xml")
    for _ in range(7):
        collect(source, resolve=resolve)
        clock.pass_time(hours=1)

    state = frontier.states["one"]
    assert (state.cause, state.health) == (FetchCause.NETWORK, SourceHealth.DEGRADED)
    assert state.failures == 7


def test_closed_port_is_a_server_error(collect, site, frontier):
    with Site() as gone:
        authority, url = gone.authority, gone.url

    collect(feed(site, start=url + "/feed.xml"), allow=[authority])

    assert frontier.states["one"].cause is FetchCause.SERVER


def test_requests_to_one_host_keep_their_distance_whichever_source_asks(collect, site):
    for path in ("/one.xml", "/two.xml", "/three.xml"):
        site.set(path, rss(site.url, ITEMS))
    rules = {"rate": "1/0.5s", "robots": "ignore"}

    collect(
        *(feed(site, path, id=path[1:-4], fetch=rules) for path in ("/one.xml", "/two.xml")),
        feed(site, "/three.xml", id="three", fetch={"rate": "1/0.05s", "robots": "ignore"}),
    )

    times = sorted(hit.at for hit in site.hits)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    # Ten per cent of jitter; the server of these tests may note an arrival late.
    assert min(gaps) >= 0.5 * 0.9 - 0.2


def test_one_slow_host_does_not_hold_up_the_others(run, site, frontier, clock, parsing):
    site.set("/feed.xml", rss(site.url, ITEMS), delay_s=2.0)
    with Site("127.0.0.2") as quick:
        quick.set("/feed.xml", rss(quick.url, ITEMS))
        settings = Settings(allow_private=(site.authority, quick.authority))
        sources = [feed(site, id="slow"), feed(quick, id="quick")]

        async def work():
            collector = Collector(sources, settings, frontier, clock, parsing=parsing)
            await collector.start()
            started = await collector.poll_due(wait=False)
            again = await collector.poll_due(wait=False)
            await collector.poll("quick")
            answered = set(frontier.states)
            await collector.drain()
            await collector.stop()
            return started, again, answered

        started, again, answered = run(work())

    assert (started, again) == (2, 0)
    assert answered == {"quick"}
    assert set(frontier.states) == {"slow", "quick"}


def test_collector_that_is_stopped_in_the_middle_leaves_the_rest_in_the_frontier(
    run, collect, site, frontier, clock, parsing
):
    site.set("/list?p=1", list_page(ITEMS))
    for item in ITEMS:
        site.set(item.path, detail_page(item), delay_s=0.3)
    source = listing(site)

    async def work():
        settings = Settings(allow_private=(site.authority,))
        collector = Collector([source], settings, frontier, clock, parsing=parsing)
        await collector.start()
        await collector.poll_due(wait=False)
        while not frontier.details:  # noqa: ASYNC110 - the frontier knows no events
            await asyncio.sleep(0.05)
        await collector.stop()

    run(work())
    kept = len(frontier.kept)
    clock.pass_time(minutes=3)
    collect(source)

    assert 0 < kept < 5
    assert len(frontier.kept) == 5
