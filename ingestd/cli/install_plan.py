"""From what is to be installed to the steps; looks at nothing but what it is given."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from ingestd.cli.completion import PLACES
from ingestd.cli.install_steps import (
    ACCOUNT,
    MakeAccount,
    MakeDirectory,
    Remove,
    Run,
    Step,
    WriteFile,
)
from ingestd.cli.unit import Unit
from ingestd.config import AfterKind
from ingestd.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ingestd.config import Settings

#: The name of the drop-in that is ours.
DROP_IN = "installed.conf"
#: What a command in our units is called before it is known where it lies.
_PROGRAM = "/usr/bin/ingestd"


@dataclass(frozen=True, slots=True)
class Site:
    """Where things are on a machine; `root` is / but for images and tests."""

    root: Path = Path("/")
    name: str = ""  # of an instance of the template; "": the only one

    def at(self, path: str) -> Path:
        """A path below the root."""
        return self.root / path.lstrip("/")

    @property
    def unit(self) -> str:
        """What systemd calls it."""
        return f"ingestd@{self.name}" if self.name else "ingestd"

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.at(f"/etc/ingestd/{self.name or 'config'}.yaml")

    @property
    def key(self) -> Path:
        """The file of the key."""
        return self.at(f"/etc/ingestd/{self.name}.api-key" if self.name else "/etc/ingestd/api-key")

    @property
    def state(self) -> Path:
        """The state directory."""
        return self.at(f"/var/lib/ingestd/{self.name}" if self.name else "/var/lib/ingestd")

    @property
    def units(self) -> Path:
        """Where units of the administrator lie."""
        return self.at("/etc/systemd/system")

    @property
    def unit_file(self) -> Path:
        """The unit."""
        return self.units / ("ingestd@.service" if self.name else "ingestd.service")

    @property
    def drop_ins(self) -> Path:
        """The directory of what this machine changes of the unit."""
        return self.units / f"{self.unit}.service.d"

    @property
    def has_package(self) -> bool:
        """Whether a package brought the unit."""
        places = ("/lib/systemd/system", "/usr/lib/systemd/system")
        return any((self.at(one) / self.unit_file.name).exists() for one in places)

    @property
    def has_systemd(self) -> bool:
        """Whether a systemd runs there."""
        return self.root == Path("/") and Path("/run/systemd/system").is_dir()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be installed."""

    program: str  # the command, where the service will find it
    settings: Settings  # of the configuration that will be in force
    config_text: str | None  # None: the one that is there
    key: str | None  # None: the one that is there, or none yet
    completions: Mapping[str, str] = field(default_factory=dict)  # of shells: path and script


def install_steps(site: Site, wanted: Wanted) -> list[Step]:
    """The steps of an installation, in their order; repeating them changes nothing."""
    steps: list[Step] = [MakeAccount()] if site.root == Path("/") else []
    steps.append(MakeDirectory(site.config.parent, 0o750, ACCOUNT))
    if wanted.config_text is not None:
        steps.append(WriteFile(site.config, wanted.config_text, 0o640, ACCOUNT, keep=True))
    example = site.config.with_name("config.example.yaml")
    steps.append(WriteFile(example, shipped("config.example.yaml"), 0o644))
    if wanted.key is not None:
        steps.append(WriteFile(site.key, f"{wanted.key}\n", 0o600, shown=False))
    if not site.has_package:
        for place, script in wanted.completions.items():
            steps.append(MakeDirectory(site.at(place).parent, 0o755))
            steps.append(WriteFile(site.at(place), script, 0o644, shown=False))
        steps.append(MakeDirectory(site.units, 0o755))
        steps.append(WriteFile(site.unit_file, unit_text(site, wanted.program), 0o644))
    lines = drop_in(site, wanted.settings)
    if lines:
        steps.append(MakeDirectory(site.drop_ins, 0o755))
        text = "".join(f"{line}\n" for line in ("[Service]", *lines))
        steps.append(WriteFile(site.drop_ins / DROP_IN, text, 0o644))
    else:
        steps.append(Remove(site.drop_ins / DROP_IN))
    if site.has_systemd:
        steps += [Run(("systemctl", "daemon-reload")), Run(("systemctl", "enable", site.unit))]
        if wanted.key is not None or site.key.exists():
            steps.append(Run(("systemctl", "restart", site.unit)))
    return steps


