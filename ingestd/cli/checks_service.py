"""Checks of the service: who runs it, and whether that user may read what it starts with."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from ingestd.cli import words
from ingestd.cli.account import account, refusal, user_name
from ingestd.cli.apart import NoAnswerError, in_child
from ingestd.cli.checking import Grade, Result
from ingestd.cli.checks_folder import Service
from ingestd.cli.unit import Unit, find_unit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOOKING_S: Final = 3.0
_GOOD: Final = ("active", "activating", "reloading")


def find_service(config: Path, state_dir: Path) -> tuple[Service | None, list[Result]]:
    """Find out as root who runs this configuration: its unit's user, or its journal's owner."""
    unit = find_unit(config)
    results = [] if unit is None else [_unit(unit)]
    if os.geteuid() != 0:
        return None, results
    user = unit.user if unit else _owner(state_dir)
    if user is None or user in ("root", "0"):
        return None, results
    group, more = (unit.get("Group"), unit.get("SupplementaryGroups").split()) if unit else ("", ())
    who = account(user, group, more)
    if who is None and unit and unit.get("DynamicUser") == "yes":
        return None, results  # it is made when the service starts
    if who is None:
        text = f"the service runs as user {user}, or in a group, that does not exist"
        remedy = f"Run: sudo useradd --system --no-create-home --shell /usr/sbin/nologin {user}"
        return None, [*results, Result(Grade.FAIL, "service", text, remedy)]
    return Service(who, unit), results


def _owner(state_dir: Path) -> str | None:
    try:
        return user_name(state_dir.stat().st_uid)
    except OSError:
        return None


def _unit(unit: Unit) -> Result:
    state, how = unit.get("ActiveState"), unit.get("UnitFileState")
    text = f"{unit.name}.service is {state} ({how}), as user {unit.user}"
    if state == "failed":
        remedy = f"Why: journalctl -u {unit.name} -n 30, then: {unit.restart}"
        return Result(Grade.FAIL, "service", text, remedy)
    if state not in _GOOD or how == "disabled":
        remedy = f"Start it now and at boot: sudo systemctl enable --now {unit.name}"
        return Result(Grade.WARN, "service", text, remedy)
    return Result(Grade.OK, "service", text)


def check_files(service: Service, files: dict[str, Path]) -> Iterator[Result]:
    """Look as the service's user at the files that it starts with; only what is wrong is told."""
    for topic, path in files.items():
        real = os.path.realpath(path)
        hidden = service.unit.hides(real, change=False) if service.unit else None
        if hidden:
            text = f"{words.printable(real)}: {hidden.why}"
            remedy = "Install or move it to a place outside the homes, such as /opt or /etc."
            yield Result(Grade.FAIL, topic, text, remedy)
            continue
        refused = _refused(service, real)
        if refused is not None:
            yield Result(Grade.FAIL, topic, *refused)


def _refused(service: Service, path: str) -> tuple[str, str] | None:
    who = service.who
    try:
        found = in_child(lambda: refusal(who, path, change=False), _LOOKING_S)
    except NoAnswerError:
        return None
    if found is None:
        return None
    return found.sentence(who.name), found.remedy(who.name, service.restart)
