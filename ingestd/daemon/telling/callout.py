"""Running a person's command with a document on its stdin; blocks, so only in a worker."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Longer than that no command runs, seconds; then it is killed with all that it started.
LIMIT_S = 60.0
#: So much of what it says is kept for the log, characters.
KEPT = 500
#: Not for somebody else's program: our key, and our line to the service manager.
_OURS = frozenset(
    {"INGESTD_API_KEY", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_PID"}
    | {"WATCHDOG_USEC", "JOURNAL_STREAM"}
)


def call(
    command: Sequence[str], document: Mapping[str, Any], limit: float = LIMIT_S
) -> tuple[str, str]:
    """Run a command to its end.

    Returns:
        What went wrong, or ""; and what it said, cut short, on one line.
    """
    environ = {name: value for name, value in os.environ.items() if name not in _OURS}
    try:
        process = subprocess.Popen(  # noqa: S603 - the owner's own configuration names it
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environ,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return f"{command[0]} cannot be run: {getattr(error, 'strerror', None) or error}", ""
    with process:
        _write(process, json.dumps(document).encode() + b"\n")
        end = time.monotonic() + limit
        said = _listen(process, end)
        failed = _ended(process, command[0], end, limit)
    return (f"{failed}: {said}" if failed and said else failed), said


def _write(process: subprocess.Popen[bytes], document: bytes) -> None:
    """Hand the document over; a pipe takes all of it (pipe(7)), whether or not anybody reads."""
    assert process.stdin is not None  # noqa: S101 - asked for
    with suppress(OSError):
        process.stdin.write(document)
    with suppress(OSError):
        process.stdin.close()


def _listen(process: subprocess.Popen[bytes], end: float) -> str:
    """Keep the beginning of what it says, until it or the time ends."""
    assert process.stdout is not None  # noqa: S101 - asked for
    handle, kept = process.stdout.fileno(), bytearray()
    while (left := end - time.monotonic()) > 0:
        ready, _, _ = select.select([handle], [], [], min(left, 0.5))
        if ready:
            piece = os.read(handle, 65536)
            if not piece:
                break
            kept += piece[: max(0, 4 * KEPT - len(kept))]
        elif process.poll() is not None:
            break  # it left something behind that holds the pipe
    return " ".join(kept.decode(errors="replace").split())[:KEPT]


def _ended(process: subprocess.Popen[bytes], name: str, end: float, limit: float) -> str:
    try:
        code = process.wait(timeout=max(0.1, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return f"{name} was stopped: it did not end within {limit:g} s"
    return f"{name} ended with {code}" if code else ""
