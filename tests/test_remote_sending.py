"""How a body goes out, what ends it, and that an end never looks like a whole body."""

from __future__ import annotations

import dataclasses
import os
import select
import socket
import threading
from typing import TYPE_CHECKING

import httpcore
import pytest
from blake3 import blake3

from farside import PATIENCE, ScriptedServer, accepted, answering, envelope, http, upload_of
from ingestd.filestat import stat_of
from ingestd.model import Container, Scope
from ingestd.remote import (
    Aborted,
    Accepted,
    HttpxFarSide,
    LocalKind,
    NotSent,
    Pace,
    Refusal,
    Refused,
    Unknown,
    Upload,
)
from ingestd.remote.backend import Backend
from library_server import parts_of
from tls import make_trust

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from farside import Line

MIB = 1 << 20


@pytest.fixture(params=["plain", "tls"])
def served(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[..., tuple[ScriptedServer, HttpxFarSide]]]:
    """Start a server and a client that trusts it; keywords go to the client."""
    trust = make_trust(tmp_path) if request.param == "tls" else None
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


def clip_of(path: Path, size: int) -> Path:
    path.write_bytes(os.urandom(size))
    return path


def sparse(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path


class Sink:
    """A script that takes everything in and keeps count; says when the first bytes are there."""

    def __init__(self, pause_at: int | None = None) -> None:
        self.pause_at = pause_at
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self.whole = False
        self.ended = threading.Event()

    def __call__(self, line: Line) -> None:
        request = line.head()
        if request is None:
            return
        try:
            if self.pause_at is not None:
                line.body(request, limit=self.pause_at, keep=False)
                self.reached.set()
                self.go_on.wait(PATIENCE)
            self.whole = line.body(request, keep=False)
            if self.whole:
                line.answer(accepted())
        finally:
            self.ended.set()


def in_thread(far: HttpxFarSide, upload: Upload) -> tuple[threading.Thread, list[object]]:
    outcomes: list[object] = []
    thread = threading.Thread(target=lambda: outcomes.append(far.upload(upload)))
    thread.start()
    return thread, outcomes


def test_the_form_is_what_the_documents_show(served, tmp_path: Path):
    clip = clip_of(tmp_path / "My.holiday é.MOV", 3 * MIB + 17)
    upload = upload_of(clip, container=Container.QUICKTIME, scope=Scope("folder_id", "7"))
    server, far = served(answering(http(accepted())))
    outcome = far.upload(upload)
    assert isinstance(outcome, Accepted)
    assert outcome.content_hash == blake3(clip.read_bytes()).hexdigest()
    (request,) = server.requests
    assert request.target == "/serve/api/v1/upload"
    assert request.headers["authorization"] == "sk-mavi-test"
    assert "transfer-encoding" not in request.headers
    *texts, (head, content) = parts_of(request)
    assert texts == [
        (b'Content-Disposition: form-data; name="folder_id"', b"7"),
        (b'Content-Disposition: form-data; name="tags"', b"a"),
        (b'Content-Disposition: form-data; name="tags"', b"b"),
        (b'Content-Disposition: form-data; name="retain_original_video"', b"true"),
    ]
    assert content == clip.read_bytes()
    name = f"My_holiday é~{upload.fingerprint[:8]}.MOV"
    assert head.decode() == (
        f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: video/quicktime"
    )


@pytest.mark.parametrize("name", [b'q"u\\o\r\nt;e.mp4', b"\xff\xfe.mp4", "ö😀\u202e.mp4".encode()])
def test_odd_names_never_break_the_form(served, tmp_path: Path, name: bytes):
    path = tmp_path / os.fsdecode(name)
    server, far = served(answering(http(accepted())))
    raw_name = os.fsdecode(name)  # also where nobody made it safe before
    for upload in (upload_of(clip_of(path, 1000)), upload_of(path, upload_name=raw_name)):
        assert isinstance(far.upload(upload), Accepted)
    for request in server.requests:
        assert len(parts_of(request)) == 5


def test_an_empty_scope_value_is_left_out(served, tmp_path: Path):
    clip = clip_of(tmp_path / "clip.mp4", 1000)
    server, far = served(answering(http(accepted())))
    far.upload(upload_of(clip, scope=Scope("unique_id", ""), form=()))
    assert len(parts_of(server.requests[0])) == 1


def test_an_early_no_spares_the_rest_of_200_mb(served, tmp_path: Path):
    def refuse(line: Line) -> None:
        request = line.head()
        line.body(request, limit=100_000, keep=False)
        line.answer(envelope("0429"), status=429)
        request.received += line.wait_for_end()

    server, far = served(refuse)
    outcome = far.upload(upload_of(sparse(tmp_path / "big.mp4", 200 * MIB)))
    assert isinstance(outcome, Refused)
    assert outcome.trouble.kind is Refusal.RATE
    assert server.requests[0].received < 16 * MIB


def test_interim_answers_do_not_end_an_upload(served, tmp_path: Path):
    def script(line: Line) -> None:
        request = line.head()
        line.say(b"HTTP/1.1 100 Continue\r\n\r\n")
        line.body(request, limit=100_000, keep=False)
        line.say(b"HTTP/1.1 102 Processing\r\nA: b\r\n")
        line.body(request, limit=200_000, keep=False)
        line.say(b"\r\n")
        line.body(request, keep=False)
        line.answer(accepted())

    _, far = served(script)
    outcome = far.upload(upload_of(sparse(tmp_path / "big.mp4", 24 * MIB)))
    assert isinstance(outcome, Accepted)


def test_a_far_side_that_stops_reading_is_not_waited_for_for_ever(served, tmp_path: Path):
    sink = Sink(pause_at=100_000)
    _, far = served(sink, stall_timeout=0.3)
    outcome = far.upload(upload_of(sparse(tmp_path / "big.mp4", 64 * MIB)))
    sink.go_on.set()
    assert isinstance(outcome, NotSent)
    assert "stalled" in outcome.trouble.text
    assert sink.ended.wait(PATIENCE)
    assert not sink.whole


def test_an_answer_that_does_not_come_is_unknown(served, tmp_path: Path):
    silence = threading.Event()

    def script(line: Line) -> None:
        line.request()
        silence.wait(PATIENCE)

    _, far = served(script, answer_timeout=0.2)
    outcome = far.upload(upload_of(clip_of(tmp_path / "clip.mp4", 1000)))
    silence.set()
    assert isinstance(outcome, Unknown)
    assert not outcome.readable
    assert "No answer came in time" in outcome.text


def test_stop_ends_a_blocked_upload_at_once(served, tmp_path: Path):
    sink = Sink(pause_at=100_000)
    _, far = served(sink)
    upload = upload_of(sparse(tmp_path / "big.mp4", 64 * MIB))
    thread, outcomes = in_thread(far, upload)
    assert sink.reached.wait(PATIENCE)
    upload.stop.set()
    thread.join(5)
    sink.go_on.set()
    (outcome,) = outcomes
    assert isinstance(outcome, Aborted)
    assert outcome.kind is LocalKind.STOPPED
    assert sink.ended.wait(PATIENCE)
    assert not sink.whole


def test_close_ends_a_blocked_upload_before_the_mark_as_not_sent(served, tmp_path: Path):
    sink = Sink(pause_at=100_000)
    _, far = served(sink)
    thread, outcomes = in_thread(far, upload_of(sparse(tmp_path / "big.mp4", 64 * MIB)))
    assert sink.reached.wait(PATIENCE)
    far.close()
    thread.join(5)
    sink.go_on.set()
    assert isinstance(outcomes[0], NotSent)
    assert sink.ended.wait(PATIENCE)
    assert not sink.whole


def test_close_ends_the_wait_for_an_answer_as_unknown(served, tmp_path: Path):
    arrived, silence = threading.Event(), threading.Event()

    def script(line: Line) -> None:
        line.request()
        arrived.set()
        silence.wait(PATIENCE)

    _, far = served(script)
    thread, outcomes = in_thread(far, upload_of(clip_of(tmp_path / "clip.mp4", 1000)))
    assert arrived.wait(PATIENCE)
    far.close()
    thread.join(5)
    silence.set()
    assert isinstance(outcomes[0], Unknown)


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def shrink(path: Path) -> None:
    os.truncate(path, 10 * MIB)


def rewrite(path: Path) -> None:
    """Change the last bytes in place and put the old times back."""
    stat = path.stat()
    with path.open("r+b") as file:
        file.seek(-10, os.SEEK_END)
        file.write(b"0123456789")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.mark.parametrize("change", [grow, shrink, rewrite])
def test_a_file_that_changes_while_it_is_sent_never_arrives(
    served, tmp_path: Path, change: Callable[[Path], None]
):
    sink = Sink(pause_at=100_000)
    _, far = served(sink)
    clip = sparse(tmp_path / "big.mp4", 24 * MIB)
    marks: list[bool] = []
    upload = upload_of(clip, may_finish=lambda _: marks.append(True) or True)
    thread, outcomes = in_thread(far, upload)
    assert sink.reached.wait(PATIENCE)
    change(clip)
    sink.go_on.set()
    thread.join(PATIENCE)
    (outcome,) = outcomes
    assert isinstance(outcome, Aborted)
    assert outcome.kind is LocalKind.CHANGED
    assert marks == []
    assert sink.ended.wait(PATIENCE)
    assert not sink.whole


def test_a_file_replaced_while_it_is_sent_arrives_as_it_was(served, tmp_path: Path):
    sink = Sink(pause_at=100_000)
    _, far = served(sink)
    clip = sparse(tmp_path / "big.mp4", 24 * MIB)
    thread, outcomes = in_thread(far, upload_of(clip))
    assert sink.reached.wait(PATIENCE)
    clip_of(tmp_path / "other", 1000).rename(clip)
    sink.go_on.set()
    thread.join(PATIENCE)
    (outcome,) = outcomes
    assert isinstance(outcome, Accepted)
    assert outcome.content_hash == blake3(bytes(24 * MIB)).hexdigest()


@pytest.mark.parametrize("grants", [False, True])
def test_the_whole_suffix_waits_for_the_mark(served, tmp_path: Path, grants: bool):
    asked, checked = threading.Event(), threading.Event()
    beyond: list[object] = []

    def script(line: Line) -> None:
        request = line.head()
        boundary = request.headers["content-type"].partition("boundary=")[2]
        without_suffix = request.length - len(f"\r\n--{boundary}--\r\n")
        line.body(request, limit=without_suffix)
        asked.wait(PATIENCE)
        beyond.append(len(request.body) - without_suffix)
        beyond.extend(select.select([line.sock], [], [], 0)[0])
        checked.set()
        if line.body(request):
            line.answer(accepted())

    def may_finish(_hash: str) -> bool:
        asked.set()
        return checked.wait(PATIENCE) and grants

    _, far = served(script)
    outcome = far.upload(upload_of(clip_of(tmp_path / "clip.mp4", 5000), may_finish=may_finish))
    assert isinstance(outcome, Accepted if grants else Aborted)
    assert beyond == [0]


def test_no_mark_is_spent_on_a_far_side_that_has_left(served, tmp_path: Path):
    clip = clip_of(tmp_path / "clip.mp4", 5000)
    left = threading.Event()

    def script(line: Line) -> None:
        line.body(line.head(), limit=5000)
        line.sock.close()
        left.set()

    class PausingProgress:
        """Holds the client up between the file's last byte and the question for the mark."""

        phase = "sending"

        @property
        def sent(self) -> int:
            return 0

        @sent.setter
        def sent(self, value: int) -> None:
            assert left.wait(PATIENCE)

    _, far = served(script)
    marks: list[bool] = []
    outcome = far.upload(
        upload_of(clip, progress=PausingProgress(), may_finish=lambda _: marks.append(True) or True)
    )
    assert isinstance(outcome, NotSent)
    assert marks == []


def test_an_empty_file_is_still_a_form(served, tmp_path: Path):
    server, far = served(answering(http(accepted())))
    outcome = far.upload(upload_of(clip_of(tmp_path / "empty.mp4", 0)))
    assert isinstance(outcome, Accepted)
    assert parts_of(server.requests[0])[-1][1] == b""


def test_a_read_error_is_the_files_trouble(served, tmp_path: Path):
    reading, writing = os.pipe()  # cannot be read at an offset
    _, far = served(answering(http(accepted())))
    upload = upload_of(
        clip_of(tmp_path / "clip.mp4", 1), open=lambda: reading, stat=stat_of(os.fstat(reading))
    )
    outcome = far.upload(upload)
    os.close(writing)
    assert isinstance(outcome, Aborted)
    assert outcome.kind is LocalKind.UNREADABLE
    assert "Illegal seek" in outcome.text


def test_a_bandwidth_limit_is_kept_by_all_uploads_together(served, tmp_path: Path):
    waited: list[float] = []

    class Recorded(Pace):
        def take(self, size: int, stop: threading.Event) -> None:
            waited.append(self.reserve(size))

    clip = clip_of(tmp_path / "clip.mp4", 400_000)
    _, far = served(answering(http(accepted())), bandwidth=Recorded(100_000, clock=lambda: 0.0))
    far.upload(upload_of(clip))
    far.upload(upload_of(clip))
    assert waited[-1] == pytest.approx(8.0, abs=0.3)
    assert len(waited) >= 32


def test_descriptors_are_given_back(served, tmp_path: Path):
    clip = clip_of(tmp_path / "clip.mp4", 1000)
    _, far = served(answering(http(accepted()), http(envelope("0429"))))
    opened: list[int] = []
    upload = upload_of(clip)

    def remember() -> int:
        opened.append(upload.open())
        return opened[-1]

    for may_finish in (lambda _: True, lambda _: False):
        far.upload(dataclasses.replace(upload, open=remember, may_finish=may_finish))
    for descriptor in opened:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


def test_a_stall_of_the_last_bytes_is_told_like_any_other(tmp_path: Path):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        stream = Backend().adopt(ours)
        with pytest.raises(httpcore.WriteTimeout):
            stream.write(bytes(16 * MIB), timeout=0.1)
