"""Small factories of records: every field has a lifelike default, name only what matters."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from storage.records import (
    Assignment,
    BrandHit,
    BrandId,
    Change,
    ChannelId,
    Cluster,
    ClusterEvent,
    ClusterId,
    DetailLink,
    EscalationStep,
    Evidence,
    FetchEvent,
    Grade,
    Incident,
    IncidentEvent,
    IncidentId,
    IncidentState,
    Intent,
    IntentId,
    ItemKey,
    Level,
    Mention,
    MentionId,
    OwnerId,
    Polarity,
    Policy,
    RawMention,
    Reason,
    ShardChanges,
    ShardId,
    SourceId,
    SourceState,
    Surge,
    Term,
    Timer,
    Verdict,
)

NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)  # a Tuesday, noon in Shanghai
BRAND = BrandId("yunque")
SHARD = ShardId("yunque/zh")
SOURCE = SourceId("tousu")
TEXT = "买的云雀净水器第三批次滤芯漏水，客服一直推脱，申请退款也没人理。"


def ago(**units: float) -> datetime:
    """An instant before NOW: `ago(hours=3)`."""
    return NOW - timedelta(**units)


def make_raw(n: int = 0, **fields: Any) -> RawMention:
    """Make what a source says; `n` alone makes it another item with another text."""
    values: dict[str, Any] = {
        "source_id": SOURCE,
        "text": f"{TEXT}（第{n}单）",
        "title": f"净水器漏水无人处理 {n}",
        "observed_at": NOW,
        "published_at": NOW - timedelta(minutes=30),
        "url": f"https://tousu.example/post/{n}?from=list",
        "canonical_url": f"https://tousu.example/post/{n}",
        "platform": "tousu",
        "author": f"用户{n}",
        "region": "上海",
    }
    return RawMention(**(values | fields))


def make_mention(mention_id: int = 1, **fields: Any) -> Mention:
    """Make a mention; its id makes the rest of it unlike others."""
    values: dict[str, Any] = {
        "mention_id": MentionId(mention_id),
        "item_key": ItemKey(f"tousu:{mention_id}"),
        "source_id": SOURCE,
        "platform": "tousu",
        "title": f"净水器漏水无人处理 {mention_id}",
        "text": f"{TEXT}（第{mention_id}单）",
        "published_at": NOW - timedelta(minutes=30),
        "observed_at": NOW,
        "url": f"https://tousu.example/post/{mention_id}",
        "author": f"用户{mention_id}",
        "author_key": f"tousu:用户{mention_id}",
        "region": "上海",
    }
    return Mention(**(values | fields))


def make_verdict(mention_id: int = 1, **fields: Any) -> Verdict:
    """Make a sure negative verdict on a mention."""
    values: dict[str, Any] = {
        "mention_id": MentionId(mention_id),
        "brand_id": BRAND,
        "model_version": "test-1",
        "negative": 0.93,
        "polarity": Polarity.NEGATIVE,
        "issue_class": "产品质量",
        "terms": (Term(text="漏水", weight=1.25), Term(text="推脱", weight=0.5)),
        "hits": (
            BrandHit(brand_id=BRAND, alias="云雀", field="text", start=2, end=4, product="净水器"),
        ),
        "products": ("净水器",),
    }
    return Verdict(**(values | fields))


def fingerprint_of(text: str) -> int:
    """A signed 64-bit key of a text, for assignments that no clusterer made."""
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def make_assignment(mention_id: int = 1, **fields: Any) -> Assignment:
    """Make the assignment of a mention to cluster yunque-aaaaaaaa."""
    values: dict[str, Any] = {
        "mention_id": MentionId(mention_id),
        "cluster_id": ClusterId("yunque-aaaaaaaa"),
        "seq": mention_id,
        "score": 0.8,
        "fingerprint": fingerprint_of(f"text {mention_id}"),
        "sketch": b"\x01\x02",
    }
    return Assignment(**(values | fields))


def make_cluster(cluster_id: str = "yunque-aaaaaaaa", **fields: Any) -> Cluster:
    """Make a live cluster."""
    values: dict[str, Any] = {
        "cluster_id": ClusterId(cluster_id),
        "shard_id": SHARD,
        "brand_id": BRAND,
        "size": 1,
        "first_at": NOW - timedelta(hours=2),
        "last_at": NOW - timedelta(minutes=30),
        "label": "第三批次滤芯漏水",
        "keywords": ("漏水", "滤芯", "退款"),
        "blob": b"state",
    }
    return Cluster(**(values | fields))


def make_cluster_event(cluster_id: str = "yunque-aaaaaaaa", **fields: Any) -> ClusterEvent:
    """Make the journal row of an opened cluster."""
    values: dict[str, Any] = {"cluster_id": ClusterId(cluster_id), "kind": "open", "at": NOW}
    return ClusterEvent(**(values | fields))


def make_shard_changes(**fields: Any) -> ShardChanges:
    """Make what one batch changed in shard yunque/zh."""
    return ShardChanges(**({"shard_id": SHARD} | fields))


def make_surge(**fields: Any) -> Surge:
    """Make a spike of 12 authors in 6 hours where 1 was expected."""
    values: dict[str, Any] = {
        "kind": "spike",
        "setting": "page",
        "window_hours": 6,
        "observed": 12,
        "expected": 1.0,
        "p_value": 1e-9,
        "ratio": 12.0,
        "threshold": 8.0,
        "reason": "spike_page",
        "baseline_days": 14.0,
    }
    return Surge(**(values | fields))


def make_grade(level: Level = Level.ORANGE, **fields: Any) -> Grade:
    """Make a grade with one reason."""
    values: dict[str, Any] = {
        "level": level,
        "score": 20.0 * level.value,
        "reasons": (
            Reason(code="spike", text="6 小时内 12 位作者，平时约 1 位", value=12.0, points=30.0),
        ),
        "surge": make_surge(),
        "rule_version": "test-1",
        "at": NOW,
        "quiet_if": "少于 8 位作者",
    }
    return Grade(**(values | fields))


def make_evidence(**fields: Any) -> Evidence:
    """Make the evidence of a cluster with one complaint."""
    values: dict[str, Any] = {
        "cluster": make_cluster(),
        "mentions": 1,
        "authors": 1,
        "texts": 1,
        "live_authors": ((NOW - timedelta(minutes=30), "tousu:用户1"),),
        "watch_authors": ((NOW - timedelta(minutes=30), "tousu:用户1"),),
        "platforms": ("tousu",),
        "issue_classes": (("产品质量", 1),),
        "first_at": NOW - timedelta(minutes=30),
        "last_at": NOW - timedelta(minutes=30),
        "samples": (MentionId(1),),
    }
    return Evidence(**(values | fields))


def make_policy(**fields: Any) -> Policy:
    """Make a policy with two escalation steps."""
    values: dict[str, Any] = {
        "route_id": "quality",
        "owner_id": OwnerId("lin"),
        "also": (OwnerId("zhao"),),
        "steps": (
            EscalationStep(after_s=900, owner_ids=(OwnerId("zhao"),)),
            EscalationStep(after_s=1500, owner_ids=(OwnerId("chen"),)),
        ),
        "ack_lease_s": 3600,
        "fallback": (OwnerId("chen"),),
        "reason": "first match: quality",
    }
    return Policy(**(values | fields))


def make_incident(incident_id: str = "01TESTINCIDENT", **fields: Any) -> Incident:
    """Make an open orange incident after its first event."""
    values: dict[str, Any] = {
        "incident_id": IncidentId(incident_id),
        "code": f"舆-{incident_id[-4:]}",
        "brand_id": BRAND,
        "cluster_id": ClusterId("yunque-aaaaaaaa"),
        "state": IncidentState.OPEN,
        "epoch": 1,
        "level": Level.ORANGE,
        "title": "第三批次滤芯漏水",
        "issue_class": "产品质量",
        "owner_id": OwnerId("lin"),
        "policy": make_policy(),
        "grade": make_grade(),
        "opened_at": NOW,
        "updated_at": NOW,
        "seq": 1,
        "told": (OwnerId("lin"),),
    }
    return Incident(**(values | fields))


def make_incident_event(incident_id: str = "01TESTINCIDENT", **fields: Any) -> IncidentEvent:
    """Make the first event of an incident."""
    values: dict[str, Any] = {
        "incident_id": IncidentId(incident_id),
        "seq": 1,
        "kind": "raised",
        "at": NOW,
        "actor": "system",
        "epoch": 1,
        "data": {"level": 3, "reason": "spike_page"},
    }
    return IncidentEvent(**(values | fields))


def make_timer(incident_id: str = "01TESTINCIDENT", **fields: Any) -> Timer:
    """Make the timer of the first escalation step."""
    values: dict[str, Any] = {
        "incident_id": IncidentId(incident_id),
        "epoch": 1,
        "kind": "step",
        "step": 1,
        "due_at": NOW + timedelta(minutes=15),
    }
    return Timer(**(values | fields))


def make_intent(intent_id: str = "intent-1", **fields: Any) -> Intent:
    """Make a pending notice to the owner."""
    values: dict[str, Any] = {
        "intent_id": IntentId(intent_id),
        "incident_id": IncidentId("01TESTINCIDENT"),
        "epoch": 1,
        "kind": "notice",
        "step": 0,
        "recipient_id": OwnerId("lin"),
        "channel_id": ChannelId("bot"),
        "level": Level.ORANGE,
        "subject": "【橙】第三批次滤芯漏水",
        "body": "6 小时内 12 位作者投诉第三批次滤芯漏水。",
        "created_at": NOW,
        "due_at": NOW,
        "deadline_at": NOW + timedelta(minutes=5),
    }
    return Intent(**(values | fields))


def make_change(incident: Incident | None = None, **fields: Any) -> Change:
    """Make the change that raises an incident: event, timer and notice in one."""
    raised = incident or make_incident()
    values: dict[str, Any] = {
        "incident": raised,
        "events": (
            make_incident_event(
                raised.incident_id, seq=raised.seq, source_event_id=f"raise:{raised.cluster_id}"
            ),
        ),
        "timers": (make_timer(raised.incident_id),),
        "intents": (make_intent(f"{raised.incident_id}-0", incident_id=raised.incident_id),),
        "reason": "spike_page",
    }
    return Change(**(values | fields))


def make_source_state(source_id: str = SOURCE, **fields: Any) -> SourceState:
    """Make the state of a source that was never polled."""
    return SourceState(**({"source_id": SourceId(source_id)} | fields))


def make_fetch_event(source_id: str = SOURCE, **fields: Any) -> FetchEvent:
    """Make the event of a poll that brought three items."""
    values: dict[str, Any] = {
        "source_id": SourceId(source_id),
        "at": NOW,
        "url": "https://tousu.example/list",
        "outcome": "ok",
        "http_status": 200,
        "size_bytes": 5120,
        "duration_ms": 80,
        "items": 3,
        "new_items": 3,
    }
    return FetchEvent(**(values | fields))


def make_link(n: int = 0, **fields: Any) -> DetailLink:
    """Make a detail link found on a list page."""
    values: dict[str, Any] = {
        "url_hash": f"{n:016x}",
        "source_id": SOURCE,
        "url": f"https://tousu.example/post/{n}",
        "listed": {"title": f"净水器漏水 {n}"},
        "found_at": NOW,
    }
    return DetailLink(**(values | fields))
