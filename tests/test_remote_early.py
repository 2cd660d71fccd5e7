"""Answers that come before the whole body is sent, and ends without one, over real connections.

A body of 200 MB meets a far side that has heard enough after 100 kB: whatever it does then, that is
noticed within what the buffers hold, and what it says is what counts.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING

import httpcore
import pytest

from farside import PATIENCE, ScriptedServer, accepted, envelope, http, upload_of
from ingestd.remote import (
    Accepted,
    HttpxFarSide,
    NotSent,
    Pace,
    Refusal,
    Refused,
    stall,
)
from ingestd.remote.backend import Backend
from tls import make_trust

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from farside import Line, Request

MIB = 1 << 20
BIG = 200 * MIB
BUFFERS = 24 * MIB  # more than two sockets hold, much less than the body


@pytest.fixture(params=["plain", "TLS 1.2", "TLS 1.3 with tickets"])
def served(request, tmp_path: Path) -> Iterator[Callable[..., tuple[ScriptedServer, HttpxFarSide]]]:
    """Start a server and a client that trusts it."""
    trust = None if request.param == "plain" else make_trust(tmp_path)
    if trust is not None:
        last = ssl.TLSVersion.TLSv1_2 if request.param == "TLS 1.2" else ssl.TLSVersion.TLSv1_3
        trust.server.maximum_version = trust.server.minimum_version = last
    if request.param == "TLS 1.3 with tickets":
        trust.server.num_tickets = 8  # they come while the body goes out, and are no answer
    opened: list[tuple[ScriptedServer, HttpxFarSide]] = []

    def start(script: Callable[[Line], None], **settings: object):
        server = ScriptedServer(
            script, context=trust.server if trust else None, receive_buffer=64 << 10
        )
        far = HttpxFarSide(
            server.url, lambda: "sk-mavi-test", ca_file=trust and trust.ca_file, **settings
        )
        opened.append((server, far))
        return server, far

    yield start
    for server, far in opened:
        far.close()
        with server:
            assert server.errors == []


@pytest.fixture
def big(tmp_path: Path) -> Path:
    path = tmp_path / "big.mp4"
    with path.open("wb") as file:
        file.truncate(BIG)
    return path


ANSWERS = {
    "413": (http(b"<html>", status=413), Refusal.FILE),
    "429": (http(b"", status=429), Refusal.RATE),
    "402 as a code": (http(envelope("0402")), Refusal.CREDITS),
    "401": (http(envelope("0401"), status=401), Refusal.AUTH),
}


@pytest.fixture
def over() -> Iterator[threading.Event]:
    """Set when a test is over: servers that hold still wait for it."""
    event = threading.Event()
    yield event
    event.set()


def keeps_reading(line: Line, request: Request, answer: bytes, _over: object = None) -> None:
    line.say(answer)
    request.received += line.wait_for_end()


def stops_reading(line: Line, _request: Request, answer: bytes, over: threading.Event) -> None:
    line.say(answer)
    over.wait(PATIENCE)  # the client must not wait for this connection to end


def closes(line: Line, _request: Request, answer: bytes, _over: object) -> None:
    """With bytes of the body unread: the client sees a reset right behind the answer."""
    line.say(answer)


def closes_half(line: Line, request: Request, answer: bytes, _over: object) -> None:
    line.say(answer)
    socket.socket.shutdown(line.sock, socket.SHUT_WR)
    request.received += line.wait_for_end()


def says_it_in_pieces(line: Line, request: Request, answer: bytes, _over: object) -> None:
    for part in (answer[:9], answer[9:30], answer[30:]):
        line.say(part)
        time.sleep(0.02)  # so that each arrives by itself
    request.received += line.wait_for_end()


AFTERWARDS = [keeps_reading, stops_reading, closes, closes_half, says_it_in_pieces]


@pytest.mark.parametrize("then", AFTERWARDS, ids=lambda one: one.__name__)
@pytest.mark.parametrize(("answer", "kind"), ANSWERS.values(), ids=ANSWERS)
def test_an_early_no_costs_what_the_buffers_hold(
    served, over: threading.Event, big: Path, answer: bytes, kind: Refusal, then
):
    marks: list[bool] = []

    def script(line: Line) -> None:
        request = line.head()
        line.body(request, limit=100_000, keep=False)
        then(line, request, answer, over)

    server, far = served(script)
    upload = upload_of(big, may_finish=lambda _: marks.append(True) or True)
    outcome = far.upload(upload)
    assert isinstance(outcome, Refused)
    assert outcome.trouble.kind is kind
    assert upload.progress.sent < BUFFERS
    assert server.requests[0].received < BUFFERS
    assert marks == []


def test_an_early_id_is_believed(served, big: Path):
    def script(line: Line) -> None:
        request = line.head()
        line.body(request, limit=100_000, keep=False)
        keeps_reading(line, request, http(accepted("VI7")))

    _, far = served(script)
    outcome = far.upload(upload_of(big))
    assert isinstance(outcome, Accepted)
    assert outcome.video_no == "VI7"


def ends(line: Line) -> None:
    """Without a word: half, so that it goes on to take in what comes."""
    socket.socket.shutdown(line.sock, socket.SHUT_WR)
    line.server.requests[-1].received += line.wait_for_end()


def hangs_up(line: Line) -> None:
    line.sock.close()


def resets(line: Line) -> None:
    line.reset()


@pytest.mark.parametrize("end", [ends, hangs_up, resets], ids=lambda one: one.__name__)
def test_an_end_without_a_word_is_noticed_at_once(served, big: Path, end):
    def script(line: Line) -> None:
        line.body(line.head(), limit=100_000, keep=False)
        end(line)

    server, far = served(script)
    upload = upload_of(big)
    outcome = far.upload(upload)
    assert isinstance(outcome, NotSent)
    assert outcome.trouble.kind is Refusal.UNREACHABLE
    assert upload.progress.sent < BUFFERS
    assert server.requests[0].received < BUFFERS


def test_tickets_and_interim_answers_are_no_answer(served, big: Path):
    def script(line: Line) -> None:
        request = line.head()
        for taken in range(1, 20):
            line.body(request, limit=taken * 500_000, keep=False)
            line.say(b"HTTP/1.1 102 Processing\r\n\r\n")
        if line.body(request, keep=False):
            line.answer(accepted())

    _, far = served(script)
    assert isinstance(far.upload(upload_of(big)), Accepted)


def test_an_answer_is_noticed_while_our_own_limit_holds_the_body_back(served, big: Path):
    answered_at: list[float] = []

    def script(line: Line) -> None:
        request = line.head()
        line.body(request, limit=30_000, keep=False)
        line.answer(envelope("0402"))
        answered_at.append(time.monotonic())
        line.wait_for_end()

    _, far = served(script, bandwidth=Pace(50_000))
    outcome = far.upload(upload_of(big))
    assert isinstance(outcome, Refused)
    assert time.monotonic() - answered_at[0] < 10  # the body would take an hour


def test_a_next_upload_gets_a_connection_of_its_own(served, big: Path, tmp_path: Path):
    small = tmp_path / "small.mp4"
    small.write_bytes(b"x" * 1000)

    def script(line: Line) -> None:
        request = line.head()
        if line.body(request, limit=min(100_000, request.length), keep=False):
            big_one = request.length > MIB
            line.answer(envelope("0402") if big_one else accepted())
            line.wait_for_end()

    server, far = served(script)
    assert isinstance(far.upload(upload_of(big)), Refused)
    assert isinstance(far.upload(upload_of(small)), Accepted)
    assert server.connections == 2


# --- stalls -------------------------------------------------------------------------------------


@pytest.fixture
def trickle():
    """A pair of sockets whose other end takes a little every tenth of a second."""
    ours, theirs = socket.socketpair()
    for one in (ours, theirs):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    done = threading.Event()

    def take() -> None:
        while not done.wait(0.1) and theirs.recv(2048):
            pass

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    yield ours
    done.set()
    thread.join(PATIENCE)
    theirs.close()


def test_a_connection_that_trickles_is_given_up(trickle, monkeypatch):
    monkeypatch.setattr(stall, "FLOOR", 1e6)
    stream = Backend().adopt(trickle)
    with pytest.raises(httpcore.WriteTimeout):
        stream.write(bytes(16 * MIB), timeout=0.5)
    stream.close()


def test_a_connection_that_is_merely_slow_is_not(trickle):
    stream = Backend().adopt(trickle)
    stream.write(bytes(40_000), timeout=0.5)
    stream.close()
