"""The systemd journal's native protocol: events with fields of their own.

    journalctl -u ingestd INGESTD_EVENT=gate.closed
    journalctl -u ingestd -o json INGESTD_ID=812

Protocol: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/ . What cannot be sent so goes to stderr as a
plain line, which the journal takes as well.
"""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import struct
from typing import TYPE_CHECKING, Any, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping

SOCKET: Final = "/run/systemd/journal/socket"
#: syslog(3) levels by ours.
_PRIORITIES: Final = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
#: Of the line that a person reads, what the journal says already.
_SAID: Final = frozenset({"event", "level", "timestamp", "exception", "stack"})


def is_journal(stream: TextIO) -> bool:
    """Tell whether a stream leads to the journal (systemd.exec(5), $JOURNAL_STREAM)."""
    device, _, inode = os.environ.get("JOURNAL_STREAM", "").partition(":")
    if not (device.isdecimal() and inode.isdecimal()):
        return False
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return (found.st_dev, found.st_ino) == (int(device), int(inode))


class JournalHandler(logging.StreamHandler[TextIO]):
    """Sends an event's fields to the journal; a plain line to the stream where that fails."""

    def __init__(self, stream: TextIO, fields: logging.Formatter, plain: logging.Formatter) -> None:
        """`fields` writes an event as a JSON object."""
        super().__init__(stream)
        self._fields = fields
        self.setFormatter(plain)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)  # noqa: FBT003 - its only argument

    def emit(self, record: logging.LogRecord) -> None:
        """Send one event; never raises."""
        try:
            told = json.loads(self._fields.format(record))
            self._socket.sendto(_datagram(told), SOCKET)
        except Exception:  # noqa: BLE001 - no journal, a long traceback, a bug: the line is kept
            super().emit(record)

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()
        super().close()


def _datagram(told: Mapping[str, Any]) -> bytes:
    fields = {
        "MESSAGE": _message(told),
        "PRIORITY": str(_PRIORITIES.get(str(told.get("level")), 6)),
        "SYSLOG_IDENTIFIER": "ingestd",
        "INGESTD_EVENT": str(told.get("event")),
    }
    for key, value in told.items():
        if key not in ("event", "level", "timestamp") and value is not None:
            fields[_name(key)] = _text(value)
    return b"".join(_field(name, text.encode()) for name, text in fields.items())


def _message(told: Mapping[str, Any]) -> str:
    """The line that `journalctl` shows; a traceback follows it."""
    known = {key: value for key, value in told.items() if value is not None and key not in _SAID}
    parts = [f"{key}={_text(value)}" for key, value in known.items()]
    blocks = [str(told[key]) for key in ("exception", "stack") if told.get(key)]
    return "\n".join([" ".join([str(told.get("event")), *parts]), *blocks])


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _name(key: str) -> str:
    return f"INGESTD_{re.sub(r'[^A-Z0-9_]', '_', key.upper())}"[:64]


def _field(name: str, text: bytes) -> bytes:
    if b"\n" not in text:
        return b"%b=%b\n" % (name.encode(), text)
    return b"%b\n%b%b\n" % (name.encode(), struct.pack("<Q", len(text)), text)
