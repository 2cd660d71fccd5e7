"""Log lines: never a secret, never an exception for the caller, one line for one event."""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import socket
import struct
import sys
from typing import TYPE_CHECKING

import pytest
import structlog

from ingestd import log
from ingestd.log import journald, repeats
from ingestd.log.repeats import Repeats

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "sk-mavi-0123456789abcdef"


class FullDisk(io.StringIO):
    """A stream on a disk without room."""

    def write(self, _text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    flush = write


@pytest.fixture(autouse=True)
def untouched() -> Iterator[None]:
    """What `configure` changes is the process's own."""
    root, ours = logging.getLogger(), logging.getLogger("ingestd")
    before = (root.handlers[:], root.level, ours.level, logging.raiseExceptions)
    yield
    root.handlers[:], root.level, ours.level, logging.raiseExceptions = before
    structlog.reset_defaults()


@pytest.fixture(params=["auto", "json"])
def lines(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> io.TextIOWrapper:
    """What is written to stderr, as bytes would be."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="strict", newline="")
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(log.secrets, "_secrets", set())
    log.configure("info", request.param)
    log.keep_secret(KEY)
    return stream


def text(lines: io.TextIOWrapper) -> str:
    lines.flush()
    return lines.buffer.getvalue().decode()  # type: ignore[attr-defined]


def test_an_event_is_one_line_with_its_name_and_values(lines: io.TextIOWrapper):
    log.get_logger().info("upload.accepted", id=7, path="/drop/a.mp4", reason=None)
    (line,) = text(lines).splitlines()
    for part in ("upload.accepted", "7", "/drop/a.mp4", "info"):
        assert part in line


def test_what_is_below_the_level_is_not_written(lines: io.TextIOWrapper):
    log.get_logger().debug("upload.detail")
    log.configure("error", "json")
    log.get_logger().warning("gate.closed")
    assert text(lines) == ""


class Odd:
    """Shows a secret in what a renderer makes of it."""

    def __repr__(self) -> str:
        return f"<request with {KEY}>"


@pytest.mark.parametrize(
    "value",
    [
        KEY,
        f"Authorization: {KEY}, tried",
        [f"a {KEY}"],
        ("x", {"deep": [KEY]}),
        {"headers": {"Authorization": KEY}},
        {KEY: 1},
        ValueError(f"bad header {KEY}"),
        {KEY},
        KEY.encode(),
        Odd(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_key_is_never_shown_whatever_it_comes_in(lines: io.TextIOWrapper, value: object):
    logger = log.get_logger()
    logger.info("some.event", value=value)
    name = f"an event with {KEY}"
    logger.info(name)
    assert KEY not in text(lines)
    assert log.HIDDEN in text(lines)


def test_the_key_is_not_shown_in_tracebacks_nor_by_libraries(lines: io.TextIOWrapper):
    try:
        int(f"cannot connect with {KEY}")
    except ValueError:
        log.get_logger().exception("loop.error")
        logging.getLogger("httpx").exception("request %s failed", KEY)
    logging.getLogger("httpcore").warning("sent %r", {"Authorization": KEY})
    written = text(lines)
    assert KEY not in written
    assert written.count(log.HIDDEN) >= 4
    assert "ValueError" in written


def test_a_changed_key_hides_the_old_one_too(lines: io.TextIOWrapper):
    log.keep_secret("sk-mavi-another")
    log.get_logger().info("x", a=KEY, b="sk-mavi-another")
    assert "sk-mavi" not in text(lines)


def test_an_empty_key_hides_nothing(lines: io.TextIOWrapper):
    log.keep_secret("")
    log.get_logger().info("some.event", path="/drop/a.mp4")
    assert "/drop/a.mp4" in text(lines)


@pytest.mark.parametrize(
    "name",
    [
        b"caf\xe9 \xff.mp4",
        b"two\nlines.mp4",
        b"carriage\rreturn.mp4",
        b"\x1b[2Jclear.mp4",
        b"nul\x07bell\x9b.mp4",
        "\N{PARTY POPPER} \N{RIGHT-TO-LEFT OVERRIDE}4pm.mp4".encode(),
        "line\N{LINE SEPARATOR}separator.mp4".encode(),
        b"%s {braces} %(name)s.mp4",
    ],
)
def test_odd_names_neither_lose_nor_split_a_line_nor_steer_a_terminal(
    lines: io.TextIOWrapper, name: bytes
):
    path = os.fsdecode(name)
    log.get_logger().info("file.queued", path=path, names=[path], known={path: path})
    name = f"event {path}"
    log.get_logger().info(name)
    written = text(lines)
    assert written.endswith("\n")
    assert len(written.splitlines()) == 2
    assert all(char.isprintable() or char == "\n" for char in written)
    assert ".mp4" in written


def test_a_traceback_keeps_its_lines(monkeypatch: pytest.MonkeyPatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    log.configure("info", "auto")
    try:
        int("a bug")
    except ValueError:
        log.get_logger().exception("loop.error")
    assert len(stream.getvalue().splitlines()) > 3


@pytest.mark.parametrize("form", ["auto", "json"])
@pytest.mark.parametrize("stream", [FullDisk(), None], ids=["full", "closed"])
def test_a_stream_that_cannot_be_written_disturbs_nobody(
    monkeypatch: pytest.MonkeyPatch, form: str, stream: io.StringIO | None
):
    if stream is None:
        stream = io.StringIO()
        stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(stream, "isatty", lambda: False, raising=False)
    log.configure("info", form)
    log.get_logger().info("some.event", path="/drop/\udcff.mp4")
    log.get_logger().error("some.event", error=ValueError("x"))
    logging.getLogger("other").error("x")


def test_json_is_one_document_a_line(monkeypatch: pytest.MonkeyPatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    log.configure("info", "json")
    log.get_logger().info("file.queued", id=3, path="/drop/\udcff\n.mp4", left=None)
    logging.getLogger("httpx").warning("a library's words")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert (first["event"], first["level"], first["id"], first["left"]) == (
        "file.queued",
        "info",
        3,
        None,
    )
    assert first["timestamp"].endswith("Z")
    assert second["event"] == "a library's words"


class Unprintable:
    """Breaks whoever shows it."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")


def test_a_value_that_cannot_be_shown_disturbs_nobody(lines: io.TextIOWrapper):
    log.get_logger().info("some.event", value=Unprintable())
    log.get_logger().info("next.event")
    assert "next.event" in text(lines)


# --- the systemd journal ------------------------------------------------------------------------


class Journal:
    """A journal that takes datagrams, and a stderr that leads to it."""

    def __init__(self, place: Path, patch: pytest.MonkeyPatch) -> None:
        self._patch, self.file = patch, place / "stderr"
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.server.bind(str(place / "socket"))
        self.server.settimeout(5)
        self.stream = self.file.open("w+", encoding="utf-8")
        found = os.fstat(self.stream.fileno())
        patch.setattr(journald, "SOCKET", str(place / "socket"))
        patch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        patch.setattr(log.secrets, "_secrets", {KEY})

    def configure(self, form: str = "auto") -> None:
        self._patch.setattr(sys, "stderr", self.stream)
        log.configure("info", form)

    def lines(self) -> list[str]:
        self.stream.flush()
        return self.file.read_text().splitlines()


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    made = Journal(tmp_path, monkeypatch)
    yield made
    logging.getLogger().handlers[0].close()
    made.server.close()
    made.stream.close()


def fields(journal: Journal) -> dict[str, str]:
    """Read a datagram as the journal does."""
    data, found = journal.server.recv(1 << 20), {}
    while data:
        line, _, data = data.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            (length,) = struct.unpack("<Q", data[:8])
            value, data = data[8 : 8 + length], data[8 + length + 1 :]
        found[name.decode()] = value.decode()
    return found


def test_an_event_reaches_the_journal_with_fields(journal):
    journal.configure()
    log.get_logger().warning("file.unreadable", id=7, path="/drop/\udcff\n.mp4", left=None)
    assert fields(journal) == {
        "MESSAGE": r"file.unreadable id=7 path=/drop/\udcff\n.mp4",
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "ingestd",
        "INGESTD_EVENT": "file.unreadable",
        "INGESTD_ID": "7",
        "INGESTD_PATH": r"/drop/\udcff\n.mp4",
    }


def test_a_traceback_and_a_librarys_words_reach_the_journal_without_the_key(journal):
    journal.configure()
    try:
        int(f"with {KEY}")
    except ValueError:
        log.get_logger().exception("loop.error")
    logging.getLogger("httpx").error("sent %s", KEY)
    first, second = fields(journal), fields(journal)
    assert first["MESSAGE"].startswith("loop.error\nTraceback")
    assert "ValueError" in first["INGESTD_EXCEPTION"]
    assert (second["MESSAGE"], second["PRIORITY"]) == (f"sent {log.HIDDEN}", "3")
    assert KEY not in str(first) + str(second)


def test_a_reload_lets_go_of_the_old_socket(journal):
    journal.configure()
    (old,) = logging.getLogger().handlers
    journal.configure()
    assert old._socket.fileno() == -1
    log.get_logger().info("some.event")
    assert fields(journal)["INGESTD_EVENT"] == "some.event"


def test_what_the_journal_does_not_take_becomes_a_line(journal, monkeypatch, tmp_path):
    journal.configure()
    log.get_logger().info("some.event", path="/drop/a.mp4")
    monkeypatch.setattr(journald, "SOCKET", str(tmp_path / "none"))
    log.get_logger().info("next.event", path="/drop/b.mp4")
    assert fields(journal)["INGESTD_EVENT"] == "some.event"
    (line,) = journal.lines()
    assert "next.event" in line


@pytest.mark.parametrize(
    ("form", "given"), [("json", None), ("auto", ""), ("auto", "1:2"), ("auto", "x")]
)
def test_elsewhere_and_on_request_lines_are_plain(journal, monkeypatch, form, given):
    if given is not None:
        monkeypatch.setenv("JOURNAL_STREAM", given)
    journal.configure(form)
    log.get_logger().info("some.event", path="/drop/a.mp4")
    assert len(journal.lines()) == 1


# --- repeats ------------------------------------------------------------------------------------


class Told:
    """A logger behind the filter, under a clock of the test."""

    def __init__(self) -> None:
        self.now = 0.0
        self.records: list[logging.LogRecord] = []
        self.filter = Repeats(self.records.append, lambda: self.now)

    def say(self, event: str, level: int = logging.WARNING, **values: object) -> None:
        record = logging.makeLogRecord(
            {"msg": {"event": event, **values}, "levelno": level, "name": "ingestd"}
        )
        if self.filter.filter(record):
            self.records.append(record)

    def events(self) -> list[tuple[str, int | None]]:
        return [(one.msg["event"], one.msg.get("repeated")) for one in self.records]


def test_a_trouble_that_repeats_is_told_once_an_interval_with_its_number():
    told = Told()
    for minute in range(25):
        told.now = minute * 60.0
        told.say("file.unreadable", path="/a")
    assert told.events() == [
        ("file.unreadable", None),
        ("file.unreadable", 9),
        ("file.unreadable", 10),
    ]


def test_the_last_of_a_trouble_is_told_although_it_never_comes_again():
    told = Told()
    told.say("watch.overflow", root="/a")
    told.say("watch.overflow", root="/a")
    told.now = 3600.0
    told.say("daemon.started", logging.INFO)
    assert told.events() == [
        ("watch.overflow", None),
        ("watch.overflow", 1),
        ("daemon.started", None),
    ]


def test_what_was_left_out_is_told_before_the_end():
    told = Told()
    told.say("watch.overflow", root="/a")
    told.say("watch.overflow", root="/a")
    told.say("daemon.stopped", logging.INFO)
    assert told.events()[1:] == [("watch.overflow", 1), ("daemon.stopped", None)]


def test_other_troubles_moves_and_good_news_are_told_every_time():
    told = Told()
    for path in ("/a", "/b"):
        told.say("file.unreadable", path=path)
    for _ in range(3):
        told.say("upload.not_sent", id=1, to="queued")
        told.say("index.parsed", logging.INFO, id=1)
        told.say("config.refused")
    assert len(told.events()) == 2 + 9


def test_a_gate_that_closes_again_after_it_opened_is_news():
    told = Told()
    told.say("gate.closed", gate="credits")
    told.say("gate.closed", logging.INFO, gate="credits")
    told.say("gate.closed", gate="auth")
    told.say("gate.opened", logging.INFO, gate="credits")
    told.say("gate.closed", gate="credits")
    assert told.events() == [
        ("gate.closed", None),
        ("gate.closed", None),
        ("gate.closed", 1),
        ("gate.opened", None),
        ("gate.closed", None),
    ]


def test_a_flood_of_different_troubles_keeps_no_endless_memory():
    told = Told()
    for number in range(repeats.MOST * 3):
        told.say("file.unreadable", path=f"/{number}")
    assert len(told.filter._seen) <= repeats.MOST + 1
    assert len(told.records) == repeats.MOST * 3


def test_a_library_that_repeats_itself_is_held_back(lines: io.TextIOWrapper):
    for number in range(5):
        logging.getLogger("httpx").warning("again %s", number)
        log.get_logger().error("worker.error", lane="hash", error=str(number))
    log.get_logger().info("daemon.stopped")
    written = text(lines)
    assert written.count("again") == 2
    assert "again 4 (repeated 4 times)" in written
    assert written.count("worker.error") == 2
    assert "repeated" in written
