import re
from pathlib import Path
from typing import get_args

import pytest
import yaml

from config import library
from config.errors import ConfigError
from config.keywords import expanded
from config.library import LibraryEntry
from config.load import copy_template, example_dir, load, load_source
from config.media import TIERS
from config.schema import MediaOutlet, SourceConfig
from config.source_schema import SourceKind

ENTRIES = library.entries()
BY_ID = {entry.id: entry for entry in ENTRIES}
RSSHUB = "http://127.0.0.1:1200/"


def _config(entry: LibraryEntry) -> SourceConfig:
    return load_source(entry.path, environ={place.name: place.example for place in entry.places})


@pytest.fixture
def project_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "mine"
    copy_template(directory)
    return directory


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_every_file_of_the_library_is_a_source_with_terms_and_evidence(entry):
    config = _config(entry)
    text = entry.path.read_text(encoding="utf-8")

    assert entry.path.stem == config.id
    assert config.verified == "never"
    assert len(config.terms) > 10
    assert "\n# 依据：" in text
    assert not config.secrets
    assert re.search(r"(?i)cookie:|token:|authorization|password", text) is None


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_a_place_without_a_default_is_explained_and_used(entry):
    text = entry.path.read_text(encoding="utf-8")
    bare = set(re.findall(r"\$\{([A-Z0-9_]+)\}", text))

    assert {place.name for place in entry.places} == bare


def test_the_library_is_large_and_its_ids_are_its_own():
    assert len(ENTRIES) >= 44
    assert len(BY_ID) == len(ENTRIES)
    assert library.MEDIA not in BY_ID


def test_every_kind_of_source_has_a_file():
    assert {entry.kind for entry in ENTRIES} == set(get_args(SourceKind))


def test_the_platforms_a_chinese_brand_thinks_of_have_a_file():
    wanted = {
        "微博",
        "小红书",
        "抖音",
        "快手",
        "B站",
        "知乎",
        "贴吧",
        "公众号",
        "黑猫投诉",
        "12315",
    }
    wanted |= {"京东", "天猫", "酷安", "应用商店", "新闻", "今日头条", "市场监管", "缺陷产品召回"}

    assert wanted <= {entry.platform for entry in ENTRIES}
    assert {entry.role for entry in ENTRIES} == {"mentions", "official", "hot_search"}


def test_what_needs_a_login_is_switched_off_and_says_the_way_out():
    walled = [entry for entry in ENTRIES if "login" in entry.needs]

    assert len(walled) >= 6
    for entry in walled:
        text = entry.path.read_text(encoding="utf-8")
        assert not entry.enabled
        assert "正路：" in text
        assert "导入" in text or "import" in text


def test_only_rsshub_is_at_a_private_address_and_its_files_say_so():
    for entry in ENTRIES:
        starts = _config(entry).start
        assert all(start.startswith(("https://", "http://")) for start in starts)
        private = any(start.startswith(RSSHUB) for start in starts)
        assert private == ("rsshub" in entry.needs)
        assert private == ("allow_private" in entry.path.read_text(encoding="utf-8"))


def test_files_with_keywords_expand_with_the_example_brands():
    brands = load(example_dir(), environ={}).brands
    searching = [entry for entry in ENTRIES if "{keyword}" in "".join(_config(entry).start)]

    assert len(searching) >= 12
    for entry in searching:
        starts = expanded(_config(entry), brands).start
        assert len(starts) >= 3
        assert all("{" not in start for start in starts)
        assert any("%E6%BE%9C%E7%A6%BE" in start for start in starts)  # 澜禾


def test_a_copied_source_is_part_of_the_project(project_dir):
    written = library.copy("ithome", project_dir, {})

    assert written == project_dir / "sources" / "ithome.yaml"
    source = load(project_dir).source("ithome")
    assert source is not None
    assert source.platform == "新闻"


def test_places_are_filled_and_a_second_one_gets_its_own_id(project_dir):
    library.copy("discuz-rss", project_dir, {"FORUM_HOST": "bbs.lanhe.example", "FORUM_FID": "7"})
    library.copy(
        "discuz-rss",
        project_dir,
        {"FORUM_HOST": "bbs.hemu.example", "FORUM_FID": "9"},
        new_id="hemu-bbs",
    )

    project = load(project_dir)
    found = [project.source(name) for name in ("discuz-rss", "hemu-bbs")]
    assert [source.start for source in found if source] == [
        ("https://bbs.lanhe.example/forum.php?mod=rss&fid=7",),
        ("https://bbs.hemu.example/forum.php?mod=rss&fid=9",),
    ]


