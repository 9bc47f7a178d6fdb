from datetime import UTC, datetime, timedelta

import httpx
from argon2 import PasswordHasher
from starlette.routing import Mount, Route

from groundswell.console.accounts import Accounts, Brake, ensure_first_user, weakness
from groundswell.console.guard import same_site_path
from storage.store import Store
from tests.console.world import HASHER, PASSWORD, World, csrf_of, journey, log_in

OPEN_TO_STRANGERS = {"/login", "/t/{token}", "/healthz", "/favicon.ico", "/robots.txt"} | {
    "/r/{token}",  # the link itself is the key
    "/hooks/receipts/{channel}/{secret}",  # so is the end of this one (test_receipts)
    "/hooks/replies/{channel}/{secret}",  # and of this one (test_reply_hooks)
}
API = "/api/v1/"  # asks for keys of its own
NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)


def paths_of(world: World) -> list[tuple[str, str]]:
    """Every (method, path) of the console, with the parameters filled in."""
    found = []
    for route in world.app.routes:
        assert isinstance(route, Route | Mount)
        if isinstance(route, Mount) or route.path.startswith(API):
            continue
        path = route.path.replace("{mention:int}", "1").replace("{n:int}", "1")
        for name in ("incident", "action", "source", "job", "token"):
            path = path.replace("{" + name + "}", {"action": "ack"}.get(name, "x"))
        found += [(m, path) for m in route.methods or () if route.path not in OPEN_TO_STRANGERS]
    return found


def test_no_login_stands_for_a_key(world: World) -> None:
    world.add_user("linxiao", "admin")
    client = world.client("linxiao")
    asked = [
        (method, route.path)
        for route in world.app.routes
        if isinstance(route, Route) and route.path.startswith(API)
        for method in route.methods or ()
    ]
    assert len(asked) >= 8
    for method, path in asked:
        if path != f"{API}openapi.json":
            reply = client.request(method, path, json={})
            # after thirty tries without a key the address has to wait: no key was seen either
            assert reply.status_code in {401, 429}, path


def test_strangers_see_nothing_but_the_login(world: World) -> None:
    stranger = world.client()
    paths = paths_of(world)
    assert len(paths) >= 18
    for method, path in paths:
        reply = stranger.request(method, path)
        if method == "POST":
            assert reply.status_code in {401, 411}, path
            assert stranger.post(path, data={"text": "x"}).status_code == 401, path
        else:
            assert reply.status_code == 303, path
            assert reply.headers["location"].startswith("/login?next="), path


def test_a_login_leads_to_the_page_that_was_asked_for(world: World) -> None:
    client = world.client()
    assert client.get("/sources").headers["location"] == "/login?next=%2Fsources"
    reply = log_in(client, "linxiao", PASSWORD, next="/sources")
    assert (reply.status_code, reply.headers["location"]) == (303, "/sources")
    assert client.get("/sources").status_code == 200


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(world: World) -> None:
    reply = log_in(world.client(), "linxiao", PASSWORD)
    session = next(c for c in reply.headers.get_list("set-cookie") if "_form" not in c)
    assert "HttpOnly" in session
    assert "SameSite=strict" in session
    assert "Path=/" in session


def test_over_https_the_session_cookie_never_leaves_it(store: Store, stage, world: World) -> None:
    from groundswell.console.app import create_app

    console = world.project.settings.console.model_copy(
        update={"base_url": "https://gs.example", "port": world.project.settings.console.port}
    )
    settings = world.project.settings.model_copy(update={"console": console})
    project = world.project.model_copy(update={"settings": settings})
    stage.app = create_app(
        store,
        project,
        world.desk,
        world.clock,
        lambda *_: None,
        world.links,
        keep=journey(store).keep_each,
        hasher=HASHER,
    )
    cookies = world.client().get("/login").headers.get_list("set-cookie")
    assert all("Secure" in cookie for cookie in cookies)


