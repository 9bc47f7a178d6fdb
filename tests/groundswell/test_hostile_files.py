"""Tables that are broken, old or meant to harm: told row by row, and nothing is poisoned."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from alerts.complainants import fold_people
from alerts.incidents import fold
from config.errors import ConfigError
from config.load import example_dir, load
from groundswell import wiring
from groundswell.complainant_files import read_lines
from groundswell.complainants import take_file
from groundswell.customer_book import NUMBER, customer_key
from groundswell.customer_lists import CustomerDesk
from groundswell.replay import SteppedClock
from groundswell.wiring import Application
from storage.complainant_checks import check_complainants
from storage.customers import CUSTOMER_KEY
from storage.incident_checks import check_incidents
from storage.store import Store
from tests.groundswell.test_complainants import do, first_wave, people
from tests.groundswell.test_pipeline import NOW, project

EXAMPLE = load(example_dir(), environ={})


@pytest.fixture
def application(store: Store) -> Application:
    """An application on both databases: what they keep of a text differs."""
    return wiring.wire(project(), store, SteppedClock(NOW))


def test_what_no_database_keeps_and_impossible_years_poison_nothing(
    application: Application, tmp_path: Path
) -> None:
    incident = first_wave(application)
    path = tmp_path / "回填.csv"
    path.write_text(
        "平台,投诉人,首帖时间,联系时间,状态,依据,渠道\n微博,阿\0禾,,,已解决,换\0货,电话\n"
        "微博,甲,0001-01-01 00:00,,,,\n微博,乙,,0001-01-01 00:00,已解决,换货,电话\n",
        encoding="utf-8",
    )

    lines, bad = read_lines(path, application.project.settings.zone)
    taken = take_file(application.desk, incident.code, lines, bad, "linxiao")
    do(application, incident, "complainants", who=("抖音:小\0青",))

    assert (taken.added, len(taken.problems)) == (1, 2)
    assert {"阿\ufffd禾", "小\ufffd青"} <= {one.author for one in people(application, incident)}
    assert check_incidents(application.store, fold) == []
    assert check_complainants(application.store, fold_people) == []


def test_of_two_lists_brought_at_once_both_digest_with_one_key(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    other = Store(database_url)
    lists = []
    for number, kept in enumerate((store, other)):
        path = tmp_path / f"{number}.csv"
        path.write_text(f"等级,客户编号\nVIP,C{number}\nVIP,both\n", encoding="utf-8")
        desk = CustomerDesk(
            store=kept, project=EXAMPLE, clock=SteppedClock(NOW), pseudonym=lambda _, name: name
        )
        lists.append((desk, path))
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda one: one[0].bring(one[1], "boss", origin="客户"), lists))

    with store.read() as queries:
        secret = queries.meta(CUSTOMER_KEY) or ""
        known = queries.customers([customer_key(secret, NUMBER, "both")])
        [row] = queries.customer_lists()
    other.close()
    assert {one.keys for one in found} == {2}
    assert [one.tier for one in known] == ["vip"]
    assert row["keys"] == 2  # the later one stands alone


def test_broken_rows_count_like_others(tmp_path: Path) -> None:
    path = tmp_path / "回填.csv"
    path.write_bytes("工单\n".encode() + b"\xff\n" * 20_002)

    with pytest.raises(ConfigError, match="more than 20,000 rows"):
        read_lines(path, EXAMPLE.settings.zone)
