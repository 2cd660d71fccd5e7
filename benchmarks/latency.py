"""How soon a file that was closed is queued, and where the time goes."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from harness import Sizes, heading, note, table

from ingestd import clips

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMAND = (sys.executable, "-m", "ingestd")
SETTLE = 1.0
GAP = 0.1  # seconds between two files
MEMORY = Path("/dev/shm")


def queued(work: Path, sizes: Sizes) -> None:
    """Small clips, one after the other, into a folder of a daemon whose far side is not there."""
    heading("Close to queued")
    number = max(20, sizes.clips // 5)
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as place:
        drop = Path(place)
        daemon = _daemon(work, drop)
        try:
            closed = _write(drop, number)
            at = _queued(work, number)
        finally:
            daemon.kill()
            daemon.wait()
    waits = sorted((at[name] - closed[name] - SETTLE) * 1000 for name in closed if name in at)
    slips = sorted(_slips(number))
    rows = [_row("queued, less the quiet time", waits), _row("a sleep of as long, late by", slips)]
    table(["", "p50, ms", "p99, ms", "most, ms"], rows)
    note(f"{len(waits)} of {number} clips were queued; one each {GAP:g} s, settle {SETTLE:g} s.")


def _row(name: str, values: Sequence[float]) -> list[str]:
    picked = (values[len(values) // 2], values[len(values) * 99 // 100], values[-1])
    return [name, *(f"{one:.1f}" for one in picked)]


def _daemon(work: Path, drop: Path) -> subprocess.Popen[bytes]:
    (work / "c.yaml").write_text(
        f"state_dir: {work}/state\napi: {{base_url: 'http://127.0.0.1:9/'}}\n"
        f"folders: [{{path: {drop}, settle: {SETTLE:g}s}}]\n"
        "guard: {max_files: 0, first_look_files: unlimited}\n",
        encoding="utf-8",
    )
    environ = {**os.environ, "INGESTD_API_KEY": "sk-mavi-0123456789abcdef"}
    with (work / "log").open("wb") as log:
        daemon = subprocess.Popen([*COMMAND, "run", "-c", work / "c.yaml"], env=environ, stderr=log)
    status = [*COMMAND, "status", "--json", "-c", work / "c.yaml"]
    while True:
        done = subprocess.run(status, capture_output=True, check=False, env=environ)
        told = json.loads(done.stdout) if done.returncode == 0 else {}
        if (told.get("folders") or [{}])[0].get("last_scan_at"):
            return daemon
        time.sleep(0.1)


def _write(drop: Path, number: int) -> dict[str, float]:
    """Write clips; the wall clock at which each was closed."""
    closed = {}
    for one in range(number):
        path = drop / f"{one}.mp4"
        content = clips.unique("pattern-h264.mp4", b"%d" % one)
        path.write_bytes(content)
        closed[path.name] = time.time()
        time.sleep(GAP)
    return closed


def _queued(work: Path, number: int) -> dict[str, float]:
    """When the journal says that each was queued."""
    give_up = time.monotonic() + SETTLE + 20
    rows: list[tuple[str | bytes, float]] = []
    while len(rows) < number and time.monotonic() < give_up:
        time.sleep(0.5)
        with sqlite3.connect(f"file:{work}/state/journal.db?mode=ro", uri=True) as journal:
            rows = journal.execute(
                "SELECT name, queued_at FROM items WHERE queued_at IS NOT NULL"
            ).fetchall()
    return {os.fsdecode(name): at for name, at in rows}


def _slips(number: int) -> list[float]:
    """How late this machine wakes who sleeps for 10 ms: what nobody can do anything about."""
    slips = []
    for _ in range(number):
        began = time.monotonic()
        time.sleep(0.01)
        slips.append((time.monotonic() - began - 0.01) * 1000)
    return slips
