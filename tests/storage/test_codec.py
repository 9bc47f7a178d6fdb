from __future__ import annotations

import json
import math
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from config.errors import StoreError
from storage import codec
from storage.records import (
    Assignment,
    Change,
    Delivery,
    Digest,
    Evidence,
    FetchEvent,
    Grade,
    Incident,
    IncidentEvent,
    Intent,
    Policy,
    Surge,
    Timer,
    Verdict,
)
from tests.make import NOW, make_change, make_incident


def _aware(value):
    """Hypothesis makes naive instants; records never hold one."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    if isinstance(value, tuple):
        return tuple(_aware(item) for item in value)
    if is_dataclass(value):
        return replace(
            value, **{item.name: _aware(getattr(value, item.name)) for item in fields(value)}
        )
    return value


def _round_trip(record):
    stored = json.loads(json.dumps(codec.encode(record), ensure_ascii=False))
    return codec.decode(type(record), stored)


@pytest.mark.parametrize(
    "kind", [Incident, Policy, Grade, Surge, Timer, FetchEvent, Delivery, Verdict]
)
def test_every_record_comes_back_equal(kind):
    @settings(max_examples=30, deadline=None)
    @given(st.from_type(kind))
    def check(made):
        record = _aware(made)
        assume("NaN" not in json.dumps(codec.encode(record)))  # never equal to itself
        assert _round_trip(record) == record

    check()


def test_a_whole_change_comes_back_equal():
    change = make_change()

    assert _round_trip(change) == change


def test_infinite_figures_survive():
    incident = make_incident()
    grade = replace(incident.grade, surge=replace(incident.grade.surge, ratio=math.inf))
    infinite = replace(incident, grade=grade)

    assert _round_trip(infinite) == infinite


def test_other_zones_come_back_as_utc():
    shanghai = timezone(timedelta(hours=8))
    timer = codec.decode(
        Timer,
        {
            "incident_id": "a",
            "epoch": 1,
            "kind": "step",
            "step": 1,
            "due_at": "2026-03-10T12:00:00+08:00",
        },
    )

    assert timer.due_at == NOW
    assert timer.due_at.tzinfo is UTC
    assert codec.encode(datetime(2026, 3, 10, 12, tzinfo=shanghai)) == "2026-03-10T04:00:00+00:00"


def test_defaults_are_left_out_so_that_old_rows_stay_readable():
    assert "merged_into" not in codec.encode(make_incident())
    assert codec.encode(date(2026, 3, 10)) == "2026-03-10"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"colour": "red"}, "unknown field 'colour'"),
        ({"state": "asleep"}, "Incident.state: 'asleep' is no IncidentState"),
        ({"seq": "1"}, "Incident.seq: expected int, got '1'"),
        ({"seq": True}, "Incident.seq: expected int, got True"),
        ({"dormant": 1}, "Incident.dormant: expected bool, got 1"),
        ({"opened_at": "yesterday"}, "Incident.opened_at: 'yesterday' is no datetime"),
        ({"policy": []}, "Incident.policy: expected dict"),
        ({"told": "lin"}, "Incident.told: expected list"),
        ({"told": [1]}, "Incident.told[0]: expected str, got 1"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(change, text):
    with pytest.raises(StoreError, match=r".*") as caught:
        codec.decode(Incident, codec.encode(make_incident()) | change)

    assert text in str(caught.value)


def test_a_missing_field_is_refused_by_name():
    stored = codec.encode(make_incident())
    del stored["cluster_id"]

    with pytest.raises(StoreError, match="field 'cluster_id' is missing"):
        codec.decode(Incident, stored)


def test_tuples_of_fixed_length_are_checked():
    with pytest.raises(StoreError, match="expected 2 values, got 3"):
        codec.decode(Evidence, {"cluster": None, "issue_classes": [["其他", 1, 2]]} | _cluster())


def _cluster():
    return {"cluster": {"cluster_id": "a", "shard_id": "b/zh", "brand_id": "b"}}


@pytest.mark.parametrize("kind", [IncidentEvent, Intent, Change, Digest, Assignment])
def test_every_field_of_the_journal_has_a_type_the_codec_knows(kind):
    hints = codec._hints(kind)

    assert hints.keys() >= {item for item in kind.__slots__ if not item.startswith("_")}
