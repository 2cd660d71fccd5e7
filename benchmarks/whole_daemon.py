"""The daemon itself, as a child process, against the stand-in of the API."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from harness import GB, MB, Sizes, cpu_of, forget_peak, heading, note, resident, spread, table
from randomdata import random_clip
from servers import StandIn, make_trust

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from servers import Trust

PATIENCE = 300.0  # seconds until a run that goes nowhere is given up
SIZES = {"16 KiB": 16 << 10, "1 MiB": 1 << 20}

_CONFIG = """\
state_dir: {work}/state
api: {{base_url: {url}, reads_per_second: 0, ca_file: {ca}}}
folders: [{{path: {work}/drop, settle: 1s}}]
upload: {{per_minute: 0}}
indexing: {{poll_min: 1s}}
guard: {{max_files: 0}}
log: {{format: json}}
"""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of the daemon over some clips cost."""

    files: int
    size: int  # bytes
    seconds: float  # from the first upload's start to the last acceptance
    searchable: float  # from the first file's arrival until all are searchable
    cpu: float
    far_cpu: float
    idle: float  # resident memory in MB before, at the peak and after
    peak: float
    after: float


class Daemon(AbstractContextManager):
    """`ingestd run` with a folder and a state directory of its own."""

    def __init__(self, work: Path, far: StandIn):
        (work / "drop").mkdir(parents=True)
        config = _CONFIG.format(work=work, url=far.url, ca=far.ca or "null")
        (work / "config.yaml").write_text(config, encoding="utf-8")
        self.drop = work / "drop"
        self._log = work / "log"
        words = [sys.executable, "-m", "ingestd", "run", "-c", str(work / "config.yaml")]
        environment = {**os.environ, "INGESTD_API_KEY": "benchmark"}
        with self._log.open("wb") as log:
            self._child = subprocess.Popen(words, stderr=log, env=environment)
        self.pid = self._child.pid
        self.wait_for("watch.mode", 1)

    def __exit__(self, *_exception):
        self._child.send_signal(signal.SIGTERM)
        self._child.wait()

    def events(self) -> list[dict]:
        """What it logged so far."""
        lines = self._log.read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def wait_for(self, name: str, count: int) -> None:
        """Wait until an event was logged so many times."""
        until = time.monotonic() + PATIENCE
        while self._count(name) < count:
            if self._child.poll() is not None or time.monotonic() > until:
                self._child.kill()
                sys.exit(f"the daemon got nowhere:\n{self._log.read_bytes()[-2000:].decode()}")
            time.sleep(0.05)

    def _count(self, name: str) -> int:
        return self._log.read_bytes().count(f'"event": "{name}"'.encode())


def daemon(work: Path, sizes: Sizes) -> None:
    """Measure memory and speed of the whole way, from a folder to a searchable video."""
    heading("The daemon against the stand-in of the API")
    note(_idle(work / "idle", sizes.idle))
    runs = _large(work, sizes.largest)
    for label, size in SIZES.items():
        runs |= _many(work, f"{sizes.clips} clips of {label}", size, sizes)
    table(
        ["", "files/s", "MB/s", "CPU s", "CPU s of the stand-in", "all searchable after, s"],
        [[label, *_speeds(taken)] for label, taken in runs.items()],
    )
    table(
        ["resident memory, MB", "before", "peak", "after"],
        [
            [label, *(spread([getattr(run, when) for run in taken], 1) for when in _WHEN)]
            for label, taken in runs.items()
        ],
    )


_WHEN = ("idle", "peak", "after")


def _large(work: Path, size: int) -> dict[str, list[Run]]:
    """One file, on both kinds of line; it is large, so it goes as soon as it can."""
    clip = random_clip(work / "large.mp4", size)
    label = f"one file of {size / GB:.2f} GB"
    runs = {
        label: [_run(work / "run", [clip])],
        f"{label}, TLS": [_run(work / "run", [clip], make_trust(work))],
    }
    clip.unlink()
    return runs


def _many(work: Path, label: str, size: int, sizes: Sizes) -> dict[str, list[Run]]:
    """Many clips, several times plain, and once over TLS if they are not tiny."""
    folder = work / f"clips-{size}"
    folder.mkdir()
    clips = [random_clip(folder / f"clip{n:04}.mp4", size) for n in range(sizes.clips)]
    runs = {label: [_run(work / "run", clips) for _ in range(min(sizes.small_rounds, 3))]}
    if size >= 1 << 20:
        runs[f"{label}, TLS"] = [_run(work / "run", clips, make_trust(work))]
    return runs


def _speeds(taken: Sequence[Run]) -> list[str]:
    return [
        spread([run.files / run.seconds for run in taken], 1),
        spread([run.size / MB / run.seconds for run in taken], 0),
        spread([run.cpu for run in taken], 1),
        spread([run.far_cpu for run in taken], 1),
        spread([run.searchable for run in taken], 1),
    ]


def _idle(work: Path, seconds: float) -> str:
    with StandIn() as far, Daemon(work, far) as running:
        time.sleep(1)  # it has looked at its folder
        before = cpu_of(running.pid)
        time.sleep(seconds)
        cpu = cpu_of(running.pid) - before
        memory = resident(running.pid)
    return f"Idle: {memory:.1f} MB resident, {cpu:.2f} CPU s in {seconds:.0f} s."


def _run(work: Path, clips: Sequence[Path], trust: Trust | None = None) -> Run:
    """Let the daemon take clips that are moved into its folder; puts them back."""
    size = sum(clip.stat().st_size for clip in clips)
    with StandIn(trust) as far, Daemon(work, far) as running:
        os.sync()  # the clips are not on their way to the disk any more
        time.sleep(0.5)
        idle, cpu, far_cpu = resident(running.pid), cpu_of(running.pid), far.cpu
        forget_peak(running.pid)
        began = time.monotonic()
        for clip in clips:
            clip.rename(running.drop / clip.name)
        running.wait_for("index.parsed", len(clips))
        searchable = time.monotonic() - began
        run = Run(
            files=len(clips),
            size=size,
            seconds=_seconds_of_sending(running.events()),
            searchable=searchable,
            cpu=cpu_of(running.pid) - cpu,
            far_cpu=far.cpu - far_cpu,
            idle=idle,
            peak=resident(running.pid, "VmHWM"),
            after=resident(running.pid),
        )
        _check(far.report(), len(clips))
        for clip in clips:
            (running.drop / clip.name).rename(clip)
    shutil.rmtree(work)
    return run


def _seconds_of_sending(events: Sequence[dict]) -> float:
    times = {
        name: [datetime.fromisoformat(e["timestamp"]) for e in events if e["event"] == name]
        for name in ("upload.started", "upload.accepted")
    }
    return (max(times["upload.accepted"]) - min(times["upload.started"])).total_seconds()


def _check(report: dict, count: int) -> None:
    """A fast daemon that sends twice, or not all, is no benchmark."""
    if len(report["videos"]) != count or report["accepted_more_than_once"]:
        sys.exit(f"{len(report['videos'])} videos of {count} files")
