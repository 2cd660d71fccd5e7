"""The manual page and the short helps, written from the commands: `make man` runs this.

Short helps stand in a table of their own so that `ingestd --help` imports no command.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from ingestd.cli.main import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Longer short helps are cut by click, with dots at their end; the terminal wraps them.
LONGEST = 80
_TAIL = """\
.SH FILES
.TP
.I /etc/ingestd/config.yaml
The configuration of the service; each NAME.yaml beside it is one of ingestd@NAME.
.TP
.I ~/.config/ingestd/config.yaml
Your own.
.TP
.I /var/lib/ingestd, ~/.local/state/ingestd
The journal: which clips were sent, paid and found. Losing it costs money.
.SH ENVIRONMENT
.TP
.B INGESTD_CONFIG
The configuration file, where \\-c names none.
.TP
.B INGESTD_API_KEY, INGESTD_API_KEY_FILE
The key, or the file that holds it; better a file or a systemd credential (api\\-key).
.TP
.B INGESTD_LOG_LEVEL, INGESTD_LOG_FORMAT
Go before log.level and log.format.
.TP
.B NO_COLOR
Colours nothing.
.SH EXIT STATUS
0 done; 1 done, with files or checks that failed; 2 wrong usage or configuration; 3 another ingestd
holds this state directory, or (health) not running; 4 the journal cannot be used or is not there;
5 stopped early.
.SH SEE ALSO
.BR systemctl (1),
.BR journalctl (1)
"""


def manual() -> str:
    """Write ingestd(1)."""
    context = _context(cli, None)
    lines = [
        '.TH INGESTD 1 "" "" "ingestd"',
        ".SH NAME",
        r"ingestd \- watch folders and upload every new video once",
        ".SH SYNOPSIS",
        r".B ingestd",
        r"[\-c FILE] COMMAND [ARGUMENTS]",
        ".SH DESCRIPTION",
        *_paragraphs(cli.help),
        ".SH COMMANDS",
    ]
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        if command is not None and not command.hidden:
            lines += _command(command, _context(command, context))
    return "\n".join(lines) + "\n" + _TAIL


def short_helps() -> str:
    """Write the module that `ingestd --help` reads."""
    context = _context(cli, None)
    commands = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    told = "".join(
        f"    {json.dumps(name)}: {json.dumps(command.get_short_help_str(LONGEST))},\n"
        for name, command in commands.items()
        if command is not None and not command.hidden
    )
    return (
        '"""What each command does, for `ingestd --help`; written by `make man`."""\n\n'
        "from __future__ import annotations\n\nfrom typing import Final\n\n"
        f"SHORT_HELPS: Final = {{\n{told}}}\n"
    )


def _context(command: click.Command, parent: click.Context | None) -> click.Context:
    name = "ingestd" if parent is None else command.name
    return click.Context(command, info_name=name, parent=parent, **command.context_settings)


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".SS {_text(context.command_path)} {_text(usage)}"
    yield from _paragraphs(command.help)
    for parameter in command.get_params(context):
        told = parameter.get_help_record(context)
        if isinstance(parameter, click.Option) and told is not None and told[0] not in _EVERYWHERE:
            yield from (".TP", f".B {_text(told[0])}", *_lines(told[1]))
    if command.epilog:
        yield from (".PP", *_paragraphs(command.epilog))
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                yield from _command(inner, _context(inner, context))


#: Options of every command, told once.
_EVERYWHERE = frozenset({"-h, --help", "--help", "--debug", "-c, --config FILE"})


def _paragraphs(text: str | None) -> Iterator[str]:
    for paragraph in (text or "").strip().split("\n\n"):
        yield ".PP"
        if paragraph.startswith("\b"):  # click: lines as they are
            yield from (".nf", *_lines(paragraph.strip("\b\n")), ".fi")
        else:
            yield from _lines(paragraph)


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        shown = _text(line.strip())
        yield rf"\&{shown}" if shown.startswith((".", "'")) else shown


def _text(text: str) -> str:
    return text.replace("\\", r"\e").replace("-", r"\-")


if __name__ == "__main__":
    sys.stdout.write(manual() if sys.argv[1:] == ["manual"] else short_helps())