def uninstall_steps(site: Site) -> list[Step]:
    """The steps back: everything but what was configured and what was paid."""
    steps: list[Step] = []
    if site.has_systemd:
        steps.append(Run(("systemctl", "disable", "--now", site.unit), may_fail=True))
    steps += [Remove(site.drop_ins / DROP_IN), Remove(site.drop_ins)]
    others = [one for one in site.config.parent.glob("*.yaml") if one != site.config]
    if not site.name or not others:  # the template serves other instances too
        steps.append(Remove(site.unit_file))
    steps.append(Remove(site.config.with_name("config.example.yaml")))
    template = site.units / "ingestd@.service"
    if not (others if site.name else template.exists()):  # else they serve others too
        steps += [Remove(site.at(place)) for place in PLACES.values()]
    if site.has_systemd:
        steps.append(Run(("systemctl", "daemon-reload")))
    return steps


def shipped(name: str) -> str:
    """The text of a file that comes with the program.

    In a wheel it lies in the package; in a working copy at its top or in systemd/.
    """
    package = resources.files("ingestd")
    top = Path(str(package)).parent
    for place in (package / "shipped" / name, top / name, top / "systemd" / name):
        if place.is_file():
            return place.read_text(encoding="utf-8")
    raise UsageError(f"{name} is missing from this installation of ingestd: install it again.")


def unit_text(site: Site, program: str) -> str:
    """Our unit, with the command where it really lies."""
    return shipped(site.unit_file.name).replace(f"={_PROGRAM} ", f"={_escaped(program)} ")


def _escaped(path: str) -> str:
    """Write a path for systemd.syntax(7)."""
    text = path.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{text}"' if re.search(r"[\s'\"]", path) else text


def drop_in(site: Site, settings: Settings) -> list[str]:
    """What of the sandbox must be opened for these folders, as lines of a drop-in."""
    unit = Unit(site.unit, _properties(site))
    found: dict[str, None] = {}
    for path, change in _needed(settings):
        hidden = unit.hides(path, change=change)
        if hidden is None:
            continue
        for line in hidden.lines:
            key, _, value = line.partition("=")
            # -: one that is not there yet must not keep the service from starting
            found[f"{key}={_escaped(f'-{value}')}" if value.startswith("/") else line] = None
    return list(found)


def _properties(site: Site) -> dict[str, str]:
    lines = shipped(site.unit_file.name).splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return dict(pairs)


def _needed(settings: Settings) -> Iterator[tuple[str, bool]]:
    """Every directory the service uses, and whether files there are written, moved or deleted."""
    for folder in settings.folders:
        after = (folder.after_parsed, folder.after_duplicate, folder.after_rejected)
        targets = [str(one.move_to) for one in after if one.move_to is not None]
        changes = folder.prune_empty or any(one.kind is not AfterKind.KEEP for one in after)
        if changes:
            yield from ((path, True) for path in _together(str(folder.path), targets))
        else:
            yield str(folder.path), False
    if settings.mirror_dir is not None:
        yield str(settings.mirror_dir), True


def _together(folder: str, targets: Iterable[str]) -> list[str]:
    """A folder and what its files are moved to, as one directory above both where that is narrow.

    Two that are opened one by one are two mounts for the service: moving would mean copying.
    """
    places = [folder]
    for target in targets:
        common = os.path.commonpath([places[0], target])
        if common.count("/") > 1 or common in (places[0], target):
            places[0] = common
        else:
            places.append(target)
    return list(dict.fromkeys(places))
