import json
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.errors import ConfigError
from config.load import (
    copy_template,
    example_dir,
    load,
    load_source,
    schemas,
    summary,
    template_dir,
)
from config.schema import Project
from tests.config.json_schema import misfits

GOOD = Path(__file__).parent / "good"
SHIPPED = [example_dir(), template_dir()]


@pytest.fixture
def project_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "project"
    shutil.copytree(GOOD, directory)
    return directory


def _problems(directory: Path, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(directory, environ=environ or {})
    return list(caught.value.problems)


# --- what ships ------------------------------------------------------------------------------


@pytest.mark.parametrize("directory", SHIPPED, ids=lambda path: path.name)
def test_what_ships_loads_without_any_environment(directory: Path) -> None:
    assert isinstance(load(directory, environ={}), Project)


@pytest.mark.parametrize("directory", SHIPPED, ids=lambda path: path.name)
def test_every_shipped_brand_saves_a_sentence_that_matches_and_one_that_does_not(
    directory: Path,
) -> None:
    for brand in load(directory, environ={}).brands:
        assert {True, False} == {example.match for example in brand.examples}, brand.id


def test_the_example_reaches_everybody_it_names() -> None:
    project = load(example_dir(), environ={})
    named = {name for route in project.routes for name in (route.owner, *route.also, *route.chain)}

    rosters = {duty.id for duty in project.duties}

    assert named | set(project.fallback) <= {owner.id for owner in project.owners} | rosters
    assert {"linxiao", "chenmo", "zhoulan", "xunuo", "zhengwen", "lead-duty"} == named
    assert all(
        owner.channels == (f"bot-{owner.id}",)
        and owner.working_hours is not None
        and owner.quiet_hours is not None
        for owner in project.owners
    )


def test_the_example_runs_on_the_shipped_thresholds() -> None:
    project, default = load(example_dir(), environ={}), Project()

    assert default.levels == project.levels
    assert default.settings.surge == project.settings.surge


def test_the_example_moves_to_another_port_as_a_whole() -> None:
    environ = {"DEMO_SITE": "http://127.0.0.1:40123", "DEMO_SITE_HOST": "127.0.0.1:40123"}
    project = load(example_dir(), environ=environ)
    urls = [url for source in project.sources for url in source.start]
    urls += [getattr(channel, "url", "") for channel in project.channels]

    assert len(urls) == 11
    assert all(url.startswith("http://127.0.0.1:40123/") for url in urls)


def test_a_moved_site_that_is_not_allowed_is_refused_everywhere() -> None:
    problems = _problems(example_dir(), {"DEMO_SITE": "http://127.0.0.1:40123"})

    assert len(problems) == 11
    assert all('add "127.0.0.1:40123" to allow_private' in problem for problem in problems)


def test_the_summary_names_what_was_found() -> None:
    lines = summary(load(example_dir(), environ={}))

    assert "brands 品牌: 1 — 澜禾 (lanhe); products 产品: 4" in lines
    assert "owners 负责人: 6 — 林晓, 陈默, 周岚, 吴迪, 许诺, 郑文" in lines
    assert "fallback 兜底: zhoulan, xunuo" in lines
    functions = "公关, 服务, 销售, 大区经销商, 品质研发, 法务, 管理层"
    assert f"functions 部门: 7 — {functions}" in lines


# --- init ------------------------------------------------------------------------------------


def test_a_copied_template_loads_and_holds_what_init_promises(tmp_path: Path) -> None:
    written = copy_template(tmp_path / "mine")
    project = load(tmp_path / "mine", environ={})

    assert (len(project.brands), len(project.sources), len(project.owners)) == (1, 2, 2)
    assert [channel.kind for channel in project.channels] == ["email"]
    assert all(path.is_file() for path in written)


def test_the_template_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "owners.yaml").write_text("mine", encoding="utf-8")

    with pytest.raises(ConfigError, match=r"owners\.yaml: is already there and is not overwritten"):
        copy_template(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["owners.yaml"]
    assert (tmp_path / "owners.yaml").read_text(encoding="utf-8") == "mine"


def test_the_template_into_a_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")

    with pytest.raises(ConfigError, match="cannot be written"):
        copy_template(tmp_path / "taken")


# --- reading ---------------------------------------------------------------------------------


def test_mistakes_in_several_files_are_told_together(project_dir: Path) -> None:
    (project_dir / "owners.yaml").write_bytes(
        (project_dir / "owners.yaml").read_bytes() + b"  - {id: wu, name: W, channels: [fax]}\n"
    )
    (project_dir / "brands/qinghe.yaml").write_text("id: qinghe\n", encoding="utf-8")
    (project_dir / "routes.yaml").write_text("routes: [{id: all, owner: li}]\n", encoding="utf-8")

    assert _problems(project_dir) == [
        'brands/qinghe.yaml:1: brand "qinghe": key "name" is missing',
        'owners.yaml:4: owner "wu": channels[1]: there is no channel "fax"',
        'routes.yaml:1: route "all": owner: there is no owner "li" (did you mean "lin"?)',
    ]


def test_a_file_that_is_not_utf8_is_told_with_the_line_of_the_first_bad_byte(
    project_dir: Path,
) -> None:
    (project_dir / "brands/qinghe.yaml").write_bytes("id: qinghe\nname: 青禾\n".encode("gbk"))

    assert _problems(project_dir) == [
        "brands/qinghe.yaml:2: byte 0xc7 is not UTF-8: save the file as UTF-8"
    ]


def test_a_byte_order_mark_is_no_mistake(project_dir: Path) -> None:
    path = project_dir / "routes.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    assert load(project_dir, environ={}).routes


def test_a_control_character_is_told_with_its_line(project_dir: Path) -> None:
    (project_dir / "routes.yaml").write_bytes(b"routes:\n  - {id: a\x07ll, owner: lin}\n")

    assert _problems(project_dir) == [
        "routes.yaml:2: character U+0007 is not allowed in YAML: remove it"
    ]


def test_a_file_beyond_a_mebibyte_is_refused_unread(project_dir: Path) -> None:
    (project_dir / "brands/huge.yaml").write_bytes(b"# " + b"x" * 1024 * 1024)

    assert _problems(project_dir) == [
        "brands/huge.yaml:1: the file is larger than 1048576 bytes: split it"
    ]


def test_an_empty_directory_lacks_everything(tmp_path: Path) -> None:
    assert _problems(tmp_path) == [
        "brands/my-brand.yaml:1: no brand is configured: write one",
        "channels.yaml:1: no channel is configured: write one",
        "owners.yaml:1: no owner is configured: write one",
        (
            'project.yaml:1: section "fallback" is missing: '
            "name the owners who are told when no route matches"
        ),
    ]


def test_a_directory_that_is_not_there_is_told_with_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no such directory; groundswell init .* makes"):
        load(tmp_path / "nowhere")


def test_a_directory_named_like_a_file_is_told(project_dir: Path) -> None:
    (project_dir / "sources").mkdir()
    (project_dir / "sources/odd.yaml").mkdir()

    assert _problems(project_dir) == ["sources/odd.yaml:1: cannot be read: Is a directory"]


def test_sections_may_stand_in_any_root_file(project_dir: Path) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(project_dir.glob("*.yaml")))
    for path in project_dir.glob("*.yaml"):
        path.unlink()
    (project_dir / "all.yaml").write_text(text, encoding="utf-8")

    assert load(GOOD, environ={}) == load(project_dir, environ={})


