"""The systemd unit that runs this configuration: its user, and what its sandbox hides.

What the properties mean: systemd.exec(5).
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_ASKING_S: Final = 3.0
_HOMES: Final = ("/home", "/root", "/run/user")
_TEMPORARY: Final = ("/tmp", "/var/tmp")  # noqa: S108 - what PrivateTmp hides
_CREDENTIAL: Final = "LoadCredential"
_YES: Final = ("yes", "true", "1")
_PROPERTIES: Final = (
    *("LoadState", "ActiveState", "SubState", "UnitFileState", "MainPID", "ExecStart"),
    *("User", "Group", "SupplementaryGroups", _CREDENTIAL),
    *("ProtectHome", "ProtectSystem", "PrivateTmp"),
    *("ReadWritePaths", "InaccessiblePaths", "TemporaryFileSystem", "StateDirectory"),
    *("BindPaths", "BindReadOnlyPaths"),
)


@dataclass(frozen=True, slots=True)
class Hidden:
    """Why the service cannot get at a path, and the settings that change it."""

    why: str  # after the path and a colon
    lines: tuple[str, ...] = ()  # of a drop-in, below [Service]; none: no line of the unit helps


@dataclass(frozen=True, slots=True)
class Unit:
    """A loaded unit."""

    name: str  # without .service
    properties: Mapping[str, str]

    def get(self, key: str) -> str:
        """A property as `systemctl show` says it; "" where it is not set."""
        return self.properties.get(key, "")

    @property
    def user(self) -> str:
        """The user it runs as."""
        return self.get("User") or "root"

    @property
    def pid(self) -> int | None:
        """Its main process, if it runs."""
        told = self.get("MainPID")
        return int(told) if told.isdecimal() and int(told) else None

    @property
    def program(self) -> str:
        """The program that it starts."""
        found = re.search(r"path=(.*?) ;", self.get("ExecStart"))
        return found[1] if found else ""

    @property
    def restart(self) -> str:
        """The command that restarts it."""
        return f"sudo systemctl restart {self.name}"

    def credential(self, name: str) -> str:
        """The file that a credential is loaded from, or ""."""
        for one in self.get(_CREDENTIAL).split():
            key, _, place = one.partition(":")
            if key == name and place.startswith("/"):
                return place
        return ""

    def bound(self, path: str, *, change: bool = False) -> str:
        """The place that is bound into the sandbox and holds a path, or ""."""
        names = ("BindPaths",) if change else ("BindPaths", "BindReadOnlyPaths")
        return next((one for name in names for one in self._paths(name) if _in(path, one)), "")

    def hides(self, path: str, *, change: bool) -> Hidden | None:
        """Say why the sandbox keeps a path from the service; None: it does not.

        Args:
            path: absolute, without links.
            change: files there are moved or deleted, too.
        """
        bind = f"Bind{'' if change else 'ReadOnly'}Paths={path}"
        home = self.get("ProtectHome")
        bound = self.bound(path)
        hides_homes = home in _YES or (home == "tmpfs" and not bound)
        if hides_homes and any(_in(path, one) for one in _HOMES):
            return Hidden(f"hidden by ProtectHome={home}", ("ProtectHome=tmpfs", bind))
        own_tmp = self.get("PrivateTmp") in (*_YES, "disconnected") and not bound
        if own_tmp and any(_in(path, one) for one in _TEMPORARY):
            return Hidden("hidden by PrivateTmp=yes", (bind,))
        for name in ("InaccessiblePaths", "TemporaryFileSystem"):
            place = next((one for one in self._paths(name) if _in(path, one)), None)
            if place and not bound:
                return Hidden(f"hidden by {name}={place}", (bind,))
        return self._read_only(path) if change else None

    def _read_only(self, path: str) -> Hidden | None:
        own = [f"/var/lib/{one}" for one in self.get("StateDirectory").split()]
        allowed = (*self._paths("ReadWritePaths"), *own)
        if self.bound(path, change=True) or any(_in(path, one) for one in allowed):
            return None
        if self.bound(path):
            return Hidden("read-only by BindReadOnlyPaths", (f"BindPaths={path}",))
        if self.get("ProtectSystem") == "strict":
            allow = f"ReadWritePaths={path}"
            return Hidden("read-only by ProtectSystem=strict", (allow,))
        return None

    def _paths(self, name: str) -> list[str]:
        """A property's paths: without the marks `-` and `+`, of `from:to` the second."""
        found = []
        for one in _words(self.get(name)):
            parts = one.lstrip("-+").split(":")
            bound = name.startswith("Bind") and len(parts) > 1 and parts[1]
            found.append(parts[1] if bound else parts[0])
        return found

    def drop_in(self, name: str, lines: tuple[str, ...]) -> str:
        """The command that adds lines to the unit and restarts it."""
        place = f"/etc/systemd/system/{self.name}.service.d"
        text = "".join(rf"{line}\n" for line in ("[Service]", *lines)).replace("'", r"'\''")
        file = re.sub(r"[^\w.-]", "_", name)
        return (
            f"sudo install -d {place} && printf '{text}' | sudo tee {place}/folder-{file}.conf && "
            f"sudo systemctl daemon-reload && {self.restart}"
        )


def _in(path: str, place: str) -> bool:
    return path == place or path.startswith(place.rstrip("/") + "/")


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def find_unit(config: Path) -> Unit | None:
    """Ask systemd for the unit that runs a configuration; None: there is none, or no systemd."""
    for name in ("ingestd", f"ingestd@{config.stem}"):
        unit = _show(name)
        if unit is None or unit.get("LoadState") != "loaded":
            continue
        if str(config) in unit.get("ExecStart") or _is_default(name, config):
            return unit
    return None


def _is_default(name: str, config: Path) -> bool:
    """Tell whether a unit whose command names no file runs this one (interface 4)."""
    return config == type(config)("/etc/ingestd/config.yaml") and name == "ingestd"


def _show(name: str) -> Unit | None:
    lines = _systemctl("show", f"{name}.service", f"--property={','.join(_PROPERTIES)}")
    if lines is None:
        return None
    properties = dict(line.split("=", 1) for line in lines if "=" in line)
    if properties.get("LoadState") == "loaded" and ":" not in properties.get(_CREDENTIAL, ""):
        # systemd 252 calls it unprintable; the unit's text has it
        written = _systemctl("cat", f"{name}.service") or []
        given = [line.partition("=")[2] for line in written if line.startswith(f"{_CREDENTIAL}=")]
        properties[_CREDENTIAL] = " ".join(given)
    return Unit(name, properties)


def _systemctl(*words: str) -> list[str] | None:
    """Ask systemctl; None: there is none, or it does not answer."""
    try:
        told = subprocess.run(  # noqa: S603 - a fixed command
            ["systemctl", "--no-pager", *words],  # noqa: S607 - wherever the system keeps it
            capture_output=True,
            timeout=_ASKING_S,
            check=True,
            env={**os.environ, "LC_ALL": "C", "SYSTEMD_COLORS": "0"},
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return told.stdout.decode(errors="replace").splitlines()
