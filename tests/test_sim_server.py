"""Connections, the control paths, callbacks, and the stand-in as a whole."""

from __future__ import annotations

import ast
import dataclasses
import http.server
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
import trustme

import ingestd.sim
from ingestd.sim import FaultKind, Sim, SimSettings
from ingestd.sim.callbacks import is_loopback
from test_sim_kit import (
    KEY,
    Clock,
    Form,
    accepted,
    connect,
    get,
    listed,
    metadata,
    post,
    read_all,
    request,
    rows,
    running,
    send,
    until,
)

LIST = b"POST /serve/api/v1/list_videos HTTP/1.1\r\nHost: s\r\nAuthorization: k\r\n"
CLOSE = b"Connection: close\r\n"


def test_requests_follow_each_other_on_one_connection():
    chunked = LIST + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunked += b"2\r\n{}\r\n0\r\n\r\n"
    with running() as sim, connect(sim) as sock:
        sock.sendall(Form().head() + Form().body() + chunked + LIST + CLOSE + b"\r\n")
        answers = read_all(sock)
        assert sim.report()["requests"] == {"upload": 1, "list_videos": 2}
    assert answers.count(b"HTTP/1.1 200 ") == 3
    assert answers.count(b'"total_count":1') == 2


def test_an_idle_connection_is_closed():
    with running(idle_seconds=0.02) as sim, connect(sim) as sock:
        assert sock.recv(1) == b""


def test_connections_can_end_after_each_answer():
    with running(idle_seconds=0) as sim:
        assert get(sim.origin).headers["Connection"] == "close"


@pytest.mark.parametrize(
    "line", [b"\x16\x03\x01 no http\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n"]
)
def test_what_is_no_http_gets_a_400(line):
    with running() as sim, connect(sim) as sock:
        sock.sendall(line)
        assert read_all(sock).startswith(b"HTTP/1.1 400 ")


def test_head_is_refused_without_a_body():
    with running() as sim:
        answer = request("HEAD", f"{sim.url}/upload")
        assert (answer.status_code, answer.content) == (200, b"")
        assert sim.report()["errors"] == []


def test_tls(tmp_path):
    authority = trustme.CA()
    chain = tmp_path / "chain.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(chain))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with running(certfile=str(chain)) as sim, httpx.Client(verify=context) as client:
        assert sim.url.startswith("https://127.0.0.1:")
        files = {"file": ("a.mp4", b"x" * 300_000, "video/mp4")}
        assert client.post(f"{sim.url}/upload", files=files, headers=KEY).json()["code"] == "0000"
        assert sim.report()["videos"][0]["size"] == 300_000


def test_a_client_that_fails_the_handshake_harms_nobody(tmp_path):
    chain = tmp_path / "chain.pem"
    trustme.CA().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(chain))
    with running(certfile=str(chain)) as sim, connect(sim) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        read_all(sock)
        assert sim.report()["errors"] == []


def test_stopping_is_an_outage_and_starting_again_keeps_address_and_library():
    sim = running()
    with sim:
        number, url = accepted(sim), sim.url
    with pytest.raises(httpx.ConnectError):
        get(url)
    with sim:
        assert sim.url == url
        assert rows(sim)[0]["video_no"] == number


def test_stopping_ends_an_upload_without_a_row():
    with running() as sim, connect(sim) as sock:
        sock.sendall(Form().head() + Form().body()[:50])
        until(lambda: sim.report()["uploads"]["open"] == 1)
        sim.stop()
        assert sim.report()["uploads"] == {"accepted": 0, "aborted": 1, "open": 0, "open_max": 1}


def test_a_taken_port_is_told():
    with running() as sim, pytest.raises(OSError, match="in use"):
        running(port=int(sim.origin.rpartition(":")[2])).start()


def test_it_listens_on_ipv6_too():
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
    with running(host="::1") as sim:
        assert sim.url.startswith("http://[::1]:")
        assert get(f"{sim.origin}/_sim/").status_code == 200


