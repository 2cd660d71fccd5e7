"""One part of `big_trees` in a process of its own: prints seconds, CPU and one more number."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import threading
import time
from collections import defaultdict
from ctypes import CDLL
from pathlib import Path

from ingestd.validate import REFUSED_EXTENSIONS
from ingestd.watch.hints import Hints
from ingestd.watch.names import NameRules
from ingestd.watch.scan import Scanner

TIMES = 2000
IN_CLOSE_WRITE = 8


def resident() -> float:
    """Resident memory, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def scanner(place: str) -> Scanner:
    rules = NameRules(
        extensions=frozenset({".mp4", ".mov", ".mkv", ".avi"}),
        refused_extensions=REFUSED_EXTENSIONS,
    )
    return Scanner(place, rules, trust_mtimes=True, wall=lambda: time.time() + 60)


def one_pass(look: Scanner) -> tuple[float, float]:
    began, cpu = time.monotonic(), time.process_time()
    for _ in look.scan(stop=threading.Event()):
        pass
    return time.monotonic() - began, time.process_time() - cpu


def first(place: str) -> tuple[float, float, float]:
    look, before = scanner(place), resident()
    return *one_pass(look), resident() - before


def rescan(place: str) -> tuple[float, float, float]:
    look, before = scanner(place), resident()
    one_pass(look)
    return *one_pass(look), resident() - before


def watch(place: str) -> tuple[float, float, float]:
    hints = Hints(lambda _root, _path: None, lambda _root: None)
    before, began = resident(), time.monotonic()
    assert hints.watch(place, recursive=True).watching
    return time.monotonic() - began, time.process_time(), resident() - before


WRITER = """
import os, sys, time
place, times = sys.argv[1], int(sys.argv[2])
for number in range(times):
    path = f"{place}/{number}.mp4"
    fd = os.open(path, os.O_CREAT | os.O_WRONLY)
    os.write(fd, b"x")
    time.sleep(0.001)
    at = time.monotonic()
    os.close(fd)
    print(path, at, flush=True)
    time.sleep(0.001)
"""


def between(place: str, heard: dict[str, list[float]]) -> tuple[float, float, float]:
    """Let another process write files; how long after each close it was heard of."""
    command = [sys.executable, "-c", WRITER, place, str(TIMES)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    time.sleep(0.5)
    waits = []
    for line in done.stdout.splitlines():
        path, at = line.split()
        waits.append(min((one for one in heard[path] if one >= float(at)), default=1.0) - float(at))
    waits.sort()
    return waits[len(waits) // 2], time.process_time(), waits[len(waits) * 99 // 100]


def latency(place: str) -> tuple[float, float, float]:
    heard: dict[str, list[float]] = defaultdict(list)
    hints = Hints(lambda _, path: heard[path].append(time.monotonic()), lambda _: None)
    hints.watch(place, recursive=True)
    return between(place, heard)


def raw_latency(place: str) -> tuple[float, float, float]:
    libc = CDLL(None)
    queue_fd = libc.inotify_init()
    libc.inotify_add_watch(queue_fd, os.fsencode(place), IN_CLOSE_WRITE)
    heard: dict[str, list[float]] = defaultdict(list)

    def read() -> None:
        while True:
            data = os.read(queue_fd, 65536)
            at, offset = time.monotonic(), 0
            while offset < len(data):
                _, _, _, length = struct.unpack_from("iIII", data, offset)
                name = data[offset + 16 : offset + 16 + length].rstrip(b"\0")
                heard[f"{place}/{os.fsdecode(name)}"].append(at)
                offset += 16 + length

    threading.Thread(target=read, daemon=True).start()
    return between(place, heard)


PARTS = {
    "first": first,
    "rescan": rescan,
    "watch": watch,
    "latency": latency,
    "raw latency": raw_latency,
}

if __name__ == "__main__":
    print(*PARTS[sys.argv[1]](sys.argv[2]), flush=True)
    os._exit(0)
