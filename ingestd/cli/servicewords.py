"""What starts, stops and restarts the service here: systemd, a container, or a person."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from ingestd.config.key import in_container

_SYSTEM_STATE: Final = Path("/var/lib/ingestd")
_SYSTEMD: Final = Path("/run/systemd/system")


def start(state_dir: Path) -> str:
    """The line that starts it."""
    unit = _unit(state_dir)
    if unit:
        return f"sudo systemctl start {unit}"
    return f"ingestd run{_or_container('start')}"


def stop(state_dir: Path) -> str:
    """The line that stops it."""
    unit = _unit(state_dir)
    if unit:
        return f"sudo systemctl stop {unit}"
    return f"Ctrl-C where it runs{_or_container('stop')}"


def restart(state_dir: Path, pid: int | None) -> str:
    """The line that restarts it, also when it hangs."""
    unit = _unit(state_dir)
    if unit:
        return f"sudo systemctl restart {unit}"
    end = f"kill {pid}" if pid else "end it"
    return f"{end}, then: ingestd run{_or_container('restart')}"


def _or_container(verb: str) -> str:
    return f" (or {verb} its container)" if in_container(os.environ) else ""


def _unit(state_dir: Path) -> str:
    """Our unit with this state directory, where a systemd runs: its name, or ""."""
    if not _SYSTEMD.is_dir():
        return ""
    if state_dir == _SYSTEM_STATE:
        return "ingestd"
    return f"ingestd@{state_dir.name}" if state_dir.parent == _SYSTEM_STATE else ""
