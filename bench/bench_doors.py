"""How fast mentions come in by the push API: calls over real HTTP into a real database.

Printed per database and size of a call: rows a second of wall time with one client, and what a
repeat of the same calls takes (nothing is written then).
"""

from __future__ import annotations

import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx

from config.load import example_dir, load
from groundswell import wiring
from groundswell.clock import RealClock
from groundswell.console.app import create_app
from groundswell.doors import make_key
from tests.console.world import HASHER, Stage

ROWS = 6000
TEXT = (
    "澜禾养生壶用了第{}天底座就发烫冒烟，客服让我自己寄回去，运费还要我出，"
    "在群里一问好几个人都是这样，质量太差了，必须给个说法。"
)


def mentions(start: int, n: int) -> bytes:
    rows = [
        {
            "id": f"p{i}",
            "text": TEXT.format(i),
            "url": f"https://bbs.example/t/{i}",
            "author": f"用户{i}",
            "published_at": "2026-11-20T09:30:00+08:00",
            "views": 12,
        }
        for i in range(start, start + n)
    ]
    return json.dumps(rows, ensure_ascii=False).encode()


def push_all(url: str, keys: list[str], size: int) -> float:
    began = time.perf_counter()
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        for n, start in enumerate(range(0, ROWS, size)):
            headers = {
                "Authorization": f"Bearer {keys[n % len(keys)]}",
                "Content-Type": "application/json",
            }
            reply = client.post("/api/v1/mentions", content=mentions(start, size), headers=headers)
            assert reply.status_code == 200, reply.text
            assert reply.json()["accepted"] == size
    return time.perf_counter() - began


def main() -> None:
    print("rows a call   new rows/s   repeated rows/s")
    for size in (1000, 100, 10):
        with tempfile.TemporaryDirectory() as folder, Stage() as stage:
            store = wiring.open_store(f"sqlite:///{Path(folder) / 'bench.db'}")
            application = wiring.wire(load(example_dir(), environ={}), store, RealClock())
            stage.app = create_app(
                store,
                application.project,
                application.desk,
                application.clock,
                lambda *_: None,  # type: ignore[arg-type,return-value]
                application.links,
                keep=application.journey.keep_each,
                hasher=HASHER,
            )
            now = datetime.now(UTC)
            # a key may call 60 times a minute: small calls are spread over several keys
            keys = [
                make_key(store, "push", f"k{n}", by="bench", now=now)
                for n in range(max(1, 2 * ROWS // size // 50))
            ]
            first = push_all(stage.url, keys, size)
            again = push_all(stage.url, keys, size)
            print(f"{size:11d}   {ROWS / first:10.0f}   {ROWS / again:15.0f}")
            store.close()


if __name__ == "__main__":
    main()