def test_times_and_words_are_not_what_old_yaml_makes_of_them(project_dir: Path) -> None:
    (project_dir / "owners.yaml").write_text(
        "owners:\n"
        "  - {id: lin, name: no, channels: [bot], digest_at: 22:30}\n"
        "  - {id: zhou, name: 周野, channels: [bot], digest_at: null, away: [[2026-01-31, 2026-02-03]]}\n",
        encoding="utf-8",
    )
    lin, zhou = load(project_dir, environ={}).owners

    assert (lin.name, lin.digest_at) == ("no", "22:30")
    assert (None, ((date(2026, 1, 31), date(2026, 2, 3)),)) == (zhou.digest_at, zhou.away)


def test_an_alias_stands_for_the_hours_it_names(project_dir: Path) -> None:
    (project_dir / "owners.yaml").write_text(
        "owners:\n"
        "  - {id: lin, name: 林舟, channels: [bot], quiet_hours: &night {from: 22:00, to: 08:00}}\n"
        "  - {id: zhou, name: 周野, channels: [bot], quiet_hours: *night}\n",
        encoding="utf-8",
    )
    lin, zhou = load(project_dir, environ={}).owners

    assert lin.quiet_hours == zhou.quiet_hours is not None


def test_a_variable_replaces_its_default_and_an_empty_one_does_not(project_dir: Path) -> None:
    (project_dir / "project.yaml").write_text(
        "fallback: [zhou]\nsettings: {name: '${NAME:-潮} $${NAME}', console: {port: '${PORT:-8790}'}}\n",
        encoding="utf-8",
    )

    def read(**environ: str) -> tuple[str, int]:
        found = load(project_dir, environ=environ).settings
        return found.name, found.console.port

    assert read() == ("潮 ${NAME}", 8790)
    assert read(NAME="", PORT="9000") == ("潮 ${NAME}", 9000)
    assert read(NAME="汐") == ("汐 ${NAME}", 8790)


