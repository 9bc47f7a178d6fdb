"""Rehearsal: thirty days of mentions walked through the present rules; how the cost grows.

Writes members as an engine that polled every two minutes would have left them (four brands,
troubles that break out and fade, clusters that are always talked of, and many that one person
opens), notes the rounds, and times `rehearse` twice: by the rules that judged then, in whose log
nothing came about, so that it is the cost of reading and walking; and by others (yellow from 45
points on), which judge anew, brands shared out over two processes. CPU seconds are of both, too.
`--sizes` in mentions; the target is 100,000 in 60 s on two cores.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from config.schema import Brand, Owner, Project, Route, WebhookChannel
from groundswell.passes import rules_of
from groundswell.rehearsal import rehearse
from groundswell.rehearsal_trial import with_values
from storage import migrate, tables
from storage.store import Store

START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 30
POLL = timedelta(minutes=2)
REGRADE = timedelta(minutes=10)
BRANDS = ("yunque", "baiheng", "lanzhou", "qingmu")
TROUBLES = 60  # that break out in these days, all brands together
STEADY = 40  # clusters that are always talked of
SHARE = (0.35, 0.25)  # of mentions: in troubles, in steady clusters; the rest are single voices


def project() -> Project:
    return Project(
        brands=tuple(Brand(id=one, name=one) for one in BRANDS),
        owners=(Owner(id="linxiao", name="林晓", channels=("hook",), digest_at=None),),
        channels=(WebhookChannel(id="hook", kind="webhook", url="https://hook.example/in"),),
        routes=(Route(id="all", owner="linxiao"),),
        fallback=("linxiao",),
    )


def mentions(n: int, chance: random.Random, days: int) -> Iterator[tuple[datetime, str, str, str]]:
    """Give (when, brand, cluster, author)."""
    names = [f"{chance.choice(BRANDS)}-" for _ in range(TROUBLES + STEADY)]
    begins = [chance.uniform(0, days) for _ in range(TROUBLES)]
    weights = [chance.paretovariate(1.2) for _ in range(TROUBLES + STEADY)]
    for number in range(n):
        kind = chance.random()
        author = f"a{chance.randrange(n)}"
        if kind < SHARE[0]:
            [which] = chance.choices(range(TROUBLES), weights[:TROUBLES])
            day = begins[which] + chance.expovariate(1 / 1.5)
        elif kind < sum(SHARE):
            [which] = chance.choices(range(STEADY), weights[TROUBLES:])
            which += TROUBLES
            day = chance.uniform(0, days)
        else:
            yield _at(chance.uniform(0, days), chance, days), "", f"s{number}", author
            continue
        yield (
            _at(day, chance, days),
            names[which].rstrip("-"),
            f"{names[which]}c{which:07d}",
            author,
        )


def _at(day: float, chance: random.Random, days: int) -> datetime:
    hour = min(23.99, max(0.0, chance.gauss(15, 5)))
    return START + timedelta(days=int(day) % days, hours=hour)


def fill(store: Store, n: int, days: int = DAYS) -> None:
    chance = random.Random(7)
    rows = sorted(mentions(n, chance, days))
    members, clusters, passes = [], {}, []
    waiting: dict[str, list[dict[str, Any]]] = {}
    seqs = dict.fromkeys(BRANDS, 0)
    tick = START
    digest = rules_of(project())
    ends = START + timedelta(days=days)
    place = 0
    checkpoint = {"timers": [], "event_no": 0, "journal": 0}
    while tick < ends:
        if tick.hour == tick.minute == 0:
            passes.append(_pass("checkpoint", tick, digest, data=checkpoint))
        while place < len(rows) and rows[place][0] < tick:
            at, brand, cluster, author = rows[place]
            place += 1
            brand = brand or BRANDS[place % len(BRANDS)]
            name = cluster if "-" in cluster else f"{brand}-{cluster}"
            waiting.setdefault(brand, []).append(_member(place, brand, name, at, author))
        for brand, some in sorted(waiting.items()):
            for member in some:
                seqs[brand] += 1
                member["seq"] = seqs[brand]
                clusters[member["cluster_id"]] = (brand, member["published_at"])
            members += some
            last = seqs[brand]
            passes.append(
                _pass("gather", tick, digest, shard_id=f"{brand}/zh",
                      first_seq=last - len(some) + 1, last_seq=last,
                      data={"live": {brand: 1 + sum(1 for one in seqs if one)}})
            )  # fmt: skip
        waiting.clear()
        if not (tick - START) % REGRADE:
            passes.append(_pass("regrade", tick, digest))
        tick += POLL
    with store.transaction() as tx:
        _write(tx.connection, members, clusters, passes)


def _pass(kind: str, at: datetime, rules: str, **values: Any) -> dict[str, Any]:
    blank = {"shard_id": "", "first_seq": 0, "last_seq": 0, "data": {}}
    return {"kind": kind, "at": at, "rules": rules, **blank, **values}


def _member(number: int, brand: str, cluster: str, at: datetime, author: str) -> dict[str, Any]:
    return {
        "mention_pk": number,
        "brand_id": brand,
        "shard_id": f"{brand}/zh",
        "cluster_id": cluster,
        "home_id": None,
        "seq": 0,
        "score": 0.9,
        "fingerprint": number,
        "text_key": number,
        "sketch": b"",
        "duplicate_of": None,
        "author_key": f"tousu:{author}",
        "published_at": at,
        "gathered_at": at,
        "is_sure": number % 5 > 0,
        "history": False,
        "placed_by": "",
    }


def _write(connection: Any, members: Any, clusters: Any, passes: Any) -> None:
    run = connection.execute
    severity = [["money"], ["regulator"], ["injury"]]
    texts = [
        {
            "month": 202603, "mention_pk": one["mention_pk"], "item_key": f"k{one['mention_pk']}",
            "source_id": "tousu", "platform": "tousu", "title": "", "text": "漏水",
            "published_at": one["published_at"], "observed_at": one["published_at"], "url": "",
            "author": "", "lang": "zh", "region": "", "channel": "public", "tier": "",
            "revision": 0, "history": False, "parent_url": "",
        }
        for one in members
    ]  # fmt: skip
    verdicts = [
        {
            "mention_pk": one["mention_pk"], "brand_id": one["brand_id"], "model_version": "b",
            "is_current": True, "negative": 0.9, "positive": 0.0, "noise": "",
            "polarity": "negative", "issue_class": "产品质量", "lang": "zh",
            "at": one["published_at"],
            "detail": {
                "products": [], "symptoms": ["漏:漏水"] if one["mention_pk"] % 3 else [],
                "severity": severity[one["mention_pk"] % 3] if not one["mention_pk"] % 25 else [],
            },
        }
        for one in members
    ]  # fmt: skip
    named = [
        {
            "cluster_id": name, "shard_id": f"{brand}/zh", "brand_id": brand, "state": "live",
            "alias_of": None, "parent_id": None, "size": 1, "n_duplicates": 0, "first_at": at,
            "last_at": at, "label": "漏水", "named_by": "", "pinned": False, "keywords": [],
            "representative_id": None, "blob": b"",
        }
        for name, (brand, at) in clusters.items()
    ]  # fmt: skip
    rounds = [one | {"pass_no": n} for n, one in enumerate(passes, 1)]
    for table, rows in (
        (tables.mention, texts),
        (tables.verdict, verdicts),
        (tables.cluster, named),
        (tables.mention_cluster, members),
        (tables.grading_pass, rounds),
    ):
        for start in range(0, len(rows), 5000):
            run(sa.insert(table), rows[start : start + 5000])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="25000,50000,100000")
    parser.add_argument("--days", type=float, default=DAYS)
    options = parser.parse_args()
    sizes, days = [int(one) for one in options.sizes.split(",")], options.days
    print(
        "mentions  rules  days  rounds  bytes/mention  seconds  CPU s  peak MB  incidents  alerts"
    )
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{Path(folder) / 'bench.db'}"
            migrate.upgrade(url)
            store = Store(url)
            fill(store, size)
            own = project()
            stricter = with_values(own, ["levels.yellow.score=45"])
            for name, other in (("same", own), ("other", stricter)):
                began, cpu = time.perf_counter(), _cpu()
                until = START + timedelta(days=days)
                found = rehearse(own, store, other, since=START, until=until)
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
                noted = _bytes(store) / size
                print(
                    f"{size:8,}  {name:5}  {days:4.0f}  {found.rounds:6,}  {noted:13.0f}"
                    f"  {time.perf_counter() - began:7.1f}  {_cpu() - cpu:5.1f}  "
                    f"{peak:7,}  {len(found.new):9,}  {sum(found.alerts_after.values()):6,}",
                    flush=True,
                )
            store.close()


def _cpu() -> float:
    """Return the seconds of the processor so far, of those that ended for us, too."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


def _bytes(store: Store) -> int:
    with store.read() as queries:
        text = "SELECT SUM(pgsize) FROM dbstat WHERE name LIKE '%grading_pass%'"
        return int(queries.connection.scalar(sa.text(text)) or 0)


if __name__ == "__main__":
    main()
