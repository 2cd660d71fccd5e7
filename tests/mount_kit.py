"""Python in a mount namespace of its own: real file systems, which nobody else sees."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import textwrap
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SKIP = 77  # how such a program says that this machine lacks something; the reason is on stderr


def in_mount_namespace(code: str, *arguments: object) -> None:
    """Run Python where mounts are its own; skip where that is not possible."""
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs root and unshare(1) for a mount namespace of its own")
    command = ["unshare", "--mount", "--propagation", "private", sys.executable, "-c"]
    done = subprocess.run(
        [*command, textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    if done.returncode == SKIP:
        pytest.skip(done.stderr.decode().strip())
    assert done.returncode == 0, done.stderr.decode()


@contextmanager
def dead_share(place: Path) -> Iterator[Path]:
    """A file system whose server never says a word: whoever looks into it waits for ever."""
    libc = ctypes.CDLL(None, use_errno=True)
    place.mkdir()
    try:
        server = os.open("/dev/fuse", os.O_RDWR)
    except OSError as error:
        pytest.skip(f"no FUSE here: {error}")
    options = f"fd={server},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
    try:
        if libc.mount(b"dead", os.fsencode(place), b"fuse", 0, options):
            pytest.skip(f"no mounts here: {os.strerror(ctypes.get_errno())}")
        yield place
    finally:
        os.close(server)
        libc.umount2(os.fsencode(place), 2)


# --- for the program inside ---------------------------------------------------------------------


def sh(*command: object) -> None:
    """Run a command that must succeed."""
    done = subprocess.run([str(one) for one in command], capture_output=True, check=False)
    assert done.returncode == 0, (command, done.stderr.decode())


def needs(*command: object) -> None:
    """Run a command; end as a skipped test where this machine cannot do it."""
    try:
        done = subprocess.run([str(one) for one in command], capture_output=True, check=False)
    except FileNotFoundError:
        lacks(f"needs {command[0]}")
    if done.returncode:
        lacks(f"{' '.join(map(str, command))}: {done.stderr.decode().strip()}")


def lacks(why: str) -> None:
    """End as a skipped test."""
    print(why, file=sys.stderr)
    sys.exit(SKIP)
