"""A version is there whole or not at all, and a damaged one never judges anybody."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest

from classify.sentiment import Scorer
from config.errors import ConfigError, ModelError
from config.schema import Owner
from groundswell.model_upkeep import ModelUpkeep
from groundswell.models import SHIPPED, Live, Registry, models_dir
from storage.store import Store
from tests.groundswell.test_pipeline import NOW, project
from tests.groundswell.test_promotion import make_version, put_to_work


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    monkeypatch.setenv("GROUNDSWELL_MODELS", str(folder))
    return folder


def test_models_lie_beside_a_sqlite_file_unless_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: Path
) -> None:
    assert models_dir(tmp_path / "var" / "groundswell.db") == place
    monkeypatch.delenv("GROUNDSWELL_MODELS")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))

    assert models_dir(tmp_path / "var" / "groundswell.db") == tmp_path / "var" / "models"
    assert models_dir(None) == tmp_path / "home" / "groundswell" / "models"


def test_a_version_is_named_only_when_it_is_whole(place: Path) -> None:
    registry = Registry(place)

    def breaks(folder: Path) -> None:
        (folder / "negative.json").write_text("{}")
        raise OSError(28, "No space left on device")

    with pytest.raises(ModelError, match="No space left"):
        registry.put("negative", "negative-1", breaks)
    assert registry.versions("negative") == []
    registry.sweep()
    assert list((place / "negative").iterdir()) == []


@pytest.mark.parametrize("version", ["", "../negative", "a/b", ".unfinished-x", "a\x00b"])
def test_a_version_is_no_path(place: Path, version: str) -> None:
    with pytest.raises(ConfigError, match="model version"):
        Registry(place).place("negative", version)


def spoil_bytes(folder: Path) -> None:
    path = folder / "negative.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def spoil_manifest(folder: Path) -> None:
    (folder / "version.json").write_text('{"files": 3}')


def swap(folder: Path) -> None:
    """Put other weights in, with digests that fit: not what was promoted."""
    Registry(folder.parent.parent).put(
        "negative", "negative-2", lambda to: [shutil.copy(one, to) for one in folder.iterdir()]
    )
    shutil.rmtree(folder)
    (folder.parent / "negative-2").rename(folder)


@pytest.mark.parametrize(
    "spoil", [spoil_bytes, spoil_manifest, swap, shutil.rmtree], ids=lambda one: one.__name__
)
def test_damaged_weights_fall_back_to_the_shipped_ones_and_the_engineer_is_told_once(
    sqlite_url: str, place: Path, spoil, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(sqlite_url)
    make_version(store, Registry(place), "negative-1")
    put_to_work(store, "negative-1")
    spoil(place / "negative" / "negative-1")
    engineer = Owner(id="gao", name="高工", role="engineer", channels=("hook",), digest_at=None)
    people = project().model_copy(update={"owners": (*project().owners, engineer)})

    with caplog.at_level(logging.WARNING):
        live = Live.of(store)
        assert live.scorer.version == Scorer.load().version
    told = [ModelUpkeep(store=store, project=people, models=live).tell(NOW) for _ in range(2)]

    assert live.version("negative") == SHIPPED
    assert "unusable, the shipped one is at work" in caplog.text
    assert told == [1, 0]
    with store.read() as queries:
        [intent] = queries.intents()
    store.close()
    assert intent.recipient_id == "gao"
    assert intent.subject.startswith("【模型不可用】负面模型")
    assert "negative-1" in intent.body
    assert "groundswell model" in intent.body


def test_a_version_that_this_program_cannot_use_is_not_promoted(store: Store, place: Path) -> None:
    registry = Registry(place)

    def write(folder: Path) -> None:
        (folder / "negative.json").write_text('{"version": "negative-9"}')
        (folder / "negative.npz").write_bytes(b"no weights")

    digest = registry.put("negative", "negative-9", write)
    with store.transaction() as tx:
        tx.add_model_event(
            "negative", "negative-9", "trained", actor="x", now=NOW, detail={"digest": digest}
        )

    with pytest.raises(ModelError, match="loading the negative model"):
        put_to_work(store, "negative-9")
    with pytest.raises(ConfigError, match="was trained here"):
        put_to_work(store, "negative-8")
    assert Live.of(store).version("negative") == SHIPPED
