"""What people and monitoring wait for: the reading commands on a journal of a million rows.

The interface promises a second for `status`, `show`, `health` and `list --limit`.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from harness import Sizes, heading, interleaved, note, spread, table, timed

from ingestd.journal import Journal
from ingestd.model import Gate, GateName, Item, Stat, State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMANDS = {
    "health": ["health"],
    "health --prometheus": ["health", "--prometheus"],
    "status": ["status"],
    "status --json": ["status", "--json"],
    "status, one card": ["status", "/srv/drop/card0007"],
    "show, by id": ["show", "500000"],
    "show, by path": ["show", "/srv/drop/card0007/clip000123.mp4"],
    "list --limit 50": ["list", "--limit", "50"],
    "list --state failed --limit 50": ["list", "--state", "failed", "--limit", "50"],
    "list --since 1h --limit 50": ["list", "--since", "1h", "--limit", "50"],
    "check --config-only": ["check", "--config-only"],
}
#: The commands' exit codes do not matter here: `health` finds what needs a person.
_RUN = "import sys; from ingestd.cli.main import run_cli; run_cli(sys.argv[1:])"
NOW = 1.8e9
API = "api: {base_url: 'http://127.0.0.1:9/x'}\n"
COPIES = 1000
#: Rows share templates; their states in thousandths.
STATES = {State.PARSED: 900, State.QUEUED: 70, State.REJECTED: 20, State.FAILED: 6, State.HELD: 4}


def commands(work: Path, sizes: Sizes) -> None:
    """Measure every command as a process of its own."""
    copies = COPIES if sizes.rounds > 1 else 5
    heading(f"Commands on a journal of {1000 * copies} rows")
    state = work / "state"
    _fill(state, copies)
    drop = work / "drop"
    drop.mkdir()
    config = work / "config.yaml"
    config.write_text(f"state_dir: {state}\nfolders: [{drop}]\n{API}", encoding="utf-8")
    contenders = {
        name: partial(timed, [sys.executable, "-c", _RUN, *words, "-c", str(config)])
        for name, words in COMMANDS.items()
    }
    with _daemon(config):
        samples = interleaved(contenders, sizes.starts)
    rows = [
        [
            f"`{name}`",
            spread([one.seconds * 1000 for one in taken], 0),
            spread([one.cpu * 1000 for one in taken], 0),
        ]
        for name, taken in samples.items()
    ]
    table(["", "ms", "CPU ms"], rows)
    note(f"The journal is {(state / 'journal.db').stat().st_size / 1e6:.0f} MB.")


@contextmanager
def _daemon(config: Path) -> Iterator[None]:
    """Let a daemon run beside the commands; it is paused, for it has no far side."""
    words = [sys.executable, "-m", "ingestd", "run", "-c", str(config)]
    environ = {**os.environ, "INGESTD_API_KEY": "sk-mavi-0123456789"}
    with subprocess.Popen(words, env=environ, stderr=subprocess.DEVNULL) as process:
        time.sleep(5)
        try:
            yield
        finally:
            process.terminate()


def _fill(state: Path, copies: int) -> None:
    """Make a thousand rows through the journal, and copies of them in SQL."""
    with Journal.create_or_open(state, fstype=None) as journal, journal.transaction():
        number = 0
        for kind, share in STATES.items():
            for _ in range(share):
                journal.restore(_row(number, kind), "file.restored", NOW)
                number += 1
        journal.save_gate(Gate(GateName.PAUSED, NOW, None, "Paused by hand."))
    with closing(sqlite3.connect(state / "journal.db")) as database:
        names = [row[1] for row in database.execute("PRAGMA table_info(items)")]
        own = {"id", "dir", "video_no", "updated_at", "current"}
        shared = ", ".join(name for name in names if name not in own)
        database.execute("PRAGMA synchronous = OFF")
        for copy in range(1, copies):
            database.execute(
                f"INSERT INTO items (dir, video_no, updated_at, current, {shared})"
                f" SELECT CAST('/srv/drop/card{copy:04}/' AS BLOB), video_no || '-{copy}',"
                f" updated_at + {copy}, 1, {shared} FROM items WHERE id <= 1000"
            )
        database.execute(
            "INSERT INTO history (item_id, at, to_state, event)"
            " SELECT id, updated_at, state, 'file.restored' FROM items WHERE id > 1000"
        )
        database.commit()


def _row(number: int, state: State) -> Item:
    sent = state in (State.PARSED, State.FAILED)
    return Item(
        id=0,
        path=f"/srv/drop/card0000/clip{number:06}.mp4",
        folder="drop",
        state=state,
        stat=Stat(10**9 + number, 10**18 + number, 10**18 + number, 66305, 10**6 + number),
        fingerprint=f"{number * 2654435761 % 2**64:032x}",
        codec="h264",
        duration_s=60.0,
        video_no=f"VI{number:018}" if sent else None,
        fields={"unique_id": "default"},
    )
