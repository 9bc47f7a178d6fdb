"""Networks that go down and hosts that answer late, through the shipped collector."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from storage.records import FetchCause, SourceHealth, SourceId
from tests.crawlers.conftest import feed
from tests.crawlers.test_runner import ITEMS
from tests.site.pages import rss
from tests.site.server import Reply, Site

PORT_OF_NOBODY = 9  # discard: nothing listens there
EVERY = timedelta(minutes=30)
MAX = timedelta(hours=2)


class Network:
    """Five hosts of one server on loopback whose names do not resolve while it is down."""

    def __init__(self, site, hosts=5):
        self.site, self.is_up = site, True
        # a connection that is kept would outlive the network of these tests
        site.set("/feed.xml", rss(site.url, ITEMS), {"Connection": "close"})
        self.names = [f"h{n}.lanhe.example:{site.port}" for n in range(hosts)]

    async def resolve(self, host, port):
        if not self.is_up:
            raise OSError("no network")
        return ["127.0.0.1"]

    def sources(self, per_host=2):
        schedule = {"every": EVERY, "max": MAX, "adaptive": False}
        return [
            feed(
                self.site,
                id=f"s{n}-{m}",
                start=f"http://{name}/feed.xml",
                schedule=schedule,
                fetch={"robots": "ignore"},
            )
            for n, name in enumerate(self.names)
            for m in range(per_host)
        ]


def test_an_outage_here_is_counted_against_nobody_and_ends_by_itself(
    with_collector, site, frontier, clock
):
    network = Network(site)

    async def work(collector):
        await collector.poll_due()
        before = dict(frontier.states)
        network.is_up = False
        clock.pass_time(hours=1)
        await collector.poll_due()
        in_outage = dict(frontier.states)
        hosts = dict(frontier.host_states)
        paused = await collector.poll_due()
        clock.pass_time(seconds=16)
        probes = await collector.poll_due()
        network.is_up = True
        clock.pass_time(seconds=31)
        await collector.poll_due()  # a few hosts are asked whether the network is back
        started = await collector.poll_due()
        return before, in_outage, hosts, paused, probes, started

    before, in_outage, hosts, paused, probes, started = with_collector(
        work, *network.sources(), allow=network.names, resolve=network.resolve
    )

    assert {state.health for state in in_outage.values()} == {SourceHealth.OK}
    assert {state.failures for state in in_outage.values()} == {0}
    met = [state for state in in_outage.values() if state.cause is FetchCause.NETWORK]
    assert len(met) >= 3
    assert all("本机网络" in state.cause_text for state in met)
    assert {host.failures for host in hosts.values()} == {0}
    assert {state.polls for state in before.values()} == {1}
    assert (paused, probes, started) == (0, 3, 7)
    assert {state.cause for state in frontier.states.values()} == {FetchCause.NONE}
    assert {state.polls for state in frontier.states.values()} == {2}


@pytest.mark.parametrize("hosts", [2, 5])  # two are too few for the guard against outages
def test_after_a_day_without_network_all_are_back_within_one_interval(
    with_collector, site, frontier, clock, hosts
):
    network = Network(site, hosts)
    sources = network.sources()

    async def work(collector):
        await collector.poll_due()
        network.is_up = False
        ends_at = clock.now() + timedelta(days=1)
        while clock.now() < ends_at:
            clock.pass_time(minutes=10)
            await collector.poll_due()
        network.is_up = True
        back_at = clock.now()
        while clock.now() < back_at + MAX:
            await collector.poll_due()
            clock.pass_time(minutes=5)
        return back_at

    back_at = with_collector(work, *sources, allow=network.names, resolve=network.resolve)

    states = list(frontier.states.values())
    assert len(states) == len(sources)
    assert {state.health for state in states} == {SourceHealth.OK}
    assert all(back_at <= state.last_ok_at <= back_at + MAX for state in states)


def test_three_hosts_that_are_really_dead_do_not_stop_the_others(
    with_collector, site, frontier, clock
):
    network = Network(site, hosts=2)
    dead = [f"127.0.0.{n}:{PORT_OF_NOBODY}" for n in (11, 12, 13)]
    lost = [
        feed(site, id=f"dead{n}", start=f"http://{name}/feed.xml", schedule={"every": EVERY})
        for n, name in enumerate(dead)
    ]

    async def work(collector):
        for _ in range(40):
            await collector.poll_due()
            clock.pass_time(minutes=3)

    with_collector(
        work,
        *lost,
        *network.sources(),
        allow=[*network.names, *dead],
        resolve=network.resolve,
    )

    alive = [state for name, state in frontier.states.items() if not name.startswith("dead")]
    assert {state.health for state in alive} == {SourceHealth.OK}
    assert min(state.polls for state in alive) >= 3  # of two hours
    for n in range(len(dead)):
        assert frontier.states[f"dead{n}"].cause is FetchCause.SERVER
        assert frontier.states[f"dead{n}"].failures >= 2


def test_a_hundred_slow_hosts_do_not_hold_up_a_quick_one(with_collector, frontier):
    # one server at many addresses of this machine; what it answers depends on the address asked
    with Site("0.0.0.0") as town:
        slow = [f"127.0.1.{n}:{town.port}" for n in range(1, 101)]
        quick = f"127.0.2.1:{town.port}"
        patience, reply = threading.Event(), Reply(body=rss(town.url, ITEMS))

        def answer_late(_hit):
            patience.wait(30)
            return reply

        town.answer("/slow.xml", answer_late)
        town.set("/quick.xml", rss(town.url, ITEMS))
        rules = {"robots": "ignore", "timeout": "30s"}
        sources = [
            feed(town, id=f"slow{n}", start=f"http://{name}/slow.xml", fetch=rules)
            for n, name in enumerate(slow)
        ]
        one = feed(town, id="quick", start=f"http://{quick}/quick.xml", fetch=rules)

        async def work(collector):
            started = await collector.poll_due(wait=False)
            state = await collector.poll(SourceId("quick"))
            answered = set(frontier.states)
            patience.set()
            await collector.drain()
            return started, answered, state

        started, answered, state = with_collector(work, *sources, one, allow=[*slow, quick])

    assert started == 101
    assert answered == {"quick"}  # the very last in line, while nobody else has been answered
    assert state.health is SourceHealth.OK
    assert len(frontier.states) == 101