# Control


def test_the_report_is_the_same_over_http():
    with running() as sim:
        accepted(sim)
        over_http = get(f"{sim.origin}/_sim/report").json()
        assert over_http == {k: v for k, v in sim.report().items() if k != "url"}
        assert over_http["requests"] == {"upload": 1}


def test_faults_are_set_and_cleared_over_http():
    with running() as sim:
        faults = f"{sim.origin}/_sim/faults"
        one = {"kind": "rate_limit", "times": None}
        assert post(faults, json=[one, {"kind": "stuck"}]).json() == {"armed": 2}
        assert send(sim).json()["code"] == "0429"
        assert request("DELETE", faults).json() == {"armed": 0}
        assert send(sim).json()["code"] == "0000"


def test_one_wrong_fault_of_several_arms_none():
    with running() as sim:
        answer = post(f"{sim.origin}/_sim/faults", json=[{"kind": "drop"}, {"kind": "rain"}])
        assert answer.status_code == 400
        assert "kind" in answer.json()["error"]
        assert sim.report()["faults"] == []


def test_settings_change_over_http():
    with running() as sim:
        settings = f"{sim.origin}/_sim/settings"
        change = {"profile": "recorded2025", "names": "hex", "fail_names": ["bad*"]}
        assert post(settings, json=change).status_code == 200
        assert sim.settings.fail_names == ("bad*",)
        assert listed(sim)["data"]["total_count"] == "0"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"port": 1}, "port cannot change"),
        ({"per_minutes": 1}, "did you mean 'per_minute'"),
        ({"profile": "docs2031"}, "profile"),
        ([1], "object"),
    ],
)
def test_a_setting_that_cannot_be_is_told(change, problem):
    with running() as sim:
        answer = post(f"{sim.origin}/_sim/settings", json=change)
        assert answer.status_code == 400
        assert problem in answer.json()["error"]
        assert sim.settings == SimSettings()


def test_a_new_parse_time_holds_for_what_is_being_indexed():
    with running(parse_seconds=1e9) as sim:
        number = accepted(sim)
        assert metadata(sim, number)["data"]["status"] == "UNPARSE"
        sim.change(parse_seconds=0)
        assert metadata(sim, number)["data"]["status"] == "PARSE"
        sim.change(parse_seconds=1e9)
        assert metadata(sim, number)["data"]["status"] == "PARSE"


def test_videos_are_added_and_finished_over_http():
    with running(names="stem") as sim:
        facts = {"file_name": "old.mp4", "size": 7, "age_s": 3600, "finished": False}
        number = post(f"{sim.origin}/_sim/videos", json=facts).json()["video_no"]
        accepted(sim)
        assert [row["video_name"] for row in rows(sim)] == ["clip", "old"]
        finish = f"{sim.origin}/_sim/finish"
        assert post(finish, json={"video_no": number, "fate": "fail"}).status_code == 200
        assert metadata(sim, number)["data"]["status"] == "FAILED"
        assert post(finish, json={"video_no": "VI0"}).status_code == 404
        assert post(finish, json={"video_no": number, "fate": "rain"}).status_code == 400


