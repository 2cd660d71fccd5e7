"""Interleaved rounds, paired ratios and tables.

Every table is measured in rounds, A B C, C B A, A B C, each sample in a fresh process; the first
round warms up and is thrown away. A ratio is taken within one round, from samples a second apart,
and then the median over the rounds: what else the machine does at the time falls on both sides.
Every second round goes backwards, so that nobody always comes after the same neighbour.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

HERE = Path(__file__).resolve().parent
MB = 1e6
GB = 1e9


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run cost; memory in MB, None where it was not looked at."""

    seconds: float
    cpu: float
    extra: float | None = None  # peak of resident memory above what was there before


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is sent; `make bench` sends the whole, `--quick` only tries that all works."""

    big: int = 1 << 30  # the one file, plain and TLS
    paced: int = 256 << 20
    small: int = 1000  # files of 1 MiB
    clips: int = 1000  # through the whole daemon
    largest: int = 2_900_000_000
    rounds: int = 10  # and one to warm up
    small_rounds: int = 4  # of what takes long
    starts: int = 10
    idle: float = 5.0  # seconds of looking at a daemon that does nothing
    tree_files: int = 1_000_000
    tree_directories: int = 1000
    watched_directories: int = 20_000
    burst: int = 100_000
    pass_s: float = 10.0  # seconds between two passes of a daemon whose passes are measured


QUICK = Sizes(
    big=32 << 20,
    paced=16 << 20,
    small=40,
    clips=40,
    largest=64 << 20,
    rounds=1,
    small_rounds=1,
    starts=1,
    idle=1.0,
    tree_files=10_000,
    tree_directories=100,
    watched_directories=200,
    burst=2000,
    pass_s=2.0,
)


def interleaved(
    contenders: Mapping[str, Callable[[], Sample]], rounds: int
) -> dict[str, list[Sample]]:
    """Take one sample of each in turn, to and fro; the first round is thrown away."""
    samples: dict[str, list[Sample]] = {name: [] for name in contenders}
    names = list(contenders)
    os.sync()  # what was written for the rounds must not be on its way to the disk during them
    for number in range(rounds + 1):
        for name in names:
            sample = contenders[name]()
            if number:
                samples[name].append(sample)
        names.reverse()
    return samples


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """The median of the ratios of each round, with the smallest and the largest."""
    return spread([a / b for a, b in zip(ours, theirs, strict=True)], 2)


def spread(values: Sequence[float], digits: int) -> str:
    """`median [min-max]`."""
    middle = statistics.median(values)
    return f"{middle:.{digits}f} [{min(values):.{digits}f}-{max(values):.{digits}f}]"


def heading(text: str) -> None:
    """Begin a part of the report."""
    print(f"\n### {text}\n", flush=True)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table."""
    print("| " + " | ".join(columns) + " |")
    print("|" + " --- |" * len(columns))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print(flush=True)


def note(text: str) -> None:
    """Print a sentence below a table."""
    print(f"{text}\n", flush=True)


def has(tool: str) -> bool:
    """Tell whether a program is installed; say so if it is not."""
    if shutil.which(tool):
        return True
    note(f"{tool} is not installed: its rows are left out.")
    return False


def send_files(
    way: str, url: str, paths: Sequence[Path], *, ca: str | None = None, workers: int = 1
) -> Sample:
    """Send files with `sender.py` in a fresh process."""
    wanted = paths[0].parent / "files-to-send"
    wanted.write_text("\n".join(map(str, paths)), encoding="utf-8")
    words = [sys.executable, str(HERE / "sender.py"), way, url, "--list", str(wanted)]
    words += ["--workers", str(workers), *(["--ca", ca] if ca else [])]
    output = subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout
    cost = json.loads(output)
    return Sample(cost["seconds"], cost["cpu"], cost["peak"] - cost["before"])


def timed(words: Sequence[str], *, says_seconds: bool = False, **options) -> Sample:
    """Run a program to its end; its CPU includes that of the children it waited for.

    Args:
        words: The command.
        says_seconds: It prints how long it took; otherwise it is timed as a whole.
        options: As `subprocess.Popen` takes them.
    """
    began = time.perf_counter()
    with subprocess.Popen(words, stdout=subprocess.PIPE, **options) as child:
        said = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{words[0]} ended with {child.returncode}")
    return Sample(float(said) if says_seconds else seconds, usage.ru_utime + usage.ru_stime)


def resident(pid: int, field: str = "VmRSS") -> float:
    """Read `VmRSS` or `VmHWM` of a process, MB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024 / MB
    return 0.0


def forget_peak(pid: int) -> None:
    """Let `VmHWM` begin again (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def cpu_of(pid: int) -> float:
    """CPU seconds of a running process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