def test_a_wrong_password_and_an_unknown_name_look_the_same(world: World) -> None:
    answers = []
    for name in ("linxiao", "nobody"):
        reply = log_in(world.client(), name, "not the password")
        assert reply.status_code == 401
        answers.append(reply.text.replace(csrf_of(reply.text), "").replace(name, ""))
    assert answers[0] == answers[1]


def test_guessing_is_stopped_even_when_the_next_guess_is_right(world: World) -> None:
    client = world.client()
    codes = [log_in(client, "linxiao", f"guess {n}").status_code for n in range(5)]
    assert codes == [401] * 5
    reply = log_in(client, "linxiao", PASSWORD)
    assert reply.status_code == 429
    assert 0 < int(reply.headers["retry-after"]) <= 301
    assert client.get("/").status_code == 303


def test_guessing_at_one_name_does_not_lock_out_another(world: World) -> None:
    client = world.client()
    for n in range(5):
        log_in(client, "nobody", f"guess {n}")
    assert log_in(client, "linxiao", PASSWORD).status_code == 303


def test_the_brake_lets_go_after_its_window() -> None:
    brake = Brake()
    for _ in range(5):
        brake.failed("linxiao", "10.0.0.1", NOW)
    assert brake.wait_s("linxiao", "10.0.0.1", NOW) > 0
    assert brake.wait_s("linxiao", "10.0.0.2", NOW) == 0
    assert brake.wait_s("linxiao", "10.0.0.1", NOW + timedelta(minutes=6)) == 0


def test_an_address_that_tries_many_names_is_stopped() -> None:
    brake = Brake()
    for n in range(30):
        brake.failed(f"name{n}", "10.0.0.1", NOW)
    assert brake.wait_s("another", "10.0.0.1", NOW) > 0
    assert brake.wait_s("another", "10.0.0.2", NOW) == 0


def test_a_token_from_before_the_login_is_worth_nothing_after_it(world: World) -> None:
    client = world.client()
    cookie = f"groundswell_{world.project.settings.console.port}"
    client.cookies.set(cookie, "planted-by-somebody")
    assert log_in(client, "linxiao", PASSWORD).status_code == 303
    planted = httpx.get(
        f"{world.url}/", headers={"Cookie": f"{cookie}=planted-by-somebody"}, trust_env=False
    )
    assert planted.status_code == 303


def test_two_logins_get_two_sessions_and_only_digests_are_kept(world: World) -> None:
    cookie = f"groundswell_{world.project.settings.console.port}"
    tokens = [str(world.client("linxiao").cookies[cookie]) for _ in range(2)]
    assert tokens[0] != tokens[1]
    with world.store.read() as queries:
        kept = str(queries.table_rows("session"))
    assert not any(token in kept for token in tokens)


def test_a_logout_ends_the_session_on_the_server(world: World) -> None:
    client = world.client("linxiao")
    cookies = dict(client.cookies)
    csrf = csrf_of(client.get("/").text)
    assert client.post("/logout", data={"csrf": csrf}).status_code == 303
    thief = world.client()
    thief.cookies.update(cookies)
    assert thief.get("/").status_code == 303


def test_a_login_never_leads_off_this_site(world: World) -> None:
    for path in (
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "",
        "evil",
        "///evil.example",
    ):
        assert same_site_path(path) == "/"
        reply = log_in(world.client(), "linxiao", PASSWORD, next=path)
        assert reply.headers["location"] == "/"


def test_a_login_without_the_forms_token_is_refused(world: World) -> None:
    client = world.client()
    form = {"name": "linxiao", "password": PASSWORD}
    assert client.post("/login", data=form).status_code == 403
    client.get("/login")
    assert client.post("/login", data=form | {"csrf": "other"}).status_code == 403


