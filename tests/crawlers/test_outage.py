from __future__ import annotations

from datetime import timedelta

from crawlers.outage import Outage, OutageGuard, is_down, is_paused, note, silent_hosts, spared
from storage.records import FetchCause, HostState, SourceHealth, SourceId, SourceState
from tests.crawlers.conftest import NOW


def heard(*events, outage=None, at=NOW, step=timedelta(seconds=5)):
    """Play hosts that answer ("a+") or do not ("a-"), one every five seconds."""
    outage = outage or Outage()
    for event in events:
        outage = note(outage, event[:-1], at, answered=event[-1] == "+")
        at += step
    return outage


def test_three_silent_hosts_of_five_are_our_own_network():
    outage = heard("a+", "b+", "a-", "c-", "b-")

    assert is_down(outage)
    assert is_paused(outage, NOW + timedelta(seconds=25))
    assert silent_hosts(outage) == {"a", "b", "c"}


def test_two_silent_hosts_are_their_own_trouble():
    assert not is_down(heard("a-", "b-", "a-", "b-", "a-"))


def test_few_silent_hosts_among_many_are_their_own_trouble():
    good = [f"h{n}+" for n in range(7)]

    assert not is_down(heard(*good, "a-", "b-", "c-"))


def test_silence_spread_over_minutes_is_no_outage():
    assert not is_down(heard("a-", "b-", "c-", "d-", step=timedelta(minutes=2)))


def test_pauses_grow_while_probes_meet_silence_and_an_answer_ends_them():
    outage, at, waits = heard("a-", "b-", "c-"), NOW + timedelta(seconds=10), []
    for _ in range(7):
        waits.append((outage.paused_until - at).total_seconds())
        at = outage.paused_until
        assert not is_paused(outage, at)
        outage = note(outage, "a", at, answered=False)

    assert waits == [15, 30, 60, 120, 300, 300, 300]
    assert not is_down(note(outage, "b", at, answered=True))


def test_silence_of_requests_that_were_under_way_does_not_make_the_pause_longer():
    outage = heard("a-", "b-", "c-")

    assert heard("d-", "e-", outage=outage, at=NOW + timedelta(seconds=11)).pauses == 1


def test_hosts_that_stay_silent_after_an_outage_do_not_begin_another():
    outage = heard("a-", "b-", "c-", "d-")
    outage = note(outage, "e", outage.paused_until, answered=True)

    again = heard("a-", "b-", "c-", "d-", outage=outage, at=NOW + timedelta(minutes=1))

    assert not is_down(again)


def test_a_forgiven_host_counts_again_once_it_has_answered():
    outage = heard("a-", "b-", "c-")
    outage = note(outage, "d", outage.paused_until, answered=True)
    later = NOW + timedelta(minutes=1)
    outage = heard("a+", "b+", "c+", outage=outage, at=later)

    assert is_down(heard("a-", "b-", "c-", outage=outage, at=later + timedelta(minutes=5)))


def test_the_guard_gives_back_what_was_counted_before_it_knew():
    guard = OutageGuard()
    for n, name in enumerate("abc"):
        at = NOW + timedelta(seconds=n)
        was_us = guard.note_silence(HostState(host=name), at)
        if not was_us:
            guard.suspect(SourceState(source_id=SourceId(name), failures=n), at)

    assert guard.is_down
    sources, hosts = guard.take_back(NOW + timedelta(seconds=3))
    assert [(state.source_id, state.failures) for state in sources] == [("a", 0), ("b", 1)]
    assert hosts == [HostState(host="a"), HostState(host="b")]
    assert guard.take_back(NOW) == ([], [])


def test_hosts_known_to_be_dead_are_no_evidence():
    guard = OutageGuard()

    for name in "abcd":
        guard.note_silence(HostState(host=name, failures=3), NOW)

    assert not guard.is_down


def test_a_spared_source_says_why_and_is_due():
    before = SourceState(
        source_id=SourceId("a"), health=SourceHealth.OK, failures=1, next_poll_at=NOW
    )

    state = spared(before, NOW + timedelta(minutes=1))

    assert (state.health, state.failures) == (SourceHealth.OK, 1)
    assert state.cause is FetchCause.NETWORK
    assert "本机网络" in state.cause_text
    assert state.next_poll_at == NOW + timedelta(minutes=1)
