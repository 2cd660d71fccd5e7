"""How the client connects, and what must never leave this machine: the key, in any text."""

from __future__ import annotations

import logging
import os
import select
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from farside import Line, ScriptedServer, accepted, answering, envelope, http, upload_of
from ingestd.errors import UsageError
from ingestd.model import Scope
from ingestd.remote import (
    Accepted,
    Failed,
    HttpxFarSide,
    NotSent,
    Page,
    Refusal,
    Refused,
    Unknown,
    wire,
)
from ingestd.remote.envelope import Loss
from ingestd.remote.line import new_watch
from tls import make_trust

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY = "sk-mavi-0123456789abcdef0123456789abcdef"
DEFAULT = Scope("unique_id", "default")
EMPTY_PAGE = http(envelope(data={"videos": []}))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(os.urandom(5000))
    return path


@pytest.fixture
def client() -> Iterator[Callable[..., HttpxFarSide]]:
    made: list[HttpxFarSide] = []

    def make(url: str, key: Callable[[], str] = lambda: KEY, **settings: Any) -> HttpxFarSide:
        made.append(HttpxFarSide(url, key, **settings))
        return made[-1]

    yield make
    for far in made:
        far.close()


def test_a_connection_is_used_again_by_the_next_call(client, clip: Path):
    with ScriptedServer(answering(EMPTY_PAGE, http(accepted()), EMPTY_PAGE)) as server:
        far = client(server.url)
        far.list_videos(DEFAULT)
        assert isinstance(far.upload(upload_of(clip)), Accepted)
        far.list_videos(DEFAULT)
    assert server.connections == 1


def test_an_old_connection_is_not_trusted_with_an_upload(client, clip: Path, monkeypatch):
    assert wire.KEEPALIVE_EXPIRY <= 2.0
    monkeypatch.setattr(wire, "KEEPALIVE_EXPIRY", 0.0)
    with ScriptedServer(answering(EMPTY_PAGE), answering(http(accepted()))) as server:
        far = client(server.url)
        far.list_videos(DEFAULT)
        assert isinstance(far.upload(upload_of(clip)), Accepted)
    assert server.connections == 2


def test_a_connection_that_the_far_side_closed_is_not_used(client, clip: Path):
    closed = threading.Event()

    def once(line: Line) -> None:
        line.request()
        line.say(EMPTY_PAGE)
        line.sock.close()
        closed.set()

    with ScriptedServer(once, answering(http(accepted()))) as server:
        far = client(server.url)
        far.list_videos(DEFAULT)
        assert closed.wait(5)
        assert isinstance(far.upload(upload_of(clip)), Accepted)


def test_a_changed_key_is_used_at_once(client):
    keys = iter(["sk-one", "sk-two"])
    with ScriptedServer(answering(EMPTY_PAGE)) as server:
        far = client(server.url, lambda: next(keys))
        far.list_videos(DEFAULT)
        far.list_videos(DEFAULT)
    assert [request.headers["authorization"] for request in server.requests] == ["sk-one", "sk-two"]


def missing() -> str:
    raise FileNotFoundError(2, "no such file", "/run/secrets/key")


@pytest.mark.parametrize("key", [lambda: "", lambda: f"{KEY}\nX: y", lambda: f"é{KEY}", missing])
def test_a_key_that_cannot_be_sent_is_an_auth_trouble(client, clip: Path, key: Callable[[], str]):
    with ScriptedServer(answering(EMPTY_PAGE)) as server:
        far = client(server.url, key)
        sent, page = far.upload(upload_of(clip)), far.list_videos(DEFAULT)
    assert isinstance(sent, NotSent)
    assert isinstance(page, Failed)
    assert sent.trouble.kind is page.trouble.kind is Refusal.AUTH
    assert KEY not in repr((sent, page))
    assert server.connections == 0