def test_unknown_control_paths_point_to_the_help():
    with running() as sim:
        assert "/_sim/ explains" in get(f"{sim.origin}/_sim/nothing").json()["error"]
        text = get(f"{sim.origin}/_sim/").text
    assert all(kind.value in text for kind in FaultKind)


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("192.0.2.1", False),
        ("::ffff:192.0.2.1", False),
        ("0.0.0.0", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_only_this_machine_steers_and_is_called_back(address, local):
    assert is_loopback(address) is local


# Callbacks


class Receiver:
    """Takes callbacks and remembers them."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict]] = []
        got = self.got

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                got.append((self.path, json.loads(body)))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?id=1"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.mark.parametrize(
    ("settings", "file_name", "word", "keys"),
    [
        ({}, "good.mp4", "PARSE", ["videoNo", "status"]),
        ({}, "bad.mp4", "FAILED", ["videoNo", "status"]),
        ({"callback_fail_word": "FAIL"}, "bad.mp4", "FAIL", ["videoNo", "status"]),
        ({"profile": "recorded2025"}, "good.mp4", "PARSE", ["videoNo", "clientId", "status"]),
        ({"profile": "recorded2025"}, "bad.mp4", "FAIL", ["videoNo", "clientId", "status"]),
    ],
)
def test_the_end_of_indexing_calls_back(settings, file_name, word, keys):
    clock = Clock()
    with Receiver() as hook, running(clock, fail_names=("bad*",), **settings) as sim:
        number = accepted(sim, file_name=file_name, fields=[("callback", hook.url)])
        assert hook.got == []
        clock.forward(2)
        until(lambda: sim.report()["callbacks"])
        [posted] = sim.report()["callbacks"]
    [(path, payload)] = hook.got
    assert path == "/hook?id=1"
    assert list(payload) == keys
    assert (payload["videoNo"], payload["status"]) == (number, word)
    assert posted == {"url": hook.url, "payload": payload, "status": 204}


def test_callbacks_can_come_early_and_more_than_once():
    clock = Clock()
    settings = {"callback_on": ("uploaded", "finished"), "callback_times": 2}
    with Receiver() as hook, running(clock, **settings) as sim:
        accepted(sim, fields=[("callback", hook.url)])
        until(lambda: len(sim.report()["callbacks"]) == 2)
        clock.forward(2)
        until(lambda: len(sim.report()["callbacks"]) == 4)
    assert [got["status"] for _, got in hook.got] == ["UNPARSE", "UNPARSE", "PARSE", "PARSE"]


@pytest.mark.parametrize(
    "url", ["http://192.0.2.1/x", "https://127.0.0.1:1/x", "ftp://localhost/", "http://[", "x"]
)
def test_a_callback_elsewhere_is_noted_and_not_sent(url):
    with running(parse_seconds=0) as sim:
        accepted(sim, fields=[("callback", url)])
        until(lambda: sim.report()["callbacks"])
        assert sim.report()["callbacks"][0]["status"] is None


# The whole


def test_it_imports_nothing_else_of_ours():
    package = Path(ingestd.sim.__file__).parent
    imported = {
        name
        for module in package.glob("*.py")
        for node in ast.walk(ast.parse(module.read_text()))
        for name in _names(node)
    }
    ours = {name for name in imported if name.split(".")[0] == "ingestd"}
    assert ours
    assert all(name.startswith("ingestd.sim") for name in ours)


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def test_the_page_names_every_fault_and_setting():
    page = (Path(__file__).parent.parent / "docs" / "sim.md").read_text()
    names = {kind.value for kind in FaultKind} | {f.name for f in dataclasses.fields(SimSettings)}
    assert {name for name in names if f"`{name}`" not in page} == set()


def test_without_a_clock_it_lives_in_real_time():
    with Sim(SimSettings(parse_seconds=0)) as sim:
        number = accepted(sim)
        assert metadata(sim, number)["data"]["create_time"] > 1_700_000_000_000
        assert metadata(sim, number)["data"]["status"] == "PARSE"


def test_it_runs_as_a_module_until_it_is_told_to_end():
    command = [sys.executable, "-m", "ingestd.sim", "profile=recorded2025", "per_minute=1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().strip()
        kind = KEY | {"Content-Type": "application/json"}
        answer = post(f"{url}/list_videos", content=b"{}", headers=kind)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert answer.json()["data"]["total_count"] == "0"


def test_a_wrong_setting_on_the_command_line_is_told():
    command = [sys.executable, "-m", "ingestd.sim", "per_minutes=1"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "did you mean 'per_minute'" in ended.stderr
