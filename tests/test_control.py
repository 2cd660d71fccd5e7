"""How commands find and ask the daemon: the lock that says it runs, the socket that answers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from ingestd import control
from ingestd.control import ControlServer, Lock, ask, holder
from ingestd.errors import AlreadyRunningError, Exit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE = 10.0


@pytest.fixture(params=["short", "long"])
def state_dir(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Also one whose path is longer than a socket's address may be (107 bytes)."""
    place = tmp_path
    if request.param == "long":
        for _ in range(4):
            place /= "a rather long name for a directory " * 3
    place.mkdir(parents=True, exist_ok=True)
    return place


@pytest.fixture
def echo(state_dir: Path) -> Iterator[ControlServer]:
    server = ControlServer(state_dir, lambda request: {"heard": request})
    yield server
    server.close()


# --- the lock -----------------------------------------------------------------------------------


def test_a_state_directory_is_held_once(state_dir: Path):
    lock = Lock(state_dir, since=5.0)
    with pytest.raises(AlreadyRunningError, match=f"process {os.getpid()}") as caught:
        Lock(state_dir, since=6.0)
    assert caught.value.exit_code is Exit.ALREADY_RUNNING
    lock.release()
    Lock(state_dir, since=7.0).release()


def test_the_holder_is_known_while_it_lives(state_dir: Path):
    assert holder(state_dir) is None
    lock = Lock(state_dir, since=5.0)
    assert holder(state_dir) == control.Holder(os.getpid(), 5.0)
    lock.release()
    assert holder(state_dir) is None


def test_asking_who_holds_it_does_not_get_in_the_way(state_dir: Path):
    Lock(state_dir, since=1.0).release()
    for _ in range(3):
        assert holder(state_dir) is None
    Lock(state_dir, since=2.0).release()


def test_a_holder_that_was_killed_holds_no_more(state_dir: Path):
    script = (
        "import sys, time, pathlib\n"
        "from ingestd.control import Lock\n"
        "lock = Lock(pathlib.Path(sys.argv[1]), 9.0)\n"
        "print('held', flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", script, str(state_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert holder(state_dir) == control.Holder(process.pid, 9.0)
        process.kill()
        process.wait(PATIENCE)
    assert holder(state_dir) is None
    Lock(state_dir, since=1.0).release()


def test_a_lock_file_with_nonsense_in_it_still_tells_that_it_is_held(state_dir: Path):
    lock = Lock(state_dir, since=1.0)
    (state_dir / control.LOCK_NAME).write_text("[]")
    assert holder(state_dir) == control.Holder(None, None)
    with pytest.raises(AlreadyRunningError, match="another process"):
        Lock(state_dir, since=2.0)
    lock.release()


# --- the socket ---------------------------------------------------------------------------------


def test_a_question_gets_its_answer(state_dir: Path, echo: ControlServer):
    question = {"ask": "explain", "path": os.fsdecode(b"odd \xff\n name")}
    assert ask(state_dir, question) == {"heard": question}


def test_a_long_answer_comes_whole(state_dir: Path):
    server = ControlServer(state_dir, lambda _: {"rows": ["x" * 1000] * 2000})
    answer = ask(state_dir, {}, wait=PATIENCE)
    server.close()
    assert answer == {"rows": ["x" * 1000] * 2000}


def test_nobody_answers_where_nobody_runs(state_dir: Path):
    assert ask(state_dir, {}) is None


def test_nobody_answers_where_somebody_was_killed(state_dir: Path, echo: ControlServer):
    """Its socket's name is left behind."""
    left = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    (state_dir / control.SOCKET_NAME).unlink()
    with control._address(state_dir) as address:
        left.bind(address)
    left.close()
    assert ask(state_dir, {}) is None
    server = ControlServer(state_dir, lambda _: {"ok": True})
    assert ask(state_dir, {}) == {"ok": True}
    server.close()


def test_an_answer_that_takes_too_long_is_none(state_dir: Path):
    hung = threading.Event()
    server = ControlServer(state_dir, lambda _: {"late": hung.wait(PATIENCE)})
    began = time.monotonic()
    assert ask(state_dir, {}, wait=0.05) is None
    assert time.monotonic() - began < PATIENCE / 2
    hung.set()
    server.close()


def test_clients_that_talk_nonsense_end_nothing(state_dir: Path, echo: ControlServer):
    deep = b"[" * 100_000 + b"\n"
    for nonsense in (b"", b"\n", b"{\n", b"[]\n", b"\xff\n", b"5\n", b"no newline", deep):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            with control._address(state_dir) as address:
                client.connect(address)
            client.sendall(nonsense)
            client.shutdown(socket.SHUT_WR)
            client.settimeout(PATIENCE)
            assert client.recv(100) == b""
    assert ask(state_dir, {"n": 1}) == {"heard": {"n": 1}}


def test_a_question_whose_answer_breaks_ends_nothing(state_dir: Path):
    def answer(request: control.Ask) -> control.Ask:
        if request.get("break"):
            raise RuntimeError("a bug")
        return {"ok": True}

    server = ControlServer(state_dir, answer)
    assert ask(state_dir, {"break": True}, wait=PATIENCE) is None
    assert ask(state_dir, {}, wait=1.0) == {"ok": True}
    server.close()


def test_only_the_owner_may_ask(state_dir: Path, echo: ControlServer):
    assert (state_dir / control.SOCKET_NAME).stat().st_mode & 0o077 == 0
    lock = Lock(state_dir, since=1.0)
    assert (state_dir / control.LOCK_NAME).stat().st_mode & 0o077 == 0
    lock.release()


def test_after_closing_nothing_is_left(state_dir: Path):
    server = ControlServer(state_dir, lambda _: {})
    server.close()
    assert not (state_dir / control.SOCKET_NAME).exists()
    assert json.dumps(ask(state_dir, {})) == "null"


def test_a_client_that_waits_for_a_busy_loop_holds_up_no_other(state_dir: Path):
    free = threading.Event()

    def answer(request: control.Ask) -> control.Ask:
        if request["ask"] == "slow":
            free.wait(PATIENCE)
        return request

    server = ControlServer(state_dir, answer)
    slow = threading.Thread(target=ask, args=(state_dir, {"ask": "slow"}, PATIENCE))
    slow.start()
    assert ask(state_dir, {"ask": "pulse"}, wait=PATIENCE) == {"ask": "pulse"}
    free.set()
    slow.join(PATIENCE)
    server.close()
