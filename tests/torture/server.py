"""The far side of a torture: an account over real sockets that is told what happens at which stage.

Written from the contract alone: it shares no code with the client, and knows what it took by the
bytes that came.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

PIECE = 16 << 10
HTML = b"<html><body>Bad Gateway</body></html>"
SPRING = b'{"timestamp":1,"path":"/upload","status":500,"error":"Internal Server Error"}'
_FILE = re.compile(rb'name="file"; filename="([^"]*)"\r\n[^\r]*\r\n\r\n')

#: The stages of an upload, in order; `listed` and `polled` are questions.
STAGES = ("head", "body", "whole", "stored", "answering", "answered", "listed", "polled")


class CutError(Exception):
    """The connection ends here."""


@dataclass
class Row:
    """One video of the account."""

    number: str
    stem: str
    size: int
    content: str
    created: float
    visible_at: float


@dataclass
class Account:
    """What the far side knows, and how it shows it."""

    names: bool = True
    sizes: bool = True
    late: float = 0.0  # seconds until a row is listed
    index_s: float = 0.1
    rows: list[Row] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def store(self, stem: str, content: bytes) -> Row:
        """Take a whole body: from here on it is billed."""
        with self.lock:
            now = time.time()
            digest = hashlib.sha256(content).hexdigest()
            number = f"VI{568102998803353600 + len(self.rows) * 4194304}"
            row = Row(number, stem, len(content), digest, now, now + self.late)
            self.rows.append(row)
            return row

    def name(self, row: Row) -> str:
        """What a row is called there."""
        return row.stem if self.names else hashlib.sha256(row.number.encode()).hexdigest()[:32]

    def shown(self, row: Row) -> dict[str, Any]:
        """A row as lists and metadata show it."""
        ready = time.time() >= row.created + self.index_s
        shown = {
            "video_no": row.number,
            "video_name": self.name(row),
            "status": "PARSE" if ready else "UNPARSE",
            "duration": 1 if ready else 0,
            "create_time": int(row.created * 1000),
        }
        return shown | ({"size": row.size} if self.sizes else {})

    def visible(self) -> list[Row]:
        """What is listed now, newest first."""
        now = time.time()
        with self.lock:
            return [row for row in reversed(self.rows) if row.visible_at <= now]


class FarSide(ThreadingHTTPServer):
    """Serves one account. `at` is called at each stage and may raise `CutError` or kill."""

    daemon_threads = True

    def __init__(self, account: Account) -> None:
        self.account = account
        self.at: Callable[[str], None] = lambda _stage: None
        self.lose: Callable[[], str] = lambda: ""  # the way in which the next answer is lost
        self.uploads = 0
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        """The base URL of the API."""
        return f"http://127.0.0.1:{self.server_address[1]}/serve/api/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is what this is about."""

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def __enter__(self) -> Self:
        return self


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FarSide

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        try:
            if self.path.endswith("/upload"):
                self._upload()
            else:
                self._list()
        except CutError:
            self._cut()

    def do_GET(self) -> None:
        try:
            self._metadata()
        except CutError:
            self._cut()

    def _cut(self) -> None:
        """End the connection without a word."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    # --- uploads --------------------------------------------------------------------------------

    def _upload(self) -> None:
        server = self.server
        server.uploads += 1
        server.at("head")
        body = self._body(int(self.headers["Content-Length"]))
        server.at("whole")
        closing = b"\r\n--" + self.headers["Content-Type"].partition("boundary=")[2].encode()
        named = _FILE.search(body)
        assert named is not None
        content = body[named.end() : body.rindex(closing)]
        way = server.lose()
        if way.endswith("refused"):
            row = None
        else:
            row = server.account.store(named[1].decode().rpartition(".")[0], content)
        server.at("stored")
        self._answer_upload(way, row)

    def _body(self, length: int) -> bytes:
        pieces: list[bytes] = []
        left = length
        while left:
            piece = self.rfile.read(min(PIECE, left))
            if not piece:
                raise CutError
            pieces.append(piece)
            left -= len(piece)
            self.server.at("body")
        return b"".join(pieces)

    def _answer_upload(self, way: str, row: Row | None) -> None:
        name = way.removesuffix(" refused")
        if name == "timeout":
            time.sleep(LATER_S)
            raise CutError
        if name == "cut":
            raise CutError
        http, body = _lost_answer(name)
        if body is None:
            assert row is not None
            data = {"videoNo": row.number, "videoName": self.server.account.name(row)}
            body = _envelope(data)
        if name == "truncated JSON":
            body = body[: len(body) // 2]
        self._answer(http, body, stages=True)

    # --- questions ------------------------------------------------------------------------------

    def _list(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"] or 0))
        asked = json.loads(raw or b"{}")
        self.server.at("listed")
        account = self.server.account
        wanted, numbers = asked.get("video_name"), asked.get("video_nos")
        rows = [
            row
            for row in account.visible()
            if wanted in (None, account.name(row)) and (not numbers or row.number in numbers)
        ]
        page, size = int(asked.get("page", 1)), int(asked.get("size", 200))
        data = {
            "current_page": page,
            "page_size": size,
            "total_count": len(rows),
            "videos": [account.shown(row) for row in rows[(page - 1) * size : page * size]],
        }
        self._answer(200, _envelope(data))

    def _metadata(self) -> None:
        self.server.at("polled")
        number = parse_qs(urlsplit(self.path).query).get("video_no", [""])[0]
        account = self.server.account
        row = next((row for row in account.visible() if row.number == number), None)
        self._answer(200, _envelope(None if row is None else account.shown(row)))

    def _answer(self, http: int, body: bytes, *, stages: bool = False) -> None:
        self.send_response(http)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        half = len(body) // 2 if stages else 0
        self.wfile.write(body[:half])
        self.wfile.flush()
        if stages:
            self.server.at("answering")
        self.wfile.write(body[half:])
        self.wfile.flush()
        if stages:
            self.server.at("answered")


#: How long an answer that never comes takes, seconds; longer than the client waits.
LATER_S = 4.0


def _envelope(data: object) -> bytes:
    answer = {"code": "0000", "msg": "success", "data": data, "success": True, "failed": False}
    return json.dumps(answer).encode()


def _code(code: str) -> bytes:
    answer = {"code": code, "msg": "no", "data": None, "success": False, "failed": True}
    return json.dumps(answer).encode()


def _lost_answer(name: str) -> tuple[int, bytes | None]:
    answers: dict[str, tuple[int, bytes]] = {
        "502": (502, HTML),
        "504": (504, HTML),
        "500 Spring": (500, SPRING),
        "200 HTML": (200, HTML),
        "0001": (200, _code("0001")),
        "0409": (200, _code("0409")),
        "0000 without an id": (200, _envelope(None)),
    }
    return answers.get(name, (200, None))


#: Every way to lose the answer of a body that was taken.
WAYS = (
    "cut",
    "truncated JSON",
    "502",
    "504",
    "500 Spring",
    "200 HTML",
    "0001",
    "0409",
    "0000 without an id",
    "timeout",
)