def test_a_default_stays_a_place_so_that_one_setting_moves_every_file(project_dir, monkeypatch):
    kept = library.copy("rsshub-weibo-hot", project_dir, {})
    filled = library.copy(
        "rsshub-weibo-hot", project_dir, {"RSSHUB": "http://10.1.2.3:1200"}, new_id="hot-two"
    )

    monkeypatch.setenv("RSSHUB", "http://rsshub.example")
    assert load_source(kept).start == ("http://rsshub.example/weibo/search/hot",)
    assert load_source(filled).start == ("http://10.1.2.3:1200/weibo/search/hot",)


def test_an_empty_place_is_asked_for_and_nothing_is_written(project_dir):
    with pytest.raises(ConfigError) as caught:
        library.copy("discuz-rss", project_dir, {"FORUM_FID": "7"})

    assert ["FORUM_HOST" in problem for problem in caught.value.problems] == [True]
    assert not (project_dir / "sources" / "discuz-rss.yaml").exists()


def test_nothing_is_overwritten(project_dir):
    written = library.copy("ithome", project_dir, {})
    written.write_text("id: mine\n", encoding="utf-8")

    with pytest.raises(ConfigError, match="not overwritten"):
        library.copy("ithome", project_dir, {})
    assert written.read_text(encoding="utf-8") == "id: mine\n"


@pytest.mark.parametrize(
    "value", ['1"\nenabled: false', "a b", "${HOME}", "x'", "a{page}", "", "<b>", "a#b", "\\n"]
)
def test_a_value_that_would_change_the_file_is_refused(project_dir, value):
    with pytest.raises(ConfigError, match="FORUM_FID"):
        library.copy(
            "discuz-rss", project_dir, {"FORUM_HOST": "bbs.example.com", "FORUM_FID": value}
        )
    assert not (project_dir / "sources" / "discuz-rss.yaml").exists()


@pytest.mark.parametrize("new_id", ["../evil", "a/b", "Grosse", ".hidden", "a\nb", "-x"])
def test_an_id_that_is_no_id_is_refused(project_dir, new_id):
    before = sorted(project_dir.rglob("*"))

    with pytest.raises(ConfigError, match="expected an id"):
        library.copy("ithome", project_dir, {}, new_id=new_id)
    assert sorted(project_dir.rglob("*")) == before


def test_a_filled_in_file_that_is_no_source_is_not_left_behind(project_dir):
    with pytest.raises(ConfigError):
        library.copy("app-reviews", project_dir, {"APP_ID": "notanumber"})
    assert not (project_dir / "sources" / "app-reviews.yaml").exists()


def test_unknown_names_are_answered_with_the_nearest(project_dir):
    with pytest.raises(ConfigError, match="bing-news"):
        library.copy("bing-new", project_dir, {})
    with pytest.raises(ConfigError, match="no such place"):
        library.copy("ithome", project_dir, {"HOST": "x"})
    with pytest.raises(ConfigError, match="no such project"):
        library.copy("ithome", project_dir / "absent", {})


# --- the table of media -----------------------------------------------------------------------


def _outlets() -> list[MediaOutlet]:
    rows = yaml.safe_load(library.media_file().read_text(encoding="utf-8"))["media"]
    return [MediaOutlet.model_validate(row) for row in rows]


def test_the_media_table_is_long_and_every_medium_stands_once():
    outlets = _outlets()
    hosts = [host for outlet in outlets for host in outlet.hosts]

    assert len(outlets) >= 60
    assert len(hosts) == len(set(hosts))
    assert len({outlet.name for outlet in outlets}) == len(outlets)
    assert {outlet.tier for outlet in outlets} == set(TIERS) - {"", "large_account"}
    assert all(re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", host) for host in hosts)
    assert all(outlet.hosts or outlet.authors for outlet in outlets)


def test_no_host_of_the_table_lies_within_another_of_another_tier():
    tier_of = {host: outlet.tier for outlet in _outlets() for host in outlet.hosts}

    clashes = [
        (host, other)
        for host, tier in tier_of.items()
        for other in tier_of
        if host.endswith("." + other) and tier_of[other] != tier
    ]
    assert clashes == []


def test_the_copied_media_table_is_read_by_the_project(project_dir):
    (project_dir / "media.yaml").unlink(missing_ok=True)
    written = library.copy_media(project_dir)

    project = load(project_dir)
    assert written == project_dir / "media.yaml"
    assert len(project.media) == len(_outlets())
    with pytest.raises(ConfigError, match="not overwritten"):
        library.copy_media(project_dir)
