"""One sample in a fresh process: sends files one way and prints what it cost as JSON.

    python sender.py WAY URL --list LIST [--ca PEM] [--workers N]

The clock runs from the first file to the last answer. Start-up and the making of the client are
outside of it: a daemon pays for them once. Inside are, for each file, its look (open, fstat and the
sampled fingerprint) and the connection. CPU is that of the process in the same time; the peak of
memory is counted from what is resident before the first file.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "benchmark"


def resident(field: str) -> float:
    """Read `VmRSS` or `VmHWM` of this process, MB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def send_all(send: Callable[[str], None], paths: list[str], workers: int) -> None:
    """Send all files with so many threads; the first failure ends the process."""
    left = iter(paths)
    lock = threading.Lock()
    failures: list[BaseException] = []

    def work() -> None:
        while not failures:
            with lock:
                path = next(left, None)
            if path is None:
                return
            try:
                send(path)
            except BaseException as error:  # noqa: BLE001 - shown and raised below
                failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def cpu_seconds() -> float:
    """CPU time of this process, user and system."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Send and say what it cost."""
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=["ingestd", "nohash", "httpx"], help="way_WAY.py")
    parser.add_argument("url")
    parser.add_argument("--ca")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--list", type=Path, required=True, help="a file with one path a line")
    options = parser.parse_args()
    paths = options.list.read_text(encoding="utf-8").splitlines()
    way = importlib.import_module(f"way_{options.way}")  # one only: they share the memory
    send = way.sending(options.url, KEY, options.ca)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak so far
    before, cpu, began = resident("VmRSS"), cpu_seconds(), time.perf_counter()
    send_all(send, paths, options.workers)
    seconds, cpu = time.perf_counter() - began, cpu_seconds() - cpu
    peak = resident("VmHWM")
    print(json.dumps({"seconds": seconds, "cpu": cpu, "before": before, "peak": peak}))


if __name__ == "__main__":
    main()
