"""A tiny library behind real HTTP, for the client's run of the contract suite."""

from __future__ import annotations

import email.utils
import json
import re
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from contract_farside import Plan
from farside import Line, Request, ScriptedServer, envelope, http

if TYPE_CHECKING:
    import ssl

_CODES = {
    Plan.RATE: "0429",
    Plan.CREDITS: "0402",
    Plan.AUTH: "0401",
    Plan.DISABLED: "0403",
    Plan.CATCH_ALL: "0001",
    Plan.CATCH_ALL_STORED: "0001",
}
_EARLY = {
    Plan.EARLY_RATE: http(envelope("0429"), status=429),
    Plan.EARLY_CREDITS: http(envelope("0402")),
    Plan.EARLY_TOO_LARGE: http(b"<html>too large</html>", status=413),
}
_STORES = {None, Plan.CATCH_ALL_STORED, Plan.CUT_STORED}


class LibraryServer(ScriptedServer):
    """Uploads, metadata and lists as the vendor documents them."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.plans: list[Plan] = []
        self.rows: list[dict[str, Any]] = []
        self.silent = False
        self._lock = threading.Lock()
        super().__init__(self._serve, context=context)

    def _serve(self, line: Line) -> None:
        while (request := line.head()) is not None:
            path = urlsplit(request.target).path.rpartition("/")[2]
            if not getattr(self, f"_{path}")(line, request):
                return

    def _upload(self, line: Line, request: Request) -> bool:
        plan = self.plans.pop(0) if self.plans else None
        if plan in _EARLY or plan is Plan.CUT_MIDWAY:
            line.body(request, limit=200_000)
            if plan in _EARLY:
                line.say(_EARLY[plan])
                line.wait_for_end()
            return False
        if not line.body(request):
            return False
        row = self._store(request) if plan in _STORES else None
        if plan in (Plan.CUT_STORED, Plan.CUT_UNSTORED):
            return False
        if plan is Plan.BAD_GATEWAY:
            line.answer(b"<html>Bad Gateway</html>", status=502)
        elif plan is not None:
            line.answer(envelope(_CODES[plan], msg="no"))
        elif row is not None:
            line.answer(envelope(data={k: row[v] for k, v in _ANSWER_KEYS.items()}))
        return True

    def _get_metadata(self, line: Line, request: Request) -> bool:
        query = {k: v[0] for k, v in parse_qs(urlsplit(request.target).query).items()}
        found = [
            row
            for row in self.rows
            if (row["video_no"], row["unique_id"]) == (query["video_no"], query["unique_id"])
        ]
        return self._read(line, found[0] if found else None)

    def _list_videos(self, line: Line, request: Request) -> bool:
        line.body(request)
        query = json.loads(request.body)
        found = [
            row
            for row in reversed(self.rows)
            if query.get("unique_id") in (None, row["unique_id"])
            and query.get("video_name") in (None, row["video_name"])
            and row["video_no"] in query.get("video_nos", [row["video_no"]])
        ]
        first = (query["page"] - 1) * query["size"]
        videos = found[first : first + query["size"]]
        page = {"videos": videos, "current_page": query["page"], "total_count": str(len(found))}
        return self._read(line, page)

    def _read(self, line: Line, data: Any) -> bool:
        if self.silent:
            return False
        date = {"Date": email.utils.formatdate(usegmt=True)}
        line.say(http(envelope(data=data), headers=date))
        return True

    def _store(self, request: Request) -> dict[str, Any]:
        parts = parts_of(request)
        head, content = next((head, body) for head, body in parts if b'name="file"' in head)
        found = re.search(rb'filename="([^"]*)"', head)
        fields = {
            head.partition(b'name="')[2].partition(b'"')[0].decode(): body.decode()
            for head, body in parts
            if b"filename=" not in head
        }
        with self._lock:
            row = {
                "video_no": f"VI{568102998803353600 + len(self.rows)}",
                "video_name": found[1].decode().rpartition(".")[0] if found else "",
                "size": str(len(content)),
                "status": "UNPARSE",
                "cause": "null",
                "duration": "0",
                "create_time": str(int(time.time() * 1000)),
                "unique_id": fields.get("unique_id", "default"),
            }
            self.rows.append(row)
        return row


_ANSWER_KEYS = {"videoNo": "video_no", "videoName": "video_name", "uploadTime": "create_time"}


def parts_of(request: Request) -> list[tuple[bytes, bytes]]:
    """Split a multipart body into (head, content)."""
    boundary = request.headers["content-type"].partition("boundary=")[2].encode()
    first, *pieces = bytes(request.body).split(b"--" + boundary)
    assert first == b""
    assert pieces.pop() == b"--\r\n"
    parts = (piece.removeprefix(b"\r\n").removesuffix(b"\r\n") for piece in pieces)
    return [(head, content) for head, _, content in (p.partition(b"\r\n\r\n") for p in parts)]
