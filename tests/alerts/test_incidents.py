"""The incident machine, act by act; the properties over random histories are in the machine test."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from alerts.incidents import (
    Command,
    IllegalMove,
    absorb,
    allowed_commands,
    fold,
    on_command,
    on_grade,
    on_timer,
)
from storage.records import Change, Evidence, Incident, IncidentState, Level, Timer
from tests.alerts.people import PlainLinks, make_project, owners
from tests.make import NOW, make_cluster, make_evidence, make_grade, make_mention, make_surge

PROJECT = make_project()
LINKS = PlainLinks()
NIGHT = datetime.fromisoformat("2026-03-10T17:00:00+00:00")  # 01:00 in Shanghai


def seen(authors: int = 12, *, at: datetime = NOW, **fields: Any) -> Evidence:
    live = tuple((at - timedelta(minutes=i), f"tousu:人{i}") for i in reversed(range(authors)))
    values = {"authors": authors, "live_authors": live, "watch_authors": live}
    return make_evidence(**(values | fields))


def raised(level: Level = Level.ORANGE, now: datetime = NOW) -> Change:
    change = on_grade(None, seen(at=now), make_grade(level), PROJECT, now, links=LINKS)
    assert change is not None
    return change


def act(incident: Incident, name: str, now: datetime = NOW, **fields: Any) -> Change:
    command = Command(**({"name": name, "actor": "lin"} | fields))
    return on_command(incident, command, PROJECT, now, links=LINKS)


def fire(incident: Incident, timer: Timer, now: datetime | None = None) -> Change:
    return on_timer(incident, timer, PROJECT, now or timer.due_at, links=LINKS)


def recipients(change: Change) -> list[str]:
    """Return who is told, each once: grave levels go out on several channels."""
    return [*dict.fromkeys(intent.recipient_id for intent in change.intents)]


@pytest.mark.parametrize(("waiting", "owner"), [(2, "lin"), (4, "wu")])
def test_a_sub_class_routes_once_one_mention_in_five_has_it(waiting: int, owner: str) -> None:
    project = make_project(
        routes=[{"id": "parts", "issue": "等备件", "owner": "wu"}, {"id": "all", "owner": "lin"}]
    )
    evidence = seen(mentions=20, sub_classes=(("等备件", waiting),))
    change = on_grade(None, evidence, make_grade(Level.ORANGE), project, NOW, links=LINKS)

    assert change is not None
    assert change.incident.owner_id == owner


def test_orange_grade_raises_and_tells_owner_and_also() -> None:
    change = raised()

    assert change.incident.state is IncidentState.OPEN
    assert recipients(change) == ["lin", "zhao"]
    assert [intent.channel_id for intent in change.intents] == ["bot", "mail", "mail"]  # two each
    assert change.incident.told == ("lin", "zhao")
    [timer] = change.timers
    assert (timer.kind, timer.step, timer.due_at) == ("step", 1, NOW + timedelta(minutes=15))


def test_blue_grade_tells_only_the_owner() -> None:
    assert recipients(raised(Level.BLUE)) == ["lin"]


def test_no_level_raises_nothing() -> None:
    assert on_grade(None, seen(), make_grade(Level.NONE), PROJECT, NOW) is None


def test_history_raises_nothing_however_grave() -> None:
    old = make_evidence(live_authors=(), watch_authors=(), authors=80)

    assert on_grade(None, old, make_grade(Level.RED), PROJECT, NOW) is None


def test_same_cluster_raises_the_same_ids_again() -> None:
    first, second = raised(), raised()

    assert first == second
    assert first.incident.incident_id.startswith("yunque-")
    assert len(first.incident.code) == len("舆-7F3K")
    assert first.events[0].source_event_id == f"raise:{first.incident.incident_id}:1"


def test_incident_is_the_fold_of_its_events() -> None:
    change = raised()

    assert fold(change.events) == change.incident


def test_blue_at_night_waits_for_the_morning_and_so_does_its_clock() -> None:
    change = raised(Level.BLUE, NIGHT)

    morning = datetime.fromisoformat("2026-03-10T23:30:00+00:00")  # 07:30 in Shanghai
    assert [intent.due_at for intent in change.intents] == [morning]
    assert change.timers[0].due_at == morning + timedelta(hours=4)


@pytest.mark.parametrize("level", [Level.ORANGE, Level.RED])
def test_orange_and_red_are_never_held(level: Level) -> None:
    assert {intent.due_at for intent in raised(level, NIGHT).intents} == {NIGHT}


def test_nobody_acknowledges_and_the_ladder_runs_to_the_fallback() -> None:
    change = raised()
    told = []
    while waiting := [timer for timer in change.timers if timer.status == "pending"]:
        change = fire(change.incident, waiting[0])
        told.append(recipients(change))

    assert told == [["chen"], ["lin"], ["chen"], ["sun", "wu"]]
    assert change.incident.step == len(change.incident.policy.steps)


def test_overdue_steps_become_one_message_each_that_names_the_delay() -> None:
    change = raised()
    late = fire(change.incident, change.timers[0], NOW + timedelta(hours=6))

    assert recipients(late) == ["chen", "lin", "sun", "wu"]
    assert late.incident.step == 4
    assert all("延迟" in intent.body for intent in late.intents)
    assert "5 小时 45 分钟" in late.intents[0].body


def test_same_timer_fed_twice_changes_nothing_the_second_time() -> None:
    change = raised()
    timer = change.timers[0]
    once = fire(change.incident, timer)
    twice = fire(once.incident, timer)

    assert twice.events == ()
    assert twice.intents == ()
    assert twice.timers == (replace(timer, status="done"),)


def test_acknowledge_stops_the_ladder_and_starts_a_lease() -> None:
    change = act(raised().incident, "ack")

    assert change.incident.state is IncidentState.ACKNOWLEDGED
    assert change.cancel_timers == ("step", "ack", "lease_warn")
    assert change.cancel_intents == "acknowledged"
    [lease, warning] = change.timers
    assert (lease.kind, lease.due_at) == ("ack", NOW + timedelta(hours=1))
    assert (warning.kind, warning.due_at) == ("lease_warn", NOW + timedelta(minutes=48))
    assert change.intents == ()


def test_acknowledging_twice_is_harmless() -> None:
    once = act(raised().incident, "ack")

    assert act(once.incident, "ack").events == ()


def test_same_link_acknowledges_again_after_the_lease() -> None:
    acked = act(raised().incident, "ack", command_id="link-1")
    back = fire(acked.incident, acked.timers[0])
    again = act(back.incident, "ack", NOW + timedelta(hours=1), command_id="link-1")

    assert again.incident.state is IncidentState.ACKNOWLEDGED
    assert again.events[0].source_event_id != acked.events[0].source_event_id


def test_same_note_fed_twice_has_one_key() -> None:
    acked = act(raised().incident, "ack").incident
    notes = [act(acked, "note", text="已联系", command_id="n1").events[0] for _ in range(2)]

    assert {note.source_event_id for note in notes} == {"command:n1"}


def test_acknowledge_without_progress_resumes_at_the_next_step() -> None:
    change = raised()
    stepped = fire(change.incident, change.timers[0])
    acked = act(stepped.incident, "ack", NOW + timedelta(minutes=16))
    back = fire(acked.incident, acked.timers[0])

    assert back.incident.state is IncidentState.OPEN
    assert back.incident.step == 2
    assert recipients(back) == ["lin"]
    assert "没有进展" in back.intents[0].body
    assert back.timers[0].step == 3


def test_a_note_renews_the_lease() -> None:
    acked = act(raised().incident, "ack")
    noted = act(acked.incident, "note", NOW + timedelta(minutes=50), text="已联系用户，安排上门")
    stale = fire(noted.incident, acked.timers[0])

    assert stale.events == ()
    assert noted.timers[0].due_at == NOW + timedelta(minutes=110)


def test_level_up_tells_everybody_and_restarts_the_clock() -> None:
    yellow = raised(Level.YELLOW).incident
    change = on_grade(yellow, seen(40), make_grade(Level.RED), PROJECT, NOW, links=LINKS)

    assert change is not None
    assert recipients(change) == ["lin", "zhao"]
    assert change.incident.level is Level.RED
    assert change.intents[0].subject.startswith("【升红】")
    assert change.timers[0].due_at == NOW + timedelta(minutes=5)
    assert change.timers[0].step == 2
    assert change.cancel_intents == "superseded"


def test_level_up_after_acknowledge_tells_only_new_people() -> None:
    blue = raised(Level.BLUE).incident
    acked = act(blue, "ack").incident
    change = on_grade(acked, seen(40), make_grade(Level.RED), PROJECT, NOW, links=LINKS)

    assert change is not None
    assert change.incident.state is IncidentState.ACKNOWLEDGED
    assert recipients(change) == ["zhao"]
    assert change.incident.lease_until == NOW + timedelta(minutes=30)


def test_doubling_is_noted_quietly() -> None:
    incident = raised().incident
    change = on_grade(incident, seen(24), make_grade(), PROJECT, NOW, links=LINKS)

    assert change is not None
    assert [event.kind for event in change.events] == ["grown"]
    assert change.intents == ()
    assert on_grade(change.incident, seen(25), make_grade(), PROJECT, NOW) is None


def test_a_new_platform_is_noted_quietly() -> None:
    incident = raised().incident
    change = on_grade(incident, seen(platforms=("tousu", "微博")), make_grade(), PROJECT, NOW)

    assert change is not None
    assert change.incident.platforms == ("tousu", "微博")
    assert change.intents == ()


def test_flapping_around_a_threshold_tells_once() -> None:
    incident = raised(Level.YELLOW).incident
    calm = make_grade(Level.BLUE, score=30.0, surge=make_surge(kind="none", observed=1))
    told = 0
    for tick in range(144):
        at = NOW + timedelta(minutes=10 * tick)
        grade = replace(make_grade(Level.YELLOW) if tick % 2 else calm, at=at)
        change = on_grade(incident, seen(at=at), grade, PROJECT, at, links=LINKS)
        if change:
            incident, told = change.incident, told + len(change.intents)

    assert told == 0
    assert incident.level is Level.YELLOW


def test_yellow_falls_after_six_calm_hours_without_a_message() -> None:
    incident = raised(Level.YELLOW).incident
    calm = make_grade(Level.NONE, score=5.0, surge=make_surge(kind="none", observed=0))
    kinds = []
    for hour in range(8):
        at = NOW + timedelta(hours=hour)
        change = on_grade(incident, seen(), replace(calm, at=at), PROJECT, at)
        if change:
            incident = change.incident
            kinds += [event.kind for event in change.events]
            assert change.intents == ()

    assert kinds[:2] == ["cooling", "level_down"]
    assert incident.state is IncidentState.OPEN


def test_handled_waits_for_the_customer_and_never_closes_by_itself() -> None:
    acked = act(raised().incident, "ack").incident
    change = act(acked, "handled", text="第三批次停售，逐一退款")
    kinds = []
    while waiting := [timer for timer in change.timers if timer.status == "pending"]:
        change = fire(change.incident, waiting[0])
        kinds.append((change.events[0].kind, recipients(change)))

    assert kinds == [("reminded", ["lin"])] * 3 + [("dormant", [])]
    assert change.incident.state is IncidentState.HANDLED
    assert change.incident.dormant


def test_an_outage_of_weeks_asks_no_more_than_once() -> None:
    acked = act(raised().incident, "ack").incident
    change = act(acked, "handled", text="已退款")
    late = fire(change.incident, change.timers[0], NOW + timedelta(days=8))

    assert recipients(late) == ["lin"]
    assert late.incident.reminders == 2
    assert late.timers[0].step == 3


def closed(at: datetime = NOW) -> Incident:
    acked = act(raised().incident, "ack").incident
    handled = act(acked, "handled", text="已退款").incident
    return act(handled, "confirm", at, actor="chen", text="客户 3 月 10 日电话确认已退款").incident


def test_only_the_customers_confirmation_closes() -> None:
    change = closed()

    assert change.state is IncidentState.CLOSED
    assert change.closed_evidence == "客户 3 月 10 日电话确认已退款"
    assert not [name for name in allowed_commands(change) if name == "close"]


def test_closing_tells_those_who_were_told_but_not_who_closed() -> None:
    acked = act(raised().incident, "ack").incident
    handled = act(acked, "handled", text="已退款").incident
    change = act(handled, "confirm", text="客户来电确认")

    assert recipients(change) == ["zhao"]
    assert change.intents[0].subject.startswith("【结案】")


@pytest.mark.parametrize("name", ["confirm", "handled", "dismiss", "note", "reject"])
def test_acts_that_need_words_are_refused_without(name: str) -> None:
    incident = raised().incident
    if name in {"handled", "confirm", "reject"}:
        incident = act(incident, "ack").incident
    if name in {"confirm", "reject"}:
        incident = act(incident, "handled", text="已退款").incident

    with pytest.raises(IllegalMove, match="需要写明"):
        act(incident, name, text="  ")


def test_refusal_names_the_state_and_what_is_allowed() -> None:
    with pytest.raises(IllegalMove) as caught:
        act(raised().incident, "confirm", text="客户确认")

    text = str(caught.value)
    assert "待确认" in text
    assert "ack、note、assign" in text
    assert "state open does not allow 'confirm'" in text


def test_rejection_begins_a_new_epoch_with_everybody_told() -> None:
    acked = act(raised().incident, "ack").incident
    handled = act(acked, "handled", text="已退款").incident
    change = act(handled, "reject", text="退款没有到账")

    assert change.incident.state is IncidentState.OPEN
    assert change.incident.epoch == 2
    assert change.incident.step == 0
    assert recipients(change) == ["lin", "zhao"]
    assert "退款没有到账" in change.intents[0].body


def test_same_complainant_after_handling_counts_as_rejection() -> None:
    acked = act(raised().incident, "ack").incident
    handled = act(acked, "handled", NOW + timedelta(hours=1), text="已退款").incident
    again = make_mention(99, author_key="tousu:人3", published_at=NOW + timedelta(hours=2))
    change = on_grade(
        handled, seen(), make_grade(), PROJECT, NOW + timedelta(hours=3), fresh=[again], links=LINKS
    )

    assert change is not None
    assert [event.kind for event in change.events] == ["rejected"]
    assert change.incident.epoch == 2


def later_wave(ended: datetime, offsets: list[timedelta]) -> Evidence:
    live = tuple(sorted((ended + offset, f"tousu:新{i}") for i, offset in enumerate(offsets)))
    return make_evidence(authors=20, live_authors=live, watch_authors=live)


def test_three_new_people_after_the_closing_bring_it_back() -> None:
    incident = closed()
    wave = later_wave(NOW, [timedelta(minutes=31 + i) for i in range(3)])
    at = NOW + timedelta(hours=2)
    change = on_grade(incident, wave, make_grade(Level.BLUE), PROJECT, at, links=LINKS)

    assert change is not None
    assert change.incident.state is IncidentState.OPEN
    assert change.incident.epoch == 2
    assert change.incident.level is Level.YELLOW  # one below the orange that it was
    assert change.intents[0].kind == "reopened"


def test_late_arrival_of_old_posts_never_brings_it_back() -> None:
    incident = closed()
    old = later_wave(NOW, [timedelta(minutes=-i) for i in range(60)])
    at = NOW + timedelta(hours=2)

    assert on_grade(incident, old, make_grade(Level.RED), PROJECT, at) is None


def test_posts_within_the_grace_do_not_bring_it_back() -> None:
    incident = closed()
    soon = later_wave(NOW, [timedelta(minutes=i) for i in range(30)])

    assert (
        on_grade(incident, soon, make_grade(Level.RED), PROJECT, NOW + timedelta(hours=2)) is None
    )


def test_one_new_person_is_attached_silently() -> None:
    incident = closed()
    one = later_wave(NOW, [timedelta(hours=1)])
    at = NOW + timedelta(hours=2)

    assert on_grade(incident, one, make_grade(Level.BLUE), PROJECT, at) is None


def test_same_complainant_after_the_closing_brings_it_back() -> None:
    incident = closed()
    again = make_mention(99, author_key="tousu:人3", published_at=NOW + timedelta(hours=1))
    at = NOW + timedelta(hours=2)
    change = on_grade(
        incident, seen(), make_grade(Level.NONE), PROJECT, at, fresh=[again], links=LINKS
    )

    assert change is not None
    assert change.incident.epoch == 2


def test_after_thirty_days_it_is_another_incident() -> None:
    incident = closed()
    at = NOW + timedelta(days=40)
    wave = later_wave(at, [timedelta(minutes=-i) for i in range(9)])
    change = on_grade(incident, wave, make_grade(), PROJECT, at, links=LINKS)

    assert change is not None
    assert change.incident.incident_id != incident.incident_id
    assert change.incident.epoch == 1


def test_dismissed_rests_a_day_and_may_then_come_back() -> None:
    incident = act(raised().incident, "dismiss", text="竞品的事，认错了品牌").incident
    at = NOW + timedelta(hours=20)
    soon = later_wave(NOW, [timedelta(hours=10 + i) for i in range(5)])
    after = later_wave(NOW, [timedelta(hours=25 + i) for i in range(5)])

    assert on_grade(incident, soon, make_grade(), PROJECT, at) is None
    change = on_grade(incident, after, make_grade(), PROJECT, NOW + timedelta(hours=30))
    assert change is not None
    assert change.incident.epoch == 2


def test_silence_holds_notices_and_catches_up_once() -> None:
    quiet = act(raised().incident, "silence", until=NOW + timedelta(hours=2))
    stepped = fire(quiet.incident, raised().timers[0])
    over = fire(quiet.incident, quiet.timers[0])

    assert quiet.cancel_intents == "silenced"
    assert stepped.intents == ()
    assert recipients(over) == ["lin"]
    assert over.timers[0].kind == "step"
    assert fire(over.incident, quiet.timers[0]).events == ()


def test_a_higher_level_breaks_a_silence() -> None:
    quiet = act(raised(Level.YELLOW).incident, "silence", until=NOW + timedelta(hours=2)).incident
    change = on_grade(quiet, seen(40), make_grade(Level.RED), PROJECT, NOW, links=LINKS)

    assert change is not None
    assert change.intents
    assert change.incident.muted_until is None


def test_red_is_never_silenced() -> None:
    red = raised(Level.RED).incident

    assert "silence" not in allowed_commands(red)
    with pytest.raises(IllegalMove, match="红级事件，通知从不静默"):
        act(red, "silence", until=NOW + timedelta(hours=2))


def test_silence_needs_an_end_in_the_future() -> None:
    with pytest.raises(IllegalMove, match="将来的结束时间"):
        act(raised().incident, "silence", until=NOW)


def test_assigning_tells_the_new_owner_and_gives_time() -> None:
    change = act(raised().incident, "assign", owner_id="wu", text="你离用户近")

    assert change.incident.owner_id == "wu"
    assert recipients(change) == ["wu"]
    assert "你离用户近" in change.intents[0].body
    assert change.timers[0].step == 2


def test_assigning_to_nobody_known_is_refused() -> None:
    with pytest.raises(IllegalMove, match="没有负责人"):
        act(raised().incident, "assign", owner_id="nobody")


def test_people_may_escalate_before_the_time() -> None:
    change = act(raised().incident, "escalate", text="门店已经有人围观")

    assert recipients(change) == ["chen"]
    assert "林晓请求升级：门店已经有人围观" in change.intents[0].body
    assert change.timers[0].step == 2


def test_merged_into_another_and_split_again() -> None:
    target = on_grade(
        None, seen(cluster=make_cluster("yunque-bbbbbbbb")), make_grade(), PROJECT, NOW
    )
    assert target is not None
    merged = act(raised().incident, "merge", into=target.incident)
    survivor = absorb(target.incident, merged.incident, "lin", PROJECT, NOW)
    back = act(merged.incident, "split")

    assert merged.incident.state is IncidentState.MERGED
    assert merged.cancel_intents == "superseded"
    assert survivor.events[0].data["code"] == merged.incident.code
    assert on_grade(merged.incident, seen(99), make_grade(Level.RED), PROJECT, NOW) is None
    assert back.incident.epoch == 2
    assert back.incident.merged_into is None


def test_merging_into_an_ended_incident_is_refused() -> None:
    other = replace(closed(), incident_id=raised().incident.incident_id + "x")
    with pytest.raises(IllegalMove, match="只能并入未结束的事件"):
        act(raised().incident, "merge", into=other)


def test_config_change_does_not_alter_the_frozen_ladder() -> None:
    change = raised()
    other = make_project(
        routes=[{"id": "everything", "owner": "wu", "chain": ["wu"]}],
        owners=owners(),
    )
    stepped = on_timer(
        change.incident, change.timers[0], other, change.timers[0].due_at, links=LINKS
    )

    assert recipients(stepped) == ["chen"]


def test_deleted_person_is_replaced_by_the_fallback() -> None:
    change = raised()
    fewer = make_project(
        owners=[entry for entry in owners() if entry["id"] != "chen"],
        routes=[{"id": "everything", "owner": "lin"}],
    )
    stepped = on_timer(
        change.incident, change.timers[0], fewer, change.timers[0].due_at, links=LINKS
    )

    assert recipients(stepped) == ["sun", "wu"]


def test_company_without_a_single_channel_still_keeps_the_incident() -> None:
    mute = make_project(channels=[])
    change = on_grade(None, seen(), make_grade(), mute, NOW)

    assert change is not None
    assert change.intents == ()
    assert "没有任何人" in change.incident.policy.reason
