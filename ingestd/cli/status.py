"""`status`: the screen, once or again and again."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import click

from ingestd.cli import jsonout, terminal, words
from ingestd.cli.options import common_options, json_option
from ingestd.cli.patience import Unanswered, patiently
from ingestd.cli.session import absolute, become_owner, open_journal, open_session
from ingestd.cli.spans import plain
from ingestd.cli.status_facts import gather
from ingestd.cli.status_offline import next_keys
from ingestd.cli.status_report import make_report
from ingestd.cli.status_screen import render
from ingestd.cli.status_values import OK
from ingestd.errors import IngestdError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.cli.status_values import Report

#: Seconds between two looks of `--follow`.
PERIOD: Final = 1.0


@click.command()
@click.argument("path", required=False, type=click.Path())
@click.option("-f", "--follow", is_flag=True, help="Keep showing it until Ctrl-C.")
@json_option
@common_options
@click.pass_context
def status(ctx: click.Context, path: str | None, *, follow: bool, as_json: bool) -> None:
    """Show what happens now and what needs you.

    With a PATH only that subtree: is this card through?
    """
    session = open_session(ctx)
    keys = next_keys(session)  # may be readable by root only
    become_owner(session.state_dir)
    under = None if path is None else absolute(path)
    with open_journal(session) as reader:

        def report() -> Report:
            return make_report(gather(session, reader, under, keys))

        if under is not None:
            _require_something(under, report())
        if follow:
            _follow(report, as_json=as_json)
        else:
            _once(report(), as_json=as_json)


def _require_something(under: str, report: Report) -> None:
    """Refuse a path that means nothing: who mistyped a card's name must not read that all is well.

    A folder that is away is no such thing: its state says what is the matter.

    Raises:
        IngestdError: nothing lies there, and the journal has no row there.
    """
    away = any(folder.live.state != OK for folder in report.folders)
    if away or any(report.counts.values()):
        return
    with suppress(Unanswered):
        if not patiently(lambda: os.path.lexists(under)):
            raise IngestdError(
                f"Nothing lies at {words.printable(under)}, and no row of the journal is about it: "
                "is the path right? See: ingestd list"
            )


def _once(report: Report, *, as_json: bool) -> None:
    if as_json:
        click.echo(jsonout.dump(jsonout.status(report), indent=2))
    else:
        terminal.show(render(report))


def _follow(report: Callable[[], Report], *, as_json: bool) -> None:
    """Until Ctrl-C, which is how this is meant to end."""
    try:
        if as_json or not terminal.is_terminal():
            _follow_lines(report, as_json=as_json)
        with terminal.moving() as draw:
            while True:
                draw(render(report(), bars=True))
                time.sleep(PERIOD)
    except KeyboardInterrupt:
        return


def _follow_lines(report: Callable[[], Report], *, as_json: bool) -> None:
    """One document a line, or the screen again whenever something moved."""
    before: object = None
    while True:
        now = report()
        told = (now.counts, now.gates, now.queue, now.uploads, now.running)
        if told != before:
            text = jsonout.dump(jsonout.status(now)) if as_json else plain(render(now))
            click.echo(text)
            sys.stdout.flush()
            before = told
        time.sleep(PERIOD)
