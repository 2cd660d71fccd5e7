"""A daemon as a service manager runs it: a real process, told by signals, heard by a socket."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Self

from ingestd import clips

if TYPE_CHECKING:
    from pathlib import Path

    from ingestd.sim import Sim

KEY = "sk-mavi-0123456789abcdef"
COMMAND = (sys.executable, "-m", "ingestd")
PATIENCE = 40.0


class Service:
    """See the module; a context that ends the process."""

    def __init__(self, place: Path, sim: Sim) -> None:
        self.place, self.sim = place, sim
        self.drop, self.config = place / "drop", place / "c.yaml"
        self.drop.mkdir(exist_ok=True)
        self.key_file = place / "key"
        self.key_file.write_text(KEY)
        self.key_file.chmod(0o600)
        self.process: subprocess.Popen[str] | None = None
        self._ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ear.bind(str(place / "notify"))
        self._heard: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.told: list[str] = []  # what the service manager heard so far
        self.log: list[str] = []  # lines of the log so far

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self._ear.close()

    def configure(self, folders: str = "", *, upload: str = "", more: str = "") -> None:
        """Write the configuration; in a hurry, without a pace of uploads or questions."""
        folders = folders or f"[{{path: {self.drop}, settle: 0.1s, poll_interval: 0.5s}}]"
        limits = f"per_minute: 0, retry_min: 0.1s{', ' if upload else ''}{upload}"
        self.config.write_text(
            f"state_dir: {self.place}/state\n"
            f'api: {{base_url: "{self.sim.url}", reads_per_second: 0, key_file: {self.key_file}}}\n'
            f"folders: {folders}\n"
            f"upload: {{{limits}}}\n"
            "indexing: {poll_min: 0.1s, poll_max: 0.3s, confirm_for: 1h}\n"
            f"{more}\n"
        )

    def put(self, name: str, size: int = 0) -> Path:
        """Put a clip into the folder, with so many bytes more that every player skips."""
        path = self.drop / name
        content = clips.unique("pattern-h264.mp4", name.encode())
        if size:
            content += struct.pack(">I4s", 8 + size, b"free") + os.urandom(size)
        path.write_bytes(content)
        return path

    def environ(self, **more: str) -> dict[str, str]:
        ours = ("INGESTD", "STATE_DIRECTORY", "CREDENTIALS", "NOTIFY", "WATCHDOG")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return {**clean, **more}

    def start(self, **environ: str) -> None:
        """Start it and wait until it says that it is ready."""
        told = {"NOTIFY_SOCKET": str(self.place / "notify"), **environ}
        self.process = subprocess.Popen(
            [*COMMAND, "run", "-c", str(self.config)],
            env=self.environ(**told),
            stderr=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._read_log, args=(self.process,), daemon=True).start()
        threading.Thread(target=self._listen, daemon=True).start()
        self.hear("READY=1")

    def _read_log(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process.stderr as lines:
            self.log.extend(iter(lines.readline, ""))

    def _listen(self) -> None:
        while True:
            try:
                self._heard.put(self._ear.recv(8192).decode())
            except OSError:
                return

    def hear(self, text: str) -> str:
        """Wait until the service manager is told this; what it was told then."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                told = self._heard.get(timeout=0.2)
            except queue.Empty:
                assert self.process is not None
                assert self.process.poll() is None, "".join(self.log)
                continue
            self.told.append(told)
            if text in told:
                return told
        raise AssertionError(f"{text} was not heard; it was told {self.told}, {self.log}")

    def until(self, true, what: str = "it") -> None:
        """Wait until something is so."""
        end = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < end, f"{what} never came: {''.join(self.log)}"
            time.sleep(0.05)

    def logged(self, event: str, count: int = 1) -> str:
        """Wait for the so-manieth line of an event; that line."""

        def lines() -> list[str]:
            return [line for line in list(self.log) if event in line]

        self.until(lambda: len(lines()) >= count, event)
        return lines()[count - 1]

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self, within: float, *, times: int = 1) -> str:
        """Ask it to end; it must, within so many seconds, with 0; what it told of that."""
        assert self.process is not None
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        for _ in range(times - 1):
            self.hear("STOPPING=1")
            self.signal(signal.SIGTERM)
        assert self.process.wait(timeout=PATIENCE) == 0, "".join(self.log)
        took = time.monotonic() - began
        assert took < within, f"it took {took:.1f} s"
        told = [self._heard.get(timeout=1.0) for _ in range(self._heard.qsize())]
        self.told += told
        return "\n".join(told)

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command."""
        return subprocess.run(
            [*COMMAND, *words, "-c", str(self.config)],
            env=self.environ(),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def status(self) -> dict:
        return json.loads(self.ask("status", "--json").stdout)

    def rows(self) -> list[dict]:
        return json.loads(self.ask("list", "--json").stdout)

    def states(self) -> list[str]:
        return [row["state"] for row in self.rows()]
