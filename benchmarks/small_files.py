"""Many files of 1 MiB: what each costs beside its bytes; and what uploads cost in memory."""

from __future__ import annotations

import subprocess
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness import (
    MB,
    Sample,
    Sizes,
    has,
    heading,
    interleaved,
    note,
    ratio,
    send_files,
    spread,
    table,
    timed,
)
from randomdata import random_file, random_files
from servers import Sink, make_trust

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MEBIBYTE = 1 << 20
KEEP_ALIVE = "one `curl -K`, kept alive"
LOOP = "`inotifywait \\| while read \\| curl`"
OURS = "ingestd, {} at a time"
HTTPX = "httpx `files=`, kept alive"

# $1 is the address, $2 how many to wait for.
_LOOP_SCRIPT = """
n=0
while [ "$n" -lt "$2" ] && read -r file; do
  curl -sS --fail -o /dev/null -H 'Authorization: benchmark' -F unique_id=default \
    -F "file=@$file;type=video/mp4" "$1"
  n=$((n + 1))
done
"""


def small(work: Path, sizes: Sizes) -> None:
    """Measure time and CPU of a file."""
    heading(f"{sizes.small} files of 1 MiB, plain HTTP")
    files = random_files(work / "files", sizes.small, MEBIBYTE)
    with Sink() as sink:
        contenders = _contenders(work, files, sink.url)
        samples = interleaved(contenders, sizes.small_rounds)
        uploads = (sizes.small_rounds + 1) * len(contenders) * len(files)
        sink.expect(uploads, uploads * MEBIBYTE)
    yardsticks = [name for name in (KEEP_ALIVE, LOOP) if name in samples]
    times = {name: [one.seconds for one in taken] for name, taken in samples.items()}
    table(
        ["", "files/s", "CPU ms a file", *(f"time vs {name}" for name in yardsticks)],
        [
            [
                name,
                spread([len(files) / seconds for seconds in times[name]], 0),
                spread([one.cpu / len(files) * 1000 for one in taken], 2),
                *(ratio(times[name], times[yardstick]) for yardstick in yardsticks),
            ]
            for name, taken in samples.items()
        ],
    )


def _contenders(work: Path, files: Sequence[Path], url: str) -> dict[str, Callable[[], Sample]]:
    found: dict[str, Callable[[], Sample]] = {}
    curl = has("curl")
    if curl:
        found[KEEP_ALIVE] = partial(_keep_alive, work / "curl.conf", files, url)
    for workers in (1, 2):
        found[OURS.format(workers)] = partial(send_files, "ingestd", url, files, workers=workers)
    found[HTTPX] = partial(send_files, "httpx", url, files)
    if curl and has("inotifywait"):
        found[LOOP] = partial(_loop, work / "watched", files, url)
    return found


def _keep_alive(config: Path, files: Sequence[Path], url: str) -> Sample:
    """One process, one connection, one file after the other."""
    part = (
        'url = "{}/upload"\nheader = "Authorization: benchmark"\nform = "unique_id=default"\n'
        'form = "file=@{};type=video/mp4"\noutput = "/dev/null"\nfail\n'
    )
    config.write_text("next\n".join(part.format(url, path) for path in files), encoding="utf-8")
    return timed(["curl", "-sS", "-K", str(config)])


def _loop(watched: Path, files: Sequence[Path], url: str) -> Sample:
    """The script that many people have: one curl for each file that is moved in."""
    watched.mkdir(exist_ok=True)
    words = ["inotifywait", "-m", "-q", "-e", "moved_to", "--format", "%w%f", str(watched)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as watcher:
        _wait_for_watch(watcher.pid)
        for path in files:
            path.rename(watched / path.name)
        script = ["sh", "-c", _LOOP_SCRIPT, "sh", f"{url}/upload", str(len(files))]
        sample = timed(script, stdin=watcher.stdout)
        watcher.terminate()
    for path in files:
        (watched / path.name).rename(path)
    return sample


def _wait_for_watch(pid: int) -> None:
    """Wait until a process watches something (proc(5), fdinfo of inotify)."""
    while True:
        for info in Path(f"/proc/{pid}/fdinfo").iterdir():
            if "inotify wd:" in info.read_text(encoding="ascii"):
                return
        time.sleep(0.01)


def memory(work: Path, sizes: Sizes) -> None:
    """Measure what uploads add to the process, by size, by number at a time and by line."""
    heading("Memory of uploads")
    several = random_files(work / "several", 4, sizes.big // 8)
    one = [random_file(work / "one.mp4", sizes.big)]
    jobs = {"1": (one, 1), "1 at a time": (several, 1), "2": (several, 2), "4": (several, 4)}
    rows = []
    for line, trust in {"plain": None, "TLS": make_trust(work)}.items():
        with Sink(trust) as sink:
            contenders = {
                label: partial(send_files, "ingestd", sink.url, files, ca=sink.ca, workers=workers)
                for label, (files, workers) in jobs.items()
            }
            samples = interleaved(contenders, min(sizes.rounds, 3))
        for label, (files, workers) in jobs.items():
            extra = [sample.extra for sample in samples[label]]
            each = spread([value / workers for value in extra], 1)
            size = f"{files[0].stat().st_size // MEBIBYTE} MiB"
            rows.append([line, size, str(len(files)), str(workers), spread(extra, 1), each])
    columns = ["line", "size", "files", "at a time", "memory added, MB", "for each upload"]
    table(columns, rows)
    note(f"MB is {MB:.0f} bytes; the peak of resident memory less what was there before.")