def test_the_process_environment_is_used_unless_another_is_given(
    project_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project_dir / "project.yaml").write_text(
        "fallback: [zhou]\nsettings: {name: '${GROUNDSWELL_TEST_NAME:-潮}'}\n", encoding="utf-8"
    )
    monkeypatch.setenv("GROUNDSWELL_TEST_NAME", "汐")

    assert load(project_dir).settings.name == "汐"
    assert load(project_dir, environ={}).settings.name == "潮"


def test_no_value_of_a_secret_is_ever_repeated(project_dir: Path) -> None:
    (project_dir / "channels.yaml").write_text(
        "channels:\n"
        "  - {id: bot, kind: wecom_bot, key: hunter2-a, passwrd: hunter2-b}\n"
        "  - {id: b, kind: webhook, secret: [hunter2-c], url: 'https://x.cn/?token=hunter2-d'}\n"
        "  - {id: c, kind: webhook, secret: env:C, url: 'https://u:hunter2-e@x.cn/'}\n"
        "  - 'wecom_bot key=hunter2-f'\n"
        "  - {id: d, kind: email, host: h, sender: s, password: {env: hunter2-g}}\n",
        encoding="utf-8",
    )
    problems = _problems(project_dir)

    assert len(problems) >= 7
    assert "hunter2" not in "\n".join(problems)


def test_yaml_errors_do_not_quote_the_line(project_dir: Path) -> None:
    (project_dir / "channels.yaml").write_text("channels:\n  key: hunter2: x\n", encoding="utf-8")

    assert "hunter2" not in "\n".join(_problems(project_dir))


def test_a_secret_is_read_when_it_is_used(
    project_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = tmp_path / "key"
    (project_dir / "channels.yaml").write_text(
        "channels:\n"
        "  - {id: bot, kind: wecom_bot, key: env:GROUNDSWELL_TEST_KEY}\n"
        f"  - {{id: hook, kind: webhook, url: 'https://x.cn/', secret: 'file:{held}'}}\n",
        encoding="utf-8",
    )
    bot, hook = load(project_dir, environ={}).channels
    assert bot.kind == "wecom_bot"
    assert hook.kind == "webhook"
    assert hook.secret is not None
    with pytest.raises(ConfigError, match="GROUNDSWELL_TEST_KEY is not set or empty"):
        bot.key.resolve()
    with pytest.raises(ConfigError, match="cannot be read"):
        hook.secret.resolve()
    monkeypatch.setenv("GROUNDSWELL_TEST_KEY", "k1")
    held.write_text("k2\n", encoding="utf-8")

    assert (bot.key.resolve(), hook.secret.resolve()) == ("k1", "k2")


def test_units_become_numbers() -> None:
    source = load_source(example_dir() / "sources/jing-tousu.yaml", environ={})

    assert source.fetch.rate == 0.2
    assert source.schedule.every == timedelta(minutes=5)
    assert source.fetch.max_bytes == 10 * 1024 * 1024


# --- one source ------------------------------------------------------------------------------


def test_one_source_is_read_outside_any_project(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "id: s\nname: 源\nkind: feed\nstart: http://10.1.2.3/rss\nfetch: {rtae: 1/5s}\n",
        encoding="utf-8",
    )

    with pytest.raises(ConfigError) as caught:
        load_source(path, environ={})
    assert (
        f'{path}:5: source "s": fetch: unknown key "rtae" (did you mean "rate"?)',
    ) == caught.value.problems

    with pytest.raises(ConfigError, match=r"10\.1\.2\.3 is not a public address"):
        load_source(path, allow_private=(), environ={})


def test_a_source_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"s\.yaml:1: cannot be read: No such file"):
        load_source(tmp_path / "s.yaml")


# --- schemas for editors ---------------------------------------------------------------------


def _shipped_files() -> list[tuple[str, Path]]:
    kinds = {"brands": "brand.json", "sources": "source.json", "launches": "launch.json"}
    return [
        (kinds.get(path.parent.name) or f"{path.stem}.json", path)
        for directory in SHIPPED
        for path in sorted(directory.rglob("*.yaml"))
    ]


@pytest.mark.parametrize(("name", "path"), _shipped_files(), ids=lambda value: str(value)[-30:])
def test_an_editor_finds_nothing_wrong_with_what_ships(name: str, path: Path) -> None:
    written = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)

    assert misfits(written, schemas()[name]) == []


def test_an_editor_sees_an_unknown_key_and_leaves_own_issue_classes_alone() -> None:
    source = {"id": "s", "name": "n", "kind": "feed", "start": "https://x.cn/", "fecth": {}}
    routes = {"routes": [{"id": "r", "owner": "lin", "issue": ["售后"]}]}

    assert misfits(source, schemas()["source.json"]) == ["fecth: unknown key"]
    assert misfits(routes, schemas()["routes.json"]) == []  # `check` knows a project's own


