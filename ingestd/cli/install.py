"""`install` and `uninstall`: the service on a machine with systemd."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

import ingestd
from ingestd.cli import words
from ingestd.cli.completion import PLACES, script
from ingestd.cli.install_plan import Site, Wanted, install_steps, uninstall_steps
from ingestd.cli.install_steps import ACCOUNT, ADD_ACCOUNT
from ingestd.cli.options import Common, common_options, dry_run_option
from ingestd.config import clean_key, from_paths, load
from ingestd.errors import Exit, JournalError, UsageError
from ingestd.journal import JournalReader
from ingestd.model import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.cli.install_steps import Step
    from ingestd.config import Settings

_HIDDEN: Final = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108 - hidden by the unit
_LONGEST_KEY: Final = 4096
_HELP_INSTALL: Final = """\b
sudo ingestd install --dry-run /srv/drop     says what it would do
sudo ingestd install /srv/drop               does it; repeating it changes nothing
sudo ingestd install -c my.yaml              with a configuration that you have
sudo ingestd install --name cam /srv/cam     one more, of another account
"""
_CONFIG: Final = """\
# Every key with its default and what it means: config.example.yaml beside this file.
# After a change: sudo systemctl reload {unit}
folders:
"""

name_option = click.option(
    "--name", default="", metavar="NAME", help="One of several, each of an account of its own."
)
root_option = click.option(
    "--root",
    "root",
    type=click.Path(file_okay=False),
    default="/",
    metavar="DIR",
    help="Into an image that is mounted there.",
)


@click.command(epilog=_HELP_INSTALL)
@click.argument("folders", nargs=-1, type=click.Path())
@name_option
@click.option("--key-file", type=click.Path(), metavar="FILE", help="Take the key from there.")
@root_option
@dry_run_option
@common_options
@click.pass_context
def install(
    ctx: click.Context,
    folders: tuple[str, ...],
    *,
    name: str,
    key_file: str | None,
    root: str,
    dry_run: bool,
) -> Exit:
    """Make it a system service that watches these folders: unit, user, configuration, key.

    A configuration and a key that are there already stay as they are.
    """
    site = _site(root, name)
    text, settings = _configuration(site, folders, ctx.ensure_object(Common).config)
    root_command = ctx.find_root().command
    scripts = {place: f"{script(shell, root_command)}\n" for shell, place in PLACES.items()}
    wanted = Wanted(_program(site), settings, text, _key(key_file), scripts)
    steps = install_steps(site, wanted)
    if not _carried_out(site, steps, dry_run=dry_run):
        return Exit.DONE
    for line in _next(site, settings):
        click.echo(line)
    return Exit.DONE


@click.command()
@name_option
@root_option
@dry_run_option
@common_options
def uninstall(*, name: str, root: str, dry_run: bool) -> Exit:
    """Take the service away again. What was configured and what was paid stays."""
    site = _site(root, name)
    if site.has_package and not site.unit_file.exists():
        click.echo("The Debian package brought the service: sudo apt remove ingestd takes it away.")
    if _carried_out(site, uninstall_steps(site), dry_run=dry_run):
        click.echo("The service is gone: nothing is uploaded any more.")
    for line in _left(site):
        click.echo(line)
    return Exit.DONE


def _site(root: str, name: str) -> Site:
    if name and not name.replace("-", "").replace("_", "").isalnum():
        raise UsageError(f"{name!r} is no name for a service: letters, digits, - and _.")
    if name == "config":
        raise UsageError("The one called config is the one without --name.")
    return Site(Path(os.path.abspath(root)), name)  # noqa: PTH100 - links stay


def _carried_out(site: Site, steps: list[Step], *, dry_run: bool) -> bool:
    """Do the steps and say so; False: it was only said what would be done."""
    if not dry_run and site.root == Path("/") and os.geteuid() != 0:
        raise UsageError(
            "Only root may do that: say it again with sudo. With --dry-run it only says what it "
            "would do."
        )
    told = [said for step in steps if (said := step.said())]
    if not told:
        click.echo("There is nothing to do.")
    elif dry_run:
        click.echo("It would do this; nothing is changed now:")
    else:
        click.echo("ingestd now does this:")
    for step in steps:
        if said := step.said():
            click.echo(f"  - {said}")
        if not dry_run:
            step.do()
    return not dry_run


# --- what is to be installed ----------------------------------------------------------------------


def _configuration(
    site: Site, folders: tuple[str, ...], given: str | None
) -> tuple[str | None, Settings]:
    """The text to be written, or None for what is there; and what it means."""
    environ = {name: text for name, text in os.environ.items() if name != "STATE_DIRECTORY"}
    if site.config.exists():
        if folders or (given and Path(given).resolve() != site.config.resolve()):
            raise UsageError(
                f"{site.config} is there already and stays as it is. Change it there, then: "
                f"sudo ingestd check && sudo systemctl reload {site.unit}"
            )
        return None, load(site.config, environ)
    if given:
        settings = load(Path(os.path.abspath(given)), environ)  # noqa: PTH100 - links stay
        return Path(given).read_text(encoding="utf-8"), settings
    if not folders:
        raise UsageError(
            f"Name the folders to watch (sudo ingestd install /srv/drop), or a configuration that "
            f"you have (-c FILE): there is no {site.config} yet."
        )
    full = [os.path.abspath(one) for one in folders]  # noqa: PTH100 - links stay
    for one in full:
        if not os.path.isdir(one):  # noqa: PTH112 - odd bytes
            raise UsageError(
                f"There is no folder {words.printable(one)}. Make it, or name another."
            )
        if not one.isprintable():
            raise UsageError(
                f"{words.printable(one)} cannot be written into a configuration: rename it."
            )
    listed = "".join(f"  - {json.dumps(one, ensure_ascii=False)}\n" for one in full)
    return _CONFIG.format(unit=site.unit) + listed, from_paths(full, environ)


def _key(key_file: str | None) -> str | None:
    """The key: from a file, or from the variable that the shell has."""
    if key_file:
        try:
            with Path(key_file).open("rb") as file:
                told = file.read(_LONGEST_KEY).decode("utf-8-sig", errors="replace")
        except OSError as error:
            raise UsageError(f"{key_file} cannot be read ({error.strerror}).") from error
        return clean_key(told, key_file)
    if os.environ.get("INGESTD_API_KEY", "").strip():
        return clean_key(os.environ["INGESTD_API_KEY"], "INGESTD_API_KEY")
    return None


def _program(site: Site) -> str:
    """Where the service will find this command.

    Raises:
        UsageError: the service's user could not run it.
    """
    named = shutil.which(sys.argv[0]) or sys.argv[0]
    if Path(named).name != "ingestd":  # python -m ingestd
        named = str(Path(sys.executable).with_name("ingestd"))
    program = os.path.abspath(named)  # noqa: PTH100 - a link survives an upgrade
    if site.root != Path("/"):
        return program
    package = str(Path(ingestd.__file__).parent)
    for path in (program, os.path.realpath(program), sys.prefix, sys.base_prefix, package):
        if why := _closed(path):
            raise UsageError(
                f"The service could not run ingestd, which needs {path}: {why}. Install it for all "
                "users, with the system's Python: sudo /usr/bin/python3 -m venv /opt/ingestd && "
                "sudo /opt/ingestd/bin/pip install ingestd (or pipx with PIPX_HOME=/opt/pipx "
                "PIPX_BIN_DIR=/usr/local/bin), then: "
                "sudo /opt/ingestd/bin/ingestd install"
            )
    return program


def _closed(path: str) -> str:
    """Why another user's sandboxed process could not get there; "" if it can."""
    for place in _HIDDEN:
        if path == place or path.startswith(f"{place}/"):
            return f"{place} is hidden from services"
    for above in (Path(path), *Path(path).parents):
        if not above.exists():
            return f"{above} is not there"
        mode = above.stat().st_mode
        if not mode & (stat.S_IXOTH if stat.S_ISDIR(mode) else stat.S_IROTH):
            return f"{above} is closed to other users"
    return ""


