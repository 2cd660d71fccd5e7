"""What the tests of the stand-in share: a clock to turn, a hand-made form, and plain calls."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from ingestd.sim import Sim, SimSettings

KEY = {"Authorization": "sk-mavi-test"}
START = 1_795_000_000.0
BOUNDARY = "----edge0123456789"


@dataclass
class Clock:
    """A clock that moves only when told."""

    now: float = START

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Form:
    """A multipart form, written by hand so that nobody's client is taken for the truth."""

    content: bytes = b"\x00\x01moving pictures"
    file_name: str | None = "clip.mp4"
    content_type: str | None = "video/mp4"
    fields: list[tuple[str, str]] = field(default_factory=list)
    ending: str = f"\r\n--{BOUNDARY}--\r\n"

    def body(self) -> bytes:
        parts = [
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in self.fields
        ]
        text = "".join(parts) + f"--{BOUNDARY}\r\n" + self._file_head() + "\r\n"
        return text.encode() + self.content + self.ending.encode()

    def _file_head(self) -> str:
        name = "" if self.file_name is None else f'; filename="{self.file_name}"'
        head = f'Content-Disposition: form-data; name="file"{name}\r\n'
        return head + (f"Content-Type: {self.content_type}\r\n" if self.content_type else "")

    def head(self, *more: str, length: int | None = None) -> bytes:
        size = len(self.body()) if length is None else length
        lines = [
            "POST /serve/api/v1/upload HTTP/1.1",
            "Host: sim",
            "Authorization: k",
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}",
            f"Content-Length: {size}",
            *more,
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


def request(method: str, url: str, **details) -> httpx.Response:
    """One call on a connection of its own; loading no authorities makes it ten times faster."""
    with httpx.Client(verify=False, trust_env=False, timeout=10) as client:
        return client.request(method, url, **details)


def get(url: str, **details) -> httpx.Response:
    return request("GET", url, **details)


def post(url: str, **details) -> httpx.Response:
    return request("POST", url, **details)


def running(clock: Clock | None = None, **settings) -> Sim:
    """A stand-in to be used in a `with`; its time stands still."""
    return Sim(SimSettings(**settings), clock=clock or Clock())


def send(sim: Sim, form: Form | None = None, **form_values) -> httpx.Response:
    form = form or Form(**form_values)
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    headers = KEY | {"Content-Type": kind}
    return post(f"{sim.url}/upload", content=form.body(), headers=headers)


def accepted(sim: Sim, form: Form | None = None, **form_values) -> str:
    """Upload and return the video number."""
    answer = send(sim, form, **form_values).json()
    assert answer["code"] == "0000", answer
    return answer["data"]["videoNo"]


def listed(sim: Sim, **query) -> dict:
    answer = post(f"{sim.url}/list_videos", json=query, headers=KEY)
    assert answer.status_code == 200
    return answer.json()


def rows(sim: Sim, **query) -> list[dict]:
    return listed(sim, **query)["data"]["videos"]


def metadata(sim: Sim, video_no: str, **query) -> dict:
    query = {"video_no": video_no, **query}
    return get(f"{sim.url}/get_metadata", params=query, headers=KEY).json()


def connect(sim: Sim) -> socket.socket:
    target = urlsplit(sim.origin)
    return socket.create_connection((target.hostname, target.port), timeout=10)


def read_all(sock: socket.socket) -> bytes:
    """Everything until the other side ends the connection, plainly or with a reset."""
    data = b""
    try:
        while piece := sock.recv(65536):
            data += piece
    except ConnectionResetError:
        pass
    return data


def until(condition) -> None:
    """Wait for something that another thread is about to do; fail after some seconds."""
    pause = threading.Event()
    for _ in range(1000):
        if condition():
            return
        pause.wait(0.005)
    raise AssertionError("it did not happen")