def test_a_one_time_password_opens_only_the_door_to_a_new_one(world: World) -> None:
    password = ensure_first_user(world.store, NOW, HASHER)
    assert password is not None
    client = world.client()
    assert log_in(client, "admin", password).status_code == 303
    for path in ("/", "/sources", "/digest", "/mentions/1"):
        assert client.get(path).headers["location"] == "/password"
    csrf = csrf_of(client.get("/password").text)
    form = {"csrf": csrf, "old": password, "new": PASSWORD, "again": PASSWORD}
    assert client.post("/password", data=form).status_code == 303
    assert client.get("/").status_code == 200
    assert ensure_first_user(world.store, NOW, HASHER) is None
    assert log_in(world.client(), "admin", password).status_code == 401
    assert log_in(world.client(), "admin", PASSWORD).status_code == 303


def test_a_one_time_password_never_used_is_replaced_at_the_next_start(world: World) -> None:
    first = ensure_first_user(world.store, NOW, HASHER)
    second = ensure_first_user(world.store, NOW, HASHER)
    assert first
    assert second
    assert first != second
    assert log_in(world.client(), "admin", first).status_code == 401
    assert log_in(world.client(), "admin", second).status_code == 303


def test_a_new_password_ends_every_other_session(world: World) -> None:
    other, client = world.client("linxiao"), world.client("linxiao")
    csrf = csrf_of(client.get("/password").text)
    new = "另一句只有我知道的话 2027"
    form = {"csrf": csrf, "old": PASSWORD, "new": new, "again": new}
    assert client.post("/password", data=form).status_code == 303
    assert client.get("/").status_code == 200
    assert other.get("/").status_code == 303


def test_a_bad_new_password_is_refused_with_its_reason(world: World) -> None:
    client = world.client("linxiao")
    csrf = csrf_of(client.get("/password").text)
    for old, new, again, said in (
        ("wrong", "long enough 2027", "long enough 2027", "当前密码不对"),
        (PASSWORD, "long enough 2027", "long enough 2028", "不一样"),
        (PASSWORD, "short", "short", "至少 10 个字符"),
        (PASSWORD, PASSWORD, PASSWORD, "不能和当前密码一样"),
        (PASSWORD, "linxiao-linxiao-1", "linxiao-linxiao-1", "用户名"),
        (PASSWORD, "aaaaaaaaaaaa", "aaaaaaaaaaaa", "太简单"),
    ):
        form = {"csrf": csrf, "old": old, "new": new, "again": again}
        reply = client.post("/password", data=form)
        assert reply.status_code == 400
        assert said in reply.text


def test_an_endless_password_is_refused_before_it_is_hashed() -> None:
    assert "最多" in weakness("x" * 5000, "a", "b")


def test_a_link_from_a_web_mail_reaches_the_page_of_somebody_logged_in(world: World) -> None:
    stranger = world.client()
    reply = stranger.get("/incidents", headers={"Sec-Fetch-Site": "cross-site"})
    assert reply.status_code == 200
    assert 'http-equiv="refresh"' in reply.text
    again = stranger.get("/incidents", headers={"Sec-Fetch-Site": "same-origin"})
    assert again.status_code == 303


def test_odd_names_are_only_wrong_names(world: World) -> None:
    for name in ("", " ", "a" * 5000, "linxiao\0", "' OR 1=1 --", "💥"):
        assert log_in(world.client(), name, "x").status_code == 401


def test_a_permission_taken_back_while_a_password_changes_stays_taken_back(world: World) -> None:
    class SlowHasher(PasswordHasher):
        """Hashes after an administrator has had the time to act."""

        def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
            with world.store.transaction() as tx:
                tx.set_permissions("linxiao", "")
            return HASHER.hash(password, salt=salt)

    with world.store.transaction() as tx:
        tx.set_permissions("linxiao", "customer_contact")
    now = datetime.now(UTC)
    accounts = Accounts(world.store, HASHER)
    visitor = accounts.visitor(accounts.log_in("linxiao", PASSWORD, "here", now), now)
    assert visitor is not None
    assert visitor.may("customer_contact")

    slow = Accounts(world.store, SlowHasher(time_cost=1, memory_cost=64, parallelism=1))
    slow.change_password(visitor, PASSWORD, "另一句只有我知道的话 2027", now)

    with world.store.read() as queries:
        account = queries.user("linxiao")
    assert account is not None
    assert account.permissions == ""