# --- what comes next ------------------------------------------------------------------------------


def _next(site: Site, settings: Settings) -> list[str]:
    if site.root != Path("/"):
        return _next_in_image(site)
    at = f" -c {site.config}" if site.name else ""
    lines = []
    if not site.key.exists() and settings.api.key_file is None:
        lines.append(
            f"The key is missing: sudo ingestd key set{at} && sudo systemctl start {site.unit}"
        )
    if not site.has_systemd:
        lines.append("There is no systemd here: the files are in place, nothing was started.")
    lines.append(f"Is everything in order? sudo ingestd check{at}")
    lines.append(f"What would it cost?     sudo ingestd plan{at}")
    lines.append(f"What happens?           sudo ingestd status{at}")
    return lines


def _next_in_image(site: Site) -> list[str]:
    """An image has its own users, which only its own tools should make."""
    root = shlex.quote(str(site.root))
    lines = [
        "The files are in the image. Before its first start it needs the user of the service:",
        f"  sudo chroot {root} {shlex.join(ADD_ACCOUNT)}",
        f"  sudo chroot {root} chgrp -R {ACCOUNT} /etc/ingestd",
        f"  sudo systemctl --root={root} enable {site.unit}",
    ]
    if not site.key.exists():
        lines.append(f"The key is missing: put it into {site.key} (0600, root's).")
    return [*lines, "Then, on the machine that it starts on: sudo ingestd check"]


def _left(site: Site) -> list[str]:
    """What stays, where, and what deleting it means."""
    lines = ["What stays:"]
    if site.config.exists():
        lines.append(f"  {site.config}  the configuration")
    if site.key.exists():
        lines.append(
            f"  {site.key}  the API key; withdraw it at memories.ai if it is not used again"
        )
    if site.state.is_dir():
        lines.append(f"  {site.state}  the journal{_paid(site)}")
        lines.append(
            "  Deleting the journal means paying again: without it, clips that were uploaded and "
            "are seen again are uploaded and billed again."
        )
    lines.append("  your videos, and what memories.ai has of them")
    return lines


def _paid(site: Site) -> str:
    def count(read: Callable[[JournalReader], int]) -> int:
        with JournalReader.open(site.state) as reader:
            return read(reader)

    try:
        paid = count(lambda reader: reader.counts()[State.PARSED] + reader.counts()[State.INDEXING])
    except (JournalError, OSError):
        return ""
    return f", which knows of {words.count(paid, 'clip')} that were paid for"
