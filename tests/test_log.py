"""Log lines: never a secret, never an exception for the caller, one line for one event."""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import sys
from typing import TYPE_CHECKING

import pytest
import structlog

from ingestd import log

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    monkeypatch.setattr(log, "_secrets", set())
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
