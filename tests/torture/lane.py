"""One daemon with its state, its folder and its far side; it is killed, and killed again."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from ingestd import clips
from torture.server import STAGES, WAYS, Account, CutError, FarSide

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = "sk-mavi-0123456789abcdef"
CLIP = "pattern-h264.mp4"
LONGEST_LIFE_S = 12.0  # of a daemon that is to be killed at a stage that does not come
DRAIN_S = 240.0
ENDS = frozenset({"parsed", "duplicate"})

CONFIG = """
state_dir: {place}/state
api: {{base_url: "{url}", reads_per_second: 0}}
folders: [{{path: {place}/drop, settle: 0.1s, poll_interval: 0.3s, rescan_interval: 1s}}]
upload: {{per_minute: 0, retry_min: 0.1s, retry_max: 1s, answer_timeout: 2s, stall_timeout: 2s}}
indexing: {{poll_min: 0.2s, poll_max: 0.5s, confirm_for: {confirm_for}s}}
guard: {{max_files: 0}}
"""


class Lane:
    """See the module. Everything that chance decides comes from the seed."""

    def __init__(self, place: Path, seed: int, account: Account, *, confirm_for: float) -> None:
        self.place, self.chance = place, random.Random(seed)
        self.drop = place / "drop"
        self.drop.mkdir(parents=True)
        self.account, self.server = account, FarSide(account)
        config = CONFIG.format(place=place, url=self.server.url, confirm_for=confirm_for)
        (place / "c.yaml").write_text(config)
        self.process: subprocess.Popen[bytes] | None = None
        self.kills: Counter[str] = Counter()
        self.cuts: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.files = 0
        self._plan: tuple[str, Callable[[], None], int] | None = None
        self._lock, self._heard = threading.Lock(), threading.Event()
        self.troubled = False  # connections are cut, answers are lost
        self.server.at = self._at

    # --- what it does -----------------------------------------------------------------------------

    def live(self, kills: int) -> None:
        """Kill the daemon so often, with files coming in all the while."""
        self.troubled, self.server.lose = True, self._lose
        for _ in range(4):
            self.put()
        for _ in range(kills):
            if self.chance.random() < 0.7:
                self.put()
            if self.chance.random() < 0.5:
                self._kill_at_a_stage()
            else:
                self._kill_at_random()

    def drain(self) -> list[dict[str, Any]]:
        """End all troubles and let it come to rest; its rows."""
        self._plan, self.troubled, self.server.lose = None, False, lambda: ""
        self.start()
        until = time.monotonic() + DRAIN_S
        rows: list[dict[str, Any]] = []
        while time.monotonic() < until:
            time.sleep(1.0)
            self.command("resume")
            rows = json.loads(self.command("list", "--json").stdout or "[]")
            seen = {row["path"] for row in rows}
            whole = all(str(path) in seen for path in self.drop.iterdir())
            if whole and all(row["state"] in ENDS or _rests(row) for row in rows):
                break
        self.stop()
        return rows

    def put(self) -> None:
        """A new clip, or a copy of one that is there."""
        there = sorted(self.drop.iterdir())
        if there and self.chance.random() < 0.15:
            self.files += 1
            shutil.copyfile(self.chance.choice(there), self.drop / f"{self.files:04}.mp4")
        else:
            self.put_new()

    def put_new(self) -> None:
        """A clip like no other."""
        self.files += 1
        target = self.drop / f"{self.files:04}.mp4"
        salt = f"{self.place.name} {self.files} ".encode()
        if self.chance.random() < 0.3:
            salt += self.chance.randbytes(50_000)
        target.write_bytes(clips.unique(CLIP, salt))

    # --- the process ------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the daemon, with nothing of what it says but its errors."""
        with (self.place / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ingestd", "run", "-c", str(self.place / "c.yaml")],
                env=self._environ(),
                stdout=log,
                stderr=log,
                cwd=self.place,
            )

    def stop(self) -> None:
        """Ask it to end, as systemd does."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(60) != 0:
            raise AssertionError(f"it ended with {self.process.returncode}: {self.log()}")

    def command(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the installed program beside the daemon."""
        return subprocess.run(
            [sys.executable, "-m", "ingestd", *args, "-c", str(self.place / "c.yaml")],
            env=self._environ(),
            cwd=self.place,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def log(self) -> str:
        """The last that it said."""
        return (self.place / "log").read_text(errors="replace")[-3000:]

    def close(self) -> None:
        """Let go of everything."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.server.__exit__()

    @staticmethod
    def _environ() -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if "INGESTD" not in name}
        return ours | {"INGESTD_API_KEY": KEY}

    # --- troubles ---------------------------------------------------------------------------------

    def _kill_at_random(self) -> None:
        """At any time after its start, or after it said its first word to the far side."""
        self._heard.clear()
        self.start()
        if self.chance.random() < 0.8:
            self._heard.wait(LONGEST_LIFE_S)
        time.sleep(self.chance.random() * self.chance.choice((0.2, 1.0, 3.0)))
        self._kill("at random")

    def _kill_at_a_stage(self) -> None:
        stage = self.chance.choice(STAGES)
        if stage not in ("listed", "polled"):
            self.put()
        dead = threading.Event()

        def kill() -> None:
            self._kill(stage)
            dead.set()
            raise CutError

        self._plan = (stage, kill, self.chance.choice((0, 0, 0, 1, 2)))
        self.start()
        if not dead.wait(LONGEST_LIFE_S):
            self._plan = None
            self._kill("at random")

    def _kill(self, why: str) -> None:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"it had ended with {self.process.returncode}: {self.log()}")
        self.process.kill()
        self.process.wait()
        self.kills[why] += 1

    def _at(self, stage: str) -> None:
        """A stage of an exchange was reached: it may be the one to kill at, or to cut at."""
        self._heard.set()
        with self._lock:
            plan = self._plan
            if plan is not None and plan[0] == stage:
                self._plan = (stage, plan[1], plan[2] - 1) if plan[2] else None
                if not plan[2]:
                    plan[1]()
        if self.troubled and self.chance.random() < CUT:
            self.cuts[stage] += 1
            raise CutError

    def _lose(self) -> str:
        if self.chance.random() > LOST:
            return ""
        way = self.chance.choice(WAYS)
        if way != "truncated JSON" and self.chance.random() < 0.3:
            way += " refused"
        self.lost[way.removesuffix(" refused")] += 1
        return way

    # --- the verdict ------------------------------------------------------------------------------

    def judge(self, rows: list[dict[str, Any]]) -> int:
        """Nothing lost, nothing paid twice; how many rows are held as unconfirmed."""
        paid = Counter(row.content for row in self.account.rows)
        twice = [content for content, times in paid.items() if times > 1]
        if twice:
            stems = [row.stem for row in self.account.rows if row.content in twice]
            raise AssertionError(f"paid twice: {stems}")
        by_path = {row["path"]: row for row in rows}
        number_of = {row.content: row.number for row in self.account.rows}
        for path in sorted(self.drop.iterdir()):
            row = by_path.get(str(path))
            if row is None:
                raise AssertionError(f"lost: {path.name} has no row")
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if row["state"] == "parsed" and row["video_no"] != number_of.get(digest):
                raise AssertionError(f"lost: {path.name} is linked to another clip's video")
            if row["state"] not in ENDS and not (_rests(row) and not self._evident()):
                raise AssertionError(f"lost: {path.name} is {row['state']}: {row['detail']}")
            if digest not in paid and not any(_rests(one) for one in rows):
                raise AssertionError(f"lost: nothing was paid for {path.name}")
        return sum(_rests(row) for row in rows)

    def _evident(self) -> bool:
        return self.account.names and self.account.sizes


#: Of all stages of all exchanges: those at which the connection is cut.
CUT = 0.01
#: Of all whole bodies: those whose answer is lost.
LOST = 0.3


def _rests(row: dict[str, Any]) -> bool:
    return row["state"] == "held" and row["reason"] == "unconfirmed"
