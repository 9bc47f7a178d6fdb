"""Open incidents in a store without a pipeline before them: one cluster each, graded by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.incidents import on_grade
from config.schema import Project
from storage.records import Incident, Level
from storage.store import Store
from tests.alerts.people import PlainLinks
from tests.make import make_cluster, make_evidence, make_grade, make_shard_changes

LINKS = PlainLinks()


def raise_incidents(
    store: Store, project: Project, levels: Sequence[Level], now: datetime
) -> list[Incident]:
    """Store one open incident of each level."""
    live = tuple((now - timedelta(minutes=n), f"tousu:人{n}") for n in range(12, 0, -1))
    clusters = [make_cluster(f"yunque-{n:08x}") for n in range(len(levels))]
    found = []
    with store.transaction() as tx:
        tx.save_gathering(make_shard_changes(clusters=tuple(clusters)), [])
        for cluster, level in zip(clusters, levels, strict=True):
            evidence = make_evidence(
                cluster=cluster, authors=12, live_authors=live, watch_authors=live
            )
            taken = {one.code for one in found}
            grade = make_grade(level=level)
            change = on_grade(None, evidence, grade, project, now, links=LINKS, taken=taken)
            assert change is not None
            assert tx.save_change(change)
            found.append(change.incident)
    return found
