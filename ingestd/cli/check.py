"""`check`: is everything as it must be; one line each, with the remedy."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

import click

from ingestd.cli import jsonout, terminal
from ingestd.cli.checking import Grade, Result
from ingestd.cli.checks_far import check_api, check_key
from ingestd.cli.checks_local import (
    Watches,
    check_clock,
    check_disk,
    check_folder,
    check_inotify,
    check_journal,
)
from ingestd.cli.options import common_options, json_option
from ingestd.cli.session import Session, open_session
from ingestd.cli.spans import Line, Span, Tone, line
from ingestd.config import find
from ingestd.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

_TONES = {Grade.OK: Tone.GOOD, Grade.WARN: Tone.WAIT, Grade.FAIL: Tone.BAD}
_HELP_CHECK: Final = """\b
Exit 0: all well, perhaps with warnings; 1: something fails; 2: the configuration is broken.
"""


@click.command(epilog=_HELP_CHECK)
@click.option("--config-only", is_flag=True, help="Only the configuration: no key, no network.")
@json_option
@common_options
@click.pass_context
def check(ctx: click.Context, *, config_only: bool, as_json: bool) -> int:
    """Look whether everything is as it must be, and say the remedy if not."""
    session = open_session(ctx)
    if session.config is None:
        find(None, os.environ)  # says where it looked and what to write
    results = []
    for result in _results(session, config_only=config_only):
        results.append(result)
        if not as_json:
            terminal.show([_line(result)])
    if as_json:
        click.echo(jsonout.dump([result.document() for result in results], indent=2))
    failed = any(result.grade is Grade.FAIL for result in results)
    return Exit.PROBLEMS if failed else Exit.DONE


def _results(session: Session, *, config_only: bool) -> Iterator[Result]:
    settings = session.settings
    folders = len(settings.folders)
    count = f"{folders} folder" if folders == 1 else f"{folders} folders"
    yield Result(Grade.OK, "configuration", f"{session.config}: {count}")
    if config_only:
        return
    key, result = check_key(settings.api, os.environ)
    yield result
    if key is not None:
        yield check_api(settings.api, key)
    watched = Watches()
    for folder in settings.folders:
        result, watches = check_folder(folder)
        watched += watches
        yield result
    yield check_inotify(watched, folders)
    yield check_journal(session.state_dir)
    yield check_clock(time.time())
    yield check_disk(session.state_dir)


def _line(result: Result) -> Line:
    remedy = f" {result.remedy}" if result.remedy else ""
    return line(
        Span(f"{result.grade:<4}", _TONES[result.grade]),
        f"  {result.topic:<14}  {result.text}{'.' if remedy else ''}{remedy}",
    )
