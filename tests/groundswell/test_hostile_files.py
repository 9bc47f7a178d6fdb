"""Tables that are broken, old or meant to harm: told row by row, and nothing is poisoned."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.complainants import fold_people
from alerts.incidents import fold
from groundswell import wiring
from groundswell.complainant_files import read_lines
from groundswell.complainants import take_file
from groundswell.replay import SteppedClock
from groundswell.wiring import Application
from storage.complainant_checks import check_complainants
from storage.incident_checks import check_incidents
from storage.store import Store
from tests.groundswell.test_complainants import do, first_wave, people
from tests.groundswell.test_pipeline import NOW, project


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
