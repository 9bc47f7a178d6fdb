"""What a digest says of service limits and of what was silent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from alerts.digest import compose
from storage.records import ClusterId, IncidentId, IncidentState, Meter, Service
from tests.alerts.people import make_project
from tests.alerts.test_digest import NOW, ago, event, facts, incident
from tests.make import make_policy

PROJECT = make_project()
OWNER = PROJECT.owners[0]
SERVICE = Service(
    tier_id="gold", react_s=3600, solve_s=7200, warn_left=0.3, timezone="Asia/Shanghai"
)


def sections(*incidents, events=()):
    found = compose(facts(incidents=incidents, events=events), OWNER, PROJECT.owners, NOW)
    names = {name: [item.code for item in items] for name, items in found.sections}
    return names, found


def test_limit_that_is_passed_has_a_section_of_its_own() -> None:
    policy = replace(make_policy(), service=SERVICE)
    worked_on = incident("aaaa", policy=policy, meter=Meter(at=ago(hours=3)))
    in_time = incident("bbbb", policy=policy, meter=Meter(at=ago(hours=1)))
    waiting = incident(
        "cccc", policy=policy, meter=Meter(at=ago(hours=9)), state=IncidentState.HANDLED
    )
    names, digest = sections(worked_on, in_time, waiting)

    assert names["超过时限"] == ["舆-AAAA"]
    assert names["待客户确认"] == ["舆-CCCC"]
    [item] = next(items for name, items in digest.sections if name == "超过时限")
    assert "解决已超 1 小时" in item.text
    assert "超过时限 1 起" in digest.headline


def test_brand_as_a_whole_has_no_members_to_count() -> None:
    counts = {IncidentId("aaaa"): (0, 0, 0), IncidentId("bbbb"): (9, 7, 5)}
    both = [incident("aaaa", cluster_id=ClusterId("brand:lanhe")), incident("bbbb")]
    digest = compose(facts(incidents=both, counts=counts), OWNER, PROJECT.owners, NOW)
    said = {item.code: item.text for _, items in digest.sections for item in items}

    assert "条提及" not in said["舆-AAAA"]
    assert "7 位作者，9 条提及（当日 5 条）" in said["舆-BBBB"]


def test_silent_incident_is_not_called_late() -> None:
    policy = replace(make_policy(), service=SERVICE)
    muted = incident(
        "aaaa",
        policy=policy,
        meter=Meter(at=ago(hours=3)),
        muted_until=NOW + timedelta(hours=1),
    )
    names, _ = sections(muted)

    assert "超过时限" not in names


def test_notices_that_were_held_are_counted() -> None:
    one = incident("aaaa")
    held = [
        replace(event("aaaa", "held", ago(hours=n)), seq=n, data={"occasion": "escalation"})
        for n in (1, 2)
    ]
    gone_on = replace(event("aaaa", "held", ago(hours=3)), seq=3, data={})
    _, digest = sections(one, events=(*held, gone_on))

    assert dict(digest.numbers)["静默期间未发的通知"] == "2 次"
