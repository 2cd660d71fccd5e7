"""Reading the configuration in a child, so that a daemon does not carry pydantic for months.

The validator and the YAML reader cost some 5 MB that only the first second needs
(docs/performance.md). Linux keeps no trace of them in the parent when a child has loaded them.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ingestd.config.load import load
from ingestd.errors import ConfigError, IngestdError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ingestd.config.settings import Settings


#: What the child of `load_anew` runs.
_CHILD = "from ingestd.config.apart import main; main()"
#: A child that takes longer hangs, seconds: the disk of the configuration may.
PATIENCE_S = 60.0


def load_apart(
    path: Path, environ: Mapping[str, str], meanwhile: Callable[[], object] = lambda: None
) -> Settings:
    """Do what `load` does, in a forked child; call it before there are threads.

    Args:
        path: the configuration file.
        environ: the environment.
        meanwhile: done here while the child reads, such as the imports of what comes next.

    Raises:
        ConfigError: the file cannot be used; holds everything that is wrong with it.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with open(writing, "wb") as pipe:  # noqa: PTH123 - a descriptor, not a path
                pipe.write(_answer(path, environ))
        finally:
            os._exit(0)
    os.close(writing)
    meanwhile()
    with open(reading, "rb") as pipe:  # noqa: PTH123 - a descriptor, not a path
        told = pipe.read()
    os.waitpid(child, 0)
    return _understood(told) or load(path, environ)


def load_anew(path: Path, environ: Mapping[str, str]) -> Settings:
    """Do the same where there are threads, which a fork would leave in the middle of something.

    The child is a fresh interpreter: it takes some 0.3 s and leaves nothing behind.

    Raises:
        ConfigError: as above.
        UsageError: it did not come to an end.
    """
    # -P: nothing that lies in the working directory is taken for a module
    command = [sys.executable, "-P", "-c", _CHILD, os.fspath(path)]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter
            command,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"{path} could not be read within {PATIENCE_S:g} s: does its disk answer?"
        ) from None
    except OSError:  # no more processes allowed: read it here
        return load(path, environ)
    return _understood(done.stdout) or load(path, environ)


def main() -> None:
    """Be the child: write what came of the file that is named to stdout."""
    sys.stdout.buffer.write(_answer(Path(sys.argv[1]), os.environ))


def _answer(path: Path, environ: Mapping[str, str]) -> bytes:
    """The settings, or what a ConfigError is made of; nothing where something else went wrong."""
    try:
        try:
            return pickle.dumps(load(path, environ))
        except ConfigError as error:
            return pickle.dumps((error.source, error.problems))
    except (IngestdError, OSError, pickle.PicklingError):
        return b""  # the parent reads the file itself


def _understood(told: bytes) -> Settings | None:
    """What the child told; None: it broke, and the same may happen where it can be seen."""
    if not told:
        return None
    answer = pickle.loads(told)  # noqa: S301 - our own child wrote it
    if isinstance(answer, tuple):
        raise ConfigError(*answer)
    settings: Settings = answer
    return settings
