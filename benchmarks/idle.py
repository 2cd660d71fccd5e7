"""A service that waits: how soon it is ready, what it holds, how often it wakes; beside others."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness import Sample, Sizes, has, heading, interleaved, note, ratio, resident, spread, table
from servers import StandIn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PACKAGES = (
    "click, structlog, tenacity, httpx, httpcore, watchdog.observers, blake3, xxhash, pathspec"
)
BARE = "import of the packages"
WHOLE = "the same with pydantic and PyYAML"
OURS = "`ingestd run` until systemd hears that it is ready"
SETTLED_S = 8.0  # until a process that was started has nothing left to do
_CONFIG = """\
state_dir: {work}/state
api: {{base_url: {url}}}
folders: [{work}/drop]
"""


def idle(work: Path, sizes: Sizes) -> None:
    """Measure start to ready, then what each holds and how often it wakes while nothing happens."""
    (work / "drop").mkdir()
    with StandIn() as far:
        config = work / "config.yaml"
        config.write_text(_CONFIG.format(work=work, url=far.url), encoding="utf-8")
        # compiled once, in the round that is thrown away, as an installation has it
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(work / "compiled")
        _starts(work, config, sizes)
        _waiting(work, config, sizes)


# --- start to ready -------------------------------------------------------------------------------


def _starts(work: Path, config: Path, sizes: Sizes) -> None:
    heading("Start to ready")
    contenders = {
        BARE: partial(_import, PACKAGES),
        WHOLE: partial(_import, f"{PACKAGES}, pydantic, yaml"),
        OURS: partial(_ready, work, config),
    }
    samples = interleaved(contenders, sizes.starts)
    bare = [one.seconds for one in samples[BARE]]
    rows = []
    for name, taken in samples.items():
        seconds = [one.seconds for one in taken]
        cpu = [one.cpu for one in taken]
        own = [one.cpu for one in samples[BARE]]
        ms = spread([one * 1000 for one in seconds], 0)
        rows.append([name, ms, ratio(seconds, bare), ratio(cpu, own)])
    table(["", "ms", f"time vs {BARE}", "CPU vs it"], rows)


def _import(packages: str) -> Sample:
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", f"import {packages}"]) as child:
        return _ended(child, began)


def _ready(work: Path, config: Path) -> Sample:
    """From the start of the process until READY=1; its CPU, with that of its child, until then."""
    with _ear(work) as (ear, address):
        began = time.perf_counter()
        child = _ingestd(config, work, NOTIFY_SOCKET=address)
        while "READY=1" not in ear.recv(4096).decode():
            pass
        seconds = time.perf_counter() - began
        child.send_signal(signal.SIGTERM)
        cost = _ended(child, began)
        return Sample(seconds, cost.cpu)


def _ended(child: subprocess.Popen, began: float) -> Sample:
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return Sample(time.perf_counter() - began, usage.ru_utime + usage.ru_stime)


@contextmanager
def _ear(work: Path) -> Iterator[tuple[socket.socket, str]]:
    address = str(work / "notify")
    Path(address).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(address)
        yield ear, address


def _ingestd(config: Path, work: Path, **environ: str) -> subprocess.Popen:
    environment = {
        **os.environ,
        "INGESTD_API_KEY": "benchmark",
        "MALLOC_ARENA_MAX": "1",
        **environ,
    }
    words = [sys.executable, "-m", "ingestd", "run", "-c", str(config)]
    with (work / "log").open("ab") as log:
        return subprocess.Popen(words, stderr=log, env=environment)


# --- waiting --------------------------------------------------------------------------------------


def _waiting(work: Path, config: Path, sizes: Sizes) -> None:
    heading("Waiting for something to do")
    seconds = sizes.idle * 6
    rclone = ["rclone", "rcd", "--rc-no-auth", "--rc-addr", "127.0.0.1:0", "--config", "/dev/null"]
    home = work / "syncthing"
    syncthing = [
        "syncthing",
        "serve",
        "--no-browser",
        f"--home={home}",
        "--gui-address=127.0.0.1:0",
    ]
    rows = []
    with _ear(work) as (_ear_of_ours, address):
        watchdog = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "120000000"}
        child = _ingestd(config, work, **watchdog)
        time.sleep(SETTLED_S)
        rows.append(_row("ingestd, with systemd's watchdog, one folder", child, seconds))
    if has("rclone"):
        rows.append(_row("`rclone rcd`", _other(rclone), seconds))
    if has("syncthing"):
        rows.append(_row("`syncthing serve`, no peer", _other(syncthing), seconds))
    table(["", "resident, MB", "private, MB", "wake-ups a second"], rows)
    note(f"Wake-ups: voluntary context switches of all threads in {seconds:.0f} s.")


def _other(words: Sequence[str]) -> subprocess.Popen:
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(SETTLED_S)
    return child


def _row(name: str, child: subprocess.Popen, seconds: float) -> list[str]:
    pids = [child.pid, *_children(child.pid)]
    before = sum(map(_switches, pids))
    time.sleep(seconds)
    woken = (sum(map(_switches, pids)) - before) / seconds
    held, private = sum(map(resident, pids)), sum(map(_private, pids))
    child.send_signal(signal.SIGTERM)
    child.wait()
    return [name, f"{held:.1f}", f"{private:.1f}", f"{woken:.2f}"]


def _children(pid: int) -> list[int]:
    """Syncthing watches over itself from a parent."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    told = "".join((task / "children").read_text(encoding="ascii") for task in tasks)
    return [int(one) for one in told.split()]


def _private(pid: int) -> float:
    return resident(pid, "RssAnon")


def _switches(pid: int) -> int:
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text(encoding="ascii").splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                total += int(line.split()[1])
    return total
