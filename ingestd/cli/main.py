"""The group of all commands, and the way from an error to a sentence and an exit code."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any, Final

import click

from ingestd import __version__
from ingestd.cli.options import Common, common_options
from ingestd.cli.short_helps import SHORT_HELPS
from ingestd.errors import ConfigError, Exit, IngestdError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Ended by Ctrl-C, as shells count it (128 + SIGINT).
INTERRUPTED: Final = 130
#: Every command, in the order of the help: its module, and its name there.
_COMMANDS: Final = {
    "run": ("run", "run"),
    "check": ("check", "check"),
    "plan": ("plan", "plan"),
    "status": ("status", "status"),
    "health": ("health", "health"),
    "list": ("reading", "list_rows"),
    "show": ("show", "show"),
    "why": ("show", "why"),
    "wait": ("wait", "wait"),
    "add": ("add", "add"),
    "retry": ("retry", "retry"),
    "approve": ("approve", "approve"),
    "skip": ("approve", "skip"),
    "link": ("link", "link"),
    "forget": ("retry", "forget"),
    "trust": ("trust", "trust"),
    "key": ("key", "key"),
    "config": ("config_show", "config"),
    "pause": ("pause", "pause"),
    "resume": ("pause", "resume"),
    "recover": ("recover", "recover"),
    "audit": ("audit", "audit"),
    "install": ("install", "install"),
    "uninstall": ("install", "uninstall"),
    "completion": ("completion", "completion"),
    "sim": ("sim", "sim"),
    "demo": ("demo", "demo"),
}


class _Commands(click.Group):
    """Imports a command's module when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module, attribute = _COMMANDS[cmd_name]
        found = getattr(importlib.import_module(f"ingestd.cli.{module}"), attribute)
        assert isinstance(found, click.Command)  # noqa: S101 - the table above is ours
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing each for its one line."""
        rows = [(name, SHORT_HELPS.get(name) or self._short_help(ctx, name)) for name in _COMMANDS]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def _short_help(self, ctx: click.Context, name: str) -> str:
        command = self.get_command(ctx, name)
        return "" if command is None else command.get_short_help_str()

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            import difflib  # noqa: PLC0415 - only for this sentence

            near = difflib.get_close_matches(args[0], _COMMANDS, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise click.UsageError(f"There is no command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ingestd", message="%(prog)s %(version)s")
@common_options
def cli() -> None:
    """Watch folders and upload every new video once, until it is searchable.

    Each upload is billed and cannot be taken back: ingestd writes down every file before it
    sends it, and sends no content twice. Try it without a key: ingestd demo
    """


def run_cli(argv: Sequence[str]) -> int:
    """Run one command; errors become one sentence on stderr and an exit code."""
    _forgive_odd_names()
    common = Common()
    try:
        result: Any = cli.main(
            args=list(argv) or ["--help"], prog_name="ingestd", standalone_mode=False, obj=common
        )
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit):  # click turns the first into the second
        return _reader_left()
    except Exception as error:  # noqa: BLE001 - the last resort of the whole program
        if common.debug:
            traceback.print_exc()
        return _told(error)
    return int(result or Exit.DONE)


def _told(error: Exception) -> int:
    """Say what went wrong, and return the exit code for it."""
    if isinstance(error, click.Abort):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    if isinstance(error, ConfigError):
        click.echo(str(error), err=True)  # begins with file:line, which editors understand
        return error.exit_code
    if isinstance(error, IngestdError):
        click.echo(f"ingestd: {error}", err=True)
        return error.exit_code
    if isinstance(error, click.ClickException):
        click.echo(f"ingestd: {error.format_message()}{_where_help(error)}", err=True)
        return Exit.USAGE
    if isinstance(error, OSError):
        click.echo(f"ingestd: {_system_words(error)}", err=True)
        return Exit.PROBLEMS
    kind = type(error).__name__
    click.echo(
        f"ingestd: unexpected error ({kind}: {error}). This is a mistake in ingestd; "
        "run the command again with --debug and report what it prints.",
        err=True,
    )
    return Exit.PROBLEMS


def _where_help(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f" See: {context.command_path} --help" if context else ""


def _system_words(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}."


def _forgive_odd_names() -> None:
    """Let names print that the terminal's encoding cannot say."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _reader_left() -> int:
    """`ingestd list | head`: whoever read has seen enough."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.DONE
