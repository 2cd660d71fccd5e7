"""Big trees: first scan, rescan, watches, latency, bursts, idle.

Trees lie in memory (/dev/shm, else a temporary directory) and are removed afterwards.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness import HERE, Sample, has, interleaved, ratio, spread, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness import Sizes

MEMORY = Path("/dev/shm")
VIDEOS_PER_DIRECTORY = 10
COMMAND = (sys.executable, "-m", "ingestd")
PATIENCE = 300.0
BURST_DIRECTORIES = 100
PASSES = 2  # of the daemon whose passes are measured


def tree(_work: Path, sizes: Sizes) -> None:
    """A tree of many files, few of them videos: the scanner beside `find -type f`."""
    with _place() as place:
        _fill(place, sizes.tree_directories, sizes.tree_files // sizes.tree_directories)
        contenders = {
            "find": lambda: _timed(["find", str(place), "-type", "f"]),
            "first": lambda: _child("first", place),
            "rescan": lambda: _child("rescan", place),
        }
        samples = interleaved(contenders, sizes.small_rounds)
        find = [one.seconds for one in samples["find"]]
        rows = [
            [
                name,
                spread([one.seconds for one in samples[name]], 3),
                ratio([one.seconds for one in samples[name]], find),
                ratio([one.cpu for one in samples[name]], [one.cpu for one in samples["find"]]),
                spread([one.extra or 0.0 for one in samples[name]], 1),
            ]
            for name in contenders
        ]
        table(["", "seconds", "vs `find -type f`", "CPU vs `find`", "growth of memory, MB"], rows)
        _idle(place, sizes)


def watching(_work: Path, sizes: Sizes) -> None:
    """Watches on many directories, and how soon a closed file is known."""
    with _place() as place:
        _fill(place, sizes.watched_directories, 1)
        if has("inotifywait"):
            contenders = {
                "inotifywait -r": lambda: _inotifywait(place),
                "ingestd": lambda: _child("watch", place),
            }
            samples = interleaved(contenders, sizes.small_rounds)
            raw = [one.seconds for one in samples["inotifywait -r"]]
            rows = [
                [name, spread(ours, 3), ratio(ours, raw)]
                for name in contenders
                if (ours := [one.seconds for one in samples[name]])
            ]
            table([f"{sizes.watched_directories} directories", "seconds", "ratio"], rows)
        _idle(place, sizes)
    with _place() as place:
        contenders = {
            "inotify": lambda: _child("raw latency", place),
            "ingestd": lambda: _child("latency", place),
        }
        samples = interleaved(contenders, sizes.small_rounds)
        raw = [one.seconds for one in samples["inotify"]]
        rows = [
            [
                name,
                spread([one.seconds * 1e6 for one in samples[name]], 0),
                spread([(one.extra or 0.0) * 1e6 for one in samples[name]], 0),
                ratio([one.seconds for one in samples[name]], raw),
            ]
            for name in contenders
        ]
        table(["close to noticed", "p50, us", "p99, us", "p50 ratio"], rows)


def bursts(work: Path, sizes: Sizes) -> None:
    """Many files at once, in new directories; then in watched ones, of a daemon that stands still.

    The second time the kernel's queue is full after 16 384 events (`max_queued_events`), and what
    came later is told by nothing but the overflow.
    """
    rows = []
    for name, stopped in (
        ("100 new directories, daemon running", False),
        ("100 watched directories, daemon stopped (SIGSTOP)", True),
    ):
        with _place() as place:
            if stopped:
                _fill(place, BURST_DIRECTORIES, 0)
            with _daemon(work / f"{stopped}", place) as (_, pid):
                rows.append([name, *_burst(work / f"{stopped}", place, pid, sizes, stop=stopped)])
    table(
        [f"{sizes.burst} files", "burst, s", "all known, s", "its CPU, s", "lost", "overflows"],
        rows,
    )


def _burst(work: Path, place: Path, pid: int, sizes: Sizes, *, stop: bool) -> list[str]:
    """One burst: how long it took, until when all was known, and what got lost."""
    spent, began = _cpu(pid), time.monotonic()
    if stop:
        os.kill(pid, signal.SIGSTOP)
    each = sizes.burst // BURST_DIRECTORIES
    _fill(place, BURST_DIRECTORIES, each, videos=each)
    wrote = time.monotonic() - began
    if stop:
        os.kill(pid, signal.SIGCONT)
    seen = 0
    while seen < sizes.burst and time.monotonic() - began < PATIENCE:
        time.sleep(0.25)
        seen = int(_status(work)["counts"]["settling"])
    took, spent = time.monotonic() - began, _cpu(pid) - spent
    overflows = (work / "log").read_text(encoding="utf-8").count("watch.overflow")
    return [f"{wrote:.2f}", f"{took:.2f}", f"{spent:.1f}", str(sizes.burst - seen), str(overflows)]


# --- the daemon -----------------------------------------------------------------------------------


def _idle(place: Path, sizes: Sizes) -> None:
    """What a daemon costs that has seen the tree and has nothing to do."""
    work = Path(tempfile.mkdtemp(dir=HERE / "work"))
    with _daemon(work, place) as (looked, pid):
        time.sleep(2.0)
        rows = [["first look of the daemon", f"{looked:.2f} s", ""]]
        for name, walker in (("idle", None), ("while `find` walks the tree", place)):
            before, began, walks = _cpu(pid), time.monotonic(), 0
            while time.monotonic() - began < sizes.idle * 4:
                if walker is None:
                    time.sleep(0.5)
                else:
                    subprocess.run(["find", walker], stdout=subprocess.DEVNULL, check=True)
                    walks += 1
            share = (_cpu(pid) - before) / (time.monotonic() - began)
            rows.append([name, f"{share:.3%} CPU", f"{walks} walks" if walks else ""])
        rows.append(["resident memory", f"{_resident(pid):.1f} MB", ""])
    unchanged, full = (
        _pass(work / name, place, name, sizes.pass_s) for name in ("unchanged", "full")
    )
    rows.append(["an unchanged rescan", f"{unchanged:.3f} s CPU", "each 10 minutes"])
    rows.append(["a full rescan", f"{full:.3f} s CPU", "each hour instead"])
    share = (5 * unchanged + full) / 3600
    rows.append(["so all in all, at the default intervals", f"{share:.3%} CPU", ""])
    table(["the daemon on the tree", "", ""], rows)
    shutil.rmtree(work)


def _pass(work: Path, place: Path, kind: str, period: float) -> float:
    """CPU of one pass of a daemon that makes one every `period` seconds, s."""
    every = f", rescan_interval: {period:g}s"
    if kind == "full":
        every += f", full_rescan_interval: {period:g}s"
    with _daemon(work, place, every) as (_, pid):
        time.sleep(period * 1.5)
        before = _cpu(pid)
        time.sleep(period * PASSES)
        return (_cpu(pid) - before) / PASSES


@contextmanager
def _daemon(work: Path, place: Path, more: str = "") -> Iterator[tuple[float, int]]:
    """Run the daemon on a folder in which nothing settles; how long its first look took."""
    work.mkdir(parents=True, exist_ok=True)
    (work / "c.yaml").write_text(
        f"state_dir: {work}/state\napi: {{base_url: 'http://127.0.0.1:9/'}}\n"
        f"folders: [{{path: {place}, settle: 1d{more}}}]\n"
    )
    environ = {**os.environ, "INGESTD_API_KEY": "sk-mavi-0123456789abcdef"}
    began = time.monotonic()
    daemon = subprocess.Popen(
        [*COMMAND, "run", "-c", work / "c.yaml"], env=environ, stderr=(work / "log").open("w")
    )
    try:
        while not (_status(work).get("folders") or [{}])[0].get("last_scan_at"):
            if time.monotonic() - began > PATIENCE:
                raise TimeoutError
            time.sleep(0.1)
        yield time.monotonic() - began, daemon.pid
    finally:
        daemon.kill()
        daemon.wait()


def _status(work: Path) -> dict:
    done = subprocess.run(
        [*COMMAND, "status", "--json", "-c", work / "c.yaml"], capture_output=True, check=False
    )
    return json.loads(done.stdout) if done.returncode == 0 else {}


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


# --- the parts ------------------------------------------------------------------------------------


@contextmanager
def _place() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="ingestd-bench-", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        yield place
    finally:
        subprocess.run(["rm", "-rf", place], check=True)


def _fill(place: Path, directories: int, files: int, videos: int = VIDEOS_PER_DIRECTORY) -> None:
    for number in range(directories):
        directory = place / f"d{number}"
        directory.mkdir(exist_ok=True)
        fd = os.open(directory, os.O_RDONLY)
        for one in range(files):
            ending = "mp4" if one < videos else "xml"
            os.close(os.open(f"f{one:06}.{ending}", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
        os.close(fd)


def _timed(command: list[str]) -> Sample:
    began, before = time.monotonic(), os.times()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    took, after = time.monotonic() - began, os.times()
    cpu = after.children_user + after.children_system
    return Sample(took, cpu - before.children_user - before.children_system, 0.0)


def _child(part: str, place: Path) -> Sample:
    """Run one part in a process of its own; it prints seconds, CPU and one more number."""
    script = HERE / "way_watching.py"
    done = subprocess.run(
        [sys.executable, script, part, place], capture_output=True, check=True, text=True
    )
    seconds, cpu, extra = map(float, done.stdout.split())
    return Sample(seconds, cpu, extra)


def _inotifywait(place: Path) -> Sample:
    began = time.monotonic()
    watcher = subprocess.Popen(
        ["inotifywait", "-r", "-m", "-e", "close_write", place],
        stderr=subprocess.PIPE,
        text=True,
        stdout=subprocess.DEVNULL,
    )
    assert watcher.stderr is not None
    for line in watcher.stderr:
        if "established" in line:
            break
    took = time.monotonic() - began
    watcher.kill()
    watcher.wait()
    return Sample(took, 0.0)
