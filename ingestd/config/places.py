"""Where the configuration file is found, and where the journal lies by default (interface 4)."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING

from ingestd.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SYSTEM_DIR = Path("/etc/ingestd")
_SYSTEM_STATE_DIR = Path("/var/lib/ingestd")


def home(environ: Mapping[str, str]) -> str:
    """Return the home directory, or "" where there is none; a service's `/` is none."""
    found = environ.get("HOME")
    if not found:
        try:
            found = pwd.getpwuid(os.getuid()).pw_dir
        except KeyError:  # a container's user need not be in the password file
            return ""
    return found.rstrip("/") if found.startswith("/") else ""


def find(explicit: str | None, environ: Mapping[str, str]) -> Path:
    """Return the full path of the configuration file that applies.

    A file that was named, by `-c` or by the environment, is returned whether it is there or not,
    so that the reading of it can say what is wrong.

    Raises:
        UsageError: none was named and none lies in the usual places.
    """
    named = explicit or environ.get("INGESTD_CONFIG")
    if named:
        return Path(os.path.abspath(named))  # noqa: PTH100 - resolve() would follow symlinks
    usual = _usual_places(environ)
    for place in usual:
        if os.path.lexists(place):
            return place
    raise UsageError(
        f"There is no configuration file: looked for {' and '.join(map(str, usual))}. "
        "Write one (config.example.yaml shows every key; `folders: [/path/to/videos]` is enough) "
        "or name one with -c FILE or INGESTD_CONFIG."
    )


def default_state_dir(config: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Return the state directory that follows from the configuration file's place.

    None where it would lie in the home directory and none is known.
    """
    if config is not None and config.parent == _SYSTEM_DIR:
        return _SYSTEM_STATE_DIR if config.stem == "config" else _SYSTEM_STATE_DIR / config.stem
    base = home(environ)
    return Path(base, ".local/state/ingestd") if base else None


def state_dir_conflict(state_dir: Path, environ: Mapping[str, str]) -> str:
    """Say how the service manager's state directory contradicts ours, or "" if it does not.

    Two journals for one account mean that clips are paid for twice. systemd names several
    directories with colons between them, and its DynamicUser puts a symlink in front.
    """
    given = [part for part in environ.get("STATE_DIRECTORY", "").split(":") if part]
    if not given or any(_same_place(Path(part), state_dir) for part in given):
        return ""
    return (
        f"is {state_dir}, but the service manager made {':'.join(given)} ($STATE_DIRECTORY): "
        f"set state_dir to {given[0]}, or change StateDirectory= of the service"
    )


def _same_place(one: Path, other: Path) -> bool:
    return one == other or os.path.realpath(one) == os.path.realpath(other)


def _usual_places(environ: Mapping[str, str]) -> tuple[Path, ...]:
    base = home(environ)
    own = (Path(base, ".config/ingestd/config.yaml"),) if base else ()
    return (*own, _SYSTEM_DIR / "config.yaml")