ECHOES = {
    "in the message": http(envelope("0429", msg=f"key {KEY} is too fast")),
    "at the cut": http(envelope("0429", msg="x" * 180 + KEY)),
    "split by something invisible": http(envelope("0429", msg=f"{KEY[:9]}\u200b{KEY[9:]}")),
    "escaped": http(
        ('{"code":"0429","msg":"' + "".join(f"\\u{ord(c):04x}" for c in KEY) + '"}').encode()
    ),
    "as the code": http(envelope(KEY)),
    "in the name": http(envelope(data={"videoNo": "VI1", "videoName": f"clip {KEY}"})),
    "in the reason": f"HTTP/1.1 429 {KEY}\r\nContent-Length: 0\r\n\r\n".encode(),
    "as no HTTP": f"{KEY}\r\n\r\n".encode(),
    "in a header": http(b"", status=301, headers={"Location": f"/{KEY}", "Retry-After": KEY}),
}


@pytest.mark.parametrize("answer", ECHOES.values(), ids=ECHOES)
def test_a_far_side_that_echoes_the_key_does_not_spread_it(
    client, clip: Path, answer: bytes, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    with ScriptedServer(answering(answer)) as server:
        far = client(server.url)
        outcome = far.upload(upload_of(clip))
        assert isinstance(outcome, Accepted | Refused | Unknown)
        page = far.list_videos(DEFAULT)
    assert KEY not in repr((outcome, page, far, vars(far)))
    assert KEY not in caplog.text


def test_nothing_logs_the_key_even_when_all_is_logged(
    client, clip: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    with ScriptedServer(answering(EMPTY_PAGE, http(accepted()))) as server:
        far = client(server.url)
        far.list_videos(DEFAULT)
        far.upload(upload_of(clip))
    assert "HTTP Request" in caplog.text
    assert KEY not in caplog.text


def test_foreign_words_are_short_and_of_one_line(client, clip: Path):
    words = "\x1b[31mred\r\n\x00" + "long " * 100
    with ScriptedServer(answering(http(envelope("0402", msg=words)))) as server:
        outcome = client(server.url).upload(upload_of(clip))
    assert isinstance(outcome, Refused)
    assert outcome.trouble.text.isprintable()
    assert "[31mred long" in outcome.trouble.text
    assert len(outcome.trouble.text) < 320


def test_a_certificate_nobody_vouches_for_is_refused(client, clip: Path, tmp_path: Path):
    trust = make_trust(tmp_path)
    with ScriptedServer(answering(http(accepted())), context=trust.server) as server:
        outcome = client(server.url).upload(upload_of(clip))
    assert isinstance(outcome, NotSent)
    assert outcome.trouble.kind is Refusal.UNREACHABLE
    assert "certificate is not trusted" in outcome.trouble.text
    assert server.requests == []


def test_a_certificate_for_another_name_is_refused(client, tmp_path: Path):
    trust = make_trust(tmp_path, "elsewhere.example")
    with ScriptedServer(answering(EMPTY_PAGE), context=trust.server) as server:
        page = client(server.url, ca_file=trust.ca_file).list_videos(DEFAULT)
    assert isinstance(page, Failed)
    assert "certificate is not trusted" in page.trouble.text
    assert server.requests == []


def test_plain_http_behind_https_is_unreachable(client, clip: Path):
    with ScriptedServer(lambda line: line.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        outcome = client(server.url.replace("http:", "https:")).upload(upload_of(clip))
    assert isinstance(outcome, NotSent)
    assert "no secure connection" in outcome.trouble.text.lower()


def test_a_name_that_cannot_be_resolved_is_unreachable(client, clip: Path, monkeypatch):
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    outcome = client("http://api.example/serve/api/v1").upload(upload_of(clip))
    assert isinstance(outcome, NotSent)
    assert outcome.trouble.kind is Refusal.UNREACHABLE
    assert "The name api.example cannot be resolved" in outcome.trouble.text


def test_the_environment_does_not_redirect_uploads(client, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with ScriptedServer(answering(EMPTY_PAGE)) as server:
        assert isinstance(client(server.url).list_videos(DEFAULT), Page)


def test_cookies_are_not_kept(client):
    page = http(envelope(data={"videos": []}), headers={"Set-Cookie": "a=b; Path=/"})
    with ScriptedServer(answering(page)) as server:
        far = client(server.url)
        far.list_videos(DEFAULT)
        far.list_videos(DEFAULT)
    assert "cookie" not in server.requests[1].headers


def relay(line: Line, port: int) -> None:
    """Pass bytes between the client of a proxy and the port it asked for."""
    with socket.create_connection(("127.0.0.1", port)) as onward:
        line.say(b"HTTP/1.1 200 Connection established\r\n\r\n")
        other = {line.sock: onward, onward: line.sock}
        while True:
            for sock in select.select(list(other), [], [])[0]:
                data = sock.recv(1 << 16)
                if not data:
                    return
                other[sock].sendall(data)


def test_a_proxy_carries_a_tunnel_and_never_sees_the_key(client, clip: Path, tmp_path: Path):
    trust = make_trust(tmp_path)
    with ScriptedServer(answering(http(accepted())), context=trust.server) as server:

        def script(line: Line) -> None:
            line.head()
            relay(line, server.port)

        with ScriptedServer(script) as proxy:
            address = f"http://user:secret@127.0.0.1:{proxy.port}"
            far = client(server.url, proxy=address, ca_file=trust.ca_file)
            assert isinstance(far.upload(upload_of(clip)), Accepted)
            far.close()
    (asked,) = proxy.requests
    assert (asked.method, asked.target) == ("CONNECT", f"127.0.0.1:{server.port}")
    assert asked.headers["proxy-authorization"] == "Basic dXNlcjpzZWNyZXQ="
    assert "authorization" not in asked.headers


def test_a_proxy_that_refuses_is_unreachable(client, clip: Path):
    refusal = http(b"", status=407)
    with ScriptedServer(answering(refusal)) as proxy:
        far = client("https://api.example", proxy=f"http://user:secret@127.0.0.1:{proxy.port}")
        outcome = far.upload(upload_of(clip))
    assert isinstance(outcome, NotSent)
    assert outcome.trouble.kind is Refusal.UNREACHABLE
    assert "proxy refused: 407" in outcome.trouble.text
    assert "secret" not in repr(outcome)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"base_url": "api.memories.ai"}, "api.base_url"),
        ({"base_url": "ftp://api.memories.ai"}, "api.base_url"),
        ({"base_url": "https://"}, "api.base_url"),
        ({"base_url": "https://host:port/"}, "api.base_url"),
        ({"proxy": "socks5://127.0.0.1:1"}, "api.proxy"),
        ({"proxy": "127.0.0.1:1"}, "api.proxy"),
        ({"ca_file": "/nowhere/ca.pem"}, "api.ca_file"),
        ({"ca_file": __file__}, "api.ca_file"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(settings: dict[str, str], named: str):
    with pytest.raises(UsageError, match=named):
        HttpxFarSide(**{"base_url": "https://api.example", "key": lambda: KEY, **settings})


def test_what_is_loaded_at_the_first_call_works_like_the_other(client, clip: Path):
    with ScriptedServer(answering(EMPTY_PAGE, http(accepted()))) as server:
        far = client(server.url, at_once=False)
        far.patience(answer=30.0, stall=7.0)
        assert far.list_videos(DEFAULT).videos == ()
        assert isinstance(far.upload(upload_of(clip)), Accepted)
    assert server.connections == 1


def test_what_cannot_be_used_is_named_by_the_first_call(client, clip: Path):
    far = client("https://", at_once=False)
    assert "api.base_url" in far.list_videos(DEFAULT).trouble.text
    outcome = far.upload(upload_of(clip))
    assert isinstance(outcome, NotSent)
    assert "api.base_url" in outcome.trouble.text


def test_what_is_closed_before_its_first_call_carries_nothing(client, clip: Path):
    with ScriptedServer(answering(EMPTY_PAGE)) as server:
        far = client(server.url, at_once=False)
        far.close()
        assert isinstance(far.list_videos(DEFAULT), Failed)
        assert isinstance(far.upload(upload_of(clip)), NotSent)
        # a call that had begun when it was closed
        line = far._line
        assert isinstance(line.exchange("GET", "x", key=KEY, watch=new_watch()), Loss)
    assert server.connections == 0


def test_who_does_not_talk_does_not_load_the_http_stack():
    script = (
        "import sys, ingestd.remote;"
        "ingestd.remote.HttpxFarSide('https://api.example', lambda: 'x', at_once=False);"
        "print({'httpx', 'httpcore', 'tenacity', 'ssl', 'asyncio'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
