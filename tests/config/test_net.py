import asyncio
import contextlib
import datetime as dt
import ipaddress
import ssl
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpcore
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import FetchError
from config.guarded import _GuardedBackend
from config.net import check_address, check_allowance, check_url, guarded_client, is_public
from tests.site.server import Site

# Every way known to us of writing an address of this machine or its network into a URL.
PRIVATE_SPELLINGS = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "2130706433",
    "017700000001",
    "0177.0.0.1",
    "0177.0.0.01",
    "00000177.0.0.1",
    "0x7f000001",
    "0x7f.0.0.1",
    "0X7F.1",
    "0x7f.0x0.0x0.0x1",
    "0",
    "0.0",
    "0.0.0.0",
    "0x0",
    "127.0.0.1.",
    "１２７.０.０.１",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "127．0．0．1",
    "127｡0｡0｡1",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "local\u00adhost",
    "local\u200bhost",
    "app.localhost",
    "printer.local",
    "metadata.google.internal",
    "10.0.0.8",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "100.127.255.255",
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "169.254.43518",
    "198.18.0.1",
    "192.0.0.192",
    "192.0.2.7",
    "224.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000::0001]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::127.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::a00:1]",
    "[2002:7f00:1::]",
    "[2001:0:53aa:64c::1]",
    "[2001:db8::1]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[fec0::1]",
    "1.2.3.4.5",
    "256.1.1.1",
    "4294967296",
    "127.0.0.1%2f",
    "%31%32%37.0.0.1",
]

TRICKS = [
    "http://example.com@127.0.0.1/",
    "http://127.0.0.1@example.com/",
    "http://user:secret@example.com/",
    "http://example.com:80@127.0.0.1:80/",
    "http://127.0.0.1\\@example.com/",
    "http://example.com\\.127.0.0.1/",
    "http:\\\\127.0.0.1/",
    "http:/127.0.0.1/",
    "http:127.0.0.1/",
    "http:///127.0.0.1/",
    "//127.0.0.1/",
    "http://[::1",
    "http://::1/",
    "http://example.com;127.0.0.1/",
    "http://example.com 127.0.0.1/",
    "http://exam\tple.com/",
    "http://example.com/\r\nHost: 127.0.0.1",
    " http://example.com/",
    "http://example..com/",
    "http://-example.com/",
    "http:// /",
    "http://",
    "",
    "example.com",
    "file:///etc/passwd",
    "gopher://127.0.0.1:70/",
    "ftp://example.com/",
    "data:text/html,x",
    "javascript:alert(1)",
    "http://example.com:22/",
    "http://example.com:0/",
    "http://example.com:8080/",
    "http://example.com:99999/",
    "http://example.com:80:80/",
    "http://example.com:８０８０/",
    "http://[v1.foo]/",
]

PUBLIC = [
    "http://example.com/",
    "https://example.com:443/a?b=c#d",
    "HTTPS://EXAMPLE.COM/",
    "http://example.com:443/",
    "https://例子.中国/投诉?p=1",
    "http://xn--fsqu00a.xn--fiqs8s/",
    "http://a_b.example.com/",
    "http://8.8.8.8/",
    "http://[2606:4700:4700::1111]/",
    "http://example.com?url=http://127.0.0.1/",
    "http://example.com/#@127.0.0.1/",
    "http://localhost.example.com/",
    "http://127.0.0.1.example.com/",
]


def _refusal(act: Callable[..., None], *values: object) -> FetchError:
    with pytest.raises(FetchError) as caught:
        act(*values)
    return caught.value


@pytest.mark.parametrize("host", PRIVATE_SPELLINGS)
def test_no_spelling_of_a_private_address_passes(host: str) -> None:
    assert _refusal(check_url, f"http://{host}/", ()).permanent
    assert _refusal(check_url, f"https://{host}:443/x", ()).permanent


@pytest.mark.parametrize("url", TRICKS)
def test_no_trick_passes(url: str) -> None:
    assert _refusal(check_url, url, ()).permanent


