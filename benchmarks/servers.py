"""The far sides that the benchmarks start: the fast sink, and the stand-in of the API."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import urllib.request
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple

import trustme
from harness import HERE, cpu_of

if TYPE_CHECKING:
    from pathlib import Path

PATH = "/serve/api/v1"


class Trust(NamedTuple):
    """PEM files: what a server shows (chain and key), and what a client believes."""

    server: str
    ca: str


class Server(AbstractContextManager):
    """A child process that prints where it listens and serves until it is ended."""

    def __init__(self, words: list[str], scheme: str = "http"):
        self._child = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True)
        self.said = self._child.stdout.readline().strip()
        if not self.said:
            sys.exit(f"{words[0]} did not start")
        self.url = f"{scheme}://127.0.0.1:{self.said}{PATH}"

    def __exit__(self, *_exception):
        self._child.terminate()
        self._child.wait()
        self._child.stdout.close()

    @property
    def cpu(self) -> float:
        """CPU seconds so far."""
        return cpu_of(self._child.pid)


class Sink(Server):
    """`sink.py`: nothing is faster to send to."""

    def __init__(self, trust: Trust | None = None, *, rate: float | None = None):
        words = [str(HERE / "sink.py")]
        words += ["--tls", trust.server] if trust else []
        words += ["--rate", str(rate)] if rate else []
        super().__init__(words, "https" if trust else "http")
        self.ca = trust.ca if trust else None

    def expect(self, uploads: int, size: int) -> None:
        """End the run unless so many uploads came, with at least so many bytes."""
        came = _json(f"{self.url.removesuffix(PATH)}/counts", self.ca)["data"]
        if came["uploads"] != uploads or came["body_bytes"] < size:
            sys.exit(f"{uploads} uploads of {size} bytes were sent, and this came: {came}")


class StandIn(Server):
    """`ingestd.sim`: keeps the API's contract, and hashes nothing here."""

    def __init__(self, trust: Trust | None = None):
        words = ["-m", "ingestd.sim", "hash_content=false", "parse_seconds=0"]
        super().__init__([*words, *([f"certfile={trust.server}"] if trust else [])])
        self.url = self.said
        self.ca = trust.ca if trust else None

    def report(self) -> dict:
        """What it accepted."""
        return _json(f"{self.url.removesuffix(PATH)}/_sim/report", self.ca)


def _json(url: str, ca: str | None) -> dict:
    context = ssl.create_default_context(cafile=ca) if ca else None
    with urllib.request.urlopen(url, context=context) as answer:
        return json.load(answer)


def make_trust(folder: Path) -> Trust:
    """Make a throw-away authority and a certificate for the loopback."""
    authority = trustme.CA()
    server = authority.issue_cert("127.0.0.1", "localhost")
    trust = Trust(str(folder / "server.pem"), str(folder / "ca.pem"))
    server.private_key_and_cert_chain_pem.write_to_path(trust.server)
    authority.cert_pem.write_to_path(trust.ca)
    return trust
