"""Looks the rows of complainants over: each is what its incident's log says, and no row is alone.

In: a store and the fold, which is deciding and lives above. Out: Faults. Rows are a cache: what
differs is written anew from the log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import sqlalchemy as sa

from storage import tables
from storage.checking import Fault
from storage.columns import upsert
from storage.queries import Queries
from storage.records import Complainant, IncidentEvent, IncidentId
from storage.rows import columns_of
from storage.store import Store

FoldPeople = Callable[[Sequence[IncidentEvent]], Mapping[str, Complainant]]
_row = tables.complainant
# the events that name complainants (alerts.complainants)
_KINDS = (
    "contacted",
    "given",
    "people_added",
    "people_imported",
    "confirmed",
    "complained_again",
)


def check_complainants(store: Store, fold: FoldPeople, *, repair: bool = False) -> list[Fault]:
    """Return the incidents whose rows differ from their log, after a repair if asked for."""
    event = tables.incident_event
    named = sa.select(event.c.incident_id).where(event.c.kind.in_(_KINDS))
    with store.read() as queries:
        ids = sorted(
            {
                *queries.connection.scalars(named.distinct()),
                *queries.connection.scalars(sa.select(_row.c.incident_id).distinct()),
            }
        )
    return [fault for one in ids for fault in _check(store, IncidentId(one), fold, repair=repair)]


def _check(store: Store, incident_id: IncidentId, fold: FoldPeople, *, repair: bool) -> list[Fault]:
    with store.transaction() as tx:
        queries: Queries = tx.queries
        folded = {
            name: columns_of(one, _row)
            for name, one in fold(queries.incident_events(incident_id)).items()
        }
        kept = {
            name: columns_of(one, _row)
            for name, one in queries.complainant_rows(incident_id).items()
        }
        wrong = sorted(name for name in {*folded, *kept} if folded.get(name) != kept.get(name))
        if not wrong:
            return []
        if repair:
            gone = [name for name in wrong if name not in folded]
            tx.connection.execute(
                sa.delete(_row).where(
                    _row.c.incident_id == incident_id, _row.c.complainant_id.in_(gone)
                )
            )
            upsert(tx.connection, _row, [folded[name] for name in wrong if name in folded])
        incident = queries.incident(incident_id)
        where = incident.code if incident else incident_id
        return [Fault(kind="people", where=where, seen=f"{len(wrong)} 位", repaired=repair)]