def test_schemas_are_json_and_demand_their_section() -> None:
    found = schemas()

    assert {
        "brand.json",
        "source.json",
        "project.json",
        "channels.json",
        "owners.json",
        "routes.json",
        "media.json",
        "issues.json",
        "duties.json",
        "functions.json",
        "services.json",
        "maintenance.json",
        "trial.json",
        "tiers.json",
        "calendar.json",
        "tasks.json",
        "launch.json",
    } == set(found)
    assert json.loads(json.dumps(found)) == found
    assert misfits({"routes": []}, found["owners.json"]) == ["owners: missing"]


# --- anything at all -------------------------------------------------------------------------

_KEYS = st.sampled_from(
    [
        "id",
        "name",
        "kind",
        "start",
        "list",
        "item",
        "fields",
        "detail",
        "url",
        "id_from",
        "fetch",
        "headers",
        "rate",
        "schedule",
        "every",
        "pages",
        "max",
        "next",
        "expect",
        "required",
        "secrets",
        "aliases",
        "products",
        "must",
        "any",
        "not",
        "examples",
        "text",
        "match",
        "channels",
        "owners",
        "routes",
        "settings",
        "levels",
        "fallback",
        "owner",
        "also",
        "chain",
        "brand",
        "issue",
        "away",
        "from",
        "to",
        "working_hours",
        "quiet_hours",
        "allow_private",
        "unsure_band",
        "key",
        "secret",
        "email",
        "password",
    ]
)
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        ["lin", "css:a[", "xpath://a[", "re2:(", "env:X", "${A:-", "http://[::1", "9" * 40, "1/0s"]
    ),
)
_TREES = st.recursive(
    _SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(_KEYS, below, max_size=5),
    max_leaves=25,
)
_FILES = st.sampled_from(["project.yaml", "owners.yaml", "brands/qinghe.yaml", "sources/new.yaml"])


def _said(directory: Path) -> tuple[str, ...] | None:
    try:
        load(directory, environ={})
    except ConfigError as error:
        return error.problems
    return None


def _reads_or_says_why(directory: Path, name: str, body: bytes) -> None:
    path = directory / name
    path.parent.mkdir(exist_ok=True)
    before = path.read_bytes() if path.exists() else None
    path.write_bytes(body)
    try:
        said = _said(directory)
        assert said is None or "\n".join(said).encode()
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_bytes(before)


@pytest.fixture(scope="module")
def shared_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("any") / "project"
    shutil.copytree(GOOD, directory)
    return directory


_ANY = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@_ANY
@given(name=_FILES, body=st.binary(max_size=200))
def test_any_bytes_load_or_are_refused_with_a_reason(
    shared_dir: Path, name: str, body: bytes
) -> None:
    _reads_or_says_why(shared_dir, name, body)


@_ANY
@given(name=_FILES, text=st.text(alphabet="ab:-{}[]&*!|>%#?,'\" \n\t\\u0", max_size=60))
def test_any_yaml_like_text_loads_or_is_refused_with_a_reason(
    shared_dir: Path, name: str, text: str
) -> None:
    _reads_or_says_why(shared_dir, name, text.encode())


@_ANY
@given(name=_FILES, tree=_TREES)
def test_any_structure_loads_or_is_refused_with_a_reason(
    shared_dir: Path, name: str, tree: object
) -> None:
    body = yaml.safe_dump(tree, allow_unicode=True)
    _reads_or_says_why(shared_dir, name, body.encode("utf-8", "replace"))


_SHIPPED_TEXTS = [path.read_text(encoding="utf-8") for _, path in _shipped_files()]


@_ANY
@given(
    name=_FILES,
    text=st.sampled_from(_SHIPPED_TEXTS),
    at=st.integers(0, 5000),
    cut=st.integers(0, 40),
    inserted=st.text(max_size=5),
)
def test_a_damaged_file_loads_or_is_refused_with_a_reason(
    shared_dir: Path, name: str, text: str, at: int, cut: int, inserted: str
) -> None:
    at %= len(text)
    damaged = text[:at] + inserted + text[at + cut :]
    _reads_or_says_why(shared_dir, name, damaged.encode("utf-8", "replace"))


@pytest.mark.parametrize(
    "make",
    [lambda n: "[" * n, lambda n: "{a: " * n, lambda n: "- " * n, lambda n: "? " * n],
    ids=["lists", "mappings", "dashes", "keys"],
)
def test_deep_nesting_is_refused_without_recursion(
    make: Callable[[int], str], project_dir: Path
) -> None:
    (project_dir / "routes.yaml").write_text(make(20_000), encoding="utf-8")

    assert "routes.yaml:1: cannot be read as YAML: nested more than 24 deep" in _problems(
        project_dir
    )