@pytest.mark.parametrize("url", PUBLIC)
def test_public_urls_pass(url: str) -> None:
    check_url(url, ())


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:8791/x", True),
        ("http://127.0.0.1:8792/x", False),
        ("http://127.0.0.1/x", False),
        ("http://localhost:8791/x", False),
        ("http://127.1:8791/x", False),
        ("http://127.0.0.2:8791/x", False),
        ("http://user@127.0.0.1:8791/x", False),
        ("ftp://127.0.0.1:8791/x", False),
        ("http://rsshub.lan:1200/x", True),
        ("http://RSSHUB.lan.:1200/x", True),
        ("http://a.rsshub.lan:1200/x", False),
        ("http://rsshub.lan/x", False),
        ("http://[::1]:8791/x", True),
        ("http://[0:0::1]:8791/x", True),
        ("http://[::1]:80/x", False),
    ],
)
def test_only_the_exact_host_and_port_is_let_through(url: str, allowed: bool) -> None:
    allow = ("127.0.0.1:8791", "rsshub.lan:1200", "[::1]:8791")
    if allowed:
        check_url(url, allow)
    else:
        assert _refusal(check_url, url, allow).permanent


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "100.64.0.1",
        "169.254.169.254",
        "::1",
        "fe80::1%eth0",
        "fe80::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "0.0.0.0",
        "not an address",
        "",
    ],
)
def test_a_name_that_resolves_to_a_private_address_is_refused(address: str) -> None:
    assert _refusal(check_address, "news.example.com", 80, address, ()).permanent


def test_a_resolved_address_is_let_through_for_the_allowed_name_and_port_only() -> None:
    allow = ("rsshub.lan:1200",)
    check_address("news.example.com", 80, "93.184.215.14", ())
    check_address("RSSHub.lan.", 1200, "10.0.0.8", allow)
    check_address("rsshub.lan", None, "10.0.0.8", allow)

    assert _refusal(check_address, "rsshub.lan", 80, "10.0.0.8", allow).permanent
    assert _refusal(check_address, "other.lan", None, "10.0.0.8", allow).permanent


def test_a_translated_public_address_of_an_ipv6_only_network_passes() -> None:
    check_address("news.example.com", 443, "64:ff9b::808:808", ())


