import shutil
import threading

import pytest

from config.load import template_dir
from groundswell.reloading import Watch, files_of

_SOON_S = 20.0  # a change is seen within two looks; the machine may be busy


@pytest.fixture
def mine(tmp_path):
    return shutil.copytree(template_dir(), tmp_path / "mine")


@pytest.fixture
def watch(mine):
    watch = Watch(mine, look_s=0.02)
    yield watch
    watch.close()


def test_a_good_change_stops_the_job_once(mine, watch):
    stopped = threading.Event()
    watch.start(stopped.set)
    source = mine / "sources" / "my-feed.yaml"
    source.write_text(source.read_text("utf-8").replace("every: 15m", "every: 20m"), "utf-8")

    assert stopped.wait(_SOON_S)
    assert watch.changed


def test_what_changes_before_it_looks_is_a_change_too(mine, watch):
    (mine / "sources" / "my-feed.yaml").unlink()
    stopped = threading.Event()
    watch.start(stopped.set)

    assert stopped.wait(_SOON_S)


def test_mistakes_are_logged_and_the_job_goes_on_until_they_are_mended(mine, watch, caplog):
    stopped = threading.Event()
    source = mine / "sources" / "my-feed.yaml"
    good = source.read_text("utf-8")
    source.write_text(good.replace("kind: feed", "kind: fed"), "utf-8")
    watch.start(stopped.set)
    assert not stopped.wait(0.5)
    assert not watch.changed
    assert "my-feed.yaml" in "".join(record.getMessage() for record in caplog.records)

    source.write_text(good + "tier: trade\n", "utf-8")
    assert stopped.wait(_SOON_S)


def test_what_configures_nothing_is_no_change(mine):
    before = files_of(mine)
    for name in ("var/groundswell.yaml", "fixtures/a/b/c.yaml", "schemas/x.yaml", "notes.txt"):
        path = mine / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x: 1\n", "utf-8")

    assert files_of(mine) == before
