"""Reading the configuration in a child, so that a daemon does not carry pydantic for months.

The validator and the YAML reader cost some 5 MB that only the first second needs
(docs/performance.md). Linux keeps no trace of them in the parent when a child has loaded them.
"""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING

from ingestd.config.load import load
from ingestd.errors import ConfigError, IngestdError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ingestd.config.settings import Settings


def load_apart(path: Path, environ: Mapping[str, str]) -> Settings:
    """Do what `load` does, in a child process; call it before there are threads.

    Raises:
        ConfigError: the file cannot be used; holds everything that is wrong with it.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _answer(writing, path, environ)
    os.close(writing)
    with open(reading, "rb") as pipe:  # noqa: PTH123 - a descriptor, not a path
        told = pipe.read()
    os.waitpid(child, 0)
    if not told:
        return load(path, environ)  # the child broke: let the same happen where it can be seen
    answer = pickle.loads(told)  # noqa: S301 - our own child wrote it
    if isinstance(answer, tuple):
        raise ConfigError(*answer)
    settings: Settings = answer
    return settings


def _answer(writing: int, path: Path, environ: Mapping[str, str]) -> None:
    """Write the settings, or what a ConfigError is made of; never returns."""
    try:
        try:
            told = pickle.dumps(load(path, environ))
        except ConfigError as error:
            told = pickle.dumps((error.source, error.problems))
        with open(writing, "wb") as pipe:
            pipe.write(told)
    except (IngestdError, OSError, pickle.PicklingError):
        pass  # nothing was told: the parent reads the file itself
    finally:
        os._exit(0)
