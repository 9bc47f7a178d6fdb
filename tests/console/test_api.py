"""The push API: who may call, what a call does, and what a bad call gets."""

from __future__ import annotations

import http.client
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from groundswell.console.api import BODY_LIMIT, CALLS
from groundswell.console.openapi import document
from groundswell.doors import Limiter, digest, make_key, revoke_key
from groundswell.importing_values import CONTACTS, FIELDS
from tests.console.world import World, csrf_of

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
PATH = "/api/v1/mentions"


def key_for(world: World, name: str = "舆情供应商", **changes: Any) -> str:
    return make_key(world.store, "push", name, by="admin", now=datetime.now(UTC), **changes)


def send(world: World, key: str, body: object, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return world.client().post(PATH, content=content, headers=sent)


def mention(n: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"post-{n}",
        "text": f"澜禾养生壶第 {n} 次烧水就漏电，客服让我自己寄回去",
        "url": f"https://bbs.example/t/{n}",
        "author": f"阿青{n}",
        "published_at": "2026-11-20T09:30:00+08:00",
        **changes,
    }


def stored(world: World) -> list[dict[str, Any]]:
    with world.store.read() as queries:
        return queries.table_rows("mention")


def test_a_call_keeps_its_mentions_and_a_repeat_answers_the_same(world: World) -> None:
    key = key_for(world)
    first = send(world, key, [mention(1), mention(2)])
    again = send(world, key, {"mentions": [mention(1), mention(2)]})

    assert first.status_code == again.status_code == 200
    assert first.json()["results"] == again.json()["results"]
    assert first.json()["changed"] == {"kept": 2}
    assert again.json()["changed"] == {"duplicate": 2}
    rows = stored(world)
    assert [row["mention_pk"] for row in rows] == [
        result["mention"] for result in first.json()["results"]
    ]
    assert rows[0]["source_id"] == "push:舆情供应商"
    assert rows[0]["platform"] == "舆情供应商"
    page = world.client("linxiao").get(f"/mentions/{rows[0]['mention_pk']}").text
    assert "推送：舆情供应商" in page
    assert "push:" not in page
    with world.store.read() as queries:
        [token] = queries.tokens("push")
        lines = [row["detail"] for row in queries.table_rows("audit") if row["action"] == "push"]
        assert queries.counts()["pending_understand"] == 2  # the main job carries them on
    assert (token.uses, lines) == (2, ["kept=2 rejected=0"])
    assert key not in str(token)


def test_a_changed_text_of_the_same_id_is_a_revision_of_the_same_mention(world: World) -> None:
    key = key_for(world)
    first = send(world, key, [mention()]).json()
    second = send(world, key, [mention(text="澜禾养生壶漏电，客服同意换新了")]).json()

    assert first["results"] == second["results"]
    assert second["changed"] == {"revised": 1}


def test_lines_of_json_are_a_call_too(world: World) -> None:
    lines = "\n".join(json.dumps(mention(n), ensure_ascii=False) for n in range(3)) + "\n"
    reply = send(world, key_for(world), lines.encode(), Content_Type="application/x-ndjson")

    assert reply.json()["accepted"] == 3


def test_what_is_wrong_with_a_row_stands_at_the_row_and_the_others_are_kept(world: World) -> None:
    rows: list[Any] = [
        mention(1),
        mention(2, published_at="2027-05-01T00:00:00Z"),
        mention(3, autor="x"),
        mention(4, text="", title=""),
        mention(5, text="好" * 200_001),
        mention(6, url="javascript:alert(1)"),
        mention(7, reposts=-1),
        mention(8, likes=1e300),
        "不是对象",
        {"text": "没有 id 也没有链接"},
        mention(11, text={"nested": 1}),
        mention(12, published_at="0001-01-01"),
        mention(13, published_at="某天"),
        mention(14, channel="secret"),
        mention(15, history=True, title="\ud800半个字\x00"),
    ]
    answer = send(world, key_for(world), rows).json()

    reasons = {r["index"]: r["reason"] for r in answer["results"] if r["outcome"] == "rejected"}
    assert [r["index"] for r in answer["results"]] == list(range(len(rows)))
    assert set(reasons) == set(range(1, 14))
    assert "has not come yet" in reasons[1]
    assert reasons[2] == "autor: unknown field; did you mean author?"
    assert reasons[9].startswith("id: expected an id or a url")
    assert reasons[11].startswith("published_at: expected")
    assert [row["history"] for row in stored(world)] == [False, True]


def test_half_a_character_in_a_bad_row_is_answered_and_breaks_nothing(world: World) -> None:
    key = key_for(world)
    rows = [{"id": "\ud800", "text": ""}, {"id": "b", "\udc00": 1}, {"id": [[1]]}, mention(4)]
    reply = send(world, key, rows)

    assert reply.status_code == 200
    assert (reply.json()["accepted"], reply.json()["rejected"]) == (1, 3)
    assert [one["id"] for one in reply.json()["results"]] == ["\ufffd", "b", "", "post-4"]


def test_an_internal_key_makes_internal_mentions_whatever_a_row_says(world: World) -> None:
    key = key_for(world, "客服系统", channel="internal", region="上海")
    send(world, key, [mention(1), mention(2, channel="public")])

    assert {(row["channel"], row["region"]) for row in stored(world)} == {("internal", "上海")}


def test_only_a_good_key_opens_the_door(world: World) -> None:
    key = key_for(world)
    ended = key_for(world, "旧供应商", lasts=timedelta(seconds=-1))
    for headers in (
        {},
        {"Authorization": key},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {key}x"},
        {"Authorization": f"Bearer {ended}"},
        {"Authorization": "Bearer \u00e9"},
        {"Authorization": f"Basic {key}"},
    ):
        raw = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
        reply = world.client().post(PATH, json=[mention()], headers=raw)
        assert reply.status_code == 401, headers
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.headers["www-authenticate"].startswith("Bearer")
        assert "groundswell token create" in reply.json()["detail"]
    revoke_key(world.store, "push", "舆情供应商", by="admin", now=datetime.now(UTC))
    assert send(world, key, [mention()]).status_code == 401
    assert stored(world) == []


def test_a_login_is_no_key_and_a_reporters_link_is_none_either(world: World) -> None:
    client = world.client("linxiao")
    csrf = csrf_of(client.get("/").text)
    assert client.post(PATH, json=[mention()], headers={"X-CSRF": csrf}).status_code == 401
    link = make_key(world.store, "reporter", "徐汇店", by="admin", now=datetime.now(UTC))
    assert send(world, link, [mention()]).status_code == 401


def drain(limiter: Limiter, key: str) -> None:
    """Empty a bucket as calls would, a minute ahead, so that no slow test refills it."""
    ahead = datetime.now(UTC) + timedelta(minutes=1)
    while not limiter.wait_s(key, ahead):
        pass


def test_an_address_that_tries_keys_has_to_wait_while_a_good_key_goes_on(world: World) -> None:
    key = key_for(world)
    assert send(world, "gsp_guess", [mention()]).status_code == 401
    drain(world.app.state.api.strangers, "127.0.0.1")
    late = send(world, "gsp_guess", [mention()])

    assert late.status_code == 429
    assert int(late.headers["retry-after"]) >= 1
    assert send(world, key, [mention()]).status_code == 200


def test_a_key_that_calls_too_often_is_told_when_to_come_back(world: World) -> None:
    key, other = key_for(world), key_for(world, "另一家")
    assert send(world, key, [mention()]).status_code == 200
    drain(world.app.state.api.calls, digest(key))
    late = send(world, key, [mention()])

    assert late.status_code == 429
    assert 1 <= int(late.headers["retry-after"]) <= 60
    assert "1000 mentions" in late.json()["detail"]
    assert send(world, other, [mention()]).status_code == 200


BAD_CALLS: list[tuple[bytes, dict[str, str], int, str]] = [
    (b"{not json", {}, 400, "send UTF-8 JSON"),
    (b"[" * 200_000, {}, 400, "nested"),
    (b'[{"id": "1", "text": "x", "likes": NaN}]', {}, 400, "NaN"),
    ("[]".encode("utf-16"), {}, 400, "UTF-8"),
    (b"[]", {}, 400, "array of mentions"),
    (b'{"mention": []}', {}, 400, "array of mentions"),
    (b"7", {}, 400, "array of mentions"),
    (json.dumps([{}] * 1001).encode(), {}, 413, "at most 1000"),
    (b"a=1", {"Content_Type": "application/x-www-form-urlencoded"}, 415, "application/json"),
    (b"[]", {"Content_Encoding": "gzip"}, 415, "uncompressed"),
    (b" " * (BODY_LIMIT + 1), {}, 413, "split it"),
]


def test_a_call_that_cannot_be_read_is_refused_with_what_to_do(world: World) -> None:
    key = key_for(world)
    for body, headers, status, said in BAD_CALLS:
        reply = send(world, key, body, **headers)

        assert (reply.status_code, reply.json()["status"]) == (status, status), body[:20]
        assert reply.headers["content-type"] == "application/problem+json"
        assert said in reply.json()["detail"], body[:20]
    assert stored(world) == []


def test_a_body_without_a_length_is_cut_off_at_the_limit(world: World) -> None:
    key = key_for(world)
    connection = http.client.HTTPConnection(world.url.removeprefix("http://"), timeout=20)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    parts = (b" " * 65536 for _ in range(BODY_LIMIT // 65536 + 2))
    try:
        connection.request("POST", PATH, body=parts, headers=headers, encode_chunked=True)
        assert connection.getresponse().status == 413
    except (BrokenPipeError, ConnectionResetError):
        pass  # the server had seen enough and hung up
    finally:
        connection.close()
    body = json.dumps([mention()]).encode()
    connection = http.client.HTTPConnection(world.url.removeprefix("http://"), timeout=20)
    connection.request("POST", PATH, body=iter([body]), headers=headers, encode_chunked=True)
    assert connection.getresponse().status == 200
    connection.close()


def test_another_address_under_the_api_is_a_problem_document_too(world: World) -> None:
    reply = world.client().get("/api/v1/nothing")
    assert (reply.status_code, reply.headers["content-type"]) == (404, "application/problem+json")
    assert world.client().get(PATH).status_code == 405


def test_the_document_names_every_field_and_its_bounds(world: World) -> None:
    found = world.client().get("/api/v1/openapi.json").json()
    assert found == document("")
    properties = found["components"]["schemas"]["Mention"]["properties"]
    assert set(properties) == {*FIELDS, "contact"} - set(CONTACTS)
    assert document("https://gs.example/")["servers"] == [{"url": "https://gs.example"}]


def test_a_bucket_refills_with_time_and_not_with_a_clock_set_back() -> None:
    limiter = Limiter(calls=2, per=timedelta(seconds=60))
    assert [limiter.wait_s("a", NOW) for _ in range(3)] == [0, 0, 30]
    assert limiter.wait_s("b", NOW) == 0
    assert limiter.wait_s("a", NOW - timedelta(hours=1)) > 0
    assert limiter.wait_s("a", NOW + timedelta(seconds=31)) == 0
    assert limiter.wait_s("a", NOW + timedelta(seconds=32)) > 0


def test_a_flood_of_keys_takes_bounded_memory_and_keeps_who_called_last() -> None:
    limiter = Limiter(calls=1, per=timedelta(hours=1))
    for n in range(10_500):
        assert limiter.wait_s(str(n), NOW + timedelta(milliseconds=n)) == 0
    assert len(limiter._left) <= 10_000
    assert limiter.wait_s("10499", NOW + timedelta(seconds=11)) > 0


def test_the_example_of_the_documentation_is_accepted(world: World) -> None:
    page = (Path(__file__).parents[2] / "docs/api.zh-CN.md").read_text(encoding="utf-8")
    blocks = [json.loads(part.partition("```")[0]) for part in page.split("```json\n")[1:]]
    answer = send(world, key_for(world), blocks[0]).json()

    assert answer["results"][0]["outcome"] == "accepted"
    assert set(answer) == set(blocks[1])
    assert all(field in page for field in {*FIELDS, "contact"} - {*CONTACTS, "published_time"})
    assert f"每分钟 {CALLS} 次" in page