@given(st.ip_addresses())
def test_what_we_call_public_the_standard_library_does_not_call_private(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    assert not is_public(address) or (address.is_global and not address.is_multicast)


@given(st.text(max_size=40), st.booleans())
def test_any_text_passes_or_is_refused(text: str, with_scheme: bool) -> None:
    with contextlib.suppress(FetchError):
        check_url(f"http://{text}" if with_scheme else text, ())


def test_a_refusal_names_no_path_query_or_password() -> None:
    for url in ("http://127.0.0.1/hunter2?key=hunter2", "http://u:hunter2@example.com/"):
        assert "hunter2" not in str(_refusal(check_url, url, ()))


@pytest.mark.parametrize("entry", ["127.0.0.1:80", "localhost:8791", "[::1]:80", "rss.lan:1200"])
def test_an_exact_host_and_port_is_an_allowance(entry: str) -> None:
    assert check_allowance(entry) == ""


@pytest.mark.parametrize(
    "entry",
    [
        "127.0.0.1",
        "*:80",
        "10.0.0.0/8:80",
        "10.0.0.0/8",
        "host:",
        ":80",
        "host:0",
        "host:99999",
        "127.1:80",
        "a@b:80",
        "http://127.0.0.1:80",
        "host:80/x",
        "::1:80",
        "",
        "host:８０",
    ],
)
def test_anything_wider_or_odder_is_no_allowance(entry: str) -> None:
    assert check_allowance(entry) != ""


# --- the client, against real servers ---------------------------------------------------------


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as running:
        running.set("/", "潮")
        yield running


def _answering(*answers: Sequence[str]) -> tuple[Callable[[str, int], object], list[str]]:
    """Return a resolver that gives these answers in turn, and the list of what it was asked."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(f"{host}:{port}")
        return answers[min(len(asked), len(answers)) - 1]

    return resolve, asked


def _fetch(
    url: str,
    allow: Collection[str] = (),
    resolve: object = None,
    timeout_s: float = 5.0,
    **how: object,
) -> httpx.Response:
    async def fetch() -> httpx.Response:
        async with guarded_client(allow, timeout_s, "Groundswell/test", resolve=resolve) as client:
            return await client.request(str(how.pop("method", "GET")), url, **how)

    return asyncio.run(fetch())


def test_an_allowed_server_is_reached(site: Site) -> None:
    response = _fetch(site.url + "/?q=1", [site.authority], method="POST", content=b"body")

    assert (response.status_code, response.text) == (200, "潮")
    assert [(hit.method, hit.path, hit.body) for hit in site.hits] == [("POST", "/?q=1", b"body")]
    assert site.hits[0].headers["user-agent"] == "Groundswell/test"


def test_a_server_that_is_not_allowed_sees_no_request(site: Site) -> None:
    for host in ("127.0.0.1", "localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]"):
        with pytest.raises(FetchError) as caught:
            _fetch(f"http://{host}:{site.port}/", ["127.0.0.1:1"])
        assert caught.value.permanent

    assert site.hits == []


def test_an_allowed_name_is_resolved_once_and_reached(site: Site) -> None:
    resolve, asked = _answering(["127.0.0.1"])

    response = _fetch(f"http://rsshub.lan:{site.port}/", [f"rsshub.lan:{site.port}"], resolve)

    assert response.status_code == 200
    assert asked == [f"rsshub.lan:{site.port}"]
    assert site.hits[0].headers["host"] == f"rsshub.lan:{site.port}"


def test_the_next_address_of_a_name_is_tried_when_the_first_is_dead(site: Site) -> None:
    resolve, _ = _answering(["127.0.0.2", "127.0.0.1"])

    response = _fetch(f"http://rsshub.lan:{site.port}/", [f"rsshub.lan:{site.port}"], resolve)

    assert response.status_code == 200


def _connect(port: int, resolve: object) -> None:
    """Open one connection as the client does, on a port that a URL could not name."""
    backend = _GuardedBackend((), resolve)

    async def connect() -> None:
        stream = await backend.connect_tcp("news.example.com", port, timeout=0.5)
        await stream.aclose()

    asyncio.run(connect())


@pytest.mark.parametrize("url", ["http://news.example.com:8080/", "http://u:p@news.example.com/"])
def test_a_url_that_is_refused_as_written_is_not_even_resolved(url: str) -> None:
    resolve, asked = _answering(["2fff:ffff::1"])

    assert _refusal(_fetch, url, (), resolve).permanent
    assert asked == []


@pytest.mark.parametrize(
    "answer", [["127.0.0.1"], ["2fff:ffff::1", "127.0.0.1"], ["::ffff:127.0.0.1"], ["0.0.0.0"]]
)
def test_a_public_name_with_any_private_address_opens_no_connection(
    site: Site, answer: list[str]
) -> None:
    resolve, asked = _answering(answer)

    assert _refusal(_connect, site.port, resolve).permanent
    assert len(asked) == 1


def test_a_name_that_changes_its_answer_gains_nothing(site: Site) -> None:
    # 2fff:ffff::/32 is global unicast that nobody holds: checked, tried, and dead.
    resolve, asked = _answering(["2fff:ffff::1"], ["127.0.0.1"])

    with pytest.raises((httpcore.ConnectError, httpcore.ConnectTimeout)):
        _connect(site.port, resolve)
    assert len(asked) == 1  # the checked answer is the one connected to; nobody asks again

    assert _refusal(_connect, site.port, resolve).permanent


def test_redirects_are_not_followed_by_themselves(site: Site) -> None:
    site.redirect("/away", "http://127.0.0.1:1/")

    assert _fetch(site.url + "/away", [site.authority]).status_code == 302


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://127.1:{port}/"]
)
def test_a_redirect_to_a_private_server_never_reaches_it(site: Site, target: str) -> None:
    with Site() as inside:
        site.redirect("/away", target.format(port=inside.port))
        with pytest.raises(FetchError):
            _fetch(site.url + "/away", [site.authority], follow_redirects=True)

        assert inside.hits == []
    assert len(site.hits) == 1


@pytest.mark.parametrize("target", ["http://169.254.169.254/latest", "file:///etc/passwd"])
def test_a_redirect_to_metadata_or_a_file_is_refused(site: Site, target: str) -> None:
    site.redirect("/away", target)

    with pytest.raises((FetchError, httpx.UnsupportedProtocol)):
        _fetch(site.url + "/away", [site.authority], follow_redirects=True)


def test_a_redirect_within_the_allowed_server_is_followed_on_request(site: Site) -> None:
    site.redirect("/old", "/")

    response = _fetch(site.url + "/old", [site.authority], follow_redirects=True)

    assert response.text == "潮"


def test_proxies_of_the_environment_are_not_used(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Site() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        _fetch(site.url + "/", [site.authority])

        assert proxy.hits == []


def test_a_closed_port_is_an_ordinary_connection_error(site: Site) -> None:
    authority, url = site.authority, site.url
    site.close()

    with pytest.raises(httpx.ConnectError):
        _fetch(url + "/", [authority])


def test_a_slow_answer_is_an_ordinary_timeout(site: Site) -> None:
    site.set("/slow", "late", delay_s=1.0)

    with pytest.raises(httpx.ReadTimeout):
        _fetch(site.url + "/slow", [site.authority], timeout_s=0.2)


def test_a_body_that_breaks_off_is_an_ordinary_protocol_error(site: Site) -> None:
    site.set("/cut", "half", {"Content-Length": "1000", "Connection": "close"})

    with pytest.raises(httpx.HTTPError):
        _fetch(site.url + "/cut", [site.authority], timeout_s=0.5)


def test_a_name_that_does_not_resolve_is_an_ordinary_connection_error() -> None:
    async def fails(_host: str, _port: int) -> Sequence[str]:
        raise OSError("name or service not known")

    async def hangs(_host: str, _port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    resolve, _ = _answering([])
    with pytest.raises(httpx.ConnectError, match="does not resolve"):
        _fetch("http://nowhere.example/", resolve=fails)
    with pytest.raises(httpx.ConnectTimeout, match="did not resolve in"):
        _fetch("http://nowhere.example/", resolve=hangs, timeout_s=0.1)
    with pytest.raises(httpx.ConnectError, match="has no address"):
        _fetch("http://nowhere.example/", resolve=resolve)


def test_the_system_resolver_is_asked_by_default() -> None:
    with Site() as site:
        response = _fetch(f"http://localhost:{site.port}/", [f"localhost:{site.port}"])

    assert response.status_code == 404


# --- TLS: the name is checked although the connection goes to an address ------------------------


def _certificate(folder: Path, host: str) -> tuple[Path, Path]:
    """Write a self-signed certificate and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, private


@pytest.fixture
def tls_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of an HTTPS server for hook.example.com whose issuer the environment names."""
    certificate, private = _certificate(tmp_path, "hook.example.com")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    class Server(HTTPServer):
        def handle_error(self, *args: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Answer)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join(timeout=5)


def test_the_certificate_must_fit_the_name_that_was_asked_for(tls_port: int) -> None:
    resolve, _ = _answering(["127.0.0.1"])
    right, wrong = f"hook.example.com:{tls_port}", f"other.example.com:{tls_port}"

    assert _fetch(f"https://{right}/", [right], resolve).status_code == 204
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        _fetch(f"https://{wrong}/", [wrong], resolve)
