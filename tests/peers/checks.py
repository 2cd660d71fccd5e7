"""In user-mode-linux: one ingestd over real NFS, SMB, vfat, dead servers, a failing disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from ingestd import clips

SITE = Path("/run/site")
ROOTS = {
    "nfs3": ("/mnt/nfs3", "/srv/nfs/three", "poll"),
    "nfs4": ("/mnt/nfs4", "/srv/nfs/four", "poll"),
    "soft": ("/mnt/soft", "/srv/nfs/soft", "poll"),
    "smb": ("/mnt/smb", "/srv/smb", "poll"),
    "vfat": ("/mnt/vfat", "/mnt/vfat", "events"),
    "flaky": ("/mnt/flaky", "/mnt/flaky", "events"),
    "local": ("/run/local", "/run/local", "events"),
}
FAILED: list[str] = []
CONFIG = SITE / "c.yaml"
COMMAND = [sys.executable, "-m", "ingestd"]


def check(name: str, good: object, detail: object = "") -> None:
    """Say how one thing went."""
    word, why = ("ok  ", "") if good else ("FAIL", detail)
    print(f"{word}  {time.monotonic() - BEGAN:6.1f} s  {name}  {why}", flush=True)
    if not good:
        FAILED.append(name)


def ask(*argv: object) -> object:
    """Run a command that prints JSON."""
    done = subprocess.run(
        [*COMMAND, *map(str, argv), "--json", "-c", CONFIG],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return json.loads(done.stdout) if done.stdout else {"error": done.stderr}


def took(*argv: object) -> float:
    """How long a command takes, seconds; a small machine starts Python slowly."""
    before = time.monotonic()
    subprocess.run([*COMMAND, *map(str, argv)], capture_output=True, timeout=60, check=False)
    return time.monotonic() - before


def until(true, limit: float) -> bool:
    """Wait for something to be so."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.5)
    return False


def folders() -> dict[str, dict]:
    told = ask("status")
    return {one["name"]: one for one in told.get("folders", [])}


def states() -> dict[str, str]:
    rows = ask("list")
    return {row["path"]: row["state"] for row in rows} if isinstance(rows, list) else {}


def put(directory: str, name: str) -> None:
    """Write a clip as another machine would: on the server's own side."""
    content = clips.unique("pattern-h264.mp4", f"{directory}{name}".encode())
    Path(directory, name).write_bytes(content)


def all_parsed(name: str, among) -> bool:
    known = states()
    return all(known.get(f"{ROOTS[one][0]}/{name}") == "parsed" for one in among)


def configure(url: str) -> None:
    lines = "".join(
        f"  - {{path: {path}, name: {name}, settle: 1s, poll_interval: 3s, rescan_interval: 5s}}\n"
        for name, (path, _, _) in ROOTS.items()
    )
    CONFIG.write_text(
        f"state_dir: {SITE}/state\napi: {{base_url: '{url}', reads_per_second: 0}}\n"
        f"folders:\n{lines}upload: {{per_minute: 0, retry_min: 1s}}\n"
        "indexing: {poll_min: 0.2s, poll_max: 1s}\nguard: {max_files: 0}\nstop_grace: 5s\n"
    )


def flaky(table: str) -> None:
    """Swap what lies below the disk, as a dying one does."""
    subprocess.run(["dmsetup", "suspend", "--noflush", "--nolockfs", "flaky"], check=True)
    subprocess.run(["dmsetup", "load", "flaky", "--table", table], check=True)
    subprocess.run(["dmsetup", "resume", "flaky"], check=True)
    Path("/proc/sys/vm/drop_caches").write_text("3")


def shares_deliver() -> None:
    told = folders()
    for name, (_, _, mode) in ROOTS.items():
        one = told.get(name, {})
        check(
            f"{name}: {mode} on {one.get('filesystem')}",
            (one.get("mode"), one.get("state")) == (mode, "ok"),
            one,
        )
    for _, behind, _ in ROOTS.values():
        put(behind, "a.mp4")
    check(
        "what other machines wrote is searchable",
        until(lambda: all_parsed("a.mp4", ROOTS), 60),
        states(),
    )


def a_failing_disk() -> None:
    put("/mnt/flaky", "b.mp4")
    os.sync()
    flaky(os.environ["FLAKY_BAD"])
    path = "/mnt/flaky/b.mp4"
    time.sleep(8)
    check(
        "a file that gives EIO is not rejected",
        states().get(path) in (None, "queued"),
        states().get(path),
    )
    flaky(os.environ["FLAKY_GOOD"])
    subprocess.run(["umount", "-l", "/mnt/flaky"], check=False)
    subprocess.run(["mount", "/dev/mapper/flaky", "/mnt/flaky"], check=False)
    check(
        "and is taken when the disk is well again",
        until(lambda: states().get(path) == "parsed", 60),
        ask("show", path),
    )


def dead_servers() -> None:
    subprocess.run(["rpc.nfsd", "0"], check=False)
    pids = subprocess.run(
        ["pidof", "smbd"], capture_output=True, text=True, check=False
    ).stdout.split()
    subprocess.run(["kill", "-9", *pids], check=False)
    check("the servers are dead", True)
    put("/run/local", "c.mp4")
    check("the local folder goes on", until(lambda: all_parsed("c.mp4", ["local"]), 20), states())
    dead = ("nfs3", "nfs4", "soft", "smb")

    def told() -> bool:
        known = folders()
        return all(known[one]["state"] not in ("ok", "foreign") for one in dead)

    check(
        "dead shares are told as such",
        until(told, 90),
        {n: f.get("state") for n, f in folders().items()},
    )
    check("nothing is called gone", "gone" not in states().values(), states())
    alone, status = took("--version"), took("status", "-c", CONFIG)
    check("status answers at once", status < 3 * alone + 2, f"{status:.1f} s, start {alone:.1f} s")
    done = subprocess.run(
        [*COMMAND, "plan", "-c", CONFIG], capture_output=True, text=True, timeout=90, check=False
    )
    check(
        "plan names them",
        done.stdout.count("not answer") + done.stdout.count("cannot be") >= 2,
        done.stdout[-800:],
    )


def main() -> int:
    SITE.mkdir(parents=True)
    Path("/run/local").mkdir()
    sim = subprocess.Popen(
        [*COMMAND, "sim", "--port", "0", "--parse-seconds", "0.2", "--per-minute", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    configure(sim.stdout.readline().strip())
    environ = {**os.environ, "INGESTD_API_KEY": "sk-mavi-0123456789abcdef"}
    with Path("/opt/daemon.log").open("w") as log:
        daemon = subprocess.Popen([*COMMAND, "run", "-c", CONFIG], env=environ, stderr=log)
    check("it starts", until(lambda: len(folders()) == len(ROOTS), 40), folders())
    check(
        "every folder was looked at",
        until(lambda: all(one["last_scan_at"] for one in folders().values()), 40),
        folders(),
    )
    shares_deliver()
    a_failing_disk()
    dead_servers()
    before = time.monotonic()
    daemon.send_signal(signal.SIGTERM)
    try:
        code: object = daemon.wait(40)
    except subprocess.TimeoutExpired:
        code = "still there"
        daemon.kill()
    check(f"it stops in order ({time.monotonic() - before:.1f} s)", code == 0, code)
    sim.kill()
    print(f"{len(FAILED)} failed")
    return bool(FAILED)


BEGAN = time.monotonic()
if __name__ == "__main__":
    sys.exit(main())
