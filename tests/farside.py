"""A TCP server that does exactly what a test's script says, and keeps what it got."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from ingestd.filestat import FdSource, stat_of
from ingestd.fingerprint import sampled
from ingestd.model import Container, Scope
from ingestd.naming import upload_name
from ingestd.remote.contract import Upload

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path

PATIENCE = 10.0  # seconds until a broken test ends instead of hanging


@dataclass
class Request:
    """The head of a request, and its body as far as a script read it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytearray = field(default_factory=bytearray)
    received: int = 0  # bytes of the body taken in, kept or not

    @property
    def length(self) -> int:
        return int(self.headers.get("content-length", "0"))


class Line:
    """One connection, from the server's side."""

    def __init__(self, sock: socket.socket, server: ScriptedServer) -> None:
        self.sock = sock
        self.server = server
        self._buffer = b""

    def head(self) -> Request | None:
        """Read a request's head; None when the client has left."""
        while b"\r\n\r\n" not in self._buffer:
            data = self._receive()
            if not data:
                return None
            self._buffer += data
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value for name, _, value in (x.partition(": ") for x in lines)}
        request = Request(method, target, headers)
        self.server.requests.append(request)
        return request

    def body(self, request: Request, *, limit: int | None = None, keep: bool = True) -> bool:
        """Read the body, or `limit` bytes of it; False when it ended too early."""
        wanted = request.length if limit is None else min(limit, request.length)
        while request.received < wanted:
            data = self._buffer or self._receive()
            self._buffer = b""
            if not data:
                return False
            request.received += len(data)
            if keep:
                request.body += data
        return True

    def request(self) -> Request | None:
        """Read a whole request."""
        request = self.head()
        return request if request is not None and self.body(request) else None

    def say(self, data: bytes) -> None:
        self.sock.sendall(data)

    def answer(
        self, body: object = None, *, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        """Send a whole answer: bytes as they are, anything else as JSON."""
        self.say(http(body, status=status, headers=headers))

    def reset(self) -> None:
        """Close so that the client sees a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def wait_for_end(self) -> int:
        """Take in whatever else comes until the client leaves; returns the bytes."""
        count = len(self._buffer)
        with contextlib.suppress(OSError):
            while data := self._receive():
                count += len(data)
        return count

    def _receive(self) -> bytes:
        return self.sock.recv(1 << 20)


class ScriptedServer:
    """Runs one script per connection, the last one again and again."""

    def __init__(
        self,
        *scripts: Callable[[Line], None],
        context: ssl.SSLContext | None = None,
        receive_buffer: int | None = None,
    ) -> None:
        self._scripts = list(scripts)
        self._context = context
        self.requests: list[Request] = []
        self.connections = 0
        self.errors: list[BaseException] = []
        self._threads: list[threading.Thread] = []
        self._socks: list[socket.socket] = []
        self._listener = socket.socket()
        if receive_buffer is not None:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    @property
    def url(self) -> str:
        scheme = "https" if self._context else "http"
        return f"{scheme}://127.0.0.1:{self.port}/serve/api/v1"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(PATIENCE)
        for sock in self._socks:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
        for sock in self._socks:
            sock.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            script = self._scripts[min(self.connections, len(self._scripts) - 1)]
            self.connections += 1
            thread = threading.Thread(target=self._run, args=(sock, script), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, sock: socket.socket, script: Callable[[Line], None]) -> None:
        sock.settimeout(PATIENCE)
        # what a script says goes out at once: a reset would take with it what is held back
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self._context is not None:
                sock = self._context.wrap_socket(sock, server_side=True)
            self._socks.append(sock)
            script(Line(sock, self))
        except OSError:
            pass  # the client left in the middle: tests look at what it says of that
        except BaseException as exc:  # noqa: BLE001 - shown by the test that looks
            self.errors.append(exc)
        finally:
            sock.close()


def http(body: object = None, *, status: int = 200, headers: dict[str, str] | None = None) -> bytes:
    """Write an answer."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(data)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + data


def envelope(code: object = "0000", data: Any = None, msg: str = "success") -> dict[str, Any]:
    """Write the documented envelope (contract 0.1)."""
    ok = code == "0000"
    return {"code": code, "msg": msg, "data": data, "success": ok, "failed": not ok}


def accepted(video_no: object = "VI568102998803353600") -> dict[str, Any]:
    """Write the success answer to an upload, 2026 generation (contract 1.3)."""
    return envelope(
        data={
            "videoNo": video_no,
            "videoName": "1be6a69f3c6e49bf986235d68807ab1f",
            "videoStatus": "UNPARSE",
            "uploadTime": "1744905509814",
        }
    )


def answering(*answers: bytes) -> Callable[[Line], None]:
    """Give a script that answers whole requests in turn, the last answer again and again."""

    def script(line: Line) -> None:
        number = 0
        while line.request() is not None:
            line.say(answers[min(number, len(answers) - 1)])
            number += 1

    return script


def upload_of(path: Path, **changes: Any) -> Upload:
    """Describe an attempt for the file as it is now; `may_finish` grants unless told otherwise."""
    with path.open("rb") as file:
        stat, fingerprint = stat_of(os.fstat(file.fileno())), sampled(FdSource(file.fileno()))
    upload = Upload(
        path=str(path),
        open=lambda: os.open(path, os.O_RDONLY | os.O_NOFOLLOW),
        stat=stat,
        fingerprint=fingerprint,
        upload_name=upload_name(str(path), fingerprint, token=True),
        container=Container.MP4,
        scope=Scope("unique_id", "default"),
        form=(("tags", "a"), ("tags", "b"), ("retain_original_video", "true")),
        may_finish=lambda _: True,
    )
    return dataclasses.replace(upload, **changes)
