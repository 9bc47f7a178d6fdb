"""Whatever people and the program do to clusters: counts, places and journal stay one story."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from storage.cluster_checks import EditRefusedError, pairs_apart
from storage.records import ClusterId, MentionId
from storage.store import Store
from tests.make import NOW
from tests.storage.cluster_drive import Shard
from tests.storage.drive import rows
from tests.storage.test_cluster_edits import check

LETTERS = "abcdefghijklmnopqrstuvwxyz"
PEOPLE = ("linxiao", "zhoulan")


class Clusters(RuleBasedStateMachine):
    """Gathers, merges, splits and takes back at random; the journal must explain every place."""

    template = Path()  # an empty database

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        path = Path(self.folder.name) / "machine.db"
        shutil.copy(self.template, path)
        self.store = Store(f"sqlite:///{path}")
        self.shard = Shard(self.store)
        self.letters = iter(LETTERS)
        self.places: dict[int, str] = {}
        self.seen = 0

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    # --- choosing --------------------------------------------------------------------------------

    def filled(self) -> list[str]:
        return sorted(self.shard.members())

    def pick(self, n: int) -> ClusterId:
        found = self.filled()
        return ClusterId(found[n % len(found)])

    def edit(self, act: str, *values, **named):
        """Do an edit, or be refused and change nothing."""
        before = rows(self.store, "mention_cluster"), rows(self.store, "cluster")
        try:
            with self.store.transaction() as tx:
                return getattr(tx, act)(*values, PEOPLE[self.seen % 2], NOW, **named)
        except EditRefusedError:
            assert (rows(self.store, "mention_cluster"), rows(self.store, "cluster")) == before
            return None

    # --- the program -----------------------------------------------------------------------------

    @initialize(sizes=st.lists(st.integers(1, 4), min_size=2, max_size=3))
    def begin(self, sizes) -> None:
        for size in sizes:
            self.shard.open(next(self.letters), size)

    @rule(size=st.integers(1, 3))
    def open(self, size) -> None:
        letter = next(self.letters, None)
        if letter is not None:
            self.shard.open(letter, size)

    @precondition(filled)
    @rule(n=st.integers(0, 9), of=st.integers(0, 9), copies=st.booleans())
    def join(self, n, of, copies) -> None:
        cluster = self.pick(n)
        texts = [
            row["mention_pk"]
            for row in rows(self.store, "mention_cluster")
            if row["cluster_id"] == cluster and row["duplicate_of"] is None
        ]
        self.shard.join(cluster, copy_of=texts[of % len(texts)] if copies else None)

    @precondition(filled)
    @rule(n=st.integers(0, 9), m=st.integers(0, 9))
    def merge_by_program(self, n, m) -> None:
        one, other = self.pick(n), self.pick(m)
        with self.store.look() as connection:
            kept_apart = pairs_apart(connection, self.shard.brand_id)
        if one != other and tuple(sorted((one, other))) not in kept_apart:
            self.shard.merge(one, other)

    @precondition(filled)
    @rule(n=st.integers(0, 9), share=st.integers(1, 3))
    def split_by_program(self, n, share) -> None:
        cluster = self.pick(n)
        members = sorted(self.shard.members()[cluster])
        letter = next(self.letters, None)
        if letter is not None and len(members) > share:
            self.shard.split(cluster, letter, members[:share])

    @precondition(filled)
    @rule(n=st.integers(0, 30))
    def judged_again(self, n) -> None:
        members = sorted(self.places)
        with self.store.transaction() as tx:
            tx.save_verdicts([MentionId(members[n % len(members)])], [], NOW)

    # --- people ----------------------------------------------------------------------------------

    @precondition(filled)
    @rule(n=st.integers(0, 9), m=st.integers(0, 9))
    def merge(self, n, m) -> None:
        """Merge, and take it back on every other turn: everything is where it was."""
        before = dict(self.places)
        done = self.edit("merge_clusters", self.pick(n), self.pick(m))
        if done is not None and n % 2:
            self.explain()
            self.edit("undo_cluster_event", done.events[0].event_no)
            assert {k: v for c, ms in self.shard.members().items() for k in ms for v in [c]} == (
                before
            )

    @precondition(filled)
    @rule(n=st.integers(0, 9), chosen=st.sets(st.integers(0, 5), max_size=3))
    def split(self, n, chosen) -> None:
        cluster = self.pick(n)
        members = sorted(self.shard.members()[cluster])
        self.edit("split_cluster", cluster, sorted({members[c % len(members)] for c in chosen}))

    @precondition(filled)
    @rule(n=st.integers(0, 9), chosen=st.sets(st.integers(0, 20), max_size=3))
    def move(self, n, chosen) -> None:
        everyone = sorted(self.places)
        self.edit("move_mentions", sorted({everyone[c % len(everyone)] for c in chosen}),
                  self.pick(n))  # fmt: skip

    @precondition(filled)
    @rule(n=st.integers(0, 9), m=st.integers(0, 9), are=st.booleans())
    def apart(self, n, m, are) -> None:
        self.edit("set_apart" if are else "bring_together", self.pick(n), self.pick(m))

    @precondition(filled)
    @rule(n=st.integers(0, 9), label=st.sampled_from(["滤芯漏水", "客服电话打不通", ""]))
    def rename(self, n, label) -> None:
        self.edit("rename_cluster", self.pick(n), label)

    @rule(back=st.integers(0, 12))
    def undo(self, back) -> None:
        journal = self.shard.journal()
        self.edit("undo_cluster_event", journal[max(0, len(journal) - 1 - back)]["event_no"])

    # --- what always holds -----------------------------------------------------------------------

    @invariant()
    def holds(self) -> None:
        self.explain()
        check(self.shard)

    def explain(self) -> None:
        """Every mention that changed its cluster did so by a row that is new in the journal."""
        journal = [row for row in self.shard.journal() if row["event_no"] > self.seen]
        moved: dict[int, set[int]] = {}
        for row in rows(self.store, "cluster_moved"):
            moved.setdefault(row["event_no"], set()).add(row["mention_pk"])
        members = {pk: c for c, ms in self.shard.members().items() for pk in ms}
        for pk, before in self.places.items():
            place = before
            for row in journal:
                if row["kind"] == "merge" and row["other_id"] == place:
                    place = row["cluster_id"]
                elif row["kind"] == "split" and pk in moved.get(row["event_no"], ()):
                    place = row["other_id"]
                elif row["kind"] == "move" and pk in moved.get(row["event_no"], ()):
                    place = row["cluster_id"]
                elif row["kind"] == "retract" and row["mention_id"] == pk:
                    place = None
                elif row["kind"] == "undo" and row["other_id"] is not None:
                    sides = {row["cluster_id"], row["other_id"]}
                    place = members.get(pk) if place in sides else place
            assert members.get(pk) == place
        self.places = members
        self.seen = max((row["event_no"] for row in journal), default=self.seen)


@pytest.fixture
def machine(sqlite_template: Path) -> type[Clusters]:
    """On SQLite; tests/storage/test_cluster_edits.py holds both databases to the same."""
    return type("Machine", (Clusters,), {"template": sqlite_template})


def test_any_run_of_edits_keeps_counts_places_and_journal_together(machine):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=5, stateful_step_count=9, deadline=None, derandomize=True,
            suppress_health_check=list(HealthCheck), phases=(Phase.generate,),
        ),
    )  # fmt: skip
