"""What the tests of watching share: who hears hints, who reads scans, and folders for both."""

from __future__ import annotations

import os
import queue
import shutil
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingestd.watch.hints import Hints, HintStatus
from ingestd.watch.names import NameRules
from ingestd.watch.scan import Scanner

PATIENCE = 10.0  # seconds; what is waited for comes within milliseconds
NAMES = NameRules(
    extensions=frozenset({".mp4", ".mov"}),
    refused_extensions=frozenset({".mxf"}),
    exclude=("old/",),
)
LATER = 1000.0  # seconds after the files were made: their directories do not count as fresh


@contextmanager
def somebody_else():
    """Act as a user that may not read everything, if this is root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


# --- for hints ------------------------------------------------------------------------------------


class Heard:
    """What the callbacks were told."""

    def __init__(self):
        self.hints = queue.Queue()
        self.overflows = queue.Queue()
        self.troubles = queue.Queue()

    def hint(self, root, path):
        self.hints.put((root, path))

    def trouble(self, root, state):
        self.troubles.put((root, state))

    def until(self, *paths):
        """The paths hinted at until each of these was."""
        missing, heard = set(map(str, paths)), []
        deadline = time.monotonic() + PATIENCE
        while missing:
            _, path = self.hints.get(timeout=max(0.01, deadline - time.monotonic()))
            heard.append(path)
            missing.discard(path)
        return heard


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def hints(heard):
    watching = Hints(heard.hint, heard.overflows.put, heard.trouble)
    yield watching
    watching.close()


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


@pytest.fixture
def watched(hints, root):
    state = hints.watch(str(root), recursive=True)
    assert (state.status, state.detail) == (HintStatus.WATCHING, "")
    return root


def sentinel(folder):
    """Make a file whose hint tells that all earlier ones were heard."""
    path = folder / f"sentinel-{time.monotonic_ns()}.mp4"
    path.touch()
    return path


# --- for scans ------------------------------------------------------------------------------------


def in_a_while():
    return time.time() + LATER


def scanner(root, **kwargs):
    kwargs.setdefault("trust_mtimes", True)
    kwargs.setdefault("wall", in_a_while)
    return Scanner(os.fspath(root), kwargs.pop("names", NAMES), **kwargs)


class Seen:
    """What one pass over a folder saw, in an easier shape."""

    def __init__(self, scan, *, full=False, stop=None, below=None):
        found = scan.scan(full=full, stop=stop or threading.Event(), below=below)
        self.listings = list(found)
        self.report = found.report
        entries = [entry for listing in self.listings for entry in listing.entries]
        self.by_name = {entry.path[len(scan.root) + 1 :]: entry for entry in entries}
        assert len(self.by_name) == len(entries), "a file was listed twice"

    @property
    def names(self):
        return sorted(self.by_name)

    @property
    def directories(self):
        return sorted({listing.directory for listing in self.listings})


def make(root, *paths, data=b"x"):
    for path in paths:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def touch_later(path, seconds=5):
    """Give a directory another mtime, as a change some seconds later does."""
    now = path.stat().st_mtime
    os.utime(path, (now + seconds, now + seconds))


def open_descriptors():
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counted, not walked


@pytest.fixture
def open_folder():
    """A folder that every user may search, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="ingestd-scan-"))
    folder.chmod(0o755)
    yield folder
    for path, _, _ in os.walk(folder):
        Path(path).chmod(0o755)
    shutil.rmtree(folder)


@pytest.fixture
def quick_folder():
    """A folder in memory, where there is one: many files are made at once there."""
    memory = Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="ingestd-scan-", dir=memory if memory.is_dir() else None)
    yield Path(folder)
    shutil.rmtree(folder)
